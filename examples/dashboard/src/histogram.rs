//! How many frames cost how much, in classes that double: below 64 µs, below 128 µs and so on, and the rest.

use std::time::Duration;

/// The end of the first class, in microseconds.
const FIRST_END: u128 = 64;

/// The last one has no end: 8 ms and more, where frames begin to be missed.
const CLASSES: usize = 9;

/// Counts, from the fastest class to the slowest.
#[derive(Debug, Default)]
pub(crate) struct Histogram(pub(crate) [u64; CLASSES]);

impl Histogram {
    pub(crate) fn record(&mut self, time: Duration) {
        let micros = time.as_micros();
        let class = (0..CLASSES - 1).find(|class| micros < FIRST_END << class);
        self.0[class.unwrap_or(CLASSES - 1)] += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;
    use std::time::Duration;

    #[test]
    fn every_time_has_a_class() {
        let mut histogram = Histogram::default();
        for micros in [0, 63, 64, 1023, 1024, 8191, 8192, u64::MAX] {
            histogram.record(Duration::from_micros(micros));
        }
        assert_eq!(histogram.0, [2, 1, 0, 0, 1, 1, 0, 1, 2]);
    }
}
