//! The slots of one job: taken in order, each once, and caught up on in a bounded number of searches.
//!
//! # Marks
//! `next` is the first slot after `mark`; every slot up to `mark` was dealt with. `ran` is the newest slot that was handed out: a clock
//! that is set back shows it again.
//!
//! | the wall clock is set | fixed time of day (`30 2 * * *`) | elapsed time (`*/10 * * * *`) |
//! |---|---|---|
//! | forward | slots that it passed by more than the grace are missed | the same |
//! | back by at most three hours | nothing that was handed out is repeated | goes on at once; a step shorter than one period and one minute repeats nothing |
//! | back further | the job follows the clock | the job follows the clock |
//!
//! # Cost
//! A search is one call of [`Points`], which may ask the user's time zone. Catching up takes a fixed number of searches: the newest slot
//! is found by [`Points::last_until`], and slots in between are counted one by one up to [`COUNT_LIMIT`] only.

use super::rules::Rules;
use super::steps::{Passed, Steps};
use super::time::{HOUR, MINUTE, Moment, Nanos, Now};
use crate::schedule::SearchError;

/// The limit of late slots that run one by one.
///
/// Also of slots that wait for a run to finish. Those beyond it are missed.
pub(crate) const CATCH_UP_LIMIT: usize = 1000;

/// The limit of slots that a batch of a calendar counts one by one.
///
/// The rest of each range counts as one.
pub(crate) const COUNT_LIMIT: u64 = 64;

/// The limit of slots that one batch hands out.
const CHUNK: usize = 64;

/// The longest step back that repeats no job of a fixed time.
///
/// As in cron(8).
const CORRECTION: Nanos = 3 * HOUR;

/// Before every slot.
const EVER: Nanos = Nanos::MIN / 2;

/// Points on the line of the wall clock. May call user code: time zones, triggers.
pub(crate) trait Points: Send {
    /// Returns the first point later than `after`.
    fn next_after(&self, after: Nanos) -> Result<Option<Nanos>, SearchError>;

    /// Returns the last point at or before `until`.
    fn last_until(&self, until: Nanos) -> Option<Nanos>;

    /// True if each reading has one run; false if points follow elapsed time.
    fn is_fixed(&self) -> bool;
}

/// The slots that count when a table begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Those from the present reading on, itself included.
    #[cfg_attr(all(not(feature = "cron"), not(test)), expect(dead_code, reason = "for calendars"))]
    Now,
    /// Those after the present reading.
    #[cfg_attr(not(feature = "cron"), allow(dead_code, reason = "for calendars"))]
    AfterNow,
    /// All, however old.
    #[cfg_attr(not(feature = "cron"), allow(dead_code, reason = "for calendars"))]
    Ever,
    /// Those after the last run of an earlier process.
    #[cfg_attr(not(feature = "cron"), allow(dead_code, reason = "for calendars"))]
    Since(Nanos),
}

/// The source of slots.
pub(crate) enum Kind {
    /// `origin + n * period` of the runtime's clock. The origin is `None` until the start is reached.
    Grid { period: Nanos, at_once: bool, origin: Option<Nanos> },
    /// One period after the last run began, by the runtime's clock. The first at once.
    FromBegin { period: Nanos },
    /// Readings of the wall clock; `once`: a single one.
    #[cfg_attr(not(feature = "cron"), allow(dead_code, reason = "for calendars"))]
    Calendar { points: Box<dyn Points>, begin: Begin, once: bool },
    /// None: runs are asked for.
    OnRequest,
}

/// Slots that were due, dealt out. Each is in exactly one of the three.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Batch {
    /// The slots to run, oldest first, and the number that each represents.
    pub(crate) runs: Vec<(Moment, u64)>,
    /// The batch continues one before it: its first slot follows a late one.
    pub(crate) catches_up: bool,
    pub(crate) missed: u64,
    pub(crate) first_missed: Option<Moment>,
    /// Left to the newest one.
    pub(crate) coalesced: u64,
}

pub(crate) struct Table {
    kind: Kind,
    /// On the wall clock: no slot lies before `start`, none after `end`.
    start: Option<Nanos>,
    end: Option<Nanos>,
    mark: Nanos,
    next: Option<Nanos>,
    ran: Option<Nanos>,
    /// The distance from `next` to the slot after it.
    ///
    /// It bounds a random delay; `None` without delays.
    room: Option<Nanos>,
    delays: bool,
    /// Slots handed out one by one in this catch-up.
    caught_up: usize,
    searches: u64,
    /// Of a search that led to no end: no slot is found any more.
    failure: Option<SearchError>,
}

impl Table {
    /// Searches for the first slot.
    pub(crate) fn new(kind: Kind, start: Option<Nanos>, end: Option<Nanos>, rules: &Rules, now: Now) -> Self {
        let mut table = Self {
            kind,
            start,
            end,
            mark: EVER,
            next: None,
            ran: None,
            room: None,
            delays: rules.jitter > 0,
            caught_up: 0,
            searches: 0,
            failure: None,
        };
        table.begin(now);
        table
    }

    /// Begins anew, as if it was made now.
    pub(crate) fn begin(&mut self, now: Now) {
        (self.ran, self.caught_up, self.failure) = (None, 0, None);
        self.begin_at(now);
        self.measure();
    }

    /// Finds how long a random delay of the next slot may be: the slot after it is never passed.
    fn measure(&mut self) {
        let next = self.next.filter(|_| self.delays);
        self.room = next.and_then(|next| Some(self.after(next)? - next));
    }

    pub(crate) fn room(&self) -> Nanos {
        self.room.map_or(Nanos::MAX, |room| room - 1)
    }

    fn begin_at(&mut self, now: Now) {
        match &mut self.kind {
            Kind::Grid { at_once, origin, .. } => {
                *origin = match self.start {
                    Some(start) if start > now.wall => None,
                    Some(start) => Some(now.steady - (now.wall - start)),
                    None => Some(now.steady),
                };
                // A past start gives the grid its phase; slots before now do not count.
                let includes_now = *at_once && self.start.is_none();
                self.go_on_from(if includes_now { now.steady - 1 } else { now.steady });
                if *self.at_once() && self.start.is_some_and(|start| start <= now.wall) {
                    self.next = Some(now.steady);
                }
            }
            Kind::FromBegin { .. } => self.next = Some(now.steady),
            Kind::Calendar { begin, once, .. } => {
                let mark = match begin {
                    Begin::Now => now.wall - 1,
                    Begin::AfterNow => now.wall,
                    Begin::Ever => EVER,
                    Begin::Since(last) => *last,
                };
                // A job that runs once has run already if its slot is not later.
                if let (Begin::Since(last), false) = (*begin, *once) {
                    self.ran = Some(last);
                }
                self.go_on_from(self.start.map_or(mark, |start| mark.max(start - 1)));
                // The clock may have been wrong then: the rules are those of a clock that is set back.
                if mark > now.wall {
                    self.follow(now);
                }
            }
            Kind::OnRequest => {}
        }
    }

    fn at_once(&self) -> &bool {
        match &self.kind {
            Kind::Grid { at_once, .. } => at_once,
            _ => &false,
        }
    }

    fn go_on_from(&mut self, mark: Nanos) {
        self.mark = mark;
        self.next = self.after(mark);
    }

    /// The first slot after a point of the table's clock.
    fn after(&mut self, after: Nanos) -> Option<Nanos> {
        match &self.kind {
            Kind::Grid { period, origin, .. } => {
                let origin = (*origin)?;
                let number = ((after - origin).div_euclid(*period) + 1).max(0);
                number.checked_mul(*period)?.checked_add(origin)
            }
            Kind::Calendar { points, .. } => {
                self.searches += 1;
                let next = points.next_after(after).unwrap_or_else(|error| {
                    self.failure = Some(error);
                    None
                });
                next.filter(|next| self.end.is_none_or(|end| *next <= end))
            }
            Kind::FromBegin { .. } | Kind::OnRequest => None,
        }
    }

    /// The last slot at or before a point of the table's clock.
    fn last_until(&mut self, until: Nanos) -> Option<Nanos> {
        match &self.kind {
            Kind::Grid { period, origin, .. } => {
                let origin = (*origin)?;
                Some(origin + (until - origin).div_euclid(*period) * period)
            }
            Kind::Calendar { points, .. } => {
                self.searches += 1;
                points.last_until(until)
            }
            Kind::FromBegin { .. } | Kind::OnRequest => None,
        }
    }

    /// The number of slots later than `from`, up to `to`. `left`: how many may be counted one by one.
    fn count(&mut self, from: Nanos, to: Nanos, left: &mut u64) -> u64 {
        if to <= from {
            return 0;
        }
        if let Kind::Grid { period, origin: Some(origin), .. } = self.kind {
            let until = |point: Nanos| (point - origin).div_euclid(period).max(-1);
            return u64::try_from(until(to) - until(from)).unwrap_or(u64::MAX);
        }
        let (mut at, mut count) = (from, 0);
        while let Some(slot) = self.after(at).filter(|slot| *slot <= to) {
            count += 1;
            if *left == 0 {
                break;
            }
            *left -= 1;
            at = slot;
        }
        count
    }

    /// A point of the table's clock.
    fn moment(&self, at: Nanos) -> Moment {
        if self.goes_by_the_wall() { Moment::Wall(at) } else { Moment::Steady(at) }
    }

    pub(crate) fn goes_by_the_wall(&self) -> bool {
        matches!(self.kind, Kind::Calendar { .. })
    }

    /// True if the next slot depends on when the last run began.
    pub(crate) fn waits_for_begin(&self) -> bool {
        matches!(self.kind, Kind::FromBegin { .. })
    }

    /// The last point of the runtime's clock that is within the end.
    fn last_moment(&self, now: Now) -> Nanos {
        self.end.map_or(Nanos::MAX, |end| now.steady.saturating_add(end - now.wall))
    }

    /// The next slot. It is known already: no search, no user code.
    pub(crate) fn next(&self, now: Now) -> Option<Moment> {
        match self.kind {
            Kind::Grid { origin: None, .. } => {
                self.start.filter(|start| self.end.is_none_or(|end| *start <= end)).map(Moment::Wall)
            }
            Kind::Calendar { .. } => self.next.map(Moment::Wall),
            _ => self.next.filter(|slot| *slot <= self.last_moment(now)).map(Moment::Steady),
        }
    }

    /// True if no slot will be due under any reading.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self.kind, Kind::Calendar { once: true, .. }) && self.ran.is_some()
    }

    /// True if runs begin on request only.
    pub(crate) fn is_on_request(&self) -> bool {
        matches!(self.kind, Kind::OnRequest)
    }

    /// Takes slots that were due `delay` ago: all of them, or a part if there are many that each want a run.
    pub(crate) fn take(&mut self, now: Now, delay: Nanos, rules: &Rules, steps: &Steps) -> Batch {
        if let Kind::Grid { origin: origin @ None, at_once, .. } = &mut self.kind {
            // Also where the start was passed: the grid has the phase of the start.
            let Some(start) = self.start.filter(|start| *start <= now.wall) else { return Batch::default() };
            let began = now.steady - (now.wall - start);
            *origin = Some(began);
            let mark = if *at_once { began - 1 } else { began };
            self.go_on_from(mark);
            self.measure();
        }
        let until = if self.goes_by_the_wall() {
            (now.wall - delay).min(self.end.unwrap_or(Nanos::MAX))
        } else {
            (now.steady - delay).min(self.last_moment(now))
        };
        let Some(first) = self.next.filter(|slot| *slot <= until) else { return Batch::default() };
        if let Kind::FromBegin { period } = self.kind {
            self.next = now.steady.checked_add(period);
            return Batch { runs: vec![(Moment::Steady(first), 1)], ..Batch::default() };
        }
        let second = self.after(first.max(self.mark));
        let newest = match second {
            Some(second) if second <= until => self.last_until(until).unwrap_or(second).max(second),
            _ => first,
        };
        let next = if newest == first { second } else { self.after(newest) };
        let missed = if self.goes_by_the_wall() {
            let grace = rules.grace.of(next.map(|next| next - newest));
            missed_ranges(steps, grace, delay, first, newest)
        } else {
            Vec::new()
        };
        let batch = if rules.coalesce {
            self.coalesce(first, newest, next, &missed)
        } else {
            self.one_by_one(first, newest, next, &missed)
        };
        self.measure();
        batch
    }

    fn coalesce(&mut self, first: Nanos, newest: Nanos, next: Option<Nanos>, missed: &[Passed]) -> Batch {
        let mut run = Some(newest);
        for range in missed.iter().rev() {
            if run.is_some_and(|run| range.from < run && run <= range.to) {
                run = if range.from < first { None } else { self.last_until(range.from).filter(|slot| *slot >= first) };
            }
        }
        let mut batch = Batch::default();
        if first == newest {
            // The common case.
            (batch.missed, batch.coalesced) = (u64::from(run.is_none()), 0);
        } else {
            let (mut from, mut left) = (first, COUNT_LIMIT);
            batch.missed = u64::from(missed.first().is_some_and(|range| range.from < first));
            let mut due = 1 - batch.missed;
            for range in missed {
                due = due.saturating_add(self.count(from, range.from, &mut left));
                batch.missed = batch.missed.saturating_add(self.count(from.max(range.from), range.to, &mut left));
                from = from.max(range.to);
            }
            due = due.saturating_add(self.count(from, newest, &mut left));
            batch.coalesced = due.saturating_sub(u64::from(run.is_some()));
        }
        if let Some(range) = missed.first().filter(|_| batch.missed > 0) {
            batch.first_missed = self.after(range.from).map(|slot| self.moment(slot));
        }
        batch.runs = run.map(|slot| (self.moment(slot), batch.coalesced.saturating_add(1))).into_iter().collect();
        (self.mark, self.next) = (newest, next);
        self.ran = run.or(self.ran);
        batch
    }

    fn one_by_one(&mut self, first: Nanos, newest: Nanos, next: Option<Nanos>, missed: &[Passed]) -> Batch {
        let mut batch = Batch { catches_up: self.caught_up > 0, ..Batch::default() };
        let (mut slot, mut left) = (Some(first), COUNT_LIMIT);
        while let Some(at) = slot.filter(|slot| *slot <= newest && batch.runs.len() < CHUNK) {
            let range = missed.iter().find(|range| range.from < at && at <= range.to).copied();
            let range = range.or((self.caught_up == CATCH_UP_LIMIT).then_some(Passed { from: at - 1, to: newest }));
            let last = match range {
                Some(range) => {
                    let last = range.to.min(newest);
                    batch.first_missed.get_or_insert(self.moment(at));
                    batch.missed = batch.missed.saturating_add(self.count(at - 1, last, &mut left));
                    last
                }
                None => {
                    batch.runs.push((self.moment(at), 1));
                    self.caught_up += 1;
                    self.ran = Some(at);
                    at
                }
            };
            self.mark = last;
            slot = if last == newest { next } else { self.after(last) };
        }
        self.next = slot;
        if slot == next {
            self.caught_up = 0;
        }
        batch
    }

    /// Forgets the slots until now: the end of a pause.
    pub(crate) fn skip(&mut self, now: Now) {
        match self.kind {
            Kind::Grid { origin: Some(_), .. } => self.go_on_from(self.mark.max(now.steady)),
            Kind::Calendar { .. } => {
                self.next = None;
                self.follow(now);
                self.go_on_from(self.mark.max(now.wall));
            }
            _ => {}
        }
        self.caught_up = 0;
        self.measure();
    }

    /// The wall clock was set back, or the zone has changed.
    pub(crate) fn look_again(&mut self, now: Now) {
        self.follow(now);
        self.measure();
    }

    fn follow(&mut self, now: Now) {
        let Kind::Calendar { points, .. } = &self.kind else { return };
        let fixed = points.is_fixed();
        // A slot that is due and not dealt with stays due.
        if self.is_done() || self.next.is_some_and(|next| next <= now.wall) {
            return;
        }
        let mark = match self.ran.filter(|ran| *ran > now.wall) {
            Some(ran) => {
                let shown_again = ran - now.wall;
                let keeps = if fixed {
                    shown_again <= CORRECTION
                } else {
                    self.after(ran).is_some_and(|next| shown_again < MINUTE.min(next - ran))
                };
                if keeps { ran } else { now.wall }
            }
            None => now.wall,
        };
        self.go_on_from(self.start.map_or(mark, |start| mark.max(start - 1)));
    }

    /// A run begins, due or asked for.
    pub(crate) fn run_begins(&mut self, now: Now) {
        if let Kind::FromBegin { period } = self.kind {
            self.next = now.steady.checked_add(period);
        }
    }

    /// The error of a search that led to no end.
    pub(crate) fn failure(&self) -> Option<SearchError> {
        self.failure
    }

    /// The number of searches so far.
    pub(crate) fn searches(&self) -> u64 {
        self.searches
    }
}

/// The ranges of slots that are too late, in ascending order.
///
/// Cut to `first..=newest`.
fn missed_ranges(steps: &Steps, grace: Option<Nanos>, delay: Nanos, first: Nanos, newest: Nanos) -> Vec<Passed> {
    let ranges = steps.passed().filter_map(|passed| Some(Passed { to: passed.last_missed(grace)?, ..passed }));
    let of_slots =
        ranges.map(|range| Passed { from: (range.from - delay).max(first - 1), to: (range.to - delay).min(newest) });
    of_slots.filter(|range| range.from < range.to).collect()
}
