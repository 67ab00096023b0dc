//! Waiting for room, without a runtime: futures are polled by hand.

use super::*;
use crate::sync::plain::{AtomicBool, AtomicUsize, Mutex, Ordering};
use crate::sync::thread;
use std::future::Future;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Wake, Waker};

/// A waker that counts its wakes, and panics in each if armed.
#[derive(Default)]
struct Wakes {
    count: AtomicUsize,
    armed: bool,
}

impl Wakes {
    fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::Relaxed);
        assert!(!self.armed, "a waker that panics");
    }
}

fn poll<P>(sending: &mut Sending<'_, P>, wakes: &Arc<Wakes>) -> Poll<Result<(), SendError<P>>> {
    let waker = Waker::from(Arc::clone(wakes));
    Pin::new(sending).poll(&mut Context::from_waker(&waker))
}

#[derive(Default)]
struct Token {
    reports: AtomicUsize,
    cancelled: AtomicBool,
}

impl ProgressObserver for Token {
    fn reported(&self) {
        self.reports.fetch_add(1, Ordering::Relaxed);
    }

    fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Relaxed)
    }
}

#[test]
fn a_send_waits_until_a_drain_makes_room() {
    let wakes = Arc::new(Wakes::default());
    let (mut reporter, reader) = ring(1);
    reporter.report(1);
    let mut sending = reporter.send(2);
    assert!(poll(&mut sending, &wakes).is_pending());
    assert!(poll(&mut sending, &wakes).is_pending());
    assert_eq!((wakes.count(), reader.waiting()), (0, 1));
    assert_eq!(reader.latest(), Some(1));
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll(&mut sending, &wakes), Poll::Ready(Ok(()))));
    drop(sending);
    assert_eq!(reader.latest(), Some(2));
    assert_eq!((wakes.count(), reader.waiting(), reader.dropped()), (1, 0, 0));
}

#[test]
fn a_long_drain_wakes_the_sender_before_its_end() {
    let wakes = Arc::new(Wakes::default());
    let (mut reporter, reader) = ring(200);
    (0..200).for_each(|value| reporter.report(value));
    let mut sending = reporter.send(200);
    assert!(poll(&mut sending, &wakes).is_pending());
    let mut drain = reader.drain();
    assert!(drain.by_ref().take(100).eq(0..100));
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut sending, &wakes).is_ready());
    drop(sending);
    assert!(drain.eq(100..200));
    assert_eq!(reader.latest(), Some(200));
}

#[test]
fn a_send_that_is_dropped_did_nothing() {
    let wakes = Arc::new(Wakes::default());
    let value = Arc::new(());
    let (mut reporter, reader) = ring(1);
    reporter.report(Arc::clone(&value));
    drop(reporter.send(Arc::clone(&value)));
    let mut sending = reporter.send(Arc::clone(&value));
    assert!(poll(&mut sending, &wakes).is_pending());
    assert_eq!(Arc::strong_count(&wakes), 2);
    drop(sending);
    assert_eq!((Arc::strong_count(&value), Arc::strong_count(&wakes)), (2, 1));
    assert_eq!((reader.waiting(), reader.len()), (0, 1));
    assert_eq!(reader.drain().count(), 1);
    assert_eq!(wakes.count(), 0);
}

#[test]
fn a_send_ends_with_its_reader() {
    let wakes = Arc::new(Wakes::default());
    let (mut reporter, reader) = ring(1);
    reporter.report(1);
    let mut sending = reporter.send(2);
    assert!(poll(&mut sending, &wakes).is_pending());
    drop(reader);
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(Err(error)) = poll(&mut sending, &wakes) else { panic!("nobody reads") };
    assert_eq!((error.value, error.reason), (2, SendErrorReason::ReaderGone));
    drop(sending);
    assert_eq!(reporter.send_blocking(3).unwrap_err().reason, SendErrorReason::ReaderGone);
    assert_eq!(error.to_string(), "the progress value was not sent");
    assert_eq!(error.reason.to_string(), "no reader is left; stop reporting");
}

#[test]
fn a_send_ends_with_the_cancellation_of_its_task() {
    let wakes = Arc::new(Wakes::default());
    let token = Arc::new(Token::default());
    let (mut reporter, reader) = hosted(1, Some(token.clone()));
    reporter.report(1);
    let mut sending = reporter.send(2);
    assert!(poll(&mut sending, &wakes).is_pending());
    reader.cancel_waker().wake();
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut sending, &wakes).is_pending());
    token.cancelled.store(true, Ordering::Relaxed);
    reader.cancel_waker().wake();
    assert_eq!(wakes.count(), 2);
    let Poll::Ready(Err(error)) = poll(&mut sending, &wakes) else { panic!("cancelled") };
    assert_eq!((error.value, error.reason), (2, SendErrorReason::Cancelled));
    drop(sending);
    reporter.report(3);
    assert_eq!(reader.latest(), Some(3), "a report goes on");
}

#[test]
fn the_host_hears_of_every_value_that_was_published() {
    let token = Arc::new(Token::default());
    let reports = || token.reports.load(Ordering::Relaxed);
    let (mut reporter, reader) = hosted(1, Some(token.clone()));
    reporter.report(1);
    reporter.report(2);
    assert_eq!(reports(), 2);
    assert!(reporter.try_send(3).is_err());
    assert_eq!(reports(), 2);
    let held = reader.drain();
    reporter.report(4);
    assert_eq!(reports(), 3, "an offered value can be read as well");
    drop(held);
    assert_eq!(reader.drain().count(), 1);
    assert_eq!(reader.drain().count(), 1);
    let shared = reporter.shared();
    shared.send_blocking(5).unwrap();
    shared.report(6);
    assert!(shared.try_send(7).is_err());
    assert_eq!(reports(), 5);
}

#[test]
fn a_waker_that_panics_takes_nothing_with_it() {
    let bad = Arc::new(Wakes { armed: true, ..Wakes::default() });
    let good = Arc::new(Wakes::default());
    let (mut reporter, reader) = ring(1);
    reporter.report(1);
    let reporter = reporter.shared();
    let (mut first, mut second) = (reporter.send(2), reporter.send(3));
    assert!(poll(&mut first, &bad).is_pending());
    assert!(poll(&mut second, &good).is_pending());
    assert_eq!(reader.drain().collect::<Vec<_>>(), [1]);
    assert_eq!((bad.count(), good.count()), (1, 1));
}

#[test]
fn clones_that_wait_all_get_their_turn() {
    let wakes = Arc::new(Wakes::default());
    let (mut reporter, reader) = ring(1);
    reporter.report(1);
    let reporter = reporter.shared();
    let (mut first, mut second) = (reporter.send(2), reporter.send(3));
    assert!(poll(&mut first, &wakes).is_pending());
    assert!(poll(&mut second, &wakes).is_pending());
    assert_eq!(reader.latest(), Some(1));
    assert_eq!(wakes.count(), 2);
    assert!(poll(&mut second, &wakes).is_ready());
    assert!(poll(&mut first, &wakes).is_pending());
    assert_eq!(reader.latest(), Some(3));
    assert!(poll(&mut first, &wakes).is_ready());
    assert_eq!(reader.latest(), Some(2));
}

#[test]
#[should_panic(expected = "not polled after it has ended")]
fn a_send_that_has_ended_must_not_be_polled() {
    let wakes = Arc::new(Wakes::default());
    let (mut reporter, _reader) = ring(1);
    let mut sending = reporter.send(1);
    assert!(poll(&mut sending, &wakes).is_ready());
    let _ = poll(&mut sending, &wakes);
}

#[test]
fn a_blocked_thread_goes_on_when_there_is_room() {
    let (mut reporter, reader) = ring(1);
    reporter.report(1);
    let producer = thread::Builder::new().spawn(move || reporter.send_blocking(2)).expect("a thread");
    while reader.waiting() == 0 {
        thread::yield_now();
    }
    assert_eq!(reader.latest(), Some(1));
    producer.join().expect("no panic").expect("sent");
    assert_eq!(reader.latest(), Some(2));
}

/// The waker of a sender runs while a drain makes room. It may drain itself, during a drain or a take-over.
#[test]
fn a_waker_that_drains_takes_over() {
    struct Drains {
        reader: Arc<Reader<u32>>,
        seen: Mutex<Vec<u32>>,
        forgets: bool,
    }
    impl Wake for Drains {
        fn wake(self: Arc<Self>) {
            let mut drain = self.reader.drain();
            self.seen.lock().extend(drain.next());
            if self.forgets {
                std::mem::forget(drain);
            }
        }
    }
    for forgets in [false, true] {
        for forgotten_before in [false, true] {
            let (mut reporter, reader) = ring(40);
            let reader = Arc::new(reader);
            (0..40).for_each(|value| reporter.report(value));
            let waker = Arc::new(Drains { reader: Arc::clone(&reader), seen: Mutex::default(), forgets });
            let mut sending = pin!(reporter.send(40));
            let task = Waker::from(Arc::clone(&waker));
            assert!(sending.as_mut().poll(&mut Context::from_waker(&task)).is_pending());
            let mut seen = Vec::new();
            if forgotten_before {
                let mut drain = reader.drain();
                seen.extend(drain.next());
                std::mem::forget(drain);
            }
            for _ in 0..5 {
                seen.extend(reader.drain());
            }
            seen.append(&mut waker.seen.lock());
            seen.sort_unstable();
            assert_eq!(seen, Vec::from_iter(0..40));
        }
    }
}
