//! The counted pointers to a task cell, one type per right.
//!
//! [`Runnable`] may run the task, [`JoinRef`] owns its output, and [`TaskRef`] may check and cancel it.

use super::body::{Body, Bound, Work};
use super::cell::{Cell, after_cancel};
use super::header::{Header, PollOutcome, VTable};
use super::spawn_meta::SpawnMeta;
use super::state::{Audience, Outcome, Snapshot};
use super::traced::traced;
use super::{polled, waker};
use crate::error::TaskError;
use crate::sync::HAS_THREADS;
use crate::task::{Follower, Priority, Schedule, Status, TaskId, TaskMeta};
use crate::util::catch::drop_quietly;
use std::fmt;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::panic::Location;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// Creates a task. The caller queues the runnable; the handle owns the output.
pub(crate) fn new<B, S>(body: B, owner: S, origin: SpawnMeta) -> (Runnable, JoinRef<B::Output>)
where
    B: Work,
    S: Schedule,
{
    allocate(body, owner, origin)
}

/// Creates a task whose body stays on this thread.
///
/// The body's output is created here as well. Only the handle accesses it, and the handle is `Send` if the output is. A
/// runner that has to drop the output is on this thread too.
pub(crate) fn new_bound<B, S>(body: B, owner: S, origin: SpawnMeta) -> (Runnable, JoinRef<B::Output>)
where
    B: Body + 'static,
    S: Schedule,
{
    allocate(Bound::new(body), owner, origin)
}

/// Creates a task whose pointers may move to other threads.
///
/// The body is `Send` with its output, or [`Bound`].
fn allocate<B, S>(body: B, owner: S, origin: SpawnMeta) -> (Runnable, JoinRef<B::Output>)
where
    B: Body + Send + 'static,
    S: Schedule,
{
    let (id, priority) = match origin.details() {
        Some(details) => (details.id(), details.priority()),
        None => (TaskId::next(), Priority::default()),
    };
    let body = traced(body, id, &origin, S::INTERNAL);
    let pointer = put(body, owner, |vtable| Header::new(vtable, id, priority, origin));
    (Runnable { pointer }, JoinRef { pointer, output: PhantomData })
}

/// Moves the parts to the heap.
#[inline(always)]
fn put<B, S>(body: B, owner: S, header: impl FnOnce(&'static VTable) -> Header) -> NonNull<Header>
where
    B: Body + Send + 'static,
    S: Schedule,
{
    Cell::<B, S>::allocate(header(&Cell::<B, S>::VTABLE), body, owner)
}

/// Releases one reference, and frees the cell with the last.
///
/// # Safety
/// The reference is the caller's.
pub(super) unsafe fn release(pointer: NonNull<Header>) {
    // SAFETY: alive by the caller's reference.
    let alive = unsafe { pointer.as_ref() };
    let dealloc = alive.vtable().dealloc;
    if alive.state().drop_ref() {
        // SAFETY: that was the last reference.
        unsafe { dealloc(pointer) };
    }
}

/// Releases a reference to a closed task; see [`release`].
///
/// If no other reference exists, a load suffices: then nothing is left that could create another one. The load
/// acquires, which pairs with the release of the thread that released the previous one.
///
/// # Safety
/// The reference is the caller's.
pub(super) unsafe fn release_late(pointer: NonNull<Header>) {
    // SAFETY: alive by the caller's reference.
    let alive = unsafe { pointer.as_ref() };
    if alive.state().load().is_last() {
        // SAFETY: the last reference is the caller's.
        unsafe { (alive.vtable().dealloc)(pointer) };
    } else {
        // SAFETY: the reference is the caller's.
        unsafe { release(pointer) };
    }
}

/// The right to run a task: at most one, created by the transition that set ACTIVE.
///
/// It counts no reference: while it exists the body is there, and with it the body's reference.
///
/// Dropping it without running it ends the task as [`Outcome::Gone`] and drops the body immediately.
pub(crate) struct Runnable {
    pointer: NonNull<Header>,
}

// SAFETY: cells consist of `Send` bodies and owners; a part that must stay on one thread checks that itself.
unsafe impl Send for Runnable {}

impl Runnable {
    /// # Safety
    /// The caller holds the right that ACTIVE stands for.
    pub(super) unsafe fn from_raw(pointer: NonNull<Header>) -> Self {
        Self { pointer }
    }

    pub(super) fn into_raw(self) -> NonNull<Header> {
        ManuallyDrop::new(self).pointer
    }

    pub(super) fn as_raw(&self) -> *mut Header {
        self.pointer.as_ptr()
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: alive by the body's reference.
        unsafe { self.pointer.as_ref() }
    }

    /// Polls the task once, or drops its body if it was cancelled.
    ///
    /// A cancelled task ends as `reason`, if it has no outcome yet.
    pub(crate) fn run(self, reason: Outcome) -> PollOutcome {
        let pointer = self.into_raw();
        // SAFETY: alive by the body's reference.
        let run = unsafe { pointer.as_ref() }.vtable().run;
        // SAFETY: the right that ACTIVE stands for moves to the runner.
        unsafe { run(pointer, reason) }
    }

    /// Ends the task with an error instead of running it, unless it was cancelled.
    ///
    /// Its body is dropped here.
    pub(crate) fn fail(self, error: TaskError) {
        let pointer = self.into_raw();
        // SAFETY: alive by the body's reference.
        let fail = unsafe { pointer.as_ref() }.vtable().fail;
        // SAFETY: the right that ACTIVE stands for moves to the runner.
        let _over = unsafe { fail(pointer, error, Outcome::Gone) };
    }

    /// Returns a reference.
    pub(crate) fn task(&self) -> TaskRef {
        self.header().state().add_ref();
        TaskRef { pointer: self.pointer }
    }

    /// Ends the task as [`Outcome::Gone`].
    ///
    /// A task that has not started ends immediately. Any other one ends when this is dropped, which drops its body.
    pub(crate) fn end_as_gone(&self) {
        let verdict = self.header().state().cancel(self.header().vtable().kind, Outcome::Gone);
        // SAFETY: alive by the body's reference.
        unsafe { after_cancel(self.pointer, verdict) };
    }

    /// Returns the task to its owner's queue.
    pub(crate) fn requeue(self) {
        // The owner is part of the cell, which the queue may free before the owner returns.
        let kept = self.task();
        let schedule = self.header().vtable().schedule;
        // SAFETY: alive by the reference kept.
        unsafe { schedule(kept.pointer, self) };
    }

    /// Returns true once the body was polled.
    pub(crate) fn is_started(&self) -> bool {
        self.header().state().load().is_started()
    }

    /// Returns true before the task is in an owner list.
    pub(crate) fn is_new(&self) -> bool {
        self.header().is_new()
    }

    /// Returns the priority to queue it with.
    ///
    /// It lies in the cache line that every queueing has just written.
    #[inline(always)]
    pub(crate) fn priority(&self) -> Priority {
        self.header().state().load().priority()
    }

    /// Returns true if this is the right to run `task`.
    pub(crate) fn is(&self, task: &TaskRef) -> bool {
        self.pointer == task.pointer
    }
}

impl Drop for Runnable {
    fn drop(&mut self) {
        let run = self.header().vtable().run;
        // Cancelled first, so that the runner drops the body instead of polling it.
        self.end_as_gone();
        // SAFETY: the right that ACTIVE stands for moves to the runner.
        let _over = unsafe { run(self.pointer, Outcome::Gone) };
    }
}

impl fmt::Debug for Runnable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runnable").field("id", &self.header().id()).field("state", self.header().state()).finish()
    }
}

/// The reference of a body that is dropped.
///
/// Dropping it releases the reference, after the owner list has removed the task.
pub(crate) struct Completed {
    pointer: NonNull<Header>,
}

// SAFETY: as for `TaskRef` below: a reference, and nothing else.
unsafe impl Send for Completed {}

impl Completed {
    /// # Safety
    /// The body's reference is the caller's.
    pub(super) unsafe fn from_raw(pointer: NonNull<Header>) -> Self {
        Self { pointer }
    }

    pub(super) fn as_raw(&self) -> NonNull<Header> {
        self.pointer
    }

    pub(super) fn header(&self) -> &Header {
        // SAFETY: alive by our reference.
        unsafe { self.pointer.as_ref() }
    }
}

impl Drop for Completed {
    fn drop(&mut self) {
        // SAFETY: alive by our reference, until this call says which side owns it.
        if unsafe { Header::leave(self.pointer) } {
            // SAFETY: the reference is ours.
            unsafe { release_late(self.pointer) };
        }
    }
}

impl fmt::Debug for Completed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Completed").field("id", &self.header().id()).field("state", self.header().state()).finish()
    }
}

/// A reference to a task of any type: identity, status, cancellation.
#[repr(transparent)]
pub(crate) struct TaskRef {
    pointer: NonNull<Header>,
}

// SAFETY: it accesses only the header, which consists of atomics and constants. The last reference frees bytes and an
// owner that is `Send`, never the body or the output.
unsafe impl Send for TaskRef {}
// SAFETY: as above.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// # Safety
    /// The caller's reference outlives the result.
    pub(super) unsafe fn borrowed(pointer: NonNull<Header>) -> ManuallyDrop<Self> {
        ManuallyDrop::new(Self { pointer })
    }

    fn header(&self) -> &Header {
        // SAFETY: alive by our reference.
        unsafe { self.pointer.as_ref() }
    }

    pub(crate) fn id(&self) -> TaskId {
        self.header().id()
    }

    pub(crate) fn name(&self) -> Option<&str> {
        self.header().details().and_then(|details| details.name())
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        self.header().location()
    }

    /// Returns the current attempt, counted from 1.
    pub(crate) fn attempt(&self) -> u32 {
        self.header().details().map_or(1, |details| details.attempt())
    }

    /// Returns the metadata of a task of the builder.
    pub(crate) fn details(&self) -> Option<&TaskMeta> {
        self.header().details()
    }

    /// Returns true if the task never raises the update flag.
    pub(crate) fn is_quiet(&self) -> bool {
        self.header().details().is_some_and(TaskMeta::is_quiet)
    }

    /// Returns the party that can see the task.
    pub(crate) fn audience(&self) -> Audience {
        self.header().audience()
    }

    pub(crate) fn polls(&self) -> u32 {
        self.header().polls()
    }

    /// Returns true for an internal task of the crate.
    pub(crate) fn is_internal(&self) -> bool {
        self.header().vtable().internal
    }

    #[inline(always)]
    pub(crate) fn status(&self) -> Status {
        status(self.header().state().load())
    }

    #[inline(always)]
    pub(crate) fn is_finished(&self) -> bool {
        self.header().state().load().is_finished()
    }

    /// Returns true once the body is dropped, even if the task was cancelled earlier.
    pub(crate) fn is_closed(&self) -> bool {
        self.header().state().load().is_closed()
    }

    /// Returns true if the task has finished and its closure is still running.
    ///
    /// After the end this changes at most once, to false.
    pub(crate) fn is_left_running(&self) -> bool {
        let state = self.header().state().load();
        state.is_finished() && state.is_started() && !state.is_closed()
    }

    /// Returns true while the task sleeps: neither queued nor running nor finished.
    pub(crate) fn is_idle(&self) -> bool {
        self.header().state().load().is_idle()
    }

    /// Returns true if no other reference to the task exists.
    pub(crate) fn is_last(&self) -> bool {
        self.header().state().load().is_last()
    }

    /// Returns the number of references except the handle's.
    ///
    /// It counts this one, and those of wakers and cancel handles.
    pub(crate) fn other_references(&self) -> u64 {
        self.header().state().load().references_but_handle()
    }

    pub(crate) fn priority(&self) -> Priority {
        self.header().state().load().priority()
    }

    /// Changes the priority of the task.
    pub(crate) fn set_priority(&self, priority: Priority) {
        // If this thread polls it, it is in no queue. It is queued later with the priority that the word has then.
        if self.header().state().set_priority(priority) && !polled::is(self.pointer) {
            let moved = self.header().vtable().moved;
            // SAFETY: alive by our reference.
            unsafe { moved(self.pointer) };
        }
    }

    /// Cancels the task. Returns false if it had finished.
    ///
    /// A task that ends here has the outcome `outcome`.
    pub(crate) fn cancel(&self, outcome: Outcome) -> bool {
        let verdict = self.header().state().cancel(self.header().vtable().kind, outcome);
        // SAFETY: our reference is alive during the call.
        unsafe { after_cancel(self.pointer, verdict) }
    }

    /// Raises the update flag of the task's runtime: the host left values unread.
    #[cold]
    pub(crate) fn raise_update(&self) {
        let raise = self.header().vtable().raise_update;
        // SAFETY: alive by our reference.
        unsafe { raise(self.pointer) }
    }

    /// Blocks this thread in `wait`, which returns once the task has finished, or earlier.
    ///
    /// Returns `None` if the thread must not block: it runs the task, or no thread would be left that could.
    pub(crate) fn block<R>(&self, wait: impl FnOnce() -> R) -> Option<R> {
        if !HAS_THREADS || !self.begin_wait() {
            return None;
        }
        let result = wait();
        self.end_wait();
        Some(result)
    }

    /// See [`Schedule::begin_wait`].
    pub(crate) fn begin_wait(&self) -> bool {
        let begin = self.header().vtable().begin_wait;
        // SAFETY: alive by our reference.
        unsafe { begin(self.pointer) }
    }

    /// See [`Schedule::end_wait`].
    pub(crate) fn end_wait(&self) {
        let end = self.header().vtable().end_wait;
        // SAFETY: alive by our reference.
        unsafe { end(self.pointer) };
    }

    /// Returns the owner for tasks that are composed of this one.
    pub(crate) fn follow(&self) -> Follower {
        let follow = self.header().vtable().follow;
        // SAFETY: alive by our reference.
        unsafe { follow(self.pointer) }
    }

    /// Returns true if this thread must not wait for the task.
    ///
    /// It runs the task, or the runtime that does.
    pub(crate) fn must_not_wait(&self) -> bool {
        let ask = self.header().vtable().must_not_wait;
        // SAFETY: alive by our reference.
        unsafe { ask(self.pointer) }
    }
}

impl Clone for TaskRef {
    fn clone(&self) -> Self {
        self.header().state().add_ref();
        Self { pointer: self.pointer }
    }
}

impl Drop for TaskRef {
    fn drop(&mut self) {
        // SAFETY: the reference is ours.
        unsafe { release(self.pointer) };
    }
}

impl fmt::Debug for TaskRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskRef").field("id", &self.id()).field("state", self.header().state()).finish()
    }
}

fn status(state: Snapshot) -> Status {
    match state.outcome() {
        Some(Outcome::Done) => Status::Done,
        Some(Outcome::Error | Outcome::TimedOut) => Status::Error,
        Some(Outcome::Cancelled | Outcome::Gone) => Status::Cancelled,
        None if state.is_started() => Status::Running,
        None => Status::Pending,
    }
}

/// The handle's part of a task: it owns the output. Dropping it cancels the task.
pub(crate) struct JoinRef<T> {
    pointer: NonNull<Header>,
    /// It owns a `T`, once there is one.
    output: PhantomData<Result<T, TaskError>>,
}

// SAFETY: the right to the output, a `T`, moves with the handle; the rest is as for `TaskRef`.
unsafe impl<T: Send> Send for JoinRef<T> {}
// SAFETY: a shared handle returns `&T`, and has all methods of a shared `TaskRef`.
unsafe impl<T: Send + Sync> Sync for JoinRef<T> {}

static TAKEN: TaskError = TaskError::Taken;

impl<T> JoinRef<T> {
    /// Borrows the task as its type-erased reference.
    pub(crate) fn task(&self) -> &TaskRef {
        // `TaskRef` is the same pointer, so borrowing it changes no count.
        // SAFETY: `TaskRef` is a transparent wrapper of this pointer, and our reference outlives the borrow.
        unsafe { &*std::ptr::from_ref(&self.pointer).cast::<TaskRef>() }
    }

    fn header(&self) -> &Header {
        // SAFETY: alive by our reference.
        unsafe { self.pointer.as_ref() }
    }

    fn output(&self) -> *mut Result<T, TaskError> {
        let offset = self.header().vtable().stage_offset;
        // SAFETY: the stage lies at this offset of the same allocation.
        let stage = unsafe { self.pointer.byte_add(offset) };
        stage.cast().as_ptr()
    }

    #[inline(always)]
    pub(crate) fn is_finished(&self) -> bool {
        self.header().state().load().is_finished()
    }

    /// Returns the result by reference, once there is one.
    #[inline]
    pub(crate) fn result(&self) -> Option<Result<&T, &TaskError>> {
        let state = self.header().state().load();
        if state.is_done() {
            // An error in here says that the value was taken; it does not count as read.
            // SAFETY: the outcome was published after the output was written, and while the handle exists the output
            // belongs to the handle.
            return Some(unsafe { &*self.output() }.as_ref());
        }
        if !state.is_finished() {
            return None;
        }
        self.error(state).map(Err)
    }

    /// Returns the error of a task that ended without a value, and marks it as read.
    #[cold]
    #[inline(never)]
    fn error(&self, state: Snapshot) -> Option<&TaskError> {
        let outcome = state.outcome()?;
        self.mark_read(state);
        if outcome.has_output() {
            // SAFETY: as in `result`.
            return unsafe { &*self.output() }.as_ref().err();
        }
        Some(if state.is_end_taken() { &TAKEN } else { self.header().end_error(outcome) })
    }

    /// Marks the error as read: it is about to be returned by reference.
    fn mark_read(&self, seen: Snapshot) {
        if seen.is_unread() {
            self.header().state().mark_read();
        }
    }

    /// Returns the result with a mutable value; see [`result`](Self::result).
    pub(crate) fn result_mut(&mut self) -> Option<Result<&mut T, &TaskError>> {
        let state = self.header().state().load();
        if !state.has_output() {
            return self.error(state).map(Err);
        }
        // SAFETY: as in `result`; and `&mut self` excludes other borrows.
        let output = unsafe { &mut *self.output() };
        if output.is_err() {
            self.mark_read(state);
        }
        Some(output.as_mut().map_err(|error| &*error))
    }

    /// Moves the result out, once there is one.
    ///
    /// Afterwards the result is [`TaskError::Taken`].
    pub(crate) fn take(&mut self) -> Option<Result<T, TaskError>> {
        let state = self.header().state().load();
        let outcome = state.outcome()?;
        if outcome.has_output() {
            // SAFETY: as in `result`; and `&mut self` excludes other borrows.
            let output = unsafe { &mut *self.output() };
            let taken = std::mem::replace(output, Err(TaskError::Taken));
            return if matches!(taken, Err(TaskError::Taken)) { None } else { Some(taken) };
        }
        if state.is_end_taken() {
            return None;
        }
        self.header().state().take_end();
        Some(Err(self.header().end_error(outcome).clone()))
    }

    /// Is ready once the task has finished; else registers the waker.
    pub(crate) fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let header = self.header();
        let state = header.state();
        // One load for both questions: an end between two loads would clear JOIN_WAKER for itself, not for us.
        let seen = state.load();
        if seen.is_finished() || (seen.has_join_waker() && !state.unset_join_waker()) {
            return Poll::Ready(());
        }
        // JOIN_WAKER is clear now and the task had not finished: the cell is ours, with the old waker.
        if !header.has_join_waker_like(cx.waker()) {
            drop_quietly(header.take_join_waker());
            header.put_join_waker(cx.waker().clone());
        }
        if state.set_join_waker(waker::is_of_task(cx.waker())) {
            return Poll::Pending;
        }
        drop_quietly(header.take_join_waker());
        Poll::Ready(())
    }

    /// Drops the waker of an earlier poll.
    ///
    /// That may be user code, so it comes before a lock under which the next waker is registered.
    #[cfg(feature = "toolkit")]
    pub(crate) fn drop_waker(&mut self) {
        let header = self.header();
        let state = header.state();
        if state.load().has_join_waker() && state.unset_join_waker() {
            drop_quietly(header.take_join_waker());
        }
    }

    /// Drops the handle and lets the task run.
    pub(crate) fn detach(self) {
        ManuallyDrop::new(self).give_up(false);
    }

    #[inline(always)]
    fn give_up(&mut self, cancel: bool) {
        let now = self.header().state().load();
        // The usual end of a task that finished: no other party is involved, so two read-modify-writes are saved. The
        // load acquires, which pairs with the release of the thread that released the previous reference.
        if now.is_last_of_done() && !std::mem::needs_drop::<T>() {
            let dealloc = self.header().vtable().dealloc;
            // SAFETY: the last reference is ours, and released once: `self` is not used again. A value without a
            // destructor, or the mark of a taken one, needs no drop.
            // the mark of one that was taken, needs no drop.
            unsafe { dealloc(self.pointer) };
            return;
        }
        self.give_up_slow(now, cancel);
    }

    #[inline(never)]
    fn give_up_slow(&mut self, now: Snapshot, cancel: bool) {
        let header = self.header();
        let vtable = header.vtable();
        if now.is_last() {
            // As above, with an output to drop or an error to report.
            // SAFETY: the task has finished, and our reference is alive.
            unsafe { self.drop_end(now.has_output(), now.is_unread()) };
            // Loaded again: the hooks for an error or a panic of the output may keep a reference.
            // SAFETY: our reference, released once: `self` is not used again.
            unsafe { release_late(self.pointer) };
            return;
        }
        if let Some(details) = header.details() {
            details.hide();
        }
        let dropped = header.state().drop_handle(vtable.kind, cancel);
        let waker = if dropped.drop_waker { header.take_join_waker() } else { None };
        // Before all user code, as `after_cancel` explains; dropping a waker is user code.
        // SAFETY: our reference is released only after this call.
        unsafe { after_cancel(self.pointer, dropped.cancelled) };
        drop_quietly(waker);
        // SAFETY: our reference is released only after this call.
        unsafe { self.drop_end(dropped.drop_output, dropped.unread) };
        // SAFETY: our reference, released once: `self` is not used again.
        unsafe { release(self.pointer) };
    }

    /// Drops the output, if there is one, and reports an unread error.
    ///
    /// # Safety
    /// Our reference is alive. With `has_output` the task has finished with an output, which belongs to the handle and
    /// is not used again.
    #[inline]
    unsafe fn drop_end(&self, has_output: bool, unread: bool) {
        if has_output {
            // SAFETY: by contract.
            unsafe { (self.header().vtable().drop_output)(self.pointer, unread) };
        } else if unread {
            // SAFETY: by contract.
            unsafe { (self.header().vtable().report_end)(self.pointer) };
        }
    }
}

impl<T> Drop for JoinRef<T> {
    fn drop(&mut self) {
        self.give_up(true);
    }
}

impl<T> fmt::Debug for JoinRef<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.task().fmt(f)
    }
}
