//! How long does a round trip take between a thread that wakes a task and the task that answers?

use super::{Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, timed};
use crate::peers::{OnThread, Tokio, bevy, futures_pool, one_worker};
use async_executor::{Executor, StaticExecutor};
use offtick::{Builder, Runtime};
use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// Round trips that are timed one by one, after those that are timed together: a look at the clock would be a good part of
/// a fast one.
const SINGLE: usize = 10_000;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (many, few) = (scale.of(500_000), scale.of(20_000));
    let ours = Runtime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let threaded = one_worker();
    let executor = OnThread::<Executor<'static>>::start();
    let fixed = OnThread::<StaticExecutor>::start();
    let smol = OnThread::start_smol();
    let (bevy, pool) = (bevy(1), futures_pool(1));
    let case = Case::new("wake_pingpong", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || game(few, |task| ours.spawn(task).detach())))
        .peer(
            Peer::ours("offtick, spin", move || {
                let spinning = Builder::new().spin(Duration::from_millis(500)).build().expect("offtick starts");
                game(many, |task| spinning.spawn(task).detach())
            })
            .note("both awake"),
        )
        .peer(Peer::rival("tokio current_thread", move || game(few, |task| drop(tokio.handle().spawn(task)))))
        .peer(Peer::rival("tokio multi_thread, one worker", move || game(few, |task| drop(threaded.spawn(task)))))
        .peer(Peer::rival("async-executor Executor", move || game(few, |task| executor.executor().spawn(task).detach())))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            game(few, |task| fixed.executor().spawn(task).detach())
        }))
        .peer(Peer::rival("smol", move || game(few, |task| smol.executor().spawn(task).detach())))
        .peer(Peer::rival("bevy_tasks, one thread", move || game(few, |task| bevy.spawn(task).detach())))
        .peer(Peer::rival("futures ThreadPool, one thread", move || game(few, |task| pool.spawn_ok(task))))
        .peer(Peer::floor("FLOOR: two spinning threads", move || floor(many)).note("two cache lines, no waker"))
        .goal("offtick, spin", Against::Figure(180.0), 1.0);
    vec![case]
}

#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

#[derive(Default)]
struct Table {
    ball: Line,
    answer: Line,
    /// The same for the whole life of the task.
    waker: OnceLock<Waker>,
}

fn game(rounds: usize, spawn: impl FnOnce(std::pin::Pin<Box<dyn Future<Output = ()> + Send>>)) -> Sample {
    let table = Arc::new(Table::default());
    let theirs = Arc::clone(&table);
    let (rounds, all) = (rounds as u64, (rounds + SINGLE) as u64);
    spawn(Box::pin(poll_fn(move |cx| {
        theirs.waker.get_or_init(|| cx.waker().clone());
        let ball = theirs.ball.0.load(Ordering::Acquire);
        theirs.answer.0.store(ball, Ordering::Release);
        if ball == all { Poll::Ready(()) } else { Poll::Pending }
    })));
    spin_until(|| table.waker.get().is_some());
    let waker = table.waker.get().expect("just seen");
    trips(rounds, |round| {
        table.ball.0.store(round, Ordering::Release);
        waker.wake_by_ref();
        spin_until(|| table.answer.0.load(Ordering::Acquire) == round);
    })
}

/// So many rounds at a stretch for the figure, and more for its tail.
fn trips(rounds: u64, mut trip: impl FnMut(u64)) -> Sample {
    let sample = timed(rounds as usize, || (1..=rounds).for_each(&mut trip));
    let single = |round| {
        let start = Instant::now();
        trip(round);
        start.elapsed()
    };
    sample.with_tail((rounds + 1..=rounds + SINGLE as u64).map(single).collect(), 1)
}

fn floor(rounds: usize) -> Sample {
    let table = Arc::new(Table::default());
    let theirs = Arc::clone(&table);
    let (rounds, all) = (rounds as u64, (rounds + SINGLE) as u64);
    let other = std::thread::spawn(move || {
        for round in 1..=all {
            spin_until(|| theirs.ball.0.load(Ordering::Acquire) == round);
            theirs.answer.0.store(round, Ordering::Release);
        }
    });
    let sample = trips(rounds, |round| {
        table.ball.0.store(round, Ordering::Release);
        spin_until(|| table.answer.0.load(Ordering::Acquire) == round);
    });
    other.join().expect("it does not panic");
    sample
}
