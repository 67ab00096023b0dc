//! The arithmetic against an exact reference, and at its limits.

use super::{Backoff, Duration, Rng};
use proptest::prelude::{Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest};

fn backoff(base: Duration, max: Duration, multiplier: f64, jitter: f64) -> Backoff {
    Backoff { base, max, multiplier, jitter }
}

/// The exact wait in nanoseconds, for whole multipliers: one multiplication at a time.
fn reference(base: Duration, max: Duration, multiplier: u32, n: u32) -> Duration {
    let mut nanos = base.as_nanos();
    for _ in 0..n {
        nanos = nanos.saturating_mul(multiplier.into()).min(max.as_nanos());
    }
    nanos_to_duration(nanos.min(max.as_nanos()))
}

fn nanos_to_duration(nanos: u128) -> Duration {
    Duration::new((nanos / 1_000_000_000) as u64, (nanos % 1_000_000_000) as u32)
}

/// Generates durations, the small and the extreme ones as often as others.
fn duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        (0..2_000_000_000_u64).prop_map(Duration::from_nanos),
        any::<u32>().prop_map(|millis| Duration::from_millis(millis.into())),
        (any::<u64>(), 0..1_000_000_000_u32).prop_map(|(secs, nanos)| Duration::new(secs, nanos)),
    ]
}

proptest! {
    #[test]
    fn delays_are_those_of_the_reference(base in duration(), max in duration(), multiplier in 1..1_000_u32, n in 0..80_u32) {
        let delay = backoff(base, max, multiplier.into(), 0.0).delay(n);
        let exact = reference(base, max, multiplier, n);
        prop_assert!(delay <= max);
        // The power goes through a float of 53 bits.
        let slack = nanos_to_duration(exact.as_nanos() / 1_000_000_000_000 + 1);
        prop_assert!(delay.abs_diff(exact) <= slack, "{delay:?}, exactly {exact:?}");
    }

    #[test]
    fn delays_never_shrink(base in duration(), max in duration(), multiplier in 1.0..1e300_f64, n in 0..u32::MAX) {
        let backoff = backoff(base, max, multiplier, 0.0);
        prop_assert!(backoff.delay(n) <= backoff.delay(n + 1));
        prop_assert_eq!(backoff.delay(0), base.min(max));
    }

    #[test]
    fn jitter_stays_in_its_bounds(delay in duration(), max in duration(), jitter in 0.0..=1.0_f64, seed: u64) {
        let delay = delay.min(max);
        let jittered = backoff(delay, max, 1.0, jitter).with_jitter(delay, &mut Rng::with_seed(seed));
        let exact = delay.as_secs_f64();
        let slack = exact * 1e-12 + 2e-9;
        prop_assert!(jittered <= max);
        prop_assert!(jittered.as_secs_f64() >= exact * (1.0 - jitter) - slack);
        prop_assert!(jittered.as_secs_f64() <= exact * (1.0 + jitter) + slack);
    }

    #[test]
    fn what_is_checked_is_what_works(multiplier: f64, jitter: f64) {
        let good = multiplier >= 1.0 && multiplier.is_finite() && (0.0..=1.0).contains(&jitter);
        let backoff = backoff(Duration::from_secs(1), Duration::MAX, multiplier, jitter);
        prop_assert_eq!(backoff.check().is_ok(), good);
    }
}

#[test]
fn the_power_saturates() {
    let max = Duration::MAX;
    for multiplier in [1.0 + f64::EPSILON, 2.0, 1e10, f64::MAX] {
        for base in [Duration::from_nanos(1), Duration::from_secs(1), Duration::MAX] {
            let delay = backoff(base, max, multiplier, 0.0).delay(u32::MAX);
            assert!(delay >= base, "{base:?} * {multiplier}^n is {delay:?}");
        }
    }
    assert_eq!(backoff(Duration::from_nanos(1), max, f64::MAX, 0.0).delay(2), max);
    assert_eq!(backoff(Duration::MAX, max, 2.0, 0.0).delay(1), max);
    // Zero times infinity.
    assert_eq!(backoff(Duration::ZERO, max, f64::MAX, 0.0).delay(u32::MAX), Duration::ZERO);
    // Exact without a power, however long.
    let odd = Duration::new(u64::MAX - 1, 999_999_999);
    assert_eq!(backoff(odd, max, 1.0, 0.0).delay(u32::MAX), odd);
}

#[test]
fn jitter_goes_both_ways_and_to_its_ends() {
    let second = Duration::from_secs(1);
    let backoff = backoff(second, Duration::MAX, 1.0, 0.5);
    let mut rng = Rng::with_seed(1);
    let waits: Vec<_> = (0..2_000).map(|_| backoff.with_jitter(second, &mut rng)).collect();
    let (least, most) = (waits.iter().min(), waits.iter().max());
    assert!(least.is_some_and(|least| *least < Duration::from_millis(510)), "{least:?}");
    assert!(most.is_some_and(|most| *most > Duration::from_millis(1_490)), "{most:?}");
    let mean = waits.iter().sum::<Duration>() / 2_000;
    assert!(mean.abs_diff(second) < Duration::from_millis(30), "{mean:?}");
}

#[test]
fn no_jitter_asks_no_luck() {
    let (mut rng, untouched) = (Rng::with_seed(3), Rng::with_seed(3));
    let second = Duration::from_secs(1);
    assert_eq!(backoff(second, Duration::MAX, 1.0, 0.0).with_jitter(second, &mut rng), second);
    assert_eq!(backoff(second, Duration::MAX, 1.0, 1.0).with_jitter(Duration::ZERO, &mut rng), Duration::ZERO);
    assert_eq!(rng, untouched);
}
