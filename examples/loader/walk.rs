//! The walk: a task of its own that finds the files, as `find PATH -type f` does.
//!
//! It sends what it finds and waits while nobody takes it, so a tree of any size costs the memory of a few thousand
//! paths: those in the channel, and the directories that were seen but not entered yet.

use offtick::{SendError, TaskCx};
use std::fs::{self, DirEntry};
use std::io;
use std::path::{Path, PathBuf};

/// What the walk sends, in this order of events.
#[derive(Debug)]
pub(crate) enum Found {
    /// A regular file.
    File(PathBuf),
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

/// Walks until the end, or until the task is cancelled.
///
/// # Errors
/// None but the cancellation; whatever fails on the way is sent as [`Found::Failed`].
pub(crate) fn walk(root: PathBuf, cx: &mut TaskCx<Found>) -> Result<(), SendError<Found>> {
    match fs::symlink_metadata(&root) {
        Ok(metadata) if metadata.is_file() => return cx.send_blocking(Found::File(root)),
        Ok(metadata) if metadata.is_dir() => {}
        Ok(_) => return Ok(()),
        Err(error) => return cx.send_blocking(Found::Failed(root, error)),
    }
    let mut ahead = vec![Ahead { path: root, weight: 1.0 }];
    let mut behind = 0.0;
    while let Some(Ahead { path, weight }) = ahead.pop() {
        let first_below = ahead.len();
        if let Err(error) = enter(&path, &mut ahead, cx)? {
            cx.send_blocking(Found::Failed(path, error))?;
        }
        let each = weight / (ahead.len() - first_below + 1) as f64;
        for below in &mut ahead[first_below..] {
            below.weight = each;
        }
        behind += each;
        cx.send_blocking(Found::Share(behind))?;
    }
    Ok(())
}

/// Sends the files of one directory and puts its directories on the list. The inner error ends the listing of this
/// directory.
fn enter(path: &Path, ahead: &mut Vec<Ahead>, cx: &mut TaskCx<Found>) -> Result<io::Result<()>, SendError<Found>> {
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
        look_at(&entry, ahead, cx)?;
    }
    Ok(Ok(()))
}

fn look_at(entry: &DirEntry, ahead: &mut Vec<Ahead>, cx: &mut TaskCx<Found>) -> Result<(), SendError<Found>> {
    // The type of the entry itself: a symbolic link is neither a file nor a directory here.
    match entry.file_type() {
        Ok(kind) if kind.is_file() => cx.send_blocking(Found::File(entry.path())),
        Ok(kind) if kind.is_dir() => {
            ahead.push(Ahead { path: entry.path(), weight: 0.0 });
            Ok(())
        }
        Ok(_) => Ok(()),
        Err(error) => cx.send_blocking(Found::Failed(entry.path(), error)),
    }
}
