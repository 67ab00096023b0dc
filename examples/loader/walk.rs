//! The walk: a task of its own that finds the files, as `find PATH -type f` does, and starts a task for each of them.
//!
//! It is a future that lists the directories on the pool, a few hundred entries at a time. After each step it sends the
//! loop a count, and waits while the loop takes none; that wait holds no thread. So a tree of any size costs the memory of
//! some thousand tasks, and of the directories that were seen but not entered yet.

use crate::read::{self, CHUNK, Summary};
use offtick::{BoxError, CompletionQueue, Handle, Task, TaskContext, TaskGroup};
use std::cell::RefCell;
use std::fs::{self, DirEntry, ReadDir};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

/// Entries of a directory that a step lists.
const ENTRIES_PER_STEP: usize = 256;

/// Files from one count to the next, at least.
const FILES_PER_COUNT: u64 = 256;

/// The results of the files that are read in one chunk, each under the size that the walk found.
pub(crate) type SmallFiles = CompletionQueue<u64, Summary>;

/// What the walk sends, as it comes by.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file of more than one chunk, its size, and the task that reads it and reports the bytes read so far.
    Large(PathBuf, u64, Task<Summary, u64>),
    /// Something that could not be looked at, so nothing below it was found.
    Failed(PathBuf, io::Error),
    /// How far the walk is.
    Count(Count),
}

/// How far the walk is.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Count {
    /// Files found up to now, and their bytes.
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    /// The share of the tree that lies behind, from 0 to 1: an estimate in which the directories of one parent weigh the
    /// same.
    pub(crate) walked: f64,
}

/// The owners of the file tasks.
#[derive(Clone)]
pub(crate) struct Files {
    pub(crate) group: Arc<TaskGroup>,
    pub(crate) small: Arc<SmallFiles>,
}

/// A directory to be entered, and its weight within the tree.
struct Ahead {
    path: PathBuf,
    weight: f64,
}

/// The result of a step.
#[derive(Default)]
struct Step {
    files: u64,
    bytes: u64,
    directories: Vec<PathBuf>,
    /// Large files and failures.
    found: Vec<Found>,
}

/// Walks until the end.
///
/// # Errors
/// None but a panic in the listing; whatever else fails on the way is sent as [`Found::Failed`].
pub(crate) async fn walk(rt: Handle, root: PathBuf, files: Files, mut cx: TaskContext<Found>) -> Result<(), BoxError> {
    let (mut ahead, mut count) = (vec![Ahead { path: root, weight: 1.0 }], Count::default());
    let mut sent = 0;
    while let Some(Ahead { path, weight }) = ahead.pop() {
        let first_below = ahead.len();
        let mut listing = Listing::Start(path);
        loop {
            let theirs = files.clone();
            let (next, step) = rt.spawn_blocking(move || listing.step(&theirs)).await?;
            count.files += step.files;
            count.bytes += step.bytes;
            ahead.extend(step.directories.into_iter().map(|path| Ahead { path, weight: 0.0 }));
            for found in step.found {
                cx.send(found).await?;
            }
            if count.files - sent >= FILES_PER_COUNT {
                cx.send(Found::Count(count)).await?;
                sent = count.files;
            }
            match next {
                Some(next) => listing = next,
                None => break,
            }
        }
        let each = weight / (ahead.len() - first_below + 1) as f64;
        for below in &mut ahead[first_below..] {
            below.weight = each;
        }
        count.walked += each;
    }
    cx.send(Found::Count(count)).await?;
    Ok(())
}

/// A path that is being listed.
enum Listing {
    Start(PathBuf),
    Directory(PathBuf, ReadDir),
}

impl Listing {
    /// Goes on, for a bounded number of entries; gives what is left.
    fn step(self, files: &Files) -> (Option<Self>, Step) {
        let mut step = Step::default();
        let (path, mut entries) = match self {
            Self::Directory(path, entries) => (path, entries),
            Self::Start(path) => match step.open(&path, files) {
                Ok(Some(entries)) => (path, entries),
                Ok(None) => return (None, step),
                Err(error) => {
                    step.found.push(Found::Failed(path, error));
                    return (None, step);
                }
            },
        };
        for _ in 0..ENTRIES_PER_STEP {
            match entries.next() {
                Some(Ok(entry)) => step.entry(&entry, files),
                // The standard library ends the listing after an error.
                Some(Err(error)) => {
                    step.found.push(Found::Failed(path, error));
                    return (None, step);
                }
                None => return (None, step),
            }
        }
        (Some(Self::Directory(path, entries)), step)
    }
}

impl Step {
    /// The entries, if it is a directory. A root that is a file is started here.
    fn open(&mut self, path: &PathBuf, files: &Files) -> io::Result<Option<ReadDir>> {
        let metadata = fs::symlink_metadata(path)?;
        if metadata.is_dir() {
            return fs::read_dir(path).map(Some);
        }
        if metadata.is_file() {
            self.file(path.clone(), metadata.len(), files);
        }
        Ok(None)
    }

    fn entry(&mut self, entry: &DirEntry, files: &Files) {
        // The type of the entry itself: a symbolic link is neither a file nor a directory here.
        match entry.file_type() {
            Ok(kind) if kind.is_file() => {
                // One that is gone again is read as an empty one, which fails.
                let size = entry.metadata().map_or(0, |metadata| metadata.len());
                self.file(entry.path(), size, files);
            }
            Ok(kind) if kind.is_dir() => self.directories.push(entry.path()),
            Ok(_) => {}
            Err(error) => self.found.push(Found::Failed(entry.path(), error)),
        }
    }

    /// Starts the task of a file. It begins when the group has room for it, whether the loop has heard of it or not.
    fn file(&mut self, path: PathBuf, size: u64, files: &Files) {
        self.files += 1;
        self.bytes += size;
        if size <= CHUNK as u64 {
            // One that is cancelled before its turn never runs, and none takes long.
            files.small.add(size, files.group.run_blocking(move || read::read(path, || Ok(()), |_| {})));
            return;
        }
        let described = files.group.task().name(path.to_string_lossy()).progress::<u64>(1);
        let theirs = path.clone();
        let task = described.run_blocking(move |cx| {
            let cx = RefCell::new(cx);
            read::read(theirs, || cx.borrow().check(), |bytes| cx.borrow_mut().report(bytes))
        });
        self.found.push(Found::Large(path, size, task));
    }
}
