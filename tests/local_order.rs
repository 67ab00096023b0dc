//! Who runs when on a runtime without a thread, with futures that are not `Send`: the logs of plain futures, spawned,
//! started and eager tasks and of descents, the ready queue in the hands of the host, and eager starts between two ticks.

mod common;

use common::{PLANNED, quiet_planned_panics};
use offtick::queue::{self, END, NotReady, spawn_descend, spawn_start, switch_to, yield_at};
use offtick::time::{Clock, sleep};
use offtick::{Budget, LocalBuilder, LocalHandle, LocalRuntime, Priority, Task, TaskError, TickError, yield_now};
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::Duration;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    Spawn,
    Start,
    Descend,
    Eager,
}

type Boxed = Pin<Box<dyn Future<Output = ()>>>;

/// What happened, in order; not `Send`, as little as what it is moved into.
#[derive(Clone, Default)]
struct Log(Rc<RefCell<Vec<String>>>);

impl Log {
    fn push(&self, event: impl Into<String>) {
        self.0.borrow_mut().push(event.into());
    }

    fn text(&self) -> String {
        self.0.borrow().join(" ")
    }
}

/// A word that a future waits for.
#[derive(Clone, Default)]
struct Word(Rc<RefCell<(bool, Option<Waker>)>>);

impl Word {
    fn give(&self) {
        let waker = {
            let mut state = self.0.borrow_mut();
            state.0 = true;
            state.1.take()
        };
        waker.into_iter().for_each(Waker::wake);
    }

    async fn given(&self) {
        poll_fn(|cx| {
            let mut state = self.0.borrow_mut();
            if state.0 {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

fn local() -> LocalRuntime {
    LocalRuntime::new().expect("a runtime is built")
}

fn settle(rt: &LocalRuntime) {
    rt.run_until_stalled().expect("not inside a tick");
}

/// Runs a future as a task until nothing is ready.
fn inside<F: Future + 'static>(make: impl FnOnce(LocalHandle) -> F) -> F::Output {
    let rt = local();
    let mut task = rt.spawn(make(rt.local_handle().clone()));
    settle(&rt);
    task.take().expect("the task ends").expect("the task ends well")
}

enum Child {
    Plain(Boxed),
    Task(Task<()>),
}

impl Child {
    async fn make(way: Way, rt: &LocalHandle, future: Boxed) -> Self {
        match way {
            Way::Plain => Self::Plain(future),
            Way::Spawn => Self::Task(rt.spawn(future)),
            Way::Start => Self::Task(spawn_start(future).await.expect("inside a task")),
            Way::Descend => Self::Task(spawn_descend(future).await.expect("inside a task")),
            Way::Eager => Self::Task(rt.spawn_eager(future)),
        }
    }

    async fn over(self) -> Result<(), TaskError> {
        match self {
            Self::Plain(future) => {
                future.await;
                Ok(())
            }
            Self::Task(task) => task.await,
        }
    }
}

fn caller_and_child(way: Way) -> String {
    let log = Log::default();
    let seen = log.clone();
    inside(|rt| async move {
        let wait = Word::default();
        let (inner, waits) = (log.clone(), wait.clone());
        log.push("a");
        let child = Box::pin(async move {
            inner.push("1");
            waits.given().await;
            inner.push("2");
        });
        let child = Child::make(way, &rt, child).await;
        log.push("b");
        yield_now().await;
        log.push("c");
        wait.give();
        child.over().await.expect("the child ends");
    });
    seen.text()
}

#[test]
fn a_caller_and_its_child() {
    assert_eq!(caller_and_child(Way::Plain), "a b c 1 2");
    assert_eq!(caller_and_child(Way::Spawn), "a b 1 c 2");
    assert_eq!(caller_and_child(Way::Eager), "a 1 b c 2");
    assert_eq!(caller_and_child(Way::Descend), "a 1 b c 2");
    assert_eq!(caller_and_child(Way::Start), "a 1 b c 2");
}

/// The same with a child whose first wait is a plain yield.
fn caller_and_yielding_child(way: Way, wait: impl AsyncFn() + 'static) -> String {
    let log = Log::default();
    let seen = log.clone();
    inside(|rt| async move {
        let inner = log.clone();
        log.push("a");
        let child = Box::pin(async move {
            inner.push("1");
            yield_now().await;
            inner.push("2");
        });
        let child = Child::make(way, &rt, child).await;
        log.push("b");
        wait().await;
        log.push("c");
        child.over().await.expect("the child ends");
    });
    seen.text()
}

#[test]
fn a_caller_and_its_child_that_yields() {
    assert_eq!(caller_and_yielding_child(Way::Plain, yield_now), "a b c 1 2");
    assert_eq!(caller_and_yielding_child(Way::Spawn, yield_now), "a b 1 c 2");
    assert_eq!(caller_and_yielding_child(Way::Eager, yield_now), "a 1 b c 2");
    // A yield past the end is a plain one; one to a position counts the child.
    assert_eq!(caller_and_yielding_child(Way::Eager, || yield_at(7)), "a 1 b c 2");
    assert_eq!(caller_and_yielding_child(Way::Eager, || yield_at(1)), "a 1 b 2 c");
    assert_eq!(caller_and_yielding_child(Way::Eager, || yield_at(0)), "a 1 b c 2");
}

#[test]
fn eager_children_that_yield_run_in_the_order_of_their_start_behind_their_caller() {
    let log = Log::default();
    let seen = log.clone();
    inside(|rt| async move {
        let child = |name: &'static str, inner: Option<Boxed>| -> Boxed {
            let (log, rt) = (log.clone(), rt.clone());
            Box::pin(async move {
                log.push(format!("{name}1"));
                let inner = inner.map(|inner| rt.spawn_eager(inner));
                yield_now().await;
                log.push(format!("{name}2"));
                if let Some(inner) = inner {
                    inner.await.expect("it ends");
                }
            })
        };
        let other = |name: &'static str| {
            let log = log.clone();
            rt.spawn(async move { log.push(name) })
        };
        other("before").detach();
        let first = rt.spawn_eager(child("x", Some(child("y", None))));
        other("meanwhile").detach();
        let second = rt.spawn_eager(child("z", None));
        yield_now().await;
        log.push("caller");
        first.await.expect("it ends");
        second.await.expect("it ends");
    });
    assert_eq!(seen.text(), "x1 y1 z1 before meanwhile caller x2 y2 z2");
}

#[test]
fn an_eager_child_that_yields_is_in_the_queue_for_whoever_looks() {
    let log = Log::default();
    let seen = log.clone();
    inside(|rt| async move {
        let inner = log.clone();
        let child = rt.spawn_eager(async move {
            inner.push("1");
            yield_now().await;
            inner.push("2");
        });
        let queue = queue::current().expect("inside a task");
        assert_eq!((queue.len(), queue.find(&child)), (1, Some(0)));
        switch_to(&child).await.expect("it is ready");
        log.push("caller");
    });
    assert_eq!(seen.text(), "1 2 caller");
}

#[test]
fn an_eager_child_that_rearranges_the_queue_before_it_yields_is_kept() {
    let log = Log::default();
    let seen = log.clone();
    inside(|rt| async move {
        let child = |name: &'static str, rotates: bool| {
            let log = log.clone();
            rt.spawn_eager(async move {
                if rotates {
                    queue::current().expect("inside a task").rotate(1);
                }
                yield_now().await;
                log.push(name);
            })
        };
        let first = child("x", false);
        let second = child("y", true);
        yield_now().await;
        log.push("caller");
        first.await.expect("it ends");
        second.await.expect("it is not lost");
    });
    assert_eq!(seen.text(), "x caller y");
}

/// A task that logs `a`, makes two children and logs `b`, awaits both and logs `c`; at the bottom it logs `a` and `B`, waits,
/// and logs `c`. The root lets those go on that wait, as soon as it has logged `b`.
fn tree(way: Way, rt: LocalHandle, log: Log, words: Vec<Word>, depth: u32, label: String) -> Boxed {
    Box::pin(async move {
        log.push(format!("{label}a"));
        if depth == 0 {
            log.push(format!("{label}B"));
            words[0].given().await;
        } else {
            let (left, right) = words.split_at(words.len() / 2);
            let child = |n: u32, words: &[Word]| {
                tree(way, rt.clone(), log.clone(), words.to_vec(), depth - 1, format!("{label}:{n}"))
            };
            let first = Child::make(way, &rt, child(0, left)).await;
            let second = Child::make(way, &rt, child(1, right)).await;
            log.push(format!("{label}b"));
            if label == "0" {
                words.iter().for_each(Word::give);
            }
            first.over().await.expect("the first child ends");
            second.over().await.expect("the second child ends");
        }
        log.push(format!("{label}c"));
    })
}

fn grown(way: Way, depth: u32) -> String {
    let log = Log::default();
    let (seen, words) = (log.clone(), (0..1 << depth).map(|_| Word::default()).collect());
    inside(|rt| tree(way, rt, log, words, depth, "0".to_owned()));
    seen.text()
}

/// The first half of a tree: down to the bottom and back, depth first.
fn descended(depth: u32, label: &str) -> String {
    if depth == 0 {
        return format!("{label}a {label}B");
    }
    let child = |n| descended(depth - 1, &format!("{label}:{n}"));
    format!("{label}a {} {} {label}b", child(0), child(1))
}

#[test]
fn a_parent_and_its_children() {
    assert_eq!(grown(Way::Plain, 1), "0a 0b 0:0a 0:0B 0:0c 0:1a 0:1B 0:1c 0c");
    for way in [Way::Descend, Way::Eager, Way::Start] {
        assert_eq!(grown(way, 1), "0a 0:0a 0:0B 0:1a 0:1B 0b 0:0c 0:1c 0c", "{way:?}");
    }
    for depth in 2..=6 {
        for way in [Way::Descend, Way::Eager] {
            assert!(grown(way, depth).starts_with(&descended(depth, "0")), "{way:?}, depth {depth}");
        }
    }
}

fn among_others(way: Way) -> String {
    let log = Log::default();
    let seen = log.clone();
    inside(|rt| async move {
        let other = |n: u32| {
            let log = log.clone();
            rt.spawn(async move { log.push(format!("o{n}")) })
        };
        let others = [other(0), other(1), other(2)];
        let inner = log.clone();
        let child = Box::pin(async move {
            for n in 1..=3 {
                inner.push(format!("c{n}"));
                if n < 3 {
                    yield_now().await;
                }
            }
        });
        let child = Child::make(way, &rt, child).await;
        log.push("parent");
        child.over().await.expect("the child ends");
        for other in others {
            other.await.expect("it logs");
        }
    });
    seen.text()
}

#[test]
fn a_child_among_others() {
    assert_eq!(among_others(Way::Descend), "c1 parent o0 o1 o2 c2 c3");
    assert_eq!(among_others(Way::Eager), "c1 parent o0 o1 o2 c2 c3");
    assert_eq!(among_others(Way::Start), "o0 o1 o2 c1 parent c2 c3");
    assert_eq!(among_others(Way::Spawn), "parent o0 o1 o2 c1 c2 c3");
    assert_eq!(among_others(Way::Plain), "parent c1 o0 o1 o2 c2 c3");
}

/// What runs after the host has had its way with a queue of six.
fn arranged(arrange: impl FnOnce(&LocalRuntime, &[Task<()>])) -> String {
    let (rt, log) = (local(), Log::default());
    let tasks: Vec<_> = (0..6)
        .map(|n| {
            let log = log.clone();
            rt.spawn(async move { log.push(n.to_string()) })
        })
        .collect();
    arrange(&rt, &tasks);
    settle(&rt);
    log.text()
}

#[test]
fn the_host_arranges_the_queue() {
    for (position, order) in
        [(0, "5 0 1 2 3 4"), (1, "0 5 1 2 3 4"), (END, "0 1 2 3 4 5"), (-1, "0 1 2 3 5 4"), (-99, "5 0 1 2 3 4")]
    {
        assert_eq!(arranged(|rt, _| rt.ready_queue().reinsert_last(position).unwrap()), order, "at {position}");
    }
    assert_eq!(arranged(|rt, tasks| rt.ready_queue().reinsert(&tasks[1], 3).unwrap()), "0 2 3 1 4 5");
    assert_eq!(arranged(|rt, _| rt.ready_queue().rotate(2)), "4 5 0 1 2 3");
    assert_eq!(arranged(|rt, tasks| drop(rt.ready_queue().remove(&tasks[2]).unwrap())), "0 1 3 4 5 2");
    assert_eq!(
        arranged(|rt, tasks| {
            let queue = rt.ready_queue();
            let popped = queue.pop(-1).unwrap();
            assert_eq!((popped.id(), queue.len(), queue.find(&tasks[5])), (tasks[5].id(), 5, None));
            queue.insert(1, popped).unwrap();
            let ids: Vec<_> = queue.runnable().iter().map(offtick::CancelHandle::id).collect();
            assert_eq!(ids[1], tasks[5].id());
        }),
        "0 5 1 2 3 4"
    );
    assert_eq!(arranged(|_, tasks| tasks[4].set_priority(Priority::UserBlocking)), "4 0 1 2 3 5");
}

#[test]
fn the_host_has_calls_made_at_positions() {
    let (rt, log) = (local(), Log::default());
    let log_at = |name: &'static str| {
        let log = log.clone();
        move || log.push(name)
    };
    let _one = rt.spawn({
        let log = log.clone();
        async move { log.push("one") }
    });
    let queue = rt.ready_queue();
    let _second = queue.call_at(1, log_at("second"));
    let _first = queue.call_at(0, log_at("first"));
    let not_send = queue.call_at(END, || Rc::new(5));
    drop(queue.call_at(0, log_at("never")));
    assert_eq!(queue.len(), 5);
    settle(&rt);
    assert_eq!(log.text(), "first one second");
    assert!(matches!(not_send.result(), Some(Ok(five)) if **five == 5));
}

#[test]
fn what_waits_is_told_apart_from_what_is_ready() {
    let rt = local();
    let (waits, ready) = (rt.spawn(pending::<()>()), rt.spawn(async {}));
    rt.tick(Budget::polls(1)).unwrap();
    let queue = rt.ready_queue();
    assert_eq!(queue.blocked().iter().map(offtick::CancelHandle::id).collect::<Vec<_>>(), [waits.id()]);
    assert_eq!(queue.runnable().iter().map(offtick::CancelHandle::id).collect::<Vec<_>>(), [ready.id()]);
    assert_eq!(queue.reinsert(&waits, 0), Err(NotReady));
    assert_eq!(queue.remove(&waits).err(), Some(NotReady));
}

#[test]
fn a_queue_outlives_its_runtime() {
    let rt = local();
    let task = rt.spawn(async {});
    let queue = rt.ready_queue();
    let held = queue.pop(0).expect("it is ready");
    drop(rt);
    assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
    assert!(queue.is_empty());
    drop(held);
    assert!(queue.is_empty());
    assert!(matches!(queue.call_at(0, || 1).error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn a_task_that_a_host_put_back_needs_a_tick() {
    let rings = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&rings);
    let rt = LocalBuilder::new()
        .on_wake(move || {
            theirs.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap();
    let task = rt.spawn(async {});
    let held = rt.ready_queue().pop(0).unwrap();
    assert!(rt.tick(Budget::unlimited()).unwrap().is_idle());
    assert!(!rt.needs_tick());
    let before = rings.load(Ordering::Relaxed);
    drop(held);
    assert!(rt.needs_tick());
    assert_eq!(rings.load(Ordering::Relaxed), before, "a call of the host runs no hook");
    rt.tick(Budget::unlimited()).unwrap();
    assert!(task.is_done() && !rt.needs_tick());
}

#[test]
fn turns_are_given_up_as_on_a_runtime_with_a_thread() {
    let log = Log::default();
    let seen = log.clone();
    inside(|rt| async move {
        let other = |n: u32| {
            let log = log.clone();
            rt.spawn(async move { log.push(n.to_string()) })
        };
        let tasks = [other(0), other(1), other(2), other(3)];
        yield_at(1).await;
        log.push("at1");
        switch_to(&tasks[3]).resume_at(1).await.expect("it is ready");
        log.push("back");
        assert!(switch_to(&tasks[3]).await.is_err());
        queue::current().expect("inside a task").rotate(1);
        for task in tasks {
            task.await.expect("it logs");
        }
    });
    assert_eq!(seen.text(), "0 at1 3 back 2 1");
}

#[test]
fn an_eager_start_between_two_ticks() {
    let clock = Clock::manual();
    let rings = Arc::new(AtomicUsize::new(0));
    let theirs = Arc::clone(&rings);
    let rt = LocalBuilder::new()
        .clock(clock.clone())
        .on_wake(move || {
            theirs.fetch_add(1, Ordering::Relaxed);
        })
        .build()
        .unwrap();
    rt.tick(Budget::unlimited()).unwrap();
    let log = Log::default();
    let inner = log.clone();
    let task = rt.spawn_eager(async move {
        inner.push("first");
        sleep(Duration::from_secs(1)).await; // of the runtime that it was started on
        inner.push("second");
        Rc::new(7)
    });
    assert_eq!((log.text().as_str(), task.is_done(), rt.tasks().len()), ("first", false, 1));
    rt.advance(Duration::from_secs(1), Budget::unlimited()).unwrap();
    assert_eq!(log.text(), "first second");
    assert!(matches!(task.result(), Some(Ok(seven)) if **seven == 7));

    // One that is ready again at once needs a tick. The hook stays out of the host's own calls.
    rt.tick(Budget::unlimited()).unwrap();
    assert!(!rt.needs_tick());
    let before = rings.load(Ordering::Relaxed);
    let yields = rt.spawn_eager(yield_now());
    assert!(rt.needs_tick());
    assert_eq!(rings.load(Ordering::Relaxed), before, "a call of the host runs no hook");
    assert_eq!(rt.ready_queue().find(&yields), Some(0));
    settle(&rt);
    assert!(yields.is_done());
}

#[test]
fn eager_starts_fail_as_any_task_does() {
    quiet_planned_panics();
    let rt = local();
    let failed: Task<()> = rt.run_eager(async { Err("no") });
    assert_eq!(failed.error().map(|error| format!("{error:#}")).as_deref(), Some("task failed: no"));
    let panicked: Task<()> = rt.spawn_eager(async { panic!("{PLANNED}: eager") });
    assert!(matches!(panicked.error(), Some(TaskError::Panicked(_))));
    let built: Task<u32> = rt.task().name("named").run_eager(|cx| async move { cx.name().map(|_| 1).ok_or("no name") });
    assert!(matches!(built.result(), Some(Ok(1))));
    let handle = rt.local_handle().clone();
    drop(rt);
    assert!(matches!(handle.spawn_eager(async {}).error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn no_tick_inside_an_eager_start() {
    let rt = Rc::new(local());
    let theirs = Rc::clone(&rt);
    let task = rt.spawn_eager(async move {
        let nested = theirs.tick(Budget::unlimited());
        // One inside the other is a poll inside a poll.
        let inner = theirs.spawn_eager(async { queue::current().is_ok() });
        (nested, inner.await)
    });
    assert!(matches!(task.result(), Some(Ok((Err(TickError::Nested), Ok(true))))));
    rt.tick(Budget::unlimited()).expect("allowed again");
}

#[test]
fn a_runtime_that_is_dropped_in_an_eager_start_goes_when_that_is_over() {
    let rt = local();
    let handle = rt.local_handle().clone();
    let (dropped, waits) = (Rc::new(Cell::new(false)), rt.spawn(pending::<()>()));
    let guard = common::OnDrop::new({
        let dropped = Rc::clone(&dropped);
        move || dropped.set(true)
    });
    let task = handle.spawn_eager(async move {
        let _guard = guard;
        let report = rt.shutdown(Duration::from_secs(1));
        assert!(!report.is_clean(), "this very task is left");
        pending::<()>().await;
    });
    assert!(dropped.get());
    assert!(matches!(task.error(), Some(TaskError::RuntimeGone)));
    assert!(matches!(waits.error(), Some(TaskError::RuntimeGone)));
    assert!(matches!(handle.spawn(async {}).error(), Some(TaskError::RuntimeGone)));
}

#[test]
fn an_eager_start_inside_a_task_of_another_runtime() {
    let (outer, inner) = (local(), Rc::new(local()));
    let theirs = Rc::clone(&inner);
    let mut task = outer.spawn(async move {
        let other = theirs.spawn_eager(async {
            yield_now().await;
            1
        });
        // What that one asked for is not this one's: it is ready on its own runtime.
        let own = queue::current().expect("inside a task").len();
        (other, own)
    });
    settle(&outer);
    let (other, own) = task.take().expect("it ends").expect("it ends well");
    assert_eq!((own, other.is_done()), (0, false));
    settle(&inner);
    assert!(matches!(other.result(), Some(Ok(1))));
}

#[test]
fn spawned_from_a_task_of_a_runtime_with_a_thread_it_stays_there() {
    let rt = common::runtime();
    let log = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&log);
    common::inside(rt.handle(), move |_| async move {
        let shared = Rc::new(Cell::new(0));
        let theirs = Rc::clone(&shared);
        let child = spawn_descend(async move {
            theirs.set(1);
            theirs
        });
        let child = child.await.expect("inside a task");
        seen.lock().unwrap().push(shared.get());
        let same = Rc::ptr_eq(&child.await.expect("it ends"), &shared);
        seen.lock().unwrap().push(u32::from(same));
    });
    assert_eq!(*log.lock().unwrap(), [1, 1]);
}
