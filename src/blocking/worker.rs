//! The thread of a pool: where it finds jobs, in which order, and what it does when there are none.
//!
//! A job is looked for in the worker's own deque, then in the queue (a batch moves to the deque), then in the deques of
//! the others. Every so many jobs the order is turned round, so that neither a worker that feeds itself nor a full
//! queue can starve the rest.

use super::Job;
use super::crew::{Order, Rest, Watch};
use super::pool::Shared;
use crate::sync::{Arc, spin_loop, thread};
use crate::util::catch::{catch, drop_quietly};
use crossbeam_deque::{Steal, Worker};
use std::any::Any;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// Every so many jobs the queue is looked at first.
const QUEUE_FIRST: u32 = 61;
/// Every so many jobs one job is taken from another deque first: the one on it may be blocked.
const OTHERS_FIRST: u32 = 127;
/// Fruitless searches, with a short spin after each, before a thread goes to sleep. A submit that comes in this time, a
/// microsecond or a few, costs no system call.
///
/// A spin and not a yield: the thread that submits may poll for the end of its job on this very core, and whoever yields
/// to it gets the core back only when its time slice is over.
const LINGER: u32 = 8;
/// Length of such a spin.
const SPINS: u32 = 16;
/// Fruitless searches in a row, though a job is pending, after which a thread naps: a submitter was interrupted between
/// its permit and its push.
const PATIENCE: u32 = 64;
/// Length of such a nap.
const NAP: Duration = Duration::from_micros(500);

thread_local! {
    /// The pool whose worker this thread is, by address (0: none). A thread keeps its pool alive, so the address is not
    /// used again while it stands here.
    static POOL: Cell<usize> = const { Cell::new(0) };
    /// The deque of this worker: a `Worker<J>`, whose type a thread-local cannot name.
    static DEQUE: RefCell<Option<Rc<dyn Any>>> = const { RefCell::new(None) };
}

/// True on the threads of this pool.
pub(super) fn is_inside<J: Job>(shared: &Shared<J>) -> bool {
    POOL.try_with(Cell::get).is_ok_and(|pool| pool == address(shared))
}

/// Queues a job: on the own deque if this thread is a worker of this pool, else on the queue.
#[inline]
pub(super) fn push<J: Job>(shared: &Shared<J>, job: J) {
    if is_inside(shared) { push_inside(shared, job) } else { shared.queue.push(job) }
}

fn push_inside<J: Job>(shared: &Shared<J>, job: J) {
    let deque = DEQUE.try_with(|deque| deque.borrow().clone()).ok().flatten();
    match deque.as_deref().and_then(|deque| deque.downcast_ref::<Worker<J>>()) {
        Some(deque) => deque.push(job),
        // The thread is ending, and a destructor of a thread-local submits.
        None => shared.queue.push(job),
    }
}

fn address<J: Job>(shared: &Shared<J>) -> usize {
    std::ptr::from_ref(shared).addr()
}

/// Carries out an order of the crew.
pub(super) fn perform<J: Job>(shared: &Arc<Shared<J>>, mut order: Order) {
    loop {
        match order {
            Order::Nothing => return,
            Order::Wake(seat) => return shared.crew.ring(seat),
            Order::Start(seat) => match start(shared, seat) {
                Ok(()) => return,
                Err(_) => order = shared.crew.start_failed(seat),
            },
        }
    }
}

/// Asks the system for a thread on this seat.
pub(super) fn start<J: Job>(shared: &Arc<Shared<J>>, seat: usize) -> std::io::Result<()> {
    let for_thread = Arc::clone(shared);
    shared.config.start(seat, Box::new(move || run(&for_thread, seat)))
}

/// The life of a thread.
fn run<J: Job>(shared: &Arc<Shared<J>>, seat: usize) {
    let deque = Rc::new(shared.take_deque(seat));
    POOL.set(address(shared));
    let for_submits: Rc<dyn Any> = Rc::<Worker<J>>::clone(&deque);
    DEQUE.set(Some(for_submits));

    Hand { shared, seat, deque: &deque, turn: 0, victim: seat }.work(shared.crew.arrive(seat));

    POOL.set(0);
    drop(DEQUE.take());
    let deque = Rc::into_inner(deque).expect("only this thread holds its deque");
    shared.put_deque(seat, deque);
    shared.crew.vacate(seat);
}

/// A thread at work.
struct Hand<'a, J: Job> {
    shared: &'a Arc<Shared<J>>,
    seat: usize,
    deque: &'a Worker<J>,
    turn: u32,
    victim: usize,
}

impl<J: Job> Hand<'_, J> {
    fn work(mut self, mut rest: Rest) {
        let crew = &self.shared.crew;
        loop {
            match rest {
                Rest::Search | Rest::Again => {}
                Rest::Watch => self.watch(),
                Rest::Leave => return,
            }
            let mut searching = true;
            let mut fruitless = 0;
            rest = loop {
                if let Some(job) = self.find() {
                    // Counted before `found`, which must not see it as pending.
                    self.shared.count_taken(self.seat);
                    if std::mem::take(&mut searching) {
                        perform(self.shared, crew.found());
                    }
                    fruitless = 0;
                    run_job(job);
                    continue;
                }
                fruitless += 1;
                if fruitless < LINGER {
                    (0..SPINS).for_each(|_| spin_loop());
                    continue;
                }
                match crew.rest(self.seat, searching) {
                    // Not after a call: whoever is called may stand on the core of the one who waits for the job.
                    Rest::Again if fruitless < PATIENCE => {
                        searching = true;
                        thread::yield_now();
                    }
                    Rest::Again => {
                        searching = true;
                        thread::park_timeout(NAP);
                    }
                    other => break other,
                }
            };
        }
    }

    /// Watches for a stall until the watch is over; the thread is then on its way to work.
    fn watch(&self) {
        let crew = &self.shared.crew;
        loop {
            match crew.watch(self.seat) {
                Watch::GoOn => {}
                Watch::Search => return,
                Watch::Stalled(mut suspects) => {
                    suspects.retain(|suspect| !self.shared.computes(suspect.seat));
                    for nth in 0..crew.convict(&suspects) {
                        match crew.reinforce() {
                            Order::Nothing if nth == 0 => return crew.stand_in(self.seat),
                            Order::Nothing => break,
                            order => perform(self.shared, order),
                        }
                    }
                }
            }
        }
    }

    /// Takes a job from wherever there is one.
    fn find(&mut self) -> Option<J> {
        self.turn = self.turn.wrapping_add(1);
        if self.turn.is_multiple_of(QUEUE_FIRST) {
            if let Some(job) = self.take_queued() {
                return Some(job);
            }
        } else if self.turn.is_multiple_of(OTHERS_FIRST) {
            self.victim = self.victim.wrapping_add(1);
            if let Some(job) = self.take_from(self.victim, |victim| victim.steal()) {
                return Some(job);
            }
        }
        self.deque.pop().or_else(|| self.take_queued()).or_else(|| self.take_from_others())
    }

    fn take_queued(&self) -> Option<J> {
        let mut batch = self.shared.queue.take();
        let first = batch.next();
        batch.for_each(|job| self.deque.push(job));
        first
    }

    fn take_from_others(&mut self) -> Option<J> {
        let seats = self.shared.crew.seats();
        if seats < 2 {
            return None;
        }
        let first = fastrand::usize(..seats);
        (first..first + seats).find_map(|seat| self.take_from(seat, |victim| victim.steal_batch_and_pop(self.deque)))
    }

    fn take_from(&self, seat: usize, steal: impl Fn(&crossbeam_deque::Stealer<J>) -> Steal<J>) -> Option<J> {
        let seat = seat % self.shared.crew.seats().max(1);
        if seat == self.seat {
            return None;
        }
        let victim = self.shared.stealer(seat)?;
        if victim.is_empty() {
            return None;
        }
        let job = insist(|| steal(victim))?;
        self.shared.count_steal();
        Some(job)
    }
}

/// Repeats a steal until it says yes or no: `Retry` means that another thread got in the way, not that there is nothing.
pub(super) fn insist<J>(mut steal: impl FnMut() -> Steal<J>) -> Option<J> {
    loop {
        match steal() {
            Steal::Success(job) => return Some(job),
            Steal::Empty => return None,
            Steal::Retry => spin_loop(),
        }
    }
}

fn run_job<J: Job>(job: J) {
    if let Err(panic) = catch(|| job.run()) {
        drop_quietly(panic);
    }
}
