//! How a figure is taken: every peer once per repetition, in rotating order, in one process.
//!
//! A machine's speed drifts by the minute and by what else it does, so absolute figures are for orientation. What counts
//! is the ratio of two peers within one repetition, and the median of those ratios over the repetitions.
//!
//! A repetition during which other processes took much of the machine's cores is *disturbed* (see [`machine`]). Disturbed
//! repetitions are made up for by additional ones, up to a limit; the quietest ones are kept.

mod case;
pub mod machine;
mod sample;
mod table;
mod unit;

pub use case::{Against, Case, Goal, Peer, Role};
pub use sample::{Sample, Watch, timed};
pub use table::{Ratio, Row, Spread, Table};
pub use unit::{Better, Unit};
