//! Events against operations that would block, and against waiters that come and go (`reactor::{readiness, source}`).
//!
//! The system's side of a socket is an atomic that says how much has come; an event is a store to it and then
//! `Source::event`, as the reactor's thread does. All accesses to it are relaxed: what orders them is the readiness, or
//! nothing. A waiter that is lost stays on its condition variable for ever, which loom reports as a deadlock.

use super::explore;
use crate::park::block_on;
use crate::reactor::{Direction, Facts, Place, Seen, Source};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering};
use std::future::poll_fn;
use std::pin::pin;
use std::task::{Context, Poll, Wake, Waker, ready};

use Direction::{Read, Write};

/// A socket: what the reactor knows of it, and what the system has for its reader.
struct Socket {
    source: Source,
    came: AtomicUsize,
}

impl Socket {
    fn new(facts: Facts) -> Arc<Self> {
        Arc::new(Self { source: Source::new(facts), came: AtomicUsize::new(0) })
    }

    /// What the reactor does for an event, after more came.
    fn event(&self, came: usize, facts: Facts) {
        self.came.store(came, Ordering::Relaxed);
        self.tell(facts);
    }

    fn tell(&self, facts: Facts) {
        let mut woken = Vec::new();
        self.source.event(facts, &mut woken);
        woken.into_iter().for_each(Waker::wake);
    }

    /// As `Io` does: operates until it does not block. The operation is to see more than `known`, and says how much.
    fn poll_more(&self, cx: &mut Context<'_>, place: &mut Place, known: usize) -> Poll<(usize, Seen)> {
        loop {
            let seen = ready!(self.source.poll_ready(Read, cx, place));
            if seen.is_gone() {
                return Poll::Ready((known, seen));
            }
            match self.came.load(Ordering::Relaxed) {
                came if came > known => return Poll::Ready((came, seen)),
                _ => self.source.would_block(seen, Read),
            }
        }
    }

    /// Waits in the list until more than `known` came.
    fn wait_for_more(&self, known: usize) -> (usize, Seen) {
        let mut place = Place::new();
        let more = wait(|cx| self.poll_more(cx, &mut place, known));
        self.source.leave(&mut place);
        more
    }
}

fn wait<T>(poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> T {
    block_on(pin!(poll_fn(poll)), None).expect("no limit in time")
}

/// The system, which tells of two events, one after the other.
fn two_events(socket: &Arc<Socket>) -> loom::thread::JoinHandle<()> {
    let socket = Arc::clone(socket);
    loom::thread::spawn(move || {
        socket.event(1, Facts::READABLE);
        socket.event(2, Facts::READABLE);
    })
}

/// A reader, to whom the two may come as one.
fn wait_for_both(socket: &Socket) {
    let (first, _) = socket.wait_for_more(0);
    if first < 2 {
        assert_eq!(socket.wait_for_more(first).0, 2);
    }
}

/// Two events while a reader operates, would block and waits. Red when `clear` takes back the tick of the moment and not the
/// one that was seen, when an event does not count the tick up, when `raise` or `look` is relaxed, when `poll_ready` has no
/// second look or takes it before the waker is in its place, and when an event raises the readiness after the lock.
#[test]
fn no_event_is_lost_to_an_operation_that_would_block() {
    explore(Some(2), 400, || {
        let socket = Socket::new(Facts::ASSUMED);
        let system = two_events(&socket);
        wait_for_both(&socket);
        system.join().expect("the events end");
    });
}

/// As above, with an operation that takes all there is and says so (`drained`) instead of trying once more, and with
/// the end of the stream in the last event, which no other follows: a direction that is closed stays ready. Red when
/// `clear_open` takes a closed direction back, and for what turns the model above red.
#[test]
fn the_end_of_a_stream_is_not_drained_away() {
    explore(Some(2), 400, || {
        let socket = Socket::new(Facts::ASSUMED);
        let system = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || {
                socket.event(1, Facts::READABLE);
                socket.event(2, Facts::LAST_WORDS);
            })
        };
        let mut known = 0;
        while known < 2 {
            let (came, seen) = socket.wait_for_more(known);
            // A read gives the data, though the end has come too: the next one gives the end.
            known = if known == 0 { 1 } else { came };
            socket.source.drained(seen, Read);
        }
        system.join().expect("the events end");
    });
}

/// Any number may wait for one socket: an event wakes all of its direction. Red when an event wakes the first waiter only.
#[test]
fn two_waiters_of_one_event_are_both_woken() {
    explore(Some(2), 400, || {
        let socket = Socket::new(Facts::NONE);
        let other = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || socket.wait_for_more(0).0)
        };
        let system = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || socket.event(1, Facts::READABLE))
        };
        assert_eq!(socket.wait_for_more(0).0, 1);
        assert_eq!(other.join().expect("the other waiter ends"), 1);
        system.join().expect("the event ends");
    });
}

/// Two who operate on one direction take it back in any order, one of them late, and each finds what came last. Red for what
/// turns the first model red, and when `clear` takes both directions back.
#[test]
fn two_who_take_a_direction_back_hide_nothing_from_each_other() {
    explore(Some(2), 2000, || {
        let socket = Socket::new(Facts::ASSUMED);
        let other = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || {
                let _came = socket.wait_for_more(0);
            })
        };
        let system = two_events(&socket);
        wait_for_both(&socket);
        other.join().expect("the other one ends");
        system.join().expect("the events end");
    });
}

/// Counts its wakes.
struct Counted(AtomicUsize);

impl Counted {
    fn pair() -> (Arc<Self>, Waker) {
        let counted = Arc::new(Self(AtomicUsize::new(0)));
        (Arc::clone(&counted), Waker::from(counted))
    }

    fn wakes(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

/// A waiter that leaves while an event takes the wakers is woken by that event or not at all: when both are over, nobody
/// holds its waker, and a second event does not wake it. Whoever waits beside it is woken in any case. Red when `leave`
/// takes out the last of the list instead of its own, when it does nothing, and when an event clones the wakers instead of
/// taking them.
#[test]
fn a_waiter_that_leaves_is_not_woken_afterwards_and_takes_nobody_along() {
    explore(None, 20, || {
        let socket = Socket::new(Facts::NONE);
        let ((leaver, leaving), (stayer, staying)) = (Counted::pair(), Counted::pair());
        let (mut place, mut other) = (Place::new(), Place::new());
        assert!(socket.source.poll_ready(Read, &Context::from_waker(&leaving), &mut place).is_pending());
        assert!(socket.source.poll_ready(Read, &Context::from_waker(&staying), &mut other).is_pending());
        drop(staying);
        let system = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || socket.event(1, Facts::READABLE))
        };
        let _ready = socket.source.poll_ready(Read, &Context::from_waker(&leaving), &mut place);
        drop(leaving);
        socket.source.leave(&mut place);
        system.join().expect("the event ends");
        let woken = leaver.wakes();
        assert!(woken <= 1);
        assert_eq!(stayer.wakes(), 1);
        assert_eq!(Arc::strong_count(&leaver), 1, "nobody holds the waker of who left");
        socket.event(2, Facts::READABLE);
        assert_eq!((leaver.wakes(), stayer.wakes()), (woken, 1));
        socket.source.leave(&mut other);
    });
}

/// Every waker that a `poll_` call brought is woken, whichever polled last, and is held by nobody afterwards. A future waits
/// beside them. Red when a `poll_` call replaces the waker of another, when an event takes the first waiter only, when an
/// event does not count the tick up, and when `poll_ready` has no second look.
#[test]
fn every_waker_that_polled_is_woken() {
    explore(Some(2), 500, || {
        let socket = Socket::new(Facts::NONE);
        let system = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || socket.event(1, Facts::READABLE))
        };
        let other = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || wait(|cx| socket.poll_more(cx, &mut Place::Polled, 0)).0)
        };
        let (counted, waker) = Counted::pair();
        let early = socket.poll_more(&mut Context::from_waker(&waker), &mut Place::Polled, 0);
        drop(waker);
        assert_eq!(wait(|cx| socket.poll_more(cx, &mut Place::Polled, 0)).0, 1);
        assert_eq!(socket.wait_for_more(0).0, 1);
        assert_eq!(other.join().expect("the other one ends"), 1);
        system.join().expect("the event ends");
        assert!(counted.wakes() <= 1 && (early.is_ready() || counted.wakes() == 1));
        // A reader that found it ready by its second look has left its waker: the next event takes it.
        socket.event(2, Facts::READABLE);
        assert_eq!(Arc::strong_count(&counted), 1, "nobody holds the waker");
    });
}

/// A wait believes no assumption, and an event that comes with the registration ends it. Red when `poll_told` believes an
/// assumption (it returns before anything came), and when it takes its second look before the waker is in its place.
#[test]
fn a_wait_ends_with_an_event_and_not_before() {
    explore(None, 20, || {
        let socket = Socket::new(Facts::ASSUMED);
        let system = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || socket.event(1, Facts::READABLE))
        };
        let mut place = Place::new();
        wait(|cx| socket.source.poll_told(Read, cx, &mut place));
        assert_eq!(socket.came.load(Ordering::Relaxed), 1);
        socket.source.leave(&mut place);
        system.join().expect("the event ends");
    });
}

/// A reader takes its direction back while an event tells of the other one. Red when `clear` takes both directions back, when
/// an event does not count the tick up, and for what the waiters do wrong in the first model.
#[test]
fn what_one_direction_takes_back_leaves_the_other() {
    explore(None, 150, || {
        let socket = Socket::new(Facts::READABLE);
        let system = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || socket.tell(Facts::WRITABLE))
        };
        let mut reader = Place::Polled;
        assert!(socket.poll_more(&mut Context::from_waker(Waker::noop()), &mut reader, 0).is_pending());
        let mut writer = Place::new();
        let seen = wait(|cx| socket.source.poll_ready(Write, cx, &mut writer));
        assert_eq!(socket.source.look(Write), Some(seen));
        socket.source.leave(&mut writer);
        system.join().expect("the event ends");
    });
}

/// The end of the reactor reaches who waits in either direction, and who comes later, whatever they clear meanwhile. Red
/// when `clear` takes it back, and when the end is told to one direction only.
#[test]
fn the_end_of_the_reactor_reaches_everybody() {
    explore(Some(2), 900, || {
        let socket = Socket::new(Facts::ASSUMED);
        let writer = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || {
                let mut place = Place::Polled;
                // Writes that would block, each of them.
                wait(|cx| {
                    loop {
                        let seen = ready!(socket.source.poll_ready(Write, cx, &mut place));
                        if seen.is_gone() {
                            return Poll::Ready(());
                        }
                        socket.source.would_block(seen, Write);
                    }
                });
            })
        };
        let end = {
            let socket = Arc::clone(&socket);
            loom::thread::spawn(move || socket.tell(Facts::GONE))
        };
        assert!(socket.wait_for_more(0).1.is_gone());
        end.join().expect("the end ends");
        writer.join().expect("the writer ends");
        for direction in [Read, Write] {
            let seen = socket.source.look(direction).expect("it is gone");
            socket.source.would_block(seen, direction);
            socket.source.drained(seen, direction);
            assert!(socket.source.look(direction).is_some_and(Seen::is_gone));
        }
    });
}
