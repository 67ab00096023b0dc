//! The system tells of urgent data, before which reads end.

use super::io::BOTH;
use mio::Interest;

/// What it is to tell of a stream over TCP.
pub(super) const INTEREST: Interest = BOTH.add(Interest::PRIORITY);

/// So every other read that moves less than was asked for has moved all.
pub(super) const SHORT_IS_ALL: bool = true;
