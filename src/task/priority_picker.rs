//! Whose turn it is among the levels: the rule that [`Priority`] promises, for every queue that has them.
//!
//! The most urgent level that has something goes first. A lower one is passed over, but never for ever: once its number
//! of [`PASSES`] went to levels above while it had something, it gets a turn.

use super::Priority;

/// How many levels there are.
pub(crate) const LEVELS: usize = Priority::ALL.len();

/// Turns of higher levels while one of this level waits. (Nothing is above the first.)
const PASSES: [u32; LEVELS] = [u32::MAX, 8, 32];

/// Counts, for each level, the turns of those above since its own last one, while it had something.
#[derive(Debug, Default)]
pub(crate) struct PriorityPicker([u32; LEVELS]);

impl PriorityPicker {
    /// Takes the next turn: the lowest level that was passed over often enough, else the highest that has something.
    pub(crate) fn take(&mut self, has: [bool; LEVELS]) -> Option<usize> {
        let due = (1..LEVELS).rev().find(|&level| has[level] && self.0[level] >= PASSES[level]);
        let chosen = due.or_else(|| has.iter().position(|has| *has))?;
        for level in chosen + 1..LEVELS {
            self.0[level] = if has[level] { (self.0[level] + 1).min(PASSES[level]) } else { 0 };
        }
        self.0[chosen] = 0;
        Some(chosen)
    }

    /// Forgets all counts.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }
}
