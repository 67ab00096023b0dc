//! Cancellation of many things at once: a tree of tokens, with reasons and deadlines.
//!
//! # Protocol
//! A token is a flag that goes up once, a reason, those who wait for it, and its children.
//! - The lock guards the reason, the waiters and the children. The flag goes up under it, after the reason is written, and
//!   is read without it (Release and Acquire), so a look costs one load.
//! - **Waiter and canceller**: a waiter looks and registers under the lock; the canceller raises the flag and takes all
//!   wakers under it. Either the waiter sees the flag, or its waker is taken.
//! - **Child and canceller**: a child is made and registered under its parent's lock. Either it is born cancelled, or it is
//!   among the children that the canceller takes.
//! - A cancellation first raises the flags of the whole tree below, then wakes: whoever is woken finds everything below
//!   cancelled. It goes from parent to child without holding the parent's lock, and without recursion: a chain of a hundred
//!   thousand tokens is no deeper on the stack than one.
//! - A child knows its parent by a strong reference and the parent its children by weak ones. A child that goes leaves its
//!   place, so a token may have had any number of children and keeps none.
//!
//! A deadline is a sleep on the runtime's timers whose waker cancels the token: no task and no thread waits for it.

use crate::error::BoxError;
use crate::instant::Instant;
use crate::runtime::Handle;
use crate::sync::atomic::{AtomicBool, Ordering};
use crate::sync::{Arc, Mutex, Weak};
use crate::time::Sleep;
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use pin_project_lite::pin_project;
use std::error::Error;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::pin::Pin;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Tells any number of futures, closures and threads to stop; a cheap clone goes wherever that matters.
///
/// For what spans several tasks: a screen, a request, a level. (A single task has its own
/// [`cancel`](crate::Task::cancel).) A token that is cancelled stays so. [Children](Self::child) are cancelled with their
/// parent, never the other way round. Dropping a token cancels nothing ([`cancel_on_drop`](super::cancel_on_drop) does).
///
/// - A future: [`run_until_cancelled`](Self::run_until_cancelled), or [`cancelled`](Self::cancelled) to wait for it.
/// - A closure that blocks: [`check`](Self::check) now and then, one load each.
/// - A group of tasks: [`TaskGroup::with_token`](crate::TaskGroup::with_token).
///
/// It is tied to no runtime, except for a deadline.
///
/// # Example
/// ```
/// use offtick::toolkit::{CancelReason, CancelToken};
/// let rt = offtick::Runtime::new()?;
/// let screen = CancelToken::new();
/// let token = screen.child();
/// let mut import = rt.run_blocking(move || {
///     loop {
///         token.check()?; // Leaves with the reason.
///         std::thread::yield_now();
///     }
///     #[allow(unreachable_code)]
///     Ok::<(), CancelReason>(())
/// });
/// screen.cancel_because("the screen was closed");
/// let error = import.wait().expect_err("it was told to stop");
/// assert_eq!(format!("{error:#}"), "task failed: cancelled: the screen was closed");
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone)]
pub struct CancelToken(Arc<Node>);

/// Why a token is cancelled. It is an error, for the `?` of whoever is to stop.
///
/// # Example
/// ```
/// use offtick::toolkit::CancelToken;
/// let token = CancelToken::new();
/// token.cancel_because(std::io::Error::other("disk on fire"));
/// let reason = token.reason().expect("it is cancelled");
/// assert!(reason.downcast_ref::<std::io::Error>().is_some());
/// assert_eq!(reason.to_string(), "cancelled");
/// assert_eq!(std::error::Error::source(&reason).map(ToString::to_string).as_deref(), Some("disk on fire"));
/// ```
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CancelReason {
    /// Somebody cancelled it and gave no reason.
    #[error("cancelled")]
    Requested,
    /// Somebody cancelled it for this reason.
    #[error("cancelled")]
    Because(#[source] Arc<dyn Error + Send + Sync>),
    /// Its deadline passed, or that of a token above it.
    #[error("cancelled: the deadline passed")]
    Deadline,
    /// Its guard was dropped ([`cancel_on_drop`](super::cancel_on_drop)), or the group that it is tied to.
    #[error("cancelled: its owner is gone")]
    OwnerGone,
    /// The runtime whose clock its deadline goes by is gone, so the deadline would never come.
    #[error("cancelled: the runtime of its deadline is gone")]
    RuntimeGone,
}

impl CancelReason {
    /// The error that was given to [`CancelToken::cancel_because`], if it is an `E`.
    pub fn downcast_ref<E: Error + 'static>(&self) -> Option<&E> {
        match self {
            Self::Because(error) => error.downcast_ref(),
            _ => None,
        }
    }

    /// True for [`CancelReason::Deadline`].
    pub fn is_deadline(&self) -> bool {
        matches!(self, Self::Deadline)
    }
}

struct Node {
    cancelled: AtomicBool,
    /// The earliest on the way up.
    deadline: Option<Instant>,
    /// And our place among its children.
    parent: Option<(Arc<Node>, Key)>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    reason: Option<CancelReason>,
    /// This and the next are emptied by the cancellation; nobody registers after that, so late keys find nothing.
    waiters: Slab<Waker>,
    children: Slab<Weak<Node>>,
    alarm: Option<Sleep>,
}

impl CancelToken {
    /// A token without a parent and without a deadline.
    pub fn new() -> Self {
        Self(Arc::new(Node::new(None, None)))
    }

    /// A token that is cancelled, as [`CancelReason::Deadline`], once `deadline` of the clock of `handle` has come.
    ///
    /// If that runtime goes first, it is cancelled then, as [`CancelReason::RuntimeGone`].
    pub fn with_deadline(handle: &impl AsRef<Handle>, deadline: Instant) -> Self {
        Self(Arc::new(Node::new(None, Some(deadline)))).set_alarm(handle.as_ref(), deadline)
    }

    /// As [`with_deadline`](Self::with_deadline), `timeout` from now; zero is cancelled at once, and a time too long for the
    /// clock is no deadline.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::CancelToken;
    /// use std::time::Duration;
    /// let rt = offtick::Runtime::new()?;
    /// let token = CancelToken::with_timeout(&rt, Duration::from_millis(1));
    /// let reason = offtick::block_on(token.cancelled())?;
    /// assert!(reason.is_deadline());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn with_timeout(handle: &impl AsRef<Handle>, timeout: Duration) -> Self {
        match handle.as_ref().clock().now().checked_add(timeout) {
            Some(deadline) => Self::with_deadline(handle, deadline),
            None => Self::new(),
        }
    }

    /// A token that is cancelled with this one, for the same reason, and can be cancelled by itself.
    pub fn child(&self) -> Self {
        self.make_child(None)
    }

    /// A [`child`](Self::child) that has a deadline of its own as well.
    pub fn child_with_deadline(&self, handle: &impl AsRef<Handle>, deadline: Instant) -> Self {
        self.make_child(Some(deadline)).set_alarm(handle.as_ref(), deadline)
    }

    /// As [`child_with_deadline`](Self::child_with_deadline), `timeout` from now.
    pub fn child_with_timeout(&self, handle: &impl AsRef<Handle>, timeout: Duration) -> Self {
        match handle.as_ref().clock().now().checked_add(timeout) {
            Some(deadline) => self.child_with_deadline(handle, deadline),
            None => self.child(),
        }
    }

    fn make_child(&self, deadline: Option<Instant>) -> Self {
        let parent = &self.0;
        let deadline = [deadline, parent.deadline].into_iter().flatten().min();
        let mut state = parent.state.lock();
        if let Some(reason) = &state.reason {
            let child = Node::new(None, deadline);
            child.state.lock().reason = Some(reason.clone());
            child.cancelled.store(true, Ordering::Release);
            return Self(Arc::new(child));
        }
        Self(Arc::new_cyclic(|child| {
            let place = state.children.insert(Weak::clone(child));
            Node::new(Some((Arc::clone(parent), place)), deadline)
        }))
    }

    /// Has it cancelled at its own deadline.
    fn set_alarm(self, handle: &Handle, deadline: Instant) -> Self {
        if self.is_cancelled() {
            return self;
        }
        let alarm = Alarm { token: Arc::downgrade(&self.0), handle: handle.clone(), deadline };
        let waker = Waker::from(Arc::new(alarm));
        let mut sleep = handle.sleep_until(deadline);
        let ready = Pin::new(&mut sleep).poll(&mut Context::from_waker(&waker)).is_ready();
        // A runtime that ends after this look wakes the sleep.
        if ready || handle.is_closed() {
            waker.wake();
            return self;
        }
        let mut state = self.0.state.lock();
        if state.reason.is_none() {
            state.alarm = Some(sleep);
        }
        // Else it rang meanwhile, or the parent was cancelled: the sleep goes after the lock.
        drop(state);
        self
    }

    /// True once it is cancelled: one load.
    #[inline]
    pub fn is_cancelled(&self) -> bool {
        // Acquire: pairs with the Release of `cancel`, so that what was done before it is seen.
        self.0.cancelled.load(Ordering::Acquire)
    }

    /// Fails once it is cancelled, so that `token.check()?` leaves a closure.
    ///
    /// # Errors
    /// The reason.
    #[inline]
    pub fn check(&self) -> Result<(), CancelReason> {
        if self.is_cancelled() { Err(self.0.reason()) } else { Ok(()) }
    }

    /// Why it is cancelled. `None`: it is not.
    pub fn reason(&self) -> Option<CancelReason> {
        self.check().err()
    }

    /// The deadline: its own or that of a token above it, whichever is earlier.
    pub fn deadline(&self) -> Option<Instant> {
        self.0.deadline
    }

    /// Cancels it and everything below it. False if it was cancelled before; the first reason stays.
    ///
    /// When this returns true all of them are cancelled, and whoever waits is woken.
    pub fn cancel(&self) -> bool {
        self.0.cancel(CancelReason::Requested)
    }

    /// As [`cancel`](Self::cancel), for a reason that others can read: a text or any error.
    pub fn cancel_because(&self, reason: impl Into<BoxError>) -> bool {
        self.0.cancel(CancelReason::Because(Arc::from(reason.into())))
    }

    /// As [`cancel`](Self::cancel), because what owned it went away.
    pub(crate) fn cancel_with_owner(&self) -> bool {
        self.0.cancel(CancelReason::OwnerGone)
    }

    /// Waits until it is cancelled. Cancel safe; any number may wait, on any executor. On a thread of its own, give it to
    /// [`block_on`](crate::block_on).
    pub fn cancelled(&self) -> WaitCancelled {
        WaitCancelled { node: Arc::clone(&self.0), place: None }
    }

    /// Runs a future until it is ready or the token cancelled.
    ///
    /// The token is looked at first: once it is cancelled the future is polled no more. It is dropped with the wrapper, at the
    /// end of the statement that awaits it.
    ///
    /// # Errors
    /// The reason, if the token is cancelled first.
    ///
    /// # Example
    /// ```
    /// use offtick::toolkit::CancelToken;
    /// let rt = offtick::Runtime::new()?;
    /// let token = CancelToken::new();
    /// let mine = token.clone();
    /// let mut task = rt.run(async move { mine.run_until_cancelled(std::future::pending::<()>()).await });
    /// token.cancel();
    /// assert_eq!(task.wait().map_err(|error| format!("{error:#}")), Err("task failed: cancelled".to_owned()));
    /// # Ok::<(), offtick::BuildError>(())
    /// ```
    pub fn run_until_cancelled<F: IntoFuture>(&self, future: F) -> RunUntilCancelled<F::IntoFuture> {
        RunUntilCancelled { future: future.into_future(), cancelled: self.cancelled() }
    }
}

impl Node {
    fn new(parent: Option<(Arc<Node>, Key)>, deadline: Option<Instant>) -> Self {
        Self { cancelled: AtomicBool::new(false), deadline, parent, state: Mutex::new(State::default()) }
    }

    /// Of one that is cancelled.
    fn reason(&self) -> CancelReason {
        // Written before the flag went up.
        self.state.lock().reason.clone().unwrap_or(CancelReason::Requested)
    }

    fn cancel(self: &Arc<Self>, reason: CancelReason) -> bool {
        let mut waiting = Vec::new();
        let mut children = Vec::new();
        if !self.raise(reason.clone(), &mut waiting, &mut children) {
            return false;
        }
        // Each child is dropped outside of every lock: ours may be its last reference.
        while let Some(child) = children.pop() {
            if let Some(child) = child.upgrade() {
                child.raise(reason.clone(), &mut waiting, &mut children);
            }
        }
        for waker in waiting {
            guarded(|| waker.wake());
        }
        true
    }

    /// Raises the flag of this one token, and collects who is to be told. False if it was up.
    fn raise(&self, reason: CancelReason, waiting: &mut Vec<Waker>, children: &mut Vec<Weak<Node>>) -> bool {
        let mut state = self.state.lock();
        if state.reason.is_some() {
            return false;
        }
        state.reason = Some(reason);
        // Release: pairs with the Acquire of `is_cancelled`.
        self.cancelled.store(true, Ordering::Release);
        let mut waiters = std::mem::take(&mut state.waiters);
        let mut below = std::mem::take(&mut state.children);
        let alarm = state.alarm.take();
        drop(state);
        drop(alarm);
        waiting.extend((0..waiters.end()).filter_map(|index| waiters.remove_at(index)));
        children.extend((0..below.end()).filter_map(|index| below.remove_at(index)));
        true
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // A loop, not a recursion: this may be the last reference to a whole chain.
        let mut above = self.parent.take();
        while let Some((parent, place)) = above {
            let weak = parent.state.lock().children.remove(place);
            drop(weak);
            above = Arc::into_inner(parent).and_then(|mut parent| parent.parent.take());
        }
    }
}

/// The waker of a deadline's sleep.
struct Alarm {
    token: Weak<Node>,
    handle: Handle,
    deadline: Instant,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        if let Some(token) = self.token.upgrade() {
            let came = self.handle.clock().now() >= self.deadline;
            token.cancel(if came { CancelReason::Deadline } else { CancelReason::RuntimeGone });
        }
    }
}

/// A future that is ready, with the reason, once a token is cancelled; made by [`CancelToken::cancelled`].
#[must_use = "a wait does nothing until it is awaited"]
pub struct WaitCancelled {
    node: Arc<Node>,
    /// Where our waker stands.
    place: Option<Key>,
}

impl Future for WaitCancelled {
    type Output = CancelReason;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<CancelReason> {
        let Self { node, place } = self.get_mut();
        // Acquire: as in `is_cancelled`.
        if node.cancelled.load(Ordering::Acquire) {
            return Poll::Ready(node.reason());
        }
        // Cloned, and what it replaces dropped, outside of the lock: wakers are foreign code.
        let mut waker = cx.waker().clone();
        let mut state = node.state.lock();
        if let Some(reason) = &state.reason {
            let reason = reason.clone();
            drop(state);
            return Poll::Ready(reason);
        }
        match place.and_then(|place| state.waiters.get_mut(place)) {
            Some(mine) => std::mem::swap(mine, &mut waker),
            None => {
                *place = Some(state.waiters.insert(waker));
                return Poll::Pending;
            }
        }
        drop(state);
        drop(waker);
        Poll::Pending
    }
}

impl Drop for WaitCancelled {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.node.state.lock().waiters.remove(place);
            drop(waker);
        }
    }
}

pin_project! {
    /// A future that ends when a token is cancelled; made by [`CancelToken::run_until_cancelled`].
    #[derive(Debug)]
    #[must_use = "it does nothing until it is awaited"]
    pub struct RunUntilCancelled<F> {
        #[pin]
        future: F,
        cancelled: WaitCancelled,
    }
}

impl<F: Future> Future for RunUntilCancelled<F> {
    type Output = Result<F::Output, CancelReason>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        if let Poll::Ready(reason) = Pin::new(this.cancelled).poll(cx) {
            return Poll::Ready(Err(reason));
        }
        this.future.poll(cx).map(Ok)
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for CancelToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelToken").field("reason", &self.reason()).field("deadline", &self.deadline()).finish()
    }
}

impl fmt::Debug for WaitCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let cancelled = self.node.cancelled.load(Ordering::Relaxed);
        f.debug_struct("WaitCancelled").field("cancelled", &cancelled).finish()
    }
}
