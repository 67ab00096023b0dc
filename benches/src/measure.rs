//! How a figure is taken: every peer once per repetition, in rotating order, in one process.
//!
//! A machine's speed drifts by the minute and by what else it does, so absolute figures are for orientation. What counts
//! is the ratio of two peers within one repetition, and the median of those ratios over the repetitions.
//!
//! A repetition during which other processes took much of the machine's cores is *disturbed*. Disturbed repetitions are
//! made up for by additional ones, up to a limit; the quietest ones are kept.

use cpu_time::ProcessTime;
use std::fs;
use std::time::{Duration, Instant};

/// The share of all cores that others may take before a repetition counts as disturbed.
const DISTURBED: f64 = 0.1;
/// A clock tick of `/proc/stat`.
const TICK: Duration = Duration::from_millis(10);
/// Shorter runs are too short for that clock.
const WATCHED_FROM: Duration = Duration::from_millis(50);

/// Which direction is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Million operations a second.
    MillionPerSecond,
    /// Thousand operations a second.
    ThousandPerSecond,
    /// Nanoseconds an operation.
    Nanoseconds,
    /// Microseconds an operation.
    Microseconds,
    /// Bytes an object.
    Bytes,
    /// Allocations an object.
    Allocations,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Self::MillionPerSecond => "M/s",
            Self::ThousandPerSecond => "k/s",
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Bytes => "B",
            Self::Allocations => "allocs",
        }
    }

    pub fn better(self) -> Better {
        if matches!(self, Self::MillionPerSecond | Self::ThousandPerSecond) { Better::Higher } else { Better::Lower }
    }

    /// From what a [`Sample`] holds.
    fn figure(self, raw: f64) -> f64 {
        match self {
            Self::MillionPerSecond => 1e-6 / raw,
            Self::ThousandPerSecond => 1e-3 / raw,
            Self::Nanoseconds => raw * 1e9,
            Self::Microseconds => raw * 1e6,
            Self::Bytes | Self::Allocations => raw,
        }
    }
}

/// What one run of one peer gave.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Seconds an operation, or the bare number where the unit is no time.
    raw: f64,
    /// CPU seconds an operation, of all threads of the process.
    cpu: Option<f64>,
    /// Share of all cores that other processes took meanwhile.
    others: f64,
}

impl Sample {
    /// A number that is no time.
    pub fn number(raw: f64) -> Self {
        Self { raw, cpu: None, others: 0.0 }
    }
}

/// A started measurement.
pub struct Watch {
    wall: Instant,
    cpu: ProcessTime,
    busy: Option<Duration>,
}

impl Watch {
    pub fn start() -> Self {
        let (busy, cpu) = (busy_time(), ProcessTime::now());
        Self { wall: Instant::now(), cpu, busy }
    }

    /// Ends it: `operations` were done.
    pub fn stop(self, operations: usize) -> Sample {
        let (wall, cpu, others) = self.read();
        let operations = operations as f64;
        Sample { raw: wall.as_secs_f64() / operations, cpu: Some(cpu.as_secs_f64() / operations), others }
    }

    /// Ends it with the median of many short times taken meanwhile, each of which took `operations`.
    pub fn stop_with_median(self, times: Vec<Duration>, operations: usize) -> Sample {
        self.stop_with_quantile(times, 0.5, operations)
    }

    /// The same with the time that this share of them stays below.
    pub fn stop_with_quantile(self, mut times: Vec<Duration>, share: f64, operations: usize) -> Sample {
        let (_, _, others) = self.read();
        times.sort_unstable();
        let nth = ((times.len() as f64 * share) as usize).min(times.len() - 1);
        Sample { raw: times[nth].as_secs_f64() / operations as f64, cpu: None, others }
    }

    /// Ends it with the CPU time alone: where the wall time is that of the job, whoever does it.
    pub fn stop_with_cpu(self, operations: usize) -> Sample {
        let (_, cpu, others) = self.read();
        Sample { raw: cpu.as_secs_f64() / operations as f64, cpu: None, others }
    }

    /// Wall time, CPU time, and the share of all cores that others took.
    fn read(self) -> (Duration, Duration, f64) {
        let wall = self.wall.elapsed();
        let cpu = self.cpu.elapsed();
        let others = match (self.busy, busy_time()) {
            (Some(before), Some(after)) if wall >= WATCHED_FROM => {
                let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
                let others = (after.saturating_sub(before)).saturating_sub(cpu).as_secs_f64();
                others / (wall.as_secs_f64() * cores)
            }
            _ => 0.0,
        };
        (wall, cpu, others)
    }
}

/// Times `work`, which does `operations`.
pub fn timed(operations: usize, work: impl FnOnce()) -> Sample {
    let watch = Watch::start();
    work();
    watch.stop(operations)
}

/// The time that all cores together were busy since the machine started; `None` where the system does not tell.
fn busy_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/stat").ok()?;
    let ticks: Vec<u32> = text.lines().next()?.split_whitespace().skip(1).map_while(|n| n.parse().ok()).collect();
    // user nice system idle iowait irq softirq steal
    let busy = ticks.iter().take(8).sum::<u32>().checked_sub(ticks.get(3)? + ticks.get(4)?)?;
    Some(TICK * busy)
}

/// Who a peer is in its table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// offtick, or a setting of it.
    Ours,
    /// What users would take instead.
    Rival,
    /// The obvious data structure bare: the practical limit.
    Floor,
}

/// One competitor of a case.
pub struct Peer {
    name: &'static str,
    role: Role,
    note: &'static str,
    run: Box<dyn FnMut() -> Sample>,
}

impl Peer {
    fn new(name: &'static str, role: Role, run: impl FnMut() -> Sample + 'static) -> Self {
        Self { name, role, note: "", run: Box::new(run) }
    }

    pub fn ours(name: &'static str, run: impl FnMut() -> Sample + 'static) -> Self {
        Self::new(name, Role::Ours, run)
    }

    pub fn rival(name: &'static str, run: impl FnMut() -> Sample + 'static) -> Self {
        Self::new(name, Role::Rival, run)
    }

    pub fn floor(name: &'static str, run: impl FnMut() -> Sample + 'static) -> Self {
        Self::new(name, Role::Floor, run)
    }

    /// In what it differs from the others.
    pub fn note(mut self, note: &'static str) -> Self {
        self.note = note;
        self
    }
}

/// Against whom a ratio is taken.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Against {
    /// The rival with the best median.
    Best,
    /// The peer of this name.
    Peer(&'static str),
    /// A fixed figure, in the unit of the case.
    Figure(f64),
}

/// A ratio of ours to another, and where it should lie: at least `bound` where higher is better, else at most.
pub struct Goal {
    ours: &'static str,
    against: Against,
    bound: f64,
}

/// One table: the same job for every peer.
pub struct Case {
    name: &'static str,
    unit: Unit,
    peers: Vec<Peer>,
    goals: Vec<Goal>,
}

impl Case {
    pub fn new(name: &'static str, unit: Unit) -> Self {
        Self { name, unit, peers: Vec::new(), goals: Vec::new() }
    }

    pub fn peer(mut self, peer: Peer) -> Self {
        self.peers.push(peer);
        self
    }

    /// Adds a ratio that is to be reached.
    pub fn goal(mut self, ours: &'static str, against: Against, bound: f64) -> Self {
        self.goals.push(Goal { ours, against, bound });
        self
    }

    /// Runs it: one warm-up of each peer, then `repetitions` rounds.
    pub fn measure(mut self, repetitions: usize) -> Table {
        for peer in &mut self.peers {
            (peer.run)();
        }
        let mut rounds: Vec<Vec<Sample>> = Vec::new();
        let limit = repetitions + repetitions / 2;
        for round in 0..limit {
            let mut samples: Vec<Option<Sample>> = vec![None; self.peers.len()];
            for step in 0..self.peers.len() {
                let nth = (step + round) % self.peers.len();
                samples[nth] = Some((self.peers[nth].run)());
            }
            rounds.push(samples.into_iter().flatten().collect());
            if rounds.iter().filter(|round| disturbance(round) <= DISTURBED).count() >= repetitions {
                break;
            }
        }
        rounds.sort_by(|a, b| disturbance(a).total_cmp(&disturbance(b)));
        rounds.truncate(repetitions);
        Table::new(self, &rounds)
    }
}

/// The most that others took during any run of a round.
fn disturbance(round: &[Sample]) -> f64 {
    round.iter().map(|sample| sample.others).fold(0.0, f64::max)
}

/// Median, least and greatest.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        let middle = figures.len() / 2;
        let median =
            if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 };
        Self { median, min: figures[0], max: figures[figures.len() - 1] }
    }
}

/// One peer's line.
pub struct Row {
    pub peer: &'static str,
    pub role: Role,
    pub note: &'static str,
    pub figure: Spread,
    /// Median CPU nanoseconds an operation.
    pub cpu: Option<f64>,
    figures: Vec<f64>,
    cpus: Vec<f64>,
}

/// One ratio's line.
pub struct Ratio {
    pub ours: &'static str,
    pub against: String,
    pub ratio: Spread,
    /// The same of the CPU times: what is left of the comparison on a machine that others use as well.
    pub cpu: Option<f64>,
    /// Where it should lie, and whether it does.
    pub bound: Option<(f64, bool)>,
}

/// The result of a case.
pub struct Table {
    pub name: &'static str,
    pub unit: Unit,
    pub rows: Vec<Row>,
    pub ratios: Vec<Ratio>,
    /// The most that others took of the machine during the repetitions that were kept.
    pub disturbed: f64,
}

impl Table {
    fn new(case: Case, rounds: &[Vec<Sample>]) -> Self {
        let unit = case.unit;
        let rows: Vec<Row> = case
            .peers
            .iter()
            .enumerate()
            .map(|(nth, peer)| {
                let figures: Vec<f64> = rounds.iter().map(|round| unit.figure(round[nth].raw)).collect();
                let cpu: Vec<f64> = rounds.iter().filter_map(|round| round[nth].cpu).map(|cpu| cpu * 1e9).collect();
                Row {
                    peer: peer.name,
                    role: peer.role,
                    note: peer.note,
                    figure: Spread::of(figures.clone()),
                    cpu: (!cpu.is_empty()).then(|| Spread::of(cpu.clone()).median),
                    figures,
                    cpus: cpu,
                }
            })
            .collect();
        let disturbed = rounds.iter().map(|round| disturbance(round)).fold(0.0, f64::max);
        let mut table = Self { name: case.name, unit, rows, ratios: Vec::new(), disturbed };
        table.ratios = table.ratios_of(&case.goals);
        table
    }

    /// The goals, and for each setting of ours the ratio to the best rival where no goal says it already.
    fn ratios_of(&self, goals: &[Goal]) -> Vec<Ratio> {
        let mut ratios: Vec<Ratio> = goals.iter().filter_map(|goal| self.ratio_of(goal)).collect();
        for row in self.rows.iter().filter(|row| row.role == Role::Ours) {
            let said = goals.iter().any(|goal| goal.ours == row.peer && goal.against == Against::Best);
            if !said && let Some(ratio) = self.compare(row, Against::Best) {
                ratios.push(ratio);
            }
        }
        ratios
    }

    fn ratio_of(&self, goal: &Goal) -> Option<Ratio> {
        let mut ratio = self.compare(self.row(goal.ours)?, goal.against)?;
        let met = match self.unit.better() {
            Better::Higher => ratio.ratio.median >= goal.bound,
            Better::Lower => ratio.ratio.median <= goal.bound,
        };
        ratio.bound = Some((goal.bound, met));
        Some(ratio)
    }

    fn compare(&self, ours: &Row, against: Against) -> Option<Ratio> {
        let quotients = |ours: &[f64], theirs: &[f64]| {
            let quotients: Vec<f64> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
            (!quotients.is_empty()).then(|| Spread::of(quotients))
        };
        let (against, theirs, cpus): (_, &[f64], &[f64]) = match against {
            Against::Best => {
                let best = self.best()?;
                (format!("best: {}", best.peer), &best.figures, &best.cpus)
            }
            Against::Peer(name) => {
                let peer = self.row(name)?;
                (name.to_owned(), &peer.figures, &peer.cpus)
            }
            Against::Figure(figure) => {
                (format!("{figure} {}", self.unit.name()), &vec![figure; ours.figures.len()], &[])
            }
        };
        let ratio = quotients(&ours.figures, theirs)?;
        let cpu = quotients(&ours.cpus, cpus).map(|cpu| cpu.median);
        Some(Ratio { ours: ours.peer, against, ratio, cpu, bound: None })
    }

    fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == name)
    }

    fn best(&self) -> Option<&Row> {
        let rivals = self.rows.iter().filter(|row| row.role == Role::Rival);
        let by_median = |a: &&Row, b: &&Row| a.figure.median.total_cmp(&b.figure.median);
        match self.unit.better() {
            Better::Higher => rivals.max_by(by_median),
            Better::Lower => rivals.min_by(by_median),
        }
    }
}
