//! [`Repeat`]: a job with a driver of its own, and results of a known type.

use super::core::Phase;
use super::job::Job;
use crate::repeat::{JobCounts, JobStatus};
use crate::task::SharedTask;
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::task::{Context, Poll};
use std::time::SystemTime;

/// The common part of [`Periodic`](crate::toolkit::Periodic), `OnTime` and [`Background`](crate::toolkit::Background): one job with an
/// owner.
///
/// It is a [`Job`](super::Job) by all rules of the [scheduler](super), and its builder has the same options. It can be started again,
/// knows the type of its results, and needs no manager. Every call may be made from any thread, also in the body itself, and none
/// waits. Dropping the owner cancels its runs; nothing runs any more.
///
/// The update flag ([`Handle::take_update`](crate::Handle::take_update)) goes up when a run ends, and when the status
/// changes by itself.
///
/// # Example
/// ```
/// use offtick::scheduler::JobStatus;
/// use offtick::toolkit::Periodic;
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let poll = Periodic::every(&rt, Duration::from_secs(60)).spawn(|_cx| async { "sunny" })?;
/// while poll.latest_done().is_none() {
///     std::thread::yield_now(); // a tick
/// }
/// poll.pause();
/// assert_eq!(poll.status(), JobStatus::Paused);
/// poll.run_now();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Repeat<T: Send + Sync + 'static> {
    job: Job,
    results: PhantomData<fn() -> T>,
}

impl<T: Send + Sync + 'static> Repeat<T> {
    pub(super) fn new(job: Job) -> Self {
        Self { job, results: PhantomData }
    }

    /// Begins anew, as when it was made: cancels the runs that are active, ends a pause, and revives a job that has finished, failed or
    /// was cancelled. Returns false after the runtime has shut down.
    pub fn start(&self) -> bool {
        self.job.restart()
    }

    /// Cancels the runs that are active. Nothing runs until [`start`](Self::start). Returns false if no run was active.
    ///
    /// Does not wait: a future is dropped at its next suspension point, a closure is notified through its context and holds its place
    /// until it returns.
    pub fn cancel(&self) -> bool {
        self.job.idle() > 0
    }

    /// Requests a run besides the slots; see [`Job::run_now`](super::Job::run_now). Returns false if the job is idle or over.
    pub fn run_now(&self) -> bool {
        self.job.run_now()
    }

    /// Lets no slot run until [`resume`](Self::resume). Returns false if the job was not active.
    pub fn pause(&self) -> bool {
        self.job.pause()
    }

    /// Ends a [`pause`](Self::pause). Returns false if the job was not paused.
    pub fn resume(&self) -> bool {
        self.job.resume()
    }

    /// The state of the job.
    pub fn status(&self) -> JobStatus {
        self.job.status()
    }

    /// The number of slots and runs, by what became of them.
    pub fn counts(&self) -> JobCounts {
        self.job.counts()
    }

    /// When it runs next, by the wall clock; see [`Job::next_run_at`](super::Job::next_run_at).
    pub fn next_run_at(&self) -> Option<SystemTime> {
        self.job.next_run_at()
    }

    /// True while a run is active, or waits for the closure of a cancelled one.
    pub fn is_running(&self) -> bool {
        let counts = self.counts();
        counts.running + counts.queued > 0
    }

    /// The newest run: `None` until the first.
    pub fn latest(&self) -> Option<SharedTask<T>> {
        self.job.latest().ok().flatten()
    }

    /// The newest run that is over, in whatever way: `None` until there is one.
    pub fn latest_finished(&self) -> Option<SharedTask<T>> {
        self.job.latest_finished().ok().flatten()
    }

    /// The newest run that ended with a value: what a screen shows while a newer run is active or has failed.
    pub fn latest_done(&self) -> Option<SharedTask<T>> {
        self.job.latest_done().ok().flatten()
    }

    /// Begins a run within this call, if there is room for it.
    pub(crate) fn start_run(&self) -> bool {
        self.job.start_run()
    }

    /// Waits until no start waits for the closure of a cancelled run.
    pub(crate) fn started(&self) -> impl Future<Output = ()> + Send + '_ {
        std::future::poll_fn(|cx: &mut Context<'_>| {
            if self.counts().queued > 0 {
                self.job.core().wake_on_run(cx.waker().clone());
            }
            // Checked again: a run may have been submitted before the waker was there.
            if self.counts().queued == 0 { Poll::Ready(()) } else { Poll::Pending }
        })
    }
}

impl<T: Send + Sync + 'static> Drop for Repeat<T> {
    fn drop(&mut self) {
        self.job.idle();
        self.job.core().close(Phase::ShutDown);
    }
}

impl<T: Send + Sync + 'static> fmt::Debug for Repeat<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repeat").field("status", &self.status()).field("counts", &self.counts()).finish_non_exhaustive()
    }
}
