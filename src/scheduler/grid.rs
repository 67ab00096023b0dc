//! Intervals: slots at `origin + n * period` of the runtime's clock. Late runs do not move them.

use super::timetable::{Batch, CATCH_UP_LIMIT, Frame, Lateness, Moment, Nanos, Now, Timetable};

/// The slots of an interval.
#[derive(Debug)]
pub(super) struct Grid {
    /// At least 1.
    period: Nanos,
    /// On the wall clock.
    end: Option<Nanos>,
    phase: Phase,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    /// The grid begins when the wall clock shows `start`.
    Before { start: Nanos, first: Nanos },
    /// `next` is the number of the next slot.
    Begun { origin: Nanos, next: Nanos },
}

impl Grid {
    /// A grid that begins now, or at its start if that lies ahead; its first slot is there, or one period later.
    pub(super) fn new(period: Nanos, at_once: bool, frame: Frame) -> Self {
        let first = Nanos::from(!at_once);
        let phase = match frame.start {
            Some(start) if start > frame.now.wall => Phase::Before { start, first },
            _ => Phase::Begun { origin: frame.now.steady, next: first },
        };
        Self { period, end: frame.end, phase }
    }

    /// The last moment of the steady clock that is not past the end, as the wall clock stands.
    fn last_moment(&self, now: Now) -> Nanos {
        self.end.map_or(Nanos::MAX, |end| now.steady.saturating_add(end - now.wall))
    }

    fn slot(&self, origin: Nanos, number: Nanos) -> Option<Nanos> {
        number.checked_mul(self.period)?.checked_add(origin)
    }
}

impl Timetable for Grid {
    fn next(&self, now: Now) -> Option<Moment> {
        match self.phase {
            Phase::Before { start, .. } => self.end.is_none_or(|end| start <= end).then_some(Moment::Wall(start)),
            Phase::Begun { origin, next } => {
                self.slot(origin, next).filter(|slot| *slot <= self.last_moment(now)).map(Moment::Steady)
            }
        }
    }

    fn take(&mut self, now: Now, delay: Nanos, lateness: Lateness) -> Batch {
        let (origin, next) = match self.phase {
            Phase::Begun { origin, next } => (origin, next),
            Phase::Before { start, first } if start <= now.wall => {
                self.phase = Phase::Begun { origin: now.steady, next: first };
                (now.steady, first)
            }
            Phase::Before { .. } => return Batch::default(),
        };
        let until = now.steady - delay;
        let last = (until.min(self.last_moment(now)) - origin).div_euclid(self.period);
        if last < next {
            return Batch::default();
        }
        self.phase = Phase::Begun { origin, next: last + 1 };
        // The first that is not too late, rounded up: minus the floor of the negative.
        let fresh = match lateness.grace {
            Some(grace) => -(origin - (until - grace)).div_euclid(self.period),
            None => next,
        };
        let fresh = fresh.clamp(next, last + 1);
        let due = last + 1 - fresh;
        let run = if lateness.coalesce { due.min(1) } else { due.min(CATCH_UP_LIMIT as Nanos) };
        let first_run = if lateness.coalesce { last + 1 - run } else { fresh };
        let (missed, coalesced) =
            if lateness.coalesce { (fresh - next, due - run) } else { (fresh - next + due - run, 0) };
        let at = |number| self.slot(origin, number).map(Moment::Steady);
        Batch {
            runs: (first_run..first_run + run).filter_map(at).collect(),
            missed: count(missed),
            first_missed: if fresh > next { at(next) } else { at(first_run + run).filter(|_| missed > 0) },
            coalesced: count(coalesced),
        }
    }

    fn skip(&mut self, now: Now) {
        if let Phase::Begun { origin, next } = &mut self.phase {
            *next = (*next).max((now.steady - *origin).div_euclid(self.period) + 1);
        }
    }

    fn look_again(&mut self, _: Now) {}
}

fn count(slots: Nanos) -> u64 {
    u64::try_from(slots).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn grid(period: Nanos) -> Grid {
        Grid::new(period, false, Frame { now: at(0), start: None, end: None })
    }

    fn at(steady: Nanos) -> Now {
        Now { steady, wall: 1_000_000 + steady }
    }

    fn steady(slots: &[Nanos]) -> Vec<Moment> {
        slots.iter().map(|slot| Moment::Steady(*slot)).collect()
    }

    const LENIENT: Lateness = Lateness { grace: None, coalesce: false };

    #[test]
    fn slots_lie_on_the_grid_whenever_they_are_taken() {
        let mut grid = grid(10);
        assert_eq!(grid.next(at(0)), Some(Moment::Steady(10)));
        assert_eq!(grid.take(at(9), 0, LENIENT), Batch::default());
        assert_eq!(grid.take(at(14), 0, LENIENT).runs, steady(&[10]));
        assert_eq!(grid.take(at(37), 0, LENIENT).runs, steady(&[20, 30]));
        assert_eq!(grid.next(at(37)), Some(Moment::Steady(40)));
        assert_eq!(grid.take(at(45), 6, LENIENT).runs, steady(&[]), "the slot of 40 is due at 46");
        assert_eq!(grid.take(at(46), 6, LENIENT).runs, steady(&[40]));
    }

    #[test]
    fn late_slots_are_dealt_out_once_each() {
        // Ten slots were due, the newest five of them within the grace.
        let deal = |coalesce, grace| grid(10).take(at(100), 0, Lateness { grace, coalesce });
        assert_eq!(
            deal(true, Some(40)),
            Batch { runs: steady(&[100]), missed: 5, first_missed: Some(Moment::Steady(10)), coalesced: 4 }
        );
        let all = deal(false, Some(40));
        assert_eq!((all.runs, all.missed), (steady(&[60, 70, 80, 90, 100]), 5));
        assert_eq!(deal(true, None), Batch { runs: steady(&[100]), coalesced: 9, ..Batch::default() });
        let none = grid(10).take(at(109), 0, Lateness { grace: Some(8), coalesce: true });
        assert_eq!((none.runs.len(), none.missed), (0, 10), "the newest is late by nine");
    }

    #[test]
    fn what_is_made_up_for_is_bounded() {
        let mut grid = grid(1);
        let batch = grid.take(at(5000), 0, LENIENT);
        assert_eq!((batch.runs.len(), batch.missed), (CATCH_UP_LIMIT, 4000));
        assert_eq!(batch.first_missed, Some(Moment::Steady(1001)));
        assert_eq!(grid.next(at(5000)), Some(Moment::Steady(5001)));
        let huge = grid.take(at(Nanos::from(u64::MAX) * 8), 0, Lateness { grace: Some(0), coalesce: true });
        assert_eq!((huge.runs.len(), huge.missed), (1, u64::MAX));
    }

    #[test]
    fn start_and_end_are_readings_of_the_wall() {
        let frame = Frame { now: at(0), start: Some(1_000_050), end: Some(1_000_075) };
        let mut grid = Grid::new(10, true, frame);
        assert_eq!(grid.next(at(0)), Some(Moment::Wall(1_000_050)));
        assert_eq!(grid.take(at(52), 0, LENIENT).runs, steady(&[52]), "the grid begins when the start is seen");
        assert_eq!(grid.next(at(52)), Some(Moment::Steady(62)));
        assert_eq!(grid.take(at(500), 0, LENIENT).runs, steady(&[62, 72]));
        assert_eq!(grid.next(at(500)), None);
        let over = Frame { now: at(0), start: None, end: Some(1_000_009) };
        assert_eq!(Grid::new(10, false, over).next(at(0)), None);
    }

    #[test]
    fn skipping_keeps_the_phase() {
        let mut grid = grid(10);
        grid.skip(at(35));
        assert_eq!(grid.next(at(35)), Some(Moment::Steady(40)));
        grid.skip(at(7));
        assert_eq!(grid.next(at(35)), Some(Moment::Steady(40)));
    }

    #[test]
    fn the_longest_period_neither_overflows_nor_fires() {
        let mut grid = grid(std::time::Duration::MAX.as_nanos().cast_signed());
        assert!(grid.next(at(0)).is_some());
        assert_eq!(grid.take(at(Nanos::from(u64::MAX)), 0, LENIENT), Batch::default());
    }
}
