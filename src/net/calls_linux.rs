//! Reads and writes of a stream as bare system calls.
//!
//! Those of the C library are points at which a thread may be cancelled: with more threads than one they enter and leave
//! such a point by locked operations, two for each call. Nobody cancels a thread of Rust.

use rustix::io::{readv, writev};
use rustix::net::{RecvFlags, SendFlags};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsFd;

pub(super) fn read(source: &impl AsFd, buffer: &mut [u8]) -> io::Result<usize> {
    let (moved, _) = rustix::net::recv(source, buffer, RecvFlags::empty())?;
    Ok(moved)
}

pub(super) fn read_vectored(source: &impl AsFd, buffers: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    Ok(readv(source, buffers)?)
}

/// Without a signal where the peer is gone, as that of the standard library.
pub(super) fn write(source: &impl AsFd, bytes: &[u8]) -> io::Result<usize> {
    Ok(rustix::net::send(source, bytes, SendFlags::NOSIGNAL)?)
}

pub(super) fn write_vectored(source: &impl AsFd, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    Ok(writev(source, slices)?)
}
