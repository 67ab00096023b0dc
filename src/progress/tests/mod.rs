//! Tests of the channel on real threads and against a simple model. `loom-tests/ring.rs` covers every interleaving.

mod drops;
mod model;
mod sending;
mod stress;

use super::*;

fn ring<P>(capacity: usize) -> (Reporter<P>, Reader<P>) {
    hosted(capacity, None)
}

fn hosted<P>(capacity: usize, host: Option<Arc<dyn ProgressObserver>>) -> (Reporter<P>, Reader<P>) {
    channel(Capacity::new(capacity).expect("a good capacity"), host).expect("there is memory")
}

#[test]
fn a_capacity_is_checked_before_anything_is_allocated() {
    assert_eq!(Capacity::new(0), Err(CapacityError::Zero));
    assert_eq!(Capacity::new(usize::MAX), Err(CapacityError::TooLarge(usize::MAX)));
    let largest = Capacity::new(1 << 28).expect("the limit itself is allowed");
    let refused = channel::<[u8; 1 << 20]>(largest, None).err();
    assert_eq!(refused, Some(CapacityError::OutOfMemory(1 << 28)));
}

#[test]
fn the_oldest_values_make_room_and_are_counted() {
    let (mut reporter, reader) = ring(3);
    (1..=5).for_each(|value| reporter.report(value));
    assert_eq!((reader.len(), reader.dropped()), (3, 2));
    assert_eq!(reader.drain().collect::<Vec<_>>(), [3, 4, 5]);
    assert!(reader.is_empty());
    assert_eq!(reader.drain().next(), None);
}

#[test]
fn the_tail_can_be_read_after_the_end() {
    let (mut reporter, reader) = ring(2);
    reporter.report("one");
    reporter.report("two");
    drop(reporter);
    assert_eq!(reader.drain().collect::<Vec<_>>(), ["one", "two"]);
}

#[test]
fn latest_keeps_the_newest_only_and_drops_nothing_for_want_of_room() {
    for count in 0..=4 {
        let (mut reporter, reader) = ring(4);
        (1..=count).for_each(|value| reporter.report(Box::new(value)));
        assert_eq!(reader.latest().as_deref(), (count > 0).then_some(&count));
        assert_eq!((reader.latest(), reader.dropped()), (None, 0));
    }
    let (mut plain, reader) = ring(100);
    (1..=230).for_each(|value| plain.report(value));
    assert_eq!(reader.latest(), Some(230));
    assert_eq!((reader.latest(), reader.dropped()), (None, 130));
}

#[test]
fn a_drain_knows_its_length_and_leaves_what_it_did_not_yield() {
    let (mut reporter, reader) = ring(200);
    (0..200).for_each(|value| reporter.report(value));
    let mut drain = reader.drain();
    for taken in 0..150 {
        assert_eq!(drain.len(), 200 - taken);
        assert_eq!(drain.next(), Some(taken));
    }
    drop(drain);
    assert_eq!(reader.len(), 50);
    assert!(reader.drain().eq(150..200));
}

#[test]
fn a_second_drain_of_the_same_thread_takes_over() {
    let (mut reporter, reader) = ring(4);
    (1..=4).for_each(|value| reporter.report(value));
    let mut first = reader.drain();
    assert_eq!((first.next(), first.len()), (Some(1), 3));
    let mut second = reader.drain();
    assert_eq!((first.len(), first.next()), (0, None));
    assert_eq!((second.len(), second.next()), (3, Some(2)));
    drop(first);
    assert_eq!(second.next(), Some(3), "the older one gives nothing back");
    drop(second);
    assert_eq!(reader.latest(), Some(4));
    let first = reader.drain();
    assert_eq!(first.len(), 0);
    reporter.report(5);
    assert_eq!(reader.drain().count(), 1, "one that came to nothing holds nothing");
    drop(first);
}

#[test]
fn a_drain_on_another_thread_yields_nothing_and_waits_for_nothing() {
    let (mut reporter, reader) = ring(4);
    reporter.report(1);
    let first = reader.drain();
    std::thread::scope(|threads| {
        let second = threads.spawn(|| (reader.drain().count(), reader.latest(), reader.is_empty()));
        assert_eq!(second.join().expect("no panic"), (0, None, false));
    });
    drop(first);
    assert_eq!(reader.latest(), Some(1));
}

#[test]
fn a_forgotten_drain_stops_nobody() {
    let (mut reporter, reader) = ring(3);
    for round in 0..20 {
        (0..3).for_each(|value| reporter.report(3 * round + value));
        let mut drain = reader.drain();
        for value in 0..round % 4 {
            assert_eq!(drain.next(), Some(3 * round + value));
        }
        std::mem::forget(drain);
        reporter.report(1000);
        let mut seen: Vec<_> = reader.drain().collect();
        seen.extend(reader.drain());
        assert_eq!(seen[..seen.len() - 1], Vec::from_iter((round % 4..3).map(|value| 3 * round + value)));
        assert_eq!((seen.last(), reader.dropped()), (Some(&1000), 0));
    }
}

#[test]
fn a_report_during_a_drain_of_a_full_ring_is_seen_by_the_next_drain() {
    let (mut reporter, reader) = ring(2);
    reporter.report(1);
    reporter.report(2);
    let mut first = reader.drain();
    assert_eq!(first.next(), Some(1));
    reporter.report(3);
    reporter.report(4);
    assert_eq!(reader.dropped(), 1, "4 took the spare place of 3");
    assert_eq!(first.next(), Some(2));
    assert_eq!(first.next(), None);
    assert_eq!(reader.len(), 1);
    assert_eq!(reader.drain().collect::<Vec<_>>(), [4], "without any further report");
    reporter.report(5);
    assert_eq!(reader.drain().collect::<Vec<_>>(), [5]);
}

#[test]
fn a_drain_that_takes_nothing_does_not_cost_the_producer_its_last_slot() {
    let (mut reporter, reader) = ring(1);
    reporter.report(1);
    let first = reader.drain();
    reporter.report(2);
    drop(first);
    let second = reader.drain();
    assert_eq!(second.len(), 1, "the ring is full without the spare value");
    reporter.report(3);
    assert_eq!(second.collect::<Vec<_>>(), [1]);
    assert_eq!(reader.drain().collect::<Vec<_>>(), [3]);
    assert_eq!(reader.dropped(), 1);
}

#[test]
fn the_end_publishes_the_last_value_beyond_the_capacity() {
    let (mut reporter, reader) = ring(2);
    (1..=2).for_each(|value| reporter.report(value));
    let first = reader.drain();
    reporter.report(3);
    drop(reporter);
    drop(first);
    assert_eq!(reader.len(), 3);
    assert_eq!(reader.drain().collect::<Vec<_>>(), [1, 2, 3]);
}

#[test]
fn the_values_may_be_without_size_or_large() {
    let (mut reporter, reader) = ring::<()>(3);
    (0..5).for_each(|_| reporter.report(()));
    assert_eq!((reader.drain().count(), reader.dropped()), (3, 2));

    let (mut reporter, reader) = ring::<[u64; 512]>(2);
    (0..3).for_each(|value| reporter.report([value; 512]));
    assert!(reader.drain().eq([[1; 512], [2; 512]]));
}

#[test]
fn debug_shows_the_state_and_no_value() {
    struct Opaque;
    let (mut reporter, reader) = ring(2);
    reporter.report(Opaque);
    assert_eq!(format!("{reader:?}"), "Reader(Ring { capacity: 2, head: head 0, tail: tail 1, dropped: 0 })");
    assert_eq!(format!("{:?}", reader.drain()), "Drain { left: 1 }");
    assert!(format!("{reporter:?}").starts_with("Reporter(Ring"));
    assert!(format!("{:?}", reporter.shared()).starts_with("SharedReporter(Ring"));
}

#[test]
fn an_empty_drain_needs_no_channel() {
    assert_eq!(Drain::<u8>::empty().len(), 0);
    assert_eq!(Drain::<u8>::empty().next(), None);
}

#[test]
fn the_parts_cross_threads_when_the_values_do() {
    fn send<T: Send>() {}
    fn sync<T: Sync>() {}
    type Value = std::cell::Cell<u8>;
    send::<Reporter<Value>>();
    send::<SharedReporter<Value>>();
    sync::<SharedReporter<Value>>();
    send::<Reader<Value>>();
    sync::<Reader<Value>>();
    send::<Sending<'_, Value>>();
}
