//! `toolkit::RateLimiter`: its pace, its burst, its turns, under a clock that only the test moves.
#![cfg(feature = "toolkit")]

mod common;

use common::{HANG, poll_once, until};
use offtick::time::{Clock, ManualClock};
use offtick::toolkit::RateLimiter;
use offtick::{Builder, Runtime};
use proptest::prelude::*;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn manual() -> (Runtime, ManualClock) {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
    (rt, clock)
}

fn passes(limiter: &RateLimiter) -> usize {
    (0..).take_while(|_| limiter.try_pass().is_ok()).count()
}

#[test]
fn one_a_gap() {
    let (rt, clock) = manual();
    let limiter = RateLimiter::new(&rt, SECOND).expect("a gap");
    let mut trace = Vec::new();
    for _ in 0..6 {
        trace.push(limiter.try_pass().is_ok());
        clock.advance(SECOND / 2);
    }
    assert_eq!(trace, [true, false, true, false, true, false]);
    clock.advance(100 * SECOND);
    assert_eq!(passes(&limiter), 1, "a pause saves nothing up");
    let early = limiter.try_pass().expect_err("too early");
    assert_eq!(early.at, Some(clock.now() + SECOND));
}

#[test]
fn a_burst_after_a_pause_and_the_pace_after_that() {
    let (rt, clock) = manual();
    let limiter = RateLimiter::with_burst(&rt, SECOND, 3).expect("a burst");
    assert_eq!(passes(&limiter), 3);
    clock.advance(SECOND);
    assert_eq!(passes(&limiter), 1);
    clock.advance(2 * SECOND);
    assert_eq!(passes(&limiter), 2);
    clock.advance(1_000 * SECOND);
    assert_eq!(passes(&limiter), 3);
}

#[test]
fn zeros_are_errors_and_the_largest_are_defined() {
    let (rt, _clock) = manual();
    let refused = |limiter: Result<RateLimiter, offtick::InvalidSetting>| limiter.err().map(|error| error.setting());
    assert_eq!(refused(RateLimiter::new(&rt, Duration::ZERO)), Some("gap"));
    assert_eq!(refused(RateLimiter::with_burst(&rt, SECOND, 0)), Some("burst"));
    let slow = RateLimiter::new(&rt, Duration::MAX).expect("a gap");
    assert_eq!(passes(&slow), 1);
    let wide = RateLimiter::with_burst(&rt, Duration::MAX, usize::MAX).expect("a burst");
    assert!((0..1_000).all(|_| wide.try_pass().is_ok()));
    let fine = RateLimiter::with_burst(&rt, Duration::from_nanos(1), usize::MAX).expect("a burst");
    assert!((0..1_000).all(|_| fine.try_pass().is_ok()));
}

#[test]
fn turns_come_in_order_and_at_their_time() {
    let (rt, clock) = manual();
    let limiter = RateLimiter::new(&rt, SECOND).expect("a gap");
    let mut waits: Vec<_> = (0..4).map(|_| limiter.acquire()).collect();
    let polled: Vec<_> = waits.iter_mut().map(|wait| poll_once(wait).is_ready()).collect();
    assert_eq!(polled, [true, false, false, false]);
    assert!(limiter.try_pass().is_err(), "turns are given away");
    for second in 1..4 {
        clock.advance(SECOND);
        until(|| poll_once(&mut waits[second]).is_ready());
        let passed: Vec<_> = waits.iter_mut().map(|wait| poll_once(wait).is_ready()).collect();
        assert_eq!(passed, [0, 1, 2, 3].map(|turn| turn <= second), "after {second} s");
    }
}

#[test]
fn a_turn_that_is_given_up_goes_back_if_it_is_the_last() {
    let (rt, clock) = manual();
    let limiter = RateLimiter::new(&rt, SECOND).expect("a gap");
    limiter.try_pass().expect("the first");
    let (mut second, mut third) = (limiter.acquire(), limiter.acquire());
    assert!(poll_once(&mut second).is_pending() && poll_once(&mut third).is_pending());
    let at = |limiter: &RateLimiter| limiter.try_pass().expect_err("too early").at;
    assert_eq!(at(&limiter), Some(clock.now() + 3 * SECOND));
    drop(third);
    assert_eq!(at(&limiter), Some(clock.now() + 2 * SECOND));
    let (mut third, mut fourth) = (limiter.acquire(), limiter.acquire());
    assert!(poll_once(&mut third).is_pending() && poll_once(&mut fourth).is_pending());
    drop(third);
    assert_eq!(at(&limiter), Some(clock.now() + 4 * SECOND), "in the middle it stays unused");
    drop((second, fourth));
    until(|| rt.metrics().timers == 0);
}

#[test]
fn whoever_waits_when_the_runtime_shuts_down_passes_in_its_turn() {
    let (rt, clock) = manual();
    let limiter = RateLimiter::new(&rt, HANG).expect("a gap");
    limiter.try_pass().expect("the first");
    let mut wait = limiter.acquire();
    assert!(poll_once(&mut wait).is_pending());
    drop(rt);
    assert!(poll_once(&mut wait).is_pending());
    assert!(limiter.try_pass().is_err());
    clock.advance(HANG);
    until(|| poll_once(&mut wait).is_ready());
}

proptest! {
    /// Whatever the calls, never more than `burst` and one a gap within any span of time.
    #[test]
    fn never_more_than_the_pace(gap in 1_u64..20, burst in 1_usize..6, steps in prop::collection::vec(0_u64..30, 1..80)) {
        let (rt, clock) = manual();
        let limiter = RateLimiter::with_burst(&rt, Duration::from_millis(gap), burst).expect("valid");
        let (mut now, mut passed) = (0_u64, Vec::new());
        // A bucket that is filled continuously, in units of `gap`.
        let (mut level, mut seen) = (burst as u64 * gap, 0);
        for step in steps {
            clock.advance(Duration::from_millis(step));
            now += step;
            level = (level + now - seen).min(burst as u64 * gap);
            seen = now;
            let fits = level >= gap;
            prop_assert_eq!(limiter.try_pass().is_ok(), fits, "at {} ms", now);
            if fits {
                level -= gap;
                passed.push(now);
            }
        }
        for (index, from) in passed.iter().enumerate() {
            for (count, until) in (1_u64..).zip(&passed[index..]) {
                prop_assert!(count <= burst as u64 + (until - from) / gap);
            }
        }
    }
}
