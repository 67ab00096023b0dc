//! What was counted, and the line of JSON at the end.

use crate::read::{ReadError, Summary};
use crate::ticks::Ticks;
use offtick::TaskError;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Failures that are kept to be shown.
const MOST_FAILURES: usize = 100;

/// What went wrong with one path.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

/// The sums over all files that are done, and the failures.
#[derive(Debug, Default)]
pub(crate) struct Totals {
    /// Files that were found and dealt with, whether they could be read or not.
    pub(crate) files: u64,
    /// Those of them that were read to their end.
    pub(crate) read: u64,
    pub(crate) bytes: u64,
    /// Of all files dealt with, the bytes that the walk found in them: what the bar goes by.
    pub(crate) bytes_dealt_with: u64,
    pub(crate) lines: u64,
    /// Files and directories that could not be read.
    pub(crate) errors: u64,
    /// The sum of the checksums, which does not depend on the order in which files are done.
    pub(crate) checksum: u64,
    /// The newest failures, oldest first, until somebody takes them.
    pub(crate) failures: VecDeque<Failure>,
}

impl Totals {
    /// A file, of `size` bytes when it was found, is done with. One that was given up is not: it counts as if it had not
    /// been found.
    pub(crate) fn file_over(&mut self, size: u64, result: Result<Summary, TaskError>) {
        match result {
            Ok(file) => {
                self.read += 1;
                self.bytes += file.bytes;
                self.lines += file.lines;
                self.checksum = self.checksum.wrapping_add(u64::from(file.crc32));
            }
            Err(TaskError::Cancelled) => return,
            // What the body said, without the words around it.
            Err(error) => match error.downcast_ref::<ReadError>() {
                Some(error) => self.failed(&error.path, error.to_string()),
                None => self.failed(Path::new("a file"), error.label()),
            },
        }
        self.files += 1;
        self.bytes_dealt_with += size;
    }

    /// Something could not be read.
    pub(crate) fn failed(&mut self, path: &Path, reason: String) {
        self.errors += 1;
        if self.failures.len() == MOST_FAILURES {
            self.failures.pop_front();
        }
        self.failures.push_back(Failure { path: path.to_owned(), reason });
    }

    /// The last line of the program.
    pub(crate) fn json(&self, cancelled: bool, ticks: &Ticks, elapsed: Duration) -> String {
        let Self { files, bytes, lines, errors, .. } = self;
        let (costs, ticks, elapsed) = (ticks.costs(), ticks.count(), elapsed.as_millis());
        format!(
            "{{\"files\":{files},\"bytes\":{bytes},\"lines\":{lines},\"errors\":{errors},\"cancelled\":{cancelled},\
             \"ticks\":{ticks},\"tick_p50_us\":{:.1},\"tick_p99_us\":{:.1},\"tick_max_us\":{:.1},\"elapsed_ms\":{elapsed}}}",
            costs.p50, costs.p99, costs.max
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Totals;
    use crate::read::{self, Summary};
    use offtick::{Runtime, TaskError};
    use std::path::Path;

    #[test]
    fn a_file_that_is_gone_counts_as_a_file_and_an_error() {
        let rt = Runtime::new().unwrap();
        let path = Path::new("/no/such/file");
        let mut task = rt.run_blocking(|| read::read(path.into(), || Ok(()), |_| {}));
        let mut totals = Totals::default();
        totals.file_over(7, task.wait());
        assert_eq!((totals.files, totals.bytes, totals.bytes_dealt_with, totals.errors), (1, 0, 7, 1));
        assert_eq!(totals.failures[0].path, path);
        assert!(!totals.failures[0].reason.contains("task failed"), "{:?}", totals.failures);
    }

    #[test]
    fn a_file_that_was_given_up_does_not_count() {
        let mut totals = Totals::default();
        totals.file_over(3, Err(TaskError::Cancelled));
        totals.file_over(3, Ok(Summary { bytes: 3, lines: 2, crc32: 1 }));
        assert_eq!((totals.files, totals.bytes, totals.lines, totals.errors), (1, 3, 2, 0));
    }
}
