//! How the run is shown: a screen, lines, or nothing at all.

use crate::jobs::Jobs;
use crate::options::Mode;
use crate::picture::{self, Scene};
use crate::plain::{self, Plain};
use crate::screen::{Input, Screen};
use crate::ticks::{Costs, Ticks};
use std::io::{self, IsTerminal};
use std::thread;
use std::time::{Duration, Instant};

/// Ticks from picture to picture: 30 a second.
const TICKS_PER_PICTURE: usize = 2;

/// Ticks from one computation of their costs to the next: once a second.
const TICKS_PER_COSTS: usize = 60;

pub(crate) enum View {
    Lines(Plain),
    Screen {
        screen: Box<Screen>,
        costs: Costs,
        /// The row that the keys are for.
        chosen: usize,
    },
}

impl View {
    /// # Errors
    /// That of the terminal.
    pub(crate) fn open(mode: Mode) -> io::Result<Self> {
        let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        if terminal && mode == Mode::Auto {
            return Ok(Self::Screen { screen: Box::new(Screen::open()?), costs: Costs::default(), chosen: 0 });
        }
        Ok(Self::Lines(Plain::new(mode == Mode::Json)))
    }

    /// Shows what there is to show after this tick.
    ///
    /// # Errors
    /// That of the terminal, or of whatever the standard output is.
    pub(crate) fn draw(&mut self, jobs: &Jobs, ticks: &Ticks, elapsed: Duration) -> io::Result<()> {
        match self {
            Self::Lines(plain) => plain.draw(jobs),
            Self::Screen { screen, costs, chosen } => {
                let count = ticks.count();
                if count % TICKS_PER_COSTS == 1 {
                    *costs = ticks.costs();
                }
                if count % TICKS_PER_PICTURE != 1 {
                    return Ok(());
                }
                let (width, height) = screen.size();
                let scene = Scene { ticks, elapsed, chosen: *chosen };
                screen.paint(picture::rows(jobs, &scene, *costs, width, height))
            }
        }
    }

    /// Waits for the next tick, and does what the user wants meanwhile.
    ///
    /// # Errors
    /// That of the terminal.
    pub(crate) fn wait_until(&mut self, next: Instant, jobs: &Jobs) -> io::Result<()> {
        let left = || next.saturating_duration_since(Instant::now());
        let Self::Screen { screen, chosen, .. } = self else {
            thread::sleep(left());
            return Ok(());
        };
        loop {
            match screen.input(left())? {
                Input::Cancel => jobs.cancel_all(),
                Input::CancelRow => jobs.cancel(*chosen),
                Input::Move(rows) => {
                    *chosen = chosen.saturating_add_signed(rows).min(jobs.rows.len().saturating_sub(1));
                }
                Input::Sideways(_) | Input::Key(_) | Input::Nothing | Input::Resized => {}
            }
            if left() == Duration::ZERO {
                return Ok(());
            }
        }
    }

    /// Gives the terminal back and prints the table.
    ///
    /// # Errors
    /// That of the standard output.
    pub(crate) fn close(self, jobs: &Jobs) -> io::Result<()> {
        match self {
            Self::Lines(plain) => plain.close(jobs),
            Self::Screen { screen, .. } => {
                drop(screen);
                plain::print_table(&jobs.rows)
            }
        }
    }
}
