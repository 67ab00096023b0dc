//! Signals by number and by name.

use std::fmt;

pub use signal_hook::consts::signal::{
    SIGABRT, SIGALRM, SIGBUS, SIGCHLD, SIGCONT, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGKILL, SIGPIPE, SIGPROF, SIGQUIT,
    SIGSEGV, SIGSTOP, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGUSR1, SIGUSR2, SIGVTALRM,
    SIGWINCH, SIGXCPU, SIGXFSZ,
};

/// The name of a signal. `None` for real-time signals and for numbers that are none.
///
/// # Example
/// ```
/// use offtick::signal;
/// assert_eq!(signal::name(signal::SIGTERM), Some("SIGTERM"));
/// assert_eq!(signal::name(0), None);
/// ```
pub fn name(signal: i32) -> Option<&'static str> {
    signal_hook::low_level::signal_name(signal)
}

/// A signal in a text: its name, or its number if it has none.
pub(super) struct Shown(pub(super) i32);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match name(self.0) {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}
