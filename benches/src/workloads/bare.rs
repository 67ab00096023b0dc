//! The floor of what hands jobs to threads: a ring for each thread, and threads that never sleep.

use rtrb::{Producer, RingBuffer};
use std::thread::JoinHandle;

const CAPACITY: usize = 4096;
/// Jobs worth a look.
const BATCH: usize = 256;
/// Looks in vain until fewer will do.
const PATIENCE: usize = 100;

/// Threads that live as long as this does: no longer than a run, since they take their cores. What `run` does not catch
/// ends its thread.
pub(super) struct BareThreads<J: Send + 'static> {
    rings: Vec<Producer<J>>,
    next: usize,
    threads: Vec<JoinHandle<()>>,
}

impl<J: Send + 'static> BareThreads<J> {
    pub(super) fn start(threads: usize, run: impl Fn(J) + Copy + Send + 'static) -> Self {
        let thread = |_| {
            let (producer, mut consumer) = RingBuffer::new(CAPACITY);
            let thread = std::thread::spawn(move || {
                let mut waited = 0;
                // The last look comes after the end was seen.
                while !consumer.is_abandoned() || !consumer.is_empty() {
                    let there = consumer.slots();
                    // In batches: whoever takes each job as it comes shares its cache lines with whoever brings it.
                    if there < BATCH && waited < PATIENCE {
                        waited += 1;
                        std::thread::yield_now();
                        continue;
                    }
                    waited = 0;
                    let jobs = consumer.read_chunk(there).expect("so many are there");
                    jobs.into_iter().for_each(run);
                }
            });
            (producer, thread)
        };
        let (rings, threads) = (0..threads).map(thread).unzip();
        Self { rings, next: 0, threads }
    }

    /// To each thread in turn.
    pub(super) fn push(&mut self, mut job: J) {
        self.next = (self.next + 1) % self.rings.len();
        while let Err(rtrb::PushError::Full(back)) = self.rings[self.next].push(job) {
            job = back;
            std::thread::yield_now();
        }
    }
}

impl<J: Send + 'static> Drop for BareThreads<J> {
    fn drop(&mut self) {
        self.rings.clear();
        for thread in self.threads.drain(..) {
            thread.join().expect("it does not panic");
        }
    }
}
