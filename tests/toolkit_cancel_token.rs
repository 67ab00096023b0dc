//! `toolkit::CancelToken`: the tree, reasons, deadlines, futures, closures, groups, guards, and nothing left behind.
#![cfg(feature = "toolkit")]

mod common;

use common::{
    CountedWaker, Latch, OnDrop, Tally, WakeFn, block_on, poll_once, reactor_thread, runtime, settled, until,
};
use offtick::time::{Clock, ManualClock};
use offtick::toolkit::{CancelReason, CancelToken, cancel_on_drop};
use offtick::{Builder, Runtime, Status, TaskGroup};
use std::future::pending;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);

fn manual() -> (Runtime, ManualClock) {
    let clock = Clock::manual();
    let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
    (rt, clock)
}

fn text(token: &CancelToken) -> Option<String> {
    token.reason().map(|reason| common::chain(&reason))
}

#[test]
fn children_go_with_their_parent_and_never_the_other_way() {
    let root = CancelToken::new();
    let (left, right) = (root.child(), root.child());
    let leaf = left.child();
    assert!(left.cancel_because("by itself"));
    assert_eq!([&root, &left, &right, &leaf].map(CancelToken::is_cancelled), [false, true, false, true]);
    assert!(root.cancel());
    assert!(right.is_cancelled());
    assert_eq!(text(&right).as_deref(), Some("cancelled"));
    assert_eq!(text(&leaf).as_deref(), Some("cancelled: by itself"), "the first reason stays");
    assert_eq!([&root, &left, &leaf].map(CancelToken::cancel), [false; 3]);
    assert_eq!(text(&left.child()).as_deref(), Some("cancelled: by itself"), "born cancelled");
}

#[test]
fn reasons_are_texts_or_errors() {
    let token = CancelToken::new();
    assert!(token.check().is_ok() && token.reason().is_none());
    token.cancel_because(std::io::Error::from(std::io::ErrorKind::BrokenPipe));
    let reason = token.child().check().expect_err("cancelled");
    let error = reason.downcast_ref::<std::io::Error>().expect("the error itself");
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    assert!(std::error::Error::source(&reason).is_some());
}

#[test]
fn every_waiter_is_woken_once_and_those_who_left_are_not() {
    let token = CancelToken::new();
    let (wakes, waker) = CountedWaker::pair(None);
    let mut cx = Context::from_waker(&waker);
    let mut waits: Vec<_> = (0..100).map(|_| token.cancelled()).collect();
    for _ in 0..3 {
        assert!(waits.iter_mut().all(|wait| Pin::new(wait).poll(&mut cx).is_pending()));
    }
    waits.truncate(60);
    token.cancel();
    assert_eq!(wakes.wakes.count(), 60);
    assert!(waits.iter_mut().all(|wait| poll_once(wait).is_ready()));
    drop((waits, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
}

#[test]
fn a_waker_that_panics_loses_no_other() {
    common::quiet_planned_panics();
    let token = CancelToken::new();
    let (bad, good) = (CountedWaker::pair(Some("planned")), CountedWaker::pair(None));
    let mut waits = [token.cancelled(), token.child().cancelled()];
    for (wait, waker) in waits.iter_mut().zip([&bad.1, &good.1]) {
        assert!(Pin::new(wait).poll(&mut Context::from_waker(waker)).is_pending());
    }
    assert!(token.cancel());
    assert_eq!((bad.0.wakes.count(), good.0.wakes.count()), (1, 1));
}

#[test]
fn whoever_is_woken_finds_the_whole_tree_cancelled_and_may_use_the_token() {
    let token = CancelToken::new();
    let leaf = token.child().child();
    let (mine, seen) = (token.clone(), Arc::new(AtomicBool::new(false)));
    let (leaf_too, note) = (leaf.clone(), Arc::clone(&seen));
    let waker = Waker::from(Arc::new(WakeFn(move || {
        note.store(leaf_too.is_cancelled() && !mine.cancel() && mine.child().is_cancelled(), Ordering::Relaxed);
    })));
    let mut wait = token.cancelled();
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    token.cancel();
    assert!(seen.load(Ordering::Relaxed));
}

#[test]
fn a_future_runs_until_it_is_cancelled() {
    let rt = runtime();
    let token = CancelToken::new();
    let dropped = Tally::new();
    let (mine, note) = (token.clone(), dropped.clone());
    let waits = rt.spawn(async move {
        let _on_drop = OnDrop::new(|| ());
        let inner = async move {
            let _on_drop = OnDrop::new(move || note.note());
            pending::<()>().await;
        };
        mine.run_until_cancelled(inner).await.map_err(|reason| common::chain(&reason))
    });
    reactor_thread(rt.handle());
    assert_eq!(block_on(token.run_until_cancelled(async { 5 })).ok(), Some(5));
    token.cancel_because("enough");
    assert_eq!(settled(waits), Err("cancelled: enough".to_owned()));
    dropped.wait_for(1);
    // Cancelled before: the future is not polled at all.
    let polled = Tally::new();
    let (note, late) = (polled.clone(), token.clone());
    assert!(block_on(late.run_until_cancelled(async move { note.note() })).is_err());
    assert_eq!(polled.count(), 0);
}

#[test]
fn a_closure_that_blocks_leaves_by_check() {
    let rt = runtime();
    let (token, begun) = (CancelToken::new(), Latch::new());
    let (child, entered) = (token.child(), begun.clone());
    let task = rt.spawn_blocking(move || {
        entered.open();
        loop {
            if let Err(reason) = child.check() {
                break reason.to_string();
            }
            thread::yield_now();
        }
    });
    begun.wait();
    token.cancel();
    assert_eq!(settled(task), "cancelled");
}

#[test]
fn a_deadline_comes_by_the_runtimes_clock() {
    let (rt, clock) = manual();
    let token = CancelToken::with_timeout(&rt, 10 * SECOND);
    let child = token.child();
    assert_eq!(child.deadline(), Some(clock.now() + 10 * SECOND));
    clock.advance(10 * SECOND - Duration::from_nanos(1));
    reactor_thread(rt.handle());
    reactor_thread(rt.handle());
    assert!(!token.is_cancelled());
    clock.advance(Duration::from_nanos(1));
    assert!(block_on(child.cancelled()).is_deadline());
    assert!(token.reason().is_some_and(|reason| reason.is_deadline()));
    assert_eq!(rt.metrics().timers, 0);
}

#[test]
fn the_earlier_deadline_counts() {
    let (rt, clock) = manual();
    let parent = CancelToken::with_timeout(&rt, 10 * SECOND);
    let (sooner, later) = (parent.child_with_timeout(&rt, 5 * SECOND), parent.child_with_timeout(&rt, 20 * SECOND));
    let now = clock.now();
    assert_eq!([&sooner, &later].map(|token| token.deadline()), [5, 10].map(|time| Some(now + time * SECOND)));
    clock.advance(5 * SECOND);
    assert!(block_on(sooner.cancelled()).is_deadline());
    assert!(!parent.is_cancelled() && !later.is_cancelled());
    clock.advance(5 * SECOND);
    assert!(block_on(later.cancelled()).is_deadline());
    until(|| rt.metrics().timers == 0);
}

#[test]
fn deadlines_that_are_past_endless_or_no_longer_needed() {
    let (rt, clock) = manual();
    clock.advance(SECOND);
    assert!(CancelToken::with_timeout(&rt, Duration::ZERO).is_cancelled());
    assert!(CancelToken::with_deadline(&rt, clock.now() - SECOND).reason().is_some_and(|reason| reason.is_deadline()));
    let endless = CancelToken::with_timeout(&rt, Duration::MAX);
    assert!(!endless.is_cancelled() && endless.deadline().is_none());
    let (cancelled, dropped) = (CancelToken::with_timeout(&rt, SECOND), CancelToken::with_timeout(&rt, SECOND));
    assert_eq!(rt.metrics().timers, 2);
    cancelled.cancel();
    drop(dropped);
    assert_eq!(rt.metrics().timers, 0);
}

#[test]
fn a_deadline_whose_runtime_goes_is_an_end_as_well() {
    let (rt, _clock) = manual();
    let token = CancelToken::with_timeout(&rt, SECOND);
    let handle = rt.handle().clone();
    drop(rt);
    until(|| token.is_cancelled());
    assert!(matches!(token.reason(), Some(CancelReason::RuntimeGone)));
    assert!(matches!(CancelToken::with_timeout(&handle, SECOND).reason(), Some(CancelReason::RuntimeGone)));
}

#[test]
fn a_group_and_its_token_are_one() {
    let rt = runtime();
    let token = CancelToken::new();
    let group = TaskGroup::with_limit(&rt, 1).expect("a limit").with_token(&token);
    let ran = Tally::new();
    let (running, note) = (group.spawn(pending::<()>()), ran.clone());
    let waiting = group.spawn(async move { note.note() });
    reactor_thread(rt.handle());
    token.cancel();
    group.wait().expect("all are over");
    assert_eq!([running.status(), waiting.status()], [Status::Cancelled; 2]);
    // Those who come later do not begin.
    let note = ran.clone();
    let mut late = group.spawn(async move { note.note() });
    let note = ran.clone();
    let mut late_closure = group.spawn_blocking(move || note.note());
    assert!(late.wait().is_err_and(|error| error.is_cancelled()));
    assert!(late_closure.wait().is_err_and(|error| error.is_cancelled()));
    group.wait().expect("all are over");
    assert_eq!((ran.count(), group.progress().cancelled), (0, 4));
}

#[test]
fn a_group_cancels_its_token() {
    let rt = runtime();
    let token = CancelToken::new();
    let group = TaskGroup::new(&rt).with_token(&token.child());
    let mine = group.token().expect("it has one");
    let task = group.spawn(pending::<()>());
    assert_eq!(group.cancel_all(), 1);
    assert!(task.is_done() || settled_cancelled(task));
    assert!(mine.is_cancelled() && !token.is_cancelled());

    let group = TaskGroup::new(&rt).with_token(&token.child());
    let mine = group.token().expect("it has one");
    drop(group);
    assert!(matches!(mine.reason(), Some(CancelReason::OwnerGone)));
    assert!(!token.is_cancelled());

    // A second token takes the place of the first.
    let (first, second) = (token.child(), token.child());
    let group = TaskGroup::new(&rt).with_token(&first).with_token(&second);
    let task = group.spawn(pending::<()>());
    first.cancel();
    reactor_thread(rt.handle());
    assert!(!task.is_done());
    second.cancel();
    assert!(settled_cancelled(task));
    let cancelled = TaskGroup::new(&rt);
    let task = cancelled.spawn(pending::<()>());
    let _cancelled = cancelled.with_token(&second);
    assert!(settled_cancelled(task), "cancelled already");
}

fn settled_cancelled(mut task: offtick::Task<()>) -> bool {
    task.wait().is_err_and(|error| error.is_cancelled())
}

#[test]
fn guards_cancel_when_the_scope_is_left() {
    let rt = runtime();
    let token = CancelToken::new();
    let leave = |token: &CancelToken| -> Result<(), CancelReason> {
        let _guard = cancel_on_drop(token.child());
        let guard = cancel_on_drop(token);
        guard.get_ref().check()?;
        Err(CancelReason::Requested)
    };
    assert!(leave(&token).is_err());
    assert!(matches!(token.reason(), Some(CancelReason::OwnerGone)));
    let kept = cancel_on_drop(CancelToken::new()).disarm();
    assert!(!kept.is_cancelled());
    let task = rt.spawn(pending::<()>());
    drop(cancel_on_drop(task.cancel_handle()));
    assert!(settled_cancelled(task));
    let group = TaskGroup::new(&rt);
    let task = group.spawn(pending::<()>());
    drop(cancel_on_drop(&group));
    assert!(settled_cancelled(task));
}

#[test]
fn a_million_children_groups_and_waits_leave_nothing_in_a_token_that_lives_on() {
    let rt = runtime();
    let token = CancelToken::new();
    let (wakes, waker) = CountedWaker::pair(None);
    for _ in 0..1_000_000 {
        let child = token.child();
        let mut wait = token.cancelled();
        assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
        drop((child, wait));
    }
    assert_eq!(Arc::strong_count(&wakes), 2);
    for _ in 0..10_000 {
        drop(TaskGroup::new(&rt).with_token(&token.child()));
    }
    assert!(!token.is_cancelled());
    token.cancel();
    assert_eq!(wakes.wakes.count(), 0);
}

#[test]
fn a_chain_of_a_hundred_thousand_is_cancelled_and_dropped_on_a_small_stack() {
    let small = thread::Builder::new().stack_size(64 * 1024);
    let body = || {
        for cancelled in [true, false] {
            let root = CancelToken::new();
            let mut leaf = root.child();
            for _ in 0..100_000 {
                leaf = leaf.child();
            }
            if cancelled {
                root.cancel();
                assert!(leaf.is_cancelled());
            }
            drop(root);
            drop(leaf);
        }
    };
    small.spawn(body).expect("a thread").join().expect("no overflow");
}

#[test]
fn threads_that_cancel_make_children_and_wait_at_once() {
    for _ in 0..200 {
        let root = CancelToken::new();
        let (children, made) = channel();
        thread::scope(|scope| {
            for _ in 0..2 {
                let (root, children) = (root.clone(), children.clone());
                scope.spawn(move || {
                    for _ in 0..50 {
                        children.send(root.child().child()).expect("it is received");
                    }
                });
            }
            scope.spawn(|| assert!(root.cancel()));
            let mut wait = root.child().cancelled();
            scope.spawn(move || block_on(&mut wait));
        });
        drop(children);
        assert!(made.iter().all(|child| child.is_cancelled()));
    }
}

#[test]
fn a_token_may_be_dropped_by_the_waker_that_it_wakes() {
    let place: Arc<Mutex<Option<CancelToken>>> = Arc::default();
    let inside = Arc::clone(&place);
    let waker = Waker::from(Arc::new(WakeFn(move || drop(inside.lock().unwrap().take()))));
    let root = CancelToken::new();
    let child = root.child();
    let mut wait = child.cancelled();
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    *place.lock().unwrap() = Some(child);
    root.cancel();
    assert!(place.lock().unwrap().is_none());
    assert!(matches!(poll_once(&mut wait), Poll::Ready(CancelReason::Requested)));
}
