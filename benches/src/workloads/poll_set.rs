//! What does a tick pay in all that asks which of 100,000 pending tasks have finished, when none has, in the cache and not?

use super::{Scale, cold};
use crate::measure::{Against, Case, Peer, Sample, Unit, timed};
use crate::peers::{OnThread, Tokio, bevy};
use async_executor::Executor;
use futures::stream::{FuturesUnordered, StreamExt};
use futures::FutureExt;
use offtick::{LocalRuntime, Runtime, TaskSet};
use std::future::pending;
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::task::JoinSet;

const TASKS: usize = 100_000;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (many, few) = (scale.of(10_000_000), scale.of(500));
    let goal = |case: Case| case.goal("offtick TaskSet", Against::Figure(20.0), 1.0);
    let cold = scale.of(25);
    vec![
        goal(case("poll_set/hot", Tick { many, few, cold: false })),
        goal(case("poll_set/cold", Tick { many: cold, few: cold, cold: true })),
    ]
}

/// How often each kind of peer looks.
#[derive(Clone, Copy)]
struct Tick {
    many: usize,
    /// Those that look at every task.
    few: usize,
    cold: bool,
}

impl Tick {
    fn many(self, look: impl FnMut() -> bool) -> Sample {
        self.run(self.many, look)
    }

    fn few(self, look: impl FnMut() -> bool) -> Sample {
        self.run(self.few, look)
    }

    fn run(self, looks: usize, mut look: impl FnMut() -> bool) -> Sample {
        let mut look = || assert!(!look());
        if self.cold { cold::looks(looks, 1, look) } else { timed(looks, || (0..looks).for_each(|_| look())) }
    }
}

fn case(name: &'static str, tick: Tick) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    let local = LocalRuntime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let executor = OnThread::<Executor<'static>>::start();
    let pool = bevy(1);
    let (mut our_set, mut local_set, mut join_set) = (TaskSet::new(), TaskSet::new(), JoinSet::new());
    for n in 0..TASKS {
        our_set.insert(n, ours.spawn(pending::<()>()));
        local_set.insert(n, local.spawn(pending::<()>()));
        join_set.spawn_on(pending::<()>(), tokio.handle());
    }
    let mut unordered: FuturesUnordered<_> = (0..TASKS).map(|_| executor.executor().spawn(pending::<()>())).collect();
    let handles: Vec<_> = (0..TASKS).map(|_| pool.spawn(pending::<()>())).collect();
    let flag = Arc::new(AtomicBool::new(false));
    // Polls all of them; from then on only those that were woken.
    assert!(unordered.next().now_or_never().is_none());
    Case::new(name, Unit::Nanoseconds)
        .peer(Peer::ours("offtick TaskSet", move || {
            let _alive = &ours;
            tick.many(|| black_box(&mut our_set).drain_finished().next().is_some())
        }))
        .peer(Peer::ours("offtick LocalRuntime, TaskSet", move || {
            let _alive = &local;
            tick.many(|| black_box(&mut local_set).drain_finished().next().is_some())
        }))
        .peer(Peer::rival("tokio JoinSet", move || {
            let _alive = &tokio;
            tick.many(|| black_box(&mut join_set).try_join_next().is_some())
        }))
        .peer(
            Peer::rival("futures FuturesUnordered", move || {
                let _alive = &executor;
                tick.many(|| black_box(&mut unordered).next().now_or_never().is_some())
            })
            .note("of async-executor's tasks"),
        )
        .peer(
            Peer::rival("bevy_tasks is_finished", move || {
                let _alive = &pool;
                tick.few(|| black_box(&handles).iter().any(|task| task.is_finished()))
            })
            .note("looks at every task"),
        )
        .peer(Peer::floor("FLOOR: a flag behind a pointer", move || {
            tick.many(|| black_box(&flag).load(Ordering::Relaxed))
        }))
}
