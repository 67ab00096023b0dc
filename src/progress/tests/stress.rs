//! Real threads, bounded work.

use super::*;
use crate::sync::thread::{Builder, JoinHandle, yield_now};

const VALUES: u64 = 20_000;

fn spawn<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> JoinHandle<T> {
    Builder::new().spawn(body).expect("a thread")
}

#[test]
fn send_loses_nothing() {
    for capacity in [1, 3, 64] {
        let (mut reporter, reader) = ring(capacity);
        let producer = spawn(move || (1..=VALUES).for_each(|value| reporter.send_blocking(Box::new(value)).unwrap()));
        let mut next = 1;
        while next <= VALUES {
            let before = next;
            for value in reader.drain() {
                assert_eq!(*value, next);
                next += 1;
            }
            if next == before {
                yield_now();
            }
        }
        producer.join().unwrap();
        assert_eq!((reader.len(), reader.dropped()), (0, 0));
    }
}

#[test]
fn report_keeps_the_order_the_newest_and_the_count() {
    for capacity in [1, 2, 7, 64] {
        let (mut reporter, reader) = ring(capacity);
        let producer = spawn(move || (1..=VALUES).for_each(|value| reporter.report(Box::new(value))));
        let (mut seen, mut last) = (0, 0);
        while last < VALUES {
            for value in reader.drain() {
                assert!(*value > last);
                last = *value;
                seen += 1;
            }
        }
        producer.join().unwrap();
        assert_eq!(seen + reader.dropped(), VALUES);
    }
}

#[test]
fn two_consumers_share_what_there_is() {
    let (mut reporter, reader) = ring(5);
    let reader = Arc::new(reader);
    let producer = spawn(move || (1..=VALUES).for_each(|value| reporter.report(Box::new(value))));
    let consume = |reader: Arc<Reader<Box<u64>>>| {
        move || {
            let (mut seen, mut last) = (0_u64, 0);
            for _ in 0..VALUES {
                for value in reader.drain() {
                    assert!(*value > last);
                    last = *value;
                    seen += 1;
                }
                assert!(reader.len() <= 6);
            }
            seen
        }
    };
    let other = spawn(consume(Arc::clone(&reader)));
    let mut seen = consume(Arc::clone(&reader))();
    producer.join().unwrap();
    seen += other.join().unwrap() + reader.drain().count() as u64;
    assert_eq!(seen + reader.dropped(), VALUES);
}

#[test]
fn shared_senders_lose_nothing_and_keep_their_own_order() {
    let (reporter, reader) = ring(2);
    let reporter = reporter.shared();
    let producers: Vec<_> = (0..3)
        .map(|id| {
            let reporter = reporter.clone();
            spawn(move || (1..=VALUES / 20).for_each(|value| reporter.send_blocking((id, value)).unwrap()))
        })
        .collect();
    let mut last = [0; 3];
    while last != [VALUES / 20; 3] {
        let mut idle = true;
        for (id, value) in reader.drain() {
            assert_eq!(value, last[id] + 1);
            last[id] = value;
            idle = false;
        }
        if idle {
            yield_now();
        }
    }
    producers.into_iter().for_each(|producer| producer.join().unwrap());
    assert_eq!((reader.waiting(), reader.dropped()), (0, 0));
}
