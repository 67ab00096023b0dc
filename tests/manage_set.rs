//! `TaskSet`: each finished task once, in the order of the ends, and nothing for the rest.
#![cfg(feature = "toolkit")]

mod common;
#[path = "common/gate.rs"]
mod gate;

use gate::Gate;
use offtick::{Runtime, Task, TaskError, TaskSet};
use proptest::prelude::*;
use std::collections::{BTreeSet, HashMap};
use std::future::pending;
use std::hash::{Hash, Hasher};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::time::Duration;

/// Ticks until `count` tasks came out.
fn collect<T>(set: &mut TaskSet<u32, T>, count: usize) -> Vec<(u32, Result<T, TaskError>)> {
    let mut seen = Vec::new();
    while seen.len() < count {
        seen.extend(set.drain_finished());
        std::thread::yield_now();
    }
    seen
}

#[test]
fn gives_each_end_once_in_order() {
    let rt = Runtime::new().unwrap();
    let gates: Vec<_> = (0..5).map(|_| Gate::new()).collect();
    let mut set = TaskSet::new();
    for (key, gate) in (0..).zip(&gates) {
        let gate = gate.clone();
        assert!(set.insert(key, rt.spawn(async move { gate.passed().await })).is_none());
    }
    assert_eq!(set.drain_finished().count(), 0);
    for key in [3, 0, 4, 1, 2] {
        gates[key as usize].open();
        assert_eq!(collect(&mut set, 1)[0].0, key);
        assert!(!set.contains_key(&key));
        assert_eq!(set.drain_finished().count(), 0);
    }
    assert!(set.is_empty());
}

#[test]
fn a_task_that_is_over_when_it_is_put_in_comes_out() {
    let rt = Runtime::new().unwrap();
    let task = rt.spawn(async { 7 });
    while !task.is_done() {
        std::thread::yield_now();
    }
    let mut set = TaskSet::new();
    set.insert(1, task);
    assert!(matches!(collect(&mut set, 1)[..], [(1, Ok(7))]));
}

#[test]
fn every_kind_of_end_comes_out() {
    let rt = Runtime::new().unwrap();
    let mut set: TaskSet<u32, u32> = TaskSet::new();
    set.insert(0, rt.spawn(async { 1 }));
    set.insert(1, rt.run(async { Err::<u32, _>("no") }));
    set.insert(2, rt.spawn(async { panic!("member of a set") }));
    set.insert(3, rt.spawn(pending()));
    set.insert(4, rt.spawn_blocking(|| panic!("member of a set")));
    assert!(set.get(&3).unwrap().cancel());
    let ends: HashMap<_, _> = collect(&mut set, 5).into_iter().collect();
    assert!(matches!(ends[&0], Ok(1)));
    assert!(matches!(ends[&1], Err(TaskError::Failed(_))));
    assert!(matches!(ends[&2], Err(TaskError::Panicked(_))));
    assert!(matches!(ends[&3], Err(TaskError::Cancelled)));
    assert!(matches!(ends[&4], Err(TaskError::Panicked(_))));
}

#[test]
fn a_replaced_task_does_not_show_up_as_the_new_one() {
    let rt = Runtime::new().unwrap();
    let (first, second) = (Gate::new(), Gate::new());
    let mut set = TaskSet::new();
    let wait_at = |gate: &Gate, value: u32| {
        let gate = gate.clone();
        rt.spawn(async move {
            gate.passed().await;
            value
        })
    };
    set.insert("key", wait_at(&first, 1));
    let mut old = set.insert("key", wait_at(&second, 2)).unwrap();
    first.open();
    assert_eq!(old.wait().unwrap(), 1);
    assert_eq!(set.drain_finished().count(), 0);
    assert_eq!(set.len(), 1);
    // Over and reported to the queue, but replaced before the tick.
    second.open();
    while !set.get("key").unwrap().is_done() {
        std::thread::yield_now();
    }
    let done = set.insert("key", rt.spawn(pending())).unwrap();
    assert_eq!(done.result().unwrap().unwrap(), &2);
    rt.spawn(async {}).wait().unwrap();
    assert_eq!(set.drain_finished().count(), 0);
    assert!(set.remove("key").is_some_and(|task| !task.is_done()));
    assert!(set.remove("key").is_none());
}

#[test]
fn a_removed_task_can_be_awaited() {
    let rt = Runtime::new().unwrap();
    let gate = Gate::new();
    let mut set = TaskSet::new();
    let door = gate.clone();
    set.insert(1, rt.spawn(async move { door.passed().await }));
    let task = set.remove(&1).unwrap();
    let mut outer = rt.spawn(task);
    gate.open();
    outer.wait().unwrap().unwrap();
    assert_eq!(set.drain_finished().count(), 0);
}

#[test]
fn what_is_not_taken_comes_next_time() {
    let rt = Runtime::new().unwrap();
    let mut set = TaskSet::new();
    for key in 0..10 {
        set.insert(key, rt.spawn(async {}));
    }
    rt.spawn(async {}).wait().unwrap();
    let mut seen = Vec::new();
    while seen.len() < 10 {
        seen.extend(set.drain_finished().next().map(|(key, _)| key));
    }
    assert_eq!(seen, (0..10).collect::<Vec<_>>());
}

#[test]
fn next_waits_and_ends_with_the_set() {
    let rt = Runtime::new().unwrap();
    let gates: Vec<_> = (0..3).map(|_| Gate::new()).collect();
    let mut set = TaskSet::new();
    for (key, gate) in (0..3).zip(gates.clone()) {
        set.insert(key, rt.spawn(async move { gate.passed().await }));
    }
    let (report, seen) = std::sync::mpsc::channel();
    let mut all = rt.spawn(async move {
        while let Some((key, end)) = set.next().await {
            end.unwrap();
            report.send(key).unwrap();
        }
        set.len()
    });
    for key in [2, 0, 1] {
        gates[key as usize].open();
        assert_eq!(seen.recv().unwrap(), key);
    }
    assert_eq!(all.wait().unwrap(), 0);
}

#[test]
fn dropping_the_set_cancels_its_tasks() {
    let rt = Runtime::new().unwrap();
    let (held, gone) = std::sync::mpsc::channel::<()>();
    let mut set = TaskSet::new();
    for key in 0..3 {
        let held = held.clone();
        set.insert(
            key,
            rt.spawn(async move {
                let _held = held;
                pending::<()>().await;
            }),
        );
    }
    drop(held);
    drop(set);
    assert!(
        gone.recv_timeout(Duration::from_secs(20)).is_err_and(|e| e == std::sync::mpsc::RecvTimeoutError::Disconnected)
    );
}

#[test]
fn dropping_the_set_inside_of_its_own_task() {
    let rt = Runtime::new().unwrap();
    let slot = std::sync::Arc::new(std::sync::Mutex::new(None::<TaskSet<u32, ()>>));
    let gate = Gate::new();
    let (mine, door) = (slot.clone(), gate.clone());
    let (report, seen) = std::sync::mpsc::channel();
    let mut set = TaskSet::new();
    set.insert(
        0,
        rt.spawn(async move {
            door.passed().await;
            let set = mine.lock().unwrap().take();
            drop(set);
            report.send(()).unwrap();
        }),
    );
    *slot.lock().unwrap() = Some(set);
    gate.open();
    seen.recv_timeout(Duration::from_secs(20)).unwrap();
    rt.spawn(async {}).wait().unwrap();
}

#[test]
fn without_a_runtime_nothing_hangs() {
    let rt = Runtime::new().unwrap();
    let handle = rt.handle().clone();
    let mut set = TaskSet::new();
    set.insert(0, rt.spawn(pending::<()>()));
    drop(rt);
    set.insert(1, handle.spawn(pending()));
    let ends = collect(&mut set, 2);
    assert!(ends.iter().all(|(_, end)| matches!(end, Err(TaskError::RuntimeGone))));
}

#[test]
fn progress_is_readable_after_the_end() {
    let rt = Runtime::new().unwrap();
    let mut set: TaskSet<u32, u32> = TaskSet::new();
    set.insert(0, rt.spawn(async { 1 }));
    loop {
        let next = set.drain_finished_tasks().next();
        if let Some((key, task)) = next {
            assert_eq!((key, task.progress().count()), (0, 0));
            assert_eq!(task.result().unwrap().unwrap(), &1);
            break;
        }
        std::thread::yield_now();
    }
}

#[test]
fn many_members_from_two_kinds_of_threads() {
    const COUNT: u32 = 20_000;
    let rt = Runtime::new().unwrap();
    let mut set = TaskSet::new();
    for key in 0..COUNT {
        let task = if key % 8 == 0 { rt.spawn_blocking(move || key) } else { rt.spawn(async move { key }) };
        set.insert(key, task);
    }
    let mut seen = BTreeSet::new();
    while !set.is_empty() {
        for (key, value) in set.drain_finished() {
            assert_eq!(value.unwrap(), key);
            assert!(seen.insert(key), "{key} came twice");
        }
        std::thread::yield_now();
    }
    assert_eq!(seen.len(), COUNT as usize);
}

#[test]
fn is_send_and_prints_without_bounds() {
    struct Opaque;
    fn send<T: Send>(_: &T) {}
    let rt = Runtime::new().unwrap();
    let mut set: TaskSet<u8, Opaque> = TaskSet::default();
    set.insert(1, rt.spawn(async { Opaque }));
    send(&set);
    assert!(format!("{set:?}").contains("Task"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Against a map of what must still come out: keys are put in, replaced, removed, opened and drained in any order.
    #[test]
    fn behaves_as_a_map(steps in proptest::collection::vec((0_u8..5, 0_u32..4), 1..60)) {
        let rt = Runtime::new().unwrap();
        let mut set: TaskSet<u32, usize> = TaskSet::new();
        let mut model: HashMap<u32, (usize, Gate, bool)> = HashMap::new();
        for (turn, (what, key)) in steps.into_iter().enumerate() {
            match what {
                0 | 1 => {
                    let gate = Gate::new();
                    let inner = gate.clone();
                    let task: Task<usize> = rt.spawn(async move { inner.passed().await; turn });
                    let old = set.insert(key, task);
                    let before = model.insert(key, (turn, gate, false));
                    prop_assert_eq!(old.is_some(), before.is_some());
                }
                2 => prop_assert_eq!(set.remove(&key).is_some(), model.remove(&key).is_some()),
                3 => if let Some((_, gate, open)) = model.get_mut(&key) {
                    gate.open();
                    *open = true;
                },
                _ => {
                    let expected = model.values().filter(|(_, _, open)| *open).count();
                    for (key, value) in collect(&mut set, expected) {
                        let (turn, _, open) = model.remove(&key).unwrap();
                        prop_assert!(open);
                        prop_assert_eq!(value.unwrap(), turn);
                    }
                }
            }
            prop_assert_eq!(set.len(), model.len());
        }
    }
}

/// A key that panics when it is hashed or compared, once it is told to.
#[derive(Clone, Debug)]
struct Touchy(u32, Arc<AtomicU32>);

/// What of a key panics.
const HASH: u32 = 1;
const EQ: u32 = 2;

impl Touchy {
    fn touch(&self, what: u32) {
        assert!(self.1.load(SeqCst) != what, "planned: a key of the test panics");
    }
}

impl Hash for Touchy {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.touch(HASH);
        (self.0 / 4).hash(hasher);
    }
}

impl PartialEq for Touchy {
    fn eq(&self, other: &Self) -> bool {
        self.touch(EQ);
        self.0 == other.0
    }
}

impl Eq for Touchy {}

#[test]
fn a_key_that_panics_leaves_the_set_as_it_was() {
    common::quiet_planned_panics();
    let rt = common::runtime();
    type Call = fn(&mut TaskSet<Touchy, u32>, &Touchy, &Runtime);
    let panics = Arc::new(AtomicU32::new(0));
    let key = |n| Touchy(n, Arc::clone(&panics));
    let mut set = TaskSet::new();
    for n in 0..40 {
        set.insert(key(n), rt.spawn(async move { n }));
    }
    let mut drained = 0;
    for what in [HASH, EQ] {
        panics.store(what, SeqCst);
        let calls: [Call; 4] = [
            |set, key, rt| drop(set.insert(key.clone(), rt.spawn(async { 0 }))),
            |set, key, _| drop(set.remove(key)),
            |set, key, _| assert!(set.get(key).is_some()),
            |set, key, _| assert!(set.contains_key(key)),
        ];
        let known = set.keys().next().expect("some are left").clone();
        for call in calls {
            let called = std::panic::catch_unwind(AssertUnwindSafe(|| call(&mut set, &known, &rt)));
            assert!(called.is_err() && set.len() == 40 - drained);
        }
        // Neither is called for what comes out.
        common::until(|| set.iter().all(|(_, task)| task.is_done()));
        let out: Vec<_> = set.drain_finished().take(20).collect();
        drained += out.len();
        assert!(out.iter().all(|(key, value)| matches!(value, Ok(value) if *value == key.0)));
        panics.store(0, SeqCst);
        assert_eq!(set.keys().filter(|key| set.contains_key(*key)).count(), 40 - drained);
    }
    assert!(set.is_empty());
}
