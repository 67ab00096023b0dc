//! What does a tick cost with 100,000 tasks, or timers, that wait, and nothing ready?

use super::{Scale, frames};
use crate::measure::{Against, Case, Peer, Unit};
use crate::peers::current_thread;
use async_executor::LocalExecutor;
use futures::executor::LocalPool;
use futures::task::LocalSpawnExt;
use offtick::LocalRuntime;
use std::future::{Future, pending};
use std::time::Duration;
use tokio::runtime::Runtime;

const TASKS: usize = 100_000;
const HOUR: Duration = Duration::from_secs(3600);

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    vec![tasks(scale), timers(scale)]
}

fn tasks(scale: Scale) -> Case {
    let (many, few) = (scale.of(10_000_000), scale.of(500_000));
    let ours = ours(|_| pending());
    let tokio = tokio(|_| pending());
    let executor = LocalExecutor::new();
    let mut pool = LocalPool::new();
    let spawner = pool.spawner();
    for _ in 0..TASKS {
        executor.spawn(pending::<()>()).detach();
        spawner.spawn_local(pending()).expect("the pool lives");
    }
    // The warm-up runs the first polls.
    Case::new("tick_pending/tasks", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || frames::ticks(many, &ours)))
        .peer(Peer::rival("tokio block_on(yield_now)", move || frames::yields(few, &tokio)))
        .peer(Peer::rival("LocalExecutor::try_tick", move || {
            frames::each(many, || {
                executor.try_tick();
            })
        }))
        .peer(Peer::rival("LocalPool::run_until_stalled", move || frames::each(many, || pool.run_until_stalled())))
        .goal("offtick", Against::Figure(50.0), 1.0)
}

fn timers(scale: Scale) -> Case {
    let (many, few) = (scale.of(10_000_000), scale.of(500_000));
    // Far apart from each other as well: no two in one place of a wheel.
    let wait = |n: usize| HOUR + Duration::from_millis(n as u64);
    let ours = ours(move |n| offtick::time::sleep(wait(n)));
    let tokio = tokio(move |n| tokio::time::sleep(wait(n)));
    Case::new("tick_pending/timers", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || frames::ticks(many, &ours)).note("one look at the clock"))
        .peer(Peer::rival("tokio block_on(yield_now)", move || frames::yields(few, &tokio)))
        .goal("offtick", Against::Figure(50.0), 1.0)
}

fn ours<F: Future<Output = ()> + 'static>(wait: impl Fn(usize) -> F) -> LocalRuntime {
    let runtime = LocalRuntime::new().expect("offtick starts");
    let spawner = runtime.local_handle().clone();
    // Inside of it, where timers find it.
    let all = async move { (0..TASKS).for_each(|n| spawner.spawn(wait(n)).detach()) };
    runtime.run_until(all).expect("no tick is on");
    runtime.run_until_stalled().expect("no tick is on");
    runtime
}

fn tokio<F: Future<Output = ()> + Send + 'static>(wait: impl Fn(usize) -> F) -> Runtime {
    let runtime = current_thread().enable_all().build().expect("tokio starts");
    let entered = runtime.enter();
    (0..TASKS).for_each(|n| drop(runtime.spawn(wait(n))));
    drop(entered);
    runtime
}
