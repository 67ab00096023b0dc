//! How listeners accept: over connections that were given up, and without spinning where the system has no room.
//!
//! Where there was no room (no descriptor, no memory), whoever accepts next waits before it tries again, and each time
//! in a row twice as long. The waiting connection stays where it is: no event would tell of it once more. One that was
//! accepted already, and then found no room in the reactor's poll, is closed.

use super::io::{Did, Io, Wait};
use super::limits::no_room;
use crate::instant::Instant;
use crate::reactor::{Direction, Place};
use crate::runtime::Handle;
use crate::sync::plain::Mutex;
use crate::time::Sleep;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

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
        Self { wait: listener.wait(Place::new()), pause: None }
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

    /// `accept` takes a connection and has it watched.
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
        Turn { wait: listener.wait(Place::Polled), pause: self.pause.lock().take() }
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

#[cfg(all(test, unix, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::Builder;
    use crate::time::Clock;
    use rustix::io::Errno;
    use std::cell::Cell;
    use std::task::Waker;

    /// No room in the reactor's poll is met after the connection was accepted: whoever accepts waits all the same.
    #[test]
    fn whoever_finds_no_room_waits_before_the_next_try() {
        let clock = Clock::manual();
        let rt = Builder::new().clock(clock.clone()).build().expect("a runtime");
        let listener = mio::net::UdpSocket::bind(([127, 0, 0, 1], 0).into()).expect("a socket");
        let listener = Io::new_on(&rt, listener).expect("room");
        let (backlog, tries) = (Backlog::new(rt.handle()), Cell::new(0));
        let mut turn = Turn::new(&listener);
        let mut accept = |outcome: Result<(), Errno>| {
            backlog.poll_accept(&listener, &mut turn, &mut Context::from_waker(Waker::noop()), |_| {
                tries.set(tries.get() + 1);
                Ok(outcome?)
            })
        };
        for (round, (errno, wait)) in
            [(Errno::NOSPC, 10), (Errno::NOMEM, 20), (Errno::MFILE, 40)].into_iter().enumerate()
        {
            // The reactor fires the timer on its own thread.
            while accept(Err(errno)).is_pending() {
                std::thread::yield_now();
            }
            clock.advance(Duration::from_millis(wait) - Duration::from_nanos(1));
            assert!(accept(Ok(())).is_pending());
            assert_eq!(tries.get(), round + 1);
            clock.advance(Duration::from_nanos(1));
        }
        while accept(Ok(())).is_pending() {
            std::thread::yield_now();
        }
        // What has nothing to do with room makes nobody wait.
        assert!(accept(Err(Errno::PROTO)).is_ready());
        assert!(accept(Ok(())).is_ready());
    }
}
