//! The system tells nothing of urgent data, before which reads end; on Windows a short read says nothing anyway.

use super::io::BOTH;
use mio::Interest;

/// What it is to tell of a stream over TCP.
pub(super) const INTEREST: Interest = BOTH;

/// So a read that moves less than was asked for says nothing of what is left.
pub(super) const SHORT_IS_ALL: bool = false;
