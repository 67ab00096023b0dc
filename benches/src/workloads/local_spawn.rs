//! What does a task cost that is spawned, run and awaited on a runtime without a thread, in waves of 1000, all at once and one by one?

use super::Scale;
use super::jobs::{bare_queue, waves};
use crate::local::{Job, Spawn, everybody};
use crate::measure::{Against, Case, Peer, Sample, Unit};
use std::cell::Cell;
use std::hint::black_box;
use std::rc::Rc;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1_000_000);
    let one_by_one = everybody(Case::new("local_spawn/one_by_one", Unit::Nanoseconds), OneByOne(count))
        .goal("offtick LocalRuntime", Against::Figure(120.0), 1.0);
    vec![case("local_spawn/waves", count, 1000), case("local_spawn/at_once", count, count), one_by_one]
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

/// From inside a task: each of them wakes it, not the future that drives the runtime.
#[derive(Clone, Copy)]
struct OneByOne(usize);

impl Job for OneByOne {
    async fn run(self, spawner: impl Spawn) -> Sample {
        let (sample, inner) = (Rc::new(Cell::new(None)), spawner.clone());
        let result = Rc::clone(&sample);
        let task = spawner.spawn(async move { result.set(Some(Waves { count: self.0, wave: 1 }.run(inner).await)) });
        task.await;
        sample.take().expect("it ended")
    }
}
