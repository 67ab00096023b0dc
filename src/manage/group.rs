//! The tasks of one screen: cancelled together, joined together, and no more of them at once than the limit says.
//!
//! # How a member lives
//! ```text
//!  start       [1]            [2]                        [3]
//! -------> waiting -------> launched --------------------------> over, forgotten
//!             |                                           ^
//!             +---- cancelled while it waits [4] ---------+
//! ```
//! - [1] A member is a real task from the first moment (its status is `Pending`); only it is not queued yet. What waits
//!   stands in a queue, first in, first out.
//! - [2] Whenever a slot is free, the *pump* launches the next. One thread pumps at a time; the others leave it to that
//!   one, so ends that come about inside of a launch do not nest. After a number of launches it leaves the rest to a
//!   future on the reactor: a host's tick must not be held up by other threads that free slots.
//! - [3] A task that is over is counted and forgotten: the group holds only what lives. It frees its slot then if it
//!   is a future; a closure that was cancelled while it ran keeps the slot until it really returns. So a limit of two
//!   decoders means two, however many were cancelled on the way. A task that retries keeps its slot while it waits.
//! - [4] A member that is cancelled while it waits leaves the queue and is launched past the limit, which only drops
//!   its body where such bodies are dropped.
//!
//! # Shutdown of the runtime
//! Once the runtime is closing the limit no longer holds: every member is launched, which ends it as runtime gone. An
//! end of a launched member tells of the closing, since all of them end then. If every slot is held by a closure that was
//! cancelled and has not returned, there is no such member; then a future of the group's own, which does nothing but
//! be dropped at shutdown, tells it (the *sentinel*).
//!
//! # The lock
//! One lock guards the state. Launching, dropping, cancelling and waking are done outside of it. What a member holds of
//! its group (the watch in its cell, the slot in its closure) and the group of its members is a cycle on purpose: it
//! ends with the member.

use super::ZeroLimit;
use super::fifo::Fifo;
use crate::error::{BoxError, TaskError};
use crate::park;
use crate::progress::Reader;
use crate::runtime::{Handle, Prepared, Watch, drives_any};
use crate::spawn::{Place, TaskBuilder};
use crate::sync::{Arc, Mutex, Weak};
use crate::task::raw::{Body, ClosureBody, Fallible, FutureBody, Kind, Value};
use crate::task::{Control, Details, Status, Task};
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use std::fmt;
use std::future::{Future, pending};
use std::io;
use std::num::NonZeroUsize;
use std::panic::Location;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// Members that one thread launches before it leaves the rest to the reactor.
const LAUNCHES: usize = 64;

/// Tasks that belong together: cancelled together, joined together, limited in how many run at once.
///
/// For the tasks of a screen, a request, a level. Each call gives the [`Task`] to the caller, who looks at its result and
/// may cancel it by dropping it; a task that was detached runs on, but still belongs to the group. **Dropping the group
/// cancels all.** The group forgets a task when it is over, so it may live as long as the program.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let screen = offtick::TaskGroup::with_limit(&rt, 2)?;
/// let thumbnails: Vec<_> = (0..8_u32).map(|n| screen.spawn_blocking(move || n * n)).collect();
/// screen.wait()?;
/// assert_eq!(screen.progress().done, 8);
/// assert!(thumbnails.iter().all(|task| task.is_done()));
/// drop(screen); // Would cancel what still runs.
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct TaskGroup {
    group: Arc<Group>,
}

/// How far a group is: how many of the tasks it was ever given are where.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let group = offtick::TaskGroup::new(&rt);
/// group.spawn(async {}).detach();
/// group.wait()?;
/// let progress = group.progress();
/// assert_eq!((progress.total, progress.finished()), (1, 1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupProgress {
    /// All tasks ever given to the group; the sum of the other numbers.
    pub total: usize,
    /// Not begun: they wait for their turn in the group, or (closures) for a thread of the pool.
    pub pending: usize,
    /// Launched futures and begun closures that are not over.
    pub running: usize,
    /// Ended with a value.
    pub done: usize,
    /// Ended with an error or a panic.
    pub failed: usize,
    /// Cancelled, or their runtime went away.
    pub cancelled: usize,
}

impl GroupProgress {
    /// All that are over, in whatever way.
    pub fn finished(&self) -> usize {
        self.done + self.failed + self.cancelled
    }
}

struct Group {
    handle: Handle,
    limit: Option<NonZeroUsize>,
    state: Mutex<State>,
}

struct State {
    /// The live ones.
    members: Slab<Member>,
    /// Members that are not launched.
    waiting: Fifo<Key>,
    /// Slots taken by launched members.
    used: usize,
    /// A thread is in the pump.
    pumping: bool,
    /// Live members that have not begun.
    pending: usize,
    done: usize,
    failed: usize,
    cancelled: usize,
    joiners: Slab<Waker>,
    sentinel: Option<Task<()>>,
}

struct Member {
    /// `None` for the moment between reserving the place and making the task.
    control: Option<Control>,
    /// Full while it waits.
    prepared: Option<Prepared>,
    /// Of closures: the other end of what the closure holds.
    closure: Option<Arc<Closure>>,
    begun: bool,
}

/// What a closure and its group share beyond the life of the task.
#[derive(Default)]
struct Closure(Mutex<Seat>);

#[derive(Default)]
struct Seat {
    /// It was launched and holds a slot.
    holds: bool,
    /// Its task is over.
    over: bool,
    /// It returned, or was dropped.
    returned: bool,
    /// No thread could be started for it: instead of running it fails with this.
    refused: Option<io::Error>,
}

impl Seat {
    /// True once, when the closure holds a slot that it needs no more: the caller frees it.
    #[must_use]
    fn leaves(&mut self) -> bool {
        self.over && self.returned && std::mem::take(&mut self.holds)
    }
}

impl TaskGroup {
    /// An empty group whose tasks run on `handle`, without a limit.
    pub fn new(handle: &Handle) -> Self {
        Self::build(handle, None)
    }

    /// An empty group of which at most `limit` tasks run at once.
    ///
    /// The others wait in the order in which they came, and start as running ones end, in whatever way. A closure that
    /// was cancelled counts until it returns.
    ///
    /// # Errors
    /// [`ZeroLimit`] for 0.
    pub fn with_limit(handle: &Handle, limit: usize) -> Result<Self, ZeroLimit> {
        let limit = NonZeroUsize::new(limit).ok_or(ZeroLimit)?;
        Ok(Self::build(handle, Some(limit)))
    }

    fn build(handle: &Handle, limit: Option<NonZeroUsize>) -> Self {
        let state = State {
            members: Slab::new(),
            waiting: Fifo::new(),
            used: 0,
            pumping: false,
            pending: 0,
            done: 0,
            failed: 0,
            cancelled: 0,
            joiners: Slab::new(),
            sentinel: None,
        };
        Self { group: Arc::new(Group { handle: handle.clone(), limit, state: Mutex::new(state) }) }
    }

    /// Starts a future that returns a value, as soon as there is room; see [`Handle::spawn`].
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.start(FutureBody::<F, Value>::new(future), Location::caller(), None, None)
    }

    /// Starts a future that returns a `Result`, as soon as there is room; see [`Handle::run`].
    #[track_caller]
    pub fn run<F, T, E>(&self, future: F) -> Task<T>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        self.start(FutureBody::<F, Fallible>::new(future), Location::caller(), None, None)
    }

    /// Starts a closure that returns a value, as soon as there is room; see [`Handle::spawn_blocking`]. It is given to
    /// the pool no sooner than that.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.start_blocking(ClosureBody::<F, Value>::new(closure), Location::caller(), None, None)
    }

    /// Starts a closure that returns a `Result`, as soon as there is room; see [`Handle::run_blocking`]. It is given to
    /// the pool no sooner than that.
    #[track_caller]
    pub fn run_blocking<F, T, E>(&self, closure: F) -> Task<T>
    where
        F: FnOnce() -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Into<BoxError>,
    {
        self.start_blocking(ClosureBody::<F, Fallible>::new(closure), Location::caller(), None, None)
    }

    /// Starts the description of a task that has more than a body, as [`Handle::task`] does; it begins as soon as there
    /// is room. Its time limit counts from its submission, so the wait for room is part of it.
    ///
    /// # Example
    /// ```
    /// let rt = offtick::Runtime::new()?;
    /// let group = offtick::TaskGroup::with_limit(&rt, 1)?;
    /// let mut task = group.task().name("load").progress::<u8>(4).spawn_blocking(|cx| {
    ///     cx.report(100);
    ///     "loaded"
    /// });
    /// assert_eq!(task.wait()?, "loaded");
    /// assert_eq!((task.name(), task.latest()), (Some("load"), Some(100)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn task(&self) -> TaskBuilder<(), &Self> {
        TaskBuilder::new(self)
    }

    /// Takes a body in that is polled.
    fn start<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static,
    {
        let group = &self.group;
        let key = group.reserve();
        let watch = Membership { group: Arc::clone(group), key };
        let (task, prepared) = group.handle.prepare(body, location, details, progress, watch);
        group.admit(key, task.control(), prepared, None);
        task
    }

    /// Takes in what runs on the pool.
    fn start_blocking<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Option<Arc<Details>>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Unpin + Send + 'static,
        B::Output: Send + 'static,
    {
        let group = &self.group;
        let key = group.reserve();
        let seat = Arc::new(Closure::default());
        let slot = Slot { group: Arc::clone(group), closure: Arc::clone(&seat) };
        let watch = Membership { group: Arc::clone(group), key };
        let (task, prepared) = group.handle.prepare_blocking(Seated { body, slot }, location, details, progress, watch);
        group.admit(key, task.control(), prepared, Some(seat));
        task
    }

    /// Where its tasks run.
    pub fn handle(&self) -> &Handle {
        &self.group.handle
    }

    /// How far it is. Costs the same however many tasks there are.
    ///
    /// A task that ends is counted a moment after its own handle says so; after a [`join`](Self::join) the numbers are
    /// final.
    pub fn progress(&self) -> GroupProgress {
        let state = self.group.state.lock();
        let (alive, pending) = (state.members.len(), state.pending);
        let (done, failed, cancelled) = (state.done, state.failed, state.cancelled);
        let total = alive + done + failed + cancelled;
        GroupProgress { total, pending, running: alive - pending, done, failed, cancelled }
    }

    /// True if every task it was given is over.
    pub fn is_idle(&self) -> bool {
        self.group.state.lock().members.is_empty()
    }

    /// Cancels every task that is not over, the waiting ones first, and says how many. The group can be used on.
    pub fn cancel_all(&self) -> usize {
        self.group.cancel_all()
    }

    /// Ready once every task it was given is over. Dropping it changes nothing.
    ///
    /// A task of the group must not await it: it would wait for itself.
    pub fn join(&self) -> impl Future<Output = ()> + Send + '_ {
        Join { group: &self.group, place: None }
    }

    /// Blocks this thread until every task it was given is over.
    ///
    /// # Errors
    /// [`TaskError::WouldDeadlock`] on a reactor thread and inside one of the group's own closures.
    pub fn wait(&self) -> Result<(), TaskError> {
        self.wait_at_most(None).unwrap_or(Err(TaskError::WouldDeadlock))
    }

    /// Blocks this thread until every task is over, at most for `timeout`. `None`: some are not.
    ///
    /// # Errors
    /// Those of [`wait`](Self::wait).
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Result<(), TaskError>> {
        self.wait_at_most(Some(timeout))
    }

    fn wait_at_most(&self, timeout: Option<Duration>) -> Option<Result<(), TaskError>> {
        if self.group.must_not_wait() {
            return Some(Err(TaskError::WouldDeadlock));
        }
        park::block_on(pin!(self.join()), timeout).map(Ok)
    }
}

/// Waits for the end of all members. One that gives up takes its waker along: a program may wait for a little while
/// again and again.
struct Join<'a> {
    group: &'a Group,
    /// Where our waker stands among the joiners. Stale once they were taken to be woken.
    place: Option<Key>,
}

impl Future for Join<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Declared before the guard, so dropped after it: whichever waker is left over dies outside the lock.
        let mut waker = cx.waker().clone();
        let mut state = self.group.state.lock();
        if state.members.is_empty() {
            return Poll::Ready(());
        }
        match self.place.and_then(|place| state.joiners.get_mut(place)) {
            Some(known) => std::mem::swap(known, &mut waker),
            None => self.place = Some(state.joiners.insert(waker)),
        }
        Poll::Pending
    }
}

impl Drop for Join<'_> {
    fn drop(&mut self) {
        if let Some(place) = self.place {
            let waker = self.group.state.lock().joiners.remove(place);
            drop(waker);
        }
    }
}

impl Place for &TaskGroup {
    const WAITS: bool = true;

    fn handle(&self) -> &Handle {
        TaskGroup::handle(self)
    }

    fn start<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Send + 'static,
        B::Output: Send + 'static,
    {
        TaskGroup::start(self, body, location, Some(details), progress)
    }

    fn start_blocking<B, P>(
        &self,
        body: B,
        location: &'static Location<'static>,
        details: Arc<Details>,
        progress: Option<Reader<P>>,
    ) -> Task<B::Output, P>
    where
        B: Body + Unpin + Send + 'static,
        B::Output: Send + 'static,
    {
        TaskGroup::start_blocking(self, body, location, Some(details), progress)
    }
}

impl Drop for TaskGroup {
    fn drop(&mut self) {
        self.group.cancel_all();
    }
}

impl fmt::Debug for TaskGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup")
            .field("limit", &self.group.limit)
            .field("progress", &self.progress())
            .finish_non_exhaustive()
    }
}

impl Group {
    /// Makes a place, so that the task knows it when it is made.
    fn reserve(&self) -> Key {
        let mut state = self.state.lock();
        state.pending += 1;
        state.members.insert(Member { control: None, prepared: None, closure: None, begun: false })
    }

    /// [1]
    fn admit(self: &Arc<Self>, key: Key, control: Control, prepared: Prepared, closure: Option<Arc<Closure>>) {
        let mut state = self.state.lock();
        if let Some(member) = state.members.get_mut(key) {
            member.control = Some(control);
            member.prepared = Some(prepared);
            member.closure = closure;
            state.waiting.push(key);
        }
        drop(state);
        self.pump();
    }

    /// [2] Launches what may be launched.
    fn pump(self: &Arc<Self>) {
        let mut state = self.state.lock();
        if state.pumping {
            return;
        }
        state.pumping = true;
        drop(state);
        if !self.pump_some() {
            // This thread may be a host's tick, and others may free slots as fast as it fills them: the reactor goes on.
            self.handle.spawn_unseen(Pump(Some(Arc::clone(self)))).detach();
        }
    }

    /// Launches some of what may be launched, for whoever set `pumping`. True: there is no more, and the pump is free.
    fn pump_some(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        let mut launched = 0;
        while let Some((prepared, closure)) = self.next(&mut state) {
            drop(state);
            launch(prepared, closure.as_deref());
            launched += 1;
            // A launch on a runtime that is closing only ends the member, and there is no reactor to go on.
            if launched == LAUNCHES && !self.handle.is_closed() {
                return false;
            }
            state = self.state.lock();
        }
        state.pumping = false;
        let stuck = !state.waiting.is_empty() && state.waiting.len() == state.members.len();
        match (stuck, state.sentinel.is_some()) {
            (true, false) => {
                drop(state);
                self.post_sentinel();
            }
            (false, true) => {
                let sentinel = state.sentinel.take();
                drop(state);
                drop(sentinel);
            }
            _ => {}
        }
        true
    }

    /// Takes the next member to launch out of the queue, if it may be.
    fn next(&self, state: &mut State) -> Option<(Prepared, Option<Arc<Closure>>)> {
        let room = self.limit.is_none_or(|limit| state.used < limit.get());
        if !room && !self.handle.is_closed() {
            return None;
        }
        let State { waiting, members, .. } = state;
        let key = waiting.pop(|key| members.get(*key).is_some())?;
        let member = members.get_mut(key)?;
        let prepared = member.prepared.take()?;
        let closure = member.closure.clone();
        match &closure {
            Some(closure) => closure.0.lock().holds = true,
            // The reactor gets to it at once; a closure says by itself that it begins.
            None => {
                member.begun = true;
                state.pending -= 1;
            }
        }
        state.used += 1;
        Some((prepared, closure))
    }

    /// A closure begins.
    fn begins(&self, key: Key) {
        let mut state = self.state.lock();
        if let Some(member) = state.members.get_mut(key)
            && !std::mem::replace(&mut member.begun, true)
        {
            state.pending -= 1;
        }
    }

    /// [3] [4] A member is over.
    fn ended(self: &Arc<Self>, key: Key) {
        let mut state = self.state.lock();
        let Some(member) = state.members.remove(key) else { return };
        match member.control.as_ref().map(Control::status) {
            Some(Status::Done) => state.done += 1,
            Some(Status::Error) => state.failed += 1,
            _ => state.cancelled += 1,
        }
        if !member.begun {
            state.pending -= 1;
        }
        if member.prepared.is_some() {
            let State { waiting, members, .. } = &mut *state;
            waiting.leave(|key| members.get(*key).is_some());
        } else if member.closure.as_ref().is_none_or(|closure| closure.note_over()) {
            state.used -= 1;
        }
        let joiners = if state.members.is_empty() { take_all(&mut state.joiners) } else { Vec::new() };
        drop(state);
        let Member { control, prepared, closure, .. } = member;
        if let Some(prepared) = prepared {
            launch(prepared, closure.as_deref());
        }
        drop(control);
        self.pump();
        for joiner in joiners {
            guarded(|| joiner.wake());
        }
    }

    /// A closure returned, or was dropped, after its task was over.
    fn free_slot(self: &Arc<Self>) {
        self.state.lock().used -= 1;
        self.pump();
    }

    fn cancel_all(&self) -> usize {
        let state = self.state.lock();
        let (mut waiting, mut launched) = (Vec::new(), Vec::new());
        for (_, member) in state.members.iter() {
            let list = if member.prepared.is_some() { &mut waiting } else { &mut launched };
            list.extend(member.control.clone());
        }
        drop(state);
        // The waiting ones first: so that none of them is started by the end of another.
        waiting.iter().chain(&launched).filter(|control| control.cancel()).count()
    }

    fn must_not_wait(&self) -> bool {
        let state = self.state.lock();
        // Reactor threads are asked for apart: a member that is just being made has no control to ask.
        let mut controls = state.members.iter().filter_map(|(_, member)| member.control.as_ref());
        !state.members.is_empty() && (drives_any() || controls.any(Control::must_not_wait))
    }

    fn post_sentinel(self: &Arc<Self>) {
        let sentinel = Sentinel(Arc::downgrade(self));
        let task = self.handle.spawn_unseen(async move {
            let _sentinel = sentinel;
            pending::<()>().await;
        });
        let before = self.state.lock().sentinel.replace(task);
        drop(before);
    }
}

/// Empties a slab in place: a key that somebody still has finds nothing then, also among those who come later.
fn take_all<T>(slab: &mut Slab<T>) -> Vec<T> {
    (0..slab.end()).filter_map(|index| slab.remove_at(index)).collect()
}

/// Launches a member; where no thread can be started for it, it fails with that error.
fn launch(prepared: Prepared, closure: Option<&Closure>) {
    if let Err(not_launched) = prepared.launch()
        && let Some(closure) = closure
    {
        not_launched.fail(|error| closure.0.lock().refused = Some(error));
    }
}

impl Closure {
    /// Notes that the task is over; true if that frees the slot.
    fn note_over(&self) -> bool {
        let mut seat = self.0.lock();
        seat.over = true;
        seat.leaves()
    }

    /// Notes that the closure is gone; true if that frees the slot.
    fn note_gone(&self) -> bool {
        let mut seat = self.0.lock();
        seat.returned = true;
        seat.leaves()
    }

    fn refusal(&self) -> Option<io::Error> {
        self.0.lock().refused.take()
    }
}

/// What the cell of a member knows of its group.
struct Membership {
    group: Arc<Group>,
    key: Key,
}

impl Watch for Membership {
    fn starts(&self) {
        self.group.begins(self.key);
    }

    fn ended(&self) {
        self.group.ended(self.key);
    }
}

/// The body of a member that runs on the pool.
struct Seated<B> {
    body: B,
    /// After the body, so that it goes after it.
    slot: Slot,
}

impl<B: Body + Unpin> Body for Seated<B> {
    type Output = B::Output;
    const KIND: Kind = Kind::Closure;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<B::Output, TaskError>> {
        match self.slot.closure.refusal() {
            Some(error) => Poll::Ready(Err(TaskError::from_error(error))),
            None => Pin::new(&mut self.body).poll(cx),
        }
    }
}

/// Stands beside the body of a member: tells when that is gone.
struct Slot {
    group: Arc<Group>,
    closure: Arc<Closure>,
}

impl Drop for Slot {
    fn drop(&mut self) {
        if self.closure.note_gone() {
            self.group.free_slot();
        }
    }
}

/// The pump, taken over by the reactor: launches a few at each poll.
struct Pump(Option<Arc<Group>>);

impl Future for Pump {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.0.as_ref().is_none_or(Group::pump_some) {
            self.0 = None;
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Drop for Pump {
    fn drop(&mut self) {
        // Shut down before the end: then every launch is quick, and this thread does the rest.
        if let Some(group) = self.0.take() {
            group.state.lock().pumping = false;
            group.pump();
        }
    }
}

/// Tells the group that its runtime is shut down.
struct Sentinel(Weak<Group>);

impl Drop for Sentinel {
    fn drop(&mut self) {
        if let Some(group) = self.0.upgrade() {
            group.pump();
        }
    }
}
