//! The batch that several threads take from (`src/task/raw/task_batch.rs`), and the line of the blocking pool made of it
//! (`src/blocking/queue.rs`).

use super::explore;
use super::task_rig::{Queue as Rig, body};
use crate::blocking::{Queue, Taker};
use crate::sync::ModelArc;
use crate::task::TaskId;
use crate::task::raw::{Outcome, Runnable, TaskBatch};
use loom::thread;
use std::mem::ManuallyDrop;

fn task(rig: &Rig) -> (Runnable, TaskId) {
    let (runnable, join, task) = rig.task(body(async {}));
    join.detach();
    (runnable, task.id())
}

fn run(job: Runnable) -> TaskId {
    let id = job.task().id();
    let _over = job.run(Outcome::Gone);
    id
}

/// Two threads take from one batch: each task once, and each thread's in order; what is left is dropped with the batch.
///
/// Red: `take` that loads and stores `next` instead of one read-modify-write. (No task is run before it is known to be taken
/// once: a task that runs twice ends the process.)
#[test]
fn two_threads_take_from_a_batch() {
    explore(None, 3, || {
        let rig = Rig::new();
        let tasks: Vec<_> = (0..3).map(|_| task(&rig)).collect();
        let ids: Vec<_> = tasks.iter().map(|(_, id)| Some(*id)).collect();
        let mut batch = TaskBatch::with_capacity(0);
        batch.fill(tasks.into_iter().map(|(runnable, _)| runnable));
        let batch = ModelArc::new(batch);
        let other = {
            let batch = ModelArc::clone(&batch);
            thread::spawn(move || ManuallyDrop::new(batch.take()))
        };
        let ours = ManuallyDrop::new(batch.take());
        let theirs = other.join().expect("takes");
        let id = |job: &Option<Runnable>| job.as_ref().map(|job| job.task().id());
        let mut taken = [id(&ours), id(&theirs)];
        taken.sort();
        if taken != ids[..2] {
            std::mem::forget(batch);
            panic!("taken: {taken:?}");
        }
        for job in [ours, theirs] {
            ManuallyDrop::into_inner(job).map(run);
        }
    });
}

/// Two threads take closures while a third submits, and makes batches: each is taken once, and each thread's in the order of
/// the pushes.
///
/// Red: a batch that `Line::put` pushes to the front of READY; `Line::pop_slow` that takes OPEN without a second look at
/// READY; `Line::pop_ready` that replaces CURRENT before it is spent.
#[test]
fn takers_keep_the_order_of_the_pushes() {
    explore(Some(2), 100, || {
        let rig = Rig::new();
        let queue = ModelArc::new(Queue::new(None));
        let (jobs, ids): (Vec<_>, Vec<_>) = (0..3).map(|_| task(&rig)).unzip();
        let submitter = {
            let queue = ModelArc::clone(&queue);
            thread::spawn(move || {
                for (nth, job) in jobs.into_iter().enumerate() {
                    queue.push(job, nth > 0);
                }
            })
        };
        let taker = {
            let queue = ModelArc::clone(&queue);
            thread::spawn(move || {
                let mut taker = Taker::default();
                (0..2).filter_map(|_| queue.pop(&mut taker).map(run)).collect::<Vec<_>>()
            })
        };
        let mut here = Taker::default();
        let mut own: Vec<_> = queue.pop(&mut here).map(run).into_iter().collect();
        submitter.join().expect("submits");
        let theirs = taker.join().expect("takes");
        own.extend(std::iter::from_fn(|| queue.pop(&mut here).map(run)));
        assert!(own.is_sorted() && theirs.is_sorted());
        let mut all = [own, theirs].concat();
        all.sort();
        assert_eq!(all, ids);
    });
}
