//! A case: who does the job, what is to be reached, and the rounds in which it is measured.

use super::machine::{DISTURBED, Vigil};
use super::table::Table;
use super::{Sample, Unit};

/// Whose figure it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// offtick in one of its settings.
    Ours,
    /// What a user would pick instead.
    Rival,
    /// The obvious data structure in a bare loop: the practical limit, which nobody would pick.
    Floor,
}

/// One line of a table: its name and how to run it.
pub struct Peer {
    pub(super) name: &'static str,
    pub(super) role: Role,
    pub(super) note: &'static str,
    run: Box<dyn FnMut() -> Sample>,
}

impl Peer {
    fn new(name: &'static str, role: Role, run: impl FnMut() -> Sample + 'static) -> Self {
        Self { name, role, note: "", run: Box::new(run) }
    }

    pub fn ours(name: &'static str, run: impl FnMut() -> Sample + 'static) -> Self {
        Self::new(name, Role::Ours, run)
    }

    /// Settings of tokio have names that start with it: they are compared with apart.
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
    /// The setting of tokio with the best median.
    Tokio,
    /// The peer of this name.
    Peer(&'static str),
    /// A fixed figure, in the unit of the case.
    Figure(f64),
}

/// A ratio of ours to another, and where it should lie: at least `bound` where higher is better, else at most.
#[derive(Clone, Copy, Debug)]
pub struct Goal {
    pub(super) ours: &'static str,
    pub(super) against: Against,
    pub(super) bound: f64,
}

/// One table: the same job for every peer.
pub struct Case {
    pub(super) name: &'static str,
    pub(super) unit: Unit,
    pub(super) peers: Vec<Peer>,
    pub(super) goals: Vec<Goal>,
}

/// All peers once, and the most that others took of the machine meanwhile.
pub(super) struct Round {
    pub(super) samples: Vec<Sample>,
    pub(super) others: f64,
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

    /// Runs it: one warm-up of each peer, then `repetitions` rounds, and up to as many again for disturbed ones.
    pub fn measure(mut self, repetitions: usize) -> Table {
        let mut vigil = Vigil::start();
        for peer in &mut self.peers {
            (peer.run)();
        }
        vigil.disturbance();
        let rounds = quietest(repetitions, |nth| self.round(nth, &mut vigil));
        Table::new(&self, &rounds)
    }

    /// The `nth` round begins with the `nth` peer.
    fn round(&mut self, nth: usize, vigil: &mut Vigil) -> Round {
        let count = self.peers.len();
        let mut others: f64 = 0.0;
        let mut samples: Vec<Sample> = (0..count)
            .map(|step| {
                let sample = (self.peers[(step + nth) % count].run)();
                others = others.max(vigil.disturbance());
                sample
            })
            .collect();
        samples.rotate_right(nth % count.max(1));
        Round { samples, others }
    }
}

/// Makes rounds until `wanted` were left in peace, up to twice that number, and keeps the quietest.
fn quietest(wanted: usize, mut round: impl FnMut(usize) -> Round) -> Vec<Round> {
    let mut rounds: Vec<Round> = Vec::new();
    let mut quiet = 0;
    while quiet < wanted && rounds.len() < 2 * wanted {
        let round = round(rounds.len());
        quiet += usize::from(round.others <= DISTURBED);
        rounds.push(round);
    }
    // Stable: among equals the earlier ones.
    rounds.sort_by(|a, b| a.others.total_cmp(&b.others));
    rounds.truncate(wanted);
    rounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(others: &[f64], wanted: usize) -> (usize, Vec<f64>) {
        let mut made = 0;
        let rounds = quietest(wanted, |nth| {
            made += 1;
            Round { samples: Vec::new(), others: others[nth] }
        });
        (made, rounds.iter().map(|round| round.others).collect())
    }

    #[test]
    fn disturbed_rounds_are_made_up_for() {
        assert_eq!(kept(&[0.0, 0.05, 0.0], 3), (3, vec![0.0, 0.0, 0.05]));
        assert_eq!(kept(&[0.0, 0.5, 0.0, 0.1], 3), (4, vec![0.0, 0.0, 0.1]));
    }

    #[test]
    fn on_a_busy_machine_the_quietest_ones_are_kept() {
        assert_eq!(kept(&[0.9, 0.5, 0.6, 0.0, 0.7, 0.8], 3), (6, vec![0.0, 0.5, 0.6]));
    }

    #[test]
    fn every_peer_keeps_its_place_whoever_begins() {
        let peer = |name, figure| Peer::rival(name, move || Sample::number(figure));
        let mut case = Case::new("test", Unit::Bytes).peer(peer("a", 1.0)).peer(peer("b", 2.0)).peer(peer("c", 3.0));
        let mut vigil = Vigil::start();
        for nth in 0..4 {
            let figures: Vec<f64> = case.round(nth, &mut vigil).samples.iter().map(|sample| sample.raw).collect();
            assert_eq!(figures, [1.0, 2.0, 3.0]);
        }
    }
}
