//! Launching of waiting members, and of all members once the runtime is closing.
//!
//! One thread launches at a time (`launching`), and clears the flag under the lock under which it found nothing to
//! launch. So that thread, or the one that freed it, uses a slot that is freed meanwhile. The same step takes the
//! wakers whose condition holds: every change of the set is followed by a call of
//! [`launch_ready`](LimitedSet::launch_ready).

use super::{Inner, LimitedSet};
use crate::runtime::Prepared;
use crate::sync::{Arc, Weak};
use crate::util::catch::guarded;
use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The number of members that one thread launches before the reactor continues.
const LAUNCHES: usize = 64;

impl LimitedSet {
    /// [2] Launches ready members, and wakes the waiters whose condition holds.
    pub(super) fn launch_ready(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        // Ends inside of a launch do not nest.
        if std::mem::replace(&mut inner.launching, true) {
            return;
        }
        drop(inner);
        if !self.launch_some() {
            // This thread may be a host's tick, and others may free slots as fast as it fills them: the reactor
            // continues.
            self.handle.spawn_internal(LaunchRest(Some(Arc::clone(self)))).detach();
        }
    }

    /// Launches some members, for the caller that set `launching`.
    ///
    /// Returns true if nothing is left; then `launching` is clear.
    fn launch_some(self: &Arc<Self>) -> bool {
        let mut inner = self.inner.lock();
        let mut launched = 0;
        while let Some(prepared) = self.next(&mut inner) {
            drop(inner);
            prepared.launch();
            launched += 1;
            // A launch on a runtime that is closing only ends the member, and there is no reactor to continue.
            if launched == LAUNCHES && !self.handle.is_closed() {
                return false;
            }
            inner = self.inner.lock();
        }
        inner.launching = false;
        let ready = self.take_ready(&mut inner);
        // Closures whose tasks have ended hold every slot: no end of a task will report the shutdown.
        let stuck = inner.limiter.waiting() > 0 && inner.limiter.running() == 0;
        let unused = if stuck { None } else { inner.shutdown_hook.take() };
        let wanted = stuck && inner.shutdown_hook.is_none();
        drop(inner);
        drop(unused);
        if wanted {
            self.post_shutdown_hook();
        }
        ready.into_iter().for_each(|waker| guarded(|| waker.wake()));
        true
    }

    /// Removes the next member to launch from the queue, if there is a slot.
    fn next(&self, inner: &mut Inner) -> Option<Prepared> {
        let Inner { limiter, members, pending, .. } = inner;
        let (key, prepared) = if self.handle.is_closed() { limiter.start_beyond_limit() } else { limiter.start() }?;
        if let Some(member) = members.get_mut(key) {
            member.ticket = None;
            // The reactor polls a future soon; a closure reports its start.
            if !prepared.is_closure() {
                member.begun = true;
                *pending -= 1;
            }
        }
        Some(prepared)
    }

    fn post_shutdown_hook(self: &Arc<Self>) {
        let hook = ShutdownHook(Arc::downgrade(self));
        let task = self.handle.spawn_internal(async move {
            let _hook = hook;
            pending::<()>().await;
        });
        let before = self.inner.lock().shutdown_hook.replace(task);
        drop(before);
    }
}

/// The remaining launches, on the reactor: a few at each poll.
struct LaunchRest(Option<Arc<LimitedSet>>);

impl Future for LaunchRest {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.as_ref().is_none_or(LimitedSet::launch_some) {
            self.0 = None;
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for LaunchRest {
    fn drop(&mut self) {
        // Dropped by the shutdown: then every launch is quick, and this thread does the rest.
        if let Some(set) = self.0.take() {
            set.inner.lock().launching = false;
            set.launch_ready();
        }
    }
}

/// A hook that notifies a set when its runtime shuts down.
pub(super) struct ShutdownHook(Weak<LimitedSet>);

impl Drop for ShutdownHook {
    fn drop(&mut self) {
        if let Some(set) = self.0.upgrade() {
            set.launch_ready();
        }
    }
}
