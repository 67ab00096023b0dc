//! How many tiny futures a second can a foreign thread spawn onto a running runtime, handles kept, until all are done?

use super::{Scale, wait_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, timed};
use crate::peers::{OnThread, Tokio};
use async_executor::{Executor, StaticExecutor};
use crossbeam_queue::SegQueue;
use offtick::Runtime;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1_000_000);
    let ours = Runtime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let without_io = Tokio::start_without_io();
    let executor = OnThread::<Executor<'static>>::start();
    let fixed = OnThread::<StaticExecutor>::start();
    let floor = Floor::start();
    let case = Case::new("spawn_foreign", Unit::MillionPerSecond)
        .peer(Peer::ours("offtick", move || {
            flood(count, |n| ours.spawn(async move { black_box(n) }), offtick::Task::is_done)
        }))
        .peer(Peer::rival("tokio current_thread", move || {
            flood(count, |n| tokio.handle().spawn(async move { black_box(n) }), |task| task.is_finished())
        }))
        .peer(Peer::rival("tokio without its I/O driver", move || {
            flood(count, |n| without_io.handle().spawn(async move { black_box(n) }), |task| task.is_finished())
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
            Peer::floor("FLOOR: SegQueue of Arcs, one thread", move || {
                flood(count, |n| floor.spawn(n as u64), |cell| cell.done.load(Ordering::Acquire))
            })
            .note("no future, no panic caught"),
        )
        .goal("offtick", Against::Peer("async-executor StaticExecutor"), 1.3)
        .goal("offtick", Against::Peer("tokio current_thread"), 10.0);
    vec![case]
}

fn flood<H>(count: usize, spawn: impl Fn(usize) -> H, is_done: impl Fn(&H) -> bool) -> Sample {
    let mut handles = Vec::with_capacity(count);
    timed(count, || {
        handles.extend((0..count).map(spawn));
        // They run in order: with the last one done there is hardly any to wait for.
        for handle in handles.iter().rev() {
            wait_until(|| is_done(handle));
        }
    })
}

struct Job {
    value: AtomicU64,
    done: AtomicBool,
}

/// A queue and a thread that polls it (it yields when there is nothing).
struct Floor {
    queue: Arc<SegQueue<Arc<Job>>>,
    busy: Arc<AtomicBool>,
    over: Arc<AtomicBool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Floor {
    fn start() -> Self {
        let queue = Arc::new(SegQueue::<Arc<Job>>::new());
        let (busy, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let theirs = (Arc::clone(&queue), Arc::clone(&busy), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            let (queue, busy, over) = theirs;
            while !over.load(Ordering::Acquire) {
                match queue.pop() {
                    Some(job) => {
                        job.value.store(black_box(job.value.load(Ordering::Relaxed)), Ordering::Relaxed);
                        job.done.store(true, Ordering::Release);
                    }
                    None => {
                        busy.store(false, Ordering::SeqCst);
                        if queue.is_empty() {
                            std::thread::park();
                        }
                    }
                }
            }
        });
        Self { queue, busy, over, thread: Some(thread) }
    }

    fn spawn(&self, value: u64) -> Arc<Job> {
        let job = Arc::new(Job { value: AtomicU64::new(value), done: AtomicBool::new(false) });
        self.queue.push(Arc::clone(&job));
        if !self.busy.load(Ordering::SeqCst) && !self.busy.swap(true, Ordering::SeqCst) {
            self.unpark();
        }
        job
    }

    fn unpark(&self) {
        if let Some(thread) = &self.thread {
            thread.thread().unpark();
        }
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Release);
        self.unpark();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("it does not panic");
        }
    }
}
