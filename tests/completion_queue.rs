//! `CompletionQueue`: the result of each task once, from any thread, in the order of the ends; and what a host leaves of
//! anything that hands out many things keeps the update flag up.
#![cfg(feature = "toolkit")]

mod common;

use common::{quiet_planned_panics, runtime};
use offtick::{Budget, CompletionQueue, Runtime, Task, TaskError, TaskPool, TaskSet};
use std::collections::HashMap;
use std::future::pending;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::Duration;

/// Drains until `count` results came out.
fn collect<K: Send + 'static, T: Send + 'static>(
    queue: &CompletionQueue<K, T>,
    count: usize,
) -> Vec<(K, Result<T, TaskError>)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.extend(queue.drain());
        thread::yield_now();
    }
    seen
}

#[test]
fn every_kind_of_end_comes_out_once() {
    quiet_planned_panics();
    let rt = runtime();
    let queue = CompletionQueue::new(&rt);
    queue.add(0, rt.spawn(async { 1 }));
    queue.add(1, rt.run(async { Err::<i32, _>("no") }));
    queue.add(2, rt.spawn(async { panic!("planned") }));
    let cancelled = rt.spawn(pending());
    cancelled.cancel();
    queue.add(3, cancelled);
    queue.add(4, rt.spawn_blocking(|| panic!("planned")));
    queue.add(5, rt.spawn_blocking(|| 6));
    let over = rt.spawn(async { 7 });
    common::until(|| over.is_done());
    queue.add(6, over);
    assert!(!queue.is_empty());
    let ends: HashMap<_, _> = collect(&queue, 7).into_iter().collect();
    assert!(matches!(ends[&0], Ok(1)));
    assert!(matches!(ends[&1], Err(TaskError::Failed(_))));
    assert!(matches!(ends[&2], Err(TaskError::Panicked(_))));
    assert!(matches!(ends[&3], Err(TaskError::Cancelled)));
    assert!(matches!(ends[&4], Err(TaskError::Panicked(_))));
    assert!(matches!((&ends[&5], &ends[&6]), (Ok(6), Ok(7))));
    assert!(queue.is_empty() && queue.drain().next().is_none());
}

#[test]
fn results_come_in_the_order_of_the_ends_and_keys_may_repeat() {
    let rt = runtime();
    let queue = CompletionQueue::new(&rt);
    let mut gates = Vec::new();
    for number in 0..4 {
        let (open, gate) = std::sync::mpsc::channel::<()>();
        gates.push(open);
        queue.add(
            "same",
            rt.spawn_blocking(move || {
                gate.recv().ok();
                number
            }),
        );
    }
    for number in [2, 0, 3, 1] {
        gates[number].send(()).unwrap();
        assert_eq!(collect(&queue, 1)[0].1.as_ref().ok(), Some(&number));
    }
}

/// A value that notes where it was dropped.
struct Traced(Arc<Mutex<Vec<ThreadId>>>);

impl Drop for Traced {
    fn drop(&mut self) {
        self.0.lock().unwrap().push(thread::current().id());
    }
}

/// What a task holds beside its value goes where the task ends; the tick gets the value.
#[test]
fn the_host_drops_no_task() {
    let rt = runtime();
    let (captured, values) = (Arc::default(), Arc::default());
    let queue = CompletionQueue::new(&rt);
    for number in 0..20 {
        let (held, value) = (Traced(Arc::clone(&captured)), Traced(Arc::clone(&values)));
        queue.add(
            number,
            rt.spawn_blocking(move || {
                let _held = held;
                value
            }),
        );
    }
    let mut results = Vec::new();
    while results.len() < 20 {
        results.extend(queue.drain().map(|(_, result)| result.unwrap()));
        thread::yield_now();
    }
    assert!(values.lock().unwrap().is_empty());
    drop(results);
    let here = thread::current().id();
    assert!(captured.lock().unwrap().iter().all(|thread| *thread != here));
    assert!(values.lock().unwrap().iter().all(|thread| *thread == here));
}

#[test]
fn a_queue_that_is_dropped_cancels_its_tasks_and_drops_its_results() {
    let dropped = Arc::new(AtomicUsize::new(0));
    struct Count(Arc<AtomicUsize>);
    impl Drop for Count {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let rt = runtime();
    let queue = CompletionQueue::new(&rt);
    let (kept, value) = (Count(Arc::clone(&dropped)), Count(Arc::clone(&dropped)));
    let waits = rt.spawn(async move {
        pending::<()>().await;
        kept
    });
    let control = waits.cancel_handle();
    queue.add(1, waits);
    let ends = rt.spawn(async move { value });
    common::until(|| ends.is_done());
    queue.add(2, ends);
    drop(queue);
    common::until(|| control.is_done() && dropped.load(Ordering::Relaxed) == 2);
}

#[test]
fn tasks_are_added_and_end_on_many_threads() {
    const EACH: usize = 2_000;
    let rt = runtime();
    let queue = Arc::new(CompletionQueue::new(&rt));
    let adders: Vec<_> = (0..4)
        .map(|adder| {
            let (queue, handle) = (Arc::clone(&queue), rt.handle().clone());
            thread::spawn(move || {
                for number in adder * EACH..(adder + 1) * EACH {
                    let task = match number % 3 {
                        0 => handle.spawn(async move { number }),
                        1 => handle.spawn_blocking(move || number),
                        _ => handle.spawn_eager(async move { number }),
                    };
                    queue.add(number, task);
                }
            })
        })
        .collect();
    let mut seen = Vec::new();
    while seen.len() < 4 * EACH {
        for (key, result) in Budget::polls(100).take_from(queue.drain()) {
            assert_eq!(key, result.unwrap());
            seen.push(key);
        }
        thread::yield_now();
    }
    adders.into_iter().for_each(|adder| adder.join().unwrap());
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..4 * EACH));
    assert!(queue.is_empty());
}

#[test]
fn a_drain_inside_a_drain_gets_nothing_and_loses_nothing() {
    let rt = runtime();
    let queue = CompletionQueue::new(&rt);
    let tasks: Vec<_> = (0..3).map(|_| rt.spawn(async {})).collect();
    settle(&rt, &tasks);
    tasks.into_iter().for_each(|task| queue.add((), task));
    let mut outer = queue.drain();
    assert!(outer.next().is_some());
    assert_eq!(queue.drain().count(), 0);
    drop(outer);
    assert_eq!(collect(&queue, 2).len(), 2);
}

/// Waits until `tasks` are over and have raised the update flag.
fn settle<T, P>(rt: &Runtime, tasks: &[Task<T, P>]) {
    common::until(|| tasks.iter().all(Task::is_done));
    reactor_has_come_round(rt);
}

/// What the reactor thread has begun is done, the raising of the flag included. Leaves nothing behind that would raise it.
fn reactor_has_come_round(rt: &Runtime) {
    let (polled, seen) = std::sync::mpsc::channel();
    let probe = rt.spawn(async move {
        polled.send(()).ok();
        pending::<()>().await;
    });
    seen.recv_timeout(common::HANG).expect("the reactor works");
    std::mem::forget(probe);
}

/// Takes `some` of what there is, then the rest; the flag is up in between, and down in the end.
fn leftovers_keep_the_flag_up(rt: &Runtime, what: &str, mut take: impl FnMut(usize) -> usize, all: usize) {
    while rt.take_update() {}
    assert_eq!(take(0), 0, "{what}: an empty budget");
    assert!(rt.take_update(), "{what}: all is left");
    assert_eq!(take(2), 2);
    assert!(rt.take_update(), "{what}: some is left");
    assert!(!rt.take_update(), "{what}: told once");
    assert_eq!(take(usize::MAX), all - 2);
    assert!(!rt.take_update(), "{what}: nothing is left");
    assert_eq!(take(usize::MAX), 0);
    assert!(!rt.take_update(), "{what}: nothing was there");
}

#[test]
fn what_is_left_keeps_the_update_flag_up() {
    let rt = runtime();
    let tasks = || (0..5).map(|number| rt.spawn(async move { number })).collect::<Vec<_>>();

    let made = tasks();
    settle(&rt, &made);
    let mut set = TaskSet::new();
    made.into_iter().enumerate().for_each(|(key, task)| drop(set.insert(key, task)));
    leftovers_keep_the_flag_up(&rt, "set", |most| Budget::polls(most).take_from(set.drain_finished()).count(), 5);

    let made = tasks();
    settle(&rt, &made);
    let queue = CompletionQueue::new(&rt);
    made.into_iter().enumerate().for_each(|(key, task)| queue.add(key, task));
    leftovers_keep_the_flag_up(&rt, "queue", |most| Budget::polls(most).take_from(queue.drain()).count(), 5);

    let report = rt.task().progress::<u8>(8).spawn(|mut cx| async move { (0..5).for_each(|step| cx.report(step)) });
    settle(&rt, std::slice::from_ref(&report));
    leftovers_keep_the_flag_up(&rt, "progress", |most| Budget::polls(most).take_from(report.progress()).count(), 5);
    let shared = rt.task().progress::<u8>(8).spawn(|mut cx| async move { (0..5).for_each(|step| cx.report(step)) });
    settle(&rt, std::slice::from_ref(&shared));
    let shared = shared.share();
    leftovers_keep_the_flag_up(&rt, "shared", |most| shared.progress().take(most).count(), 5);
}

#[test]
fn what_is_left_of_a_map_keeps_the_update_flag_up() {
    let rt = runtime();
    let pool = TaskPool::new(&rt, 8).unwrap();
    let mut map = pool.map(0..5, |number| async move { number });
    assert_eq!(Budget::polls(0).take_from(map.drain_finished()).count(), 0);
    common::until(|| pool.progress().done == 5);
    reactor_has_come_round(&rt);
    leftovers_keep_the_flag_up(&rt, "map", |most| Budget::polls(most).take_from(map.drain_finished()).count(), 5);

    let mut ordered = pool.map(0..5, |number| async move { number }).in_order();
    assert_eq!(ordered.drain_finished().take(0).count(), 0);
    common::until(|| pool.progress().done == 10);
    reactor_has_come_round(&rt);
    leftovers_keep_the_flag_up(&rt, "ordered", |most| ordered.drain_finished().take(most).count(), 5);
}

#[test]
fn a_budget_of_time_gives_one_item_at_least() {
    let mut items = Budget::time(Duration::from_nanos(1)).take_from(0..10);
    assert_eq!(items.next(), Some(0));
    common::until(|| items.next().is_none());
    assert_eq!(items.next(), None, "it ends for good");
    assert_eq!(Budget::time(Duration::ZERO).take_from(0..10).next(), None);
    assert_eq!(Budget::unlimited().take_from(0..10).count(), 10);
    let bounded = Budget::polls(3).take_from(0..10);
    assert_eq!(bounded.size_hint(), (3, Some(3)));
    assert!(bounded.eq(0..3));
}

/// A waker whose drop adds a task to the queue.
struct Adds {
    queue: Arc<CompletionQueue<u8, ()>>,
    rt: offtick::Handle,
    drops: common::Tally,
}

impl std::task::Wake for Adds {
    fn wake(self: Arc<Self>) {}
}

impl Drop for Adds {
    fn drop(&mut self) {
        self.queue.add(2, self.rt.spawn(async {}));
        self.drops.note();
    }
}

/// A task that was polled before gives up the waker of that poll when it is added: that is user code, under no lock.
#[test]
fn the_waker_that_a_task_gives_up_may_use_the_queue() {
    let rt = runtime();
    let queue = Arc::new(CompletionQueue::new(&rt));
    let drops = common::Tally::new();
    let mut task = rt.spawn(pending::<()>());
    let adds = Adds { queue: Arc::clone(&queue), rt: rt.handle().clone(), drops: drops.clone() };
    let waker = std::task::Waker::from(Arc::new(adds));
    let polled = std::pin::Pin::new(&mut task).poll(&mut std::task::Context::from_waker(&waker));
    assert!(polled.is_pending());
    drop(waker);
    assert_eq!(drops.count(), 0, "the task has it");
    let control = task.cancel_handle();
    let (adding, done) = (Arc::clone(&queue), common::Latch::new());
    let theirs = done.clone();
    thread::spawn(move || {
        adding.add(1, task);
        theirs.open();
    });
    done.wait();
    assert_eq!(drops.count(), 1);
    assert!(control.cancel());
    let mut keys: Vec<_> = collect(&queue, 2).into_iter().map(|(key, _)| key).collect();
    keys.sort_unstable();
    assert_eq!(keys, [1, 2]);
}
