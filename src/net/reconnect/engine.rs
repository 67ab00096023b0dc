//! The task behind a stream: connects, carries, waits, and connects again.
//!
//! It looks for orders in each of its three waits (for a connection, for bytes, for the next try), so a close takes effect
//! at once wherever it is. Whatever ends it, also a panic or the end of the runtime, goes through its destructor, which
//! closes the stream and settles the message in its hands.

use super::carry::{End, Hands, poll_carry};
use super::connection::Connection;
use super::error::UnsentReason;
use super::fresh::{Fresh, ended};
use super::shared::{Order, Shared};
use super::state::{CloseReason, State};
use crate::error::{AttemptError, RetryError};
use crate::progress::Reporter;
use crate::retry::{Next, Pace, RetryPolicy, Run};
use crate::runtime::Handle;
use crate::sync::Arc;
use crate::util::catch::drop_quietly;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a connection may say good-bye.
const GOOD_BYE: Duration = Duration::from_secs(1);

/// Makes connections.
pub(super) trait Connect<S>: Send {
    fn connect<'a>(&'a mut self) -> Pin<Box<dyn Future<Output = io::Result<S>> + 'a>>
    where
        S: 'a;
}

impl<S, C: AsyncFnMut() -> io::Result<S> + Send> Connect<S> for C {
    fn connect<'a>(&'a mut self) -> Pin<Box<dyn Future<Output = io::Result<S>> + 'a>>
    where
        S: 'a,
    {
        Box::pin(self())
    }
}

/// Is given each new connection before anyone else.
pub(super) trait Handshake<S>: Send {
    fn shake<'a>(&'a mut self, fresh: &'a mut Fresh<S>) -> Pin<Box<dyn Future<Output = io::Result<()>> + 'a>>;
}

impl<S, H: AsyncFnMut(&mut Fresh<S>) -> io::Result<()> + Send> Handshake<S> for H {
    fn shake<'a>(&'a mut self, fresh: &'a mut Fresh<S>) -> Pin<Box<dyn Future<Output = io::Result<()>> + 'a>> {
        Box::pin(self(fresh))
    }
}

/// What the peer's end of its bytes means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AtEnd {
    /// The connection is lost, and the stream connects again.
    #[default]
    Reconnect,
    /// The stream is over: [`CloseReason::Ended`].
    Close,
}

/// What the engine goes by.
pub(super) struct Settings<S> {
    pub(super) connect: Box<dyn Connect<S>>,
    pub(super) handshake: Option<Box<dyn Handshake<S>>>,
    pub(super) policy: RetryPolicy<io::Error>,
    pub(super) stable_after: Duration,
    pub(super) at_end: AtEnd,
    pub(super) read_limit: usize,
}

pub(super) struct Engine<S> {
    settings: Settings<S>,
    handle: Handle,
    pace: Pace,
    shared: Arc<Shared>,
    events: Option<Reporter<State>>,
    hands: Hands,
    /// How many there were.
    connections: u64,
}

/// How one of the engine's waits ended.
enum Waited<T> {
    Done(T),
    Closed,
}

impl<S: Connection> Engine<S> {
    pub(super) fn new(settings: Settings<S>, handle: Handle, shared: Arc<Shared>) -> Self {
        let pace = Pace::of(&handle);
        Self { settings, handle, pace, shared, events: None, hands: Hands::default(), connections: 0 }
    }

    pub(super) async fn run(mut self, events: Option<Reporter<State>>) {
        self.events = events;
        let reason = self.live().await;
        self.enter(State::Closed(reason));
    }

    /// Connects until there is a reason not to: each turn of the outer loop begins anew with the policy.
    async fn live(&mut self) -> CloseReason {
        loop {
            let mut run = Run::new(self.settings.policy.clone(), &self.pace);
            let start = self.pace.now();
            let lost = loop {
                let failed = match self.attempt(&mut run).await {
                    Waited::Closed => return CloseReason::Requested,
                    Waited::Done(Err(failed)) => failed,
                    Waited::Done(Ok(connection)) => {
                        let since = self.pace.now();
                        self.enter(State::Connected);
                        let error = match self.carry(connection).await {
                            End::Closed => return CloseReason::Requested,
                            End::Ended if self.settings.at_end == AtEnd::Close => return CloseReason::Ended,
                            End::Ended => ended(),
                            End::Lost(error) => error,
                            End::Renewed => {
                                let asked = "given up by this program, for another connection";
                                break Arc::new(io::Error::new(io::ErrorKind::ConnectionAborted, asked));
                            }
                        };
                        if self.pace.since(since) >= self.settings.stable_after {
                            break Arc::new(error);
                        }
                        AttemptError::Failed(error)
                    }
                };
                let elapsed = self.pace.since(start);
                match run.failed(&failed, elapsed) {
                    Next::Stop(reason) => {
                        let error = RetryError::new(run.attempt(), elapsed, reason, Some(failed));
                        return CloseReason::GaveUp(Arc::new(error));
                    }
                    Next::Wait(wait) => {
                        if let Waited::Closed = self.lose(Arc::new(into_io(failed)), wait).await {
                            return CloseReason::Requested;
                        }
                    }
                }
            };
            if let Waited::Closed = self.lose(lost, Duration::ZERO).await {
                return CloseReason::Requested;
            }
        }
    }

    /// One try: the connector, then the handshake, both within the policy's limit.
    async fn attempt(&mut self, run: &mut Run<io::Error>) -> Waited<Result<S, AttemptError<io::Error>>> {
        let attempt = run.begin();
        let mut limit = run.attempt_timeout().map(|limit| (self.pace.sleep(limit), limit));
        self.enter(State::Connecting { attempt });
        let Self { settings: Settings { connect, handshake, read_limit, .. }, shared, connections, .. } = self;
        let number = *connections + 1;
        let mut connecting = pin!(async {
            let connection = connect.connect().await?;
            let mut fresh = Fresh::new(connection, number, attempt, *read_limit, Arc::clone(shared));
            if let Some(handshake) = handshake {
                handshake.shake(&mut fresh).await?;
            }
            Ok(fresh.into_parts())
        });
        let connected = poll_fn(|cx| {
            if let Order::Close = shared.look(cx, false).order {
                return Poll::Ready(Waited::Closed);
            }
            if let Poll::Ready(connected) = connecting.as_mut().poll(cx) {
                return Poll::Ready(Waited::Done(connected.map_err(AttemptError::Failed)));
            }
            let Some((sleep, limit)) = &mut limit else { return Poll::Pending };
            Pin::new(sleep).poll(cx).map(|()| Waited::Done(Err(AttemptError::TimedOut(*limit))))
        })
        .await;
        match connected {
            Waited::Closed => Waited::Closed,
            Waited::Done(Err(failed)) => Waited::Done(Err(failed)),
            Waited::Done(Ok((connection, left))) => {
                *connections = number;
                if !left.is_empty() {
                    shared.receive(&left);
                }
                Waited::Done(Ok(connection))
            }
        }
    }

    async fn carry(&mut self, mut connection: S) -> End {
        let Self { handle, pace, shared, hands, .. } = self;
        let mut chunk = Vec::new();
        let told = || handle.shared().updated();
        let end = poll_fn(|cx| poll_carry(&mut connection, hands, &mut chunk, shared, told, cx)).await;
        if let End::Closed = end {
            // The good-bye may take its time; whoever waits for a write has waited long enough.
            hands.drop_off(shared, &UnsentReason::Closed(CloseReason::Requested));
            let mut patience = pace.sleep(GOOD_BYE);
            poll_fn(|cx| match connection.poll_close(cx) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending => Pin::new(&mut patience).poll(cx),
            })
            .await;
        }
        drop_quietly(connection);
        end
    }

    /// Tells of a loss and waits for the next try. Other tasks get their turn also where the wait is zero.
    async fn lose(&mut self, error: Arc<io::Error>, wait: Duration) -> Waited<()> {
        // Made first: whoever moves the clock on to what it is told then finds the timer due.
        let mut sleep = self.pace.sleep(wait);
        self.enter(State::Lost { error: Arc::clone(&error), wait });
        self.hands.drop_off(&self.shared, &UnsentReason::Lost(error));
        let (mut over, mut yielded) = (false, false);
        poll_fn(|cx: &mut Context<'_>| {
            match self.shared.look(cx, false).order {
                Order::Close => return Poll::Ready(Waited::Closed),
                Order::Renew => over = true,
                Order::Go => {}
            }
            over = over || Pin::new(&mut sleep).poll(cx).is_ready();
            match (over, std::mem::replace(&mut yielded, true)) {
                (true, true) => return Poll::Ready(Waited::Done(())),
                (true, false) => cx.waker().wake_by_ref(),
                (false, _) => {}
            }
            Poll::Pending
        })
        .await
    }
}

impl<S> Engine<S> {
    /// Changes the state, and tells of it. `Closed` may have been set by the callers' side; it is told once.
    fn enter(&mut self, state: State) {
        let changed = self.shared.set_state(state);
        let Some(events) = &mut self.events else { return };
        match self.shared.state() {
            closed @ State::Closed(_) => {
                events.report(closed);
                self.events = None;
            }
            state if changed => events.report(state),
            _ => {}
        }
    }
}

impl<S> Drop for Engine<S> {
    fn drop(&mut self) {
        let reason = if std::thread::panicking() { CloseReason::Panicked } else { CloseReason::RuntimeGone };
        self.enter(State::Closed(reason));
        if let State::Closed(reason) = self.shared.state() {
            self.hands.drop_off(&self.shared, &UnsentReason::Closed(reason));
        }
    }
}

fn into_io(failed: AttemptError<io::Error>) -> io::Error {
    match failed {
        AttemptError::Failed(error) => error,
        timed_out => io::Error::new(io::ErrorKind::TimedOut, timed_out),
    }
}
