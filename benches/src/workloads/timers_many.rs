//! What CPU time does a timer cost, of 1,000,000 that end spread over one second, each in a task?

use super::{Scale, YieldOnce, scattered};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::current_thread;
use async_executor::StaticExecutor;
use async_io::Timer;
use futures_timer::Delay;
use offtick::{LocalRuntime, Runtime};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1_000_000);
    // A million a second, however many.
    let span = Duration::from_micros(count as u64);
    let wait = move |n| scattered(n, Duration::ZERO, span);
    let ours = Runtime::new().expect("offtick starts");
    let local = LocalRuntime::new().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    let executor: &'static StaticExecutor = Box::leak(Box::new(StaticExecutor::new()));
    let case = Case::new("timers_many", Unit::Nanoseconds)
        .peer(
            Peer::ours("offtick", move || {
                let handle = ours.handle().clone();
                let spawn = move |n| handle.spawn(async move { offtick::time::sleep(wait(n)).await });
                ours.spawn(all(count, spawn)).wait().expect("it ends")
            })
            .note("ticks of 4 us; so many at once wait up to 500 us for one another"),
        )
        .peer(
            Peer::ours("offtick LocalRuntime", move || {
                let spawn = |n| local.spawn(async move { offtick::time::sleep(wait(n)).await });
                local.run_until(all(count, spawn)).expect("no tick is on")
            })
            .note("ticks of 4 us; so many at once wait up to 500 us for one another"),
        )
        .peer(
            Peer::rival("tokio current_thread", move || {
                tokio.block_on(all(count, |n| tokio::spawn(async move { tokio::time::sleep(wait(n)).await })))
            })
            .note("ticks of 1 ms: fewer turns"),
        )
        .peer(
            Peer::rival("async-io, StaticExecutor", move || {
                let spawn = |n| executor.spawn(async move { Timer::after(wait(n)).await });
                async_io::block_on(executor.run(all(count, spawn)))
            })
            .note("no ticks; a BTreeMap"),
        )
        .peer(
            Peer::rival("futures-timer, StaticExecutor", move || {
                let spawn = |n| executor.spawn(async move { Delay::new(wait(n)).await });
                async_io::block_on(executor.run(all(count, spawn)))
            })
            .note("no ticks; a heap on a thread of its own"),
        )
        .peer(
            Peer::floor("FLOOR: boxes and a heap", move || bare(count, wait))
                .note("no waker, no handle, and no waiting: what cold memory costs"),
        )
        .goal("offtick", Against::Peer("tokio current_thread"), 0.4);
    vec![case]
}

/// A boxed future for each timer, polled when it is made, when it is due and then dropped; a heap says in which order.
fn bare(count: usize, wait: impl Fn(usize) -> Duration) -> Sample {
    let mut cx = Context::from_waker(Waker::noop());
    let mut futures: Vec<Option<Pin<Box<dyn Future<Output = ()>>>>> = Vec::with_capacity(count);
    let mut due = BinaryHeap::with_capacity(count);
    let watch = Watch::start();
    for n in 0..count {
        let mut future = Box::pin(YieldOnce::default());
        assert!(future.as_mut().poll(&mut cx).is_pending());
        futures.push(Some(future));
        due.push(Reverse((Instant::now() + wait(n), n)));
    }
    while let Some(Reverse((_, n))) = due.pop() {
        let mut future = futures[n].take().expect("each is due once");
        assert!(future.as_mut().poll(&mut cx).is_ready());
    }
    watch.stop_with_cpu(count)
}

async fn all<H: Future>(count: usize, spawn: impl Fn(usize) -> H) -> Sample {
    let mut handles = Vec::with_capacity(count);
    let watch = Watch::start();
    handles.extend((0..count).map(spawn));
    for handle in handles {
        handle.await;
    }
    watch.stop_with_cpu(count)
}
