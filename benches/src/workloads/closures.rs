//! How many closures a second, each capturing 32 bytes, go through the pool, handles kept, until all are done?

use super::{Scale, wait_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, timed};
use crate::peers::current_thread;
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
    let floor = Floor::start();
    let case = Case::new("closures", Unit::MillionPerSecond)
        .peer(Peer::ours("offtick, 2 threads", move || {
            flood(many, |n| two.spawn_blocking(work(n)), offtick::Task::is_done)
        }))
        .peer(Peer::ours("offtick, default", move || {
            flood(many, |n| ours.spawn_blocking(work(n)), offtick::Task::is_done)
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
        .peer(Peer::rival("blocking, default", move || {
            flood(few, |n| blocking::unblock(work(n)), |task| task.is_finished())
        }))
        .peer(
            Peer::floor("FLOOR: channel of boxes, 2 threads", move || {
                flood(many, |n| floor.run(work(n)), |done| done.load(Ordering::Acquire))
            })
            .note("a flag for a handle, no panic caught"),
        )
        .goal("offtick, 2 threads", Against::Peer("threadpool, 2 threads"), 1.3)
        .goal("offtick, 2 threads", Against::Peer("tokio, 2 threads"), 4.0)
        .goal("offtick, default", Against::Peer("offtick, 2 threads"), 0.7);
    vec![case]
}

/// Captures 32 bytes.
fn work(n: usize) -> impl FnOnce() -> u64 + Send + 'static {
    let captured = [n as u64; 4];
    move || black_box(captured).iter().sum()
}

fn flood<H>(count: usize, spawn: impl Fn(usize) -> H, is_done: impl Fn(&H) -> bool) -> Sample {
    let mut handles = Vec::with_capacity(count);
    timed(count, || {
        handles.extend((0..count).map(spawn));
        for handle in handles.iter().rev() {
            wait_until(|| is_done(handle));
        }
    })
}

type Job = Box<dyn FnOnce() + Send>;

struct Floor {
    jobs: Option<crossbeam_channel::Sender<Job>>,
    threads: Vec<std::thread::JoinHandle<()>>,
}

impl Floor {
    fn start() -> Self {
        let (jobs, queue) = crossbeam_channel::unbounded::<Job>();
        let thread = |_| {
            let queue = queue.clone();
            std::thread::spawn(move || queue.into_iter().for_each(|job| job()))
        };
        Self { jobs: Some(jobs), threads: (0..THREADS).map(thread).collect() }
    }

    fn run(&self, work: impl FnOnce() -> u64 + Send + 'static) -> Arc<AtomicBool> {
        let done = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&done);
        let job = Box::new(move || {
            black_box(work());
            theirs.store(true, Ordering::Release);
        });
        self.jobs.as_ref().expect("open until the drop").send(job).expect("the threads live until the drop");
        done
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            thread.join().expect("it does not panic");
        }
    }
}
