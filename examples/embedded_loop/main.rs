//! A thermostat: a control loop without a thread, on the standard library and offtick alone.
//!
//! ```text
//! cargo run --example embedded_loop --no-default-features -- [--json] [RECORD]
//! cargo run --example embedded_loop --no-default-features -- --sensor /sys/class/thermal/thermal_zone0/temp --milli
//! ```
//!
//! The sensor and the controller are two futures on a [`LocalRuntime`] that is built with no threads at all. The same two
//! run in two loops:
//! - `live`: the system's clock. A tick has a budget of one millisecond; between two ticks the loop sleeps until the next
//!   deadline. Nothing else can bring work, so nothing else has to wake it.
//! - `replay`: a record of samples, and a clock that the loop moves from deadline to deadline. A day passes in
//!   milliseconds, and the same record has the same outcome every time.
//!
//! `thermostat` is the controller: a state machine whose states are futures, and a watchdog that is a timeout. `sensor`
//! brings the readings, `feed` hands them over, `record` reads and makes samples.

mod feed;
mod options;
mod record;
mod sensor;
mod thermostat;
#[path = "../terminal/ticks.rs"]
mod ticks;
mod totals;

use feed::Feed;
use offtick::time::{Clock, ManualClock};
use offtick::{Budget, LocalBuilder, LocalRuntime, Task, TaskError, TickError};
use options::{Live, Replay, Request};
use record::Record;
use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::rc::Rc;
use std::thread;
use std::time::{Duration, Instant};
use thermostat::{Thermostat, control};
use totals::Totals;

/// What a tick may take. The loop has other duties: a bus to serve, a hardware watchdog to feed.
const BUDGET: Budget = Budget::time(Duration::from_millis(1));

fn main() -> ExitCode {
    let request = match options::parse(std::env::args_os().skip(1)) {
        Ok(request) => request,
        Err(message) => {
            complain(&format!("{message}\n\n{}", options::HELP.trim_end()));
            return ExitCode::from(2);
        }
    };
    let done = match request {
        Request::Help => print(options::HELP).map(|()| true),
        Request::Generate { count, seed } => print(&record::generate(count, seed)).map(|()| true),
        Request::Replay(request) => replay(request),
        Request::Live(request) => live(request),
    };
    match done {
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
    let _unread = writeln!(io::stderr(), "embedded_loop: {message}");
}

/// Prints a text. Whoever stopped reading wants nothing more, and that is not a failure.
fn print(text: &str) -> Result<(), Box<dyn Error>> {
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// The parts that both loops drive.
struct Controller {
    rt: LocalRuntime,
    feed: Rc<Feed>,
    thermostat: Rc<Thermostat>,
    control: Task<()>,
}

impl Controller {
    fn start(clock: &Clock, silence: Duration, quiet: bool) -> Result<Self, Box<dyn Error>> {
        let rt = LocalBuilder::new().clock(clock.clone()).blocking_refused().build()?;
        let feed = Rc::new(Feed::default());
        let thermostat = Rc::new(Thermostat::new(clock.clone(), quiet));
        let control = rt.spawn(control(Rc::clone(&feed), Rc::clone(&thermostat), silence));
        Ok(Self { rt, feed, thermostat, control })
    }

    /// The end of a run: the line of JSON. False if there was no reading to go by.
    fn finish(self, totals: &Totals) -> Result<bool, Box<dyn Error>> {
        // Neither of the two futures ever ends by itself, unless it panics.
        if let Some(error @ TaskError::Panicked(..)) = self.control.error() {
            return Err(error.to_string().into());
        }
        print(&totals.json(&self.thermostat, &self.feed))?;
        Ok(self.feed.taken() > 0)
    }
}

/// Runs a record through the controller, as fast as it goes.
fn replay(Replay { source, until, silence, json }: Replay) -> Result<bool, Box<dyn Error>> {
    // Read before the loop begins: it may block here, and a simulated clock does not run meanwhile.
    let Record { samples, rejected } = Record::read(&source)?;
    for rejected in &rejected {
        complain(&rejected.to_string());
    }
    let until = until.or(samples.last().map(|sample| sample.at)).unwrap_or_default();
    let manual = Clock::manual();
    let controller = Controller::start(&manual.clone().into(), silence, json)?;
    controller.feed.count_rejected(rejected.len());
    let _sensor = controller.rt.spawn(sensor::replay(samples, manual.now(), Rc::clone(&controller.feed)));
    let mut totals = Totals::default();
    run_simulated(&controller.rt, &manual, manual.now() + until, &mut totals)?;
    controller.finish(&totals)
}

/// Ticks at each deadline, until `end`.
fn run_simulated(rt: &LocalRuntime, clock: &ManualClock, end: Instant, totals: &mut Totals) -> Result<(), TickError> {
    let mut report = totals.measure(|| rt.tick(BUDGET))?;
    loop {
        report = if !report.is_idle() {
            // The budget did not reach all of it: more of the same moment.
            totals.measure(|| rt.tick(BUDGET))?
        } else if clock.now() < end {
            let next = rt.next_deadline().map_or(end, |next| next.min(end));
            totals.measure(|| rt.tick_at(next, BUDGET))?
        } else {
            return Ok(());
        };
    }
}

/// Controls by a sensor of this machine.
fn live(Live { path, milli, period, time, silence, json }: Live) -> Result<bool, Box<dyn Error>> {
    let probe = sensor::Probe::new(path, milli)?;
    let controller = Controller::start(&Clock::system(), silence, json)?;
    let _sensor = controller.rt.run(sensor::live(probe, period, Rc::clone(&controller.feed)));
    let mut totals = Totals::default();
    // Both begin in the first tick, and the time counts from there.
    totals.measure(|| controller.rt.tick(BUDGET))?;
    let end = Instant::now() + time;
    loop {
        // Looked at before the tick: what is due by the end is done.
        let is_last = Instant::now() >= end;
        let report = totals.measure(|| controller.rt.tick(BUDGET))?;
        if !report.is_idle() {
            continue;
        }
        if is_last {
            return controller.finish(&totals);
        }
        let next = controller.rt.next_deadline().map_or(end, |next| next.min(end));
        thread::sleep(next.saturating_duration_since(Instant::now()));
    }
}
