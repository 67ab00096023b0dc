//! How the run is shown: a screen, lines, or nothing at all.

use crate::game::Game;
use crate::keys::Key;
use crate::options::Mode;
use crate::picture;
use crate::screen::Screen;
use crate::ticks::Costs;
use crate::totals::Totals;
use std::io::{self, IsTerminal, Write};
use std::thread;
use std::time::{Duration, Instant};

/// Frames from one computation of their costs to the next.
const FRAMES_PER_COSTS: usize = 60;

/// Time between two lines.
const PERIOD: Duration = Duration::from_secs(1);

pub(crate) enum View {
    Lines {
        start: Instant,
        next: Instant,
        /// No lines at all.
        quiet: bool,
    },
    Screen {
        screen: Box<Screen>,
        costs: Costs,
    },
}

impl View {
    /// # Errors
    /// That of the terminal.
    pub(crate) fn open(mode: Mode) -> io::Result<Self> {
        let terminal = io::stdout().is_terminal() && io::stdin().is_terminal();
        if terminal && mode == Mode::Auto {
            return Ok(Self::Screen { screen: Box::new(Screen::open()?), costs: Costs::default() });
        }
        let start = Instant::now();
        Ok(Self::Lines { start, next: start + PERIOD, quiet: mode == Mode::Json })
    }

    /// True if somebody may press keys.
    pub(crate) fn is_screen(&self) -> bool {
        matches!(self, Self::Screen { .. })
    }

    /// Shows what there is to show after this frame.
    ///
    /// # Errors
    /// That of the terminal, or of whatever the standard output is.
    pub(crate) fn draw(&mut self, game: &Game, totals: &Totals) -> io::Result<()> {
        match self {
            Self::Screen { screen, costs } => {
                if totals.count() % FRAMES_PER_COSTS == 1 {
                    *costs = totals.costs();
                }
                let (width, _) = screen.size();
                screen.paint(picture::rows(game, totals, *costs, width))
            }
            Self::Lines { start, next, quiet } => {
                let now = Instant::now();
                if *quiet || now < *next {
                    return Ok(());
                }
                *next = now + PERIOD;
                let world = &game.world;
                writeln!(
                    io::stdout(),
                    "{:6.1} s  level {}  coins {} of {}  lives {}  {} frames, {} over budget",
                    (now - *start).as_secs_f64(),
                    world.number,
                    world.collected,
                    world.collected as usize + world.coins.len(),
                    world.lives,
                    totals.frames,
                    totals.overruns,
                )
            }
        }
    }

    /// Waits for the next frame, and does what the keys say meanwhile. True if that is the end.
    ///
    /// # Errors
    /// That of the terminal.
    pub(crate) fn wait_until(&mut self, next: Instant, game: &mut Game) -> io::Result<bool> {
        let left = || next.saturating_duration_since(Instant::now());
        let Self::Screen { screen, .. } = self else {
            thread::sleep(left());
            return Ok(false);
        };
        loop {
            if Key::of_input(screen.input(left())?).is_some_and(|key| key.press(game)) {
                return Ok(true);
            }
            if left() == Duration::ZERO {
                return Ok(false);
            }
        }
    }

    /// Gives the terminal back, and prints how long the ticks took.
    ///
    /// # Errors
    /// That of the standard output.
    pub(crate) fn close(self, totals: &Totals) -> io::Result<()> {
        let quiet = matches!(self, Self::Lines { quiet: true, .. });
        drop(self);
        if quiet { Ok(()) } else { io::stdout().write_all(totals.histogram().as_bytes()) }
    }
}
