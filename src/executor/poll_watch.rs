//! The poll in progress, for the thread that reports slow polls.
//!
//! The polling thread records each poll here, and the watcher checks it periodically. The word says whether a poll is
//! in progress and whether the watcher sleeps. Both sides change it, so no poll begins unseen:
//!
//! ```text
//! poller:   note the poll -> word: swap(count | POLLING)         ASLEEP was set: wake the watcher
//!           the poll ends -> word: store(count)
//! watcher:  POLLING? look at the note, report it once            nothing since the last look? count -> count | ASLEEP
//! ```
//! ASLEEP is set by a compare-and-swap on a word without POLLING, so the store at the end of a poll cannot clear it. An
//! idle runtime begins no poll: its watcher sleeps until it does.
//!
//! Polls may be nested: the inner one saves the record of the outer one and restores it at its end.

use crate::instant::Instant;
use crate::park::{CondvarParker, Unpark};
use crate::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use crate::sync::{Arc, Mutex};
use crate::task::TaskInfo;
use crate::task::raw::TaskRef;
use std::time::Duration;

/// Set while a poll is in progress.
const POLLING: u64 = 1;

/// Set while the watcher sleeps; the next poll wakes it.
const ASLEEP: u64 = 2;

/// The count of one poll.
const ONE: u64 = 4;

/// The shortest time between two checks of the watcher.
const SHORTEST_WAIT: Duration = Duration::from_micros(100);

/// A slow poll: its task and its duration.
///
/// From [`Builder::on_slow_poll`](crate::Builder::on_slow_poll) and [`Metrics`](crate::Metrics), in a runtime that
/// [watches its polls](crate::Builder::watch_polls).
#[derive(Clone, Debug)]
pub struct SlowPoll {
    task: Option<TaskInfo>,
    elapsed: Duration,
}

impl SlowPoll {
    /// Returns the polled task, or `None` for a hook of the runtime.
    ///
    /// It may also be a task whose closure runs in a tick.
    pub fn task(&self) -> Option<&TaskInfo> {
        self.task.as_ref()
    }

    /// Returns the duration of the poll so far, in real time.
    pub fn elapsed(&self) -> Duration {
        self.elapsed
    }
}

/// A poll in progress.
#[derive(Debug)]
struct Note {
    /// The polled task; `None` while hooks are called.
    task: Option<TaskRef>,
    since: Instant,
    reported: bool,
}

#[derive(Debug, Default)]
struct Notes {
    current: Option<Note>,
    longest: Option<SlowPoll>,
    /// The number of reported polls.
    reported: u64,
}

/// The next step of the watcher.
#[derive(Debug)]
#[must_use]
pub(crate) enum Look {
    /// A poll beyond the threshold that was not reported before.
    Slow(SlowPoll),
    /// Check again after this time.
    Again(Duration),
    /// Sleep until a poll begins.
    Sleep,
}

/// The polls of one executor, as its watcher sees them.
#[derive(Debug)]
pub(crate) struct PollWatch {
    threshold: Duration,
    word: AtomicU64,
    notes: Mutex<Notes>,
    parker: Arc<CondvarParker>,
    closed: AtomicBool,
}

impl PollWatch {
    pub(crate) fn new(threshold: Duration) -> Self {
        Self {
            threshold,
            word: AtomicU64::new(0),
            notes: Mutex::default(),
            parker: Arc::new(CondvarParker::new()),
            closed: AtomicBool::new(false),
        }
    }

    /// Records the begin of a poll, of a task or of hooks.
    ///
    /// It ends when the result is dropped. For the polling thread.
    pub(crate) fn begin(&self, task: Option<TaskRef>) -> Poll<'_> {
        let note = Note { task, since: Instant::now(), reported: false };
        let outer = self.notes.lock().current.replace(note);
        // Only this thread changes the count. AcqRel: the acquire half pairs with the watcher's setting of ASLEEP, the
        // release half with its check.
        let count = (self.word.load(Ordering::Relaxed) & !(POLLING | ASLEEP)).wrapping_add(ONE);
        if self.word.swap(count | POLLING, Ordering::AcqRel) & ASLEEP != 0 {
            self.parker.unpark();
        }
        Poll { watch: self, outer }
    }

    fn end(&self, outer: Option<Note>) {
        let nested = outer.is_some();
        let mut notes = self.notes.lock();
        let ended = std::mem::replace(&mut notes.current, outer);
        let Some(ended) = ended else { return };
        let elapsed = ended.since.elapsed();
        let is_longest = notes.longest.as_ref().is_none_or(|longest| longest.elapsed < elapsed);
        drop(notes);
        if !nested {
            // Release, as in `begin`.
            self.word.store(self.word.load(Ordering::Relaxed) & !POLLING, Ordering::Release);
        }
        if is_longest {
            // Without a reference to the task: it may be kept for long.
            let task = ended.task.as_ref().map(|task| TaskInfo::of(task).apart());
            let before = self.notes.lock().longest.replace(SlowPoll { task, elapsed });
            drop(before);
        }
    }

    /// Checks the current poll. `seen` is the watcher's own state, initially 0.
    pub(crate) fn look(&self, seen: &mut u64) -> Look {
        // Acquire pairs with `begin`; the lock below orders the record.
        let word = self.word.load(Ordering::Acquire);
        if word & ASLEEP != 0 {
            return Look::Sleep;
        }
        if word & POLLING != 0 {
            *seen = word & !POLLING;
            return self.look_at_poll();
        }
        if word != *seen {
            *seen = word;
            return Look::Again(self.threshold.max(SHORTEST_WAIT));
        }
        // Release pairs with the acquire half in `begin`. Relaxed on failure: the next check acquires.
        match self.word.compare_exchange(word, word | ASLEEP, Ordering::Release, Ordering::Relaxed) {
            Ok(_) => Look::Sleep,
            Err(_) => Look::Again(Duration::ZERO),
        }
    }

    fn look_at_poll(&self) -> Look {
        let mut notes = self.notes.lock();
        let Some(note) = notes.current.as_mut().filter(|note| !note.reported) else {
            return Look::Again(self.threshold.max(SHORTEST_WAIT));
        };
        let elapsed = note.since.elapsed();
        if elapsed < self.threshold {
            return Look::Again((self.threshold - elapsed).max(SHORTEST_WAIT));
        }
        note.reported = true;
        let task = note.task.clone();
        notes.reported += 1;
        drop(notes);
        Look::Slow(SlowPoll { task: task.as_ref().map(TaskInfo::of), elapsed })
    }

    /// Waits for that time at most, or (`None`) until a poll begins.
    pub(crate) fn wait(&self, time: Option<Duration>) {
        self.parker.park(time);
    }

    /// Ends the watcher.
    pub(crate) fn close(&self) {
        // Release pairs with `is_closed`; the unpark follows.
        self.closed.store(true, Ordering::Release);
        self.parker.unpark();
    }

    /// Returns true once the watch is closed. Acquire pairs with `close`.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Returns the current slow poll, the longest poll, and the number of reports.
    pub(crate) fn polls(&self) -> (Option<SlowPoll>, Option<SlowPoll>, u64) {
        let notes = self.notes.lock();
        let current = notes.current.as_ref().map(|note| (note.task.clone(), note.since.elapsed()));
        let (longest, reported) = (notes.longest.clone(), notes.reported);
        drop(notes);
        let current = current.map(|(task, elapsed)| SlowPoll { task: task.as_ref().map(TaskInfo::of), elapsed });
        let longest = match (&current, longest) {
            (Some(current), longest) if longest.as_ref().is_none_or(|longest| longest.elapsed < current.elapsed) => {
                Some(current.clone())
            }
            (_, longest) => longest,
        };
        (current.filter(|poll| poll.elapsed >= self.threshold), longest, reported)
    }
}

/// A poll in progress, which ends when this is dropped.
#[must_use]
pub(crate) struct Poll<'a> {
    watch: &'a PollWatch,
    outer: Option<Note>,
}

impl Drop for Poll<'_> {
    fn drop(&mut self) {
        self.watch.end(self.outer.take());
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A threshold that every poll exceeds immediately.
    const NONE: Duration = Duration::ZERO;

    #[test]
    fn a_poll_is_reported_once_and_measured_at_its_end() {
        let (watch, mut seen) = (PollWatch::new(NONE), 0);
        for reported in 1..4 {
            let poll = watch.begin(None);
            assert!(matches!(watch.look(&mut seen), Look::Slow(slow) if slow.task().is_none()));
            assert!(matches!(watch.look(&mut seen), Look::Again(_)), "once a poll");
            let (current, longest, count) = watch.polls();
            assert!(current.is_some() && longest.is_some());
            assert_eq!(count, reported);
            drop(poll);
            assert!(watch.polls().0.is_none() && watch.polls().1.is_some());
        }
        let patient = PollWatch::new(Duration::MAX);
        let _poll = patient.begin(None);
        assert!(matches!(patient.look(&mut seen), Look::Again(_)));
        let (current, longest, count) = patient.polls();
        assert!(current.is_none() && longest.is_some() && count == 0);
    }

    #[test]
    fn a_poll_inside_a_poll_is_one_of_its_own() {
        let (watch, mut seen) = (PollWatch::new(NONE), 0);
        let outer = watch.begin(None);
        assert!(matches!(watch.look(&mut seen), Look::Slow(_)));
        let inner = watch.begin(None);
        assert!(matches!(watch.look(&mut seen), Look::Slow(_)));
        drop(inner);
        assert!(matches!(watch.look(&mut seen), Look::Again(_)), "the outer one was reported before");
        drop(outer);
        assert_eq!(watch.polls().2, 2);
    }

    #[test]
    fn the_watcher_of_an_idle_runtime_sleeps_until_a_poll_begins() {
        let (watch, mut seen) = (PollWatch::new(Duration::MAX), 0);
        for _ in 0..2 {
            drop(watch.begin(None));
            assert!(matches!(watch.look(&mut seen), Look::Again(_)), "there was one since");
            for _ in 0..3 {
                assert!(matches!(watch.look(&mut seen), Look::Sleep));
            }
        }
        let _poll = watch.begin(None);
        // It was woken.
        watch.wait(None);
        assert!(matches!(watch.look(&mut seen), Look::Again(_)));
    }
}
