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

    /// True if the thread runs, or would if it had a core. Unknown counts as no.
    pub(super) fn computes(self) -> bool {
        self.thread != 0
            && fs::read_to_string(format!("/proc/self/task/{}/stat", self.thread))
                .is_ok_and(|stat| state(&stat) == Some('R'))
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
        assert!(Probe::of_this_thread().computes());
        assert!(!Probe { thread: 0 }.computes());
        assert!(!Probe { thread: u32::MAX }.computes());
    }
}
