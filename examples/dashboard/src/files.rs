//! The files below a path, and what is in them: both in closures that may block and look at their cancellation.

use offtick::{Cancelled, TaskContext};
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files in the order of their names.
pub(crate) type Files = Arc<[PathBuf]>;

/// What is read at once, in bytes.
const CHUNK: usize = 64 * 1024;

/// Hits after which a search has seen enough.
const ENOUGH: usize = 1000;

/// What a search found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hits {
    pub(crate) text: String,
    /// Files with hits, and how many in each.
    pub(crate) files: Vec<(PathBuf, usize)>,
    /// Files that were looked through.
    pub(crate) searched: usize,
    pub(crate) hits: usize,
}

/// All regular files below `root`, without following links. What cannot be looked at is left out.
///
/// # Errors
/// Only if it is cancelled.
pub(crate) fn list(root: &Path, cx: &TaskContext) -> Result<Files, Cancelled> {
    let mut found = Vec::new();
    let mut ahead = vec![root.to_owned()];
    while let Some(path) = ahead.pop() {
        cx.check()?;
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_file() => found.push(path),
            Ok(metadata) if metadata.is_dir() => {
                ahead.extend(fs::read_dir(&path).into_iter().flatten().flatten().map(|entry| entry.path()));
            }
            _ => {}
        }
    }
    found.sort_unstable();
    Ok(found.into())
}

/// Looks for `text` in the content of `files`, one after the other, until there are hits enough.
///
/// # Errors
/// Only if it is cancelled.
pub(crate) fn search(text: String, files: &[PathBuf], cx: &TaskContext) -> Result<Hits, Cancelled> {
    let mut hits = Hits { text, files: Vec::new(), searched: 0, hits: 0 };
    for path in files {
        if hits.hits >= ENOUGH {
            break;
        }
        let count = count(path, hits.text.as_bytes(), ENOUGH - hits.hits, cx)?;
        hits.searched += 1;
        hits.hits += count;
        if count > 0 {
            hits.files.push((path.clone(), count));
        }
    }
    Ok(hits)
}

/// How often `text` is in a file, up to `most`. A file that cannot be read has what was read of it.
fn count(path: &Path, text: &[u8], most: usize, cx: &TaskContext) -> Result<usize, Cancelled> {
    let Ok(mut file) = File::open(path) else { return Ok(0) };
    let mut buffer = vec![0; CHUNK + text.len()];
    // Bytes at the beginning of the buffer that may be the beginning of a hit.
    let (mut kept, mut count) = (0, 0);
    while count < most {
        cx.check()?;
        let Ok(length @ 1..) = file.read(&mut buffer[kept..]) else { break };
        let filled = kept + length;
        count += buffer[..filled].windows(text.len()).filter(|window| *window == text).count();
        kept = filled.min(text.len().saturating_sub(1));
        buffer.copy_within(filled - kept..filled, 0);
    }
    Ok(count.min(most))
}

#[cfg(test)]
mod tests {
    use super::{CHUNK, Hits, list, search};
    use std::fs;

    #[test]
    fn finds_what_lies_across_chunks() {
        let root = std::env::temp_dir().join(format!("offtick-dashboard-{}", std::process::id()));
        fs::create_dir_all(root.join("below")).unwrap();
        let mut text = vec![b'-'; 2 * CHUNK];
        for place in [0, CHUNK - 1, CHUNK + 3, 2 * CHUNK - 4] {
            text[place..place + 4].copy_from_slice(b"here");
        }
        fs::write(root.join("below/b"), text).unwrap();
        fs::write(root.join("a"), "nothing").unwrap();

        let (rt, theirs) = (offtick::Runtime::new().unwrap(), root.clone());
        let mut found = rt.task().run_blocking(move |cx| {
            let files = list(&theirs, cx)?;
            search("here".into(), &files, cx)
        });
        let found = found.wait().unwrap();
        fs::remove_dir_all(&root).unwrap();
        let files = vec![(root.join("below/b"), 4)];
        assert_eq!(found, Hits { text: "here".into(), files, searched: 2, hits: 4 });
    }
}
