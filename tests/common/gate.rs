//! A door that a test opens: futures and closures wait at it, so that nothing depends on time.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};

/// Clones are the same door.
#[derive(Clone, Default)]
pub(crate) struct Gate(Arc<Door>);

#[derive(Default)]
struct Door {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Default)]
struct State {
    open: bool,
    wakers: Vec<Waker>,
}

#[allow(dead_code, reason = "not every test file needs all of it")]
impl Gate {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Lets everyone through, now and later.
    pub(crate) fn open(&self) {
        let wakers = {
            let mut state = self.0.state.lock().unwrap();
            state.open = true;
            std::mem::take(&mut state.wakers)
        };
        self.0.opened.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Blocks until the door is open.
    pub(crate) fn pass(&self) {
        let mut state = self.0.state.lock().unwrap();
        while !state.open {
            state = self.0.opened.wait(state).unwrap();
        }
    }

    /// Ready once the door is open.
    pub(crate) fn passed(&self) -> Passed {
        Passed(self.clone())
    }
}

pub(crate) struct Passed(Gate);

impl Future for Passed {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.0.state.lock().unwrap();
        if state.open {
            return Poll::Ready(());
        }
        state.wakers.push(cx.waker().clone());
        Poll::Pending
    }
}
