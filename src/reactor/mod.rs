//! The reactor's wait in the operating system's poll: sockets, timers and wakes end the same call.
//!
//! The handshake with whoever wakes is that of [`crate::park`]; only the blocking differs. One [`mio::Waker`] per
//! poll, kept alive as long as anyone may unpark. Waking is one system call, and only for a reactor that is parked.
//!
//! ```text
//! clock      steps of the system's wall clock, for whoever waits for a reading of it
//! alarm      how long a poll may take, since the poll's own timeout is too coarse on some systems, and wakes are slow
//! readiness  what is known of one direction of a source: two atomic words
//! source     readiness of both directions, and who waits for them
//! sockets    all sources, by token: for any thread
//! PollParker fetches events, notes them and wakes: for the reactor's thread, parked or (`look`) in passing
//! ```
//!
//! # Fairness
//! One poll takes a bounded number of events, and the system hands them out in turn. A reactor that has tasks to run
//! looks in passing once a turn; how many operations a task may do in one poll is bounded by the executor's budget.

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "alarm_linux.rs"]
mod alarm;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "alarm_other.rs"]
mod alarm;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "clock_linux.rs"]
mod clock;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "clock_other.rs"]
mod clock;
mod host;
mod readiness;
mod sockets;
mod source;

pub(crate) use clock::OnStep;
pub(crate) use readiness::{Direction, Facts, Seen, UNUSED};
#[allow(unreachable_pub, reason = "public by way of `net`")]
pub use sockets::ReactorGone;
pub(crate) use sockets::Sockets;
pub(crate) use source::{Place, Source};

use crate::park::{ParkState, Unpark};
use crate::sync::{Arc, Mutex};
#[cfg_attr(not(unix), allow(unused_imports, reason = "it has a descriptor on Unix only"))]
pub(crate) use mio::Registry;
use mio::{Events, Poll, Token, Waker};
use std::io;
use std::time::Duration;

/// The token of the waker; no socket gets it.
const WAKE: Token = Token(usize::MAX);

/// The token of the alarm; no socket gets it either.
const ALARM: Token = Token(usize::MAX - 1);

/// The token of the watch of the wall clock; no socket gets it either.
const CLOCK: Token = Token(usize::MAX - 2);

/// How many events one poll takes.
const EVENTS: usize = 256;

/// How long a park lasts where the poll is broken.
const STEP: Duration = Duration::from_millis(1);

/// The parking half: stays with the reactor thread.
#[derive(Debug)]
pub(crate) struct PollParker {
    poll: Poll,
    events: Events,
    alarm: alarm::Alarm,
    unparker: Arc<PollUnparker>,
    sockets: Arc<Sockets>,
    /// Empty between two calls; kept for its memory.
    woken: Vec<std::task::Waker>,
}

/// The waking half. Anyone may keep it; its descriptor goes with the runtime.
#[derive(Debug)]
pub(crate) struct PollUnparker {
    state: ParkState,
    /// `None` after the runtime shuts down. Locked only to wake a reactor that is parked: one thread at a time does that.
    waker: Mutex<Option<Waker>>,
}

impl PollParker {
    /// Opens the system's poll.
    ///
    /// # Errors
    /// Those of the system: out of file descriptors, out of memory.
    pub(crate) fn new() -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Waker::new(poll.registry(), WAKE)?;
        let alarm = alarm::Alarm::new(poll.registry(), ALARM)?;
        let unparker = Arc::new(PollUnparker { state: ParkState::new(), waker: Mutex::new(Some(waker)) });
        let sockets = Arc::new(Sockets::new(poll.registry().try_clone()?));
        let woken = Vec::with_capacity(EVENTS);
        Ok(Self { poll, events: Events::with_capacity(EVENTS), alarm, unparker, sockets, woken })
    }

    /// The sources of this poll.
    pub(crate) fn sockets(&self) -> Arc<Sockets> {
        Arc::clone(&self.sockets)
    }

    pub(crate) fn unparker(&self) -> Arc<PollUnparker> {
        Arc::clone(&self.unparker)
    }

    pub(crate) fn state(&self) -> &ParkState {
        &self.unparker.state
    }

    /// Blocks until unparked, until an event, or until `timeout` has passed or nearly so; then wakes whom the events concern.
    pub(crate) fn park(&mut self, timeout: Option<Duration>) {
        if !self.state().set() {
            // Other threads that have unparked it before each park keep no socket waiting.
            self.look();
            return;
        }
        let timeout = self.alarm.set_ahead(timeout);
        let fetched = self.fetch(timeout);
        self.state().unset();
        if fetched {
            self.dispatch();
        }
        self.alarm.awake();
    }

    /// True if a look may find something.
    #[inline]
    pub(crate) fn has_sockets(&self) -> bool {
        self.sockets.watches()
    }

    /// Wakes whom the events that are there concern, without waiting. True if there were any. Costs one load while there
    /// are no sockets.
    pub(crate) fn look(&mut self) -> bool {
        self.has_sockets() && self.fetch(Some(Duration::ZERO)) && self.dispatch()
    }

    /// False if there is nothing in the buffer.
    ///
    /// EINTR is an early return, not an error. Any other failure of the poll means a broken descriptor: there is nothing
    /// to wait on any more, and the loop goes on in small steps rather than never wake again.
    fn fetch(&mut self, timeout: Option<Duration>) -> bool {
        match self.poll.poll(&mut self.events, timeout) {
            Ok(()) => !self.events.is_empty(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => false,
            Err(error) => {
                debug_assert!(false, "the system's poll failed: {error}");
                std::thread::sleep(STEP);
                false
            }
        }
    }

    fn dispatch(&mut self) -> bool {
        let (alarm, mut clock_was_set) = (&mut self.alarm, false);
        let told = self.events.iter().filter(|event| match event.token() {
            WAKE => false,
            ALARM => {
                alarm.rang();
                false
            }
            CLOCK => {
                clock_was_set = true;
                false
            }
            _ => true,
        });
        self.sockets.note(told, &mut self.woken);
        self.events.clear();
        if clock_was_set {
            self.sockets.clock_was_set();
        }
        let any = !self.woken.is_empty();
        sockets::wake(&mut self.woken);
        any
    }
}

impl PollUnparker {
    /// Makes the poll return, or its descriptor readable. Does nothing after the runtime shuts down.
    fn wake(&self) {
        if let Some(waker) = &*self.waker.lock() {
            // Fails only if the descriptor's counter is full, and then the poll wakes anyway.
            let _woken = waker.wake();
        }
    }
}

impl Unpark for PollUnparker {
    fn unpark(&self) {
        if self.state.notify() {
            self.wake();
        }
    }

    fn close(&self) {
        let waker = self.waker.lock().take();
        drop(waker);
    }
}
