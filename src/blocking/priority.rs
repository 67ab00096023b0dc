//! The priority that the system gives to the threads of a pool.

use std::io;

#[cfg_attr(all(feature = "priority", any(target_os = "linux", target_os = "android")), path = "priority_linux.rs")]
#[cfg_attr(all(feature = "priority", any(target_os = "macos", windows)), path = "priority_native.rs")]
#[cfg_attr(
    not(all(feature = "priority", any(target_os = "linux", target_os = "android", target_os = "macos", windows))),
    path = "priority_other.rs"
)]
mod system;

pub(super) use system::lower;

/// The priority of a thread for the scheduler of the operating system. See
/// [`Builder::blocking_priority`](crate::Builder::blocking_priority).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ThreadPriority {
    /// The priority that the system gives to every thread.
    #[default]
    Normal,
    /// Lower than normal: the threads of the host and the reactor get a core first when there are not enough.
    BelowNormal,
}

/// The reason for which pool threads run at normal priority although a lower one was asked for. See
/// [`Metrics::blocking_priority_refused`](crate::Metrics::blocking_priority_refused).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PriorityRefused {
    /// The crate cannot set the priority of a thread on this system, or was built without the feature `priority`.
    #[error("the priority of threads cannot be set here; it takes the feature `priority` on Linux, macOS or Windows")]
    Unsupported,
    /// The system refused, for this reason.
    #[error("the system refused to lower the priority of a pool thread: {0}")]
    Refused(io::ErrorKind),
}
