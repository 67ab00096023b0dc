//! The program itself.

use offtick::signal::{Cause, ExitReport, Shutdown};
use offtick::{Builder, Cancelled, Handle, Runtime};
use std::convert::Infallible;
use std::error::Error;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const HELP: &str = "usage: graceful [--json] [--deadline SECONDS] [--misbehave fail|panic|stuck|hang|slow]";

/// The time from tick to tick: 60 a second.
const FRAME: Duration = Duration::from_nanos(1_000_000_000 / 60);

#[derive(Clone, Copy, PartialEq)]
enum Misbehave {
    Fail,
    Panic,
    Stuck,
    Hang,
    Slow,
}

struct Options {
    json: bool,
    deadline: Duration,
    misbehave: Option<Misbehave>,
}

pub(super) fn main() -> ExitCode {
    let options = match options(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(message) => {
            eprintln!("{message}\n{HELP}");
            return ExitCode::from(2);
        }
    };
    match run(&options) {
        Ok(outcome) => {
            show(&options, &outcome);
            outcome.exit_code()
        }
        Err(error) => {
            eprintln!("graceful: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(options: &Options) -> Result<ExitReport, Box<dyn Error>> {
    let shutdown = Shutdown::builder().deadline(options.deadline).install()?;
    let rt = shutdown.attach(Builder::new()).build()?;
    let saved = Arc::new(AtomicU64::new(0));
    start_jobs(&rt, &saved);
    let slow = options.misbehave == Some(Misbehave::Slow);
    shutdown.on_stop(&rt, move |cause| async move {
        if slow {
            std::future::pending::<()>().await;
        }
        println!("saved after {} beats, because of {cause}", saved.load(Ordering::Relaxed));
        Ok::<_, Infallible>(())
    });
    if let Some(how) = options.misbehave {
        misbehave(rt.handle(), how);
    }
    println!("ready {}", std::process::id());
    while !shutdown.requested() {
        // One tick: draw, handle input ...
        std::thread::sleep(FRAME);
    }
    println!("stopping: {}", shutdown.cause().unwrap_or(Cause::Program));
    Ok(shutdown.finish(rt))
}

/// What a program does all day: a task that beats, and a closure on a pool thread that hears when it is cancelled.
fn start_jobs(rt: &Runtime, beats: &Arc<AtomicU64>) {
    let beats = Arc::clone(beats);
    rt.spawn(async move {
        loop {
            offtick::time::sleep(Duration::from_millis(100)).await;
            beats.fetch_add(1, Ordering::Relaxed);
        }
    })
    .detach();
    rt.task()
        .name("crunch")
        .run_blocking(|cx| -> Result<(), Cancelled> {
            loop {
                cx.check()?;
                std::thread::sleep(Duration::from_millis(5));
            }
        })
        .detach();
}

fn misbehave(rt: &Handle, how: Misbehave) {
    let task = rt.task().name("misbehaving");
    match how {
        Misbehave::Fail => task.run(|_cx| async { Err::<(), _>("the disk is full") }).detach(),
        Misbehave::Panic => task.spawn(|_cx| async { panic!("out of cheese") }).detach(),
        Misbehave::Stuck => {
            let (started, seen) = std::sync::mpsc::channel();
            task.spawn_blocking(move |_cx| {
                let _seen = started.send(());
                for_ever();
            })
            .detach();
            let _started = seen.recv();
        }
        Misbehave::Hang => {
            let (started, seen) = std::sync::mpsc::channel();
            task.spawn(move |_cx| async move {
                let _seen = started.send(());
                for_ever();
            })
            .detach();
            let _started = seen.recv();
        }
        Misbehave::Slow => {}
    }
}

fn for_ever() {
    loop {
        std::thread::park();
    }
}

/// What did not stop, and the line for machines.
fn show(options: &Options, outcome: &ExitReport) {
    println!("{outcome}");
    if let Some(failure) = outcome.failure() {
        println!("failed: {failure}");
    }
    for stop in outcome.stops_failed() {
        println!("failed: {stop:#}");
    }
    println!("{:?}", outcome.report());
    if options.json {
        let report = outcome.report();
        println!(
            "{{\"cause\":\"{}\",\"clean\":{},\"stops_failed\":{},\"reactor_stopped\":{},\"blocking_left\":{},\
             \"further_errors\":{},\"status\":{}}}",
            outcome.cause(),
            outcome.is_clean(),
            outcome.stops_failed().len(),
            report.reactor_stopped,
            report.blocking_left,
            outcome.further_errors(),
            outcome.status(),
        );
    }
}

fn options(mut arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options { json: false, deadline: Duration::from_secs(10), misbehave: None };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--json" => options.json = true,
            "--deadline" => {
                let given = arguments.next().ok_or("--deadline wants seconds")?;
                let seconds = given.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
                options.deadline = seconds.ok_or_else(|| format!("{given} is not a number of seconds"))?;
            }
            "--misbehave" => {
                options.misbehave = Some(match arguments.next().as_deref() {
                    Some("fail") => Misbehave::Fail,
                    Some("panic") => Misbehave::Panic,
                    Some("stuck") => Misbehave::Stuck,
                    Some("hang") => Misbehave::Hang,
                    Some("slow") => Misbehave::Slow,
                    _ => return Err("--misbehave wants one of its words".to_owned()),
                });
            }
            _ => return Err(format!("{argument} is not an option")),
        }
    }
    Ok(options)
}
