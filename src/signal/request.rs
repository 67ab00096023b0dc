//! That the program is to stop, and why: what handlers, hooks and the program's own calls all write to.

use super::exit_report::{Cause, Failure};
use super::latch::{Flag, Latch};
use crate::error::TaskError;
use crate::instant::Instant;
use crate::sync::plain::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};
use crate::sync::{Arc, OnceLock};
use crate::task::TaskInfo;
use std::time::Duration;

/// Nobody has asked yet.
const NONE: usize = 0;
/// Above every signal's number.
const PROGRAM: usize = 1 << 16;
const UNHANDLED: usize = PROGRAM + 1;

/// Signal handlers store into it, so it is an atomic of the standard library, and they use the strongest ordering.
impl Flag for Arc<AtomicBool> {
    fn raise(&self) {
        self.store(true, Ordering::SeqCst);
    }

    fn is_raised(&self) -> bool {
        self.load(Ordering::SeqCst)
    }
}

/// The longest time that signals may be merged for: for ever, as far as anyone can tell.
const LONGEST_MERGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// One request to stop; the first to ask is its cause.
///
/// ```text
/// nobody asked --[cause is written, then the flag raised]--> stopping --[armed is raised]--> armed: a signal ends the process
/// ```
/// The cause is written before the flag is raised, by a handler as by anyone else: whoever sees the flag knows the cause.
/// A handler stores its signal without looking (it can do no more), so of several that ask before the request is armed any
/// may be named.
///
/// A request of the program is armed at once. One of a signal is armed by the attendant, when the time has passed in which
/// further signals count as the same; by the handler itself if there is no such time.
pub(super) struct Request {
    pub(super) stopping: Arc<AtomicBool>,
    pub(super) armed: Arc<AtomicBool>,
    pub(super) cause: Arc<AtomicUsize>,
    pub(super) latch: Latch<Arc<AtomicBool>>,
    /// The signals are given back: nobody needs to wait for anything here.
    released: AtomicBool,
    /// When it was noticed.
    begun: OnceLock<Instant>,
    failure: Mutex<Option<Failure>>,
    further: AtomicU64,
}

impl Request {
    pub(super) fn new() -> Self {
        let stopping = Arc::new(AtomicBool::new(false));
        Self {
            cause: Arc::new(AtomicUsize::new(NONE)),
            latch: Latch::new(Arc::clone(&stopping)),
            stopping,
            armed: Arc::new(AtomicBool::new(false)),
            released: AtomicBool::new(false),
            begun: OnceLock::new(),
            failure: Mutex::new(None),
            further: AtomicU64::new(0),
        }
    }

    pub(super) fn cause(&self) -> Option<Cause> {
        if !self.latch.is_raised() {
            return None;
        }
        Some(match self.cause.load(Ordering::SeqCst) {
            UNHANDLED => Cause::Unhandled,
            signal if signal < PROGRAM => Cause::Signal(signal as i32),
            _ => Cause::Program,
        })
    }

    /// The program asks. False if somebody has asked before.
    pub(super) fn by_program(&self) -> bool {
        self.ask(PROGRAM, || ())
    }

    /// A task failed and nobody holds its handle.
    pub(super) fn by_failure(&self, task: &TaskInfo, error: &TaskError) {
        let failed = matches!(error, TaskError::Failed(_) | TaskError::Panicked(_) | TaskError::TimedOut(_));
        if failed && !self.ask(UNHANDLED, || *self.failure.lock() = Some(Failure::new(task, error))) {
            self.further.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// `prepare` runs between the claim of the cause and the raising of the flag, for whoever is first.
    fn ask(&self, cause: usize, prepare: impl FnOnce()) -> bool {
        let first = self.cause.compare_exchange(NONE, cause, Ordering::SeqCst, Ordering::SeqCst).is_ok();
        if first {
            prepare();
            self.begun();
            self.armed.raise();
            self.latch.raise();
        }
        first
    }

    /// On the attendant, after a signal: arms the request when `merge` has passed.
    pub(super) fn arm_after(&self, merge: Duration) {
        let end = self.begun() + merge.min(LONGEST_MERGE);
        while !self.armed.is_raised() && !self.released.load(Ordering::Acquire) {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.armed.raise();
            } else {
                crate::sync::thread::park_timeout(left);
            }
        }
    }

    /// The attendant is to be unparked after this.
    pub(super) fn release(&self) {
        self.released.store(true, Ordering::Release);
    }

    /// When the request was noticed; now, if this is that moment.
    pub(super) fn begun(&self) -> Instant {
        *self.begun.get_or_init(Instant::now)
    }

    pub(super) fn take_failure(&self) -> Option<Failure> {
        self.failure.lock().take()
    }

    pub(super) fn further(&self) -> u64 {
        self.further.load(Ordering::Relaxed)
    }
}
