//! How soon does a polling thread see a closure done that it gave to an idle pool?

use super::{Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, Watch};
use crate::peers::{BareThread, bevy, current_thread};
use offtick::Runtime;
use poll_promise::Promise;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use threadpool::ThreadPool;

/// Long enough for a pool thread to fall asleep.
const PAUSE: Duration = Duration::from_micros(300);

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let count = scale.of(1000);
    let ours = Runtime::new().expect("offtick starts");
    let tokio = current_thread().build().expect("tokio starts");
    let pool = ThreadPool::new(2);
    let rayon = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("rayon starts");
    let bevy = bevy(2);
    let floor = BareThread::start(|done: Arc<AtomicBool>| done.store(true, Ordering::Release));
    let case = Case::new("closure_latency", Unit::Microseconds)
        .peer(Peer::ours("offtick", move || ticks(count, || ours.spawn_blocking(|| ()), offtick::Task::is_done)))
        .peer(Peer::rival("tokio", move || ticks(count, || tokio.spawn_blocking(|| ()), |task| task.is_finished())))
        .peer(Peer::rival("blocking", move || ticks(count, || blocking::unblock(|| ()), |task| task.is_finished())))
        .peer(
            Peer::rival("threadpool", move || {
                let execute = |done: Arc<AtomicBool>| pool.execute(move || done.store(true, Ordering::Release));
                flags(count, execute)
            })
            .note("a flag of the caller's for a handle"),
        )
        .peer(
            Peer::rival("rayon", move || {
                let execute = |done: Arc<AtomicBool>| rayon.spawn(move || done.store(true, Ordering::Release));
                flags(count, execute)
            })
            .note("a flag of the caller's for a handle"),
        )
        .peer(
            Peer::rival("bevy_tasks", move || ticks(count, || bevy.spawn(async {}), |task| task.is_finished()))
                .note("a future: it has no closures"),
        )
        .peer(
            Peer::rival("poll-promise", move || {
                ticks(count, || Promise::spawn_thread("closure", || ()), |promise| promise.ready().is_some())
            })
            .note("a thread for each"),
        )
        .peer(Peer::floor("FLOOR: thread parked on a channel", move || flags(count, |done| floor.send(done))))
        .goal("offtick", Against::Best, 1.05);
    vec![case]
}

fn flags(count: usize, execute: impl Fn(Arc<AtomicBool>)) -> Sample {
    let submit = || {
        let done = Arc::new(AtomicBool::new(false));
        execute(Arc::clone(&done));
        done
    };
    ticks(count, submit, |done| done.load(Ordering::Acquire))
}

fn ticks<H>(count: usize, submit: impl Fn() -> H, is_done: impl Fn(&H) -> bool) -> Sample {
    let tick = |_| {
        std::thread::sleep(PAUSE);
        let start = Instant::now();
        let handle = submit();
        spin_until(|| is_done(&handle));
        start.elapsed()
    };
    let watch = Watch::start();
    watch.stop_with_median((0..count).map(tick).collect(), 1)
}
