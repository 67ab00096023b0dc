//! One timer, two verbs at once: it fires or it does not, and both sides agree on which (`time::driver`).

use super::explore;
use crate::park::Unpark;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use crate::time::Clock;
use crate::time::driver::{Driver, TimerState};
use std::task::{Wake, Waker};

struct NoParker;

impl Unpark for NoParker {
    fn unpark(&self) {}
}

struct Count {
    wakes: AtomicUsize,
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Ordering::Relaxed);
    }
}

/// A waker and its count. The model ends with `end`, which also says that no clone of the waker is left.
fn counted() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count { wakes: AtomicUsize::new(0) });
    (Arc::clone(&count), count.into())
}

fn end(count: Arc<Count>) -> usize {
    assert_eq!(Arc::strong_count(&count), 1, "a waker is leaked or was dropped twice");
    count.wakes.load(Ordering::Relaxed)
}

fn driver() -> Arc<Driver> {
    Driver::new(Clock::manual().into(), Arc::new(NoParker))
}

/// Fires what is due at 0 on another thread.
fn fire(driver: &Arc<Driver>) -> loom::thread::JoinHandle<usize> {
    let driver = Arc::clone(driver);
    loom::thread::spawn(move || driver.fire_due(0).count)
}

/// Red when `cancel` looks in one hold of the lock and removes in the next.
#[test]
fn a_cancelled_timer_is_not_woken_and_a_woken_one_not_cancelled() {
    explore(None, 3, || {
        let (driver, (count, waker)) = (driver(), counted());
        let key = driver.insert(0, waker).expect("the driver is open");
        let reactor = fire(&driver);
        let cancelled = driver.cancel(key);
        let fired = reactor.join().expect("the reactor ends");
        assert_eq!((fired, end(count)), (usize::from(!cancelled), usize::from(!cancelled)));
        assert_eq!(driver.len(), 0);
    });
}

/// Red when `set_waker` says `Pending` although the timer fired between its two holds of the lock.
#[test]
fn the_waker_given_last_is_woken_or_its_giver_told() {
    explore(None, 8, || {
        let (driver, (old, old_waker), (new, new_waker)) = (driver(), counted(), counted());
        let key = driver.insert(0, old_waker).expect("the driver is open");
        let reactor = fire(&driver);
        let state = driver.set_waker(key, &new_waker);
        drop(new_waker);
        assert_eq!(reactor.join().expect("the reactor ends"), 1);
        match state {
            TimerState::Pending => assert_eq!((end(old), end(new)), (0, 1)),
            TimerState::Gone => assert_eq!((end(old), end(new)), (1, 0)),
            TimerState::Closed => unreachable!("nobody closes"),
        }
    });
}

/// Red when `reset` looks in one hold of the lock and moves the timer in the next.
#[test]
fn a_reset_timer_keeps_its_wake_for_later() {
    explore(None, 3, || {
        let (driver, (count, waker)) = (driver(), counted());
        let key = driver.insert(0, waker).expect("the driver is open");
        let reactor = fire(&driver);
        let pending = driver.reset(key, 1 << 40) == TimerState::Pending;
        assert_eq!(reactor.join().expect("the reactor ends"), usize::from(!pending));
        assert_eq!(driver.fire_due(1 << 41).count, usize::from(pending));
        assert_eq!(end(count), 1);
    });
}

/// Red when `insert` looks at `closed` before it takes the lock, and when `close` sets it after its last batch.
#[test]
fn a_timer_inserted_during_the_close_is_woken_or_refused() {
    explore(None, 5, || {
        let (driver, (count, waker)) = (driver(), counted());
        let closer = {
            let driver = Arc::clone(&driver);
            loom::thread::spawn(move || driver.close())
        };
        let accepted = driver.insert(1 << 40, waker).is_ok();
        closer.join().expect("the closer ends");
        assert_eq!(end(count), usize::from(accepted));
        assert_eq!(driver.len(), 0);
    });
}
