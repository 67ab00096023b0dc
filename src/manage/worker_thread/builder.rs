//! The options of a [`WorkerThread`].

use super::front::WorkerThread;
use super::thread_bound;
use crate::error::{BoxError, IntoBoxError, InvalidSetting};
use crate::manage::pool::{QueueLimit, Settings};
use crate::runtime::Builder;
use crate::sync::Arc;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

/// The options of a [`WorkerThread`]; [`WorkerThread::builder`] creates them.
///
/// The thread can be started many times: its hooks are called at each start and each end.
///
/// # Example
/// ```
/// use offtick::{BoxError, WorkerThread};
/// use std::time::Duration;
/// let pool = WorkerThread::builder("serial-port")
///     .size(1)
///     .timeout(Duration::from_secs(5))
///     .set_up(|| Ok::<_, BoxError>(Vec::<u8>::new()))
///     .tear_down(|sent| println!("{} bytes sent", sent.len()))
///     .build()?;
/// pool.start_blocking()?;
/// assert_eq!(pool.call(|port| { port.extend(b"AT"); port.len() })?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct WorkerThreadBuilder<C = ()> {
    plan: Plan<C>,
}

/// A future that stays on the thread.
pub(super) type OnThread<T> = Pin<Box<dyn Future<Output = T>>>;

/// The function that creates the value of the thread.
pub(super) enum SetUp<C> {
    Closure(Arc<dyn Fn() -> Result<C, BoxError> + Send + Sync>),
    Future(Arc<dyn Fn() -> OnThread<Result<C, BoxError>> + Send + Sync>),
}

/// The function that takes the value of the thread.
pub(super) enum TearDown<C> {
    Closure(Arc<dyn Fn(C) + Send + Sync>),
    Future(Arc<dyn Fn(C) -> OnThread<()> + Send + Sync>),
}

type Configure = Arc<dyn Fn(Builder) -> Builder + Send + Sync>;

/// The options of every run of the thread.
pub(super) struct Plan<C> {
    pub(super) id: u64,
    pub(super) name: String,
    pub(super) settings: Settings,
    pub(super) set_up: SetUp<C>,
    pub(super) tear_down: TearDown<C>,
    pub(super) configure: Configure,
}

impl WorkerThreadBuilder<()> {
    pub(super) fn new(name: String) -> Self {
        let plan = Plan {
            id: thread_bound::next_pool(),
            name,
            settings: Settings::default(),
            set_up: SetUp::Closure(Arc::new(|| Ok(()))),
            tear_down: TearDown::Closure(Arc::new(drop)),
            configure: Arc::new(|builder| builder),
        };
        Self { plan }
    }
}

impl<C: 'static> WorkerThreadBuilder<C> {
    /// Sets the largest number of concurrent tasks, at least 1.
    ///
    /// Default: [`unlimited`](Self::unlimited).
    ///
    /// They share one thread. See [`TaskPool::new`](crate::TaskPool::new).
    pub fn size(mut self, size: usize) -> Self {
        self.plan.settings.size = Some(size);
        self
    }

    /// Lets any number of tasks run at once.
    pub fn unlimited(mut self) -> Self {
        self.plan.settings.size = None;
        self
    }

    /// Sets the largest number of waiting tasks, at least 1.
    ///
    /// See [`TaskPoolBuilder::queue_limit`](crate::TaskPoolBuilder::queue_limit).
    pub fn queue_limit(mut self, most: usize) -> Self {
        self.plan.settings.queue = QueueLimit::AtMost(most);
        self
    }

    /// Lets no task wait; see [`TaskPoolBuilder::no_queue`](crate::TaskPoolBuilder::no_queue).
    pub fn no_queue(mut self) -> Self {
        self.plan.settings.queue = QueueLimit::NoQueue;
        self
    }

    /// Sets the time limit of each task; see [`TaskPoolBuilder::timeout`](crate::TaskPoolBuilder::timeout).
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.plan.settings.timeout = Some(limit);
        self
    }

    /// Changes the options of the runtime: its clock, its hooks.
    ///
    /// The name of the thread is already set.
    pub fn runtime(mut self, configure: impl Fn(Builder) -> Builder + Send + Sync + 'static) -> Self {
        self.plan.configure = Arc::new(configure);
        self
    }

    /// Sets the closure that creates the value on the thread, at each start.
    ///
    /// It is called before the first task, and the value stays on the thread until its end. It may block, and its
    /// result need not be `Send`. [`set_up_async`](Self::set_up_async) awaits.
    ///
    /// If it fails or panics, the start fails with that error, and no thread is left. It discards a tear-down that was
    /// set before: the tear-down belongs to a value of this set-up.
    pub fn set_up<D, E>(self, set_up: impl Fn() -> Result<D, E> + Send + Sync + 'static) -> WorkerThreadBuilder<D>
    where
        D: 'static,
        E: IntoBoxError,
    {
        self.making(SetUp::Closure(Arc::new(move || set_up().map_err(Into::into))))
    }

    /// Sets a future that creates the value: for a connection that is awaited.
    ///
    /// It uses the sockets and timers of this thread.
    ///
    /// Otherwise it is like [`set_up`](Self::set_up). [`start`](WorkerThread::start) waits for it; dropping that drops
    /// this future.
    ///
    /// # Example
    /// ```
    /// use offtick::WorkerThread;
    /// use offtick::time::sleep;
    /// use std::time::Duration;
    /// async fn connect() -> std::io::Result<std::rc::Rc<str>> {
    ///     sleep(Duration::from_millis(1)).await; // a TcpStream::connect, a greeting
    ///     Ok("session 7".into())
    /// }
    /// let link = WorkerThread::builder("link")
    ///     .set_up_async(connect)
    ///     .tear_down_async(async |session| {
    ///         sleep(Duration::from_millis(1)).await; // a goodbye
    ///         drop(session);
    ///     })
    ///     .build()?;
    /// link.start_blocking()?;
    /// assert_eq!(link.call(|session| session.len())?, 9);
    /// assert!(link.stop_blocking(None)?.is_clean());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_up_async<D, E>(
        self,
        set_up: impl AsyncFn() -> Result<D, E> + Send + Sync + 'static,
    ) -> WorkerThreadBuilder<D>
    where
        D: 'static,
        E: IntoBoxError,
    {
        let set_up = Arc::new(set_up);
        self.making(SetUp::Future(Arc::new(move || {
            let set_up = Arc::clone(&set_up);
            Box::pin(async move { set_up().await.map_err(Into::into) })
        })))
    }

    fn making<D: 'static>(self, set_up: SetUp<D>) -> WorkerThreadBuilder<D> {
        let Plan { id, name, settings, configure, .. } = self.plan;
        let tear_down = TearDown::Closure(Arc::new(drop));
        WorkerThreadBuilder { plan: Plan { id, name, settings, set_up, tear_down, configure } }
    }

    /// Sets a closure that takes the value, after the last future was dropped.
    ///
    /// Default: the value is dropped there.
    ///
    /// The report of [`stop`](WorkerThread::stop) has its panic.
    pub fn tear_down(mut self, tear_down: impl Fn(C) + Send + Sync + 'static) -> Self {
        self.plan.tear_down = TearDown::Closure(Arc::new(tear_down));
        self
    }

    /// Sets a future that takes the value: to close a connection properly.
    ///
    /// It uses the sockets and timers of this thread.
    ///
    /// It runs at a [`stop`](WorkerThread::stop), once every task has ended and every future of the pool was dropped; the thread
    /// ends after it. A stop with a limit, and the drop of the [`WorkerThread`], give it 200 ms and then drop it where it waits.
    /// A drop on a thread that drives a runtime gives it no time. If the thread ends otherwise, the value is dropped there.
    ///
    /// The report of the stop has its panic.
    pub fn tear_down_async(mut self, tear_down: impl AsyncFn(C) + Send + Sync + 'static) -> Self {
        let tear_down = Arc::new(tear_down);
        self.plan.tear_down = TearDown::Future(Arc::new(move |value| {
            let tear_down = Arc::clone(&tear_down);
            Box::pin(async move { tear_down(value).await })
        }));
        self
    }

    /// Creates the pool. It has no thread before it is [started](WorkerThread::start).
    ///
    /// # Errors
    /// [`InvalidSetting`] for a size, a queue limit or a timeout of zero, and for a name with a null character.
    pub fn build(self) -> Result<WorkerThread<C>, InvalidSetting> {
        self.plan.settings.check()?;
        if self.plan.name.contains('\0') {
            let given = format!("{:?}", self.plan.name);
            return Err(InvalidSetting::new("name", given, "text without a null character"));
        }
        Ok(WorkerThread::of(self.plan))
    }
}

impl<C> fmt::Debug for WorkerThreadBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkerThreadBuilder")
            .field("name", &self.plan.name)
            .field("settings", &self.plan.settings)
            .finish_non_exhaustive()
    }
}
