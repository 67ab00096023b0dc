//! The process-wide default runtime, started on first use.

use super::context;
use super::handle::{Handle, Runtime};
use crate::error::BuildError;
use crate::sync::plain::Mutex;
use crate::sync::{Arc, OnceLock};
use crate::time::driver::Driver;

static DEFAULT: OnceLock<Runtime> = OnceLock::new();
/// Held while the default runtime is started: the loser of a race must not start a second one.
static STARTING: Mutex<()> = Mutex::new(());

/// The process-wide default runtime, started on first use; it lives as long as the process.
///
/// For programs with one runtime, and for what is polled outside of any: libraries that want to choose take a
/// [`Handle`].
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
pub fn runtime() -> Result<&'static Handle, BuildError> {
    if let Some(runtime) = DEFAULT.get() {
        return Ok(runtime.handle());
    }
    let _starting = STARTING.lock();
    if let Some(runtime) = DEFAULT.get() {
        return Ok(runtime.handle());
    }
    let runtime = Runtime::new()?;
    Ok(DEFAULT.get_or_init(|| runtime).handle())
}

impl Handle {
    /// The runtime whose task this thread polls right now; `None` outside of tasks and in blocking closures.
    ///
    /// For libraries that spawn from inside a future. Programs rather pass a handle along.
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

/// The runtime for which this thread polls, else the default one.
///
/// # Errors
/// The default one could not be started.
pub(crate) fn any_handle() -> Result<Handle, BuildError> {
    match Handle::current() {
        Some(handle) => Ok(handle),
        None => runtime().cloned(),
    }
}

/// The timers of the runtime for which this thread polls.
pub(crate) fn current_driver() -> Option<Arc<Driver>> {
    context::with_polled_for(|shared| Arc::clone(&shared.driver))
}

/// The ticks of the runtime for which this thread polls, if it has any.
pub(crate) fn current_frames() -> Option<Arc<Driver>> {
    context::with_polled_for(|shared| shared.frames.clone()).flatten()
}

/// The timers of the runtime for which this thread polls, else of the default one. `None` if that cannot be started.
pub(crate) fn any_driver() -> Option<Arc<Driver>> {
    any_handle().ok().map(|handle| handle.driver())
}
