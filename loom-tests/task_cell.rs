//! The real task cell (`src/task/raw/*`): polls, wakes, cancellations and ends, down to the last reference.
//!
//! What goes wrong inside a body or a destructor is caught by the cell, so these models count there and assert
//! outside.

use super::explore;
use super::task_rig::{Bell, Count, Guard, Queue, body, late};
use crate::error::TaskError;
use crate::sync::atomic::{AtomicBool, Ordering::Relaxed};
use crate::sync::{Arc, ModelArc, Mutex};
use crate::task::raw::{
    Body, ClosureBody, FutureBody, JoinRef, Kind, Outcome, OwnedTasks, SpawnMeta, TaskRef, Value, WithTaskError, new,
};
use crate::task::{Schedule, Status};
use loom::thread;
use std::future::{pending, poll_fn};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Polls and drops of one body, and what its waker's slot holds.
struct Watched {
    polls: Arc<Count>,
    dropped: Arc<Count>,
    strayed: Arc<Count>,
    waker: Arc<Mutex<Option<Waker>>>,
    go: Arc<AtomicBool>,
}

impl Watched {
    fn new() -> Self {
        Self {
            polls: Count::new(),
            dropped: Count::new(),
            strayed: Count::new(),
            waker: Arc::new(Mutex::new(None)),
            go: Arc::new(AtomicBool::new(false)),
        }
    }

    /// A future that leaves its waker in the slot at its first poll, is ready once `go` is set and gives a value that
    /// loom watches.
    fn future(&self) -> impl Future<Output = Guard> + Send + use<> {
        let (polls, waker, go) = (Arc::clone(&self.polls), Arc::clone(&self.waker), Arc::clone(&self.go));
        let body = Guard::new(&self.dropped, &self.strayed);
        let output = Count::new();
        poll_fn(move |cx| {
            body.read();
            polls.add();
            if polls.get() == 1 {
                *waker.lock() = Some(cx.waker().clone());
            }
            // Relaxed: what the waker wrote is to be seen by way of the task alone.
            if go.load(Relaxed) { Poll::Ready(Guard::new(&output, &output)) } else { Poll::Pending }
        })
    }

    fn take_waker(&self) -> Waker {
        self.waker.lock().take().expect("left by the first poll")
    }

    /// The body was dropped once, by the thread that runs it.
    fn assert_dropped(&self) {
        assert_eq!((self.dropped.get(), self.strayed.get()), (1, 0), "dropped once, by the runner");
    }
}

/// A closure that sleeps between its tries, with a future's polls for the tries.
struct Tries<F>(Pin<Box<F>>);

impl<F: Future> Body for Tries<F> {
    type Output = F::Output;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<F::Output, TaskError>> {
        self.0.as_mut().poll(cx).map(Ok)
    }
}

fn over<T>(join: &JoinRef<T>) -> Status {
    join.task().status()
}

/// A wake that is also the last but one reference, against the poll: the news is seen, the cell is freed once.
///
/// Red: the compare-and-swap of `Inbox::push`, or of `Inbox::take`, relaxed.
#[test]
fn a_foreign_wake_leads_to_the_end() {
    explore(None, 27, || {
        let queue = Queue::new();
        let watched = Watched::new();
        let (join, task) = queue.spawn(body(watched.future()));
        assert!(!queue.run());
        let (go, waker) = (Arc::clone(&watched.go), watched.take_waker());
        let other = thread::spawn(move || {
            go.store(true, Relaxed);
            waker.wake();
        });
        late();
        queue.run();
        other.join().expect("wakes");
        queue.run();
        assert_eq!((over(&join), watched.polls.get()), (Status::Done, 2));
        watched.assert_dropped();
        drop(task);
    });
}

/// A wake by reference while the first poll is under way: the runner queues the task again.
///
/// Red: `to_idle` that does not look at WOKEN; `to_scheduled` that does nothing, or submits, while ACTIVE is set; the
/// success ordering of `State::update` without its release half.
#[test]
fn a_wake_during_a_poll_runs_the_task_again() {
    explore(Some(3), 62, || {
        let queue = Queue::new();
        let watched = Watched::new();
        let (join, task) = queue.spawn(body(watched.future()));
        let (go, slot) = (Arc::clone(&watched.go), Arc::clone(&watched.waker));
        let other = thread::spawn(move || {
            let waker = slot.lock().take();
            go.store(true, Relaxed);
            waker.inspect(Waker::wake_by_ref).is_some()
        });
        queue.run();
        let woke = other.join().expect("wakes");
        queue.run();
        assert!(!woke || over(&join) == Status::Done, "the wake was lost");
        join.detach();
        if !woke && !task.is_finished() {
            watched.take_waker().wake();
            queue.run();
        }
        assert!(task.is_finished());
        watched.assert_dropped();
    });
}

/// A task that wakes itself while another thread wakes it, and that other thread polls a task of its own: each thread
/// notes its own polls, and no wake is lost.
///
/// Red: `to_scheduled` that writes nothing while ACTIVE is set.
#[test]
fn a_task_that_wakes_itself_hears_of_other_wakes() {
    explore(Some(3), 70, || {
        let (queue, others) = (Queue::new(), Queue::new());
        let go = Arc::new(AtomicBool::new(false));
        let polls = Count::new();
        let future = {
            let (go, polls) = (Arc::clone(&go), Arc::clone(&polls));
            poll_fn(move |cx| {
                polls.add();
                if polls.get() == 1 {
                    cx.waker().wake_by_ref();
                }
                if go.load(Relaxed) { Poll::Ready(()) } else { Poll::Pending }
            })
        };
        let slot = Arc::new(Mutex::new(None));
        let (join, _task) = queue.spawn(body({
            let slot = Arc::clone(&slot);
            let mut future = Box::pin(future);
            poll_fn(move |cx| {
                slot.lock().get_or_insert_with(|| cx.waker().clone());
                future.as_mut().poll(cx)
            })
        }));
        let other = thread::spawn(move || {
            let (ended, _) = others.spawn(body(poll_fn(move |_| {
                go.store(true, Relaxed);
                slot.lock().get_or_insert_with(|| Waker::noop().clone()).wake_by_ref();
                Poll::Ready(())
            })));
            assert!(others.run() && ended.is_finished());
        });
        queue.run();
        other.join().expect("wakes");
        queue.run();
        assert!(join.is_finished(), "a wake was lost");
    });
}

/// A waker on another thread outlives everything: it frees bytes, once, and drops no body.
///
/// Red: a cell that is not freed by the last reference (loom reports the leak); `to_scheduled` that submits while
/// ACTIVE is set; `cancelled` that submits without setting ACTIVE.
#[test]
fn a_late_waker_frees_bytes_only() {
    explore(None, 1500, || {
        let queue = Queue::new();
        let watched = Watched::new();
        let (join, task) = queue.spawn(body(watched.future()));
        assert!(!queue.run());
        let waker = watched.take_waker();
        let other = thread::spawn(move || {
            waker.wake_by_ref();
            drop(waker);
        });
        late();
        assert!(task.cancel(Outcome::Cancelled));
        drop(join);
        let closed_here = queue.run();
        drop(task);
        other.join().expect("wakes");
        // The waker may have queued the task, and then the runner finds it here.
        let closed_late = queue.run();
        assert!(closed_here != closed_late, "closed once");
        watched.assert_dropped();
    });
}

/// Cancelled or polled first: one of the two, and the body is dropped by the runner either way.
///
/// Red: `close` that does not look at CANCEL.
#[test]
fn a_task_cancelled_before_its_first_poll_never_runs() {
    explore(None, 430, || {
        let queue = Queue::new();
        let watched = Watched::new();
        watched.go.store(true, Relaxed);
        let (join, task) = queue.spawn(body(watched.future()));
        let other = thread::spawn(move || task.cancel(Outcome::Cancelled));
        queue.run();
        let cancelled = other.join().expect("cancels");
        queue.run();
        assert_eq!(over(&join), if cancelled { Status::Cancelled } else { Status::Done });
        if let Some(Ok(output)) = join.result() {
            output.read();
        }
        watched.assert_dropped();
        drop(watched.waker.lock().take());
    });
}

/// Two cancel a sleeping future while a third wakes it: dropped once, by the runner.
///
/// Red: `cancelled` that submits without setting ACTIVE.
#[test]
fn a_sleeping_future_cancelled_twice_and_woken_is_dropped_once() {
    explore(Some(2), 2200, || {
        let queue = Queue::new();
        let watched = Watched::new();
        let (join, task) = queue.spawn(body(watched.future()));
        assert!(!queue.run());
        let waker = watched.take_waker();
        let first = thread::spawn(move || task.cancel(Outcome::Cancelled));
        let second = thread::spawn(move || waker.wake());
        late();
        drop(join);
        queue.run();
        first.join().expect("cancels");
        second.join().expect("wakes");
        queue.run();
        watched.assert_dropped();
    });
}

/// A closure that sleeps between two tries, cancelled while it is woken: over at once, and dropped once, by a runner.
///
/// Red: `cancelled` that submits a closure without setting ACTIVE, or that does not submit it; `to_idle` that does not
/// look at CANCEL.
#[test]
fn a_sleeping_closure_cancelled_and_woken_is_over_at_once_and_dropped_once() {
    explore(Some(3), 4000, || {
        let queue = Queue::new();
        let watched = Watched::new();
        let (join, task) = queue.spawn(Tries(Box::pin(watched.future())));
        assert!(!queue.run());
        let waker = watched.take_waker();
        let canceller = thread::spawn(move || (task.cancel(Outcome::Cancelled), task.status()));
        let timer = thread::spawn(move || waker.wake());
        late();
        queue.run();
        assert_eq!(canceller.join().expect("cancels"), (true, Status::Cancelled));
        timer.join().expect("wakes");
        queue.run();
        assert_eq!(over(&join), Status::Cancelled);
        watched.assert_dropped();
    });
}

/// A closure that is cancelled while it runs: its value is dropped, once, and its task was over at once.
///
/// Red: `close` that forgets `drop_output` after an earlier end; `drop_handle` that forgets the output.
#[test]
fn a_closure_cancelled_while_it_runs_has_its_value_dropped() {
    explore(None, 130, || {
        let queue = Queue::new();
        let (dropped, strayed) = (Count::new(), Count::new());
        let closure = {
            let (dropped, strayed) = (Arc::clone(&dropped), Arc::clone(&strayed));
            move || Guard::new(&dropped, &strayed)
        };
        let (join, task) = queue.spawn(ClosureBody::<_, Value>::new(closure));
        let other = thread::spawn(move || {
            let cancelled = join.task().cancel(Outcome::Cancelled);
            (cancelled, over(&join), join)
        });
        assert!(queue.run());
        let (cancelled, status, join) = other.join().expect("cancels");
        assert_eq!(status, if cancelled { Status::Cancelled } else { Status::Done });
        assert_eq!(over(&join), status, "a terminal state changed");
        assert_eq!(dropped.get(), usize::from(cancelled && task.polls() == 1));
        drop(join);
        assert_eq!(dropped.get(), task.polls() as usize, "every value is dropped once");
    });
}

/// The handle goes while the task ends: the value is dropped once, by whoever has it, whole.
///
/// Red: `drop_handle` that forgets `drop_output`; `close` that does not look at HANDLE; the success ordering of
/// `State::update` without its release half.
#[test]
fn the_value_is_dropped_once_by_handle_or_runner() {
    for detach in [false, true] {
        explore(None, 120, move || {
            let queue = Queue::new();
            let (dropped, strayed) = (Count::new(), Count::new());
            let guard = Guard::new(&dropped, &strayed);
            let (join, task) = queue.spawn(body(async move { guard }));
            let other = thread::spawn(move || if detach { join.detach() } else { drop(join) });
            assert!(queue.run());
            other.join().expect("goes");
            assert_eq!(dropped.get(), 1);
            assert!(task.is_closed());
            assert!(!detach || task.status() == Status::Done);
        });
    }
}

/// A body that fails.
fn failing() -> impl Body<Output = ()> + Send + 'static {
    FutureBody::<_, WithTaskError>::new(std::future::ready(Err(TaskError::TimedOut(Duration::ZERO))))
}

/// What is to be reported of a task that is over, whose error was read or not.
fn expected_reports(task: &TaskRef, read: bool) -> usize {
    usize::from(task.status() == Status::Error && !read)
}

/// An error is read, or reported once, whether the task ends first or its handle goes first, while others count
/// references in the same word.
///
/// Red: `mark_read` by a load and a store; `is_unread` that does not look at READ; `close` that does not look at HANDLE for
/// `unread`; `drop_handle` that forgets `unread`.
#[test]
fn an_error_is_read_or_reported_once() {
    for detach in [false, true] {
        explore(Some(3), 100, move || {
            let queue = Queue::new();
            let (join, task) = queue.spawn(failing());
            let other = thread::spawn(move || {
                let read = join.result().is_some();
                if detach {
                    join.detach()
                } else {
                    drop(join)
                }
                read
            });
            queue.run();
            let counted = task.clone();
            drop(task);
            let read = other.join().expect("goes");
            queue.run();
            assert_eq!(queue.unread.get(), expected_reports(&counted, read));
            assert!(!detach || counted.status() == Status::Error);
        });
    }
}

/// Two own a handle, and one of them reads: whoever goes last knows of it.
///
/// Red: `is_unread` that does not look at READ; `result` that does not note that it returns an error.
#[test]
fn an_error_that_one_of_two_has_read_is_not_reported() {
    explore(Some(2), 45, || {
        let queue = Queue::new();
        let (join, task) = queue.spawn(failing());
        let join = ModelArc::new(join);
        let theirs = ModelArc::clone(&join);
        let reader = thread::spawn(move || theirs.result().is_some());
        assert!(queue.run());
        drop(join);
        let read = reader.join().expect("reads");
        assert_eq!(queue.unread.get(), expected_reports(&task, read));
    });
}

/// The result is seen whole by whoever sees the end.
///
/// Red: `State::load` relaxed.
#[test]
fn whoever_sees_the_end_reads_the_result() {
    explore(None, 30, || {
        let queue = Queue::new();
        let progress = Arc::new(AtomicBool::new(false));
        let (dropped, strayed) = (Count::new(), Count::new());
        let future = {
            let (progress, dropped, strayed) = (Arc::clone(&progress), Arc::clone(&dropped), Arc::clone(&strayed));
            async move {
                progress.store(true, Relaxed);
                Guard::new(&dropped, &strayed)
            }
        };
        let (join, _task) = queue.spawn(body(future));
        let other = thread::spawn(move || {
            match join.result() {
                None => {}
                Some(Ok(output)) => {
                    output.read();
                    assert!(progress.load(Relaxed), "progress that came before the end is missing");
                }
                Some(Err(error)) => panic!("{error}"),
            }
            join
        });
        assert!(queue.run());
        let mut join = other.join().expect("looks");
        drop(join.take().expect("over").expect("a value"));
        assert_eq!(dropped.get(), 1);
    });
}

/// A poll of the handle, against the end: it sees the end, or its waker is woken.
///
/// Red: `set_join_waker` that does not look at the outcome; `poll_finished` that then keeps its waker in the cell;
/// `finish` that wakes before it closes.
#[test]
fn whoever_waits_is_woken_or_sees_the_end() {
    explore(None, 150, || {
        let queue = Queue::new();
        let (mut join, _task) = queue.spawn(body(async {}));
        let (bell, waker) = Bell::new();
        let other = thread::spawn(move || {
            let polled = join.poll_finished(&mut Context::from_waker(&waker));
            (polled.is_ready(), join)
        });
        assert!(queue.run());
        let (ready, join) = other.join().expect("polls");
        assert_eq!(bell.rung(), usize::from(!ready), "woken, or ready at once");
        drop(join);
        assert_eq!(Arc::strong_count(&bell), 1, "no waker is kept");
    });
}

/// Polled with one waker and then with another, against the end: the last one is woken, none is kept.
///
/// Red: `poll_finished` that looks at the state twice, once for the end and once for JOIN_WAKER (the end in between takes
/// the cell that the handle then takes as well); `unset_join_waker` that does not look at the outcome.
#[test]
fn a_second_waker_takes_the_place_of_the_first() {
    explore(None, 330, || {
        let queue = Queue::new();
        let (mut join, _task) = queue.spawn(body(async {}));
        let ((first, old), (second, fresh)) = (Bell::new(), Bell::new());
        assert!(join.poll_finished(&mut Context::from_waker(&old)).is_pending());
        drop(old);
        let other = thread::spawn(move || {
            let polled = join.poll_finished(&mut Context::from_waker(&fresh));
            (polled.is_ready(), join)
        });
        assert!(queue.run());
        let (ready, join) = other.join().expect("polls");
        assert!(ready || (first.rung(), second.rung()) == (0, 1), "the second was registered, and nobody woke it");
        assert!(first.rung() + second.rung() <= 1);
        drop(join);
        assert_eq!((Arc::strong_count(&first), Arc::strong_count(&second)), (1, 1), "no waker is kept");
    });
}

/// A handle goes with its waker registered, against the end: woken or dropped, by one of the two.
///
/// Red: `drop_handle` that leaves JOIN_WAKER set.
#[test]
fn a_registered_waker_goes_with_the_handle_or_is_woken() {
    explore(None, 120, || {
        let queue = Queue::new();
        let (mut join, task) = queue.spawn(body(async {}));
        let (bell, waker) = Bell::new();
        assert!(join.poll_finished(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        let other = thread::spawn(move || drop(join));
        assert!(queue.run());
        other.join().expect("goes");
        assert_eq!(Arc::strong_count(&bell), 1, "no waker is kept");
        drop(task);
    });
}

/// A closure with a waiter is cancelled by a third party while it ends: the waiter is woken once.
///
/// Red: `cancelled` that forgets `wake_join`; `finish` that wakes before it closes.
#[test]
fn a_waiter_is_woken_once_by_end_or_cancellation() {
    explore(None, 110, || {
        let queue = Queue::new();
        let (mut join, task) = queue.spawn(ClosureBody::<_, Value>::new(|| ()));
        let (bell, waker) = Bell::new();
        assert!(join.poll_finished(&mut Context::from_waker(&waker)).is_pending());
        let other = thread::spawn(move || task.cancel(Outcome::Cancelled));
        assert!(queue.run());
        other.join().expect("cancels");
        assert_eq!(bell.rung(), 1);
        assert!(join.is_finished());
    });
}

/// A runnable is refused by a closed queue while someone else cancels the task: it is over, its body dropped once.
///
/// Red: `Runnable::drop` that does not cancel before it runs; `to_running` that does not look at CANCEL.
#[test]
fn a_refused_runnable_ends_its_task() {
    explore(None, 60, || {
        let queue = Queue::new();
        drop(queue.inbox.close());
        let watched = Watched::new();
        let (runnable, join, task) = queue.task(body(watched.future()));
        let other = thread::spawn(move || {
            let cancelled = task.cancel(Outcome::Cancelled);
            (cancelled, task)
        });
        queue.schedule(runnable);
        let (_, task) = other.join().expect("cancels");
        assert_eq!(over(&join), Status::Cancelled);
        assert!(task.is_closed());
        assert_eq!(watched.polls.get(), 0);
        watched.assert_dropped();
    });
}

/// The owner list goes while another thread ends a task that stands on it, as after a panic of the executor's own: the
/// cell is freed, once, by whoever comes second, after all uses by the other one.
///
/// Red: `Header::leave` or `Header::unlist` by a load and a store; the swap of `leave` without its release half, that of
/// `unlist` without its acquire half; `OwnedTasks::drop` that does not look at what `unlist` says.
#[test]
fn an_owner_list_goes_while_its_task_ends() {
    explore(None, 7, || {
        let queue = Queue::new();
        let (runnable, join) = new(body(async {}), queue, SpawnMeta::at(Location::caller()));
        let mut members = OwnedTasks::new();
        members.accept(&runnable, 0);
        join.detach();
        let other = thread::spawn(move || drop(runnable.run(Outcome::Gone)));
        drop(members);
        other.join().expect("ends it");
    });
}

/// The last references go on two threads at once: the cell is freed once, and what it holds is dropped in order.
///
/// Red: `drop_ref` relaxed, or only acquire.
#[test]
fn the_last_references_go_on_two_threads() {
    explore(None, 86, || {
        let queue = Queue::new();
        let (join, task) = queue.spawn(body(async {}));
        assert!(queue.run());
        let go = |task: &TaskRef| assert!(!task.must_not_wait(), "asks the owner, which stands in the cell");
        let other = thread::spawn(move || {
            go(join.task());
            drop(join);
        });
        let clone = task.clone();
        drop(task);
        go(&clone);
        drop(clone);
        other.join().expect("goes");
    });
}

/// A handle that finds itself the last reference frees the cell by a mere look: the value is whole by then.
///
/// Red: the look of `JoinRef::give_up` relaxed; `is_last` that does not look at the count.
#[test]
fn the_handle_of_a_closed_task_goes_last() {
    explore(None, 900, || {
        let queue = Queue::new();
        let (dropped, strayed) = (Count::new(), Count::new());
        let guard = Guard::new(&dropped, &strayed);
        let (join, task) = queue.spawn(body(async move { guard }));
        let other = thread::spawn(move || drop(join));
        assert!(queue.run());
        drop(task);
        other.join().expect("goes");
        assert_eq!(dropped.get(), 1);
    });
}

/// The runner of a closed task that finds itself the last reference frees the cell by a mere look as well: after all uses
/// by whoever went before.
///
/// Red: `release_late` that does not look at the count, or whose look and that of `dealloc` are relaxed.
#[test]
fn the_runner_of_a_closed_task_goes_last() {
    explore(None, 20, || {
        let queue = Queue::new();
        let (runnable, join) = new(body(async {}), queue.clone(), SpawnMeta::at(Location::caller()));
        queue.push(runnable);
        let other = thread::spawn(move || {
            assert!(!join.task().must_not_wait(), "asks the owner, which stands in the cell");
            join.detach();
        });
        late();
        assert!(queue.run());
        other.join().expect("goes");
    });
}

/// A future that never ends is dropped with its handle, whatever its runner does meanwhile.
///
/// Red: `to_idle` that does not look at CANCEL.
#[test]
fn dropping_the_handle_of_a_future_that_never_ends() {
    explore(None, 87, || {
        let queue = Queue::new();
        let (dropped, strayed) = (Count::new(), Count::new());
        let guard = Guard::new(&dropped, &strayed);
        let (join, _task) = queue.spawn(body(async move {
            guard.read();
            pending::<()>().await;
            drop(guard);
        }));
        let other = thread::spawn(move || drop(join));
        queue.run();
        other.join().expect("goes");
        queue.run();
        assert_eq!((dropped.get(), strayed.get()), (1, 0));
    });
}
