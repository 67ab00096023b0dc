//! The walk: a task of its own that finds the files, as `find PATH -type f` does, and starts a task for each of them.
//!
//! It sends those tasks to the loop and waits while nobody takes them, so a tree of any size costs the memory of a few
//! thousand tasks, and of the directories that were seen but not entered yet.

use crate::read::{self, SoFar, Summary};
use offtick::{SendErrorReason, Task, TaskContext, TaskGroup};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the walk sends, as it comes by.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file, and the task that reads it.
    File(Arc<Path>, Task<Summary, SoFar>),
    /// Something that could not be looked at, so nothing below it was found.
    Failed(PathBuf, io::Error),
    /// The share of the tree that lies behind, from 0 to 1: an estimate in which the directories of one parent weigh the
    /// same.
    Share(f64),
}

/// A directory to be entered, and its weight within the tree.
struct Ahead {
    path: PathBuf,
    weight: f64,
}

/// The walk in progress.
struct Walk<'a> {
    group: &'a TaskGroup,
    cx: &'a mut TaskContext<Found>,
    ahead: Vec<Ahead>,
}

/// Walks until the end, or until the task is cancelled.
///
/// # Errors
/// None but the cancellation; whatever fails on the way is sent as [`Found::Failed`].
pub(crate) fn walk(root: PathBuf, group: &TaskGroup, cx: &mut TaskContext<Found>) -> Result<(), SendErrorReason> {
    let mut walk = Walk { group, cx, ahead: Vec::new() };
    match fs::symlink_metadata(&root) {
        Ok(metadata) if metadata.is_file() => return walk.file(root),
        Ok(metadata) if metadata.is_dir() => walk.ahead.push(Ahead { path: root, weight: 1.0 }),
        Ok(_) => {}
        Err(error) => return walk.send(Found::Failed(root, error)),
    }
    let mut behind = 0.0;
    while let Some(Ahead { path, weight }) = walk.ahead.pop() {
        let first_below = walk.ahead.len();
        if let Err(error) = walk.enter(&path)? {
            walk.send(Found::Failed(path, error))?;
        }
        let each = weight / (walk.ahead.len() - first_below + 1) as f64;
        for below in &mut walk.ahead[first_below..] {
            below.weight = each;
        }
        behind += each;
        walk.send(Found::Share(behind))?;
    }
    Ok(())
}

impl Walk<'_> {
    fn send(&mut self, found: Found) -> Result<(), SendErrorReason> {
        self.cx.send_blocking(found).map_err(|unsent| unsent.reason)
    }

    /// Starts the files of one directory and puts its directories on the list. The inner error ends the listing of this
    /// directory.
    fn enter(&mut self, path: &Path) -> Result<io::Result<()>, SendErrorReason> {
        let entries = match fs::read_dir(path) {
            Ok(entries) => entries,
            Err(error) => return Ok(Err(error)),
        };
        for entry in entries {
            // The standard library ends the listing after an error.
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok(Err(error)),
            };
            // The type of the entry itself: a symbolic link is neither a file nor a directory here.
            match entry.file_type() {
                Ok(kind) if kind.is_file() => self.file(entry.path())?,
                Ok(kind) if kind.is_dir() => self.ahead.push(Ahead { path: entry.path(), weight: 0.0 }),
                Ok(_) => {}
                Err(error) => self.send(Found::Failed(entry.path(), error))?,
            }
        }
        Ok(Ok(()))
    }

    /// Starts the task of a file. It begins when the group has room for it, whether the loop has heard of it or not.
    fn file(&mut self, path: PathBuf) -> Result<(), SendErrorReason> {
        let path: Arc<Path> = path.into();
        let theirs = Arc::clone(&path);
        let described = self.group.task().name(path.to_string_lossy()).progress::<SoFar>(1);
        let task = described.run_blocking(move |cx| read::read(&theirs, cx));
        self.send(Found::File(path, task))
    }
}
