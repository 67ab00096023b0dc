//! The executor's own thread: ready queue, owner list, turns.

use super::census::Census;
use super::intake::Intake;
use super::poll_watch::PollWatch;
use super::ready::{END, Ready};
use crate::counters::Counter;
use crate::sync::Arc;
use crate::task::Priority;
use crate::task::raw::{Completed, Inbox, Listed, Outcome, OwnedTasks, PollOutcome, Runnable, TaskRef};
use crate::util::slab::Slab;
use std::cell::{Cell, RefCell};

/// Tasks per page of a listing, so that cloning references never holds a borrow for long.
const PAGE: u32 = 1024;

/// Operations that a task may do in one poll on sources that are always ready, before it must let others run. Of a few
/// microseconds each: together they hold the thread for about as long as a burst of small tasks does.
const BUDGET: u32 = 32;

/// Counters of the executor's thread, which any thread may read.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Tasks taken in.
    pub(crate) intake: Intake,
    /// Tasks whose body is gone.
    pub(crate) closed: Counter,
    /// Polls and tear-downs.
    pub(crate) polls: Counter,
    /// Tasks that came through the inbox because they were woken.
    pub(crate) remote_wakes: Counter,
    /// Tasks that went to the ready queue from the executor's own thread.
    pub(crate) local_wakes: Counter,
    /// Length of the ready queue at the end of the last turn.
    pub(crate) ready: Counter,
}

/// One executor. Not `Send`: it stays on its thread, and other threads reach it through an [`Inbox`].
pub(crate) struct Core {
    /// All tasks whose bodies are alive.
    members: RefCell<OwnedTasks>,
    pub(super) ready: RefCell<Ready<Runnable>>,
    /// Tasks taken out of the queue by hand, until they return.
    pub(super) aside: RefCell<Slab<Runnable>>,
    /// Only where leaks are looked for.
    census: RefCell<Option<Census>>,
    /// True if there is a census.
    counts: Cell<bool>,
    counters: Arc<Counters>,
    /// The start time of new tasks. The driver sets it once per turn, since a clock read costs as much as a spawn.
    now: Cell<u64>,
    /// The outcome of a body that is dropped before it ended.
    reason: Cell<Outcome>,
    /// The rest of [`BUDGET`] in the current poll.
    budget: Cell<u32>,
    /// The position at which the running task is queued if it is woken meanwhile.
    pub(super) position: Cell<isize>,
    /// Notes each poll, in a runtime that watches them.
    watch: Option<Arc<PollWatch>>,
}

impl Core {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self {
            members: RefCell::new(OwnedTasks::new()),
            ready: RefCell::new(Ready::new()),
            aside: RefCell::new(Slab::new()),
            census: RefCell::new(None),
            counts: Cell::new(false),
            counters,
            now: Cell::new(0),
            reason: Cell::new(Outcome::Cancelled),
            budget: Cell::new(BUDGET),
            position: Cell::new(END),
            watch: None,
        }
    }

    /// Notes every poll in `watch`.
    pub(crate) fn watched_by(mut self, watch: Option<Arc<PollWatch>>) -> Self {
        self.watch = watch;
        self
    }

    /// Returns the watch, if polls are watched.
    #[inline(always)]
    pub(crate) fn watch(&self) -> Option<&PollWatch> {
        self.watch.as_deref()
    }

    /// From now on the order of those that are ready is shuffled.
    pub(crate) fn shuffle(&self, seed: u64) {
        self.ready.borrow_mut().shuffle(seed);
    }

    /// The time that tasks accepted from now on are stamped with.
    pub(crate) fn set_now(&self, now: u64) {
        self.now.set(now);
    }

    /// Queues a new or woken task, on the executor's thread.
    #[inline]
    pub(crate) fn push(&self, task: Runnable) {
        // Ahead of `accept`, whose write to the same word would have to be waited for. A change that comes in between is told.
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
        if let Some(census) = &mut *self.census.borrow_mut() {
            census.note(task);
        }
    }

    /// From now on it is known which tasks are over and still referred to.
    pub(crate) fn count_references(&self) {
        *self.census.borrow_mut() = Some(Census::new());
        self.counts.set(true);
    }

    /// Tasks that are over and that wakers or controls refer to. Those of before the counting are not known.
    pub(crate) fn kept(&self) -> Vec<TaskRef> {
        self.census.borrow().as_ref().map(Census::kept).unwrap_or_default()
    }

    /// Moves what the inbox holds to the ready queue.
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

    /// Number of tasks whose bodies are alive.
    pub(crate) fn alive(&self) -> usize {
        self.members.borrow().len()
    }

    /// Runs the tasks that are ready, and those that become ready meanwhile behind them, at most `budget` of them.
    ///
    /// The inbox is looked at whenever those that were ready have had their turn, so a task that wakes itself runs
    /// behind all that came from elsewhere.
    pub(crate) fn turn(&self, inbox: &Inbox, budget: usize) {
        // Chosen once a turn: a poll that is not watched costs nothing for it.
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

    /// Runs the next task; false if none waits. `WATCHED`: polls are watched, if there is a watch.
    pub(crate) fn run_next<const WATCHED: bool>(&self) -> bool {
        let task = self.pick();
        task.map(|task| if WATCHED { self.run_either(task) } else { self.run(task) }).is_some()
    }

    /// Notes how many tasks the turn left ready.
    pub(crate) fn end_turn(&self) {
        let mut ready = self.ready.borrow_mut();
        *ready.picked() = Priority::default();
        ready.trim();
        self.counters.ready.set(ready.len() as u64);
        drop(ready);
        if self.counts.get() {
            let retired = self.census.borrow_mut().as_mut().map(Census::retire);
            drop(retired);
        }
    }

    fn pick(&self) -> Option<Runnable> {
        self.ready.borrow_mut().pick()
    }

    /// Takes one operation from the budget of the poll that runs. False: there is none left, and the task is to be woken
    /// at once and to wait until the others have run.
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

    /// Runs a task; calls `queue` with one that yields to no position.
    #[inline(always)]
    fn run_to(&self, task: Runnable, queue: impl FnOnce(Runnable)) {
        self.counters.polls.add(1);
        self.budget.set(BUDGET);
        match task.run(self.reason.get()) {
            PollOutcome::Idle => self.position.set(END),
            PollOutcome::Again(task) if self.position.get() == END => queue(task),
            PollOutcome::Again(task) => self.put_in_place(task),
            PollOutcome::Completed(task) => self.let_go(task),
        }
    }

    #[cold]
    fn run_watched(&self, watch: &PollWatch, task: Runnable) {
        let _poll = watch.begin(Some(task.task()));
        self.run(task);
    }

    /// Runs a task, watched or not: away from the loops.
    fn run_either(&self, task: Runnable) {
        match self.watch() {
            None => self.run(task),
            Some(watch) => self.run_watched(watch, task),
        }
    }

    /// Queues the task that ran where it wished to be. Whatever becomes of a task, the wish was for that poll.
    #[cold]
    fn put_in_place(&self, task: Runnable) {
        let position = self.position.replace(END);
        self.ready.borrow_mut().insert(task.priority(), position, task);
    }

    /// Takes the task that ran off the owner list.
    fn let_go(&self, task: Completed) {
        self.position.set(END);
        self.counters.closed.add(1);
        self.members.borrow_mut().release(&task);
        drop(task);
    }

    /// Accepts a new task and polls it inside the current poll.
    ///
    /// It stands in the owner list before its body is polled, so a shutdown that its first poll brings about finds it. If
    /// it yields, it is queued behind the running task, should that yield as well.
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

    /// Runs `f`, which may poll futures that are not the running task: what holds for that one is saved and put back.
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

    /// Polls, by `f`, a future that the thread drives besides the tasks: it has a budget of its own, and nothing that it asked
    /// for is left to the next task.
    pub(crate) fn beside<R>(&self, f: impl FnOnce() -> R) -> R {
        self.nested(|| {
            self.budget.set(BUDGET);
            f()
        })
    }

    /// The tasks whose bodies are alive.
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

    /// Ends every task as runtime gone: drops all bodies, on this thread, then closes the inbox.
    ///
    /// A task whose waker another thread is using right now may be marked as queued and not have arrived yet: its
    /// arrival is waited for, which is a matter of that thread's next few instructions.
    pub(crate) fn shut_down(&self, inbox: &Inbox) {
        self.reason.set(Outcome::Gone);
        loop {
            self.drain(inbox);
            // Whoever took them out may have forgotten them.
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
        // What still comes in from now on is refused by the inbox, and dropped by whoever brings it.
        drop(inbox.close());
    }
}
