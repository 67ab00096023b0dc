//! An error that nobody reads reaches `on_unhandled_error` once, whoever lets go of it last.

#![cfg(feature = "toolkit")]

mod common;

use common::{HANG, Latch, block_on, quiet_planned_panics, until};
use offtick::scheduler::JobStatus;
use offtick::time::{Clock, ManualClock};
use offtick::toolkit::{Background, Debouncer, ErrorPolicy, Periodic, RestartStatus, Restartable};
use offtick::{
    Budget, Builder, LocalBuilder, PoolSet, RetryPolicy, Runtime, Scheduler, Session, SharedTask, Status, Task,
    TaskGroup, TaskManager, TaskPool, TaskSet,
};
use std::future::pending;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A runtime whose time stands still, and what its hook is told.
struct World {
    rt: Runtime,
    clock: ManualClock,
    reports: Receiver<String>,
}

impl World {
    fn new() -> Self {
        quiet_planned_panics();
        let (clock, (sender, reports)) = (Clock::manual(), channel());
        let rt = Builder::new()
            .clock(clock.clone())
            .on_unhandled_error(move |task, error| {
                assert_eq!(task.status(), Status::Error);
                let _unread = sender.send(error.label());
            })
            .build()
            .expect("a runtime");
        Self { rt, clock, reports }
    }

    /// All reports so far: one more error is let go of, and what comes before it is the answer.
    #[track_caller]
    fn reports(&self) -> Vec<String> {
        self.rt.run(async { Err::<(), _>("the last one") }).detach();
        let next = || self.reports.recv_timeout(HANG).expect("the hook is called");
        std::iter::repeat_with(next).take_while(|report| report != "the last one").collect()
    }

    #[track_caller]
    fn assert_reports(&self, what: &str, expected: &[&str]) {
        assert_eq!(self.reports(), expected, "{what}");
    }

    /// A task that has failed.
    fn failed(&self) -> Task<u8> {
        finished(self.rt.run(async { Err::<u8, _>("lost") }))
    }
}

fn finished<T, P>(task: Task<T, P>) -> Task<T, P> {
    until(|| task.is_done());
    task
}

#[test]
fn an_error_in_a_dropped_handle() {
    let world = World::new();
    drop(world.failed());
    world.assert_reports("dropped", &["lost"]);
    world.failed().detach();
    world.assert_reports("detached after the end", &["lost"]);
    let task = world.failed();
    assert!(task.is_done() && task.status() == Status::Error);
    drop(task);
    world.assert_reports("the status is not the error", &["lost"]);
    let gate = Latch::new();
    let theirs = gate.clone();
    world
        .rt
        .run_blocking(move || {
            theirs.wait();
            Err::<(), _>("lost")
        })
        .detach();
    world.assert_reports("nothing to report yet", &[]);
    gate.open();
    let report = world.reports.recv_timeout(HANG);
    assert_eq!(report.as_deref(), Ok("lost"), "detached before the end");
    world.assert_reports("once", &[]);
}

#[test]
fn every_kind_of_error_is_one() {
    let world = World::new();
    let limited = || world.rt.task().timeout(SECOND);
    drop(finished(world.rt.spawn(async { panic!("planned: in a future") })));
    world.assert_reports("panicked", &["planned: in a future"]);
    drop(finished(world.rt.spawn_blocking(|| panic!("planned: in a closure"))));
    world.assert_reports("panicked", &["planned: in a closure"]);

    let future: Task<()> = limited().spawn(|_cx| pending());
    let late = limited().spawn(|_cx| pending::<()>());
    late.detach();
    let gates = [Latch::new(), Latch::new()];
    let [first, second] = gates.clone();
    let closure = limited().spawn_blocking(move |_cx| first.wait());
    until(|| closure.status() == Status::Running);
    limited().spawn_blocking(move |_cx| second.wait()).detach();
    until(|| world.rt.metrics().timers == 4);
    common::reactor_thread(world.rt.handle());
    world.clock.advance(SECOND);
    drop((finished(future), finished(closure)));
    world.assert_reports("out of time", &["task timed out after 1s"; 4]);
    gates.iter().for_each(Latch::open);

    let policy = RetryPolicy::none().max_attempts(0);
    drop(finished(world.rt.task().retry(policy).run(|_cx| async { Ok::<_, std::io::Error>(1) })));
    world.assert_reports("refused", &["max_attempts is 0, but must be at least 1"]);
    // The last attempt is the cause.
    let policy = RetryPolicy::none().max_attempts(3);
    drop(finished(world.rt.task().retry(policy).run(|_cx| async { Err::<(), _>("lost") })));
    assert_eq!(world.reports().len(), 1);
}

#[test]
fn an_error_that_was_read_is_no_news() {
    let world = World::new();
    type Read = fn(&Runtime, Task<u8>);
    let ways: [(&str, Read); 8] = [
        ("result", |_, task| assert!(task.result().is_some_and(|result| result.is_err()))),
        ("result_mut", |_, mut task| assert!(task.result_mut().is_some_and(|result| result.is_err()))),
        ("error", |_, task| assert!(task.error().is_some())),
        ("error, then detached", |_, task| {
            assert!(task.error().is_some());
            task.detach();
        }),
        ("take", |_, mut task| assert!(task.take().is_some_and(|result| result.is_err()))),
        ("wait", |_, mut task| assert!(task.wait().is_err())),
        ("await", |_, task| assert!(block_on(task).is_err())),
        ("passed on", |rt, task| assert!(rt.run(task).wait().is_err())),
    ];
    for (way, read) in ways {
        read(&world.rt, world.failed());
        world.assert_reports(way, &[]);
    }
    for (way, read) in ways {
        let closure = world.rt.task().timeout(SECOND).spawn_blocking(|cx| -> u8 {
            while !cx.is_cancelled() {
                std::thread::yield_now();
            }
            7
        });
        until(|| closure.status() == Status::Running);
        world.clock.advance(SECOND);
        read(&world.rt, finished(closure));
        world.assert_reports(way, &[]);
    }
}

#[test]
fn an_error_that_is_passed_on_unread_is_reported_once() {
    let world = World::new();
    let inner = world.failed();
    drop(finished(world.rt.run(inner)));
    world.assert_reports("passed on", &["lost"]);
}

#[test]
fn a_cancelled_task_is_no_error() {
    let world = World::new();
    let task = world.rt.spawn(pending::<()>());
    task.cancel();
    drop(finished(task));
    drop(world.rt.spawn(pending::<()>()));
    let inner = world.rt.spawn(pending::<()>());
    inner.cancel();
    drop(finished(world.rt.run(inner)));
    let gone = Runtime::new().expect("a runtime").handle().clone();
    drop(finished(world.rt.run(gone.spawn(pending::<()>()))));
    world.assert_reports("cancelled", &[]);
}

#[test]
fn an_error_behind_a_shared_handle() {
    let world = World::new();
    type Read = fn(&SharedTask<u8>);
    let ways: [(&str, Read); 4] = [
        ("result", |task| assert!(task.result().is_some_and(|result| result.is_err()))),
        ("error", |task| assert!(task.error().is_some())),
        ("wait", |task| assert!(task.wait().is_err())),
        ("await", |task| assert!(block_on(task.into_future()).is_err())),
    ];
    for (way, read) in ways {
        let task = world.failed().share();
        let other = task.clone();
        read(&task);
        drop((task, other));
        world.assert_reports(way, &[]);
    }
    let task = world.failed().share();
    let other = task.clone();
    block_on(task.finished());
    drop(task);
    world.assert_reports("there is another clone", &[]);
    drop(other);
    world.assert_reports("the last clone", &["lost"]);
    world.failed().share().detach().expect("the only one");
    world.assert_reports("detached", &["lost"]);
}

#[test]
fn an_error_in_a_set() {
    let world = World::new();
    let mut set = TaskSet::new();
    set.insert(1, world.failed());
    drop(set.insert(1, world.failed()));
    world.assert_reports("replaced", &["lost"]);
    drop(set.remove(&1));
    world.assert_reports("removed", &["lost"]);
    set.insert(2, world.failed());
    drop(set);
    world.assert_reports("dropped", &["lost"]);
    let mut set = TaskSet::new();
    set.insert(3, world.failed());
    assert!(set.drain_finished().all(|(_, result)| result.is_err()));
    drop(set);
    world.assert_reports("drained", &[]);
}

#[test]
fn an_error_in_a_manager_or_a_session() {
    let world = World::new();
    let manager = TaskManager::with_max_completed(&world.rt, 0);
    let task = manager.run(async { Err::<(), _>("lost") });
    block_on(task.finished());
    drop(task);
    world.assert_reports("the manager has it", &[]);
    assert_eq!(manager.cleanup(), 1);
    world.assert_reports("cleaned up", &["lost"]);
    let id = manager.insert(world.failed()).id();
    assert!(manager.get::<u8>(id).expect("its type").expect("there").error().is_some());
    assert!(manager.remove(id));
    world.assert_reports("read and removed", &[]);
    drop(manager.insert(world.failed()));
    drop(manager);
    world.assert_reports("dropped", &["lost"]);

    let mut session = Session::new(&world.rt);
    let put = |session: &mut Session| drop(session.replace("load", world.failed()));
    put(&mut session);
    put(&mut session);
    world.assert_reports("replaced", &["lost"]);
    assert!(session.remove("load"));
    world.assert_reports("removed", &["lost"]);
    put(&mut session);
    drop(session);
    world.assert_reports("dropped", &["lost"]);
}

#[test]
fn an_error_in_a_group_or_a_pool() {
    let world = World::new();
    let (group, pool) = (TaskGroup::new(&world.rt), TaskPool::new(&world.rt, 2).expect("a size"));
    drop(finished(group.run(async { Err::<(), _>("lost") })));
    world.assert_reports("group", &["lost"]);
    group.run_blocking(|| Err::<(), _>("lost")).detach();
    group.wait().expect("not on the reactor");
    world.assert_reports("group, detached", &["lost"]);
    drop(finished(pool.run(async { Err::<(), _>("lost") })));
    world.assert_reports("pool", &["lost"]);
    let mut set = PoolSet::<u8, ()>::new(&world.rt, 2).expect("a size");
    drop(set.run(1, async { Err::<(), _>("lost") }));
    until(|| set.get(&1).is_some_and(Task::is_done));
    drop(set);
    world.assert_reports("set of a pool", &["lost"]);
    let mut map = pool.try_map_blocking([1, 2], |n| Err::<u8, _>(format!("lost {n}")));
    assert_eq!(map.drain_finished().take(0).count(), 0, "started");
    until(|| pool.progress().finished() == 3);
    drop(map);
    let mut reports = world.reports();
    reports.sort();
    assert_eq!(reports, ["lost 1", "lost 2"], "map of a pool");
    // The second arrives before its turn.
    let gate = Latch::new();
    let theirs = gate.clone();
    let work = move |n| {
        if n == 1 {
            theirs.wait();
        }
        Err::<u8, _>(format!("lost {n}"))
    };
    let mut map = pool.try_map_blocking([1, 2], work).in_order();
    until(|| map.drain_finished().count() == 0 && pool.progress().finished() == 4);
    assert_eq!(map.drain_finished().count(), 0);
    drop(map);
    world.assert_reports("map in order", &["lost 2"]);
    gate.open();
}

#[test]
fn errors_of_the_runs_of_a_job() {
    let world = World::new();
    let manager = TaskManager::new(&world.rt);
    let scheduler = Scheduler::new(&manager);
    let mut number = 0;
    let job = scheduler.every(SECOND).run(move |_cx| {
        number += 1;
        async move { Err::<(), _>(format!("run {number}")) }
    });
    let job = job.expect("a job");
    for runs in 1..=5 {
        world.clock.advance(SECOND);
        until(|| job.counts().failed == runs);
        until(|| manager.completed() == 1);
    }
    world.assert_reports("the newest is there to be read", &["run 1", "run 2", "run 3", "run 4"]);
    assert!(job.latest_finished::<()>().expect("its type").expect("one").error().is_some());
    world.clock.advance(SECOND);
    until(|| job.counts().failed == 6);
    world.assert_reports("run 5 was read", &[]);
    drop((scheduler, manager, job));
    until(|| world.reports.try_recv().is_ok_and(|report| report == "run 6"));
    world.assert_reports("once", &[]);
}

#[test]
fn errors_of_what_runs_again_and_again() {
    let world = World::new();
    let background = Background::on(&world.rt).run(|_cx| async { Err::<(), _>("lost") }).unwrap();
    let run = |background: &Background<()>| {
        background.start();
        until(|| !background.is_running());
    };
    run(&background);
    world.assert_reports("it is there to be read", &[]);
    run(&background);
    world.assert_reports("replaced", &["lost"]);
    assert!(background.latest_finished().expect("one").error().is_some());
    run(&background);
    world.assert_reports("the one before was read", &[]);
    drop(background);
    world.assert_reports("dropped, and not read", &["lost"]);

    for policy in [ErrorPolicy::Stop, ErrorPolicy::Ignore] {
        let periodic = Periodic::every(&world.rt, SECOND).on_error(policy).run(|_cx| async { Err::<(), _>("lost") });
        let periodic = periodic.expect("a period");
        until(|| periodic.latest_finished().is_some());
        until(|| policy == ErrorPolicy::Ignore || periodic.status() == JobStatus::Failed);
        common::reactor_thread(world.rt.handle());
        drop(periodic);
        common::reactor_thread(world.rt.handle());
        let expected: &[&str] = if policy == ErrorPolicy::Stop { &["lost"] } else { &[] };
        world.assert_reports("periodic", expected);
    }
}

#[test]
fn errors_of_debouncers_and_restartables() {
    let world = World::new();
    let debouncer = Debouncer::builder(&world.rt, SECOND)
        .edge(offtick::toolkit::Edge::Leading)
        .build(|text: &'static str| async move { Err::<(), _>(text) })
        .expect("a window");
    let run = |text| {
        debouncer.trigger(text);
        until(|| !debouncer.is_busy());
        world.clock.advance(SECOND);
    };
    run("first");
    world.assert_reports("there to be read", &[]);
    run("second");
    world.assert_reports("replaced", &["first"]);
    assert!(debouncer.error().is_some_and(|error| error.label() == "second"));
    run("third");
    world.assert_reports("read", &[]);
    let call = debouncer.call("fourth");
    until(|| call.is_done());
    until(|| !debouncer.is_busy());
    world.assert_reports("third was replaced", &["third"]);
    assert!(call.get().expect("done").is_err());
    drop((debouncer, call));
    world.assert_reports("the caller has read it", &[]);

    let failing = || Restartable::<()>::new(&world.rt, |_attempt| async { Err("lost") });
    let complete = |work: &Restartable<()>| {
        work.start();
        until(|| work.status() == RestartStatus::Completed);
    };
    let work = failing();
    complete(&work);
    work.cancel();
    world.assert_reports("reset", &["lost"]);
    complete(&work);
    assert!(work.result().expect("completed").is_err());
    drop(work);
    world.assert_reports("read", &[]);
    let work = failing();
    complete(&work);
    let waiter = work.wait().expect("started");
    drop(work);
    world.assert_reports("a waiter has it", &[]);
    drop(waiter);
    world.assert_reports("the waiter goes", &["lost"]);
}

#[test]
fn without_a_thread_as_well() {
    let (sender, reports) = channel();
    let rt = LocalBuilder::new()
        .on_unhandled_error(move |_task, error| sender.send(error.label()).expect("the test listens"))
        .build()
        .expect("a runtime");
    let task = rt.run(async { Err::<std::rc::Rc<u8>, _>("lost") });
    until(|| {
        rt.tick(Budget::polls(8)).expect("not nested");
        task.is_done()
    });
    drop(task);
    assert!(reports.try_recv().is_err(), "no hook inside a call of the host");
    rt.tick(Budget::polls(8)).expect("not nested");
    assert_eq!(reports.try_iter().collect::<Vec<_>>(), ["lost"]);
}

#[test]
fn an_error_that_outlives_its_runtime() {
    let World { rt, reports, .. } = World::new();
    let task = finished(rt.run(async { Err::<(), _>("lost") }));
    drop(rt);
    drop(task);
    assert_eq!(reports.recv_timeout(HANG).as_deref(), Ok("lost"));
    assert!(reports.recv_timeout(HANG).is_err(), "the hook is gone, and was called once");
}
