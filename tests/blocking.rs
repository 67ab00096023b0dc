//! The blocking pool through the front door: limits, growth, reuse, and what happens when a thread cannot be had.

mod common;

use common::{HANG, HUGE_STACK, Hog, Tally, narrow, pool_thread, runtime, settled};
use offtick::{BuildError, Builder, Status, TrySpawnError};
use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Duration;

#[test]
fn absurd_settings_are_refused_by_name() {
    let verdict = |builder: Builder| match builder.build() {
        Err(BuildError::Invalid(error)) => {
            let text = format!("{} is {}, but must be {}", error.setting(), error.given(), error.allowed());
            assert_eq!(error.to_string(), text);
            error.setting()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => "fine",
    };
    let new = Builder::new;
    assert_eq!(verdict(new().blocking_threads(0)), "blocking_threads");
    assert_eq!(verdict(new().blocking_threads(65_537)), "blocking_threads");
    assert_eq!(verdict(new().blocking_threads(usize::MAX)), "blocking_threads");
    assert_eq!(verdict(new().blocking_queue(0)), "blocking_queue");
    assert_eq!(verdict(new().blocking_stack_size(usize::MAX)), "blocking_stack_size");
    assert_eq!(verdict(new().spin(Duration::from_secs(2))), "spin");
    assert_eq!(verdict(new().spin(Duration::MAX)), "spin");
    assert_eq!(verdict(new().thread_name("a\0b")), "thread_name");
    assert_eq!(verdict(new().blocking_threads(65_536)), "fine");
    assert_eq!(verdict(new().thread_name("")), "fine");
}

#[test]
fn extreme_settings_that_are_allowed_work() {
    let builders = [
        Builder::new().blocking_queue(usize::MAX),
        Builder::new().blocking_queue(1),
        Builder::new().blocking_keep_alive(Duration::MAX),
        Builder::new().blocking_keep_alive(Duration::ZERO),
        Builder::new().blocking_threads(1),
        Builder::new().blocking_threads(65_536),
        Builder::new().blocking_stack_size(1 << 20),
        Builder::new().spin(Duration::from_micros(50)),
    ];
    for builder in builders {
        let rt = builder.build().unwrap();
        assert_eq!(settled(rt.spawn_blocking(|| 1)), 1);
        assert_eq!(settled(rt.try_spawn_blocking(|| 2).unwrap()), 2);
        assert_eq!(settled(rt.spawn(async { 3 })), 3);
    }
}

#[test]
fn a_stack_that_the_system_refuses_is_an_error_of_the_task() {
    for bytes in [1_u64 << 50, HUGE_STACK as u64].into_iter().flat_map(usize::try_from) {
        let rt = Builder::new().blocking_stack_size(bytes).build().unwrap();
        let mut task = rt.spawn_blocking(|| 1);
        let error = task.wait_timeout(HANG).expect("it is over at once").unwrap_err();
        assert!(error.downcast_ref::<std::io::Error>().is_some(), "{bytes}: {error}");
        assert_eq!(task.status(), Status::Error);
        let refused = rt.try_spawn_blocking(|| 2).expect_err("no thread");
        assert!(matches!(refused, TrySpawnError::NoThread(..)), "{bytes}");
        assert_eq!(refused.into_inner()(), 2, "the job is given back");
        assert_eq!(settled(rt.spawn(async { 3 })), 3, "futures need no pool thread");
    }
}

#[test]
fn threads_bear_their_names() {
    let rt = Builder::new().thread_name("assets").build().unwrap();
    let name = || thread::current().name().map(str::to_owned);
    assert_eq!(settled(rt.spawn(async move { name() })).as_deref(), Some("assets"));
    let pool = settled(rt.spawn_blocking(name)).unwrap();
    assert!(pool.strip_prefix("offtick-blocking-").is_some_and(|number| number.parse::<u32>().is_ok()), "{pool}");
    let default = settled(runtime().spawn(async move { name() }));
    assert_eq!(default.as_deref(), Some("offtick-reactor"));
}

#[test]
fn full_exactly_at_the_limit() {
    for limit in [1, 2, 10] {
        let rt = Builder::new().blocking_threads(1).blocking_queue(limit).build().unwrap();
        let hog = Hog::pool(rt.handle());
        let runs = Tally::new();
        let mut accepted = Vec::new();
        for _ in 0..limit {
            let ran = runs.clone();
            accepted.push(rt.try_spawn_blocking(move || ran.note()).expect("within the limit"));
        }
        assert_eq!(rt.metrics().blocking_queued, limit as u64);
        for _ in 0..3 {
            let ran = runs.clone();
            let refused = rt.try_spawn_blocking(move || {
                ran.note();
                "the very job"
            });
            let refused = refused.expect_err("one above the limit");
            assert!(refused.is_full());
            let job = refused.into_inner();
            assert_eq!(job(), "the very job");
        }
        assert!(rt.try_run_blocking(|| Ok::<_, &str>(())).is_err_and(|refused| refused.is_full()));
        // The plain verb does not look at the limit; its closure still takes a place.
        let ran = runs.clone();
        let beyond = rt.spawn_blocking(move || ran.note());
        hog.release();
        accepted.into_iter().for_each(settled);
        settled(beyond);
        assert_eq!(runs.count(), 3 + limit + 1);
        let again = rt.try_spawn_blocking(|| ()).expect("there is room again");
        settled(again);
    }
}

#[test]
fn a_place_in_the_queue_comes_back_when_the_waiting_closure_is_cancelled_or_run() {
    let rt = Builder::new().blocking_threads(1).blocking_queue(1).build().unwrap();
    let hog = Hog::pool(rt.handle());
    let waiting = rt.try_spawn_blocking(|| ()).unwrap();
    assert!(waiting.cancel());
    hog.release();
    pool_thread(rt.handle());
    settled(rt.try_spawn_blocking(|| ()).expect("the cancelled one has left the queue"));
}

#[test]
fn the_limit_holds_under_racing_submitters() {
    const LIMIT: usize = 100;
    let rt = Builder::new().blocking_threads(1).blocking_queue(LIMIT).build().unwrap();
    let hog = Hog::pool(rt.handle());
    let accepted: Vec<_> = thread::scope(|scope| {
        let submitters: Vec<_> = (0..4)
            .map(|_| scope.spawn(|| (0..LIMIT).filter_map(|_| rt.try_spawn_blocking(|| ()).ok()).collect::<Vec<_>>()))
            .collect();
        submitters.into_iter().flat_map(|submitter| submitter.join().unwrap()).collect()
    });
    assert_eq!(accepted.len(), LIMIT);
    hog.release();
    accepted.into_iter().for_each(settled);
}

#[test]
fn a_burst_of_tiny_closures_starts_few_threads() {
    const BURST: usize = 100_000;
    let rt = runtime();
    let sum = Arc::new(AtomicUsize::new(0));
    for _ in 0..BURST {
        let sum = Arc::clone(&sum);
        rt.spawn_blocking(move || sum.fetch_add(1, SeqCst)).detach();
    }
    common::until(|| sum.load(SeqCst) == BURST);
    let metrics = rt.metrics();
    let cores = thread::available_parallelism().unwrap().get() as u64;
    assert_eq!(metrics.blocking_started, BURST as u64);
    assert!(metrics.blocking_threads_peak <= 4 * cores + 8, "{metrics:?}");
}

#[test]
fn closures_that_block_all_get_a_thread() {
    const BLOCKED: usize = 60;
    let rt = runtime();
    let barrier = Arc::new(Barrier::new(BLOCKED));
    let tasks: Vec<_> = (0..BLOCKED)
        .map(|_| {
            let barrier = Arc::clone(&barrier);
            rt.spawn_blocking(move || barrier.wait().is_leader())
        })
        .collect();
    let leaders = tasks.into_iter().map(settled).filter(|leads| *leads).count();
    assert_eq!(leaders, 1);
    assert!(rt.metrics().blocking_threads_peak >= BLOCKED as u64);
}

#[test]
fn never_more_threads_than_allowed() {
    let rt = Builder::new().blocking_threads(3).build().unwrap();
    let (now, peak) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let tasks: Vec<_> = (0..300)
        .map(|_| {
            let (now, peak) = (Arc::clone(&now), Arc::clone(&peak));
            rt.spawn_blocking(move || {
                peak.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                thread::yield_now();
                now.fetch_sub(1, SeqCst);
            })
        })
        .collect();
    tasks.into_iter().for_each(settled);
    assert!(peak.load(SeqCst) <= 3 && rt.metrics().blocking_threads_peak <= 3);
}

#[test]
fn closures_spawn_closures() {
    fn tree(rt: &offtick::Handle, depth: u32, leaves: &Tally) {
        if depth == 0 {
            return leaves.note();
        }
        for _ in 0..2 {
            let (rt, leaves) = (rt.clone(), leaves.clone());
            rt.clone().spawn_blocking(move || tree(&rt, depth - 1, &leaves)).detach();
        }
    }
    for rt in [narrow(), runtime()] {
        let leaves = Tally::new();
        tree(rt.handle(), 8, &leaves);
        leaves.wait_for(256);
    }
}

#[test]
fn closures_that_wait_for_the_closures_they_spawned_do_not_starve() {
    fn depth(rt: &offtick::Handle, left: u32) -> u32 {
        if left == 0 {
            return 0;
        }
        let inner = rt.clone();
        settled(rt.spawn_blocking(move || depth(&inner, left - 1))) + 1
    }
    let rt = runtime();
    assert_eq!(depth(rt.handle(), 30), 30);
}

#[test]
fn threads_are_used_again() {
    let rt = narrow();
    let first = pool_thread(rt.handle());
    assert!((0..200).all(|_| pool_thread(rt.handle()) == first));

    let rt = runtime();
    let threads: HashSet<_> = (0..500).map(|_| pool_thread(rt.handle())).collect();
    let cores = thread::available_parallelism().unwrap().get();
    assert!(threads.len() <= 4 * cores + 8, "{} threads for one closure at a time", threads.len());
    assert_eq!(rt.metrics().blocking_started, 500);
}

#[test]
fn idle_threads_leave() {
    let rt = Builder::new().blocking_keep_alive(Duration::ZERO).build().unwrap();
    for _ in 0..3 {
        pool_thread(rt.handle());
        common::until(|| rt.metrics().blocking_threads == 0);
    }
    assert_eq!(settled(rt.spawn_blocking(|| 4)), 4, "and come back");
}

#[test]
fn a_closure_that_runs_on_after_its_task_shows_until_it_returns() {
    let clock = offtick::time::Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(3).build().unwrap();
    let (release, blocked) = std::sync::mpsc::channel::<()>();
    let limited = rt.task().name("late").timeout(Duration::from_secs(1));
    let mut late = limited.spawn_blocking(move |_cx| blocked.recv().is_err());
    common::until(|| late.status() == Status::Running);
    clock.advance(Duration::from_secs(5));
    assert!(late.wait_timeout(HANG).unwrap().unwrap_err().is_timeout());
    let (release_cancelled, blocked) = std::sync::mpsc::channel::<()>();
    let cancelled = rt.task().name("cancelled").spawn_blocking(move |_cx| blocked.recv().is_err());
    common::until(|| cancelled.status() == Status::Running);
    assert!(cancelled.cancel());

    let tasks = rt.tasks();
    let left: Vec<_> = tasks.iter().filter(|task| task.is_left_running()).map(|task| task.name().unwrap()).collect();
    assert_eq!(left, ["late", "cancelled"]);
    assert_eq!(tasks[0].age(), Duration::from_secs(5));
    assert_eq!(rt.metrics().blocking_left_running, 2);
    // Both of the threads that may be at work hang: a third one takes their place.
    assert_eq!(settled(rt.spawn_blocking(|| 3)), 3);

    drop(release_cancelled);
    common::until(|| rt.metrics().blocking_left_running == 1);
    let report = rt.shutdown(Duration::ZERO);
    assert!(report.blocking_left >= 1 && !report.is_clean());
    let left: Vec<_> = report.left_running.iter().map(|task| (task.name(), task.is_left_running())).collect();
    assert_eq!(left, [(Some("late"), true)]);
    drop(release);
}

#[test]
fn a_lower_priority_is_set_or_its_refusal_is_reported() {
    let rt = Builder::new().blocking_priority(offtick::ThreadPriority::BelowNormal).build().unwrap();
    assert_eq!(rt.metrics().blocking_priority_refused, None, "no thread was started");
    assert_eq!(settled(rt.spawn_blocking(|| 7)), 7);
    let refused = rt.metrics().blocking_priority_refused;
    if cfg!(all(feature = "priority", target_os = "linux")) {
        assert_eq!(refused, None);
    } else if cfg!(not(feature = "priority")) {
        assert_eq!(refused, Some(offtick::PriorityRefused::Unsupported));
    }
    assert_eq!(runtime().metrics().blocking_priority_refused, None);
}

#[cfg(all(feature = "priority", target_os = "linux"))]
#[test]
fn pool_threads_below_normal_leave_the_other_threads_as_they_are() {
    fn nice() -> i32 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
        stat.rsplit_once(") ").unwrap().1.split(' ').nth(16).unwrap().parse().unwrap()
    }
    let before = nice();
    let rt = Builder::new().blocking_priority(offtick::ThreadPriority::BelowNormal).build().unwrap();
    assert!(settled(rt.spawn_blocking(nice)) > before.min(4));
    assert_eq!((nice(), settled(rt.spawn(async { nice() }))), (before, before));
}
