//! Slots and a queue: the pure logic of every limit on concurrent work.
//!
//! [`Limiter`] decides and starts nothing: it holds no lock and calls no user code. Its owner keeps it under a lock,
//! reports events to it, and acts on its answers after unlocking.
//!
//! ```text
//!     permit      push [1]           start [2]             end [3]                  release [4]
//! o --------> o ----------> waiting -----------> running -----------> left running -------------> o
//!                              |                    |                                             ^
//!                              +-- remove --> o     +------------------- release [4] -------------+
//! ```
//! - **Slots**: [2] takes a slot, [4] returns it. Work that ended may still be running ([3]): a closure that was
//!   cancelled and has not returned. It holds its slot until [4], so there is never more work than slots.
//! - **Order**: by [`Priority`], and first in, first out within one. Lower levels are passed over a limited number of
//!   times ([`PriorityPicker`]).
//! - **Resize**: a smaller limit takes no slot away; [2] waits until fewer slots are held than the new limit.
//! - **Close**: from then on there are no permits. Waiting work starts as before.
//! - **Permits** reserve a place in a bounded queue between the decision and [1].

use crate::task::{LEVELS, Priority, PriorityPicker};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;

/// Slots for work, and the work that waits for one.
pub(crate) struct Limiter<T> {
    /// The number of slots; `None`: unlimited.
    limit: Option<NonZeroUsize>,
    state: State,
    /// Permits that are not used yet.
    permits: usize,
    running: usize,
    left_running: usize,
    /// The waiting work of each level, in order.
    waiting: [BTreeMap<u64, T>; LEVELS],
    picker: PriorityPicker,
    turns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Closed,
}

/// The reason why there is no permit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// No slot is free and the queue is full.
    Full,
    /// The limiter is closed.
    Closed,
}

/// The right to queue one piece of work.
#[derive(Debug)]
#[must_use = "a permit that is not used is never given back"]
pub(crate) struct Permit(());

/// The place of one piece of work in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket {
    priority: Priority,
    turn: u64,
}

/// The holder of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Holder {
    /// Work whose task has not ended.
    Running,
    /// A closure that is still running after its task ended.
    LeftRunning,
}

impl<T> Limiter<T> {
    /// Creates a limiter of `limit` slots; `None`: unlimited.
    pub(crate) fn new(limit: Option<NonZeroUsize>) -> Self {
        Self {
            limit,
            state: State::Open,
            permits: 0,
            running: 0,
            left_running: 0,
            waiting: std::array::from_fn(|_| BTreeMap::new()),
            picker: PriorityPicker::default(),
            turns: 0,
        }
    }

    /// Reserves a place in the queue.
    ///
    /// At most `queue_limit` pieces of work may wait for a slot.
    ///
    /// # Errors
    /// If the queue is full, and once the limiter is closed.
    pub(crate) fn permit(&mut self, queue_limit: Option<usize>) -> Result<Permit, Refused> {
        if self.is_closed() {
            return Err(Refused::Closed);
        }
        if self.is_full(queue_limit) {
            return Err(Refused::Full);
        }
        self.permits += 1;
        Ok(Permit(()))
    }

    /// Returns true if more work would have to wait, and the queue is full.
    pub(crate) fn is_full(&self, queue_limit: Option<usize>) -> bool {
        let (Some(limit), Some(most)) = (self.limit, queue_limit) else { return false };
        let free = limit.get().saturating_sub(self.held());
        self.waiting() + self.permits >= most.saturating_add(free)
    }

    /// [1] Queues work after all other work of its priority.
    pub(crate) fn push(&mut self, _permit: Permit, work: T, priority: Priority) -> Ticket {
        self.permits -= 1;
        self.enqueue(work, priority)
    }

    fn enqueue(&mut self, work: T, priority: Priority) -> Ticket {
        self.turns += 1;
        self.waiting[priority.index()].insert(self.turns, work);
        Ticket { priority, turn: self.turns }
    }

    /// Removes work from the queue. Returns `None` if it was started.
    pub(crate) fn remove(&mut self, ticket: Ticket) -> Option<T> {
        self.waiting[ticket.priority.index()].remove(&ticket.turn)
    }

    /// Moves work to the end of the queue of another priority.
    pub(crate) fn set_priority(&mut self, ticket: Ticket, priority: Priority) -> Ticket {
        if ticket.priority == priority {
            return ticket;
        }
        match self.remove(ticket) {
            Some(work) => self.enqueue(work, priority),
            None => ticket,
        }
    }

    /// Takes a slot for work that does not queue. Returns false if none is free.
    #[must_use]
    pub(crate) fn acquire(&mut self) -> bool {
        let free = self.has_slot();
        self.running += usize::from(free);
        free
    }

    /// [2] Takes the next work from the queue, and a slot for it.
    ///
    /// Returns `None` if nothing waits, or no slot is free.
    pub(crate) fn start(&mut self) -> Option<T> {
        if self.has_slot() { self.start_beyond_limit() } else { None }
    }

    /// [2] Takes the next work without the limit, for an owner whose work only ends.
    pub(crate) fn start_beyond_limit(&mut self) -> Option<T> {
        let work = self.pop()?;
        self.running += 1;
        Some(work)
    }

    /// Removes the next work from the queue, to be dropped.
    pub(crate) fn pop(&mut self) -> Option<T> {
        let level = self.picker.take(self.waiting.each_ref().map(|level| !level.is_empty()))?;
        self.waiting[level].pop_first().map(|(_turn, work)| work)
    }

    /// [3] Records that the task of running work ended, and the work is still running.
    pub(crate) fn end(&mut self) {
        debug_assert!(self.running > 0, "ended more often than started");
        self.running -= 1;
        self.left_running += 1;
    }

    /// [4] Returns the slot of work that has really ended.
    pub(crate) fn release(&mut self, holder: Holder) {
        let held = match holder {
            Holder::Running => &mut self.running,
            Holder::LeftRunning => &mut self.left_running,
        };
        debug_assert!(*held > 0, "a slot was released twice");
        *held -= 1;
    }

    pub(crate) fn limit(&self) -> Option<NonZeroUsize> {
        self.limit
    }

    pub(crate) fn resize(&mut self, limit: Option<NonZeroUsize>) {
        self.limit = limit;
    }

    pub(crate) fn close(&mut self) {
        self.state = State::Closed;
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.state == State::Closed
    }

    fn held(&self) -> usize {
        self.running + self.left_running
    }

    fn has_slot(&self) -> bool {
        self.limit.is_none_or(|limit| self.held() < limit.get())
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.iter().map(BTreeMap::len).sum()
    }

    pub(crate) fn running(&self) -> usize {
        self.running
    }

    pub(crate) fn left_running(&self) -> usize {
        self.left_running
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn limiter(limit: usize) -> Limiter<u32> {
        Limiter::new(NonZeroUsize::new(limit))
    }

    fn push(limiter: &mut Limiter<u32>, work: u32, priority: Priority) -> Ticket {
        let permit = limiter.permit(None).unwrap();
        limiter.push(permit, work, priority)
    }

    #[test]
    fn higher_priorities_first_and_none_is_passed_over_for_ever() {
        let mut limiter = limiter(0);
        push(&mut limiter, 0, Priority::Background);
        push(&mut limiter, 1, Priority::UserVisible);
        for work in 2..52 {
            push(&mut limiter, work, Priority::UserBlocking);
        }
        let order: Vec<u32> = std::iter::from_fn(|| limiter.start()).collect();
        assert_eq!((order[..8].to_vec(), order[8], order[32]), ((2..10).collect(), 1, 0));
    }

    #[test]
    fn work_that_ended_and_still_runs_holds_its_slot() {
        let mut limiter = limiter(1);
        push(&mut limiter, 1, Priority::default());
        push(&mut limiter, 2, Priority::default());
        assert_eq!((limiter.start(), limiter.start()), (Some(1), None));
        limiter.end();
        assert_eq!((limiter.start(), limiter.acquire()), (None, false));
        assert_eq!((limiter.waiting(), limiter.running(), limiter.left_running()), (1, 0, 1));
        limiter.release(Holder::LeftRunning);
        assert_eq!(limiter.start(), Some(2));
    }

    #[test]
    fn permits_count_in_the_queue() {
        let mut limiter = limiter(1);
        let permit = limiter.permit(Some(0)).unwrap();
        assert_eq!(limiter.permit(Some(0)).unwrap_err(), Refused::Full);
        limiter.push(permit, 1, Priority::default());
        assert_eq!(limiter.permit(Some(0)).unwrap_err(), Refused::Full, "it will take the slot");
        assert_eq!(limiter.start(), Some(1));
        assert_eq!(limiter.permit(Some(0)).unwrap_err(), Refused::Full);
        let permit = limiter.permit(Some(1)).unwrap();
        limiter.close();
        assert_eq!(limiter.permit(None).unwrap_err(), Refused::Closed);
        limiter.push(permit, 2, Priority::default());
        limiter.release(Holder::Running);
        assert_eq!(limiter.start(), Some(2), "queued work starts after the close as well");
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        TryPush(usize),
        Start,
        Acquire,
        End(usize),
        Release(usize),
        Remove(usize),
        Move(usize, usize),
        Resize(usize),
        Close,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            6 => (0..LEVELS).prop_map(Step::Push),
            3 => (0..LEVELS).prop_map(Step::TryPush),
            8 => Just(Step::Start),
            1 => Just(Step::Acquire),
            3 => any::<usize>().prop_map(Step::End),
            6 => any::<usize>().prop_map(Step::Release),
            2 => any::<usize>().prop_map(Step::Remove),
            2 => (any::<usize>(), 0..LEVELS).prop_map(|(which, level)| Step::Move(which, level)),
            2 => (0..5_usize).prop_map(Step::Resize),
            1 => Just(Step::Close),
        ]
    }

    /// Three lists and two counts.
    #[derive(Default)]
    struct Model {
        limit: usize,
        waiting: [Vec<(u32, Ticket)>; LEVELS],
        /// True: left running.
        held: Vec<bool>,
        closed: bool,
    }

    impl Model {
        fn waiting(&self) -> usize {
            self.waiting.iter().map(Vec::len).sum()
        }

        fn has_slot(&self) -> bool {
            self.limit == 0 || self.held.len() < self.limit
        }

        fn nth(&self, choice: usize) -> Option<(usize, usize)> {
            let choice = choice.checked_rem(self.waiting())?;
            let all =
                self.waiting.iter().enumerate().flat_map(|(level, list)| (0..list.len()).map(move |n| (level, n)));
            all.into_iter().nth(choice)
        }
    }

    const QUEUE: usize = 4;

    proptest! {
        #[test]
        fn never_more_than_the_limit_in_order_and_nothing_lost(
            limit in 0_usize..4,
            steps in proptest::collection::vec(step(), 0..400),
        ) {
            let (mut limiter, mut model) = (limiter(limit), Model { limit, ..Model::default() });
            let (mut pushed, mut came_out) = (0_u32, 0_u32);
            for step in steps {
                match step {
                    Step::Push(level) | Step::TryPush(level) => {
                        let bound = matches!(step, Step::TryPush(_)).then_some(QUEUE);
                        let free = model.limit.saturating_sub(model.held.len());
                        let full = bound.is_some() && model.limit > 0 && model.waiting() >= QUEUE + free;
                        let permit = limiter.permit(bound);
                        prop_assert_eq!(permit.is_ok(), !full && !model.closed);
                        if let Ok(permit) = permit {
                            let ticket = limiter.push(permit, pushed, Priority::ALL[level]);
                            model.waiting[level].push((pushed, ticket));
                            pushed += 1;
                        }
                    }
                    Step::Start => {
                        let may = model.has_slot() && model.waiting() > 0;
                        let started = limiter.start();
                        prop_assert_eq!(started.is_some(), may);
                        if let Some(work) = started {
                            // Whichever level it came from, it was the first there.
                            let level = model.waiting.iter_mut().find(|list| list.first().is_some_and(|first| first.0 == work));
                            level.expect("the first of its level").remove(0);
                            model.held.push(false);
                            came_out += 1;
                        }
                    }
                    Step::Acquire => {
                        let may = model.has_slot();
                        prop_assert_eq!(limiter.acquire(), may);
                        model.held.extend(may.then_some(false));
                    }
                    Step::End(choice) => {
                        let running: Vec<_> = (0..model.held.len()).filter(|n| !model.held[*n]).collect();
                        if let Some(which) = choice.checked_rem(running.len()) {
                            limiter.end();
                            model.held[running[which]] = true;
                        }
                    }
                    Step::Release(choice) => {
                        if let Some(which) = choice.checked_rem(model.held.len()) {
                            let left = model.held.swap_remove(which);
                            limiter.release(if left { Holder::LeftRunning } else { Holder::Running });
                        }
                    }
                    Step::Remove(choice) => {
                        if let Some((level, at)) = model.nth(choice) {
                            let (work, ticket) = model.waiting[level].remove(at);
                            prop_assert_eq!(limiter.remove(ticket), Some(work));
                            prop_assert_eq!(limiter.remove(ticket), None);
                            came_out += 1;
                        }
                    }
                    Step::Move(choice, to) => {
                        if let Some((level, at)) = model.nth(choice).filter(|(level, _)| *level != to) {
                            let (work, ticket) = model.waiting[level].remove(at);
                            let moved = limiter.set_priority(ticket, Priority::ALL[to]);
                            prop_assert_eq!(limiter.set_priority(moved, Priority::ALL[to]), moved);
                            model.waiting[to].push((work, moved));
                        }
                    }
                    Step::Resize(limit) => {
                        limiter.resize(NonZeroUsize::new(limit));
                        model.limit = limit;
                    }
                    Step::Close => {
                        limiter.close();
                        model.closed = true;
                    }
                }
                let left = model.held.iter().filter(|left| **left).count();
                prop_assert_eq!(limiter.waiting(), model.waiting());
                prop_assert_eq!((limiter.running(), limiter.left_running()), (model.held.len() - left, left));
            }
            // A drain ends: every holder releases, and whatever waits comes out.
            while let Some(left) = model.held.pop() {
                limiter.release(if left { Holder::LeftRunning } else { Holder::Running });
            }
            while limiter.waiting() > 0 {
                prop_assert!(limiter.start().is_some());
                limiter.release(Holder::Running);
                came_out += 1;
            }
            prop_assert_eq!(came_out, pushed);
        }
    }
}
