//! Tests of the cell without a model: every lifecycle, and every place where user code may panic.

use super::{
    Audience, Body, ClosureBody, FutureBody, Inbox, JoinRef, LazyBody, Outcome, PollOutcome, Push, Runnable, SpawnMeta,
    TaskRef, Value, WithTaskError, new,
};
use crate::error::{Panic, TaskError};
use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};
use crate::sync::{Arc, Mutex};
use crate::task::{Schedule, Status, TaskId};
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn, ready};
use std::panic::{Location, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// A panic that the hook of the test harness does not print.
fn panic() -> ! {
    resume_unwind(Box::new("on purpose"))
}

/// The shared state of an owner of a few tasks.
#[derive(Default)]
struct Desk {
    queue: Mutex<VecDeque<Runnable>>,
    ended: AtomicUsize,
    panics: AtomicUsize,
    unhandled: AtomicUsize,
    /// The references that a hook has kept.
    kept: Mutex<Vec<TaskRef>>,
}

/// An owner, whose last reference is dropped with the cell.
#[derive(Clone, Default)]
struct Owner(Arc<Desk>);

impl Schedule for Owner {
    fn schedule(&self, task: Runnable) {
        self.0.queue.lock().push_back(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }

    fn on_ended(&self, _: &TaskRef, _: Audience) {
        self.0.ended.fetch_add(1, Relaxed);
    }

    fn on_panic(&self, task: &TaskRef, _: &Panic) {
        self.0.panics.fetch_add(1, Relaxed);
        self.0.kept.lock().push(task.clone());
        panic()
    }

    fn on_unhandled(&self, task: &TaskRef, _: TaskError) -> Option<TaskError> {
        self.0.unhandled.fetch_add(1, Relaxed);
        self.0.kept.lock().push(task.clone());
        panic()
    }
}

impl Owner {
    fn spawn<B>(&self, body: B) -> (JoinRef<B::Output>, TaskRef)
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static,
    {
        let (runnable, join) = new(body, self.clone(), SpawnMeta::at(Location::caller()));
        let task = runnable.task();
        self.schedule(runnable);
        (join, task)
    }

    fn run(&self) {
        loop {
            let Some(task) = self.0.queue.lock().pop_front() else { return };
            if let PollOutcome::Again(task) = task.run(Outcome::Cancelled) {
                self.schedule(task);
            }
        }
    }

    /// Asserts that every cell was freed, once the hooks dropped theirs.
    ///
    /// Only the desk's own handle is left.
    fn assert_freed(&self) {
        let kept = std::mem::take(&mut *self.0.kept.lock());
        drop(kept);
        assert_eq!(Arc::strong_count(&self.0), 1, "a cell was leaked");
    }
}

/// A value that counts its drops, and panics in them if armed.
struct Dropped(Arc<AtomicUsize>, bool);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
        if self.1 {
            panic()
        }
    }
}

/// A waker that counts and may panic.
struct Bell(AtomicUsize, bool);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
        if self.1 {
            panic()
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Ready,
    Panic,
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Act {
    Keep,
    Cancel,
    Drop,
    Detach,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum When {
    BeforeTheFirstPoll,
    WhileItSleeps,
    InsideTheLastPoll,
    AfterTheEnd,
}

#[derive(Clone, Copy, Debug)]
struct Plan {
    end: End,
    act: Act,
    when: When,
    body_panics: bool,
    output_panics: bool,
    waiter: Option<bool>,
}

type Slot = Arc<Mutex<Option<JoinRef<Dropped>>>>;

fn act(act: Act, slot: &Slot) {
    let join = slot.lock().take();
    match (act, join) {
        (Act::Keep, join) => *slot.lock() = join,
        (Act::Cancel, Some(join)) => {
            let finished = join.is_finished();
            assert_eq!(join.task().cancel(Outcome::Cancelled), !finished);
            *slot.lock() = Some(join);
        }
        (Act::Drop, join) => drop(join),
        (Act::Detach, Some(join)) => join.detach(),
        (_, None) => unreachable!("there is one act"),
    }
}

fn expected(plan: Plan) -> Status {
    let asked = matches!(plan.act, Act::Cancel | Act::Drop);
    let by_then = match plan.end {
        End::Ready if plan.body_panics => Status::Error,
        End::Ready => Status::Done,
        End::Panic => Status::Error,
        // Cancelled at the end of the test, which runs its destructor.
        End::Never if plan.body_panics => Status::Error,
        End::Never => Status::Cancelled,
    };
    match plan.when {
        When::BeforeTheFirstPoll if asked => Status::Cancelled,
        When::WhileItSleeps if asked && plan.body_panics => Status::Error,
        When::WhileItSleeps if asked => Status::Cancelled,
        When::InsideTheLastPoll if asked && by_then == Status::Done => Status::Cancelled,
        _ => by_then,
    }
}

fn live(plan: Plan) {
    let owner = Owner::default();
    let (bodies, outputs, made) = (Arc::default(), Arc::default(), Arc::new(AtomicUsize::new(0)));
    let slot: Slot = Arc::default();
    let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
    let body = {
        let held = Dropped(Arc::clone(&bodies), plan.body_panics);
        let (slot, waker, outputs, made) =
            (Arc::clone(&slot), Arc::clone(&waker), Arc::clone(&outputs), Arc::clone(&made));
        let mut polls = 0;
        poll_fn(move |cx| {
            let _held = &held;
            polls += 1;
            if polls == 1 {
                *waker.lock() = Some(cx.waker().clone());
                return Poll::Pending;
            }
            if plan.when == When::InsideTheLastPoll {
                act(plan.act, &slot);
            }
            match plan.end {
                End::Never => Poll::Pending,
                End::Panic => panic(),
                End::Ready => {
                    made.fetch_add(1, Relaxed);
                    Poll::Ready(Dropped(Arc::clone(&outputs), plan.output_panics))
                }
            }
        })
    };
    let bell = Arc::new(Bell(AtomicUsize::new(0), plan.waiter == Some(true)));
    let (mut join, task) = owner.spawn(FutureBody::<_, Value>::new(body));
    if plan.waiter.is_some() {
        let waker = Waker::from(Arc::clone(&bell));
        assert!(join.poll_finished(&mut Context::from_waker(&waker)).is_pending());
    }
    *slot.lock() = Some(join);
    if plan.when == When::BeforeTheFirstPoll {
        act(plan.act, &slot);
    }
    owner.run();
    if plan.when == When::WhileItSleeps {
        act(plan.act, &slot);
        owner.run();
    }
    // The foreign waker wakes, is kept, and outlives everything else.
    let foreign = waker.lock().take();
    if let Some(foreign) = &foreign {
        foreign.wake_by_ref();
        foreign.wake_by_ref();
    }
    owner.run();
    if plan.end == End::Never {
        task.cancel(Outcome::Cancelled);
        owner.run();
    }
    if plan.when == When::AfterTheEnd {
        act(plan.act, &slot);
    }
    assert_eq!(task.status(), expected(plan), "{plan:?}");
    assert!(task.is_closed());
    assert_eq!(bodies.load(Relaxed), 1, "the body is dropped once: {plan:?}");
    assert_eq!(owner.0.ended.load(Relaxed), 1, "one end: {plan:?}");
    // A handle that is read and then dropped; its value may panic in its destructor.
    if let Some(mut join) = slot.lock().take() {
        let taken = join.take().expect("finished");
        assert_eq!(taken.is_ok(), task.status() == Status::Done);
        assert!(join.take().is_none(), "{plan:?}");
        assert!(matches!(join.result(), Some(Err(TaskError::Taken))), "{plan:?}");
        assert_eq!(task.status(), expected(plan), "taking changes no status: {plan:?}");
        crate::util::catch::drop_quietly(taken);
    }
    assert_eq!(outputs.load(Relaxed), made.load(Relaxed), "every value is dropped once: {plan:?}");
    let waits =
        plan.waiter.is_some() && !(matches!(plan.act, Act::Drop | Act::Detach) && plan.when != When::AfterTheEnd);
    assert_eq!(bell.0.load(Relaxed), usize::from(waits), "{plan:?}");
    assert_eq!(Arc::strong_count(&bell), 1, "a waker was kept: {plan:?}");
    drop(task);
    if let Some(foreign) = foreign {
        foreign.wake();
    }
    owner.run();
    owner.assert_freed();
}

/// Tests the product of all ends, handle actions and panicking destructors.
///
/// Every end of a future, times every action of its handle and its moment, times every destructor that may panic.
#[test]
fn all_lives() {
    for end in [End::Ready, End::Panic, End::Never] {
        for act in [Act::Keep, Act::Cancel, Act::Drop, Act::Detach] {
            for when in [When::BeforeTheFirstPoll, When::WhileItSleeps, When::InsideTheLastPoll, When::AfterTheEnd] {
                for bits in 0..4 {
                    for waiter in [None, Some(false), Some(true)] {
                        let (body_panics, output_panics) = (bits & 1 != 0, bits & 2 != 0);
                        live(Plan { end, act, when, body_panics, output_panics, waiter });
                    }
                }
            }
        }
    }
}

/// A hook may keep a reference to a task whose handle was the last one.
#[test]
fn a_reference_that_is_made_while_the_last_handle_goes() {
    for detached in [false, true] {
        let owner = Owner::default();
        let output = Dropped(Arc::default(), !detached);
        let result = if detached { Err(TaskError::TimedOut(Duration::ZERO)) } else { Ok(output) };
        let (join, task) = owner.spawn(FutureBody::<_, WithTaskError>::new(ready(result)));
        drop(task);
        owner.run();
        if detached {
            join.detach()
        } else {
            drop(join)
        }
        let kept = owner.0.kept.lock().pop().expect("the hook was called");
        assert_eq!(Arc::strong_count(&owner.0), 2, "the cell is there as long as the reference");
        assert_eq!(kept.status(), if detached { Status::Error } else { Status::Done });
        assert!(kept.is_last() && !kept.cancel(Outcome::Cancelled));
        drop(kept);
        owner.assert_freed();
    }
}

/// A runnable that is never run ends its task: started or not, with or without a handle.
#[test]
fn a_runnable_that_is_dropped() {
    for started in [false, true] {
        for detached in [false, true] {
            let owner = Owner::default();
            let bodies = Arc::default();
            let held = Dropped(Arc::clone(&bodies), false);
            let mut polls = 0;
            let (join, task) = owner.spawn(FutureBody::<_, Value>::new(poll_fn(move |cx| {
                let _held = &held;
                polls += 1;
                if polls == 1 {
                    cx.waker().wake_by_ref();
                }
                Poll::<()>::Pending
            })));
            let mut runnable = owner.0.queue.lock().pop_front().expect("queued");
            if started {
                let PollOutcome::Again(again) = runnable.run(Outcome::Cancelled) else { panic!("it woke itself") };
                runnable = again;
            }
            let join = if detached {
                join.detach();
                None
            } else {
                Some(join)
            };
            drop(runnable);
            assert_eq!((task.status(), task.is_closed()), (Status::Cancelled, true));
            assert_eq!((bodies.load(Relaxed), owner.0.ended.load(Relaxed)), (1, 1));
            if let Some(mut join) = join {
                assert!(matches!(join.take(), Some(Err(TaskError::RuntimeGone))));
            }
            drop(task);
            owner.assert_freed();
        }
    }
}

/// A closure leaves its cell before it runs. If it is cancelled then, it still runs to its end and its value is
/// dropped.
#[test]
fn a_closure_cancelled_from_inside() {
    let owner = Owner::default();
    let (outputs, slot): (Arc<AtomicUsize>, Slot) = Default::default();
    let closure = {
        let (outputs, slot) = (Arc::clone(&outputs), Arc::clone(&slot));
        move || {
            act(Act::Cancel, &slot);
            assert_eq!(outputs.load(Relaxed), 0);
            Dropped(outputs, true)
        }
    };
    let (join, task) = owner.spawn(ClosureBody::<_, Value>::new(closure));
    *slot.lock() = Some(join);
    owner.run();
    assert_eq!((task.status(), outputs.load(Relaxed)), (Status::Cancelled, 1));
    assert_eq!(owner.0.ended.load(Relaxed), 1);
    drop((slot.lock().take(), task));
    owner.assert_freed();
}

/// A future built by the polling thread need not be `Send`, and is dropped in place.
#[test]
fn a_future_built_where_it_is_polled() {
    let owner = Owner::default();
    let bodies = Arc::default();
    let held = Dropped(Arc::clone(&bodies), false);
    let make = move || {
        let shared = Rc::new(RefCell::new(held));
        let mut polls = 0;
        poll_fn(move |cx| {
            let _held = shared.borrow_mut();
            polls += 1;
            cx.waker().wake_by_ref();
            if polls < 3 { Poll::Pending } else { Poll::Ready(polls) }
        })
    };
    let (mut join, task) = owner.spawn(LazyBody::<_, _, Value>::new(make));
    owner.run();
    assert_eq!(join.take().expect("finished").expect("a value"), 3);
    assert_eq!((bodies.load(Relaxed), task.polls()), (1, 3));
    drop((join, task));
    owner.assert_freed();
}

/// Large and over-aligned bodies and values: the value lies where the body was.
#[test]
fn a_value_of_another_shape_than_its_body() {
    #[repr(align(128))]
    struct Aligned(u8);
    let owner = Owner::default();
    let (mut small, one) = owner.spawn(FutureBody::<_, Value>::new({
        let large = [7_u8; 4096];
        async move { large[4095] }
    }));
    let (large, two) = owner.spawn(FutureBody::<_, Value>::new(async { Aligned(9) }));
    owner.run();
    assert_eq!(small.take().expect("finished").expect("a value"), 7);
    let aligned = large.result().expect("finished").expect("a value");
    assert_eq!((aligned.0, std::ptr::from_ref(aligned).addr() % 128), (9, 0));
    drop((small, large, one, two));
    owner.assert_freed();
}

/// A registered waker is replaced, kept if it is equivalent, and dropped with the handle.
#[test]
fn a_waiter_that_changes_its_waker() {
    let owner = Owner::default();
    let (mut join, task) = owner.spawn(FutureBody::<_, Value>::new(ready(())));
    let [first, second] = [(); 2].map(|()| Arc::new(Bell(AtomicUsize::new(0), false)));
    for (bell, kept) in [(&first, [1, 0]), (&first, [1, 0]), (&second, [0, 1])] {
        let waker = Waker::from(Arc::clone(bell));
        assert!(join.poll_finished(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert_eq!([&first, &second].map(|bell| Arc::strong_count(bell) - 1), kept);
    }
    owner.run();
    assert_eq!([&first, &second].map(|bell| bell.0.load(Relaxed)), [0, 1]);
    assert!(join.poll_finished(&mut Context::from_waker(Waker::noop())).is_ready());
    drop((join, task));
    owner.assert_freed();
}

/// The waker of a waiting task is kept as a word, and replaced, returned and woken like any other.
#[test]
fn a_task_that_waits_for_a_task() {
    let owner = Owner::default();
    let slot: Arc<Mutex<Option<JoinRef<u32>>>> = Arc::default();
    let polls = Arc::new(AtomicUsize::new(0));
    let waiter = || {
        let (slot, polls) = (Arc::clone(&slot), Arc::clone(&polls));
        FutureBody::<_, Value>::new(poll_fn(move |cx| {
            polls.fetch_add(1, Relaxed);
            let mut slot = slot.lock();
            let Some(join) = &mut *slot else { return Poll::Ready(None) };
            // The second time it is registered already.
            if join.poll_finished(cx).is_pending() && join.poll_finished(cx).is_pending() {
                return Poll::Pending;
            }
            Poll::Ready(join.take().and_then(Result::ok))
        }))
    };
    for dropped in [false, true] {
        let go = Arc::new(AtomicUsize::new(0));
        let seen = Arc::clone(&go);
        let body = poll_fn(move |_| if seen.load(Relaxed) == 0 { Poll::Pending } else { Poll::Ready(7) });
        let (join, task) = owner.spawn(FutureBody::<_, Value>::new(body));
        *slot.lock() = Some(join);
        polls.store(0, Relaxed);
        let (mut first, one) = owner.spawn(waiter());
        owner.run();
        assert_eq!(one.other_references(), 3, "of the body, of this test, and of the waker");
        let (mut second, two) = owner.spawn(waiter());
        owner.run();
        assert_eq!((one.other_references(), two.other_references()), (2, 3), "the second takes the place of the first");
        if dropped {
            drop(slot.lock().take());
            owner.run();
            assert_eq!((task.status(), two.other_references()), (Status::Cancelled, 2));
        } else {
            go.store(1, Relaxed);
            // Woken by hand: nothing else has its waker.
            task.cancel(Outcome::Cancelled);
            owner.run();
            assert!(second.is_finished() && !first.is_finished());
            assert_eq!(polls.load(Relaxed), 3);
        }
        for join in [&mut first, &mut second] {
            join.task().cancel(Outcome::Cancelled);
        }
        owner.run();
        assert!(first.take().is_some() && second.take().is_some());
        drop((first, second, one, two, task, slot.lock().take()));
        owner.assert_freed();
    }
}

/// A waker that cannot be cloned leaves the handle unchanged.
///
/// The panic reaches the caller, and nothing is registered.
#[test]
fn a_waker_whose_clone_panics() {
    use std::task::{RawWaker, RawWakerVTable};
    // SAFETY of the table: none of its functions touches its pointer.
    const TABLE: RawWakerVTable = RawWakerVTable::new(|_| panic(), |_| {}, |_| {}, |_| {});
    let owner = Owner::default();
    let (mut join, task) = owner.spawn(FutureBody::<_, Value>::new(ready(())));
    let bell = Arc::new(Bell(AtomicUsize::new(0), false));
    let good = Waker::from(Arc::clone(&bell));
    assert!(join.poll_finished(&mut Context::from_waker(&good)).is_pending());
    // SAFETY: the functions of the table keep the contract of `RawWaker`.
    let bad = unsafe { Waker::from_raw(RawWaker::new(std::ptr::null(), &TABLE)) };
    let polled = crate::util::catch::catch(|| join.poll_finished(&mut Context::from_waker(&bad)));
    assert!(polled.is_err());
    drop(good);
    assert_eq!(Arc::strong_count(&bell), 1, "the old waker is gone");
    owner.run();
    assert!(join.is_finished());
    drop((join, task));
    owner.assert_freed();
}

/// The inbox returns tasks in order, and ends the remaining ones when it is dropped.
#[test]
fn an_inbox_that_goes_with_tasks_inside() {
    let owner = Owner::default();
    let inbox = Inbox::new();
    let tasks: Vec<_> = (0..5)
        .map(|number| {
            let (join, task) = owner.spawn(FutureBody::<_, Value>::new(ready(number)));
            let runnable = owner.0.queue.lock().pop_front().expect("queued");
            let first = matches!(inbox.push(runnable), Push::First);
            assert_eq!(first, number % 3 == 0);
            if number == 2 {
                let batch = inbox.take();
                let ran: Vec<_> = batch.map(|task| (task.task().id(), task.run(Outcome::Cancelled))).collect();
                assert_eq!(ran.len(), 3);
                assert!(ran.windows(2).all(|pair| pair[0].0 < pair[1].0), "first in, first out");
            }
            (join, task)
        })
        .collect();
    drop(inbox);
    let statuses: Vec<_> = tasks.iter().map(|(_, task)| task.status()).collect();
    assert_eq!(statuses, [[Status::Done; 3].as_slice(), &[Status::Cancelled; 2]].concat());
    drop(tasks);
    owner.assert_freed();
}

/// Real threads wake, cancel, await and drop a task while one runs it; for the sanitizers.
#[test]
fn threads_at_all_ends_of_a_task() {
    struct Yields(usize, Arc<Mutex<Option<Waker>>>);
    impl Future for Yields {
        type Output = Box<usize>;
        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Box<usize>> {
            *self.1.lock() = Some(cx.waker().clone());
            self.0 += 1;
            if self.0 == 4 { Poll::Ready(Box::new(self.0)) } else { Poll::Pending }
        }
    }
    let rounds = if cfg!(miri) { 10 } else { 300 };
    for round in 0..rounds {
        let owner = Owner::default();
        let waker: Arc<Mutex<Option<Waker>>> = Arc::default();
        let (mut join, task) = owner.spawn(FutureBody::<_, Value>::new(Yields(0, Arc::clone(&waker))));
        let wakes = {
            let (waker, task) = (Arc::clone(&waker), task.clone());
            move || {
                while !task.is_finished() {
                    let waker = waker.lock().take();
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    crate::sync::thread::yield_now();
                }
            }
        };
        let ends = move || match round % 4 {
            0 => drop(join),
            1 => join.detach(),
            2 => assert!(join.task().cancel(Outcome::Cancelled) || join.is_finished()),
            _ => {
                let finished = std::pin::pin!(poll_fn(|cx| join.poll_finished(cx)));
                crate::park::block_on(finished, None);
                assert_eq!(join.take().expect("finished").ok(), Some(Box::new(4)));
            }
        };
        let threads: [Box<dyn FnOnce() + Send>; 2] = [Box::new(wakes), Box::new(ends)];
        let threads = threads.map(|f| crate::sync::thread::Builder::new().spawn(f).expect("a thread"));
        while !task.is_closed() {
            owner.run();
            crate::sync::thread::yield_now();
        }
        for thread in threads {
            thread.join().expect("no panic");
        }
        drop((task, waker));
        owner.run();
        owner.assert_freed();
    }
}
