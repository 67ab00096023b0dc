//! The background work and what the loop knows of it: one task that walks, one for each file.

use crate::read::{SoFar, Summary};
use crate::totals::Totals;
use crate::walk::{self, Found};
use offtick::{Handle, Status, Task, TaskGroup, TaskSet, ZeroLimit};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// Files that the walk may be ahead of the loop. At 60 ticks a second it lets 120,000 files a second through.
const FILES_AHEAD: usize = 2048;

/// File tasks in the loop's hands at a time, most of them waiting for their turn; enough to keep the pool busy from tick
/// to tick.
const MOST_FILES: usize = 4096;

/// Files that are read at a time, for each core: while some wait for the disk, others count.
const READERS_PER_CORE: usize = 4;

/// A file that is being read.
#[derive(Debug)]
pub(crate) struct Busy {
    pub(crate) path: Arc<Path>,
    pub(crate) so_far: SoFar,
}

/// All of the work.
pub(crate) struct Jobs {
    rt: Handle,
    /// What all file tasks belong to: it limits how many of them run.
    group: Arc<TaskGroup>,
    walk: Task<(), Found>,
    walk_over: bool,
    /// The last tick did not take everything that was there.
    left_over: bool,
    files: TaskSet<Arc<Path>, Summary, SoFar>,
    /// Of the running ones, the newest report.
    so_far: HashMap<Arc<Path>, SoFar>,
    /// Files found up to now.
    pub(crate) found: u64,
    /// The share of the tree that the walk has behind it, from 0 to 1.
    walked: f64,
    pub(crate) totals: Totals,
    pub(crate) cancelled: bool,
}

impl Jobs {
    /// Starts the walk, and with it everything.
    ///
    /// # Errors
    /// None: the limit of the group is not zero.
    pub(crate) fn start(rt: &Handle, root: PathBuf) -> Result<Self, ZeroLimit> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let group = Arc::new(TaskGroup::with_limit(rt, cores * READERS_PER_CORE)?);
        let theirs = Arc::clone(&group);
        let described = rt.task().name("walk").progress::<Found>(FILES_AHEAD);
        let walk = described.run_blocking(move |cx| walk::walk(root, &theirs, cx));
        Ok(Self {
            rt: rt.clone(),
            group,
            walk,
            walk_over: false,
            left_over: false,
            files: TaskSet::new(),
            so_far: HashMap::new(),
            found: 0,
            walked: 0.0,
            totals: Totals::default(),
            cancelled: false,
        })
    }

    /// One tick: takes what was found and what is finished. Never waits, and without news costs one load.
    pub(crate) fn tick(&mut self) {
        if self.rt.take_update() || self.left_over {
            // In this order: a task that is put into the set may be over already, and there is no second news of that.
            self.take_found();
            self.take_finished();
        }
    }

    fn take_finished(&mut self) {
        let Self { files, totals, .. } = self;
        for (path, result) in files.drain_finished() {
            totals.file_over(&path, result);
        }
    }

    fn take_found(&mut self) {
        // Unless everything is taken here, the next tick is to look again even without news.
        self.left_over = true;
        // In this order: what is in the channel of a task that is over will not get more.
        let walk_over = self.walk.is_done();
        let mut found = self.walk.progress();
        while self.files.len() < MOST_FILES {
            match found.next() {
                Some(Found::File(path, task)) => {
                    self.found += 1;
                    self.files.insert(path, task);
                }
                Some(Found::Failed(path, error)) => self.totals.failed(&path, error.to_string()),
                Some(Found::Share(share)) => self.walked = share,
                None if walk_over && !self.walk_over => {
                    (self.walk_over, self.left_over) = (true, false);
                    if let Some(error) = self.walk.error() {
                        self.totals.failed(Path::new("the walk"), error.to_string());
                    }
                    break;
                }
                None => {
                    self.left_over = false;
                    break;
                }
            }
        }
    }

    /// True if nothing is left to be done.
    pub(crate) fn is_over(&self) -> bool {
        self.cancelled || (self.walk_over && self.files.is_empty())
    }

    /// Gives up whatever is not done yet. What runs is told, and looks at it between two chunks.
    pub(crate) fn cancel(&mut self) {
        self.cancelled = true;
        self.walk.cancel();
        self.group.cancel_all();
    }

    /// The share of all the work that is done, from 0 to 1: an estimate while the walk is on its way.
    pub(crate) fn share(&self) -> f64 {
        let walked = if self.walk_over { 1.0 } else { self.walked };
        if self.found == 0 { walked } else { walked * self.totals.files as f64 / self.found as f64 }
    }

    pub(crate) fn is_walking(&self) -> bool {
        !self.walk_over
    }

    /// Files that are being read, and those that wait for their turn.
    pub(crate) fn running_and_waiting(&self) -> (usize, usize) {
        let progress = self.group.progress();
        (progress.running, progress.pending)
    }

    /// The files that have reported how far they are, the largest first.
    pub(crate) fn busiest(&mut self) -> Vec<Busy> {
        let mut before = std::mem::take(&mut self.so_far);
        for (path, task) in self.files.iter().filter(|(_, task)| task.status() == Status::Running) {
            if let Some(so_far) = task.latest().or_else(|| before.remove(path)) {
                self.so_far.insert(Arc::clone(path), so_far);
            }
        }
        let busy = self.so_far.iter().map(|(path, so_far)| Busy { path: Arc::clone(path), so_far: *so_far });
        let mut busy: Vec<Busy> = busy.collect();
        busy.sort_by_key(|file| Reverse(file.so_far.size));
        busy
    }
}
