//! The queue of ended tasks (`src/manage/finished.rs`), and that of their results (`src/manage/completion.rs`).
//!
//! The flag is Relaxed: the lock orders both sides, so there is no ordering to weaken. What the models guard is the
//! order of the steps, named at each.

use super::explore;
use super::task_rig::{Count as Counted, Guard, Queue, body};
use crate::manage::completion::{Completed, Completions};
use crate::task::Task;
use crate::util::finished::Finished;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Wake, Waker};

fn tick(finished: &Finished<u32>, seen: &mut Vec<u32>) {
    let mut ready = VecDeque::new();
    finished.take(&mut ready);
    seen.extend(ready);
}

/// Two threads that end tasks against a tick that never waits: nothing is lost or doubled, each thread's own order
/// holds, and one tick in peace finds all that is left. Red when `push` raises the flag before it pushes, and when
/// `take_slow` lowers it after the take. That step [7] raises it again no model can show: loom's lock is never seen as
/// taken when it is free already.
#[test]
fn two_ends_against_ticks() {
    explore(Some(3), 1000, || {
        let finished = Arc::new(Finished::new());
        let enders: Vec<_> = [[1, 2].as_slice(), &[11]]
            .into_iter()
            .map(|keys| {
                let finished = Arc::clone(&finished);
                thread::spawn(move || keys.iter().for_each(|key| finished.push(*key)))
            })
            .collect();
        let mut seen = Vec::new();
        tick(&finished, &mut seen);
        tick(&finished, &mut seen);
        enders.into_iter().for_each(|ender| ender.join().unwrap());
        tick(&finished, &mut seen);
        assert_eq!(seen.len(), 3, "lost or doubled: {seen:?}");
        assert!(seen.iter().filter(|key| **key < 10).is_sorted(), "out of order: {seen:?}");
        assert!(seen.contains(&11));
    });
}

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Whoever awaits the next end either finds it or is woken by it. Red when `push` takes the waiter before it pushes (under
/// a lock of its own), and when `take_or_register` looks for keys before it takes the lock it registers under.
#[test]
fn an_end_against_an_await() {
    explore(None, 50, || {
        let finished = Arc::new(Finished::new());
        let enders = [1, 2].map(|key| {
            let finished = Arc::clone(&finished);
            thread::spawn(move || finished.push(key))
        });
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut ready = VecDeque::new();
        let registered = !finished.take_or_register(&mut ready, &waker);
        enders.into_iter().for_each(|ender| ender.join().unwrap());
        assert_eq!(count.0.load(Ordering::Relaxed), usize::from(registered), "woken once, if at all");
        assert_eq!(registered, ready.is_empty());
        finished.take(&mut ready);
        ready.make_contiguous().sort_unstable();
        assert_eq!(ready, [1, 2]);
    });
}

/// A search that must miss nothing (`take_all`), after a tick that may have given up on the lock. Red when `push` raises
/// the flag before it pushes, and when `take_all` lowers it after the take.
#[test]
fn a_full_take_sees_every_push_that_returned() {
    explore(None, 20, || {
        let finished = Arc::new(Finished::new());
        finished.push(1);
        let ender = {
            let finished = Arc::clone(&finished);
            thread::spawn(move || finished.push(2))
        };
        let mut seen = Vec::new();
        tick(&finished, &mut seen);
        let mut ready = VecDeque::new();
        finished.take_all(&mut ready);
        seen.extend(ready);
        assert!(seen.contains(&1));
        ender.join().unwrap();
        tick(&finished, &mut seen);
        assert_eq!(seen, [1, 2]);
    });
}

/// A task that ends while it is added: its value is delivered once and whole.
///
/// Red: `add` that ignores that the registration found the task over.
#[test]
fn an_end_against_an_add() {
    explore(None, 20, || {
        let queue = Queue::new();
        let (dropped, strayed) = (Counted::new(), Counted::new());
        let value = Guard::new(&dropped, &strayed);
        let (join, _task) = queue.spawn(body(async move { value }));
        let completions = Arc::new(Completions::new());
        let adder = {
            let completions = Arc::clone(&completions);
            thread::spawn(move || completions.add(7, Task::new(join, None)))
        };
        assert!(queue.run());
        let mut ready = VecDeque::new();
        completions.take(&mut ready);
        adder.join().unwrap();
        completions.take(&mut ready);
        let values: Vec<_> = ready
            .into_iter()
            .map(|completed| match completed {
                Completed::Value(key, value) => (key, value),
                Completed::Error(..) => panic!("it ends with a value"),
            })
            .collect();
        assert_eq!(values.len(), 1, "lost or doubled");
        assert_eq!(values[0].0, 7);
        values[0].1.read();
        assert_eq!(dropped.get(), 0, "the value is moved, not dropped");
    });
}
