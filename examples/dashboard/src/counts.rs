//! What happened, as numbers with names: for the final line, and for scripts that wait for one of them.

use crate::ticks::Costs;
use std::fmt::Write;

/// The counts of a run up to now.
#[derive(Debug)]
pub(crate) struct Counts {
    pub(crate) numbers: Vec<(&'static str, u64)>,
    /// Of looking at everything, and of whole frames with their drawing.
    pub(crate) tick: Costs,
    pub(crate) frame: Costs,
}

/// The count of that name among `numbers`.
pub(crate) fn find(numbers: &[(&'static str, u64)], name: &str) -> Option<u64> {
    numbers.iter().find(|(known, _)| *known == name).map(|(_, number)| *number)
}

impl Counts {
    /// The last line of the program.
    pub(crate) fn json(&self) -> String {
        let mut line = String::from("{");
        for (name, number) in &self.numbers {
            let _infallible = write!(line, "\"{name}\":{number},");
        }
        let Self { tick, frame, .. } = self;
        let _infallible = write!(
            line,
            "\"tick_p50_us\":{:.1},\"tick_p99_us\":{:.1},\"tick_max_us\":{:.1},\
             \"frame_p50_us\":{:.1},\"frame_p99_us\":{:.1},\"frame_max_us\":{:.1}}}",
            tick.p50, tick.p99, tick.max, frame.p50, frame.p99, frame.max
        );
        line
    }
}
