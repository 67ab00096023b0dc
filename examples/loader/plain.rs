//! Lines of text: a line a second, and a line for each failure.

use crate::jobs::Jobs;
use crate::totals::Failure;
use crate::words::{self, bytes, grouped};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Time between two lines.
const PERIOD: Duration = Duration::from_secs(1);

/// What shows the run where there is no screen.
pub(crate) struct Plain {
    start: Instant,
    next: Instant,
    /// No lines, only failures.
    quiet: bool,
}

impl Plain {
    pub(crate) fn new(quiet: bool) -> Self {
        let start = Instant::now();
        Self { start, next: start + PERIOD, quiet }
    }

    /// Prints the new failures, and the line that is due, if one is.
    ///
    /// # Errors
    /// That of the standard output, as when nobody reads it any more.
    pub(crate) fn draw(&mut self, jobs: &mut Jobs) -> io::Result<()> {
        print_failures(jobs.totals.failures.drain(..));
        let now = Instant::now();
        if self.quiet || now < self.next {
            return Ok(());
        }
        self.next = now + PERIOD;
        let share = jobs.share();
        let totals = &jobs.totals;
        let line = format!(
            "{:6.1} s  {:3.0} %  {} files  {}  {} lines  {} errors",
            (now - self.start).as_secs_f64(),
            (share * 100.0).floor(),
            grouped(totals.files),
            bytes(totals.bytes),
            grouped(totals.lines),
            totals.errors,
        );
        writeln!(io::stdout(), "{line}")
    }
}

/// Prints failures, on the standard error; that nobody reads them is no reason to stop.
pub(crate) fn print_failures(failures: impl IntoIterator<Item = Failure>) {
    let mut stderr = io::stderr().lock();
    for Failure { path, reason } in failures {
        let _unread = writeln!(stderr, "loader: {}: {reason}", words::tail(&path.to_string_lossy(), usize::MAX));
    }
}
