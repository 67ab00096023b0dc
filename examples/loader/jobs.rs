//! The background work and what the loop knows of it: one task that walks, one for each file.

use crate::read::Summary;
use crate::totals::Totals;
use crate::walk::{self, Count, Files, Found, SmallFiles};
use offtick::{Budget, Handle, InvalidSetting, Task, TaskGroup, TaskSet};
use std::cmp::Reverse;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Messages that the walk may be ahead of the loop, most of them counts of some hundred files.
const MESSAGES_AHEAD: usize = 16;

/// File tasks at a time, most of them waiting for their turn, beyond which the loop lets the walk wait.
const MOST_FILES: usize = 8192;

/// Files that are read at a time, for each core: while some wait for the disk, others count.
const READERS_PER_CORE: usize = 4;

/// The most that a tick spends on each of its three sources. What is left comes with the next tick.
const BUDGET: Budget = Budget::time(Duration::from_micros(150));

/// A large file that is being read.
#[derive(Clone, Debug)]
pub(crate) struct Busy {
    pub(crate) path: PathBuf,
    pub(crate) read: u64,
    /// As the walk found it.
    pub(crate) size: u64,
}

/// All of the work.
pub(crate) struct Jobs {
    rt: Handle,
    /// What all file tasks belong to: it limits how many of them run.
    group: Arc<TaskGroup>,
    walk: Task<(), Found>,
    walk_over: bool,
    /// Files of one chunk: the tick takes nothing but their results.
    small: Arc<SmallFiles>,
    /// The others, numbered as they come, whose progress is shown.
    large: TaskSet<u64, Summary, u64>,
    busy: HashMap<u64, Busy>,
    next_large: u64,
    /// What the walk has found.
    pub(crate) found: Count,
    pub(crate) totals: Totals,
    pub(crate) cancelled: bool,
}

impl Jobs {
    /// Starts the walk, and with it everything.
    ///
    /// # Errors
    /// None: the limit of the group is not zero.
    pub(crate) fn start(rt: &Handle, root: PathBuf) -> Result<Self, InvalidSetting> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let group = Arc::new(TaskGroup::with_limit(rt, cores * READERS_PER_CORE)?);
        let small = Arc::new(SmallFiles::new(rt));
        let (handle, files) = (rt.clone(), Files { group: Arc::clone(&group), small: Arc::clone(&small) });
        let described = rt.task().name("walk").progress::<Found>(MESSAGES_AHEAD);
        let walk = described.run(move |cx| walk::walk(handle, root, files, cx));
        Ok(Self {
            rt: rt.clone(),
            group,
            walk,
            walk_over: false,
            small,
            large: TaskSet::new(),
            busy: HashMap::new(),
            next_large: 0,
            found: Count::default(),
            totals: Totals::default(),
            cancelled: false,
        })
    }

    /// One tick: takes what was found and what is finished, within its budget. Never waits, and costs a few loads while
    /// nothing is new. What the budget leaves keeps the update flag up.
    pub(crate) fn tick(&mut self) {
        if self.rt.take_update() {
            // In this order: a task that is put into the set may be over already, and no second update announces that.
            self.take_found();
            self.take_finished();
        }
    }

    fn take_finished(&mut self) {
        for (size, result) in BUDGET.take_from(self.small.drain()) {
            self.totals.file_over(size, result);
        }
        for (number, result) in BUDGET.take_from(self.large.drain_finished()) {
            let size = self.busy.remove(&number).map_or(0, |busy| busy.size);
            self.totals.file_over(size, result);
        }
    }

    fn take_found(&mut self) {
        // In this order: what is in the channel of a task that is over will not get more.
        let walk_over = self.walk.is_done();
        for found in BUDGET.take_from(self.walk.progress()) {
            match found {
                Found::Large(path, size, task) => {
                    let number = self.next_large;
                    self.next_large += 1;
                    self.large.insert(number, task);
                    self.busy.insert(number, Busy { path, read: 0, size });
                }
                Found::Failed(path, error) => self.totals.failed(&path, error.to_string()),
                Found::Count(count) => self.found = count,
            }
            // The rest stays where it is, and the walk with it.
            if self.small.len() + self.large.len() >= MOST_FILES {
                return;
            }
        }
        if walk_over && !self.walk.has_progress() && !self.walk_over {
            self.walk_over = true;
            if let Some(error) = self.walk.error() {
                self.totals.failed(Path::new("the walk"), error.to_string());
            }
        }
    }

    /// True if nothing is left to be done.
    pub(crate) fn is_finished(&self) -> bool {
        self.cancelled || (self.walk_over && self.small.is_empty() && self.large.is_empty())
    }

    /// Gives up whatever is not done yet. What runs is told, and looks at it between two chunks.
    pub(crate) fn cancel(&mut self) {
        self.cancelled = true;
        self.walk.cancel();
        self.group.cancel_all();
    }

    /// The share of all bytes that are read, from 0 to 1: an estimate while the walk is on its way.
    pub(crate) fn share(&mut self) -> f64 {
        self.look_at_large();
        let walked = if self.walk_over { 1.0 } else { self.found.walked };
        if self.found.bytes == 0 {
            return walked;
        }
        let read: u64 = self.busy.values().map(|busy| busy.read.min(busy.size)).sum();
        walked * (self.totals.bytes_dealt_with + read) as f64 / self.found.bytes as f64
    }

    pub(crate) fn is_walking(&self) -> bool {
        !self.walk_over
    }

    /// Files that are being read, and those that wait for their turn.
    pub(crate) fn running_and_waiting(&self) -> (usize, usize) {
        let progress = self.group.progress();
        (progress.running, progress.pending)
    }

    /// Takes the newest progress of the large files: for a picture, not for every tick.
    fn look_at_large(&mut self) {
        for (number, task) in self.large.iter() {
            if let (Some(read), Some(busy)) = (task.latest(), self.busy.get_mut(number)) {
                busy.read = read;
            }
        }
    }

    /// The files that have reported how far they are, the largest first.
    pub(crate) fn busiest(&mut self) -> Vec<Busy> {
        self.look_at_large();
        let mut busy: Vec<Busy> = self.busy.values().filter(|busy| busy.read != 0).cloned().collect();
        busy.sort_by_key(|file| Reverse(file.size));
        busy
    }
}
