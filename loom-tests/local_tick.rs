//! A host that waits between two ticks (`runtime::local::host`) against threads that bring work: whatever is brought
//! while it ticks, while it leaves or while it waits, it is told, and finds it.
//!
//! Around the real park word, inbox, task cells, executor core and timers stand a descriptor of a flag and a condition
//! variable, and ticks of the real steps in their order. A lost call leaves the host on the condition variable for ever,
//! which loom reports as a deadlock.

use super::explore;
use super::task_rig::{Queue, body};
use crate::executor::{Core, Counters};
use crate::park::{Descriptor, ParkState, Unpark};
use crate::runtime::{HostState, HostWaker};
use crate::sync::atomic::{AtomicBool, Ordering::Relaxed};
use crate::sync::{Arc, Condvar, Mutex};
use crate::task::raw::{Push, Runnable, SpawnMeta, new};
use crate::task::{Schedule, TaskId};
use crate::time::Clock;
use crate::time::driver::Driver;
use loom::thread;
use std::panic::Location;
use std::task::{Poll, Waker};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

/// A flag that one waits for, as the host's own poll waits for a descriptor, or its message loop for a message.
struct Flag {
    up: Mutex<bool>,
    changed: Condvar,
}

impl Flag {
    fn new() -> Arc<Self> {
        Arc::new(Self { up: Mutex::new(false), changed: Condvar::new() })
    }

    fn raise(&self) {
        *self.up.lock() = true;
        self.changed.notify_one();
    }

    fn lower(&self) {
        *self.up.lock() = false;
    }

    /// Leaves the flag as it is.
    fn wait(&self) {
        let mut up = self.up.lock();
        while !*up {
            self.changed.wait(&mut up);
        }
    }
}

/// The poll's half that wakes.
struct Remote {
    word: ParkState,
    readable: Arc<Flag>,
}

impl Unpark for Remote {
    fn unpark(&self) {
        if self.word.notify() {
            self.readable.raise();
        }
    }
}

/// The poll's half that the host has.
struct Outside {
    remote: Arc<Remote>,
    alarm: Option<Duration>,
}

impl Descriptor for Outside {
    fn word(&self) -> &ParkState {
        &self.remote.word
    }

    fn set_alarm(&mut self, timeout: Option<Duration>) {
        self.alarm = timeout;
    }

    /// No time passes here.
    fn may_have_rung(&self) -> bool {
        false
    }

    fn ring(&self) {
        self.remote.readable.raise();
    }

    fn read(&mut self) {
        self.remote.readable.lower();
    }
}

/// A runtime without a thread, as far as the wait goes.
struct Pump {
    host: HostState,
    outside: Outside,
    driver: Arc<Driver>,
    core: Core,
    queue: Queue,
}

impl Pump {
    /// One whose host waits for the descriptor.
    fn polled(queue: &Queue) -> (Self, Arc<Remote>) {
        let remote = Arc::new(Remote { word: ParkState::new(), readable: Flag::new() });
        let host = HostState::new(None);
        assert!(host.set_polls());
        (Self::new(host, &remote, remote.clone(), queue), remote)
    }

    /// One whose host waits for its hook to raise the flag.
    fn hooked(queue: &Queue) -> (Self, Arc<Flag>, Arc<dyn Unpark>) {
        let remote = Arc::new(Remote { word: ParkState::new(), readable: Flag::new() });
        let flag = Flag::new();
        let theirs = Arc::clone(&flag);
        let host_waker = Arc::new(HostWaker::new(remote.clone(), Arc::new(move || theirs.raise()), None));
        let host = HostState::new(Some(Arc::clone(&host_waker)));
        (Self::new(host, &remote, host_waker.clone(), queue), flag, host_waker)
    }

    fn new(host: HostState, remote: &Arc<Remote>, unpark: Arc<dyn Unpark>, queue: &Queue) -> Self {
        let outside = Outside { remote: Arc::clone(remote), alarm: None };
        let core = Core::new(Arc::new(Counters::default()));
        let mut pump = Self { host, outside, driver: Driver::new(Clock::system(), unpark), core, queue: queue.clone() };
        pump.leave();
        pump
    }

    /// Where a tick begins.
    fn enter(&mut self) {
        self.host.disarm(&self.outside.remote.word);
        self.outside.read();
    }

    /// Where a tick ends.
    fn leave(&mut self) {
        let work = self.core.has_ready() || !self.queue.inbox.is_empty();
        if self.host.arm(&mut self.outside, &self.driver, work) {
            self.host.call();
        }
    }

    /// A tick of one poll at most.
    fn tick(&mut self) {
        self.enter();
        self.core.drain(&self.queue.inbox);
        let _fired = self.driver.fire_due(0);
        self.core.run_next::<false>();
        self.leave();
    }
}

/// Who queues tasks from elsewhere: as the owner of a runtime's futures does, away from its thread.
#[derive(Clone)]
struct Elsewhere {
    queue: Queue,
    unpark: Arc<dyn Unpark>,
}

impl Elsewhere {
    fn spawn(&self, future: impl Future<Output = ()> + Send + 'static) {
        let (runnable, join) = new(body(future), self.clone(), SpawnMeta::at(Location::caller()));
        join.detach();
        self.schedule(runnable);
    }
}

impl Schedule for Elsewhere {
    fn schedule(&self, task: Runnable) {
        match self.queue.inbox.push(task) {
            Push::First => self.unpark.unpark(),
            Push::Queued => {}
            Push::Closed(_) => unreachable!("nobody closes it"),
        }
    }

    fn must_not_wait(&self, _: TaskId) -> bool {
        false
    }
}

/// A task that notes that it ran.
async fn note(ran: Arc<AtomicBool>) {
    ran.store(true, Relaxed);
}

/// One thread brings two tasks, the host polls one of them a tick: it sleeps only while nothing is left, and sees both.
///
/// Red: `arm` that does not ring if the word was notified meanwhile, or not for the task that is left; a tick that looks
/// for work before it takes the word back and reads the descriptor, if what came since is not looked for by its end.
#[test]
fn a_host_that_waits_for_the_descriptor_sees_all_that_is_spawned() {
    explore(Some(3), 380, || {
        let queue = Queue::new();
        let (mut pump, remote) = Pump::polled(&queue);
        let ran = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let other = {
            let (elsewhere, ran) = (Elsewhere { queue, unpark: remote.clone() }, ran.clone());
            thread::spawn(move || {
                for ran in ran {
                    elsewhere.spawn(note(ran));
                }
            })
        };
        pump.tick();
        while !ran.iter().all(|ran| ran.load(Relaxed)) {
            remote.readable.wait();
            pump.tick();
        }
        other.join().expect("spawns");
    });
}

/// Two threads bring a task each, the host sleeps on its hook and then ticks until nothing is ready.
///
/// Red: `arm` that does not call the hook if the host_waker was notified meanwhile; the late look of the model above.
#[test]
fn a_host_that_waits_for_its_hook_sees_all_that_is_spawned() {
    explore(Some(2), 1300, || {
        let queue = Queue::new();
        let (mut pump, flag, host_waker) = Pump::hooked(&queue);
        let ran = [(); 2].map(|()| Arc::new(AtomicBool::new(false)));
        let others = ran.clone().map(|ran| {
            let elsewhere = Elsewhere { queue: queue.clone(), unpark: Arc::clone(&host_waker) };
            thread::spawn(move || elsewhere.spawn(note(ran)))
        });
        while !ran.iter().all(|ran| ran.load(Relaxed)) {
            flag.wait();
            flag.lower();
            // A host that sleeps on messages ticks until nothing is left.
            pump.tick();
            while pump.core.has_ready() {
                pump.tick();
            }
        }
        for other in others {
            other.join().expect("spawns");
        }
    });
}

/// The task is being taken in, polled or asleep, the host inside or outside, when the wake comes.
///
/// Red: as the first model.
#[test]
fn a_wake_reaches_a_task_whatever_the_tick_is_at() {
    explore(Some(3), 420, || {
        let queue = Queue::new();
        let (mut pump, remote) = Pump::polled(&queue);
        let given = Arc::new(AtomicBool::new(false));
        let kept = Arc::new(Mutex::new(None::<Waker>));
        let ran = Arc::new(AtomicBool::new(false));
        let (theirs, slot, end) = (Arc::clone(&given), Arc::clone(&kept), Arc::clone(&ran));
        Elsewhere { queue, unpark: remote.clone() }.spawn(std::future::poll_fn(move |cx| {
            let mut slot = slot.lock();
            if !theirs.load(Relaxed) {
                *slot = Some(cx.waker().clone());
                return Poll::Pending;
            }
            end.store(true, Relaxed);
            Poll::Ready(())
        }));
        let other = thread::spawn(move || {
            given.store(true, Relaxed);
            let waker = kept.lock().take();
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        pump.tick();
        while !ran.load(Relaxed) {
            remote.readable.wait();
            pump.tick();
        }
        other.join().expect("wakes");
    });
}

/// A timer from another thread that is earlier than all others, while the host leaves or is outside: it comes back, and
/// the alarm is set to that one in the end.
///
/// Red: `arm` that asks for the next deadline without arming the timers.
#[test]
fn an_earlier_timer_sets_the_alarm_anew() {
    explore(None, 320, || {
        let queue = Queue::new();
        let (mut pump, remote) = Pump::polled(&queue);
        let insert = |driver: &Driver, wait| {
            driver.insert(driver.deadline_in(wait), Waker::noop().clone()).expect("the driver is open");
        };
        insert(&pump.driver, 90 * MINUTE);
        let other = {
            let driver = Arc::clone(&pump.driver);
            thread::spawn(move || insert(&driver, 30 * MINUTE))
        };
        pump.tick();
        while pump.outside.alarm.is_none_or(|alarm| alarm > 31 * MINUTE) {
            remote.readable.wait();
            pump.tick();
        }
        other.join().expect("inserts");
    });
}
