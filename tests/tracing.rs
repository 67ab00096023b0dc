//! The feature `tracing`: spans of tasks, and events, as a subscriber sees them.
#![cfg(all(feature = "tracing", feature = "toolkit"))]

mod common;

use common::{Hog, Signal, narrow, reactor_thread, runtime, settled, until};
use offtick::time::Clock;
use offtick::{BoxError, Builder, RetryPolicy, Scheduler, TaskManager};
use std::cell::RefCell;
use std::fmt::{Debug, Write};
use std::sync::{Mutex, Once};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};
use tracing_core::span::Current;

const SECOND: Duration = Duration::from_secs(1);

/// What the subscriber saw, a line for each.
static LOG: Mutex<Vec<String>> = Mutex::new(Vec::new());
/// The spans begun so far; a span's number is its place, counted from 1.
static SPANS: Mutex<Vec<&'static Metadata<'static>>> = Mutex::new(Vec::new());

thread_local! {
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
}

struct Log;

/// ` name=value` for each field.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, " {}={value:?}", field.name()).expect("a string takes it");
    }
}

fn note(line: String) {
    LOG.lock().unwrap().push(line);
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("offtick") || metadata.target() == "test"
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = {
            let mut spans = SPANS.lock().unwrap();
            spans.push(span.metadata());
            spans.len() as u64
        };
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        note(format!("new {id} {}{}", span.metadata().name(), fields.0));
        Id::from_u64(id)
    }

    fn current_span(&self) -> Current {
        let Some(id) = ENTERED.with(|entered| entered.borrow().last().copied()) else { return Current::none() };
        Current::new(Id::from_u64(id), SPANS.lock().unwrap()[id as usize - 1])
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, span: &Id, follows: &Id) {
        note(format!("follows {} {}", span.into_u64(), follows.into_u64()));
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        let within = ENTERED.with(|entered| entered.borrow().last().copied());
        note(format!("event {}{} in {within:?}", event.metadata().target(), fields.0));
    }

    fn enter(&self, span: &Id) {
        ENTERED.with(|entered| entered.borrow_mut().push(span.into_u64()));
        note(format!("enter {}", span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with(|entered| entered.borrow_mut().pop());
        note(format!("exit {}", span.into_u64()));
    }

    fn try_close(&self, span: Id) -> bool {
        note(format!("close {}", span.into_u64()));
        true
    }
}

/// The subscriber of this process.
fn subscribe() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| tracing::subscriber::set_global_default(Log).expect("the first"));
}

fn lines_with(part: &str) -> Vec<String> {
    LOG.lock().unwrap().iter().filter(|line| line.contains(part)).cloned().collect()
}

/// The number of the span with that name of a task, and its line.
fn span_of(name: &str) -> (u64, String) {
    let line =
        lines_with(&format!("name=\"{name}\" ")).into_iter().find(|line| line.starts_with("new ")).expect("a span");
    let number = line.split(' ').nth(1).and_then(|number| number.parse().ok()).expect("a number");
    (number, line)
}

fn count(line: &str) -> usize {
    LOG.lock().unwrap().iter().filter(|seen| *seen == line).count()
}

#[test]
fn a_task_has_a_span_around_its_polls() {
    subscribe();
    let rt = runtime();
    let signal = Signal::new();
    let given = signal.clone();
    let line = line!() + 1;
    let task = rt.task().name("spanned").spawn(move |_| async move {
        tracing::info!(target: "test", "first poll");
        given.given().await;
        tracing::info!(target: "test", "second poll");
    });
    let id = task.id();
    reactor_thread(rt.handle());
    signal.give();
    settled(task);
    let (span, new) = span_of("spanned");
    assert!(new.contains(&format!(" id={id} ")) && new.contains("tests/tracing.rs"), "{new}");
    assert!(new.ends_with(&format!(" line={line}")), "{new}");
    for message in ["first poll", "second poll"] {
        assert_eq!(lines_with(message), [format!("event test message={message} in Some({span})")]);
    }
    assert_eq!((count(&format!("enter {span}")), count(&format!("exit {span}"))), (2, 2));
    until(|| count(&format!("close {span}")) > 0);
}

#[test]
fn a_closure_runs_in_its_span_and_spans_follow_from_each_other() {
    subscribe();
    let rt = runtime();
    let handle = rt.handle().clone();
    let outer = rt.task().name("follows_outer").spawn_blocking(move |_| {
        tracing::info!(target: "test", "in the closure");
        handle.task().name("follows_inner").spawn(|_| async {})
    });
    settled(settled(outer));
    let ((outer, _), (inner, _)) = (span_of("follows_outer"), span_of("follows_inner"));
    assert_eq!(lines_with("in the closure"), [format!("event test message=in the closure in Some({outer})")]);
    assert_eq!(count(&format!("follows {inner} {outer}")), 1);
}

#[test]
fn attempts_unhandled_errors_and_refusals_are_events() {
    subscribe();
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let policy = RetryPolicy::fixed(SECOND).max_attempts(2);
    let task = rt.task().name("tries").retry(policy).run(|_| async { Err::<(), BoxError>("busy".into()) });
    let id = task.id();
    task.detach();
    let retry = |rest: &str| lines_with(&format!("offtick::retry message={rest} task={id} "));
    until(|| retry("attempt failed, waits for the next").len() == 1);
    assert_eq!(retry("attempt begins").len(), 1);
    reactor_thread(rt.handle());
    clock.advance(SECOND);
    until(|| lines_with("unhandled error").iter().any(|line| line.contains(&format!("task={id} name=\"tries\" "))));
    let begun = retry("attempt begins");
    assert!(begun.len() == 2 && begun[1].contains("attempt=2"), "{begun:?}");

    let narrow = Builder::new().blocking_threads(1).blocking_queue(1).build().unwrap();
    let hog = Hog::pool(narrow.handle());
    let queued = narrow.spawn_blocking(|| ());
    assert!(narrow.try_spawn_blocking(|| ()).is_err());
    assert_eq!(lines_with("offtick::blocking message=closure refused reason=\"the queue is full\"").len(), 1);
    hog.release();
    settled(queued);
}

#[test]
fn overlapped_runs_are_events_without_a_hook() {
    subscribe();
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let scheduler = Scheduler::new(&TaskManager::new(&rt));
    let _busy = scheduler.every(SECOND).id("busy_job").run(|_| std::future::pending::<Result<(), BoxError>>()).unwrap();
    reactor_thread(rt.handle());
    for _ in 0..2 {
        clock.advance(SECOND);
        reactor_thread(rt.handle());
        reactor_thread(rt.handle());
    }
    until(|| !lines_with("message=run overlapped job=\"busy_job\"").is_empty());
    drop(scheduler);
    let internal: Vec<_> =
        LOG.lock().unwrap().iter().filter(|line| line.contains("scheduler/front.rs")).cloned().collect();
    assert!(internal.is_empty(), "the driver has no span: {internal:?}");
}

/// Only a step of the wall clock makes a run late.
#[test]
#[cfg(feature = "cron")]
fn missed_runs_are_events_without_a_hook() {
    use chrono::{DateTime, NaiveTime, Utc};
    use offtick::time::WallClock;

    subscribe();
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let wall = WallClock::paced_by(clock, DateTime::<Utc>::UNIX_EPOCH);
    let scheduler = Scheduler::with_wall_clock(&TaskManager::new(&rt), wall.clone());
    let one = NaiveTime::from_hms_opt(1, 0, 0).unwrap();
    let late = scheduler.daily_at(one).zone(Utc).id("late_job").misfire_grace(SECOND);
    let _late = late.run(|_| async { Ok::<_, BoxError>(()) }).unwrap();
    reactor_thread(rt.handle());
    wall.step(SECOND * 3600 * 8);
    until(|| !lines_with("message=runs missed job=\"late_job\" slots=1").is_empty());
}

#[test]
fn a_slow_poll_is_an_event_while_it_is_on() {
    subscribe();
    let rt = Builder::new().watch_polls(Duration::from_millis(1)).build().unwrap();
    let seen = || lines_with("message=slow poll").iter().any(|line| line.contains("name=\"slow_one\""));
    let task = rt.task().name("slow_one").spawn(move |_| async move { until(seen) });
    settled(task);
    settled(narrow().spawn(async {}));
}
