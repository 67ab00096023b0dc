//! Signals as a stream, raised on the threads of this very process.
//!
//! `raise` runs the handler before it returns, so what a listener is to find is settled when it does.
#![cfg(all(unix, feature = "signal"))]

mod common;

use common::HANG;
use offtick::signal::{self, Delivery, SIGKILL, SIGSEGV, SIGUSR1, SIGUSR2, SIGWINCH, SignalError, Signals};
use offtick::{Runtime, block_on};
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Instant;

type Tested = Result<(), Box<dyn Error>>;

/// A signal is heard by every listener of the process: one test at a time.
fn alone() -> MutexGuard<'static, ()> {
    static ONE: Mutex<()> = Mutex::new(());
    ONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn raise(signal: i32, times: usize) {
    for _ in 0..times {
        signal_hook::low_level::raise(signal).expect("it is a signal");
    }
}

/// Reads until `count` deliveries of one signal were told of.
fn told(signals: &mut Signals, count: u64) -> Vec<Delivery> {
    let mut all = Vec::new();
    while all.iter().map(|delivery: &Delivery| delivery.count).sum::<u64>() < count {
        all.push(block_on(signals.next()).expect("no reactor thread").expect("the runtime lives"));
    }
    all
}

fn sum(deliveries: &[Delivery]) -> u64 {
    deliveries.iter().map(|delivery| delivery.count).sum()
}

/// A look that finds nothing has seen that the pipe is empty.
fn nothing_left(signals: &mut Signals) {
    assert_eq!(signals.try_next().expect("the runtime lives"), None);
}

#[cfg(target_os = "linux")]
fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").expect("it is mounted").count()
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn everything_goes_to_any_thread() {
    fn any_thread<T: Send + Sync + Unpin>() {}
    any_thread::<Signals>();
    any_thread::<signal::Shutdown>();
    any_thread::<signal::ShutdownHandle>();
    any_thread::<signal::Wait<'_>>();
    any_thread::<signal::ExitReport>();
    any_thread::<SignalError>();
}

#[test]
fn twice_before_it_is_seen_is_two() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let mut signals = signal::listen_all_on(&rt, [SIGUSR1])?;
    raise(SIGUSR1, 2);
    let found = told(&mut signals, 2);
    assert_eq!(found.len(), 1, "both at once");
    assert_eq!((found[0].signal, found[0].count), (SIGUSR1, 2));
    assert_eq!(found[0].to_string(), "SIGUSR1 x 2");
    nothing_left(&mut signals);
    Ok(())
}

#[test]
fn a_task_hears_signals_of_its_own_runtime() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let (ready, is_ready) = std::sync::mpsc::channel();
    let mut task = rt.run(async move {
        let mut signals = signal::listen_all([SIGUSR1, SIGUSR2])?;
        ready.send(()).map_err(std::io::Error::other)?;
        let first = signals.next().await?.signal;
        raise(SIGUSR2, 1);
        Ok::<_, std::io::Error>((first, signals.next().await?.signal))
    });
    is_ready.recv()?;
    raise(SIGUSR1, 1);
    assert_eq!(task.wait()?, (SIGUSR1, SIGUSR2));
    Ok(())
}

#[test]
fn a_flood_is_counted_to_the_last_one() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let mut signals = signal::listen_all_on(&rt, [SIGUSR1])?;
    #[cfg(target_os = "linux")]
    let before = descriptors();
    // Within the smallest pipe that a system gives.
    raise(SIGUSR1, 4_000);
    assert_eq!(sum(&told(&mut signals, 4_000)), 4_000);
    nothing_left(&mut signals);
    for _ in 0..10 {
        raise(SIGUSR1, 1_000);
        assert_eq!(sum(&told(&mut signals, 1_000)), 1_000);
    }
    nothing_left(&mut signals);
    #[cfg(target_os = "linux")]
    assert!(descriptors() <= before, "a descriptor was left");
    Ok(())
}

#[test]
fn a_flood_beyond_the_pipe_neither_waits_nor_deafens() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let mut signals = signal::listen_all_on(&rt, [SIGUSR1])?;
    // More than any pipe holds; that this ends is what no waiting in the handler means.
    raise(SIGUSR1, 70_000);
    let mut counted = sum(&told(&mut signals, 4_096));
    while let Some(found) = signals.try_next()? {
        counted += found.count;
    }
    assert!((4_096..=70_000).contains(&counted), "{counted}");
    raise(SIGUSR1, 3);
    assert_eq!(sum(&told(&mut signals, 3)), 3);
    Ok(())
}

#[test]
fn every_listener_hears_it_and_a_dropped_one_is_gone() -> Tested {
    let _alone = alone();
    let (one, other) = (Runtime::new()?, Runtime::new()?);
    let mut first = signal::listen_all_on(&one, [SIGUSR1])?;
    let mut second = signal::listen_all_on(&other, [SIGUSR1])?;
    let mut third = signal::listen(SIGUSR1)?;
    raise(SIGUSR1, 5);
    for listener in [&mut first, &mut second, &mut third] {
        assert_eq!(sum(&told(listener, 5)), 5);
    }
    drop(second);
    raise(SIGUSR1, 2);
    for listener in [&mut first, &mut third] {
        assert_eq!(sum(&told(listener, 2)), 2);
        nothing_left(listener);
    }
    Ok(())
}

#[test]
fn several_signals_of_one_listener_take_turns() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let mut signals = signal::listen_all_on(&rt, [SIGUSR1, SIGUSR2, SIGUSR1])?;
    assert_eq!(signals.signals().collect::<Vec<_>>(), [SIGUSR1, SIGUSR2]);
    assert_eq!(format!("{signals:?}"), r#"Signals(["SIGUSR1", "SIGUSR2"])"#);
    raise(SIGUSR1, 3);
    raise(SIGUSR2, 1);
    // The second is heard although the first is raised again and again.
    let mut heard = Vec::new();
    while !heard.contains(&SIGUSR2) {
        heard.push(told(&mut signals, 1)[0].signal);
        raise(SIGUSR1, 1);
        assert!(heard.len() <= 3, "{heard:?}");
    }
    Ok(())
}

#[test]
fn a_tick_looks_and_never_waits() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let mut signals = signal::listen_all_on(&rt, [SIGUSR1])?;
    nothing_left(&mut signals);
    raise(SIGUSR1, 1);
    let since = Instant::now();
    let found = loop {
        if let Some(found) = signals.try_next()? {
            break found;
        }
        assert!(since.elapsed() < HANG, "it never came");
        std::thread::yield_now();
    };
    assert_eq!(found.count, 1);
    nothing_left(&mut signals);
    Ok(())
}

#[test]
fn a_wait_that_is_given_up_takes_nothing() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let mut signals = signal::listen_all_on(&rt, [SIGUSR1])?;
    let woken = Arc::new(Woken::default());
    let waker = Waker::from(Arc::clone(&woken));
    assert!(signals.poll_next(&mut Context::from_waker(&waker)).is_pending());
    raise(SIGUSR1, 1);
    let since = Instant::now();
    while woken.0.load(Ordering::SeqCst) == 0 {
        assert!(since.elapsed() < HANG, "nobody was woken");
        std::thread::yield_now();
    }
    assert_eq!(sum(&told(&mut signals, 1)), 1);
    Ok(())
}

#[test]
fn bad_signals_are_named() -> Tested {
    let _alone = alone();
    for forbidden in [SIGKILL, SIGSEGV, signal::SIGSTOP, signal::SIGILL, signal::SIGFPE] {
        assert!(matches!(signal::listen(forbidden), Err(SignalError::Forbidden(number)) if number == forbidden));
    }
    for invalid in [0, -1, 128, 129, i32::MAX, i32::MIN] {
        assert!(matches!(signal::listen(invalid), Err(SignalError::Invalid(number)) if number == invalid), "{invalid}");
    }
    assert!(matches!(signal::listen_all([]), Err(SignalError::NoSignals)));
    let error = signal::listen_all([SIGWINCH, 0]).expect_err("one of them is none");
    assert_eq!(error.to_string(), "0 is not the number of a signal; use the constants of `offtick::signal`");
    assert_eq!(std::io::Error::from(error).kind(), std::io::ErrorKind::InvalidInput);
    Ok(())
}

#[test]
fn a_runtime_that_is_gone_says_so() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    let handle = rt.handle().clone();
    let mut signals = signal::listen_all_on(&rt, [SIGUSR1])?;
    drop(rt);
    let error = block_on(signals.next())?.expect_err("nobody watches the pipe");
    assert!(error.get_ref().is_some_and(|inner| inner.is::<offtick::net::ReactorGone>()), "{error:?}");
    let error = signal::listen_all_on(&handle, [SIGUSR1]).expect_err("nobody would watch the pipe");
    assert!(matches!(error, SignalError::System { .. }), "{error:?}");
    Ok(())
}

#[test]
#[cfg(target_os = "linux")]
fn listeners_that_come_and_go_leave_nothing() -> Tested {
    let _alone = alone();
    let rt = Runtime::new()?;
    drop(signal::listen_all_on(&rt, [SIGUSR1, SIGUSR2])?);
    let before = descriptors();
    for _ in 0..500 {
        let mut signals = signal::listen_all_on(&rt, [SIGUSR1, SIGUSR2])?;
        raise(SIGUSR1, 1);
        assert!(matches!(
            signals.poll_next(&mut Context::from_waker(Waker::noop())),
            Poll::Ready(Ok(Delivery { signal: SIGUSR1, count: 1, .. }))
        ));
    }
    assert!(descriptors() <= before, "a descriptor was left");
    Ok(())
}
