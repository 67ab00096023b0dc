//! Reads a tree of files in the background of a loop that never waits for it.
//!
//! ```text
//! cargo run --release --example loader -- [--json | --plain] [PATH]
//! ```
//!
//! The loop ticks 60 times a second. In a tick it takes what a walk found and what thousands of file tasks came to, within a
//! budget; then it draws. The cost of the ticks is measured, and is part of the line of JSON at the end.
//!
//! `walk` and `read` are the work, `jobs` is what the loop does with it; the rest is how it is shown. What is in
//! `../terminal` is shared with other examples.

mod crc32;
mod jobs;
mod options;
mod picture;
mod plain;
mod read;
#[path = "../terminal/screen.rs"]
mod screen;
#[path = "../terminal/ticks.rs"]
mod ticks;
mod totals;
mod view;
mod walk;
#[path = "../terminal/words.rs"]
mod words;

use jobs::Jobs;
use offtick::Runtime;
use options::{Mode, Request};
use picture::Scene;
use screen::Input;
use std::error::Error;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use ticks::Ticks;
use view::View;

/// The time from tick to tick: 60 a second.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// How long the end waits for closures that still run. They look at their cancellation after each chunk.
const PATIENCE: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let (root, mode) = match options::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run { root, mode }) => (root, mode),
        Ok(Request::Help) => {
            let _unread = io::stdout().write_all(options::HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            complain(&format!("{message}\n\n{}", options::HELP.trim_end()));
            return ExitCode::from(2);
        }
    };
    // A link to a directory would be walked if a slash followed it; that deserves a word, since nothing comes of it here.
    match root.symlink_metadata() {
        Ok(metadata) if metadata.is_symlink() => {
            complain(&format!("{} is a symbolic link and not followed", root.display()));
        }
        Ok(_) => {}
        Err(error) => {
            complain(&format!("{}: {error}", root.display()));
            return ExitCode::from(2);
        }
    }
    match run(root, mode) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Says something on the standard error. That nobody listens is no reason to fail.
fn complain(message: &str) {
    let _unread = writeln!(io::stderr(), "loader: {message}");
}

/// The whole run. False if there were errors and nothing else, or if something did not end.
fn run(root: PathBuf, mode: Mode) -> Result<bool, Box<dyn Error>> {
    let rt = Runtime::new()?;
    let start = Instant::now();
    let mut view = View::open(mode)?;
    let mut jobs = Jobs::start(rt.handle(), root.clone())?;
    let mut ticks = Ticks::default();
    let shown = run_loop(&rt, &root, &mut jobs, &mut ticks, &mut view, start);
    if shown.is_err() {
        jobs.cancel();
    }
    view.close(&mut jobs);
    let elapsed = start.elapsed();

    let report = rt.shutdown(PATIENCE);
    if !report.is_clean() {
        complain(&format!("{} closures did not end within {PATIENCE:?}", report.blocking_left));
    }
    // Whoever stopped reading wants nothing more, and that is not a failure.
    match shown.and_then(|()| writeln!(io::stdout(), "{}", jobs.totals.json(jobs.cancelled, &ticks, elapsed))) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(report.is_clean() && (jobs.totals.errors == 0 || jobs.totals.read > 0)),
    }
}

/// Ticks until everything is done or the user has enough.
fn run_loop(
    rt: &Runtime,
    root: &Path,
    jobs: &mut Jobs,
    ticks: &mut Ticks,
    view: &mut View,
    start: Instant,
) -> io::Result<()> {
    let mut next_frame = start;
    while !jobs.is_finished() {
        let tick = Instant::now();
        jobs.tick();
        ticks.record(tick.elapsed());

        view.draw(jobs, &Scene { root, ticks, metrics: rt.metrics(), elapsed: start.elapsed() })?;
        // A frame that came late does not make the ones after it come early.
        next_frame = (next_frame + FRAME).max(Instant::now());
        if view.wait_until(next_frame)? == Input::Cancel {
            jobs.cancel();
        }
    }
    Ok(())
}
