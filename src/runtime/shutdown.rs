//! The shutdown of a runtime, and the wait for it.

use super::context;
use crate::instant::Instant;
use crate::sync::{Condvar, Mutex, OnceLock};
use crate::task::TaskInfo;
use crate::task::raw::thread_token;
use std::time::Duration;

/// The longest wait when a runtime is dropped.
///
/// It waits for a task that blocks the reactor, and for running closures.
const DROP_PATIENCE: Duration = Duration::from_millis(200);

/// Returns how long dropping a runtime waits on this thread.
///
/// A reactor does not wait for the end of another runtime.
pub(super) fn drop_patience() -> Duration {
    if context::drives_any() { Duration::ZERO } else { DROP_PATIENCE }
}

/// The result of a shutdown.
///
/// # Example
/// ```
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// rt.spawn(std::future::pending::<()>()).detach();
/// let report = rt.shutdown(Duration::from_secs(5));
/// assert!(report.is_clean());
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// True if the reactor thread has ended, with every future dropped.
    ///
    /// False if a task still blocked it at the deadline.
    pub reactor_stopped: bool,
    /// Pool threads that were still in a closure at the deadline, and end with it.
    ///
    /// If the shutdown does not wait, idle threads that are about to end count as well, and threads that look up names.
    pub blocking_left: usize,
    /// The closures that were still running at the deadline, in the order of their spawns.
    pub left_running: Vec<TaskInfo>,
}

impl ShutdownReport {
    /// Returns true if nothing is left.
    pub fn is_clean(&self) -> bool {
        self.reactor_stopped && self.blocking_left == 0
    }

    /// Returns the report of a shutdown that left nothing.
    pub(crate) fn clean() -> Self {
        Self { reactor_stopped: true, blocking_left: 0, left_running: Vec::new() }
    }
}

/// The announcement of the reactor's end.
#[derive(Debug)]
pub(crate) struct Ending {
    ended: Mutex<bool>,
    told: Condvar,
    /// The reactor thread, also while its thread-locals are destroyed.
    thread: OnceLock<u64>,
}

impl Ending {
    pub(crate) fn new() -> Self {
        Self { ended: Mutex::new(false), told: Condvar::new(), thread: OnceLock::new() }
    }

    /// Marks this thread as the reactor thread.
    pub(super) fn set_thread(&self) {
        let _first = self.thread.set(thread_token());
    }

    /// Returns true on the reactor thread, which must not wait for its own end.
    pub(super) fn is_own_thread(&self) -> bool {
        self.thread.get() == Some(&thread_token())
    }

    pub(crate) fn tell(&self) {
        *self.ended.lock() = true;
        self.told.notify_all();
    }

    pub(crate) fn is_told(&self) -> bool {
        *self.ended.lock()
    }

    /// Waits for the reactor's end. Returns false at the deadline.
    ///
    /// Without a deadline it waits without limit.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut ended = self.ended.lock();
        while !*ended {
            match deadline {
                None => self.told.wait(&mut ended),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return false;
                    }
                    let _timed_out = self.told.wait_for(&mut ended, left);
                }
            }
        }
        true
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::runtime::Runtime;

    #[test]
    fn a_reactor_is_not_held_for_the_end_of_another_runtime() {
        assert_eq!(drop_patience(), DROP_PATIENCE);
        let rt = Runtime::new().expect("a runtime is built");
        let inside = rt.spawn(async { drop_patience() }).wait().expect("it returns");
        assert_eq!(inside, Duration::ZERO);
    }
}
