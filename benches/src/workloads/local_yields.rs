//! What does it cost a task of a runtime without a thread to yield, 1000 tasks with 1000 yields each?

use super::Scale;
use super::jobs::{bare_queue, together, yielding};
use crate::local::{Job, Spawn, everybody};
use crate::measure::{Against, Case, Peer, Sample, Unit};

const TASKS: usize = 1000;
const EACH: usize = 1000;

pub(super) fn cases(_: Scale) -> Vec<Case> {
    let case = everybody(Case::new("local_yields", Unit::Nanoseconds), Yields)
        .peer(
            Peer::floor("FLOOR: VecDeque of boxed futures", || bare_queue(TASKS, EACH, || yielding(EACH)))
                .note("no waker, no handle"),
        )
        .goal("offtick LocalRuntime", Against::Peer("tokio LocalSet"), 0.6);
    vec![case]
}

#[derive(Clone, Copy)]
struct Yields;

impl Job for Yields {
    async fn run(self, spawner: impl Spawn) -> Sample {
        together(TASKS, EACH, || spawner.spawn(yielding(EACH))).await
    }
}
