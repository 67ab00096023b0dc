//! What one run of one peer gave, and the watch that takes it.

use cpu_time::ProcessTime;
use std::time::{Duration, Instant};

/// What one run of one peer gave.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Seconds an operation, or the bare number where the unit is no time.
    pub(super) raw: f64,
    /// CPU seconds an operation, of all threads of the process.
    pub(super) cpu: Option<f64>,
    /// The times that 99 % and 99.9 % of the single operations stay below, in seconds.
    pub(super) p99: Option<f64>,
    pub(super) p999: Option<f64>,
}

impl Sample {
    /// A number that is no time.
    pub fn number(raw: f64) -> Self {
        Self { raw, cpu: None, p99: None, p999: None }
    }

    /// With CPU time that was measured elsewhere: seconds an operation.
    pub fn with_cpu(self, cpu: f64) -> Self {
        Self { cpu: Some(cpu), ..self }
    }

    /// Where most of the CPU time is not that of the operation.
    pub fn without_cpu(self) -> Self {
        Self { cpu: None, ..self }
    }

    /// With the tail of single times, each of which took `operations`: as far out as their number allows.
    pub fn with_tail(self, mut times: Vec<Duration>, operations: usize) -> Self {
        times.sort_unstable();
        let tail =
            |share, least| (times.len() >= least).then(|| quantile(&times, share).as_secs_f64() / operations as f64);
        Self { p99: tail(0.99, 100), p999: tail(0.999, 1000), ..self }
    }

    /// With a tail that another program found: seconds.
    pub fn with_p99(self, p99: f64) -> Self {
        Self { p99: Some(p99), ..self }
    }

    /// The median of single times, each of which took `operations`, and their tail.
    pub fn median(mut times: Vec<Duration>, operations: usize) -> Self {
        times.sort_unstable();
        Self::number(quantile(&times, 0.5).as_secs_f64() / operations as f64).with_tail(times, operations)
    }
}

/// The time that this share of them stays below. They are sorted, and there is one at least.
fn quantile(times: &[Duration], share: f64) -> Duration {
    let nth = ((times.len() as f64 * share) as usize).min(times.len() - 1);
    times[nth]
}

/// A started measurement.
pub struct Watch {
    wall: Instant,
    cpu: ProcessTime,
}

impl Watch {
    pub fn start() -> Self {
        let cpu = ProcessTime::now();
        Self { wall: Instant::now(), cpu }
    }

    /// Ends it: `operations` were done.
    pub fn stop(self, operations: usize) -> Sample {
        let (wall, cpu) = (self.wall.elapsed(), self.cpu.elapsed());
        let each = |time: Duration| time.as_secs_f64() / operations as f64;
        Sample::number(each(wall)).with_cpu(each(cpu))
    }

    /// Ends it with the median of many short times taken meanwhile, each of which took `operations`, and with their
    /// tail. The CPU time is that of the whole, pauses between them included.
    pub fn stop_with_median(self, times: Vec<Duration>, operations: usize) -> Sample {
        let cpu = self.cpu.elapsed().as_secs_f64() / (times.len() * operations) as f64;
        Sample::median(times, operations).with_cpu(cpu)
    }

    /// The same with the time that this share of them stays below for the figure.
    pub fn stop_with_quantile(self, mut times: Vec<Duration>, share: f64, operations: usize) -> Sample {
        let cpu = self.cpu.elapsed().as_secs_f64() / (times.len() * operations) as f64;
        times.sort_unstable();
        Sample::number(quantile(&times, share).as_secs_f64() / operations as f64).with_cpu(cpu)
    }

    /// Ends it with the CPU time alone: where the wall time is that of the job, whoever does it.
    pub fn stop_with_cpu(self, operations: usize) -> Sample {
        let cpu = self.cpu.elapsed().as_secs_f64() / operations as f64;
        Sample::number(cpu).with_cpu(cpu)
    }
}

/// Times `work`, which does `operations`.
pub fn timed(operations: usize, work: impl FnOnce()) -> Sample {
    let watch = Watch::start();
    work();
    watch.stop(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(n: u64) -> Vec<Duration> {
        // In no order.
        (0..n).rev().map(Duration::from_secs).collect()
    }

    #[test]
    fn a_tail_is_told_as_far_out_as_the_number_of_times_allows() {
        let few = Sample::median(times(99), 1);
        assert_eq!((few.raw, few.p99, few.p999), (49.0, None, None));
        let more = Sample::median(times(100), 1);
        assert_eq!((more.raw, more.p99, more.p999), (50.0, Some(99.0), None));
        let many = Sample::median(times(2000), 1);
        assert_eq!((many.raw, many.p99, many.p999), (1000.0, Some(1980.0), Some(1998.0)));
    }

    #[test]
    fn a_single_time_may_be_that_of_many_operations() {
        let sample = Sample::median(times(1000), 10);
        assert_eq!((sample.raw, sample.p99, sample.p999), (50.0, Some(99.0), Some(99.9)));
    }
}
