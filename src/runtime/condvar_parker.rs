//! The parker of a reactor without sockets: a condition variable.
//!
//! It has the methods of the parker that waits in the system's poll.

use crate::park::{CondvarParker, Descriptor, ParkState};
use crate::sync::Arc;
use std::io;
use std::time::Duration;

/// The parking half. It stays on the reactor thread.
#[derive(Debug)]
pub(crate) struct Parker(Arc<CondvarParker>);

impl Parker {
    /// Never fails.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(CondvarParker::new())))
    }

    pub(crate) fn unparker(&self) -> Arc<CondvarParker> {
        Arc::clone(&self.0)
    }

    pub(crate) fn state(&self) -> &ParkState {
        self.0.state()
    }

    /// Blocks until unparked or until `timeout` has passed.
    pub(crate) fn park(&mut self, timeout: Option<Duration>) {
        self.0.park(timeout);
    }

    /// Returns false.
    pub(crate) fn has_sockets(&self) -> bool {
        false
    }

    /// Does nothing: there are no sockets to check.
    pub(crate) fn look(&mut self) -> bool {
        false
    }
}

/// Never used: no host waits for it.
impl Descriptor for Parker {
    fn word(&self) -> &ParkState {
        self.state()
    }

    fn set_alarm(&mut self, _: Option<Duration>) {}

    fn may_have_rung(&self) -> bool {
        false
    }

    fn ring(&self) {}

    fn read(&mut self) {}
}
