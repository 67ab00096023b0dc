//! The settings of a test runtime.

use super::asked_for;
use super::runtime::{Terms, TestRuntime};
use crate::error::{BuildError, InvalidSetting};
use crate::runtime::LocalBuilder;
use crate::time::Clock;

/// So many steps may one call take, unless the test says otherwise.
const STEPS: u64 = 1_000_000;

/// Settings of a [`TestRuntime`]; [`TestRuntime::new`] takes the defaults.
///
/// # Example
/// ```
/// use offtick::testing::TestBuilder;
/// let rt = TestBuilder::new().seed(7).shuffle(true).auto_advance(true).build()?;
/// assert_eq!(rt.seed(), 7);
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Copy, Debug)]
#[must_use = "a builder does nothing until `build`"]
pub struct TestBuilder {
    seed: Option<u64>,
    shuffle: bool,
    held: bool,
    terms: Terms,
}

impl Default for TestBuilder {
    fn default() -> Self {
        Self::new()
    }
}

impl TestBuilder {
    /// The defaults.
    pub fn new() -> Self {
        Self { seed: None, shuffle: false, held: false, terms: Terms { auto_advance: false, steps: STEPS } }
    }

    /// What is left to chance follows from this number: see [`LocalBuilder::seed`]. Default: the number in the
    /// environment's `OFFTICK_SEED`, else 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Chance decides which of the tasks that are ready runs next: see [`LocalBuilder::shuffle`] for what holds all the
    /// same. Default `false`.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// When nothing is left to do, [`TestRuntime::run_until`] moves the clock to the next deadline. Default `false`: that is
    /// [`RunError::Stalled`](super::RunError::Stalled).
    pub fn auto_advance(mut self, auto_advance: bool) -> Self {
        self.terms.auto_advance = auto_advance;
        self
    }

    /// Closures that block wait until [`TestRuntime::run_blocking_jobs`] runs them; meanwhile they are
    /// [counted](TestRuntime::blocking_jobs). Default `false`: they run as soon as it is their turn.
    pub fn hold_blocking(mut self, hold: bool) -> Self {
        self.held = hold;
        self
    }

    /// How many steps (polls, closures, moves of the clock) one call may take before it is
    /// [`RunError::Endless`](super::RunError::Endless). At least 1. Default a million.
    pub fn step_limit(mut self, steps: u64) -> Self {
        self.terms.steps = steps;
        self
    }

    /// Builds the runtime; it lives on this thread.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] for a step limit of 0, [`BuildError::Poll`] where the system refuses its poll.
    pub fn build(self) -> Result<TestRuntime, BuildError> {
        InvalidSetting::require(self.terms.steps > 0, "step_limit", 0, "at least 1")?;
        let seed = self.seed.or_else(asked_for).unwrap_or(0);
        let local = LocalBuilder::new().clock(Clock::manual()).seed(seed).shuffle(self.shuffle);
        let local = if self.held { local.blocking_held() } else { local.blocking_inline() };
        TestRuntime::make(local, seed, self.terms)
    }
}
