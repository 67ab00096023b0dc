//! What the crew does under its lock: who is called, who is started, and the books.

use super::super::grow::Look;
use super::roll::{Mark, Post, Roll, Seat, Survey};
use super::{Crew, Order, Rest};
use crate::sync::Condvar;
use crate::sync::atomic::{AtomicU64, Ordering};
use std::cmp::Reverse;
use std::time::{Duration, Instant};

/// After the system refused a thread, none is asked for during this time unless no thread lives at all.
pub(super) const HOLD_OFF: Duration = Duration::from_millis(50);

impl Crew {
    /// The heart: brings `CALL` in line with what the next job needs, and sees to the pending ones.
    pub(super) fn settle(&self, roll: &mut Roll) -> Order {
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
    pub(super) fn activate(&self, roll: &mut Roll) -> Order {
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

    pub(super) fn reserve(&self, roll: &mut Roll) -> usize {
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
    pub(super) fn start_ended(&self, roll: &mut Roll) {
        roll.starting -= 1;
        if let Some(seat) = roll.staying.take() {
            self.ring(seat);
        }
    }

    /// The thread on a reserved seat does not come.
    pub(super) fn release(&self, roll: &mut Roll, seat: usize) {
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

    pub(super) fn free(&self, roll: &mut Roll, seat: usize) {
        roll.seats[seat].post = Post::Vacant;
        roll.vacant.push(Reverse(seat));
        let high = roll.seats.iter().rposition(|seat| seat.post != Post::Vacant).map_or(0, |seat| seat + 1);
        self.high.store(high, Ordering::Relaxed);
    }

    /// A called or new thread takes up what it was called for.
    pub(super) fn wake_up(&self, roll: &mut Roll, seat: usize) -> Rest {
        roll.seats[seat].post = Post::Awake;
        roll.seats[seat].blocked_at = None;
        roll.staying = roll.staying.filter(|&staying| staying != seat);
        if roll.watcher == Some(seat) { Rest::Watch } else { Rest::Search }
    }

    pub(super) fn lie_down(&self, roll: &mut Roll, seat: usize) {
        roll.seats[seat].post = Post::Asleep;
        roll.asleep.push(seat);
    }

    /// A sleeper gets up by itself.
    pub(super) fn get_up(&self, roll: &mut Roll, seat: usize) {
        roll.seats[seat].post = Post::Awake;
        roll.asleep.retain(|&sleeper| sleeper != seat);
    }

    pub(super) fn leave(&self, roll: &mut Roll, seat: usize) -> Rest {
        roll.seats[seat].post = Post::Leaving;
        roll.alive -= 1;
        roll.leaving += 1;
        Rest::Leave
    }

    pub(super) fn survey(&self, roll: &Roll) -> Survey {
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

    pub(super) fn taken_on(&self, seat: usize) -> u64 {
        // Acquire pairs with the Release of `Mark::count_taken`: a job that is counted as taken here was admitted
        // before, so an admission count read after this one includes it.
        self.mark(seat).taken.load(Ordering::Acquire)
    }
}
