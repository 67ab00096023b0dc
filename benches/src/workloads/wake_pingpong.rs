//! How long does a round trip take between a thread that wakes a task and the task that answers?

use super::{Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch, timed};
use crate::peers::{OnThread, Tokio, bevy, futures_pool, one_worker};
use async_executor::{Executor, StaticExecutor};
use offtick::{Builder, Runtime};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

/// What the thread that wakes does between an answer and the next wake-up, in the second case: too long for anybody to
/// have stayed awake for it.
const PAUSE: Duration = Duration::from_micros(20);

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pace {
    /// One round trip after the other.
    AtOnce,
    /// The median of round trips with a pause ahead of each.
    AfterPause,
}

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let at_once = case("wake_pingpong", Unit::Nanoseconds, scale, Pace::AtOnce)
        .peer(Peer::floor("FLOOR: two threads, one line", move || bare(scale.of(500_000), on_one_line)).note("spinning"))
        .peer(Peer::floor("FLOOR: two threads, two lines", move || bare(scale.of(500_000), on_two_lines)).note("spinning"))
        .peer(
            Peer::floor("FLOOR: the words of a wake", move || bare(scale.of(500_000), by_the_words_of_a_wake))
                .note("spinning; message, state, queue head, answer"),
        )
        .goal("offtick", Against::Best, 1.0)
        .goal("offtick, spin", Against::Figure(180.0), 1.0)
        .goal("offtick, spin", Against::Peer("FLOOR: the words of a wake"), 1.25);
    let after_pause = case("wake_pingpong/after 20 us", Unit::Microseconds, scale, Pace::AfterPause)
        .peer(Peer::floor("FLOOR: a thread that parks", move || parking(scale.of(5000))).note("no waker, no queue"))
        .goal("offtick", Against::Best, 1.05);
    vec![at_once, after_pause]
}

fn case(name: &'static str, unit: Unit, scale: Scale, pace: Pace) -> Case {
    let rounds = |at_once| scale.of(if pace == Pace::AtOnce { at_once } else { 5000 });
    let (many, few) = (rounds(500_000), rounds(50_000));
    let ours = Runtime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let threaded = one_worker();
    let executor = OnThread::<Executor<'static>>::start();
    let fixed = OnThread::<StaticExecutor>::start();
    let smol = OnThread::start_smol();
    let (bevy, pool) = (bevy(1), futures_pool(1));
    Case::new(name, unit)
        .peer(
            Peer::ours("offtick", move || game(few, pace, |task| ours.spawn(task).detach())).note(match pace {
                Pace::AtOnce => "looks for up to 0.5 us before it parks, while it is woken this often",
                Pace::AfterPause => "",
            }),
        )
        .peer(
            Peer::ours("offtick, spin", move || {
                let spinning = Builder::new().spin(Duration::from_millis(500)).build().expect("offtick starts");
                game(many, pace, |task| spinning.spawn(task).detach())
            })
            .note("takes a core"),
        )
        .peer(Peer::rival("tokio current_thread", move || game(few, pace, |task| drop(tokio.handle().spawn(task)))))
        .peer(Peer::rival("tokio multi_thread, one worker", move || game(few, pace, |task| drop(threaded.spawn(task)))))
        .peer(Peer::rival("async-executor Executor", move || {
            game(few, pace, |task| executor.executor().spawn(task).detach())
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            game(few, pace, |task| fixed.executor().spawn(task).detach())
        }))
        .peer(Peer::rival("smol", move || game(few, pace, |task| smol.executor().spawn(task).detach())))
        .peer(Peer::rival("bevy_tasks, one thread", move || game(few, pace, |task| bevy.spawn(task).detach())))
        .peer(Peer::rival("futures ThreadPool, one thread", move || game(few, pace, |task| pool.spawn_ok(task))))
}

#[derive(Default)]
#[repr(align(128))]
struct Line(AtomicU64);

#[derive(Default)]
struct Table {
    ball: Line,
    answer: Line,
    /// These two where there is no task.
    state: Line,
    queue: Line,
    /// The same for the whole life of the task.
    waker: OnceLock<Waker>,
}

type Answerer = Pin<Box<dyn Future<Output = ()> + Send>>;

fn game(rounds: usize, pace: Pace, spawn: impl FnOnce(Answerer)) -> Sample {
    let table = Arc::new(Table::default());
    let theirs = Arc::clone(&table);
    let last = rounds as u64;
    spawn(Box::pin(poll_fn(move |cx| {
        theirs.waker.get_or_init(|| cx.waker().clone());
        let ball = theirs.ball.0.load(Ordering::Acquire);
        theirs.answer.0.store(ball, Ordering::Release);
        if ball == last { Poll::Ready(()) } else { Poll::Pending }
    })));
    spin_until(|| table.waker.get().is_some());
    let waker = table.waker.get().expect("just seen");
    play(rounds, pace, |round| {
        table.ball.0.store(round, Ordering::Release);
        waker.wake_by_ref();
        spin_until(|| table.answer.0.load(Ordering::Acquire) == round);
    })
}

fn play(rounds: usize, pace: Pace, mut round_trip: impl FnMut(u64)) -> Sample {
    match pace {
        Pace::AtOnce => timed(rounds, || (1..=rounds as u64).for_each(round_trip)),
        Pace::AfterPause => {
            let watch = Watch::start();
            let round_trip = |round| {
                let answered = Instant::now();
                spin_until(|| answered.elapsed() >= PAUSE);
                let start = Instant::now();
                round_trip(round);
                start.elapsed()
            };
            watch.stop_with_median((1..=rounds as u64).map(round_trip).collect(), 1)
        }
    }
}

/// The two sides of a game without tasks.
trait Side: Fn(&Table, u64) + Send + 'static {}
impl<F: Fn(&Table, u64) + Send + 'static> Side for F {}

fn bare<A: Side, B: Side>(rounds: usize, sides: fn() -> (A, B)) -> Sample {
    let table = Arc::new(Table::default());
    let theirs = Arc::clone(&table);
    let (wakes, answers) = sides();
    let other = std::thread::spawn(move || (1..=rounds as u64).for_each(|round| answers(&theirs, round)));
    let sample = play(rounds, Pace::AtOnce, |round| wakes(&table, round));
    other.join().expect("it does not panic");
    sample
}

fn on_one_line() -> (impl Side, impl Side) {
    let wakes = |table: &Table, round: u64| {
        table.ball.0.store(2 * round - 1, Ordering::Release);
        spin_until(|| table.ball.0.load(Ordering::Acquire) == 2 * round);
    };
    let answers = |table: &Table, round: u64| {
        spin_until(|| table.ball.0.load(Ordering::Acquire) == 2 * round - 1);
        table.ball.0.store(2 * round, Ordering::Release);
    };
    (wakes, answers)
}

fn on_two_lines() -> (impl Side, impl Side) {
    let wakes = |table: &Table, round: u64| {
        table.ball.0.store(round, Ordering::Release);
        spin_until(|| table.answer.0.load(Ordering::Acquire) == round);
    };
    let answers = |table: &Table, round: u64| {
        spin_until(|| table.ball.0.load(Ordering::Acquire) == round);
        table.answer.0.store(round, Ordering::Release);
    };
    (wakes, answers)
}

/// Whatever the runtime, a wake-up marks the task, puts it in a queue that the other thread looks at, and is taken back
/// there: two words that both threads write, besides those of the message.
fn by_the_words_of_a_wake() -> (impl Side, impl Side) {
    let wakes = |table: &Table, round: u64| {
        table.ball.0.store(round, Ordering::Release);
        table.state.0.fetch_add(1, Ordering::AcqRel);
        table.queue.0.swap(1, Ordering::AcqRel);
        spin_until(|| table.answer.0.load(Ordering::Acquire) == round);
    };
    let answers = |table: &Table, _: u64| {
        spin_until(|| table.queue.0.load(Ordering::Acquire) == 1);
        table.queue.0.swap(0, Ordering::AcqRel);
        table.state.0.fetch_add(1, Ordering::AcqRel);
        let ball = table.ball.0.load(Ordering::Acquire);
        table.answer.0.store(ball, Ordering::Release);
        table.state.0.fetch_add(1, Ordering::AcqRel);
    };
    (wakes, answers)
}

fn parking(rounds: usize) -> Sample {
    let table = Arc::new(Table::default());
    let theirs = Arc::clone(&table);
    let last = rounds as u64;
    let other = std::thread::spawn(move || {
        let mut seen = 0;
        while seen != last {
            let ball = theirs.ball.0.load(Ordering::Acquire);
            if ball == seen {
                std::thread::park();
            } else {
                seen = ball;
                theirs.answer.0.store(ball, Ordering::Release);
            }
        }
    });
    let sample = play(rounds, Pace::AfterPause, |round| {
        table.ball.0.store(round, Ordering::Release);
        other.thread().unpark();
        spin_until(|| table.answer.0.load(Ordering::Acquire) == round);
    });
    other.join().expect("it does not panic");
    sample
}
