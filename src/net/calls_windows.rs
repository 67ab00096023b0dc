//! Reads and writes of a stream by the traits of the standard library, with the errors that Unix has.

#[path = "calls_other.rs"]
mod plain;

pub(in crate::net) use plain::{read, read_vectored};

use std::io::{self, ErrorKind, IoSlice, Write};

/// `WSAESHUTDOWN`: this side was shut. The standard library gives it no kind.
const SHUT: i32 = 10058;

pub(super) fn write<'a, S>(source: &'a S, bytes: &[u8]) -> io::Result<usize>
where
    &'a S: Write,
{
    plain::write(source, bytes).map_err(with_kind)
}

pub(super) fn write_vectored<'a, S>(source: &'a S, slices: &[IoSlice<'_>]) -> io::Result<usize>
where
    &'a S: Write,
{
    plain::write_vectored(source, slices).map_err(with_kind)
}

/// A write after its own side was shut is a broken pipe, as on Unix.
fn with_kind(error: io::Error) -> io::Error {
    if error.raw_os_error() == Some(SHUT) { io::Error::new(ErrorKind::BrokenPipe, error) } else { error }
}
