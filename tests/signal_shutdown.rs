//! How programs end: each test starts one, sends it signals, and reads what it says.
//!
//! The programs are `examples/graceful`, and the tests of the module `child`, which are ignored unless this file starts them.
//! Nothing sleeps: a test waits for lines and for ends. `SIGTERM` and user signals are sent, which no shell has its background
//! jobs ignore.
#![cfg(all(unix, feature = "signal"))]

use offtick::signal::{SIGTERM, SIGUSR1, SIGUSR2};
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// After this long a line or an end counts as lost.
const HANG: Duration = Duration::from_secs(60);

/// A program that was started, and its lines.
struct Program {
    child: std::process::Child,
    lines: Receiver<String>,
}

impl Program {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the program starts");
        let out = BufReader::new(child.stdout.take().expect("it is a pipe"));
        let (sender, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    fn graceful<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let mut command = graceful();
        command.args(arguments);
        Self::start(command)
    }

    /// A test of the module `child`, by itself.
    fn child(name: &str) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this test has a path"));
        command.args(["--ignored", "--exact", "--nocapture", "--test-threads=1", &format!("child::{name}")]);
        Self::start(command)
    }

    fn send(&self, signal: i32) {
        let pid = Pid::from_child(&self.child);
        let signal = Signal::from_named_raw(signal).expect("it has a name");
        // It may have ended: then it is not waited for yet, and the signal goes nowhere.
        kill_process(pid, signal).expect("it is our child");
    }

    /// The next line that begins so; those before it are skipped.
    #[track_caller]
    fn line(&mut self, begin: &str) -> String {
        loop {
            match self.next() {
                // The harness prints the name of a test in front of its first line.
                Some(line) if line.contains(begin) => return line[line.find(begin).unwrap_or(0)..].to_owned(),
                Some(_) => {}
                None => panic!("it ended without {begin:?}: {:?}", self.child.wait()),
            }
        }
    }

    #[track_caller]
    fn next(&mut self) -> Option<String> {
        match self.lines.recv_timeout(HANG) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => {
                let _ended = self.child.kill();
                panic!("it hangs");
            }
        }
    }

    /// Reads to the end: the lines that were left, and how it ended.
    #[track_caller]
    fn end(&mut self) -> (Vec<String>, ExitStatus) {
        let lines = std::iter::from_fn(|| self.next()).collect();
        (lines, self.child.wait().expect("it is our child"))
    }

    /// Sends a signal again and again until the program has ended.
    #[track_caller]
    fn send_until_end(&mut self, signal: i32) -> ExitStatus {
        let since = std::time::Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                return status;
            }
            self.send(signal);
            assert!(since.elapsed() < HANG, "it does not end");
            std::thread::yield_now();
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ended = self.child.kill();
        let _waited = self.child.wait();
    }
}

/// The example. A whole `cargo test` has built it beside the tests; one that names its targets may not have.
fn graceful() -> Command {
    static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
        let test = std::env::current_exe().expect("this test has a path");
        let profile = test.ancestors().nth(2).expect("it is in `deps` of a profile");
        let path = profile.join("examples/graceful");
        if !path.exists() {
            let name = profile.file_name().expect("a profile has a name");
            let name = if name == "debug" { OsStr::new("dev") } else { name };
            let mut cargo = Command::new(env!("CARGO"));
            cargo.args(["build", "--quiet", "--features", "signal", "--example", "graceful", "--profile"]).arg(name);
            cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
            let target = profile.parent().expect("a profile is in a target folder");
            let built = cargo.arg("--target-dir").arg(target).status().expect("cargo runs");
            assert!(built.success() && path.exists(), "the example can be built");
        }
        path
    });
    Command::new(&*PATH)
}

#[test]
fn the_first_signal_stops_gracefully() {
    let mut program = Program::graceful(["--json"]);
    program.line("ready");
    program.send(SIGTERM);
    program.line("stopping: SIGTERM");
    let (lines, status) = program.end();
    assert_eq!(status.code(), Some(143));
    assert!(lines.iter().any(|line| line == "stopped by SIGTERM, clean"), "{lines:?}");
    let json = "{\"cause\":\"SIGTERM\",\"clean\":true,\"stops_failed\":0,\"reactor_stopped\":true,\"blocking_left\":0,\
                \"further_errors\":0,\"status\":143}";
    assert_eq!(lines.last().map(String::as_str), Some(json));
}

#[test]
fn the_stop_function_runs_before_the_end() {
    let mut program = Program::graceful([]);
    program.line("ready");
    program.send(SIGTERM);
    assert!(program.line("saved after").ends_with("because of SIGTERM"));
    assert_eq!(program.end().1.code(), Some(143));
}

#[test]
fn the_second_signal_ends_it_while_a_task_holds_the_reactor() {
    let mut program = Program::graceful(["--json", "--misbehave", "hang", "--deadline", "1000000"]);
    program.line("ready");
    program.send(SIGTERM);
    program.line("stopping: SIGTERM");
    let status = program.send_until_end(SIGTERM);
    assert_eq!(status.code(), Some(143), "it ended itself: no signal killed it");
    let (lines, _) = program.end();
    assert!(lines.is_empty(), "nothing was finished: {lines:?}");
}

#[test]
fn an_unhandled_error_stops_it_as_a_signal_does() {
    let mut program = Program::graceful(["--json", "--misbehave", "fail"]);
    program.line("stopping: an unhandled error");
    let (lines, status) = program.end();
    assert_eq!(status.code(), Some(1));
    assert!(
        lines.iter().any(|line| line.starts_with("failed: misbehaving: task failed: the disk is full")),
        "{lines:?}"
    );
}

#[test]
fn an_unhandled_panic_stops_it_as_a_signal_does() {
    let mut program = Program::graceful(["--misbehave", "panic"]);
    program.line("stopping: an unhandled error");
    program.line("failed: misbehaving: task panicked: out of cheese");
    assert_eq!(program.end().1.code(), Some(101));
}

#[test]
fn a_stop_function_that_is_not_over_in_time_is_named() {
    let mut program = Program::graceful(["--json", "--misbehave", "slow", "--deadline", "0.01"]);
    program.line("ready");
    program.send(SIGTERM);
    let (lines, status) = program.end();
    assert_eq!(status.code(), Some(143));
    let named = |line: &String| line.starts_with("failed: the stop function of examples/graceful/program.rs:");
    assert!(lines.iter().any(named), "{lines:?}");
    assert!(lines.last().is_some_and(|json| json.contains("\"clean\":false,\"stops_failed\":1,")), "{lines:?}");
}

#[test]
fn a_closure_that_does_not_stop_is_counted() {
    let mut program = Program::graceful(["--json", "--misbehave", "stuck", "--deadline", "0.01"]);
    program.line("ready");
    program.send(SIGTERM);
    let (lines, status) = program.end();
    assert_eq!(status.code(), Some(143));
    assert!(lines.last().is_some_and(|json| json.contains("\"clean\":false")), "{lines:?}");
    assert!(lines.last().is_some_and(|json| json.contains("\"blocking_left\":1")), "{lines:?}");
}

#[test]
fn a_future_that_holds_the_reactor_is_reported() {
    let mut program = Program::graceful(["--json", "--misbehave", "hang", "--deadline", "0.01"]);
    program.line("ready");
    program.send(SIGTERM);
    let (lines, status) = program.end();
    assert_eq!(status.code(), Some(143));
    assert!(lines.last().is_some_and(|json| json.contains("\"reactor_stopped\":false")), "{lines:?}");
}

#[test]
fn a_flood_is_one_request_where_signals_are_merged() {
    let mut program = Program::child("merges_for_ever");
    program.line("ready");
    (0..10_000).for_each(|_| program.send(SIGTERM));
    program.line("asked");
    (0..100).for_each(|_| program.send(SIGTERM));
    program.line("stopped by SIGTERM, clean");
    program.line("nothing left");
    assert_eq!(program.end().1.code(), Some(143));
}

#[test]
fn a_flood_ends_it_at_once_where_nothing_is_merged() {
    let mut program = Program::child("hangs_altogether");
    program.line("ready");
    assert_eq!(program.send_until_end(SIGTERM).code(), Some(143));
}

#[test]
fn another_signal_is_a_second_one() {
    let mut program = Program::child("hangs_altogether");
    program.line("ready");
    program.send(SIGTERM);
    program.line("SIGTERM");
    program.send(SIGUSR1);
    assert_eq!(program.end().1.code(), Some(128 + SIGUSR1));
}

#[test]
fn after_an_error_the_next_signal_is_a_second_one() {
    let mut program = Program::child("fails_and_hangs");
    program.line("an unhandled error");
    program.send(SIGTERM);
    assert_eq!(program.end().1.code(), Some(143));
}

#[test]
fn a_flood_of_a_stream_is_heard() {
    let mut program = Program::child("counts");
    program.line("ready");
    (0..10_000).for_each(|_| program.send(SIGUSR1));
    program.send(SIGUSR2);
    let line = program.line("heard ");
    let heard: u64 = line["heard ".len()..].parse().expect("a number");
    assert!((1..=10_000).contains(&heard), "{heard}");
    assert!(program.end().1.success());
}

#[test]
fn the_default_action_is_back_after_a_shutdown() {
    let mut program = Program::child("gives_back_and_raises");
    program.line("given back");
    assert_eq!(program.end().1.signal(), Some(SIGTERM));
}

#[test]
fn the_default_action_is_back_after_a_stream() {
    let mut program = Program::child("listens_no_more_and_raises");
    program.line("heard 1");
    assert_eq!(program.end().1.signal(), Some(SIGUSR1));
}

#[test]
fn a_refused_shutdown_leaves_the_default_action() {
    let mut program = Program::child("is_refused_and_raises");
    program.line("refused");
    assert_eq!(program.end().1.signal(), Some(SIGTERM));
}

#[test]
fn a_previous_handler_is_chained_and_goes_on() {
    let mut program = Program::child("chains");
    program.line("went on");
    assert!(program.end().1.success());
}

#[test]
fn a_signal_that_was_ignored_stays_ignored() {
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\""]).arg(std::env::current_exe().expect("this test has a path"));
    shell.args(["--ignored", "--exact", "--nocapture", "child::was_told_to_ignore"]);
    let mut program = Program::start(shell);
    program.line("went on");
    assert!(program.end().1.success());
}

#[test]
fn one_at_a_time_and_then_the_next() {
    let mut program = Program::child("comes_second");
    program.line("the third came");
    assert!(program.end().1.success());
}

#[test]
fn a_runtime_that_the_host_ticks_ends_as_any_other() {
    let mut program = Program::child("ticks_to_the_end");
    program.line("as expected");
    assert!(program.end().1.success());
}

#[test]
fn an_outcome_is_returned_from_main() {
    for (name, code) in
        [("ends_by_itself", 0), ("stop_function_fails", 1), ("counts_further_errors", 1), ("panics_again", 0)]
    {
        let mut program = Program::child(name);
        program.line("as expected");
        assert_eq!(program.end().1.code(), Some(code), "{name}");
    }
}

/// What runs in processes of its own.
mod child {
    use offtick::signal::{self, Cause, SIGHUP, SIGTERM, SIGUSR1, SIGUSR2, Shutdown, SignalError};
    use offtick::{Budget, Builder, LocalRuntime, Runtime, block_on};
    use std::convert::Infallible;
    use std::process::Termination;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;

    const AGES: Duration = Duration::from_secs(1_000_000);

    fn raise(signal: i32) {
        signal_hook::low_level::raise(signal).expect("it is a signal");
    }

    /// Ends this process as `main` would that returns it.
    fn end(outcome: signal::ExitReport) -> ! {
        let status = outcome.status();
        let _same = outcome.report();
        std::process::exit(status.into())
    }

    fn for_ever() -> ! {
        loop {
            std::thread::park();
        }
    }

    #[test]
    #[ignore = "a program of its own"]
    fn merges_for_ever() {
        let shutdown =
            Shutdown::builder().signals([SIGTERM]).merge(Duration::MAX).deadline(AGES).install().expect("free");
        let rt = shutdown.attach(Builder::new()).build().expect("the system lets it");
        #[cfg(target_os = "linux")]
        let before = std::fs::read_dir("/proc/self/fd").expect("it is mounted").count();
        println!("ready");
        block_on(shutdown.wait()).expect("no reactor thread");
        println!("asked");
        #[cfg(target_os = "linux")]
        assert_eq!(std::fs::read_dir("/proc/self/fd").expect("it is mounted").count(), before);
        let token = shutdown.handle();
        shutdown.on_stop(&rt, move |cause| async move {
            assert_eq!(token.cause(), Some(cause));
            Ok::<_, Infallible>(())
        });
        let outcome = shutdown.finish(rt);
        println!("{outcome}");
        println!("nothing left");
        // The flood's rest still counts as the first signal: the outcome is not dropped.
        let status = outcome.status();
        std::process::exit(status.into());
    }

    #[test]
    #[ignore = "a program of its own"]
    fn hangs_altogether() {
        let shutdown = Shutdown::builder().signals([SIGTERM, SIGUSR1]).merge(Duration::ZERO).install().expect("free");
        println!("ready");
        println!("{}", block_on(shutdown.wait()).expect("no reactor thread"));
        for_ever();
    }

    #[test]
    #[ignore = "a program of its own"]
    fn fails_and_hangs() {
        let shutdown = Shutdown::builder().signals([SIGTERM]).merge(Duration::MAX).install().expect("free");
        let rt = shutdown.attach(Builder::new()).build().expect("the system lets it");
        rt.run(async { Err::<(), _>("planned") }).detach();
        println!("{}", block_on(shutdown.wait()).expect("no reactor thread"));
        for_ever();
    }

    #[test]
    #[ignore = "a program of its own"]
    fn counts() {
        let mut signals = signal::listen_all([SIGUSR1, SIGUSR2]).expect("room for two pipes");
        println!("ready");
        let (mut heard, mut last) = (0, false);
        // The last signal may overtake the flood's rest: whatever comes before a look that finds nothing is counted.
        while !last || heard == 0 {
            let delivery = block_on(signals.next()).expect("no reactor thread").expect("it lives");
            last |= delivery.signal == SIGUSR2;
            heard += if delivery.signal == SIGUSR1 { delivery.count } else { 0 };
        }
        while let Some(delivery) = signals.try_next().expect("it lives") {
            heard += delivery.count;
        }
        println!("heard {heard}");
        // Still listening: what is left of the flood must not meet the default action.
        std::process::exit(0);
    }

    #[test]
    #[ignore = "a program of its own"]
    fn gives_back_and_raises() {
        let shutdown = Shutdown::builder().signals([SIGTERM]).install().expect("free");
        let also = signal::listen(SIGTERM).expect("room for a pipe");
        drop(shutdown);
        raise(SIGTERM);
        drop(also);
        println!("given back");
        raise(SIGTERM);
        unreachable!("the signal ends it");
    }

    #[test]
    #[ignore = "a program of its own"]
    fn listens_no_more_and_raises() {
        let mut signals = signal::listen(SIGUSR1).expect("room for a pipe");
        raise(SIGUSR1);
        println!("heard {}", block_on(signals.next()).expect("no reactor thread").expect("it lives").count);
        drop(signals);
        raise(SIGUSR1);
        unreachable!("the signal ends it");
    }

    #[test]
    #[ignore = "a program of its own"]
    fn is_refused_and_raises() {
        let refused =
            Shutdown::builder().signals([SIGTERM, signal::SIGKILL]).install().expect_err("nobody can catch it");
        assert!(matches!(refused, SignalError::Forbidden(signal::SIGKILL)));
        println!("refused");
        raise(SIGTERM);
        unreachable!("the signal ends it");
    }

    #[test]
    #[ignore = "a program of its own"]
    fn chains() {
        let seen = Arc::new(AtomicBool::new(false));
        signal_hook::flag::register(SIGTERM, Arc::clone(&seen)).expect("it is a signal");
        let shutdown = Shutdown::builder().signals([SIGTERM]).install().expect("free");
        raise(SIGTERM);
        assert!(seen.swap(false, Ordering::SeqCst) && shutdown.requested());
        drop(shutdown);
        raise(SIGTERM);
        assert!(seen.load(Ordering::SeqCst));
        println!("went on");
    }

    #[test]
    #[ignore = "a program of its own"]
    fn was_told_to_ignore() {
        let shutdown = Shutdown::builder().signals([SIGHUP, SIGTERM]).install().expect("free");
        assert_eq!(shutdown.signals(), [SIGTERM]);
        raise(SIGHUP);
        assert!(!shutdown.requested());
        // Whoever asks for it by name hears it.
        let mut signals = signal::listen(SIGHUP).expect("room for a pipe");
        raise(SIGHUP);
        assert_eq!(block_on(signals.next()).expect("no reactor thread").expect("it lives").signal, SIGHUP);
        drop(signals);
        raise(SIGHUP);
        println!("went on");
    }

    #[test]
    #[ignore = "a program of its own"]
    fn comes_second() {
        let first = Shutdown::new().expect("free");
        let token = first.handle();
        assert!(matches!(Shutdown::new(), Err(SignalError::AlreadyActive)));
        drop(first);
        let second = Shutdown::builder().signals([]).install().expect("free again");
        assert!(second.trigger() && !second.trigger());
        assert!(!token.requested(), "it is of the first");
        drop(second);
        assert!(!Shutdown::new().expect("free again").requested());
        #[cfg(target_os = "linux")]
        {
            let count = |folder| std::fs::read_dir(folder).expect("it is mounted").count();
            let descriptors = count("/proc/self/fd");
            for _ in 0..500 {
                let next = Shutdown::builder().signals([SIGTERM]).merge(Duration::MAX).install().expect("free again");
                raise(SIGTERM);
                assert_eq!(next.cause(), Some(Cause::Signal(SIGTERM)));
            }
            assert_eq!(count("/proc/self/fd"), descriptors);
            // A thread that was joined may be listed for a moment longer; five hundred were not kept.
            assert!(count("/proc/self/task") < 100);
        }
        println!("the third came");
    }

    #[test]
    #[ignore = "a program of its own"]
    fn ends_by_itself() {
        let shutdown = Shutdown::new().expect("free");
        let rt = shutdown.attach(Builder::new()).build().expect("the system lets it");
        let (sender, ran) = std::sync::mpsc::channel();
        shutdown.on_stop_blocking(&rt, move |cause| sender.send(cause));
        assert!(!shutdown.is_stopped());
        let outcome = shutdown.finish(rt);
        assert_eq!(ran.recv(), Ok(Cause::Program));
        assert!(outcome.is_clean());
        println!("as expected");
        end(outcome);
    }

    #[test]
    #[ignore = "a program of its own"]
    fn ticks_to_the_end() {
        let shutdown = Shutdown::builder().deadline(AGES).install().expect("free");
        let rt = LocalRuntime::new().expect("the system lets it");
        let pool = Runtime::new().expect("the system lets it");
        shutdown.on_stop(rt.handle(), |_cause| async { Ok::<_, Infallible>(()) });
        shutdown.on_stop(&pool, |_cause| async { Err("no room on the disk") });
        raise(SIGTERM);
        while !shutdown.is_stopped() {
            rt.tick(Budget::unlimited()).expect("on its own thread");
        }
        // Given too late for another tick.
        shutdown.on_stop(rt.handle(), |_cause| async { Ok::<_, Infallible>(()) });
        let outcome = shutdown.finish_with(|patience| {
            assert!(pool.shutdown(patience).is_clean());
            rt.shutdown(patience)
        });
        assert!(signal::ExitReport::report(&outcome).is_clean() && outcome.cause() == Cause::Signal(SIGTERM));
        let failed: Vec<_> = outcome.stops_failed().iter().map(|stop| stop.error.is_some()).collect();
        assert_eq!(failed, [true, false]);
        println!("as expected");
        std::process::exit(0);
    }

    #[test]
    #[ignore = "a program of its own"]
    fn stop_function_fails() {
        let shutdown = Shutdown::builder().deadline(AGES).install().expect("free");
        let rt = Runtime::new().expect("the system lets it");
        shutdown.on_stop(&rt, |_cause| async { Err("no room on the disk") });
        shutdown.on_stop(&rt, |_cause| async { Ok::<_, Infallible>(()) });
        shutdown.trigger();
        while !shutdown.is_stopped() {
            std::thread::yield_now();
        }
        let outcome = shutdown.finish(rt);
        let failed = outcome.stops_failed();
        assert!(
            failed.len() == 1 && failed[0].error.as_ref().is_some_and(|error| format!("{error:#}").contains("no room"))
        );
        println!("as expected");
        end(outcome);
    }

    #[test]
    #[ignore = "a program of its own"]
    fn panics_again() {
        let shutdown = Shutdown::new().expect("free");
        let rt = shutdown.attach(Builder::new()).build().expect("the system lets it");
        rt.spawn(async { std::panic::panic_any(17_u8) }).detach();
        assert_eq!(block_on(shutdown.wait()).expect("no reactor thread"), Cause::Unhandled);
        let outcome = shutdown.finish(rt);
        assert_eq!(outcome.status(), 101);
        let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| outcome.reraise()));
        assert_eq!(again.expect_err("it panics").downcast_ref(), Some(&17_u8));
        println!("as expected");
        std::process::exit(0);
    }

    #[test]
    #[ignore = "a program of its own"]
    fn counts_further_errors() {
        let shutdown = Shutdown::new().expect("free");
        let (sender, hooked) = std::sync::mpsc::channel();
        let sender = std::sync::Mutex::new(sender);
        // The program's own hook, given before and kept.
        let builder = Builder::new().on_unhandled_error(move |_task, error| {
            let _heard = sender.lock().expect("nobody panics").send(format!("{error:#}"));
        });
        let rt = shutdown.attach(builder).build().expect("the system lets it");
        for text in ["first", "second", "third"] {
            rt.run(async move { Err::<(), _>(text) }).detach();
        }
        // Cancelled is not failed.
        let cancelled = rt.spawn(std::future::pending::<()>());
        cancelled.cancel();
        cancelled.detach();
        let heard: Vec<_> = hooked.iter().take(3).collect();
        assert_eq!(heard, ["task failed: first", "task failed: second", "task failed: third"]);
        let outcome = shutdown.finish(rt);
        assert_eq!((outcome.cause(), outcome.further_errors()), (Cause::Unhandled, 2));
        assert_eq!(outcome.failure().map(|failure| failure.message()), Some("task failed: first"));
        let status = outcome.status();
        let failure = outcome.reraise().expect_err("it is returned");
        assert!(!failure.is_panic() && failure.take_payload().is_none());
        println!("as expected");
        std::process::exit(status.into());
    }
}
