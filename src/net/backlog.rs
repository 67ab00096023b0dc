//! How listeners accept: over connections that were given up, and without spinning where the system has no room.
//!
//! Where there was no room (no descriptor, no memory), whoever accepts next waits before it tries again, and each time
//! in a row twice as long. The waiting connection stays where it is: no event would tell of it once more.

use super::io::{Did, Io, Wait};
use crate::reactor::{Direction, Place};
use crate::runtime::Handle;
use crate::sync::plain::Mutex;
use crate::time::Sleep;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

/// The first wait after the system had no room.
const FIRST_WAIT: Duration = Duration::from_millis(10);

/// The longest wait after the system had no room.
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// What a listener knows of its last accepts.
pub struct Backlog {
    handle: Handle,
    no_room: Mutex<Option<NoRoom>>,
    /// What the slot waits for between two polls.
    pause: Mutex<Option<Sleep>>,
}

/// The last accept met no room.
#[derive(Clone, Copy)]
struct NoRoom {
    waited: Duration,
    /// On the clock of the runtime: not before this.
    until: Instant,
}

/// One who accepts: what it waits for.
pub struct Turn<'a> {
    wait: Wait<'a>,
    pause: Option<Sleep>,
}

impl<'a> Turn<'a> {
    pub(super) fn new<L>(listener: &'a Io<L>) -> Self {
        Self { wait: listener.wait(Place::List(None)), pause: None }
    }
}

impl Backlog {
    pub(super) fn new(handle: &Handle) -> Self {
        Self { handle: handle.clone(), no_room: Mutex::new(None), pause: Mutex::new(None) }
    }

    /// The runtime of the listener, and of what it accepts.
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(super) fn poll_accept<L, R>(
        &self,
        listener: &Io<L>,
        turn: &mut Turn<'_>,
        cx: &mut Context<'_>,
        accept: impl Fn(&L) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        ready!(self.poll_pause(&mut turn.pause, cx));
        loop {
            let accept = |listener: &L| accept(listener).map(Did::Some);
            match ready!(listener.poll_operate(Direction::Read, cx, &mut turn.wait.place, accept)) {
                Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
                Err(error) if no_room(&error) => {
                    self.met_no_room();
                    return Poll::Ready(Err(error));
                }
                Err(error) => return Poll::Ready(Err(error)),
                Ok(accepted) => {
                    *self.no_room.lock() = None;
                    return Poll::Ready(Ok(accepted));
                }
            }
        }
    }

    /// The turn of the one task that uses `poll_accept`, to be put back.
    pub(super) fn take_slot<'a, L>(&self, listener: &'a Io<L>) -> Turn<'a> {
        Turn { wait: listener.wait(Place::Slot), pause: self.pause.lock().take() }
    }

    pub(super) fn put_slot(&self, turn: Turn<'_>) {
        let replaced = std::mem::replace(&mut *self.pause.lock(), turn.pause);
        drop(replaced);
    }

    fn poll_pause(&self, pause: &mut Option<Sleep>, cx: &mut Context<'_>) -> Poll<()> {
        let no_room = *self.no_room.lock();
        let Some(NoRoom { until, .. }) = no_room else { return Poll::Ready(()) };
        let sleep = pause.get_or_insert_with(|| self.handle.sleep_until(until));
        ready!(Pin::new(sleep).poll(cx));
        *pause = None;
        Poll::Ready(())
    }

    fn met_no_room(&self) {
        let now = self.handle.clock().now();
        let mut no_room = self.no_room.lock();
        let waited = no_room.map_or(FIRST_WAIT, |before| (before.waited * 2).min(LONGEST_WAIT));
        *no_room = Some(NoRoom { waited, until: now + waited });
    }
}

impl fmt::Debug for Backlog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backlog").field("no_room", &self.no_room.lock().is_some()).finish_non_exhaustive()
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
