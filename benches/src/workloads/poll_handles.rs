//! What does a tick pay per pending handle that it looks at, with the handles in the cache and not?

use super::{Scale, cold};
use crate::measure::{Against, Case, Peer, Sample, Unit, timed};
use crate::peers::{OnThread, Tokio, bevy};
use async_executor::Executor;
use bevy_tasks::futures::check_ready;
use bevy_tasks::{block_on, poll_once};
use offtick::{LocalRuntime, Runtime};
use poll_promise::Promise;
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};

const HANDLES: usize = 10_000;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    vec![
        case("poll_handles/hot", scale.of(500), false)
            .goal("offtick", Against::Figure(1.05), 1.0)
            .goal("offtick", Against::Peer("tokio current_thread"), 1.0),
        case("poll_handles/cold", scale.of(25), true)
            .goal("offtick", Against::Figure(10.0), 1.0)
            .goal("offtick", Against::Peer("tokio current_thread"), 1.0),
    ]
}

fn case(name: &'static str, scans: usize, cold: bool) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    let local = LocalRuntime::new().expect("offtick starts");
    let tokio = Tokio::start();
    let executor = OnThread::<Executor<'static>>::start();
    let pool = bevy(1);
    let mut our_handles = handles(|| ours.spawn(pending::<()>()));
    let mut for_values = handles(|| ours.spawn(pending::<()>()));
    let mut local_handles = handles(|| local.spawn(pending::<()>()));
    let mut tokio_handles = handles(|| tokio.handle().spawn(pending::<()>()));
    let mut executor_handles = handles(|| executor.executor().spawn(pending::<()>()));
    let mut once = handles(|| pool.spawn(pending::<()>()));
    let mut checked = handles(|| pool.spawn(pending::<()>()));
    let mut promises = handles(Promise::<u64>::new);
    let mut bytes = handles(|| AtomicBool::new(false));
    let scan = Scan { scans, cold };
    Case::new(name, Unit::Nanoseconds)
        .peer(Peer::ours("offtick", move || {
            let _alive = &ours;
            scan.run(&mut our_handles, |task| task.is_done())
        }))
        .peer(
            Peer::ours("offtick result()", move || scan.run(&mut for_values, |task| task.result().is_some()))
                .note("the value as well"),
        )
        .peer(Peer::ours("offtick LocalRuntime", move || {
            let _alive = &local;
            scan.run(&mut local_handles, |task| task.is_done())
        }))
        .peer(Peer::rival("tokio current_thread", move || {
            let _alive = &tokio;
            scan.run(&mut tokio_handles, |task| task.is_finished())
        }))
        .peer(
            Peer::rival("async-executor Executor", move || {
                let _alive = &executor;
                scan.run(&mut executor_handles, |task| task.is_finished())
            })
            .note("bevy's and smol's task, too"),
        )
        .peer(
            Peer::rival("bevy block_on(poll_once(task))", move || {
                let _alive = &pool;
                scan.run(&mut once, |task| block_on(poll_once(task)).is_some())
            })
            .note("its idiom; the value as well"),
        )
        .peer(
            Peer::rival("bevy check_ready(task)", move || scan.run(&mut checked, |task| check_ready(task).is_some()))
                .note("the value as well"),
        )
        .peer(
            Peer::rival("poll-promise ready()", move || {
                scan.run(&mut promises, |(_, promise)| promise.ready().is_some())
            })
            .note("the value as well"),
        )
        .peer(Peer::floor("FLOOR: contiguous flags", move || {
            scan.run(&mut bytes, |flag| flag.load(Ordering::Acquire))
        }))
}

fn handles<H>(one: impl Fn() -> H) -> Vec<H> {
    (0..HANDLES).map(|_| one()).collect()
}

#[derive(Clone, Copy)]
struct Scan {
    scans: usize,
    cold: bool,
}

impl Scan {
    fn run<H>(self, handles: &mut [H], is_done: impl Fn(&mut H) -> bool) -> Sample {
        let count = handles.len();
        let mut look = || assert_eq!(handles.iter_mut().map(&is_done).filter(|&done| done).count(), 0);
        if self.cold {
            return cold::looks(self.scans, count, look);
        }
        timed(self.scans * count, || (0..self.scans).for_each(|_| look()))
    }
}
