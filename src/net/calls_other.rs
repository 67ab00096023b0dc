//! Reads and writes of a stream by way of the standard library's traits.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};

pub(in crate::net) fn read<'a, S>(mut source: &'a S, buffer: &mut [u8]) -> io::Result<usize>
where
    &'a S: Read,
{
    source.read(buffer)
}

pub(in crate::net) fn read_vectored<'a, S>(mut source: &'a S, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize>
where
    &'a S: Read,
{
    source.read_vectored(buffers)
}

pub(in crate::net) fn write<'a, S>(mut source: &'a S, bytes: &[u8]) -> io::Result<usize>
where
    &'a S: Write,
{
    source.write(bytes)
}

pub(in crate::net) fn write_vectored<'a, S>(mut source: &'a S, slices: &[IoSlice<'_>]) -> io::Result<usize>
where
    &'a S: Write,
{
    source.write_vectored(slices)
}
