//! `Session`: a name starts once, the latest wins, and a drop cancels what it owns.
#![cfg(feature = "toolkit")]

#[path = "common/gate.rs"]
mod gate;

use gate::Gate;
use offtick::{Runtime, Session, TaskManager};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn starts_once_and_stays_when_finished() {
    let rt = Runtime::new().unwrap();
    let mut session = Session::new(&rt);
    let mut started = 0;
    let mut ids = Vec::new();
    for _ in 0..3 {
        let task = session
            .get_or_run("load", || {
                started += 1;
                async { Ok::<_, std::io::Error>(5) }
            })
            .unwrap();
        assert_eq!(*task.wait().unwrap(), 5);
        ids.push(task.id());
    }
    ids.dedup();
    assert_eq!((started, ids.len(), session.len()), (1, 1, 1));
    assert!(session.remove("load") && !session.remove("load"));
    assert!(session.get::<i32>("load").unwrap().is_none());
    let again = session.get_or_run_blocking("load", || Ok::<_, std::io::Error>(6)).unwrap();
    assert_eq!(*again.wait().unwrap(), 6);
    assert_eq!(*session.get_or_spawn_blocking("other", || 7).unwrap().wait().unwrap(), 7);
    assert_eq!(session.names().count(), 2);
}

#[test]
fn a_name_of_another_type_is_told_and_starts_nothing() {
    let rt = Runtime::new().unwrap();
    let mut session = Session::new(&rt);
    let task = session.get_or_spawn("x", pending::<u8>).unwrap();
    let wrong = session.get_or_spawn("x", || async { panic!("must not start") as String }).unwrap_err();
    assert_eq!(wrong.id, task.id());
    assert!(session.get_or_spawn_blocking("x", || -> u16 { panic!("must not start") }).is_err());
    assert!(session.get_or_start("x", |_| -> offtick::Task<u8, u8> { panic!("must not start") }).is_err());
    assert!(session.get::<u8>("x").unwrap().is_some_and(|task| !task.is_done()));
}

#[test]
fn the_latest_wins() {
    let rt = Runtime::new().unwrap();
    let mut session = Session::new(&rt);
    let old: Vec<_> = (0..5).map(|_| session.replace("search", rt.spawn(pending::<u8>()))).collect();
    // Another type is no obstacle.
    let latest = session.replace("search", rt.spawn(async { "hit" }));
    for task in old {
        assert!(task.wait().unwrap_err().is_cancelled());
    }
    assert_eq!(*latest.wait().unwrap(), "hit");
    assert_eq!(session.len(), 1);
}

#[test]
fn dropping_it_cancels_what_it_owns_whoever_holds_it() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::new(&rt);
    for managed in [false, true] {
        let mut session = if managed { Session::managed(&manager) } else { Session::new(&rt) };
        let (first, second) =
            (session.get_or_spawn("a", pending::<()>).unwrap(), session.get_or_spawn("b", pending::<()>).unwrap());
        assert!(session.cancel_handle("a").is_some_and(|control| control.id() == first.id()));
        drop(session);
        assert!(first.wait().unwrap_err().is_cancelled());
        assert!(second.wait().unwrap_err().is_cancelled());
    }
    assert_eq!(manager.completed(), 2);
}

#[test]
fn the_clean_up_of_a_manager_takes_nothing_from_a_session() {
    let rt = Runtime::new().unwrap();
    let manager = TaskManager::with_max_completed(&rt, 0);
    let mut session = Session::managed(&manager);
    session.get_or_spawn("a", || async { 1 }).unwrap().wait().unwrap();
    assert_eq!(manager.cleanup(), 1);
    assert_eq!(*session.get::<i32>("a").unwrap().unwrap().wait().unwrap(), 1);
}

#[test]
fn a_panicking_start_changes_nothing() {
    let rt = Runtime::new().unwrap();
    let mut session = Session::new(&rt);
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        session.get_or_spawn("a", || -> std::future::Ready<u8> { panic!("cannot start") }).map(drop)
    }));
    assert!(panicked.is_err() && session.is_empty());
    assert!(session.get_or_spawn("a", || async { 1 }).is_ok());
}

#[test]
fn dropping_it_inside_of_its_own_task() {
    let rt = Runtime::new().unwrap();
    let slot = std::sync::Arc::new(std::sync::Mutex::new(None::<Session>));
    let (gate, (report, seen)) = (Gate::new(), std::sync::mpsc::channel());
    let mut session = Session::new(&rt);
    let (mine, door) = (slot.clone(), gate.clone());
    let task = session
        .get_or_spawn("self", || async move {
            door.passed().await;
            let session = mine.lock().unwrap().take();
            drop(session);
            report.send(()).unwrap();
        })
        .unwrap();
    *slot.lock().unwrap() = Some(session);
    gate.open();
    seen.recv_timeout(std::time::Duration::from_secs(20)).unwrap();
    assert!(task.wait().unwrap_err().is_cancelled());
}

#[test]
fn without_a_runtime_nothing_hangs() {
    let rt = Runtime::new().unwrap();
    let mut session = Session::new(&rt);
    drop(rt);
    let task = session.get_or_spawn("a", pending::<()>).unwrap();
    assert!(matches!(task.wait(), Err(offtick::TaskError::RuntimeGone)));
}
