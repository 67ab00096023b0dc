//! What the sockets for datagrams (UDP, Unix) have in common. Each read takes one datagram: what the buffer has no room
//! for is lost.

/// The sends and receives of whatever has an `watched()`: to and from the peer, and from whom it may come.
macro_rules! datagram_methods {
    ($address:ty) => {
        /// Sends a datagram to the address that this socket is [connected](Self::connect) to. It is sent whole or not
        /// at all.
        ///
        /// # Errors
        /// Those of the system, `ConnectionRefused` for an earlier datagram that nobody took among them;
        /// [`ReactorGone`](crate::net::ReactorGone).
        pub async fn send(&self, bytes: &[u8]) -> std::io::Result<usize> {
            self.io.operate_some(crate::reactor::Direction::Write, |socket| socket.send(bytes)).await
        }

        /// Receives a datagram, and waits for one; how long it was. What the buffer has no room for is lost.
        ///
        /// # Errors
        /// Those of the system; [`ReactorGone`](crate::net::ReactorGone).
        pub async fn recv(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.io.operate_some(crate::reactor::Direction::Read, |socket| socket.recv(buffer)).await
        }

        /// Does what [`recv`](Self::recv) does, and says who sent it.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        pub async fn recv_from(&self, buffer: &mut [u8]) -> std::io::Result<(usize, $address)> {
            self.io.operate_some(crate::reactor::Direction::Read, |socket| socket.recv_from(buffer)).await
        }

        /// Receives a datagram into the room behind the bytes of a vector. What its capacity has no room for is lost.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv); `InvalidInput` for a vector without room: reserve some before.
        pub async fn recv_buf(&self, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
            use crate::net::spare;
            spare::check(buffer)?;
            self.io
                .operate_some(crate::reactor::Direction::Read, |socket| {
                    spare::append(buffer, |room| Ok((socket.recv(room)?, ())))
                })
                .await
                .map(|(n, ())| n)
        }

        /// Does what [`recv_buf`](Self::recv_buf) does, and says who sent it.
        ///
        /// # Errors
        /// Those of [`recv_buf`](Self::recv_buf).
        pub async fn recv_buf_from(&self, buffer: &mut Vec<u8>) -> std::io::Result<(usize, $address)> {
            use crate::net::spare;
            spare::check(buffer)?;
            self.io
                .operate_some(crate::reactor::Direction::Read, |socket| {
                    spare::append(buffer, |room| socket.recv_from(room))
                })
                .await
        }

        /// Does what [`recv_buf`](Self::recv_buf) does, without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if no datagram is there; those of [`recv_buf`](Self::recv_buf).
        pub fn try_recv_buf(&self, buffer: &mut Vec<u8>) -> std::io::Result<usize> {
            use crate::net::spare;
            spare::check(buffer)?;
            self.io
                .try_operate_some(crate::reactor::Direction::Read, |socket| {
                    spare::append(buffer, |room| Ok((socket.recv(room)?, ())))
                })
                .map(|(n, ())| n)
        }

        /// Does what [`recv_buf_from`](Self::recv_buf_from) does, without waiting.
        ///
        /// # Errors
        /// `WouldBlock` if no datagram is there; those of [`recv_buf`](Self::recv_buf).
        pub fn try_recv_buf_from(&self, buffer: &mut Vec<u8>) -> std::io::Result<(usize, $address)> {
            use crate::net::spare;
            spare::check(buffer)?;
            self.io.try_operate_some(crate::reactor::Direction::Read, |socket| {
                spare::append(buffer, |room| socket.recv_from(room))
            })
        }

        /// Sends a datagram if there is room for it now.
        ///
        /// # Errors
        /// `WouldBlock` if there is none; those of [`send`](Self::send).
        pub fn try_send(&self, bytes: &[u8]) -> std::io::Result<usize> {
            self.io.try_operate_some(crate::reactor::Direction::Write, |socket| socket.send(bytes))
        }

        /// Receives a datagram if one is there.
        ///
        /// # Errors
        /// `WouldBlock` if none is; those of [`recv`](Self::recv).
        pub fn try_recv(&self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.io.try_operate_some(crate::reactor::Direction::Read, |socket| socket.recv(buffer))
        }

        /// Does what [`try_recv`](Self::try_recv) does, and says who sent it.
        ///
        /// # Errors
        /// Those of [`try_recv`](Self::try_recv).
        pub fn try_recv_from(&self, buffer: &mut [u8]) -> std::io::Result<(usize, $address)> {
            self.io.try_operate_some(crate::reactor::Direction::Read, |socket| socket.recv_from(buffer))
        }

        /// Does what [`send`](Self::send) does, for futures written by hand. Every task that
        /// polls is woken.
        ///
        /// # Errors
        /// Those of [`send`](Self::send).
        pub fn poll_send(
            &self,
            cx: &mut std::task::Context<'_>,
            bytes: &[u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.io.poll_operate_some(crate::reactor::Direction::Write, cx, |socket| socket.send(bytes))
        }

        /// Does what [`recv`](Self::recv) does, for futures written by hand. Every task that
        /// polls is woken.
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        pub fn poll_recv(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<std::io::Result<usize>> {
            self.io.poll_operate_some(crate::reactor::Direction::Read, cx, |socket| socket.recv(buffer))
        }

        /// Does what [`recv_from`](Self::recv_from) does, in the manner of [`poll_recv`](Self::poll_recv).
        ///
        /// # Errors
        /// Those of [`recv`](Self::recv).
        pub fn poll_recv_from(
            &self,
            cx: &mut std::task::Context<'_>,
            buffer: &mut [u8],
        ) -> std::task::Poll<std::io::Result<(usize, $address)>> {
            self.io.poll_operate_some(crate::reactor::Direction::Read, cx, |socket| socket.recv_from(buffer))
        }

        crate::net::socket::readable_methods!();
        crate::net::socket::writable_methods!();
    };
}

pub(super) use datagram_methods;
