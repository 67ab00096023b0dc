//! What was received and not read yet: plain bytes, no lock, no waker.

use std::io;
use std::task::Poll;

/// A bounded buffer that outlives connections.
///
/// Places are counted from the first byte ever received, so that a search which was begun goes on where it stopped,
/// whatever others took meanwhile.
pub(super) struct Inbox {
    bytes: Vec<u8>,
    /// Where what was not read begins in `bytes`.
    head: usize,
    /// The place of `bytes[head]`.
    place: u64,
    limit: usize,
}

/// What a search for a delimiter found.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Found {
    /// The first so many bytes end with the delimiter.
    Within(usize),
    /// It is not there, and there is room for more.
    NotYet,
    /// It is not there, and no more fits.
    Full,
}

impl Inbox {
    /// `limit` is at least 1.
    pub(super) fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), head: 0, place: 0, limit }
    }

    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    pub(super) fn unread(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len() - self.head
    }

    /// How many bytes may be added.
    pub(super) fn room(&self) -> usize {
        self.limit.saturating_sub(self.len())
    }

    /// Adds what was received; it may go beyond the limit, and then there is no room until it was read.
    pub(super) fn append(&mut self, received: &[u8]) {
        self.move_up();
        self.bytes.extend_from_slice(received);
    }

    /// Adds what `read` puts into the room that there is, `most` bytes of it at most; how many that were.
    pub(super) fn receive(
        &mut self,
        most: usize,
        read: impl FnOnce(&mut [u8]) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        self.move_up();
        let (end, room) = (self.bytes.len(), self.room().min(most));
        self.bytes.resize(end + room, 0);
        let received = read(&mut self.bytes[end..]).map_ok(|n| n.min(room));
        self.bytes.truncate(end + if let Poll::Ready(Ok(n)) = received { n } else { 0 });
        received
    }

    fn move_up(&mut self) {
        if self.head > 0 && self.head >= self.len() {
            // Moves less than what was read since the last time.
            self.bytes.drain(..self.head);
            self.head = 0;
        }
    }

    /// Moves bytes into `buffer`, as many as there are and fit.
    pub(super) fn take_into(&mut self, buffer: &mut [u8]) -> usize {
        let n = buffer.len().min(self.len());
        buffer[..n].copy_from_slice(&self.unread()[..n]);
        self.advance(n);
        n
    }

    /// Moves the first `n` bytes out; there are that many.
    pub(super) fn take(&mut self, n: usize) -> Vec<u8> {
        let taken = self.unread()[..n].to_vec();
        self.advance(n);
        taken
    }

    /// Takes out what follows the last delimiter.
    pub(super) fn take_partial(&mut self, delimiter: u8) -> Vec<u8> {
        let whole = self.unread().iter().rposition(|byte| *byte == delimiter).map_or(0, |at| at + 1);
        let partial = self.bytes.split_off(self.head + whole);
        // No search that was begun may believe that it knows the bytes which will follow.
        self.place += partial.len() as u64;
        partial
    }

    /// Looks for a delimiter. `searched` is the place up to which this search has been.
    pub(super) fn find(&self, delimiter: u8, searched: &mut u64) -> Found {
        let unread = self.unread();
        let skipped = usize::try_from(searched.saturating_sub(self.place)).unwrap_or(usize::MAX).min(unread.len());
        if let Some(at) = unread[skipped..].iter().position(|byte| *byte == delimiter) {
            return Found::Within(skipped + at + 1);
        }
        *searched = self.place + unread.len() as u64;
        if self.room() == 0 { Found::Full } else { Found::NotYet }
    }

    /// Takes the first `n` bytes as read, or all if there are fewer.
    pub(super) fn skip(&mut self, n: usize) {
        self.advance(n.min(self.len()));
    }

    fn advance(&mut self, n: usize) {
        self.head += n;
        self.place += n as u64;
        if self.head == self.bytes.len() {
            self.bytes.clear();
            self.head = 0;
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::VecDeque;

    #[derive(Clone, Debug)]
    enum Op {
        Append(Vec<u8>),
        Receive(Vec<u8>),
        Take(usize),
        TakeInto(usize),
        Partial,
        Find,
    }

    fn op() -> impl Strategy<Value = Op> {
        let byte = prop_oneof![4 => Just(b'x'), 1 => Just(b'\n')];
        prop_oneof![
            proptest::collection::vec(byte.clone(), 0..9).prop_map(Op::Append),
            proptest::collection::vec(byte, 0..9).prop_map(Op::Receive),
            (0..9usize).prop_map(Op::Take),
            (0..9usize).prop_map(Op::TakeInto),
            Just(Op::Partial),
            Just(Op::Find),
        ]
    }

    proptest! {
        #[test]
        fn it_is_a_queue_of_bytes(ops in proptest::collection::vec(op(), 0..60)) {
            let mut inbox = Inbox::new(16);
            let mut model = VecDeque::new();
            let mut searched = 0;
            for op in ops {
                match op {
                    Op::Append(bytes) => {
                        inbox.append(&bytes);
                        model.extend(bytes);
                    }
                    Op::Receive(bytes) => {
                        let waits = inbox.receive(9, |_| Poll::Pending);
                        prop_assert!(waits.is_pending());
                        let received = inbox.receive(9, |room| {
                            let n = room.len().min(bytes.len());
                            room[..n].copy_from_slice(&bytes[..n]);
                            Poll::Ready(Ok(n))
                        });
                        let n = bytes.len().min(16usize.saturating_sub(model.len()));
                        prop_assert!(matches!(received, Poll::Ready(Ok(received)) if received == n));
                        model.extend(&bytes[..n]);
                    }
                    Op::Take(n) => {
                        let n = n.min(inbox.len());
                        prop_assert_eq!(inbox.take(n), model.drain(..n).collect::<Vec<_>>());
                    }
                    Op::TakeInto(n) => {
                        let mut buffer = [0; 9];
                        let taken = inbox.take_into(&mut buffer[..n]);
                        prop_assert_eq!(&buffer[..taken], model.drain(..n.min(model.len())).collect::<Vec<_>>());
                    }
                    Op::Partial => {
                        let whole = model.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
                        prop_assert_eq!(inbox.take_partial(b'\n'), model.drain(whole..).collect::<Vec<_>>());
                    }
                    Op::Find => {
                        let expected = match model.iter().position(|byte| *byte == b'\n') {
                            Some(at) => Found::Within(at + 1),
                            None if model.len() < 16 => Found::NotYet,
                            None => Found::Full,
                        };
                        prop_assert_eq!(inbox.find(b'\n', &mut searched), expected);
                    }
                }
                prop_assert_eq!(inbox.len(), model.len());
                prop_assert_eq!(inbox.room(), 16usize.saturating_sub(model.len()));
            }
        }
    }
}
