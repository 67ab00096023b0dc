//! How many bytes does a registered sleep hold, the future and all that stands behind it?

use super::{Scale, registered, scattered};
use crate::counting::growth;
use crate::measure::{Against, Case, Peer, Sample, Unit};
use crate::peers::current_thread;
use async_io::Timer;
use offtick::Runtime;
use std::future::{Future, poll_fn};
use std::task::Poll;
use std::time::Duration;

/// What is counted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The future and what its registration allocates.
    Both,
    /// The future alone: what it adds to the task that waits.
    Future,
}

impl Part {
    /// What is to be said where both are counted.
    fn note(self, both: &'static str) -> &'static str {
        if self == Self::Both { both } else { "" }
    }
}

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let both = case("timer_memory/in_all", scale, Part::Both).goal("offtick", Against::Figure(64.0), 1.0);
    vec![both, case("timer_memory/future", scale, Part::Future)]
}

fn case(name: &'static str, scale: Scale, part: Part) -> Case {
    let count = scale.of(1_000_000);
    Case::new(name, Unit::Bytes)
        .peer(
            Peer::ours("offtick", move || {
                let rt = Runtime::new().expect("offtick starts");
                rt.spawn(hold(part, count, offtick::time::sleep)).wait().expect("it ends")
            })
            .note(part.note("with the spare places of the wheel, which grows by a quarter")),
        )
        .peer(
            Peer::rival("tokio current_thread", move || {
                let rt = current_thread().enable_all().build().expect("tokio starts");
                rt.block_on(tokio::task::unconstrained(hold(part, count, tokio::time::sleep)))
            })
            .note(part.note("all of it in the future")),
        )
        .peer(
            Peer::rival("async-io", move || async_io::block_on(hold(part, count, Timer::after)))
                .note(part.note("up to a thousand wait in its queue for its tree")),
        )
}

/// `raw` of the sample is bytes a sleep. The array of pointers that keeps them is not counted.
async fn hold<F: Future>(part: Part, count: usize, sleep: impl Fn(Duration) -> F) -> Sample {
    if part == Part::Future {
        return Sample::number(size_of::<F>() as f64);
    }
    let mut sleeps = Vec::with_capacity(count);
    let wait = |n| scattered(n, Duration::from_secs(120), Duration::from_secs(240));
    poll_fn(|cx| {
        let ((), bytes, _) = growth(|| sleeps.extend((0..count).map(|n| registered(sleep(wait(n)), cx))));
        Poll::Ready(Sample::number(bytes as f64 / count as f64))
    })
    .await
}
