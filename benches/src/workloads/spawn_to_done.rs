//! How soon does a polling tick see a future done that it spawned onto a parked reactor, and what does the call cost it?

use super::{Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::{BareThread, OnThread, Tokio};
use async_executor::{Executor, StaticExecutor};
use offtick::{Builder, Runtime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Long enough for a reactor to fall asleep.
const PAUSE: Duration = Duration::from_micros(300);

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Span {
    /// From before the call until the task is seen done.
    ToDone,
    /// The call alone.
    Call,
}

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1000);
    let to_done = case("spawn_to_done/latency", count, Span::ToDone)
        .goal("offtick", Against::Peer("FLOOR: thread parked on a channel"), 1.05)
        .goal("offtick, spin", Against::Figure(0.3), 1.0);
    let call = case("spawn_to_done/call", count, Span::Call)
        .goal("offtick", Against::Peer("FLOOR: thread parked on a channel"), 1.05)
        .goal("offtick, spin", Against::Figure(0.1), 1.0);
    vec![to_done, call]
}

fn case(name: &'static str, count: usize, span: Span) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let without_io = Tokio::start_without_io();
    let executor = OnThread::<Executor<'static>>::start();
    let fixed = OnThread::<StaticExecutor>::start();
    let floor = BareThread::start(|done: Arc<AtomicBool>| done.store(true, Ordering::Release));
    Case::new(name, Unit::Microseconds)
        .peer(Peer::ours("offtick", move || ticks(count, span, || ours.spawn(async {}), offtick::Task::is_done)))
        .peer(
            Peer::ours("offtick, spin", move || {
                let spinning = Builder::new().spin(Duration::from_millis(500)).build().expect("offtick starts");
                ticks(count, span, || spinning.spawn(async {}), offtick::Task::is_done)
            })
            .note("takes a core"),
        )
        .peer(Peer::rival("tokio current_thread", move || {
            ticks(count, span, || tokio.handle().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("tokio without its I/O driver", move || {
            ticks(count, span, || without_io.handle().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            ticks(count, span, || executor.executor().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            ticks(count, span, || fixed.executor().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::floor("FLOOR: thread parked on a channel", move || {
            let spawn = || {
                let done = Arc::new(AtomicBool::new(false));
                floor.send(Arc::clone(&done));
                done
            };
            ticks(count, span, spawn, |done| done.load(Ordering::Acquire))
        }))
}

fn ticks<H>(count: usize, span: Span, spawn: impl Fn() -> H, is_done: impl Fn(&H) -> bool) -> Sample {
    let tick = |_| {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        let handle = spawn();
        let called = start.elapsed();
        spin_until(|| is_done(&handle));
        if span == Span::Call { called } else { start.elapsed() }
    };
    let watch = Watch::start();
    watch.stop_with_median((0..count).map(tick).collect(), 1)
}
