//! One life of the thread, from a start to its end.

use super::builder::{OnThread, Plan, SetUp, TearDown};
use super::error::ThreadError;
use super::thread_bound;
use crate::error::{BoxError, Panic, TaskError};
use crate::manage::limited::{Condition, StopReport, Waiter};
use crate::manage::pool::{PoolHandle, TaskPool};
use crate::runtime::{Builder, Handle, Runtime};
use crate::sync::{Arc, Mutex};
use crate::task::Task;
use crate::task::raw::{LazyBody, Value, WithTaskError};
use crate::util::catch::{catch, drop_quietly, guarded};
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};
use std::time::Duration;

/// The time that a stop gives the thread when the time to drain is up.
pub(super) const GRACE: Duration = Duration::from_millis(200);

/// The report of a [`WorkerThread`](super::WorkerThread) that stopped.
///
/// # Example
/// ```
/// let pool = offtick::WorkerThread::builder("worker").build()?;
/// pool.start_blocking()?;
/// pool.spawn(|_| async {}).detach();
/// let report = pool.stop_blocking(None)?;
/// assert!(report.is_clean() && report.tasks.is_clean() && report.thread_ended);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ThreadReport {
    /// The tasks that were left when the time was up. They were cancelled.
    pub tasks: StopReport,
    /// True if the thread has ended.
    ///
    /// False if a task, or the tear-down, still blocked it: it ends when that returns.
    pub thread_ended: bool,
    /// Threads that were still in a blocking closure of the pool.
    ///
    /// See [`ShutdownReport::blocking_left`](crate::ShutdownReport::blocking_left).
    pub blocking_left: usize,
    /// The error of the tear-down: its panic, or that it was dropped because the time was up.
    pub tear_down: Option<TaskError>,
}

impl ThreadReport {
    /// Returns true if every task and the tear-down ended well and no thread is left.
    pub fn is_clean(&self) -> bool {
        self.tasks.is_clean() && self.thread_ended && self.blocking_left == 0 && self.tear_down.is_none()
    }

    pub(super) fn of_nothing() -> Self {
        Self { tasks: StopReport::default(), thread_ended: true, blocking_left: 0, tear_down: None }
    }
}

/// A value that one thread sends and another one waits for.
pub(super) struct Word<T>(Mutex<(Option<T>, Option<Waker>)>);

impl<T> Word<T> {
    fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new((None, None))))
    }

    fn say(&self, word: T) {
        let waker = {
            let mut word_and_waker = self.0.lock();
            word_and_waker.0 = Some(word);
            word_and_waker.1.take()
        };
        if let Some(waker) = waker {
            guarded(|| waker.wake());
        }
    }

    /// Returns the value if it was sent.
    fn take(&self) -> Option<T> {
        self.0.lock().0.take()
    }

    /// Waits for the value. One waiter at a time.
    pub(super) async fn heard(&self) -> T {
        poll_fn(|cx| {
            let waker = cx.waker().clone();
            let mut word = self.0.lock();
            if let Some(word) = word.0.take() {
                return Poll::Ready(word);
            }
            let before = word.1.replace(waker);
            drop(word);
            drop_quietly(before);
            Poll::Pending
        })
        .await
    }
}

type StartTearDown = Box<dyn Fn(&Runtime) -> Task<()> + Send + Sync>;

/// A thread with its tasks.
pub(super) struct Life {
    /// Dropped before the runtime: its members are cancelled first.
    pool: TaskPool,
    runtime: Runtime,
    ended: Arc<Word<Option<TaskError>>>,
    /// The function that starts an asynchronous tear-down, when the runtime begins to end.
    tear_down: Option<StartTearDown>,
    /// The asynchronous tear-down; the thread reports its error when it ends.
    last: Arc<Mutex<Option<Task<()>>>>,
}

/// A thread in its set-up.
pub(super) struct Birth {
    life: Life,
    set_up: Begun,
}

/// A running set-up.
enum Begun {
    Closure(Arc<Word<Result<(), TaskError>>>),
    Future(Task<()>),
}

/// A guard that begins the end of a runtime.
struct ThenClose(Handle);

impl Drop for ThenClose {
    fn drop(&mut self) {
        self.0.shared().begin_closing();
    }
}

impl Life {
    /// Starts the thread, which begins with the set-up.
    pub(super) fn begin<C: 'static>(plan: &Plan<C>) -> Result<Birth, ThreadError> {
        let (id, begun, ended, last) = (plan.id, Word::new(), Word::new(), Arc::new(Mutex::new(None)));
        let enter: Box<dyn FnOnce() + Send> = match &plan.set_up {
            SetUp::Closure(set_up) => {
                let (set_up, word) = (Arc::clone(set_up), Arc::clone(&begun));
                Box::new(move || word.say(set_up_here(id, &*set_up)))
            }
            SetUp::Future(_) => Box::new(|| ()),
        };
        let closure = match &plan.tear_down {
            TearDown::Closure(tear_down) => Arc::clone(tear_down),
            TearDown::Future(_) => Arc::new(drop),
        };
        let (word, future) = (Arc::clone(&ended), Arc::clone(&last));
        let around = move || -> Box<dyn FnOnce()> {
            enter();
            Box::new(move || {
                let future: Option<Task<()>> = future.lock().take();
                let future = future.and_then(|mut future| future.take()?.err());
                let end = || thread_bound::end::<C>(id).map(|value| closure(value));
                word.say(catch(end).err().map(panicked).or(future));
            })
        };
        let builder = (plan.configure)(Builder::new().thread_name(plan.name.clone()));
        let runtime = builder.around(Box::new(around)).build()?;
        let pool = TaskPool::with_settings(runtime.handle(), plan.settings);
        let set_up = match &plan.set_up {
            SetUp::Closure(_) => Begun::Closure(begun),
            SetUp::Future(set_up) => Begun::Future(set_up_later(id, Arc::clone(set_up), &runtime)),
        };
        let tear_down = match &plan.tear_down {
            TearDown::Closure(_) => None,
            TearDown::Future(tear_down) => Some(tear_down_later(id, Arc::clone(tear_down), pool.handle().clone())),
        };
        Ok(Birth { life: Self { pool, runtime, ended, tear_down, last }, set_up })
    }

    pub(super) fn pool(&self) -> PoolHandle {
        self.pool.handle().clone()
    }

    pub(super) fn drained(&self) -> impl Future<Output = ()> + Send + use<> {
        self.pool.join()
    }

    /// Cancels the remaining tasks and ends the thread, since the time to drain is up.
    ///
    /// The thread announces when its tear-down has finished.
    pub(super) fn end(&self) -> (StopReport, Arc<Word<Option<TaskError>>>) {
        let left = self.pool.members().report();
        self.pool.cancel_all();
        match &self.tear_down {
            None => {
                self.runtime.handle().shared().begin_closing();
            }
            Some(tear_down) => {
                let before = self.last.lock().replace(tear_down(&self.runtime));
                drop(before);
            }
        }
        (left, Arc::clone(&self.ended))
    }

    /// Returns true if the tear-down needs time before the runtime may end.
    pub(super) fn has_future(&self) -> bool {
        self.tear_down.is_some()
    }

    /// Ends the runtime after the thread's tear-down.
    ///
    /// `grace` limits the waits without a future: for the end of the thread itself, which runs no user code but
    /// destructors, and for closures on threads for blocking work.
    pub(super) fn bury(self, tasks: StopReport, word: Option<Option<TaskError>>, grace: Duration) -> ThreadReport {
        let Self { pool, runtime, ended, .. } = self;
        drop(pool);
        let report = runtime.shutdown(if word.is_some() { grace } else { Duration::ZERO });
        ThreadReport {
            tasks,
            thread_ended: report.reactor_stopped,
            blocking_left: report.blocking_left,
            // A thread that ended during the shutdown tells of a tear-down that was dropped.
            tear_down: word.or_else(|| ended.take()).flatten(),
        }
    }
}

impl Birth {
    /// Waits for the set-up. If that fails, so does this, and the thread has ended.
    pub(super) async fn grow_up(self) -> Result<Life, ThreadError> {
        let set_up = match self.set_up {
            Begun::Closure(word) => word.heard().await,
            Begun::Future(task) => task.await,
        };
        match set_up {
            Ok(()) => Ok(self.life),
            Err(error) => {
                let (left, ended) = self.life.end();
                let last = ended.heard().await;
                self.life.bury(left, Some(last), Duration::MAX);
                Err(ThreadError::SetUp(error))
            }
        }
    }
}

/// Runs a synchronous set-up on the thread.
fn set_up_here<C: 'static>(id: u64, set_up: &dyn Fn() -> Result<C, BoxError>) -> Result<(), TaskError> {
    let value = catch(set_up).map_err(panicked)?.map_err(TaskError::from_error)?;
    thread_bound::keep(id, value);
    Ok(())
}

/// Runs an asynchronous set-up as a task of the thread.
fn set_up_later<C: 'static>(
    id: u64,
    set_up: Arc<dyn Fn() -> OnThread<Result<C, BoxError>> + Send + Sync>,
    runtime: &Runtime,
) -> Task<()> {
    let make = move || async move {
        thread_bound::keep(id, set_up().await.map_err(TaskError::from_error)?);
        Ok(())
    };
    runtime.handle().start_internal(LazyBody::<_, _, WithTaskError>::new(make))
}

/// Starts an asynchronous tear-down as a task of the thread.
///
/// It begins once the futures of the pool were dropped.
fn tear_down_later<C: 'static>(
    id: u64,
    tear_down: Arc<dyn Fn(C) -> OnThread<()> + Send + Sync>,
    pool: PoolHandle,
) -> StartTearDown {
    Box::new(move |runtime| {
        let (tear_down, pool, close) = (Arc::clone(&tear_down), pool.clone(), ThenClose(runtime.handle().clone()));
        let make = move || async move {
            let _close = close;
            Waiter::new(pool.members(), Condition::Ended).await;
            if let Some(value) = thread_bound::end::<C>(id) {
                tear_down(value).await;
            }
        };
        runtime.handle().start_internal(LazyBody::<_, _, Value>::new(make))
    })
}

fn panicked(payload: Box<dyn std::any::Any + Send>) -> TaskError {
    TaskError::Panicked(Panic::new(payload))
}
