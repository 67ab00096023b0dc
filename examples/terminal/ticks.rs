//! What the ticks cost.

use std::time::Duration;

/// The time of every tick, in nanoseconds: four bytes each, a megabyte an hour.
#[derive(Debug, Default)]
pub(crate) struct Ticks {
    nanos: Vec<u32>,
}

/// What most ticks, nearly all and the worst one cost, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Costs {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
    pub(crate) max: f64,
}

impl Ticks {
    pub(crate) fn record(&mut self, time: Duration) {
        self.nanos.push(u32::try_from(time.as_nanos()).unwrap_or(u32::MAX));
    }

    pub(crate) fn count(&self) -> usize {
        self.nanos.len()
    }

    /// Sorts a copy: not for every tick.
    pub(crate) fn costs(&self) -> Costs {
        let mut sorted = self.nanos.clone();
        sorted.sort_unstable();
        // Nearest rank: the smallest time that `percent` of all ticks did not exceed.
        let rank = |percent: usize| (sorted.len() * percent).div_ceil(100).saturating_sub(1);
        let micros = |percent| sorted.get(rank(percent)).map_or(0.0, |nanos| f64::from(*nanos) / 1e3);
        Costs { p50: micros(50), p99: micros(99), max: micros(100) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Costs, Ticks};
    use std::time::Duration;

    #[test]
    fn ranks_are_the_nearest() {
        let mut ticks = Ticks::default();
        assert_eq!(ticks.costs(), Costs::default());
        for micros in (1..=200).rev() {
            ticks.record(Duration::from_micros(micros));
        }
        assert_eq!(ticks.costs(), Costs { p50: 100.0, p99: 198.0, max: 200.0 });
    }
}
