//! What the listeners have in common: accepting, one by one or as a stream of connections.

use super::backlog::{Backlog, Turn};
use super::io::Io;
use crate::reactor::ReactorGone;
use sealed::Accept;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

/// A socket where connections come in: [`TcpListener`](super::TcpListener) and, on Unix, `UnixListener`. For the type of
/// [`Incoming`]. Sealed.
pub trait Listener: Accept {}

impl<L: Accept> Listener for L {}

pub(super) mod sealed {
    use super::{Backlog, Context, Io, Poll, Turn, io};

    pub trait Accept {
        type Source;
        type Stream;
        type Address;

        fn parts(&self) -> (&Io<Self::Source>, &Backlog);

        fn poll_accept_in(
            &self,
            turn: &mut Turn<'_>,
            cx: &mut Context<'_>,
        ) -> Poll<io::Result<(Self::Stream, Self::Address)>>;
    }
}

pub(super) async fn accept<L: Accept>(listener: &L) -> io::Result<(L::Stream, L::Address)> {
    let mut turn = Turn::new(listener.parts().0);
    poll_fn(|cx| listener.poll_accept_in(&mut turn, cx)).await
}

pub(super) fn poll_accept<L: Accept>(listener: &L, cx: &mut Context<'_>) -> Poll<io::Result<(L::Stream, L::Address)>> {
    let (io, backlog) = listener.parts();
    let mut turn = backlog.take_slot(io);
    let polled = listener.poll_accept_in(&mut turn, cx);
    backlog.put_slot(turn);
    polled
}

/// The connections of a listener, one after the other; made by [`TcpListener::incoming`](super::TcpListener::incoming).
///
/// It ends only with the runtime: after the error that tells of that.
///
/// # Example
/// ```
/// use offtick::net::{TcpListener, TcpStream};
/// use std::net::Ipv4Addr;
/// let rt = offtick::Runtime::new()?;
/// let mut task = rt.run(async {
///     let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
///     let _clients = (TcpStream::connect(listener.local_addr()?).await?, TcpStream::connect(listener.local_addr()?).await?);
///     let mut incoming = listener.incoming();
///     let mut served = 0;
///     while let Some(stream) = incoming.next().await {
///         match stream {
///             Ok(stream) => stream.write_all(b"welcome").await?,
///             // No room for another connection, say: `next` waits by itself before it tries again.
///             Err(error) => eprintln!("not accepted: {error}"),
///         }
///         served += 1;
///         if served == 2 {
///             break;
///         }
///     }
///     Ok::<_, std::io::Error>(served)
/// });
/// assert_eq!(task.wait()?, 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Incoming<'a, L> {
    listener: &'a L,
    turn: Turn<'a>,
    over: bool,
}

impl<'a, L: Listener> Incoming<'a, L> {
    pub(super) fn new(listener: &'a L) -> Self {
        Self { listener, turn: Turn::new(listener.parts().0), over: false }
    }

    /// Waits for the next connection. Dropping the future has taken none.
    ///
    /// # Errors
    /// Those of `accept` of the listener: the next call goes on after all of them but
    /// [`ReactorGone`](super::ReactorGone), after which there is `None`.
    pub async fn next(&mut self) -> Option<io::Result<L::Stream>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// Does what [`next`](Self::next) does, for futures and streams written by hand.
    ///
    /// # Errors
    /// Those of [`next`](Self::next).
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<L::Stream>>> {
        if self.over {
            return Poll::Ready(None);
        }
        let accepted = ready!(self.listener.poll_accept_in(&mut self.turn, cx));
        self.over = accepted.as_ref().is_err_and(ReactorGone::caused);
        Poll::Ready(Some(accepted.map(|(stream, _)| stream)))
    }
}

/// It ends after the error of a runtime that is shut down.
#[cfg(feature = "stream")]
impl<L: Listener> futures_core::Stream for Incoming<'_, L> {
    type Item = io::Result<L::Stream>;

    fn poll_next(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Incoming::poll_next(self.get_mut(), cx)
    }
}

impl<L: fmt::Debug> fmt::Debug for Incoming<'_, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Incoming").field("listener", &self.listener).field("over", &self.over).finish()
    }
}

/// The making of a listener that has `io` and `backlog`, and its accepts.
macro_rules! listener {
    ($listener:ty: $source:ty => $stream:ty, $address:ty) => {
        impl $listener {
            fn from_mio(
                handle: &crate::runtime::Handle,
                listener: $source,
            ) -> Result<Self, crate::net::Refused<$source>> {
                use crate::net::{backlog::Backlog, io::Io};
                let io = Io::watch(handle, listener, mio::Interest::READABLE, crate::reactor::Facts::ASSUMED)?;
                Ok(Self { io, backlog: Backlog::new(handle) })
            }

            crate::net::socket::readable_methods!();
            crate::net::socket::owned_readable_methods!();

            pub(in crate::net) fn watched(&self) -> &crate::net::io::Io<$source> {
                &self.io
            }

            /// Waits for a connection: the stream, and the address of its peer.
            ///
            /// A connection that was given up before it was accepted is passed over. Where the system has no room for
            /// another one (no descriptor, no memory) the error is returned, and the next call waits, 10 ms at first and
            /// a second at most, before it tries again: a loop that goes on after an error does not spin. It ends at
            /// [`ReactorGone`](crate::net::ReactorGone), as that of [`incoming`](Self::incoming) does by itself:
            /// ```
            /// # async fn serve(listener: offtick::net::TcpListener) {
            /// use offtick::net::ReactorGone;
            /// loop {
            ///     match listener.accept().await {
            ///         Ok((stream, peer)) => println!("{peer} is here: spawn what serves {stream:?}"),
            ///         Err(error) if ReactorGone::caused(&error) => break,
            ///         Err(error) => eprintln!("not accepted: {error}"),
            ///     }
            /// }
            /// # }
            /// ```
            ///
            /// # Errors
            /// Those of the system; [`ReactorGone`](crate::net::ReactorGone).
            pub async fn accept(&self) -> std::io::Result<($stream, $address)> {
                crate::net::listener::accept(self).await
            }

            /// Does what [`accept`](Self::accept) does, for futures written by hand. One task at a time: of several, the last to
            /// call is woken.
            ///
            /// # Errors
            /// Those of [`accept`](Self::accept).
            pub fn poll_accept(
                &self,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<($stream, $address)>> {
                crate::net::listener::poll_accept(self, cx)
            }

            /// The connections, one after the other: [`accept`](Self::accept) without the addresses of the peers, for
            /// loops. Several of these, and `accept`, share them.
            pub fn incoming(&self) -> crate::net::Incoming<'_, Self> {
                crate::net::Incoming::new(self)
            }
        }

        crate::net::socket::watched!($listener: $source);

        impl crate::net::listener::sealed::Accept for $listener {
            type Source = $source;
            type Stream = $stream;
            type Address = $address;

            fn parts(&self) -> (&crate::net::io::Io<$source>, &crate::net::backlog::Backlog) {
                (&self.io, &self.backlog)
            }

            fn poll_accept_in(
                &self,
                turn: &mut crate::net::backlog::Turn<'_>,
                cx: &mut std::task::Context<'_>,
            ) -> std::task::Poll<std::io::Result<($stream, $address)>> {
                self.backlog.poll_accept(&self.io, turn, cx, |listener| {
                    let (stream, peer) = listener.accept()?;
                    Ok((<$stream>::from_mio(self.backlog.handle(), stream)?, peer))
                })
            }
        }
    };
}

pub(super) use listener;
