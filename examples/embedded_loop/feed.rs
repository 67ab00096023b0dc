//! The newest reading, from the future that has it to the future that wants it.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::task::{Poll, Waker};

/// Holds one reading: a controller wants the newest, not all of them. Both sides live on one thread, so cells will do.
#[derive(Default)]
pub(crate) struct Feed {
    reading: Cell<Option<f64>>,
    reader: Cell<Option<Waker>>,
    taken: Cell<u64>,
    rejected: Cell<u64>,
}

impl Feed {
    /// Brings a reading, in degrees Celsius. One that nobody has taken is replaced.
    pub(crate) fn put(&self, celsius: f64) {
        self.reading.set(Some(celsius));
        self.taken.set(self.taken.get() + 1);
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }

    /// The next reading. There is one reader.
    pub(crate) fn next(&self) -> impl Future<Output = f64> + '_ {
        poll_fn(|cx| match self.reading.take() {
            Some(celsius) => Poll::Ready(celsius),
            None => {
                self.reader.set(Some(cx.waker().clone()));
                Poll::Pending
            }
        })
    }

    /// Counts what came from the sensor and was no reading.
    pub(crate) fn count_rejected(&self, count: usize) {
        self.rejected.set(self.rejected.get() + count as u64);
    }

    /// Readings that came.
    pub(crate) fn taken(&self) -> u64 {
        self.taken.get()
    }

    pub(crate) fn rejected(&self) -> u64 {
        self.rejected.get()
    }
}
