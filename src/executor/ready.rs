//! The ready queue: three levels, positions, and fairness.
//!
//! # The order
//! There is one order in which the tasks would run if nothing else happened: level by level, the most urgent first, and
//! within a level from front to back. A *position* is an index in that order: 0 is the next to run, -1 the last.
//! Insertions follow the rules of a list: beyond either end they go to that end. A task never leaves its level: a
//! position outside of its level means the nearest one inside. So positions are exact while all tasks have one level;
//! other levels only add to the count.
//!
//! # Fairness
//! Two rules limit waiting. Both count picks, and neither has an effect while no task is passed over.
//! - *Levels*: a lower level gets a pick after a number of picks of higher levels while it had a task to run
//!   ([`PriorityPicker`]).
//! - *Positions*: a task is *placed* while it is where a position put it (requested by itself or by other code). All
//!   other tasks are in order of arrival, and the first of them waits longest. It gets a pick after [`JUMPS`] picks of
//!   placed tasks ahead of it, plus one more per task that was there when the count began. So a queue that is
//!   rearranged once runs in exactly that order. Tasks that send each other ahead for ever delay the rest, including
//!   tasks woken by the inbox and timers, by no more than that. Tasks that descend into each other place themselves: at
//!   any depth, they do not count as waiting.
//!
//! # Shuffled
//! To find programs that rely on an order that is not guaranteed, the queue can be [shuffled](Ready::shuffle): a pick
//! then takes a random task of those in order of arrival instead of the first. Everything else holds: the levels, both
//! rules of fairness, and the index of placed tasks, so a task at position 2 runs after two others. The first to arrive
//! is overtaken a limited number of times. The queue shows the order of arrival.
//!
//! # Cost
//! While every task has the default level and none is placed, a push and a pick cost as much as those of a `VecDeque`,
//! plus one well-predicted branch. Otherwise a pick checks three levels. Only insertions, removals and searches take
//! time proportional to the length of the queue.

use crate::task::{LEVELS, Priority, PriorityPicker};
use fastrand::Rng;
use std::collections::VecDeque;

/// The position after all others.
pub(crate) const END: isize = isize::MAX;

const USUAL: usize = Priority::UserVisible.index();

/// The number of picks of placed tasks while others wait.
///
/// One more is allowed per task of the level.
const JUMPS: usize = 64;

/// The number of entries that a level keeps allocated.
const KEPT: usize = 1024;

/// Returns the index of an insertion at `position` in a list of `len`.
fn place(position: isize, len: usize) -> usize {
    if position < 0 { len.saturating_sub(position.unsigned_abs()) } else { position.unsigned_abs().min(len) }
}

/// Returns the index of the element at `position` in a list of `len`.
fn element(position: isize, len: usize) -> Option<usize> {
    let index = if position < 0 { len.checked_sub(position.unsigned_abs())? } else { position.unsigned_abs() };
    (index < len).then_some(index)
}

/// The tasks that are ready.
pub(super) struct Ready<T> {
    levels: [Level<T>; LEVELS],
    passes: PriorityPicker,
    /// Eagerly started tasks that yielded: see [`defer`](Self::defer).
    deferred: VecDeque<(Priority, T)>,
    /// True while only the default level is in use, in order of arrival.
    ///
    /// A pick sets it again when it finds this.
    plain: bool,
    /// The level of the last pick.
    picked: Priority,
    /// The generator that picks tasks in random order. The queue is not plain then.
    shuffle: Option<Rng>,
}

struct Level<T> {
    tasks: VecDeque<T>,
    /// True for each placed task of the queue's front part. No task behind that part is placed.
    marks: VecDeque<bool>,
    /// The number of placed tasks.
    placed: usize,
    /// The number of picks that passed over the tasks in order of arrival, since one of them was picked.
    jumped: usize,
    /// The limit of `jumped`.
    patience: usize,
    /// The number of picks that overtook the first in order of arrival, if shuffled.
    overtaken: usize,
}

impl<T> Ready<T> {
    pub(super) fn new() -> Self {
        Self {
            levels: std::array::from_fn(|_| Level::new()),
            deferred: VecDeque::new(),
            passes: PriorityPicker::default(),
            plain: true,
            picked: Priority::default(),
            shuffle: None,
        }
    }

    /// Picks tasks in random order from now on; the same seed gives the same order.
    pub(super) fn shuffle(&mut self, seed: u64) {
        self.plain = false;
        self.shuffle = Some(Rng::with_seed(seed));
    }

    #[inline(always)]
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    #[inline(always)]
    pub(super) fn len(&self) -> usize {
        if self.plain { self.levels[USUAL].tasks.len() } else { self.len_slow() }
    }

    #[cold]
    fn len_slow(&self) -> usize {
        self.levels.iter().map(|level| level.tasks.len()).sum::<usize>() + self.deferred.len()
    }

    /// Queues a task after all others of its level.
    #[inline(always)]
    pub(super) fn push(&mut self, priority: Priority, task: T) {
        if priority == Priority::UserVisible {
            self.levels[USUAL].tasks.push_back(task);
        } else {
            self.push_slow(priority, task);
        }
    }

    #[cold]
    fn push_slow(&mut self, priority: Priority, task: T) {
        self.plain = false;
        self.levels[priority.index()].tasks.push_back(task);
    }

    /// Queues a task behind the running task, if that yields as well.
    ///
    /// It moves to the end of its level at the next pick, ahead of the deferred tasks from `index` on. So a task that
    /// starts another one eagerly and then yields runs before the second part of the other one.
    pub(super) fn defer(&mut self, index: usize, priority: Priority, task: T) {
        self.plain = false;
        // The first part may have rearranged the queue, which moved the earlier ones to their levels.
        let index = index.min(self.deferred.len());
        self.deferred.insert(index, (priority, task));
    }

    /// Returns the number of deferred tasks.
    pub(super) fn deferred(&self) -> usize {
        self.deferred.len()
    }

    /// Moves the deferred tasks to their levels.
    fn admit(&mut self) {
        while let Some((priority, task)) = self.deferred.pop_front() {
            self.levels[priority.index()].tasks.push_back(task);
        }
    }

    /// Returns the level of the last pick, mutably.
    pub(super) fn picked(&mut self) -> &mut Priority {
        &mut self.picked
    }

    /// Frees the memory of levels that have become much shorter.
    ///
    /// Called occasionally, it keeps the capacity proportional to the length. A level that has shrunk to an eighth of
    /// its capacity keeps two entries per task, so it is not reallocated again soon.
    pub(super) fn trim(&mut self) {
        for level in &mut self.levels {
            let (tasks, places) = (level.tasks.len(), level.tasks.capacity());
            if places > KEPT && tasks < places / 8 {
                level.tasks.shrink_to(KEPT.max(2 * tasks));
            }
        }
    }

    /// Removes and returns the next task to run.
    #[inline(always)]
    pub(super) fn pick(&mut self) -> Option<T> {
        if self.plain { self.levels[USUAL].tasks.pop_front() } else { self.pick_slow() }
    }

    #[cold]
    fn pick_slow(&mut self) -> Option<T> {
        self.admit();
        // Checked before a pick, not after it: a task that is alone in its level, or the only placed one, and returns
        // immediately, must not restart the counts each time.
        let [urgent, usual, background] = &mut self.levels;
        let plain = urgent.tasks.is_empty() && background.tasks.is_empty() && usual.placed == 0;
        if plain && self.shuffle.is_none() {
            for level in &mut self.levels {
                level.jumped = 0;
            }
            self.passes.reset();
            self.plain = true;
            self.picked = Priority::UserVisible;
            return self.pick();
        }
        let has = [urgent, usual, background].map(|level| !level.tasks.is_empty());
        let chosen = self.passes.take(has)?;
        self.picked = Priority::ALL[chosen];
        let level = &mut self.levels[chosen];
        if let Some(rng) = &mut self.shuffle {
            level.shuffle(rng);
        }
        level.pick()
    }

    /// Queues a task at a position.
    ///
    /// At [`END`] it arrives like any other. At any other position it is placed, even behind all others.
    pub(super) fn insert(&mut self, priority: Priority, position: isize, task: T) {
        if position == END {
            return self.push(priority, task);
        }
        // Beyond the end it is a normal yield.
        if usize::try_from(position).is_ok_and(|position| position <= self.len()) || position < 0 {
            self.admit();
        }
        let index = priority.index();
        let above: usize = self.levels[..index].iter().map(|level| level.tasks.len()).sum();
        let at = place(position, self.len()).saturating_sub(above).min(self.levels[index].tasks.len());
        self.plain = false;
        self.levels[index].insert(at, task);
    }

    /// Removes the task at a position.
    pub(super) fn remove(&mut self, position: isize) -> Option<(Priority, T)> {
        self.admit();
        let mut at = element(position, self.len())?;
        for (level, priority) in self.levels.iter_mut().zip(Priority::ALL) {
            if at < level.tasks.len() {
                return level.remove(at).map(|task| (priority, task));
            }
            at -= level.tasks.len();
        }
        None
    }

    /// Rotates each level: 1 moves its last task to the front, -1 its first to the end.
    pub(super) fn rotate(&mut self, by: isize) {
        self.admit();
        for level in &mut self.levels {
            level.rotate(by);
        }
        self.plain = false;
    }

    /// Returns all ready tasks in order.
    pub(super) fn iter(&mut self) -> impl Iterator<Item = (Priority, &T)> {
        self.admit();
        self.levels
            .iter()
            .zip(Priority::ALL)
            .flat_map(|(level, priority)| level.tasks.iter().map(move |task| (priority, task)))
    }
}

impl<T> Level<T> {
    const fn new() -> Self {
        Self { tasks: VecDeque::new(), marks: VecDeque::new(), placed: 0, jumped: 0, patience: 0, overtaken: 0 }
    }

    fn pick(&mut self) -> Option<T> {
        let others = self.tasks.len() > self.placed;
        if self.placed == 0 {
            self.marks.clear();
        }
        if !others || self.marks.front() != Some(&true) {
            self.jumped = 0;
            return self.remove(0);
        }
        if self.jumped == 0 {
            self.patience = JUMPS + self.tasks.len();
        }
        if self.jumped < self.patience {
            self.jumped += 1;
            return self.remove(0);
        }
        self.jumped = 0;
        let first = self.marks.iter().position(|placed| !placed).unwrap_or(self.marks.len());
        self.remove(first)
    }

    /// Moves a random task of those in order of arrival to the front, if it is their turn.
    ///
    /// The others keep their order, and placed tasks keep their index.
    fn shuffle(&mut self, rng: &mut Rng) {
        let arrived = self.tasks.len() - self.placed;
        if arrived < 2 || self.marks.front() == Some(&true) {
            return;
        }
        // A draw of 64 bits on every target: the same seed gives the same order.
        let draw = if self.overtaken < JUMPS + 4 * arrived { rng.u64(..arrived as u64) } else { 0 };
        let chosen = draw as usize;
        self.overtaken = if chosen == 0 { 0 } else { self.overtaken + 1 };
        if self.placed == 0 {
            if let Some(task) = self.tasks.remove(chosen) {
                self.tasks.push_front(task);
            }
            return;
        }
        let is_arrived = |at: &usize| self.marks.get(*at) != Some(&true);
        let places: Vec<_> = (0..self.tasks.len()).filter(is_arrived).take(chosen + 1).collect();
        for pair in places.windows(2).rev() {
            self.tasks.swap(pair[0], pair[1]);
        }
    }

    fn insert(&mut self, at: usize, task: T) {
        self.tasks.insert(at, task);
        if self.marks.len() < at {
            self.marks.resize(at, false);
        }
        self.marks.insert(at, true);
        self.placed += 1;
    }

    fn remove(&mut self, at: usize) -> Option<T> {
        if self.marks.remove(at) == Some(true) {
            self.placed -= 1;
        }
        self.tasks.remove(at)
    }

    /// Rotates the level. Tasks that move to the front are placed, those that move to the end are not.
    fn rotate(&mut self, by: isize) {
        let len = self.tasks.len();
        if len == 0 {
            return;
        }
        let steps = by.unsigned_abs() % len;
        if by < 0 {
            self.tasks.rotate_left(steps);
            self.marks.drain(..steps.min(self.marks.len()));
        } else {
            self.tasks.rotate_right(steps);
            self.marks.truncate(len - steps);
            for _ in 0..steps {
                self.marks.push_front(true);
            }
        }
        self.placed = self.marks.iter().filter(|placed| **placed).count();
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
