//! The process-wide runtime: started on first use, ended by [`shutdown`].

use super::builder::Builder;
use super::context;
use super::handle::{Handle, Runtime};
use super::shutdown::ShutdownReport;
use crate::error::{BuildError, InstallError};
use crate::sync::Arc;
use crate::sync::plain::Mutex;
use crate::time::driver::{self, Driver};
use crate::util::catch::drop_quietly;
use std::time::Duration;

/// The lock is held while the runtime starts, so that a race starts only one. It is never held while user code runs.
static PROCESS: Mutex<Process> = Mutex::new(Process { runtime: None, dependents: Vec::new() });

struct Process {
    runtime: Option<Runtime>,
    /// Functions that `shutdown` calls: each drops one [`ProcessWide`] value.
    dependents: Vec<fn()>,
}

/// Returns the process-wide runtime, and starts it on first use.
///
/// Use it in programs with one runtime. Futures polled outside of any runtime use it too. A library that leaves the
/// choice to its user takes a [`Handle`]. The runtime runs until [`shutdown`] or the end of the process.
///
/// # Errors
/// Those of [`Runtime::new`], if it had to be started. The next call tries again.
///
/// # Example
/// ```
/// let mut task = offtick::runtime()?.spawn(async { 1 });
/// assert_eq!(task.wait()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn runtime() -> Result<Handle, BuildError> {
    let mut process = PROCESS.lock();
    let runtime = match &mut process.runtime {
        Some(runtime) => runtime,
        none => none.insert(Runtime::new()?),
    };
    Ok(runtime.handle().clone())
}

/// Shuts the process-wide runtime down and waits for it, at most for `patience`.
///
/// The process-wide manager and scheduler are dropped, with their jobs and results. Unfinished tasks end with
/// [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone), as [`Runtime::shutdown`] documents. The next use of a free
/// function starts afresh, with the default options unless [`Builder::install`] comes first. Without a process-wide
/// runtime there is nothing to do, and the report is clean.
///
/// A library that can be unloaded calls this before it is: after a clean report no thread of the crate runs for it.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let task = offtick::spawn(std::future::pending::<()>());
/// assert!(offtick::shutdown(Duration::from_secs(5)).is_clean());
/// assert!(task.is_done());
/// assert_eq!(offtick::spawn(async { 1 }).wait()?, 1);
/// # Ok::<(), offtick::TaskError>(())
/// ```
pub fn shutdown(patience: Duration) -> ShutdownReport {
    let (runtime, dependents) = {
        let mut process = PROCESS.lock();
        (process.runtime.take(), std::mem::take(&mut process.dependents))
    };
    for forget in dependents {
        forget();
    }
    match runtime {
        Some(runtime) => runtime.shutdown(patience),
        None => ShutdownReport::clean(),
    }
}

impl Builder {
    /// Starts the process-wide runtime with these options, before its first use.
    ///
    /// The free functions ([`spawn`](crate::spawn()), [`run`](crate::run()) ...) use it from then on, as does
    /// everything that is polled outside of a runtime.
    ///
    /// # Errors
    /// [`InstallError::InUse`] after the first use, and after another `install`, until a [`shutdown`].
    /// [`InstallError::Build`] with the errors of [`build`](Self::build). In both cases nothing has changed.
    ///
    /// # Example
    /// ```
    /// use offtick::{Builder, InstallError};
    /// let handle = Builder::new().thread_name("work").install()?;
    /// let mut name = offtick::spawn(async { std::thread::current().name().map(str::to_owned) });
    /// assert_eq!(name.wait()?.as_deref(), Some("work"));
    /// assert!(matches!(Builder::new().install(), Err(InstallError::InUse)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn install(self) -> Result<Handle, InstallError> {
        if PROCESS.lock().runtime.is_some() {
            return Err(InstallError::InUse);
        }
        // Built under no lock: if it fails, the hooks are dropped, which is user code.
        let runtime = self.build()?;
        let handle = runtime.handle().clone();
        let mut process = PROCESS.lock();
        if process.runtime.is_some() {
            drop(process);
            drop(runtime);
            return Err(InstallError::InUse);
        }
        process.runtime = Some(runtime);
        Ok(handle)
    }
}

/// A value that exists once per process-wide runtime.
///
/// It is created on first use and dropped by [`shutdown`].
pub(crate) struct ProcessWide<T>(Mutex<Option<(Handle, T)>>);

impl<T: Clone> ProcessWide<T> {
    pub(crate) const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// Returns the value that belongs to `handle`'s runtime.
    ///
    /// `make` creates it if there is none. `forget` clears this value.
    pub(crate) fn get(&self, handle: &Handle, make: impl FnOnce(&Handle) -> T, forget: fn()) -> T {
        let (value, replaced) = {
            let mut place = self.0.lock();
            match &*place {
                Some((owner, value)) if owner.is_same(handle) => return value.clone(),
                _ => {}
            }
            let value = make(handle);
            (value.clone(), place.replace((handle.clone(), value)))
        };
        drop_quietly(replaced);
        let mut process = PROCESS.lock();
        if process.runtime.as_ref().is_some_and(|runtime| runtime.handle().is_same(handle)) {
            process.dependents.push(forget);
        } else {
            // A shutdown came in between: nothing would clear the value later.
            drop(process);
            forget();
        }
        value
    }

    /// Drops the value, under no lock.
    pub(crate) fn clear(&self) {
        let value = self.0.lock().take();
        drop_quietly(value);
    }
}

impl Handle {
    /// Returns the runtime whose task this thread currently polls.
    ///
    /// `None` outside of tasks and in blocking closures.
    ///
    /// Use it in libraries that spawn from inside a future. Programs should pass a handle.
    ///
    /// # Example
    /// ```
    /// use offtick::Handle;
    /// let rt = offtick::Runtime::new()?;
    /// let mut task = rt.spawn(async {
    ///     let handle = Handle::current()?;
    ///     handle.spawn_blocking(|| 7).await.ok()
    /// });
    /// assert_eq!(task.wait()?, Some(7));
    /// assert!(Handle::current().is_none());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn current() -> Option<Self> {
        context::with_polled_for(Arc::clone).map(Self::new)
    }
}

/// Returns the runtime for which this thread polls, else the default one.
///
/// # Errors
/// The default one could not be started.
pub(crate) fn any_handle() -> Result<Handle, BuildError> {
    match Handle::current() {
        Some(handle) => Ok(handle),
        None => runtime(),
    }
}

/// Returns the timers of the polled task: its own, or those of its runtime.
pub(crate) fn current_driver() -> Option<Arc<Driver>> {
    context::timers()
}

/// Returns the tick timers of the runtime for which this thread polls, if any.
pub(crate) fn current_frames() -> Option<Arc<Driver>> {
    context::with_polled_for(|shared| shared.frames.clone()).flatten()
}

/// Returns the timers of the runtime for which this thread polls.
///
/// Else those of the default one; if that cannot be started, timers without a runtime.
pub(crate) fn any_driver() -> Arc<Driver> {
    current_driver().unwrap_or_else(|| any_handle().map_or_else(|_| driver::orphan(), |handle| handle.driver()))
}
