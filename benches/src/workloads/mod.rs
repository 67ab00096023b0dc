//! The workloads. One file answers one question, which stands on its first line.

use crate::measure::Case;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How much a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Full,
    Quick,
}

impl Scale {
    /// `operations`, or a fifth of them.
    fn of(self, operations: usize) -> usize {
        if self == Self::Quick { operations / 5 } else { operations }
    }
}

/// A question and how it is answered.
pub struct Workload {
    pub name: &'static str,
    source: &'static str,
    pub cases: fn(Scale) -> Vec<Case>,
}

impl Workload {
    /// The first line of its file.
    pub fn question(&self) -> &'static str {
        self.source.lines().next().map_or("", |line| line.trim_start_matches("//! "))
    }
}

// What several of them share.
mod bare;
mod cold;
mod frames;
mod jobs;
mod pipes;
mod served;

macro_rules! workloads {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*

        /// All of them, in the order in which they run.
        pub const ALL: &[Workload] = &[$(Workload {
            name: stringify!($name),
            source: include_str!(concat!(stringify!($name), ".rs")),
            cases: $name::cases,
        }),*];
    };
}

workloads![
    spawn_foreign,
    spawn_local,
    spawn_await,
    yields,
    local_spawn,
    local_yields,
    local_wake,
    tick_empty,
    tick_pending,
    spawn_to_done,
    wake_pingpong,
    closures,
    closure_latency,
    ring,
    poll_handles,
    poll_set,
    memory,
    timers_many,
    timer_insert_cancel,
    timer_memory,
    timer_lateness,
    tcp_echo,
    hyper_hello,
];

/// Waits for another thread without keeping its core from it.
fn wait_until(mut done: impl FnMut() -> bool) {
    while !done() {
        std::thread::yield_now();
    }
}

/// Waits for another thread as a polling tick would see it: at once.
fn spin_until(mut done: impl FnMut() -> bool) {
    let mut patience = Patience::default();
    while !done() {
        patience.spin();
    }
}

/// Spins; gives the core away only when the other side must have lost its own.
#[derive(Default)]
struct Patience(u32);

impl Patience {
    /// Some microseconds.
    const LIMIT: u32 = 1000;

    fn spin(&mut self) {
        self.0 += 1;
        if self.0.is_multiple_of(Self::LIMIT) {
            std::thread::yield_now();
        } else {
            std::hint::spin_loop();
        }
    }
}

/// The `n`th of many times between `from` and `to`: the same for every peer, spread evenly, in no order.
fn scattered(n: usize, from: Duration, to: Duration) -> Duration {
    // Multiples of the golden ratio, as a fraction of 2^32.
    let fraction = (n as u32).wrapping_mul(0x9E37_79B9);
    from + (to - from).mul_f64(f64::from(fraction) / f64::from(u32::MAX))
}

/// A timer that was polled once and pends.
fn registered<F: Future>(sleep: F, cx: &mut Context<'_>) -> Pin<Box<F>> {
    let mut sleep = Box::pin(sleep);
    assert!(sleep.as_mut().poll(cx).is_pending());
    sleep
}

/// Wakes itself and lets the others run once: the same future for every peer.
#[derive(Debug, Default)]
struct YieldOnce(bool);

impl Future for YieldOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
