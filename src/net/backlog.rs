//! How listeners accept: over connections that were given up, and without spinning where the system has no room.

use super::io::Io;
use crate::runtime::Handle;
use crate::sync::plain::Mutex;
use std::io;
use std::time::Duration;

/// The first wait after the system had no room.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// The longest wait after the system had no room.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What a listener knows of its last accept.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    /// How long the next accept is to wait; zero unless the last one met no room.
    wait: Mutex<Duration>,
}

impl Backlog {
    pub(super) async fn accept<L, R>(
        &self,
        handle: &Handle,
        listener: &Io<L>,
        accept: impl Fn(&L) -> io::Result<R>,
    ) -> io::Result<R> {
        let wait = *self.wait.lock();
        if !wait.is_zero() {
            handle.sleep(wait).await;
        }
        loop {
            match listener.read_with(&accept).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if no_room(&error) => {
                    *self.wait.lock() = (wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
                    return Err(error);
                }
                done => {
                    if !wait.is_zero() {
                        *self.wait.lock() = Duration::ZERO;
                    }
                    return done;
                }
            }
        }
    }
}

/// True for errors that the next call would meet again.
#[cfg(unix)]
fn no_room(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let no_room = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
    Errno::from_io_error(error).is_some_and(|error| no_room.contains(&error))
}

/// True for errors that the next call would meet again.
#[cfg(not(unix))]
fn no_room(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory
}
