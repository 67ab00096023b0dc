//! How soon does a polling tick see a future done that it spawned onto a parked reactor, and what do 1 and 100 such calls cost?

use super::{Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::{OnThread, Parked, Tokio, bevy, futures_pool, one_worker};
use async_executor::{Executor, StaticExecutor};
use futures::FutureExt;
use futures::task::SpawnExt;
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
    /// So many calls, one after the other. A wake-up takes longer than they do, so that one is enough for all.
    Calls(usize),
}

const FLOOR: &str = "FLOOR: thread parked on a futex";

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (count, few) = (scale.of(1000), scale.of(300));
    let to_done = case("spawn_to_done/latency", count, Span::ToDone)
        .goal("offtick", Against::Peer(FLOOR), 1.05)
        .goal("offtick, spin", Against::Figure(0.3), 1.0);
    let call = case("spawn_to_done/call", count, Span::Call)
        .goal("offtick", Against::Best, 1.05)
        .goal("offtick", Against::Peer(FLOOR), 1.05)
        .goal("offtick, spin", Against::Figure(0.1), 1.0);
    let calls = case("spawn_to_done/100_calls", few, Span::Calls(100))
        .goal("offtick", Against::Best, 1.05)
        .goal("offtick, spin", Against::Figure(10.0), 1.0);
    vec![to_done, call, calls]
}

fn case(name: &'static str, count: usize, span: Span) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let without_io = Tokio::start_without_io();
    let executor = OnThread::<Executor<'static>>::start();
    let fixed = OnThread::<StaticExecutor>::start();
    let threaded = one_worker();
    let smol = OnThread::start_smol();
    let (bevy, pool) = (bevy(1), futures_pool(1));
    let floor = Parked::start();
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
        .peer(Peer::ours("offtick", move || ticks(count, span, || ours.spawn(async {}), |task| task.is_done())))
        .peer(
            Peer::ours("offtick, spin", move || {
                let spinning = Builder::new().spin(Duration::from_millis(500)).build().expect("offtick starts");
                ticks(count, span, || spinning.spawn(async {}), |task| task.is_done())
            })
            .note("takes a core"),
        )
        .peer(Peer::rival("tokio current_thread", move || {
            ticks(count, span, || tokio.handle().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("tokio without its I/O driver", move || {
            ticks(count, span, || without_io.handle().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("tokio multi_thread, one worker", move || {
            ticks(count, span, || threaded.spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            ticks(count, span, || executor.executor().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            ticks(count, span, || fixed.executor().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("smol", move || {
            ticks(count, span, || smol.executor().spawn(async {}), |task| task.is_finished())
        }))
        .peer(Peer::rival("bevy_tasks, one thread", move || {
            ticks(count, span, || bevy.spawn(async {}), |task| task.is_finished())
        }))
        .peer(
            Peer::rival("futures ThreadPool, one thread", move || {
                let spawn = || pool.spawn_with_handle(async {}).expect("the pool lives");
                ticks(count, span, spawn, |task| task.now_or_never().is_some())
            })
            .note("its handle tells by being polled"),
        )
        .peer(
            Peer::floor(FLOOR, move || {
                // One wake-up, however many the others spawn.
                ticks(count, span.once(), || floor.ask(), |()| floor.is_done())
            })
            .note("one wake-up alone"),
        )
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

impl Span {
    fn calls(self) -> usize {
        if let Self::Calls(calls) = self { calls } else { 1 }
    }

    fn once(self) -> Self {
        if let Self::Calls(_) = self { Self::Call } else { self }
    }
}

fn ticks<H>(count: usize, span: Span, spawn: impl Fn() -> H, mut is_done: impl FnMut(&mut H) -> bool) -> Sample {
    let mut handles = Vec::with_capacity(span.calls());
    let tick = |_| {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        (0..span.calls()).for_each(|_| handles.push(spawn()));
        let called = start.elapsed();
        for mut handle in handles.drain(..) {
            spin_until(|| is_done(&mut handle));
        }
        if span == Span::ToDone { start.elapsed() } else { called }
    };
    let watch = Watch::start();
    watch.stop_with_median((0..count).map(tick).collect(), 1)
}
