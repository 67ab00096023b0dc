//! Game time: the manual clock of the runtime, which the loop moves by what each frame took, and the keys that change how.

use offtick::time::ManualClock;
use offtick::{Budget, LocalRuntime, TickError, TickReport};
use std::cell::Cell;
use std::time::Duration;

/// How slow slow motion is.
const SLOW: f64 = 0.25;

/// Game time of a single step.
const STEP: Duration = Duration::from_nanos(1_000_000_000 / 60);

/// The clock has one pause, and two parties that want it: the player, and a level that is not loaded yet.
pub(crate) struct Timing {
    clock: ManualClock,
    paused: Cell<bool>,
    held: Cell<bool>,
    slow: Cell<bool>,
    step: Cell<bool>,
    /// Game time that the clock was promised and has not reached: a frame was over its budget.
    behind: Cell<Duration>,
}

impl Timing {
    /// Held at first: no level is there.
    pub(crate) fn new(clock: ManualClock) -> Self {
        let no = || Cell::new(false);
        let timing = Self { clock, paused: no(), held: no(), slow: no(), step: no(), behind: Cell::default() };
        timing.hold();
        timing
    }

    /// One frame: game time passes by `real`, times its scale, as far as the budget goes.
    ///
    /// # Errors
    /// Those of the tick.
    pub(crate) fn frame(&self, rt: &LocalRuntime, real: Duration, budget: Budget) -> Result<TickReport, TickError> {
        let step = self.step.take() && self.paused.get();
        if step {
            // A frame that is let through, at full speed.
            self.paused.set(false);
            self.apply();
        }
        let scale = if self.slow.get() && !step { SLOW } else { 1.0 };
        self.clock.set_scale(scale).expect("neither scale is negative");
        let report = rt.advance(if step { STEP } else { real }, budget);
        if step {
            self.paused.set(true);
            self.apply();
        }
        self.behind.set(report?.behind);
        report
    }

    /// The game time at which something that the player does now takes place: also where the clock has yet to catch up.
    pub(crate) fn promised(&self) -> Duration {
        self.now() + self.behind.get()
    }

    /// The game time.
    pub(crate) fn now(&self) -> Duration {
        self.clock.elapsed()
    }

    /// True if the clock has caught up.
    pub(crate) fn is_even(&self) -> bool {
        self.behind.get().is_zero()
    }

    pub(crate) fn toggle_pause(&self) {
        self.paused.set(!self.paused.get());
        self.apply();
    }

    pub(crate) fn toggle_slow(&self) {
        self.slow.set(!self.slow.get());
    }

    /// Lets the next frame through, if the game is paused.
    pub(crate) fn step(&self) {
        self.step.set(true);
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.paused.get()
    }

    pub(crate) fn is_slow(&self) -> bool {
        self.slow.get()
    }

    /// Stops game time at this very moment, also in the middle of a frame; what is left of that frame comes afterwards.
    pub(crate) fn hold(&self) {
        self.held.set(true);
        self.apply();
    }

    pub(crate) fn release(&self) {
        self.held.set(false);
        self.apply();
    }

    pub(crate) fn is_held(&self) -> bool {
        self.held.get()
    }

    fn apply(&self) {
        if self.paused.get() || self.held.get() { self.clock.pause() } else { self.clock.resume() }
    }
}
