//! Who runs when: the logs of plain futures, spawned tasks, started tasks, descents and eager starts.

mod common;

use common::{Log, Signal, inside, runtime};
use offtick::queue::{spawn_descend, spawn_start};
use offtick::{Handle, Task, TaskError, yield_now};
use std::future::Future;
use std::pin::Pin;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    Spawn,
    Start,
    Descend,
    Eager,
}

type Boxed = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A child in one of the ways.
enum Child {
    Plain(Boxed),
    Task(Task<()>),
}

impl Child {
    async fn make(way: Way, rt: &Handle, future: Boxed) -> Self {
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

/// A caller logs `a`, makes a child, logs `b`, yields, logs `c`, and awaits the child. That logs `1`, waits, logs `2`.
fn caller_and_child(way: Way) -> String {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let wait = Signal::new();
        let (inner, waits) = (log.clone(), wait.clone());
        log.push("a");
        let child = async move {
            inner.push("1");
            waits.given().await;
            inner.push("2");
        };
        let child = Child::make(way, &rt, Box::pin(child)).await;
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

/// What the tasks at the bottom of a tree do between `B` and `c`.
#[derive(Clone)]
enum Pause {
    Yield,
    Wait(Signal),
}

/// A task that logs `a`, makes two children and logs `b`, awaits both and logs `c`; at the bottom it logs `a` and `B`, pauses,
/// and logs `c`. The root lets those go on that wait, as soon as it has logged `b`.
fn tree(way: Way, rt: Handle, log: Log, pauses: Vec<Pause>, depth: u32, label: String) -> Boxed {
    Box::pin(async move {
        log.push(format!("{label}a"));
        if depth == 0 {
            log.push(format!("{label}B"));
            match &pauses[0] {
                Pause::Yield => yield_now().await,
                Pause::Wait(signal) => signal.given().await,
            }
        } else {
            let (left, right) = pauses.split_at(pauses.len() / 2);
            let child = |n: u32, pauses: &[Pause]| {
                tree(way, rt.clone(), log.clone(), pauses.to_vec(), depth - 1, format!("{label}:{n}"))
            };
            let first = Child::make(way, &rt, child(0, left)).await;
            let second = Child::make(way, &rt, child(1, right)).await;
            log.push(format!("{label}b"));
            if label == "0" {
                for pause in &pauses {
                    if let Pause::Wait(signal) = pause {
                        signal.give();
                    }
                }
            }
            first.over().await.expect("the first child ends");
            second.over().await.expect("the second child ends");
        }
        log.push(format!("{label}c"));
    })
}

fn grown(way: Way, depth: u32, pause: impl Fn() -> Pause) -> String {
    let (rt, log) = (runtime(), Log::new());
    let (seen, pauses) = (log.clone(), (0..1 << depth).map(|_| pause()).collect());
    inside(rt.handle(), move |rt| tree(way, rt, log, pauses, depth, "0".to_owned()));
    seen.text()
}

fn yields() -> Pause {
    Pause::Yield
}

fn waits() -> Pause {
    Pause::Wait(Signal::new())
}

#[test]
fn a_parent_and_two_children() {
    let plain = "0a 0b 0:0a 0:0B 0:0c 0:1a 0:1B 0:1c 0c";
    let depth_first = "0a 0:0a 0:0B 0:1a 0:1B 0b 0:0c 0:1c 0c";
    assert_eq!(grown(Way::Plain, 1, yields), plain);
    for way in [Way::Descend, Way::Eager] {
        assert_eq!(grown(way, 1, yields), depth_first, "{way:?}");
        assert_eq!(grown(way, 1, waits), depth_first, "{way:?}");
    }
    assert_eq!(grown(Way::Start, 1, waits), depth_first);
    // The first child yields to the end of the queue, where the second is not yet.
    assert_eq!(grown(Way::Start, 1, yields), "0a 0:0a 0:0B 0:0c 0:1a 0:1B 0b 0:1c 0c");
}

/// The first half of a tree: down to the bottom and back, depth first.
fn descended(depth: u32, label: &str) -> String {
    if depth == 0 {
        return format!("{label}a {label}B");
    }
    let child = |n| descended(depth - 1, &format!("{label}:{n}"));
    format!("{label}a {} {} {label}b", child(0), child(1))
}

/// The second half: level by level upwards, since each `c` wakes a parent behind all that is ready.
fn risen(depth: u32) -> String {
    let labels = |depth: u32| {
        (0..1_u32 << depth)
            .map(move |n| (0..depth).rev().fold("0".to_owned(), |label, bit| format!("{label}:{}", n >> bit & 1)))
    };
    let all: Vec<_> = (0..=depth).rev().flat_map(labels).map(|label| format!("{label}c")).collect();
    all.join(" ")
}

#[test]
fn deeper_trees_run_depth_first() {
    for depth in 1..=6 {
        for way in [Way::Descend, Way::Eager] {
            let log = grown(way, depth, waits);
            assert_eq!(log, format!("{} {}", descended(depth, "0"), risen(depth)), "{way:?}, depth {depth}");
        }
    }
    // A start gives up one turn, and others that were started use it.
    assert!(grown(Way::Start, 2, waits).starts_with("0a 0:0a 0:0:0a 0:0:0B 0:1a 0b "));
}

/// Three others are ready; a parent makes a child that logs `c1`, yields, logs `c2`, yields, logs `c3`.
fn among_others(way: Way) -> String {
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let others: Vec<_> = (0..3)
            .map(|n| {
                let log = log.clone();
                rt.spawn(async move { log.push(format!("o{n}")) })
            })
            .collect();
        let inner = log.clone();
        let child = async move {
            for n in 1..=3 {
                inner.push(format!("c{n}"));
                if n < 3 {
                    yield_now().await;
                }
            }
        };
        let child = Child::make(way, &rt, Box::pin(child)).await;
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

#[test]
fn a_chain_of_descents_comes_back_in_order() {
    fn chain(log: Log, depth: u32) -> Boxed {
        Box::pin(async move {
            log.push(format!("+{depth}"));
            if depth > 0 {
                let below = spawn_descend(chain(log.clone(), depth - 1)).await.expect("inside a task");
                log.push(format!("-{depth}"));
                below.await.expect("it ends");
            }
        })
    }
    let (rt, log) = (runtime(), Log::new());
    let seen = log.clone();
    inside(rt.handle(), move |rt| async move {
        let bystander = log.clone();
        let bystander = rt.spawn(async move { bystander.push("bystander") });
        spawn_descend(chain(log.clone(), 20)).await.expect("inside a task").await.expect("it ends");
        bystander.await.expect("it logs");
    });
    let down = (0..=20).rev().map(|n| format!("+{n}"));
    let up = (1..=20).map(|n| format!("-{n}"));
    let expected: Vec<_> = down.chain(up).chain(["bystander".to_owned()]).collect();
    assert_eq!(seen.text(), expected.join(" "));
}

#[test]
fn outside_of_tasks_the_future_comes_back() {
    let refused =
        offtick::block_on(spawn_start(async { 1 })).expect("this thread may wait").expect_err("no executor here");
    assert_eq!(offtick::block_on(refused.into_inner()).expect("this thread may wait"), 1);
    let refused =
        offtick::block_on(spawn_descend(async { 2 })).expect("this thread may wait").expect_err("no executor here");
    assert!(refused.to_string().contains("inside a task"));
    assert_eq!(offtick::block_on(refused.into_inner()).expect("this thread may wait"), 2);
}
