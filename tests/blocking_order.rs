//! The order in which closures start, and closures that wait for one another.

mod common;

use common::{HANG, Hog, settled};
use offtick::{Builder, Handle, LocalBuilder, Priority, Runtime, Status, Task, TaskError};
use std::sync::{Arc, Mutex, mpsc};

fn with_threads(threads: usize) -> Runtime {
    Builder::new().blocking_threads(threads).build().expect("a runtime is built")
}

/// Checks that each closure overtook at most `bound` of those that were submitted before it.
fn assert_overtakes_at_most(bound: usize, started: &[usize]) {
    let mut sorted = Vec::new();
    for (position, &job) in started.iter().enumerate().rev() {
        // All that started later; those with a smaller number were overtaken.
        let overtaken = sorted.partition_point(|&later| later < job);
        assert!(overtaken <= bound, "closure {job}, started as number {position}, overtook {overtaken}");
        sorted.insert(overtaken, job);
    }
}

#[test]
fn one_thread_starts_closures_exactly_in_the_order_of_their_submission() {
    for jobs in [10, 100, 5_000] {
        let rt = with_threads(1);
        let hog = Hog::pool(rt.handle());
        let log = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..jobs)
            .map(|job| {
                let log = Arc::clone(&log);
                rt.spawn_blocking(move || log.lock().unwrap().push(job))
            })
            .collect();
        hog.release();
        tasks.into_iter().for_each(settled);
        assert!(log.lock().unwrap().iter().copied().eq(0..jobs));
    }
}

#[test]
fn with_n_threads_a_closure_overtakes_fewer_than_n() {
    for threads in [2, 3, 8] {
        let rt = with_threads(threads);
        let log = Arc::new(Mutex::new(Vec::new()));
        let tasks: Vec<_> = (0..5_000)
            .map(|job| {
                let log = Arc::clone(&log);
                rt.spawn_blocking(move || log.lock().unwrap().push(job))
            })
            .collect();
        tasks.into_iter().for_each(settled);
        assert_overtakes_at_most(threads - 1, &log.lock().unwrap());
    }
}

#[test]
fn closures_of_a_closure_stand_in_the_same_line_as_those_from_outside() {
    let rt = with_threads(1);
    let hog = Hog::pool(rt.handle());
    let log = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| {
        let log = Arc::clone(&log);
        move || log.lock().unwrap().push(name)
    };
    let (inner, first, second) = (rt.handle().clone(), note("inside 1"), note("inside 2"));
    let outer = rt.spawn_blocking(move || [inner.spawn_blocking(first), inner.spawn_blocking(second)]);
    let outside = [rt.spawn_blocking(note("outside 1")), rt.spawn_blocking(note("outside 2"))];
    hog.release();
    settled(outer).into_iter().for_each(settled);
    outside.into_iter().for_each(settled);
    assert_eq!(*log.lock().unwrap(), ["outside 1", "outside 2", "inside 1", "inside 2"]);
}

#[test]
fn urgent_closures_go_first_and_pass_over_the_others_a_bounded_number_of_times() {
    const URGENT: usize = 100;
    let inline = LocalBuilder::new().blocking_inline().build().unwrap();
    let threaded = with_threads(1);
    let hog = Hog::pool(threaded.handle());
    let run = |rt: &Handle| {
        let log = Arc::new(Mutex::new(Vec::new()));
        let spawn = |priority: Priority| {
            let log = Arc::clone(&log);
            rt.task().priority(priority).spawn_blocking(move |_cx| log.lock().unwrap().push(priority))
        };
        let mut tasks = vec![spawn(Priority::Background), spawn(Priority::UserVisible)];
        tasks.extend((0..URGENT).map(|_| spawn(Priority::UserBlocking)));
        (tasks, log)
    };
    let (tasks, log) = run(threaded.handle());
    hog.release();
    tasks.into_iter().for_each(settled);
    let (_tasks, inline_log) = run(inline.handle());
    inline.tick(offtick::Budget::unlimited()).unwrap();
    for log in [log, inline_log] {
        let log = log.lock().unwrap();
        let position = |priority| log.iter().position(|&other| other == priority);
        assert_eq!(position(Priority::UserBlocking), Some(0));
        assert_eq!(position(Priority::UserVisible), Some(8));
        assert_eq!(position(Priority::Background), Some(32));
    }
}

/// Each closure waits for the one submitted before it; returns the last.
fn chain(rt: &Runtime, length: usize) -> Task<usize> {
    let mut last = rt.spawn_blocking(|| 0);
    for _ in 0..length {
        let mut before = last;
        last = rt.spawn_blocking(move || before.wait().map_or(0, |sum| sum + 1));
    }
    last
}

#[test]
fn closures_that_wait_for_earlier_ones_never_deadlock() {
    for (threads, length) in [(1, 1_000), (2, 1_000), (3, 1_000), (4, 1_000), (8, 5_000), (64, 5_000)] {
        let rt = with_threads(threads);
        let hog = Hog::pool(rt.handle());
        let mut last = chain(&rt, length);
        hog.release();
        assert_eq!(last.wait_timeout(HANG).expect("no deadlock").unwrap(), length, "{threads} threads");
    }
}

#[test]
#[ignore = "starts 512 threads"]
fn closures_that_wait_for_earlier_ones_never_deadlock_at_the_default_limit() {
    let rt = with_threads(512);
    let hog = Hog::pool(rt.handle());
    let mut last = chain(&rt, 50_000);
    hog.release();
    assert_eq!(last.wait_timeout(HANG).expect("no deadlock").unwrap(), 50_000);
}

#[test]
fn closures_that_wait_by_other_means_for_earlier_ones_never_deadlock() {
    let rt = with_threads(2);
    let hog = Hog::pool(rt.handle());
    let (first, mut before) = mpsc::channel();
    for _ in 0..1_000 {
        let (done, after) = mpsc::channel();
        let waits_for = std::mem::replace(&mut before, after);
        rt.spawn_blocking(move || done.send(waits_for.recv().unwrap())).detach();
    }
    first.send("all of them").unwrap();
    hog.release();
    assert_eq!(before.recv_timeout(HANG), Ok("all of them"));
}

/// A closure that submits another and waits for it, `depth` times over.
fn descend(rt: &Handle, depth: usize) -> Result<usize, TaskError> {
    if depth == 0 {
        return Ok(0);
    }
    let inner = rt.clone();
    rt.spawn_blocking(move || descend(&inner, depth - 1)).wait()?.map(|deep| deep + 1)
}

#[test]
fn a_wait_that_would_leave_no_thread_is_refused() {
    for threads in [1, 2, 3, 8] {
        let rt = with_threads(threads);
        // Each level takes a thread: the last closure runs on the last thread.
        assert_eq!(descend(rt.handle(), threads).unwrap(), threads);
        let error = descend(rt.handle(), threads + 1).expect_err("one more than there are threads");
        assert!(matches!(error, TaskError::WouldDeadlock), "{error}");
        assert_eq!(settled(rt.spawn_blocking(|| 7)), 7, "the pool goes on");
    }
}

#[test]
fn a_refused_wait_leaves_the_task_as_it_is() {
    let rt = with_threads(1);
    let inner = rt.handle().clone();
    let mut returned = settled(rt.spawn_blocking(move || {
        let mut task = inner.spawn_blocking(|| 5);
        assert!(matches!(task.wait(), Err(TaskError::WouldDeadlock)));
        assert!(matches!(task.wait_timeout(HANG), Some(Err(TaskError::WouldDeadlock))));
        let shared = task.share();
        assert!(matches!(shared.wait(), Err(TaskError::WouldDeadlock)));
        assert_eq!(shared.status(), Status::Pending);
        shared
    }));
    assert_eq!(*returned.wait().unwrap(), 5);
    returned = returned.clone();
    assert!(returned.is_done());
}

#[test]
fn a_wait_with_a_time_limit_frees_its_thread_for_later_waits() {
    let rt = with_threads(2);
    let (inner, (release, blocked)) = (rt.handle().clone(), mpsc::channel::<()>());
    let never = rt.spawn_blocking(move || blocked.recv().is_err());
    let answer = settled(rt.spawn_blocking(move || {
        let mut never = never;
        assert!(never.wait_timeout(std::time::Duration::ZERO).is_none(), "it runs");
        // This thread is not taken for one that waits: its own wait is the only one.
        drop(release);
        let first = never.wait().unwrap();
        (first, inner.spawn_blocking(|| 3).wait().unwrap())
    }));
    assert_eq!(answer, (true, 3));
}
