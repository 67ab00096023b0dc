//! quinn (QUIC) on offtick: its [`Runtime`] over a handle.
//!
//! Works on a [`Runtime`](offtick::Runtime) and on a ticked [`LocalRuntime`](offtick::LocalRuntime) alike; there the
//! connections advance in the ticks. Segmentation offloads and congestion marks of UDP are those of `quinn-udp`.
//!
//! The feature `quinn` of this package brings no cryptography and no other runtime: depend on `quinn` with
//! `default-features = false, features = ["rustls-ring"]`, or another provider.
//!
//! # Example
//! ```no_run
//! use offtick_compat::quinn::QuinnRuntime;
//! use quinn::{Endpoint, EndpointConfig};
//! use std::net::UdpSocket;
//! use std::sync::Arc;
//!
//! let rt = offtick::Runtime::new()?;
//! let runtime = Arc::new(QuinnRuntime::new(rt.handle().clone()));
//! let endpoint = Endpoint::new(EndpointConfig::default(), None, UdpSocket::bind("0.0.0.0:0")?, runtime)?;
//! # drop(endpoint);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use offtick::Handle;
use offtick::net::{Interest, OwnedReadiness, UdpSocket};
use offtick::time::Sleep;
use quinn::udp::{RecvMeta, Transmit, UdpSockRef, UdpSocketState};
use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, UdpPoller};
use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

/// The runtime of a handle, as quinn takes it.
///
/// Tasks of quinn end by themselves when their connection or endpoint does. Timers follow the clock of the runtime.
///
/// # Example
/// See the [module](self).
#[derive(Clone, Debug)]
pub struct QuinnRuntime {
    handle: Handle,
}

impl QuinnRuntime {
    /// Wraps a handle.
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl Runtime for QuinnRuntime {
    fn new_timer(&self, deadline: Instant) -> Pin<Box<dyn AsyncTimer>> {
        Box::pin(Timer(self.handle.sleep_until(deadline)))
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        self.handle.spawn(future).detach();
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let state = UdpSocketState::new(UdpSockRef::from(&socket))?;
        let socket = Arc::new(UdpSocket::from_std_on(&self.handle, socket)?);
        Ok(Arc::new(Socket { socket, state }))
    }

    fn now(&self) -> Instant {
        self.handle.clock().now()
    }
}

struct Timer(Sleep);

impl AsyncTimer for Timer {
    fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.get_mut().0.reset_until(deadline);
    }

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.get_mut().0).poll(cx)
    }
}

impl fmt::Debug for Timer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timer").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Socket {
    socket: Arc<UdpSocket>,
    state: UdpSocketState,
}

impl AsyncUdpSocket for Socket {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable(self.socket.writable_owned()))
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.socket.try_io(Interest::WRITABLE, |socket| self.state.send(UdpSockRef::from(socket), transmit))
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        self.socket.poll_io(Interest::READABLE, cx, |socket| self.state.recv(UdpSockRef::from(socket), buffers, meta))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.state.gro_segments()
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

/// A wait of one task for room to send.
#[derive(Debug)]
struct Writable(OwnedReadiness<UdpSocket>);

impl UdpPoller for Writable {
    fn poll_writable(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_ready(cx)
    }
}
