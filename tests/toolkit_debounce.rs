//! `toolkit::Debouncer`: each rule as a trace under a clock that only the test moves, and random calls in all modes against a
//! plain reference.
#![cfg(feature = "toolkit")]

mod common;

use common::{HANG, OnDrop, Signal, Tally, block_on, poll_once, quiet_planned_panics, reactor_thread, runtime, until};
use offtick::time::{Clock, ManualClock};
use offtick::toolkit::{Debouncer, Edge, Triggered, WhileRunning};
use offtick::{Builder, Runtime, TaskError};
use proptest::prelude::*;
use std::future::pending;
use std::io;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const WINDOW: Duration = Duration::from_millis(100);

fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// A debouncer whose runs note their moment and arguments, and a clock to move it by.
struct Rig {
    rt: Runtime,
    clock: ManualClock,
    debouncer: Debouncer<u32, u32>,
    runs: Receiver<(u64, u32)>,
}

impl Rig {
    fn new(edge: Edge, extending: bool) -> Self {
        Self::build(edge, extending, WhileRunning::Wait, WINDOW, Duration::ZERO)
    }

    fn build(edge: Edge, extending: bool, policy: WhileRunning, window: Duration, takes: Duration) -> Self {
        let clock = Clock::manual();
        let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
        let (log, runs) = channel();
        let mut builder = Debouncer::builder(&rt, window).edge(edge).while_running(policy);
        if extending {
            builder = builder.extending();
        }
        let (now, handle) = (clock.clone(), rt.handle().clone());
        let body = move |args: u32| {
            log.send((now.elapsed().as_micros() as u64, args)).ok();
            let sleep = handle.sleep(takes);
            async move {
                sleep.await;
                Ok::<_, io::Error>(args)
            }
        };
        let debouncer = builder.build(body).expect("a window");
        Self { rt, clock, debouncer, runs }
    }

    /// Lets the reactor do all that follows from where the clock stands.
    fn settle(&self) {
        (0..6).for_each(|_| settle_once(&self.rt));
    }

    fn at(&self, time: u64) {
        self.settle();
        self.clock.set(ms(time));
        self.settle();
    }

    /// The runs since the last look: when, in milliseconds, and with what.
    fn trace(&self) -> Vec<(u64, u32)> {
        self.runs.try_iter().map(|(micros, args)| (micros / 1_000, args)).collect()
    }
}

/// One round of the reactor.
fn settle_once(rt: &Runtime) {
    reactor_thread(rt.handle());
}

#[test]
fn trailing_runs_once_at_the_end_of_a_fixed_window_with_the_last_arguments() {
    let rig = Rig::new(Edge::Trailing, false);
    let mut calls = vec![rig.debouncer.call(1)];
    rig.at(50);
    calls.push(rig.debouncer.call(2));
    rig.at(99);
    assert_eq!(rig.debouncer.trigger(3), Triggered::Deferred);
    assert!(calls.iter_mut().all(|call| poll_once(call).is_pending()));
    assert_eq!((rig.trace(), rig.debouncer.is_busy()), (vec![], true));
    rig.at(100);
    assert_eq!(rig.trace(), [(100, 3)], "the window is not extended");
    for call in calls {
        assert_eq!(block_on(call).ok().as_deref(), Some(&3));
    }
    assert!(!rig.debouncer.is_busy());
    rig.at(1_000);
    assert_eq!(rig.trace(), []);
    assert!(rig.debouncer.trigger(4).is_deferred());
    rig.at(1_100);
    assert_eq!(rig.trace(), [(1_100, 4)]);
}

#[test]
fn trailing_extended_runs_one_window_after_the_last_call() {
    let rig = Rig::new(Edge::Trailing, true);
    for number in 0..10 {
        rig.at(u64::from(number) * 60);
        rig.debouncer.trigger(number);
    }
    rig.at(639);
    assert_eq!(rig.trace(), []);
    rig.at(640);
    assert_eq!(rig.trace(), [(640, 9)]);
}

#[test]
fn leading_runs_at_once_and_gives_later_calls_the_last_value() {
    let rig = Rig::new(Edge::Leading, false);
    let first = rig.debouncer.call(1);
    rig.settle();
    assert_eq!(rig.trace(), [(0, 1)]);
    rig.at(99);
    assert_eq!(rig.debouncer.trigger(2), Triggered::Absorbed);
    let absorbed = rig.debouncer.call(3);
    assert_eq!(absorbed.get().and_then(Result::ok).as_deref(), Some(&1), "at once");
    assert_eq!(block_on(first).ok().as_deref(), Some(&1));
    rig.at(100);
    assert_eq!(rig.trace(), []);
    assert_eq!(rig.debouncer.trigger(4), Triggered::Started);
    rig.settle();
    assert_eq!(rig.trace(), [(100, 4)]);
}

#[test]
fn leading_extended_stays_closed_while_calls_come() {
    let rig = Rig::new(Edge::Leading, true);
    for number in 0..5 {
        rig.at(u64::from(number) * 99);
        rig.debouncer.trigger(number);
    }
    rig.at(4 * 99 + 100);
    rig.debouncer.trigger(5);
    rig.settle();
    assert_eq!(rig.trace(), [(0, 0), (496, 5)]);
}

#[test]
fn both_runs_at_once_and_once_more_for_the_calls_within_the_window() {
    let rig = Rig::new(Edge::Both, false);
    let first = rig.debouncer.call(1);
    rig.at(10);
    let (second, third) = (rig.debouncer.call(2), rig.debouncer.call(3));
    rig.at(100);
    assert_eq!(rig.trace(), [(0, 1), (100, 3)]);
    for (call, value) in [(first, 1), (second, 3), (third, 3)] {
        assert_eq!(block_on(call).ok().as_deref(), Some(&value));
    }
    // The trailing run opens a window as well.
    rig.at(150);
    assert_eq!(rig.debouncer.trigger(4), Triggered::Deferred);
    rig.at(200);
    assert_eq!(rig.trace(), [(200, 4)]);
    rig.at(300);
    assert_eq!(rig.trace(), [], "no calls, no run");
    assert_eq!(rig.debouncer.trigger(5), Triggered::Started);
}

#[test]
fn errors_and_panics_reach_the_callers_and_wedge_nothing() {
    quiet_planned_panics();
    let (rt, clock) = {
        let clock = Clock::manual();
        (Builder::new().clock(clock.clone()).build().expect("a runtime"), clock)
    };
    let debouncer = Debouncer::builder(&rt, WINDOW)
        .edge(Edge::Leading)
        .run_timeout(ms(10))
        .build(|number: u32| async move {
            match number {
                0 => Err(io::Error::other("refused")),
                1 => panic!("planned"),
                2 => pending().await,
                number => Ok(number),
            }
        })
        .expect("a window");
    let mut kinds = Vec::new();
    for number in 0..4 {
        let call = debouncer.call(number);
        (0..4).for_each(|_| settle_once(&rt));
        clock.advance(ms(10));
        let outcome = block_on(call);
        let absorbed = debouncer.call(99);
        assert_eq!(absorbed.get().expect("at once").is_err(), outcome.is_err(), "those debounced get it as well");
        kinds.push(match outcome.as_deref() {
            Ok(_) => "value",
            Err(error) if error.is_panic() => "panic",
            Err(error) if error.is_timeout() => "timeout",
            Err(_) => "error",
        });
        assert_eq!(debouncer.error().is_some(), number != 3);
        clock.advance(WINDOW);
    }
    assert_eq!(kinds, ["error", "panic", "timeout", "value"]);
    assert_eq!(debouncer.latest().as_deref(), Some(&3));
}

#[test]
fn flush_runs_now_what_waits() {
    let rig = Rig::new(Edge::Trailing, false);
    assert!(!rig.debouncer.flush());
    let call = rig.debouncer.call(1);
    rig.at(30);
    assert!(rig.debouncer.flush());
    assert!(!rig.debouncer.flush());
    assert_eq!(block_on(call).ok().as_deref(), Some(&1));
    rig.at(50);
    assert!(rig.debouncer.trigger(2).is_deferred());
    rig.at(100);
    assert_eq!(rig.trace(), [(30, 1)], "the end of the window that was flushed is nobody's");
    rig.at(150);
    assert_eq!(rig.trace(), [(150, 2)]);
}

#[test]
fn cancel_drops_what_waits_and_what_runs_and_keeps_the_latest() {
    let rig = Rig::build(Edge::Both, false, WhileRunning::Wait, WINDOW, ms(10));
    assert!(!rig.debouncer.cancel());
    rig.debouncer.trigger(1);
    rig.settle();
    rig.at(10);
    assert_eq!(rig.debouncer.latest().as_deref(), Some(&1));
    rig.at(100);
    let running = rig.debouncer.call(2);
    let waiting = rig.debouncer.call(3);
    rig.settle();
    assert!(rig.debouncer.cancel());
    assert!(!rig.debouncer.is_busy());
    for call in [running, waiting] {
        assert!(block_on(call).expect_err("cancelled").is_cancelled());
    }
    assert_eq!(rig.debouncer.latest().as_deref(), Some(&1));
    assert_eq!(rig.debouncer.trigger(4), Triggered::Started, "the window is over, too");
    rig.at(400);
    assert_eq!(rig.trace(), [(0, 1), (100, 2), (100, 4)]);
}

#[test]
fn dropped_it_cancels_and_leaves_nothing() {
    let rig = Rig::build(Edge::Both, false, WhileRunning::Wait, Duration::MAX, ms(10));
    let clone = rig.debouncer.clone();
    let (running, waiting) = (rig.debouncer.call(1), rig.debouncer.call(2));
    rig.settle();
    assert_eq!(rig.rt.metrics().timers, 2);
    let Rig { rt, debouncer, runs, .. } = rig;
    drop(debouncer);
    assert!(clone.is_busy());
    drop(clone);
    for call in [running, waiting] {
        assert!(block_on(call).expect_err("dropped").is_cancelled());
    }
    until(|| rt.metrics().timers == 0 && rt.metrics().alive == 0);
    assert_eq!(runs.try_iter().count(), 1);
    // The body is gone as well, and its end of the channel with it.
    assert!(runs.recv_timeout(HANG).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Disconnected));
}

#[test]
fn it_may_be_used_and_dropped_from_inside_its_body() {
    let rt = runtime();
    let place: Arc<Mutex<Option<Debouncer<u32, u32>>>> = Arc::default();
    let (inside, ended) = (Arc::clone(&place), Tally::new());
    let note = ended.clone();
    let debouncer = Debouncer::builder(&rt, ms(1))
        .build(move |number: u32| {
            let inside = Arc::clone(&inside);
            let note = OnDrop::new({
                let note = note.clone();
                move || note.note()
            });
            async move {
                let _note = note;
                if number < 3 {
                    inside.lock().unwrap().as_ref().expect("there").trigger(number + 1);
                    return Ok(number);
                }
                let debouncer = inside.lock().unwrap().take();
                drop(debouncer);
                pending::<Result<u32, io::Error>>().await
            }
        })
        .expect("a window");
    debouncer.trigger(1);
    *place.lock().unwrap() = Some(debouncer);
    ended.wait_for(3);
    until(|| Arc::strong_count(&place) == 1);
}

#[test]
fn after_the_runtime_is_gone_every_call_says_so() {
    for edge in [Edge::Leading, Edge::Trailing, Edge::Both] {
        let rig = Rig::build(edge, false, WhileRunning::Wait, WINDOW, ms(10));
        let calls = [1, 2].map(|number| rig.debouncer.call(number));
        rig.settle();
        let Rig { rt, debouncer, .. } = rig;
        drop(rt);
        for call in calls.into_iter().chain([debouncer.call(3), debouncer.call(4)]) {
            assert!(matches!(block_on(call).expect_err("gone"), TaskError::RuntimeGone), "{edge:?}");
        }
    }
}

#[test]
fn a_window_of_zero_is_an_error() {
    let rt = runtime();
    assert!(Debouncer::builder(&rt, Duration::ZERO).build(|()| async { Ok::<_, io::Error>(()) }).is_err());
}

/// Runs that end when they are told to, in any order.
fn by_hand(rt: &Runtime, policy: WhileRunning) -> (Debouncer<Signal, u64>, Tally) {
    let begun = Tally::new();
    let note = begun.clone();
    let debouncer = Debouncer::builder(rt, ms(1))
        .while_running(policy)
        .build(move |signal: Signal| {
            note.note();
            let number = note.count() as u64;
            async move {
                signal.given().await;
                Ok::<_, io::Error>(number)
            }
        })
        .expect("a window");
    (debouncer, begun)
}

#[test]
fn a_stale_result_never_overwrites_a_newer_one() {
    let rt = runtime();
    let (debouncer, begun) = by_hand(&rt, WhileRunning::Overlap);
    let signals = [(); 3].map(|()| Signal::new());
    let mut calls = Vec::new();
    for (number, signal) in signals.iter().enumerate() {
        calls.push(debouncer.call(signal.clone()));
        debouncer.flush();
        begun.wait_for(number + 1);
    }
    let end = |number: usize| {
        signals[number].give();
        until(|| calls[number].is_done());
        debouncer.latest().map(|latest| *latest)
    };
    assert_eq!([end(1), end(0), end(2)], [Some(2), Some(2), Some(3)]);
    let values: Vec<_> = calls.drain(..).map(|call| *block_on(call).expect("its own")).collect();
    assert_eq!(values, [1, 2, 3], "callers get what their own run gave");
}

#[test]
fn a_replaced_run_hands_its_callers_to_the_newer_one() {
    let rt = runtime();
    let (debouncer, begun) = by_hand(&rt, WhileRunning::Replace);
    let (never, soon) = (Signal::new(), Signal::new());
    let first = debouncer.call(never);
    debouncer.flush();
    begun.wait_for(1);
    let second = debouncer.call(soon.clone());
    debouncer.flush();
    soon.give();
    assert_eq!([first, second].map(|call| block_on(call).map(|value| *value).ok()), [Some(2); 2]);
    assert_eq!(debouncer.runs(), 2);
    until(|| rt.metrics().alive == 0);
}

#[test]
fn a_million_triggers_and_a_hundred_thousand_replaced_runs_stay_small() {
    let alive = Arc::new(());
    for (edge, extending) in [(Edge::Trailing, true), (Edge::Leading, false), (Edge::Both, false)] {
        let rig = {
            let clock = Clock::manual();
            let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
            let mut builder = Debouncer::builder(&rt, WINDOW).edge(edge);
            if extending {
                builder = builder.extending();
            }
            (
                rt,
                builder
                    .build(|args: Arc<()>| async move {
                        drop(args);
                        Ok::<_, io::Error>(())
                    })
                    .expect("a window"),
            )
        };
        for _ in 0..1_000_000 {
            rig.1.trigger(Arc::clone(&alive));
        }
        (0..4).for_each(|_| settle_once(&rig.0));
        assert!(Arc::strong_count(&alive) <= 3, "{edge:?}");
        // The task that settled is counted out a moment after it is over.
        until(|| rig.0.metrics().alive <= 1 && rig.0.metrics().timers <= 1);
        drop(rig);
        until(|| Arc::strong_count(&alive) == 1);
    }
    let rt = runtime();
    let replaced = Debouncer::builder(&rt, ms(1))
        .while_running(WhileRunning::Replace)
        .build(|args: Arc<()>| async move {
            pending::<()>().await;
            drop(args);
            Ok::<_, io::Error>(())
        })
        .expect("a window");
    for number in 0..100_000 {
        drop(replaced.call(Arc::clone(&alive)));
        replaced.flush();
        if number % 1_000 == 0 {
            reactor_thread(rt.handle());
        }
    }
    until(|| Arc::strong_count(&alive) == 2 && rt.metrics().alive == 1);
    drop(replaced);
    until(|| Arc::strong_count(&alive) == 1 && rt.metrics().alive == 0);
}

#[test]
fn a_tick_that_sees_the_flag_sees_the_value() {
    let rt = runtime();
    let debouncer =
        Debouncer::builder(&rt, ms(1)).build(|n: u32| async move { Ok::<_, io::Error>(n) }).expect("a window");
    for number in 1..200 {
        debouncer.trigger(number);
        debouncer.flush();
        // Whoever looks only when there is news must not miss the last of it.
        until(|| rt.take_update() && debouncer.latest().as_deref() == Some(&number));
    }
}

/// The same rules, written down as what happens next at which time; all in microseconds.
#[derive(Default)]
struct Reference {
    /// When, with which call's arguments.
    runs: Vec<(u64, u32)>,
    /// By call: the run that serves it.
    served: Vec<Option<usize>>,
    /// Of each run.
    ends: Vec<Option<u64>>,
    /// When anything happened.
    moments: Vec<u64>,
}

struct Batch {
    due: u64,
    args: u32,
    callers: Vec<usize>,
}

/// Calls each 60 ms, with a window of 100 ms.
#[test]
fn calls_that_never_pause_are_served_after_the_longest_wait() {
    // The first call waits from 0 on, or runs at once and the second waits from 60 on. The clock stands at multiples of 60 ms.
    for (edge, position, served) in [(Edge::Trailing, 0, (ms(300), 5)), (Edge::Both, 1, (ms(360), 6))] {
        let clock = Clock::manual();
        let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
        let (log, runs) = channel();
        let now = clock.clone();
        let debouncer = Debouncer::builder(&rt, WINDOW)
            .edge(edge)
            .extending()
            .max_wait(ms(250))
            .build(move |args: u32| {
                log.send((now.elapsed(), args)).ok();
                async move { Ok::<_, io::Error>(args) }
            })
            .expect("a window");
        let mut seen = Vec::new();
        for call in 1..=10 {
            debouncer.trigger(call);
            // Each run has begun and ended before time goes on.
            (0..6).for_each(|_| settle_once(&rt));
            clock.advance(ms(60));
            (0..6).for_each(|_| settle_once(&rt));
            seen.extend(runs.try_iter());
        }
        assert_eq!(seen.get(position), Some(&served), "{edge:?}: {seen:?}");
        let latest = debouncer.latest().map(|value| u64::from(*value));
        assert_eq!((latest, debouncer.calls()), (debouncer.latest_call(), 10));
    }
    let rt = runtime();
    let zero = Debouncer::builder(&rt, WINDOW).extending().max_wait(Duration::ZERO);
    assert!(zero.build(|n: u32| async move { Ok::<_, io::Error>(n) }).is_err());
}

fn reference(edge: Edge, extending: bool, policy: WhileRunning, window: u64, takes: u64, calls: &[u64]) -> Reference {
    let mut all = Reference { served: vec![None; calls.len()], ..Reference::default() };
    let mut batch: Option<Batch> = None;
    let mut running: Vec<(u64, usize)> = Vec::new();
    let mut closed_until = 0;
    let mut next_call = 0;
    loop {
        let held = policy == WhileRunning::Wait && !running.is_empty();
        let due = batch.as_ref().filter(|_| !held).map(|batch| batch.due);
        let end = running.iter().map(|(end, _)| *end).min();
        let call = calls.get(next_call).copied();
        let Some(now) =
            [due.map(|due| due.max(all.moments.last().copied().unwrap_or(0))), end, call].into_iter().flatten().min()
        else {
            return all;
        };
        all.moments.push(now);
        if end == Some(now) {
            running.retain(|(end, run)| {
                if *end == now {
                    all.ends[*run] = Some(now);
                }
                *end != now
            });
        } else if due.is_some_and(|due| due <= now) {
            let Some(Batch { args, callers, .. }) = batch.take() else { unreachable!() };
            let run = all.runs.len();
            if policy == WhileRunning::Replace {
                for (_, old) in running.drain(..) {
                    all.served.iter_mut().filter(|served| **served == Some(old)).for_each(|served| *served = Some(run));
                }
            }
            callers.into_iter().for_each(|caller| all.served[caller] = Some(run));
            all.runs.push((now, args));
            all.ends.push(None);
            running.push((now + takes, run));
            closed_until = now + window;
        } else {
            let (number, args) = (next_call, next_call as u32);
            next_call += 1;
            if let Some(batch) = &mut batch {
                batch.args = args;
                batch.callers.push(number);
                if extending && now < batch.due {
                    batch.due = now + window;
                }
                continue;
            }
            let due = match edge {
                Edge::Trailing => now + window,
                Edge::Leading | Edge::Both if all.runs.is_empty() || now >= closed_until => now,
                Edge::Leading => {
                    if extending {
                        closed_until = now + window;
                    }
                    all.served[number] = Some(all.runs.len() - 1);
                    continue;
                }
                Edge::Both => {
                    if extending {
                        closed_until = now + window;
                    }
                    closed_until
                }
                other => unreachable!("not modelled: {other:?}"),
            };
            batch = Some(Batch { due, args, callers: vec![number] });
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    /// When runs begin, with what, and whom they serve. Times are whole milliseconds but for the length of a run, so that two
    /// things never fall together unless one follows from the other.
    #[test]
    fn it_does_what_the_reference_does(
        edge in prop::sample::select(vec![Edge::Leading, Edge::Trailing, Edge::Both]),
        extending: bool,
        policy in prop::sample::select(vec![WhileRunning::Wait, WhileRunning::Replace, WhileRunning::Overlap]),
        window in 1_u64..30,
        takes in 0_u64..50,
        steps in prop::collection::vec(1_u64..40, 1..25),
    ) {
        let takes = takes * 1_000 + 37;
        let calls: Vec<u64> = steps.iter().scan(0, |now, step| { *now += step * 1_000; Some(*now) }).collect();
        let expected = reference(edge, extending, policy, window * 1_000, takes, &calls);
        let rig = Rig::build(edge, extending, policy, ms(window), Duration::from_micros(takes));
        let mut made = Vec::new();
        for now in &expected.moments {
            rig.clock.set(Duration::from_micros(*now));
            rig.settle();
            if calls.get(made.len()) == Some(now) {
                made.push(rig.debouncer.call(made.len() as u32));
                rig.settle();
            }
            let newest = expected.ends.iter().rposition(|end| end.is_some_and(|end| end <= *now));
            let latest = rig.debouncer.latest().map(|latest| *latest);
            prop_assert_eq!(latest, newest.map(|run| expected.runs[run].1), "the latest at {} us", now);
        }
        prop_assert_eq!(rig.runs.try_iter().collect::<Vec<_>>(), expected.runs.clone());
        let values: Vec<_> = made.iter().map(|call| call.get().and_then(Result::ok).map(|value| *value)).collect();
        let served: Vec<_> = expected.served.iter().map(|run| run.map(|run| expected.runs[run].1)).collect();
        prop_assert_eq!(values, served);
        prop_assert!(!rig.debouncer.is_busy());
    }
}

#[test]
fn it_works_without_a_thread() {
    let clock = Clock::manual();
    let rt = offtick::LocalBuilder::new().clock(clock.clone()).build().expect("a runtime");
    let body = |n: u32| async move { Ok::<_, io::Error>(std::rc::Rc::new(n)).map(|n| *n) };
    let debouncer = Debouncer::builder(rt.handle(), WINDOW).edge(Edge::Both).build(body).expect("a window");
    assert_eq!([1, 2].map(|n| debouncer.trigger(n)), [Triggered::Started, Triggered::Deferred]);
    rt.run_until_stalled().expect("a tick");
    assert_eq!(debouncer.latest().as_deref(), Some(&1));
    clock.advance(WINDOW);
    rt.run_until_stalled().expect("a tick");
    assert_eq!(debouncer.latest().as_deref(), Some(&2));
    let waiting = debouncer.call(3);
    drop(rt);
    assert!(matches!(waiting.get().expect("at once"), Err(TaskError::RuntimeGone)));
}
