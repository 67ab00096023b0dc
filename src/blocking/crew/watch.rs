//! The watcher: looks whether jobs are stuck behind blocked threads, and has others called or started.

use super::super::grow::{Look, Verdict, is_overdue, judge, patience, reinforcement};
use super::roll::{Post, Roll};
use super::{Crew, Order};

/// A thread that has not taken a job for a `stall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) seat: usize,
    taken: u64,
}

/// What the watcher does next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Watch {
    /// Look again.
    GoOn,
    /// Find out which of these compute, and report the others to [`Crew::convict`].
    Stalled(Vec<Suspect>),
    /// The watch is over: look for jobs; tell [`Crew::found`] when one is found.
    Search,
}

impl Crew {
    /// The watcher waits for a while and looks.
    pub(crate) fn watch(&self, seat: usize) -> Watch {
        let mut roll = self.roll.lock();
        if roll.watcher == Some(seat) {
            let time = self.limits.stall.saturating_mul(patience(roll.fruitless));
            self.mark(seat).bell.wait_for(&mut roll, time);
        }
        if roll.watcher == Some(seat) {
            self.look(&mut roll)
        } else {
            // Relieved, because the pool was closed.
            Watch::Search
        }
    }

    fn look(&self, roll: &mut Roll) -> Watch {
        let taken = self.survey(roll).taken;
        let now = Look { taken, admitted: self.admission.count() };
        let before = std::mem::replace(&mut roll.before, now);
        match judge(before, now, roll.on_its_way) {
            Verdict::Moving => {
                roll.fruitless = 0;
                Watch::GoOn
            }
            Verdict::Quiet => {
                roll.watcher = None;
                roll.on_its_way += 1;
                Watch::Search
            }
            Verdict::Stalled => Watch::Stalled(self.suspects(roll)),
        }
    }

    /// The working threads that are not noted as blocked yet.
    fn suspects(&self, roll: &Roll) -> Vec<Suspect> {
        let working = |seat: &usize| roll.seats[*seat].post == Post::Awake && roll.watcher != Some(*seat);
        (0..roll.seats.len())
            .filter(working)
            .map(|seat| Suspect { seat, taken: self.taken_on(seat) })
            .filter(|suspect| roll.seats[suspect.seat].blocked_at != Some(suspect.taken))
            .collect()
    }

    /// Notes as blocked who still sits on the job he was suspected for; returns how many [`reinforce`](Self::reinforce)
    /// should follow. If the first of them brings nobody, [`stand_in`](Self::stand_in).
    pub(crate) fn convict(&self, blocked: &[Suspect]) -> usize {
        let mut roll = self.roll.lock();
        let mut newly = 0;
        for &Suspect { seat, taken } in blocked {
            if roll.seats[seat].post == Post::Awake && self.taken_on(seat) == taken {
                roll.seats[seat].blocked_at = Some(taken);
                newly += 1;
            }
        }
        let survey = self.survey(&roll);
        if survey.at_work < self.limits.core_threads {
            // There is room for the next job, and it may come when the reinforcements have found theirs.
            self.admission.raise_call();
        }
        let pending = self.admission.count() - survey.taken;
        let mut threads = reinforcement(self.limits.core_threads, survey.at_work, newly, pending);
        if threads == 0 && pending > 0 && is_overdue(roll.fruitless) {
            threads = 1;
        }
        roll.fruitless = if threads == 0 { roll.fruitless + 1 } else { 0 };
        threads
    }

    /// Calls or starts one thread more, after a stall.
    pub(crate) fn reinforce(&self) -> Order {
        self.activate(&mut self.roll.lock())
    }

    /// There is nobody to call and no thread to start: the watcher itself goes to work.
    pub(crate) fn stand_in(&self, seat: usize) {
        let mut roll = self.roll.lock();
        if roll.watcher == Some(seat) {
            roll.watcher = None;
            roll.on_its_way += 1;
        }
    }
}
