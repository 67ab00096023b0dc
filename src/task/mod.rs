//! Tasks: one heap cell each, a state word that says who may touch what, and the handles over it.
//!
//! # How a task lives
//! A cell holds a header (state word, function table, queue link, join waker, identity, origin), the owner (who queues the
//! task when it is woken) and the *stage*: the body while the task lives, then the output. The memory of one that is freed
//! is kept for the next, up to a bound (`raw/store.rs`). Three kinds of counted
//! pointers reach it: the handle ([`JoinRef`](raw::JoinRef), at most one), wakers, and [`TaskRef`](raw::TaskRef)s. The body
//! counts as well: one reference is there from [1] until the runner that closed the body has done what was to be done
//! ([`Over`](raw::Over)). The [`Runnable`](raw::Runnable) (the right to run it, at most one) and the owner list
//! ([`Members`](raw::Members)) go by that one: there is neither of them without the body.
//!
//! ```text
//!              [1] new
//!                |
//!                v           [2] to_running                [6] close
//!            +--------+  ------------------->  +---------+ ----------> +--------+
//!            | QUEUED |                        | RUNNING |             | CLOSED |
//!            +--------+  <-------------------  +---------+             +--------+
//!                ^         [5] woken meanwhile     |  [4] cancelled meanwhile: drop, then [6]
//!                |                                 |
//!                | [7] wake  [9] cancel            | [3] to_idle
//!                |             +------+            |
//!                +-------------| IDLE | <----------+
//!                              +------+
//! ```
//! - [7] A wake of a sleeping task makes it active and queues it. A wake of a queued or running task only sets WOKEN: the
//!   next poll clears it ([2]), or the runner queues the task again ([5]). A wake by the very poll that is on stays with the
//!   thread that polls, and leads to [5] without a write to the word.
//! - [8] Cancelling a task that has not started, or a closure that runs, ends it on the spot (its outcome is set). A
//!   runner still drops the body, or lets the closure run out and drops what it returns. A closure that sleeps between
//!   two tries is ended in the same way, and queued for the drop of its body.
//! - [9] Cancelling a started future asks its runner to drop it, and queues it for that purpose if it sleeps.
//! - [10] Dropping the handle is [8] or [9] plus giving up the output. Detaching gives up the output alone.
//! - [11] [12] The handle registers and takes back its join waker.
//! - [14] The handle takes the error of a task that was ended from outside, and notes that in the outcome.
//! - [13] Anyone with a reference changes the level. The level is read when the task is queued; if it is active, its
//!   owner is told, and moves it should it stand in the queue of another level.
//! - [14] The handle takes the error of an end from outside.
//! - [15] The handle returns an error by reference.
//!
//! # Unread errors
//! An error counts as read once the handle has returned it: by reference ([15]), or by moving it out ([14], or out of the
//! stage). An error that was not read is reported to the owner once, by whichever comes second: the end of the task ([6], or
//! [8] for a time limit), or the end of the handle ([10]). So it does not matter who holds the handle, and nobody above this
//! module reports errors. A cancelled task has no error to report.
//!
//! # The state word
//! | bits | meaning | set by | cleared by |
//! |---|---|---|---|
//! | ACTIVE | a `Runnable` exists, or one runner has the body | [1] [7] [8] [9] | [3] [6] |
//! | WOKEN | woken since the runner last looked | [7] | [2] [6] |
//! | STARTED | the body was polled | [2] | never |
//! | CANCEL | the body is to be dropped | [8] [9] [10] | never |
//! | CLOSED | the body is gone | [6] | never |
//! | HANDLE | a `JoinRef` exists | [1] | [10] |
//! | JOIN_WAKER | the waker cell is full and belongs to the end | [11] | [6] [8] [10] [12] |
//! | READ | the handle returned the error by reference | [15] | never |
//! | AWAITED | that waker is a task's, which awaits this one | [11] | with JOIN_WAKER |
//! | outcome | how the task ended, 0 while it has not; and whether an end from outside was taken | [6] [8] [14] | never |
//! | priority | the level of the ready queue | [1] [13] | [13] |
//! | references | counted pointers alive, and the body | | |
//!
//! | valid combination | meaning |
//! |---|---|
//! | ACTIVE | in a queue, or being polled |
//! | ACTIVE + WOKEN | the same, and woken meanwhile |
//! | neither, no CLOSED | idle |
//! | CLOSED | over; neither ACTIVE nor WOKEN, outcome set |
//! | outcome without CLOSED | ended from outside, body still to be dropped |
//! | READ | outcome `Error` or `TimedOut` |
//!
//! # Who may touch what
//! - **Body**: whoever took the `Runnable` from a queue and so made [2]. It is polled and dropped in place, never moved (a closure moves itself out).
//! - **Output** (outcomes `Done` and `Error` only): the runner from the drop of the body to [6]; then the handle, if
//!   HANDLE was set at [6], else the runner, which drops it. The handle drops it when it goes.
//! - **Join waker**: the handle while JOIN_WAKER is clear and the task is not over; the transition that ends the task
//!   ([6] or [8]) takes it over by clearing JOIN_WAKER in the same step that sets the outcome. Whoever takes the waker out
//!   leaves the cell empty: nothing is dropped with the header.
//! - **Queue link**: whoever holds the `Runnable`; a `Runnable` in the inbox belongs to the inbox.
//! - **Owner, identity, origin, function table**: anyone with a reference; they never change.
//!
//! # What holds for every task
//! - The body is dropped by a runner, on the executor's own thread; only a task that is refused before its executor has
//!   taken it in is ended by whoever brought it (who may have polled it once, if it was started eagerly). The last reference, which a waker on any thread may hold, frees bytes only.
//! - Progress and output are written before [6], which releases; a look at the state acquires. So whoever sees a
//!   task over sees all it reported and its result.
//! - A composed task (`compose`) is a task whose body awaits others. It runs where the first of those does ([`Follow`]), and
//!   a cancellation reaches the others at once.
//! - Polling, queueing and listing leave the reference count alone: the waker of a poll borrows the body's reference.
//! - A panic of the body, of its destructor, of the output's destructor, of a hook or of the join waker is caught
//!   where it happens, and the transition is completed.

pub(crate) mod raw;

mod any;
mod attempts;
mod cancel_handle;
mod compose;
mod handle;
mod id;
mod info;
mod inline;
mod over;
mod priority;
mod priority_picker;
mod promise;
mod retry_state;
mod schedule;
mod share;
mod spec;
mod status;
mod stopwatch;
mod task_meta;
mod view;

pub use any::AnyTask;
pub use cancel_handle::CancelHandle;
pub use compose::{join_all, race};
pub use handle::Task;
pub use id::TaskId;
pub use info::TaskInfo;
pub use priority::Priority;
pub(crate) use priority_picker::{LEVELS, PriorityPicker};
pub(crate) use promise::make as make_promise;
pub use promise::{Completer, promise};
pub(crate) use retry_state::RetryState;
pub(crate) use schedule::{Follow, Follower, Schedule};
pub use share::{IntoSharedResult, SharedResult, SharedTask, SharedValue};
pub(crate) use spec::Spec;
pub use status::Status;
pub(crate) use stopwatch::{Stopwatch, TimeSource};
pub(crate) use task_meta::{EndHook, TaskMeta};
pub use view::{AsView, View};
