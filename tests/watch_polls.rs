//! Polls that take too long are found while they are on. Each test holds a thread until the report of it has come.

mod common;

use common::{Tally, quiet_planned_panics, settled, until};
use offtick::{Budget, BuildError, Builder, LocalBuilder, SlowPoll};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(1);

/// What was reported; whoever holds a thread lets go at the next report.
#[derive(Clone, Default)]
struct Reports(Arc<(Mutex<Vec<SlowPoll>>, AtomicBool)>);

impl Reports {
    fn hook(&self) -> impl Fn(&SlowPoll) + Send + Sync + 'static {
        let own = self.clone();
        move |poll| {
            own.0.0.lock().unwrap().push(poll.clone());
            own.0.1.store(true, SeqCst);
        }
    }

    /// Holds this thread until there is another report.
    fn hold(&self) {
        self.0.1.store(false, SeqCst);
        until(|| self.0.1.load(SeqCst));
    }

    fn names(&self) -> Vec<Option<String>> {
        let reports = self.0.0.lock().unwrap();
        reports.iter().map(|poll| poll.task().and_then(|task| task.name()).map(str::to_owned)).collect()
    }
}

fn named(names: &[&str]) -> Vec<Option<String>> {
    names.iter().map(|name| Some((*name).to_owned())).collect()
}

#[test]
fn a_task_that_spins_is_named_while_it_does() {
    let reports = Reports::default();
    let rt = Builder::new().watch_polls(SHORT).on_slow_poll(reports.hook()).build().unwrap();
    let (handle, holds) = (rt.handle().clone(), reports.clone());
    let task = rt.task().name("spins").spawn(move |_| async move {
        holds.hold();
        let on = handle.metrics();
        common::yield_once().await;
        on
    });
    let id = task.id();
    let on = settled(task);
    let slow = on.slow_poll.expect("it is on");
    assert_eq!(slow.task().map(|task| task.id()), Some(id));
    assert!(slow.elapsed() >= SHORT && on.longest_poll.is_some_and(|longest| longest.elapsed() >= slow.elapsed()));
    assert!(on.slow_polls >= 1);
    assert_eq!(reports.names()[0].as_deref(), Some("spins"));
    // Measured at its end: known once the reactor has gone on.
    settled(rt.spawn(async {}));
    let longest = rt.metrics().longest_poll.expect("there was one");
    assert!(longest.elapsed() >= SHORT);
    until(|| rt.metrics().slow_poll.is_none());
}

#[test]
fn polls_inside_polls_are_named() {
    let reports = Reports::default();
    let rt = Builder::new().watch_polls(SHORT).on_slow_poll(reports.hook()).build().unwrap();
    let (handle, holds) = (rt.handle().clone(), reports.clone());
    let outer = rt.task().name("outer").spawn(move |_| async move {
        holds.hold();
        let within = holds.clone();
        handle.task().name("inner").spawn_eager(move |_| async move { within.hold() }).detach();
    });
    settled(outer);
    let named = named(&["outer", "inner"]);
    assert_eq!(reports.names().into_iter().filter(|name| named.contains(name)).collect::<Vec<_>>(), named);
}

#[test]
fn a_hook_that_does_not_return_is_found() {
    let reports = Reports::default();
    let (holds, called) = (reports.clone(), Tally::new());
    let noted = called.clone();
    let rt = Builder::new()
        .watch_polls(SHORT)
        .on_slow_poll(reports.hook())
        .on_panic(move |_, _| {
            holds.hold();
            noted.note();
        })
        .build()
        .unwrap();
    quiet_planned_panics();
    let task = rt.spawn(async { panic!("planned") });
    called.wait_for(1);
    until(|| task.is_done());
    assert!(reports.names().contains(&None), "no task, so a hook: {:?}", reports.names());
}

#[test]
fn a_host_s_ticks_are_watched_closures_in_them_too() {
    let reports = Reports::default();
    let rt = LocalBuilder::new().blocking_inline().watch_polls(SHORT).on_slow_poll(reports.hook()).build().unwrap();
    let holds = [reports.clone(), reports.clone(), reports.clone()];
    let [of_future, of_closure, of_eager] = holds;
    let _eager = rt.task().name("eager").spawn_eager(move |_| async move { of_eager.hold() });
    let future = rt.task().name("future").spawn(move |_| async move { of_future.hold() });
    let closure = rt.task().name("closure").spawn_blocking(move |_| of_closure.hold());
    while !(future.is_done() && closure.is_done()) {
        rt.tick(Budget::unlimited()).unwrap();
    }
    let mut names = reports.names();
    names.retain(Option::is_some);
    assert_eq!(names, named(&["eager", "closure", "future"]));
}

#[test]
fn the_watcher_survives_its_hook_and_ends_with_the_runtime() {
    quiet_planned_panics();
    let reports = Reports::default();
    let hook = reports.hook();
    let kept = Arc::new(());
    let theirs = Arc::clone(&kept);
    let rt = Builder::new()
        .watch_polls(SHORT)
        .on_slow_poll(move |poll| {
            let _theirs = &theirs;
            hook(poll);
            panic!("planned");
        })
        .build()
        .unwrap();
    for _ in 0..2 {
        let holds = reports.clone();
        settled(rt.spawn(async move { holds.hold() }));
    }
    let asleep = rt.spawn(pending::<()>());
    assert!(rt.shutdown(common::HANG).is_clean());
    assert_eq!(Arc::strong_count(&kept), 1, "the thread and its hook are gone");
    assert!(asleep.is_done());
}

#[test]
fn the_hook_may_drop_the_runtime() {
    let place = Arc::new(Mutex::new(None::<offtick::Runtime>));
    let (theirs, done) = (Arc::clone(&place), Tally::new());
    let noted = done.clone();
    let rt = Builder::new()
        .watch_polls(SHORT)
        .on_slow_poll(move |_| {
            let rt = theirs.lock().unwrap().take();
            if rt.is_some() {
                drop(rt);
                noted.note();
            }
        })
        .build()
        .unwrap();
    let (ended, handle) = (done.clone(), rt.handle().clone());
    *place.lock().unwrap() = Some(rt);
    let task = handle.spawn(async move { until(|| ended.count() > 0) });
    done.wait_for(1);
    until(|| task.is_done());
}

#[test]
fn an_unwatched_runtime_measures_nothing_and_a_threshold_of_zero_is_refused() {
    let rt = common::runtime();
    settled(rt.spawn(async {}));
    let metrics = rt.metrics();
    assert!(metrics.slow_poll.is_none() && metrics.longest_poll.is_none() && metrics.slow_polls == 0);
    let refused = Builder::new().watch_polls(Duration::ZERO).build();
    assert!(matches!(refused, Err(BuildError::Invalid(error)) if error.setting() == "watch_polls"));
}
