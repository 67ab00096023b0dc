//! The view of one executor's ready queue.

use super::END;
use super::error::{NoExecutor, NotReady, OutOfRange};
use crate::runtime::{self, Local, LocalHandle, LocalRuntime};
use crate::task::raw::{FutureBody, TaskRef, Value};
use crate::task::{AnyTask, CancelHandle, Spec, Task, TaskId};
use crate::util::methods::methods;
use crate::util::slab::Key;
use std::fmt;
use std::panic::Location;
use std::rc::Rc;

/// Returns the ready queue of the executor that runs the calling task.
///
/// # Errors
/// [`NoExecutor`] outside of tasks: then the calling thread drives no executor.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.spawn(async { offtick::queue::current().map(|queue| queue.len()) });
/// assert_eq!(task.wait()?, Ok(0)); // the task itself runs, and nothing else is ready
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn current() -> Result<ReadyQueue, NoExecutor> {
    runtime::current().map(ReadyQueue::over).ok_or(NoExecutor(()))
}

methods! {
impl LocalHandle, LocalRuntime {
    /// Returns the ready queue of this runtime, for the host and its tasks.
    ///
    /// Use it in a host that controls the order of its tasks between two ticks: it moves tasks ahead that concern the
    /// screen, or takes out those that must not run. Inside a task of the runtime this is [`current`]. After the
    /// runtime is dropped the queue stays empty.
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, LocalRuntime};
    /// let rt = LocalRuntime::new()?;
    /// let tasks = [rt.spawn(async {}), rt.spawn(async {}), rt.spawn(async {})];
    /// let queue = rt.ready_queue();
    /// assert_eq!((queue.len(), queue.find(&tasks[2])), (3, Some(2)));
    /// queue.reinsert(&tasks[2], 0)?;
    /// let held = queue.remove(&tasks[0])?; // 2 1
    /// rt.tick(Budget::polls(1))?;
    /// assert!(tasks[2].is_done());
    /// rt.run_until_stalled()?;
    /// assert!(!tasks[0].is_done());
    /// drop(held); // at the end again
    /// rt.run_until_stalled()?;
    /// assert!(tasks[0].is_done());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn ready_queue(&self) -> ReadyQueue {
        let local = self.local_handle().local();
        // Tasks that the host has spawned since the last tick are accepted now, with that age.
        local.take_in(local.shared.driver.clock().nanos());
        ReadyQueue::over(Rc::clone(local))
    }
}
}

/// The ready queue of one executor: its tasks, their order, and methods to change it.
///
/// Comes from [`current`], and for a runtime without a thread also from [`LocalHandle::ready_queue`]. It belongs to the
/// executor's thread and cannot leave it; a future that keeps it across an `await` is not `Send`. The running task is
/// not in the queue. Tasks that other threads woke or spawned before a call count. The module defines
/// [positions](super#positions).
///
/// No method runs user code, and none waits. A search and a move take time proportional to the length of the queue.
///
/// # Example
/// ```
/// use offtick::queue::{self, NotReady};
/// use std::sync::{Arc, Mutex};
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// let log = Arc::new(Mutex::new(Vec::new()));
/// let seen = Arc::clone(&log);
/// rt.spawn(async move {
///     let other = |n: u32| {
///         let log = Arc::clone(&log);
///         handle.spawn(async move { log.lock().unwrap().push(n) })
///     };
///     let (one, two, three) = (other(1), other(2), other(3));
///     {
///         let queue = queue::current()?;
///         assert_eq!((queue.len(), queue.find(&two)), (3, Some(1)));
///         queue.reinsert(&three, 0)?; // 3 1 2
///         queue.rotate(-1); // 1 2 3
///         let popped = queue.pop(0)?; // 2 3
///         let _ = queue.insert(1, popped); // 2 1 3
///     }
///     for task in [one, two, three] {
///         task.await?;
///     }
///     Ok::<_, offtick::BoxError>(())
/// })
/// .wait()?
/// .expect("the positions are right");
/// assert_eq!(*seen.lock().unwrap(), [2, 1, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct ReadyQueue {
    local: Rc<Local>,
}

impl ReadyQueue {
    pub(crate) fn over(local: Rc<Local>) -> Self {
        Self { local }
    }

    /// Returns the executor, after it has accepted the tasks that other threads queued.
    fn arrived(&self) -> &Local {
        self.local.core.drain(&self.local.shared.inbox);
        &self.local
    }

    /// Returns the number of ready tasks.
    pub fn len(&self) -> usize {
        self.arrived().core.ready_len()
    }

    /// Returns true if no task is ready.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the position of a task, counted from 0, or `None` if it is not ready.
    pub fn find(&self, task: &impl AnyTask) -> Option<usize> {
        self.arrived().core.position(task.task_ref())
    }

    /// Takes out the task at a position.
    ///
    /// It does not run until it is [put back](Self::insert). Dropping the returned value puts it at the end.
    ///
    /// # Errors
    /// [`OutOfRange`]: there is no task at that position.
    pub fn pop(&self, position: isize) -> Result<Popped, OutOfRange> {
        let core = &self.arrived().core;
        let popped = core.take_out(position);
        popped.map(|popped| self.popped(popped)).ok_or_else(|| OutOfRange { position, len: core.ready_len() })
    }

    /// Takes out a task; see [`pop`](Self::pop).
    ///
    /// # Errors
    /// [`NotReady`]: it is not in this queue.
    pub fn remove(&self, task: &impl AnyTask) -> Result<Popped, NotReady> {
        let core = &self.arrived().core;
        let position = core.position(task.task_ref()).ok_or(NotReady)?;
        core.take_out(position as isize).map(|popped| self.popped(popped)).ok_or(NotReady)
    }

    fn popped(&self, (key, task): (Key, TaskRef)) -> Popped {
        Popped { local: Rc::clone(&self.local), key: Some(key), task: CancelHandle::new(task) }
    }

    /// Puts a task back at a position.
    ///
    /// # Errors
    /// Returns the task if it was taken out of another executor's queue.
    pub fn insert(&self, position: isize, popped: Popped) -> Result<(), Popped> {
        if !Rc::ptr_eq(&self.local, &popped.local) {
            return Err(popped);
        }
        self.arrived();
        popped.put_back(position);
        Ok(())
    }

    /// Moves a ready task to a position, counted without it.
    ///
    /// # Errors
    /// [`NotReady`]: it is not in this queue.
    pub fn reinsert(&self, task: &impl AnyTask, position: isize) -> Result<(), NotReady> {
        if self.arrived().core.reinsert(task.task_ref(), position) { Ok(()) } else { Err(NotReady) }
    }

    /// Moves the last task to a position, counted without it.
    ///
    /// The last task is the one that was just spawned or woken.
    ///
    /// # Errors
    /// [`OutOfRange`]: no task is ready.
    pub fn reinsert_last(&self, position: isize) -> Result<(), OutOfRange> {
        let moved = self.arrived().core.reinsert_from(-1, position);
        if moved { Ok(()) } else { Err(OutOfRange { position: -1, len: 0 }) }
    }

    /// Rotates the queue by a number of positions.
    ///
    /// By 1 the last task becomes the next to run, by -1 the next to run becomes the last. With several priorities each
    /// level rotates separately.
    pub fn rotate(&self, by: isize) {
        self.arrived().core.rotate(by);
    }

    /// Calls `call` at that position of the queue.
    ///
    /// The call is a small task of its own, with the caller's priority.
    ///
    /// It stays on this thread, so neither it nor its output needs to be `Send`. Dropping the handle before it runs
    /// cancels the call. A panic in it ends that task alone.
    ///
    /// # Example
    /// ```
    /// use offtick::queue;
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.spawn(async {
    ///     let call = queue::current().expect("inside a task").call_at(0, || 6 * 7);
    ///     call.await
    /// });
    /// assert_eq!(task.wait()??, 42);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[track_caller]
    pub fn call_at<F, T>(&self, position: isize, call: F) -> Task<T>
    where
        F: FnOnce() -> T + 'static,
        T: 'static,
    {
        let spec = Spec::of_level(self.local.core.running_level(), Location::caller());
        let task = self.local.start_bound(FutureBody::<_, Value>::new(async move { call() }), spec);
        // Not if the runtime is closing: then the task has finished.
        self.arrived().core.reinsert(task.task_ref(), position);
        task
    }

    /// Returns the ready tasks, the next to run first.
    ///
    /// They include small internal tasks of the crate, since those have positions; cancelling them does nothing.
    pub fn runnable(&self) -> Vec<CancelHandle> {
        controls(self.arrived().core.runnable())
    }

    /// Returns the tasks that sleep until they are woken, in no order. Internal tasks are not included.
    pub fn blocked(&self) -> Vec<CancelHandle> {
        let mut blocked = self.arrived().core.blocked();
        blocked.retain(|task| !task.is_internal());
        controls(blocked)
    }
}

fn controls(tasks: Vec<TaskRef>) -> Vec<CancelHandle> {
    tasks.into_iter().map(CancelHandle::new).collect()
}

impl fmt::Debug for ReadyQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadyQueue").field("len", &self.local.core.ready_len()).finish()
    }
}

/// A task that was taken out of the ready queue.
///
/// It has no turn until it is [put back](ReadyQueue::insert).
///
/// Dropping this puts it at the end. While it is out, wakes change nothing, and a [cancellation](CancelHandle::cancel)
/// takes effect when it is back. A shutdown finds it even if this value was forgotten
/// ([`mem::forget`](std::mem::forget)).
///
/// # Example
/// ```
/// use offtick::queue;
/// let rt = offtick::Runtime::new()?;
/// let handle = rt.handle().clone();
/// let mut task = rt.spawn(async move {
///     let other = handle.spawn(async { 5 });
///     {
///         let queue = queue::current().expect("inside a task");
///         let popped = queue.remove(&other).expect("it is ready");
///         assert_eq!((popped.id(), queue.len()), (other.id(), 0));
///     } // back at the end
///     other.await
/// });
/// assert_eq!(task.wait()??, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it puts the task back at the end of the queue"]
pub struct Popped {
    local: Rc<Local>,
    /// The key, or `None` once it is back.
    key: Option<Key>,
    task: CancelHandle,
}

impl Popped {
    /// Returns the identifier of the task.
    pub fn id(&self) -> TaskId {
        self.task.id()
    }

    /// Returns a handle to check or cancel the task.
    pub fn cancel_handle(&self) -> &CancelHandle {
        &self.task
    }

    fn put_back(mut self, position: isize) {
        self.back_at(position);
    }

    fn back_at(&mut self, position: isize) {
        if let Some(key) = self.key.take() {
            self.local.core.put_back(key, position);
            self.local.made_ready();
        }
    }
}

impl Drop for Popped {
    fn drop(&mut self) {
        self.back_at(END);
    }
}

impl fmt::Debug for Popped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Popped").field(&self.task).finish()
    }
}
