//! Looking into a running runtime: its numbers and the list of its tasks.

mod common;

use common::{HANG, Hog, Signal, Tally, listed, narrow, pool_thread, reactor_thread, runtime, settled};
use offtick::time::Clock;
use offtick::{Builder, Status, TaskId, TaskInfo};
use std::future::pending;
use std::panic::Location;
use std::sync::mpsc::channel;
use std::time::Duration;

fn ids(list: &[TaskInfo]) -> Vec<TaskId> {
    list.iter().map(TaskInfo::id).collect()
}

#[track_caller]
fn here() -> u32 {
    Location::caller().line()
}

#[test]
fn the_list_names_what_is_alive() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(1).build().unwrap();
    assert!(listed(rt.handle()).is_empty());
    let line = here() + 1;
    let asleep = rt.spawn(pending::<()>());
    let hog = Hog::pool(rt.handle());
    let waiting = rt.spawn_blocking(|| ());
    reactor_thread(rt.handle());
    clock.advance(Duration::from_secs(90));
    let listed = common::listed(rt.handle());
    assert_eq!(listed.len(), 2, "a closure that waits is counted, not listed: {listed:?}");
    assert!(listed.is_sorted_by_key(TaskInfo::id));
    let future = listed.iter().find(|info| info.id() == asleep.id()).expect("the future is listed");
    assert_eq!((future.status(), future.polls(), future.attempt(), future.name()), (Status::Running, 1, 1, None));
    assert!(future.location().file().ends_with("inspect.rs"));
    assert_eq!(future.location().line(), line);
    assert_eq!(future.age(), Duration::from_secs(90));
    let closure = listed.iter().find(|info| info.id() == hog.task().id()).expect("the closure is listed");
    assert_eq!((closure.status(), closure.polls()), (Status::Running, 1));
    assert_eq!(closure.age(), Duration::from_secs(90), "since it began to run");
    assert_eq!(rt.metrics().blocking_queued, 1);
    drop(asleep);
    hog.release();
    settled(waiting);
    reactor_thread(rt.handle());
    pool_thread(rt.handle());
    assert!(common::listed(rt.handle()).is_empty());
}

#[test]
fn ages_count_from_the_spawn() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let task = rt.spawn(pending::<()>());
            reactor_thread(rt.handle());
            clock.advance(Duration::from_millis(10));
            task
        })
        .collect();
    let ages: Vec<_> = listed(rt.handle()).iter().map(|info| info.age().as_millis()).collect();
    assert_eq!(ages, [30, 20, 10]);
    drop(tasks);
}

#[test]
fn polls_are_counted_one_by_one() {
    let rt = runtime();
    let (signal, polls) = (Signal::new(), Tally::new());
    let (waits, polled) = (signal.clone(), polls.clone());
    let task = rt.spawn(async move {
        for _ in 0..10 {
            polled.note();
            common::yield_once().await;
        }
        waits.given().await;
    });
    polls.wait_for(10);
    reactor_thread(rt.handle());
    reactor_thread(rt.handle());
    let info = listed(rt.handle()).into_iter().find(|info| info.id() == task.id()).unwrap();
    assert_eq!(info.polls(), 11);
    signal.give();
    settled(task);
}

#[test]
fn a_task_that_has_not_started_is_listed_as_pending() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let unborn = rt.spawn(async {});
    let (handle, id) = (rt.handle().clone(), unborn.id());
    let status = hog.run(move || handle.tasks().iter().find(|info| info.id() == id).map(TaskInfo::status));
    assert_eq!(status, Some(Status::Pending));
    hog.release();
    settled(unborn);
}

#[test]
fn a_task_lists_itself_and_its_fellows() {
    let rt = runtime();
    let fellow = rt.spawn(pending::<()>());
    let handle = rt.handle().clone();
    let task = rt.spawn(async move {
        handle.spawn(pending::<()>()).detach();
        handle.tasks()
    });
    let id = task.id();
    let listed = settled(task);
    assert_eq!(listed.len(), 3, "{listed:?}");
    assert!(listed.iter().any(|info| info.id() == id && info.status() == Status::Running && info.polls() == 1));
    assert!(listed.iter().any(|info| info.id() == fellow.id()));
    let handle = rt.handle().clone();
    let closure = rt.spawn_blocking(move || common::listed(&handle));
    let id = closure.id();
    let listed = settled(closure);
    assert!(listed.iter().any(|info| info.id() == id), "a closure finds itself");
    assert_eq!(listed.len(), 3);
}

#[test]
fn the_first_list_has_closures_alone_and_the_next_has_all() {
    let rt = narrow();
    let asleep = rt.spawn(pending::<()>());
    let pool = Hog::pool(rt.handle());
    let first = rt.tasks();
    assert_eq!((first.age(), first.is_complete()), (None, false));
    assert_eq!(ids(&first), [pool.task().id()]);
    let next = listed(rt.handle());
    assert!(next.age().is_some());
    assert_eq!(ids(&next), [asleep.id(), pool.task().id()]);
    pool.release();
}

#[test]
fn a_held_reactor_does_not_hold_up_the_list() {
    let rt = narrow();
    let (asleep, ended) = (rt.spawn(pending::<()>()), rt.spawn(pending::<()>()));
    assert_eq!(ids(&listed(rt.handle())), [asleep.id(), ended.id()]);
    let reactor = Hog::reactor(rt.handle());
    let id = ended.id();
    drop(ended);
    let late = rt.spawn(async {});
    // The only thread that knows the futures is held for as long as this test likes.
    let held = rt.tasks();
    assert!(!held.is_complete(), "a future was spawned since");
    assert!(held.age().is_some());
    assert_eq!(ids(&held), [asleep.id(), id]);
    assert_eq!(held[0].polls(), 1);
    assert_eq!(rt.tasks().len(), 2, "as often as it is asked");
    let (handle, polls) = (rt.handle().clone(), asleep.cancel_handle());
    assert_eq!(reactor.run(move || (handle.tasks().is_complete(), polls.status())), (true, Status::Running));
    reactor.release();
    settled(late);
    reactor_thread(rt.handle());
    assert_eq!(ids(&listed(rt.handle())), [asleep.id()], "and it is whole again afterwards");
}

#[test]
fn a_list_is_complete_or_says_that_it_is_not() {
    let rt = runtime();
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let task = rt.spawn(pending::<()>());
            let list = rt.tasks();
            let shown = list.iter().any(|info| info.id() == task.id());
            assert!(shown || !list.is_complete(), "spawned before the call");
            assert!(ids(&listed(rt.handle())).contains(&task.id()));
            task
        })
        .collect();
    assert_eq!(listed(rt.handle()).len(), tasks.len());
}

#[test]
fn a_list_from_another_runtime_s_task_comes_back() {
    let (one, other) = (runtime(), runtime());
    let asleep = other.spawn(pending::<()>());
    let far = other.handle().clone();
    let found = settled(one.spawn(async move { common::listed(&far) }));
    assert_eq!(ids(&found), [asleep.id()]);
}

#[test]
fn many_ask_at_once() {
    let rt = runtime();
    let tasks: Vec<_> = (0..3000).map(|_| rt.spawn(pending::<()>())).collect();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..5 {
                    assert_eq!(listed(rt.handle()).len(), 3000);
                }
            });
        }
    });
    drop(tasks);
    reactor_thread(rt.handle());
    common::until(|| rt.metrics().alive == 0);
    assert!(rt.tasks().is_empty(), "those that ended are not shown, whatever the age of the list");
}

#[test]
fn a_closure_that_runs_on_is_listed_as_ended() {
    let rt = narrow();
    let (give, wait) = channel::<()>();
    let task = rt.spawn_blocking(move || wait.recv().ok());
    common::until(|| task.status() == Status::Running);
    assert!(task.cancel());
    let list = rt.tasks();
    assert_eq!((ids(&list), list[0].status()), (vec![task.id()], Status::Cancelled));
    drop(give);
    common::until(|| rt.tasks().is_empty());
}

#[test]
fn after_the_end_the_list_is_empty_and_complete() {
    let rt = runtime();
    let task = rt.spawn(pending::<()>());
    assert_eq!(listed(rt.handle()).len(), 1);
    let handle = rt.handle().clone();
    drop(rt);
    let list = handle.tasks();
    assert_eq!((list.len(), list.is_complete(), task.is_done()), (0, true, true));
}

#[test]
fn the_numbers_add_up() {
    let rt = narrow();
    assert_eq!((rt.metrics().spawned, rt.metrics().alive, rt.metrics().blocking_threads), (0, 0, 0));
    let hog = Hog::reactor(rt.handle());
    let (signal, other) = (Signal::new(), Signal::new());
    let (waits, gives) = (signal.clone(), other.clone());
    let asleep: Vec<_> = (0..5).map(|_| rt.spawn(pending::<()>())).collect();
    let woken_from_outside = rt.spawn(async move {
        waits.given().await;
        gives.give();
    });
    let woken_from_inside = rt.spawn(async move { other.given().await });
    hog.release();
    reactor_thread(rt.handle());
    let before = rt.metrics();
    assert_eq!((before.spawned, before.polls), (9, 9), "{before:?}");
    signal.give();
    settled(woken_from_outside);
    settled(woken_from_inside);
    reactor_thread(rt.handle());
    let after = rt.metrics();
    assert_eq!(after.remote_wakes - before.remote_wakes, 1);
    assert_eq!(after.local_wakes - before.local_wakes, 1);
    assert_eq!(after.polls - before.polls, 3);
    common::until(|| rt.metrics().alive == 5);
    drop(asleep);
    common::until(|| rt.metrics().alive == 0);

    let hog = Hog::pool(rt.handle());
    let waiting: Vec<_> = (0..4).map(|_| rt.spawn_blocking(|| ())).collect();
    let metrics = rt.metrics();
    assert_eq!((metrics.blocking_started, metrics.blocking_queued, metrics.blocking_idle), (1, 4, 0));
    hog.release();
    waiting.into_iter().for_each(settled);
    let metrics = rt.metrics();
    assert_eq!((metrics.blocking_started, metrics.blocking_queued, metrics.blocking_threads_peak), (5, 0, 1));
    common::until(|| rt.metrics().blocking_idle == 1);
    assert!(metrics.uptime >= Duration::ZERO && metrics.timers == 0);
}

#[test]
fn an_idle_reactor_sleeps() {
    let rt = runtime();
    reactor_thread(rt.handle());
    common::until(|| rt.metrics().parks > 0 && rt.metrics().ready == 0);
    let before = rt.metrics();
    for _ in 0..1000 {
        std::thread::yield_now();
    }
    let after = rt.metrics();
    assert!(after.polls == before.polls && after.parks <= before.parks + 1, "it wakes for nothing: {after:?}");
}

#[test]
fn debug_shows_state_and_not_the_value() {
    struct Opaque;
    let rt = runtime();
    let (give, get) = channel::<()>();
    let task = rt.spawn_blocking(move || {
        get.recv_timeout(HANG).ok();
        Opaque
    });
    common::until(|| task.status() == Status::Running);
    let text = format!("{task:?}");
    assert!(text.starts_with("Task {") && text.contains("Running") && text.contains(&task.id().to_string()), "{text}");
    assert!(format!("{:?}", task.cancel_handle()).contains("Running"));
    give.send(()).ok();
    let shared = task.share();
    assert!(shared.wait().is_ok());
    assert!(format!("{shared:?}").contains("Done"));
    assert_eq!(format!("{:?}", rt.handle()), "Handle { closed: false, .. }");
    assert!(format!("{rt:?}").starts_with("Runtime"));
    assert_eq!(Status::Running.to_string(), "running");
    assert_eq!(format!("[{:>9}]", Status::Done), "[     done]");
}
