//! The task of a progress channel, as the channel sees it.

use crate::sync::Arc;
use crate::util::update::UpdateFlag;

/// A task that a progress channel belongs to.
pub(crate) trait ProgressObserver: Send + Sync {
    /// Notifies the task that a value was published.
    ///
    /// Called after the publication, with no lock held, once per value that [`silent_update`](Self::silent_update) did
    /// not handle.
    fn reported(&self);

    /// Returns the update flag, if raising it is all that [`reported`](Self::reported) does.
    ///
    /// A thread with its own per-thread flag then raises that directly.
    fn silent_update(&self) -> Option<Arc<UpdateFlag>> {
        None
    }

    /// Returns true once the task is cancelled: `send` then ends with an error.
    ///
    /// Code that makes this true wakes [`Reader::cancel_waker`] afterwards.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Returns true if this thread must run for the reader to make room.
    ///
    /// Then it must not wait for room.
    fn must_not_wait(&self) -> bool {
        false
    }
}

/// A producer's connection to its task.
pub(super) struct Notifier {
    observer: Option<Arc<dyn ProgressObserver>>,
    /// The task's flag, if raising it is all that a report does.
    update: Option<Arc<UpdateFlag>>,
}

impl Notifier {
    pub(super) fn new(observer: Option<Arc<dyn ProgressObserver>>) -> Self {
        let update = observer.as_ref().and_then(|observer| observer.silent_update());
        Self { observer, update }
    }

    /// Notifies the task that a value was published.
    ///
    /// On the threads that report most this costs a few loads and one store. A reader that polls constantly keeps
    /// taking the cache line of the tail away. Every later store waits for that line too, including the stores of a
    /// function call.
    #[inline]
    pub(super) fn reported(&self) {
        if !self.update.as_ref().is_some_and(|update| update.raise_own()) {
            self.notify();
        }
    }

    #[cold]
    #[inline(never)]
    fn notify(&self) {
        if let Some(observer) = &self.observer {
            observer.reported();
        }
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.observer.as_ref().is_some_and(|observer| observer.is_cancelled())
    }

    pub(super) fn must_not_wait(&self) -> bool {
        self.observer.as_ref().is_some_and(|observer| observer.must_not_wait())
    }
}
