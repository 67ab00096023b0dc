//! The work on one file: its size, its lines and its checksum, chunk by chunk.

use crate::crc32::Crc32;
use offtick::{BoxError, Cancelled};
use std::cell::RefCell;
use std::error::Error;
use std::fmt;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes read at once. Between two chunks the task checks for cancellation. A larger file reports its progress.
pub(crate) const CHUNK: usize = 128 * 1024;

thread_local! {
    /// The chunk of a pool thread, which the files that it reads share.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// What a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) bytes: u64,
    /// Line feeds, as `wc -l` counts them.
    pub(crate) lines: u64,
    pub(crate) crc32: u32,
}

/// The error of one file. It carries the path, so that the loop keeps none for files that can be read.
#[derive(Debug)]
pub(crate) struct ReadError {
    pub(crate) path: PathBuf,
    reason: BoxError,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.reason.fmt(f)
    }
}

impl Error for ReadError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.reason.source()
    }
}

/// Reads a file to its end. After each chunk, `check` may end it, and `report` gets the bytes read so far.
///
/// # Errors
/// That of the system, or of `check`.
pub(crate) fn read(
    path: PathBuf,
    check: impl FnMut() -> Result<(), Cancelled>,
    report: impl FnMut(u64),
) -> Result<Summary, ReadError> {
    read_chunks(&path, check, report).map_err(|reason| ReadError { path, reason })
}

fn read_chunks(
    path: &Path,
    mut check: impl FnMut() -> Result<(), Cancelled>,
    mut report: impl FnMut(u64),
) -> Result<Summary, BoxError> {
    let mut file = File::open(path)?;
    BUFFER.with_borrow_mut(|buffer| {
        let (mut bytes, mut lines, mut crc) = (0, 0, Crc32::new());
        loop {
            let chunk = match file.read(buffer) {
                Ok(0) => return Ok(Summary { bytes, lines, crc32: crc.finish() }),
                Ok(length) => &buffer[..length],
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            };
            bytes += chunk.len() as u64;
            lines += line_feeds(chunk);
            crc.update(chunk);
            check()?;
            if chunk.len() == CHUNK {
                report(bytes);
            }
        }
    })
}

/// Counted in bytes first, 255 at most, which lets the compiler compare many of them in one instruction.
fn line_feeds(bytes: &[u8]) -> u64 {
    let count = |some: &[u8]| some.iter().map(|byte| u8::from(*byte == b'\n')).sum::<u8>();
    bytes.chunks(255).map(|some| u64::from(count(some))).sum()
}

#[cfg(test)]
mod tests {
    use super::line_feeds;

    #[test]
    fn counts_line_feeds_in_any_length() {
        assert_eq!(line_feeds(b""), 0);
        assert_eq!(line_feeds(b"one\ntwo"), 1);
        for length in [254, 255, 256, 511, 10_000] {
            assert_eq!(line_feeds(&vec![b'\n'; length]), length as u64);
        }
    }
}
