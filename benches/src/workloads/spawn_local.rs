//! What does a task cost that is spawned, run and awaited inside the executor, in waves of 1000 and all at once?

use super::Scale;
use super::jobs::waves;
use crate::measure::{Against, Case, Peer, Unit};
use crate::peers::{current_thread, one_worker};
use async_executor::{Executor, StaticExecutor};
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use futures_lite::future;
use offtick::Runtime;
use std::hint::black_box;
use tokio::task::LocalSet;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1_000_000);
    vec![case("spawn_local/waves", count, 1000), case("spawn_local/at_once", count, count)]
}

fn case(name: &'static str, count: usize, wave: usize) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    let local = current_thread().enable_all().build().expect("tokio starts");
    let threaded = one_worker();
    let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
    let fixed: &'static StaticExecutor = Box::leak(Box::new(StaticExecutor::new()));
    let mut pool = LocalPool::new();
    Case::new(name, Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || {
            let handle = ours.handle().clone();
            let spawn = move |n| handle.spawn(async move { black_box(n) });
            ours.spawn(waves(count, wave, spawn)).wait().expect("it ends")
        }))
        .peer(Peer::rival("tokio current_thread", move || {
            tokio.block_on(waves(count, wave, |n| tokio::spawn(async move { black_box(n) })))
        }))
        .peer(
            Peer::rival("tokio LocalSet", move || {
                let set = LocalSet::new();
                let spawn = |n| tokio::task::spawn_local(async move { black_box(n) });
                set.block_on(&local, waves(count, wave, spawn))
            })
            .note("spawns from its own thread only"),
        )
        .peer(Peer::rival("tokio multi_thread, one worker", move || {
            let spawn = |n| tokio::spawn(async move { black_box(n) });
            threaded.block_on(threaded.spawn(waves(count, wave, spawn))).expect("it ends")
        }))
        .peer(
            Peer::rival("async-executor Executor", move || {
                let spawn = |n| executor.spawn(async move { black_box(n) });
                future::block_on(executor.run(waves(count, wave, spawn)))
            })
            .note("panics reach the thread"),
        )
        .peer(
            Peer::rival("async-executor StaticExecutor", move || {
                let spawn = |n| fixed.spawn(async move { black_box(n) });
                future::block_on(fixed.run(waves(count, wave, spawn)))
            })
            .note("panics reach the thread"),
        )
        .peer(
            Peer::rival("futures LocalPool", move || {
                let spawner = pool.spawner();
                let spawn = |n| spawner.spawn_local_with_handle(async move { black_box(n) }).expect("the pool lives");
                pool.run_until(waves(count, wave, spawn))
            })
            .note("spawns from its own thread only"),
        )
        .goal("offtick", Against::Peer("async-executor StaticExecutor"), 0.6)
}
