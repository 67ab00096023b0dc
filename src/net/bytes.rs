//! Any descriptor as a stream of bytes: pipes of child processes, terminals, event descriptors, serial ports.

use super::Io;
use super::stream::{too_short, took_no_more};
use crate::reactor::{Direction, Place};
use std::future::poll_fn;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsFd;
use std::task::{Context, Poll, ready};

/// Reads and writes by the system calls `read` and `write`, past any buffer that the type of the descriptor has.
impl<F: AsFd> Io<F> {
    /// Reads what is there, at most a buffer full; waits until something is. Zero is the end.
    ///
    /// # Cancel safety
    /// A dropped read has taken nothing.
    ///
    /// # Errors
    /// Those of the system; [`ReactorGone`](super::ReactorGone).
    pub async fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.operate_some(Direction::Read, |fd| Ok(rustix::io::read(fd, &mut *buffer)?)).await
    }

    /// Fills the buffer.
    ///
    /// # Cancel safety
    /// A dropped call may have taken a part.
    ///
    /// # Errors
    /// Those of [`read`](Self::read); `UnexpectedEof` if the end comes first.
    pub async fn read_exact(&self, mut buffer: &mut [u8]) -> io::Result<()> {
        while !buffer.is_empty() {
            match self.read(buffer).await? {
                0 => return Err(too_short()),
                n => buffer = &mut buffer[n..],
            }
        }
        Ok(())
    }

    /// Reads what is there now.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is; those of [`read`](Self::read).
    pub fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.try_operate_some(Direction::Read, |fd| Ok(rustix::io::read(fd, &mut *buffer)?))
    }

    /// Does what [`read`](Self::read) does, for futures written by hand. Every task that polls is woken.
    ///
    /// # Errors
    /// Those of [`read`](Self::read).
    pub fn poll_read(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_operate_some(Direction::Read, cx, |fd| Ok(rustix::io::read(fd, &mut *buffer)?))
    }

    /// Writes as much as there is room for, and returns how much; waits until there is room for something.
    ///
    /// # Cancel safety
    /// A dropped write has written nothing.
    ///
    /// # Errors
    /// Those of the system, as `BrokenPipe`; [`ReactorGone`](super::ReactorGone).
    pub async fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.operate_some(Direction::Write, |fd| Ok(rustix::io::write(fd, bytes)?)).await
    }

    /// Writes all.
    ///
    /// # Cancel safety
    /// A dropped call may have written a part.
    ///
    /// # Errors
    /// Those of [`write`](Self::write); how much was written before is not known.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        let mut wait = self.wait(Place::new());
        poll_fn(|cx| {
            while !bytes.is_empty() {
                let write = |fd: &F| Ok(super::io::Did::Some(rustix::io::write(fd, bytes)?));
                match ready!(self.poll_operate(Direction::Write, cx, &mut wait.place, write))? {
                    0 => return Poll::Ready(Err(took_no_more())),
                    n => bytes = &bytes[n..],
                }
            }
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Writes what there is room for now.
    ///
    /// # Errors
    /// `WouldBlock` if there is none; those of [`write`](Self::write).
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        self.try_operate_some(Direction::Write, |fd| Ok(rustix::io::write(fd, bytes)?))
    }

    /// Does what [`write`](Self::write) does, for futures written by hand. Every task that polls is woken.
    ///
    /// # Errors
    /// Those of [`write`](Self::write).
    pub fn poll_write(&self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_operate_some(Direction::Write, cx, |fd| Ok(rustix::io::write(fd, bytes)?))
    }

    #[cfg_attr(not(feature = "futures-io"), expect(dead_code, reason = "for its traits"))]
    pub(super) fn poll_read_vectored(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_operate_some(Direction::Read, cx, |fd| Ok(rustix::io::readv(fd, buffers)?))
    }

    #[cfg_attr(not(feature = "futures-io"), expect(dead_code, reason = "for its traits"))]
    pub(super) fn poll_write_vectored(&self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        self.poll_operate_some(Direction::Write, cx, |fd| Ok(rustix::io::writev(fd, slices)?))
    }
}

super::buf_reader::byte_reader!([F: AsFd] Io<F>);
