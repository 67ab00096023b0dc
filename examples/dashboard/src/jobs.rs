//! Jobs on a schedule: by intervals and by a cron expression, long and short, one of which fails now and then.

use crate::files::{self, Files};
use offtick::scheduler::{JobStatus, ScheduleError};
use offtick::{Job, Scheduler, TaskManager};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::time::Duration;

/// From one walk through all files to the next.
const WALK: Duration = Duration::from_secs(10);

/// From one look at the load to the next.
const LOAD: Duration = Duration::from_millis(250);

/// From one question to the oracle to the next, and which of its answers is an error.
const ORACLE: Duration = Duration::from_millis(700);
const FAILS_EVERY: u64 = 4;

/// Values of the load that are kept: half a minute.
const LOADS: usize = 120;

/// What the reactor did since the look before.
struct Load {
    look: u64,
    polls: u64,
}

pub(crate) struct Jobs {
    /// With it go the jobs.
    _scheduler: Scheduler,
    pub(crate) jobs: Vec<Job>,
    files: Files,
    /// Polls of futures between two looks, the newest last.
    pub(crate) loads: VecDeque<u64>,
    last_look: u64,
}

impl Jobs {
    /// # Errors
    /// None: the settings are right.
    pub(crate) fn start(manager: &TaskManager, path: PathBuf) -> Result<Self, ScheduleError> {
        let scheduler = Scheduler::new(manager);
        let walk = scheduler.every(WALK).now().id("walk").run_blocking(move |cx| files::list(&path, cx))?;
        let (rt, mut look, mut before) = (manager.handle().clone(), 0, 0);
        let load = scheduler.every(LOAD).id("load").spawn(move |_cx| {
            look += 1;
            let all = rt.metrics().polls;
            let polls = all - std::mem::replace(&mut before, all);
            async move { Load { look, polls } }
        })?;
        let mut asked = 0;
        let oracle = scheduler.every(ORACLE).now().id("oracle").run(move |_cx| {
            asked += 1;
            async move { if asked % FAILS_EVERY == 0 { Err("the oracle is silent") } else { Ok(asked) } }
        })?;
        let chime = scheduler.cron("*/2 * * * * *").id("chime").spawn(|_cx| async {})?;
        Ok(Self {
            _scheduler: scheduler,
            jobs: vec![walk, load, oracle, chime],
            files: Files::from([]),
            loads: VecDeque::with_capacity(LOADS + 1),
            last_look: 0,
        })
    }

    pub(crate) fn tick(&mut self) {
        let [walk, load, ..] = &self.jobs[..] else { return };
        // The types are those of the bodies above.
        if let Ok(Some(run)) = walk.latest_finished::<Files>()
            && let Some(Ok(files)) = run.result()
        {
            self.files = Files::clone(files);
        }
        if let Ok(Some(run)) = load.latest_finished::<Load>()
            && let Some(Ok(load)) = run.result()
            && load.look > self.last_look
        {
            self.last_look = load.look;
            self.loads.push_back(load.polls);
            if self.loads.len() > LOADS {
                self.loads.pop_front();
            }
        }
    }

    /// The files of the last walk.
    pub(crate) fn files(&self) -> Files {
        Files::clone(&self.files)
    }

    pub(crate) fn pause_or_resume(&self) {
        for job in &self.jobs {
            match job.status() {
                JobStatus::Paused => job.resume(),
                _ => job.pause(),
            };
        }
    }

    pub(crate) fn run_now(&self) {
        for job in &self.jobs {
            job.run_now();
        }
    }

    pub(crate) fn numbers(&self) -> [(&'static str, u64); 4] {
        let counts = self.jobs.iter().map(Job::counts);
        let (runs, failed) = counts.fold((0, 0), |sum, counts| (sum.0 + counts.runs, sum.1 + counts.failed));
        let paused = self.jobs.iter().filter(|job| job.status() == JobStatus::Paused).count();
        [
            ("job_runs", runs),
            ("job_failures", failed),
            ("jobs_paused", paused as u64),
            ("files", self.files.len() as u64),
        ]
    }
}
