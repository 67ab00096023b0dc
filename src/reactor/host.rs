//! The poll's own descriptor, for a host that waits for it in place of a thread that parks in the poll.

use super::PollParker;
use crate::park::{Descriptor, ParkState};
use std::time::Duration;

/// Rung by the poll's waker, by its alarm and by its sockets. Where the system has no alarm the host itself has to wait no
/// longer than the next deadline.
impl Descriptor for PollParker {
    fn word(&self) -> &ParkState {
        self.state()
    }

    fn set_alarm(&mut self, timeout: Option<Duration>) {
        let _left_to_the_host = self.alarm.set(timeout);
    }

    fn may_have_rung(&self) -> bool {
        self.alarm.may_have_rung()
    }

    fn ring(&self) {
        self.unparker.wake();
    }

    fn read(&mut self) {
        if self.fetch(Some(Duration::ZERO)) {
            self.dispatch();
        }
    }
}
