//! The queue against plain vectors, and the two rules of fairness by hand.

use super::{END, JUMPS, KEPT, Ready, USUAL};
use crate::task::Priority::{self, Background, UserBlocking, UserVisible};
use proptest::prelude::*;

/// What `Priority` promises.
const PASSES: [u32; 3] = [u32::MAX, 8, 32];

impl Ready<u32> {
    fn order(&mut self) -> Vec<u32> {
        self.iter().map(|(_, task)| *task).collect()
    }

    fn picks(&mut self, count: usize) -> Vec<u32> {
        (0..count).map_while(|_| self.pick()).collect()
    }
}

fn filled(levels: [std::ops::Range<u32>; 3]) -> Ready<u32> {
    let mut ready = Ready::new();
    for (priority, range) in Priority::ALL.into_iter().zip(levels) {
        range.for_each(|task| ready.push(priority, task));
    }
    ready
}

/// A list with a place in front of and behind each of its elements: the meaning of a position.
fn list_insert(list: &mut Vec<u32>, position: isize, task: u32) {
    let at = if position < 0 { (list.len() as isize + position).max(0) } else { position.min(list.len() as isize) };
    list.insert(at as usize, task);
}

#[test]
fn positions_are_those_of_a_list() {
    for position in [0, 1, 2, 3, 4, END, -1, -2, -3, -4, isize::MIN] {
        let (mut ready, mut list) = (filled([0..0, 0..3, 0..0]), vec![0, 1, 2]);
        ready.insert(UserVisible, position, 9);
        list_insert(&mut list, position, 9);
        assert_eq!(ready.order(), list, "at {position}");
        assert_eq!(ready.picks(9), list, "at {position}");
    }
    for (position, found) in
        [(0, Some(0)), (2, Some(2)), (-1, Some(2)), (-3, Some(0)), (3, None), (-4, None), (isize::MIN, None)]
    {
        let mut ready = filled([0..0, 0..3, 0..0]);
        assert_eq!(ready.remove(position).map(|(_, task)| task), found, "at {position}");
    }
}

#[test]
fn no_task_leaves_its_level() {
    let ready = || filled([0..2, 10..12, 20..22]);
    for (priority, position, order) in [
        (UserVisible, 0, [0, 1, 9, 10, 11, 20, 21]),
        (UserVisible, 3, [0, 1, 10, 9, 11, 20, 21]),
        (UserVisible, -1, [0, 1, 10, 11, 9, 20, 21]),
        (UserVisible, END, [0, 1, 10, 11, 9, 20, 21]),
        (UserBlocking, END, [0, 1, 9, 10, 11, 20, 21]),
        (Background, 0, [0, 1, 10, 11, 9, 20, 21]),
        (Background, -1, [0, 1, 10, 11, 20, 9, 21]),
    ] {
        let mut ready = ready();
        ready.insert(priority, position, 9);
        assert_eq!(ready.order(), order, "{priority} at {position}");
    }
    let mut ready = ready();
    ready.rotate(1);
    assert_eq!(ready.order(), [1, 0, 11, 10, 21, 20]);
}

#[test]
fn lower_levels_get_their_turns() {
    let mut ready = filled([0..100, 100..200, 200..300]);
    let order = ready.picks(300);
    let turns = |level: std::ops::Range<u32>| -> Vec<_> {
        (0..).zip(&order).filter(|(_, task)| level.contains(task)).map(|(at, _)| at).collect::<Vec<u32>>()
    };
    assert_eq!(&turns(100..200)[..4], [8, 17, 26, 36], "one in nine, but for the pick that goes below");
    assert_eq!(&turns(200..300)[..2], [32, 65], "one in thirty-three");
    assert!(order.len() == 300 && turns(0..100).len() == 100);
}

#[test]
fn a_task_that_is_alone_in_its_level_does_not_start_the_counts_anew() {
    let mut ready = filled([0..1, 10..11, 20..21]);
    let mut order = Vec::new();
    for _ in 0..40 {
        let task = ready.pick().expect("the first always comes back");
        order.push(task);
        if task == 0 {
            ready.push(UserBlocking, 0);
        }
    }
    assert_eq!(order.iter().position(|task| *task == 10), Some(PASSES[1] as usize));
    assert_eq!(order.iter().position(|task| *task == 20), Some(PASSES[2] as usize));
}

#[test]
fn those_that_are_passed_over_get_their_turns() {
    let mut ready = filled([0..0, 0..3, 0..0]);
    let mut order = Vec::new();
    for _ in 0..3 * (JUMPS + 5) {
        ready.insert(UserVisible, 0, 9);
        order.push(ready.pick().expect("there is one"));
    }
    let turns: Vec<_> = (0..).zip(&order).filter(|(_, task)| **task != 9).map(|(at, task)| (at, *task)).collect();
    // Four tasks when the first count began. The 9 that was sent back by that turn stays, and so on: four again.
    assert_eq!(turns, [(JUMPS + 4, 0), (2 * (JUMPS + 4) + 1, 1), (3 * (JUMPS + 4) + 2, 2)]);
}

#[test]
fn those_between_two_that_switch_for_ever_get_their_turns() {
    // 8 and 9 send each other to the front and themselves behind the next one.
    let mut ready = filled([0..0, 0..2, 0..0]);
    ready.push(UserVisible, 8);
    ready.push(UserVisible, 9);
    let mut order = Vec::new();
    while order.len() < 3 * (JUMPS + 4) {
        let picked = ready.pick().expect("there is one");
        order.push(picked);
        if picked >= 8 {
            let other = ready.order().iter().position(|task| *task == 17 - picked).expect("it is ready");
            let (_, other) = ready.remove(other as isize).expect("it stands there");
            ready.insert(UserVisible, 0, other);
            ready.insert(UserVisible, 2, picked);
            if order.len() == 3 {
                ready.push(UserVisible, 0); // and one that arrives
            }
        }
    }
    assert_eq!(order.iter().filter(|task| **task < 8).copied().collect::<Vec<_>>(), [0, 1, 0]);
}

#[test]
fn a_rearranged_queue_runs_in_that_order() {
    let mut ready = filled([0..0, 0..500, 0..0]);
    for from in 0..500 {
        let (priority, task) = ready.remove(from).expect("it stands there");
        ready.insert(priority, 0, task);
    }
    assert_eq!(ready.picks(499), (1..500).rev().collect::<Vec<_>>());
    for by in [1, 250, 499, -1, -250, -499] {
        let mut ready = filled([0..0, 0..500, 0..0]);
        ready.rotate(by);
        let first = (-by).rem_euclid(500) as u32;
        assert_eq!(ready.picks(500), (first..500).chain(0..first).collect::<Vec<_>>(), "by {by}");
    }
}

/// What the rules say, without a thought for cost.
#[derive(Default)]
struct Model {
    /// Tasks, and whether they were placed.
    levels: [Vec<(u32, bool)>; 3],
    passed: [u32; 3],
    jumped: [usize; 3],
    patience: [usize; 3],
}

impl Model {
    fn order(&mut self) -> Vec<u32> {
        self.levels.concat().into_iter().map(|(task, _)| task).collect()
    }

    fn above(&self, level: usize) -> usize {
        self.levels[..level].iter().map(Vec::len).sum()
    }

    fn insert(&mut self, level: usize, position: isize, task: u32) {
        let total = self.order().len() as isize;
        let at = if position < 0 { total.saturating_add(position).max(0) } else { position.min(total) } as usize;
        let at = at.clamp(self.above(level), self.above(level) + self.levels[level].len()) - self.above(level);
        self.levels[level].insert(at, (task, position != END));
    }

    fn remove(&mut self, position: isize) -> Option<u32> {
        let total = self.order().len() as isize;
        let mut at = if position < 0 { total.checked_add(position)? } else { position };
        if at < 0 || at >= total {
            return None;
        }
        let mut level = 0;
        while at >= self.levels[level].len() as isize {
            at -= self.levels[level].len() as isize;
            level += 1;
        }
        Some(self.levels[level].remove(at as usize).0)
    }

    fn rotate(&mut self, by: isize) {
        for level in self.levels.iter_mut().filter(|level| !level.is_empty()) {
            for _ in 0..by.unsigned_abs() % level.len() {
                if by > 0 {
                    let (last, _) = level.pop().expect("not empty");
                    level.insert(0, (last, true));
                } else {
                    let (first, _) = level.remove(0);
                    level.push((first, false));
                }
            }
        }
    }

    fn pick(&mut self) -> Option<u32> {
        let [urgent, usual, background] = &self.levels;
        if urgent.is_empty() && background.is_empty() && !usual.iter().any(|(_, placed)| *placed) {
            // Nobody is passed over: all counts begin anew, also at a pick that finds nothing.
            (self.passed, self.jumped) = ([0; 3], [0; 3]);
        }
        let waiting: Vec<_> = (0..3).filter(|level| !self.levels[*level].is_empty()).collect();
        let passed_over = waiting.iter().rev().find(|level| **level > 0 && self.passed[**level] >= PASSES[**level]);
        let level = *passed_over.or(waiting.first())?;
        for below in level + 1..3 {
            self.passed[below] = if waiting.contains(&below) { self.passed[below] + 1 } else { 0 };
        }
        self.passed[level] = 0;
        let tasks = &mut self.levels[level];
        let at = match tasks.iter().position(|(_, placed)| !placed) {
            None | Some(0) => {
                self.jumped[level] = 0;
                0
            }
            Some(first) => {
                if self.jumped[level] == 0 {
                    self.patience[level] = JUMPS + tasks.len();
                }
                let jumps = self.jumped[level] < self.patience[level];
                self.jumped[level] = if jumps { self.jumped[level] + 1 } else { 0 };
                if jumps { 0 } else { first }
            }
        };
        Some(tasks.remove(at).0)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Push(usize),
    Insert(usize, isize),
    Remove(isize),
    Reinsert(isize, isize),
    Rotate(isize),
    Pick,
    /// Picks, and comes back at once: the way of a task that yields.
    Yield(isize),
}

fn step() -> impl Strategy<Value = Step> {
    let level = prop_oneof![4 => Just(1_usize), 1 => Just(0), 1 => Just(2)];
    let position = || prop_oneof![8 => -6..12_isize, 1 => Just(END), 1 => Just(isize::MIN), 1 => Just(-END)];
    prop_oneof![
        4 => level.clone().prop_map(Step::Push),
        3 => (level, position()).prop_map(|(level, at)| Step::Insert(level, at)),
        1 => position().prop_map(Step::Remove),
        2 => (position(), position()).prop_map(|(from, to)| Step::Reinsert(from, to)),
        1 => (-7..8_isize).prop_map(Step::Rotate),
        3 => Just(Step::Pick),
        8 => position().prop_map(Step::Yield),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_queue_is_what_the_rules_say(steps in prop::collection::vec(step(), 1..400)) {
        let (mut ready, mut model) = (Ready::new(), Model::default());
        let mut levels = Vec::new();
        for step in steps {
            match step {
                Step::Push(level) | Step::Insert(level, END) => {
                    let task = levels.len() as u32;
                    levels.push(level);
                    ready.push(Priority::ALL[level], task);
                    model.insert(level, END, task);
                }
                Step::Insert(level, position) => {
                    let task = levels.len() as u32;
                    levels.push(level);
                    ready.insert(Priority::ALL[level], position, task);
                    model.insert(level, position, task);
                }
                Step::Remove(position) => {
                    let removed = ready.remove(position);
                    if let Some((priority, task)) = removed {
                        prop_assert_eq!(priority, Priority::ALL[levels[task as usize]]);
                    }
                    prop_assert_eq!(removed.map(|(_, task)| task), model.remove(position));
                }
                Step::Reinsert(from, to) => {
                    let moved = ready.remove(from);
                    prop_assert_eq!(moved.map(|(_, task)| task), model.remove(from));
                    if let Some((priority, task)) = moved {
                        ready.insert(priority, to, task);
                        model.insert(levels[task as usize], to, task);
                    }
                }
                Step::Rotate(by) => {
                    ready.rotate(by);
                    model.rotate(by);
                }
                Step::Pick => prop_assert_eq!(ready.pick(), model.pick()),
                Step::Yield(position) => {
                    let picked = ready.pick();
                    prop_assert_eq!(picked, model.pick());
                    if let Some(task) = picked {
                        let level = levels[task as usize];
                        prop_assert_eq!(*ready.picked(), Priority::ALL[level]);
                        ready.insert(Priority::ALL[level], position, task);
                        model.insert(level, position, task);
                    }
                }
            }
            prop_assert_eq!(ready.order(), model.order());
            prop_assert_eq!(ready.len(), model.order().len());
            prop_assert_eq!(ready.is_empty(), model.order().is_empty());
        }
        // And it runs empty.
        while let Some(task) = model.pick() {
            prop_assert_eq!(ready.pick(), Some(task));
        }
        prop_assert!(ready.pick().is_none());
    }
}

/// The counts are of picks while somebody waits: a pick that finds nothing ends them, for the model as for the queue.
#[test]
fn a_pick_that_finds_nothing_starts_the_counts_anew() {
    let (mut ready, mut model) = (filled([0..0, 0..1, 1..2]), Model::default());
    model.insert(1, END, 0);
    model.insert(2, END, 1);
    assert_eq!((ready.pick(), model.pick()), (Some(0), Some(0)));
    assert_eq!((ready.remove(0).map(|(_, task)| task), model.remove(0)), (Some(1), Some(1)));
    assert_eq!((ready.pick(), model.pick()), (None, None));
    for task in 10..60 {
        ready.push(UserVisible, task);
        model.insert(1, END, task);
    }
    ready.push(Background, 99);
    model.insert(2, END, 99);
    let picks: Vec<_> = std::iter::from_fn(|| ready.pick()).collect();
    assert_eq!(picks.iter().position(|task| *task == 99), Some(PASSES[2] as usize));
    assert_eq!(std::iter::from_fn(|| model.pick()).collect::<Vec<_>>(), picks);
}

mod shuffle;

/// Memory goes with the crowd, and what is left keeps its order.
#[test]
fn a_crowd_that_left_takes_its_places_along() {
    let mut ready = filled([0..0, 0..100_000, 0..0]);
    let places = |ready: &Ready<u32>| ready.levels[USUAL].tasks.capacity();
    assert!(places(&ready) >= 100_000);
    for task in 0..99_900 {
        assert_eq!(ready.pick(), Some(task));
        ready.trim();
        assert!(places(&ready) <= KEPT.max(8 * ready.len() + 8));
    }
    assert_eq!(places(&ready), KEPT);
    assert!((99_900..100_000).eq(std::iter::from_fn(|| ready.pick())));
}
