//! What was counted: the cost of the frames, as numbers and as a histogram, and the line of JSON at the end.

use crate::game::{Game, Outcome};
use crate::ticks::{Costs, Ticks};
use crate::words::{bar, grouped};
use offtick::TickReport;
use std::time::Duration;

/// Columns of the histogram: each is for twice the time of the one before; the first is for less than a microsecond.
const CLASSES: usize = 16;

/// Characters of the longest bar.
const BAR: usize = 40;

#[derive(Debug, Default)]
pub(crate) struct Totals {
    ticks: Ticks,
    classes: [u64; CLASSES],
    /// Frames in which the game was played, and those in which it waited for a level.
    pub(crate) frames: u64,
    pub(crate) loading_frames: u64,
    polls: usize,
    fired: usize,
    /// Frames that took longer than their budget, and by how much the worst of them did.
    pub(crate) overruns: u64,
    worst_overrun: Duration,
    /// Frames that left game time for the next one.
    behind: u64,
}

impl Totals {
    /// A tick of a frame.
    pub(crate) fn record(&mut self, time: Duration, report: &TickReport) {
        self.ticks.record(time);
        let class = (u64::BITS - (time.as_micros() as u64).leading_zeros()) as usize;
        self.classes[class.min(CLASSES - 1)] += 1;
        self.polls += report.polled;
        self.fired += report.fired;
        self.overruns += u64::from(report.overrun > Duration::ZERO);
        self.worst_overrun = self.worst_overrun.max(report.overrun);
        self.behind += u64::from(report.behind > Duration::ZERO);
    }

    pub(crate) fn count(&self) -> usize {
        self.ticks.count()
    }

    pub(crate) fn costs(&self) -> Costs {
        self.ticks.costs()
    }

    /// How many ticks took how long.
    pub(crate) fn histogram(&self) -> String {
        let most = self.classes.iter().max().copied().unwrap_or(0).max(1);
        let last = self.classes.iter().rposition(|count| *count > 0).unwrap_or(0);
        let mut text = String::from("ticks by their time\n");
        for (class, count) in self.classes[..=last].iter().enumerate() {
            let below = if class + 1 < CLASSES { format!("< {} µs", grouped(1 << class)) } else { "more".to_owned() };
            // A bar for every class that has some.
            let share = *count as f64 / most as f64;
            let share = if *count > 0 { share.max(1.0 / BAR as f64) } else { share };
            let line = format!("{below:>12}  {}  {}\n", bar(share, BAR), grouped(*count));
            text.push_str(&line);
        }
        text
    }

    /// The last line of the program.
    pub(crate) fn json(&self, game: &Game, elapsed: Duration) -> String {
        let Self { frames, loading_frames, polls, fired, overruns, worst_overrun, behind, .. } = self;
        let (costs, world) = (self.costs(), &game.world);
        let outcome = match world.outcome {
            Outcome::Open => "open",
            Outcome::Won => "won",
            Outcome::Lost => "lost",
        };
        format!(
            "{{\"frames\":{frames},\"loading_frames\":{loading_frames},\"polls\":{polls},\"fired\":{fired},\
             \"overruns\":{overruns},\"worst_overrun_us\":{},\"behind\":{behind},\"tick_p50_us\":{:.1},\
             \"tick_p99_us\":{:.1},\"tick_max_us\":{:.1},\"outcome\":\"{outcome}\",\"level\":{},\"coins\":{},\
             \"lives\":{},\"game_ms\":{},\"hash\":\"{:016x}\",\"elapsed_ms\":{}}}",
            worst_overrun.as_micros(),
            costs.p50,
            costs.p99,
            costs.max,
            world.number,
            world.collected,
            world.lives,
            game.timing.now().as_millis(),
            game.hash(),
            elapsed.as_millis(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::Totals;
    use offtick::TickReport;
    use std::time::Duration;

    #[test]
    fn each_class_is_twice_the_one_before() {
        let mut totals = Totals::default();
        for nanos in [0, 999, 1000, 1999, 2000, 3999, 4000, u64::MAX] {
            totals.record(Duration::from_nanos(nanos), &TickReport::default());
        }
        assert_eq!(totals.classes[..5], [2, 2, 2, 1, 0]);
        assert_eq!(totals.classes[15], 1);
        let text = totals.histogram();
        assert_eq!(text.lines().count(), 17);
        assert!(text.contains("< 4 µs") && text.contains("more"), "{text}");
    }
}
