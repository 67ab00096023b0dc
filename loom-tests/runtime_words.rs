//! The small words of a runtime: the update flag (`src/util/update.rs`) and its end (`src/runtime/shutdown.rs`).

use super::explore;
use super::place::Place;
use crate::runtime::Ending;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use crate::util::update::UpdateFlag;
use loom::thread;

/// After a raise, either the host has seen the news or the flag is up.
///
/// Red: `raise` that skips its swap if it reads `true`; `raise` or `take` with a relaxed swap.
#[test]
fn an_update_is_seen_or_the_flag_is_up() {
    explore(None, 80, || {
        let flag = Arc::new(UpdateFlag::new());
        let news = Arc::new(AtomicUsize::new(0));
        // Up already: so the host's look changes the word, and loom tries it in every place.
        news.store(1, Relaxed);
        assert!(flag.raise());
        let other = {
            let (flag, news) = (Arc::clone(&flag), Arc::clone(&news));
            thread::spawn(move || {
                news.store(2, Relaxed);
                let _edge = flag.raise();
            })
        };
        let mut seen = 0;
        for _ in 0..2 {
            if flag.take() {
                seen = news.load(Relaxed);
            }
        }
        other.join().expect("raises");
        assert!(flag.take() || seen == 2, "an update was lost");
    });
}

/// Two tasks end: the hook is called once for each time that the flag goes up, so once more than it was taken down.
///
/// Red: `raise` with a load and a store for its swap (both see it down).
#[test]
fn one_call_of_the_hook_for_each_time_the_flag_goes_up() {
    explore(Some(3), 82, || {
        let flag = Arc::new(UpdateFlag::new());
        let others = [(); 2].map(|()| {
            let flag = Arc::clone(&flag);
            thread::spawn(move || usize::from(flag.raise()))
        });
        let taken = usize::from(flag.take());
        let calls: usize = others.into_iter().map(|other| other.join().expect("raises")).sum();
        let left = usize::from(flag.take());
        assert_eq!(calls, taken + left, "a call for each edge");
        assert!(calls >= 1);
    });
}

/// A thread raises its own per-thread flag, another the common flag: what either published is seen, or the flag is up.
///
/// Red: `raise_thread_flag` with a relaxed store; `take` with a relaxed load of the per-thread flag.
#[test]
fn an_update_on_a_lane_is_seen_or_the_flag_is_up() {
    explore(Some(3), 100, || {
        let flag = Arc::new(UpdateFlag::new());
        let news = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let thread_flag = {
            let (flag, news) = (Arc::clone(&flag), Arc::clone(&news));
            thread::spawn(move || {
                for number in 1..=2 {
                    news[0].store(number, Relaxed);
                    flag.raise_thread_flag(1);
                }
            })
        };
        let common = {
            let (flag, news) = (Arc::clone(&flag), Arc::clone(&news));
            thread::spawn(move || {
                news[1].store(1, Relaxed);
                let _edge = flag.raise();
            })
        };
        let look = || [news[0].load(Relaxed), news[1].load(Relaxed)];
        let mut seen = [0, 0];
        if flag.take() {
            seen = look();
        }
        thread_flag.join().expect("raises");
        common.join().expect("raises");
        let up = flag.take();
        assert!(seen == [2, 1] || up, "an update was lost");
        assert!(!flag.take(), "taken once");
    });
}

/// Two wait for the last word of a reactor: both hear it, after all that came before it.
///
/// Red: `tell` that wakes one; `tell` that wakes before it writes.
#[test]
fn the_last_word_reaches_all_who_wait() {
    explore(Some(3), 420, || {
        let ending = Arc::new((Ending::new(), Place::new(), AtomicBool::new(false)));
        let others = [(); 2].map(|()| {
            let ending = Arc::clone(&ending);
            thread::spawn(move || {
                let (ending, place, news) = &*ending;
                assert!(ending.wait(None));
                place.read();
                assert!(news.load(Relaxed));
            })
        });
        let (word, place, news) = &*ending;
        place.write(|| news.store(true, Relaxed));
        word.tell();
        assert!(word.is_told());
        for other in others {
            other.join().expect("waits");
        }
    });
}
