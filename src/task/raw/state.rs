//! The state word: every fact that two threads may disagree about, in one atomic.
//!
//! Only this file reads or writes the bits. The diagram, the table of valid combinations and the rules that each
//! transition upholds stand in [`crate::task`]; the numbers in brackets below are those of the diagram.

use crate::sync::atomic::{AtomicU64, Ordering};
use crate::task::Priority;
use std::fmt;

/// Woken since its runner last looked.
const WOKEN: u64 = 1;
/// A `Runnable` exists, or a runner polls the body or tears it down.
const ACTIVE: u64 = 1 << 1;
/// The body was polled at least once.
const STARTED: u64 = 1 << 2;
/// A started future is to be dropped by its runner.
const CANCEL: u64 = 1 << 3;
/// The body is gone from the cell.
const CLOSED: u64 = 1 << 4;
/// The handle exists: it, and not the runner, drops the output.
const HANDLE: u64 = 1 << 5;
/// The waker cell is full and belongs to whoever ends the task.
const JOIN_WAKER: u64 = 1 << 6;
/// Three bits: how the task ended, 0 while it has not. An end from outside is marked here once its error was taken.
const OUTCOME: u64 = 0b111 << OUTCOME_SHIFT;
const OUTCOME_SHIFT: u32 = 7;
/// The outcome of a task whose body returned a value.
const DONE: u64 = (Outcome::Done as u64) << OUTCOME_SHIFT;
/// The outcome of a task that was cancelled, or whose runtime shut down, after its error was taken.
const CANCELLED_TAKEN: u64 = 6 << OUTCOME_SHIFT;
/// The outcome of a task that was ended by its time limit, after its error was taken.
const TIMED_OUT_TAKEN: u64 = 7 << OUTCOME_SHIFT;
/// The registered waker is that of a task, which awaits this one. Set and cleared with JOIN_WAKER.
const AWAITED: u64 = 1 << 10;
/// Two bits: the level of the executor's queue, 0 for the usual one.
const PRIORITY: u64 = 0b11 << PRIORITY_SHIFT;
const PRIORITY_SHIFT: u32 = 11;
/// The handle has returned the error by reference: it is not unhandled. Only on tasks that ended with an error.
const READ: u64 = 1 << 13;
/// One reference to the cell. The count has the other 50 bits, on every target: handles and wakers that fill them do not fit
/// into any memory.
const REF: u64 = 1 << REF_SHIFT;
const REF_SHIFT: u32 = 14;
/// Above this many references the process aborts: a wrapped count would free a cell in use. Only a loop that leaks them, for
/// months, gets here.
const MAX_REFS: u64 = u64::MAX >> (REF_SHIFT + 1);

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The output cell holds `Ok`.
    Done = 1,
    /// The output cell holds `Err`.
    Error = 2,
    /// Cancelled; nothing is stored.
    Cancelled = 3,
    /// Its runtime went away; nothing is stored.
    Gone = 4,
    /// Ended by its time limit from outside the body; the error stands in the task's details.
    TimedOut = 5,
}

impl Outcome {
    /// True if the output cell holds a value.
    pub(crate) fn has_output(self) -> bool {
        matches!(self, Self::Done | Self::Error)
    }

    /// True for an error that someone should read. A cancelled task is none, nor one whose runtime was shut down.
    pub(crate) fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::TimedOut)
    }
}

/// What the body is: the rules of cancellation differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Polled many times; cancelled by dropping it between two polls.
    Future,
    /// Runs to its end, once or (with a retry) several times with sleep in between; cancelled by ending the task around
    /// it.
    Closure,
}

/// The party that can see the steps of a task: the update flag is for what a host can see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The handle is gone, or the task was made quiet.
    Nobody,
    /// Another task awaits it: a host sees what comes of that.
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

    /// True if the task was ended from outside and the handle has taken that error.
    pub(crate) fn is_end_taken(self) -> bool {
        self.0 & OUTCOME >= CANCELLED_TAKEN
    }

    #[inline(always)]
    pub(crate) fn is_over(self) -> bool {
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

    /// True if the task is over and its output stands in the cell.
    #[inline(always)]
    pub(crate) fn has_output(self) -> bool {
        matches!((self.0 & OUTCOME) >> OUTCOME_SHIFT, 1 | 2)
    }

    /// True if the body returned a value. It may have been taken.
    #[inline(always)]
    pub(crate) fn is_done(self) -> bool {
        self.0 & OUTCOME == DONE
    }

    /// True if the task ended with an error that the handle has not returned yet. An output that was taken looks the same
    /// here: the stage tells.
    pub(crate) fn is_unread(self) -> bool {
        !self.has(READ) && !self.is_end_taken() && self.outcome().is_some_and(Outcome::is_error)
    }

    /// The end of a task that was cancelled, or is over already, and whose body ended with `outcome`.
    #[cold]
    fn close_cancelled(self, outcome: Outcome, panicked: bool) -> (Self, Outcome) {
        if let Some(earlier) = self.outcome() {
            return (self, earlier);
        }
        let outcome = if !panicked && outcome.has_output() { Outcome::Cancelled } else { outcome };
        (self.with_outcome(outcome), outcome)
    }

    /// True while a waker is registered. Before the end only the handle sets and clears the bit, so that the handle can
    /// rely on its absence in a look that shows no end.
    pub(crate) fn has_join_waker(self) -> bool {
        self.has(JOIN_WAKER)
    }

    /// Who can see the task, as far as this word knows.
    #[inline(always)]
    pub(crate) fn audience(self) -> Audience {
        if self.0 & (HANDLE | AWAITED) == HANDLE { Audience::Host } else { self.audience_slow() }
    }

    #[cold]
    fn audience_slow(self) -> Audience {
        if self.has(HANDLE) { Audience::Task } else { Audience::Nobody }
    }

    /// True if the task is over for good and the caller's reference is the last: nobody is left to make another.
    pub(crate) fn is_last(self) -> bool {
        self.is_closed() && self.refs() == 1
    }

    /// As [`is_last`](Self::is_last), for a task whose body returned a value.
    #[inline(always)]
    pub(crate) fn is_last_of_done(self) -> bool {
        self.0 & (CLOSED | OUTCOME | u64::MAX << REF_SHIFT) == CLOSED | DONE | REF
    }

    /// True while the task sleeps: neither queued nor running nor over.
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

    /// The handle has one reference.
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
        debug_assert!(!self.is_over(), "an outcome never changes");
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

/// What the runner does with a task it took from a queue.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToRunning {
    /// Poll the body.
    Poll,
    /// Drop the body: the task was cancelled while it waited.
    Drop,
}

/// What the runner does after a poll that returned `Pending`.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToIdle {
    /// Nothing: the task sleeps. Whoever wakes it may run it, and end it, before the runner looks again.
    Idle,
    /// Queue it again: it was woken while it ran.
    Again,
    /// Drop the body: it was cancelled while it ran.
    Drop,
}

/// The answer of [`State::close`]: the previous word says what is left to do.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct Closed {
    before: Snapshot,
    /// How the task ended.
    pub(crate) outcome: Outcome,
    /// The runner wrote an output.
    written: bool,
}

impl Closed {
    /// True for the usual end: the handle exists, no task awaits this one, and it was not cancelled. Only the owner is to be
    /// notified.
    #[inline(always)]
    pub(crate) fn is_plain(&self) -> bool {
        self.before.0 & (OUTCOME | CANCEL | HANDLE | JOIN_WAKER | AWAITED) == HANDLE
    }

    /// True if the task ended here, and not by an earlier cancellation: the runner notifies the owner.
    pub(crate) fn ended(&self) -> bool {
        !self.before.is_over()
    }

    /// True if the runner owns the output that it wrote, and drops it: the handle is gone, or the task ended otherwise.
    pub(crate) fn drop_output(&self) -> bool {
        self.written && !(self.ended() && self.outcome.has_output() && self.before.has(HANDLE))
    }

    /// True if the runner owns a registered join waker: it takes and wakes it.
    pub(crate) fn wake_join(&self) -> bool {
        self.ended() && self.before.has(JOIN_WAKER)
    }

    /// True if the task ended with an error and the handle was gone: the runner reports it.
    pub(crate) fn unread(&self) -> bool {
        self.ended() && !self.before.has(HANDLE) && self.outcome.is_error()
    }

    /// The party that could see the task.
    pub(crate) fn audience(&self) -> Audience {
        self.before.audience()
    }
}

/// What a wake-up leads to.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToScheduled {
    /// Nothing: queued already, running (its runner will queue it), or over.
    Nothing,
    /// Queue it: the caller makes the one `Runnable`.
    Submit,
}

/// What a cancellation leads to.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum ToCancelled {
    /// Nothing: the task was over.
    Over,
    /// The task is over now; its runner drops the body. With `wake_join` the caller owns the registered waker, with
    /// `submit` it makes the one `Runnable` and queues it.
    Ended {
        /// Take the join waker and wake it.
        wake_join: bool,
        /// The task ended with an error, and the handle was gone: report it.
        unread: bool,
        /// Queue the task: it slept, so it had no runner.
        submit: bool,
        /// Who can see the end.
        audience: Audience,
    },
    /// The runner will drop the body; with `submit` the caller makes the one `Runnable` and queues it, so that
    /// the body is dropped on its own thread.
    Requested {
        /// Queue the task.
        submit: bool,
    },
}

/// What is left to do after the handle is gone.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct HandleDropped {
    /// The output belongs to the handle: drop it.
    pub(crate) drop_output: bool,
    /// The task had ended with an error that was not read: report it.
    pub(crate) unread: bool,
    /// The join waker belongs to the handle: drop it.
    pub(crate) drop_waker: bool,
    /// The cancellation that the drop stands for.
    pub(crate) cancelled: ToCancelled,
}

/// The state word.
pub(crate) struct State(AtomicU64);

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Relaxed: for people to read, nothing is concluded from it.
        Snapshot(self.0.load(Ordering::Relaxed)).fmt(f)
    }
}

impl State {
    /// [1] A new task: queued, with a handle; one reference for the body and one for the handle.
    pub(crate) fn new(priority: Priority) -> Self {
        Self(AtomicU64::new(ACTIVE | HANDLE | priority_bits(priority) | (2 * REF)))
    }

    /// Acquire: whoever sees an outcome sees the output, and all the progress reported before it. Pairs with the
    /// release half of [`State::close`].
    #[inline(always)]
    pub(crate) fn load(&self) -> Snapshot {
        Snapshot(self.0.load(Ordering::Acquire))
    }

    /// One transition: `step` maps the current word to the next one and a verdict, or to a verdict alone.
    ///
    /// AcqRel on success, so each transition sees all that was done before the ones ahead of it; Acquire where
    /// nothing changes, since the verdict is acted upon all the same.
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

    /// [2] A runner takes the task off its queue.
    ///
    /// A write only where there is something to write: the first time, and after a wake that came while the task was
    /// queued already. What those did that queued it reaches the runner by the way of the queue; a wake that this look
    /// misses is still there in [`State::to_idle`].
    #[inline(always)]
    pub(crate) fn to_running(&self) -> ToRunning {
        self.update(|s| {
            debug_assert!(s.has(ACTIVE) && !s.is_closed(), "not a queued task: {s:?}");
            let (next, verdict) = if s.is_cancel_requested() || s.is_over() {
                (s.without(WOKEN), ToRunning::Drop)
            } else {
                (s.without(WOKEN).with(STARTED), ToRunning::Poll)
            };
            ((next != s).then_some(next), verdict)
        })
    }

    /// [3] [4] [5] The body returned `Pending`; `woken` says that it was woken meanwhile, which this word does not know
    /// of.
    ///
    /// [5] is a look, not a write: the task goes back to the queue as it is, WOKEN and all. Only the way to sleep is a
    /// write, and it fails at a wake that this look missed.
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

    /// [6] The body is gone and, for `Done` and `Error`, the output stands in the cell. The runner keeps the body's
    /// reference until it has done what the answer says.
    ///
    /// A cancellation that came during the last poll wins over `Done` and over a returned error; a panic wins over a
    /// cancellation (`panicked`), so that it is never lost.
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

    /// [7] A wake-up, from anywhere.
    ///
    /// A task that was woken already still gets a release write: what the waker's thread wrote before must be
    /// visible to the poll that is to come, which acquires in [`State::to_running`].
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
        if s.is_over() {
            return (s, ToCancelled::Over);
        }
        let has_runner = s.has(ACTIVE);
        if !s.is_started() || kind == Kind::Closure {
            // A task begins in a queue; but a closure may sleep between two tries, and needs a runner to drop it then.
            debug_assert!(has_runner || s.is_started(), "not queued, not started, not over: {s:?}");
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

    /// [8] [9] A cancellation, from anywhere. `outcome` is what an end brought about right here is called.
    pub(crate) fn cancel(&self, kind: Kind, outcome: Outcome) -> ToCancelled {
        self.update(|s| {
            let (next, verdict) = Self::cancelled(s, kind, outcome);
            ((next != s).then_some(next), verdict)
        })
    }

    /// [10] The handle goes. Its reference stays with the caller until the answer is acted upon.
    pub(crate) fn drop_handle(&self, kind: Kind, cancel: bool) -> HandleDropped {
        self.update(|s| {
            debug_assert!(s.has(HANDLE), "a task has one handle: {s:?}");
            let drop_output = s.has_output();
            // Before the end, a registered waker belongs to the handle again once the bit is cleared here.
            let drop_waker = s.has(JOIN_WAKER);
            let gone = s.without(HANDLE | JOIN_WAKER | AWAITED);
            let (next, cancelled) =
                if cancel { Self::cancelled(gone, kind, Outcome::Cancelled) } else { (gone, ToCancelled::Over) };
            (Some(next), HandleDropped { drop_output, unread: s.is_unread(), drop_waker, cancelled })
        })
    }

    /// [11] The handle has filled the waker cell, with the waker of a task if it is `awaited`. False: the task is over, and
    /// the cell is still the handle's.
    #[must_use]
    pub(crate) fn set_join_waker(&self, awaited: bool) -> bool {
        let bits = if awaited { JOIN_WAKER | AWAITED } else { JOIN_WAKER };
        self.update(|s| {
            debug_assert!(s.has(HANDLE) && !s.has(JOIN_WAKER), "the cell is not the handle's: {s:?}");
            if s.is_over() { (None, false) } else { (Some(s.with(bits)), true) }
        })
    }

    /// [12] The handle wants the waker cell back. False: the task is over, and whoever ended it has the cell.
    #[must_use]
    pub(crate) fn unset_join_waker(&self) -> bool {
        self.update(|s| if s.is_over() { (None, false) } else { (Some(s.without(JOIN_WAKER | AWAITED)), true) })
    }

    /// [13] Another level. True if the task is active, and so may stand in, or be on its way to, the queue of the level that
    /// it had: whoever keeps the queue is to be told.
    ///
    /// One word says both: a transition that queues the task later on finds the new level in the word it changes.
    #[must_use]
    pub(crate) fn set_priority(&self, priority: Priority) -> bool {
        self.update(|s| {
            let next = s.with_priority(priority);
            if s.is_closed() || next == s { (None, false) } else { (Some(next), s.has(ACTIVE)) }
        })
    }

    /// [14] The handle takes the error of an end from outside: notes that it did. The status stays what it is.
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

    /// [15] The handle returns the error by reference. For a task that ended with an error.
    ///
    /// Relaxed: it is read in [10], which the owners of a shared handle order after all their own reads. A read-modify-write,
    /// since others count references in the same word.
    #[cold]
    pub(crate) fn mark_read(&self) {
        self.0.fetch_or(READ, Ordering::Relaxed);
    }

    /// Relaxed: a new reference is made from a live one, which keeps the cell alive (as in `Arc`).
    pub(crate) fn add_ref(&self) {
        let before = Snapshot(self.0.fetch_add(REF, Ordering::Relaxed));
        if before.refs() >= MAX_REFS {
            std::process::abort();
        }
    }

    /// True if this was the last reference. AcqRel: all uses of the cell happen before it is freed.
    #[must_use]
    pub(crate) fn drop_ref(&self) -> bool {
        let before = Snapshot(self.0.fetch_sub(REF, Ordering::AcqRel));
        debug_assert!(before.refs() > 0, "reference count underflow");
        before.refs() == 1
    }
}
