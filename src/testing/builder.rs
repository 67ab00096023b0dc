//! The options of a test runtime.

use super::asked_for;
use super::runtime::{Terms, TestRuntime};
use crate::error::{BuildError, InvalidSetting};
use crate::runtime::LocalBuilder;
use crate::time::Clock;

/// The default limit of steps of one call.
const STEPS: u64 = 1_000_000;

/// The options of a [`TestRuntime`]; [`TestRuntime::new`] uses the defaults.
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
    /// Creates a builder with the default options.
    pub fn new() -> Self {
        Self { seed: None, shuffle: false, held: false, terms: Terms { auto_advance: false, steps: STEPS } }
    }

    /// Sets the seed of all random choices; see [`LocalBuilder::seed`].
    ///
    /// Default: the environment variable `OFFTICK_SEED`, else 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    /// Runs ready tasks in random order; see [`LocalBuilder::shuffle`] for what still holds.
    ///
    /// Default `false`.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.shuffle = shuffle;
        self
    }

    /// Lets [`TestRuntime::run_until`] move the clock when nothing else is left to do.
    ///
    /// It moves to the next deadline. Default `false`: then the call returns
    /// [`RunError::Stalled`](super::RunError::Stalled).
    pub fn auto_advance(mut self, auto_advance: bool) -> Self {
        self.terms.auto_advance = auto_advance;
        self
    }

    /// Holds closures until [`TestRuntime::run_blocking_jobs`] runs them.
    ///
    /// Meanwhile they are [counted](TestRuntime::blocking_jobs). Default `false`: they run in turn.
    pub fn hold_blocking(mut self, hold: bool) -> Self {
        self.held = hold;
        self
    }

    /// Sets the step limit of one call: polls, closures, moves of the clock.
    ///
    /// Beyond it the call returns [`RunError::Endless`](super::RunError::Endless). At least 1. Default one million.
    pub fn step_limit(mut self, steps: u64) -> Self {
        self.terms.steps = steps;
        self
    }

    /// Builds the runtime, which stays on this thread.
    ///
    /// # Errors
    /// [`BuildError::Invalid`] for a step limit of 0, [`BuildError::Poll`] if the system refuses its poll.
    pub fn build(self) -> Result<TestRuntime, BuildError> {
        InvalidSetting::require(self.terms.steps > 0, "step_limit", 0, "at least 1")?;
        let seed = self.seed.or_else(asked_for).unwrap_or(0);
        let local = LocalBuilder::new().clock(Clock::manual()).seed(seed).shuffle(self.shuffle);
        let local = if self.held { local.blocking_held() } else { local.blocking_inline() };
        TestRuntime::make(local, seed, self.terms)
    }
}
