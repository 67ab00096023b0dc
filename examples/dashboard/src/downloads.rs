//! The downloads: a pool that runs a few at a time, each tried again when it fails, from a server of our own.

use crate::fetch::{FetchError, SoFar, fetch};
use crate::resources;
use crate::server::Server;
use crate::url::Url;
use offtick::{BoxError, CancelHandle, Handle, PoolSet, RetryPolicy, Status, Task, TaskError, TaskId};
use std::collections::HashMap;
use std::time::Duration;

/// Downloads at a time, to begin with and at most.
const AT_A_TIME: usize = 4;
const MOST_AT_A_TIME: usize = 64;

/// Tries for each, the first one included, and how long one may take.
const TRIES: u32 = 3;
const TRY_LIMIT: Duration = Duration::from_secs(3);

/// The wait after a first failure; it doubles with each, up to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(200);
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// The part of the resources that is faulty.
const FAIL_RATE: f64 = 0.4;

/// How many downloads became what, since the beginning.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) started: u64,
    pub(crate) done: u64,
    pub(crate) failed: u64,
    pub(crate) cancelled: u64,
    /// Tries after the first ones, of downloads that are over.
    pub(crate) retries: u64,
    pub(crate) bytes: u64,
}

/// A download that has its turn.
pub(crate) struct Running {
    pub(crate) name: String,
    pub(crate) so_far: SoFar,
    pub(crate) attempt: u32,
    pub(crate) pausing: bool,
}

pub(crate) struct Downloads {
    tasks: PoolSet<u64, u64, SoFar>,
    server: Server,
    /// Of what is in the set, so that the table of tasks can cancel it.
    controls: HashMap<TaskId, CancelHandle>,
    so_far: HashMap<u64, SoFar>,
    pub(crate) totals: Totals,
}

impl Downloads {
    /// Starts the server, and no download.
    ///
    /// # Errors
    /// Those of the server.
    pub(crate) fn start(rt: &Handle) -> Result<Self, BoxError> {
        Ok(Self {
            tasks: PoolSet::new(rt, AT_A_TIME)?,
            server: Server::start(rt)?,
            controls: HashMap::new(),
            so_far: HashMap::new(),
            totals: Totals::default(),
        })
    }

    /// Starts so many more, which begin when the pool has room.
    pub(crate) fn add(&mut self, count: usize) {
        // Another seed each time: the server is busy for each path but twice.
        for resource in resources::choose(count, self.totals.started, FAIL_RATE) {
            let key = self.totals.started;
            self.totals.started += 1;
            let Ok(url) = Url::parse(&format!("http://{}{resource}", self.server.address)) else { continue };
            let task = self.download(url);
            self.controls.insert(task.id(), task.cancel_handle());
            self.tasks.insert(key, task);
        }
    }

    fn download(&self, url: Url) -> Task<u64, SoFar> {
        let policy = RetryPolicy::exponential(FIRST_WAIT)
            .max_delay(LONGEST_WAIT)
            .max_attempts(TRIES)
            .jitter(0.2)
            .retry_if(FetchError::is_worth_a_retry)
            .retry_after(FetchError::retry_after);
        let described = self.tasks.pool().task().name(url.target.clone()).retry(policy).attempt_timeout(TRY_LIMIT);
        // One value is room enough: only the newest is looked at.
        described.progress::<SoFar>(1).run(move |mut cx| {
            let url = url.clone();
            async move { fetch(&url, |_content, so_far| cx.report(so_far)).await }
        })
    }

    pub(crate) fn tick(&mut self) {
        for (key, mut task) in self.tasks.drain_finished_tasks() {
            self.controls.remove(&task.id());
            self.so_far.remove(&key);
            self.totals.retries += u64::from(task.attempt().saturating_sub(1));
            match task.take() {
                Some(Ok(size)) => {
                    self.totals.done += 1;
                    self.totals.bytes += size;
                }
                Some(Err(TaskError::Cancelled)) => self.totals.cancelled += 1,
                _ => self.totals.failed += 1,
            }
        }
    }

    /// Those that have their turn, in order.
    pub(crate) fn running(&mut self) -> Vec<Running> {
        let Self { tasks, so_far, .. } = self;
        let mut running: Vec<_> = tasks.iter().filter(|(_, task)| task.status() == Status::Running).collect();
        running.sort_unstable_by_key(|(key, _)| **key);
        let row = |(key, task): (&u64, &Task<u64, SoFar>)| {
            if let Some(newest) = task.latest() {
                so_far.insert(*key, newest);
            }
            Running {
                name: task.name().unwrap_or_default().to_owned(),
                so_far: so_far.get(key).copied().unwrap_or_default(),
                attempt: task.attempt(),
                pausing: task.next_attempt_at().is_some(),
            }
        };
        running.into_iter().map(row).collect()
    }

    /// How many downloads wait, and the most that run at once.
    pub(crate) fn waiting_and_size(&self) -> (usize, usize) {
        (self.tasks.pool().waiting(), self.size())
    }

    fn size(&self) -> usize {
        self.tasks.pool().size().unwrap_or(MOST_AT_A_TIME)
    }

    pub(crate) fn resize(&self, by: isize) {
        let size = self.size().saturating_add_signed(by).clamp(1, MOST_AT_A_TIME);
        self.tasks.pool().resize(size).expect("at least one at a time");
    }

    pub(crate) fn cancel_handle(&self, id: TaskId) -> Option<&CancelHandle> {
        self.controls.get(&id)
    }

    /// Gives up what is not over, and says how many that are. They are counted in the next ticks.
    pub(crate) fn cancel_all(&self) -> u64 {
        self.tasks.cancel_all() as u64
    }

    pub(crate) fn numbers(&self) -> [(&'static str, u64); 7] {
        let Totals { started, done, failed, cancelled, retries, bytes } = self.totals;
        [
            ("downloads_started", started),
            ("downloads_done", done),
            ("downloads_failed", failed),
            ("downloads_cancelled", cancelled),
            ("downloads_over", done + failed + cancelled),
            ("download_retries", retries),
            ("download_bytes", bytes),
        ]
    }
}
