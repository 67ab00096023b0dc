//! Asks the kernel whether a thread computes or waits: `/proc/self/task/<id>/stat`.

use std::fs;

/// Names a thread to the kernel.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    /// 0 if it is not known.
    thread: u32,
}

impl Probe {
    /// The probe of the calling thread; it knows nothing where `/proc` is missing.
    pub(super) fn of_this_thread() -> Self {
        let thread = fs::read_link("/proc/thread-self")
            .ok()
            .and_then(|link| link.file_name()?.to_str()?.parse().ok())
            .unwrap_or_default();
        Self { thread }
    }

    /// True if the thread runs, or would if it had a core. `None` if the system does not tell.
    pub(super) fn computes(self) -> Option<bool> {
        if self.thread == 0 {
            return None;
        }
        let stat = fs::read_to_string(format!("/proc/self/task/{}/stat", self.thread)).ok()?;
        state(&stat).map(|state| state == 'R')
    }
}

/// The state letter follows the name in parentheses, which may itself contain parentheses.
fn state(stat: &str) -> Option<char> {
    stat.rsplit_once(") ")?.1.chars().next()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_found_behind_any_name() {
        assert_eq!(state("12 (offtick) S 1 2"), Some('S'));
        assert_eq!(state("12 (a) R) ) D 1 2"), Some('D'));
        assert_eq!(state("12 (cut"), None);
    }

    #[test]
    fn this_thread_computes() {
        assert_eq!(Probe::of_this_thread().computes(), Some(true));
        assert_eq!(Probe { thread: 0 }.computes(), None);
        assert_eq!(Probe { thread: u32::MAX }.computes(), None);
    }
}
