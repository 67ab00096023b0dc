//! The text of a store file. Pure: no file is touched here.
//!
//! ```text
//! offtick-jobs 1
//! 1782873000000000000 backup
//! 1782870000000000000 a name with spaces\nand a line break
//! end 2 d41d8cd98f00b204
//! ```
//! A line has the due time of the last run, in nanoseconds since 1970, and the id of the job, in which `\\`, `\n` and `\r` are
//! escaped. The last line has the number of jobs and a checksum of all bytes before it: a file that was cut or changed does not
//! pass.

use super::Runs;
use crate::time::wall::{system_time, wall_nanos};

/// The version that is written, and the newest that is read.
pub(super) const VERSION: u64 = 1;

const TITLE: &str = "offtick-jobs";

/// An error of a text: the number of its line from 1, and the mistake.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum FormatError {
    Damaged { line: usize, reason: &'static str },
    NewerVersion { found: u64 },
}

pub(super) fn encode(runs: &Runs) -> String {
    let mut text = format!("{TITLE} {VERSION}\n");
    for (job, due) in runs {
        let id = job.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
        text.push_str(&format!("{} {id}\n", wall_nanos(*due)));
    }
    let checksum = checksum(text.as_bytes());
    text.push_str(&format!("end {} {checksum:016x}\n", runs.len()));
    text
}

pub(super) fn decode(bytes: &[u8]) -> Result<Runs, FormatError> {
    let damaged = |line, reason| FormatError::Damaged { line, reason };
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        damaged(1 + before.iter().filter(|byte| **byte == b'\n').count(), "this is not text in UTF-8")
    })?;
    let version = text.lines().next().and_then(|line| line.strip_prefix(TITLE)?.trim().parse::<u64>().ok());
    match version {
        Some(VERSION) => {}
        Some(found) if found > VERSION => return Err(FormatError::NewerVersion { found }),
        _ => return Err(damaged(1, "this is not a file of last runs")),
    }
    let count = text.lines().count();
    let cut = || damaged(count, "the last line is missing, so the file was cut off");
    // Without the line break at the very end.
    let body_end = text.strip_suffix('\n').and_then(|text| text.rfind('\n')).map(|at| at + 1).ok_or_else(cut)?;
    let (body, end) = text.split_at(body_end);
    let (jobs, sum) = end.trim_end().strip_prefix("end ").and_then(|end| end.split_once(' ')).ok_or_else(cut)?;
    if u64::from_str_radix(sum, 16) != Ok(checksum(body.as_bytes())) {
        return Err(damaged(count, "the checksum is wrong, so the file was changed"));
    }
    let mut runs = Runs::new();
    for (index, line) in body.lines().enumerate().skip(1) {
        let entry = line.split_once(' ').and_then(|(due, id)| Some((system_time(due.parse().ok()?)?, unescape(id)?)));
        let (due, id) = entry.ok_or_else(|| damaged(index + 1, "this is not a time and a job id"))?;
        runs.insert(id, due);
    }
    if jobs.parse() != Ok(runs.len()) {
        return Err(damaged(count, "the number of jobs is wrong"));
    }
    Ok(runs)
}

fn unescape(id: &str) -> Option<String> {
    let mut text = String::with_capacity(id.len());
    let mut rest = id.chars();
    while let Some(c) = rest.next() {
        text.push(match c {
            '\\' => match rest.next()? {
                '\\' => '\\',
                'n' => '\n',
                'r' => '\r',
                _ => return None,
            },
            c => c,
        });
    }
    Some(text)
}

/// FNV-1a with 64 bits. It finds accidents, not forgeries.
fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
