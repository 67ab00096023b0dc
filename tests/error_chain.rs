//! Every error states its own part, and its causes state theirs: no text is there twice.

#![cfg(all(feature = "toolkit", feature = "cron", feature = "net"))]

mod common;

use common::{chain, quiet_planned_panics};
use offtick::net::reconnect::{CloseReason, ReadError, Unsent, UnsentReason};
use offtick::net::{ReactorGone, Refused, ReuniteError, TcpStream};
use offtick::retry::{AttemptError, RetryError, retry};
use offtick::schedule::{Cron, CronError, PeriodError};
use offtick::toolkit::{AlreadyCompleted, CancelReason, CancelToken, Debouncer, NotStarted, Stale};
use offtick::{
    BuildError, Builder, Cancelled, InstallError, InvalidSetting, LocalRuntime, Panic, PoolStopped, RetryPolicy,
    Runtime, ScheduleError, Scheduler, SendError, SendErrorReason, TaskError, TaskManager, ThreadBoundError,
    ThreadError, TickError, TrySendError, TrySpawnError, WorkerThread, WrongType,
};
use std::error::Error;
use std::io;
use std::sync::Arc;
use std::time::Duration;

/// An error of a program, with a cause of its own.
#[derive(Debug, thiserror::Error)]
#[error("cannot load level 3")]
struct Level(#[source] io::Error);

fn level() -> Level {
    Level(io::Error::other("disk on fire"))
}

/// Lower case, no final stop, and nothing that a cause says as well.
#[track_caller]
fn check(error: &(dyn Error + 'static)) {
    let mut texts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(part) = next {
        next = part.source();
        let text = part.to_string();
        assert!(!text.is_empty() && !text.ends_with('.'), "{part:?}: {text}");
        assert!(!text.starts_with(char::is_uppercase), "{part:?}: {text}");
        for above in &texts {
            assert!(!above.contains(&text), "`{above}` repeats `{text}`");
        }
        texts.push(text);
    }
}

fn task_errors() -> Vec<TaskError> {
    quiet_planned_panics();
    let rt = Runtime::new().expect("a runtime");
    let failed = rt.run_blocking(|| Err::<(), _>(level())).wait();
    let retried = rt.task().retry(RetryPolicy::none().max_attempts(2)).run_blocking(|_cx| Err::<(), _>(level())).wait();
    let mut inner = rt.run_blocking(|| Err::<(), _>(level()));
    let passed_on = rt.run_blocking(move || inner.wait()).wait();
    let panicked = rt.spawn_blocking(|| panic!("planned: decoder bug 7")).wait();
    let others = [TaskError::Cancelled, TaskError::TimedOut(Duration::from_secs(1)), TaskError::RuntimeGone];
    let misuse = [TaskError::from_error(TaskError::Taken), TaskError::WouldDeadlock];
    let ended = [failed, retried, passed_on, panicked].map(|result| result.expect_err("it fails"));
    ended.into_iter().chain(others).chain(misuse).collect()
}

#[test]
fn a_chain_names_each_cause_once() {
    let expected = [
        "task failed: cannot load level 3: disk on fire",
        "task failed: all 2 attempts failed: cannot load level 3: disk on fire",
        "task failed: cannot load level 3: disk on fire",
        "task panicked: planned: decoder bug 7",
        "task was cancelled",
        "task timed out after 1s",
        "the runtime of this task was shut down; spawn it on a live one",
    ];
    let labels = ["disk on fire", "disk on fire", "disk on fire", "planned: decoder bug 7", "task was cancelled"];
    let errors = task_errors();
    for (error, expected) in errors.iter().zip(expected) {
        assert_eq!(format!("{error:#}"), expected);
        assert_eq!(chain(error), expected);
    }
    for (error, label) in errors.iter().zip(labels) {
        assert_eq!(error.label(), label);
    }
    for (error, expected) in errors.into_iter().zip(expected) {
        check(&error);
        assert_eq!(format!("{:#}", anyhow::Error::from(error)), expected);
    }
}

#[test]
fn a_label_is_one_line() {
    let error = TaskError::from_error("\n  cannot parse\nline 3: `}` expected\n");
    assert_eq!(error.label(), "cannot parse");
    let error = TaskError::from_error("");
    assert_eq!(error.label(), "task failed", "a cause without a text");
}

#[test]
fn every_error_obeys() {
    let disk = || io::Error::other("disk on fire");
    let close = || CloseReason::GaveUp(Arc::new(refused()));
    let errors: Vec<Box<dyn Error>> = vec![
        Box::new(BuildError::Thread(disk())),
        Box::new(BuildError::Poll(disk())),
        Box::new(Builder::new().blocking_threads(0).build().expect_err("none")),
        Box::new(InstallError::InUse),
        Box::new(InstallError::Build(BuildError::Poll(disk()))),
        Box::new(TrySpawnError::Full(())),
        Box::new(TrySpawnError::Stopped(())),
        Box::new(TrySpawnError::RuntimeGone(())),
        Box::new(TrySpawnError::NoThread((), disk())),
        Box::new(Cancelled),
        Box::new(refused()),
        Box::new(RetryPolicy::<io::Error>::none().max_attempts(0).check().expect_err("none")),
        Box::new(AttemptError::Failed(level())),
        Box::new(AttemptError::<io::Error>::TimedOut(Duration::from_secs(1))),
        Box::new(
            offtick::block_on(retry(RetryPolicy::none().max_attempts(0), || async { Err::<(), _>(level()) }))
                .expect("waits")
                .expect_err("invalid"),
        ),
        Box::new(BuildError::Invalid(RetryPolicy::<io::Error>::none().jitter(2.0).check().expect_err("invalid"))),
        Box::new(ReadError::Closed(close())),
        Box::new(ReadError::NotUtf8(String::from_utf8(vec![0xff]).expect_err("no text"))),
        Box::new(close()),
        Box::new(CloseReason::Requested),
        Box::new(CloseReason::Ended),
        Box::new(CloseReason::RuntimeGone),
        Box::new(CloseReason::Panicked),
        Box::new(UnsentReason::Lost(Arc::new(disk()))),
        Box::new(UnsentReason::Closed(close())),
        Box::new(cancelled("enough")),
        Box::new(CancelReason::Deadline),
        Box::new(CancelReason::OwnerGone),
        Box::new(CancelReason::RuntimeGone),
        Box::new(NotStarted),
        Box::new(AlreadyCompleted(1)),
        Box::new(Stale(1)),
        Box::new(ThreadError::SetUp(TaskError::from_error(level()))),
        Box::new(ThreadError::Build(BuildError::Poll(disk()))),
        Box::new(ThreadError::AlreadyRunning),
        Box::new(ThreadError::Busy),
        Box::new(ThreadError::WouldDeadlock),
        Box::new(ThreadBoundError::WrongThread),
        Box::new(ThreadBoundError::InUse),
        Box::new(TrySendError::Full(1)),
        Box::new(TrySendError::ReaderGone(1)),
        Box::new(SendErrorReason::Cancelled),
        Box::new(SendErrorReason::ReaderGone),
        Box::new(SendErrorReason::WouldDeadlock),
        Box::new(Cron::parse("* * *").expect_err("three fields")),
        Box::new(Cron::parse("99 * * * *").expect_err("no such minute")),
        Box::new(no_window()),
        Box::new(no_period()),
        Box::new(WorkerThread::builder("a\0b").set_up(|| Ok::<_, io::Error>(())).build().expect_err("a bad name")),
        Box::new(nested_tick()),
    ];
    errors.iter().for_each(|error| check(&**error));
    task_errors().iter().for_each(|error| check(error));
}

fn refused() -> RetryError<io::Error> {
    let policy = RetryPolicy::none().max_attempts(3);
    let failing = || async { Err::<(), _>(io::Error::from(io::ErrorKind::ConnectionRefused)) };
    offtick::block_on(retry(policy, failing)).expect("waits").expect_err("refused")
}

fn cancelled(reason: &'static str) -> CancelReason {
    let token = CancelToken::new();
    token.cancel_because(reason);
    token.reason().expect("cancelled")
}

fn no_window() -> InvalidSetting {
    let rt = Runtime::new().expect("a runtime");
    let body = |_: ()| async { Ok::<_, io::Error>(()) };
    Debouncer::builder(&rt, Duration::ZERO).build(body).expect_err("no window")
}

fn no_period() -> ScheduleError {
    let rt = Runtime::new().expect("a runtime");
    Scheduler::new(&TaskManager::new(&rt)).every(Duration::ZERO).spawn(|_cx| async {}).expect_err("no period")
}

fn nested_tick() -> TickError {
    let rt = std::rc::Rc::new(LocalRuntime::new().expect("a runtime"));
    let theirs = std::rc::Rc::clone(&rt);
    let task = rt.spawn(async move { theirs.tick(offtick::Budget::polls(1)).expect_err("inside of a tick") });
    rt.tick(offtick::Budget::polls(8)).expect("not nested");
    *task.result().expect("over").expect("a value")
}

/// All types that are returned as errors, whether they can be made here or not.
#[test]
fn every_error_is_one() {
    fn error<E: Error + Send + Sync + 'static>() {}
    error::<TaskError>();
    error::<Panic>();
    error::<Cancelled>();
    error::<BuildError>();
    error::<InstallError>();
    error::<TrySpawnError<fn()>>();
    error::<RetryError>();
    error::<RetryError<io::Error>>();
    error::<AttemptError<io::Error>>();
    error::<TrySendError<u8>>();
    error::<SendError<u8>>();
    error::<SendErrorReason>();
    error::<TickError>();
    error::<WrongType>();
    error::<PoolStopped>();
    error::<ThreadError>();
    error::<ThreadBoundError>();
    error::<ScheduleError>();
    error::<CronError>();
    error::<PeriodError>();
    error::<CancelReason>();
    error::<NotStarted>();
    error::<AlreadyCompleted<u8>>();
    error::<Stale<u8>>();
    error::<InvalidSetting>();
    error::<ReactorGone>();
    error::<Refused<u8>>();
    error::<ReuniteError<TcpStream>>();
    error::<ReadError>();
    error::<CloseReason>();
    error::<Unsent>();
    error::<UnsentReason>();
    error::<offtick::time::Elapsed>();
    error::<offtick::queue::NoExecutor>();
    error::<offtick::queue::NotReady>();
    error::<offtick::queue::SwitchError>();
    error::<offtick::testing::RunError>();
    error::<offtick::testing::Leaks>();
    #[cfg(all(unix, feature = "signal"))]
    {
        error::<offtick::signal::SignalError>();
        error::<offtick::signal::StopFailed>();
        error::<offtick::signal::Failure>();
    }
}
