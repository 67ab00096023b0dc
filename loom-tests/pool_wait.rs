//! Threads of the pool that wait for closures of their own pool, and closures that wait for a host.

use super::explore;
use super::pool_support::{FOR_EVER, Stand, WAITS_IN_POOL};
use super::task_rig::Queue as Rig;
use crate::blocking::{Host, Queue};
use crate::park::Unpark;
use crate::sync::{Arc, Condvar, ModelArc, Mutex};
use crate::task::raw::{FutureBody, Value};
use loom::thread;
use std::future::pending;

/// A thread that waits makes room for another at once. Red when `PoolState::begin_wait` does not rebalance, or does not
/// relieve the watcher: no thread comes for the second job. Red as well when it refuses because of a closure that was admitted
/// after it has rebalanced.
#[test]
fn a_thread_that_waits_hands_its_core_on() {
    explore(Some(2), 100, || {
        let rig = Rig::new();
        let (never, _join, task) = rig.task(FutureBody::<_, Value>::new(pending::<()>()));
        let stand = Stand::new(1, 2, FOR_EVER);
        *stand.awaited.lock() = Some(task);
        assert!(Stand::submit(&stand, WAITS_IN_POOL));
        assert!(Stand::submit(&stand, 1));
        stand.wait_for(2);
        stand.close();
        assert_eq!(stand.join(), [1, WAITS_IN_POOL]);
        assert_eq!(*stand.refused.lock(), 0);
        drop(stand.awaited.lock().take());
        drop(never);
    });
}

/// Of two threads that would wait for ever, one is refused. Red when `Inner::all_wait` does not count the thread that asks:
/// both wait.
#[test]
fn the_last_thread_to_wait_is_refused() {
    explore(Some(2), 100, || {
        let rig = Rig::new();
        let (never, _join, task) = rig.task(FutureBody::<_, Value>::new(pending::<()>()));
        let stand = Stand::new(2, 2, FOR_EVER);
        *stand.awaited.lock() = Some(task);
        assert!(Stand::submit(&stand, WAITS_IN_POOL));
        assert!(Stand::submit(&stand, WAITS_IN_POOL));
        stand.wait_for(2);
        stand.close();
        assert_eq!(stand.join(), [WAITS_IN_POOL; 2]);
        // Unless the first had returned before the second began.
        assert!((1..=2).contains(&*stand.refused.lock()));
        drop(stand.awaited.lock().take());
        drop(never);
    });
}

/// Counts the wake-ups of a host.
#[derive(Default)]
struct Bell(Mutex<usize>, Condvar);

impl Unpark for Bell {
    fn unpark(&self) {
        *self.0.lock() += 1;
        self.1.notify_all();
    }
}

/// A closure that is submitted while the host waits. Red when `Host::submit` does not wake the host, or wakes it ahead of the
/// push.
#[test]
fn a_host_is_woken_for_a_closure() {
    explore(None, 2, || {
        let rig = Rig::new();
        let (job, _join, task) = rig.task(FutureBody::<_, Value>::new(pending::<()>()));
        let bell = Arc::new(Bell::default());
        let unpark: Arc<dyn Unpark> = bell.clone();
        let pool = ModelArc::new((Host::new(unpark, false), Queue::new(None)));
        let submitter = {
            let pool = ModelArc::clone(&pool);
            thread::spawn(move || pool.0.submit(&pool.1, job))
        };
        let mut woken = bell.0.lock();
        while *woken == 0 {
            bell.1.wait(&mut woken);
        }
        drop(woken);
        assert_eq!(pool.0.due(), 1);
        let job = pool.0.take(&pool.1).expect("it is there once the host was woken");
        submitter.join().expect("the submitter does not panic");
        drop((job, task));
    });
}

/// A submit against the close: the closure is in the queue for the drain, or ends where it was submitted. Red when
/// `Host::submit` pushes outside of the lock.
#[test]
fn a_submit_meets_the_close_of_a_host() {
    explore(None, 2, || {
        let rig = Rig::new();
        let (job, _join, task) = rig.task(FutureBody::<_, Value>::new(pending::<()>()));
        let pool = ModelArc::new((Host::new(Arc::new(Bell::default()), false), Queue::new(None)));
        let submitter = {
            let pool = ModelArc::clone(&pool);
            thread::spawn(move || pool.0.submit(&pool.1, job))
        };
        pool.0.close();
        let drained = pool.0.take(&pool.1);
        let in_queue = drained.is_some();
        drop(drained);
        submitter.join().expect("the submitter does not panic");
        // A closure that came after the drain is not in the queue.
        assert!(in_queue || pool.0.due() == 0);
        assert!(task.is_finished());
    });
}
