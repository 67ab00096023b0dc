//! Lines of text: one a second, and the table at the end.

use crate::jobs::{Jobs, Row, Stage};
use crate::table;
use crate::words::{bytes, tail};
use std::io::{self, Write};
use std::time::{Duration, Instant};

/// Time between two lines.
const PERIOD: Duration = Duration::from_secs(1);

/// Columns of the table at the end.
const WIDTH: usize = 100;

/// What shows the run where there is no screen.
pub(crate) struct Plain {
    start: Instant,
    next: Instant,
    /// Nothing at all until the end.
    quiet: bool,
}

impl Plain {
    pub(crate) fn new(quiet: bool) -> Self {
        let start = Instant::now();
        Self { start, next: start + PERIOD, quiet }
    }

    /// Prints the line that is due, if one is.
    ///
    /// # Errors
    /// That of the standard output, as when nobody reads it any more.
    pub(crate) fn draw(&mut self, jobs: &Jobs) -> io::Result<()> {
        let now = Instant::now();
        if self.quiet || now < self.next {
            return Ok(());
        }
        self.next = now + PERIOD;
        let totals = &jobs.totals;
        let line = format!(
            "{:6.1} s  {} of {} over, {} running  {}  {} retries  {} failed",
            (now - self.start).as_secs_f64(),
            totals.over(),
            jobs.rows.len(),
            jobs.running(),
            bytes(jobs.received()),
            totals.retries,
            totals.failed,
        );
        writeln!(io::stdout(), "{line}")
    }

    /// What there is to say at the end: the table, or what failed.
    ///
    /// # Errors
    /// That of the standard output.
    pub(crate) fn close(&self, jobs: &Jobs) -> io::Result<()> {
        if self.quiet {
            print_failures(&jobs.rows);
            return Ok(());
        }
        print_table(&jobs.rows)
    }
}

/// Prints all rows as they are now.
///
/// # Errors
/// That of the standard output.
pub(crate) fn print_table(rows: &[Row]) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{}", table::heading(WIDTH))?;
    let now = Instant::now();
    for (index, row) in rows.iter().enumerate() {
        writeln!(stdout, "{}", table::line(index + 1, row, now, WIDTH))?;
    }
    Ok(())
}

/// Prints failures, on the standard error; that nobody reads them is no reason to fail.
fn print_failures(rows: &[Row]) {
    let mut stderr = io::stderr().lock();
    for Row { url, trouble, .. } in rows.iter().filter(|row| row.stage == Stage::Failed) {
        let reason = tail(trouble.as_deref().unwrap_or_default(), usize::MAX);
        let _unread = writeln!(stderr, "http_fetch: {url}: {reason}");
    }
}
