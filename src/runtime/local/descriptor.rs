//! The descriptor that a host's own poll waits for.

use super::LocalRuntime;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// A host that waits in a poll of its own (epoll, kqueue, `poll(2)`, a GUI toolkit's loop) adds this descriptor to it and
/// ticks when it is readable: work from other threads, a timer that is due, a socket that is ready, or work that the last
/// tick left. It is to be looked at, never read, written or closed; a tick makes it unreadable again.
///
/// Asking for it tells the runtime that the host waits that way: from then on each tick that did something ends with a
/// system call or two for it.
///
/// On Linux and Android a timer makes it readable at its deadline. On other systems the host's wait has to end by
/// [`next_deadline`](LocalRuntime::next_deadline) by itself. A wait for the next tick
/// ([`next_tick`](crate::time::next_tick)) makes it readable nowhere: it has no time of its own.
///
/// # Example
/// ```no_run
/// use offtick::{Budget, LocalRuntime};
/// use std::os::fd::AsFd;
/// # fn wait_in_own_poll(_: std::os::fd::BorrowedFd<'_>) {}
/// let rt = LocalRuntime::new()?;
/// loop {
///     wait_in_own_poll(rt.as_fd());
///     rt.tick(Budget::unlimited())?;
/// }
/// # #[allow(unreachable_code)]
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl AsFd for LocalRuntime {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pump.poll_from_outside();
        self.pump.descriptor().as_fd()
    }
}

impl AsRawFd for LocalRuntime {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
