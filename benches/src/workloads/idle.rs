//! How many context switches does a runtime make in a second in which its one task waits? (On Linux.)

use super::Scale;
use crate::measure::{Against, Case, Peer, Sample, Unit};
use crate::peers::{OnThread, Tokio, bevy, one_worker};
use async_executor::{Executor, StaticExecutor};
use offtick::Runtime;
use std::collections::HashSet;
use std::fs;
use std::future::pending;
use std::time::Duration;

/// Until all of a runtime's threads have come to rest.
const SETTLE: Duration = Duration::from_millis(100);
/// Their threads, each of which has its own file.
const THREADS: &str = "/proc/self/task";

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    if threads().is_empty() {
        return Vec::new();
    }
    let span = Duration::from_millis(scale.of(1000) as u64);
    let case = Case::new("idle", Unit::Switches)
        .peer(Peer::ours("offtick", move || {
            idle(span, || {
                let runtime = Runtime::new().expect("offtick starts");
                let task = runtime.spawn(pending::<()>());
                (runtime, task)
            })
        }))
        .peer(Peer::rival("tokio current_thread", move || {
            idle(span, || {
                let tokio = Tokio::start();
                drop(tokio.handle().spawn(pending::<()>()));
                tokio
            })
        }))
        .peer(Peer::rival("tokio multi_thread, one worker", move || {
            idle(span, || {
                let tokio = one_worker();
                drop(tokio.spawn(pending::<()>()));
                tokio
            })
        }))
        .peer(Peer::rival("async-executor StaticExecutor", move || {
            idle(span, || {
                let executor = OnThread::<StaticExecutor>::start();
                let task = executor.executor().spawn(pending::<()>());
                (task, executor)
            })
        }))
        .peer(
            Peer::rival("smol", move || {
                idle(span, || {
                    let executor: OnThread<Executor<'static>> = OnThread::start_smol();
                    let task = executor.executor().spawn(pending::<()>());
                    (task, executor)
                })
            })
            .note("without the thread of async-io, which the warm-up starts"),
        )
        .peer(Peer::rival("bevy_tasks, one thread", move || {
            idle(span, || {
                let pool = bevy(1);
                let task = pool.spawn(pending::<()>());
                (task, pool)
            })
        }))
        // None at all.
        .goal("offtick", Against::Figure(1.0), 0.0);
    vec![case]
}

/// Switches a second of the threads that `start` starts.
fn idle<R>(span: Duration, start: impl FnOnce() -> R) -> Sample {
    let others = threads();
    let runtime = start();
    std::thread::sleep(SETTLE);
    let switches = || threads().difference(&others).map(|thread| switches(thread)).sum::<u64>();
    let before = switches();
    std::thread::sleep(span);
    let made = switches() - before;
    drop(runtime);
    Sample::number(made as f64 / span.as_secs_f64())
}

/// The threads of this process by their numbers.
fn threads() -> HashSet<String> {
    let entries = fs::read_dir(THREADS).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().into_string().ok()).collect()
}

fn switches(thread: &str) -> u64 {
    let status = fs::read_to_string(format!("{THREADS}/{thread}/status")).unwrap_or_default();
    let counts = status.lines().filter(|line| line.contains("voluntary_ctxt_switches"));
    counts.filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).sum()
}
