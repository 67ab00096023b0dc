//! How many bytes, in how many allocations, does a registered sleep hold, the future and all that stands behind it?

use super::{Scale, registered, scattered};
use crate::counting::growth;
use crate::measure::{Against, Case, Peer, Sample, Unit};
use crate::peers::current_thread;
use async_io::Timer;
use futures_lite::future;
use futures_timer::Delay;
use offtick::{LocalRuntime, Runtime};
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The future and what its registration allocates.
    Both,
    /// The allocations of both, the box of the future among them.
    Allocations,
    /// The future alone: what it adds to the task that waits.
    Future,
}

impl Part {
    /// What is to be said where it is not the future alone.
    fn note(self, both: &'static str) -> &'static str {
        if self == Self::Future { "" } else { both }
    }

    fn unit(self) -> Unit {
        if self == Self::Allocations { Unit::Allocations } else { Unit::Bytes }
    }
}

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let goals = |case: Case, figure| {
        let goal = |case: Case, ours| case.goal(ours, Against::Figure(figure), 1.0);
        goal(goal(case, "offtick"), "offtick LocalRuntime")
    };
    vec![
        goals(case("timer_memory/in_all", scale, Part::Both), 64.0),
        goals(case("timer_memory/allocations", scale, Part::Allocations), 1.01),
        case("timer_memory/future", scale, Part::Future),
    ]
}

fn case(name: &'static str, scale: Scale, part: Part) -> Case {
    let count = scale.of(1_000_000);
    let ours = part.note("with the spare places of the wheel, which grows by an eighth");
    Case::new(name, part.unit())
        .peer(
            Peer::ours("offtick", move || {
                let rt = Runtime::new().expect("offtick starts");
                rt.spawn(hold(part, count, offtick::time::sleep, || ())).wait().expect("it ends")
            })
            .note(ours),
        )
        .peer(
            Peer::ours("offtick LocalRuntime", move || {
                let rt = LocalRuntime::new().expect("offtick starts");
                rt.run_until(hold(part, count, offtick::time::sleep, || ())).expect("no tick is on")
            })
            .note(ours),
        )
        .peer(
            Peer::rival("tokio current_thread", move || {
                let rt = current_thread().enable_all().build().expect("tokio starts");
                rt.block_on(tokio::task::unconstrained(hold(part, count, tokio::time::sleep, || ())))
            })
            .note(part.note("all of it in the future")),
        )
        .peer(
            Peer::rival("async-io", move || async_io::block_on(hold(part, count, Timer::after, || ())))
                .note(part.note("up to a thousand wait in its queue for its tree")),
        )
        .peer(
            Peer::rival("futures-timer", move || {
                // Its thread takes them over in their order: when the last one ends it has them all.
                let taken_over = || future::block_on(Delay::new(Duration::ZERO));
                async_io::block_on(hold(part, count, Delay::new, taken_over))
            })
            .note(part.note("its heap grows by doubling")),
        )
}

/// `raw` of the sample is bytes or allocations a sleep. The array of pointers that keeps them is not counted.
async fn hold<F: Future>(
    part: Part,
    count: usize,
    sleep: impl Fn(Duration) -> F,
    taken_over: impl Fn() + Copy,
) -> Sample {
    if part == Part::Future {
        return Sample::number(size_of::<F>() as f64);
    }
    let mut sleeps = Vec::with_capacity(count);
    let wait = |n| scattered(n, Duration::from_secs(120), Duration::from_secs(240));
    poll_fn(|cx| {
        let ((), bytes, blocks) = growth(|| {
            sleeps.extend((0..count).map(|n| registered(sleep(wait(n)), cx)));
            taken_over();
        });
        let total = if part == Part::Allocations { blocks } else { bytes };
        Poll::Ready(Sample::number(total as f64 / count as f64))
    })
    .await
}
