//! Signals of the process: a stream of them, and a graceful end on the first. Unix, feature `signal`.
//!
//! ```text
//! listen, listen_all  a stream of signals: awaited, or looked at in a tick
//! Shutdown            the first signal stops the program, the second ends the process
//! ```
//! Nothing of what users of this module write runs inside a signal handler. Handlers come from the `signal-hook` crate, which shares
//! one handler a signal among all its users in the process, other crates included; all of their actions run.
//!
//! # What a signal does afterwards
//! The handler of a signal, once installed, stays until the process ends: others may have chained theirs to it. When the last
//! [`Signals`] and [`Shutdown`] of a signal is dropped, it behaves as before:
//!
//! | it did before | it does afterwards |
//! |---|---|
//! | the default action (end, stop, nothing) | the same: the handler does it. A process that ends by it is seen to have been killed by that signal |
//! | nothing: it was ignored | nothing |
//! | a handler of somebody else | that handler. It also runs before the actions of this module while they are there |
//!
//! The limits:
//! - "Before" means before the first use of that signal here in this process. It is read from `/proc` on Linux and Android.
//!   Elsewhere, and without `/proc`, no safe call returns it, and the default action is assumed. So under `nohup` a
//!   [`Shutdown`] takes `SIGHUP` there; leave it out of [`ShutdownBuilder::signals`] if the program must survive.
//! - Whoever registers with `signal-hook` for the same signal *after* that and still listens when the last user here is gone:
//!   the default action comes first.
//! - Real-time signals, whose default action `signal-hook` does not know, do nothing afterwards.
//! - A program that is started from this one finds the default action where this process has a handler, also where it
//!   would have inherited "ignored".

#[cfg(all(feature = "signal", any(target_os = "linux", target_os = "android")))]
#[path = "before_linux.rs"]
mod before;
#[cfg(all(feature = "signal", not(any(target_os = "linux", target_os = "android"))))]
#[path = "before_other.rs"]
mod before;
#[cfg(feature = "signal")]
mod claim;
#[cfg(feature = "signal")]
mod error;
#[cfg(feature = "signal")]
mod exit_report;
#[cfg(feature = "signal")]
mod handle;
#[cfg(feature = "signal")]
mod install;
pub(crate) mod latch;
#[cfg(feature = "signal")]
mod listen;
#[cfg(feature = "signal")]
mod number;
#[cfg(feature = "signal")]
mod request;
#[cfg(feature = "signal")]
mod shutdown;

#[cfg(feature = "signal")]
pub use self::{
    error::SignalError,
    exit_report::{Cause, ExitReport, Failure, StopFailed},
    handle::{ShutdownHandle, Wait},
    install::ShutdownBuilder,
    listen::{Delivery, Signals, listen, listen_all, listen_all_on},
    number::{
        SIGABRT, SIGALRM, SIGBUS, SIGCHLD, SIGCONT, SIGFPE, SIGHUP, SIGILL, SIGINT, SIGKILL, SIGPIPE, SIGPROF, SIGQUIT,
        SIGSEGV, SIGSTOP, SIGSYS, SIGTERM, SIGTRAP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGUSR1, SIGUSR2, SIGVTALRM,
        SIGWINCH, SIGXCPU, SIGXFSZ, name,
    },
    shutdown::Shutdown,
};
