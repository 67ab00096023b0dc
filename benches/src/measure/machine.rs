//! The machine: what it is, and the share of its cores that others take while it is measured.
//!
//! Others took what all cores were busy with, less the CPU time of this process and of its children (the servers, the
//! programs that load them). The system counts busy time in clock ticks, so a short run is judged together with what
//! ran before it. Time that it spent on interrupts is not counted as that of others: it may belong to either.

use cpu_time::ProcessTime;
use std::fs;
use std::time::{Duration, Instant};

/// The share of all cores that others may take before a repetition counts as disturbed.
pub const DISTURBED: f64 = 0.1;
/// Milliseconds in a clock tick of `/proc`.
const TICK: u64 = 10;
/// By how much the difference of two counts of ticks may be off.
const ERROR: Duration = Duration::from_millis(20);
/// Long enough for a verdict.
const WINDOW: Duration = Duration::from_millis(250);

/// What the figures depend on: cores and kernel.
pub fn description() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let release = release.trim().split('-').next().unwrap_or_default();
    let (system, machine) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{} cores, {system} {release}, {machine}", cores())
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Keeps an eye on others, from its start on.
pub(super) struct Vigil {
    looks: Vec<Look>,
}

impl Vigil {
    pub(super) fn start() -> Self {
        Self { looks: Look::now().into_iter().collect() }
    }

    /// The share that others took since the last call; or, if that was just now, since the one before, and so on. Zero
    /// where the system does not tell.
    pub(super) fn disturbance(&mut self) -> f64 {
        let Some(now) = Look::now() else { return 0.0 };
        let since = self.looks.iter().rev().find(|look| now.at - look.at >= WINDOW).or(self.looks.first());
        let share = since.map_or(0.0, |since| since.others_until(&now, cores()));
        self.looks.push(now);
        share
    }
}

/// What was spent by a moment.
#[derive(Clone, Copy, Debug)]
struct Look {
    at: Instant,
    /// By all cores, for all processes.
    busy: Duration,
    /// By this process and its children.
    ours: Duration,
}

impl Look {
    fn now() -> Option<Self> {
        let busy = busy_time(&fs::read_to_string("/proc/stat").ok()?)?;
        let ours = ProcessTime::now().as_duration() + reaped() + children();
        Some(Self { at: Instant::now(), busy, ours })
    }

    /// The share of all cores that others had between the two.
    fn others_until(&self, later: &Self, cores: usize) -> f64 {
        let (busy, ours) = (later.busy.saturating_sub(self.busy), later.ours.saturating_sub(self.ours));
        let all = (later.at - self.at).as_secs_f64() * cores as f64;
        busy.saturating_sub(ours + ERROR).as_secs_f64() / all
    }
}

/// The time that all cores together were busy with processes since the machine started.
fn busy_time(stat: &str) -> Option<Duration> {
    let ticks: Vec<u64> = stat.lines().next()?.split_whitespace().skip(1).map_while(|n| n.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let &[user, nice, system, _, _, _, _, steal, ..] = ticks.as_slice() else { return None };
    Some(Duration::from_millis(TICK * (user + nice + system + steal)))
}

/// CPU time of the children that have ended.
fn reaped() -> Duration {
    let ticks = |stat: String| {
        // Behind the name, which may hold anything: state, then from the fourth field on; cutime and cstime are 16 and 17.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<u64> = rest.split_whitespace().skip(13).take(2).map_while(|n| n.parse().ok()).collect();
        Some(Duration::from_millis(TICK * fields.iter().sum::<u64>()))
    };
    fs::read_to_string("/proc/self/stat").ok().and_then(ticks).unwrap_or_default()
}

/// CPU time of the children that live.
fn children() -> Duration {
    let threads = fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists.map(|list| list.split_whitespace().map(process_time).sum::<Duration>()).sum()
}

/// CPU time of all threads of a process so far.
pub fn process_time(id: impl std::fmt::Display) -> Duration {
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter().flatten().flatten();
    let nanos = |thread: fs::DirEntry| {
        let text = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        text.split_whitespace().next()?.parse::<u64>().ok()
    };
    Duration::from_nanos(threads.filter_map(nanos).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_busy_and_not_ours_is_that_of_others() {
        let millis = Duration::from_millis;
        let start = Look { at: Instant::now(), busy: millis(1000), ours: millis(500) };
        let later = |busy, ours| Look { at: start.at + millis(1000), busy: millis(busy), ours: millis(ours) };
        let share = |busy, ours| start.others_until(&later(busy, ours), 2);
        assert_eq!(share(2000, 1500), 0.0);
        assert_eq!(share(2520, 1500), 0.25);
        // Off by less than the ticks can tell, and what the system counts elsewhere.
        assert_eq!(share(2020, 1500), 0.0);
        assert_eq!(share(1900, 1500), 0.0);
    }

    #[test]
    fn idle_and_interrupts_are_not_busy() {
        assert_eq!(busy_time("cpu  1 2 4 1000 1000 1000 1000 8 0 0\ncpu0 1"), Some(Duration::from_millis(150)));
        assert_eq!(busy_time("cpu  1 2"), None);
        // Many cores that were idle for weeks.
        assert_eq!(busy_time("cpu  1 2 4 9000000000 0 0 0 8"), Some(Duration::from_millis(150)));
        assert_eq!(busy_time(""), None);
    }

    #[test]
    fn a_process_knows_its_own_time() {
        // On a system that tells it at all.
        if fs::metadata("/proc/self/schedstat").is_ok() {
            assert!(process_time("self") > Duration::ZERO);
        }
    }
}
