//! Three levels: who goes first, who gets a turn all the same, and what a change of level does.

mod common;

use common::{Hog, Log, Signal, inside, runtime, settled};
use offtick::Priority::{self, Background, UserBlocking, UserVisible};
use offtick::queue::{self, spawn_descend, switch_to, yield_at};
use offtick::{CancelHandle, Handle, Task, yield_now};
use std::future::pending;

/// Spawns a task of a level that logs a word.
fn says(rt: &Handle, log: &Log, priority: Priority, word: impl Into<String>) -> Task<()> {
    let (log, word) = (log.clone(), word.into());
    rt.task().priority(priority).spawn(move |_cx| async move { log.push(word) })
}

async fn all(tasks: Vec<Task<()>>) {
    for task in tasks {
        task.await.expect("the task ends");
    }
}

#[test]
fn the_more_urgent_go_first() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let words = [
            (Background, "b1"),
            (UserVisible, "v1"),
            (UserBlocking, "u1"),
            (Background, "b2"),
            (UserBlocking, "u2"),
            (UserVisible, "v2"),
        ];
        all(words.map(|(priority, word)| says(&rt, &log, priority, word)).into()).await;
    });
    assert_eq!(seen.text(), "u1 u2 v1 v2 b1 b2");
}

#[test]
fn from_other_threads_as_well() {
    let (rt, log) = (runtime(), Log::new());
    let hog = Hog::reactor(rt.handle());
    let words = [(Background, "b"), (UserVisible, "v"), (UserBlocking, "u")];
    let tasks = words.map(|(priority, word)| says(rt.handle(), &log, priority, word));
    hog.release();
    tasks.into_iter().for_each(settled);
    assert_eq!(log.text(), "u v b");
}

#[test]
fn the_less_urgent_get_their_turns() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let mut tasks = Vec::new();
        for n in 0..60 {
            tasks.push(says(&rt, &log, UserBlocking, "u"));
            if n < 10 {
                tasks.push(says(&rt, &log, UserVisible, "v"));
                tasks.push(says(&rt, &log, Background, "b"));
            }
        }
        for task in tasks {
            task.await.unwrap();
        }
    });
    let text = seen.text().replace(' ', "");
    let turns = |letter: char| text.match_indices(letter).map(|(at, _)| at).take(3).collect::<Vec<_>>();
    assert_eq!(turns('v'), [8, 17, 26], "{text}");
    assert_eq!(turns('b')[0], 32, "{text}");
}

/// A task that yields for ever does not keep a lower level from running.
#[test]
fn a_task_that_yields_for_ever_starves_no_lower_level() {
    let (rt, stop) = (runtime(), Signal::new());
    let stopped = stop.clone();
    let selfish = rt.task().priority(UserBlocking).spawn(move |_cx| async move {
        let mut stopped = std::pin::pin!(stopped.given());
        std::future::poll_fn(|cx| {
            let polled = stopped.as_mut().poll(cx);
            cx.waker().wake_by_ref();
            polled
        })
        .await;
    });
    for priority in Priority::ALL {
        settled(rt.task().priority(priority).spawn(|_cx| async {}));
    }
    settled(rt.task().priority(Background).spawn(|_cx| offtick::time::sleep(std::time::Duration::from_millis(1))));
    stop.give();
    settled(selfish);
}

#[test]
fn a_change_moves_what_is_ready() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let tasks: Vec<_> = (0..4).map(|n| says(&rt, &log, UserVisible, n.to_string())).collect();
        tasks[3].set_priority(UserBlocking);
        tasks[0].cancel_handle().set_priority(Background);
        tasks[1].set_priority(Background);
        tasks[1].set_priority(UserVisible); // back, behind the others
        assert_eq!(
            tasks.iter().map(Task::priority).collect::<Vec<_>>(),
            [Background, UserVisible, UserVisible, UserBlocking]
        );
        all(tasks).await;
    });
    assert_eq!(seen.text(), "3 2 1 0");
}

#[test]
fn a_change_from_another_thread_moves_what_is_ready() {
    let (rt, log) = (runtime(), Log::new());
    let hog = Hog::reactor(rt.handle());
    let tasks: Vec<_> = (0..4).map(|n| says(rt.handle(), &log, UserVisible, n.to_string())).collect();
    // They stand in the ready queue now, and not in the inbox any more.
    let controls: Vec<_> = tasks.iter().map(Task::cancel_handle).collect();
    hog.run(move || assert_eq!(queue::current().unwrap().runnable().len(), controls.len()));
    tasks[3].set_priority(UserBlocking);
    tasks[1].set_priority(Background);
    hog.release();
    tasks.into_iter().for_each(settled);
    assert_eq!(log.text(), "3 0 2 1");
}

#[test]
fn a_change_holds_for_what_waits_in_the_inbox() {
    let (rt, log) = (runtime(), Log::new());
    let hog = Hog::reactor(rt.handle());
    let tasks: Vec<_> = (0..3).map(|n| says(rt.handle(), &log, UserVisible, n.to_string())).collect();
    tasks[2].set_priority(UserBlocking);
    tasks[0].set_priority(Background);
    hog.release();
    tasks.into_iter().for_each(settled);
    assert_eq!(log.text(), "2 1 0");
}

#[test]
fn a_change_holds_from_the_next_wake() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let go = Signal::new();
        let (inner, wait) = (log.clone(), go.clone());
        let sleeper = rt.spawn(async move {
            wait.given().await;
            inner.push("sleeper");
        });
        yield_now().await;
        sleeper.set_priority(UserBlocking);
        let other = says(&rt, &log, UserVisible, "other");
        go.give();
        sleeper.await.unwrap();
        other.await.unwrap();
    });
    assert_eq!(seen.text(), "sleeper other");
}

#[test]
fn a_task_that_lowers_itself_yields_to_all_of_the_levels_above() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let own = Signal::new();
        let (inner, ready) = (log.clone(), own.clone());
        let slot: std::sync::Arc<std::sync::Mutex<Option<CancelHandle>>> = std::sync::Arc::default();
        let me = std::sync::Arc::clone(&slot);
        let task = rt.spawn(async move {
            ready.given().await;
            me.lock().unwrap().as_ref().unwrap().set_priority(Background);
            yield_now().await;
            inner.push("lowered");
        });
        *slot.lock().unwrap() = Some(task.cancel_handle());
        own.give();
        let others: Vec<_> = (0..3).map(|n| says(&rt, &log, UserVisible, n.to_string())).collect();
        task.await.unwrap();
        all(others).await;
    });
    assert_eq!(seen.text(), "0 1 2 lowered");
}

#[test]
#[cfg(feature = "toolkit")]
fn a_task_in_a_group_keeps_its_level_until_there_is_room() {
    let (rt, log) = (runtime(), Log::new());
    let group = offtick::TaskGroup::with_limit(rt.handle(), 1).expect("a limit of one");
    let first = group.spawn(pending::<()>());
    let waiting = {
        let log = log.clone();
        group.task().priority(Background).spawn(move |_cx| async move { log.push("waited") })
    };
    waiting.set_priority(UserBlocking);
    let hog = Hog::reactor(rt.handle());
    let others = [says(rt.handle(), &log, UserVisible, "other"), says(rt.handle(), &log, UserVisible, "another")];
    first.cancel();
    hog.release();
    settled(waiting);
    others.into_iter().for_each(settled);
    assert_eq!(log.text().split(' ').count(), 3);
}

#[test]
fn a_task_that_is_over_keeps_what_it_had() {
    let rt = runtime();
    let mut task = rt.task().priority(Background).spawn(|_cx| async {});
    task.wait().unwrap();
    common::until(|| rt.metrics().alive == 0);
    task.set_priority(UserBlocking);
    assert_eq!(task.priority(), Background);
}

#[test]
fn every_handle_and_listing_shows_the_level() {
    let rt = runtime();
    let task = rt.task().name("low").priority(Background).spawn(|_cx| pending::<()>());
    assert_eq!((task.priority(), task.cancel_handle().priority()), (Background, Background));
    let listed = common::listed(rt.handle());
    assert_eq!(listed.iter().map(|task| task.priority()).collect::<Vec<_>>(), [Background]);
    let shared = task.share();
    shared.set_priority(UserBlocking);
    assert_eq!(shared.priority(), UserBlocking);
    assert_eq!(rt.spawn(pending::<()>()).priority(), UserVisible);
    assert_eq!(Priority::default(), UserVisible);
    assert_eq!(Priority::ALL.map(|priority| priority.to_string()), ["user-blocking", "user-visible", "background"]);
}

#[test]
fn a_closure_keeps_its_place_in_the_queue_when_its_level_changes() {
    let rt = common::narrow();
    let (hog, log) = (Hog::pool(rt.handle()), Log::new());
    let tasks = [Background, UserBlocking].map(|priority| {
        let log = log.clone();
        rt.task().priority(priority).spawn_blocking(move |_cx| log.push(priority.to_string()))
    });
    tasks[0].set_priority(UserBlocking);
    tasks[1].set_priority(Background);
    hog.release();
    tasks.into_iter().for_each(settled);
    assert_eq!(log.text(), "user-blocking background");
}

#[test]
fn a_descent_keeps_the_level() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    let mut task = rt.task().priority(UserBlocking).spawn(move |_cx| async move {
        let inner = log.clone();
        let child = spawn_descend(async move { inner.push("child") }).await.unwrap();
        log.push("caller");
        assert_eq!(child.priority(), UserBlocking);
        child.await.unwrap();
    });
    task.wait().unwrap();
    assert_eq!(seen.text(), "child caller");
}

#[test]
fn positions_go_through_the_levels() {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let mut tasks: Vec<_> = (0..2).map(|n| says(&rt, &log, UserBlocking, format!("u{n}"))).collect();
        tasks.extend((0..3).map(|n| says(&rt, &log, UserVisible, format!("v{n}"))));
        tasks.push(says(&rt, &log, Background, "b"));
        {
            let queue = queue::current().unwrap();
            assert_eq!(tasks.iter().map(|task| queue.find(task).unwrap()).collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
            queue.reinsert(&tasks[4], 0).unwrap(); // the first of its level
            assert_eq!(queue.find(&tasks[4]), Some(2));
            queue.reinsert(&tasks[5], 0).unwrap();
            assert_eq!(queue.find(&tasks[5]), Some(5), "alone in its level");
        }
        yield_at(3).await; // behind both u and one v
        log.push("me");
        switch_to(&tasks[5]).resume_at(0).await.unwrap(); // of a lower level: the next of its own
        log.push("me");
        all(tasks).await;
    });
    assert_eq!(seen.text(), "u0 u1 v2 me me v0 v1 b");
}
