//! Values are never leaked or dropped twice, whatever user code does.

use super::*;
use crate::util::catch::catch;
use std::cell::Cell;
use std::rc::Rc;

/// A value that counts its drops, and panics in each if armed.
struct Bomb {
    drops: Rc<Cell<usize>>,
    armed: bool,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.drops.set(self.drops.get() + 1);
        assert!(!self.armed, "a destructor that panics");
    }
}

fn bombs(armed: bool) -> (Rc<Cell<usize>>, impl Fn() -> Bomb) {
    let drops = Rc::new(Cell::new(0));
    let counter = Rc::clone(&drops);
    (drops, move || Bomb { drops: Rc::clone(&counter), armed })
}

#[test]
fn unread_values_are_dropped_by_the_side_that_goes_last() {
    for armed in [false, true] {
        for reader_first in [false, true] {
            let (drops, bomb) = bombs(armed);
            let (mut reporter, reader) = ring(4);
            (0..3).for_each(|_| reporter.report(bomb()));
            if reader_first {
                drop(reader);
                assert_eq!(drops.get(), 0);
                drop(reporter);
            } else {
                drop(reporter);
                assert_eq!(drops.get(), 0);
                drop(reader);
            }
            assert_eq!(drops.get(), 3, "armed {armed}, reader first {reader_first}");
        }
    }
}

#[test]
fn a_replaced_value_is_dropped_at_once_and_its_panic_stops_there() {
    for armed in [false, true] {
        let (drops, bomb) = bombs(armed);
        let (mut reporter, reader) = ring(1);
        reporter.report(bomb());
        reporter.report(bomb());
        assert_eq!(drops.get(), 1, "the oldest made room");
        let held = reader.drain();
        reporter.report(bomb());
        assert_eq!(drops.get(), 1, "the spare slot was free");
        reporter.report(bomb());
        assert_eq!(drops.get(), 2, "the spare value was replaced");
        drop(held);
        reporter.report(bomb());
        assert_eq!(drops.get(), 4, "the oldest and the spare one made room");
        assert_eq!((reader.len(), reader.dropped()), (1, 4));
        drop((reporter, reader));
        assert_eq!(drops.get(), 5);
    }
}

#[test]
fn latest_drops_the_others_even_if_they_panic() {
    let (drops, bomb) = bombs(true);
    let (mut reporter, reader) = ring(4);
    (0..3).for_each(|_| reporter.report(bomb()));
    let newest = reader.latest();
    assert_eq!(drops.get(), 2);
    assert!(catch(|| drop(newest)).is_err());
    assert_eq!((drops.get(), reader.len()), (3, 0));
    reporter.report(bomb());
    assert_eq!(reader.len(), 1);
}

#[test]
fn a_panic_in_the_loop_over_a_drain_leaves_the_rest() {
    let (drops, bomb) = bombs(false);
    let (mut reporter, reader) = ring(4);
    (0..4).for_each(|_| reporter.report(bomb()));
    let panic = catch(|| reader.drain().enumerate().for_each(|(at, _)| assert!(at < 1, "a loop that panics")));
    assert!(panic.is_err());
    assert_eq!((drops.get(), reader.len()), (2, 2));
    assert_eq!(reader.drain().count(), 2);
    assert_eq!(drops.get(), 4);
}

#[test]
fn what_a_forgotten_drain_has_left_is_dropped_once() {
    thread_local! {
        static DROPS: Cell<usize> = const { Cell::new(0) };
    }
    struct Noted;
    impl Drop for Noted {
        fn drop(&mut self) {
            DROPS.set(DROPS.get() + 1);
        }
    }
    let (mut reporter, reader) = ring(2);
    (0..2).for_each(|_| reporter.report(Noted));
    let mut drain = reader.drain();
    drop(drain.next());
    std::mem::forget(drain);
    (0..3).for_each(|_| reporter.report(Noted));
    assert_eq!(DROPS.get(), 3, "one was read, two of three were replaced in the spare slot");
    drop((reporter, reader));
    assert_eq!(DROPS.get(), 5);
}

#[test]
fn a_destructor_may_use_the_channel() {
    struct Reentrant(Rc<Reader<Reentrant>>);
    impl Drop for Reentrant {
        fn drop(&mut self) {
            let drained = self.0.drain().count();
            NESTED.set(NESTED.get() + drained);
        }
    }
    thread_local!(static NESTED: Cell<usize> = const { Cell::new(0) });
    let (mut reporter, reader) = ring(3);
    let reader = Rc::new(reader);
    (0..3).for_each(|_| reporter.report(Reentrant(Rc::clone(&reader))));
    assert!(reader.latest().is_none(), "the destructor of the first has taken over");
    assert_eq!((NESTED.get(), reader.is_empty()), (2, true));
    drop(reporter);
    assert_eq!(Rc::strong_count(&reader), 1);
}
