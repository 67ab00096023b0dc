//! What does it cost to register a sleep and to take it out again, among 1,000,000 others?

use super::{Scale, registered, scattered};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::current_thread;
use async_io::Timer;
use futures_timer::Delay;
use offtick::Runtime;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The times of all sleeps. None ends during the run.
const WAIT: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(240));

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (live, count, few) = (scale.of(1_000_000), scale.of(1_000_000), scale.of(100_000));
    let ours = Runtime::new().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    let our_sleeps = ours.spawn(many(live, offtick::time::sleep)).wait().expect("it ends");
    // Without `unconstrained` tokio would register 128 sleeps and refuse to look at the others.
    let tokio_sleeps = tokio.block_on(tokio::task::unconstrained(many(live, tokio::time::sleep)));
    let timers = async_io::block_on(many(live, Timer::after));
    let delays = async_io::block_on(many(live, Delay::new));
    let case = Case::new("timer_insert_cancel", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || {
            let _live = &our_sleeps;
            ours.spawn(pairs(count, offtick::time::sleep)).wait().expect("it ends")
        }))
        .peer(
            Peer::rival("tokio current_thread", move || {
                let _live = &tokio_sleeps;
                tokio.block_on(tokio::task::unconstrained(pairs(count, tokio::time::sleep)))
            })
            .note("unconstrained: outside its budget"),
        )
        .peer(
            Peer::rival("async-io", move || {
                let _live = &timers;
                async_io::block_on(pairs(count, Timer::after))
            })
            .note("queues both; a BTreeMap"),
        )
        .peer(
            Peer::rival("futures-timer", move || {
                let _live = &delays;
                async_io::block_on(pairs(few, Delay::new))
            })
            .note("its thread does the work: see the CPU time"),
        )
        .peer(
            Peer::floor("FLOOR: one clock read", move || {
                let watch = Watch::start();
                for _ in 0..count {
                    std::hint::black_box(Instant::now());
                }
                watch.stop(count)
            })
            .note("a sleep counts from now"),
        )
        .goal("offtick", Against::Peer("tokio current_thread"), 0.35);
    vec![case]
}

/// On the thread of the runtime, in a task, as programs do it.
async fn many<F: Future>(count: usize, sleep: impl Fn(Duration) -> F) -> Vec<Pin<Box<F>>> {
    let wait = |n| scattered(n, WAIT.0, WAIT.1);
    poll_fn(|cx| Poll::Ready((0..count).map(|n| registered(sleep(wait(n)), cx)).collect())).await
}

async fn pairs<F: Future>(count: usize, sleep: impl Fn(Duration) -> F) -> Sample {
    let pair = |n, cx: &mut Context<'_>| {
        let sleep = pin!(sleep(scattered(n, WAIT.0, WAIT.1)));
        assert!(sleep.poll(cx).is_pending());
    };
    poll_fn(|cx| {
        let watch = Watch::start();
        (0..count).for_each(|n| pair(n, cx));
        Poll::Ready(watch.stop(count))
    })
    .await
}
