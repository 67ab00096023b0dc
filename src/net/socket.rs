//! What all sockets have in common. Each of these macros stands in an `impl` block of a type that has `io: Io<_>` and
//! `from_mio`, or `io()`, so that the methods and their documentation are written once.

/// Whether the standard library's socket comes in or goes out; the local address; errors.
macro_rules! socket_methods {
    ($std:ty, $mio:ty, $address:ty) => {
        /// Watches a socket of the standard library, which is put into non-blocking mode. For sockets that are made
        /// before there is a task, or with options that are not here.
        ///
        /// # Errors
        /// [`Refused`](crate::net::Refused) gives it back, in blocking mode: errors of the system;
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub fn from_std(socket: $std) -> Result<Self, crate::net::Refused<$std>> {
            crate::net::refused::watch_on_any(socket, Self::from_std_on)
        }

        /// As [`from_std`](Self::from_std), on a given runtime.
        ///
        /// # Errors
        /// Those of [`from_std`](Self::from_std).
        pub fn from_std_on(handle: &crate::runtime::Handle, socket: $std) -> Result<Self, crate::net::Refused<$std>> {
            if let Err(error) = socket.set_nonblocking(true) {
                return Err(crate::net::Refused::new(socket, error));
            }
            Self::from_mio(handle, <$mio>::from_std(socket)).map_err(|refused| {
                refused.map(|socket| {
                    let socket = <$std>::from(socket);
                    // As it went out of that mode a moment ago, so it comes back.
                    let _blocking = socket.set_nonblocking(false);
                    socket
                })
            })
        }

        /// The socket as the standard library's, not watched any more; back in blocking mode.
        ///
        /// # Errors
        /// Those of the system.
        pub fn into_std(self) -> std::io::Result<$std> {
            let socket = <$std>::from(self.io.into_inner());
            socket.set_nonblocking(false)?;
            Ok(socket)
        }

        /// The address of this end.
        ///
        /// # Errors
        /// Those of the system.
        pub fn local_addr(&self) -> std::io::Result<$address> {
            self.io.get_ref().local_addr()
        }

        /// An error that the socket has met and no call has told of, once.
        ///
        /// # Errors
        /// Those of the system.
        pub fn take_error(&self) -> std::io::Result<Option<std::io::Error>> {
            self.io.get_ref().take_error()
        }
    };
}

/// The other end.
macro_rules! peer_methods {
    ($address:ty) => {
        /// The address of the other end.
        ///
        /// # Errors
        /// `NotConnected` if there is none; those of the system.
        pub fn peer_addr(&self) -> std::io::Result<$address> {
            self.io.get_ref().peer_addr()
        }
    };
}

/// Shutting a direction.
macro_rules! shutdown_methods {
    () => {
        /// Shuts a direction, or both, of the connection itself; its other owners notice.
        ///
        /// Never blocks: what was written is still sent.
        ///
        /// # Errors
        /// `NotConnected` if there is no connection, or the peer has reset it.
        pub fn shutdown(&self, how: std::net::Shutdown) -> std::io::Result<()> {
            self.io.get_ref().shutdown(how)
        }
    };
}

/// The hops of the internet protocol.
macro_rules! ttl_methods {
    () => {
        /// The hops that a packet may take.
        ///
        /// # Errors
        /// Those of the system.
        pub fn ttl(&self) -> std::io::Result<u32> {
            self.io.get_ref().ttl()
        }

        /// Sets the hops that a packet may take.
        ///
        /// # Errors
        /// Those of the system.
        pub fn set_ttl(&self, ttl: u32) -> std::io::Result<()> {
            self.io.get_ref().set_ttl(ttl)
        }
    };
}

/// Waiting to read.
macro_rules! readable_methods {
    () => {
        /// Waits until a read should be tried. It may still find nothing; then wait again.
        ///
        /// # Errors
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub async fn readable(&self) -> std::io::Result<()> {
            self.io().readable().await
        }
    };
}

/// Waiting to write.
macro_rules! writable_methods {
    () => {
        /// Waits until a write should be tried. It may still find no room; then wait again.
        ///
        /// # Errors
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub async fn writable(&self) -> std::io::Result<()> {
            self.io().writable().await
        }
    };
}

pub(super) use {peer_methods, readable_methods, shutdown_methods, socket_methods, ttl_methods, writable_methods};
