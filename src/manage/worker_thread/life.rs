//! One life of the thread, from a start to its end.

use super::builder::Plan;
use super::error::ThreadError;
use super::thread_bound;
use crate::error::{Panic, TaskError};
use crate::manage::limited::StopReport;
use crate::manage::pool::{PoolHandle, TaskPool};
use crate::runtime::{Builder, Runtime};
use crate::sync::{Arc, Mutex};
use crate::util::catch::{catch, drop_quietly, guarded};
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};
use std::time::Duration;

/// How long a stop waits for the thread when the time to drain is up, or was none.
pub(super) const GRACE: Duration = Duration::from_millis(200);

/// How a [`WorkerThread`](super::WorkerThread) stopped.
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
#[derive(Debug)]
#[non_exhaustive]
pub struct ThreadReport {
    /// The tasks that were left when the time was up. They were cancelled.
    pub tasks: StopReport,
    /// The thread is gone. False if a task, or the tear-down, still held it: it ends when that lets go.
    pub thread_ended: bool,
    /// Threads that were still in a closure of the pool's that may block; see
    /// [`ShutdownReport::blocking_left`](crate::ShutdownReport::blocking_left).
    pub blocking_left: usize,
    /// What the tear-down panicked with.
    pub tear_down: Option<TaskError>,
}

impl ThreadReport {
    /// True if every task came to its end, the tear-down was well and no thread is left.
    pub fn is_clean(&self) -> bool {
        self.tasks.is_clean() && self.thread_ended && self.blocking_left == 0 && self.tear_down.is_none()
    }

    pub(super) fn of_nothing() -> Self {
        Self { tasks: StopReport::default(), thread_ended: true, blocking_left: 0, tear_down: None }
    }
}

/// A word that one thread says and another one waits for.
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

    /// For one at a time.
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

/// A thread with its tasks.
pub(super) struct Life {
    /// Before the runtime: its members are cancelled first.
    pool: TaskPool,
    runtime: Runtime,
    ended: Arc<Word<Option<TaskError>>>,
}

/// A thread in its set-up.
pub(super) struct Birth {
    life: Life,
    set_up: Arc<Word<Result<(), TaskError>>>,
}

impl Life {
    /// Starts the thread, which begins with the set-up.
    pub(super) fn begin<C: 'static>(plan: &Plan<C>) -> Result<Birth, ThreadError> {
        let (begun, ended) = (Word::new(), Word::new());
        let (set_up, tear_down, id) = (Arc::clone(&plan.set_up), Arc::clone(&plan.tear_down), plan.id);
        let (told, last) = (Arc::clone(&begun), Arc::clone(&ended));
        let enter = move || -> Box<dyn FnOnce()> {
            let outcome = match catch(|| set_up()) {
                Ok(Ok(value)) => {
                    thread_bound::keep(id, value);
                    Ok(())
                }
                Ok(Err(error)) => Err(TaskError::from_error(error)),
                Err(payload) => Err(panicked(payload)),
            };
            told.say(outcome);
            Box::new(move || {
                let end = || thread_bound::end::<C>(id).map(|value| tear_down(value));
                last.say(catch(end).err().map(panicked));
            })
        };
        let builder = (plan.configure)(Builder::new().thread_name(plan.name.clone()));
        let runtime = builder.around(Box::new(enter)).build()?;
        let pool = TaskPool::with_settings(runtime.handle(), plan.settings);
        Ok(Birth { life: Self { pool, runtime, ended }, set_up: begun })
    }

    pub(super) fn pool(&self) -> PoolHandle {
        self.pool.handle().clone()
    }

    pub(super) fn drained(&self) -> impl Future<Output = ()> + Send + use<> {
        self.pool.join()
    }

    /// The time to drain is up: cancels what is left, and tells the thread to end. It says so when its tear-down is through.
    pub(super) fn end(&self) -> (StopReport, Arc<Word<Option<TaskError>>>) {
        let left = self.pool.members().report();
        self.pool.cancel_all();
        self.runtime.handle().shared().begin_closing();
        (left, Arc::clone(&self.ended))
    }

    /// The last word of the thread was heard, or there was no more time for it. `grace` is for what waits for no future:
    /// the end of the thread itself, which has no user code to run but destructors, and closures on threads for blocking work.
    pub(super) fn bury(self, tasks: StopReport, word: Option<Option<TaskError>>, grace: Duration) -> ThreadReport {
        let Self { pool, runtime, .. } = self;
        drop(pool);
        let report = runtime.shutdown(if word.is_some() { grace } else { Duration::ZERO });
        ThreadReport {
            tasks,
            thread_ended: report.reactor_stopped,
            blocking_left: report.blocking_left,
            tear_down: word.flatten(),
        }
    }
}

impl Birth {
    /// Waits for the set-up. If that fails, so does this, and the thread is gone.
    pub(super) async fn grow_up(self) -> Result<Life, ThreadError> {
        match self.set_up.heard().await {
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

fn panicked(payload: Box<dyn std::any::Any + Send>) -> TaskError {
    TaskError::Panicked(Panic::new(payload))
}
