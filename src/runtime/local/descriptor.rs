//! The descriptor for a host's own poll.

use super::LocalRuntime;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

/// Returns the descriptor for a host that waits in its own poll.
///
/// The host adds it to epoll, kqueue, `poll(2)` or the loop of a GUI toolkit, and ticks when it is readable: there is
/// work from other threads, a due timer, a ready socket, or work that the last tick left. Never read, write or close
/// it; a tick makes it unreadable again.
///
/// Calling this tells the runtime that the host waits that way: from then on each tick that did something ends with a
/// system call or two for it.
///
/// On Linux and Android a timer makes it readable at its deadline. On other systems the host's wait must end by
/// [`next_deadline`](LocalRuntime::next_deadline). A wait for the next tick ([`next_tick`](crate::time::next_tick))
/// never makes it readable: it has no deadline.
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
        self.ticker.poll_from_outside();
        self.ticker.descriptor().as_fd()
    }
}

impl AsRawFd for LocalRuntime {
    fn as_raw_fd(&self) -> RawFd {
        self.as_fd().as_raw_fd()
    }
}
