//! The settings of a debouncer.

use super::state::State;
use super::{Debouncer, Front, Inner};
use crate::error::{BoxError, InvalidSetting};
use crate::runtime::Handle;
use crate::sync::{Arc, Mutex};
use std::future::Future;
use std::time::Duration;

/// At which end of its window a [`Debouncer`] runs.
///
/// # Example
/// ```
/// use offtick::toolkit::{Debouncer, Edge, Triggered};
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let both = Debouncer::builder(&rt, Duration::from_secs(1))
///     .edge(Edge::Both)
///     .build(|n: u8| async move { Ok::<_, std::io::Error>(n) })?;
/// assert_eq!([both.trigger(1), both.trigger(2)], [Triggered::Started, Triggered::Deferred]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Edge {
    /// A call runs at once, unless the last run began less than a window ago: then it gets that run's outcome, and its own
    /// arguments are dropped.
    Leading,
    /// The first call opens the window. At its end one run, with the newest arguments, serves all calls in it.
    #[default]
    Trailing,
    /// As `Leading`, but calls within the window share a run at its end, with the newest arguments. That run opens a window,
    /// too. Where the window is not extended this is what some call a throttle.
    Both,
}

/// What a [`Debouncer`] does when a run is due and an older one still runs.
///
/// # Example
/// ```
/// use offtick::toolkit::{Debouncer, WhileRunning};
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let search = Debouncer::builder(&rt, Duration::from_millis(200))
///     .while_running(WhileRunning::Replace)
///     .build(|text: String| async move { Ok::<_, std::io::Error>(text) })?;
/// assert!(!search.is_busy());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhileRunning {
    /// It waits for the end of the older one and begins then: never two at a time.
    #[default]
    Wait,
    /// It cancels the older one, whose callers get the outcome of the new one. For searches: what is outdated is not waited
    /// for.
    Replace,
    /// Both run. Callers get the outcome of their own; [`Debouncer::latest`] never goes back to an older one.
    Overlap,
}

/// Settings of a [`Debouncer`]; made by [`Debouncer::builder`].
///
/// # Example
/// ```
/// use offtick::toolkit::{Debouncer, Edge, WhileRunning};
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let search = Debouncer::builder(&rt, Duration::from_millis(250))
///     .name("search")
///     .edge(Edge::Trailing)
///     .extending()
///     .while_running(WhileRunning::Replace)
///     .run_timeout(Duration::from_secs(10))
///     .build(|text: String| async move { Ok::<_, std::io::Error>(text.len()) })?;
/// # drop(search);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "it becomes a debouncer by `build`"]
pub struct DebouncerBuilder {
    handle: Handle,
    name: Option<Box<str>>,
    settings: Settings,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Settings {
    pub(super) window: Duration,
    pub(super) edge: Edge,
    pub(super) extending: bool,
    pub(super) max_wait: Option<Duration>,
    pub(super) while_running: WhileRunning,
    pub(super) limit: Option<Duration>,
    pub(super) quiet: bool,
}

impl DebouncerBuilder {
    pub(super) fn new(handle: &Handle, window: Duration) -> Self {
        let (edge, while_running) = (Edge::default(), WhileRunning::default());
        let settings =
            Settings { window, edge, extending: false, max_wait: None, while_running, limit: None, quiet: false };
        Self { handle: handle.clone(), name: None, settings }
    }

    /// The name of each run's task, for listings and hooks.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into().into_boxed_str());
        self
    }

    /// When runs begin: [`Edge::Trailing`] if it is not set.
    pub fn edge(mut self, edge: Edge) -> Self {
        self.settings.edge = edge;
        self
    }

    /// Makes each call in the window extend it: it ends one window after the latest call. Calls that never pause are never
    /// served then, unless there is a [`max_wait`](Self::max_wait).
    pub fn extending(mut self) -> Self {
        self.settings.extending = true;
        self
    }

    /// Limits how long calls wait for the end of an [extending](Self::extending) window, counted from the first of them.
    ///
    /// Saving while the user types without a pause then happens every `longest`. Default: no limit.
    ///
    /// # Example
    /// ```
    /// use offtick::time::Clock;
    /// use offtick::toolkit::Debouncer;
    /// use std::time::Duration;
    /// let clock = Clock::manual();
    /// let rt = offtick::Builder::new().clock(clock.clone()).build()?;
    /// let save = Debouncer::builder(&rt, Duration::from_secs(2))
    ///     .extending()
    ///     .max_wait(Duration::from_secs(5))
    ///     .build(|_text: &str| async { Ok::<_, std::io::Error>(()) })?;
    /// for _key in 0..10 {
    ///     save.trigger("text");
    ///     clock.advance(Duration::from_secs(1));
    /// }
    /// while save.runs() == 0 {
    ///     std::thread::yield_now();
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn max_wait(mut self, longest: Duration) -> Self {
        self.settings.max_wait = Some(longest);
        self
    }

    /// What happens when a run is due while another runs: [`WhileRunning::Wait`] if it is not set.
    pub fn while_running(mut self, policy: WhileRunning) -> Self {
        self.settings.while_running = policy;
        self
    }

    /// Gives each run at most `limit`; one that takes longer fails with [`TaskError::TimedOut`](crate::TaskError::TimedOut).
    pub fn run_timeout(mut self, limit: Duration) -> Self {
        self.settings.limit = Some(limit);
        self
    }

    /// Never raises the update flag for its runs; see [`TaskBuilder::quiet`](crate::TaskBuilder::quiet).
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// Makes the debouncer. `body` is called once a run, where futures of the runtime run; its future need not be `Send`.
    ///
    /// # Errors
    /// [`InvalidSetting`] for a window, a longest wait or a run timeout of zero. A window of more than a hundred years is one of a hundred years.
    pub fn build<A, T, M, F, E>(self, body: M) -> Result<Debouncer<A, T>, InvalidSetting>
    where
        A: Send + 'static,
        T: Send + Sync + 'static,
        M: Fn(A) -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + 'static,
        E: Into<BoxError>,
    {
        let Self { handle, name, settings } = self;
        InvalidSetting::require_time("window", Some(settings.window))?;
        InvalidSetting::require_time("max_wait", settings.max_wait)?;
        InvalidSetting::require_time("run_timeout", settings.limit)?;
        let body = Arc::new(move |args| -> crate::toolkit::run::RunFuture<T> {
            let future = body(args);
            Box::pin(async { future.await.map_err(Into::into) })
        });
        let inner = Inner { handle, name, settings, body, state: Mutex::new(State::new()) };
        Ok(Debouncer(Arc::new(Front(Arc::new(inner)))))
    }
}
