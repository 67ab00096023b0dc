//! Downloads many resources over HTTP in the background of a loop that never waits for one.
//!
//! ```text
//! cargo run --release --example http_fetch -- [--json | --plain] [--jobs K] [URL...]
//! ```
//!
//! The loop ticks 60 times a second. In a tick it looks at the downloads that run, a few at a time, each of which is tried
//! again when it fails; then it draws. What the looking costs is measured, and is part of the line of JSON at the end.
//!
//! `fetch` is the work (with `url`, `head` and `body`, which only read text), `jobs` is what the loop does with it, `server`
//! is the other side, with `resources` that fail on purpose; the rest is how it is shown. What is in `../terminal` is
//! shared with other examples.

mod body;
mod fetch;
mod head;
mod jobs;
mod options;
mod picture;
mod plain;
mod resources;
#[path = "../terminal/screen.rs"]
mod screen;
mod server;
mod table;
#[path = "../terminal/ticks.rs"]
mod ticks;
mod totals;
mod url;
mod view;
#[path = "../terminal/words.rs"]
mod words;

use jobs::Jobs;
use offtick::Runtime;
use options::{Request, Run, Source};
use server::Server;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use ticks::Ticks;
use url::Url;
use view::View;

/// The time from tick to tick: 60 a second.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// How long the end waits for names that are still being looked up: nothing can hurry the system's resolver.
const PATIENCE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    let run = match options::parse(std::env::args_os().skip(1)) {
        Ok(Request::Run(run)) => run,
        Ok(Request::Help) => {
            let _unread = io::stdout().write_all(options::HELP.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(message) => {
            complain(&format!("{message}\n\n{}", options::HELP.trim_end()));
            return ExitCode::from(2);
        }
    };
    match fetch_all(run) {
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
    let _unread = writeln!(io::stderr(), "http_fetch: {message}");
}

/// The whole run. False if there were failures and nothing else, or if something did not end.
fn fetch_all(run: Run) -> Result<bool, Box<dyn Error>> {
    let rt = Runtime::new()?;
    let (urls, server) = match run.source {
        Source::Urls(urls) => (urls, None),
        Source::Own { count, seed, fail_rate } => {
            let server = Server::start(rt.handle())?;
            (own_urls(&server, count, seed, fail_rate), Some(server))
        }
    };
    let start = Instant::now();
    let mut view = View::open(run.mode)?;
    let mut jobs = Jobs::start(rt.handle(), urls, run.settings)?;
    let mut ticks = Ticks::default();
    let end = run.max_time.and_then(|limit| start.checked_add(limit));
    let shown = run_loop(&mut jobs, &mut ticks, &mut view, start, end);
    if shown.is_err() {
        jobs.cancel_all();
    }
    let elapsed = start.elapsed();
    let shown = shown.and(view.close(&jobs));

    drop(server);
    let report = rt.shutdown(PATIENCE);
    if !report.is_clean() {
        complain(&format!("{} lookups did not end within {PATIENCE:?}", report.blocking_left));
    }
    // Whoever stopped reading wants nothing more, and that is not a failure.
    let totals = &jobs.totals;
    match shown.and_then(|()| writeln!(io::stdout(), "{}", totals.json(jobs.rows.len(), &ticks, elapsed))) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(report.is_clean() && (totals.failed == 0 || totals.done > 0)),
    }
}

fn own_urls(server: &Server, count: usize, seed: u64, fail_rate: f64) -> Vec<Url> {
    let (host, port) = (server.address.ip().to_string(), server.address.port());
    let url = |target| Url { host: host.clone(), port, target };
    resources::choose(count, seed, fail_rate).iter().map(|resource| url(resource.to_string())).collect()
}

/// Ticks until every download is over, in whatever way.
fn run_loop(
    jobs: &mut Jobs,
    ticks: &mut Ticks,
    view: &mut View,
    start: Instant,
    end: Option<Instant>,
) -> io::Result<()> {
    let mut next_frame = start;
    loop {
        let tick = Instant::now();
        jobs.tick();
        ticks.record(tick.elapsed());

        view.draw(jobs, ticks, start.elapsed())?;
        if jobs.is_finished() {
            return Ok(());
        }
        if end.is_some_and(|end| end <= tick) {
            jobs.cancel_all();
        }
        // A frame that came late does not make the ones after it come early.
        next_frame = (next_frame + FRAME).max(Instant::now());
        view.wait_until(next_frame, jobs)?;
    }
}
