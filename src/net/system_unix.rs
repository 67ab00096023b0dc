//! Asks the system whether a descriptor is ready.

use super::io::Check;
use crate::reactor::Direction;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::AsFd;

/// A source that the system can be asked about.
pub(super) trait System: AsFd {}

impl<S: AsFd> System for S {}

/// How the system is asked about such a source.
#[expect(clippy::unnecessary_wraps, reason = "not every system can be asked")]
pub(super) fn check<S: System>() -> Option<Check<S>> {
    Some(is_ready)
}

/// True if an operation would not block now. Never waits.
pub(super) fn is_ready<S: AsFd>(source: &S, direction: Direction) -> io::Result<bool> {
    let events = match direction {
        Direction::Read => PollFlags::IN,
        Direction::Write => PollFlags::OUT,
    };
    // Errors and the end of the file are ready as well: the operation reports them.
    Ok(poll(&mut [PollFd::new(source, events)], Some(&Timespec { tv_sec: 0, tv_nsec: 0 }))? != 0)
}
