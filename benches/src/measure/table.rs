//! The result of a case: what each peer reached, and how offtick stands to them.

use super::case::{Case, Goal, Role, Round};
use super::machine::DISTURBED;
use super::{Against, Unit};

/// Median, least and greatest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spread {
    pub median: f64,
    pub min: f64,
    pub max: f64,
}

impl Spread {
    /// `None` of nothing.
    fn of(mut figures: Vec<f64>) -> Option<Self> {
        figures.sort_by(f64::total_cmp);
        let (&min, &max) = (figures.first()?, figures.last()?);
        let middle = figures.len() / 2;
        let median =
            if figures.len() % 2 == 1 { figures[middle] } else { (figures[middle - 1] + figures[middle]) / 2.0 };
        Some(Self { median, min, max })
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
    /// Medians of what 99 % and 99.9 % of the single times of a run stayed below, in the unit of the table.
    pub p99: Option<f64>,
    pub p999: Option<f64>,
    figures: Vec<f64>,
    cpus: Vec<f64>,
}

/// One ratio's line.
pub struct Ratio {
    pub ours: &'static str,
    pub against: Against,
    /// The name of whom that is.
    pub theirs: String,
    /// Of the quotients of each repetition.
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
    /// The goals first; then, for each setting of ours, those to the best rival and to tokio.
    pub ratios: Vec<Ratio>,
    pub repetitions: usize,
    /// How many of these were disturbed and had to be kept, for want of better ones.
    pub disturbed: usize,
    /// The most that others took of the machine during any of these.
    pub others: f64,
}

impl Table {
    pub(super) fn new(case: &Case, rounds: &[Round]) -> Self {
        let rows = case.peers.iter().enumerate().filter_map(|(nth, peer)| {
            let samples = || rounds.iter().map(move |round| &round.samples[nth]);
            let figures: Vec<f64> = samples().map(|sample| case.unit.figure(sample.raw)).collect();
            let cpus: Vec<f64> = samples().filter_map(|sample| sample.cpu).map(|cpu| cpu * 1e9).collect();
            let tail = |tail: Vec<f64>| Spread::of(tail).map(|tail| case.unit.figure(tail.median));
            Some(Row {
                peer: peer.name,
                role: peer.role,
                note: peer.note,
                figure: Spread::of(figures.clone())?,
                cpu: Spread::of(cpus.clone()).map(|cpu| cpu.median),
                p99: tail(samples().filter_map(|sample| sample.p99).collect()),
                p999: tail(samples().filter_map(|sample| sample.p999).collect()),
                figures,
                cpus,
            })
        });
        let mut table = Self {
            name: case.name,
            unit: case.unit,
            rows: rows.collect(),
            ratios: Vec::new(),
            repetitions: rounds.len(),
            disturbed: rounds.iter().filter(|round| round.others > DISTURBED).count(),
            others: rounds.iter().map(|round| round.others).fold(0.0, f64::max),
        };
        table.ratios = table.ratios_of(&case.goals);
        table
    }

    fn ratios_of(&self, goals: &[Goal]) -> Vec<Ratio> {
        let goals = goals.iter().filter_map(|goal| self.ratio_of(goal));
        let ours = self.rows.iter().filter(|row| row.role == Role::Ours);
        let always = ours.flat_map(|row| [Against::Best, Against::Tokio].map(|against| self.compare(row, against)));
        goals.chain(always.flatten()).collect()
    }

    fn ratio_of(&self, goal: &Goal) -> Option<Ratio> {
        let ratio = self.compare(self.row(goal.ours)?, goal.against)?;
        let met = self.unit.better().meets(ratio.ratio.median, goal.bound);
        Some(Ratio { bound: Some((goal.bound, met)), ..ratio })
    }

    fn compare(&self, ours: &Row, against: Against) -> Option<Ratio> {
        let quotients = |ours: &[f64], theirs: &[f64]| {
            Spread::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect())
        };
        let row = match against {
            Against::Best => Some(self.best(|_| true)?),
            Against::Tokio => Some(self.best(|row| row.peer.starts_with("tokio"))?),
            Against::Peer(name) => Some(self.row(name)?),
            Against::Figure(_) => None,
        };
        let (theirs, figures, cpus) = match (against, row) {
            (Against::Figure(figure), _) => {
                (format!("{figure} {}", self.unit.name()), vec![figure; ours.figures.len()], Vec::new())
            }
            (_, row) => row.map(|row| (row.peer.to_owned(), row.figures.clone(), row.cpus.clone()))?,
        };
        let ratio = quotients(&ours.figures, &figures)?;
        let cpu = quotients(&ours.cpus, &cpus).map(|cpu| cpu.median);
        Some(Ratio { ours: ours.peer, against, theirs, ratio, cpu, bound: None })
    }

    pub fn row(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.peer == name)
    }

    /// The rival with the best median, of those that are `eligible`.
    fn best(&self, eligible: impl Fn(&Row) -> bool) -> Option<&Row> {
        let better = self.unit.better();
        self.rows.iter().filter(|row| row.role == Role::Rival && eligible(row)).reduce(|best, row| {
            // Of equals the first.
            if better.meets(best.figure.median, row.figure.median) { best } else { row }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Peer, Sample};
    use super::*;

    #[test]
    fn a_median_is_in_the_middle() {
        let median = |figures: &[f64]| Spread::of(figures.to_vec()).map(|spread| spread.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(Spread::of(vec![3.0, 1.0, 2.0]), Some(Spread { median: 2.0, min: 1.0, max: 3.0 }));
    }

    /// A table of bytes: each peer's figures, one a repetition.
    fn table(case: Case, figures: &[[f64; 3]]) -> Table {
        let round = |nth: usize| Round {
            samples: figures.iter().map(|figures| Sample::number(figures[nth])).collect(),
            others: [0.0, 0.3, 0.1][nth],
        };
        Table::new(&case, &[0, 1, 2].map(round))
    }

    fn peers(unit: Unit) -> Case {
        let idle = || Sample::number(0.0);
        Case::new("test", unit)
            .peer(Peer::ours("offtick", idle))
            .peer(Peer::rival("tokio one", idle))
            .peer(Peer::rival("tokio two", idle))
            .peer(Peer::rival("smol", idle))
            .peer(Peer::floor("FLOOR", idle))
    }

    const FIGURES: [[f64; 3]; 5] =
        [[10.0, 40.0, 30.0], [20.0, 80.0, 10.0], [30.0, 30.0, 30.0], [5.0, 10.0, 60.0], [1.0, 1.0, 1.0]];

    #[test]
    fn a_ratio_is_the_median_of_those_of_each_repetition() {
        // The quotients are 2, 4 and 0.5; the quotient of the medians would be 3.
        let table = table(peers(Unit::Bytes), &FIGURES);
        let best = table.ratios.iter().find(|ratio| ratio.against == Against::Best).expect("always there");
        assert_eq!(best.theirs, "smol");
        assert_eq!(best.ratio, Spread { median: 2.0, min: 0.5, max: 4.0 });
    }

    #[test]
    fn tokio_is_compared_with_in_its_best_setting() {
        let table = table(peers(Unit::Bytes), &FIGURES);
        let tokio = table.ratios.iter().find(|ratio| ratio.against == Against::Tokio).expect("it takes part");
        assert_eq!((tokio.theirs.as_str(), tokio.ratio.median), ("tokio one", 0.5));
    }

    #[test]
    fn a_goal_is_met_up_to_its_bound() {
        let case = peers(Unit::Bytes)
            .goal("offtick", Against::Peer("smol"), 2.0)
            .goal("offtick", Against::Peer("smol"), 1.99)
            .goal("offtick", Against::Figure(60.0), 0.5)
            .goal("offtick", Against::Peer("nobody"), 1.0);
        let table = table(case, &FIGURES);
        let goals: Vec<_> = table.ratios.iter().filter_map(|ratio| ratio.bound).collect();
        assert_eq!(goals, [(2.0, true), (1.99, false), (0.5, true)]);
    }

    #[test]
    fn disturbed_repetitions_are_counted() {
        let table = table(peers(Unit::Bytes), &FIGURES);
        assert_eq!((table.repetitions, table.disturbed, table.others), (3, 1, 0.3));
    }
}
