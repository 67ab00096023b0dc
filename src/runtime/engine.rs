//! The steps of a turn, whoever turns: the reactor thread, or a host that ticks.
//!
//! ```text
//! take in (inbox) -> fire due timers -> run ready tasks -> answer listings -> wait, or return to the host
//! ```

use super::context::Local;
use super::shared::Shared;
use crate::executor::Core;
use crate::sync::Arc;
use crate::sync::atomic::Ordering;

impl Local {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { core: Core::new(Arc::clone(&shared.counters)), shared }
    }

    /// Makes ready what came from elsewhere.
    pub(crate) fn take_in(&self, now: u64) {
        self.core.set_now(now);
        self.core.drain(&self.shared.inbox);
    }

    /// Answers whoever asked for a listing of the tasks.
    pub(crate) fn answer_listings(&self) {
        // Relaxed: whoever asks unparks afterwards, and the park handshake orders the look of the next turn.
        if self.shared.wanted.load(Ordering::Relaxed) != 0 {
            self.core.drain(&self.shared.inbox);
            self.shared.answer_listings(&self.core);
        }
    }

    /// True if a task waits to be run, as far as this thread knows.
    pub(crate) fn has_work(&self) -> bool {
        self.core.has_ready() || !self.shared.inbox.is_empty()
    }

    /// Drops all futures, on this thread, and ends every timer; what comes later is refused.
    pub(crate) fn close(&self) {
        self.core.shut_down(&self.shared.inbox);
        self.shared.driver.close();
        #[cfg(feature = "net")]
        self.shared.sockets.close();
        if let Some(frames) = &self.shared.frames {
            frames.close();
        }
        self.shared.answer_listings(&self.core);
    }
}

/// Says on the way out that the executor is gone, whatever happens: nobody may wait for it then.
pub(crate) struct LastWord(pub(crate) Arc<Shared>);

impl Drop for LastWord {
    fn drop(&mut self) {
        drop(self.0.inbox.close());
        self.0.ending.tell();
    }
}
