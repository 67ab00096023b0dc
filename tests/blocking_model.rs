//! Random programs of closures against a simple model: each runs once, in order, never more at a time than the limit allows,
//! and waits for earlier closures never deadlock.

mod common;

use common::{HANG, Hog, quiet_planned_panics, settled, until};
use offtick::{Builder, Handle, Priority, Task};
use proptest::prelude::*;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

/// What one closure of a program does.
#[derive(Clone, Debug)]
enum Step {
    Return,
    Panic,
    /// Waits for the closure that was submitted so many places earlier.
    WaitForEarlier(usize),
    /// Submits another closure from the pool thread.
    Submit,
    /// Is cancelled by the submitter right after its submission.
    Cancelled,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => Just(Step::Return),
        1 => Just(Step::Panic),
        4 => (1..20_usize).prop_map(Step::WaitForEarlier),
        1 => Just(Step::Submit),
        1 => Just(Step::Cancelled),
    ];
    proptest::collection::vec(step, 1..80)
}

/// Notes what runs, and how much of it at a time.
#[derive(Default)]
struct Log {
    started: Mutex<Vec<usize>>,
    submitted_inside: AtomicUsize,
    ran_inside: AtomicUsize,
    running: AtomicUsize,
    peak: AtomicUsize,
}

impl Log {
    fn start(&self, job: usize) {
        self.started.lock().unwrap().push(job);
        self.peak.fetch_max(self.running.fetch_add(1, SeqCst) + 1, SeqCst);
    }

    fn end(&self) {
        self.running.fetch_sub(1, SeqCst);
    }
}

fn run(rt: &Handle, steps: &[Step], log: &Arc<Log>) -> Vec<offtick::SharedTask<()>> {
    let mut tasks: Vec<offtick::SharedTask<()>> = Vec::new();
    for (job, step) in steps.iter().enumerate() {
        let (log, inner, step) = (Arc::clone(log), rt.clone(), step.clone());
        let cancelled = matches!(step, Step::Cancelled);
        let earlier = match step {
            Step::WaitForEarlier(back) => job.checked_sub(back).map(|earlier| tasks[earlier].clone()),
            _ => None,
        };
        let task: Task<()> = rt.spawn_blocking(move || {
            log.start(job);
            if let Some(earlier) = earlier {
                // Whatever became of it, it has ended.
                let ended = earlier.wait_timeout(HANG).expect("no deadlock");
                assert!(!matches!(ended, Err(offtick::TaskError::WouldDeadlock)), "refused");
            }
            if let Step::Submit = step {
                log.submitted_inside.fetch_add(1, SeqCst);
                let theirs = Arc::clone(&log);
                inner.spawn_blocking(move || theirs.ran_inside.fetch_add(1, SeqCst)).detach();
            }
            log.end();
            if let Step::Panic = step {
                std::panic::panic_any(common::PLANNED);
            }
        });
        if cancelled {
            task.cancel();
        }
        tasks.push(task.share());
    }
    tasks
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn programs_with_waits_for_earlier_closures(threads in 1..6_usize, held in any::<bool>(), steps in steps()) {
        quiet_planned_panics();
        let rt = Builder::new().blocking_threads(threads).build().unwrap();
        let hog = held.then(|| Hog::pool(rt.handle()));
        let log = Arc::new(Log::default());
        let tasks = run(rt.handle(), &steps, &log);
        if let Some(hog) = hog {
            hog.release();
        }
        for (task, step) in tasks.iter().zip(&steps) {
            let ended = task.wait_timeout(HANG).expect("nothing is lost").is_ok();
            match step {
                Step::Panic => prop_assert!(!ended),
                // It may have finished before.
                Step::Cancelled => {}
                _ => prop_assert!(ended, "{:?}", task.status()),
            }
        }
        until(|| log.ran_inside.load(SeqCst) == log.submitted_inside.load(SeqCst));
        until(|| log.running.load(SeqCst) == 0);
        prop_assert!(log.peak.load(SeqCst) <= threads);

        let started = log.started.lock().unwrap();
        let mut once = started.clone();
        once.sort_unstable();
        once.dedup();
        prop_assert_eq!(once.len(), started.len(), "nothing runs twice");
        let expected = steps.iter().filter(|step| !matches!(step, Step::Cancelled)).count();
        prop_assert!(once.len() >= expected);
        for (position, job) in started.iter().enumerate() {
            let overtaken = started[position..].iter().filter(|later| *later < job).count();
            prop_assert!(overtaken < threads, "closure {} overtook {}", job, overtaken);
        }
    }

    /// With one thread, levels and their bounds decide, and within a level the order of submission.
    #[test]
    fn levels_in_order(levels in proptest::collection::vec(0..3_usize, 1..120)) {
        let rt = Builder::new().blocking_threads(1).build().unwrap();
        let hog = Hog::pool(rt.handle());
        let log: Arc<Mutex<Vec<usize>>> = Arc::default();
        let tasks: Vec<_> = levels.iter().enumerate().map(|(job, &level)| {
            let log = Arc::clone(&log);
            rt.task().priority(Priority::ALL[level]).spawn_blocking(move |_cx| log.lock().unwrap().push(job))
        }).collect();
        hog.release();
        tasks.into_iter().for_each(settled);
        let log = log.lock().unwrap();
        for level in 0..3 {
            let of_level: Vec<_> = log.iter().copied().filter(|&job| levels[job] == level).collect();
            prop_assert!(of_level.is_sorted());
        }
        // A level that waits is passed over at most so often in a row.
        for (level, bound) in [(1, 8), (2, 33)] {
            let last = log.iter().rposition(|&job| levels[job] == level).unwrap_or(0);
            let passes = log[..last].split(|&job| levels[job] == level).map(|run| {
                run.iter().filter(|&&job| levels[job] < level).count()
            });
            prop_assert!(passes.max().unwrap_or(0) <= bound, "{:?}", log);
        }
    }
}

// ---- Faults ----------------------------------------------------------------------------------------------------------

#[test]
fn a_million_queued_closures_are_run_in_order() {
    const JOBS: usize = 1_000_000;
    let rt = Builder::new().blocking_threads(1).build().unwrap();
    let hog = Hog::pool(rt.handle());
    let next = Arc::new(AtomicUsize::new(0));
    for job in 0..JOBS {
        let next = Arc::clone(&next);
        let in_turn = move || assert_eq!(next.fetch_add(1, SeqCst), job);
        rt.spawn_blocking(in_turn).detach();
    }
    assert_eq!(rt.metrics().blocking_queued, JOBS as u64);
    hog.release();
    until(|| next.load(SeqCst) == JOBS);
}

#[test]
fn queued_closures_cancelled_in_random_order_never_run_and_the_others_run_in_order() {
    let rt = Builder::new().blocking_threads(1).build().unwrap();
    let hog = Hog::pool(rt.handle());
    let log: Arc<Mutex<Vec<usize>>> = Arc::default();
    let mut tasks: Vec<_> = (0..2_000)
        .map(|job| {
            let log = Arc::clone(&log);
            (job, rt.spawn_blocking(move || log.lock().unwrap().push(job)))
        })
        .collect();
    // A fixed scatter of all of them: 7 and 2,000 have no common divisor.
    tasks.sort_by_key(|(job, _)| job * 7 % 2_000);
    let kept: Vec<_> = tasks.into_iter().filter(|(job, task)| job % 5 == 0 || !task.cancel()).collect();
    assert_eq!(kept.len(), 400);
    hog.release();
    kept.into_iter().for_each(|(_, task)| settled(task));
    assert!(log.lock().unwrap().iter().copied().eq((0..2_000).step_by(5)));
}

#[test]
fn a_closure_that_shuts_its_runtime_down_ends_and_the_queued_ones_never_run() {
    let rt = Builder::new().blocking_threads(1).build().unwrap();
    let hog = Hog::pool(rt.handle());
    let handle = rt.handle().clone();
    let (report, reported) = std::sync::mpsc::channel();
    handle.spawn_blocking(move || report.send(rt.shutdown(HANG)).unwrap()).detach();
    let queued = handle.spawn_blocking(|| unreachable!("the runtime was shut down first"));
    hog.release();
    let report = reported.recv_timeout(HANG).expect("it does not wait for its own thread");
    assert!(report.reactor_stopped && report.blocking_left == 1);
    until(|| queued.is_done());
    assert!(matches!(queued.error(), Some(offtick::TaskError::RuntimeGone)));
}

#[test]
fn a_captured_value_that_submits_as_it_is_dropped_is_served() {
    let rt = Builder::new().blocking_threads(1).build().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    let (handle, counter) = (rt.handle().clone(), Arc::clone(&ran));
    let submits = common::OnDrop::new(move || {
        handle.spawn_blocking(move || counter.fetch_add(1, SeqCst)).detach();
    });
    let hog = Hog::pool(rt.handle());
    // Cancelled while it waits: the pool drops its body.
    rt.spawn_blocking(move || drop(submits)).cancel();
    hog.release();
    until(|| ran.load(SeqCst) == 1);
}

#[test]
fn the_same_program_runs_in_the_ticks_of_a_host() {
    let rt = offtick::LocalBuilder::new().blocking_inline().build().unwrap();
    let log: Arc<Mutex<Vec<usize>>> = Arc::default();
    let tasks: Vec<Task<()>> = (0..100)
        .map(|job| {
            let log = Arc::clone(&log);
            rt.spawn_blocking(move || log.lock().unwrap().push(job))
        })
        .collect();
    let mut ticks = 0;
    while !tasks.iter().all(Task::is_done) {
        rt.tick(offtick::Budget::polls(7)).unwrap();
        ticks += 1;
        assert!(log.lock().unwrap().len() <= 7 * ticks);
    }
    assert!(log.lock().unwrap().iter().copied().eq(0..100));
}
