//! Operations that the program brings: closures over a source, run when it is ready.
//!
//! A closure may return `WouldBlock` although the source is ready: its own reasons are not the system's. To clear the
//! readiness then would lose a wake-up, since the system reports an edge once; to believe the closure never would let its task
//! spin. So the system is asked: a closure that is contradicted runs again, and is believed the eighth time in a row.

use super::io::{Io, Wait};
use super::ready::directions;
use crate::reactor::{Direction, Place, ReactorGone, Seen, UNUSED};
use crate::runtime::spend;
use mio::Interest;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

/// What came of one call of a closure.
enum Outcome<R> {
    Done(io::Result<R>),
    /// It would block; the readiness was cleared.
    Blocks,
    /// It says that it would block, and the system says otherwise.
    Contradicted,
}

/// What was seen of the directions that are ready.
type Found = [Option<Seen>; 2];

impl<S> Io<S> {
    /// Runs an operation as soon as the source is ready for it.
    ///
    /// For system calls that this crate does not have: `recvmsg` and `sendmsg`, passing descriptors, `splice`, offloads of UDP.
    /// `operation` returns [`WouldBlock`](io::ErrorKind::WouldBlock) when it can do nothing now, and runs again when the
    /// source is ready. It must not block. Interrupted calls are repeated.
    ///
    /// An interest in both directions runs the operation when the source is ready for either one.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: `operation` does not run between two polls.
    ///
    /// # Errors
    /// Those of the operation; [`ReactorGone`].
    ///
    /// # Example
    /// ```
    /// # #[cfg(unix)] {
    /// use offtick::net::{Interest, Io};
    /// use std::io::{PipeReader, Read, Write};
    /// let rt = offtick::Runtime::new()?;
    /// let (reader, mut writer) = std::io::pipe()?;
    /// let mut task = rt.run(async move {
    ///     let reader = Io::from_fd(reader)?;
    ///     let mut bytes = [0; 3];
    ///     reader.io(Interest::READABLE, |mut pipe: &PipeReader| pipe.read_exact(&mut bytes)).await?;
    ///     Ok::<_, std::io::Error>(bytes)
    /// });
    /// writer.write_all(b"abc")?;
    /// assert_eq!(&task.wait()?, b"abc");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub async fn io<R>(&self, interest: Interest, mut operation: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        let mut waits = [self.wait(Place::new()), self.wait(Place::new())];
        poll_fn(|cx| {
            let [Wait { place: read, .. }, Wait { place: write, .. }] = &mut waits;
            self.poll_custom(interest, cx, [read, write], &mut operation)
        })
        .await
    }

    /// Runs an operation if the source is ready for it now.
    ///
    /// Never waits. See [`io`](Self::io).
    ///
    /// # Errors
    /// [`WouldBlock`](io::ErrorKind::WouldBlock) if it is not ready, or the operation would block; those of the operation;
    /// [`ReactorGone`].
    pub fn try_io<R>(&self, interest: Interest, mut operation: impl FnMut(&S) -> io::Result<R>) -> io::Result<R> {
        let mut found = Found::default();
        for direction in directions(interest) {
            found[direction as usize] = self.state().look(direction);
        }
        if found == Found::default() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        match self.call_custom(interest, found, &mut operation) {
            Outcome::Done(done) => done,
            Outcome::Blocks | Outcome::Contradicted => Err(io::ErrorKind::WouldBlock.into()),
        }
    }

    /// Does what [`io`](Self::io) does, for futures written by hand. Every task that polls is woken.
    ///
    /// # Errors
    /// Those of the operation; [`ReactorGone`].
    pub fn poll_io<R>(
        &self,
        interest: Interest,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        self.poll_custom(interest, cx, [&mut Place::Polled, &mut Place::Polled], &mut operation)
    }

    fn poll_custom<R>(
        &self,
        interest: Interest,
        cx: &Context<'_>,
        mut places: [&mut Place; 2],
        operation: &mut impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let found = ready!(self.poll_found(interest, cx, &mut places));
            if spend() {
                match self.call_custom(interest, found, operation) {
                    Outcome::Done(done) => return Poll::Ready(done),
                    Outcome::Blocks => continue,
                    Outcome::Contradicted => {}
                }
            }
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
    }

    fn poll_found(&self, interest: Interest, cx: &Context<'_>, places: &mut [&mut Place; 2]) -> Poll<Found> {
        let mut found = Found::default();
        for direction in directions(interest) {
            if let Poll::Ready(seen) = self.state().poll_ready(direction, cx, places[direction as usize]) {
                found[direction as usize] = Some(seen);
            }
        }
        if found == Found::default() { Poll::Pending } else { Poll::Ready(found) }
    }

    fn call_custom<R>(
        &self,
        interest: Interest,
        found: Found,
        operation: &mut impl FnMut(&S) -> io::Result<R>,
    ) -> Outcome<R> {
        if found.into_iter().flatten().any(Seen::is_gone) {
            return Outcome::Done(Err(ReactorGone.into()));
        }
        let seen = || directions(interest).filter_map(|direction| Some((direction, found[direction as usize]?)));
        let done = loop {
            match self.call_in(seen().map(|(direction, _)| direction), operation) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                done => break done,
            }
        };
        if !matches!(&done, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            seen().for_each(|(direction, _)| self.state().used(direction));
            return Outcome::Done(done);
        }
        if self.contradicts(interest) {
            return Outcome::Contradicted;
        }
        for (direction, seen) in seen() {
            self.state().used(direction);
            self.state().would_block(seen, direction);
        }
        Outcome::Blocks
    }

    /// Calls the operation, unless the source keeps its blocking mode and is ready for none of the directions.
    fn call_in<R>(
        &self,
        directions: impl Iterator<Item = Direction>,
        operation: &mut impl FnMut(&S) -> io::Result<R>,
    ) -> io::Result<R> {
        let mut blocks = Err(io::ErrorKind::WouldBlock.into());
        for direction in directions {
            if self.proceeds(direction)? {
                blocks = operation(self.get_ref());
                break;
            }
        }
        blocks
    }

    /// True if the system says that an operation would not block, and was not asked too often. Of an interest in both
    /// directions it cannot tell: one of them may be ready while the operation needs the other.
    fn contradicts(&self, interest: Interest) -> bool {
        let mut directions = directions(interest);
        let (Some(direction), None) = (directions.next(), directions.next()) else { return false };
        const { assert!(UNUSED > 1) };
        !self.state().count_unused(direction) && self.ask(direction) == Some(true)
    }
}
