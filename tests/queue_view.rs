//! The ready queue by hand: positions, what is taken out, what waits, and that nobody is starved.

mod common;

use common::{Dropped, HANG, Hog, Log, Signal, Tally, inside, reactor_thread, runtime, settled};
use offtick::queue::{self, END, NotReady, Popped, ReadyQueue, SwitchError, switch_to, yield_at};
use offtick::{CancelHandle, Handle, Task, TaskError, yield_now};
use std::cell::RefCell;
use std::future::pending;
use std::sync::{Arc, Mutex};

/// Spawns tasks that log their numbers.
fn numbers(rt: &Handle, log: &Log, count: usize) -> Vec<Task<()>> {
    (0..count)
        .map(|n| {
            let log = log.clone();
            rt.spawn(async move { log.push(n.to_string()) })
        })
        .collect()
}

fn here() -> ReadyQueue {
    queue::current().expect("inside a task")
}

async fn all(tasks: Vec<Task<()>>) {
    for task in tasks {
        task.await.expect("the task ends");
    }
}

/// What runs after `arrange` has had its way with a queue of six.
fn arranged(arrange: impl FnOnce(&ReadyQueue, &[Task<()>]) + Send + 'static) -> String {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let tasks = numbers(&rt, &log, 6);
        arrange(&here(), &tasks);
        all(tasks).await;
    });
    seen.text()
}

#[test]
fn a_task_moves_to_a_position() {
    for (position, order) in [
        (0, "5 0 1 2 3 4"),
        (1, "0 5 1 2 3 4"),
        (5, "0 1 2 3 4 5"),
        (6, "0 1 2 3 4 5"),
        (END, "0 1 2 3 4 5"),
        (-1, "0 1 2 3 5 4"),
        (-5, "5 0 1 2 3 4"),
        (-99, "5 0 1 2 3 4"),
    ] {
        assert_eq!(arranged(move |queue, _| queue.reinsert_last(position).unwrap()), order, "at {position}");
        assert_eq!(arranged(move |queue, tasks| queue.reinsert(&tasks[5], position).unwrap()), order, "at {position}");
    }
    assert_eq!(arranged(|queue, tasks| queue.reinsert(&tasks[1].cancel_handle(), 3).unwrap()), "0 2 3 1 4 5");
}

#[test]
fn the_queue_turns() {
    for (by, order) in [
        (0, "0 1 2 3 4 5"),
        (1, "5 0 1 2 3 4"),
        (-1, "1 2 3 4 5 0"),
        (8, "4 5 0 1 2 3"),
        (-9, "3 4 5 0 1 2"),
        (isize::MIN, "2 3 4 5 0 1"),
    ] {
        assert_eq!(arranged(move |queue, _| queue.rotate(by)), order, "by {by}");
    }
    let rt = runtime();
    inside(rt.handle(), |_| async { here().rotate(3) });
}

#[test]
fn tasks_are_found_and_counted() {
    arranged(|queue, tasks| {
        assert_eq!((queue.len(), queue.is_empty()), (6, false));
        let positions: Vec<_> = tasks.iter().map(|task| queue.find(task)).collect();
        assert_eq!(positions, (0..6).map(Some).collect::<Vec<_>>());
        let runnable: Vec<_> = queue.runnable().iter().map(CancelHandle::id).collect();
        assert_eq!(runnable, tasks.iter().map(Task::id).collect::<Vec<_>>());
        assert_eq!(format!("{queue:?}"), "ReadyQueue { len: 6 }");
    });
    let rt = runtime();
    inside(rt.handle(), |rt| async move {
        let shared = rt.spawn(async {}).share();
        assert_eq!(here().find(&shared), Some(0));
        shared.finished().await;
        assert_eq!(here().find(&shared), None);
        assert!(here().is_empty());
    });
}

#[test]
fn what_is_taken_out_runs_when_it_is_put_back() {
    let order = arranged(|queue, tasks| {
        let first = queue.pop(0).unwrap();
        let last = queue.pop(-1).unwrap();
        let third = queue.remove(&tasks[3]).unwrap(); // 1 2 4
        assert_eq!((first.id(), last.id(), third.cancel_handle().id()), (tasks[0].id(), tasks[5].id(), tasks[3].id()));
        assert_eq!((queue.len(), queue.find(&tasks[3])), (3, None));
        assert_eq!(queue.remove(&tasks[3]).unwrap_err(), NotReady);
        assert_eq!(queue.reinsert(&tasks[3], 0), Err(NotReady));
        drop(last); // 1 2 4 5
        queue.insert(0, third).unwrap(); // 3 1 2 4 5
        queue.insert(-1, first).unwrap(); // 3 1 2 4 0 5
    });
    assert_eq!(order, "3 1 2 4 0 5");
}

#[test]
fn a_position_with_nothing_at_it_is_an_error() {
    arranged(|queue, _| {
        let error = queue.pop(6).unwrap_err();
        assert_eq!((error.position, error.len), (6, 6));
        assert_eq!(error.to_string(), "no task is at position 6; 6 tasks are ready");
        assert!(queue.pop(-7).is_err() && queue.pop(END).is_err() && queue.pop(isize::MIN).is_err());
        assert_eq!(queue.len(), 6);
    });
    inside(runtime().handle(), |_| async {
        assert_eq!(here().reinsert_last(0).unwrap_err().len, 0);
        assert!(here().pop(0).is_err() && here().pop(-1).is_err());
    });
}

#[test]
fn a_call_has_its_turn_at_its_position() {
    let log = Log::new();
    let (one, two, three) = (log.clone(), log.clone(), log.clone());
    let rt = runtime();
    common::quiet_planned_panics();
    inside(rt.handle(), move |rt| async move {
        let tasks = numbers(&rt, &one, 3);
        let first = here().call_at(0, move || {
            one.push("first");
            7
        });
        let second = here().call_at(2, move || two.push("second"));
        let last = here().call_at(END, || panic!("planned"));
        drop(here().call_at(0, move || three.push("cancelled")));
        all(tasks).await;
        assert_eq!(first.await.unwrap(), 7);
        second.await.unwrap();
        let _: &Task<()> = &last;
        assert!(last.await.unwrap_err().is_panic());
    });
    assert_eq!(log.text(), "first 0 second 1 2");
}

#[test]
fn a_task_that_yields_comes_back_at_its_position() {
    for (position, order) in [
        (0, "me 0 1 2 3"),
        (1, "0 me 1 2 3"),
        (3, "0 1 2 me 3"),
        (4, "0 1 2 3 me"),
        (9, "0 1 2 3 me"),
        (END, "0 1 2 3 me"),
        (-1, "0 1 2 me 3"),
        (-9, "me 0 1 2 3"),
    ] {
        let (rt, log) = (runtime(), Log::new());
        let seen = log.clone();
        inside(rt.handle(), move |rt| async move {
            let tasks = numbers(&rt, &log, 4);
            yield_at(position).await;
            log.push("me");
            all(tasks).await;
        });
        assert_eq!(seen.text(), order, "at {position}");
    }
}

#[test]
fn a_position_counts_for_the_one_poll_that_asked_for_it() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let tasks = numbers(&rt, &log, 2);
        // Asked for and given up within one poll: the yield that follows goes to the end.
        std::future::poll_fn(|cx| {
            let mut asked = std::pin::pin!(yield_at(0));
            assert!(asked.as_mut().poll(cx).is_pending());
            std::task::Poll::Ready(())
        })
        .await;
        let idle = Signal::new();
        let waits = idle.clone();
        let waiter = rt.spawn(async move {
            // The task is over with its wish; the next one has none.
            let mut asked = Box::pin(yield_at(0));
            std::future::poll_fn(|cx| {
                let _pending = asked.as_mut().poll(cx);
                std::task::Poll::Ready(())
            })
            .await;
            waits.give();
        });
        yield_at(END).await;
        log.push("me");
        idle.given().await;
        all(tasks).await;
        waiter.await.unwrap();
    });
    assert_eq!(seen.text(), "0 1 me");
}

#[test]
fn a_switch_runs_the_target_next() {
    for (position, order) in
        [(END, "3 0 1 2 4 5 me"), (1, "3 me 0 1 2 4 5"), (0, "me 3 0 1 2 4 5"), (-1, "3 0 1 2 4 me 5")]
    {
        let (rt, log) = (runtime(), Log::new());
        let seen = log.clone();
        inside(rt.handle(), move |rt| async move {
            let tasks = numbers(&rt, &log, 6);
            switch_to(&tasks[3]).resume_at(position).await.expect("it is ready");
            log.push("me");
            all(tasks).await;
        });
        assert_eq!(seen.text(), order, "back at {position}");
    }
}

#[test]
fn a_switch_to_what_is_not_ready_is_an_error_and_no_pause() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let waits = rt.spawn(pending::<()>());
        yield_now().await;
        let tasks = numbers(&rt, &log, 2);
        assert_eq!(switch_to(&waits).await, Err(SwitchError::NotReady(NotReady)));
        assert_eq!(here().reinsert(&waits, 0), Err(NotReady));
        let popped = here().remove(&tasks[0]).unwrap();
        assert!(switch_to(&tasks[0]).await.is_err(), "taken out");
        log.push("me");
        drop(popped);
        all(tasks).await;
    });
    assert_eq!(seen.text(), "me 1 0");
    let task = rt.spawn(pending::<()>());
    let error = offtick::block_on(async { switch_to(&task).await }).unwrap().unwrap_err();
    assert!(matches!(error, SwitchError::NoExecutor(_)), "{error}");
}

#[test]
fn what_sleeps_is_blocked() {
    let rt = runtime();
    inside(rt.handle(), |rt| async move {
        let sleeps = rt.spawn(pending::<()>());
        assert_eq!((here().runnable().len(), here().blocked().len()), (1, 0), "it has not begun");
        yield_now().await;
        let blocked = here().blocked();
        assert_eq!(blocked.iter().map(CancelHandle::id).collect::<Vec<_>>(), [sleeps.id()]);
        assert!(here().runnable().is_empty());
        drop(sleeps);
        assert_eq!((here().runnable().len(), here().blocked().len()), (1, 0), "it is to be dropped");
    });
}

#[test]
fn what_another_thread_wakes_counts_at_once() {
    let rt = runtime();
    let hog = Hog::reactor(rt.handle());
    let others: Vec<_> = (0..3).map(|n| rt.spawn(async move { n })).collect();
    let controls: Vec<_> = others.iter().map(Task::cancel_handle).collect();
    let found = hog.run(move || controls.iter().map(|task| here().find(task)).collect::<Vec<_>>());
    assert_eq!(found, [Some(0), Some(1), Some(2)]);
    hog.release();
    assert_eq!(others.into_iter().map(settled).sum::<i32>(), 3);
}

#[test]
fn outside_of_tasks_there_is_no_queue() {
    let error = queue::current().expect_err("a test is no task");
    assert_eq!(error.to_string(), "this thread drives no executor; call it inside a task");
    let rt = runtime();
    assert!(settled(rt.spawn_blocking(|| queue::current().is_err())), "nor has a pool thread one");
    // A yield needs no queue.
    offtick::block_on(async {
        yield_now().await;
        yield_at(3).await;
    })
    .unwrap();
}

#[test]
fn a_task_of_another_runtime_is_not_ready_here() {
    let (rt, other) = (runtime(), runtime());
    let hog = Hog::reactor(other.handle());
    let stranger = other.spawn(async {});
    let control = stranger.cancel_handle();
    inside(rt.handle(), |_| async move {
        assert_eq!(here().find(&control), None);
        assert!(switch_to(&control).await.is_err());
    });
    hog.release();
    settled(stranger);
}

#[test]
fn a_popped_task_can_be_cancelled_and_is_dropped_when_it_is_back() {
    let (rt, drops) = (runtime(), Tally::new());
    let guard = Dropped::new(&drops);
    let seen = drops.clone();
    inside(rt.handle(), |rt| async move {
        let begun = rt.spawn(async move {
            let _guard = guard;
            yield_now().await;
            yield_now().await;
        });
        yield_now().await;
        let popped = here().remove(&begun).unwrap();
        assert!(begun.cancel());
        yield_now().await;
        assert_eq!((seen.count(), begun.is_done()), (0, false), "nobody may drop it while it is out");
        drop(popped);
        assert!(begun.await.unwrap_err().is_cancelled());
        assert_eq!(seen.count(), 1);
    });
    assert_eq!(drops.threads(), [reactor_thread(rt.handle())]);
}

#[test]
fn a_shutdown_finds_what_was_taken_out() {
    thread_local! {
        static KEPT: RefCell<Vec<Popped>> = const { RefCell::new(Vec::new()) };
    }
    let (rt, drops) = (runtime(), Tally::new());
    let reactor = reactor_thread(rt.handle());
    let guards = [Dropped::new(&drops), Dropped::new(&drops)];
    let held = inside(rt.handle(), |rt| async move {
        let tasks: Vec<_> = guards
            .into_iter()
            .map(|guard| {
                rt.spawn(async move {
                    let _guard = guard;
                    pending::<()>().await;
                })
            })
            .collect();
        // One is kept by the thread, which ends after its executor; one by a task that never ends.
        KEPT.with(|kept| kept.borrow_mut().push(here().pop(0).unwrap()));
        let other = tasks[1].cancel_handle();
        let holder = rt.task().spawn(move |_cx| async move {
            let _popped = here().remove(&other).unwrap();
            pending::<()>().await;
        });
        switch_to(&holder).await.unwrap();
        holder.detach();
        tasks
    });
    assert!(rt.shutdown(HANG).is_clean());
    for mut task in held {
        assert!(matches!(task.take(), Some(Err(TaskError::RuntimeGone))));
    }
    assert_eq!(drops.threads(), [reactor, reactor]);
}

/// Two tasks switch to each other until they are told to stop.
fn ping_pong(rt: &Handle, log: &Log, stop: &Arc<Mutex<bool>>, back_at: isize) -> Vec<Task<()>> {
    let partners: Arc<Mutex<Vec<CancelHandle>>> = Arc::default();
    let tasks: Vec<_> = (0..2_usize)
        .map(|n| {
            let (partners, log, stop) = (Arc::clone(&partners), log.clone(), Arc::clone(stop));
            rt.spawn(async move {
                while !*stop.lock().unwrap() {
                    log.push("ping");
                    let partner = partners.lock().unwrap()[1 - n].clone();
                    if switch_to(&partner).resume_at(back_at).await.is_err() {
                        yield_now().await;
                    }
                }
            })
        })
        .collect();
    partners.lock().unwrap().extend(tasks.iter().map(Task::cancel_handle));
    tasks
}

#[test]
fn two_that_switch_for_ever_starve_nobody() {
    for back_at in [END, 0, 1, 2, 3, -1] {
        let (rt, log, stop) = (runtime(), Log::new(), Arc::default());
        let (seen, stopped, stop_too) = (log.clone(), Arc::clone(&stop), Arc::clone(&stop));
        let (bystanders, players) = inside(rt.handle(), move |rt| async move {
            let players = ping_pong(&rt, &log, &stop, back_at);
            (numbers(&rt, &log, 3), players)
        });
        bystanders.into_iter().for_each(settled);
        let log = seen.text();
        assert!(log.find('0') < log.find('1') && log.find('1') < log.find('2'), "back at {back_at}: {log}");
        // Nor the inbox, nor the timers.
        settled(rt.spawn(async {}));
        settled(rt.spawn(offtick::time::sleep(std::time::Duration::from_millis(1))));
        *stopped.lock().unwrap() = true;
        players.into_iter().for_each(settled);
        drop(stop_too);
    }
}

#[test]
fn one_that_always_comes_back_first_starves_nobody() {
    let rt = runtime();
    let stop = Signal::new();
    let stopped = stop.clone();
    let selfish = rt.spawn(async move {
        let mut stopped = std::pin::pin!(stopped.given());
        std::future::poll_fn(|cx| {
            if stopped.as_mut().poll(cx).is_ready() {
                return std::task::Poll::Ready(());
            }
            let _pending = std::pin::pin!(yield_at(0)).poll(cx);
            std::task::Poll::Pending
        })
        .await;
    });
    for n in 0..100 {
        assert_eq!(settled(rt.spawn(async move { n })), n);
    }
    stop.give();
    settled(selfish);
}
