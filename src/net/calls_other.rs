//! Reads and writes of a stream by way of the standard library's traits.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};

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
    source.write(bytes)
}

pub(super) fn write_vectored<'a, S>(mut source: &'a S, slices: &[IoSlice<'_>]) -> io::Result<usize>
where
    &'a S: Write,
{
    source.write_vectored(slices)
}
