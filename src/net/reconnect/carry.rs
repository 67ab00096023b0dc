//! One connection, from its handshake to its loss: bytes carried between it and what is shared.

use super::connection::Connection;
use super::error::{Unsent, UnsentReason};
use super::fresh::{CHUNK, no_room};
use super::outbox::Message;
use super::shared::{Order, Shared};
use super::state::State;
use std::io;
use std::task::{Context, Poll, ready};

/// How often a poll goes round before other tasks get their turn, where the connection is always ready.
const ROUNDS: usize = 16;

/// How a connection ended.
pub(super) enum End {
    Lost(io::Error),
    /// The peer sends no more.
    Ended,
    /// Given up by the program, for another.
    Renewed,
    /// The stream is closed.
    Closed,
}

/// The message in the engine's hands. Not lost on any way out: whoever drops the engine settles it.
#[derive(Default)]
pub(super) struct Hands {
    message: Option<Message>,
    handed: usize,
    /// Of a write; what had arrived before it is still being read.
    broken: Option<io::Error>,
}

impl Hands {
    fn is_empty(&self) -> bool {
        self.message.is_none()
    }

    /// One write, or the flush after the last. Ready with true once the message is written and flushed.
    fn poll<S: Connection>(&mut self, connection: &mut S, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let Some(message) = &self.message else { return Poll::Pending };
        let rest = &message.bytes[self.handed..];
        if rest.is_empty() {
            return connection.poll_flush(cx).map_ok(|()| true);
        }
        match ready!(connection.poll_write(cx, rest))? {
            0 => Poll::Ready(Err(no_room())),
            n => {
                self.handed += n.min(rest.len());
                Poll::Ready(Ok(false))
            }
        }
    }

    /// Written and flushed.
    fn done(&mut self, shared: &Shared) {
        if let Some(message) = self.message.take() {
            shared.settle(message.number, Ok(()));
        }
        self.handed = 0;
    }

    /// The connection is gone. A message that is to be sent again gets its old turn, unless that is over; every other
    /// one is told how far it came.
    pub(super) fn drop_off(&mut self, shared: &Shared, reason: &UnsentReason) {
        let Self { message, handed, broken: _ } = std::mem::take(self);
        let Some(message) = message else { return };
        let refused = if message.again && matches!(reason, UnsentReason::Lost(_)) {
            shared.put_back(message)
        } else {
            Err(message)
        };
        if let Err(Message { number, bytes, .. }) = refused {
            let reason = match shared.state() {
                // It was to be sent again, and there is no again.
                State::Closed(closed) => UnsentReason::Closed(closed),
                _ => reason.clone(),
            };
            shared.settle(number, Err(Unsent::new(bytes, handed, reason)));
        }
    }
}

/// Carries until the connection ends. After a failed write it reads on until nothing is left: a peer that says why it
/// closes is heard.
pub(super) fn poll_carry<S: Connection>(
    connection: &mut S,
    hands: &mut Hands,
    chunk: &mut Vec<u8>,
    shared: &Shared,
    received: impl Fn(),
    cx: &mut Context<'_>,
) -> Poll<End> {
    for _ in 0..ROUNDS {
        let look = shared.look(cx, hands.is_empty());
        match look.order {
            Order::Go => {}
            Order::Renew => return Poll::Ready(End::Renewed),
            Order::Close => return Poll::Ready(End::Closed),
        }
        if look.message.is_some() {
            hands.message = look.message;
        }
        let mut moved = false;
        if look.room > 0 {
            chunk.resize(look.room.min(CHUNK), 0);
            match connection.poll_read(cx, chunk) {
                Poll::Ready(Ok(n)) if n > 0 => {
                    shared.receive(&chunk[..n.min(chunk.len())]);
                    received();
                    moved = true;
                }
                Poll::Ready(end) => {
                    return Poll::Ready(match (hands.broken.take(), end) {
                        (Some(error), _) | (None, Err(error)) => End::Lost(error),
                        (None, Ok(_)) => End::Ended,
                    });
                }
                Poll::Pending => {}
            }
        }
        if hands.broken.is_none() {
            match hands.poll(connection, cx) {
                Poll::Ready(Ok(done)) => {
                    moved = true;
                    if done {
                        hands.done(shared);
                    }
                }
                Poll::Ready(Err(error)) => {
                    hands.broken = Some(error);
                    moved = true;
                }
                Poll::Pending => {}
            }
        } else if !moved && let Some(error) = hands.broken.take() {
            return Poll::Ready(End::Lost(error));
        }
        if !moved {
            return Poll::Pending;
        }
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}
