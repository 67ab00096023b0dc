//! The engine alone, driven by hand: no runtime, no clock, no thread.

mod account;

use super::counts::{JobCounts, JobStatus, Newest, Outcome, Shown};
use super::engine::{Action, Engine, Event, Host, NextStep, Step};
use super::rules::{Grace, Overlap, Rules};
use super::steps::SETTLE_TIME;
use super::table::{Begin, COUNT_LIMIT, Kind, Points, Table};
use super::time::{HOUR, MINUTE, Moment, Nanos, Now, SECOND};
use crate::schedule::SearchError;
use crate::sync::Arc;
use crate::sync::plain::{AtomicU64, Mutex, Ordering};
use std::cell::{Cell, RefCell};
use std::rc::Rc;

const DAY: Nanos = 24 * HOUR;

/// Some day in 2026.
const START: Nanos = 1_780_000_000 * SECOND - 1_780_000_000 * SECOND % DAY;

/// Readings at whole periods, in a zone whose offset may change; counts its searches.
#[derive(Clone)]
struct Clockwork {
    period: Nanos,
    fixed: bool,
    /// The last point there is.
    end: Nanos,
    offset: Arc<Mutex<Nanos>>,
    searches: Arc<AtomicU64>,
}

impl Clockwork {
    fn new(period: Nanos, fixed: bool) -> Self {
        Self { period, fixed, end: Nanos::MAX, offset: Arc::default(), searches: Arc::default() }
    }

    fn offset(&self) -> Nanos {
        *self.offset.lock()
    }
}

impl Points for Clockwork {
    fn next_after(&self, after: Nanos) -> Result<Option<Nanos>, SearchError> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        let offset = self.offset();
        let next = ((after + offset).div_euclid(self.period) + 1) * self.period - offset;
        Ok(Some(next).filter(|next| *next <= self.end))
    }

    fn last_until(&self, until: Nanos) -> Option<Nanos> {
        self.searches.fetch_add(1, Ordering::Relaxed);
        let offset = self.offset();
        Some((until.min(self.end) + offset).div_euclid(self.period) * self.period - offset)
    }

    fn is_fixed(&self) -> bool {
        self.fixed
    }
}

struct Board {
    key: u64,
    shown: Cell<Shown>,
    newest: RefCell<Newest<u64>>,
}

impl Host for Rc<Board> {
    type Run = u64;

    fn key(&self) -> u64 {
        self.key
    }

    fn show(&self, shown: &Shown) {
        self.shown.set(*shown);
    }

    fn show_newest(&self, newest: &Newest<u64>) {
        *self.newest.borrow_mut() = newest.clone();
    }
}

/// What came out of the engine.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Run { key: u64, run: u64, at: Moment, slots: u64 },
    Missed { key: u64, slots: u64 },
    Overlapped { key: u64 },
    Cancel { run: u64 },
    End { key: u64 },
}

struct World {
    engine: Engine<Rc<Board>>,
    now: Now,
    boards: Vec<Rc<Board>>,
    seen: Vec<Seen>,
    steps: usize,
}

impl World {
    fn new() -> Self {
        let now = Now { steady: 0, wall: START };
        Self { engine: Engine::new(now, true, MINUTE), now, boards: Vec::new(), seen: Vec::new(), steps: 0 }
    }

    fn add(&mut self, kind: Kind, rules: Rules) -> u64 {
        let key = self.boards.len() as u64 + 1;
        let shown = Shown { status: JobStatus::Active, next: None, counts: JobCounts::default() };
        let board = Rc::new(Board { key, shown: Cell::new(shown), newest: RefCell::default() });
        self.boards.push(Rc::clone(&board));
        let table = Table::new(kind, None, None, &rules, self.now);
        self.engine.add(board, rules, Box::new(table), true, self.now);
        key
    }

    fn calendar(&mut self, points: &Clockwork, rules: Rules) -> u64 {
        self.add(Kind::Calendar { points: Box::new(points.clone()), begin: Begin::Now, once: false }, rules)
    }

    fn shown(&self, key: u64) -> Shown {
        self.boards[key as usize - 1].shown.get()
    }

    fn counts(&self, key: u64) -> JobCounts {
        self.shown(key).counts
    }

    /// Time passes, and besides the wall clock is set.
    fn pass(&mut self, elapsed: Nanos, step: Nanos) {
        self.now = Now { steady: self.now.steady + elapsed, wall: self.now.wall + elapsed + step };
        self.engine.look(self.now);
    }

    fn act(&mut self, actions: Vec<Action<Rc<Board>>>) {
        for action in actions {
            match action {
                Action::Start { run, host, slot } => {
                    self.seen.push(Seen::Run { key: host.key, run, at: slot.at, slots: slot.slots });
                    let mut more = Vec::new();
                    self.engine.submitted(run, run, &mut more);
                    self.act(more);
                }
                Action::Cancel { run } => {
                    self.seen.push(Seen::Cancel { run });
                    self.over(run, Outcome::Cancelled, false);
                }
                Action::Notify { host, event: Event::Missed(slot) } => {
                    self.seen.push(Seen::Missed { key: host.key, slots: slot.slots });
                }
                Action::Notify { host, event: Event::Overlapped(_) } => {
                    self.seen.push(Seen::Overlapped { key: host.key })
                }
                Action::End { host, .. } => self.seen.push(Seen::End { key: host.key }),
                Action::Release { .. } | Action::Drop(_) | Action::Stray(_) | Action::Ended => {}
            }
        }
    }

    fn over(&mut self, run: u64, outcome: Outcome, left_running: bool) {
        let mut actions = Vec::new();
        self.engine.over(run, outcome, left_running, &mut actions);
        self.act(actions);
    }

    /// One job's turn. `None`: nothing is due.
    fn step(&mut self) -> Option<NextStep> {
        self.steps += 1;
        let mut actions = Vec::new();
        let rest = match self.engine.step(self.now, &mut actions) {
            Step::Search(mut search) => {
                let (batch, _) = search.run().expect("no panic");
                self.engine.end_search(search, batch, &mut actions);
                None
            }
            Step::Done => None,
            Step::Idle(rest) => Some(rest),
        };
        self.act(actions);
        rest
    }

    /// Until nothing is due. What runs is over at once, if `ends`.
    fn run_due(&mut self, ends: bool) -> NextStep {
        for _ in 0..1_000_000 {
            let before = self.seen.len();
            let rest = self.step();
            if ends {
                let runs = self.seen[before..].iter().filter_map(|seen| match seen {
                    Seen::Run { run, .. } => Some(*run),
                    _ => None,
                });
                for run in runs.collect::<Vec<_>>() {
                    self.over(run, Outcome::Done, false);
                }
            }
            if let Some(rest) = rest.filter(|_| self.seen.len() == before) {
                return rest;
            }
        }
        panic!("the engine never rests");
    }

    /// The slots of the runs since the last call, in order.
    fn ran(&mut self) -> Vec<Moment> {
        let slots = self.seen.drain(..).filter_map(|seen| match seen {
            Seen::Run { at, .. } => Some(at),
            _ => None,
        });
        slots.collect()
    }
}

fn wall(at: Nanos) -> Moment {
    Moment::Wall(START + at)
}

fn once(at: Nanos) -> Kind {
    let points = Clockwork { end: START + at, ..Clockwork::new(at, true) };
    Kind::Calendar { points: Box::new(points), begin: Begin::AfterNow, once: true }
}

#[test]
fn a_late_look_misses_nothing() {
    let mut world = World::new();
    let points = Clockwork::new(10 * SECOND, false);
    let rules = Rules { grace: Grace::Given(Some(SECOND)), ..Rules::default() };
    let (calendar, grid) = (world.calendar(&points, rules), {
        let kind = Kind::Grid { period: 10 * SECOND, at_once: false, origin: None };
        world.add(kind, rules)
    });
    world.run_due(true);
    world.pass(95 * SECOND, 0);
    world.run_due(true);
    for (key, slots) in [(calendar, 10), (grid, 9)] {
        let counts = world.counts(key);
        assert_eq!(counts.missed, 0, "{counts:?}");
        assert_eq!(counts.runs + counts.coalesced, slots, "{counts:?}");
    }
}

#[test]
fn what_a_step_passed_is_missed_beyond_the_grace() {
    let mut world = World::new();
    let points = Clockwork::new(10 * MINUTE, false);
    let rules = Rules { grace: Grace::Given(Some(30 * MINUTE)), ..Rules::default() };
    let key = world.calendar(&points, rules);
    world.run_due(true);
    world.ran();
    world.pass(0, 125 * MINUTE);
    world.run_due(true);
    assert_eq!(world.ran(), [wall(120 * MINUTE)]);
    let counts = world.counts(key);
    assert_eq!(
        (counts.runs, counts.missed, counts.coalesced),
        (2, 9, 2),
        "100 and 110 are late by less than half an hour"
    );
    assert_eq!(world.shown(key).next, Some(wall(130 * MINUTE)));
}

#[test]
fn the_default_grace_is_the_smaller_of_one_period_and_one_hour() {
    for (period, step, runs) in [(DAY, DAY + HOUR, 1), (DAY, DAY + HOUR + 1, 0), (MINUTE, HOUR + 59 * SECOND, 1)] {
        let mut world = World::new();
        let points = Clockwork::new(period, true);
        world.pass(1, 0);
        world.calendar(&points, Rules::default());
        world.run_due(true);
        world.pass(0, step - 1);
        world.run_due(true);
        assert_eq!(world.ran().len(), runs, "{period}");
    }
}

#[test]
fn a_day_back_and_forth() {
    // (fixed time of day, step back, slots that are repeated)
    for (fixed, back, repeated) in [
        (true, HOUR, 0),
        (true, 3 * HOUR, 0),
        (true, 5 * HOUR, 1),
        (false, HOUR, 1),
        (false, 70 * SECOND, 2),
        (false, 50 * SECOND, 0),
    ] {
        let mut world = World::new();
        let points = Clockwork::new(if fixed { DAY } else { 10 * MINUTE }, fixed);
        let key = world.calendar(&points, Rules::default());
        world.pass(SECOND, 0);
        world.run_due(true);
        assert_eq!(world.ran(), [wall(0)]);
        world.pass(0, -back);
        world.run_due(true);
        let next = world.shown(key).next.expect("a slot ahead");
        let expected = match (fixed, repeated) {
            (true, 1) => wall(0),
            (true, _) => wall(DAY),
            (false, 1) => wall(-50 * MINUTE),
            (false, 2) => wall(0),
            _ => wall(10 * MINUTE),
        };
        assert_eq!(next, expected, "fixed: {fixed}, back by {} min", back / MINUTE);
    }
}

#[test]
fn a_slot_that_was_missed_by_a_wrong_clock_runs_when_its_time_comes() {
    let mut world = World::new();
    let points = Clockwork::new(DAY, true);
    world.pass(HOUR, 0);
    let key = world.calendar(&points, Rules::default());
    world.run_due(true);
    world.pass(0, DAY + HOUR);
    world.run_due(true);
    assert_eq!((world.counts(key).runs, world.counts(key).missed), (0, 1));
    world.pass(SECOND, -DAY - HOUR);
    world.run_due(true);
    world.pass(DAY - HOUR, 0);
    world.run_due(true);
    assert_eq!(world.ran(), [wall(DAY)]);
}

#[test]
fn a_glitch_ends_no_job_for_good() {
    let mut world = World::new();
    let ends = Clockwork { end: START + 3 * DAY, ..Clockwork::new(DAY, true) };
    let (once, ends) = (world.add(once(DAY), Rules::default()), world.calendar(&ends, Rules::default()));
    world.run_due(true);
    world.ran();
    world.pass(0, 3650 * DAY);
    let rest = world.run_due(true);
    assert_eq!(rest, NextStep::Until(world.now.steady + MINUTE), "it goes on to look at the clock");
    for key in [once, ends] {
        assert_eq!((world.shown(key).status, world.shown(key).next), (JobStatus::Active, None));
    }
    world.pass(10 * MINUTE, -3650 * DAY);
    world.run_due(true);
    assert_eq!((world.shown(once).next, world.shown(ends).next), (Some(wall(DAY)), Some(wall(DAY))));
    world.pass(DAY, 0);
    world.run_due(true);
    assert_eq!(world.ran(), [wall(DAY); 2]);
    assert_eq!(world.shown(once).status, JobStatus::Finished, "it has run");
    // This time the clock stays there.
    world.pass(0, 3650 * DAY);
    world.run_due(true);
    world.pass(SETTLE_TIME - 1, 0);
    world.run_due(true);
    assert_eq!(world.shown(ends).status, JobStatus::Active);
    world.pass(1, 0);
    assert_eq!(world.run_due(true), NextStep::Unlimited);
    assert_eq!((world.shown(ends).status, world.engine.len()), (JobStatus::Finished, 0));
}

#[test]
fn an_end_that_comes_by_itself_is_final_at_once() {
    let mut world = World::new();
    let points = Clockwork { end: START + 2 * HOUR, ..Clockwork::new(HOUR, true) };
    let key = world.calendar(&points, Rules::default());
    for _ in 0..3 {
        world.run_due(true);
        world.pass(HOUR, 0);
    }
    assert_eq!((world.shown(key).status, world.ran().len()), (JobStatus::Finished, 3));
}

#[test]
fn catching_up_costs_the_same_however_far_the_clock_has_jumped() {
    for coalesce in [true, false] {
        for step in [HOUR, DAY, 365 * DAY, 7000 * 365 * DAY] {
            let mut world = World::new();
            let points = Clockwork::new(SECOND, false);
            let rules = Rules { coalesce, grace: Grace::Given(None), overlap: Overlap::Queue, ..Rules::default() };
            let key = world.calendar(&points, rules);
            world.run_due(true);
            let before = points.searches.load(Ordering::Relaxed);
            world.pass(0, step);
            let steps = world.steps;
            world.run_due(true);
            let searches = points.searches.load(Ordering::Relaxed) - before;
            let counts = world.counts(key);
            assert!(searches <= if coalesce { COUNT_LIMIT + 8 } else { 1200 }, "{searches} searches");
            let steps = world.steps - steps;
            assert!(steps <= if coalesce { 6 } else { 2100 }, "{steps} steps");
            let (ran, rest) = if coalesce { (2, COUNT_LIMIT) } else { (1001, 0) };
            assert_eq!((counts.runs, counts.overlapped), (ran, 0), "{counts:?}");
            assert!(counts.coalesced >= rest && (coalesce || counts.missed > COUNT_LIMIT), "{counts:?}");
        }
    }
}

#[test]
fn a_hundred_thousand_jobs_due_at_one_instant() {
    let mut world = World::new();
    world.pass(1, 0);
    let points = Clockwork::new(HOUR, true);
    for _ in 0..100_000 {
        world.calendar(&points, Rules::default());
    }
    world.run_due(true);
    world.steps = 0;
    world.pass(HOUR, 0);
    world.run_due(true);
    assert_eq!(world.ran().len(), 100_000);
    assert!(world.steps <= 100_002, "{} steps: one for each job", world.steps);
    // A year ahead, for each of them.
    world.steps = 0;
    world.pass(0, 365 * DAY);
    world.run_due(true);
    assert_eq!(world.ran().len(), 100_000);
    assert!(world.steps <= 100_002, "{} steps", world.steps);
}

#[test]
fn jobs_take_turns() {
    let mut world = World::new();
    for _ in 0..100 {
        world.add(Kind::Grid { period: 1, at_once: false, origin: None }, Rules::default());
    }
    let points = Clockwork::new(SECOND, false);
    let calendar = world.calendar(&points, Rules::default());
    let asked = world.add(Kind::OnRequest, Rules::default());
    for _ in 0..10 {
        assert!(world.engine.run_now(asked));
        // The intervals are due again after each step.
        for _ in 0..12 {
            let before = world.seen.len();
            world.step();
            world.pass(SECOND / 12 + 1, 0);
            let runs = world.seen[before..].iter().filter_map(|seen| match seen {
                Seen::Run { run, .. } => Some(*run),
                _ => None,
            });
            for run in runs.collect::<Vec<_>>() {
                world.over(run, Outcome::Done, false);
            }
        }
    }
    assert_eq!(world.counts(asked).runs, 10);
    assert!(world.counts(calendar).runs >= 10, "{:?}", world.counts(calendar));
}

#[test]
fn a_random_delay_never_passes_the_next_slot() {
    let mut world = World::new();
    let rules = Rules { jitter: HOUR, seed: Some(7), ..Rules::default() };
    let key = world.add(Kind::Grid { period: 10 * SECOND, at_once: false, origin: None }, rules);
    world.run_due(true);
    for _ in 0..1000 {
        world.pass(SECOND, 0);
        world.run_due(true);
    }
    let counts = world.counts(key);
    assert!((99..=100).contains(&counts.runs), "{counts:?}");
    assert_eq!((counts.missed, counts.coalesced, counts.overlapped), (0, 0, 0));
}

#[test]
fn an_interval_is_anchored_at_its_start() {
    let period = 10 * MINUTE;
    // (start, at once, the first slots)
    let cases: [(Nanos, bool, [Nanos; 3]); 4] = [
        (-25 * MINUTE, false, [5 * MINUTE, 15 * MINUTE, 25 * MINUTE]),
        (-25 * MINUTE, true, [0, 5 * MINUTE, 15 * MINUTE]),
        (7 * MINUTE, false, [17 * MINUTE, 27 * MINUTE, 37 * MINUTE]),
        (7 * MINUTE, true, [7 * MINUTE, 17 * MINUTE, 27 * MINUTE]),
    ];
    for (start, at_once, expected) in cases {
        let mut world = World::new();
        let rules = Rules::default();
        let kind = Kind::Grid { period, at_once, origin: None };
        let table = Table::new(kind, Some(START + start), None, &rules, world.now);
        let shown = Shown { status: JobStatus::Active, next: None, counts: JobCounts::default() };
        let board = Rc::new(Board { key: 1, shown: Cell::new(shown), newest: RefCell::default() });
        world.engine.add(board, rules, Box::new(table), true, world.now);
        // Looks that are a little late do not move it.
        for _ in 0..3 * 60 {
            world.run_due(true);
            world.pass(17 * SECOND, 0);
        }
        assert_eq!(world.ran()[..3], expected.map(Moment::Steady), "start {start}, at once {at_once}");
    }
}

#[test]
fn late_slots_that_each_run_do_so_one_after_the_other() {
    let mut world = World::new();
    let rules = Rules { coalesce: false, ..Rules::default() };
    let key = world.add(Kind::Grid { period: SECOND, at_once: false, origin: None }, rules);
    world.run_due(true);
    world.pass(5 * SECOND, 0);
    world.run_due(false);
    assert_eq!((world.counts(key).running, world.counts(key).queued), (1, 4));
    // A slot that is due on time overlaps.
    world.pass(SECOND, 0);
    world.run_due(false);
    assert_eq!((world.counts(key).overlapped, world.counts(key).queued), (1, 4));
    for run in 1..=5 {
        world.over(run, Outcome::Done, false);
        world.run_due(false);
    }
    let counts = world.counts(key);
    assert_eq!((counts.runs, counts.overlapped, counts.queued, counts.running), (5, 1, 0, 0));
}

#[test]
fn from_begin_to_begin_with_one_that_waits() {
    let mut world = World::new();
    let rules = Rules { overlap: Overlap::Queue, queue_limit: 1, ..Rules::default() };
    let key = world.add(Kind::FromBegin { period: 10 * SECOND }, rules);
    world.run_due(false);
    assert_eq!(world.counts(key).runs, 1);
    world.pass(25 * SECOND, 0);
    world.run_due(false);
    assert_eq!((world.counts(key).queued, world.shown(key).next), (1, None));
    world.over(1, Outcome::Done, false);
    world.run_due(false);
    assert_eq!((world.counts(key).runs, world.counts(key).overlapped), (2, 0));
    assert_eq!(world.shown(key).next, Some(Moment::Steady(35 * SECOND)));
    world.over(2, Outcome::Done, false);
    world.pass(4 * SECOND, 0);
    assert!(world.engine.run_now(key));
    world.run_due(true);
    assert_eq!(world.shown(key).next, Some(Moment::Steady(39 * SECOND)), "a run that was asked for counts as a start");
}
