//! The error of a task keeps its kind when other tasks pass it on.

#![cfg(feature = "toolkit")]

mod common;

use common::{HANG, Tally, block_on, quiet_planned_panics, until};
use offtick::retry::{StopReason, retry};
use offtick::toolkit::{Debouncer, Restartable};
use offtick::{
    BoxError, Builder, Cancelled, Handle, LocalRuntime, RetryPolicy, Runtime, Scheduler, Session, Status, Task,
    TaskError, TaskGroup, TaskManager, TaskPool,
};
use std::future::{Future, pending};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(1);

/// How the inner task ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Failed,
    Panicked,
    Cancelled,
    TimedOut,
    RuntimeGone,
}

const KINDS: [Kind; 5] = [Kind::Failed, Kind::Panicked, Kind::Cancelled, Kind::TimedOut, Kind::RuntimeGone];

impl Kind {
    /// A task that ends in this way.
    fn task(self, rt: &Handle) -> Task<u8> {
        match self {
            Self::Failed => rt.run(async { Err::<u8, _>(io::Error::other("disk on fire")) }),
            Self::Panicked => rt.spawn_blocking(|| panic!("planned: decoder bug 7")),
            Self::Cancelled => {
                let task = rt.spawn(pending());
                task.cancel();
                task
            }
            Self::TimedOut => rt.task().timeout(SHORT).spawn(|_cx| pending()),
            Self::RuntimeGone => {
                let other = Runtime::new().expect("a runtime");
                let handle = other.handle().clone();
                drop(other);
                handle.spawn(pending())
            }
        }
    }

    fn status(self) -> Status {
        match self {
            Self::Failed | Self::Panicked | Self::TimedOut => Status::Error,
            Self::Cancelled | Self::RuntimeGone => Status::Cancelled,
        }
    }

    #[track_caller]
    fn check(self, way: &str, status: Status, error: &TaskError) {
        assert_eq!(status, self.status(), "{way}: {error:?}");
        self.check_error(way, error);
    }

    /// The kind, what it carries, and that no text is there twice.
    #[track_caller]
    fn check_error(self, way: &str, error: &TaskError) {
        let text = format!("{error:#}");
        let (fits, carried, label) = match self {
            Self::Failed => (error.downcast_ref::<io::Error>().is_some(), "disk on fire", "disk on fire"),
            Self::Panicked => (error.is_panic(), "planned: decoder bug 7", "planned: decoder bug 7"),
            Self::Cancelled => (error.is_cancelled(), "task was cancelled", "task was cancelled"),
            Self::TimedOut => (
                matches!(error, TaskError::TimedOut(limit) if *limit == SHORT),
                "task timed out after 1ms",
                "task timed out after 1ms",
            ),
            Self::RuntimeGone => {
                let text = "the runtime of this task was shut down; spawn it on a live one";
                (matches!(error, TaskError::RuntimeGone), text, text)
            }
        };
        assert!(fits, "{way}, {self:?}: {error:?}");
        assert_eq!(text.matches(carried).count(), 1, "{way}, {self:?}: {text}");
        assert!(text.matches("task failed").count() <= 1, "{way}, {self:?}: {text}");
        assert_eq!(error.label(), label, "{way}");
    }
}

#[track_caller]
fn ended(kind: Kind, way: &str, mut task: Task<u8>) {
    let error = task.wait_timeout(HANG).expect("the task ends").expect_err(way);
    kind.check(way, task.status(), &error);
    if let TaskError::Panicked(panic) = error {
        let payload = panic.take_payload().expect("the payload came along");
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"planned: decoder bug 7"), "{way}");
    }
}

type Boxed = Pin<Box<dyn Future<Output = Result<u8, BoxError>> + Send>>;

/// A body that passes the inner task on through a boxed error.
fn boxed(inner: Task<u8>) -> Boxed {
    Box::pin(async move { Ok(inner.await?) })
}

#[test]
fn a_body_that_passes_an_error_on_ends_in_its_kind() {
    quiet_planned_panics();
    let rt = Runtime::new().expect("a runtime");
    for kind in KINDS {
        let inner = || kind.task(rt.handle());
        let by_future = inner();
        ended(kind, "run", rt.run(by_future));
        ended(kind, "run, boxed", rt.run(boxed(inner())));
        let mut waited = inner();
        ended(kind, "run_blocking", rt.run_blocking(move || waited.wait()));
        let mut waited = inner();
        ended(kind, "run_blocking, boxed", rt.run_blocking(move || Ok::<_, BoxError>(waited.wait()?)));
        let passed = inner();
        ended(kind, "builder", rt.task().name("outer").run(move |_cx| boxed(passed)));
        let passed = inner();
        ended(kind, "builder with a limit", rt.task().timeout(HANG).run(move |_cx| passed));
        let mut waited = inner();
        ended(kind, "builder, blocking", rt.task().run_blocking(move |_cx| waited.wait()));
        let once = rt.run(inner());
        ended(kind, "twice", rt.run(boxed(once)));
        let passed = inner();
        let shared = rt.run(passed).share();
        ended(kind, "shared", rt.run(async move { (&shared).await.copied().map_err(TaskError::clone) }));
    }
}

#[test]
fn without_a_thread_as_well() {
    quiet_planned_panics();
    let rt = Runtime::new().expect("a runtime");
    let local = LocalRuntime::new().expect("a runtime");
    for kind in KINDS {
        let inner = kind.task(rt.handle());
        let outer = local.run(async move { Ok::<_, BoxError>(inner.await?) });
        until(|| {
            local.tick(offtick::Budget::polls(8)).expect("not nested");
            outer.is_done()
        });
        kind.check("local", outer.status(), outer.error().expect("passed on"));
    }
}

#[test]
fn groups_pools_sessions_and_managers_keep_the_kind() {
    quiet_planned_panics();
    let rt = Runtime::new().expect("a runtime");
    let (group, pool, manager) = (TaskGroup::new(&rt), TaskPool::new(&rt, 2).expect("a size"), TaskManager::new(&rt));
    let mut session = Session::new(&rt);
    for kind in KINDS {
        ended(kind, "group", group.run(boxed(kind.task(rt.handle()))));
        ended(kind, "pool", pool.run(boxed(kind.task(rt.handle()))));
        let handle = rt.handle().clone();
        let results = pool.try_map([kind], move |kind| boxed(kind.task(&handle)));
        let mut results = results.in_order();
        let error = loop {
            if let Some(result) = results.drain_finished().next() {
                break result.expect_err("passed on");
            }
        };
        kind.check_error("map of a pool", &error);
        let inner = kind.task(rt.handle());
        let managed = manager.run(inner);
        kind.check(
            "manager",
            {
                managed.wait().expect_err("passed on");
                managed.status()
            },
            managed.error().expect("over"),
        );
        let inner = kind.task(rt.handle());
        let kept = session.get_or_run(&format!("{kind:?}"), || inner).expect("of one type");
        kind.check(
            "session",
            {
                kept.wait().expect_err("passed on");
                kept.status()
            },
            kept.error().expect("over"),
        );
    }
}

#[test]
fn debouncers_and_restartables_keep_the_kind() {
    quiet_planned_panics();
    let rt = Runtime::new().expect("a runtime");
    for kind in KINDS {
        let handle = rt.handle().clone();
        let debouncer =
            Debouncer::builder(&rt, SHORT).build(move |kind: Kind| boxed(kind.task(&handle))).expect("a window");
        kind.check_error("debouncer", &block_on(debouncer.call(kind)).expect_err("passed on"));
        let (call, handle) = (debouncer.call(kind), rt.handle().clone());
        let outer = rt.run(async move { Ok::<_, BoxError>(*call.await?) });
        ended(kind, "the call of a debouncer, passed on", outer);
        let restartable = Restartable::new(&rt, move |_attempt| boxed(kind.task(&handle)));
        restartable.start();
        let waiter = restartable.wait().expect("started");
        let outer = rt.run(async move { waiter.await.map(|value| *value) });
        ended(kind, "restartable", outer);
        kind.check_error("restartable", &restartable.result().expect("completed").expect_err("passed on"));
    }
}

#[test]
fn jobs_keep_the_kind() {
    quiet_planned_panics();
    let rt = Runtime::new().expect("a runtime");
    let scheduler = Scheduler::new(&TaskManager::new(&rt));
    for kind in KINDS {
        let handle = rt.handle().clone();
        let job =
            scheduler.every(Duration::from_secs(3600)).now().run(move |_run| boxed(kind.task(&handle))).expect("a job");
        until(|| job.latest_finished::<u8>().expect("of one type").is_some());
        let run = job.latest_finished::<u8>().expect("of one type").expect("one");
        kind.check("job", run.status(), run.error().expect("passed on"));
    }
}

/// An end that no further attempt can mend is not retried, even where the policy wants it.
fn attempts_of(kind: Kind) -> u32 {
    match kind {
        Kind::Failed | Kind::TimedOut => 3,
        Kind::Cancelled | Kind::Panicked | Kind::RuntimeGone => 1,
    }
}

fn thrice<E>() -> RetryPolicy<E> {
    RetryPolicy::fixed(Duration::ZERO).max_attempts(3).retry_if(|_| true)
}

#[test]
fn attempts_keep_the_kind() {
    quiet_planned_panics();
    let rt = Runtime::new().expect("a runtime");
    for kind in KINDS {
        let attempts = attempts_of(kind);
        let handle = rt.handle().clone();
        let mut task = rt.task().retry(thrice::<TaskError>()).run(move |_cx| kind.task(&handle));
        let error = task.wait().expect_err("passed on");
        kind.check("retried", task.status(), &error);
        assert_eq!(task.attempt(), attempts, "{kind:?}");
        assert_eq!(error.retry_error().map(|retry| retry.attempts()), (kind == Kind::Failed).then_some(3));

        let handle = rt.handle().clone();
        let mut task = rt.task().retry(thrice::<BoxError>()).run_blocking(move |_cx| Ok(kind.task(&handle).wait()?));
        let error = task.wait().expect_err("passed on");
        kind.check("retried, blocking", task.status(), &error);
        assert_eq!(task.attempt(), attempts, "{kind:?}");

        // A part of a body.
        let (handle, tally) = (rt.handle().clone(), Tally::new());
        let tries = tally.clone();
        let body = retry(thrice(), move || {
            tries.note();
            kind.task(&handle)
        });
        ended(kind, "a retried part", rt.run(async move { Ok::<_, BoxError>(body.await?) }));
        assert_eq!(tally.count(), attempts as usize, "{kind:?}");

        let handle = rt.handle().clone();
        let outer = rt.task().run_blocking(move |cx| {
            Ok::<_, TaskError>(cx.retry_blocking(thrice::<BoxError>(), |_cx| Ok(kind.task(&handle).wait()?))?)
        });
        ended(kind, "a retried part, blocking", outer);
    }
}

#[test]
fn a_cancellation_that_a_body_returns_is_not_retried() {
    let rt = Runtime::new().expect("a runtime");
    let mut task = rt.task().retry(thrice::<BoxError>()).run(|_cx| async { Err::<(), _>(Cancelled.into()) });
    assert!(task.wait().is_err_and(|error| error.is_cancelled()));
    assert_eq!((task.status(), task.attempt()), (Status::Cancelled, 1));
    let error = block_on(retry(thrice(), || async { Err::<(), _>(Cancelled) })).expect_err("cancelled");
    assert_eq!((error.attempts(), error.reason()), (1, &StopReason::NotRetryable));
    assert!(TaskError::from(error).is_cancelled());
}

#[test]
fn a_closure_that_leaves_by_its_context_is_cancelled() {
    let (rt, seen) = (Runtime::new().expect("a runtime"), Arc::new(Mutex::new(Vec::new())));
    // The context of one task that another body asks: no cancellation of its own hides what it returns.
    let theirs = Arc::clone(&seen);
    let asked: Task<(), u8> = rt.task().progress(4).run_blocking(move |cx| {
        while cx.check().is_ok() {
            std::thread::yield_now();
        }
        theirs.lock().expect("no panics").push(cx.check());
        Ok::<_, BoxError>(())
    });
    until(|| asked.status() == Status::Running);
    asked.cancel();
    until(|| !seen.lock().expect("no panics").is_empty());
    assert_eq!(asked.status(), Status::Cancelled);
    let cancelled = seen.lock().expect("no panics").pop().expect("checked");
    let mut outer = rt.run_blocking(move || Ok::<_, BoxError>(cancelled?));
    assert!(outer.wait().is_err_and(|error| error.is_cancelled()));
    assert_eq!(outer.status(), Status::Cancelled);
}

#[test]
fn a_panic_is_told_once_however_often_it_is_passed_on() {
    quiet_planned_panics();
    let panics = Tally::new();
    let told = panics.clone();
    let rt = Builder::new().on_panic(move |_task, _panic| told.note()).build().expect("a runtime");
    let inner = rt.spawn_blocking(|| -> u8 { panic!("planned: decoder bug 7") });
    let once = rt.run(inner);
    ended(Kind::Panicked, "twice", rt.run(once));
    assert_eq!(panics.count(), 1);
}

#[test]
fn misuse_is_a_failure_of_the_body_that_passes_it_on() {
    let rt = Runtime::new().expect("a runtime");
    let mut taken = rt.spawn(async { 7 });
    assert_eq!(taken.wait().ok(), Some(7));
    let mut outer = rt.run(taken);
    let error = outer.wait().expect_err("taken before");
    assert!(matches!(&error, TaskError::Failed(inner) if matches!(inner.downcast_ref(), Some(TaskError::Taken))));
    assert_eq!(outer.status(), Status::Error);
}

#[test]
fn an_error_of_ones_own_around_it_is_a_new_error() {
    #[derive(Debug, thiserror::Error)]
    #[error("cannot load level 3")]
    struct Level(#[source] TaskError);
    let rt = Runtime::new().expect("a runtime");
    let inner = Kind::Cancelled.task(rt.handle());
    let mut outer = rt.run(async move { inner.await.map_err(Level) });
    let error = outer.wait().expect_err("passed on");
    assert!(error.downcast_ref::<Level>().is_some_and(|level| level.0.is_cancelled()));
    assert_eq!(outer.status(), Status::Error);
    assert_eq!(format!("{error:#}"), "task failed: cannot load level 3: task was cancelled");
}
