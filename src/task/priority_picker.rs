//! The rule that picks the next level, as [`Priority`] promises, for every queue.
//!
//! The most urgent level with a task goes first. A lower level is passed over a limited number of times ([`PASSES`])
//! while it has a task; then it gets a turn.

use super::Priority;

/// The number of levels.
pub(crate) const LEVELS: usize = Priority::ALL.len();

/// The number of turns of higher levels while one of this level waits.
///
/// No level is above the first.
const PASSES: [u32; LEVELS] = [u32::MAX, 8, 32];

/// The number of turns of higher levels while this one waited, per level.
#[derive(Debug, Default)]
pub(crate) struct PriorityPicker([u32; LEVELS]);

impl PriorityPicker {
    /// Picks a level that has something.
    ///
    /// The lowest level that was passed over often enough, else the highest.
    pub(crate) fn take(&mut self, has: [bool; LEVELS]) -> Option<usize> {
        let due = (1..LEVELS).rev().find(|&level| has[level] && self.0[level] >= PASSES[level]);
        let chosen = due.or_else(|| has.iter().position(|has| *has))?;
        for level in chosen + 1..LEVELS {
            self.0[level] = if has[level] { (self.0[level] + 1).min(PASSES[level]) } else { 0 };
        }
        self.0[chosen] = 0;
        Some(chosen)
    }

    /// Resets all counts.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}
