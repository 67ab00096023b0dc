//! What was counted, and the line of JSON at the end.

use crate::jobs::{Row, Stage};
use crate::ticks::Ticks;
use std::time::Duration;

/// The sums over the downloads.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    /// Content of the downloads that are done.
    pub(crate) bytes: u64,
    /// Tries after the first ones, of all downloads, up to now.
    pub(crate) retries: u64,
}

impl Totals {
    /// A download is over.
    pub(crate) fn row_over(&mut self, row: &Row) {
        match row.stage {
            Stage::Done => {
                self.done += 1;
                self.bytes += row.so_far.received;
            }
            Stage::Cancelled => self.cancelled += 1,
            _ => self.failed += 1,
        }
    }

    /// Downloads that are over, in whatever way.
    pub(crate) fn over(&self) -> u64 {
        self.done + self.failed + self.cancelled
    }

    /// The last line of the program.
    pub(crate) fn json(&self, resources: usize, ticks: &Ticks, elapsed: Duration) -> String {
        let Self { done, failed, cancelled, bytes, retries } = self;
        let (costs, ticks, elapsed) = (ticks.costs(), ticks.count(), elapsed.as_millis());
        format!(
            "{{\"resources\":{resources},\"done\":{done},\"failed\":{failed},\"cancelled\":{cancelled},\
             \"bytes\":{bytes},\"retries\":{retries},\"ticks\":{ticks},\"tick_p50_us\":{:.1},\"tick_p99_us\":{:.1},\
             \"tick_max_us\":{:.1},\"elapsed_ms\":{elapsed}}}",
            costs.p50, costs.p99, costs.max
        )
    }
}
