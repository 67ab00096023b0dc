//! The inbox (`src/task/raw/inbox.rs`), alone and with a parker.

use super::explore;
use super::task_rig::{Count, Guard, Queue, body, late};
use crate::park::{CondvarParker, Unpark};
use crate::sync::Arc;
use crate::task::raw::{Inbox, Outcome, Push, Runnable, TaskRef};
use crate::task::{Status, TaskId};
use loom::thread;

/// A task that ends at its first poll, detached.
fn task(queue: &Queue) -> (Runnable, TaskRef) {
    let (runnable, join, task) = queue.task(body(async {}));
    join.detach();
    (runnable, task)
}

/// Runs a batch; gives its tasks in order.
fn run(batch: impl Iterator<Item = Runnable>) -> Vec<TaskId> {
    let ids = batch.map(|runnable| {
        let id = runnable.task().id();
        let _over = runnable.run(Outcome::Gone);
        id
    });
    ids.collect()
}

fn push(inbox: &Inbox, runnable: Runnable) -> bool {
    match inbox.push(runnable) {
        Push::First => true,
        Push::Queued => false,
        Push::Closed(_) => unreachable!("nobody closes it"),
    }
}

/// Two pushers and a taker: each pusher's tasks in its order, none lost, and one `First` for every batch that is not
/// empty.
///
/// Red: `push` that releases nothing (the taker follows a link without order); `oldest_first` that does not turn the
/// chain round; `First` told from a head that was read before the compare-and-swap failed.
#[test]
fn two_pushers_and_a_taker() {
    explore(Some(3), 1300, || {
        let queue = Queue::new();
        let inbox = Arc::new(Inbox::new());
        let ((a1, ta1), (a2, ta2), (b, tb)) = (task(&queue), task(&queue), task(&queue));
        let first = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || [push(&inbox, a1), push(&inbox, a2)])
        };
        let second = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || push(&inbox, b))
        };
        late();
        let early = run(inbox.take());
        let told_a = first.join().expect("pushes");
        let told_b = second.join().expect("pushes");
        let late = run(inbox.take());
        let batches = [&early, &late].iter().filter(|batch| !batch.is_empty()).count();
        let told = told_a.iter().chain([&told_b]).filter(|&&first| first).count();
        assert_eq!(told, batches, "one of each batch sees to the executor");
        let order: Vec<_> = early.into_iter().chain(late).collect();
        let place = |task: &TaskRef| order.iter().position(|id| *id == task.id()).expect("not lost");
        assert_eq!(order.len(), 3);
        assert!(place(&ta1) < place(&ta2), "a pusher's tasks come out in its order");
        assert!(place(&tb) < 3);
    });
}

/// A push against the closing: in the last batch or refused, and over either way.
///
/// Red: `close` with a load and a store for its swap; `take` that swaps null over CLOSED.
#[test]
fn a_push_against_the_closing_is_taken_or_refused() {
    explore(None, 30, || {
        let queue = Queue::new();
        let inbox = Arc::new(Inbox::new());
        let ((a, ta), (b, tb)) = (task(&queue), task(&queue));
        let other = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || {
                let refused = |push| matches!(push, Push::Closed(_));
                [refused(inbox.push(a)), refused(inbox.push(b))]
            })
        };
        late();
        drop(inbox.take());
        drop(inbox.close());
        drop(inbox.take());
        let [refused_a, refused_b] = other.join().expect("pushes");
        assert!(inbox.is_empty());
        assert!(!refused_a || refused_b, "closed for good");
        assert_eq!((ta.status(), tb.status()), (Status::Cancelled, Status::Cancelled), "none is lost");
        assert!(ta.is_closed() && tb.is_closed());
    });
}

/// What the pusher wrote before is seen by whoever takes the task.
///
/// Red: `push` relaxed; `take` relaxed.
#[test]
fn a_taken_task_comes_with_what_its_pusher_wrote() {
    explore(None, 3, || {
        let queue = Queue::new();
        let (dropped, strayed) = (Count::new(), Count::new());
        let inbox = Arc::new(Inbox::new());
        let other = {
            let (queue, inbox) = (queue.clone(), Arc::clone(&inbox));
            let (dropped, strayed) = (Arc::clone(&dropped), Arc::clone(&strayed));
            thread::spawn(move || {
                let guard = Guard::new(&dropped, &strayed);
                let (runnable, join, _) = queue.task(body(async move { guard.read() }));
                let _ = push(&inbox, runnable);
                join
            })
        };
        late();
        let early = run(inbox.take()).len();
        let join = other.join().expect("pushes");
        let late = run(inbox.take()).len();
        assert_eq!(early + late, 1);
        assert_eq!(join.task().status(), Status::Done);
        assert_eq!(dropped.get(), 1);
    });
}

/// The executor drains and parks; two pushers unpark it only if they were first. It never sleeps on a task: loom
/// reports the deadlock.
///
/// Red: `First` for nobody, or told from a head that was read before the compare-and-swap failed; `ParkState::notify`
/// that leaves NOTIFIED alone; `ParkState::set` that leaves it standing.
#[test]
fn an_executor_never_sleeps_on_a_task() {
    explore(Some(2), 800, || {
        let queue = Queue::new();
        let inbox = Arc::new(Inbox::new());
        let parker = Arc::new(CondvarParker::new());
        let pushers = [(); 2].map(|()| {
            let (inbox, parker) = (Arc::clone(&inbox), Arc::clone(&parker));
            let (runnable, _) = task(&queue);
            thread::spawn(move || {
                if push(&inbox, runnable) {
                    parker.unpark();
                }
            })
        });
        let mut ran = 0;
        late();
        loop {
            ran += run(inbox.take()).len();
            if ran == 2 {
                break;
            }
            if inbox.is_empty() {
                parker.park(None);
            }
        }
        for pusher in pushers {
            pusher.join().expect("pushes");
        }
    });
}

/// An executor that is told only while it rests: it drains, rests, parks, and is up again; two pushers unpark it only if
/// they were first on an inbox at rest. It never sleeps on a task: loom reports the deadlock.
///
/// Red: `rest` with a load and a store for its compare-and-swap, or that answers true whatever it finds, or that leaves
/// AWAKE; `First` told for no mark.
#[test]
fn an_executor_that_rests_never_sleeps_on_a_task() {
    explore(Some(2), 800, || {
        let queue = Queue::new();
        let inbox = Arc::new(Inbox::with_parking());
        let parker = Arc::new(CondvarParker::new());
        let pushers = [(); 2].map(|()| {
            let (inbox, parker) = (Arc::clone(&inbox), Arc::clone(&parker));
            let (runnable, _) = task(&queue);
            thread::spawn(move || {
                if push(&inbox, runnable) {
                    parker.unpark();
                }
            })
        });
        let mut ran = 0;
        late();
        loop {
            ran += run(inbox.take()).len();
            if ran == 2 {
                break;
            }
            if inbox.prepare_park() {
                parker.park(None);
                inbox.unparked();
            }
        }
        for pusher in pushers {
            pusher.join().expect("pushes");
        }
        assert!(!parker.state().is_parked());
    });
}

/// An executor that rests and is up again for a reason of its own, a timer, loses no task that comes meanwhile, and never
/// sleeps on it.
///
/// Red: `attend` with a load and a store for its compare-and-swap.
#[test]
fn an_executor_that_is_up_by_itself_loses_no_task() {
    explore(None, 10, || {
        let queue = Queue::new();
        let inbox = Arc::new(Inbox::with_parking());
        let parker = Arc::new(CondvarParker::new());
        let pusher = {
            let (inbox, parker) = (Arc::clone(&inbox), Arc::clone(&parker));
            let (runnable, _) = task(&queue);
            thread::spawn(move || {
                if push(&inbox, runnable) {
                    parker.unpark();
                }
            })
        };
        late();
        let _rested = inbox.prepare_park();
        inbox.unparked();
        while run(inbox.take()).is_empty() {
            if inbox.prepare_park() {
                parker.park(None);
                inbox.unparked();
            }
        }
        pusher.join().expect("pushes");
    });
}

/// While the executor does not rest, nobody tells it; while it does, one does.
///
/// Red: `First` told on AWAKE; a take, or `attend`, that leaves EMPTY; `rest` that leaves AWAKE.
#[test]
fn only_an_executor_that_rests_is_told() {
    explore(None, 4, || {
        let queue = Queue::new();
        let inbox = Arc::new(Inbox::with_parking());
        let [a, b, c, d] = [(); 4].map(|()| task(&queue).0);
        let other = {
            let inbox = Arc::clone(&inbox);
            thread::spawn(move || push(&inbox, a))
        };
        late();
        let early = run(inbox.take()).len();
        let rested = inbox.prepare_park();
        let told = other.join().expect("pushes");
        assert_eq!(told, rested && early == 0, "told if it came while the executor rested, and only then");
        assert!(early + run(inbox.take()).len() == 1, "not lost");
        inbox.unparked();
        assert!(
            !push(&inbox, b) && !inbox.prepare_park(),
            "up again, maybe without having taken anything; and something is there"
        );
        assert_eq!(run(inbox.take()).len(), 1);
        assert!(!push(&inbox, c), "awake still");
        assert_eq!(run(inbox.take()).len(), 1);
        assert!(inbox.prepare_park() && inbox.prepare_park(), "nothing is there, however often it is asked");
        assert!(push(&inbox, d), "at rest");
        assert_eq!(run(inbox.take()).len(), 1);
    });
}
