//! What all sockets have in common. Each of these macros stands in an `impl` block of a type that has `io: Io<_>` and
//! `from_mio`, or `watched()`, so that the methods and their documentation are written once.

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

        /// Does what [`from_std`](Self::from_std) does, on a given runtime.
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
            let socket = <$std>::from(self.unwatched());
            socket.set_nonblocking(false)?;
            Ok(socket)
        }

        /// The socket, no longer watched; in non-blocking mode.
        pub(in crate::net) fn unwatched(self) -> $mio {
            self.io.into_inner()
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
            self.io.get_ref().shutdown(how)?;
            if how != std::net::Shutdown::Write {
                self.io.note_read_closed();
            }
            Ok(())
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
        /// It stays readable until a read through this type would block. System calls on the descriptor itself are
        /// unseen: run them in [`try_io`](crate::net::Io::try_io). See [`Io::readable`](crate::net::Io::readable).
        ///
        /// # Errors
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub async fn readable(&self) -> std::io::Result<()> {
            self.watched().readable().await
        }

        /// Does what [`readable`](Self::readable) does, for futures written by hand. Every task that polls is woken. See
        /// [`Io::poll_readable`](crate::net::Io::poll_readable).
        ///
        /// # Errors
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub fn poll_readable(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
            self.watched().poll_readable(cx)
        }
    };
}

/// Waiting to write.
macro_rules! writable_methods {
    () => {
        /// Waits until a write should be tried. It may still find no room; then wait again.
        ///
        /// It stays writable until a write through this type would block. System calls on the descriptor itself are
        /// unseen: run them in [`try_io`](crate::net::Io::try_io). See [`Io::writable`](crate::net::Io::writable).
        ///
        /// # Errors
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub async fn writable(&self) -> std::io::Result<()> {
            self.watched().writable().await
        }

        /// Does what [`writable`](Self::writable) does, for futures written by hand. Every task that polls is woken. See
        /// [`Io::poll_writable`](crate::net::Io::poll_writable).
        ///
        /// # Errors
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub fn poll_writable(&self, cx: &mut std::task::Context<'_>) -> std::task::Poll<std::io::Result<()>> {
            self.watched().poll_writable(cx)
        }
    };
}

/// Owned waits for reading, for whole sockets.
macro_rules! owned_readable_methods {
    () => {
        /// Does what [`readable`](Self::readable) does, in a future that a struct can hold.
        pub fn readable_owned(self: &crate::sync::Arc<Self>) -> crate::net::OwnedReadiness<Self> {
            crate::net::OwnedReadiness::new(self, crate::reactor::Direction::Read)
        }

        /// Runs an operation as soon as the socket is ready for it: system calls that this type does not have.
        ///
        /// `operation` returns `WouldBlock` when it can do nothing now, and runs again when the socket is ready. See
        /// [`Io::io`](crate::net::Io::io).
        ///
        /// # Errors
        /// Those of the operation; [`ReactorGone`](crate::net::ReactorGone).
        pub async fn io<R>(
            &self,
            interest: crate::net::Interest,
            mut operation: impl FnMut(&Self) -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            self.io.io(interest, |_| operation(self)).await
        }

        /// Runs an operation if the socket is ready for it now.
        ///
        /// Never waits. See [`Io::try_io`](crate::net::Io::try_io).
        ///
        /// # Errors
        /// `WouldBlock` if it is not ready, or the operation would block; those of the operation;
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub fn try_io<R>(
            &self,
            interest: crate::net::Interest,
            mut operation: impl FnMut(&Self) -> std::io::Result<R>,
        ) -> std::io::Result<R> {
            self.io.try_io(interest, |_| operation(self))
        }

        /// Does what [`io`](Self::io) does, for futures written by hand. See
        /// [`Io::poll_io`](crate::net::Io::poll_io).
        ///
        /// # Errors
        /// Those of the operation; [`ReactorGone`](crate::net::ReactorGone).
        pub fn poll_io<R>(
            &self,
            interest: crate::net::Interest,
            cx: &mut std::task::Context<'_>,
            mut operation: impl FnMut(&Self) -> std::io::Result<R>,
        ) -> std::task::Poll<std::io::Result<R>> {
            self.io.poll_io(interest, cx, |_| operation(self))
        }
    };
}

/// Owned waits for writing and waits for both directions, for whole sockets.
macro_rules! owned_writable_methods {
    () => {
        /// Does what [`writable`](Self::writable) does, in a future that a struct can hold.
        pub fn writable_owned(self: &crate::sync::Arc<Self>) -> crate::net::OwnedReadiness<Self> {
            crate::net::OwnedReadiness::new(self, crate::reactor::Direction::Write)
        }

        /// Waits until one of several operations should be tried.
        ///
        /// Returns which. See
        /// [`Io::ready`](crate::net::Io::ready).
        ///
        /// # Errors
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub async fn ready(&self, interest: crate::net::Interest) -> std::io::Result<crate::net::Ready> {
            self.io.ready(interest).await
        }
    };
}

/// What an owned wait needs to know of a whole socket, which has `watched()`.
macro_rules! watched {
    ($socket:ty: $source:ty) => {
        impl crate::net::ready::sealed::Watched for $socket {
            type Source = $source;

            fn watched(&self) -> &crate::net::io::Io<$source> {
                &self.io
            }
        }
    };
}

pub(super) use {
    owned_readable_methods, owned_writable_methods, peer_methods, readable_methods, shutdown_methods, socket_methods,
    ttl_methods, watched, writable_methods,
};
