//! The host's world: a value that a tick lends to its tasks.
//!
//! # How a task accesses it
//! ```text
//! task:  with_host(f).await   [1] queue f                          (no tick is on: it waits for the next)
//! tick:                       [2] between two polls: f(&mut world)  (on the host's stack; no borrow is held while tasks run)
//!                             [3] keep the answer, wake the task
//! task:                       [4] take the answer                  (later in the same tick)
//! ```
//! So the borrow of the world is on the stack of [`LocalRuntime::tick_with`], and only one closure at a time gets it. A
//! request whose future is dropped drops its closure and is skipped at [2]. So is a request whose task is cancelled,
//! which will soon drop the future.
//!
//! # Which requests fail
//! The type of the world is known during a tick, so a request of another type fails at its first poll. A request from
//! an earlier tick, or from between two ticks, fails in the next tick if that lends no such world.

use super::budget::{Budget, Meter, TickError, TickReport};
use super::{LocalRuntime, tick::Turn};
use crate::runtime::context::{self, PolledFor};
use crate::sync::{Arc, Mutex};
use crate::task::raw::is_of_cancelled;
use crate::util::catch::{catch, drop_quietly, guarded};
use std::any::{Any, TypeId, type_name};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// The reason why [`with_host`] did not run its closure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WithHostError {
    /// The future is not polled by a [`LocalRuntime`].
    #[error("only a task of a `LocalRuntime` can use `with_host`; a `Runtime` has no host that lends a world")]
    NoLocalRuntime,
    /// The tick lends no world.
    #[error("this tick lends no world; call `tick_with` or `advance_with` in the host")]
    NotLent,
    /// The tick lends a value of another type.
    #[error("this tick lends a `{lent}`, not a `{asked}`")]
    WrongType {
        /// The type that the closure requires.
        asked: &'static str,
        /// The type that the host lends.
        lent: &'static str,
    },
    /// The runtime was shut down.
    #[error("the runtime was shut down")]
    RuntimeGone,
}

/// The name and identifier of a world's type.
#[derive(Clone, Copy, Debug)]
struct Kind {
    id: TypeId,
    name: &'static str,
}

impl Kind {
    fn of<W: 'static>() -> Self {
        Self { id: TypeId::of::<W>(), name: type_name::<W>() }
    }

    /// # Errors
    /// If `self` is requested, and `lent` is another type.
    fn check(self, lent: Self) -> Result<(), WithHostError> {
        if self.id == lent.id {
            return Ok(());
        }
        Err(WithHostError::WrongType { asked: self.name, lent: lent.name })
    }
}

/// The value that the current tick lends.
#[derive(Clone, Copy, Debug)]
enum LentWorld {
    /// Outside of a tick.
    NoTick,
    Nothing,
    World(Kind),
}

/// The requests of one runtime.
pub(crate) struct WorldRequests {
    queue: RefCell<VecDeque<Arc<dyn Request>>>,
    /// The length of the queue.
    waiting: Cell<usize>,
    lent: Cell<LentWorld>,
}

impl WorldRequests {
    pub(crate) fn new() -> Self {
        Self { queue: RefCell::default(), waiting: Cell::new(0), lent: Cell::new(LentWorld::NoTick) }
    }

    /// Returns the number of requests that wait for a tick.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.waiting.get()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Marks the start of a tick without a world.
    pub(super) fn begin(&self) {
        self.lent.set(LentWorld::Nothing);
    }

    /// Marks the end of the tick.
    pub(super) fn end(&self) {
        self.lent.set(LentWorld::NoTick);
    }

    /// Fails every request: the runtime has shut down.
    pub(crate) fn close(&self) {
        while let Some(request) = self.pop() {
            request.refuse(WithHostError::RuntimeGone);
        }
    }

    /// # Errors
    /// If the current tick will not answer.
    fn check(&self, asked: Kind) -> Result<(), WithHostError> {
        match self.lent.get() {
            LentWorld::NoTick => Ok(()),
            LentWorld::Nothing => Err(WithHostError::NotLent),
            LentWorld::World(lent) => asked.check(lent),
        }
    }

    fn push(&self, request: Arc<dyn Request>) {
        self.queue.borrow_mut().push_back(request);
        self.waiting.set(self.waiting.get() + 1);
    }

    fn pop(&self) -> Option<Arc<dyn Request>> {
        let request = self.queue.borrow_mut().pop_front()?;
        self.waiting.set(self.waiting.get() - 1);
        Some(request)
    }
}

/// A value that a tick can lend: any.
trait Lend: Any {
    fn kind(&self) -> Kind;

    fn as_any(&mut self) -> &mut dyn Any;
}

impl<W: 'static> Lend for W {
    fn kind(&self) -> Kind {
        Kind::of::<W>()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

/// The world that a tick lends, if it does.
///
/// It is two words: a tick with nothing to do only passes them on.
pub(super) struct World<'a>(Option<&'a mut dyn Lend>);

impl<'a> World<'a> {
    pub(super) fn none() -> Self {
        Self(None)
    }

    fn of<W: 'static>(world: &'a mut W) -> Self {
        Self(Some(world))
    }
}

impl Turn<'_> {
    /// Lends `world` to the tick.
    pub(super) fn lend(&self, world: &World<'_>) {
        if let Some(world) = &world.0 {
            self.requests().lent.set(LentWorld::World(Lend::kind(&**world)));
        }
    }

    /// [2] Answers the requests that wait when the call begins.
    ///
    /// It stops when the budget is used up. Returns the number of closures that ran.
    pub(super) fn answer_requests(&self, world: &mut World<'_>, meter: &mut Meter) -> usize {
        let mut ran = 0;
        for _ in 0..self.requests().len() {
            let Some(request) = self.requests().pop() else { break };
            match &mut world.0 {
                None => request.refuse(WithHostError::NotLent),
                Some(world) => match request.asked().check(Lend::kind(&**world)) {
                    Err(error) => request.refuse(error),
                    Ok(()) => match request.answer(Lend::as_any(&mut **world)) {
                        Answer::Done => {
                            ran += 1;
                            if meter.count_poll() {
                                break;
                            }
                        }
                        Answer::GivenUp => {}
                        Answer::Cancelled => self.requests().push(request),
                    },
                },
            }
        }
        ran
    }
}

/// The outcome of a request.
#[must_use]
enum Answer {
    /// The closure ran.
    Done,
    /// Its future was dropped.
    GivenUp,
    /// Its task is cancelled, and will drop the future.
    Cancelled,
}

/// A closure that waits for the world.
trait Request {
    /// Returns the type of world that it requires.
    fn asked(&self) -> Kind;

    /// Runs the closure, unless its future was dropped.
    fn answer(&self, world: &mut dyn Any) -> Answer;

    /// Drops the closure and fails the request.
    fn refuse(&self, error: WithHostError);
}

/// The state shared by a request and its future.
struct Call<W, R, F> {
    state: Mutex<State<R, F>>,
    world: PhantomData<fn(&mut W)>,
}

enum State<R, F> {
    Waiting(F, Waker),
    /// The closure is running.
    Running,
    /// The value, or the payload of a panic.
    Answered(Result<Result<R, Box<dyn Any + Send>>, WithHostError>),
    /// The future has the answer, or was dropped.
    Taken,
}

impl<W: 'static, R, F: FnOnce(&mut W) -> R> Call<W, R, F> {
    /// Takes the closure out; `None` if its future was dropped.
    fn begin(&self) -> Option<(F, Waker)> {
        let mut state = self.state.lock();
        match std::mem::replace(&mut *state, State::Running) {
            State::Waiting(f, waker) => Some((f, waker)),
            other => {
                *state = other;
                None
            }
        }
    }

    /// [3] Keeps the answer for the future, if that still exists.
    fn end(&self, answer: Result<Result<R, Box<dyn Any + Send>>, WithHostError>, waker: Waker) {
        let mut state = self.state.lock();
        let unused = match &*state {
            State::Running => std::mem::replace(&mut *state, State::Answered(answer)),
            _ => State::Answered(answer),
        };
        drop(state);
        drop_quietly(unused);
        guarded(|| waker.wake());
    }
}

impl<W: 'static, R, F: FnOnce(&mut W) -> R> Request for Call<W, R, F> {
    fn asked(&self) -> Kind {
        Kind::of::<W>()
    }

    fn answer(&self, world: &mut dyn Any) -> Answer {
        let Some(world) = world.downcast_mut::<W>() else { return Answer::GivenUp };
        if matches!(&*self.state.lock(), State::Waiting(_, waker) if is_of_cancelled(waker)) {
            return Answer::Cancelled;
        }
        let Some((f, waker)) = self.begin() else { return Answer::GivenUp };
        let answer = catch(|| f(world));
        self.end(Ok(answer), waker);
        Answer::Done
    }

    fn refuse(&self, error: WithHostError) {
        if let Some((f, waker)) = self.begin() {
            drop_quietly(f);
            self.end(Err(error), waker);
        }
    }
}

/// A future of the value of a closure that runs with the host's world.
///
/// [`with_host`] creates it, and has an example.
#[must_use = "a request does nothing until it is awaited"]
pub struct WithHost<W, R, F> {
    stage: Stage<W, R, F>,
}

enum Stage<W, R, F> {
    Start(F),
    Queued(Arc<Call<W, R, F>>),
    Taken,
}

/// The closure is moved, never pinned.
impl<W, R, F> Unpin for WithHost<W, R, F> {}

/// Runs `f` with the world that the host lends to its tick.
///
/// Call it in a task of a [`LocalRuntime`](crate::LocalRuntime).
///
/// The host calls [`tick_with`](crate::LocalRuntime::tick_with) or [`advance_with`](crate::LocalRuntime::advance_with).
/// The closure runs on the host's thread, between two polls, later in the same tick. The task continues in that tick as
/// well, unless the budget is used up: then in the next one. Requests run in the order in which they are awaited.
/// Closures and tasks never hold the world at the same time, so it needs neither `Rc` nor `RefCell`.
/// [`with_host_until`](crate::with_host_until) calls a closure once per tick.
///
/// If the future is dropped or its task cancelled before the closure ran, it never runs. A panic of the closure
/// continues in the task.
///
/// # Errors
/// [`WithHostError`]: the task does not belong to a `LocalRuntime`, the tick lends no world or one of another type, or
/// the runtime was shut down. Then the closure is dropped.
///
/// # Example
/// ```
/// use offtick::time::{Clock, sleep};
/// use offtick::{Budget, LocalBuilder, with_host};
/// use std::time::Duration;
///
/// struct World {
///     gate_is_open: bool,
/// }
///
/// let rt = LocalBuilder::new().clock(Clock::manual()).build()?;
/// let script = rt.run(async {
///     sleep(Duration::from_millis(50)).await; // game time
///     with_host(|world: &mut World| world.gate_is_open = true).await
/// });
/// let mut world = World { gate_is_open: false };
/// while !script.is_done() {
///     rt.advance_with(&mut world, Duration::from_millis(16), Budget::time(Duration::from_millis(2)))?;
/// }
/// assert!(world.gate_is_open);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn with_host<W, R, F>(f: F) -> WithHost<W, R, F>
where
    W: 'static,
    R: 'static,
    F: FnOnce(&mut W) -> R + 'static,
{
    WithHost { stage: Stage::Start(f) }
}

impl<W, R, F> WithHost<W, R, F>
where
    W: 'static,
    R: 'static,
    F: FnOnce(&mut W) -> R + 'static,
{
    /// [1]
    fn start(&mut self, f: F, cx: &Context<'_>) -> Result<(), WithHostError> {
        let local = match context::polled_for() {
            PolledFor::Driven(local) if local.shared.frames.is_some() => local,
            // Its first poll, on another thread: the host's thread accepts it.
            PolledFor::Ahead(shared) if shared.frames.is_some() => {
                self.stage = Stage::Start(f);
                cx.waker().wake_by_ref();
                return Ok(());
            }
            _ => return Err(WithHostError::NoLocalRuntime),
        };
        if local.shared.is_closing() {
            return Err(WithHostError::RuntimeGone);
        }
        local.requests.check(Kind::of::<W>())?;
        let state = Mutex::new(State::Waiting(f, cx.waker().clone()));
        let call = Arc::new(Call { state, world: PhantomData });
        self.stage = Stage::Queued(Arc::clone(&call));
        local.requests.push(call);
        Ok(())
    }
}

impl<W, R, F> Future for WithHost<W, R, F>
where
    W: 'static,
    R: 'static,
    F: FnOnce(&mut W) -> R + 'static,
{
    type Output = Result<R, WithHostError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = &mut *self;
        let call = match std::mem::replace(&mut this.stage, Stage::Taken) {
            Stage::Start(f) => {
                return this.start(f, cx).map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending);
            }
            Stage::Queued(call) => call,
            Stage::Taken => return Poll::Pending,
        };
        // Declared before the guard, so dropped after it: the remaining waker is dropped outside the lock.
        let mut waker = cx.waker().clone();
        let mut state = call.state.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Answered(answer) => {
                drop(state);
                return match answer {
                    Ok(Ok(value)) => Poll::Ready(Ok(value)),
                    Ok(Err(payload)) => resume_unwind(payload),
                    Err(error) => Poll::Ready(Err(error)),
                };
            }
            State::Waiting(f, mut known) => {
                std::mem::swap(&mut known, &mut waker);
                *state = State::Waiting(f, known);
            }
            other => *state = other,
        }
        drop(state);
        this.stage = Stage::Queued(call);
        Poll::Pending
    }
}

impl<W, R, F> Drop for WithHost<W, R, F> {
    fn drop(&mut self) {
        if let Stage::Queued(call) = &self.stage {
            let unused = std::mem::replace(&mut *call.state.lock(), State::Taken);
            drop(unused);
        }
    }
}

impl<W, R, F> fmt::Debug for WithHost<W, R, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Start(_) => "not started",
            Stage::Queued(_) => "queued",
            Stage::Taken => "taken",
        };
        f.debug_struct("WithHost").field("world", &type_name::<W>()).field("stage", &stage).finish()
    }
}

impl LocalRuntime {
    /// Runs a tick that lends `world` to the tasks, which use [`with_host`].
    ///
    /// Each closure that runs counts as a poll of the budget. One that the budget did not reach runs in the next tick
    /// that lends a world of that type ([`TickReport::left_ready`] counts it); a tick that lends none fails it.
    ///
    /// # Errors
    /// Those of [`tick`](Self::tick).
    ///
    /// # Example
    /// ```
    /// use offtick::{Budget, LocalRuntime, with_host};
    /// let rt = LocalRuntime::new()?;
    /// let task = rt.run(async { with_host(|scores: &mut Vec<u32>| scores.iter().sum::<u32>()).await });
    /// rt.tick_with(&mut vec![20_u32, 22], Budget::unlimited())?;
    /// assert!(matches!(task.result(), Some(Ok(42))));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn tick_with<W: 'static>(&self, world: &mut W, budget: Budget) -> Result<TickReport, TickError> {
        self.ticker.tick(budget, World::of(world))
    }

    /// Runs [`advance`](Self::advance) and lends `world` to the tasks, which use [`with_host`].
    ///
    /// While the clock moves from deadline to deadline, each closure runs at the time at which its task requested it.
    ///
    /// # Errors
    /// Those of [`advance`](Self::advance).
    pub fn advance_with<W: 'static>(
        &self,
        world: &mut W,
        by: Duration,
        budget: Budget,
    ) -> Result<TickReport, TickError> {
        self.ticker.advance(by, budget, World::of(world))
    }
}
