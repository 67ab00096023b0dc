//! The end of a runtime, and who waits for it.

use super::context;
use crate::instant::Instant;
use crate::sync::{Condvar, Mutex, OnceLock};
use crate::task::TaskInfo;
use crate::task::raw::thread_token;
use std::time::Duration;

/// How long dropping a runtime waits for a task that holds the reactor, and for closures that run.
const DROP_PATIENCE: Duration = Duration::from_millis(200);

/// How long the drop of a runtime waits on this thread: a reactor is not held for the end of another runtime.
pub(super) fn drop_patience() -> Duration {
    if context::drives_any() { Duration::ZERO } else { DROP_PATIENCE }
}

/// What a shutdown left behind.
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
    /// The reactor thread ended: every future is dropped. False if a task still held it at the deadline.
    pub reactor_stopped: bool,
    /// Pool threads that were still in a closure at the deadline. They end with it. Where nothing is waited for, the idle
    /// ones that are about to end count as well. Threads that look up names count, too.
    pub blocking_left: usize,
    /// The closures that still ran at the deadline, with their names and ages, in the order of their spawns.
    pub left_running: Vec<TaskInfo>,
}

impl ShutdownReport {
    /// True if nothing is left.
    pub fn is_clean(&self) -> bool {
        self.reactor_stopped && self.blocking_left == 0
    }

    /// The report of a shutdown that left nothing.
    pub(crate) fn clean() -> Self {
        Self { reactor_stopped: true, blocking_left: 0, left_running: Vec::new() }
    }
}

/// The reactor's last word.
#[derive(Debug)]
pub(crate) struct Ending {
    ended: Mutex<bool>,
    told: Condvar,
    /// The reactor thread: also while its thread-locals are destroyed.
    thread: OnceLock<u64>,
}

impl Ending {
    pub(crate) fn new() -> Self {
        Self { ended: Mutex::new(false), told: Condvar::new(), thread: OnceLock::new() }
    }

    /// This is the reactor thread.
    pub(super) fn set_thread(&self) {
        let _first = self.thread.set(thread_token());
    }

    /// True on the reactor thread, which must not wait for its own end.
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

    /// True once told; false at the deadline. No deadline: waits for as long as it takes.
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
