//! Random schedules and random histories of the clocks: every slot is accounted for once, as a list made by brute force says.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Copy, Debug)]
enum Change {
    /// Time passes (in hundredths of a period), and the wall clock is set besides.
    Pass(i64, i64),
    /// The clock is set without any time passing: a suspend, or a correction back.
    Set(i64),
    /// The zone changes, in minutes.
    Zone(i64),
    Finish(usize),
    LeaveRunning(usize),
    Return(usize),
    RunNow,
    PauseOrResume,
}

fn change() -> impl Strategy<Value = Change> {
    let step = || prop_oneof![4 => Just(0_i64), 1 => -30_i64..30, 1 => -4000_i64..4000];
    prop_oneof![
        6 => (0_i64..500, step()).prop_map(|(elapsed, step)| Change::Pass(elapsed, step)),
        2 => step().prop_map(Change::Set),
        1 => (-720_i64..720).prop_map(Change::Zone),
        3 => any::<usize>().prop_map(Change::Finish),
        1 => any::<usize>().prop_map(Change::LeaveRunning),
        1 => any::<usize>().prop_map(Change::Return),
        1 => Just(Change::RunNow),
        1 => Just(Change::PauseOrResume),
    ]
}

fn overlap() -> impl Strategy<Value = Overlap> {
    prop_oneof![Just(Overlap::Skip), Just(Overlap::Queue), Just(Overlap::Allow), Just(Overlap::CancelPrevious)]
}

/// What should become of the slots, decided one by one.
struct Oracle {
    points: Clockwork,
    by_the_wall: bool,
    grace: Grace,
    coalesce: bool,
    now: Now,
    /// No slot up to here is due again.
    floor: Nanos,
    ran: Option<Nanos>,
    missed: u64,
    coalesced: u64,
    /// Slots that are to be run.
    dealt: u64,
}

impl Oracle {
    fn next(&self, after: Nanos) -> Option<Nanos> {
        self.points.next_after(after).expect("a point")
    }

    fn slots(&self, from: Nanos, to: Nanos) -> Vec<Nanos> {
        let mut slots = Vec::new();
        let mut at = from;
        while let Some(slot) = self.next(at).filter(|slot| *slot <= to) {
            slots.push(slot);
            at = slot;
        }
        slots
    }

    fn look(&mut self, now: Now, paused: bool) {
        let before = std::mem::replace(&mut self.now, now);
        let at = if self.by_the_wall { now.wall } else { now.steady };
        if self.by_the_wall && now.wall < before.wall {
            self.follow();
        }
        if paused {
            return;
        }
        let elapsed = now.steady - before.steady;
        let step = now.wall - before.wall - elapsed;
        let slots = self.slots(self.floor, at);
        self.floor = self.floor.max(at);
        let Some(newest) = slots.last().copied() else { return };
        let period = self.next(newest).map(|next| next - newest);
        let shown = now.wall - elapsed;
        let late = |slot: Nanos| if slot > before.wall { (shown - slot).max(0) } else { 0 };
        let grace = self.grace.of(period);
        let is_missed = |slot: &Nanos| {
            self.by_the_wall
                && now.wall >= before.wall
                && step >= SECOND / 20
                && grace.is_some_and(|grace| late(*slot) > grace)
        };
        let (missed, fresh): (Vec<Nanos>, Vec<Nanos>) = slots.into_iter().partition(is_missed);
        self.missed += missed.len() as u64;
        self.ran = fresh.last().copied().or(self.ran);
        let runs = if self.coalesce { fresh.len().min(1) } else { fresh.len() };
        self.dealt += runs as u64;
        self.coalesced += (fresh.len() - runs) as u64;
    }

    /// The clock was set back, the zone has changed, or a pause has ended.
    fn follow(&mut self) {
        let wall = self.now.wall;
        let keeps = |ran: &Nanos| {
            let again = *ran - wall;
            if self.points.fixed {
                again <= 3 * HOUR
            } else {
                self.next(*ran).is_some_and(|next| again < MINUTE.min(next - *ran))
            }
        };
        self.floor = self.ran.filter(|ran| *ran > wall).filter(keeps).unwrap_or(wall);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn each_slot_is_one_of_run_missed_coalesced_overlapped(
        changes in prop::collection::vec(change(), 1..60),
        period in prop_oneof![Just(7 * SECOND), Just(MINUTE), Just(37 * MINUTE), Just(HOUR), Just(DAY)],
        by_the_wall in prop::bool::weighted(0.8),
        fixed: bool,
        coalesce: bool,
        grace in prop_oneof![
            Just(Grace::Default),
            Just(Grace::Given(None)),
            (0_i64..5000).prop_map(|seconds| Grace::Given(Some(Nanos::from(seconds) * SECOND))),
        ],
        overlap in overlap(),
        instances in 1_usize..4,
    ) {
        let mut world = World::new();
        world.now.wall += 1;
        world.pass(0, 0);
        world.engine = Engine::new(world.now, true, MINUTE);
        let points = Clockwork::new(period, fixed);
        let rules =
            Rules { grace, coalesce, overlap, max_instances: std::num::NonZeroUsize::new(instances), ..Rules::default() };
        let key = if by_the_wall {
            world.calendar(&points, rules)
        } else {
            world.add(Kind::Grid { period, at_once: false, origin: None }, rules)
        };
        let floor = if by_the_wall { world.now.wall } else { 0 };
        let (now, ran) = (world.now, None);
        let mut oracle = Oracle {
            points: points.clone(), by_the_wall, grace, coalesce, now, floor, ran, missed: 0, coalesced: 0, dealt: 0,
        };
        let (mut running, mut left) = (Vec::<u64>::new(), Vec::<u64>::new());
        let mut paused = false;
        for change in changes {
            let choose = |list: &[u64], choice: usize| choice.checked_rem(list.len());
            match change {
                Change::Pass(elapsed, step) => {
                    let part = |part: i64| Nanos::from(part) * period / 100;
                    world.pass(part(elapsed), part(step));
                    oracle.look(world.now, paused);
                }
                Change::Set(step) => {
                    world.pass(0, Nanos::from(step) * period / 100);
                    oracle.look(world.now, paused);
                }
                Change::Zone(minutes) if by_the_wall => {
                    *points.offset.lock() = Nanos::from(minutes) * MINUTE;
                    world.engine.zone_changed();
                    oracle.follow();
                }
                Change::Zone(_) => {}
                Change::Finish(choice) => {
                    if let Some(at) = choose(&running, choice) {
                        world.over(running.remove(at), Outcome::Failed, false);
                    }
                }
                Change::LeaveRunning(choice) => {
                    if let Some(at) = choose(&running, choice) {
                        let run = running.remove(at);
                        world.over(run, Outcome::Cancelled, true);
                        left.push(run);
                    }
                }
                Change::Return(choice) => {
                    if let Some(at) = choose(&left, choice) {
                        let mut actions = Vec::new();
                        world.engine.closed(left.remove(at), &mut actions);
                        world.act(actions);
                    }
                }
                Change::RunNow => {
                    prop_assert!(world.engine.run_now(key));
                    oracle.dealt += 1;
                }
                Change::PauseOrResume if paused => {
                    paused = false;
                    let (resumed, search) = world.engine.resume(key, world.now);
                    prop_assert!(resumed);
                    if let Some(mut search) = search {
                        let (batch, _) = search.run().expect("no panic");
                        let mut actions = Vec::new();
                        world.engine.end_search(search, batch, &mut actions);
                        world.act(actions);
                    }
                    if by_the_wall {
                        oracle.follow();
                    } else {
                        oracle.floor = oracle.now.steady;
                    }
                }
                Change::PauseOrResume => {
                    paused = true;
                    prop_assert!(world.engine.pause(key));
                }
            }
            world.run_due(false);
            let (mut missed, mut overlapped) = (0, 0);
            for seen in world.seen.drain(..) {
                match seen {
                    Seen::Run { run, .. } => running.push(run),
                    Seen::Cancel { run } => running.retain(|other| *other != run),
                    Seen::Missed { slots, .. } => missed += slots,
                    Seen::Overlapped { .. } => overlapped += 1,
                    Seen::End { .. } => prop_assert!(false, "the job never ends"),
                }
            }
            let counts = world.counts(key);
            prop_assert!(missed <= counts.missed && overlapped <= counts.overlapped, "what is told is counted");
            prop_assert_eq!((counts.missed, counts.coalesced), (oracle.missed, oracle.coalesced), "{:?}: {:?}", change, counts);
            let dealt = counts.runs + counts.overlapped + counts.queued as u64;
            prop_assert_eq!(dealt, oracle.dealt, "{:?}: {:?}", change, counts);
            prop_assert_eq!((counts.running, counts.left_running), (running.len(), left.len()));
            prop_assert!(running.len() + left.len() <= instances, "{:?}", counts);
            // The next slot lies ahead, as the oracle says.
            let next = oracle.next(oracle.floor);
            let next = next.map(|at| if by_the_wall { Moment::Wall(at) } else { Moment::Steady(at) });
            prop_assert_eq!(world.shown(key).next, next.filter(|_| !paused), "{:?}", change);
        }
    }
}
