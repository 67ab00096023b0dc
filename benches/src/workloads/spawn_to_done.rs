//! How soon does a polling tick see a future done that it spawned onto a parked reactor, and what does the call cost it?

use super::{Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::{BareThread, OnThread, Tokio};
use async_executor::{Executor, StaticExecutor};
use offtick::{Builder, Runtime};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, TryRecvError};
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
    let spinning_floor = move || {
        let (jobs, queue) = mpsc::channel::<Arc<AtomicBool>>();
        let answers = move || {
            while let Some(done) = wait_for(&queue) {
                done.store(true, Ordering::Release);
            }
        };
        let thread = std::thread::spawn(answers);
        let spawn = || {
            let done = Arc::new(AtomicBool::new(false));
            jobs.send(Arc::clone(&done)).expect("the thread lives until the channel is closed");
            done
        };
        let sample = ticks(count, span, spawn, |done| done.load(Ordering::Acquire));
        drop(jobs);
        thread.join().expect("it does not panic");
        sample
    };
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
        .peer(Peer::floor("FLOOR: thread spinning on a channel", spinning_floor).note("takes a core"))
}

/// The next message, spinning; `None` once the channel is closed.
fn wait_for<T>(queue: &Receiver<T>) -> Option<T> {
    loop {
        match queue.try_recv() {
            Ok(message) => return Some(message),
            Err(TryRecvError::Disconnected) => return None,
            Err(TryRecvError::Empty) => std::hint::spin_loop(),
        }
    }
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
