//! Lifecycles: the product of where user code panics, when the handle goes and when the task is cancelled. What each
//! combination must lead to is worked out by a model that knows nothing of threads.

mod common;

use common::{
    Counted, CountedWaker, Dropped, HANG, Hog, Signal, Tally, after_hooks, pool_thread, quiet_planned_panics,
    reactor_thread,
};
use offtick::{Builder, Handle, Runtime, Status, Task, TaskError};
use std::future::Future;
use std::pin::Pin;
use std::sync::mpsc::channel;
use std::task::{Context, Poll};
use std::thread;

const IN_POLL: &str = "planned: in the body";
const IN_DROP: &str = "planned: in the drop of the body";
const IN_OUTPUT: &str = "planned: in the drop of the output";
const IN_WAKER: &str = "planned: in the join waker";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PanicAt {
    Nowhere,
    Poll,
    BodyDrop,
    OutputDrop,
    JoinWaker,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keep {
    Kept,
    DroppedBefore,
    DroppedDuring,
    DroppedAfter,
    Detached,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    Never,
    Before,
    During,
    After,
}

/// What "while it runs" means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The future has been polled and sleeps.
    Suspended,
    /// The future is being polled; the poll returns its value.
    PolledToReady,
    /// The future is being polled; the poll returns `Pending`, and it is woken later.
    PolledToPending,
    /// The closure runs.
    Closure,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    panic_at: PanicAt,
    keep: Keep,
    cancel: When,
    times: usize,
    stage: Stage,
}

/// Everything that is counted in one life.
#[derive(Default)]
struct Counts {
    polls: Tally,
    body_drops: Tally,
    outputs: Tally,
    output_drops: Tally,
}

/// What the model says.
#[derive(Debug, PartialEq, Eq)]
struct Life {
    status: Status,
    message: Option<&'static str>,
    polls: usize,
    outputs: usize,
    wakes: usize,
    /// Calls of `on_panic`, the one for the destructor of the output among them.
    panics: usize,
    unhandled: usize,
    /// What each call of `cancel` answered.
    answers: Vec<bool>,
}

/// The model: one walk through the three phases.
fn expected(plan: Plan) -> Life {
    let closure = plan.stage == Stage::Closure;
    let mut over = None;
    let mut requested = false;
    let mut handle = true;
    let mut answers = Vec::new();
    let mut wakes = 0;
    let cancels = |phase| if plan.cancel == phase { plan.times } else { 0 };

    for _ in 0..cancels(When::Before) {
        answers.push(over.is_none());
        if over.replace(Status::Cancelled).is_none() {
            wakes += 1;
        }
    }
    match plan.keep {
        Keep::DroppedBefore => {
            over = Some(Status::Cancelled);
            handle = false;
        }
        Keep::Detached => handle = false,
        _ => {}
    }
    let started = over.is_none();
    let mut polls = usize::from(started);

    for _ in 0..cancels(When::During) {
        answers.push(over.is_none());
        if closure && over.replace(Status::Cancelled).is_none() {
            wakes += usize::from(handle);
        }
        requested = true;
    }
    if plan.keep == Keep::DroppedDuring {
        handle = false;
        requested = true;
        if closure {
            over = Some(Status::Cancelled);
        }
    }

    let returns = started && (!requested || matches!(plan.stage, Stage::PolledToReady | Stage::Closure));
    if returns && matches!(plan.stage, Stage::Suspended | Stage::PolledToPending) {
        polls += 1;
    }
    let body_panics = returns && plan.panic_at == PanicAt::Poll;
    let drop_panics = plan.panic_at == PanicAt::BodyDrop;
    let panicked = body_panics || drop_panics;
    // A closure drops what it captured before it makes its value, so a panic of that drop leaves none.
    let outputs = usize::from(returns && !body_panics && !(closure && drop_panics));
    let mut message = None;
    let mut unhandled = 0;
    if over.is_none() {
        let end = if panicked {
            message = Some(if body_panics { IN_POLL } else { IN_DROP });
            unhandled = usize::from(!handle || plan.keep == Keep::DroppedAfter);
            Status::Error
        } else if requested {
            Status::Cancelled
        } else {
            Status::Done
        };
        over = Some(end);
        wakes += usize::from(handle);
    }
    answers.extend(std::iter::repeat_n(false, cancels(When::After)));
    let status = over.expect("the walk is at its end");
    let panics = usize::from(panicked) + if plan.panic_at == PanicAt::OutputDrop { outputs } else { 0 };
    Life { status, message, polls, outputs, wakes, panics, unhandled, answers }
}

/// Drops, noted; the panic of an output's destructor is planned only there.
#[derive(Debug)]
struct Output {
    _dropped: Dropped,
}

struct Bench {
    rt: Runtime,
    panics: Tally,
    unhandled: Tally,
}

impl Bench {
    fn new() -> Self {
        quiet_planned_panics();
        let (panics, unhandled) = (Tally::new(), Tally::new());
        let (panicked, failed) = (panics.clone(), unhandled.clone());
        let rt = Builder::new()
            .blocking_threads(1)
            .on_panic(move |_, _| panicked.note())
            .on_unhandled_error(move |_, _| failed.note())
            .build()
            .expect("a runtime is built");
        Self { rt, panics, unhandled }
    }

    /// Lives one life and compares it with the model.
    fn live(&self, plan: Plan) {
        let closure = plan.stage == Stage::Closure;
        let counts = Counts::default();
        let (panics, unhandled) = (self.panics.count(), self.unhandled.count());
        let engine = |rt: &Handle| if closure { Hog::pool(rt) } else { Hog::reactor(rt) };
        let hog = engine(self.rt.handle());
        let own_thread = hog.thread();
        let signal = Signal::new();
        let (entered, seen) = channel::<()>();
        let (go, gate) = channel::<()>();
        let body = Script { plan, counts: &counts, signal: signal.clone() };
        let mut task = if closure {
            body.closure(self.rt.handle(), move || {
                entered.send(()).ok();
                gate.recv().ok();
            })
        } else {
            body.future(self.rt.handle(), move || {
                entered.send(()).ok();
                gate.recv().ok();
            })
        };
        assert_eq!(task.status(), Status::Pending, "{plan:?}");
        let control = task.cancel_handle();
        let (wakes, waker) = CountedWaker::pair((plan.panic_at == PanicAt::JoinWaker).then_some(IN_WAKER));
        assert!(Pin::new(&mut task).poll(&mut Context::from_waker(&waker)).is_pending());
        let mut handle = Some(task);
        let mut answers = Vec::new();
        let mut cancel = |phase| {
            if plan.cancel == phase {
                answers.extend((0..plan.times).map(|_| control.cancel()));
            }
        };

        // Before the start: the hog holds the only thread that could start it.
        cancel(When::Before);
        match plan.keep {
            Keep::DroppedBefore => drop(handle.take()),
            Keep::Detached => handle.take().into_iter().for_each(Task::detach),
            _ => {}
        }
        assert_eq!(counts.polls.count(), 0, "{plan:?}: nothing runs before its turn");
        hog.release();

        // While it runs.
        let starts = expected(plan).polls > 0;
        if starts {
            seen.recv_timeout(HANG).expect("the body starts");
            assert_eq!(control.status(), Status::Running, "{plan:?}");
            let hog = (plan.stage == Stage::Suspended).then(|| {
                go.send(()).ok();
                Hog::reactor(self.rt.handle())
            });
            cancel(When::During);
            if plan.keep == Keep::DroppedDuring {
                drop(handle.take());
            }
            let told = plan.cancel == When::During || plan.keep == Keep::DroppedDuring;
            let so_far = if closure && told { Status::Cancelled } else { Status::Running };
            assert_eq!(control.status(), so_far, "{plan:?}: nothing is dropped under a running body");
            assert_eq!(counts.body_drops.count(), 0, "{plan:?}");
            go.send(()).ok();
            if let Some(hog) = hog {
                hog.release();
            }
            signal.give();
        } else {
            counts.body_drops.wait_for(1);
            cancel(When::During);
        }

        // After the end: whatever runs next on that thread runs after the whole end of the task.
        counts.body_drops.wait_for(1);
        let thread = if closure { pool_thread(self.rt.handle()) } else { reactor_thread(self.rt.handle()) };
        assert_eq!(thread, own_thread, "{plan:?}: the thread lives on");
        assert!(control.is_done(), "{plan:?}");
        cancel(When::After);
        if plan.keep == Keep::DroppedAfter {
            drop(handle.take());
        }

        let status = control.status();
        check_kind(plan, status, handle.as_ref());
        let by_handle = status == Status::Done && matches!(plan.keep, Keep::Kept | Keep::DroppedAfter);
        let message = handle.as_ref().map_or(expected(plan).message, |task| message_of(task.error()));
        drop(handle.take());
        after_hooks(self.rt.handle());
        let life = Life {
            status: control.status(),
            message,
            polls: counts.polls.count(),
            outputs: counts.outputs.count(),
            wakes: wakes.wakes.count(),
            panics: self.panics.count() - panics,
            unhandled: self.unhandled.count() - unhandled,
            answers,
        };
        assert_eq!(life, expected(plan), "{plan:?}");

        assert_eq!(counts.body_drops.threads(), [own_thread], "{plan:?}: the body is dropped once, on its own thread");
        let last = if by_handle { thread::current().id() } else { own_thread };
        let output_drops = vec![last; life.outputs];
        assert_eq!(counts.output_drops.threads(), output_drops, "{plan:?}: the output is dropped once, by its owner");
        assert_eq!(counts.polls.threads(), vec![own_thread; life.polls], "{plan:?}: polled on its own thread");
        drop(waker);
        assert_eq!(std::sync::Arc::strong_count(&wakes), 1, "{plan:?}: the join waker is given back");
    }
}

fn message_of(error: Option<&TaskError>) -> Option<&'static str> {
    match error {
        Some(TaskError::Panicked(panic)) => {
            [IN_POLL, IN_DROP, IN_OUTPUT, IN_WAKER].into_iter().find(|known| *known == panic.message())
        }
        _ => None,
    }
}

fn check_kind(plan: Plan, status: Status, task: Option<&Task<Output>>) {
    let Some(task) = task else { return };
    assert_eq!(task.status(), status, "{plan:?}");
    let fits = match (status, task.result()) {
        (Status::Done, Some(Ok(_))) => true,
        (Status::Error, Some(Err(error))) => error.is_panic() && error.label().contains(common::PLANNED),
        (Status::Cancelled, Some(Err(error))) => error.is_cancelled(),
        _ => false,
    };
    assert!(fits, "{plan:?}: {:?}", task.result().map(|result| result.map(|_| "a value")));
}

/// The body of one life.
struct Script<'a> {
    plan: Plan,
    counts: &'a Counts,
    signal: Signal,
}

impl Script<'_> {
    fn dropped(&self) -> Dropped {
        let panics = self.plan.panic_at == PanicAt::BodyDrop;
        Dropped::panicking(&self.counts.body_drops, panics.then_some(IN_DROP))
    }

    /// What the body does at its end: it panics, or makes its value.
    fn end(&self) -> impl FnMut() -> Output + Send + 'static {
        let (plan, outputs, drops) = (self.plan, self.counts.outputs.clone(), self.counts.output_drops.clone());
        move || {
            if plan.panic_at == PanicAt::Poll {
                panic!("{IN_POLL}");
            }
            outputs.note();
            let panics = plan.panic_at == PanicAt::OutputDrop;
            Output { _dropped: Dropped::panicking(&drops, panics.then_some(IN_OUTPUT)) }
        }
    }

    fn future(&self, rt: &Handle, gate: impl Fn() + Send + 'static) -> Task<Output> {
        let (stage, signal, mut end) = (self.plan.stage, self.signal.clone(), self.end());
        let poll = move |cx: &mut Context<'_>, number| {
            if number == 1 {
                gate();
            }
            if stage == Stage::PolledToReady || number > 1 {
                return Poll::Ready(end());
            }
            // Given while the poll was held up: then this is the wake.
            if signal.poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
            Poll::Pending
        };
        rt.spawn(Counted::with_drop(&self.counts.polls, self.dropped(), Box::new(poll)))
    }

    fn closure(&self, rt: &Handle, gate: impl Fn() + Send + 'static) -> Task<Output> {
        let (polls, dropped, mut end) = (self.counts.polls.clone(), self.dropped(), self.end());
        let value_first = self.plan.panic_at == PanicAt::Poll;
        rt.spawn_blocking(move || {
            polls.note();
            gate();
            // Dropped before the value is made, unless that panics: then by the unwinding.
            if value_first {
                let _dropped = dropped;
                return end();
            }
            drop(dropped);
            end()
        })
    }
}

fn all(stages: &[Stage]) {
    let bench = Bench::new();
    let mut lives = 0;
    for &stage in stages {
        for panic_at in [PanicAt::Nowhere, PanicAt::Poll, PanicAt::BodyDrop, PanicAt::OutputDrop, PanicAt::JoinWaker] {
            for keep in [Keep::Kept, Keep::DroppedBefore, Keep::DroppedDuring, Keep::DroppedAfter, Keep::Detached] {
                for (cancel, times) in [
                    (When::Never, 0),
                    (When::Before, 1),
                    (When::Before, 2),
                    (When::During, 1),
                    (When::During, 2),
                    (When::After, 1),
                    (When::After, 2),
                ] {
                    bench.live(Plan { panic_at, keep, cancel, times, stage });
                    lives += 1;
                }
            }
        }
    }
    assert_eq!(lives, stages.len() * 5 * 5 * 7);
}

#[test]
fn futures_that_sleep() {
    all(&[Stage::Suspended]);
}

#[test]
fn futures_held_up_in_their_last_poll() {
    all(&[Stage::PolledToReady]);
}

#[test]
fn futures_held_up_in_a_poll_that_returns_pending() {
    all(&[Stage::PolledToPending]);
}

#[test]
fn closures() {
    all(&[Stage::Closure]);
}
