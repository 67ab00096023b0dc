//! A task is given another level while it is being queued (`src/task/raw/state.rs`, `src/runtime/level.rs`): it ends up in
//! the queue of the level that it has.

use super::explore;
use super::task_rig::{Queue, body, late};
use crate::sync::Arc;
use crate::sync::plain::Mutex;
use crate::task::raw::{Inbox, JoinRef, Outcome, PollOutcome, Runnable, SpawnMeta, TaskRef, new};
use crate::task::{Priority, Schedule, TaskId};
use loom::thread;
use std::future::poll_fn;
use std::panic::Location;
use std::task::{Poll, Waker};

/// The owner of the task: tells of a change by a note in the inbox, as a runtime does from a foreign thread.
struct Noting(Queue);

impl Schedule for Noting {
    fn schedule(&self, task: Runnable) {
        self.0.push(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }

    fn moved(&self, _: &TaskRef) {
        let (note, sent) = new(body(async {}), self.0.clone(), SpawnMeta::at(Location::caller()));
        sent.detach();
        self.0.push(note);
    }
}

/// What the executor's thread has: tasks by the level that they were queued in.
#[derive(Default)]
struct Executor {
    ready: Vec<(Priority, Runnable)>,
}

impl Executor {
    /// Queues the task by the level that it shows; at a note, puts it where it belongs.
    fn drain(&mut self, inbox: &Inbox, task: &TaskRef) {
        for arrived in inbox.take() {
            if arrived.is(task) {
                self.ready.push((arrived.priority(), arrived));
                continue;
            }
            for (level, queued) in &mut self.ready {
                *level = queued.priority();
            }
            assert!(matches!(arrived.run(Outcome::Gone), PollOutcome::Completed(_)));
        }
    }
}

struct Sleeper {
    queue: Queue,
    task: TaskRef,
    waker: Waker,
    _join: JoinRef<()>,
}

/// A task that was polled once and sleeps.
fn sleeper() -> Sleeper {
    let queue = Queue::new();
    let kept = Arc::new(Mutex::new(None));
    let waker = Arc::clone(&kept);
    let sleeps = poll_fn(move |cx| {
        *waker.lock() = Some(cx.waker().clone());
        Poll::<()>::Pending
    });
    let (runnable, join) = new(body(sleeps), Noting(queue.clone()), SpawnMeta::at(Location::caller()));
    let task = runnable.task();
    assert!(matches!(runnable.run(Outcome::Gone), PollOutcome::Idle));
    let waker = kept.lock().take().expect("it was polled");
    Sleeper { queue, task, waker, _join: join }
}

/// One thread wakes the task, another one lowers it, and the executor takes in what comes.
///
/// Red: `set_priority` that tells nobody, or that looks whether the task is queued in a load ahead of the change.
#[test]
fn a_task_stands_in_the_queue_of_its_level() {
    explore(Some(3), 500, || {
        let Sleeper { queue, task, waker, _join } = sleeper();
        let lowering = {
            let task = task.clone();
            thread::spawn(move || task.set_priority(Priority::Background))
        };
        let waking = thread::spawn(move || waker.wake());
        let mut executor = Executor::default();
        late();
        executor.drain(&queue.inbox, &task);
        lowering.join().expect("lowers");
        executor.drain(&queue.inbox, &task);
        waking.join().expect("wakes");
        executor.drain(&queue.inbox, &task);
        let (level, runnable) = executor.ready.pop().expect("it was woken");
        assert_eq!((level, runnable.priority()), (Priority::Background, Priority::Background));
        assert!(executor.ready.is_empty());
        task.cancel(Outcome::Cancelled);
        assert!(matches!(runnable.run(Outcome::Cancelled), PollOutcome::Completed(_)));
    });
}

/// Two threads change it while it is queued: whichever level it has in the end, there it stands.
///
/// Red: `set_priority` that tells nobody.
#[test]
fn of_two_changes_the_last_one_holds() {
    explore(Some(2), 500, || {
        let Sleeper { queue, task, waker, _join } = sleeper();
        waker.wake();
        let mut executor = Executor::default();
        executor.drain(&queue.inbox, &task);
        let changes = [Priority::Background, Priority::UserBlocking].map(|priority| {
            let task = task.clone();
            thread::spawn(move || task.set_priority(priority))
        });
        late();
        executor.drain(&queue.inbox, &task);
        for change in changes {
            change.join().expect("changes");
        }
        executor.drain(&queue.inbox, &task);
        let (level, runnable) = executor.ready.pop().expect("it was woken");
        assert_ne!(level, Priority::UserVisible);
        assert_eq!(level, runnable.priority());
        task.cancel(Outcome::Cancelled);
        assert!(matches!(runnable.run(Outcome::Cancelled), PollOutcome::Completed(_)));
    });
}
