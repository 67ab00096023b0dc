//! A live dashboard over most of the crate at once, drawn by a loop that never waits for any of it.
//!
//! ```text
//! cargo run --release -p offtick-dashboard -- [PATH]
//! ```
//!
//! | part | made with |
//! |---|---|
//! | `jobs`: intervals, a cron expression, one that fails now and then | `Scheduler` |
//! | `downloads`: a few at a time, with retries, from a faulty server on loopback | `TaskPool`, `PoolSet`, `RetryPolicy` |
//! | `search`: through all files below PATH, while the user types | `Debouncer` around a blocking task |
//! | `link`: lines from a server that hangs up now and then | `net::Reconnecting` |
//! | `tasks`: what runs, to be looked at and cancelled | `Handle::tasks` in a `Periodic`, `CancelHandle` |
//!
//! `app` has the parts, gives them the keys and ticks them; `picture` shows them; `screen` is a terminal, or a script in front
//! of a picture that nobody sees. What is in `../http_fetch` and `../terminal` is shared with other examples.

mod app;
#[path = "../../http_fetch/body.rs"]
mod body;
mod counts;
mod downloads;
mod feed;
#[path = "../../http_fetch/fetch.rs"]
mod fetch;
mod files;
#[path = "../../http_fetch/head.rs"]
mod head;
mod histogram;
mod jobs;
mod keys;
mod link;
mod options;
mod picture;
#[path = "../../http_fetch/resources.rs"]
mod resources;
mod screen;
mod script;
mod search;
#[path = "../../http_fetch/server.rs"]
mod server;
mod tasks;
#[path = "../../terminal/ticks.rs"]
mod ticks;
#[path = "../../http_fetch/url.rs"]
mod url;
#[path = "../../terminal/words.rs"]
mod words;

use app::App;
use offtick::{BoxError, Runtime, TaskManager};
use options::{Request, Run};
use screen::Screen;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The time from frame to frame: 60 a second.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// How long the end waits for closures that still run. They look at their cancellation after each chunk.
const PATIENCE: Duration = Duration::from_secs(5);

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
    match dashboard(run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

/// Says something on the standard error. That nobody listens is no reason to fail.
fn complain(message: &str) {
    let _unread = writeln!(io::stderr(), "dashboard: {message}");
}

/// The whole run.
fn dashboard(run: Run) -> Result<(), BoxError> {
    let rt = Runtime::new()?;
    let manager = TaskManager::new(&rt);
    let mut app = App::start(&manager, run.path, run.downloads)?;
    // Last of all that may fail: from here on the terminal is to be given back.
    let mut screen = Screen::open(run.script.as_deref())?;
    let looped = run_loop(&mut app, &mut screen);
    let picture = screen.close();
    let line = app.counts().json();
    // The parts cancel what they have when they go.
    drop(app);
    drop(manager);
    let report = rt.shutdown(PATIENCE);

    // Whoever stopped reading wants nothing more, and that is not a failure. A script that failed is told with its line.
    let mut stdout = io::stdout();
    let picture = picture.filter(|_| run.picture).unwrap_or_default();
    match write!(stdout, "{picture}").and_then(|()| writeln!(stdout, "{line}")) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(error.into()),
        _ => looped?,
    }
    match report.blocking_left {
        0 => Ok(()),
        left => Err(format!("{left} closures did not end within {PATIENCE:?}").into()),
    }
}

/// Ticks, draws and takes keys until the user has enough, or the script is over.
fn run_loop(app: &mut App, screen: &mut Screen) -> Result<(), BoxError> {
    let mut next_frame = Instant::now();
    while !app.is_finished() {
        let begin = Instant::now();
        app.tick();
        let ticked = begin.elapsed();
        screen.draw(|frame| picture::draw(frame, app))?;
        app.frame_over(ticked, begin.elapsed());
        // A frame that came late does not make the ones after it come early.
        next_frame = (next_frame + FRAME).max(Instant::now());
        screen.keys_until(next_frame, app)?;
    }
    Ok(())
}
