//! What several workloads have their peers do.

use super::{YieldOnce, wait_until};
use crate::measure::{Sample, Watch, timed};
use std::collections::VecDeque;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::task::{Context, Waker};

/// `count` tasks from this thread, from the first spawn until it has seen them all done.
pub(super) fn flood<H>(count: usize, spawn: impl FnMut(usize) -> H, mut is_done: impl FnMut(&mut H) -> bool) -> Sample {
    let mut handles = Vec::with_capacity(count);
    timed(count, || {
        handles.extend((0..count).map(spawn));
        // They run in order, or nearly so: with the last one done there is hardly any to wait for.
        for handle in handles.iter_mut().rev() {
            wait_until(|| is_done(handle));
        }
    })
}

/// A task that yields so many times.
pub(super) async fn yielding(each: usize) {
    for _ in 0..each {
        YieldOnce::default().await;
    }
}

/// So many tasks at once, from the first spawn until all have ended; each does `each` operations.
pub(super) async fn together<H: Future>(tasks: usize, each: usize, spawn: impl Fn() -> H) -> Sample {
    let watch = Watch::start();
    let handles: Vec<H> = (0..tasks).map(|_| spawn()).collect();
    for handle in handles {
        handle.await;
    }
    watch.stop(tasks * each)
}

/// `count` tasks, of which `wave` are spawned at a time and then awaited.
pub(super) async fn waves<H: Future>(count: usize, wave: usize, spawn: impl Fn(usize) -> H) -> Sample {
    let mut handles = Vec::with_capacity(wave);
    let watch = Watch::start();
    for start in (0..count).step_by(wave) {
        handles.extend((start..start + wave).map(&spawn));
        for handle in handles.drain(..) {
            black_box(handle.await);
        }
    }
    watch.stop(count)
}

/// Boxed futures in a queue, polled in turn, without wakers and handles: what [`together`] costs at the least.
pub(super) fn bare_queue<F>(tasks: usize, each: usize, make: impl Fn() -> F) -> Sample
where
    F: Future<Output = ()> + 'static,
{
    timed(tasks * each, || {
        let mut queue: VecDeque<Pin<Box<dyn Future<Output = ()>>>> = VecDeque::new();
        queue.extend((0..tasks).map(|_| Box::pin(make()) as _));
        let mut cx = Context::from_waker(Waker::noop());
        while let Some(mut future) = queue.pop_front() {
            if future.as_mut().poll(&mut cx).is_pending() {
                queue.push_back(future);
            }
        }
    })
}
