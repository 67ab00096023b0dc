//! The state word: every fact that two threads may race for, in one atomic.
//!
//! Only this file reads or writes the bits. [`crate::task`] has the diagram, the table of valid combinations and the
//! rules of each transition. The numbers in brackets below are those of the diagram.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::task::Priority;
use std::fmt;

/// Set if the task was woken since its runner last checked.
const WOKEN: u64 = 1;
/// Set while a `Runnable` exists, or a runner polls the body or tears it down.
const ACTIVE: u64 = 1 << 1;
/// Set once the body was polled.
const STARTED: u64 = 1 << 2;
/// Set if the runner must drop a started future.
const CANCEL: u64 = 1 << 3;
/// Set once the body is dropped from the cell.
const CLOSED: u64 = 1 << 4;
/// Set while the handle exists: the handle, and not the runner, drops the output.
const HANDLE: u64 = 1 << 5;
/// Set while the waker cell is full and belongs to the transition that ends the task.
const JOIN_WAKER: u64 = 1 << 6;
/// Three bits: how the task ended, 0 until then.
///
/// Also whether the error of an end from outside was taken.
const OUTCOME: u64 = 0b111 << OUTCOME_SHIFT;
const OUTCOME_SHIFT: u32 = 7;
/// The outcome of a task whose body returned a value.
const DONE: u64 = (Outcome::Done as u64) << OUTCOME_SHIFT;
/// The outcome of a task without output, after its error was taken.
///
/// It was cancelled, or its runtime shut down.
const CANCELLED_TAKEN: u64 = 6 << OUTCOME_SHIFT;
/// The outcome of a task ended by its time limit, after its error was taken.
const TIMED_OUT_TAKEN: u64 = 7 << OUTCOME_SHIFT;
/// Set if the registered waker belongs to a task, which awaits this one.
///
/// Set and cleared with JOIN_WAKER.
const AWAITED: u64 = 1 << 10;
/// Two bits: the priority in the executor's queue, 0 for the default.
const PRIORITY: u64 = 0b11 << PRIORITY_SHIFT;
const PRIORITY_SHIFT: u32 = 11;
/// Set once the handle has returned the error by reference, so that it counts as handled.
///
/// Only on tasks that ended with an error.
const READ: u64 = 1 << 13;
/// One reference to the cell.
///
/// The count has the other 50 bits, on every target: so many handles and wakers fit into no memory.
const REF: u64 = 1 << REF_SHIFT;
const REF_SHIFT: u32 = 14;
/// The largest number of references.
///
/// Above it the process aborts: a wrapped count would free a cell in use. Only a loop that leaks references for months
/// reaches it.
const MAX_REFS: u64 = u64::MAX >> (REF_SHIFT + 1);

/// The way a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The output cell holds `Ok`.
    Done = 1,
    /// The output cell holds `Err`.
    Error = 2,
    /// Cancelled; nothing is stored.
    Cancelled = 3,
    /// Its runtime shut down; nothing is stored.
    Gone = 4,
    /// Ended from outside by its time limit; the error is in the task's metadata.
    TimedOut = 5,
}

impl Outcome {
    /// Returns true if the output cell holds a value.
    pub(crate) fn has_output(self) -> bool {
        matches!(self, Self::Done | Self::Error)
    }

    /// Returns true for an error that some code should read.
    ///
    /// False for a cancelled task, and for one whose runtime shut down.
    pub(crate) fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::TimedOut)
    }
}

/// The kind of the body, which determines the rules of cancellation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Polled many times; cancelled by dropping it between two polls.
    Future,
    /// Runs to its end, once or (with a retry) several times with sleep in between.
    ///
    /// Cancelled by ending the task around it.
    Closure,
}

/// The party that can see a task; the update flag is for what a host can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// None: the handle is dropped, or the task is quiet.
    Hidden,
    /// Another task, which awaits it; a host sees the result of that one.
    Task,
    /// The holder of the handle.
    Host,
    /// A group or a pool, which shows all of its tasks.
    Group,
}

/// One reading of the state word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Snapshot(u64);

impl Snapshot {
    fn has(self, bits: u64) -> bool {
        self.0 & bits != 0
    }

    pub(crate) fn outcome(self) -> Option<Outcome> {
        match (self.0 & OUTCOME) >> OUTCOME_SHIFT {
            0 => None,
            1 => Some(Outcome::Done),
            2 => Some(Outcome::Error),
            3 | 6 => Some(Outcome::Cancelled),
            4 => Some(Outcome::Gone),
            _ => Some(Outcome::TimedOut),
        }
    }

    /// Returns true if the task was ended from outside and the handle took that error.
    pub(crate) fn is_end_taken(self) -> bool {
        self.0 & OUTCOME >= CANCELLED_TAKEN
    }

    #[inline(always)]
    pub(crate) fn is_finished(self) -> bool {
        self.has(OUTCOME)
    }

    pub(crate) fn is_started(self) -> bool {
        self.has(STARTED)
    }

    pub(crate) fn is_closed(self) -> bool {
        self.has(CLOSED)
    }

    pub(crate) fn is_cancel_requested(self) -> bool {
        self.has(CANCEL)
    }

    /// Returns true if the task has finished and its output is in the cell.
    #[inline(always)]
    pub(crate) fn has_output(self) -> bool {
        matches!((self.0 & OUTCOME) >> OUTCOME_SHIFT, 1 | 2)
    }

    /// Returns true if the body returned a value. It may have been taken.
    #[inline(always)]
    pub(crate) fn is_done(self) -> bool {
        self.0 & OUTCOME == DONE
    }

    /// Returns true if the task ended with an error that the handle has not returned.
    ///
    /// An output that was taken looks the same here; the stage tells them apart.
    pub(crate) fn is_unread(self) -> bool {
        !self.has(READ) && !self.is_end_taken() && self.outcome().is_some_and(Outcome::is_error)
    }

    /// Returns the end of a cancelled or finished task whose body ended with `outcome`.
    #[cold]
    fn close_cancelled(self, outcome: Outcome, panicked: bool) -> (Self, Outcome) {
        if let Some(earlier) = self.outcome() {
            return (self, earlier);
        }
        let outcome = if !panicked && outcome.has_output() { Outcome::Cancelled } else { outcome };
        (self.with_outcome(outcome), outcome)
    }

    /// Returns true while a waker is registered.
    ///
    /// Before the end only the handle sets and clears the bit. So the handle can rely on a clear bit in a word that
    /// shows no end.
    pub(crate) fn has_join_waker(self) -> bool {
        self.has(JOIN_WAKER)
    }

    /// Returns the party that can see the task, as far as this word knows.
    #[inline(always)]
    pub(crate) fn audience(self) -> Audience {
        if self.0 & (HANDLE | AWAITED) == HANDLE { Audience::Host } else { self.audience_slow() }
    }

    #[cold]
    fn audience_slow(self) -> Audience {
        if self.has(HANDLE) { Audience::Task } else { Audience::Hidden }
    }

    /// Returns true if the task is closed and the caller's reference is the last.
    ///
    /// Then nothing is left that could create another one.
    pub(crate) fn is_last(self) -> bool {
        self.is_closed() && self.refs() == 1
    }

    /// Returns [`is_last`](Self::is_last), for a task whose body returned a value.
    #[inline(always)]
    pub(crate) fn is_last_of_done(self) -> bool {
        self.0 & (CLOSED | OUTCOME | u64::MAX << REF_SHIFT) == CLOSED | DONE | REF
    }

    /// Returns true while the task sleeps: neither queued nor running nor finished.
    pub(crate) fn is_idle(self) -> bool {
        !self.has(ACTIVE | CLOSED)
    }

    #[inline(always)]
    pub(crate) fn priority(self) -> Priority {
        match (self.0 & PRIORITY) >> PRIORITY_SHIFT {
            0 => Priority::UserVisible,
            1 => Priority::UserBlocking,
            _ => Priority::Background,
        }
    }

    fn with_priority(self, priority: Priority) -> Self {
        Self(self.0 & !PRIORITY | priority_bits(priority))
    }

    /// Returns the number of references without the handle's.
    pub(crate) fn references_but_handle(self) -> u64 {
        self.refs() - u64::from(self.has(HANDLE))
    }

    fn refs(self) -> u64 {
        self.0 >> REF_SHIFT
    }

    fn with(self, bits: u64) -> Self {
        Self(self.0 | bits)
    }

    fn without(self, bits: u64) -> Self {
        Self(self.0 & !bits)
    }

    fn with_outcome(self, outcome: Outcome) -> Self {
        debug_assert!(!self.is_finished(), "an outcome never changes");
        Self(self.0 | (outcome as u64) << OUTCOME_SHIFT)
    }
}

fn priority_bits(priority: Priority) -> u64 {
    let level = match priority {
        Priority::UserVisible => 0,
        Priority::UserBlocking => 1,
        Priority::Background => 2,
    };
    level << PRIORITY_SHIFT
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const NAMES: [(u64, &str); 9] = [
            (WOKEN, "WOKEN"),
            (ACTIVE, "ACTIVE"),
            (STARTED, "STARTED"),
            (CANCEL, "CANCEL"),
            (CLOSED, "CLOSED"),
            (HANDLE, "HANDLE"),
            (JOIN_WAKER, "JOIN_WAKER"),
            (AWAITED, "AWAITED"),
            (READ, "READ"),
        ];
        f.write_str("Snapshot(")?;
        for (bit, name) in NAMES {
            if self.has(bit) {
                write!(f, "{name} | ")?;
            }
        }
        if let Some(outcome) = self.outcome() {
            write!(f, "{outcome:?} | ")?;
        }
        write!(f, "{} | refs={})", self.priority(), self.refs())
    }
}

/// The next step of a runner that took a task from a queue.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToRunning {
    /// Poll the body.
    Poll,
    /// Drop the body: the task was cancelled while it waited.
    Drop,
}

/// The next step of a runner after a poll that returned `Pending`.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToIdle {
    /// None: the task sleeps.
    ///
    /// The code that wakes it may run it, and end it, before the runner continues.
    Idle,
    /// Queue it again: it was woken while it ran.
    Again,
    /// Drop the body: it was cancelled while it ran.
    Drop,
}

/// The answer of [`State::close`]; the previous word determines what remains to be done.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Closed {
    before: Snapshot,
    /// The way the task ended.
    pub(crate) outcome: Outcome,
    /// True if the runner wrote an output.
    written: bool,
}

impl Closed {
    /// Returns true for the usual end, of which only the owner is notified.
    ///
    /// The handle exists, no task awaits this one, and it was not cancelled.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.before.0 & (OUTCOME | CANCEL | HANDLE | JOIN_WAKER | AWAITED) == HANDLE
    }

    /// Returns true if the task ended here: then the runner notifies the owner.
    ///
    /// False if an earlier cancellation ended it.
    pub(crate) fn ended(&self) -> bool {
        !self.before.is_finished()
    }

    /// Returns true if the runner must drop the output that it wrote.
    ///
    /// The handle is dropped, or the task ended otherwise.
    pub(crate) fn drop_output(&self) -> bool {
        self.written && !(self.ended() && self.outcome.has_output() && self.before.has(HANDLE))
    }

    /// Returns true if the runner owns a registered join waker, which it takes and wakes.
    pub(crate) fn wake_join(&self) -> bool {
        self.ended() && self.before.has(JOIN_WAKER)
    }

    /// Returns true if the task ended with an error and without a handle.
    ///
    /// Then the runner reports it.
    pub(crate) fn unread(&self) -> bool {
        self.ended() && !self.before.has(HANDLE) && self.outcome.is_error()
    }

    /// Returns the party that could see the task.
    pub(crate) fn audience(&self) -> Audience {
        self.before.audience()
    }
}

/// The next step after a wake-up.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToScheduled {
    /// None: queued already, running (its runner will queue it), or finished.
    Nothing,
    /// Queue it: the caller creates the only `Runnable`.
    Submit,
}

/// The next step after a cancellation.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToCancelled {
    /// None: the task had finished.
    Finished,
    /// The task has finished now, and its runner drops the body.
    ///
    /// With `wake_join` the caller owns the registered waker. With `submit` it creates the only `Runnable` and queues
    /// it.
    Ended {
        /// Take the join waker and wake it.
        wake_join: bool,
        /// The task ended with an error and without a handle: report it.
        unread: bool,
        /// Queue the task: it slept, so it had no runner.
        submit: bool,
        /// The party that can see the end.
        audience: Audience,
    },
    /// The runner will drop the body.
    ///
    /// With `submit` the caller creates the only `Runnable` and queues it, so that the body is dropped on its own
    /// thread.
    Requested {
        /// Queue the task.
        submit: bool,
    },
}

/// The remaining work after the handle is dropped.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct HandleDropped {
    /// The output belongs to the handle: drop it.
    pub(crate) drop_output: bool,
    /// The task had ended with an unread error: report it.
    pub(crate) unread: bool,
    /// The join waker belongs to the handle: drop it.
    pub(crate) drop_waker: bool,
    /// The cancellation that dropping the handle implies.
    pub(crate) cancelled: ToCancelled,
}

/// The state word of a task.
pub(crate) struct State(AtomicU64);

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for display only.
        Snapshot(self.0.load(Ordering::Relaxed)).fmt(f)
    }
}

impl State {
    /// [1] Creates the word of a queued task.
    ///
    /// It has a handle, one reference for the body and one for the handle.
    pub(crate) fn new(priority: Priority) -> Self {
        Self(AtomicU64::new(ACTIVE | HANDLE | priority_bits(priority) | (2 * REF)))
    }

    /// Returns the current word.
    ///
    /// Acquire: a thread that sees an outcome sees the output, and all progress reported before it. Pairs with the
    /// release half of [`State::close`].
    #[inline(always)]
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// Performs one transition.
    ///
    /// `step` maps the current word to the next one and a verdict, or to a verdict alone. AcqRel on success, so that
    /// each transition sees what was done before the earlier ones. Acquire without a change, since the caller acts on
    /// the verdict too.
    #[inline(always)]
    fn update<R>(&self, mut step: impl FnMut(Snapshot) -> (Option<Snapshot>, R)) -> R {
        let mut current = self.load();
        loop {
            let (next, verdict) = step(current);
            let Some(next) = next else { return verdict };
            match self.0.compare_exchange_weak(current.0, next.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return verdict,
                Err(now) => current = Snapshot(now),
            }
        }
    }

    /// [2] Begins to run a task that was taken from its queue.
    ///
    /// It writes only if there is something to write: the first time, and after a wake that came while the task was
    /// queued. The runner sees what the threads that queued the task did through the queue. A wake that this load
    /// misses is still there in [`State::to_idle`].
    #[inline(always)]
    pub(crate) fn to_running(&self) -> ToRunning {
        self.update(|s| {
            debug_assert!(s.has(ACTIVE) && !s.is_closed(), "not a queued task: {s:?}");
            let (next, verdict) = if s.is_cancel_requested() || s.is_finished() {
                (s.without(WOKEN), ToRunning::Drop)
            } else {
                (s.without(WOKEN).with(STARTED), ToRunning::Poll)
            };
            ((next != s).then_some(next), verdict)
        })
    }

    /// [3] [4] [5] Ends a poll that returned `Pending`.
    ///
    /// `woken` is true if the task was woken meanwhile without a write to this word. [5] is a load, not a write: the
    /// task returns to the queue unchanged, with WOKEN set. Only the transition to sleep writes, and it fails if a wake
    /// came that this load missed.
    #[inline(always)]
    pub(crate) fn to_idle(&self, woken: bool) -> ToIdle {
        self.update(|s| {
            debug_assert!(s.has(ACTIVE), "not a running task: {s:?}");
            if s.is_cancel_requested() {
                (None, ToIdle::Drop)
            } else if woken || s.has(WOKEN) {
                (None, ToIdle::Again)
            } else {
                (Some(s.without(ACTIVE)), ToIdle::Idle)
            }
        })
    }

    /// [6] Closes the task: the body is dropped.
    ///
    /// For `Done` and `Error` the output is in the cell. The runner keeps the body's reference until it has done what
    /// the answer requires. A cancellation during the last poll wins over `Done` and over a returned error. A panic
    /// wins over a cancellation (`panicked`), so that it is never lost.
    #[inline(always)]
    pub(crate) fn close(&self, outcome: Outcome, panicked: bool) -> Closed {
        self.update(|s| {
            debug_assert!(s.has(ACTIVE) && !s.is_closed(), "not a running task: {s:?}");
            let next = s.without(ACTIVE | WOKEN | JOIN_WAKER | AWAITED).with(CLOSED);
            let (next, ended) = if s.has(CANCEL | OUTCOME) {
                next.close_cancelled(outcome, panicked)
            } else {
                (next.with_outcome(outcome), outcome)
            };
            (Some(next), Closed { before: s, outcome: ended, written: outcome.has_output() })
        })
    }

    /// [7] Wakes the task, from any thread.
    ///
    /// A task that was already woken still gets a release write: the next poll, which acquires in
    /// [`State::to_running`], must see what the waking thread wrote before.
    pub(crate) fn to_scheduled(&self) -> ToScheduled {
        self.update(|s| {
            if s.is_closed() {
                (None, ToScheduled::Nothing)
            } else if s.has(ACTIVE) {
                (Some(s.with(WOKEN)), ToScheduled::Nothing)
            } else {
                (Some(s.with(ACTIVE)), ToScheduled::Submit)
            }
        })
    }

    fn cancelled(s: Snapshot, kind: Kind, outcome: Outcome) -> (Snapshot, ToCancelled) {
        if s.is_finished() {
            return (s, ToCancelled::Finished);
        }
        let has_runner = s.has(ACTIVE);
        if !s.is_started() || kind == Kind::Closure {
            // A task begins in a queue. But a closure may sleep between two attempts, and then it needs a runner to
            // drop it.
            debug_assert!(has_runner || s.is_started(), "not queued, not started, not finished: {s:?}");
            let ended = s.without(JOIN_WAKER | AWAITED).with(CANCEL).with_outcome(outcome);
            let ended = if has_runner { ended } else { ended.with(ACTIVE) };
            let unread = !s.has(HANDLE) && outcome.is_error();
            let wake_join = s.has(JOIN_WAKER);
            (ended, ToCancelled::Ended { wake_join, unread, submit: !has_runner, audience: s.audience() })
        } else if has_runner {
            (s.with(CANCEL), ToCancelled::Requested { submit: false })
        } else {
            (s.with(CANCEL | ACTIVE), ToCancelled::Requested { submit: true })
        }
    }

    /// [8] [9] Cancels the task, from any thread.
    ///
    /// A task that ends here has the outcome `outcome`.
    pub(crate) fn cancel(&self, kind: Kind, outcome: Outcome) -> ToCancelled {
        self.update(|s| {
            let (next, verdict) = Self::cancelled(s, kind, outcome);
            ((next != s).then_some(next), verdict)
        })
    }

    /// [10] Drops the handle.
    ///
    /// Its reference stays with the caller until the caller has acted on the answer.
    pub(crate) fn drop_handle(&self, kind: Kind, cancel: bool) -> HandleDropped {
        self.update(|s| {
            debug_assert!(s.has(HANDLE), "a task has one handle: {s:?}");
            let drop_output = s.has_output();
            // Before the end, a registered waker belongs to the handle again once the bit is cleared here.
            let drop_waker = s.has(JOIN_WAKER);
            let gone = s.without(HANDLE | JOIN_WAKER | AWAITED);
            let (next, cancelled) =
                if cancel { Self::cancelled(gone, kind, Outcome::Cancelled) } else { (gone, ToCancelled::Finished) };
            (Some(next), HandleDropped { drop_output, unread: s.is_unread(), drop_waker, cancelled })
        })
    }

    /// [11] Registers the waker in the waker cell, which the handle has filled.
    ///
    /// `awaited` is true for the waker of a task. Returns false if the task has finished: then the cell still belongs
    /// to the handle.
    #[must_use]
    pub(crate) fn set_join_waker(&self, awaited: bool) -> bool {
        let bits = if awaited { JOIN_WAKER | AWAITED } else { JOIN_WAKER };
        self.update(|s| {
            debug_assert!(s.has(HANDLE) && !s.has(JOIN_WAKER), "the cell is not the handle's: {s:?}");
            if s.is_finished() { (None, false) } else { (Some(s.with(bits)), true) }
        })
    }

    /// [12] Takes the waker cell back for the handle.
    ///
    /// Returns false if the task has finished: then the transition that ended it has the cell.
    #[must_use]
    pub(crate) fn unset_join_waker(&self) -> bool {
        self.update(|s| if s.is_finished() { (None, false) } else { (Some(s.without(JOIN_WAKER | AWAITED)), true) })
    }

    /// [13] Changes the priority.
    ///
    /// Returns true if the task is active. Then it may be in the queue of its old priority, or about to enter it, and
    /// the owner of the queue must be notified. One word has both facts: a later transition that queues the task finds
    /// the new priority in the word that it changes.
    #[must_use]
    pub(crate) fn set_priority(&self, priority: Priority) -> bool {
        self.update(|s| {
            let next = s.with_priority(priority);
            if s.is_closed() || next == s { (None, false) } else { (Some(next), s.has(ACTIVE)) }
        })
    }

    /// [14] Records that the handle takes the error of an end from outside.
    ///
    /// The status does not change.
    pub(crate) fn take_end(&self) {
        self.update(|s| {
            debug_assert!(s.has(HANDLE), "only the handle takes: {s:?}");
            let taken = match s.outcome() {
                Some(Outcome::Cancelled | Outcome::Gone) => CANCELLED_TAKEN,
                Some(Outcome::TimedOut) => TIMED_OUT_TAKEN,
                Some(Outcome::Done | Outcome::Error) | None => unreachable!("not an end from outside: {s:?}"),
            };
            (Some(Snapshot(s.0 & !OUTCOME | taken)), ())
        });
    }

    /// [15] Records that the handle returns the error by reference.
    ///
    /// For a task that ended with an error. Relaxed: [10] reads it, which the owners of a shared handle order after all
    /// their own reads. A read-modify-write, since other threads count references in the same word.
    #[cold]
    pub(crate) fn mark_read(&self) {
        self.0.fetch_or(READ, Ordering::Relaxed);
    }

    /// Adds a reference.
    ///
    /// Relaxed: a new reference comes from a live one, which keeps the cell allocated (as in `Arc`).
    pub(crate) fn add_ref(&self) {
        let before = Snapshot(self.0.fetch_add(REF, Ordering::Relaxed));
        if before.refs() >= MAX_REFS {
            std::process::abort();
        }
    }

    /// Removes a reference and returns true if it was the last.
    ///
    /// AcqRel: all uses of the cell happen before it is freed.
    #[must_use]
    pub(crate) fn drop_ref(&self) -> bool {
        let before = Snapshot(self.0.fetch_sub(REF, Ordering::AcqRel));
        debug_assert!(before.refs() > 0, "reference count underflow");
        before.refs() == 1
    }
}
