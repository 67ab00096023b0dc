//! How long the reactor thread looks for work before it parks.
//!
//! A park costs whoever ends it a system call and the reactor two switches of threads: some microseconds of processor
//! time, and ten or twenty until the work begins. So where a wake-up is likely to come at once, a short look is cheaper
//! than the park that it saves:
//!
//! - with [`Builder::spin`](crate::Builder::spin) the reactor looks for that long;
//! - without, for [`LINGER`], and only while it is being woken at short intervals: the last park was ended by another
//!   thread, less than [`BRISK`] after the turn before it. A reactor that is spoken to once a frame, by its timers or by
//!   its sockets parks at once.

use super::Parker;
use super::shared::Shared;
use crate::instant::Instant;
use std::time::Duration;

/// As long as it takes another thread to see an answer and to wake the next task: well below the cost of one park.
const LINGER: Duration = Duration::from_nanos(500);

/// In nanoseconds: some two or three times what it takes to wake a thread that is parked. Of a reactor that looks in
/// vain before each park the looks take one hundredth of the time at least, and a tenth of what the parks take.
const BRISK: u64 = 50_000;

/// Looks at memory between two looks at the clock and at the sockets, which cost ten times as much.
const LOOKS: u32 = 64;

/// The same for [`LINGER`]: a look may take 40 ns where the processor makes its pauses long.
const FEW_LOOKS: u32 = 8;

/// What the thread knows of the pace at which it is woken.
#[derive(Debug)]
pub(super) struct Wait {
    spin: Duration,
    /// The clock tells how long a park was.
    timed: bool,
    /// When the last turn began.
    turned: u64,
    /// It has parked since.
    parked: bool,
    /// The last park was a short one that another thread ended.
    brisk: bool,
}

impl Wait {
    pub(super) fn new(spin: Duration, timed: bool) -> Self {
        Self { spin, timed, turned: 0, parked: false, brisk: false }
    }

    /// A turn begins at `now`; `brought`: other threads have brought something.
    pub(super) fn turn(&mut self, now: u64, brought: impl FnOnce() -> bool) {
        if std::mem::take(&mut self.parked) {
            self.brisk = self.timed && now.saturating_sub(self.turned) < BRISK && brought();
        }
        self.turned = now;
    }

    /// The thread has parked, and is up again.
    pub(super) fn parked(&mut self) {
        self.parked = true;
    }

    /// Nothing is ready: looks for work. True if there is some, false if the thread is to park.
    pub(super) fn look(&self, shared: &Shared, parker: &mut Parker) -> bool {
        if !self.spin.is_zero() {
            look_for(shared, parker, self.spin, LOOKS)
        } else {
            self.brisk && look_for(shared, parker, LINGER, FEW_LOOKS)
        }
    }
}

/// Looks for at most `limit`. Begins with the sockets: threads that keep it from parking must not keep it from those.
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

    /// A turn at each moment, with a park in between; whether something was brought. Is it brisk after the last?
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
