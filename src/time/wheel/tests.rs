use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::task::Waker;

const TICK: u64 = 1 << Ticks::COARSE.shift;

/// What is done to a wheel; the numbers are made fit by [`Pair::apply`].
#[derive(Debug, Clone, Copy)]
enum Op {
    Insert(When),
    Cancel(usize),
    Reset(usize, When),
    Advance(When, usize),
    AdvanceToNext { short_by: u64 },
}

/// A moment, as seen from the present.
#[derive(Debug, Clone, Copy)]
enum When {
    In(u64),
    /// This many nanoseconds from the next (or next but `skip`) boundary of a level.
    Boundary {
        level: u32,
        skip: u64,
        offset: i64,
    },
    At(u64),
}

impl When {
    fn moment(self, now: u64) -> u64 {
        match self {
            Self::In(wait) => now.saturating_add(wait),
            Self::At(moment) => moment,
            Self::Boundary { level, skip, offset } => {
                let width = TICK.checked_shl(shift(level)).filter(|width| width.is_power_of_two());
                let width = width.unwrap_or(1 << 62);
                let boundary = (now / width).saturating_add(1 + skip).saturating_mul(width);
                boundary.saturating_add_signed(offset)
            }
        }
    }
}

/// A wheel and the map that says what it should do.
struct Pair {
    wheel: Wheel<u64>,
    pending: BTreeMap<(u64, u64), Key>,
    given: Vec<(Key, u64, u64)>,
    now: u64,
    sequence: u64,
    /// A limit cut a coming-down in two, so timers of one tick may have changed places.
    cut: bool,
    yielded: usize,
}

impl Pair {
    fn new(ticks: Ticks) -> Self {
        let (pending, given) = (BTreeMap::new(), Vec::new());
        Self { wheel: Wheel::new(ticks), pending, given, now: 0, sequence: 0, cut: false, yielded: 0 }
    }

    fn apply(&mut self, op: Op) {
        match op {
            Op::Insert(when) => {
                let deadline = when.moment(self.now);
                self.sequence += 1;
                let key = self.wheel.insert(deadline, self.sequence);
                let tick = self.wheel.ticks.of_deadline(deadline).max(self.wheel.now);
                self.pending.insert((tick, self.sequence), key);
                self.given.push((key, tick, self.sequence));
            }
            Op::Cancel(nth) => {
                if let Some((key, tick, sequence)) = self.pick(nth) {
                    let known = self.pending.remove(&(tick, sequence)).map(|_| sequence);
                    assert_eq!(self.wheel.payload_mut(key).copied(), known);
                    assert_eq!(self.wheel.remove(key), known);
                    assert_eq!(self.wheel.remove(key), None);
                }
            }
            Op::Reset(nth, when) => {
                if let Some((key, tick, sequence)) = self.pick(nth) {
                    let deadline = when.moment(self.now);
                    let known = self.pending.remove(&(tick, sequence)).is_some();
                    assert_eq!(self.wheel.reset(key, deadline), known);
                    if known {
                        self.sequence += 1;
                        *self.wheel.payload_mut(key).expect("it was just reset") = self.sequence;
                        let tick = self.wheel.ticks.of_deadline(deadline).max(self.wheel.now);
                        self.pending.insert((tick, self.sequence), key);
                        self.given.push((key, tick, self.sequence));
                    }
                }
            }
            Op::Advance(when, limit) => self.advance(when.moment(self.now), limit),
            Op::AdvanceToNext { short_by } => {
                if let Some(next) = self.wheel.next_deadline() {
                    self.advance(next.saturating_sub(short_by), usize::MAX);
                }
            }
        }
        assert_eq!(self.wheel.len(), self.pending.len());
        match (self.wheel.next_deadline(), self.pending.first_key_value()) {
            (Some(next), Some(((tick, _), _))) => assert!(next <= self.wheel.ticks.moment_of(*tick)),
            (None, None) => {}
            (next, first) => panic!("the wheel says {next:?}, the model {first:?}"),
        }
    }

    fn pick(&self, nth: usize) -> Option<(Key, u64, u64)> {
        // Counted from the newest, so that most are alive; a reset leaves its old sequence as a stale entry.
        let index = self.given.len().checked_sub(1 + nth)?;
        let (key, tick, sequence) = self.given[index];
        // A key that lives under a newer sequence is alive; then this entry is not the one to check it by.
        let moved = self.given[index + 1..].iter().any(|(other, ..)| *other == key);
        (!moved).then_some((key, tick, sequence))
    }

    fn advance(&mut self, to: u64, limit: usize) {
        self.now = self.now.max(to);
        let before = self.wheel.next_deadline();
        let mut out = Vec::new();
        let advance = self.wheel.advance(to, limit, |sequence| out.push(sequence));
        assert!(out.len() <= limit);
        self.cut |= advance == Advance::Limited;
        for sequence in out {
            let ((tick, first), _) = self.pending.pop_first().expect("yielded what is not pending");
            assert!(self.wheel.ticks.moment_of(tick) <= self.now, "yielded early");
            if first == sequence {
                self.yielded += 1;
                continue;
            }
            assert!(self.cut, "not in the order of insertion");
            self.pending.remove(&(tick, sequence)).expect("one of the same tick");
            let key = self.given.iter().rev().find(|(.., known)| *known == first).expect("it was given").0;
            self.pending.insert((tick, first), key);
            self.yielded += 1;
        }
        if advance == Advance::Complete {
            if let Some(((tick, _), _)) = self.pending.first_key_value() {
                // A `to` before the present is the present: not the furthest `to`, if a limit cut that one short.
                let reached = to.max(self.wheel.ticks.moment_of(self.wheel.now));
                assert!(self.wheel.ticks.moment_of(*tick) > reached, "something due was left");
                assert!(self.wheel.next_deadline() > Some(reached));
            }
            if before.is_some_and(|before| before <= to) {
                assert!(self.wheel.next_deadline() > before || self.pending.is_empty(), "no progress");
            }
        }
        if self.pending.is_empty() {
            self.cut = false;
        }
    }

    /// Walks every list: bitmaps, places and rule 1.
    fn assert_sound(&self) {
        let wheel = &self.wheel;
        let mut seen = 0;
        for list in 0..=DUE {
            let entries = wheel.lists.checked(list);
            for (place, entry) in &entries {
                assert_eq!(wheel.timers.place_of(entry.index), Some(*place));
                let is_open = wheel.open == Some(list);
                assert!(is_open || wheel.list_of(entry.tick) == list, "rule 1");
            }
            if list != DUE {
                let bit = wheel.occupied[list / 64] >> (list % 64) & 1;
                assert_eq!(bit == 1, !entries.is_empty());
            }
            seen += entries.len();
        }
        for level in 0..LEVELS {
            let (first, count) = words(level);
            let occupied = wheel.occupied[first..first + count].iter().any(|word| *word != 0);
            assert_eq!(wheel.levels >> level & 1 == 1, occupied);
        }
        assert_eq!(seen, wheel.len());
    }
}

fn when() -> impl Strategy<Value = When> {
    prop_oneof![
        (0..4 * TICK).prop_map(When::In),
        (0..1u64 << 34).prop_map(When::In),
        (0..=LEVELS, 0u64..3, -1i64..=1).prop_map(|(level, skip, offset)| When::Boundary { level, skip, offset }),
        prop::sample::select(vec![0, 1, TICK - 1, TICK, TICK + 1, u64::MAX - TICK, u64::MAX - 1, u64::MAX])
            .prop_map(When::At),
        (any::<u64>(), 0u32..64).prop_map(|(wait, shift)| When::In(wait >> shift)),
    ]
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => when().prop_map(Op::Insert),
        2 => (0usize..60).prop_map(Op::Cancel),
        2 => ((0usize..60), when()).prop_map(|(nth, when)| Op::Reset(nth, when)),
        1 => when().prop_map(|when| Op::Advance(when, usize::MAX)),
        1 => (when(), 0usize..6).prop_map(|(when, limit)| Op::Advance(when, limit)),
        2 => (0u64..2).prop_map(|short_by| Op::AdvanceToNext { short_by }),
    ]
}

proptest! {
    #[test]
    fn behaves_as_an_ordered_map(ops in prop::collection::vec(op(), 0..300), exact: bool) {
        let mut pair = Pair::new(if exact { Ticks::EXACT } else { Ticks::COARSE });
        for (nth, op) in ops.into_iter().enumerate() {
            pair.apply(op);
            if nth % 16 == 0 {
                pair.assert_sound();
            }
        }
        pair.assert_sound();
        let (left, yielded) = (pair.pending.len(), pair.yielded);
        pair.advance(u64::MAX, usize::MAX);
        prop_assert_eq!((pair.wheel.len(), pair.yielded), (0, yielded + left));
    }
}

/// The same model over a million operations of a fixed seed: longer lives than a shrinkable case has.
#[test]
fn a_million_random_operations_agree_with_the_map() {
    let mut random = fastrand::Rng::with_seed(0x0ff7_1c4b);
    let mut yielded = 0;
    for life in 0..500 {
        let mut pair = Pair::new(if life % 4 == 0 { Ticks::EXACT } else { Ticks::COARSE });
        for _ in 0..2000 {
            let op = random_op(&mut random);
            pair.apply(op);
        }
        pair.assert_sound();
        pair.advance(u64::MAX, usize::MAX);
        assert!(pair.pending.is_empty());
        yielded += pair.yielded;
    }
    assert!(yielded > 300_000, "{yielded} timers were yielded: the run proves too little");
}

fn random_op(random: &mut fastrand::Rng) -> Op {
    match random.u32(0..14) {
        0..6 => Op::Insert(random_when(random)),
        6..8 => Op::Cancel(random.usize(0..12)),
        8..10 => Op::Reset(random.usize(0..12), random_when(random)),
        10 => Op::Advance(When::In(random.u64(..) >> random.u32(20..64)), usize::MAX),
        11 => Op::Advance(When::In(random.u64(..) >> random.u32(20..64)), random.usize(0..6)),
        _ => Op::AdvanceToNext { short_by: random.u64(0..2) },
    }
}

fn random_when(random: &mut fastrand::Rng) -> When {
    match random.u32(0..16) {
        0 => When::At([0, 1, TICK - 1, TICK, TICK + 1, u64::MAX - TICK, u64::MAX - 1, u64::MAX][random.usize(0..8)]),
        1..6 => When::Boundary {
            level: random.u32(0..=LEVELS),
            skip: random.u64(0..3),
            offset: i64::from(random.i8(-1..=1)),
        },
        _ => When::In(random.u64(..) >> random.u32(8..64)),
    }
}

fn drain(wheel: &mut Wheel<u32>, now: u64) -> Vec<u32> {
    let mut out = Vec::new();
    assert_eq!(wheel.advance(now, usize::MAX, |payload| out.push(payload)), Advance::Complete);
    out
}

#[test]
fn a_jump_over_centuries_yields_in_the_order_of_deadlines() {
    let mut wheel = Wheel::new(Ticks::COARSE);
    let mut deadlines: Vec<u64> = (0..64).map(|bit| 1 << bit).chain([0, u64::MAX]).collect();
    deadlines.reverse();
    for deadline in &deadlines {
        wheel.insert(*deadline, deadline.count_zeros());
    }
    let early = drain(&mut wheel, 0);
    assert_eq!(early, [64]);
    let out = drain(&mut wheel, u64::MAX);
    assert_eq!(out.len(), 65);
    assert_eq!(out.last(), Some(&0), "u64::MAX is the last");
    assert!(drain(&mut wheel, u64::MAX).is_empty());
}

#[test]
fn the_end_of_time_is_reached_only_there() {
    let mut wheel = Wheel::new(Ticks::COARSE);
    wheel.insert(u64::MAX, 0);
    wheel.insert(u64::MAX - 1, 1);
    assert!(drain(&mut wheel, u64::MAX - 1).is_empty());
    assert_eq!(wheel.next_deadline(), Some(u64::MAX));
    assert_eq!(drain(&mut wheel, u64::MAX), [0, 1]);
    wheel.insert(3, 2);
    assert_eq!(wheel.next_deadline(), Some(u64::MAX));
    assert_eq!(drain(&mut wheel, 5), [2]);
}

#[test]
fn one_far_timer_wakes_at_most_once_a_level() {
    for deadline in [1, TICK, 1_500_000, 20_000_000, 1 << 34, 1 << 50, u64::MAX / 3, u64::MAX - 1, u64::MAX] {
        let mut wheel = Wheel::new(Ticks::COARSE);
        wheel.insert(deadline, 7);
        let mut turns = 0;
        loop {
            let next = wheel.next_deadline().unwrap();
            turns += 1;
            if !drain(&mut wheel, next).is_empty() {
                assert!(next >= deadline);
                assert_eq!(next, wheel.moment_of_deadline(deadline));
                break;
            }
        }
        assert!(turns <= LEVELS as usize, "{turns} turns for {deadline}");
    }
}

#[test]
fn lateness_is_below_a_tick() {
    for deadline in [1_000_000, 1_234_567, 20_000_000, TICK] {
        let moment = Wheel::<()>::new(Ticks::COARSE).moment_of_deadline(deadline);
        assert!(moment >= deadline && moment - deadline < TICK);
    }
}

#[test]
fn exact_ticks_are_late_by_nothing() {
    let mut wheel = Wheel::new(Ticks::EXACT);
    for deadline in [1, TICK + 1, 1_000_000_007, 1 << 56, u64::MAX - 1, u64::MAX] {
        wheel.insert(deadline, 0);
        assert!(drain(&mut wheel, deadline - 1).is_empty());
        assert_eq!(drain(&mut wheel, deadline), [0]);
    }
}

#[test]
fn time_that_goes_backwards_is_the_present() {
    let mut wheel = Wheel::new(Ticks::COARSE);
    assert!(drain(&mut wheel, 100 * TICK).is_empty());
    wheel.insert(50 * TICK, 1);
    wheel.insert(101 * TICK, 2);
    assert_eq!(wheel.next_deadline(), Some(100 * TICK));
    assert_eq!(drain(&mut wheel, 3), [1]);
    assert!(drain(&mut wheel, 101 * TICK - 1).is_empty());
    assert_eq!(drain(&mut wheel, 101 * TICK), [2]);
}

#[test]
fn a_limit_bounds_the_coming_down_too() {
    let mut wheel = Wheel::new(Ticks::COARSE);
    for payload in 0..100u32 {
        wheel.insert(1030 * TICK + u64::from(payload % 2) * TICK, payload);
    }
    let mut out = Vec::new();
    let mut calls = 1;
    while wheel.advance(1040 * TICK, 10, |payload| out.push(payload)) == Advance::Limited {
        calls += 1;
        assert!(out.len() < 10 * calls);
    }
    assert_eq!(calls, 20, "each is brought down once and yielded once");
    let (even, odd) = out.split_at(50);
    assert!(even.iter().all(|payload| payload % 2 == 0) && odd.iter().all(|payload| payload % 2 == 1));
    assert!(even.is_sorted() && odd.is_sorted());
}

#[test]
fn every_bit_has_a_level_and_every_level_its_words() {
    assert_eq!((level_of_bit(0), level_of_bit(63), shift(0)), (0, LEVELS - 1, 0));
    for bit in 0..u64::BITS {
        let level = level_of_bit(bit);
        assert!(shift(level) <= bit && bit < shift(level + 1));
    }
    let mut next = 0;
    for level in 0..LEVELS {
        let (first, count) = words(level);
        assert_eq!(first, next);
        assert_eq!((count * 64) as u64, 1 << (shift(level + 1) - shift(level)));
        assert!((first * 64..(first + count) * 64).all(|slot| level_of_slot(slot) == level));
        next = first + count;
    }
    assert_eq!(next, WORDS);
}

#[test]
fn a_wheel_without_timers_is_small() {
    assert!(size_of::<Wheel<Waker>>() < 512);
    assert!(Lists::new(DUE + 1).bytes() < 21_000);
}
