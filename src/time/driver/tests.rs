use super::*;
use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};
use crate::time::clock::ManualClock;
use std::task::Wake;

const MS: u64 = 1_000_000;

#[derive(Default)]
struct Parker {
    unparks: AtomicUsize,
}

impl Unpark for Parker {
    fn unpark(&self) {
        self.unparks.fetch_add(1, Relaxed);
    }
}

#[derive(Default)]
struct Count {
    wakes: AtomicUsize,
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.wakes.fetch_add(1, Relaxed);
    }
}

fn counted() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (Arc::clone(&count), count.into())
}

fn manual() -> (ManualClock, Arc<Parker>, Arc<Driver>) {
    let (clock, parker) = (Clock::manual(), Arc::new(Parker::default()));
    let driver = Driver::new(clock.clone().into(), parker.clone());
    (clock, parker, driver)
}

fn fired(count: usize) -> Fired {
    Fired { count, more: false }
}

#[test]
fn fires_when_due_and_the_key_is_stale_after() {
    let (clock, _, driver) = manual();
    let (count, waker) = counted();
    let key = driver.insert(2 * MS, waker.clone()).unwrap();
    assert_eq!((driver.len(), driver.set_waker(key, &waker)), (1, TimerState::Pending));
    clock.advance(Duration::from_millis(1));
    assert_eq!(driver.fire_due(driver.clock().nanos()), fired(0));
    clock.advance(Duration::from_millis(2));
    assert_eq!(driver.prepare_park(), ParkTime::Zero);
    assert_eq!(driver.fire_due(driver.clock().nanos()), fired(1));
    assert_eq!((count.wakes.load(Relaxed), driver.len()), (1, 0));
    assert_eq!(driver.set_waker(key, &waker), TimerState::Gone);
    assert_eq!(driver.reset(key, 9 * MS), TimerState::Gone);
    assert!(!driver.cancel(key));
    assert_eq!(driver.prepare_park(), ParkTime::Unlimited);
}

#[test]
fn a_cancelled_timer_wakes_nobody_and_gives_its_waker_up() {
    let (_, _, driver) = manual();
    let (count, waker) = counted();
    let key = driver.insert(MS, waker).unwrap();
    assert!(driver.cancel(key));
    assert_eq!(Arc::strong_count(&count), 1);
    assert_eq!(driver.next_deadline(), None);
    assert_eq!(driver.fire_due(u64::MAX), fired(0));
}

#[test]
fn reset_moves_the_deadline_both_ways() {
    let (_, _, driver) = manual();
    let (count, waker) = counted();
    let key = driver.insert(5 * MS, waker).unwrap();
    assert_eq!(driver.reset(key, 9 * MS), TimerState::Pending);
    assert_eq!(driver.fire_due(8 * MS), fired(0));
    assert_eq!(driver.reset(key, 8 * MS), TimerState::Pending);
    assert_eq!(driver.fire_due(9 * MS), fired(1));
    assert_eq!(count.wakes.load(Relaxed), 1);
}

#[test]
fn the_waker_given_last_is_woken() {
    let (_, _, driver) = manual();
    let ((first, first_waker), (second, second_waker)) = (counted(), counted());
    let key = driver.insert(MS, first_waker).unwrap();
    assert_eq!(driver.set_waker(key, &second_waker), TimerState::Pending);
    assert_eq!(Arc::strong_count(&first), 1, "the replaced one is dropped");
    assert_eq!(driver.fire_due(2 * MS), fired(1));
    assert_eq!((first.wakes.load(Relaxed), second.wakes.load(Relaxed)), (0, 1));
}

#[test]
fn only_an_armed_reactor_is_unparked_and_only_for_an_earlier_timer() {
    let (_, parker, driver) = manual();
    let unparks = || parker.unparks.load(Relaxed);
    let insert = |deadline| driver.insert(deadline, Waker::noop().clone()).unwrap();
    insert(50 * MS);
    assert_eq!(unparks(), 0, "the reactor is awake");
    assert_eq!(driver.prepare_park(), ParkTime::Unlimited);
    insert(60 * MS);
    assert_eq!(unparks(), 0, "later than what it waits for");
    let early = insert(40 * MS);
    assert_eq!(unparks(), 1);
    insert(45 * MS);
    assert_eq!(unparks(), 1, "the first unpark is on its way");
    assert_eq!(driver.reset(early, 30 * MS), TimerState::Pending);
    assert_eq!(unparks(), 2);
    assert_eq!(driver.fire_due(0), fired(0));
    insert(MS);
    assert_eq!(unparks(), 2, "awake again");
}

#[test]
fn a_moved_clock_unparks_only_when_something_is_due() {
    let (clock, parker, driver) = manual();
    let unparks = || parker.unparks.load(Relaxed);
    driver.insert(10 * MS, Waker::noop().clone()).unwrap();
    assert_eq!(driver.prepare_park(), ParkTime::Unlimited);
    clock.advance(Duration::from_millis(5));
    assert_eq!(unparks(), 0);
    clock.advance(Duration::from_millis(6));
    assert_eq!(unparks(), 1);
    assert_eq!(driver.fire_due(driver.clock().nanos()), fired(1));
    clock.advance(Duration::from_secs(1));
    assert_eq!(unparks(), 1, "the reactor is awake");
}

#[test]
fn the_system_clock_gives_a_park_time() {
    let driver = Driver::new(Clock::system(), Arc::new(Parker::default()));
    let insert = |wait| driver.insert(driver.deadline_in(wait), Waker::noop().clone()).unwrap();
    assert_eq!(driver.prepare_park(), ParkTime::Unlimited);
    insert(Duration::MAX);
    assert_eq!(driver.prepare_park(), ParkTime::Unlimited, "the end of time is not waited for");
    insert(Duration::from_secs(1000));
    let ParkTime::AtMost(wait) = driver.prepare_park() else { panic!("a timer is pending") };
    assert!(wait > Duration::from_secs(900) && wait <= Duration::from_secs(1001), "{wait:?}");
    driver.insert(0, Waker::noop().clone()).unwrap();
    assert_eq!(driver.prepare_park(), ParkTime::Zero);
}

#[test]
fn cancelling_the_earliest_gives_the_longer_park_back() {
    let (_, _, driver) = manual();
    let key = driver.insert(MS, Waker::noop().clone()).unwrap();
    driver.insert(900 * MS, Waker::noop().clone()).unwrap();
    assert!(driver.next_deadline() >= Some(MS) && driver.next_deadline() < Some(2 * MS));
    driver.cancel(key);
    assert!(driver.next_deadline() > Some(800 * MS));
}

/// A host's alarm was set to the deadline; when it rings the host must find it due, and set the alarm anew.
#[test]
fn a_question_in_between_does_not_move_what_somebody_waits_for() {
    let (clock, _, driver) = manual();
    let (_, waker) = counted();
    let key = driver.insert(2 * MS, waker.clone()).unwrap();
    let _parked = driver.prepare_park();
    assert!(driver.cancel(key));
    assert_eq!(driver.next_deadline(), None);
    clock.advance(Duration::from_millis(2));
    assert!(driver.is_due());
    assert_eq!(driver.fire_due(driver.clock().nanos()), fired(0));
    assert!(!driver.is_due());
    // Nobody waits now.
    let key = driver.insert(4 * MS, waker).unwrap();
    assert!(driver.cancel(key));
    assert_eq!((driver.next_deadline(), driver.lower_bound()), (None, None));
}

#[test]
fn one_call_is_bounded_and_says_so() {
    let (_, _, driver) = manual();
    let (count, waker) = counted();
    let total = BATCHES * WakeBatch::CAPACITY + 5;
    for _ in 0..total {
        driver.insert(0, waker.clone()).unwrap();
    }
    assert_eq!(driver.fire_due(0), Fired { count: total - 5, more: true });
    assert_eq!(driver.prepare_park(), ParkTime::Zero);
    assert_eq!(driver.fire_due(0), fired(5));
    assert_eq!(count.wakes.load(Relaxed), total);
}

#[test]
fn close_wakes_all_and_refuses_the_rest() {
    let (_, _, driver) = manual();
    let (count, waker) = counted();
    let keys: Vec<_> = (0..100).map(|bit| driver.insert(u64::MAX >> (bit % 64), waker.clone()).unwrap()).collect();
    driver.close();
    assert_eq!((count.wakes.load(Relaxed), driver.len()), (100, 0));
    assert_eq!(driver.set_waker(keys[0], &waker), TimerState::Closed);
    assert_eq!(driver.reset(keys[1], 0), TimerState::Closed);
    assert!(!driver.cancel(keys[2]));
    let TimerClosed(back) = driver.insert(0, waker.clone()).unwrap_err();
    assert!(back.will_wake(&waker));
    assert_eq!(driver.prepare_park(), ParkTime::Unlimited);
    driver.close();
}

/// Uses the driver wherever foreign code runs: a waker that is cloned, woken or dropped under the lock deadlocks here.
struct Reentrant {
    driver: Weak<Driver>,
    key: crate::sync::plain::Mutex<Option<TimerKey>>,
    panics: bool,
}

impl Reentrant {
    fn touch(&self) {
        if let Some(driver) = self.driver.upgrade() {
            driver.len();
            if let Some(key) = *self.key.lock() {
                driver.cancel(key);
            }
        }
    }
}

impl Wake for Reentrant {
    fn wake(self: Arc<Self>) {
        self.touch();
        assert!(!self.panics, "a waker of the test panics");
    }
}

impl Drop for Reentrant {
    fn drop(&mut self) {
        self.touch();
    }
}

#[test]
fn foreign_code_runs_outside_the_lock_and_may_panic() {
    let (_, _, driver) = manual();
    let (count, plain) = counted();
    let reentrant = |panics| {
        let key = crate::sync::plain::Mutex::new(None);
        Arc::new(Reentrant { driver: Arc::downgrade(&driver), key, panics })
    };
    // Dropped by the cancel, by the replacement, by the refusal; woken by the fire and by the close.
    let key = driver.insert(MS, reentrant(false).into()).unwrap();
    assert!(driver.cancel(key));
    let key = driver.insert(MS, reentrant(false).into()).unwrap();
    assert_eq!(driver.set_waker(key, &plain), TimerState::Pending);
    let canceller = reentrant(true);
    driver.insert(0, canceller.clone().into()).unwrap();
    let cancelled = driver.insert(40 * MS, plain.clone()).unwrap();
    *canceller.key.lock() = Some(cancelled);
    drop(canceller);
    assert_eq!(driver.fire_due(2 * MS), fired(2));
    assert_eq!((count.wakes.load(Relaxed), driver.len()), (1, 0));
    driver.insert(MS, reentrant(true).into()).unwrap();
    driver.insert(MS, plain).unwrap();
    driver.close();
    assert_eq!(count.wakes.load(Relaxed), 2);
    assert!(driver.insert(MS, reentrant(false).into()).is_err());
}

#[test]
fn a_deadline_counts_from_now_and_saturates() {
    let (clock, _, driver) = manual();
    clock.advance(Duration::from_millis(5));
    assert_eq!((driver.now(), driver.deadline_in(Duration::from_millis(1))), (5 * MS, 6 * MS));
    assert_eq!(driver.deadline_in(Duration::MAX), u64::MAX);
    assert_eq!(driver.now_instant(), clock.now());
}

/// Everybody is woken once, for what may be no reason, and no timer is lost.
#[test]
fn the_end_wakes_all_and_keeps_the_timers() {
    let (clock, parker, driver) = manual();
    let (count, waker) = counted();
    let shared = Waker::noop().clone();
    let keys: Vec<_> = (1..=100).map(|hour| driver.insert(hour * 3_600_000 * MS, waker.clone()).unwrap()).collect();
    driver.end();
    assert_eq!((count.wakes.load(Relaxed), driver.len()), (100, 100));
    assert!(keys.iter().all(|key| driver.set_waker(*key, &shared) == TimerState::Pending));
    assert!(driver.now() < 3_600_000 * MS, "real time is added");
    assert!(keys.iter().skip(1).all(|key| driver.cancel(*key)));
    assert_eq!(driver.set_waker(keys[0], &waker), TimerState::Pending);
    driver.end();
    // The thread fires it, not the reactor.
    clock.advance(Duration::from_secs(3600));
    while count.wakes.load(Relaxed) == 100 {
        crate::sync::thread::yield_now();
    }
    assert_eq!((parker.unparks.load(Relaxed), driver.len()), (0, 0));
}

/// As where no thread can be started: the polls drive it.
#[test]
fn a_poll_that_steps_fires_what_is_due() {
    let (_, _, driver) = manual();
    let (count, waker) = counted();
    driver.end();
    driver.insert(0, waker.clone()).unwrap();
    driver.step(&std::task::Context::from_waker(&waker));
    assert_eq!((count.wakes.load(Relaxed), driver.len()), (2, 0), "that of the timer, and that of the poll");
}
