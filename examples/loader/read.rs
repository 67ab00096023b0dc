//! The work on one file: its size, its lines and its checksum, chunk by chunk.

use crate::crc32::Crc32;
use offtick::{BoxError, TaskContext};
use std::cell::RefCell;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

/// What is read at once, in bytes. Between two chunks the task looks whether it is cancelled.
const CHUNK: usize = 128 * 1024;

thread_local! {
    /// The chunk of a pool thread, which the files that it reads share.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; CHUNK]);
}

/// How far the reading of a file has come, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SoFar {
    pub(crate) read: u64,
    /// The size of the file when it was opened.
    pub(crate) size: u64,
}

/// What a file holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) bytes: u64,
    /// Line feeds, as `wc -l` counts them.
    pub(crate) lines: u64,
    pub(crate) crc32: u32,
}

/// Reads a file to its end. One that fits into a chunk reports nothing on the way.
///
/// # Errors
/// That of the system, or the cancellation of the task.
pub(crate) fn read(path: &Path, cx: &mut TaskContext<SoFar>) -> Result<Summary, BoxError> {
    cx.check()?;
    let mut file = File::open(path)?;
    BUFFER.with_borrow_mut(|buffer| {
        let mut size = None;
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
            cx.check()?;
            if chunk.len() == CHUNK {
                let size = match size {
                    Some(size) => size,
                    None => *size.insert(file.metadata()?.len()),
                };
                cx.report(SoFar { read: bytes, size });
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
