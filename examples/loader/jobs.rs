//! The background work and what the loop knows of it: one task that walks, one for each file.

use crate::read::{self, SoFar, Summary};
use crate::totals::Totals;
use crate::walk::{self, Found};
use offtick::{Handle, SendError, Task, TaskError};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// Paths that the walk may be ahead of the loop. At 60 ticks a second it lets 245,000 files a second through.
const PATHS_AHEAD: usize = 4096;

/// File tasks alive at a time, most of them waiting for their turn; enough to keep the pool busy from tick to tick.
const MOST_FILES: usize = 8192;

/// Failures that are kept to be shown; those of one tick are always kept.
const MOST_FAILURES: usize = 100;

/// What went wrong with one path.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct Busy<'a> {
    pub(crate) path: &'a Path,
    pub(crate) so_far: SoFar,
}

struct FileJob {
    path: PathBuf,
    task: Task<Summary, SoFar>,
    so_far: Option<SoFar>,
}

/// All of the work.
pub(crate) struct Jobs {
    rt: Handle,
    walk: Task<(), Found>,
    walk_over: bool,
    files: Vec<FileJob>,
    /// Files found up to now.
    pub(crate) found: u64,
    /// The share of the tree that the walk has behind it, from 0 to 1.
    walked: f64,
    pub(crate) totals: Totals,
    /// The newest ones, oldest first.
    pub(crate) failures: VecDeque<Failure>,
    pub(crate) cancelled: bool,
    root: PathBuf,
    root_failed: bool,
}

impl Jobs {
    pub(crate) fn start(rt: &Handle, root: PathBuf) -> Self {
        let start = root.clone();
        let walk = rt
            .task()
            .name("walk")
            .progress::<Found>(PATHS_AHEAD)
            .run_blocking(move |cx| walk::walk(start, cx).map_err(|SendError { reason, .. }| reason));
        Self {
            rt: rt.clone(),
            walk,
            walk_over: false,
            files: Vec::new(),
            found: 0,
            walked: 0.0,
            totals: Totals::default(),
            failures: VecDeque::new(),
            cancelled: false,
            root,
            root_failed: false,
        }
    }

    /// One tick: takes what is finished, starts what was found. Never waits. True if there was any news.
    pub(crate) fn tick(&mut self) -> bool {
        if !self.rt.take_update() {
            return false;
        }
        let too_many = self.failures.len().saturating_sub(MOST_FAILURES);
        self.failures.drain(..too_many);
        self.take_finished();
        self.take_found();
        true
    }

    fn take_finished(&mut self) {
        let mut index = 0;
        while let Some(job) = self.files.get_mut(index) {
            if let Some(newest) = job.task.latest() {
                job.so_far = Some(newest);
            }
            match job.task.take() {
                None => index += 1,
                Some(result) => {
                    let job = self.files.swap_remove(index);
                    self.file_over(job.path, result);
                }
            }
        }
    }

    fn file_over(&mut self, path: PathBuf, result: Result<Summary, TaskError>) {
        match result {
            Ok(summary) => self.totals.add(&summary),
            Err(error) if error.is_cancelled() => {}
            Err(error) => {
                self.totals.files += 1;
                self.failed(path, plain_words(&error));
            }
        }
    }

    fn failed(&mut self, path: PathBuf, reason: String) {
        self.totals.errors += 1;
        self.root_failed |= path == self.root;
        self.failures.push_back(Failure { path, reason });
    }

    fn take_found(&mut self) {
        // In this order: what is in the channel of a task that is over will not get more.
        let walk_over = self.walk.is_done();
        let room = MOST_FILES - self.files.len();
        let found: Vec<Found> = self.walk.progress().take(room).collect();
        let drained = found.len() < room;
        for found in found {
            match found {
                Found::File(path) => self.start_file(path),
                Found::Failed(path, error) => self.failed(path, error.to_string()),
                Found::Share(share) => self.walked = share,
            }
        }
        self.walk_over = walk_over && drained;
    }

    fn start_file(&mut self, path: PathBuf) {
        self.found += 1;
        let theirs = path.clone();
        let task = self
            .rt
            .task()
            .name(path.to_string_lossy())
            .progress::<SoFar>(2)
            .run_blocking(move |cx| read::read(&theirs, cx));
        self.files.push(FileJob { path, task, so_far: None });
    }

    /// Takes the failures that are kept.
    pub(crate) fn take_failures(&mut self) -> VecDeque<Failure> {
        std::mem::take(&mut self.failures)
    }

    /// True if PATH itself could not be opened.
    pub(crate) fn root_failed(&self) -> bool {
        self.root_failed
    }

    /// True if nothing is left to be done.
    pub(crate) fn is_over(&self) -> bool {
        self.cancelled || (self.walk_over && self.files.is_empty())
    }

    /// Gives up whatever is not done yet. What runs is told, and looks at it between two chunks.
    pub(crate) fn cancel(&mut self) {
        self.cancelled = true;
        self.walk.cancel();
        self.files.clear();
    }

    /// The share of all the work that is done, from 0 to 1: an estimate while the walk is on its way.
    pub(crate) fn share(&self) -> f64 {
        let walked = if self.walk_over { 1.0 } else { self.walked };
        if self.found == 0 { walked } else { walked * self.totals.files as f64 / self.found as f64 }
    }

    pub(crate) fn is_walking(&self) -> bool {
        !self.walk_over
    }

    /// File tasks that are not over.
    pub(crate) fn open(&self) -> usize {
        self.files.len()
    }

    /// The files that have reported how far they are, those with the most left to read first.
    pub(crate) fn busiest(&self) -> Vec<Busy<'_>> {
        let reported = |job: &'_ FileJob| job.so_far.is_some();
        let mut busy: Vec<_> = self
            .files
            .iter()
            .filter(|job| reported(job))
            .filter_map(|job| Some(Busy { path: &job.path, so_far: job.so_far? }))
            .collect();
        busy.sort_by_key(|file| std::cmp::Reverse(file.so_far.size));
        busy
    }
}

/// The error of the body itself, where there is one.
fn plain_words(error: &TaskError) -> String {
    match error {
        TaskError::Failed(inner) => inner.to_string(),
        other => other.to_string(),
    }
}
