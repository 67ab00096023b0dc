//! Connections that follow a script: a test is their peer, and decides what each call finds.

#![allow(dead_code, reason = "each test file uses a part of it")]

use offtick::net::reconnect::Connection;
use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the next try of the connector meets.
pub(crate) enum Plan {
    Accept(Wire),
    Refuse(&'static str),
    /// No answer, ever.
    Silence,
    Panic,
}

/// A connector that goes by plans. Without one it waits until there is one.
#[derive(Clone, Default)]
pub(crate) struct Network(Arc<Mutex<Plans>>);

#[derive(Default)]
struct Plans {
    plans: VecDeque<Plan>,
    waker: Option<Waker>,
    tries: usize,
}

impl Network {
    pub(crate) fn new(plans: impl IntoIterator<Item = Plan>) -> Self {
        let network = Self::default();
        lock(&network.0).plans.extend(plans);
        network
    }

    pub(crate) fn plan(&self, plan: Plan) {
        let mut plans = lock(&self.0);
        plans.plans.push_back(plan);
        let waker = plans.waker.take();
        drop(plans);
        waker.into_iter().for_each(Waker::wake);
    }

    /// Plans a connection and gives its other end.
    pub(crate) fn wire(&self) -> Wire {
        let wire = Wire::default();
        self.plan(Plan::Accept(wire.clone()));
        wire
    }

    /// How often the connector met a plan.
    pub(crate) fn tries(&self) -> usize {
        lock(&self.0).tries
    }

    pub(crate) async fn connect(&self) -> io::Result<End> {
        let plan = std::future::poll_fn(|cx| {
            let mut plans = lock(&self.0);
            match plans.plans.pop_front() {
                Some(plan) => {
                    plans.tries += 1;
                    Poll::Ready(plan)
                }
                None => {
                    plans.waker = Some(cx.waker().clone());
                    Poll::Pending
                }
            }
        });
        match plan.await {
            Plan::Accept(wire) => Ok(End(wire)),
            Plan::Refuse(why) => Err(io::Error::new(io::ErrorKind::ConnectionRefused, why)),
            Plan::Silence => std::future::pending().await,
            Plan::Panic => panic!("planned: the connector"),
        }
    }
}

enum Step {
    Bytes(Vec<u8>),
    Fail(io::ErrorKind),
    Panic,
}

#[derive(Default)]
struct State {
    incoming: VecDeque<Step>,
    /// How many bytes are taken before writes block. `None`: all.
    room: Option<usize>,
    broken: Option<io::ErrorKind>,
    flush_broken: Option<io::ErrorKind>,
    holds_flush: bool,
    holds_close: bool,
    written: Vec<u8>,
    reads: usize,
    ended: bool,
    closed: bool,
    dropped: bool,
    /// Of the reader, the writer, and who closes.
    wakers: [Option<Waker>; 3],
}

/// The test's end of one connection.
#[derive(Clone, Default)]
pub(crate) struct Wire(Arc<Mutex<State>>);

impl Wire {
    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = lock(&self.0);
        let changed = change(&mut state);
        let wakers = std::mem::take(&mut state.wakers);
        drop(state);
        wakers.into_iter().flatten().for_each(Waker::wake);
        changed
    }

    pub(crate) fn deliver(&self, bytes: impl AsRef<[u8]>) {
        self.change(|state| state.incoming.push_back(Step::Bytes(bytes.as_ref().to_vec())));
    }

    /// Reads fail, once what was delivered is read.
    pub(crate) fn fail(&self, kind: io::ErrorKind) {
        self.change(|state| state.incoming.push_back(Step::Fail(kind)));
    }

    pub(crate) fn panic(&self) {
        self.change(|state| state.incoming.push_back(Step::Panic));
    }

    /// The peer sends no more.
    pub(crate) fn end(&self) {
        self.change(|state| state.ended = true);
    }

    /// Lets this many more bytes through, and no more.
    pub(crate) fn allow(&self, bytes: usize) {
        self.change(|state| state.room = Some(bytes));
    }

    pub(crate) fn break_writes(&self, kind: io::ErrorKind) {
        self.change(|state| state.broken = Some(kind));
    }

    pub(crate) fn break_flushes(&self, kind: io::ErrorKind) {
        self.change(|state| state.flush_broken = Some(kind));
    }

    pub(crate) fn hold_flushes(&self, hold: bool) {
        self.change(|state| state.holds_flush = hold);
    }

    pub(crate) fn hold_close(&self) {
        self.change(|state| state.holds_close = true);
    }

    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&lock(&self.0).written).into_owned()
    }

    /// How many reads moved bytes.
    pub(crate) fn reads(&self) -> usize {
        lock(&self.0).reads
    }

    /// It was said good-bye to.
    pub(crate) fn is_closed(&self) -> bool {
        lock(&self.0).closed
    }

    pub(crate) fn is_dropped(&self) -> bool {
        lock(&self.0).dropped
    }

    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).incoming.is_empty()
    }
}

/// The stream's end of one connection.
pub(crate) struct End(Wire);

impl Connection for End {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0.0);
        match state.incoming.pop_front() {
            Some(Step::Bytes(mut bytes)) => {
                let n = bytes.len().min(buffer.len());
                buffer[..n].copy_from_slice(&bytes[..n]);
                bytes.drain(..n);
                if !bytes.is_empty() {
                    state.incoming.push_front(Step::Bytes(bytes));
                }
                state.reads += 1;
                Poll::Ready(Ok(n))
            }
            Some(Step::Fail(kind)) => Poll::Ready(Err(kind.into())),
            Some(Step::Panic) => panic!("planned: the connection"),
            None if state.ended => Poll::Ready(Ok(0)),
            None => {
                state.wakers[0] = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut state = lock(&self.0.0);
        if let Some(kind) = state.broken {
            return Poll::Ready(Err(kind.into()));
        }
        let n = bytes.len().min(state.room.unwrap_or(usize::MAX));
        if n == 0 {
            state.wakers[1] = Some(cx.waker().clone());
            return Poll::Pending;
        }
        state.written.extend(&bytes[..n]);
        if let Some(room) = &mut state.room {
            *room -= n;
        }
        Poll::Ready(Ok(n))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0.0);
        if let Some(kind) = state.flush_broken {
            return Poll::Ready(Err(kind.into()));
        }
        if state.holds_flush {
            state.wakers[1] = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_close(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut state = lock(&self.0.0);
        state.closed = true;
        if state.holds_close {
            state.wakers[2] = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.0.change(|state| state.dropped = true);
    }
}
