//! How many bytes, in how many allocations, does a pending task with a 64-byte future hold?

use super::{Scale, wait_until};
use crate::counting::growth;
use crate::measure::{Against, Case, Peer, Sample, Unit};
use crate::peers::{OnThread, Tokio};
use async_executor::{Executor, StaticExecutor};
use offtick::Runtime;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

static POLLED: AtomicUsize = AtomicUsize::new(0);

/// 64 bytes, for ever pending.
struct Pending([u64; 8]);

impl Future for Pending {
    type Output = u64;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<u64> {
        std::hint::black_box(&self.0);
        POLLED.fetch_add(1, Ordering::Release);
        Poll::Pending
    }
}

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    vec![case("memory/bytes", Unit::Bytes, scale, 112.0), case("memory/allocations", Unit::Allocations, scale, 1.01)]
}

fn case(name: &'static str, unit: Unit, scale: Scale, goal: f64) -> Case {
    let count = scale.of(100_000);
    Case::new(name, unit)
        .peer(
            Peer::ours("offtick", move || {
                let rt = Runtime::new().expect("offtick starts");
                hold(unit, count, |future| rt.spawn(future))
            })
            .note("the owner list among them"),
        )
        .peer(Peer::rival("tokio current_thread", move || {
            let rt = Tokio::start();
            hold(unit, count, |future| rt.handle().spawn(future))
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            let rt = OnThread::<Executor<'static>>::start();
            hold(unit, count, |future| rt.executor().spawn(future))
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            let rt = OnThread::<StaticExecutor>::start();
            hold(unit, count, |future| rt.executor().spawn(future))
        }))
        .goal("offtick", Against::Figure(goal), 1.0)
}

/// `raw` of the sample is bytes or allocations a task. The handles' own array is not counted.
fn hold<H>(unit: Unit, count: usize, spawn: impl Fn(Pending) -> H) -> Sample {
    let mut handles = Vec::with_capacity(count);
    POLLED.store(0, Ordering::Release);
    let ((), bytes, blocks) = growth(|| {
        handles.extend((0..count as u64).map(|n| spawn(Pending([n; 8]))));
        wait_until(|| POLLED.load(Ordering::Acquire) >= count);
    });
    // Cancelled here, while the runtime is still there to let them go.
    drop(handles);
    let total = if unit == Unit::Bytes { bytes } else { blocks };
    Sample::number(total as f64 / count as f64)
}
