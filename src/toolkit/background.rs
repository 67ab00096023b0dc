//! [`Background`]: one body that is started, cancelled and started again.

use crate::repeat::{Kind, Overlap, Rules, Table};
use crate::runtime::Handle;
use crate::scheduler::{Frame, JobBuilder, JobStatus, Options, Owned, Repeat, ScheduleError, Source, repeat_kind};
use crate::task::SharedTask;
use std::future::{Future, IntoFuture};
use std::pin::Pin;

/// One body that is started and cancelled as often as the program likes; at most one run at a time.
///
/// For work that belongs to a screen or a connection: a heartbeat, a watch over a folder, a search that begins anew with
/// each change of its options. It is idle until [`start`](Self::start). Dropping it cancels the run, like a guard.
///
/// A run holds its place until it is really over. A start cancels the run before it; if that is a closure, the new run begins once it
/// has returned.
///
/// [`Repeat`] has the other methods, [`JobBuilder`] the options.
///
/// # Example
/// ```
/// use offtick::toolkit::Background;
///
/// let rt = offtick::Runtime::new()?;
/// let scan = Background::on(&rt).name("scan").run_blocking(|_cx| std::fs::read_dir(".").map(Iterator::count))?;
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
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "dropping it cancels the run"]
pub struct Background<T: Send + Sync + 'static>(Repeat<T>);

/// The builder of a [`Background`].
pub type BackgroundBuilder = JobBuilder<OnRequest, (), Owned<Background<()>>>;

/// No slots, but runs on request: the source of a [`Background`].
#[derive(Clone, Copy, Debug)]
pub struct OnRequest(());

impl Source for OnRequest {
    fn table(&self, frame: Frame, rules: &mut Rules) -> Result<(Table, String), ScheduleError> {
        Ok((frame.table(Kind::OnRequest, rules), "on request".to_owned()))
    }
}

impl Background<()> {
    /// Begins the description of one whose runs are tasks of `handle`.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let beat = offtick::toolkit::Background::on(&rt).name("beat").spawn(|cx| async move { cx.name().map(str::len) })?;
    /// beat.start();
    /// let run = beat.task().expect("it was started");
    /// assert_eq!(run.wait().ok(), Some(&Some(4)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on(handle: &impl AsRef<Handle>) -> BackgroundBuilder {
        let mut options = Options::default();
        options.active = false;
        (options.rules.overlap, options.rules.restarts) = (Overlap::CancelPrevious, true);
        JobBuilder::new(Owned::new(handle.as_ref()), OnRequest(()), options)
    }
}

impl<T: Send + Sync + 'static> Background<T> {
    /// Cancels the run that is active, if there is one, and begins anew. Returns false after the runtime has shut down.
    ///
    /// Does not wait: the old future is dropped before the new run begins, and a closure is notified through its context. The new run
    /// is there when this returns, unless it waits for the closure of the old one.
    pub fn start(&self) -> bool {
        self.0.start_run()
    }

    /// The run of the last start, active or over. `None` if there is none: the task is idle, or the run waits for the closure of the one
    /// before it.
    pub fn task(&self) -> Option<SharedTask<T>> {
        let there = self.0.status() != JobStatus::Idle && self.0.counts().queued == 0;
        self.0.latest().filter(|_| there)
    }
}

/// `(&background).await` waits for the run of the last start and returns it; `None` at once if there is none. A run that is
/// cancelled meanwhile is over as `Cancelled`. Dropping the future changes nothing.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let sum = offtick::toolkit::Background::on(&rt).spawn(|_cx| async { 2 + 2 })?;
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
        Box::pin(async move {
            self.0.started().await;
            let task = self.task();
            if let Some(task) = &task {
                task.finished().await;
            }
            task
        })
    }
}

repeat_kind!(Background);
