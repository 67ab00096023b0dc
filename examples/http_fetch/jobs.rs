//! The downloads and what the loop knows of them: a task for each, of which the group runs a few at a time.

use crate::fetch::{FetchError, SoFar, fetch};
use crate::totals::Totals;
use crate::url::Url;
use offtick::{Handle, InvalidSetting, RetryPolicy, Status, Task, TaskError, TaskGroup, TaskSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

/// The wait after a first failure; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait, also where a server asks for more.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// How it is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Downloads at a time.
    pub(crate) jobs: usize,
    /// Tries for each, the first one included.
    pub(crate) attempts: u32,
    /// How long one try may take.
    pub(crate) timeout: Duration,
}

/// A download, as it was in the last tick.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) url: Arc<Url>,
    pub(crate) stage: Stage,
    /// Counted from 1.
    pub(crate) attempt: u32,
    pub(crate) so_far: SoFar,
    /// Why the last try failed; once it is over, why it failed.
    pub(crate) trouble: Option<String>,
}

impl Row {
    /// It has come to this try; says how many are new.
    fn at_attempt(&mut self, attempt: u32) -> u64 {
        let before = std::mem::replace(&mut self.attempt, attempt);
        u64::from(attempt.saturating_sub(before))
    }
}

/// Where a download stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// For its turn.
    Waiting,
    Running,
    /// Until the next try.
    Pausing(Instant),
    Done,
    Failed,
    Cancelled,
}

impl Stage {
    fn is_finished(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Cancelled)
    }
}

/// A try that failed and is not the last one.
struct Setback {
    row: usize,
    reason: String,
}

/// All of the work.
pub(crate) struct Jobs {
    rt: Handle,
    /// What all tasks belong to: it limits how many of them run.
    group: TaskGroup,
    tasks: TaskSet<usize, u64, SoFar>,
    setbacks: Receiver<Setback>,
    pub(crate) rows: Vec<Row>,
    /// Rows whose turn has come: the first so many, since a group begins its tasks in order.
    begun: usize,
    /// Those of them that are not over.
    running: Vec<usize>,
    pub(crate) totals: Totals,
}

impl Jobs {
    /// Starts all tasks, which begin when the group has room.
    ///
    /// # Errors
    /// For a limit of zero.
    pub(crate) fn start(rt: &Handle, urls: Vec<Url>, settings: Settings) -> Result<Self, InvalidSetting> {
        let (told, setbacks) = channel();
        let mut jobs = Self {
            rt: rt.clone(),
            group: TaskGroup::with_limit(rt, settings.jobs)?,
            tasks: TaskSet::new(),
            setbacks,
            rows: Vec::with_capacity(urls.len()),
            begun: 0,
            running: Vec::new(),
            totals: Totals::default(),
        };
        for (row, url) in urls.into_iter().map(Arc::new).enumerate() {
            let task = jobs.download(row, Arc::clone(&url), settings, told.clone());
            jobs.tasks.insert(row, task);
            let (stage, so_far) = (Stage::Waiting, SoFar::default());
            jobs.rows.push(Row { url, stage, attempt: 1, so_far, trouble: None });
        }
        Ok(jobs)
    }

    fn download(&self, row: usize, url: Arc<Url>, settings: Settings, told: Sender<Setback>) -> Task<u64, SoFar> {
        let policy = RetryPolicy::exponential(FIRST_WAIT)
            .max_delay(LONGEST_WAIT)
            .max_attempts(settings.attempts)
            .jitter(0.2)
            .retry_if(FetchError::is_worth_a_retry)
            .retry_after(FetchError::retry_after)
            .on_retry(move |_attempt, error, _wait| {
                // The loop is gone, then: nobody to tell.
                let _unheard = told.send(Setback { row, reason: error.to_string() });
            });
        let described = self.group.task().name(url.to_string()).retry(policy).attempt_timeout(settings.timeout);
        // One value is room enough: only the newest is looked at.
        described.progress::<SoFar>(1).run(move |mut cx| {
            let url = Arc::clone(&url);
            async move {
                // A new try begins with nothing. This also tells the loop that it has begun.
                cx.report(SoFar::default());
                fetch(&url, |_content, so_far| cx.report(so_far)).await
            }
        })
    }

    /// One tick: takes what there is. Never waits, and without news costs a few loads.
    pub(crate) fn tick(&mut self) {
        // Whatever happens after the flag was taken down puts it up again, for the next tick.
        if self.rt.take_update() {
            self.take_setbacks();
            self.take_finished();
            self.look_at_running();
        }
    }

    fn take_setbacks(&mut self) {
        for Setback { row, reason } in self.setbacks.try_iter() {
            let row = &mut self.rows[row];
            // One that came late, after its task was seen over, is no news.
            if !row.stage.is_finished() {
                row.trouble = Some(reason);
            }
        }
    }

    fn take_finished(&mut self) {
        let Self { tasks, rows, totals, .. } = self;
        for (row, mut task) in tasks.drain_finished_tasks() {
            let row = &mut rows[row];
            totals.retries += row.at_attempt(task.attempt());
            let Some(result) = task.take() else { continue };
            (row.stage, row.trouble) = match result {
                Ok(size) => {
                    row.so_far = SoFar { received: size, total: Some(size) };
                    (Stage::Done, None)
                }
                Err(TaskError::Cancelled) => (Stage::Cancelled, None),
                Err(error) => (Stage::Failed, Some(error.label())),
            };
            totals.row_over(row);
        }
    }

    /// Looks at as many tasks as run, not at all that there are.
    fn look_at_running(&mut self) {
        let Self { tasks, rows, running, begun, totals, .. } = self;
        let waits = |row: &usize| tasks.get(row).is_some_and(|task| task.status() == Status::Pending);
        while *begun < rows.len() && !waits(begun) {
            running.push(*begun);
            *begun += 1;
        }
        running.retain(|row| {
            // Not there any more: it is over.
            let Some(task) = tasks.get(row) else { return false };
            let row = &mut rows[*row];
            totals.retries += row.at_attempt(task.attempt());
            row.stage = task.next_attempt_at().map_or(Stage::Running, Stage::Pausing);
            if let Some(so_far) = task.latest() {
                row.so_far = so_far;
            }
            true
        });
    }

    /// True if nothing is left to be done.
    pub(crate) fn is_finished(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Gives up one download, if it is not over.
    pub(crate) fn cancel(&self, row: usize) {
        if let Some(task) = self.tasks.get(&row) {
            task.cancel();
        }
    }

    /// Gives up all downloads that are not over. They are counted in the next ticks.
    pub(crate) fn cancel_all(&self) {
        self.group.cancel_all();
    }

    /// Bytes that have come in, with those of downloads that are not over.
    pub(crate) fn received(&self) -> u64 {
        self.totals.bytes + self.running.iter().map(|row| self.rows[*row].so_far.received).sum::<u64>()
    }

    /// Downloads that are on their way, those that wait for another try among them.
    pub(crate) fn running(&self) -> usize {
        self.running.len()
    }
}

#[cfg(test)]
mod tests {
    use super::{Jobs, Settings, Stage};
    use crate::server::Server;
    use crate::url::Url;
    use offtick::Runtime;
    use std::thread;
    use std::time::Duration;

    /// Long enough to be no part of a test.
    const NEVER: Duration = Duration::from_secs(600);

    fn start(rt: &Runtime, paths: &[&str], jobs: usize) -> (Server, Jobs) {
        let server = Server::start(rt.handle()).unwrap();
        let url = |path: &&str| Url::parse(&format!("http://{}{path}", server.address)).unwrap();
        let settings = Settings { jobs, attempts: 3, timeout: NEVER };
        let jobs = Jobs::start(rt.handle(), paths.iter().map(url).collect(), settings).unwrap();
        (server, jobs)
    }

    fn tick_until(jobs: &mut Jobs, enough: impl Fn(&Jobs) -> bool) {
        while !enough(jobs) {
            jobs.tick();
            thread::yield_now();
        }
    }

    fn stages(jobs: &Jobs) -> Vec<Stage> {
        jobs.rows.iter().map(|row| row.stage).collect()
    }

    #[test]
    fn one_row_is_cancelled_and_the_others_go_on() {
        let rt = Runtime::new().unwrap();
        let (_server, mut jobs) = start(&rt, &["/1/silent/1", "/2/silent/1", "/3/plain/7"], 1);
        tick_until(&mut jobs, |jobs| jobs.rows[0].stage == Stage::Running);
        assert_eq!(stages(&jobs), [Stage::Running, Stage::Waiting, Stage::Waiting], "one at a time");
        jobs.cancel(0);
        tick_until(&mut jobs, |jobs| jobs.rows[1].stage == Stage::Running);
        assert_eq!(stages(&jobs), [Stage::Cancelled, Stage::Running, Stage::Waiting]);
        jobs.cancel(1);
        jobs.cancel(7);
        tick_until(&mut jobs, Jobs::is_finished);
        assert_eq!(stages(&jobs), [Stage::Cancelled, Stage::Cancelled, Stage::Done]);
        jobs.cancel(2);
        let totals = &jobs.totals;
        assert_eq!((totals.done, totals.failed, totals.cancelled, totals.bytes), (1, 0, 2, 7));
    }

    #[test]
    fn a_download_that_waits_for_its_next_try_can_be_cancelled() {
        let rt = Runtime::new().unwrap();
        let (_server, mut jobs) = start(&rt, &["/1/busy/1", "/2/silent/1"], 2);
        tick_until(&mut jobs, |jobs| matches!(jobs.rows[0].stage, Stage::Pausing(_)));
        let trouble = jobs.rows[0].trouble.clone();
        assert_eq!(trouble.as_deref(), Some("the server says 503 Service Unavailable"));
        jobs.cancel_all();
        tick_until(&mut jobs, Jobs::is_finished);
        assert_eq!((jobs.totals.cancelled, jobs.totals.retries, jobs.received()), (2, 0, 0));
    }

    #[test]
    fn progress_is_seen_on_the_way() {
        let rt = Runtime::new().unwrap();
        let (_server, mut jobs) = start(&rt, &["/1/slow/4000"], 1);
        tick_until(&mut jobs, |jobs| (1..4000).contains(&jobs.rows[0].so_far.received));
        assert_eq!(jobs.rows[0].so_far.total, Some(4000));
        jobs.cancel_all();
        tick_until(&mut jobs, Jobs::is_finished);
        assert_eq!((jobs.totals.cancelled, jobs.totals.bytes), (1, 0));
    }
}
