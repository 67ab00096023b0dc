//! How the run is shown: a screen, lines, or nothing at all.

use crate::jobs::Jobs;
use crate::options::Mode;
use crate::picture::{self, Scene};
use crate::plain::{self, Plain};
use crate::screen::{Input, Screen};
use crate::ticks::Costs;
use std::io::{self, IsTerminal};
use std::thread;
use std::time::{Duration, Instant};

/// Ticks from picture to picture: 30 a second.
const TICKS_PER_PICTURE: usize = 2;

/// Ticks from one computation of their costs to the next: once a second.
const TICKS_PER_COSTS: usize = 60;

/// Failures that are told once the screen is gone.
const FAILURES_TOLD: usize = 10;

pub(crate) enum View {
    Lines(Plain),
    Screen { screen: Box<Screen>, costs: Costs },
}

impl View {
    /// # Errors
    /// That of the terminal.
    pub(crate) fn open(mode: Mode) -> io::Result<Self> {
        let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        if terminal && mode == Mode::Auto {
            return Ok(Self::Screen { screen: Box::new(Screen::open()?), costs: Costs::default() });
        }
        Ok(Self::Lines(Plain::new(mode == Mode::Json)))
    }

    /// Shows what there is to show after this tick.
    ///
    /// # Errors
    /// That of the terminal, or of whatever the standard output is.
    pub(crate) fn draw(&mut self, jobs: &mut Jobs, scene: &Scene<'_>) -> io::Result<()> {
        match self {
            Self::Lines(plain) => plain.draw(jobs),
            Self::Screen { screen, costs } => {
                let count = scene.ticks.count();
                if count % TICKS_PER_COSTS == 1 {
                    *costs = scene.ticks.costs();
                }
                if count % TICKS_PER_PICTURE != 1 {
                    return Ok(());
                }
                let (width, height) = screen.size();
                screen.paint(picture::rows(jobs, scene, *costs, width, height))
            }
        }
    }

    /// Waits for the next tick, and for the user.
    ///
    /// # Errors
    /// That of the terminal.
    pub(crate) fn wait_until(&mut self, next: Instant) -> io::Result<Input> {
        let left = || next.saturating_duration_since(Instant::now());
        let Self::Screen { screen, .. } = self else {
            thread::sleep(left());
            return Ok(Input::Nothing);
        };
        loop {
            let input = screen.input(left())?;
            if input == Input::Cancel || left() == Duration::ZERO {
                return Ok(input);
            }
        }
    }

    /// Gives the terminal back and tells the newest of the failures that were shown on it.
    pub(crate) fn close(self, jobs: &mut Jobs) {
        if let Self::Screen { screen, .. } = self {
            drop(screen);
        }
        let failures = &mut jobs.totals.failures;
        let skipped = failures.len().saturating_sub(FAILURES_TOLD);
        plain::print_failures(failures.drain(..).skip(skipped));
    }
}
