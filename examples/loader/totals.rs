//! What was counted, and the line of JSON at the end.

use crate::read::Summary;
use crate::ticks::Ticks;
use std::time::Duration;

/// The sums over all files that are done.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    /// Files that were found and dealt with, whether they could be read or not.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) lines: u64,
    /// Files and directories that could not be read.
    pub(crate) errors: u64,
    /// The sum of the checksums, which does not depend on the order in which files are done.
    pub(crate) checksum: u64,
}

impl Totals {
    pub(crate) fn add(&mut self, file: &Summary) {
        self.files += 1;
        self.bytes += file.bytes;
        self.lines += file.lines;
        self.checksum = self.checksum.wrapping_add(u64::from(file.crc32));
    }

    /// The last line of the program.
    pub(crate) fn json(&self, cancelled: bool, ticks: &Ticks, elapsed: Duration) -> String {
        let Self { files, bytes, lines, errors, checksum: _ } = self;
        let (costs, ticks, elapsed) = (ticks.costs(), ticks.count(), elapsed.as_millis());
        format!(
            "{{\"files\":{files},\"bytes\":{bytes},\"lines\":{lines},\"errors\":{errors},\"cancelled\":{cancelled},\
             \"ticks\":{ticks},\"tick_p50_us\":{:.1},\"tick_p99_us\":{:.1},\"tick_max_us\":{:.1},\"elapsed_ms\":{elapsed}}}",
            costs.p50, costs.p99, costs.max
        )
    }
}
