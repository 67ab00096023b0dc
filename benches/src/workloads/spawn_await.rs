//! What does it cost to spawn one task inside the executor and to await it, one after the other?

use super::Scale;
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::{current_thread, one_worker};
use async_executor::{Executor, StaticExecutor};
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use futures_lite::future;
use offtick::Runtime;
use std::future::Future;
use std::hint::black_box;
use tokio::task::LocalSet;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1_000_000);
    let ours = Runtime::new().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    let local = current_thread().enable_all().build().expect("tokio starts");
    let threaded = one_worker();
    let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
    let fixed: &'static StaticExecutor = Box::leak(Box::new(StaticExecutor::new()));
    let mut pool = LocalPool::new();
    let case = Case::new("spawn_await", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || {
            let handle = ours.handle().clone();
            let spawn = move |n| handle.spawn(async move { black_box(n) });
            ours.spawn(one_by_one(count, spawn)).wait().expect("it ends")
        }))
        .peer(
            Peer::rival("tokio current_thread", move || {
                // Inside a task: the future of `block_on` is woken through the driver instead.
                let task = async move { one_by_one(count, |n| tokio::spawn(async move { black_box(n) })).await };
                tokio.block_on(async move { tokio::spawn(task).await.expect("it ends") })
            })
            .note("awaiting inside a task, too"),
        )
        .peer(Peer::rival("tokio LocalSet", move || {
            let set = LocalSet::new();
            let spawn = |n| tokio::task::spawn_local(async move { black_box(n) });
            set.block_on(&local, async move {
                tokio::task::spawn_local(one_by_one(count, spawn)).await.expect("it ends")
            })
        }))
        .peer(Peer::rival("tokio multi_thread, one worker", move || {
            let spawn = |n| tokio::spawn(async move { black_box(n) });
            threaded.block_on(threaded.spawn(one_by_one(count, spawn))).expect("it ends")
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            let spawn = |n| executor.spawn(async move { black_box(n) });
            future::block_on(executor.run(async move { executor.spawn(one_by_one(count, spawn)).await }))
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            let spawn = |n| fixed.spawn(async move { black_box(n) });
            future::block_on(fixed.run(async move { fixed.spawn(one_by_one(count, spawn)).await }))
        }))
        .peer(
            Peer::rival("futures LocalPool", move || {
                let (spawner, inner) = (pool.spawner(), pool.spawner());
                let spawn = move |n| inner.spawn_local_with_handle(async move { black_box(n) }).expect("the pool lives");
                let task = spawner.spawn_local_with_handle(one_by_one(count, spawn)).expect("the pool lives");
                pool.run_until(task)
            })
            .note("spawns from its own thread only"),
        )
        .goal("offtick", Against::Figure(120.0), 1.0);
    vec![case]
}

async fn one_by_one<H: Future>(count: usize, spawn: impl Fn(usize) -> H) -> Sample {
    let watch = Watch::start();
    for n in 0..count {
        black_box(spawn(n).await);
    }
    watch.stop(count)
}
