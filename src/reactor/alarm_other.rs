//! Leaves the timeout to the poll, which is precise enough here.

use mio::{Registry, Token};
use std::io;
use std::time::Duration;

/// No timer of its own.
#[derive(Debug)]
pub(super) struct Alarm;

impl Alarm {
    pub(super) fn new(_: &Registry, _: Token) -> io::Result<Self> {
        Ok(Self)
    }

    /// Returns the timeout that is left to the poll: all of it.
    pub(super) fn set(&mut self, timeout: Option<Duration>) -> Option<Duration> {
        timeout
    }

    /// As [`Self::set`]: there is nothing to set ahead.
    pub(super) fn set_ahead(&mut self, timeout: Option<Duration>) -> Option<Duration> {
        self.set(timeout)
    }

    /// It never rings.
    pub(super) fn may_have_rung(&self) -> bool {
        false
    }

    /// Never called by the poll, since no such event comes.
    pub(super) fn rang(&mut self) {}

    /// Nothing is learned.
    pub(super) fn awake(&mut self) {}
}
