//! How many tiny futures a second can a foreign thread spawn onto a running runtime, handles kept, until all are done?

use super::Scale;
use super::bare::BareThreads;
use super::jobs::flood;
use crate::measure::{Against, Case, Peer, Unit};
use crate::peers::{OnThread, Tokio, bevy, futures_pool, one_worker};
use async_executor::{Executor, StaticExecutor};
use futures::FutureExt;
use futures::task::SpawnExt;
use offtick::Runtime;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1_000_000);
    let ours = Runtime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let without_io = Tokio::start_without_io();
    let threaded = one_worker();
    let executor = OnThread::<Executor<'static>>::start();
    let smol = OnThread::start_smol();
    let (bevy_one, bevy_default) = (bevy(1), bevy_tasks::TaskPool::new());
    let pool = futures_pool(1);
    let fixed = OnThread::<StaticExecutor>::start();
    let case = Case::new("spawn_foreign", Unit::MillionPerSecond)
        .peer(Peer::ours("offtick", move || {
            flood(count, |n| ours.spawn(async move { black_box(n) }), |task| task.is_done())
        }))
        .peer(Peer::rival("tokio current_thread", move || {
            flood(count, |n| tokio.handle().spawn(async move { black_box(n) }), |task| task.is_finished())
        }))
        .peer(Peer::rival("tokio without its I/O driver", move || {
            flood(count, |n| without_io.handle().spawn(async move { black_box(n) }), |task| task.is_finished())
        }))
        .peer(Peer::rival("tokio multi_thread, one worker", move || {
            flood(count, |n| threaded.spawn(async move { black_box(n) }), |task| task.is_finished())
        }))
        .peer(
            Peer::rival("async-executor Executor", move || {
                flood(count, |n| executor.executor().spawn(async move { black_box(n) }), |task| task.is_finished())
            })
            .note("panics reach the thread"),
        )
        .peer(
            Peer::rival("async-executor StaticExecutor", move || {
                flood(count, |n| fixed.executor().spawn(async move { black_box(n) }), |task| task.is_finished())
            })
            .note("panics reach the thread"),
        )
        .peer(
            Peer::rival("smol", move || {
                flood(count, |n| smol.executor().spawn(async move { black_box(n) }), |task| task.is_finished())
            })
            .note("async-executor on async-io; panics reach the thread"),
        )
        .peer(Peer::rival("bevy_tasks, one thread", move || {
            flood(count, |n| bevy_one.spawn(async move { black_box(n) }), |task| task.is_finished())
        }))
        .peer(
            Peer::rival("bevy_tasks, default", move || {
                flood(count, |n| bevy_default.spawn(async move { black_box(n) }), |task| task.is_finished())
            })
            .note("a thread per core"),
        )
        .peer(
            Peer::rival("futures ThreadPool, one thread", move || {
                let spawn = |n| pool.spawn_with_handle(async move { black_box(n) }).expect("the pool lives");
                flood(count, spawn, |task| task.now_or_never().is_some())
            })
            .note("its handle tells by being polled"),
        )
        .peer(
            Peer::floor("FLOOR: ring of Arcs, one thread", move || {
                let mut floor = BareThreads::start(1, Job::run);
                let spawn = |n| {
                    let job = Arc::new(Job { value: AtomicU64::new(n as u64), done: AtomicBool::new(false) });
                    floor.push(Arc::clone(&job));
                    job
                };
                flood(count, spawn, |job| job.done.load(Ordering::Acquire))
            })
            .note("from one thread to one that never sleeps; no future"),
        )
        .goal("offtick", Against::Peer("async-executor StaticExecutor"), 1.3)
        .goal("offtick", Against::Peer("bevy_tasks, one thread"), 4.0)
        .goal("offtick", Against::Peer("bevy_tasks, default"), 4.0)
        .goal("offtick", Against::Peer("tokio current_thread"), 10.0);
    vec![case]
}

struct Job {
    value: AtomicU64,
    done: AtomicBool,
}

impl Job {
    fn run(self: Arc<Self>) {
        self.value.store(black_box(self.value.load(Ordering::Relaxed)), Ordering::Relaxed);
        self.done.store(true, Ordering::Release);
    }
}
