//! What does a tick pay per pending handle that it looks at, with the handles in the cache and not?

use super::Scale;
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::{OnThread, Tokio};
use async_executor::Executor;
use offtick::Runtime;
use std::future::pending;
use std::hint::black_box;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

const HANDLES: usize = 10_000;
/// More than the caches hold.
const SWEEP: usize = 64 << 20;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    vec![
        case("poll_handles/hot", scale.of(1000), false)
            .goal("offtick", Against::Figure(1.05), 1.0)
            .goal("offtick", Against::Peer("tokio current_thread"), 1.0),
        case("poll_handles/cold", scale.of(50), true)
            .goal("offtick", Against::Figure(10.0), 1.0)
            .goal("offtick", Against::Peer("tokio current_thread"), 1.0),
    ]
}

fn case(name: &'static str, scans: usize, cold: bool) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let executor = OnThread::<Executor<'static>>::start();
    let our_handles: Vec<_> = (0..HANDLES).map(|_| ours.spawn(pending::<()>())).collect();
    let tokio_handles: Vec<_> = (0..HANDLES).map(|_| tokio.handle().spawn(pending::<()>())).collect();
    let executor_handles: Vec<_> = (0..HANDLES).map(|_| executor.executor().spawn(pending::<()>())).collect();
    let bytes: Vec<_> = (0..HANDLES).map(|_| AtomicBool::new(false)).collect();
    Case::new(name, Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || {
            let _alive = &ours;
            scan(scans, cold, &our_handles, offtick::Task::is_done)
        }))
        .peer(Peer::rival("tokio current_thread", move || {
            let _alive = &tokio;
            scan(scans, cold, &tokio_handles, |task| task.is_finished())
        }))
        .peer(Peer::rival("async-executor Executor", move || {
            let _alive = &executor;
            scan(scans, cold, &executor_handles, |task| task.is_finished())
        }))
        .peer(Peer::floor("FLOOR: contiguous flags", move || {
            scan(scans, cold, &bytes, |flag| flag.load(Ordering::Acquire))
        }))
}

fn scan<H>(scans: usize, cold: bool, handles: &[H], is_done: impl Fn(&H) -> bool) -> Sample {
    let look = || assert_eq!(handles.iter().filter(|&handle| is_done(handle)).count(), 0);
    let watch = Watch::start();
    if !cold {
        (0..scans).for_each(|_| look());
        return watch.stop(scans * handles.len());
    }
    let mut buffer = vec![0_u8; SWEEP];
    let cold_look = |_| {
        buffer.iter_mut().step_by(64).for_each(|byte| *byte = byte.wrapping_add(1));
        black_box(&buffer);
        let start = Instant::now();
        look();
        start.elapsed()
    };
    // Nearly all of the CPU time is that of the sweeps.
    watch.stop_with_median((0..scans).map(cold_look).collect(), handles.len()).without_cpu()
}
