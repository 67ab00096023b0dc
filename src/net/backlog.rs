//! How listeners accept: over connections that were given up, and without spinning where the system has no room.

use super::io::Io;
use crate::runtime::Handle;
use crate::sync::plain::Mutex;
use std::io;
use std::time::{Duration, Instant};

/// The first wait after the system had no room.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// The longest wait after the system had no room.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What a listener knows of its last accept.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pause: Mutex<Pause>,
}

/// Since when, and for how long, there has been no room.
#[derive(Clone, Copy, Debug, Default)]
struct Pause {
    /// The length of the last wait; zero unless the last accept met no room.
    wait: Duration,
    /// When the next accept may try, on the runtime's clock: an accept that is given up while it waits, again and again,
    /// does not begin the wait anew.
    until: Option<Instant>,
}

impl Backlog {
    pub(super) async fn accept<L, R>(
        &self,
        handle: &Handle,
        listener: &Io<L>,
        accept: impl Fn(&L) -> io::Result<R>,
    ) -> io::Result<R> {
        let pause = *self.pause.lock();
        if let Some(until) = pause.until {
            handle.sleep_until(until).await;
        }
        loop {
            match listener.read_with(&accept).await {
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if no_room(&error) => {
                    let wait = (pause.wait * 2).clamp(FIRST_WAIT, LONGEST_WAIT);
                    let until = handle.clock().now().checked_add(wait);
                    *self.pause.lock() = Pause { wait, until };
                    return Err(error);
                }
                done => {
                    if pause.until.is_some() {
                        *self.pause.lock() = Pause::default();
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
