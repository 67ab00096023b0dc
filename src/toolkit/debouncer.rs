//! Many calls, few runs.
//!
//! # Rules
//! ```text
//! Trailing   c . . c c . . R            the window opens with the first call and ends in the run
//!            |-- window --|
//! Leading    R . . c c . . | R          the run opens the window; calls in it get that run's outcome
//!            |-- window ---|
//! Both       R . . c c . . R . . . | R  as Leading, but calls in the window share a run at its end, which opens the next
//!            |-- window ---|-- window --|
//! ```
//! An *extending* window ends one window after the latest call instead.
//!
//! # How a call becomes a run
//! - A call finds the *waiting* batch, or makes one, or starts a run, or gets the last one's outcome ([`state`]). The batch
//!   holds the newest arguments and one promise for all of its callers.
//! - The *ticker*, an unseen future, sleeps until the batch is due and starts the run. One exists while there is a batch, for a
//!   window at most. The end of a batch only ever moves later, so the ticker is never late: it looks, and sleeps on.
//! - A run that is due while another one runs waits for it, replaces it or runs beside it, as
//!   [`WhileRunning`] says. The end of a run starts what waits for it.
//!
//! Every run ends by telling its number and result, whether it returned, failed, panicked, timed out or lost its runtime;
//! so nothing that a body does leaves the debouncer stuck. The lock guards the state; bodies, tasks, arguments and wakers
//! are made, dropped and woken outside of it.

mod builder;
mod state;

pub use builder::{DebouncerBuilder, Edge, WhileRunning};

use super::promise::{Promise, Settled, SharedOutcome};
use super::run::{Options, Owner, Run, RunFuture};
use crate::error::TaskError;
use crate::runtime::Handle;
use crate::sync::{Arc, Mutex, MutexGuard, Weak};
use crate::time::Sleep;
use crate::util::catch::drop_quietly;
use builder::Settings;
use state::{Due, State};
use std::fmt;
use std::time::Duration;

/// Makes few runs of many calls: for a search while the user types, for saving after a series of edits.
///
/// Each call brings arguments of type `A`; a run gets the newest of them and its value of type `T` goes to all whose call
/// it serves. When runs begin is the matter of [`Edge`] and of [the window](DebouncerBuilder::extending).
///
/// - [`trigger`](Self::trigger) does not wait, for a tick. [`call`](Self::call) gives the outcome to await.
/// - [`latest`](Self::latest) is the newest good value: it stays until a newer run has a value, and an older run that ends
///   later never replaces it. A user interface shows it and is never empty while something is on its way.
/// - A run that fails or panics is an error for its callers and changes nothing for the next run.
///
/// Clones are one debouncer. When the last one is dropped, what waits never runs, what runs is cancelled, and callers get
/// [`TaskError::Cancelled`]; [`flush`](Self::flush) before that, and wait, to keep it. A clone inside of the body would keep
/// both for ever.
///
/// # Example
/// ```
/// use offtick::toolkit::Debouncer;
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let search = Debouncer::builder(&rt, Duration::from_millis(5))
///     .extending()
///     .build(|text: String| async move { Ok::<_, std::io::Error>(format!("results for {text}")) })?;
/// for text in ["o", "of", "off"] {
///     search.trigger(text.to_owned()); // Each key press.
/// }
/// let results = loop {
///     // Each tick.
///     match search.latest() {
///         Some(results) => break results,
///         None => std::thread::yield_now(),
///     }
/// };
/// assert_eq!(*results, "results for off");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Debouncer<A: Send + 'static, T: Send + Sync + 'static>(Arc<Front<A, T>>);

/// Gone with the last clone.
struct Front<A: Send + 'static, T: Send + Sync + 'static>(Arc<Inner<A, T>>);

struct Inner<A, T> {
    handle: Handle,
    name: Option<Box<str>>,
    settings: Settings,
    body: Arc<dyn Fn(A) -> RunFuture<T> + Send + Sync>,
    state: Mutex<State<A, T>>,
}

/// What became of a call; answer of [`Debouncer::trigger`].
///
/// # Example
/// ```
/// use offtick::toolkit::{Debouncer, Edge, Triggered};
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let save = Debouncer::builder(&rt, Duration::from_secs(60))
///     .edge(Edge::Leading)
///     .build(|_: ()| async { Ok::<_, std::io::Error>(()) })?;
/// assert_eq!(save.trigger(()), Triggered::Started);
/// assert_eq!(save.trigger(()), Triggered::Absorbed);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Triggered {
    /// A run began with these arguments.
    Started,
    /// A run will begin, with these arguments unless newer ones come.
    Deferred,
    /// No run comes of it: the window is open, and only its beginning counts ([`Edge::Leading`]).
    Absorbed,
}

impl Triggered {
    /// True for [`Triggered::Deferred`].
    pub fn is_deferred(self) -> bool {
        self == Self::Deferred
    }
}

/// A run that is to be started once the lock is free, and what goes before that.
struct Start<A, T> {
    number: u64,
    args: A,
    replaced: Vec<Arc<Run<T, Inner<A, T>>>>,
    /// Of the window that is over; it may hold a value.
    spent: Option<Arc<Promise<T>>>,
}

impl Debouncer<(), ()> {
    /// The description of a debouncer with this window, on the clock of `handle`. Its types come with the body.
    pub fn builder(handle: &impl AsRef<Handle>, window: Duration) -> DebouncerBuilder {
        DebouncerBuilder::new(handle.as_ref(), window)
    }
}

impl<A: Send + 'static, T: Send + Sync + 'static> Debouncer<A, T> {
    /// Calls without waiting, and says what becomes of it. For a tick: the outcome shows in [`latest`](Self::latest) and
    /// [`error`](Self::error).
    pub fn trigger(&self, args: A) -> Triggered {
        self.0.0.submit(args).0
    }

    /// Calls, here and now; the outcome can be awaited, looked at, or dropped, which changes nothing.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::Debouncer;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let double = Debouncer::builder(&rt, Duration::from_millis(1))
    ///     .build(|n: u32| async move { Ok::<_, std::io::Error>(2 * n) })?;
    /// let (first, second) = (double.call(1), double.call(2));
    /// assert_eq!((*offtick::block_on(first)??, *offtick::block_on(second)??), (4, 4));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn call(&self, args: A) -> SharedOutcome<T> {
        SharedOutcome::new(self.0.0.submit(args).1)
    }

    /// Starts what waits for the end of the window now (after the run before it, under [`WhileRunning::Wait`]). False if
    /// nothing waits.
    pub fn flush(&self) -> bool {
        let inner = &self.0.0;
        let mut state = inner.state.lock();
        let waits = state.hasten();
        inner.go_on(state);
        waits
    }

    /// Drops what waits, cancels what runs, and ends the window; their callers get [`TaskError::Cancelled`]. False if there was
    /// nothing to cancel. [`latest`](Self::latest) stays.
    pub fn cancel(&self) -> bool {
        let mut state = self.0.0.state.lock();
        let ended = state.clear();
        drop(state);
        ended.tell()
    }

    /// Cancels as [`cancel`](Self::cancel) does, and forgets the newest value and error. False if nothing was cancelled.
    ///
    /// For a search field that the user empties: old results must not come back.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::Debouncer;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let search = Debouncer::builder(&rt, Duration::from_millis(1))
    ///     .build(|text: &str| async move { Ok::<_, std::io::Error>(text.len()) })?;
    /// offtick::block_on(search.call("off"))??;
    /// assert_eq!((search.latest().as_deref(), search.latest_call()), (Some(&3), Some(1)));
    /// search.trigger("offtick");
    /// assert!(search.clear());
    /// assert_eq!((search.latest(), search.latest_call(), search.is_busy()), (None, None, false));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clear(&self) -> bool {
        let mut state = self.0.0.state.lock();
        let ended = state.forget();
        drop(state);
        ended.tell()
    }

    /// The newest good value: `None` until the first.
    pub fn latest(&self) -> Option<Arc<T>> {
        self.0.0.state.lock().latest()
    }

    /// Returns the number of the call whose arguments [`latest`](Self::latest) answers. Calls are numbered from 1.
    ///
    /// It equals [`calls`](Self::calls) when the value answers the newest call.
    pub fn latest_call(&self) -> Option<u64> {
        self.0.0.state.lock().latest_call()
    }

    /// Returns the number of calls made so far, those that were absorbed included.
    pub fn calls(&self) -> u64 {
        self.0.0.state.lock().calls()
    }

    /// The error of the newest run that is over, if it failed: what [`latest`](Self::latest) gives is older than that.
    pub fn error(&self) -> Option<TaskError> {
        self.0.0.state.lock().error()
    }

    /// True while a newer value may be on its way: a call waits, or a run runs.
    pub fn is_busy(&self) -> bool {
        self.0.0.state.lock().is_busy()
    }

    /// How many runs were started.
    pub fn runs(&self) -> u64 {
        self.0.0.state.lock().runs()
    }
}

impl<A: Send + 'static, T: Send + Sync + 'static> Inner<A, T> {
    fn submit(self: &Arc<Self>, args: A) -> (Triggered, Arc<Promise<T>>) {
        let now = self.handle.clock().now();
        let mut state = self.state.lock();
        let (triggered, promise, unused) = state.call(&self.settings, now, args);
        self.go_on(state);
        // After the lock: the drop of arguments is the user's code.
        drop(unused);
        (triggered, promise)
    }

    /// Starts what is due, and sees to it that somebody looks again at what is not.
    fn go_on(self: &Arc<Self>, mut state: MutexGuard<'_, State<A, T>>) {
        let start = state.next_run(&self.settings, self.handle.clock().now());
        let ticker = state.wants_ticker();
        drop(state);
        if let Some(start) = start {
            self.launch(start);
        }
        if let Some(number) = ticker {
            self.post_ticker(number);
        }
    }

    fn launch(self: &Arc<Self>, start: Start<A, T>) {
        let Start { number, args, replaced, spent } = start;
        drop((replaced, spent));
        let body = Arc::clone(&self.body);
        let Settings { limit, quiet, .. } = self.settings;
        let options = Options { name: self.name.as_deref(), limit, quiet };
        let run = Run::start(&self.handle, options, move || body(args), self, number);
        let homeless = self.state.lock().keep(number, run);
        // Over, cancelled or replaced meanwhile.
        drop(homeless);
    }

    fn post_ticker(self: &Arc<Self>, number: u64) {
        let ticker = Ticker { inner: Arc::downgrade(self), number };
        let task = self.handle.spawn_internal(async move {
            while let Some(sleep) = ticker.look() {
                sleep.await;
            }
        });
        let homeless = self.state.lock().keep_ticker(number, task);
        drop(homeless);
    }
}

impl<A: Send + 'static, T: Send + Sync + 'static> Owner<T> for Inner<A, T> {
    fn ended(self: Arc<Self>, number: u64, outcome: Settled<T>) {
        let mut state = self.state.lock();
        let Some(ended) = state.ended(number, &outcome) else {
            drop(state);
            drop_quietly(outcome);
            return;
        };
        drop(state);
        ended.promises.iter().for_each(|promise| promise.set(outcome.clone()));
        self.go_on(self.state.lock());
        // The task's own end was told before the value was here for a tick to see.
        if !self.settings.quiet {
            self.handle.shared().updated();
        }
        drop_quietly((ended, outcome));
    }
}

/// Looks after the waiting batch.
struct Ticker<A: Send + 'static, T: Send + Sync + 'static> {
    inner: Weak<Inner<A, T>>,
    number: u64,
}

impl<A: Send + 'static, T: Send + Sync + 'static> Ticker<A, T> {
    /// Starts what is due; gives the sleep until the rest is. `None`: there is nothing left to wait for.
    fn look(&self) -> Option<Sleep> {
        let inner = self.inner.upgrade()?;
        if inner.handle.is_closed() {
            return None; // What waits ends with the runtime.
        }
        let mut state = inner.state.lock();
        match state.due(self.number, inner.handle.clock().now()) {
            Due::At(due) => {
                drop(state);
                Some(inner.handle.sleep_until(due))
            }
            Due::Now => {
                inner.go_on(state);
                None
            }
            Due::Never => None,
        }
    }
}

impl<A: Send + 'static, T: Send + Sync + 'static> Drop for Ticker<A, T> {
    fn drop(&mut self) {
        // Dropped before its time: the runtime is gone, and what waits will not run.
        if let Some(inner) = self.inner.upgrade() {
            let left = inner.state.lock().left(self.number);
            left.fail(&|| TaskError::RuntimeGone);
        }
    }
}

impl<A: Send + 'static, T: Send + Sync + 'static> Drop for Front<A, T> {
    fn drop(&mut self) {
        let ended = {
            let mut state = self.0.state.lock();
            state.close()
        };
        ended.tell();
    }
}

impl<A: Send + 'static, T: Send + Sync + 'static> Clone for Debouncer<A, T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Send + 'static, T: Send + Sync + 'static> fmt::Debug for Debouncer<A, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Debouncer")
            .field("settings", &self.0.0.settings)
            .field("busy", &self.is_busy())
            .field("runs", &self.runs())
            .finish_non_exhaustive()
    }
}
