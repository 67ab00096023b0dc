//! Game time: the manual clock of the runtime, which the loop moves by what each frame took, and the keys that change how.

use offtick::TickReport;
use offtick::time::ManualClock;
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
    /// True while the current frame is a single step.
    stepping: Cell<bool>,
    /// Game time that the clock was promised and has not reached: a frame was over its budget.
    behind: Cell<Duration>,
}

impl Timing {
    /// Held at first: no level is there.
    pub(crate) fn new(clock: ManualClock) -> Self {
        let no = || Cell::new(false);
        let (paused, held, slow, step, stepping) = (no(), no(), no(), no(), no());
        let timing = Self { clock, paused, held, slow, step, stepping, behind: Cell::default() };
        timing.hold();
        timing
    }

    /// Begins a frame: sets the scale and returns the time that passes.
    pub(crate) fn begin_frame(&self, real: Duration) -> Duration {
        let step = self.step.take() && self.paused.get();
        self.stepping.set(step);
        if step {
            // A frame that is let through, at full speed.
            self.paused.set(false);
            self.apply();
        }
        let scale = if self.slow.get() && !step { SLOW } else { 1.0 };
        self.clock.set_scale(scale).expect("neither scale is negative");
        if step { STEP } else { real }
    }

    /// Ends the frame.
    pub(crate) fn end_frame(&self, report: Option<&TickReport>) {
        if self.stepping.take() {
            self.paused.set(true);
            self.apply();
        }
        if let Some(report) = report {
            self.behind.set(report.behind);
        }
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
