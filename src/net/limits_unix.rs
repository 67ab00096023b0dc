//! Where the system's limits are met, and how far one of them goes.

use rustix::io::Errno;
use std::io;
use std::os::fd::AsFd;

/// Connections that may wait to be accepted. With the 128 of the standard library, which mio keeps to, a burst of clients
/// is enough to fill it, and on Linux those who find it full try again no sooner than a second later.
const BACKLOG: i32 = 1024;

/// No room for another descriptor or connection, or for another source in the reactor's poll: the next try would meet the
/// same.
pub(super) fn no_room(error: &io::Error) -> bool {
    let no_room = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM, Errno::NOSPC];
    Errno::from_io_error(error).is_some_and(|error| no_room.contains(&error))
}

/// Lets more connections wait: to listen again is how the backlog is changed.
pub(super) fn lengthen(listener: impl AsFd) -> io::Result<()> {
    Ok(rustix::net::listen(listener, BACKLOG)?)
}
