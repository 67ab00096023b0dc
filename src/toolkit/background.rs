//! [`Background`]: one body that is started, cancelled and started again.

use super::body::{Body, Settings, verbs};
use super::history::History;
use crate::error::BoxError;
use crate::runtime::Handle;
use crate::spawn::TaskContext;
use crate::sync::Mutex;
use crate::task::SharedTask;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

/// One body that is started and cancelled as often as the program likes; at most one run of it counts.
///
/// For work that belongs to a screen or a connection: a heartbeat, a watch over a folder, a search that begins anew with
/// each change of its settings. It is idle until [`start`](Self::start). Dropping it cancels the run, like a guard.
///
/// An error stays with its run ([`latest`](Self::latest)). If nobody has read it when a newer run takes the place, or when the
/// `Background` is dropped, it goes to the runtime's hook [`on_unhandled_error`](crate::Builder::on_unhandled_error).
///
/// Every call may be made from any thread, also in the body itself. None waits.
///
/// # Example
/// ```
/// use offtick::toolkit::Background;
///
/// let rt = offtick::Runtime::new()?;
/// let scan = Background::on(&rt).name("scan").run_blocking(|_cx| std::fs::read_dir(".").map(Iterator::count));
/// scan.start();
/// let entries = loop {
///     // One tick.
///     if let Some(run) = scan.latest_done()
///         && let Some(Ok(entries)) = run.result()
///     {
///         break *entries;
///     }
///     std::thread::yield_now();
/// };
/// assert!(entries > 0);
/// scan.start(); // again
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[must_use = "dropping it cancels the run"]
pub struct Background<T: Send + Sync + 'static> {
    body: Body<T>,
    runs: Mutex<History<T>>,
}

/// Settings of a [`Background`]; made by [`Background::on`].
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let beat = offtick::toolkit::Background::on(&rt).name("beat").spawn(|cx| async move { cx.name().map(str::len) });
/// beat.start();
/// let run = beat.task().expect("it was started");
/// assert_eq!(run.wait().ok(), Some(&Some(4)));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Debug)]
#[must_use = "one of the verbs makes a task of it: `spawn`, `run`, `spawn_blocking`, `run_blocking`"]
pub struct BackgroundBuilder {
    settings: Settings,
}

impl BackgroundBuilder {
    /// Never raises the update flag for its runs; see [`TaskBuilder::quiet`](crate::TaskBuilder::quiet).
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// The name of each run's task, for listings and hooks.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.settings.name = Some(name.into().into_boxed_str());
        self
    }

    fn make<T>(self, body: impl FnOnce(Settings) -> Body<T>) -> Background<T>
    where
        T: Send + Sync + 'static,
    {
        Background { body: body(self.settings), runs: Mutex::new(History::new()) }
    }
}

verbs!([] BackgroundBuilder => Background<T>, "An idle background task");

impl Background<()> {
    /// Begins the description of one whose runs are tasks of `handle`.
    pub fn on(handle: &impl AsRef<Handle>) -> BackgroundBuilder {
        BackgroundBuilder { settings: Settings::new(handle.as_ref()) }
    }
}

impl<T: Send + Sync + 'static> Background<T> {
    /// Cancels the run that is under way, if there is one, and begins anew. Does not wait for the end of the old one: a
    /// future is dropped before the new run begins, a closure is told through its context and may still run beside it.
    ///
    /// If the runtime is gone, the new run is over at once, as [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone).
    pub fn start(&self) {
        self.cancel();
        let task = self.body.launch();
        let out = self.runs.lock().begin(task);
        // Of two starts at the same time, the later one cancels the other.
        out.let_go();
    }

    /// Cancels the run that is under way and forgets it: the task is idle. False if there was none.
    ///
    /// What earlier runs came to stays in [`latest`](Self::latest) and [`latest_done`](Self::latest_done).
    pub fn cancel(&self) -> bool {
        let out = self.runs.lock().forget();
        out.let_go()
    }

    /// The run of the last start, under way or over; `None` if it is idle.
    pub fn task(&self) -> Option<SharedTask<T>> {
        self.runs.lock().current()
    }

    /// True while a run is under way.
    pub fn is_running(&self) -> bool {
        self.task().is_some_and(|task| !task.is_done())
    }

    /// The newest run that is over, well or not; one that was cancelled by a start or by [`cancel`](Self::cancel) does not
    /// count.
    pub fn latest(&self) -> Option<SharedTask<T>> {
        self.runs.lock().latest()
    }

    /// The newest run that ended with a value: what a screen goes on to show while a newer run is under way or has failed.
    pub fn latest_done(&self) -> Option<SharedTask<T>> {
        self.runs.lock().latest_done()
    }
}

/// `(&background).await` waits for the run of the last start and gives it; `None` at once if there is none. A run that is
/// cancelled meanwhile is over as `Cancelled`. Dropping the future changes nothing.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let sum = offtick::toolkit::Background::on(&rt).spawn(|_cx| async { 2 + 2 });
/// let mut task = rt.spawn(async move {
///     assert!((&sum).await.is_none(), "idle");
///     sum.start();
///     let run = (&sum).await.expect("it was started");
///     run.result().and_then(Result::ok).copied()
/// });
/// assert_eq!(task.wait()?, Some(4));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<'a, T: Send + Sync + 'static> IntoFuture for &'a Background<T> {
    type Output = Option<SharedTask<T>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        let task = self.task();
        Box::pin(async move {
            if let Some(task) = &task {
                task.finished().await;
            }
            task
        })
    }
}

impl<T: Send + Sync + 'static> Drop for Background<T> {
    fn drop(&mut self) {
        self.cancel();
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Background<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("task", &self.task()).finish_non_exhaustive()
    }
}
