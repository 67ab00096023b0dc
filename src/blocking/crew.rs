//! Who sleeps, who is called, who leaves. The module doc of [`blocking`](super) has the rules and the diagram.
//!
//! The crew decides under its lock and returns an [`Order`]; the caller carries it out after the lock is gone. It knows
//! nothing of jobs and queues, only how many were admitted and taken, so loom checks this very code.

use super::admission::{Admission, Entry};
use super::grow::{Look, Verdict, is_overdue, judge, patience, reinforcement};
use super::roster::Roster;
use crate::sync::atomic::{AtomicU64, Ordering};
use crate::sync::{Condvar, Mutex, MutexGuard, plain};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

/// After the system refused a thread, none is asked for during this time unless no thread lives at all.
const HOLD_OFF: Duration = Duration::from_millis(50);

/// The numbers that decisions rest on.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) core_threads: usize,
    pub(crate) max_threads: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) stall: Duration,
}

/// What the caller must do once the lock is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Order {
    Nothing,
    /// Ring the bell of this seat.
    Wake(usize),
    /// Start a thread on this seat; if that fails, tell [`Crew::start_failed`].
    Start(usize),
}

/// What a thread does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub(crate) enum Rest {
    /// Look for jobs; tell [`Crew::found`] when one is found.
    Search,
    /// Watch: call [`Crew::watch`] until it says otherwise.
    Watch,
    /// Put the deque back, [vacate](Crew::vacate) the seat and end.
    Leave,
}

/// A thread that has not taken a job for a `stall`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Suspect {
    pub(crate) seat: usize,
    taken: u64,
}

/// What the watcher does next.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use]
pub(crate) enum Watch {
    /// Look again.
    GoOn,
    /// Find out which of these compute, and report the others to [`Crew::convict`].
    Stalled(Vec<Suspect>),
    /// The watch is over: look for jobs; tell [`Crew::found`] when one is found.
    Search,
}

/// What is kept for each seat outside of the lock, on cache lines of its own.
#[repr(align(128))]
pub(crate) struct Mark {
    /// Jobs that the thread on this seat has taken. Written by that thread only.
    taken: AtomicU64,
    bell: Condvar,
}

impl Mark {
    /// Counts a job that was just removed from a queue, before it runs.
    #[inline]
    pub(crate) fn count_taken(&self) {
        // Relaxed: only this thread writes. Release pairs with the Acquire in `Crew::survey`: who counts this job as
        // taken counts it as admitted as well.
        self.taken.store(self.taken.load(Ordering::Relaxed) + 1, Ordering::Release);
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Post {
    Vacant,
    Starting,
    Awake,
    Asleep,
    Called,
    Leaving,
}

#[derive(Debug)]
struct Seat {
    post: Post,
    /// What the thread had taken when it was found blocked: it is, until it takes another job.
    blocked_at: Option<u64>,
}

/// Everything under the lock.
#[derive(Debug)]
struct Roll {
    seats: Vec<Seat>,
    /// The sleepers, the newest last.
    asleep: Vec<usize>,
    /// Vacant seats, the lowest on top, so that thieves have few seats to look at.
    vacant: BinaryHeap<Reverse<usize>>,
    /// Threads that have reported and are not leaving.
    alive: usize,
    /// Threads asked of the system that have not reported.
    starting: usize,
    /// Threads that are leaving.
    leaving: usize,
    /// Threads called or started to work that have not found a job yet.
    on_its_way: usize,
    watcher: Option<usize>,
    /// The last thread, if it wants to leave but must wait for the outcome of a start.
    staying: Option<usize>,
    before: Look,
    /// Looks in a row at a stall that called for no thread.
    fruitless: u32,
    /// Jobs taken by threads that have left, or drained.
    settled: u64,
    hold_off: Option<Instant>,
    started: u64,
    peak: usize,
}

struct Survey {
    taken: u64,
    /// Threads at work, or on their way to it, that are not known to be blocked.
    at_work: usize,
}

/// Counts of a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CrewStats {
    pub(crate) threads: usize,
    pub(crate) idle: usize,
    pub(crate) pending: u64,
    pub(crate) taken: u64,
    pub(crate) started: u64,
    pub(crate) peak: usize,
}

/// The threads of a pool.
pub(crate) struct Crew {
    admission: Admission,
    marks: Roster<Mark>,
    /// One more than the highest seat that is not vacant. Statistic: a thief who misses a new seat meets its jobs as
    /// pending ones and looks again.
    high: plain::AtomicUsize,
    roll: Mutex<Roll>,
    gone: Condvar,
    limits: Limits,
}

impl Crew {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            admission: Admission::new(),
            marks: Roster::new(),
            high: plain::AtomicUsize::new(0),
            roll: Mutex::new(Roll {
                seats: Vec::new(),
                asleep: Vec::new(),
                vacant: BinaryHeap::new(),
                alive: 0,
                starting: 0,
                leaving: 0,
                on_its_way: 0,
                watcher: None,
                staying: None,
                before: Look { taken: 0, admitted: 0 },
                fruitless: 0,
                settled: 0,
                hold_off: None,
                started: 0,
                peak: 0,
            }),
            gone: Condvar::new(),
            limits: Limits { core_threads: limits.core_threads.min(limits.max_threads), ..limits },
        }
    }

    /// The counter and the bell of a seat that was handed out.
    pub(crate) fn mark(&self, seat: usize) -> &Mark {
        self.marks.get(seat).expect("a seat has a mark before it is handed out")
    }

    /// Seats that thieves should look at.
    pub(crate) fn seats(&self) -> usize {
        self.high.load(Ordering::Relaxed)
    }

    /// Wakes the thread on a seat that was called.
    pub(crate) fn ring(&self, seat: usize) {
        self.mark(seat).bell.notify_one();
    }

    // ---- Submitters ------------------------------------------------------------------------------------------------

    /// Counts a job that is going to be pushed; true if [`attend`](Self::attend) must follow the push.
    ///
    /// `start` starts a thread on a seat. It is called only if no thread lives, and then under the lock: other submitters
    /// have to wait for the outcome in any case.
    #[inline]
    pub(crate) fn admit<E>(&self, start: impl FnOnce(usize) -> Result<(), E>) -> Result<bool, AdmitError<E>> {
        match self.admission.enter() {
            Entry::Admitted { call } => Ok(call),
            Entry::NoThread => self.admit_first(start),
            Entry::Closed => Err(AdmitError::Closed),
        }
    }

    #[cold]
    fn admit_first<E>(&self, start: impl FnOnce(usize) -> Result<(), E>) -> Result<bool, AdmitError<E>> {
        let mut roll = self.roll.lock();
        // Whoever had the lock before may have started one, or was about to leave and saw the count.
        if roll.alive + roll.starting == 0 {
            let seat = self.reserve(&mut roll);
            roll.on_its_way += 1;
            if let Err(error) = start(seat) {
                self.release(&mut roll, seat);
                self.admission.leave();
                return Err(AdmitError::NoThread(error));
            }
            self.admission.lower_empty();
        }
        Ok(true)
    }

    /// Gives back the count of a job that is not going to be pushed.
    pub(crate) fn withdraw(&self) {
        self.admission.leave();
    }

    /// Sees to it that somebody looks after the pending jobs. Follows a push whose `admit` said so.
    #[cold]
    pub(crate) fn attend(&self) -> Order {
        self.settle(&mut self.roll.lock())
    }

    // ---- Threads ---------------------------------------------------------------------------------------------------

    /// A new thread reports.
    pub(crate) fn arrive(&self, seat: usize) -> Rest {
        let mut roll = self.roll.lock();
        debug_assert_eq!(roll.seats[seat].post, Post::Starting);
        self.start_ended(&mut roll);
        roll.alive += 1;
        roll.started += 1;
        self.wake_up(&mut roll, seat)
    }

    /// The system refused the thread of an [`Order::Start`]. Somebody else may have counted on it: look again.
    pub(crate) fn start_failed(&self, seat: usize) -> Order {
        let mut roll = self.roll.lock();
        self.release(&mut roll, seat);
        roll.hold_off = Some(Instant::now() + HOLD_OFF);
        self.settle(&mut roll)
    }

    /// A thread that was searching has taken a job and is about to run it.
    pub(crate) fn found(&self) -> Order {
        let mut roll = self.roll.lock();
        roll.on_its_way -= 1;
        self.settle(&mut roll)
    }

    /// A thread finds nothing in any queue: sleeps until it is called or has slept for long enough. `searching` if it
    /// is on its way, as [`Rest::Search`] made it.
    pub(crate) fn rest(&self, seat: usize, searching: bool) -> Rest {
        let mut roll = self.roll.lock();
        let taken = self.survey(&roll).taken;
        if self.admission.count() != taken {
            // A job is being pushed, or was taken a moment ago. From here on this thread is on its way.
            roll.on_its_way += usize::from(!searching);
            return Rest::Search;
        }
        roll.on_its_way -= usize::from(searching);
        if self.admission.is_closed() {
            if let Some(watcher) = roll.watcher.take() {
                // There is nothing left to watch.
                roll.on_its_way += 1;
                self.ring(watcher);
            }
            return self.leave(&mut roll, seat);
        }
        self.lie_down(&mut roll, seat);
        // Rule 3: whoever is admitted after this sees `CALL`; whoever was admitted before it shows in the count.
        if self.admission.raise_call() != taken {
            self.get_up(&mut roll, seat);
            roll.on_its_way += 1;
            return Rest::Search;
        }
        self.sleep(roll, seat)
    }

    fn sleep(&self, mut roll: MutexGuard<'_, Roll>, seat: usize) -> Rest {
        let bell = &self.mark(seat).bell;
        let since = Instant::now();
        loop {
            // A condition variable may wake for no reason: what counts is the post, and the time that really passed.
            let left = self.limits.keep_alive.saturating_sub(since.elapsed());
            let timed_out = if roll.staying == Some(seat) {
                bell.wait(&mut roll);
                roll.staying.is_none()
            } else {
                left.is_zero() || bell.wait_for(&mut roll, left).timed_out()
            };
            if roll.seats[seat].post == Post::Called {
                return self.wake_up(&mut roll, seat);
            }
            if timed_out {
                if let Some(rest) = self.tired(&mut roll, seat) {
                    return rest;
                }
            }
        }
    }

    /// The sleeper on `seat` has slept for `keep_alive` and was not called. `None`: it has to sleep on.
    fn tired(&self, roll: &mut Roll, seat: usize) -> Option<Rest> {
        let last = roll.alive == 1;
        if last && roll.starting > 0 {
            // The one that is being started may fail to, and then nobody would be left.
            roll.staying = Some(seat);
            return None;
        }
        let taken = self.survey(roll).taken;
        self.get_up(roll, seat);
        // Rule 4: who is admitted after this starts a thread; who was admitted before it shows in the count.
        let admitted = if last { self.admission.raise_empty() } else { self.admission.raise_call() };
        if admitted == taken {
            return Some(self.leave(roll, seat));
        }
        if last {
            self.admission.lower_empty();
        }
        roll.on_its_way += 1;
        Some(Rest::Search)
    }

    /// The thread on `seat` has put its deque back and touches no job any more.
    pub(crate) fn vacate(&self, seat: usize) {
        let mut roll = self.roll.lock();
        roll.leaving -= 1;
        roll.settled += self.mark(seat).taken.load(Ordering::Relaxed);
        // Relaxed: the next thread on this seat comes by way of the lock.
        self.mark(seat).taken.store(0, Ordering::Relaxed);
        self.free(&mut roll, seat);
        if roll.alive + roll.starting + roll.leaving == 0 {
            self.gone.notify_all();
        }
    }

    // ---- The watcher -----------------------------------------------------------------------------------------------

    /// The watcher waits for a while and looks.
    pub(crate) fn watch(&self, seat: usize) -> Watch {
        let mut roll = self.roll.lock();
        if roll.watcher == Some(seat) {
            let time = self.limits.stall.saturating_mul(patience(roll.fruitless));
            self.mark(seat).bell.wait_for(&mut roll, time);
        }
        if roll.watcher == Some(seat) {
            self.look(&mut roll)
        } else {
            // Relieved, because the pool was closed.
            Watch::Search
        }
    }

    fn look(&self, roll: &mut Roll) -> Watch {
        let taken = self.survey(roll).taken;
        let now = Look { taken, admitted: self.admission.count() };
        let before = std::mem::replace(&mut roll.before, now);
        match judge(before, now, roll.on_its_way) {
            Verdict::Moving => {
                roll.fruitless = 0;
                Watch::GoOn
            }
            Verdict::Quiet => {
                roll.watcher = None;
                roll.on_its_way += 1;
                Watch::Search
            }
            Verdict::Stalled => Watch::Stalled(self.suspects(roll)),
        }
    }

    /// The working threads that are not noted as blocked yet.
    fn suspects(&self, roll: &Roll) -> Vec<Suspect> {
        let working = |seat: &usize| roll.seats[*seat].post == Post::Awake && roll.watcher != Some(*seat);
        (0..roll.seats.len())
            .filter(working)
            .map(|seat| Suspect { seat, taken: self.taken_on(seat) })
            .filter(|suspect| roll.seats[suspect.seat].blocked_at != Some(suspect.taken))
            .collect()
    }

    /// Notes as blocked who still sits on the job he was suspected for; returns how many [`reinforce`](Self::reinforce)
    /// should follow. If the first of them brings nobody, [`stand_in`](Self::stand_in).
    pub(crate) fn convict(&self, blocked: &[Suspect]) -> usize {
        let mut roll = self.roll.lock();
        let mut newly = 0;
        for &Suspect { seat, taken } in blocked {
            if roll.seats[seat].post == Post::Awake && self.taken_on(seat) == taken {
                roll.seats[seat].blocked_at = Some(taken);
                newly += 1;
            }
        }
        let survey = self.survey(&roll);
        let pending = self.admission.count() - survey.taken;
        let mut threads = reinforcement(self.limits.core_threads, survey.at_work, newly, pending);
        if threads == 0 && pending > 0 && is_overdue(roll.fruitless) {
            threads = 1;
        }
        roll.fruitless = if threads == 0 { roll.fruitless + 1 } else { 0 };
        threads
    }

    /// Calls or starts one thread more, after a stall.
    pub(crate) fn reinforce(&self) -> Order {
        self.activate(&mut self.roll.lock())
    }

    /// There is nobody to call and no thread to start: the watcher itself goes to work.
    pub(crate) fn stand_in(&self, seat: usize) {
        let mut roll = self.roll.lock();
        if roll.watcher == Some(seat) {
            roll.watcher = None;
            roll.on_its_way += 1;
        }
    }

    // ---- The end ---------------------------------------------------------------------------------------------------

    /// Admits nothing any more and calls everybody: threads leave when nothing is pending. Returns whom to ring for.
    #[must_use]
    pub(crate) fn close(&self) -> Vec<usize> {
        let mut roll = self.roll.lock();
        self.admission.close();
        let mut called = std::mem::take(&mut roll.asleep);
        for &seat in &called {
            roll.seats[seat].post = Post::Called;
        }
        roll.on_its_way += called.len();
        // While jobs are pending the watcher is needed; then the first to leave relieves it.
        let idle = self.survey(&roll).taken == self.admission.count();
        if let Some(seat) = roll.watcher.take_if(|_| idle) {
            roll.on_its_way += 1;
            called.push(seat);
        }
        called
    }

    /// True after [`close`](Self::close).
    pub(crate) fn is_closed(&self) -> bool {
        self.admission.is_closed()
    }

    /// Counts jobs that somebody other than a worker took out of the queues.
    pub(crate) fn drained(&self, jobs: u64) {
        self.roll.lock().settled += jobs;
    }

    /// Waits until no thread is left, or until `deadline`; returns how many are.
    pub(crate) fn wait_gone(&self, deadline: Option<Instant>) -> usize {
        let mut roll = self.roll.lock();
        loop {
            let left = roll.alive + roll.starting + roll.leaving;
            if left == 0 {
                return 0;
            }
            match deadline.map(|deadline| deadline.saturating_duration_since(Instant::now())) {
                None => self.gone.wait(&mut roll),
                Some(Duration::ZERO) => return left,
                Some(time) => {
                    self.gone.wait_for(&mut roll, time);
                }
            }
        }
    }

    /// How many threads there are, for one who must not wait.
    pub(crate) fn threads(&self) -> usize {
        let roll = self.roll.lock();
        roll.alive + roll.starting + roll.leaving
    }

    pub(crate) fn stats(&self) -> CrewStats {
        let roll = self.roll.lock();
        let taken = self.survey(&roll).taken;
        CrewStats {
            threads: roll.alive + roll.starting,
            idle: roll.asleep.len() + usize::from(roll.watcher.is_some()),
            pending: self.admission.count() - taken,
            taken,
            started: roll.started,
            peak: roll.peak,
        }
    }

    // ---- Under the lock --------------------------------------------------------------------------------------------

    /// The heart: brings `CALL` in line with what the next job needs, and sees to the pending ones.
    fn settle(&self, roll: &mut Roll) -> Order {
        if roll.on_its_way > 0 {
            // Whoever is on the way will settle when it has found a job, and will not sleep while one is pending.
            self.admission.lower_call();
            return Order::Nothing;
        }
        let survey = self.survey(roll);
        let full = survey.at_work >= self.limits.core_threads;
        let nobody_left = roll.asleep.is_empty() && roll.alive + roll.starting >= self.limits.max_threads;
        if nobody_left || (full && roll.watcher.is_some()) {
            self.admission.lower_call();
            return Order::Nothing;
        }
        if self.admission.raise_call() == survey.taken {
            return Order::Nothing;
        }
        let order = if full { self.appoint_watcher(roll) } else { self.activate(roll) };
        if order != Order::Nothing {
            self.admission.lower_call();
        }
        order
    }

    /// Calls or starts a thread to work.
    fn activate(&self, roll: &mut Roll) -> Order {
        let order = self.call_or_start(roll);
        roll.on_its_way += usize::from(order != Order::Nothing);
        order
    }

    /// Calls or starts a thread to watch.
    fn appoint_watcher(&self, roll: &mut Roll) -> Order {
        let order = self.call_or_start(roll);
        if let Order::Wake(seat) | Order::Start(seat) = order {
            roll.watcher = Some(seat);
            roll.fruitless = 0;
            roll.before = Look { taken: self.survey(roll).taken, admitted: self.admission.count() };
        }
        order
    }

    fn call_or_start(&self, roll: &mut Roll) -> Order {
        if let Some(seat) = roll.asleep.pop() {
            roll.seats[seat].post = Post::Called;
            return Order::Wake(seat);
        }
        if roll.alive + roll.starting >= self.limits.max_threads
            || roll.hold_off.is_some_and(|until| Instant::now() < until)
        {
            return Order::Nothing;
        }
        roll.hold_off = None;
        Order::Start(self.reserve(roll))
    }

    fn reserve(&self, roll: &mut Roll) -> usize {
        let seat = roll.vacant.pop().map_or_else(
            || {
                roll.seats.push(Seat { post: Post::Vacant, blocked_at: None });
                roll.seats.len() - 1
            },
            |Reverse(seat)| seat,
        );
        self.marks.get_or_make(seat, || Mark { taken: AtomicU64::new(0), bell: Condvar::new() });
        roll.seats[seat] = Seat { post: Post::Starting, blocked_at: None };
        roll.starting += 1;
        roll.peak = roll.peak.max(roll.alive + roll.starting);
        self.high.fetch_max(seat + 1, Ordering::Relaxed);
        seat
    }

    /// A thread that was asked for has come, or has not.
    fn start_ended(&self, roll: &mut Roll) {
        roll.starting -= 1;
        if let Some(seat) = roll.staying.take() {
            self.ring(seat);
        }
    }

    /// The thread on a reserved seat does not come.
    fn release(&self, roll: &mut Roll, seat: usize) {
        self.start_ended(roll);
        if roll.watcher == Some(seat) {
            roll.watcher = None;
        } else {
            roll.on_its_way -= 1;
        }
        self.free(roll, seat);
        if roll.alive + roll.starting + roll.leaving == 0 {
            self.gone.notify_all();
        }
    }

    fn free(&self, roll: &mut Roll, seat: usize) {
        roll.seats[seat].post = Post::Vacant;
        roll.vacant.push(Reverse(seat));
        let high = roll.seats.iter().rposition(|seat| seat.post != Post::Vacant).map_or(0, |seat| seat + 1);
        self.high.store(high, Ordering::Relaxed);
    }

    /// A called or new thread takes up what it was called for.
    fn wake_up(&self, roll: &mut Roll, seat: usize) -> Rest {
        roll.seats[seat].post = Post::Awake;
        roll.seats[seat].blocked_at = None;
        roll.staying = roll.staying.filter(|&staying| staying != seat);
        if roll.watcher == Some(seat) { Rest::Watch } else { Rest::Search }
    }

    fn lie_down(&self, roll: &mut Roll, seat: usize) {
        roll.seats[seat].post = Post::Asleep;
        roll.asleep.push(seat);
    }

    /// A sleeper gets up by itself.
    fn get_up(&self, roll: &mut Roll, seat: usize) {
        roll.seats[seat].post = Post::Awake;
        roll.asleep.retain(|&sleeper| sleeper != seat);
    }

    fn leave(&self, roll: &mut Roll, seat: usize) -> Rest {
        roll.seats[seat].post = Post::Leaving;
        roll.alive -= 1;
        roll.leaving += 1;
        Rest::Leave
    }

    fn survey(&self, roll: &Roll) -> Survey {
        let mut survey = Survey { taken: roll.settled, at_work: 0 };
        for (index, seat) in roll.seats.iter().enumerate().take(self.seats()) {
            if seat.post == Post::Vacant {
                continue;
            }
            let taken = self.taken_on(index);
            survey.taken += taken;
            let works = matches!(seat.post, Post::Awake | Post::Starting | Post::Called);
            let blocked = seat.blocked_at == Some(taken);
            survey.at_work += usize::from(works && !blocked && roll.watcher != Some(index));
        }
        survey
    }

    fn taken_on(&self, seat: usize) -> u64 {
        // Acquire pairs with the Release of `Mark::count_taken`: a job that is counted as taken here was admitted
        // before, so an admission count read after this one includes it.
        self.mark(seat).taken.load(Ordering::Acquire)
    }
}

/// Why nothing was admitted.
#[derive(Debug)]
pub(crate) enum AdmitError<E> {
    Closed,
    /// No thread lives and the start of one failed.
    NoThread(E),
}
