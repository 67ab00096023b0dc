//! Progress through the front door: what is reported, in which order, what is lost and what never is.

mod common;

use common::{Dropped, HANG, Hog, Latch, Signal, Tally, narrow, reactor_thread, runtime, settled, yield_once};
use offtick::{InvalidSetting, SendErrorReason, Status, Task};
use std::sync::mpsc::channel;
use std::thread;

/// A task that reports 0 to `count - 1`, as a future or as a closure.
fn counter(rt: &offtick::Handle, blocking: bool, capacity: usize, count: u32) -> Task<u32, u32> {
    let builder = rt.task().progress::<u32>(capacity);
    if blocking {
        builder.spawn_blocking(move |cx| {
            (0..count).for_each(|step| cx.report(step));
            count
        })
    } else {
        builder.spawn(move |mut cx| async move {
            (0..count).for_each(|step| cx.report(step));
            count
        })
    }
}

#[test]
fn first_in_first_out_and_once() {
    let rt = runtime();
    for blocking in [false, true] {
        let task = counter(rt.handle(), blocking, 100, 50);
        common::until(|| task.is_done());
        let drain = task.progress();
        assert_eq!(drain.len(), 50);
        assert_eq!(drain.collect::<Vec<_>>(), (0..50).collect::<Vec<_>>());
        assert_eq!(task.progress().count(), 0, "destructive");
        assert_eq!((task.latest(), task.progress_dropped()), (None, 0));
    }
}

#[test]
fn the_tail_outlives_the_task_its_value_and_its_runtime() {
    let rt = runtime();
    let mut task = counter(rt.handle(), false, 8, 3);
    assert_eq!(task.wait().unwrap(), 3);
    drop(rt);
    assert_eq!(task.progress().collect::<Vec<_>>(), [0, 1, 2]);
}

#[test]
fn the_tail_of_a_task_that_fails_is_readable_too() {
    common::quiet_planned_panics();
    let rt = runtime();
    let failed: Task<(), u8> = rt.task().progress(4).run(|mut cx| async move {
        cx.report(1);
        Err("no")
    });
    let panicked: Task<(), u8> = rt.task().progress(4).spawn_blocking(|cx| {
        cx.report(2);
        panic!("planned")
    });
    let cancelled: Task<(), u8> = rt.task().progress(4).spawn(|mut cx| async move {
        cx.report(3);
        std::future::pending::<()>().await;
    });
    reactor_thread(rt.handle());
    cancelled.cancel();
    for (task, last) in [(failed, 1), (panicked, 2), (cancelled, 3)] {
        common::until(|| task.is_done());
        assert_ne!(task.status(), Status::Done);
        assert_eq!(task.latest(), Some(last));
    }
}

#[test]
fn whoever_sees_the_end_sees_all_progress() {
    let rt = runtime();
    for round in 0..400 {
        let task = counter(rt.handle(), round % 2 == 0, 16, 10);
        while !task.is_done() {
            std::hint::spin_loop();
        }
        assert_eq!(task.progress().count(), 10, "round {round}");
    }
}

#[test]
fn a_host_that_reads_while_the_task_reports_gets_each_value_once() {
    let rt = runtime();
    for blocking in [false, true] {
        let task = counter(rt.handle(), blocking, 20_000, 10_000);
        let mut read = Vec::new();
        loop {
            let over = task.is_done();
            read.extend(task.progress());
            if over {
                break;
            }
        }
        assert!(read.iter().copied().eq(0..10_000), "{} values", read.len());
    }
}

#[test]
fn a_full_ring_drops_the_oldest_and_counts() {
    let rt = runtime();
    for blocking in [false, true] {
        let task = counter(rt.handle(), blocking, 4, 10);
        common::until(|| task.is_done());
        assert_eq!(task.progress_dropped(), 6);
        assert_eq!(task.progress().collect::<Vec<_>>(), [6, 7, 8, 9]);
        assert_eq!(task.progress_dropped(), 6);
        let task = counter(rt.handle(), blocking, 1, 10);
        common::until(|| task.is_done());
        assert_eq!((task.latest(), task.progress_dropped()), (Some(9), 9));
    }
}

#[test]
fn each_value_is_dropped_once_read_or_not() {
    let rt = runtime();
    let drops = Tally::new();
    let make = drops.clone();
    let task: Task<(), Dropped> = rt.task().progress(4).spawn(move |mut cx| async move {
        (0..10).for_each(|_| cx.report(Dropped::new(&make)));
    });
    common::until(|| task.is_done());
    assert_eq!(drops.count(), 6, "for want of room");
    drop(task.progress().next());
    assert_eq!(drops.count(), 7, "what a drain did not yield stays");
    assert!(task.latest().is_some());
    assert_eq!(drops.count(), 10);
    drop(task);
    assert_eq!(drops.count(), 10);
}

#[test]
fn sending_waits_for_room_and_loses_nothing() {
    let rt = runtime();
    for blocking in [false, true] {
        let builder = rt.task().progress::<u32>(2);
        let task: Task<bool, u32> = if blocking {
            builder.spawn_blocking(|cx| (0..500).all(|step| cx.send_blocking(step).is_ok()))
        } else {
            builder.spawn(|mut cx| async move {
                let mut sent = true;
                for step in 0..500 {
                    sent &= cx.send(step).await.is_ok();
                }
                sent
            })
        };
        let mut read = Vec::new();
        common::until(|| {
            let over = task.is_done();
            read.extend(task.progress());
            over
        });
        assert!(read.iter().copied().eq(0..500), "{} values", read.len());
        assert_eq!(task.progress_dropped(), 0);
        assert!(settled(task));
    }
}

#[test]
fn a_sender_without_room_sleeps() {
    let rt = runtime();
    let sent = Tally::new();
    let noted = sent.clone();
    let task: Task<(), u32> = rt.task().progress(3).spawn(move |mut cx| async move {
        for step in 0..10 {
            cx.send(step).await.unwrap();
            noted.note();
        }
    });
    sent.wait_for(3);
    for _ in 0..3 {
        reactor_thread(rt.handle());
    }
    assert_eq!((sent.count(), task.status()), (3, Status::Running));
    assert_eq!(task.progress().next(), Some(0));
    sent.wait_for(4);
    reactor_thread(rt.handle());
    assert_eq!(sent.count(), 4, "one place, one value");
    assert_eq!(task.progress().collect::<Vec<_>>(), [1, 2, 3]);
    sent.wait_for(7);
    drop(task);
}

#[test]
fn try_send_gives_the_value_back() {
    let rt = runtime();
    let task: Task<(), String> = rt.task().progress(1).spawn(|mut cx| async move {
        assert!(cx.try_send("first".to_owned()).is_ok());
        let full = cx.try_send("second".to_owned()).unwrap_err();
        assert!(full.is_full());
        assert_eq!(full.into_inner(), "second");
    });
    common::until(|| task.is_done());
    assert!(task.error().is_none(), "{:?}", task.error());
    assert_eq!(task.progress().collect::<Vec<_>>(), ["first"]);
}

#[test]
fn a_closure_that_waits_for_room_is_told_of_its_cancellation() {
    let rt = narrow();
    for way in ["cancel", "control", "detach", "drop"] {
        let (told, tells) = channel();
        let entered = Tally::new();
        let noted = entered.clone();
        let task: Task<(), u32> = rt.task().progress(1).spawn_blocking(move |cx| {
            assert!(cx.send_blocking(0).is_ok());
            noted.note();
            let error = cx.send_blocking(7).unwrap_err();
            told.send((error.value, error.reason)).ok();
        });
        entered.wait_for(1);
        let mut kept = None;
        let reason = match way {
            "cancel" => {
                assert!(task.cancel());
                kept = Some(task);
                SendErrorReason::Cancelled
            }
            "control" => {
                assert!(task.cancel_handle().cancel());
                kept = Some(task);
                SendErrorReason::Cancelled
            }
            "detach" => {
                task.detach();
                SendErrorReason::ReaderGone
            }
            _ => {
                drop(task);
                SendErrorReason::ReaderGone
            }
        };
        let (value, seen) = tells.recv_timeout(HANG).expect("the closure does not wait for ever");
        assert_eq!(value, 7, "{way}: the value is given back");
        assert!(seen == reason || (way == "drop" && seen == SendErrorReason::Cancelled), "{way}: {seen:?}");
        drop(kept);
    }
}

#[test]
fn a_shutdown_tells_a_closure_that_waits_for_room() {
    let rt = narrow();
    let entered = Tally::new();
    let noted = entered.clone();
    let task: Task<(), u32> = rt.task().progress(1).spawn_blocking(move |cx| {
        cx.send_blocking(0).ok();
        noted.note();
        cx.send_blocking(1).ok();
    });
    entered.wait_for(1);
    assert!(rt.shutdown(HANG).is_clean());
    assert_eq!(task.progress().collect::<Vec<_>>(), [0]);
}

#[test]
fn a_capacity_that_cannot_be_is_an_error_of_the_task() {
    let rt = runtime();
    for capacity in [0, usize::MAX, usize::MAX / 8] {
        let drops = Tally::new();
        let (one, two) = (Dropped::new(&drops), Dropped::new(&drops));
        let future: Task<(), u64> = rt.task().progress(capacity).spawn(move |_| async move { drop(one) });
        let closure: Task<(), u64> = rt.task().progress(capacity).spawn_blocking(move |_| drop(two));
        for task in [future, closure] {
            assert_eq!(task.status(), Status::Error);
            let error = task.error().unwrap().downcast_ref::<InvalidSetting>().unwrap();
            assert_eq!((error.setting(), error.given()), ("progress", &*capacity.to_string()));
            assert_eq!(task.progress().count(), 0);
        }
        assert_eq!(drops.count(), 2);
    }
}

#[test]
fn values_without_size_are_counted() {
    let rt = runtime();
    let task: Task<(), ()> = rt.task().progress::<()>(4).spawn(|mut cx| async move {
        (0..6).for_each(|_| cx.report(()));
    });
    common::until(|| task.is_done());
    assert_eq!((task.progress().count(), task.progress_dropped()), (4, 2));
}

#[test]
fn a_report_raises_the_update_flag() {
    let rt = runtime();
    let signal = Signal::new();
    let waits = signal.clone();
    let task: Task<(), u8> = rt.task().progress(4).spawn(|mut cx| async move {
        waits.given().await;
        cx.report(1);
        std::future::pending::<()>().await;
    });
    reactor_thread(rt.handle());
    let _probe = rt.spawn(std::future::pending::<()>());
    rt.take_update();
    signal.give();
    common::until(|| rt.take_update() && task.latest() == Some(1));
}

#[test]
fn a_shared_task_is_drained_by_whoever_comes_first() {
    let rt = runtime();
    let shared = counter(rt.handle(), false, 2000, 1000).share();
    assert!(shared.wait().is_ok());
    let mut read: Vec<u32> = thread::scope(|scope| {
        let readers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut read = Vec::new();
                    while let Some(step) = shared.progress().next() {
                        read.push(step);
                    }
                    read
                })
            })
            .collect();
        readers.into_iter().flat_map(|reader| reader.join().unwrap()).collect()
    });
    // A reader that met another's drain found nothing and left; the rest is still there.
    read.extend(shared.progress());
    read.sort_unstable();
    assert!(read.iter().copied().eq(0..1000), "{} values", read.len());
}

#[test]
fn several_producers_share_a_reporter() {
    let rt = runtime();
    let handle = rt.handle().clone();
    let task: Task<(), u32> = rt.task().progress(1000).spawn(move |mut cx| async move {
        let shared = cx.take_reporter().expect("the first time").shared();
        assert!(cx.take_reporter().is_none());
        let mut parts = Vec::new();
        for part in 0..4 {
            let shared = shared.clone();
            parts.push(handle.spawn_blocking(move || (0..100).for_each(|step| shared.report(part * 100 + step))));
        }
        for part in parts {
            part.await.unwrap();
        }
    });
    common::until(|| task.is_done());
    let mut read: Vec<u32> = task.progress().collect();
    read.sort_unstable();
    assert!(read.iter().copied().eq(0..400));
}

#[test]
fn reporting_without_a_ring_does_nothing() {
    let rt = runtime();
    let latch = Latch::new();
    let gate = latch.clone();
    let task: Task<bool> = rt.task().spawn(|mut cx| async move {
        cx.report(());
        yield_once().await;
        cx.send(()).await.is_ok() && cx.try_send(()).is_ok()
    });
    let closure: Task<bool> = rt.task().spawn_blocking(move |cx| {
        gate.wait();
        cx.report(());
        cx.send_blocking(()).is_ok()
    });
    let hog = Hog::reactor(rt.handle());
    latch.open();
    hog.release();
    assert_eq!(task.progress().count(), 0);
    assert!(settled(task) && settled(closure));
}

/// A closure that waits for room hears of its cancellation, whoever brings it about, while its handle lives.
#[test]
fn a_blocked_send_ends_with_its_task() {
    use offtick::time::ManualClock;
    use offtick::{Builder, SendErrorReason, TaskContext};
    use std::sync::mpsc;
    use std::time::Duration;

    const LONG: Duration = Duration::from_secs(20);
    let clock = ManualClock::new();
    let rt = Builder::new().clock(clock.clone()).build().unwrap();
    let (tell, told) = mpsc::channel();
    let next = || told.recv_timeout(LONG).expect("the sender is woken");
    let theirs = tell.clone();
    let body = move |cx: &mut TaskContext<u8>| {
        while cx.try_send(1).is_ok() {}
        theirs.send(None).unwrap();
        theirs.send(cx.send_blocking(2).err().map(|error| error.reason)).unwrap();
    };

    let task = rt.task().progress(1).spawn_blocking(body.clone());
    assert_eq!(next(), None);
    assert!(task.cancel());
    assert_eq!(next(), Some(SendErrorReason::Cancelled));

    let late = rt.task().progress(1).timeout(LONG).spawn_blocking(body.clone());
    assert_eq!(next(), None);
    clock.advance(2 * LONG);
    assert_eq!(next(), Some(SendErrorReason::Cancelled));
    assert!(late.is_done());

    let several = rt.task().progress::<u8>(1).spawn_blocking({
        let tell = tell.clone();
        move |cx| {
            let shared = cx.take_reporter().unwrap().shared();
            while shared.try_send(1).is_ok() {}
            tell.send(None).unwrap();
            std::thread::scope(|scope| {
                for _ in 0..3 {
                    scope.spawn(|| shared.send_blocking(2).expect_err("there is never room"));
                }
            });
            tell.send(Some(SendErrorReason::Cancelled)).unwrap();
        }
    });
    assert_eq!(next(), None);
    assert!(several.cancel());
    assert_eq!(next(), Some(SendErrorReason::Cancelled));

    let _left = rt.task().progress(1).spawn_blocking(body);
    assert_eq!(next(), None);
    assert!(rt.shutdown(LONG).is_clean());
}
