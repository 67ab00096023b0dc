//! What does a task cost that is spawned, run and awaited on a runtime without a thread, in waves of 1000 and all at once?

use super::Scale;
use super::jobs::{bare_queue, waves};
use crate::local::{Job, Spawn, everybody};
use crate::measure::{Against, Case, Peer, Sample, Unit};
use std::hint::black_box;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1_000_000);
    vec![case("local_spawn/waves", count, 1000), case("local_spawn/at_once", count, count)]
}

fn case(name: &'static str, count: usize, wave: usize) -> Case {
    everybody(Case::new(name, Unit::Nanoseconds), Waves { count, wave })
        .peer(
            Peer::floor("FLOOR: VecDeque of boxed futures", move || bare_queue(count, 1, || async { black_box(()) }))
                .note("all at once; no waker, no handle"),
        )
        .goal("offtick LocalRuntime", Against::Peer("async-executor LocalExecutor"), 0.6)
}

#[derive(Clone, Copy)]
struct Waves {
    count: usize,
    wave: usize,
}

impl Job for Waves {
    async fn run(self, spawner: impl Spawn) -> Sample {
        waves(self.count, self.wave, |n| {
            spawner.spawn(async move {
                black_box(n);
            })
        })
        .await
    }
}
