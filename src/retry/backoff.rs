//! The wait before the next attempt, as arithmetic.

use crate::error::InvalidSetting;
use fastrand::Rng;
use std::time::Duration;

/// The options of a back-off.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Backoff {
    pub(super) base: Duration,
    pub(super) max: Duration,
    pub(super) multiplier: f64,
    pub(super) jitter: f64,
}

impl Backoff {
    pub(super) fn check(&self) -> Result<(), InvalidSetting> {
        let refuse = |field, given: f64, allowed| Err(InvalidSetting::new(field, given, allowed));
        // A comparison that NaN fails, too.
        if !(self.multiplier >= 1.0 && self.multiplier.is_finite()) {
            return refuse("multiplier", self.multiplier, "finite and at least 1");
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            return refuse("jitter", self.jitter, "between 0 and 1");
        }
        Ok(())
    }

    /// Returns wait number `n`, from 0, without jitter.
    ///
    /// `base * multiplier^n`, at most `max`. It saturates.
    pub(super) fn delay(&self, n: u32) -> Duration {
        if n == 0 || self.multiplier == 1.0 || self.base.is_zero() {
            return self.base.min(self.max);
        }
        self.bounded(self.base.as_secs_f64() * power(self.multiplier, n))
    }

    /// Returns `delay`, changed by up to `jitter * delay`, at most `max`.
    pub(super) fn with_jitter(&self, delay: Duration, rng: &mut Rng) -> Duration {
        if self.jitter == 0.0 || delay.is_zero() {
            return delay;
        }
        // -1 to 1
        let swing = rng.f64().mul_add(2.0, -1.0);
        self.bounded(delay.as_secs_f64() * swing.mul_add(self.jitter, 1.0))
    }

    /// Converts seconds to a duration; infinity and overflow become `max`.
    fn bounded(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds).map_or(self.max, |delay| delay.min(self.max))
    }
}

/// Returns `base` to the power `n`, by repeated squaring.
///
/// `f64::powi` may round differently on each target, and the waits of a seeded run must not.
fn power(base: f64, mut n: u32) -> f64 {
    let (mut power, mut square) = (1.0, base);
    while n > 0 {
        if n % 2 == 1 {
            power *= square;
        }
        square *= square;
        n /= 2;
    }
    power
}

#[cfg(all(test, not(loom)))]
mod tests;
