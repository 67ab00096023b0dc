//! The steps of a turn, for the reactor thread and for a host that ticks.
//!
//! ```text
//! take in (inbox) -> fire due timers -> run ready tasks -> call hooks -> publish the list -> wait, or return to the host
//! ```

use super::context::{self, Local};
use super::local::WorldRequests;
use super::owner::Reactor;
use super::shared::Shared;
use crate::blocking;
use crate::executor::Core;
use crate::sync::Arc;
use crate::task::raw::{ArcCache, Body};
use crate::task::{Spec, Task};
use std::cell::Cell;

impl Local {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let arc_cache = ArcCache::new(Arc::clone(&shared));
        let watch = shared.poll_watcher.as_ref().map(|watcher| Arc::clone(watcher.watch()));
        let core = Core::new(Arc::clone(&shared.counters)).watched_by(watch);
        Self {
            core,
            arc_cache,
            shared,
            visited: Cell::new(false),
            requests: WorldRequests::new(),
            listed_at: Cell::new(None),
        }
    }

    /// Queues a future that stays on this thread.
    pub(crate) fn start_bound<B, P>(&self, body: B, spec: Spec<P>) -> Task<B::Output, P>
    where
        B: Body + 'static,
    {
        let (runnable, task) = Task::make_bound(body, Reactor::new(&self.shared), spec);
        self.shared.accept(runnable);
        task
    }

    /// Notifies a host that waits between two ticks that something became ready.
    ///
    /// The driver thread sees it without a notification.
    pub(crate) fn made_ready(&self) {
        if !context::drives(self) {
            self.shared.unparker.unpark();
        }
    }

    /// Makes tasks from other threads ready.
    pub(crate) fn take_in(&self, now: u64) {
        self.core.set_now(now);
        self.core.drain(&self.shared.inbox);
    }

    /// Calls the hooks that are due. Returns false if none is.
    #[inline]
    pub(crate) fn deliver_hooks(&self) -> bool {
        self.shared.hooks.is_due() && {
            let _poll = self.core.watch().map(|watch| watch.begin(None));
            self.shared.hooks.deliver()
        }
    }

    /// Returns true if a task, a closure for this thread, or a hook is ready.
    ///
    /// A hint: remote wakes may be missed.
    pub(crate) fn has_work(&self) -> bool {
        self.core.has_ready()
            || !self.shared.inbox.is_empty()
            || self.shared.pool.due() != 0
            || self.shared.hooks.is_due()
            || !self.requests.is_empty()
    }

    /// Runs the next closure on this thread. Returns false if none waits.
    pub(crate) fn run_closure(&self) -> bool {
        let Some(job) = self.shared.pool.take_for_host() else { return false };
        let _poll = self.core.watch().map(|watch| watch.begin(Some(job.task())));
        blocking::outside(|| blocking::run_closure(job));
        true
    }

    /// Drops all futures on this thread and ends every timer.
    ///
    /// Tasks that arrive later are refused.
    pub(crate) fn close(&self) {
        self.core.shut_down(&self.shared.inbox);
        self.requests.close();
        self.shared.end_waits();
        // Its references would keep the runtime's memory in a cycle.
        self.drop_listing();
        self.shared.hooks.close();
    }
}

impl Shared {
    /// Wakes tasks that wait for a socket or a tick, also on threads of other runtimes.
    ///
    /// They find the runtime shut down. Timers continue without it.
    fn end_waits(&self) {
        self.driver.end();
        #[cfg(feature = "net")]
        self.sockets.close();
        if let Some(frames) = &self.frames {
            frames.close();
        }
    }
}

/// A guard that announces the end of the executor, even after a panic of its own.
///
/// No thread may wait for the executor or its notifications then.
pub(crate) struct ShutdownGuard(pub(crate) Arc<Shared>);

impl Drop for ShutdownGuard {
    fn drop(&mut self) {
        self.0.begin_closing();
        drop(self.0.inbox.close());
        self.0.end_waits();
        self.0.hooks.close();
        self.0.listing.clear();
        if let Some(watcher) = &self.0.poll_watcher {
            watcher.watch().close();
        }
        self.0.unparker.close();
        self.0.ending.tell();
    }
}

#[cfg(all(test, feature = "net", not(loom)))]
mod tests {
    use super::*;
    use crate::reactor::{Direction, Facts, Place};
    use crate::runtime::local::LocalRuntime;
    use crate::sync::atomic::Ordering;
    use crate::sync::plain::AtomicUsize;
    use std::task::{Context, Wake};

    struct Count(AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Ends like a panic of the executor itself: without a `close`.
    #[test]
    fn an_executor_that_is_gone_without_a_close_leaves_nobody_waiting() {
        let rt = LocalRuntime::new().expect("the system lets it");
        let shared = rt.handle().shared();
        let count = Arc::new(Count(AtomicUsize::new(0)));
        let waker = Arc::clone(&count).into();
        let mut socket = mio::net::UdpSocket::bind(([127, 0, 0, 1], 0).into()).expect("a socket");
        let watched = shared.sockets.register(&mut socket, mio::Interest::READABLE, Facts::NONE);
        let (_, source) = watched.expect("room");
        let wait = || source.poll_ready(Direction::Read, &Context::from_waker(&waker), &mut Place::Polled);
        assert!(wait().is_pending());
        let timers = [&shared.driver, shared.frames.as_ref().expect("a host ticks it")];
        assert!(timers.iter().all(|timers| timers.insert(u64::MAX, waker.clone()).is_ok()));
        drop(ShutdownGuard(Arc::clone(shared)));
        assert_eq!(count.0.load(Ordering::Relaxed), 3);
        assert!(matches!(wait(), std::task::Poll::Ready(seen) if seen.is_gone()));
        // Timers continue, those of ticks do not.
        let accepted = timers.map(|timers| timers.insert(u64::MAX, waker.clone()).is_ok());
        assert_eq!((shared.is_closing(), accepted), (true, [true, false]));
    }
}
