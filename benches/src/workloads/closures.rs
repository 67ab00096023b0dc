//! How many closures a second, each capturing 32 bytes, go through the pool, handles kept, until all are done?

use super::Scale;
use super::bare::BareThreads;
use super::jobs::flood;
use crate::measure::{Against, Case, Peer, Unit, timed};
use crate::peers::{bevy, current_thread, futures_pool};
use futures::FutureExt;
use futures::task::SpawnExt;
use offtick::{Builder, Runtime};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use threadpool::ThreadPool;

const THREADS: usize = 2;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (many, few) = (scale.of(1_000_000), scale.of(100_000));
    let two = Builder::new().blocking_threads(THREADS).build().expect("offtick starts");
    let ours = Runtime::new().expect("offtick starts");
    let tokio_two = current_thread().max_blocking_threads(THREADS).build().expect("tokio starts");
    let tokio = current_thread().build().expect("tokio starts");
    let pool = ThreadPool::new(THREADS);
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(THREADS).build().expect("rayon starts");
    let bevy = bevy(THREADS);
    let futures = futures_pool(THREADS);
    let case = Case::new("closures", Unit::MillionPerSecond)
        .peer(Peer::ours("offtick, 2 threads", move || {
            flood(many, |n| two.spawn_blocking(work(n)), |task| task.is_done())
        }))
        .peer(Peer::ours("offtick, default", move || {
            flood(many, |n| ours.spawn_blocking(work(n)), |task| task.is_done())
        }))
        .peer(Peer::rival("tokio, 2 threads", move || {
            flood(many, |n| tokio_two.spawn_blocking(work(n)), |task| task.is_finished())
        }))
        .peer(Peer::rival("tokio, default", move || {
            flood(few, |n| tokio.spawn_blocking(work(n)), |task| task.is_finished())
        }))
        .peer(
            Peer::rival("threadpool, 2 threads", move || {
                timed(many, || {
                    for n in 0..many {
                        let work = work(n);
                        pool.execute(move || {
                            black_box(work());
                        });
                    }
                    pool.join();
                })
            })
            .note("no handles, no results"),
        )
        .peer(
            Peer::rival("rayon, 2 threads", move || {
                timed(many, || {
                    rayon.in_place_scope(|scope| {
                        for n in 0..many {
                            let work = work(n);
                            scope.spawn(move |_| {
                                black_box(work());
                            });
                        }
                    });
                })
            })
            .note("one scope; no handles, no results"),
        )
        .peer(
            Peer::rival("bevy_tasks, 2 threads", move || {
                flood(many, |n| bevy.spawn(async move { work(n)() }), |task| task.is_finished())
            })
            .note("as futures: it has no closures"),
        )
        .peer(
            Peer::rival("futures ThreadPool, 2 threads", move || {
                let spawn = |n| futures.spawn_with_handle(async move { work(n)() }).expect("the pool lives");
                flood(many, spawn, |task| task.now_or_never().is_some())
            })
            .note("as futures: it has no closures"),
        )
        .peer(Peer::rival("blocking, default", move || {
            flood(few, |n| blocking::unblock(work(n)), |task| task.is_finished())
        }))
        .peer(
            Peer::floor("FLOOR: rings of Arcs, 2 threads", move || {
                let mut floor = BareThreads::start(THREADS, |job: Arc<dyn Job>| job.run());
                let spawn = |n| {
                    let job = Arc::new(Bare { work: work(n), done: AtomicBool::new(false) });
                    floor.push(Arc::clone(&job) as Arc<dyn Job>);
                    job
                };
                flood(many, spawn, |job| job.done.load(Ordering::Acquire))
            })
            .note("from one thread to two that never sleep; no result"),
        )
        .goal("offtick, 2 threads", Against::Peer("threadpool, 2 threads"), 1.3)
        .goal("offtick, 2 threads", Against::Peer("tokio, 2 threads"), 4.0)
        .goal("offtick, default", Against::Peer("offtick, 2 threads"), 0.7);
    vec![case]
}

/// Captures 32 bytes.
fn work(n: usize) -> impl Fn() -> u64 + Send + Sync + 'static {
    let captured = [n as u64; 4];
    move || black_box(captured).iter().sum()
}

trait Job: Send + Sync {
    fn run(&self);
}

struct Bare<F> {
    work: F,
    done: AtomicBool,
}

impl<F: Fn() -> u64 + Send + Sync> Job for Bare<F> {
    fn run(&self) {
        black_box((self.work)());
        self.done.store(true, Ordering::Release);
    }
}
