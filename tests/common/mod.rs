//! Helpers of the integration tests: tallies of events and the threads they happened on, hogs that hold a thread busy,
//! latches, wakers that count, and a foreign executor of ten lines.
//!
//! Nothing here sleeps. Whatever waits, waits for an event, and gives up with a panic after [`HANG`], so that a lost
//! event is a failed test and not a hung one; no test passes because of that time.

#![allow(dead_code, reason = "each test file uses a part of it")]

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread, ThreadId};
use std::time::{Duration, Instant};

use offtick::{Builder, Handle, Runtime, Task, TaskList};

/// After this long an event counts as lost.
pub(crate) const HANG: Duration = Duration::from_secs(60);

/// A stack that a builder takes and no system has room for, whatever the size of its words.
pub(crate) const HUGE_STACK: usize = isize::MAX as usize;

/// What planned panics say first; they are not printed.
pub(crate) const PLANNED: &str = "planned";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Keeps panics whose message begins with [`PLANNED`] from being printed.
pub(crate) fn quiet_planned_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
            let planned = text.is_none_or(|text| text.starts_with(PLANNED));
            if !planned {
                before(info);
            }
        }));
    });
}

/// The texts of an error and of its causes in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// A list of events, each noted with the thread it happened on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally(Arc<(Mutex<Vec<ThreadId>>, Condvar)>);

impl Tally {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn note(&self) {
        lock(&self.0.0).push(thread::current().id());
        self.0.1.notify_all();
    }

    pub(crate) fn count(&self) -> usize {
        lock(&self.0.0).len()
    }

    pub(crate) fn threads(&self) -> Vec<ThreadId> {
        lock(&self.0.0).clone()
    }

    /// Waits until at least `count` events were noted.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) {
        let events = lock(&self.0.0);
        let (events, timeout) = self
            .0
            .1
            .wait_timeout_while(events, HANG, |events| events.len() < count)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "{} of {count} events came", events.len());
    }
}

/// Notes its drop, then panics if it was told to.
#[derive(Debug)]
pub(crate) struct Dropped {
    drops: Tally,
    panics: Option<&'static str>,
}

impl Dropped {
    pub(crate) fn new(drops: &Tally) -> Self {
        Self { drops: drops.clone(), panics: None }
    }

    pub(crate) fn panicking(drops: &Tally, message: Option<&'static str>) -> Self {
        Self { drops: drops.clone(), panics: message }
    }
}

impl Drop for Dropped {
    fn drop(&mut self) {
        self.drops.note();
        if let Some(message) = self.panics {
            panic!("{message}");
        }
    }
}

/// Runs a closure when it is dropped.
pub(crate) struct OnDrop<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> OnDrop<F> {
    pub(crate) fn new(f: F) -> Self {
        Self(Some(f))
    }
}

impl<F: FnOnce()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// A future that notes its polls and its drop; the closure gets the number of the poll, from 1.
pub(crate) struct Counted<F> {
    polls: Tally,
    number: usize,
    poll: F,
    _dropped: Dropped,
}

impl<F> Counted<F> {
    pub(crate) fn new(polls: &Tally, drops: &Tally, poll: F) -> Self {
        Self::with_drop(polls, Dropped::new(drops), poll)
    }

    pub(crate) fn with_drop(polls: &Tally, dropped: Dropped, poll: F) -> Self {
        Self { polls: polls.clone(), number: 0, poll, _dropped: dropped }
    }
}

impl<T, F: FnMut(&mut Context<'_>, usize) -> Poll<T> + Unpin> Future for Counted<F> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.polls.note();
        self.number += 1;
        let number = self.number;
        (self.poll)(cx, number)
    }
}

/// A waker that notes its wakes, then panics if it was told to.
#[derive(Debug, Default)]
pub(crate) struct CountedWaker {
    pub(crate) wakes: Tally,
    panics: Option<&'static str>,
}

impl CountedWaker {
    pub(crate) fn pair(panics: Option<&'static str>) -> (Arc<Self>, Waker) {
        let counted = Arc::new(Self { wakes: Tally::new(), panics });
        let waker = Waker::from(Arc::clone(&counted));
        (counted, waker)
    }
}

impl Wake for CountedWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wakes.note();
        if let Some(message) = self.panics {
            panic!("{message}");
        }
    }
}

/// A waker that runs a closure.
pub(crate) struct WakeFn<F>(pub(crate) F);

impl<F: Fn() + Send + Sync + 'static> Wake for WakeFn<F> {
    fn wake(self: Arc<Self>) {
        (self.0)();
    }
}

/// A place for the waker of a future that waits, and the word that it may go on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Signal(Arc<Mutex<(bool, Option<Waker>)>>);

impl Signal {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Lets the future go on.
    pub(crate) fn give(&self) {
        let waker = {
            let mut state = lock(&self.0);
            state.0 = true;
            state.1.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn poll(&self, cx: &mut Context<'_>) -> Poll<()> {
        let mut state = lock(&self.0);
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(cx.waker().clone());
        Poll::Pending
    }

    pub(crate) async fn given(&self) {
        std::future::poll_fn(|cx| self.poll(cx)).await;
    }
}

/// A door that opens once, for threads.
#[derive(Clone, Debug, Default)]
pub(crate) struct Latch(Arc<(Mutex<bool>, Condvar)>);

impl Latch {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn open(&self) {
        *lock(&self.0.0) = true;
        self.0.1.notify_all();
    }

    #[track_caller]
    pub(crate) fn wait(&self) {
        let open = lock(&self.0.0);
        let (_open, timeout) =
            self.0.1.wait_timeout_while(open, HANG, |open| !*open).unwrap_or_else(PoisonError::into_inner);
        assert!(!timeout.timed_out(), "the latch was not opened");
    }
}

type Errand = Box<dyn FnOnce() + Send>;

/// Holds one thread of a runtime busy, inside the poll of a future or inside a closure, until it is released; meanwhile
/// it runs errands there.
pub(crate) struct Hog {
    errands: Option<Sender<Errand>>,
    task: Task<()>,
    thread: ThreadId,
}

impl Hog {
    /// Holds the reactor.
    pub(crate) fn reactor(rt: &Handle) -> Self {
        let (errands, todo) = channel::<Errand>();
        let (entered, seen) = channel();
        let task = rt.spawn(async move { Self::work(&entered, &todo) });
        Self { errands: Some(errands), task, thread: seen.recv_timeout(HANG).expect("the hog starts") }
    }

    /// Holds one pool thread.
    pub(crate) fn pool(rt: &Handle) -> Self {
        let (errands, todo) = channel::<Errand>();
        let (entered, seen) = channel();
        let task = rt.spawn_blocking(move || Self::work(&entered, &todo));
        Self { errands: Some(errands), task, thread: seen.recv_timeout(HANG).expect("the hog starts") }
    }

    fn work(entered: &Sender<ThreadId>, todo: &Receiver<Errand>) {
        entered.send(thread::current().id()).ok();
        while let Ok(errand) = todo.recv() {
            errand();
        }
    }

    /// The thread it holds.
    pub(crate) fn thread(&self) -> ThreadId {
        self.thread
    }

    /// The task of the hog itself.
    pub(crate) fn task(&self) -> &Task<()> {
        &self.task
    }

    /// Runs `f` on the held thread and waits for its value.
    #[track_caller]
    pub(crate) fn run<R: Send + 'static>(&self, f: impl FnOnce() -> R + Send + 'static) -> R {
        let (answer, answered) = channel();
        let errand: Errand = Box::new(move || drop(answer.send(f())));
        self.errands.as_ref().expect("not released").send(errand).expect("the hog works");
        answered.recv_timeout(HANG).expect("the errand is run")
    }

    /// Lets the thread go and waits until the hog is over.
    #[track_caller]
    pub(crate) fn release(mut self) {
        drop(self.errands.take());
        let over = self.task.wait_timeout(HANG).expect("the hog ends");
        over.expect("the hog ends well");
    }

    /// Lets the thread go and waits for nothing: for hogs whose runtime is shut down meanwhile.
    pub(crate) fn let_go(&mut self) {
        drop(self.errands.take());
    }
}

/// A runtime with one pool thread, so that one hog makes every other closure wait.
pub(crate) fn narrow() -> Runtime {
    Builder::new().blocking_threads(1).build().expect("a runtime is built")
}

/// A runtime with the default settings.
pub(crate) fn runtime() -> Runtime {
    Runtime::new().expect("a runtime is built")
}

/// The identity of the reactor thread; also proof that the reactor works.
#[track_caller]
pub(crate) fn reactor_thread(rt: &Handle) -> ThreadId {
    settled(rt.spawn(async { thread::current().id() }))
}

/// Returns once the hooks were called for all that happened before: they are called in order.
#[track_caller]
pub(crate) fn after_hooks(rt: &Handle) {
    let (called, seen) = std::sync::mpsc::channel();
    rt.task().quiet().on_end(move |_| called.send(()).unwrap()).spawn(|_| async {}).detach();
    seen.recv_timeout(HANG).expect("hooks are called");
}

/// The identity of a pool thread; also proof that the pool works.
#[track_caller]
pub(crate) fn pool_thread(rt: &Handle) -> ThreadId {
    settled(rt.spawn_blocking(|| thread::current().id()))
}

/// The tasks of a runtime, from a thread that does not drive it: all futures that were spawned before the call are listed.
pub(crate) fn listed(rt: &Handle) -> TaskList {
    let mut list = rt.tasks();
    until(|| {
        list = rt.tasks();
        list.is_complete()
    });
    list
}

/// The value of a task that ends well.
#[track_caller]
pub(crate) fn settled<T, P>(mut task: Task<T, P>) -> T {
    task.wait_timeout(HANG).expect("the task ends").expect("the task ends well")
}

/// Looks again and again, and lets others run in between.
#[track_caller]
pub(crate) fn until(mut holds: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < HANG, "it never came to hold");
        thread::yield_now();
    }
}

struct Unparker(Thread);

impl Wake for Unparker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// A foreign executor: knows nothing of the crate but `Future`.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unparker(thread::current())));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        thread::park();
    }
}

/// Polls once with a waker that does nothing.
pub(crate) fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Lets all other ready tasks run once.
pub(crate) fn yield_once() -> impl Future<Output = ()> + Send {
    let mut yielded = false;
    std::future::poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}

/// What happened, in order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn push(&self, event: impl Into<String>) {
        lock(&self.0).push(event.into());
    }

    pub(crate) fn len(&self) -> usize {
        lock(&self.0).len()
    }

    /// All events, with blanks between.
    pub(crate) fn text(&self) -> String {
        lock(&self.0).join(" ")
    }
}

/// Runs a future inside a task, on the reactor thread, and gives its value. It need not be `Send`.
#[track_caller]
pub(crate) fn inside<M, F>(rt: &Handle, make: M) -> F::Output
where
    M: FnOnce(Handle) -> F + Send + 'static,
    F: Future + 'static,
    F::Output: Send + 'static,
{
    let handle = rt.clone();
    settled(rt.task().spawn(move |_cx| make(handle)))
}

/// Runs `f` inside a task, on the reactor thread, and gives its value.
#[track_caller]
pub(crate) fn on_reactor<R: Send + 'static>(rt: &Handle, f: impl FnOnce(Handle) -> R + Send + 'static) -> R {
    inside(rt, |rt| async move { f(rt) })
}
