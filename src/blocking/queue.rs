//! The queue of the jobs that come from outside: a stack that submitters push on, and a queue of closed batches.
//!
//! ```text
//! submitter:  push ---> OPEN (an intrusive stack)
//!             every BATCH-th:     OPEN, all of it, as one batch ---> CLOSED (a queue of batches)
//! worker:     the oldest batch of CLOSED; if there is none, all of OPEN  ---> its own deque, oldest first
//! ```
//! A job is linked into the stack by itself, so nothing is allocated to queue it, and nothing freed to take it. That is the
//! point: memory which submitters allocate and workers free is memory for whose allocator both wait, and sleep. Only the
//! batches go through a queue that allocates, once in two thousand jobs.
//!
//! A stack gives up all it has, newest first, or nothing. Batches bound the price of that: how many jobs one worker takes
//! while others have none, and how many links it follows to turn them round, whatever the number that waits.
//!
//! Jobs of one submitter come out in the order in which they went in, but for those that are moved between the two at this
//! moment: they are in neither, as if they were still being pushed. They count as pending all the while (rule 1 of the
//! module), so no worker sleeps or leaves meanwhile.

use super::Job;
use super::worker::insist;
use crate::task::raw::{Batch, Inbox, Push};
use crate::util::cache_padded::CachePadded;
use crossbeam_deque::Injector;
use std::marker::PhantomData;

/// Jobs pushed by any thread.
pub(super) struct Queue<J> {
    open: CachePadded<Inbox>,
    closed: Injector<Batch>,
    jobs: PhantomData<fn() -> J>,
}

impl<J: Job> Queue<J> {
    pub(super) fn new() -> Self {
        Self { open: CachePadded::new(Inbox::new()), closed: Injector::new(), jobs: PhantomData }
    }

    /// Queues a job.
    #[inline]
    pub(super) fn push(&self, job: J) {
        match self.open.push(job.into()) {
            Push::First | Push::Queued => {}
            Push::Closed(_) => unreachable!("the stack of a pool is never closed"),
        }
    }

    /// Makes a batch of what was pushed since the last one. Whoever was admitted as the last of a batch does so.
    #[cold]
    pub(super) fn close_batch(&self) {
        let batch = self.open.take();
        if !batch.is_empty() {
            self.closed.push(batch);
        }
    }

    /// Takes some of the oldest jobs out.
    pub(super) fn take(&self) -> impl Iterator<Item = J> + use<J> {
        let batch = insist(|| self.closed.steal()).unwrap_or_else(|| self.open.take());
        batch.map(J::from)
    }
}
