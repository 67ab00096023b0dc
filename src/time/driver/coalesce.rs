//! Coalescing of timers that end so fast that a wake-up each would cost more than they do.
//!
//! To sleep until a time and to wake costs the system about ten microseconds, whatever is done then. A few timers are
//! worth that: they end at their tick. If many end per millisecond, the reactor waits for a few more of them each time,
//! as a busy network card does with its packets.
//!
//! The rate is that between two firings at least [`GAP`] apart. Coalescing starts after two such spans with many timers
//! in a row: a single burst at one time fills only one. The first span with few ends it.

/// The shortest wait of the reactor while it coalesces, in nanoseconds.
///
/// It is also the largest additional delay of a timer.
pub(super) const GAP: u64 = 500_000;

/// The number of timers in one [`GAP`] that counts as many: 64,000 per second.
const MANY: u64 = 32;

/// The recent rate of timers. For the reactor.
#[derive(Debug, Default)]
pub(super) struct TimerCoalescer {
    /// The beginning of the count.
    since: u64,
    /// The number of timers fired since then, including those at that time.
    fired: u64,
    /// True if the previous count had many.
    many: bool,
    /// True if this count and the previous one had many.
    is_on: bool,
}

impl TimerCoalescer {
    /// Records that `count` timers were fired at `now`, which is never before the last call.
    pub(super) fn note(&mut self, now: u64, count: usize) {
        let age = now.saturating_sub(self.since);
        if age >= GAP {
            let many = self.fired.saturating_mul(GAP / MANY) >= age;
            self.is_on = many && self.many;
            self.many = many;
            (self.since, self.fired) = (now, 0);
        }
        self.fired = self.fired.saturating_add(count as u64);
    }

    /// Returns how long to wait from `now` on, if the next timer ends after `wait`.
    ///
    /// It does not coalesce if nothing has fired for some gaps, although the next firing has yet to find that out.
    pub(super) fn stretch(&self, now: u64, wait: u64) -> u64 {
        if self.is_on && now.saturating_sub(self.since) < 4 * GAP { wait.max(GAP) } else { wait }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const LITTLE: u64 = GAP / 100;

    #[test]
    fn a_steady_stream_is_coalesced_until_it_ends() {
        let mut coalescer = TimerCoalescer::default();
        for step in 1..=250 {
            coalescer.note(step * LITTLE, 1);
        }
        let now = 250 * LITTLE;
        assert_eq!((coalescer.stretch(now, LITTLE), coalescer.stretch(now, 2 * GAP)), (GAP, 2 * GAP));
        // As fast as before, now seen once per gap.
        for step in 3..10 {
            coalescer.note(step * GAP, 100);
            assert_eq!(coalescer.stretch(step * GAP, 0), GAP);
        }
        assert_eq!(coalescer.stretch(13 * GAP, LITTLE), LITTLE, "nothing has fired for long");
        coalescer.note(10 * GAP, 1);
        coalescer.note(11 * GAP, 1);
        assert_eq!(coalescer.stretch(11 * GAP, LITTLE), LITTLE);
    }

    #[test]
    fn bursts_and_a_few_a_millisecond_are_none() {
        let mut coalescer = TimerCoalescer::default();
        for step in 1..100 {
            coalescer.note(step * 100 * GAP, 1000);
            assert_eq!(coalescer.stretch(step * 100 * GAP, LITTLE), LITTLE);
        }
        for step in 1..1000 {
            let now = 100_000 * GAP + step * GAP / 20;
            coalescer.note(now, 1);
            assert_eq!(coalescer.stretch(now, LITTLE), LITTLE);
        }
    }

    #[test]
    fn a_burst_does_not_coalesce_later_timers() {
        let mut coalescer = TimerCoalescer::default();
        // A thousand timers sixty times a second, and two alone soon after each.
        for frame in (0..3200).step_by(32) {
            for (nth, count) in [(0, 500), (0, 500), (2, 1), (4, 1)] {
                let now = (100 + frame + nth) * GAP;
                coalescer.note(now, count);
                assert_eq!(coalescer.stretch(now, LITTLE), LITTLE, "after {count} at {nth} of {frame}");
            }
        }
    }

    #[test]
    fn the_ends_of_time_are_no_trouble() {
        let mut coalescer = TimerCoalescer::default();
        coalescer.note(0, usize::MAX);
        coalescer.note(0, usize::MAX);
        coalescer.note(u64::MAX, 1);
        coalescer.note(3, 1);
        assert_eq!(coalescer.stretch(u64::MAX, u64::MAX), u64::MAX);
    }
}
