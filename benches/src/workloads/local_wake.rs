//! What does it cost, on a runtime without a thread, to wake another task and to have it run: two tasks in turns?

use super::Scale;
use crate::local::{Job, Spawn, everybody};
use crate::measure::{Case, Peer, Sample, Unit, Watch, timed};
use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let turns = scale.of(1_000_000);
    let case = everybody(Case::new("local_wake", Unit::Nanoseconds), Turns(turns))
        .peer(Peer::floor("FLOOR: indices in a VecDeque", move || floor(turns)).note("no waker, no handle"));
    vec![case]
}

#[derive(Clone, Copy)]
struct Turns(usize);

impl Job for Turns {
    async fn run(self, spawner: impl Spawn) -> Sample {
        let table = Rc::new(Table { ball: Cell::new(0), wakers: Default::default() });
        let watch = Watch::start();
        let players = [0, 1].map(|side| spawner.spawn(player(Rc::clone(&table), side, self.0)));
        for player in players {
            player.await;
        }
        watch.stop(self.0)
    }
}

struct Table {
    /// How often it was played.
    ball: Cell<usize>,
    wakers: [RefCell<Option<Waker>>; 2],
}

/// Has its turn whenever the ball is even, or odd; wakes the other, and sleeps.
fn player(table: Rc<Table>, side: usize, turns: usize) -> impl Future<Output = ()> {
    poll_fn(move |cx| {
        let own = &mut *table.wakers[side].borrow_mut();
        // As a channel keeps it: the same for the whole life of the task.
        if !own.as_ref().is_some_and(|waker| waker.will_wake(cx.waker())) {
            *own = Some(cx.waker().clone());
        }
        let ball = table.ball.get();
        if ball < turns && ball % 2 != side {
            return Poll::Pending;
        }
        table.ball.set(ball + 1);
        if let Some(other) = &*table.wakers[1 - side].borrow() {
            other.wake_by_ref();
        }
        if ball + 1 >= turns { Poll::Ready(()) } else { Poll::Pending }
    })
}

/// Two boxed futures, and a queue of whose turn it is.
fn floor(turns: usize) -> Sample {
    let ball = Rc::new(Cell::new(0));
    let mut players: [Pin<Box<dyn Future<Output = ()>>>; 2] = [0, 1].map(|_| {
        let ball = Rc::clone(&ball);
        Box::pin(poll_fn(move |_| {
            ball.set(ball.get() + 1);
            if ball.get() >= turns { Poll::Ready(()) } else { Poll::Pending }
        })) as _
    });
    let mut cx = Context::from_waker(Waker::noop());
    timed(turns, || {
        let mut queue = VecDeque::from([0]);
        while let Some(side) = queue.pop_front() {
            if players[side].as_mut().poll(&mut cx).is_pending() {
                queue.push_back(1 - side);
            }
        }
    })
}
