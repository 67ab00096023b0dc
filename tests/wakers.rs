//! Wakers: late ones, foreign ones, many at once, and those that wake themselves.

#![allow(clippy::waker_clone_wake, reason = "waking by value is a path of its own")]

mod common;

use common::{
    Counted, Dropped, HANG, Hog, Latch, OnDrop, Signal, Tally, WakeFn, poll_once, reactor_thread, runtime, settled,
    yield_once,
};
use offtick::{Handle, Status, Task, TaskError};
use std::future::{pending, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

/// A task that sleeps after its first poll, and its waker.
fn sleeper(rt: &Handle, polls: &Tally, drops: &Tally) -> (Task<()>, Waker) {
    let (give, get) = channel();
    let task = rt.spawn(Counted::new(polls, drops, move |cx: &mut Context<'_>, _| {
        give.send(cx.waker().clone()).ok();
        Poll::Pending
    }));
    let waker = get.recv_timeout(HANG).expect("it is polled");
    reactor_thread(rt);
    (task, waker)
}

#[test]
fn wakes_after_the_end_do_nothing() {
    let rt = runtime();
    let (polls, drops) = (Tally::new(), Tally::new());
    let (task, waker) = sleeper(rt.handle(), &polls, &drops);
    assert!(task.cancel());
    drops.wait_for(1);
    reactor_thread(rt.handle());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..100 {
                    waker.wake_by_ref();
                    waker.clone().wake();
                }
            });
        }
    });
    let before = rt.metrics();
    waker.wake();
    reactor_thread(rt.handle());
    assert_eq!((polls.count(), drops.count()), (1, 1));
    assert_eq!(rt.metrics().polls, before.polls + 1, "the probe alone was polled");
    assert_eq!(task.status(), Status::Cancelled);
}

#[test]
fn wakers_outlive_the_runtime() {
    let rt = runtime();
    let (polls, drops) = (Tally::new(), Tally::new());
    let (task, waker) = sleeper(rt.handle(), &polls, &drops);
    let reactor = reactor_thread(rt.handle());
    drop(rt);
    assert_eq!(drops.threads(), [reactor], "the future went with its runtime, on its own thread");
    let clones: Vec<_> = (0..10).map(|_| waker.clone()).collect();
    drop(waker);
    let far = thread::spawn(move || {
        for (turn, clone) in clones.into_iter().enumerate() {
            if turn % 2 == 0 {
                clone.wake();
            }
        }
    });
    far.join().unwrap();
    assert_eq!((polls.count(), drops.count()), (1, 1));
    assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn a_waker_that_is_the_last_reference_frees_bytes_only() {
    let rt = runtime();
    let (polls, drops) = (Tally::new(), Tally::new());
    let (task, waker) = sleeper(rt.handle(), &polls, &drops);
    let reactor = reactor_thread(rt.handle());
    drop(task);
    drops.wait_for(1);
    drop(rt);
    thread::spawn(move || drop(waker)).join().unwrap();
    assert_eq!(drops.threads(), [reactor]);
}

#[test]
fn a_future_wakes_itself_and_others_from_its_drop() {
    let rt = runtime();
    let signal = Signal::new();
    let (waits, gives) = (signal.clone(), signal.clone());
    let other = rt.spawn(async move { waits.given().await });
    let own: Arc<Mutex<Option<Waker>>> = Arc::default();
    let inside = Arc::clone(&own);
    let on_drop = OnDrop::new(move || {
        if let Some(waker) = inside.lock().unwrap().take() {
            waker.wake_by_ref();
            waker.clone().wake();
        }
        gives.give();
    });
    let polls = Tally::new();
    let polled = polls.clone();
    let task = rt.spawn(async move {
        let _on_drop = on_drop;
        poll_fn::<(), _>(|cx| {
            *own.lock().unwrap() = Some(cx.waker().clone());
            polled.note();
            Poll::Pending
        })
        .await;
    });
    polls.wait_for(1);
    assert!(task.cancel());
    settled(other);
    reactor_thread(rt.handle());
    assert_eq!((polls.count(), task.status()), (1, Status::Cancelled));
}

#[test]
fn the_waker_is_the_same_at_each_poll() {
    let rt = runtime();
    let mut first: Option<Waker> = None;
    let mut seen = 0;
    let task = rt.spawn(poll_fn(move |cx| {
        let same = first.get_or_insert_with(|| cx.waker().clone()).will_wake(cx.waker());
        seen += usize::from(same);
        if seen < 5 && same {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(seen)
    }));
    assert_eq!(settled(task), 5);
}

#[test]
fn wakes_from_inside_a_poll_lead_to_one_more() {
    let rt = runtime();
    let (polls, drops) = (Tally::new(), Tally::new());
    let task = rt.spawn(Counted::new(&polls, &drops, |cx: &mut Context<'_>, number| {
        for _ in 0..10 {
            cx.waker().wake_by_ref();
        }
        if number == 3 { Poll::Ready(()) } else { Poll::Pending }
    }));
    settled(task);
    reactor_thread(rt.handle());
    assert_eq!(polls.count(), 3);
}

#[test]
fn a_self_waking_future_starves_nobody() {
    let rt = runtime();
    let (spins, spun) = (Arc::new(AtomicUsize::new(0)), Tally::new());
    let (count, dropped) = (Arc::clone(&spins), Dropped::new(&spun));
    let spinner = rt.spawn(async move {
        let _dropped = dropped;
        loop {
            count.fetch_add(1, SeqCst);
            yield_once().await;
        }
    });
    common::until(|| spins.load(SeqCst) > 10);
    for i in 0..100 {
        assert_eq!(settled(rt.spawn(async move { i })), i, "a spawn from outside gets its turn");
    }
    let signal = Signal::new();
    let waits = signal.clone();
    let woken = rt.spawn(async move { waits.given().await });
    reactor_thread(rt.handle());
    signal.give();
    settled(woken);
    assert!(common::listed(rt.handle()).iter().any(|info| info.id() == spinner.id()), "a listing gets its turn");
    let so_far = spins.load(SeqCst);
    common::until(|| spins.load(SeqCst) > so_far);
    let report = rt.shutdown(HANG);
    assert!(report.is_clean(), "{report:?}");
    assert_eq!(spun.count(), 1);
    assert!(matches!(spinner.error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn a_crowd_that_wakes_itself_lets_spawns_in() {
    let rt = runtime();
    let crowd: Vec<Task<()>> = (0..500)
        .map(|_| {
            rt.spawn(async {
                loop {
                    yield_once().await;
                }
            })
        })
        .collect();
    for _ in 0..5 {
        reactor_thread(rt.handle());
    }
    drop(crowd);
    reactor_thread(rt.handle());
    common::until(|| rt.metrics().alive == 0);
}

#[test]
fn yielding_tasks_take_turns() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let (log, logged) = channel::<(char, usize)>();
    let talk = |name: char, log: Sender<_>| async move {
        for round in 0..4 {
            log.send((name, round)).ok();
            yield_once().await;
        }
    };
    let tasks: Vec<_> = ['a', 'b', 'c'].map(|name| rt.spawn(talk(name, log.clone()))).into();
    drop(log);
    hog.release();
    tasks.into_iter().for_each(settled);
    let expected: Vec<_> = (0..4).flat_map(|round| ['a', 'b', 'c'].map(|name| (name, round))).collect();
    assert_eq!(logged.iter().collect::<Vec<_>>(), expected);
}

#[test]
fn tasks_start_in_the_order_of_their_spawns() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let (log, logged) = channel();
    let tasks: Vec<_> = (0..1000)
        .map(|i| {
            let log = log.clone();
            rt.spawn(async move { log.send(i).ok() })
        })
        .collect();
    hog.release();
    for task in tasks {
        settled(task);
    }
    drop(log);
    assert_eq!(logged.iter().collect::<Vec<_>>(), (0..1000).collect::<Vec<_>>());
}

#[test]
fn a_storm_on_a_held_reactor_is_one_poll() {
    let rt = runtime();
    let (polls, drops) = (Tally::new(), Tally::new());
    let (task, waker) = sleeper(rt.handle(), &polls, &drops);
    for round in 1..=20 {
        let hog = Hog::reactor(rt.handle());
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..250 {
                        waker.wake_by_ref();
                    }
                });
            }
        });
        assert_eq!(polls.count(), round, "nobody but the reactor polls");
        hog.release();
        polls.wait_for(round + 1);
        reactor_thread(rt.handle());
        assert_eq!(polls.count(), round + 1, "a thousand wakes of a sleeping task are one poll");
    }
    assert!(!task.is_done());
}

#[test]
fn no_wake_of_a_storm_is_lost() {
    const THREADS: usize = 4;
    const WAKES: usize = 2_000;
    let rt = runtime();
    let sum = Arc::new(AtomicUsize::new(0));
    let (seen, polls, drops) = (Arc::clone(&sum), Tally::new(), Tally::new());
    let (give, get) = channel();
    let mut give = Some(give);
    let mut task = rt.spawn(Counted::new(&polls, &drops, move |cx: &mut Context<'_>, _| {
        if let Some(give) = give.take() {
            give.send(cx.waker().clone()).ok();
        }
        // Whoever adds wakes afterwards: the last addition is seen by the last poll, or the wake was lost.
        if seen.load(std::sync::atomic::Ordering::Relaxed) == THREADS * WAKES { Poll::Ready(()) } else { Poll::Pending }
    }));
    let waker = get.recv_timeout(HANG).unwrap();
    let start = Latch::new();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                start.wait();
                for _ in 0..WAKES {
                    sum.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    waker.wake_by_ref();
                }
            });
        }
        start.open();
    });
    task.wait_timeout(HANG).expect("the last wake is not lost").unwrap();
    reactor_thread(rt.handle());
    assert!(polls.count() <= 1 + THREADS * WAKES, "never more polls than wakes");
    assert_eq!(drops.count(), 1);
}

#[test]
fn one_wake_one_poll() {
    let rt = runtime();
    let (polls, drops) = (Tally::new(), Tally::new());
    let (task, waker) = sleeper(rt.handle(), &polls, &drops);
    for number in 2..=500 {
        waker.wake_by_ref();
        polls.wait_for(number);
        reactor_thread(rt.handle());
        assert_eq!(polls.count(), number);
    }
    assert_eq!(common::listed(rt.handle()).iter().find(|info| info.id() == task.id()).unwrap().polls(), 500);
}

#[test]
fn wakes_and_cancels_race_and_the_body_is_dropped_once() {
    let rt = runtime();
    let reactor = reactor_thread(rt.handle());
    for _ in 0..200 {
        let (polls, drops) = (Tally::new(), Tally::new());
        let (task, waker) = sleeper(rt.handle(), &polls, &drops);
        thread::scope(|scope| {
            scope.spawn(|| waker.wake_by_ref());
            scope.spawn(|| waker.clone().wake());
            task.cancel();
        });
        drops.wait_for(1);
        reactor_thread(rt.handle());
        assert_eq!(drops.threads(), [reactor]);
        assert!(polls.count() <= 3);
    }
}

#[test]
fn a_join_waker_may_do_anything() {
    let rt = runtime();
    let handle = rt.handle().clone();
    let mut task = rt.spawn(async { 1 });
    let hog = Hog::reactor(rt.handle());
    let mut held = rt.spawn(async { 2 });
    let (spawned, control) = (Arc::new(Mutex::new(None)), rt.spawn(pending::<()>()));
    let (place, victim) = (Arc::clone(&spawned), control.cancel_handle());
    let waker = Waker::from(Arc::new(WakeFn(move || {
        // Spawns, cancels, looks: all from inside the end of another task.
        *place.lock().unwrap() = Some(handle.spawn(async { 3 }));
        victim.cancel();
        handle.take_update();
        handle.metrics();
        handle.tasks();
    })));
    assert!(Pin::new(&mut held).poll(&mut Context::from_waker(&waker)).is_pending());
    hog.release();
    reactor_thread(rt.handle());
    assert_eq!(poll_once(&mut held).map(Result::unwrap), Poll::Ready(2));
    assert_eq!(settled(spawned.lock().unwrap().take().unwrap()), 3);
    reactor_thread(rt.handle());
    assert_eq!(control.status(), Status::Cancelled);
    assert_eq!(task.wait_timeout(Duration::MAX).unwrap().unwrap(), 1);
}
