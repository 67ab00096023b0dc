//! The task cell: one allocation for a task's header, owner, and body or output.

use super::body::Body;
use super::handles::{Completed, Runnable, TaskRef};
use super::header::{Header, PollOutcome, VTable};
use super::state::{Audience, Closed, Kind, Outcome, ToCancelled, ToIdle, ToRunning};
use super::{nested_outputs, polled, store, waker};
use crate::error::{Panic, TaskError};
use crate::sync::UnsafeCell;
use crate::task::{Follower, Schedule};
use crate::util::catch::{catch, drop_quietly, guarded};
use std::any::Any;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::ptr::NonNull;
use std::task::{Context, Poll};

/// Has `repr(C)`, so that a pointer to the cell is a pointer to its header.
#[repr(C)]
pub(super) struct Cell<B: Body, S> {
    header: Header,
    owner: S,
    stage: UnsafeCell<Stage<B>>,
}

/// The body until it is closed, then the output if the outcome has one.
///
/// The state word says which one it holds.
#[repr(C)]
union Stage<B: Body> {
    body: ManuallyDrop<B>,
    output: ManuallyDrop<Result<B::Output, TaskError>>,
}

impl<B: Body, S: Schedule> Cell<B, S> {
    pub(super) const VTABLE: VTable = VTable {
        kind: B::KIND,
        internal: S::INTERNAL,
        stage_offset: std::mem::offset_of!(Self, stage),
        run: run::<B, S>,
        fail: fail::<B, S>,
        schedule: schedule::<B, S>,
        ended: ended::<B, S>,
        must_not_wait: must_not_wait::<B, S>,
        begin_wait: begin_wait::<B, S>,
        end_wait: end_wait::<B, S>,
        moved: moved::<B, S>,
        raise_update: raise_update::<B, S>,
        follow: follow::<B, S>,
        drop_output: drop_output::<B, S>,
        report_end: report_end::<B, S>,
        dealloc: dealloc::<B, S>,
    };

    /// Moves a task to the heap.
    pub(super) fn allocate(header: Header, body: B, owner: S) -> NonNull<Header> {
        let stage = UnsafeCell::new(Stage { body: ManuallyDrop::new(body) });
        let cell = store::get::<Self>();
        // SAFETY: it is memory for a cell, and nothing else uses it.
        unsafe { cell.write(Self { header, owner, stage }) };
        cell.cast()
    }
}

/// Polls or tears down a task that was taken from a queue.
///
/// # Safety
/// `header` is a cell of `B` and `S`, and the caller holds the right that ACTIVE stands for.
unsafe fn run<B: Body, S: Schedule>(header: NonNull<Header>, reason: Outcome) -> PollOutcome {
    // SAFETY: the body is there, and so is its reference, until `finish` gives it away.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    let state = cell.header.state();
    if state.to_running() == ToRunning::Drop {
        // SAFETY: ACTIVE is ours and the body is there.
        return unsafe { finish::<B, S>(header, None, false, reason) };
    }
    if B::KIND == Kind::Closure {
        // SAFETY: the body's reference outlives the borrow.
        let task = unsafe { TaskRef::borrowed(header) };
        if !cell.owner.starts(&task) {
            // SAFETY: ACTIVE is ours and the body is there.
            return unsafe { finish::<B, S>(header, None, false, Outcome::Gone) };
        }
        if cell.header.polls() == 0 {
            cell.owner.on_started(&task, cell.header.audience());
        }
    }
    cell.header.count_poll();
    // The waker borrows the body's reference: polling leaves the reference count alone.
    // SAFETY: the body's reference keeps the cell alive for the whole of the poll, and the waker is never dropped.
    let waker = ManuallyDrop::new(unsafe { waker::from_header(header) });
    let mut cx = Context::from_waker(&waker);
    let outer = polled::begin(header);
    // SAFETY: ACTIVE gives this thread the body; it has not moved since it was allocated.
    let result = catch(|| cell.stage.with_mut(|stage| unsafe { poll_body(stage, &mut cx) }));
    let woken = polled::end(outer);
    match result {
        Ok(Poll::Pending) => {
            // Only the end of a future that ends in its first poll is reported, not its start. While the task is still
            // ours.
            if B::KIND == Kind::Future && cell.header.polls() == 1 {
                // SAFETY: alive by the body's reference.
                unsafe { notify_start::<B, S>(header) };
            }
            match state.to_idle(woken) {
                ToIdle::Idle => PollOutcome::Idle,
                // SAFETY: the right that ACTIVE stands for moves to the queue.
                ToIdle::Again => PollOutcome::Again(unsafe { Runnable::from_raw(header) }),
                // SAFETY: ACTIVE is still ours and the body is there.
                ToIdle::Drop => unsafe { finish::<B, S>(header, None, false, reason) },
            }
        }
        // SAFETY: as above.
        Ok(Poll::Ready(output)) => unsafe { finish::<B, S>(header, Some(output), false, reason) },
        Err(payload) => {
            let output = Err(panicked_with(payload));
            // SAFETY: as above.
            unsafe { finish::<B, S>(header, Some(output), true, reason) }
        }
    }
}

/// Ends a task with an error instead of running it.
///
/// A cancelled task ends as `reason`, if it has no outcome yet.
///
/// # Safety
/// `header` is a cell of `B` and `S`, and the caller holds the right that ACTIVE stands for.
unsafe fn fail<B: Body, S: Schedule>(header: NonNull<Header>, error: TaskError, reason: Outcome) -> PollOutcome {
    // SAFETY: the body is there, and so is its reference: until `finish` gives it away.
    let state = unsafe { header.as_ref() }.state();
    let output = match state.to_running() {
        ToRunning::Drop => None,
        ToRunning::Poll => Some(Err(error)),
    };
    // SAFETY: ACTIVE is ours and the body is there.
    unsafe { finish::<B, S>(header, output, false, reason) }
}

/// # Safety
/// The caller has ACTIVE and the stage holds the body, pinned.
unsafe fn poll_body<B: Body>(stage: *mut Stage<B>, cx: &mut Context<'_>) -> Poll<Result<B::Output, TaskError>> {
    // SAFETY: ACTIVE gives the stage to this thread.
    let stage = unsafe { &mut *stage };
    // SAFETY: not closed, so the body is what is there.
    let body = unsafe { &mut *stage.body };
    // SAFETY: the cell is on the heap and never moves; the body is dropped in place.
    let body = unsafe { Pin::new_unchecked(body) };
    body.poll(cx)
}

/// # Safety
/// The caller has ACTIVE and the stage holds the body, which is not used again.
unsafe fn drop_body<B: Body>(stage: *mut Stage<B>) {
    // SAFETY: ACTIVE gives the stage to this thread.
    let stage = unsafe { &mut *stage };
    // SAFETY: not closed, so the body is what is there.
    let body = unsafe { &mut stage.body };
    // SAFETY: dropped in place, as its pin demands, and once.
    unsafe { ManuallyDrop::drop(body) };
}

fn panicked_with(payload: Box<dyn Any + Send>) -> TaskError {
    TaskError::Panicked(Panic::new(payload))
}

/// Ends a task: drops the body, publishes the output, and notifies waiters.
///
/// Without an output the task ends as `reason`. Returns the body's reference. `panicked` is true if the output is a
/// panic of this body, not one that it passed on.
///
/// A body that passes on that another task was cancelled or lost its runtime ends as that task did: without an output.
///
/// Each piece of user code on the way (two destructors, the hooks, the join waker) is caught separately, so that the
/// transition always completes.
///
/// # Safety
/// `header` is a cell of `B` and `S`; the caller holds the right that ACTIVE stands for, and the stage holds the body.
unsafe fn finish<B: Body, S: Schedule>(
    header: NonNull<Header>,
    mut output: Option<Result<B::Output, TaskError>>,
    mut panicked: bool,
    reason: Outcome,
) -> PollOutcome {
    // SAFETY: by contract; the body's reference keeps it alive to the end of this call.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    let state = cell.header.state();
    // SAFETY: ACTIVE gives this thread the stage; the body is there, and not used again.
    let dropped = catch(|| cell.stage.with_mut(|stage| unsafe { drop_body(stage) }));
    if let Err(payload) = dropped {
        note_drop_panic(&mut output, &mut panicked, payload);
    }
    // SAFETY: the body's reference outlives the borrow.
    let task = unsafe { TaskRef::borrowed(header) };
    if panicked {
        report_panic(cell, &task, &output);
    }
    let outcome = output.as_ref().map_or(reason, outcome_of);
    if let Some(output) = output {
        // SAFETY: ACTIVE gives this thread the stage, and its content is dropped.
        unsafe { put_output(cell, outcome, output) };
    }
    let closed = state.close(outcome, panicked);
    if closed.is_plain() {
        notify_end(cell, &task, Audience::Host);
    } else {
        // SAFETY: `closed` is the answer to the end of this task, by this thread.
        unsafe { publish_end(cell, &task, &closed) };
    }
    cell.owner.on_closed();
    // SAFETY: the body is dropped, and its reference was the runner's.
    PollOutcome::Completed(unsafe { Completed::from_raw(header) })
}

/// Records a panic of the body's destructor. The first panic is the one to report.
#[cold]
fn note_drop_panic<T>(output: &mut Option<Result<T, TaskError>>, panicked: &mut bool, payload: Box<dyn Any + Send>) {
    if *panicked {
        drop_quietly(payload);
    } else {
        *panicked = true;
        drop_quietly(output.replace(Err(panicked_with(payload))));
    }
}

/// Reports the panic in `output` to the owner.
#[cold]
fn report_panic<B: Body, S: Schedule>(
    cell: &Cell<B, S>,
    task: &TaskRef,
    output: &Option<Result<B::Output, TaskError>>,
) {
    if let Some(Err(TaskError::Panicked(panic))) = output {
        guarded(|| cell.owner.on_panic(task, panic));
    }
}

/// Moves an output to the stage if the outcome keeps it.
///
/// # Safety
/// The caller holds the right that ACTIVE stands for, and the content of the stage is dropped.
#[inline(always)]
unsafe fn put_output<B: Body, S>(cell: &Cell<B, S>, outcome: Outcome, output: Result<B::Output, TaskError>) {
    if outcome.has_output() {
        let fresh = Stage { output: ManuallyDrop::new(output) };
        // SAFETY: by contract.
        cell.stage.with_mut(|stage| unsafe { stage.write(fresh) });
    }
}

/// Drops or reports the output, wakes the join waker and notifies the owner.
///
/// `closed` says which of these are due.
///
/// # Safety
/// `closed` is the answer to the end of this task, by this thread.
#[inline(never)]
unsafe fn publish_end<B: Body, S: Schedule>(cell: &Cell<B, S>, task: &TaskRef, closed: &Closed) {
    if closed.drop_output() {
        // SAFETY: `drop_output` says that the output was written and that no handle will read it.
        let output = cell.stage.with_mut(|stage| unsafe { take_output(stage) });
        drop_output_of(cell, task, output, closed.unread());
    } else if closed.unread() {
        report(cell, task, cell.header.end_error(closed.outcome).clone());
    }
    // Before the update flag is raised: then a host checks its sets, which learn of the end by this waker.
    if closed.wake_join() {
        cell.header.wake_join();
    }
    if closed.ended() {
        notify_end(cell, task, closed.audience());
    }
}

#[inline(always)]
fn outcome_of<T>(output: &Result<T, TaskError>) -> Outcome {
    output.as_ref().map_or_else(outcome_of_error, |_| Outcome::Done)
}

#[cold]
fn outcome_of_error(error: &TaskError) -> Outcome {
    match error {
        TaskError::Cancelled => Outcome::Cancelled,
        TaskError::RuntimeGone => Outcome::Gone,
        _ => Outcome::Error,
    }
}

/// Ends a task that has no body to run, as [`finish`] ends the others.
///
/// Returns the output if the task does not take it: it was already cancelled, or its handle is dropped. (An error that
/// no handle takes goes to the owner.)
///
/// # Safety
/// As for [`finish`].
pub(super) unsafe fn fulfil<B: Body, S: Schedule>(
    header: NonNull<Header>,
    output: Result<B::Output, TaskError>,
) -> Option<Result<B::Output, TaskError>> {
    // SAFETY: by contract; the body's reference keeps it alive to the end of this call.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    // SAFETY: ACTIVE gives this thread the stage; the body is there, and not used again.
    cell.stage.with_mut(|stage| unsafe { drop_body(stage) });
    // SAFETY: the body's reference outlives the borrow.
    let task = unsafe { TaskRef::borrowed(header) };
    let outcome = outcome_of(&output);
    // SAFETY: ACTIVE gives this thread the stage, and its content is dropped.
    unsafe { put_output(cell, outcome, output) };
    let closed = cell.header.state().close(outcome, false);
    let mut refused = None;
    if closed.drop_output() {
        // SAFETY: `drop_output` says that the output was written and that no handle will read it.
        let output = cell.stage.with_mut(|stage| unsafe { take_output(stage) });
        if closed.unread() {
            drop_output_of(cell, &task, output, true);
        } else {
            refused = Some(output);
        }
    } else if closed.unread() {
        report(cell, &task, cell.header.end_error(closed.outcome).clone());
    }
    if closed.wake_join() {
        cell.header.wake_join();
    }
    if closed.ended() {
        notify_end(cell, &task, closed.audience());
    }
    // SAFETY: the body is dropped, and its reference was the caller's.
    drop(unsafe { Completed::from_raw(header) });
    refused
}

/// # Safety
/// The stage holds the output, and the caller may move it.
unsafe fn take_output<B: Body>(stage: *mut Stage<B>) -> Result<B::Output, TaskError> {
    // SAFETY: by contract nothing else accesses the stage now.
    let stage = unsafe { &mut *stage };
    // SAFETY: by contract the output is what is there.
    let output = unsafe { &mut stage.output };
    // SAFETY: by contract it is not used again.
    unsafe { ManuallyDrop::take(output) }
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call by a reference other than the body's.
unsafe fn schedule<B: Body, S: Schedule>(header: NonNull<Header>, task: Runnable) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    cell.owner.schedule(task);
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn ended<B: Body, S: Schedule>(header: NonNull<Header>, audience: Audience) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    // SAFETY: the caller's reference outlives the borrow.
    let task = unsafe { TaskRef::borrowed(header) };
    notify_end(cell, &task, audience);
}

/// Notifies the owner that the task has finished, visibly.
#[inline(always)]
fn notify_end<B: Body, S: Schedule>(cell: &Cell<B, S>, task: &TaskRef, audience: Audience) {
    let audience = match cell.header.details() {
        None => audience,
        Some(details) => {
            details.ended(|hook| guarded(|| cell.owner.on_end(task, hook)));
            details.audience_of(audience)
        }
    };
    cell.owner.on_ended(task, audience);
}

/// Notifies the owner that the task has started.
///
/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
#[cold]
#[inline(never)]
unsafe fn notify_start<B: Body, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    // SAFETY: the caller's reference outlives the borrow.
    let task = unsafe { TaskRef::borrowed(header) };
    cell.owner.on_started(&task, cell.header.audience());
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn must_not_wait<B: Body, S: Schedule>(header: NonNull<Header>) -> bool {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    cell.owner.must_not_wait(cell.header.id())
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn begin_wait<B: Body, S: Schedule>(header: NonNull<Header>) -> bool {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    // SAFETY: the caller's reference outlives the borrow.
    let task = unsafe { TaskRef::borrowed(header) };
    cell.owner.begin_wait(&task)
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn end_wait<B: Body, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    cell.owner.end_wait();
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn moved<B: Body, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    // SAFETY: the caller's reference outlives the borrow.
    let task = unsafe { TaskRef::borrowed(header) };
    cell.owner.moved(&task);
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn raise_update<B: Body, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    cell.owner.raise_update();
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn follow<B: Body, S: Schedule>(header: NonNull<Header>) -> Follower {
    // SAFETY: by contract.
    unsafe { header.cast::<Cell<B, S>>().as_ref() }.owner.follow()
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call; the output is there, and the caller may drop it.
unsafe fn drop_output<B: Body, S: Schedule>(header: NonNull<Header>, unread: bool) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    let now = || {
        // SAFETY: by contract.
        let output = cell.stage.with_mut(|stage| unsafe { take_output(stage) });
        // SAFETY: the caller's reference outlives the borrow.
        let task = unsafe { TaskRef::borrowed(header) };
        drop_output_of(cell, &task, output, unread);
    };
    // An output without a destructor holds no task. (An error may, but no chain of them.)
    if !std::mem::needs_drop::<B::Output>() {
        return now();
    }
    // SAFETY: by contract.
    unsafe { nested_outputs::drop_output(header, unread, now) };
}

/// # Safety
/// `header` is a cell of `B` and `S`, alive during the call.
unsafe fn report_end<B: Body, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: by contract.
    let cell = unsafe { header.cast::<Cell<B, S>>().as_ref() };
    let Some(outcome) = cell.header.state().load().outcome() else { return };
    // SAFETY: the caller's reference outlives the borrow.
    let task = unsafe { TaskRef::borrowed(header) };
    report(cell, &task, cell.header.end_error(outcome).clone());
}

/// Reports an unread error to the owner, and drops it if the owner returns it.
#[cold]
fn report<B: Body, S: Schedule>(cell: &Cell<B, S>, task: &TaskRef, error: TaskError) {
    match catch(|| cell.owner.on_unhandled(task, error)) {
        Ok(Some(error)) => drop_user_data(cell, task, error),
        Ok(None) => {}
        Err(payload) => drop_quietly(payload),
    }
}

/// Drops an output.
///
/// With `unread`, an error in it is reported, unless it was taken.
fn drop_output_of<B: Body, S: Schedule>(
    cell: &Cell<B, S>,
    task: &TaskRef,
    output: Result<B::Output, TaskError>,
    unread: bool,
) {
    match output {
        Err(error) if unread && !matches!(error, TaskError::Taken) => report(cell, task, error),
        output => drop_user_data(cell, task, output),
    }
}

/// Drops what the body left.
///
/// The outcome is already set, so a panic in here can only be reported to the owner.
fn drop_user_data<B: Body, S: Schedule, T>(cell: &Cell<B, S>, task: &TaskRef, left: T) {
    if let Err(payload) = catch(move || drop(left)) {
        let panic = Panic::new(payload);
        guarded(|| cell.owner.on_panic(task, &panic));
    }
}

/// Frees a cell.
///
/// Any thread may release the last reference. If the body is still there, because both its queue entry and its owner
/// were lost (which no executor of this crate does), it is leaked with the cell: it must not be dropped here, nor its
/// memory reused.
///
/// # Safety
/// `header` is a cell of `B` and `S` without references.
unsafe fn dealloc<B: Body, S: Schedule>(header: NonNull<Header>) {
    // SAFETY: by contract nothing else can reach the cell.
    let last = unsafe { header.as_ref() };
    debug_assert!(last.is_join_waker_gone(), "a waker is leaked");
    if !last.state().load().is_closed() {
        debug_assert!(false, "the last reference went before the body; the task is leaked");
        return;
    }
    let cell = header.cast::<Cell<B, S>>();
    // SAFETY: no reference is left and the cell is not used again, so it is dropped once.
    guarded(|| unsafe { cell.drop_in_place() });
    // SAFETY: it comes from `allocate`, and its content is dropped.
    unsafe { store::give_back(cell) };
}

/// Completes a cancellation after its transition.
///
/// Queues a sleeping task so that its body is dropped, wakes the join waker, and notifies the owner and the body.
///
/// # Safety
/// The caller holds a reference for the length of the call.
pub(super) unsafe fn after_cancel(header: NonNull<Header>, verdict: ToCancelled) -> bool {
    // SAFETY: by contract.
    let alive = unsafe { header.as_ref() };
    let notify_body = || {
        if let Some(details) = alive.details() {
            details.cancel();
        }
    };
    match verdict {
        ToCancelled::Finished => return false,
        ToCancelled::Requested { submit } => {
            // Before all user code: an executor that shuts down waits for a task that is marked as queued.
            if submit {
                // SAFETY: the transition set ACTIVE.
                let task = unsafe { Runnable::from_raw(header) };
                // SAFETY: alive, as above, by a reference other than the body's.
                unsafe { (alive.vtable().schedule)(header, task) };
            }
            notify_body();
        }
        ToCancelled::Ended { wake_join, unread, submit, audience } => {
            if submit {
                // SAFETY: the transition set ACTIVE.
                let task = unsafe { Runnable::from_raw(header) };
                // SAFETY: alive, as above, by a reference other than the body's.
                unsafe { (alive.vtable().schedule)(header, task) };
            }
            // First of all: the metadata forgets its waiters once it learns of the end.
            notify_body();
            // Before the update flag is raised, as in `finish`.
            if wake_join {
                alive.wake_join();
            }
            if unread {
                // SAFETY: alive, as above.
                unsafe { (alive.vtable().report_end)(header) };
            }
            // SAFETY: alive, as above.
            unsafe { (alive.vtable().ended)(header, audience) };
        }
    }
    true
}
