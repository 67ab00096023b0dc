//! Reads and writes of a stream by the traits of the standard library, with the errors that Unix has.

use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};

/// `WSAESHUTDOWN`: this side was shut. The standard library gives it no kind.
const SHUT: i32 = 10058;

pub(super) fn read<'a, S>(mut source: &'a S, buffer: &mut [u8]) -> io::Result<usize>
where
    &'a S: Read,
{
    source.read(buffer)
}

pub(super) fn read_vectored<'a, S>(mut source: &'a S, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>
where
    &'a S: Read,
{
    source.read_vectored(buffers)
}

pub(super) fn write<'a, S>(mut source: &'a S, bytes: &[u8]) -> io::Result<usize>
where
    &'a S: Write,
{
    source.write(bytes).map_err(with_kind)
}

pub(super) fn write_vectored<'a, S>(mut source: &'a S, slices: &[IoSlice<'_>]) -> io::Result<usize>
where
    &'a S: Write,
{
    source.write_vectored(slices).map_err(with_kind)
}

/// A write after its own side was shut is a broken pipe, as on Unix.
fn with_kind(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(SHUT) { io::Error::new(ErrorKind::BrokenPipe, error) } else { error }
}
