//! How late do sleeps of 1 to 20 ms end on an idle runtime, one after the other, and what CPU time does one take?

use super::{Scale, scattered};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::current_thread;
use async_io::Timer;
use futures_timer::Delay;
use offtick::Runtime;
use std::future::Future;
use std::time::{Duration, Instant};

/// What is reported.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figure {
    Median,
    /// Of a run; with few sleeps it is the worst.
    P99,
    /// CPU time a sleep.
    Cpu,
}

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    vec![
        case("timer_lateness/median", scale, Figure::Median).goal("offtick", Against::Peer("async-io"), 1.0),
        case("timer_lateness/p99", scale, Figure::P99).goal("offtick", Against::Peer("async-io"), 1.0),
        case("timer_lateness/cpu", scale, Figure::Cpu).goal("offtick", Against::Peer("async-io"), 0.5),
    ]
}

fn case(name: &'static str, scale: Scale, figure: Figure) -> Case {
    let count = scale.of(100);
    let ours = Runtime::new().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    Case::new(name, Unit::Microseconds)
        .peer(
            Peer::ours("offtick", move || {
                ours.spawn(sleeps(figure, count, offtick::time::sleep)).wait().expect("it ends")
            })
            .note("ticks of 4 us; its alarm is set ahead by what wakes have taken"),
        )
        .peer(
            Peer::rival("tokio current_thread", move || tokio.block_on(sleeps(figure, count, tokio::time::sleep)))
                .note("rounds up to 1 ms, and waits in whole ms"),
        )
        .peer(
            Peer::rival("async-io", move || async_io::block_on(sleeps(figure, count, Timer::after)))
                .note("block_on on the waiting thread"),
        )
        .peer(
            Peer::rival("futures-timer", move || async_io::block_on(sleeps(figure, count, Delay::new)))
                .note("a thread of its own wakes the waiting one"),
        )
        .peer(
            Peer::floor("FLOOR: thread::sleep", move || {
                let sleep = |wait| async move { std::thread::sleep(wait) };
                async_io::block_on(sleeps(figure, count, sleep))
            })
            .note("no future at all"),
        )
}

async fn sleeps<F: Future>(figure: Figure, count: usize, sleep: impl Fn(Duration) -> F) -> Sample {
    let mut late = Vec::with_capacity(count);
    let watch = Watch::start();
    for n in 0..count {
        let wait = scattered(n, Duration::from_millis(1), Duration::from_millis(20));
        let start = Instant::now();
        sleep(wait).await;
        late.push(start.elapsed().checked_sub(wait).expect("never early"));
    }
    match figure {
        Figure::Median => watch.stop_with_median(late, 1),
        Figure::P99 => watch.stop_with_quantile(late, 0.99, 1),
        Figure::Cpu => watch.stop_with_cpu(count),
    }
}
