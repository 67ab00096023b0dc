use super::super::PollParker;
use super::super::source::Place;
use super::*;
use crate::reactor::Direction;
use std::io::{PipeReader, PipeWriter, Write};
use std::os::fd::AsRawFd;
use std::task::{Context, Wake};
use std::time::Duration;

use crate::sync::plain::AtomicUsize as Count;
use mio::unix::SourceFd;

const READ: Interest = Interest::READABLE;

fn watched(sockets: &Sockets) -> (PipeReader, PipeWriter, Key, Arc<Source>) {
    let (reader, writer) = std::io::pipe().expect("a pipe");
    let (key, source) = watch(sockets, &reader);
    (reader, writer, key, source)
}

fn watch(sockets: &Sockets, reader: &PipeReader) -> (Key, Arc<Source>) {
    sockets.register(&mut SourceFd(&reader.as_raw_fd()), READ, Facts::NONE).expect("room")
}

fn unwatch(sockets: &Sockets, reader: &PipeReader, key: Key) {
    sockets.deregister(|registry| registry.deregister(&mut SourceFd(&reader.as_raw_fd())), key);
}

fn fetched(parker: &mut PollParker) -> bool {
    parker.fetch(Some(Duration::ZERO))
}

#[test]
fn an_event_that_was_fetched_before_its_source_went_names_nobody() {
    let mut parker = PollParker::new().expect("a poll");
    let sockets = parker.sockets();
    let (reader, mut writer, key, old) = watched(&sockets);
    writer.write_all(b"x").expect("room");
    assert!(fetched(&mut parker), "the event is in the buffer");
    unwatch(&sockets, &reader, key);
    drop(reader);
    // The same place, and most likely the same descriptor.
    let (_other_reader, _other_writer, other_key, new) = watched(&sockets);
    assert_eq!(key.index(), other_key.index());
    assert!(!parker.dispatch());
    assert_eq!((new.look(Direction::Read), old.look(Direction::Read)), (None, None));
    assert_eq!(sockets.events(), 1, "it was told, and concerns nobody");
}

#[test]
fn a_descriptor_is_watched_once() {
    let mut parker = PollParker::new().expect("a poll");
    let sockets = parker.sockets();
    let (reader, mut writer, key, source) = watched(&sockets);
    let again = sockets.register(&mut SourceFd(&reader.as_raw_fd()), READ, Facts::NONE).map(drop);
    assert_eq!(again.expect_err("watched already").kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(sockets.len(), 1);
    writer.write_all(b"x").expect("room");
    assert!(fetched(&mut parker));
    parker.dispatch();
    assert!(source.look(Direction::Read).is_some(), "the first registration works on");
    unwatch(&sockets, &reader, key);
    assert_eq!(sockets.len(), 0);
    let (key, _) = watch(&sockets, &reader);
    unwatch(&sockets, &reader, key);
}

#[test]
fn a_park_that_finds_itself_unparked_looks_all_the_same() {
    use crate::park::Unpark;
    let mut parker = PollParker::new().expect("a poll");
    let sockets = parker.sockets();
    let (reader, mut writer, key, source) = watched(&sockets);
    writer.write_all(b"x").expect("room");
    parker.unparker().unpark();
    parker.park(None);
    assert!(source.look(Direction::Read).is_some());
    unwatch(&sockets, &reader, key);
}

/// Runs a closure, and counts.
struct Acts<F>(Count, F);

impl<F: Fn() + Send + Sync + 'static> Wake for Acts<F> {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
        (self.1)();
    }
}

#[test]
fn a_waker_that_panics_or_takes_sockets_apart_loses_no_other() {
    let mut parker = PollParker::new().expect("a poll");
    let sockets = parker.sockets();
    let (first, second) = (watched(&sockets), watched(&sockets));
    let (mut place, mut places) = (Place::Polled, Vec::new());
    let panics = Arc::new(Acts(Count::new(0), || std::panic::resume_unwind(Box::new("planned"))));
    let theirs = (Arc::clone(&sockets), first.0.try_clone().expect("a duplicate"), second.2);
    let apart = Arc::new(Acts(Count::new(0), move || {
        let (sockets, spare, key) = &theirs;
        // In the middle of the dispatch: a source is added, another one taken out.
        let (added, _) = watch(sockets, spare);
        unwatch(sockets, spare, added);
        sockets.forget(*key);
    }));
    let last = Arc::new(Acts(Count::new(0), || {}));
    let _ = first.3.poll_ready(Direction::Read, &Context::from_waker(&Arc::clone(&panics).into()), &mut place);
    for waker in [Waker::from(Arc::clone(&apart)), Waker::from(Arc::clone(&last))] {
        for (_, _, _, source) in [&first, &second] {
            places.push(Place::new());
            let place = places.last_mut().expect("pushed");
            assert!(source.poll_ready(Direction::Read, &Context::from_waker(&waker), place).is_pending());
        }
    }
    for mut writer in [&first.1, &second.1] {
        writer.write_all(b"x").expect("room");
    }
    assert!(fetched(&mut parker) && parker.dispatch());
    let counts = [panics.0.load(Ordering::Relaxed), apart.0.load(Ordering::Relaxed), last.0.load(Ordering::Relaxed)];
    assert_eq!(counts, [1, 2, 2]);
    assert!(parker.woken.is_empty());
}

#[test]
fn registrations_from_four_threads_while_the_reactor_polls_and_ends() {
    const EACH: usize = 100;
    let mut parker = PollParker::new().expect("a poll");
    let sockets = parker.sockets();
    std::thread::scope(|scope| {
        let storms: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let mut refused = 0;
                    for _ in 0..EACH {
                        let (reader, mut writer) = std::io::pipe().expect("a pipe");
                        writer.write_all(b"x").expect("room");
                        match sockets.register(&mut SourceFd(&reader.as_raw_fd()), READ, Facts::NONE) {
                            Ok((key, source)) => {
                                while source.look(Direction::Read).is_none() {
                                    std::thread::yield_now();
                                }
                                unwatch(&sockets, &reader, key);
                            }
                            Err(error) => {
                                assert!(error.get_ref().is_some_and(|error| error.is::<ReactorGone>()), "{error}");
                                refused += 1;
                            }
                        }
                    }
                    refused
                })
            })
            .collect();
        while sockets.events() < 2 * EACH as u64 {
            if fetched(&mut parker) {
                parker.dispatch();
            }
        }
        sockets.close();
        let refused: usize = storms.into_iter().map(|storm| storm.join().expect("no panic")).sum();
        assert!(refused > 0, "the end came in the middle");
    });
    assert_eq!(sockets.len(), 0);
}

/// A step of the clock cannot be made here; the timer that the system cancels for it rings in its place.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[test]
fn a_step_of_the_wall_clock_reaches_all_listeners_that_are_left() {
    let mut parker = PollParker::new().expect("a poll");
    let sockets = parker.sockets();
    assert!(!parker.has_sockets());
    let calls = Arc::new(Count::new(0));
    let listener = || -> Arc<OnStep> {
        let calls = Arc::clone(&calls);
        Arc::new(move || {
            calls.fetch_add(1, Ordering::Relaxed);
        })
    };
    let (kept, dropped) = (listener(), listener());
    for listener in [&kept, &dropped] {
        sockets.watch_clock(Arc::downgrade(listener)).expect("a timer");
    }
    drop(dropped);
    assert!(parker.has_sockets() && sockets.len() == 0, "it is no source of the program");
    parker.look();
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    for step in 1..=3 {
        sockets.clock.ring();
        parker.park(Some(Duration::from_secs(60)));
        assert_eq!(calls.load(Ordering::Relaxed), step);
        parker.look();
        assert_eq!(calls.load(Ordering::Relaxed), step, "once for each");
    }
    sockets.close();
    assert!(!parker.has_sockets());
    assert!(sockets.watch_clock(Arc::downgrade(&kept)).is_err());
}
