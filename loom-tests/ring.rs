//! The progress ring: `src/progress`. Rules R1 to R5 of its module doc, and the one-word protocol of waiting senders.
//!
//! loom checks every slot access for a data race, so most models need no assertion to turn red; what they assert is that
//! no value is lost, read twice or out of order.

use super::explore;
use crate::progress::{Capacity, ProgressObserver, Reader, Reporter, SendErrorReason, channel};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize as Plain;

fn ring(capacity: usize) -> (Reporter<u32>, Reader<u32>) {
    channel(Capacity::new(capacity).expect("a small capacity"), None).expect("memory for a few values")
}

/// What reached the consumers is in order, ends with the newest value, and what is missing was counted.
fn check(seen: &[u32], newest: u32, reader: &Reader<u32>) {
    assert!(seen.is_sorted_by(|a, b| a < b), "out of order or twice: {seen:?}");
    assert_eq!(seen.last(), Some(&newest), "the newest value is lost: {seen:?} {reader:?}");
    assert_eq!(seen.len() as u64 + reader.dropped(), u64::from(newest), "values vanished: {seen:?}");
}

/// A reporter that never finds the ring full, and a drain. Red when the store of `Producer::push_in_run` or `push`, or
/// the load of `accept_offer`, becomes Relaxed.
#[test]
fn report_against_drain() {
    explore(None, 50, || {
        let (mut reporter, reader) = ring(4);
        let producer = thread::spawn(move || (1..=3).for_each(|value| reporter.report(value)));
        let mut seen: Vec<_> = reader.drain().collect();
        seen.extend(reader.latest());
        producer.join().unwrap();
        let skipped = 3 - seen.len() - reader.len();
        let rest: Vec<_> = reader.drain().collect();
        assert!(seen.iter().chain(&rest).is_sorted_by(|a, b| a < b));
        assert!(seen.last().into_iter().chain(rest.last()).last() == Some(&3));
        assert!(skipped <= 2);
        assert_eq!(reader.dropped(), 0);
    });
}

/// Drains at the only slot of a ring, round and round its indices. Red when the swap of `Batch::publish`, the
/// `fetch_add` of `report_slow` or the store of the offer loses Release, or `try_lock` loses Acquire.
#[test]
fn wrap_around_with_capacity_one() {
    explore(Some(3), 200, || {
        let (mut reporter, reader) = ring(1);
        let producer = thread::spawn(move || (1..=5).for_each(|value| reporter.report(value)));
        let mut seen = Vec::new();
        for _ in 0..3 {
            seen.extend(reader.drain());
        }
        producer.join().unwrap();
        seen.extend(reader.drain());
        check(&seen, 5, &reader);
    });
}

/// A full ring: the producer makes room itself, or finds LOCK taken and uses the spare slot, which it may have to
/// replace, while the consumer comes back for it. Red when the load of `Producer::refresh` loses Acquire, when the
/// compare-exchange of `accept_offer` loses Acquire on either side, when the swap of `publish_offer` is a mere store.
#[test]
fn drop_oldest_against_two_drains() {
    let most = Arc::new(Plain::new(0));
    let most_seen = Arc::clone(&most);
    explore(Some(3), 500, move || {
        let (mut reporter, reader) = ring(1);
        reporter.report(1);
        let producer = thread::spawn(move || {
            reporter.report(2);
            reporter.report(3);
        });
        let mut seen: Vec<_> = reader.drain().collect();
        seen.extend(reader.drain());
        producer.join().unwrap();
        seen.extend(reader.drain());
        check(&seen, 3, &reader);
        most.fetch_max(seen.len(), std::sync::atomic::Ordering::Relaxed);
    });
    assert_eq!(most_seen.load(std::sync::atomic::Ordering::Relaxed), 3, "no execution in which all of them arrived");
}

/// A drain that yields nothing of what it could (its loop breaks at once) and one that takes all: an offer must not be
/// taken where it would leave the producer without any slot. Red when the consumer takes an offer from a full ring (R4),
/// or when the compare-exchange of `accept_offer` loses Release, or that of `Producer::offer` loses Acquire on failure.
#[test]
fn offer_against_an_abandoned_drain() {
    explore(Some(3), 500, || {
        let (mut reporter, reader) = ring(1);
        reporter.report(1);
        let producer = thread::spawn(move || (2..=4).for_each(|value| reporter.report(value)));
        drop(reader.drain());
        let mut seen: Vec<_> = reader.drain().collect();
        seen.extend(reader.drain());
        producer.join().unwrap();
        seen.extend(reader.drain());
        check(&seen, 4, &reader);
    });
}

/// Two consumers share what is there, without a value twice or lost. Red when `try_lock` loses Acquire or
/// `Batch::publish` Release: the second consumer's tail would be older than its head.
#[test]
fn two_consumers() {
    explore(Some(3), 500, || {
        let (mut reporter, reader) = ring(2);
        reporter.report(1);
        let reader = Arc::new(reader);
        let producer = thread::spawn(move || {
            reporter.report(2);
            reporter.report(3);
        });
        let other = {
            let reader = Arc::clone(&reader);
            thread::spawn(move || reader.drain().collect::<Vec<_>>())
        };
        let mut seen: Vec<_> = reader.drain().collect();
        assert!(seen.is_sorted());
        producer.join().unwrap();
        seen.extend(other.join().unwrap());
        seen.extend(reader.drain());
        seen.sort_unstable();
        check(&seen, 3, &reader);
    });
}

/// A drain that was forgotten half way, and one of the same thread that takes over, beside a producer. Red when
/// `take_over` leaves the head where it is. `offer_against_an_abandoned_drain` and
/// `drop_oldest_against_two_drains` are red when `unlock` leaves the token of its thread in place.
#[test]
fn a_forgotten_drain_is_taken_over() {
    explore(Some(3), 500, || {
        let (mut reporter, reader) = ring(2);
        reporter.report(1);
        reporter.report(2);
        let producer = thread::spawn(move || (3..=5).for_each(|value| reporter.report(value)));
        let mut forgotten = reader.drain();
        let mut seen: Vec<_> = forgotten.next().into_iter().collect();
        std::mem::forget(forgotten);
        seen.extend(reader.drain());
        producer.join().unwrap();
        seen.extend(reader.drain());
        check(&seen, 5, &reader);
    });
}

/// A sender that waits for room, and the drain that makes it: no wake is lost. Red (a deadlock) when the swap of
/// `Batch::publish` is split into a look at WAITING and a store of the head.
#[test]
fn send_waits_for_a_drain() {
    explore(None, 20, || {
        let (mut reporter, reader) = ring(1);
        reporter.report(1);
        let producer = thread::spawn(move || reporter.send_blocking(2).expect("the reader lives"));
        let mut seen: Vec<_> = reader.drain().collect();
        producer.join().unwrap();
        seen.extend(reader.drain());
        assert_eq!(seen, [1, 2]);
        assert_eq!(reader.dropped(), 0);
    });
}

/// A sender that waits, and the end of the reader. Red (a deadlock) when `wake_sender` looks at WAITING with a mere load
/// first, when its `fetch_and` loses Release or the `fetch_or` of `announce` Acquire.
#[test]
fn send_waits_for_a_reader_that_goes() {
    explore(None, 20, || {
        let (mut reporter, reader) = ring(1);
        reporter.report(1);
        let producer = thread::spawn(move || reporter.send_blocking(2));
        drop(reader);
        let error = producer.join().unwrap().expect_err("nobody reads");
        assert_eq!((error.value, error.reason), (2, SendErrorReason::ReaderGone));
    });
}

struct Token(AtomicBool);

impl ProgressObserver for Token {
    fn reported(&self) {}

    fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A sender that waits, and its cancellation: a Relaxed flag, so that the ordering comes from the head word alone. Red
/// (a deadlock) when the `fetch_and` of `wake_sender` loses Release or the `fetch_or` of `announce` Acquire.
#[test]
fn send_waits_and_is_cancelled() {
    explore(None, 20, || {
        let token = Arc::new(Token(AtomicBool::new(false)));
        let host: Arc<dyn ProgressObserver> = token.clone();
        let (mut reporter, reader) = channel(Capacity::new(1).expect("not zero"), Some(host)).expect("memory");
        reporter.report(1);
        let producer = thread::spawn(move || reporter.send_blocking(2));
        token.0.store(true, Ordering::Relaxed);
        reader.cancel_waker().wake();
        let error = producer.join().unwrap().expect_err("no room was made");
        assert_eq!(error.reason, SendErrorReason::Cancelled);
    });
}

/// Two senders that wait on one ring: each drain wakes both, and each gets its turn. Red as `send_waits_for_a_drain`.
#[test]
fn shared_senders_wait() {
    explore(Some(2), 50, || {
        let (mut reporter, reader) = ring(1);
        reporter.report(1);
        let reporter = reporter.shared();
        let other = reporter.clone();
        let first = thread::spawn(move || reporter.send_blocking(2).expect("the reader lives"));
        let second = thread::spawn(move || other.send_blocking(3).expect("the reader lives"));
        let mut seen = Vec::new();
        while seen.len() < 3 {
            let before = seen.len();
            seen.extend(reader.drain());
            if seen.len() == before {
                thread::yield_now();
            }
        }
        first.join().unwrap();
        second.join().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, [1, 2, 3]);
    });
}

/// Whoever sees the task done sees all of its progress: the last value, even out of the spare slot. Red when the offer
/// is not published by the drop of the producer (a first drain that took nothing leaves no room for it).
#[test]
fn done_means_all_of_it_is_there() {
    explore(None, 100, || {
        let (mut reporter, reader) = ring(1);
        let done = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&done);
        let producer = thread::spawn(move || {
            reporter.report(1);
            reporter.report(2);
            drop(reporter);
            flag.store(true, Ordering::Release);
        });
        drop(reader.drain());
        if done.load(Ordering::Acquire) {
            let seen: Vec<_> = reader.drain().collect();
            check(&seen, 2, &reader);
            assert!(reader.is_empty());
        }
        producer.join().unwrap();
    });
}

/// Either side may go first; the last one drops what was not read, exactly once. Red when `Ring::drop` forgets a value.
#[test]
fn either_side_goes_first() {
    explore(None, 10, || {
        let alive = Arc::new(());
        let (mut reporter, reader) = channel(Capacity::new(1).expect("not zero"), None).expect("memory");
        reporter.report(Arc::clone(&alive));
        let value = Arc::clone(&alive);
        let producer = thread::spawn(move || reporter.report(value));
        let seen = reader.latest();
        drop(reader);
        producer.join().unwrap();
        drop(seen);
        assert_eq!(Arc::strong_count(&alive), 1);
    });
}

/// Peeks at a ring that is full all the time: no value is older than the one seen before, and the last one is seen although
/// nobody drains. Red when `Peek::make_room_for_offer` does nothing, when its load, or that of `accept_offer`, becomes Relaxed, when
/// its `fetch_add` or the `fetch_and` of `Peek`'s drop loses Release.
#[test]
fn peek_against_report() {
    explore(Some(3), 500, || {
        let (mut reporter, reader) = ring(1);
        reporter.report(1);
        let producer = thread::spawn(move || {
            reporter.report(2);
            reporter.report(3);
            reporter
        });
        let seen: Vec<_> = (0..2).filter_map(|_| reader.peek(|value| *value)).collect();
        let reporter = producer.join().unwrap();
        assert!(seen.is_sorted(), "older after newer: {seen:?}");
        assert_eq!(reader.peek(|value| *value), Some(3), "{reader:?}");
        drop(reporter);
        assert_eq!(reader.peek(|value| *value), Some(3));
        let rest: Vec<_> = reader.drain().collect();
        assert_eq!((rest.last(), reader.dropped()), (Some(&3), 3 - rest.len() as u64));
    });
}

/// Peeks and drains of two consumers, and reports: a value is read by one of them, once, and whole.
/// Red when the `fetch_and` of `Peek`'s drop loses Release.
#[test]
fn peek_against_drain_and_report() {
    explore(Some(2), 500, || {
        let (mut reporter, reader) = ring(1);
        reporter.report(1);
        let reader = Arc::new(reader);
        let producer = thread::spawn(move || (2..=3).for_each(|value| reporter.report(value)));
        let other = {
            let reader = Arc::clone(&reader);
            thread::spawn(move || reader.drain().collect::<Vec<_>>())
        };
        let peeked = reader.peek(|value| *value);
        assert!(peeked.is_none_or(|value| (1..=3).contains(&value)));
        producer.join().unwrap();
        let mut seen = other.join().unwrap();
        seen.extend(reader.drain());
        assert!(seen.is_sorted_by(|a, b| a < b) && seen.last() == Some(&3), "{seen:?}");
        assert_eq!(seen.len() as u64 + reader.dropped(), 3);
    });
}
