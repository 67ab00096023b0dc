//! Who waits behind a shared handle (`src/task/share.rs`), and inside a context (`src/task/details.rs`).

use super::explore;
use super::task_rig::{Bell, Queue, body, details};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, Ordering::Relaxed};
use crate::task::{SharedTask, Task};
use loom::thread;
use std::future::Future;
use std::task::Context;

/// Two wait through clones of one handle: each is woken, or sees the end.
///
/// Red: `Over::poll` that does not look again under the lock; `Waiters::wake` that wakes one.
#[test]
fn all_who_share_a_task_hear_of_its_end() {
    explore(Some(2), 1500, || {
        let queue = Queue::new();
        let (join, _task) = queue.spawn(body(async {}));
        let shared = Task::<(), ()>::new(join, None).share();
        let others = [(); 2].map(|()| {
            let shared = shared.clone();
            let (bell, waker) = Bell::new();
            let wait = move || {
                // Forgotten, not dropped: a waiter that goes gives its place up.
                let mut over = Box::pin(shared.finished());
                let ready = over.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
                std::mem::forget(over);
                ready
            };
            (bell, thread::spawn(wait))
        });
        assert!(queue.run());
        for (bell, other) in others {
            let ready = other.join().expect("waits");
            assert_eq!(bell.rung(), usize::from(!ready), "woken, or ready at once");
        }
    });
}

/// A waiter that gives up, against the end: its waker is kept by nobody.
///
/// Red: `Over` that leaves its waker in the list.
#[test]
fn a_waiter_that_gives_up_takes_its_waker_along() {
    explore(None, 210, || {
        let queue = Queue::new();
        let (join, _task) = queue.spawn(body(async {}));
        let shared = Task::<(), ()>::new(join, None).share();
        let (bell, waker) = Bell::new();
        let wait = |shared: &SharedTask<()>| {
            let mut over = Box::pin(shared.finished());
            let _polled = over.as_mut().poll(&mut Context::from_waker(&waker));
        };
        wait(&shared);
        assert_eq!(Arc::strong_count(&bell), 2, "a waker is kept before the end");
        let other = {
            let shared = shared.clone();
            thread::spawn(move || {
                let mut over = Box::pin(shared.finished());
                let _polled = over.as_mut().poll(&mut Context::from_waker(&waker));
            })
        };
        if queue.run() {
            other.join().expect("gives up");
        }
        assert_eq!(Arc::strong_count(&bell), 1, "a waker is kept after the end");
        assert!(bell.rung() <= 1);
        assert!(shared.is_done());
    });
}

/// A cancellation against the registration of a sleeper: the sleeper is told, or woken.
///
/// Red: `wake_on_cancel` that looks at the flag before it registers; `cancel` that takes the sleeper before it sets
/// the flag.
#[test]
fn a_sleeper_hears_of_the_cancellation() {
    explore(None, 10, || {
        let details = details();
        let news = Arc::new(AtomicBool::new(false));
        let other = {
            let (details, news) = (Arc::clone(&details), Arc::clone(&news));
            thread::spawn(move || {
                news.store(true, Relaxed);
                details.cancel();
            })
        };
        let (bell, waker) = Bell::new();
        let sleeps = details.wake_on_cancel(waker);
        if !sleeps {
            assert!(news.load(Relaxed), "what came before the cancellation is seen");
        }
        other.join().expect("cancels");
        assert!(!sleeps || bell.rung() == 1, "it sleeps for ever");
        assert!(details.is_cancelled());
    });
}
