//! What does it cost a task to yield, 1000 tasks with 1000 yields each?

use super::Scale;
use super::jobs::{bare_queue, together, yielding};
use crate::measure::{Against, Case, Peer, Unit};
use crate::peers::{current_thread, futures_pool, one_worker};
use async_executor::{Executor, StaticExecutor};
use futures::executor::LocalPool;
use futures::task::{LocalSpawnExt, SpawnExt};
use futures_lite::future;
use offtick::Runtime;
use tokio::task::LocalSet;

const TASKS: usize = 1000;

pub(super) fn cases(_: Scale) -> Vec<Case> {
    let each = 1000;
    let ours = Runtime::new().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    let local = current_thread().enable_all().build().expect("tokio starts");
    let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
    let fixed: &'static StaticExecutor = Box::leak(Box::new(StaticExecutor::new()));
    let threaded = one_worker();
    let (mut local_pool, pool) = (LocalPool::new(), futures_pool(1));
    let case = Case::new("yields", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || {
            let handle = ours.handle().clone();
            ours.spawn(together(TASKS, each, move || handle.spawn(yielding(each)))).wait().expect("it ends")
        }))
        .peer(Peer::rival("tokio current_thread", move || tokio.block_on(together(TASKS, each, || tokio::spawn(yielding(each))))))
        .peer(Peer::rival("tokio LocalSet", move || {
            LocalSet::new().block_on(&local, together(TASKS, each, || tokio::task::spawn_local(yielding(each))))
        }))
        .peer(Peer::rival("tokio multi_thread, one worker", move || {
            threaded.block_on(threaded.spawn(together(TASKS, each, move || tokio::spawn(yielding(each))))).expect("it ends")
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            future::block_on(executor.run(together(TASKS, each, || executor.spawn(yielding(each)))))
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            future::block_on(fixed.run(together(TASKS, each, || fixed.spawn(yielding(each)))))
        }))
        .peer(Peer::rival("futures LocalPool", move || {
            let spawner = local_pool.spawner();
            let spawn = || spawner.spawn_local_with_handle(yielding(each)).expect("the pool lives");
            local_pool.run_until(together(TASKS, each, spawn))
        }))
        .peer(Peer::rival("futures ThreadPool, one thread", move || {
            let inner = pool.clone();
            let spawn = move || inner.spawn_with_handle(yielding(each)).expect("the pool lives");
            let all = pool.spawn_with_handle(together(TASKS, each, spawn)).expect("the pool lives");
            future::block_on(all)
        }))
        .peer(Peer::floor("FLOOR: VecDeque of boxed futures", move || bare_queue(TASKS, each, || yielding(each))).note("no waker, no handle"))
        .goal("offtick", Against::Peer("tokio LocalSet"), 0.45);
    vec![case]
}
