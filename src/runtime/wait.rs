//! The time for which the reactor thread checks for work before it parks.
//!
//! A park costs its waker a system call and the reactor two thread switches: a few microseconds of processor time, and
//! ten or twenty until the work begins. So if a wake-up is likely to come immediately, a short check is cheaper than
//! the park that it saves:
//!
//! - with [`Builder::spin`](crate::Builder::spin) the reactor checks for that long;
//! - without, for [`SPIN_TIME`], and only while it is woken at short intervals: another thread ended the last park,
//!   less than [`BRISK`] after the turn before it. A reactor that is woken once a frame, by its timers or by its
//!   sockets parks immediately.

use super::Parker;
use super::shared::Shared;
use crate::instant::Instant;
use std::time::Duration;

/// The default spin time.
///
/// Another thread needs as long to see an answer and to wake the next task. It is well below the cost of one park.
const SPIN_TIME: Duration = Duration::from_nanos(500);

/// The limit of a short interval, in nanoseconds: two or three times the time to wake a parked thread.
///
/// For a reactor that checks in vain before each park, the checks take at most one hundredth of the time, and a tenth
/// of what the parks take.
const BRISK: u64 = 50_000;

/// The number of memory checks between two checks of the clock and the sockets, which cost ten times as much.
const CHECKS: u32 = 64;

/// The same for [`SPIN_TIME`]: a check may take 40 ns on processors with long pauses.
const FEW_CHECKS: u32 = 8;

/// The pace at which the thread is woken.
#[derive(Debug)]
pub(super) struct Wait {
    spin: Duration,
    /// True if the clock measures how long a park was.
    timed: bool,
    /// The beginning of the last turn.
    turned: u64,
    /// True if it has parked since.
    parked: bool,
    /// True if the last park was short and ended by another thread.
    brisk: bool,
}

impl Wait {
    pub(super) fn new(spin: Duration, timed: bool) -> Self {
        Self { spin, timed, turned: 0, parked: false, brisk: false }
    }

    /// Begins a turn at `now`. `brought` returns true if other threads brought work.
    pub(super) fn turn(&mut self, now: u64, brought: impl FnOnce() -> bool) {
        if std::mem::take(&mut self.parked) {
            self.brisk = self.timed && now.saturating_sub(self.turned) < BRISK && brought();
        }
        self.turned = now;
    }

    /// Records that the thread has parked.
    pub(super) fn parked(&mut self) {
        self.parked = true;
    }

    /// Checks for work, since nothing is ready.
    ///
    /// Returns true if there is some, false if the thread should park.
    pub(super) fn look(&self, shared: &Shared, parker: &mut Parker) -> bool {
        if !self.spin.is_zero() {
            look_for(shared, parker, self.spin, CHECKS)
        } else {
            self.brisk && look_for(shared, parker, SPIN_TIME, FEW_CHECKS)
        }
    }
}

/// Checks for at most `limit`, the sockets first.
///
/// Threads that keep it from parking must not keep it from the sockets.
fn look_for(shared: &Shared, parker: &mut Parker, limit: Duration, looks: u32) -> bool {
    let until = Instant::now() + limit;
    loop {
        if parker.look() {
            return true;
        }
        for _ in 0..looks {
            if !shared.inbox.is_empty() || parker.state().take_notified() {
                return true;
            }
            crate::sync::spin_loop();
        }
        if Instant::now() >= until || shared.driver.is_due() {
            return false;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Runs a turn at each time, with a park in between. Returns whether it is brisk after the last.
    fn brisk(timed: bool, turns: &[(u64, bool)]) -> bool {
        let mut wait = Wait::new(Duration::ZERO, timed);
        for &(now, brought) in turns {
            wait.turn(now, || brought);
            wait.parked();
        }
        wait.brisk
    }

    #[test]
    fn brisk_is_who_was_woken_by_another_thread_after_a_short_park() {
        let (start, soon, late) = (7, 7 + BRISK - 1, 7 + BRISK);
        assert!(!brisk(true, &[(start, true)]), "nothing is known of a park");
        assert!(brisk(true, &[(start, true), (soon, true)]));
        assert!(!brisk(true, &[(start, true), (late, true)]), "a long park");
        assert!(!brisk(true, &[(start, true), (soon, false)]), "a timer, a socket or nothing has ended it");
        assert!(!brisk(true, &[(start, true), (soon, true), (soon + BRISK, true)]), "the last one counts");
        assert!(!brisk(false, &[(start, true), (start, true)]), "a clock that stands tells nothing");
    }

    #[test]
    fn turns_without_a_park_leave_the_pace_as_it_is() {
        let mut wait = Wait::new(Duration::ZERO, true);
        wait.turn(BRISK, || true);
        wait.parked();
        wait.turn(BRISK + 1, || true);
        assert!(wait.brisk);
        for now in 2..9 {
            wait.turn(now * BRISK, || unreachable!("asked after a park only"));
            assert!(wait.brisk);
        }
    }
}
