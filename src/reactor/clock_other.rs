//! No notification of steps of the system's wall clock: they are noticed when it is read.

use crate::sync::Weak;
use mio::{Registry, Token};
use std::io;

/// Called after each step.
pub(crate) type OnStep = dyn Fn() + Send + Sync;

/// The watch of one reactor, which notices nothing.
#[derive(Default)]
pub(super) struct ClockWatch;

impl ClockWatch {
    /// Refuses the listener.
    ///
    /// # Errors
    /// Always.
    pub(super) fn add(&self, _: &Registry, _: Token, _: Weak<OnStep>) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Never called, since no such event comes.
    pub(super) fn rang(&self) {}

    /// Closes nothing.
    pub(super) fn close(&self) {}
}
