//! What a channel knows of the task that it belongs to.

use crate::sync::Arc;
use crate::util::update::UpdateFlag;

/// What the channel asks of the task it belongs to.
pub(crate) trait Host: Send + Sync {
    /// A value was published. Called after that, with no lock held, once for each value for which
    /// [`silent_update`](Self::silent_update) did not do.
    fn reported(&self);

    /// The flag that [`reported`](Self::reported) puts up, if that is all it does: a thread that has a lane of it does so
    /// by itself.
    fn silent_update(&self) -> Option<Arc<UpdateFlag>> {
        None
    }

    /// True once the task is cancelled: `send` then ends with an error. Whoever makes this true wakes
    /// [`Reader::cancel_waker`] afterwards.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// True if this thread is the one that has to go on so that there is room: it must not wait for it.
    fn must_not_wait(&self) -> bool {
        false
    }
}

/// A producer's way to its host.
pub(super) struct Link {
    host: Option<Arc<dyn Host>>,
    /// The host's, where it has no more to do than to put it up.
    update: Option<Arc<UpdateFlag>>,
}

impl Link {
    pub(super) fn new(host: Option<Arc<dyn Host>>) -> Self {
        let update = host.as_ref().and_then(|host| host.silent_update());
        Self { host, update }
    }

    /// A value was published. On the threads that report most this is a handful of loads and one store: a reader that
    /// looks all the time keeps taking the line of the tail away, and every store behind the one that waits for it waits
    /// as well, those of a call included.
    #[inline]
    pub(super) fn reported(&self) {
        if !self.update.as_ref().is_some_and(|update| update.raise_own()) {
            self.tell();
        }
    }

    #[cold]
    #[inline(never)]
    fn tell(&self) {
        if let Some(host) = &self.host {
            host.reported();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.host.as_ref().is_some_and(|host| host.is_cancelled())
    }

    pub(super) fn must_not_wait(&self) -> bool {
        self.host.as_ref().is_some_and(|host| host.must_not_wait())
    }
}
