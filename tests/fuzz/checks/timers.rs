// What must hold for any operations on sleeps, under a clock that nobody else moves: a map of deadlines says which
// wakers are woken, and when. Shared by the fuzz target and by `cargo test`.
//
// Three bytes are an operation: what is done and to which sleep, then a moment, as a power of two and what is added
// to it. So the borders between the levels of the wheel are as near as everything else.

use offtick::time::{Clock, ManualClock, Sleep};
use offtick::{Builder, Runtime};
use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// Sleeps at a time.
const PLACES: usize = 32;
/// Operations of which a longer input is cut.
const MOST: usize = 400;
/// The clock goes no further: a sleep until the moment after it never ends.
const LAST: u64 = u64::MAX - 1;
/// After this long a wake-up counts as lost.
const HANG: Duration = Duration::from_secs(60);

/// Does what the bytes say; panics if a promise is broken.
pub(crate) fn check(bytes: &[u8]) {
    let mut model = Model::new();
    for op in bytes.chunks_exact(3).take(MOST) {
        model.apply(op[0] >> 5, usize::from(op[0]) % PLACES, When { power: op[1], plus: op[2] as i8 });
        model.settle();
    }
    model.set_clock(LAST);
    model.settle();
    model.places.clear();
    assert_eq!(model.rt.metrics().timers, 0, "a dropped sleep takes its timer out");
    assert_eq!(model.log.take(0), [], "a dropped sleep wakes nobody");
}

/// A moment, as seen from the present.
#[derive(Clone, Copy)]
struct When {
    /// Bits 0 to 5: a power of two. Bit 6: its next multiple, else so long from now. Bit 7: now.
    power: u8,
    plus: i8,
}

impl When {
    fn moment(self, now: u64) -> u64 {
        let width = 1 << (self.power % 64);
        let from = if self.power & 64 == 0 { now } else { now & !(width - 1) };
        if self.power & 128 != 0 { now } else { from.saturating_add(width).saturating_add_signed(self.plus.into()) }
    }
}

/// A waker: of which sleep, and which of those that it was given.
type Name = (usize, u32);

/// The wakers that were woken, in order.
#[derive(Default)]
struct Log {
    woken: Mutex<Vec<Name>>,
    changed: Condvar,
}

impl Log {
    /// What was woken since the last call, once there are `count`.
    fn take(&self, count: usize) -> Vec<Name> {
        let woken = self.woken.lock().expect("nobody panics with it");
        let few = |woken: &mut Vec<Name>| woken.len() < count;
        let (mut woken, wait) = self.changed.wait_timeout_while(woken, HANG, few).expect("nobody panics with it");
        let taken = std::mem::take(&mut *woken);
        drop(woken);
        assert!(!wait.timed_out(), "{count} sleeps are over, woken are {taken:?}");
        taken
    }
}

struct Waiter {
    name: Name,
    log: Arc<Log>,
}

impl Wake for Waiter {
    fn wake(self: Arc<Self>) {
        self.log.woken.lock().expect("nobody panics with it").push(self.name);
        self.log.changed.notify_all();
    }
}

struct Place {
    sleep: Pin<Box<Sleep>>,
    /// While it is pending: its deadline.
    deadline: Option<u64>,
}

struct Model {
    rt: Runtime,
    clock: ManualClock,
    now: u64,
    places: BTreeMap<usize, Place>,
    /// By deadline and place: the waker that is to be woken.
    pending: BTreeMap<(u64, usize), Name>,
    wakers: u32,
    log: Arc<Log>,
}

impl Model {
    fn new() -> Self {
        let clock = Clock::manual();
        let rt = Builder::new().clock(clock.clone()).build().expect("a runtime is built");
        let (places, pending, log) = (BTreeMap::new(), BTreeMap::new(), Arc::default());
        Self { rt, clock, now: 0, places, pending, wakers: 0, log }
    }

    fn apply(&mut self, op: u8, place: usize, when: When) {
        let deadline = when.moment(self.now);
        match op {
            0 | 1 => {
                self.drop_sleep(place);
                let sleep = Box::pin(self.rt.sleep(self.wait_for(deadline)));
                self.places.insert(place, Place { sleep, deadline: None });
                self.start(place, deadline);
            }
            2 | 3 => self.reset(place, deadline),
            4 => self.drop_sleep(place),
            5 => self.replace_waker(place),
            6 => self.set_clock(deadline),
            // To the next deadline, or just not.
            _ => {
                if let Some((&(next, _), _)) = self.pending.first_key_value() {
                    self.set_clock(next.saturating_sub(u64::from(when.power & 1)));
                }
            }
        }
    }

    fn wait_for(&self, deadline: u64) -> Duration {
        Duration::from_nanos(deadline.saturating_sub(self.now))
    }

    /// Polls one that is not in the wheel.
    fn start(&mut self, place: usize, deadline: u64) {
        let (name, poll) = self.poll(place);
        assert_eq!(poll.is_ready(), deadline <= self.now, "{deadline} at {}", self.now);
        if poll.is_pending() {
            self.expect(place, deadline, name);
        }
    }

    fn expect(&mut self, place: usize, deadline: u64, name: Name) {
        self.places.get_mut(&place).expect("it was just used").deadline = Some(deadline);
        self.pending.insert((deadline, place), name);
    }

    /// With a waker of its own.
    fn poll(&mut self, place: usize) -> (Name, Poll<()>) {
        self.wakers += 1;
        let name = (place, self.wakers);
        let waker = Waker::from(Arc::new(Waiter { name, log: Arc::clone(&self.log) }));
        let sleep = &mut self.places.get_mut(&place).expect("the caller has one").sleep;
        (name, sleep.as_mut().poll(&mut Context::from_waker(&waker)))
    }

    fn reset(&mut self, place: usize, deadline: u64) {
        let wait = self.wait_for(deadline);
        let Some(there) = self.places.get_mut(&place) else { return };
        there.sleep.reset(wait);
        assert!(!there.sleep.is_finished());
        match there.deadline.take() {
            // Whoever waits for it is woken at the new time, without a poll.
            Some(before) => {
                let name = self.pending.remove(&(before, place)).expect("it is pending");
                self.expect(place, deadline, name);
            }
            None => self.start(place, deadline),
        }
    }

    fn drop_sleep(&mut self, place: usize) {
        if let Some(Place { deadline: Some(deadline), .. }) = self.places.remove(&place) {
            self.pending.remove(&(deadline, place)).expect("it is pending");
        }
    }

    fn replace_waker(&mut self, place: usize) {
        let Some(deadline) = self.places.get(&place).map(|there| there.deadline) else { return };
        let (name, poll) = self.poll(place);
        assert_eq!(poll.is_pending(), deadline.is_some());
        if let Some(deadline) = deadline {
            self.expect(place, deadline, name);
        }
    }

    fn set_clock(&mut self, moment: u64) {
        self.now = moment.clamp(self.now, LAST);
        self.clock.set(Duration::from_nanos(self.now));
    }

    /// All that is due, and nothing else, was woken: each by its last waker, once, in the order of the deadlines.
    fn settle(&mut self) {
        let later = self.pending.split_off(&(self.now + 1, 0));
        let due = std::mem::replace(&mut self.pending, later);
        let woken = self.log.take(due.len());
        let deadline_of = |name: &Name| due.iter().find(|(_, due)| *due == name).map(|((deadline, _), _)| *deadline);
        let deadlines: Vec<_> = woken.iter().map(deadline_of).collect();
        assert_eq!(deadlines, due.keys().map(|(deadline, _)| Some(*deadline)).collect::<Vec<_>>(), "{woken:?}");
        for &(_, place) in due.keys() {
            self.places.get_mut(&place).expect("a due sleep is there").deadline = None;
            let (_, poll) = self.poll(place);
            assert!(poll.is_ready(), "it was woken, so it is over");
        }
        assert_eq!(self.rt.metrics().timers, self.pending.len() as u64);
    }
}
