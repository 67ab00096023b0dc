//! What was counted, and the line of JSON at the end.

use crate::feed::Feed;
use crate::thermostat::{State, Thermostat};
use crate::ticks::Ticks;
use offtick::{TickError, TickReport};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Totals {
    ticks: Ticks,
    polls: usize,
    /// Ticks that took longer than their budget.
    overruns: u64,
}

impl Totals {
    /// One tick, measured.
    ///
    /// # Errors
    /// That of the tick.
    pub(crate) fn measure(
        &mut self,
        tick: impl FnOnce() -> Result<TickReport, TickError>,
    ) -> Result<TickReport, TickError> {
        let start = Instant::now();
        let report = tick()?;
        self.ticks.record(start.elapsed());
        self.polls += report.polled;
        self.overruns += u64::from(report.overrun > Duration::ZERO);
        Ok(report)
    }

    /// The last line of the program.
    pub(crate) fn json(&self, thermostat: &Thermostat, feed: &Feed) -> String {
        let Self { ticks, polls, overruns } = self;
        let times: String = State::ALL
            .iter()
            .map(|state| format!("\"{state}_ms\":{},", thermostat.time_in(*state).as_millis()))
            .collect();
        let costs = ticks.costs();
        format!(
            "{{\"samples\":{},\"rejected\":{},\"state\":\"{}\",\"transitions\":{},\"faults\":{},{times}\"ticks\":{},\
             \"polls\":{polls},\"overruns\":{overruns},\"tick_p50_us\":{:.1},\"tick_p99_us\":{:.1},\
             \"tick_max_us\":{:.1},\"elapsed_ms\":{}}}\n",
            feed.taken(),
            feed.rejected(),
            thermostat.state(),
            thermostat.transitions(),
            thermostat.faults(),
            ticks.count(),
            costs.p50,
            costs.p99,
            costs.max,
            thermostat.elapsed().as_millis(),
        )
    }
}
