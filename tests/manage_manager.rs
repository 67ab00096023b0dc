//! `TaskManager`: found by identity and alias, forgotten oldest end first, live tasks never.
#![cfg(feature = "toolkit")]

#[path = "common/gate.rs"]
mod gate;

use gate::Gate;
use offtick::{Runtime, SharedTask, Status, TaskId, TaskManager};
use proptest::prelude::*;
use std::collections::{HashMap, VecDeque};
use std::future::pending;
use std::sync::{Arc, Mutex};
use std::time::Duration;

fn gated(manager: &TaskManager, gate: &Gate) -> SharedTask<()> {
    let gate = gate.clone();
    manager.spawn(async move { gate.passed().await })
}

#[test]
fn dropping_the_handle_cancels_nothing() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::new(&rt);
    let gate = Gate::new();
    let id = gated(&manager, &gate).id();
    gate.open();
    manager.get::<()>(id).unwrap().unwrap().wait().unwrap();
    assert_eq!((manager.len(), manager.completed()), (1, 1));
}

#[test]
fn all_verbs_and_all_ends_are_completed() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::new(&rt);
    assert_eq!(*manager.spawn(async { 1 }).wait().unwrap(), 1);
    assert_eq!(*manager.run(async { Ok::<_, std::io::Error>(2) }).wait().unwrap(), 2);
    assert_eq!(*manager.spawn_blocking(|| 3).wait().unwrap(), 3);
    assert!(manager.run_blocking(|| Err::<(), _>("no")).wait().is_err());
    assert!(manager.spawn(async { panic!("managed") }).wait().unwrap_err().is_panic());
    let cancelled = manager.spawn(pending::<()>());
    assert!(manager.cancel(cancelled.id()));
    assert!(cancelled.wait().unwrap_err().is_cancelled());
    assert!(!manager.cancel(cancelled.id()));
    assert_eq!((manager.completed(), manager.len()), (6, 6));
}

#[test]
fn unknown_is_none_and_a_wrong_type_is_told() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::new(&rt);
    let stranger = rt.spawn(async {});
    assert!(manager.get::<()>(stranger.id()).unwrap().is_none());
    assert!(!manager.remove(stranger.id()) && !manager.cancel(stranger.id()));
    assert!(!manager.register_global("stranger", stranger.id()));
    assert!(manager.get_global::<()>("stranger").unwrap().is_none());
    let known = manager.spawn(async { 1_u8 });
    let wrong = manager.get::<u16>(known.id()).unwrap_err();
    assert_eq!(wrong.id, known.id());
    assert!(wrong.to_string().contains("u16") && wrong.to_string().contains("u8"));
    assert!(manager.get_with::<u8, u8>(known.id()).is_err());
    assert!(manager.get_with::<u8, ()>(known.id()).unwrap().is_some());
}

#[test]
fn the_oldest_end_goes_first_not_the_oldest_start() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 2);
    let gates: Vec<_> = (0..4).map(|_| Gate::new()).collect();
    let tasks: Vec<_> = gates.iter().map(|gate| gated(&manager, gate)).collect();
    for n in [3, 1, 0, 2] {
        gates[n].open();
        tasks[n].wait().unwrap();
        manager.completed();
    }
    assert_eq!(manager.cleanup(), 2);
    let left: Vec<_> = manager.list().iter().map(|row| row.id()).collect();
    assert_eq!(left, [tasks[0].id(), tasks[2].id()]);
    assert_eq!(manager.cleanup(), 0);
    // Who holds it still has it.
    assert_eq!(tasks[3].status(), Status::Done);
}

#[test]
fn a_submit_cleans_up_and_leaves_live_ones() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 0);
    let live: Vec<_> = (0..10).map(|_| manager.spawn(pending::<()>())).collect();
    for _ in 0..1000 {
        manager.spawn(async {}).wait().unwrap();
        assert!(manager.len() <= live.len() + 3);
    }
    manager.cleanup();
    assert_eq!(manager.len(), live.len());
    assert!(live.iter().all(|task| task.status() == Status::Running));
}

#[test]
fn aliases_move_and_never_dangle() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 0);
    let (first, second) = (manager.spawn(pending::<u8>()), manager.spawn(pending::<u8>()));
    assert!(manager.register_global("x", first.id()));
    assert!(manager.alias("y", first.id()));
    assert!(manager.register_global("x", second.id()));
    assert_eq!(manager.len(), 2);
    assert_eq!(manager.get_global::<u8>("x").unwrap().unwrap().id(), second.id());
    assert_eq!(manager.find("global:x"), Some(second.id()));
    let rows = manager.list();
    assert_eq!(rows[0].aliases().collect::<Vec<_>>(), ["y"]);
    assert_eq!(rows[1].aliases().collect::<Vec<_>>(), ["global:x"]);
    second.cancel();
    let _ = second.wait();
    assert_eq!(manager.cleanup(), 1);
    assert_eq!(manager.find("global:x"), None);
    assert!(manager.get_global::<u8>("x").unwrap().is_none());
    assert!(manager.unalias("y") && !manager.unalias("y"));
    assert!(manager.list()[0].aliases().next().is_none());
    // The same alias twice on one task stands there once.
    assert!(manager.alias("z", first.id()) && manager.alias("z", first.id()));
    assert_eq!(manager.list()[0].aliases().count(), 1);
}

#[test]
fn removing_a_live_task_lets_go_of_it() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::new(&rt);
    let held = manager.spawn(pending::<()>());
    assert!(manager.remove(held.id()));
    assert!(!held.status().is_terminal());
    let (alive, gone) = std::sync::mpsc::channel::<()>();
    let id = manager
        .spawn(async move {
            let _alive = alive;
            pending::<()>().await;
        })
        .id();
    assert!(manager.remove(id) && manager.is_empty());
    assert!(gone.recv_timeout(Duration::from_secs(20)).is_err());
}

#[test]
fn removed_completed_ones_leave_nothing_behind() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 1000);
    let keep = manager.spawn(async { 1 });
    keep.wait().unwrap();
    for _ in 0..500 {
        let task = manager.spawn(async {});
        task.wait().unwrap();
        assert_eq!(manager.completed(), 2);
        assert!(manager.remove(task.id()));
    }
    assert_eq!((manager.len(), manager.completed()), (1, 1));
}

#[test]
fn the_last_clone_takes_its_tasks_along() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::new(&rt);
    let other = manager.clone();
    let control = manager.spawn(pending::<()>()).cancel_handle();
    drop(manager);
    assert!(!control.is_done() && other.len() == 1);
    drop(other);
    while !control.is_done() {
        std::thread::yield_now();
    }
}

#[test]
fn dropping_the_manager_inside_of_its_own_task() {
    let rt = Runtime::new().unwrap();
    for blocking in [false, true] {
        let slot = Arc::new(Mutex::new(None::<TaskManager>));
        let (gate, (report, seen)) = (Gate::new(), std::sync::mpsc::channel());
        let manager = TaskManager::new(&rt);
        let (mine, door) = (slot.clone(), gate.clone());
        let drop_it = move || {
            let manager = mine.lock().unwrap().take();
            drop(manager);
            report.send(()).unwrap();
        };
        if blocking {
            let _ = manager.spawn_blocking(move || {
                door.pass();
                drop_it();
            });
        } else {
            let _ = manager.spawn(async move {
                door.passed().await;
                drop_it();
            });
        }
        let other = manager.spawn(pending::<()>());
        *slot.lock().unwrap() = Some(manager);
        gate.open();
        seen.recv_timeout(Duration::from_secs(20)).unwrap();
        assert!(!other.is_done());
    }
}

/// Results and futures that use the manager in their destructors: nothing of them is dropped under its lock.
#[test]
fn destructors_may_use_the_manager() {
    struct Looks(TaskManager);
    impl Drop for Looks {
        fn drop(&mut self) {
            let _len = self.0.len();
            let _ = self.0.spawn(async {});
        }
    }
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 0);
    for _ in 0..10 {
        let looks = Looks(manager.clone());
        let _ = manager.spawn(async move { looks }).wait();
        manager.cleanup();
        let looks = Looks(manager.clone());
        let id = manager.spawn(async move { drop(looks) }).id();
        manager.remove(id);
    }
    drop(rt);
    manager.cleanup();
    assert!(manager.cancel_all() == 0);
}

#[test]
fn without_a_runtime_tasks_are_gone_and_registered() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 3);
    let before = manager.spawn(pending::<()>());
    drop(rt);
    assert!(matches!(before.wait(), Err(offtick::TaskError::RuntimeGone)));
    for _ in 0..10 {
        let task = manager.spawn_blocking(|| ());
        assert!(matches!(task.wait(), Err(offtick::TaskError::RuntimeGone)));
        assert!(manager.get::<()>(task.id()).unwrap().is_some());
    }
    assert_eq!(manager.cleanup(), 1);
    assert_eq!(manager.len(), 3);
}

#[test]
fn many_tasks_stay_bounded() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 16);
    let mut most = 0;
    for round in 0..100 {
        let mut last = None;
        for n in 0..200 {
            last = Some(manager.spawn(async move { round * n }));
        }
        last.unwrap().wait().unwrap();
        most = most.max(manager.len());
    }
    assert!(most <= 16 + 2 * 200, "{most}");
    manager.cleanup();
    assert_eq!(manager.len(), 16);
}

#[test]
fn submits_from_many_threads() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 8);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for n in 0..500_u32 {
                    let task = manager.spawn(async move { n });
                    manager.register_global("latest", task.id());
                    assert_eq!(*task.wait().unwrap(), n);
                    let _ = manager.get_global::<u32>("latest").unwrap();
                    if n % 50 == 0 {
                        manager.cleanup();
                    }
                }
            });
        }
    });
    manager.cleanup();
    assert_eq!((manager.len(), manager.completed()), (8, 8));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    /// Against a list of live ones, a queue of completed ones and a map of aliases.
    #[test]
    fn behaves_as_lists(max in 0_usize..4, steps in proptest::collection::vec((0_u8..7, 0_usize..8), 1..60)) {
        let rt = Runtime::new().unwrap();
        let manager = TaskManager::with_max_completed(&rt, max);
        let mut live: Vec<(TaskId, Gate)> = Vec::new();
        let mut completed: VecDeque<TaskId> = VecDeque::new();
        let mut aliases: HashMap<String, TaskId> = HashMap::new();
        for (what, choice) in steps {
            let alias = format!("alias{}", choice % 3);
            match what {
                0 | 1 => {
                    let gate = Gate::new();
                    // Settles all, so that the clean-up of the submit is exact.
                    prop_assert_eq!(manager.completed(), completed.len());
                    live.push((gated(&manager, &gate).id(), gate));
                    while completed.len() > max {
                        completed.pop_front();
                    }
                }
                2 | 3 if !live.is_empty() => {
                    let (id, gate) = live.remove(choice % live.len());
                    gate.open();
                    manager.get::<()>(id).unwrap().unwrap().wait().unwrap();
                    completed.push_back(id);
                    prop_assert_eq!(manager.completed(), completed.len());
                }
                4 => {
                    let all: Vec<_> = live.iter().map(|(id, _)| *id).chain(completed.iter().copied()).collect();
                    if let Some(id) = all.get(choice) {
                        prop_assert!(manager.alias(&alias, *id));
                        aliases.insert(alias, *id);
                    }
                }
                5 => {
                    let all: Vec<_> = live.iter().map(|(id, _)| *id).chain(completed.iter().copied()).collect();
                    if let Some(gone) = all.get(choice) {
                        prop_assert!(manager.remove(*gone));
                        live.retain(|(id, _)| id != gone);
                        completed.retain(|id| id != gone);
                    }
                }
                _ => {
                    prop_assert_eq!(manager.cleanup(), completed.len().saturating_sub(max));
                    while completed.len() > max {
                        completed.pop_front();
                    }
                }
            }
            let there = |id: &TaskId| live.iter().any(|(known, _)| known == id) || completed.contains(id);
            aliases.retain(|_, id| there(id));
            prop_assert_eq!(manager.len(), live.len() + completed.len());
            for n in 0..3 {
                let alias = format!("alias{n}");
                prop_assert_eq!(manager.find(&alias), aliases.get(&alias).copied());
            }
            let rows = manager.list();
            prop_assert!(rows.is_sorted_by_key(|row| row.id()));
            prop_assert_eq!(rows.iter().map(|row| row.aliases().count()).sum::<usize>(), aliases.len());
        }
    }
}

#[test]
fn a_task_is_registered_before_it_can_run() {
    let rt = Runtime::new().unwrap();
    for _ in 0..200 {
        let manager = TaskManager::new(&rt);
        let seen = manager.clone();
        assert_eq!(*manager.spawn(async move { seen.len() }).wait().unwrap(), 1);
        let manager = TaskManager::new(&rt);
        let seen = manager.clone();
        assert_eq!(*manager.spawn_blocking(move || seen.len()).wait().unwrap(), 1);
    }
}
