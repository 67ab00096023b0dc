//! What the models of the real task cell share: an owner that queues on a real inbox, tasks that count, a waker.

use super::place::Place;
use crate::error::TaskError;
use crate::sync::plain::{AtomicUsize, Ordering::Relaxed};
use crate::sync::{Arc, ModelArc};
use crate::task::raw::{
    Audience, Body, Convert, FutureBody, Inbox, JoinRef, Outcome, PollOutcome, Push, Runnable, SpawnMeta, TaskRef,
    Value, new,
};
use crate::task::{Schedule, TaskId, TaskMeta};
use std::future::Future;
use std::panic::Location;
use std::task::{Wake, Waker};

/// An executor's inbox, as the owner of tasks. loom reports an inbox that is still referenced at the end, so a cell that
/// leaks is found; and an owner that is used by one thread while another frees it with its cell.
pub(super) struct Queue {
    pub(super) inbox: ModelArc<Inbox>,
    /// Reports of unread errors.
    pub(super) unread: Arc<Count>,
    alive: Place,
}

impl Clone for Queue {
    fn clone(&self) -> Self {
        Self { inbox: ModelArc::clone(&self.inbox), unread: Arc::clone(&self.unread), alive: Place::new() }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.alive.write(|| ());
    }
}

impl Queue {
    pub(super) fn new() -> Self {
        Self { inbox: ModelArc::new(Inbox::new()), unread: Count::new(), alive: Place::new() }
    }

    pub(super) fn push(&self, task: Runnable) {
        match self.inbox.push(task) {
            Push::First | Push::Queued => {}
            Push::Closed(task) => drop(task),
        }
    }

    /// A new task, and a reference to it.
    pub(super) fn task<B>(&self, body: B) -> (Runnable, JoinRef<B::Output>, TaskRef)
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static,
    {
        let (runnable, join) = new(body, self.clone(), SpawnMeta::at(Location::caller()));
        let task = runnable.task();
        (runnable, join, task)
    }

    /// A new task that is queued.
    pub(super) fn spawn<B>(&self, body: B) -> (JoinRef<B::Output>, TaskRef)
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static,
    {
        let (runnable, join, task) = self.task(body);
        self.push(runnable);
        (join, task)
    }

    /// Runs what is queued until nothing is; true if a body was closed.
    pub(super) fn run(&self) -> bool {
        let mut over = false;
        loop {
            let batch = self.inbox.take();
            let mut some = false;
            for task in batch {
                some = true;
                match task.run(Outcome::Cancelled) {
                    PollOutcome::Idle => {}
                    PollOutcome::Again(task) => self.push(task),
                    PollOutcome::Completed(_) => over = true,
                }
            }
            if !some {
                return over;
            }
        }
    }
}

impl Schedule for Queue {
    fn schedule(&self, task: Runnable) {
        self.alive.read();
        self.push(task);
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        self.alive.read();
        false
    }

    fn on_ended(&self, _: &TaskRef, _: Audience) {
        self.alive.read();
    }

    fn on_unhandled(&self, _: &TaskRef, error: TaskError) -> Option<TaskError> {
        self.alive.read();
        self.unread.add();
        Some(error)
    }
}

/// To be called ahead of a look at an inbox that others push on. loom remembers the last access to an atomic only: a
/// push (a load, then a compare-and-swap) hides an earlier lone load of another thread, and no other order of the two
/// is explored. So the pushers go first, and loom then puts the look ahead of each of their steps.
pub(super) fn late() {
    loom::thread::yield_now();
}

/// A future as a body.
pub(super) fn body<F>(future: F) -> impl Body<Output = F::Output> + Send + 'static
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
    Value: Convert<F::Output, Output = F::Output>,
{
    FutureBody::<F, Value>::new(future)
}

/// Counts, outside of the model.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicUsize);

impl Count {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(super) fn add(&self) {
        self.0.fetch_add(1, Relaxed);
    }

    pub(super) fn get(&self) -> usize {
        self.0.load(Relaxed)
    }
}

/// Counts its drops; a value that its dropper must see whole.
#[derive(Debug)]
pub(super) struct Guard {
    place: Place,
    dropped: Arc<Count>,
    /// The drops by a thread other than the maker's.
    strayed: Arc<Count>,
    maker: loom::thread::ThreadId,
}

impl Guard {
    pub(super) fn new(dropped: &Arc<Count>, strayed: &Arc<Count>) -> Self {
        let place = Place::new();
        place.write(|| ());
        let maker = loom::thread::current().id();
        Self { place, dropped: Arc::clone(dropped), strayed: Arc::clone(strayed), maker }
    }

    pub(super) fn read(&self) {
        self.place.read();
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.dropped.add();
        if loom::thread::current().id() != self.maker {
            self.strayed.add();
        }
        self.place.write(|| ());
    }
}

/// A waker that counts wakes, and whose drops are counted by its references.
#[derive(Debug, Default)]
pub(super) struct Bell(pub(super) Count);

impl Bell {
    pub(super) fn new() -> (Arc<Self>, Waker) {
        let bell = Arc::new(Self::default());
        (Arc::clone(&bell), Waker::from(bell))
    }

    pub(super) fn rung(&self) -> usize {
        self.0.get()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.add();
    }
}

/// The extras of a built task.
pub(super) fn details() -> Arc<TaskMeta> {
    Arc::new(TaskMeta::new(Location::caller(), None, None, None))
}
