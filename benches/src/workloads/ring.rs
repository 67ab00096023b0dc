//! How many progress messages a second go from one producing thread to one that polls for them?

use super::{Patience, Scale, spin_until};
use crate::measure::{Against, Case, Peer, Sample, Unit, timed};
use offtick::{Runtime, TaskCx};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc::{self, error::TryRecvError};

const CAPACITY: usize = 4096;
/// Messages per chunk of the producer that writes in chunks.
const CHUNK: usize = 256;

pub(super) fn cases(scale: Scale) -> Vec<Case> {
    let (many, few) = (scale.of(20_000_000), scale.of(5_000_000));
    let lossless = Runtime::new().expect("offtick starts");
    let lossy = Runtime::new().expect("offtick starts");
    let case = Case::new("ring", Unit::MillionPerSecond)
        .peer(Peer::ours("offtick try_send, progress()", move || {
            task(&lossless, many, |cx, n| {
                spin_until(|| cx.try_send(n).is_ok());
            })
        }))
        .peer(
            Peer::ours("offtick report, progress()", move || task(&lossy, many, TaskCx::report))
                .note("messages read or counted as dropped"),
        )
        .peer(Peer::rival("rtrb push, pop", move || rtrb_single(many)))
        .peer(Peer::rival("rtrb push, read chunk", move || rtrb_read_chunks(many)))
        .peer(Peer::rival("rtrb chunks both sides", move || rtrb_chunks(many)).note("the producer batches, too"))
        .peer(Peer::rival("tokio mpsc", move || tokio_mpsc(few)))
        .goal("offtick try_send, progress()", Against::Peer("rtrb push, pop"), 1.0)
        .goal("offtick try_send, progress()", Against::Peer("rtrb push, read chunk"), 1.0)
        .goal("offtick report, progress()", Against::Peer("rtrb push, pop"), 1.0);
    vec![case]
}

/// A closure on the pool that reports, and this thread that drains its handle until it is over.
fn task(rt: &Runtime, count: usize, put: impl Fn(&mut TaskCx<u64>, u64) + Send + 'static) -> Sample {
    let go = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&go);
    let task = rt.task().progress::<u64>(CAPACITY).spawn_blocking(move |cx| {
        spin_until(|| gate.load(Ordering::Acquire));
        for n in 0..count as u64 {
            put(cx, n);
        }
    });
    timed(count, || {
        go.store(true, Ordering::Release);
        let mut patience = Patience::default();
        loop {
            let over = task.is_done();
            let messages = task.progress();
            if messages.len() == 0 {
                patience.spin();
            }
            for message in messages {
                black_box(message);
            }
            if over {
                break;
            }
        }
    })
}

/// Starts `produce` on a thread of its own and times `consume` on this one.
fn pair(count: usize, produce: impl FnOnce() + Send + 'static, consume: impl FnOnce()) -> Sample {
    let go = Arc::new(AtomicBool::new(false));
    let gate = Arc::clone(&go);
    let thread = std::thread::spawn(move || {
        spin_until(|| gate.load(Ordering::Acquire));
        produce();
    });
    let sample = timed(count, || {
        go.store(true, Ordering::Release);
        consume();
    });
    thread.join().expect("it does not panic");
    sample
}

fn push_all(producer: &mut rtrb::Producer<u64>, count: usize) {
    for n in 0..count as u64 {
        spin_until(|| producer.push(n).is_ok());
    }
}

fn rtrb_single(count: usize) -> Sample {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
    let consume = move || {
        let (mut left, mut patience) = (count, Patience::default());
        while left > 0 {
            match consumer.pop() {
                Ok(message) => {
                    black_box::<u64>(message);
                    left -= 1;
                }
                Err(_) => patience.spin(),
            }
        }
    };
    pair(count, move || push_all(&mut producer, count), consume)
}

fn read_chunks(consumer: &mut rtrb::Consumer<u64>, count: usize) {
    let (mut left, mut patience) = (count, Patience::default());
    while left > 0 {
        let Ok(chunk) = consumer.read_chunk(consumer.slots()) else { continue };
        if chunk.is_empty() {
            patience.spin();
        }
        left -= chunk.len();
        for message in chunk {
            black_box(message);
        }
    }
}

fn rtrb_read_chunks(count: usize) -> Sample {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
    pair(count, move || push_all(&mut producer, count), move || read_chunks(&mut consumer, count))
}

fn rtrb_chunks(count: usize) -> Sample {
    let (mut producer, mut consumer) = rtrb::RingBuffer::new(CAPACITY);
    let produce = move || {
        let (mut next, mut patience) = (0, Patience::default());
        while next < count as u64 {
            let wanted = CHUNK.min(count - next as usize);
            match producer.write_chunk_uninit(wanted) {
                Ok(chunk) => {
                    let written = chunk.fill_from_iter(next..);
                    next += written as u64;
                }
                Err(_) => patience.spin(),
            }
        }
    };
    pair(count, produce, move || read_chunks(&mut consumer, count))
}

fn tokio_mpsc(count: usize) -> Sample {
    let (sender, mut receiver) = mpsc::channel(CAPACITY);
    let produce = move || {
        for n in 0..count as u64 {
            spin_until(|| sender.try_send(n).is_ok());
        }
    };
    let consume = move || {
        let mut patience = Patience::default();
        loop {
            match receiver.try_recv() {
                Ok(message) => {
                    black_box(message);
                }
                Err(TryRecvError::Empty) => patience.spin(),
                Err(TryRecvError::Disconnected) => break,
            }
        }
    };
    pair(count, produce, consume)
}
