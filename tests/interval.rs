//! Intervals: the grid, missed ticks, odd periods.

use offtick::time::{Clock, ManualClock, MissedTicks, interval};
use offtick::{Builder, Runtime, block_on};
use std::future::poll_fn;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

const SECOND: Duration = Duration::from_secs(1);

fn manual() -> (ManualClock, Runtime, Instant) {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
    let start = clock.now();
    (clock, rt, start)
}

/// The ticks that are there to be taken, as seconds since the start.
fn taken(interval: &mut offtick::time::Interval, start: Instant) -> Vec<u64> {
    let mut cx = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| match interval.poll_tick(&mut cx) {
        Poll::Ready(tick) => Some((tick - start).as_secs()),
        Poll::Pending => None,
    })
    .collect()
}

/// Waits until the reactor has fired what is due, then looks.
fn after(
    interval: &mut offtick::time::Interval,
    rt: &Runtime,
    clock: &ManualClock,
    secs: u32,
    start: Instant,
) -> Vec<u64> {
    clock.advance(SECOND * secs);
    rt.spawn(async {}).wait().expect("a turn of the reactor");
    taken(interval, start)
}

#[test]
fn the_first_tick_comes_after_one_period_or_at_once() {
    let (clock, rt, start) = manual();
    let mut later = rt.interval(SECOND).expect("a period");
    let mut now = rt.interval(SECOND).expect("a period").now();
    assert_eq!(taken(&mut later, start), []);
    assert_eq!(taken(&mut now, start), [0]);
    assert_eq!(after(&mut later, &rt, &clock, 1, start), [1]);
    assert_eq!(taken(&mut now, start), [1]);
}

#[test]
fn missed_ticks_follow_the_policy() {
    let (clock, rt, start) = manual();
    let every = |policy| rt.interval(SECOND * 2).expect("a period").missed(policy);
    let (mut burst, mut delay, mut skip) =
        (every(MissedTicks::Burst), every(MissedTicks::Delay), every(MissedTicks::Skip));
    assert_eq!(after(&mut burst, &rt, &clock, 7, start), [2, 4, 6]);
    assert_eq!(taken(&mut delay, start), [2]);
    assert_eq!(taken(&mut skip, start), [2]);
    assert_eq!(after(&mut burst, &rt, &clock, 2, start), [8]);
    assert_eq!(taken(&mut delay, start), [9]);
    assert_eq!(taken(&mut skip, start), [8]);
}

#[test]
fn odd_periods() {
    let (clock, rt, start) = manual();
    assert_eq!(rt.interval(Duration::ZERO).err().map(|error| error.setting()), Some("period"));
    let mut never = rt.interval(Duration::MAX).expect("a period");
    assert_eq!(after(&mut never, &rt, &clock, 1, start), []);
    let mut tiny = rt.interval(Duration::from_nanos(1)).expect("a period").missed(MissedTicks::Skip);
    clock.advance(SECOND);
    rt.spawn(async {}).wait().expect("a turn of the reactor");
    assert!(taken(&mut tiny, start).len() <= 2, "a tick that was skipped is gone");
}

#[test]
fn without_a_runtime_the_default_one_serves() {
    let ticked = block_on(async {
        let mut short = interval(Duration::from_millis(1)).expect("a period");
        let first = short.tick().await;
        let second = short.tick().await;
        poll_fn(|_| Poll::Ready(())).await;
        second - first
    });
    assert_eq!(ticked.expect("this thread may wait"), Duration::from_millis(1));
}

#[test]
fn a_timeout_until_a_moment_obeys_the_clock() {
    use offtick::time::{Elapsed, timeout_at};
    let (clock, rt, start) = manual();
    let early = rt.spawn(async move { timeout_at(start + SECOND, std::future::pending::<()>()).await });
    let past = rt.timeout_at(start, async { 1 });
    rt.spawn(async {}).wait().expect("a turn of the reactor");
    assert!(!early.is_done());
    clock.advance(SECOND);
    let mut early = early;
    assert_eq!(early.wait().expect("it is not cancelled"), Err(Elapsed(SECOND)));
    assert_eq!(block_on(past).expect("this thread may wait"), Ok(1));
}
