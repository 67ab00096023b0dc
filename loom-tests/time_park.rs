//! Timers against a reactor that is about to park: no wake-up is lost (`time::driver`, rules 1 to 5).
//!
//! A lost wake-up leaves the reactor on its condition variable for ever, which loom reports as a deadlock.

use super::explore;
use crate::park::Unpark;
use crate::sync::{Arc, Condvar, Mutex};
use crate::time::Clock;
use crate::time::driver::{Driver, ParkTime};
use std::task::Waker;
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// The least that a reactor's parker must do: a flag that an unpark raises and a park takes.
struct Parker {
    notified: Mutex<bool>,
    changed: Condvar,
}

impl Parker {
    fn new() -> Arc<Self> {
        Arc::new(Self { notified: Mutex::new(false), changed: Condvar::new() })
    }

    fn park(&self) {
        let mut notified = self.notified.lock();
        while !*notified {
            self.changed.wait(&mut notified);
        }
        *notified = false;
    }
}

impl Unpark for Parker {
    fn unpark(&self) {
        *self.notified.lock() = true;
        self.changed.notify_one();
    }
}

fn insert(driver: &Driver, wait: Duration) {
    driver.insert(driver.deadline_in(wait), Waker::noop().clone()).expect("the driver is open");
}

/// Turns as a reactor does, its parks without an end of their own, until it may park no longer than `limit`.
fn turn_until(driver: &Driver, parker: &Parker, limit: Duration) {
    loop {
        let _ = driver.fire_due(0);
        match driver.prepare_park() {
            ParkTime::AtMost(wait) if wait <= limit => return,
            ParkTime::AtMost(_) | ParkTime::Unlimited => parker.park(),
            ParkTime::Zero => unreachable!("all timers are minutes away"),
        }
    }
}

/// Red when `insert` unparks before the timer is in the wheel, when it reads `armed` before it takes the lock, and
/// when `prepare_park` arms after it gave the lock back.
#[test]
fn an_earlier_timer_of_another_thread_reaches_a_reactor_that_parks() {
    explore(None, 60, || {
        let parker = Parker::new();
        let driver = Driver::new(Clock::system(), parker.clone());
        insert(&driver, 90 * MINUTE);
        let remote = {
            let driver = Arc::clone(&driver);
            loom::thread::spawn(move || insert(&driver, 30 * MINUTE))
        };
        turn_until(&driver, &parker, 31 * MINUTE);
        remote.join().expect("the inserter ends");
    });
}

/// Two at once: whichever comes second, the earlier of the two is what the reactor ends up with. Red when an insert
/// lowers `earliest` before the timer is in the wheel.
#[test]
fn of_two_timers_at_once_the_earlier_is_waited_for() {
    explore(Some(3), 2500, || {
        let parker = Parker::new();
        let driver = Driver::new(Clock::system(), parker.clone());
        let remotes = [60, 30].map(|minutes| {
            let driver = Arc::clone(&driver);
            loom::thread::spawn(move || insert(&driver, minutes * MINUTE))
        });
        turn_until(&driver, &parker, 31 * MINUTE);
        for remote in remotes {
            remote.join().expect("the inserter ends");
        }
        assert_eq!(driver.len(), 2);
    });
}

/// Turns under a manual clock, where every park is without end, until one timer fired.
fn turn_until_fired(driver: &Driver, parker: &Parker) {
    while driver.fire_due(driver.clock().nanos()).count == 0 {
        match driver.prepare_park() {
            ParkTime::Zero => {}
            ParkTime::Unlimited => parker.park(),
            ParkTime::AtMost(_) => unreachable!("nobody waits for time that moves by calls"),
        }
    }
}

/// Red when `clock_moved` looks at `armed` and `earliest` without the lock, when `prepare_park` reads the clock
/// before it takes the lock, and when the clock calls its listeners before it stores the new time.
#[test]
fn a_moved_clock_reaches_a_reactor_that_parks() {
    explore(None, 250, || {
        let (parker, clock) = (Parker::new(), Clock::manual());
        let driver = Driver::new(clock.clone().into(), parker.clone());
        insert(&driver, MINUTE);
        let mover = loom::thread::spawn(move || {
            clock.advance(2 * MINUTE);
        });
        turn_until_fired(&driver, &parker);
        mover.join().expect("the mover ends");
    });
}

/// Insert and move cross: the insert computes its deadline before or after the move, and the timer fires in any case
/// once the clock has passed it. Red as the one above.
#[test]
fn an_insert_that_crosses_a_move_is_not_forgotten() {
    explore(Some(3), 4000, || {
        let (parker, clock) = (Parker::new(), Clock::manual());
        let driver = Driver::new(clock.clone().into(), parker.clone());
        let mover = loom::thread::spawn(move || {
            clock.advance(2 * MINUTE);
        });
        let inserter = {
            let driver = Arc::clone(&driver);
            loom::thread::spawn(move || {
                let deadline = u64::try_from(MINUTE.as_nanos()).expect("a minute is short");
                driver.insert(deadline, Waker::noop().clone()).expect("the driver is open");
            })
        };
        turn_until_fired(&driver, &parker);
        mover.join().expect("the mover ends");
        inserter.join().expect("the inserter ends");
    });
}
