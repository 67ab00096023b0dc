//! Reads into the room behind the bytes of a vector.

use std::io;

/// The room of a vector must not be empty: a read of nothing looks like the end of a stream.
pub(super) fn check(buffer: &Vec<u8>) -> io::Result<()> {
    if buffer.len() < buffer.capacity() {
        return Ok(());
    }
    Err(io::Error::new(io::ErrorKind::InvalidInput, "the buffer has no room: reserve some"))
}

/// Calls `read` with the room behind the bytes, and appends what it returns as read.
pub(super) fn append<R>(
    buffer: &mut Vec<u8>,
    read: impl FnOnce(&mut [u8]) -> io::Result<(usize, R)>,
) -> io::Result<(usize, R)> {
    let (end, room) = (buffer.len(), buffer.capacity());
    buffer.resize(room, 0);
    let done = read(&mut buffer[end..]);
    buffer.truncate(end + done.as_ref().map_or(0, |(n, _)| *n));
    done
}
