//! How many bytes, in how many allocations, does a pending task with a 64-byte future hold?

use super::{Scale, YieldOnce, wait_until};
use crate::counting::growth;
use crate::measure::{Against, Case, Peer, Sample, Unit};
use crate::peers::{OnThread, Tokio, bevy, current_thread, futures_pool, one_worker};
use async_executor::{Executor, StaticExecutor};
use crossbeam_queue::SegQueue;
use futures::executor::LocalPool;
use futures::task::{LocalSpawnExt, SpawnExt};
use futures_lite::future;
use offtick::{LocalRuntime, Runtime};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use tokio::task::LocalSet;

static POLLED: AtomicUsize = AtomicUsize::new(0);

/// The tasks that belong to no executor, while they are ready.
static ALONE: SegQueue<async_task::Runnable> = SegQueue::new();

/// 64 bytes, for ever pending.
struct Pending([u64; 8]);

impl Future for Pending {
    type Output = u64;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        std::hint::black_box(&self.0);
        POLLED.fetch_add(1, Ordering::Release);
        Poll::Pending
    }
}

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    vec![case("memory/bytes", Unit::Bytes, scale, 112.0), case("memory/allocations", Unit::Allocations, scale, 1.01)]
}

fn case(name: &'static str, unit: Unit, scale: Scale, goal: f64) -> Case {
    let count = scale.of(100_000);
    Case::new(name, unit)
        .peer(
            Peer::ours("offtick", move || {
                let rt = Runtime::new().expect("offtick starts");
                hold(unit, count, |future| rt.spawn(future))
            })
            .note("the owner list among them"),
        )
        .peer(
            Peer::ours("offtick LocalRuntime", move || {
                let rt = LocalRuntime::new().expect("offtick starts");
                let run = || assert!(rt.run_until_stalled().is_ok());
                hold_here(unit, count, |future| rt.spawn(future), run)
            })
            .note("the owner list among them"),
        )
        .peer(Peer::rival("tokio current_thread", move || {
            let rt = Tokio::start();
            hold(unit, count, |future| rt.handle().spawn(future))
        }))
        .peer(Peer::rival("tokio multi_thread, one worker", move || {
            let rt = one_worker();
            hold(unit, count, |future| rt.spawn(future))
        }))
        .peer(Peer::rival("tokio LocalSet", move || {
            let rt = current_thread().enable_all().build().expect("tokio starts");
            let set = LocalSet::new();
            hold_here(unit, count, |future| set.spawn_local(future), || set.block_on(&rt, YieldOnce::default()))
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            let rt = OnThread::<Executor<'static>>::start();
            hold(unit, count, |future| rt.executor().spawn(future))
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            let rt = OnThread::<StaticExecutor>::start();
            hold(unit, count, |future| rt.executor().spawn(future))
        }))
        .peer(Peer::rival("bevy_tasks, one thread", move || {
            let pool = bevy(1);
            hold(unit, count, |future| pool.spawn(future))
        }))
        .peer(Peer::rival("futures LocalPool", move || {
            let mut pool = LocalPool::new();
            let spawner = pool.spawner();
            let spawn = |future| spawner.spawn_local_with_handle(future).expect("the pool lives");
            hold_here(unit, count, spawn, || pool.run_until_stalled())
        }))
        .peer(Peer::rival("futures ThreadPool, one thread", move || {
            let pool = futures_pool(1);
            let sample = hold(unit, count, |future| pool.spawn_with_handle(future).expect("the pool lives"));
            // Nobody joins its thread: this is behind those that were cancelled.
            future::block_on(pool.spawn_with_handle(async {}).expect("the pool lives"));
            sample
        }))
        .peer(
            Peer::floor("FLOOR: async-task alone", move || {
                let run = || while ALONE.pop().map(async_task::Runnable::run).is_some() {};
                let spawn = |future| {
                    let (runnable, task) = async_task::spawn(future, |runnable| ALONE.push(runnable));
                    runnable.schedule();
                    task
                };
                let sample = hold_here(unit, count, spawn, run);
                // Those that were cancelled.
                run();
                sample
            })
            .note("in no list of an owner"),
        )
        .goal("offtick", Against::Figure(goal), 1.0)
        .goal("offtick LocalRuntime", Against::Figure(goal), 1.0)
}

/// Tasks that another thread polls.
fn hold<H>(unit: Unit, count: usize, spawn: impl Fn(Pending) -> H) -> Sample {
    hold_here(unit, count, spawn, || ())
}

/// Tasks that `drive` polls. `raw` of the sample is bytes or allocations a task. The handles' own array is not counted.
fn hold_here<H>(unit: Unit, count: usize, spawn: impl Fn(Pending) -> H, mut drive: impl FnMut()) -> Sample {
    let mut handles = Vec::with_capacity(count);
    POLLED.store(0, Ordering::Release);
    let ((), bytes, blocks) = growth(|| {
        handles.extend((0..count as u64).map(|n| spawn(Pending([n; 8]))));
        wait_until(|| {
            drive();
            POLLED.load(Ordering::Acquire) >= count
        });
    });
    // Cancelled here, while the runtime is still there to let them go.
    drop(handles);
    let total = if unit == Unit::Bytes { bytes } else { blocks };
    Sample::number(total as f64 / count as f64)
}
