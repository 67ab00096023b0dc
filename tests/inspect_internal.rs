//! What the crate runs for itself: neither listed nor cancelled from outside.
#![cfg(feature = "toolkit")]

mod common;

use common::{Tally, listed, pool_thread, reactor_thread, settled};
use offtick::time::Clock;
use offtick::toolkit::{Debouncer, Periodic};
use offtick::{BoxError, Builder, RetryPolicy, Runtime, Scheduler, TaskGroup, TaskManager, TaskPool};
use std::future::pending;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

/// A debug panel with a button that cancels all tasks.
fn cancel_all(rt: &Runtime) {
    let tasks = listed(rt.handle());
    for task in &tasks {
        if let Some(handle) = task.cancel_handle() {
            handle.cancel();
        }
    }
    // And as a task sees them, and the queue.
    let handle = rt.handle().clone();
    settled(rt.spawn(async move {
        let own = offtick::queue::current().expect("inside a task");
        let blocked = own.blocked();
        for handle in handle.tasks().iter().filter_map(|task| task.cancel_handle()).chain(&blocked) {
            if handle.status() != offtick::Status::Running || handle.name().is_some() {
                handle.cancel();
            }
        }
    }));
    reactor_thread(rt.handle());
}

#[test]
fn cancelling_every_row_leaves_schedulers_and_debouncers_alive() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let manager = TaskManager::new(&rt);
    let scheduler = Scheduler::new(&manager);
    let (ran, called, repeated) = (Tally::new(), Tally::new(), Tally::new());
    let (notes, calls, repeats) = (ran.clone(), called.clone(), repeated.clone());
    let _job = scheduler
        .every(SECOND)
        .run(move |_| {
            notes.note();
            async { Ok::<_, BoxError>(()) }
        })
        .unwrap();
    let debouncer = Debouncer::builder(&rt, SECOND)
        .build(move |n: u8| {
            calls.note();
            async move { Ok::<_, BoxError>(n) }
        })
        .unwrap();
    let _periodic = Periodic::every(rt.handle(), SECOND)
        .spawn(move |_cx| {
            repeats.note();
            async {}
        })
        .unwrap();
    reactor_thread(rt.handle());
    for round in 1..4 {
        debouncer.trigger(1);
        reactor_thread(rt.handle());
        cancel_all(&rt);
        clock.advance(SECOND);
        for tally in [&ran, &called, &repeated] {
            tally.wait_for(round);
        }
        reactor_thread(rt.handle());
    }
}

#[test]
fn the_crate_s_own_tasks_are_not_listed() {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).blocking_threads(2).build().unwrap();
    let manager = TaskManager::new(&rt);
    let scheduler = Scheduler::new(&manager);
    let _job = scheduler.every(SECOND).run(|_| async { Ok::<_, BoxError>(()) }).unwrap();
    let debouncer = Debouncer::builder(&rt, SECOND).build(|n: u8| async move { Ok::<_, BoxError>(n) }).unwrap();
    debouncer.trigger(1);
    let _periodic = Periodic::every(rt.handle(), SECOND).spawn(|_cx| async {}).unwrap();
    let (pool, group) = (TaskPool::new(&rt, 2).unwrap(), TaskGroup::new(&rt));
    let (give, wait) = std::sync::mpsc::channel::<()>();
    // Each has a watch: over its time limit, and over that of its attempt.
    let limited = rt.task().name("limited").timeout(SECOND).run_blocking(move |_| {
        wait.recv().ok();
        Ok::<_, BoxError>(())
    });
    let (give_more, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Mutex::new(wait);
    let policy = RetryPolicy::fixed(SECOND).max_attempts(2).attempt_timeout(SECOND);
    let tried = rt.task().name("tried").retry(policy).run_blocking(move |_| {
        wait.lock().unwrap().recv().ok();
        Ok::<_, BoxError>(())
    });
    let (of_pool, of_group) = (pool.spawn(pending::<()>()), group.spawn(pending::<()>()));
    common::until(|| rt.metrics().blocking_started == 2);
    reactor_thread(rt.handle());
    let mut ids = [limited.id(), tried.id(), of_pool.id(), of_group.id()];
    ids.sort();
    assert_eq!(listed(rt.handle()).iter().map(|task| task.id()).collect::<Vec<_>>(), ids);
    drop((give, give_more));
    settled(limited);
    settled(tried);
    pool_thread(rt.handle());
}
