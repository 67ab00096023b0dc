//! The parts of the dashboard, and what a tick and a key do with them.

use crate::counts::Counts;
use crate::downloads::Downloads;
use crate::histogram::Histogram;
use crate::jobs::Jobs;
use crate::keys::Key;
use crate::link::Link;
use crate::search::Search;
use crate::tasks::Tasks;
use crate::ticks::{Costs, Ticks};
use offtick::{BoxError, Handle, TaskManager};
use std::path::PathBuf;
use std::time::Duration;

/// Frames from one computation of their costs to the next: once a second.
const FRAMES_PER_COSTS: usize = 60;

/// Where keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Focus {
    Search,
    Tasks,
}

/// Everything that is shown.
pub(crate) struct App {
    pub(crate) rt: Handle,
    pub(crate) jobs: Jobs,
    pub(crate) downloads: Downloads,
    pub(crate) search: Search,
    pub(crate) link: Link,
    pub(crate) tasks: Tasks,
    pub(crate) focus: Focus,
    /// Downloads of a batch.
    batch: usize,
    /// Tasks that were cancelled by a key.
    cancels: u64,
    over: bool,
    ticks: Ticks,
    pub(crate) frames: Ticks,
    pub(crate) histogram: Histogram,
    pub(crate) tick_costs: Costs,
    pub(crate) frame_costs: Costs,
}

impl App {
    /// Starts all parts.
    ///
    /// # Errors
    /// Those of the two servers, which are no fault of this program.
    pub(crate) fn start(manager: &TaskManager, path: PathBuf, batch: usize) -> Result<Self, BoxError> {
        let rt = manager.handle();
        let mut app = Self {
            rt: rt.clone(),
            jobs: Jobs::start(manager, path)?,
            downloads: Downloads::start(rt)?,
            search: Search::start(rt)?,
            link: Link::open(rt)?,
            tasks: Tasks::watch(manager),
            focus: Focus::Search,
            batch,
            cancels: 0,
            over: false,
            ticks: Ticks::default(),
            frames: Ticks::default(),
            histogram: Histogram::default(),
            tick_costs: Costs::default(),
            frame_costs: Costs::default(),
        };
        app.downloads.add(batch);
        Ok(app)
    }

    /// One tick: takes what is new. Never waits, and without news costs a few loads.
    pub(crate) fn tick(&mut self) {
        // Whatever happens after the flag was taken down puts it up again, for the next tick.
        if self.rt.take_update() {
            self.jobs.tick();
            self.downloads.tick();
            self.search.tick();
            self.link.tick();
            self.tasks.tick(&self.downloads);
        }
    }

    /// What the last frame cost.
    pub(crate) fn frame_over(&mut self, tick: Duration, frame: Duration) {
        self.ticks.record(tick);
        self.frames.record(frame);
        self.histogram.record(frame);
        if self.frames.count() % FRAMES_PER_COSTS == 1 {
            (self.tick_costs, self.frame_costs) = (self.ticks.costs(), self.frames.costs());
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.over
    }

    pub(crate) fn press(&mut self, key: Key) {
        match (self.focus, key) {
            (_, Key::CtrlC) => self.over = true,
            (Focus::Search, Key::Tab) => self.focus = Focus::Tasks,
            (Focus::Tasks, Key::Tab) => self.focus = Focus::Search,
            (Focus::Search, key) => self.search.press(key, self.jobs.files()),
            (Focus::Tasks, Key::Up) => self.tasks.choose(-1),
            (Focus::Tasks, Key::Down) => self.tasks.choose(1),
            (Focus::Tasks, Key::Char(character)) => self.command(character),
            (Focus::Tasks, _) => {}
        }
    }

    fn command(&mut self, character: char) {
        match character {
            'x' => self.cancels += u64::from(self.tasks.cancel_chosen()),
            'X' => self.cancels += self.downloads.cancel_all(),
            'd' => self.downloads.add(self.batch),
            '+' => self.downloads.resize(1),
            '-' => self.downloads.resize(-1),
            'p' => self.jobs.pause_or_resume(),
            'r' => self.jobs.run_now(),
            'c' => self.link.reconnect(),
            'q' => self.over = true,
            _ => {}
        }
    }

    /// What happened so far.
    pub(crate) fn numbers(&self) -> Vec<(&'static str, u64)> {
        let mut numbers = vec![("frames", self.frames.count() as u64), ("cancels", self.cancels)];
        numbers.extend(self.jobs.numbers());
        numbers.extend(self.downloads.numbers());
        numbers.extend(self.search.numbers());
        numbers.extend(self.link.numbers());
        numbers.extend(self.tasks.numbers());
        numbers
    }

    /// The same with the costs of all frames.
    pub(crate) fn counts(&self) -> Counts {
        Counts { numbers: self.numbers(), tick: self.ticks.costs(), frame: self.frames.costs() }
    }
}
