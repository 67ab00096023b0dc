//! Signals that coalesce (`src/signal/latch.rs`). A signal that is lost is a deadlock, which loom reports.
//!
//! The pipe is modelled: rings are counted, and cleared all at once, as a read takes all bytes. The handler is the two
//! steps that `signal/install.rs` registers, in that order; attendant and waiters run the production code.

use super::explore;
use crate::park::block_on;
use crate::signal::latch::{Bell, Flag, Latch};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Arc, Condvar, Mutex};
use loom::thread;
use std::pin::pin;

impl Flag for AtomicBool {
    fn raise(&self) {
        self.store(true, Ordering::Release);
    }

    fn is_raised(&self) -> bool {
        self.load(Ordering::Acquire)
    }
}

/// A pipe that has room for one byte: what does not fit is dropped.
#[derive(Default)]
struct Pipe {
    state: Mutex<State>,
    written: Condvar,
}

#[derive(Default)]
struct State {
    full: bool,
    writers: usize,
}

impl Pipe {
    fn new(writers: usize) -> Arc<Self> {
        Arc::new(Self { state: Mutex::new(State { full: false, writers }), written: Condvar::new() })
    }

    fn ring(&self) {
        self.state.lock().full = true;
        self.written.notify_all();
    }

    fn close(&self) {
        self.state.lock().writers -= 1;
        self.written.notify_all();
    }
}

impl Bell for Arc<Pipe> {
    fn clear(&mut self) -> bool {
        let mut state = self.state.lock();
        while !state.full && state.writers != 0 {
            self.written.wait(&mut state);
        }
        std::mem::take(&mut state.full)
    }
}

fn wait(latch: &Latch<AtomicBool>) {
    let mut place = None;
    let waited = block_on(pin!(std::future::poll_fn(|cx| latch.poll_raised(cx, &mut place))), None);
    assert_eq!(waited, Some(()));
    latch.leave(&mut place);
}

/// One signal, the attendant, one who waits: it is told, and sees what the handler wrote before.
///
/// Red: a handler that rings before it raises the flag; `attend` that looks at the flag before it clears the bell, and
/// wakes by that look; `poll_raised` without its second look; `raise` or `is_raised` relaxed (the cause is not seen).
#[test]
fn a_signal_reaches_whoever_waits() {
    explore(Some(3), 3000, || {
        let latch = Arc::new(Latch::new(AtomicBool::new(false)));
        let cause = Arc::new(AtomicUsize::new(0));
        let pipe = Pipe::new(1);
        let handler = {
            let (latch, cause, pipe) = (Arc::clone(&latch), Arc::clone(&cause), Arc::clone(&pipe));
            thread::spawn(move || {
                cause.store(15, Ordering::Relaxed);
                latch.flag().raise();
                pipe.ring();
                pipe.close();
            })
        };
        let attendant = {
            let latch = Arc::clone(&latch);
            thread::spawn(move || latch.attend(pipe, || assert!(latch.is_raised())))
        };
        wait(&latch);
        assert_eq!(cause.load(Ordering::Relaxed), 15);
        handler.join().expect("a handler does not fail");
        attendant.join().expect("no writer is left");
    });
}

/// Two handlers on two threads, whose rings may become one: the attendant wakes for both or once, and never too early.
///
/// Red: `attend` that looks at the flag before it clears the bell; `poll_raised` without its second look.
#[test]
fn two_signals_may_be_one_ring() {
    explore(Some(2), 21000, || {
        let latch = Arc::new(Latch::new(AtomicBool::new(false)));
        let pipe = Pipe::new(2);
        let told = Arc::new(AtomicUsize::new(0));
        let handlers = [(); 2].map(|()| {
            let (latch, pipe) = (Arc::clone(&latch), Arc::clone(&pipe));
            thread::spawn(move || {
                latch.flag().raise();
                pipe.ring();
                pipe.close();
            })
        });
        let attendant = {
            let (latch, told) = (Arc::clone(&latch), Arc::clone(&told));
            thread::spawn(move || {
                latch.attend(pipe, || {
                    told.fetch_add(1, Ordering::Relaxed);
                })
            })
        };
        wait(&latch);
        for handler in handlers {
            handler.join().expect("a handler does not fail");
        }
        attendant.join().expect("no writer is left");
        assert!((1..=2).contains(&told.load(Ordering::Relaxed)), "told once or twice");
    });
}

/// The program asks while a waiter gives up and another one comes: the other one is told.
///
/// Red: `raise` that wakes before it raises; `poll_raised` without its second look.
#[test]
fn a_request_of_the_program_reaches_whoever_comes() {
    explore(None, 1600, || {
        let latch = Arc::new(Latch::new(AtomicBool::new(false)));
        let asking = {
            let latch = Arc::clone(&latch);
            thread::spawn(move || latch.raise())
        };
        let mut place = None;
        let waker = std::task::Waker::noop();
        let _once = latch.poll_raised(&std::task::Context::from_waker(waker), &mut place);
        latch.leave(&mut place);
        wait(&latch);
        asking.join().expect("asks");
    });
}
