//! The state word by itself (`src/task/raw/state.rs`). The news beside the word are relaxed, so that what one thread sees of
//! another's writes it sees through the word; or, as every runner sees what was done by whoever queued the task, by the way
//! of the queue.

use super::explore;
use super::place::Place;
use crate::sync::Arc;
use crate::sync::atomic::{
    AtomicBool, AtomicUsize,
    Ordering::{AcqRel, Relaxed},
};
use crate::task::Priority;
use crate::task::raw::{Closed, Kind, Outcome, State, ToCancelled, ToIdle, ToRunning, ToScheduled};
use loom::thread;

/// A task without a cell.
struct Rig {
    state: State,
    /// What only the runner touches.
    body: Place,
    /// What whoever the state word names touches.
    output: Place,
    /// What only the owner of the waker cell touches.
    waker: Place,
    /// Runnables in the queue.
    queued: AtomicUsize,
    /// What wakers write before they wake.
    news: [AtomicBool; 2],
}

impl Rig {
    /// Queued, as every task begins.
    fn new() -> Arc<Self> {
        let news = [AtomicBool::new(false), AtomicBool::new(false)];
        Arc::new(Self {
            state: State::new(Priority::default()),
            body: Place::new(),
            output: Place::new(),
            waker: Place::new(),
            queued: AtomicUsize::new(1),
            news,
        })
    }

    /// Asleep after a first poll.
    fn idle() -> Arc<Self> {
        let rig = Self::new();
        assert_eq!(rig.run_queued(), [false; 2]);
        rig
    }

    /// Started, and off the queue.
    fn running() -> Arc<Self> {
        let rig = Self::new();
        rig.queued.store(0, Relaxed);
        assert_eq!(rig.state.to_running(), ToRunning::Poll);
        rig
    }

    fn submit(&self) {
        assert_eq!(self.queued.fetch_add(1, AcqRel), 0, "a second runnable");
    }

    fn wake(&self, waker: usize) {
        self.news[waker].store(true, Relaxed);
        if self.state.to_scheduled() == ToScheduled::Submit {
            self.submit();
        }
    }

    /// Runs what is queued until nothing is; gives what the last poll saw.
    fn run_queued(&self) -> [bool; 2] {
        let mut seen = [false; 2];
        while self.queued.swap(0, AcqRel) == 1 {
            loop {
                assert_eq!(self.state.to_running(), ToRunning::Poll);
                seen = self.body.write(|| [self.news[0].load(Relaxed), self.news[1].load(Relaxed)]);
                match self.state.to_idle(false) {
                    ToIdle::Idle => break,
                    ToIdle::Again => {}
                    ToIdle::Drop => unreachable!("nobody cancels"),
                }
            }
        }
        seen
    }

    /// The runner's part of an end.
    fn close(&self, outcome: Outcome, panicked: bool) -> Closed {
        self.body.write(|| ());
        if outcome.has_output() {
            self.output.write(|| ());
        }
        let closed = self.state.close(outcome, panicked);
        if closed.drop_output() {
            self.output.write(|| ());
        }
        if closed.wake_join() {
            self.waker.write(|| ());
        }
        closed
    }

    fn outcome(&self) -> Option<Outcome> {
        self.state.load().outcome()
    }
}

fn spawn<R: 'static>(rig: &Arc<Rig>, f: impl FnOnce(&Rig) -> R + 'static) -> thread::JoinHandle<R> {
    let rig = Arc::clone(rig);
    thread::spawn(move || f(&rig))
}

/// A wake of a queued, a running or a sleeping task is followed by a poll that sees what was written before the wake.
///
/// Red: `to_scheduled` that writes nothing (`(None, Nothing)`) while ACTIVE is set; `to_idle` that does not look at WOKEN;
/// the success ordering of `update` without either half.
#[test]
fn a_wake_is_followed_by_a_poll_that_sees_its_news() {
    explore(None, 370, || {
        let rig = Rig::new();
        let waker = spawn(&rig, |rig| rig.wake(0));
        let mut seen = rig.run_queued();
        waker.join().expect("wakes");
        if rig.queued.load(Relaxed) == 1 {
            seen = rig.run_queued();
        }
        assert!(seen[0], "the wake was lost");
    });
}

/// A task that wakes itself in its first poll goes back to the queue without a write; a wake of another thread that comes
/// meanwhile is not lost by that.
///
/// Red: `to_scheduled` that writes nothing while ACTIVE is set; `to_running` that never clears WOKEN (the task polls for
/// ever).
#[test]
fn a_task_that_wakes_itself_hears_of_other_wakes() {
    explore(None, 100, || {
        let rig = Rig::new();
        let waker = spawn(&rig, |rig| rig.wake(0));
        let mut seen = [false; 2];
        rig.queued.store(0, Relaxed);
        for poll in 0.. {
            assert_eq!(rig.state.to_running(), ToRunning::Poll);
            seen[0] = rig.body.write(|| rig.news[0].load(Relaxed));
            assert!(poll < 4, "polled without a reason");
            if rig.state.to_idle(poll == 0) == ToIdle::Idle {
                break;
            }
        }
        waker.join().expect("wakes");
        if rig.queued.load(Relaxed) == 1 {
            seen = rig.run_queued();
        }
        assert!(seen[0], "the wake was lost");
    });
}

/// Two wakers and a runner: one runnable at a time, one runner at a time, and the last poll sees both.
///
/// Red: as above; of a queued task also `to_scheduled` that writes nothing if WOKEN is set already.
fn two_wakers_and_a_runner(rig: fn() -> Arc<Rig>, floor: usize) {
    explore(Some(3), floor, move || {
        let rig = rig();
        let first = spawn(&rig, |rig| rig.wake(0));
        let second = spawn(&rig, |rig| rig.wake(1));
        let mut seen = rig.run_queued();
        first.join().expect("wakes");
        second.join().expect("wakes");
        if rig.queued.load(Relaxed) == 1 {
            seen = rig.run_queued();
        }
        assert_eq!(seen, [true; 2]);
    });
}

#[test]
fn two_wakers_of_a_sleeping_task_make_one_runnable_at_a_time() {
    two_wakers_and_a_runner(Rig::idle, 660);
}

#[test]
fn two_wakers_of_a_queued_task_make_one_runnable_at_a_time() {
    two_wakers_and_a_runner(Rig::new, 660);
}

/// A sleeping task is submitted by one of its two wakers, and by one only; two threads run it, never at once.
///
/// Red: `to_scheduled` that submits while ACTIVE is set; the success ordering of `update` without either half (the
/// body is touched by two threads without order).
#[test]
fn a_body_moves_between_runners_in_order() {
    explore(Some(3), 510, || {
        let rig = Rig::idle();
        let other = spawn(&rig, |rig| {
            rig.wake(0);
            rig.run_queued()
        });
        rig.wake(1);
        let seen = rig.run_queued();
        let others = other.join().expect("runs");
        let last = if rig.queued.load(Relaxed) == 1 { rig.run_queued() } else { [false; 2] };
        assert!([seen, others, last].contains(&[true; 2]), "{seen:?} {others:?} {last:?}");
    });
}

/// Cancelled before the first poll: never polled. Cancelled after it: polled, and dropped by the runner.
///
/// Red: `cancelled` that ends a future which was started; `to_running` that does not look at CANCEL.
#[test]
fn a_cancelled_future_never_ran_or_is_dropped_by_its_runner() {
    explore(None, 25, || {
        let rig = Rig::new();
        let canceller = spawn(&rig, |rig| match rig.state.cancel(Kind::Future, Outcome::Cancelled) {
            ToCancelled::Requested { submit: true } => {
                rig.submit();
                ToCancelled::Requested { submit: true }
            }
            other => other,
        });
        let mut polls = 0;
        let run = |polls: &mut usize| {
            rig.queued.store(0, Relaxed);
            let dropped = match rig.state.to_running() {
                ToRunning::Drop => true,
                ToRunning::Poll => {
                    *polls += 1;
                    rig.body.write(|| ());
                    rig.state.to_idle(false) == ToIdle::Drop
                }
            };
            if dropped {
                let _closed = rig.close(Outcome::Cancelled, false);
            }
        };
        run(&mut polls);
        let verdict = canceller.join().expect("cancels");
        if rig.queued.load(Relaxed) == 1 {
            run(&mut polls);
        }
        assert_eq!(rig.outcome(), Some(Outcome::Cancelled));
        assert!(rig.state.load().is_closed());
        match verdict {
            ToCancelled::Ended { .. } => assert_eq!(polls, 0),
            ToCancelled::Requested { .. } => assert_eq!(polls, 1),
            ToCancelled::Finished => unreachable!("the body never ends by itself"),
        }
    });
}

fn cancel_against_the_end(kind: Kind, panicked: bool) {
    explore(None, 7, move || {
        let rig = Rig::running();
        let canceller = spawn(&rig, move |rig| {
            let verdict = rig.state.cancel(kind, Outcome::Cancelled);
            (verdict != ToCancelled::Finished, rig.outcome())
        });
        let outcome = if panicked { Outcome::Error } else { Outcome::Done };
        let closed = rig.close(outcome, panicked);
        let (cancelled, seen) = canceller.join().expect("cancels");
        let ended = rig.outcome().expect("over");
        let expected = match (cancelled, kind, panicked) {
            (false, ..) | (true, Kind::Future, true) => outcome,
            (true, ..) => Outcome::Cancelled,
        };
        assert_eq!(ended, expected);
        assert_eq!(closed.outcome, expected);
        assert!(seen.is_none_or(|seen| seen == ended), "a terminal state changed");
        assert_eq!(closed.drop_output(), !expected.has_output(), "the output is dropped unless it is the result");
        assert_eq!(closed.ended(), !(cancelled && kind == Kind::Closure), "one side tells of the end");
    });
}

/// `cancel() == true` means cancelled; `false` means that nothing changes.
///
/// Red: `close` that does not look at CANCEL.
#[test]
fn cancelling_a_future_that_ends() {
    cancel_against_the_end(Kind::Future, false);
}

/// A panic wins over the cancellation of a future.
///
/// Red: `close` that does not look at `panicked`.
#[test]
fn cancelling_a_future_that_panics() {
    cancel_against_the_end(Kind::Future, true);
}

/// A closure ends where it is cancelled, and what it returns is dropped.
///
/// Red: `close` that overwrites an earlier outcome.
#[test]
fn cancelling_a_closure_that_ends() {
    cancel_against_the_end(Kind::Closure, false);
}

/// Two cancellations: one ends the task or submits it, and the other does not.
///
/// Red: `cancelled` that does not set ACTIVE when it submits.
#[test]
fn two_cancellations_make_one_runnable() {
    explore(None, 4, || {
        let rig = Rig::idle();
        let cancel = |rig: &Rig| match rig.state.cancel(Kind::Future, Outcome::Cancelled) {
            ToCancelled::Requested { submit } => {
                if submit {
                    rig.submit();
                }
                true
            }
            _ => false,
        };
        let other = spawn(&rig, cancel);
        assert!(cancel(&rig));
        assert!(other.join().expect("cancels"));
        assert_eq!(rig.queued.load(Relaxed), 1);
        assert_eq!(rig.state.to_running(), ToRunning::Drop);
    });
}

fn handle_against_the_end(cancel: bool) {
    explore(None, 4, move || {
        let rig = Rig::running();
        let handle = spawn(&rig, move |rig| {
            let dropped = rig.state.drop_handle(Kind::Future, cancel);
            if dropped.drop_output {
                rig.output.write(|| ());
            }
            dropped.drop_output
        });
        let closed = rig.close(Outcome::Done, false);
        let by_handle = handle.join().expect("drops");
        assert!(closed.drop_output() != by_handle, "the output is dropped once");
        assert!(!closed.unread(), "a value is no error");
        let expected = if cancel && closed.drop_output() { Outcome::Cancelled } else { Outcome::Done };
        assert_eq!(rig.outcome(), Some(expected));
    });
}

/// The output is dropped by the handle or by the runner, and the one that drops it sees it whole.
///
/// Red: the success ordering of `update` without its release half; `drop_handle` that forgets the output; `close` that
/// does not look at CANCEL.
#[test]
fn dropping_the_handle_while_the_task_ends() {
    handle_against_the_end(true);
}

/// The same for a handle that lets the task run on.
///
/// Red: the success ordering of `update` without its release half; `drop_handle` that forgets the output, or cancels
/// all the same; `close` that does not look at HANDLE.
#[test]
fn detaching_while_the_task_ends() {
    handle_against_the_end(false);
}

/// A registered waker is taken by the end, or the registration sees the end and has the cell back.
///
/// Red: `set_join_waker` that does not look at the outcome; `close` that does not give JOIN_WAKER in its answer;
/// `load` relaxed; `update` relaxed on failure, or without its release half on success (the cell is touched without
/// order).
#[test]
fn registering_a_waker_while_the_task_ends() {
    explore(None, 4, || {
        let rig = Rig::running();
        let handle = spawn(&rig, |rig| {
            rig.waker.write(|| ());
            let registered = rig.state.set_join_waker(false);
            if !registered {
                rig.waker.write(|| ());
                rig.output.read();
            }
            registered
        });
        let closed = rig.close(Outcome::Done, false);
        assert_eq!(handle.join().expect("registers"), closed.wake_join());
    });
}

/// A registered waker is taken by the canceller, by the runner or by the handle that goes: by one of them.
///
/// Red: `cancelled`, `close` or `drop_handle` that leaves JOIN_WAKER set; `cancelled` that forgets `wake_join`.
#[test]
fn a_registered_waker_is_taken_once() {
    explore(Some(3), 240, || {
        let rig = Rig::running();
        rig.waker.write(|| ());
        assert!(rig.state.set_join_waker(false));
        let canceller = spawn(&rig, |rig| match rig.state.cancel(Kind::Closure, Outcome::Cancelled) {
            ToCancelled::Ended { wake_join, .. } => {
                if wake_join {
                    rig.waker.write(|| ());
                }
                wake_join
            }
            _ => false,
        });
        let handle = spawn(&rig, |rig| {
            let dropped = rig.state.drop_handle(Kind::Closure, false);
            if dropped.drop_waker {
                rig.waker.write(|| ());
            }
            dropped.drop_waker
        });
        let closed = rig.close(Outcome::Done, false);
        let takers = [closed.wake_join(), canceller.join().expect("cancels"), handle.join().expect("goes")];
        assert_eq!(takers.iter().filter(|&&took| took).count(), 1, "{takers:?}");
    });
}

/// A waker taken back by the handle is not taken by the end as well.
///
/// Red: `unset_join_waker` that does not look at the outcome.
#[test]
fn taking_a_waker_back_while_the_task_ends() {
    explore(None, 4, || {
        let rig = Rig::running();
        rig.waker.write(|| ());
        assert!(rig.state.set_join_waker(false));
        let handle = spawn(&rig, |rig| {
            let back = rig.state.unset_join_waker();
            if back {
                rig.waker.write(|| ());
            }
            back
        });
        let closed = rig.close(Outcome::Done, false);
        assert!(handle.join().expect("takes back") != closed.wake_join());
    });
}

/// Whoever sees the task over sees what was written before the end: the output, and all progress.
///
/// Red: `load` relaxed; the success ordering of `update` without its release half.
#[test]
fn whoever_sees_the_end_sees_what_came_before() {
    explore(None, 4, || {
        let rig = Rig::running();
        let looker = spawn(&rig, |rig| {
            if rig.state.load().is_finished() {
                rig.output.read();
                assert!(rig.news[0].load(Relaxed), "progress that came before the end is missing");
            }
        });
        rig.news[0].store(true, Relaxed);
        let closed = rig.close(Outcome::Done, false);
        assert!(!closed.drop_output());
        looker.join().expect("looks");
    });
}

/// Three references: one of the three frees the cell, after all uses of it.
///
/// Red: `drop_ref` relaxed, or only acquire, or only release.
#[test]
fn the_last_reference_frees_after_all_uses() {
    explore(None, 65, || {
        let rig = Rig::new();
        rig.state.add_ref();
        let give_up = |rig: &Rig| {
            rig.output.read();
            let last = rig.state.drop_ref();
            if last {
                rig.output.write(|| ());
            }
            last
        };
        let first = spawn(&rig, give_up);
        let second = spawn(&rig, give_up);
        let freed = [give_up(&rig), first.join().expect("drops"), second.join().expect("drops")];
        assert_eq!(freed.iter().filter(|&&last| last).count(), 1);
    });
}
