//! What does it cost a task to yield, 1000 tasks with 1000 yields each?

use super::{Scale, YieldOnce};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch, timed};
use crate::peers::current_thread;
use async_executor::{Executor, StaticExecutor};
use futures_lite::future;
use offtick::Runtime;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Waker};
use tokio::task::LocalSet;

const TASKS: usize = 1000;

pub(super) fn cases(_: Scale) -> Vec<Case> {
    let each = 1000;
    let ours = Runtime::new().expect("offtick starts");
    let tokio = current_thread().enable_all().build().expect("tokio starts");
    let local = current_thread().enable_all().build().expect("tokio starts");
    let executor: &'static Executor<'static> = Box::leak(Box::new(Executor::new()));
    let fixed: &'static StaticExecutor = Box::leak(Box::new(StaticExecutor::new()));
    let case = Case::new("yields", Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || {
            let handle = ours.handle().clone();
            ours.spawn(all(each, move || handle.spawn(yielding(each)))).wait().expect("it ends")
        }))
        .peer(Peer::rival("tokio current_thread", move || tokio.block_on(all(each, || tokio::spawn(yielding(each))))))
        .peer(Peer::rival("tokio LocalSet", move || {
            LocalSet::new().block_on(&local, all(each, || tokio::task::spawn_local(yielding(each))))
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            future::block_on(executor.run(all(each, || executor.spawn(yielding(each)))))
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            future::block_on(fixed.run(all(each, || fixed.spawn(yielding(each)))))
        }))
        .peer(Peer::floor("FLOOR: VecDeque of boxed futures", move || floor(each)).note("no waker, no handle"))
        .goal("offtick", Against::Peer("tokio LocalSet"), 0.45);
    vec![case]
}

async fn yielding(each: usize) {
    for _ in 0..each {
        YieldOnce::default().await;
    }
}

async fn all<H: Future>(each: usize, spawn: impl Fn() -> H) -> Sample {
    let watch = Watch::start();
    let handles: Vec<H> = (0..TASKS).map(|_| spawn()).collect();
    for handle in handles {
        handle.await;
    }
    watch.stop(TASKS * each)
}

fn floor(each: usize) -> Sample {
    timed(TASKS * each, || {
        let mut queue: VecDeque<Pin<Box<dyn Future<Output = ()>>>> = VecDeque::new();
        queue.extend((0..TASKS).map(|_| Box::pin(yielding(each)) as _));
        let mut cx = Context::from_waker(Waker::noop());
        while let Some(mut future) = queue.pop_front() {
            if future.as_mut().poll(&mut cx).is_pending() {
                queue.push_back(future);
            }
        }
    })
}
