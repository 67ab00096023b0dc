//! Tasks: one heap cell each, with a state word that controls access, and their handles.
//!
//! # How a task lives
//! A cell holds a header (state word, function table, queue link, join waker, identity, origin), the owner (which
//! queues the task when it is woken) and the *stage*: the body until it is closed, then the output. The memory of a
//! freed cell is reused for the next one, up to a limit (`raw/store.rs`).
//!
//! Three kinds of counted pointers refer to a cell: the handle ([`JoinRef`](raw::JoinRef), at most one), wakers, and
//! [`TaskRef`](raw::TaskRef)s. The body counts as well: it has one reference from [1] until the runner that closed the
//! body has finished its work ([`Completed`](raw::Completed)). The [`Runnable`](raw::Runnable) (the right to run the
//! task, at most one) and the owner list ([`OwnedTasks`](raw::OwnedTasks)) use the body's reference: neither exists
//! without the body.
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
//! - [7] A wake of a sleeping task makes it active and queues it. A wake of a queued or running task only sets WOKEN:
//!   the next poll clears it ([2]), or the runner queues the task again ([5]). A wake from inside the task's own
//!   current poll stays on the polling thread, and leads to [5] without a write to the word.
//! - [8] Cancelling a task that has not started, or a running closure, ends it immediately (its outcome is set). A
//!   runner still drops the body, or lets the closure finish and drops what it returns. A closure that sleeps between
//!   two attempts is ended in the same way, and queued so that its body is dropped.
//! - [9] Cancelling a started future requests its runner to drop it. If it sleeps, it is queued for that.
//! - [10] Dropping the handle is [8] or [9], and releases the output. Detaching only releases the output.
//! - [11] [12] The handle registers and takes back its join waker.
//! - [13] Any holder of a reference changes the priority. The priority is read when the task is queued. If the task is
//!   active, its owner is notified, and moves the task if it is in the queue of another priority.
//! - [14] The handle takes the error of a task that was ended from outside, and records that in the outcome.
//! - [15] The handle returns an error by reference.
//!
//! # Unread errors
//! An error counts as read once the handle has returned it: by reference ([15]), or by moving it out ([14], or out of
//! the stage). An unread error is reported to the owner once, by the later of two events: the end of the task ([6], or
//! [8] for a time limit), and the end of the handle ([10]). So it does not matter which code holds the handle, and
//! nothing above this module reports errors. A cancelled task has no error to report.
//!
//! # The state word
//! | bits | meaning | set by | cleared by |
//! |---|---|---|---|
//! | ACTIVE | a `Runnable` exists, or one runner has the body | [1] [7] [8] [9] | [3] [6] |
//! | WOKEN | woken since the runner last checked | [7] | [2] [6] |
//! | STARTED | the body was polled | [2] | never |
//! | CANCEL | the body is to be dropped | [8] [9] [10] | never |
//! | CLOSED | the body is dropped | [6] | never |
//! | HANDLE | a `JoinRef` exists | [1] | [10] |
//! | JOIN_WAKER | the waker cell is full and belongs to the transition that ends the task | [11] | [6] [8] [10] [12] |
//! | READ | the handle returned the error by reference | [15] | never |
//! | AWAITED | that waker belongs to a task, which awaits this one | [11] | with JOIN_WAKER |
//! | outcome | how the task ended, 0 until then; and whether the error of an end from outside was taken | [6] [8] [14] | never |
//! | priority | the priority in the ready queue | [1] [13] | [13] |
//! | references | counted pointers alive, and the body | | |
//!
//! | valid combination | meaning |
//! |---|---|
//! | ACTIVE | in a queue, or being polled |
//! | ACTIVE + WOKEN | the same, and woken since |
//! | neither, no CLOSED | idle |
//! | CLOSED | finished; neither ACTIVE nor WOKEN, outcome set |
//! | outcome without CLOSED | ended from outside, body not yet dropped |
//! | READ | outcome `Error` or `TimedOut` |
//!
//! # Who may touch what
//! - **Body**: the thread that took the `Runnable` from a queue and made transition [2]. It polls and drops the body in
//!   place, and never moves it (a closure moves itself out).
//! - **Output** (outcomes `Done` and `Error` only): the runner, from the drop of the body to [6]. Then the handle, if
//!   HANDLE was set at [6]; else the runner, which drops it. The handle drops the output when it is dropped.
//! - **Join waker**: the handle, while JOIN_WAKER is clear and the task has not finished. The transition that ends the
//!   task ([6] or [8]) takes it over: it clears JOIN_WAKER in the same step that sets the outcome. Taking the waker out
//!   empties the cell, so the header has no waker to drop.
//! - **Queue link**: the holder of the `Runnable`. A `Runnable` in the inbox belongs to the inbox.
//! - **Owner, identity, origin, function table**: any holder of a reference. They never change.
//!
//! # Invariants of every task
//! - A runner drops the body, on the executor's own thread. There is one exception: a task that is refused before its
//!   executor has accepted it is ended by the thread that submitted it (which may have polled it once, if it was
//!   started eagerly). The last reference, which a waker on any thread may hold, frees only bytes.
//! - Progress and output are written before [6], which releases; reading the state acquires. So a thread that sees a
//!   task finished sees all of its progress and its result.
//! - A composed task (`compose`) is a task whose body awaits others. It runs on the runtime of the first of them
//!   ([`Follow`]), and its cancellation reaches the others immediately.
//! - Polling, queueing and listing do not change the reference count: the waker of a poll borrows the body's reference.
//! - A panic of the body, of its destructor, of the output's destructor, of a hook or of the join waker is caught where
//!   it happens, and the transition still completes.

pub(crate) mod raw;

mod already_finished;
mod any;
mod attempts;
mod cancel_handle;
mod compose;
mod handle;
mod id;
mod info;
mod inline;
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
