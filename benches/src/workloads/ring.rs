//! How many progress messages a second go from one producing thread to one that polls for them: one by one, in batches, in ticks?

use super::pipes::{Ticks, in_batches, singly};
use super::{Patience, Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, timed};
use crossbeam_queue::ArrayQueue;
use futures::FutureExt;
use offtick::{Runtime, Task, TaskContext};
use ringbuf::HeapRb;
use ringbuf::traits::{Consumer, Producer, Split};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;

const CAPACITY: usize = 4096;
/// offtick's ring is reached through a task alone: its producer is a closure on the pool, its consumer holds the handle.
const THROUGH_A_TASK: &str = "through a task; the others are bare queues";

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (many, few) = (scale.of(5_000_000), scale.of(1_000_000));
    vec![one_by_one(many, few), batched(many, few), in_ticks(many, few)]
}

/// Every message is put and taken for itself, but for offtick's drain as programs use it.
fn one_by_one(many: usize, few: usize) -> Case {
    Case::new("ring/single", Unit::MillionPerSecond)
        .peer(
            Peer::ours("offtick try_send, progress()", {
                let rt = Runtime::new().expect("offtick starts");
                move || task(&rt, many, try_send, drain)
            })
            .note(THROUGH_A_TASK),
        )
        .peer(
            Peer::ours("offtick report, progress()", {
                let rt = Runtime::new().expect("offtick starts");
                move || task(&rt, many, report, drain)
            })
            .note("messages read or counted as dropped"),
        )
        .peer(
            Peer::ours("offtick try_send, progress().next()", {
                let rt = Runtime::new().expect("offtick starts");
                move || task(&rt, few, try_send, |task| task.progress().next().map_or(0, one))
            })
            .note("a drain for each message"),
        )
        .peer(Peer::rival("rtrb", move || {
            let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
            singly(many, move |n| producer.push(n).is_ok(), move || consumer.pop().map_or(0, one))
        }))
        .peer(Peer::rival("ringbuf", move || {
            let (mut producer, mut consumer) = HeapRb::new(CAPACITY).split();
            singly(many, move |n| producer.try_push(n).is_ok(), move || consumer.try_pop().map_or(0, one))
        }))
        .peer(
            Peer::rival("crossbeam ArrayQueue", move || {
                let queue = Arc::new(ArrayQueue::new(CAPACITY));
                let theirs = Arc::clone(&queue);
                singly(few, move |n| theirs.push(n).is_ok(), move || queue.pop().map_or(0, one))
            })
            .note("any number of threads on both sides"),
        )
        .peer(
            Peer::rival("kanal", move || {
                let (sender, receiver) = kanal::bounded(CAPACITY);
                let put = move |n| sender.try_send(n).expect("the receiver lives");
                singly(few, put, move || receiver.try_recv().ok().flatten().map_or(0, one))
            })
            .note("any number of threads on both sides"),
        )
        .peer(
            Peer::rival("tokio mpsc", move || {
                let (sender, mut receiver) = mpsc::channel(CAPACITY);
                singly(few, move |n| sender.try_send(n).is_ok(), move || receiver.try_recv().map_or(0, one))
            })
            .note("any number of producers"),
        )
        .goal("offtick try_send, progress()", Against::Peer("rtrb"), 1.0)
        .goal("offtick report, progress()", Against::Peer("rtrb"), 1.0)
}

/// The consumer takes all that is there.
fn batched(many: usize, few: usize) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    Case::new("ring/batched", Unit::MillionPerSecond)
        .peer(
            Peer::ours("offtick try_send, progress()", move || task(&ours, many, try_send, drain)).note(THROUGH_A_TASK),
        )
        .peer(Peer::rival("rtrb push, read chunk", move || {
            let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
            singly(many, move |n| producer.push(n).is_ok(), move || read_chunk(&mut consumer))
        }))
        .peer(Peer::rival("ringbuf try_push, pop_iter", move || {
            let (mut producer, mut consumer) = HeapRb::new(CAPACITY).split();
            singly(many, move |n| producer.try_push(n).is_ok(), move || all(consumer.pop_iter()))
        }))
        .peer(Peer::rival("kanal try_send, drain_into", move || {
            let (sender, receiver) = kanal::bounded(CAPACITY);
            let mut batch = Vec::with_capacity(CAPACITY);
            let put = move |n| sender.try_send(n).expect("the receiver lives");
            let take = move || receiver.drain_into(&mut batch).map_or(0, |_| all(batch.drain(..)));
            singly(few, put, take)
        }))
        .peer(Peer::rival("tokio mpsc try_send, recv_many", move || {
            let (sender, mut receiver) = mpsc::channel(CAPACITY);
            let mut batch = Vec::with_capacity(CAPACITY);
            let take = move || {
                let taken = receiver.recv_many(&mut batch, CAPACITY).now_or_never();
                taken.map_or(0, |_| all(batch.drain(..)))
            };
            singly(few, move |n| sender.try_send(n).is_ok(), take)
        }))
        .peer(
            Peer::rival("rtrb write chunk, read chunk", move || {
                let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
                let fill = move |batch: std::ops::Range<u64>| {
                    let room = producer.slots().min((batch.end - batch.start) as usize);
                    producer.write_chunk_uninit(room).map_or(0, |chunk| chunk.fill_from_iter(batch))
                };
                in_batches(many, fill, move || read_chunk(&mut consumer))
            })
            .note("the producer has 256 at hand"),
        )
        .peer(
            Peer::rival("ringbuf push_iter, pop_iter", move || {
                let (mut producer, mut consumer) = HeapRb::new(CAPACITY).split();
                in_batches(many, move |batch| producer.push_iter(batch), move || all(consumer.pop_iter()))
            })
            .note("the producer has 256 at hand"),
        )
        .goal("offtick try_send, progress()", Against::Peer("rtrb push, read chunk"), 1.0)
}

/// The consumer takes all that is there, ten microseconds after it last did.
fn in_ticks(many: usize, few: usize) -> Case {
    let ours = Runtime::new().expect("offtick starts");
    Case::new("ring/ticks", Unit::MillionPerSecond)
        .peer(
            Peer::ours("offtick try_send, progress()", move || {
                let ticks = Ticks::default();
                task(&ours, many, try_send, move |task| ticks.then(|| drain(task)))
            })
            .note(THROUGH_A_TASK),
        )
        .peer(Peer::rival("rtrb push, read chunk", move || {
            let ((mut producer, mut consumer), ticks) = (rtrb::RingBuffer::new(CAPACITY), Ticks::default());
            singly(many, move |n| producer.push(n).is_ok(), move || ticks.then(|| read_chunk(&mut consumer)))
        }))
        .peer(Peer::rival("ringbuf try_push, pop_iter", move || {
            let ((mut producer, mut consumer), ticks) = (HeapRb::new(CAPACITY).split(), Ticks::default());
            singly(many, move |n| producer.try_push(n).is_ok(), move || ticks.then(|| all(consumer.pop_iter())))
        }))
        .peer(
            Peer::rival("crossbeam ArrayQueue", move || {
                let (queue, ticks) = (Arc::new(ArrayQueue::new(CAPACITY)), Ticks::default());
                let theirs = Arc::clone(&queue);
                let there = move || all((0..queue.len()).map_while(|_| queue.pop()));
                singly(many, move |n| theirs.push(n).is_ok(), move || ticks.then(&there))
            })
            .note("any number of threads on both sides"),
        )
        .peer(
            Peer::rival("kanal try_send, drain_into", move || {
                let ((sender, receiver), ticks) = (kanal::bounded(CAPACITY), Ticks::default());
                let mut batch = Vec::with_capacity(CAPACITY);
                let put = move |n| sender.try_send(n).expect("the receiver lives");
                let mut take = move || receiver.drain_into(&mut batch).map_or(0, |_| all(batch.drain(..)));
                singly(few, put, move || ticks.then(&mut take))
            })
            .note("any number of threads on both sides"),
        )
        .peer(
            Peer::rival("tokio mpsc try_send, recv_many", move || {
                let ((sender, mut receiver), ticks) = (mpsc::channel(CAPACITY), Ticks::default());
                let mut batch = Vec::with_capacity(CAPACITY);
                let mut take = move || {
                    let taken = receiver.recv_many(&mut batch, CAPACITY).now_or_never();
                    taken.map_or(0, |_| all(batch.drain(..)))
                };
                singly(few, move |n| sender.try_send(n).is_ok(), move || ticks.then(&mut take))
            })
            .note("any number of producers"),
        )
        .goal("offtick try_send, progress()", Against::Peer("rtrb push, read chunk"), 1.0)
}

fn one(message: u64) -> usize {
    black_box(message);
    1
}

fn all(messages: impl Iterator<Item = u64>) -> usize {
    messages.map(one).sum()
}

fn read_chunk(consumer: &mut rtrb::Consumer<u64>) -> usize {
    consumer.read_chunk(consumer.slots()).map_or(0, |chunk| all(chunk.into_iter()))
}

fn try_send(cx: &mut TaskContext<u64>, n: u64) -> bool {
    cx.try_send(n).is_ok()
}

fn report(cx: &mut TaskContext<u64>, n: u64) -> bool {
    cx.report(n);
    true
}

fn drain(task: &Task<(), u64>) -> usize {
    all(task.progress())
}

/// A closure on the pool that reports, and this thread that drains its handle until it is over.
fn task(
    rt: &Runtime,
    count: usize,
    put: impl Fn(&mut TaskContext<u64>, u64) -> bool + Send + 'static,
    take: impl Fn(&Task<(), u64>) -> usize,
) -> Sample {
    let go = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&go);
    let task = rt.task().progress::<u64>(CAPACITY).spawn_blocking(move |cx| {
        spin_until(|| gate.load(Ordering::Acquire));
        for n in 0..count as u64 {
            spin_until(|| put(cx, n));
        }
    });
    timed(count, || {
        go.store(true, Ordering::Release);
        let mut patience = Patience::default();
        loop {
            let over = task.is_done();
            if take(&task) == 0 {
                if over {
                    break;
                }
                patience.spin();
            }
        }
    })
}
