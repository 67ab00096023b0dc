//! The executor on its own thread: ready queue, owner list, turns.

use super::intake::Intake;
use super::leak_tracker::LeakTracker;
use super::poll_watch::PollWatch;
use super::ready::{END, Ready};
use crate::counters::Counter;
use crate::sync::Arc;
use crate::task::Priority;
use crate::task::raw::{Completed, Inbox, Listed, Outcome, OwnedTasks, PollOutcome, Runnable, TaskRef};
use crate::util::slab::Slab;
use std::cell::{Cell, RefCell};

/// The number of tasks per page of a listing, so that no borrow is held for long.
const PAGE: u32 = 1024;

/// The number of operations that a task may do in one poll before it must yield.
///
/// Counts operations on sources that are always ready. Each takes a few microseconds: together they hold the thread for
/// about as long as a burst of small tasks does.
const BUDGET: u32 = 32;

/// Operations of all tasks that are ready, together, before the executor looks for events: with many busy tasks each of them
/// has a smaller budget, so that a new connection is not kept waiting by the number of the others.
const SHARED_BUDGET: u32 = 512;

/// The smallest budget of a poll.
const LEAST_BUDGET: u32 = 4;

/// Returns the budget of a poll while so many tasks are ready.
fn budget(ready: usize) -> u32 {
    // No division in a usual turn.
    if ready <= (SHARED_BUDGET / BUDGET) as usize {
        return BUDGET;
    }
    let ready = u32::try_from(ready).unwrap_or(u32::MAX);
    (SHARED_BUDGET / ready).max(LEAST_BUDGET)
}

/// Counters of the executor's thread, which any thread may read.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Accepted tasks.
    pub(crate) intake: Intake,
    /// Tasks whose body is dropped.
    pub(crate) closed: Counter,
    /// Polls and tear-downs.
    pub(crate) polls: Counter,
    /// Tasks that arrived in the inbox because they were woken.
    pub(crate) remote_wakes: Counter,
    /// Tasks that went to the ready queue from the executor's own thread.
    pub(crate) local_wakes: Counter,
    /// The length of the ready queue at the end of the last turn.
    pub(crate) ready: Counter,
}

/// One executor. Not `Send`: other threads use its [`Inbox`].
pub(crate) struct Core {
    /// All tasks with live bodies.
    members: RefCell<OwnedTasks>,
    pub(super) ready: RefCell<Ready<Runnable>>,
    /// Tasks removed from the queue by the user, until they return.
    pub(super) removed: RefCell<Slab<Runnable>>,
    /// The tracker, if leaks are checked.
    tracker: RefCell<Option<LeakTracker>>,
    /// True if there is a tracker.
    counts: Cell<bool>,
    counters: Arc<Counters>,
    /// The start time of new tasks.
    ///
    /// The driver sets it once per turn, since a clock read costs as much as a spawn.
    now: Cell<u64>,
    /// The outcome of a body that is dropped before it finished.
    reason: Cell<Outcome>,
    /// The remaining budget of the current poll.
    budget: Cell<u32>,
    /// The budget of each poll of this turn.
    allotted: Cell<u32>,
    /// The position at which the running task is queued if it is woken meanwhile.
    pub(super) position: Cell<isize>,
    /// The watch that records each poll, in a runtime that watches them.
    watch: Option<Arc<PollWatch>>,
}

impl Core {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            members: RefCell::new(OwnedTasks::new()),
            ready: RefCell::new(Ready::new()),
            removed: RefCell::new(Slab::new()),
            tracker: RefCell::new(None),
            counts: Cell::new(false),
            counters,
            now: Cell::new(0),
            reason: Cell::new(Outcome::Cancelled),
            budget: Cell::new(BUDGET),
            allotted: Cell::new(BUDGET),
            position: Cell::new(END),
            watch: None,
        }
    }

    /// Records every poll in `watch`.
    pub(crate) fn watched_by(mut self, watch: Option<Arc<PollWatch>>) -> Self {
        self.watch = watch;
        self
    }

    /// Returns the watch, if polls are watched.
    #[inline(always)]
    pub(crate) fn watch(&self) -> Option<&PollWatch> {
        self.watch.as_deref()
    }

    /// Shuffles the order of ready tasks from now on.
    pub(crate) fn shuffle(&self, seed: u64) {
        self.ready.borrow_mut().shuffle(seed);
    }

    /// Sets the acceptance time of the next tasks.
    pub(crate) fn set_now(&self, now: u64) {
        self.now.set(now);
    }

    /// Queues a new or woken task, on the executor's thread.
    #[inline]
    pub(crate) fn push(&self, task: Runnable) {
        // Before `accept`, whose write to the same word would delay this load. A change in between notifies the owner.
        let priority = task.priority();
        if task.is_new() {
            self.accept(&task);
        } else {
            self.counters.local_wakes.add(1);
        }
        self.ready.borrow_mut().push(priority, task);
    }

    fn accept(&self, task: &Runnable) {
        self.counters.intake.count();
        self.members.borrow_mut().accept(task, self.now.get());
        if self.counts.get() {
            self.note(task);
        }
    }

    #[cold]
    fn note(&self, task: &Runnable) {
        if let Some(tracker) = &mut *self.tracker.borrow_mut() {
            tracker.note(task);
        }
    }

    /// Tracks references to finished tasks from now on.
    pub(crate) fn count_references(&self) {
        *self.tracker.borrow_mut() = Some(LeakTracker::new());
        self.counts.set(true);
    }

    /// Returns the finished tasks that wakers or cancel handles reference.
    ///
    /// Tasks from before [`count_references`](Self::count_references) are unknown.
    pub(crate) fn kept(&self) -> Vec<TaskRef> {
        self.tracker.borrow().as_ref().map(LeakTracker::kept).unwrap_or_default()
    }

    /// Moves the tasks of the inbox to the ready queue.
    #[inline]
    pub(crate) fn drain(&self, inbox: &Inbox) {
        if !inbox.is_empty() {
            self.drain_slow(inbox);
        }
    }

    fn drain_slow(&self, inbox: &Inbox) {
        let mut woken = 0;
        let mut ready = self.ready.borrow_mut();
        self.counters.intake.begin();
        for task in inbox.take() {
            let priority = task.priority();
            if task.is_new() {
                self.accept(&task);
            } else {
                woken += 1;
            }
            ready.push(priority, task);
        }
        self.counters.intake.end();
        self.counters.remote_wakes.add(woken);
    }

    pub(crate) fn has_ready(&self) -> bool {
        !self.ready.borrow().is_empty()
    }

    /// Returns the number of tasks with live bodies.
    pub(crate) fn alive(&self) -> usize {
        self.members.borrow().len()
    }

    /// Runs at most `budget` ready tasks, in rounds.
    ///
    /// Tasks that become ready meanwhile run behind the others. The inbox is drained at the end of each round, so a
    /// task that wakes itself runs behind all tasks from elsewhere.
    pub(crate) fn turn(&self, inbox: &Inbox, budget: usize) {
        // Chosen once per turn: unwatched polls cost nothing for it.
        match self.watch() {
            None => self.turn_with(inbox, budget, |task| self.run(task)),
            Some(watch) => self.turn_with(inbox, budget, |task| self.run_watched(watch, task)),
        }
    }

    #[inline(always)]
    fn turn_with(&self, inbox: &Inbox, budget: usize, run: impl Fn(Runnable)) {
        let mut left = budget;
        let mut due = self.ready_len().min(left);
        while due != 0 {
            for _ in 0..due {
                let Some(task) = self.pick() else { break };
                run(task);
            }
            left -= due;
            due = self.ready_len().min(left);
            if due != 0 {
                self.drain(inbox);
            }
        }
        self.end_turn();
    }

    /// Runs the next task. Returns false if none is ready.
    ///
    /// `WATCHED`: polls are watched, if there is a watch.
    pub(crate) fn run_next<const WATCHED: bool>(&self) -> bool {
        let task = self.pick();
        task.map(|task| if WATCHED { self.run_either(task) } else { self.run(task) }).is_some()
    }

    /// Records how many tasks the turn left ready.
    pub(crate) fn end_turn(&self) {
        let mut ready = self.ready.borrow_mut();
        *ready.picked() = Priority::default();
        ready.trim();
        self.counters.ready.set(ready.len() as u64);
        self.allotted.set(budget(ready.len()));
        drop(ready);
        if self.counts.get() {
            let retired = self.tracker.borrow_mut().as_mut().map(LeakTracker::retire);
            drop(retired);
        }
    }

    fn pick(&self) -> Option<Runnable> {
        self.ready.borrow_mut().pick()
    }

    /// Takes one operation from the budget of the current poll.
    ///
    /// Returns false if none is left: then the task must be woken immediately and wait until the others have run.
    #[must_use]
    pub(crate) fn spend(&self) -> bool {
        let left = self.budget.get().checked_sub(1);
        self.budget.set(left.unwrap_or(0));
        left.is_some()
    }

    #[inline]
    fn run(&self, task: Runnable) {
        self.run_to(task, |task| self.ready.borrow_mut().push(task.priority(), task));
    }

    /// Runs a task, and calls `queue` if it yields without a position.
    #[inline(always)]
    fn run_to(&self, task: Runnable, queue: impl FnOnce(Runnable)) {
        self.counters.polls.add(1);
        self.budget.set(self.allotted.get());
        match task.run(self.reason.get()) {
            PollOutcome::Idle => self.position.set(END),
            PollOutcome::Again(task) if self.position.get() == END => queue(task),
            PollOutcome::Again(task) => self.queue_at_position(task),
            PollOutcome::Completed(task) => self.release_completed(task),
        }
    }

    #[cold]
    fn run_watched(&self, watch: &PollWatch, task: Runnable) {
        let _poll = watch.begin(Some(task.task()));
        self.run(task);
    }

    /// Runs a task, watched or not. Out of line, away from the loops.
    fn run_either(&self, task: Runnable) {
        match self.watch() {
            None => self.run(task),
            Some(watch) => self.run_watched(watch, task),
        }
    }

    /// Queues the task that ran at the position that it requested.
    ///
    /// The request holds for that poll only.
    #[cold]
    fn queue_at_position(&self, task: Runnable) {
        let position = self.position.replace(END);
        self.ready.borrow_mut().insert(task.priority(), position, task);
    }

    /// Removes the task that ran from the owner list.
    fn release_completed(&self, task: Completed) {
        self.position.set(END);
        self.counters.closed.add(1);
        self.members.borrow_mut().release(&task);
        drop(task);
    }

    /// Accepts a new task and polls it inside the current poll.
    ///
    /// The task is in the owner list before its body is polled, so a shutdown caused by that poll finds it. If it
    /// yields, it is queued behind the running task, if that yields as well.
    pub(crate) fn run_nested(&self, task: Runnable) {
        self.accept(&task);
        self.nested(|| {
            let mut ready = self.ready.borrow_mut();
            *ready.picked() = task.priority();
            let deferred = ready.deferred();
            drop(ready);
            let poll = |task| self.run_to(task, |task| self.ready.borrow_mut().defer(deferred, task.priority(), task));
            match self.watch() {
                None => poll(task),
                Some(watch) => {
                    let _poll = watch.begin(Some(task.task()));
                    poll(task);
                }
            }
        });
    }

    /// Runs `f`, which may poll other futures, with the state of the running task saved.
    pub(crate) fn nested<R>(&self, f: impl FnOnce() -> R) -> R {
        struct Restore<'a>(&'a Core, Priority, isize, u32);
        impl Drop for Restore<'_> {
            fn drop(&mut self) {
                *self.0.ready.borrow_mut().picked() = self.1;
                self.0.position.set(self.2);
                self.0.budget.set(self.3);
            }
        }
        let _restore = Restore(self, self.running_level(), self.position.replace(END), self.budget.get());
        f()
    }

    /// Polls, by `f`, a future that the thread drives besides the tasks.
    ///
    /// It has its own budget, and none of its requests reaches the next task.
    pub(crate) fn beside<R>(&self, f: impl FnOnce() -> R) -> R {
        self.nested(|| {
            self.budget.set(BUDGET);
            f()
        })
    }

    /// Returns the tasks with live bodies.
    pub(crate) fn list(&self) -> Vec<Listed> {
        let mut all = Vec::with_capacity(self.alive());
        let mut start = 0;
        while let Some(page) = self.page(start) {
            all.extend(page);
            start += PAGE;
        }
        all
    }

    fn page(&self, start: u32) -> Option<Vec<Listed>> {
        self.members.borrow().page(start, PAGE)
    }

    /// Ends every task as runtime gone, and closes the inbox.
    ///
    /// Drops all bodies on this thread. A task whose waker another thread is using may be marked as queued without
    /// having arrived yet. This waits for it, which takes a few instructions of that thread.
    pub(crate) fn shut_down(&self, inbox: &Inbox) {
        self.reason.set(Outcome::Gone);
        loop {
            self.drain(inbox);
            // The code that took them out may have forgotten them.
            self.put_all_back();
            for listed in self.list() {
                listed.task.cancel(Outcome::Gone);
            }
            while let Some(task) = self.pick() {
                self.run_either(task);
            }
            if self.alive() == 0 && inbox.is_empty() {
                break;
            }
            crate::sync::thread::yield_now();
        }
        // From now on the inbox refuses tasks, and the thread that submits one drops it.
        drop(inbox.close());
    }
}
