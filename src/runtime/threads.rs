//! The pool of a runtime, made for the first closure.
//!
//! Without closures there is neither its memory, nor the look at how many cores there are; and since whatever else is asked of
//! it goes through a trait object that only the first submit makes, a program that submits none does not even link it.

use super::owner::PoolJob;
use crate::blocking::{Config, Permit, Pool, PoolStats, Refused};
use crate::sync::OnceLock;
use std::time::Instant;

/// A pool that may not be there yet.
pub(crate) struct Threads {
    config: Config,
    /// `None` within: closed before the first closure came. Whichever of the two comes first decides, once.
    made: OnceLock<Option<Box<dyn Front>>>,
}

impl Threads {
    pub(crate) fn new(config: Config) -> Self {
        Self { config, made: OnceLock::new() }
    }

    /// As [`Pool::admit`].
    #[inline]
    pub(crate) fn admit(&self) -> Result<Permit<'_, PoolJob>, Refused> {
        self.pool().map_or(Err(Refused::Closed), Pool::admit)
    }

    /// As [`Pool::admit_unlimited`].
    #[inline]
    pub(crate) fn admit_unlimited(&self) -> Result<Permit<'_, PoolJob>, Refused> {
        self.pool().map_or(Err(Refused::Closed), Pool::admit_unlimited)
    }

    /// `None` if it was closed before it was made.
    #[inline]
    fn pool(&self) -> Option<&Pool<PoolJob>> {
        self.made.get_or_init(|| Some(Box::new(Pool::<PoolJob>::new(self.config.clone())))).as_deref().map(Front::pool)
    }

    /// As [`Pool::close`].
    pub(crate) fn close(&self) {
        if let Some(pool) = self.made.get_or_init(|| None) {
            pool.close();
        }
    }

    /// As [`Pool::drain`]; the closures are dropped.
    pub(crate) fn drain(&self) {
        if let Some(pool) = self.front() {
            pool.drain();
        }
    }

    /// As [`Pool::join`].
    pub(crate) fn join(&self, deadline: Option<Instant>) -> usize {
        self.front().map_or(0, |pool| pool.join(deadline))
    }

    /// As [`Pool::stats`].
    pub(crate) fn stats(&self) -> PoolStats {
        self.front().map(Front::stats).unwrap_or_default()
    }

    fn front(&self) -> Option<&dyn Front> {
        self.made.get()?.as_deref()
    }
}

/// What the runtime asks of its pool.
trait Front: Send + Sync {
    fn pool(&self) -> &Pool<PoolJob>;
    fn close(&self);
    fn drain(&self);
    fn join(&self, deadline: Option<Instant>) -> usize;
    fn stats(&self) -> PoolStats;
}

impl Front for Pool<PoolJob> {
    fn pool(&self) -> &Self {
        self
    }

    fn close(&self) {
        Self::close(self);
    }

    fn drain(&self) {
        Self::drain(self, drop);
    }

    fn join(&self, deadline: Option<Instant>) -> usize {
        Self::join(self, deadline)
    }

    fn stats(&self) -> PoolStats {
        Self::stats(self)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_made_for_the_first_closure_and_not_after_the_end() {
        let threads = Threads::new(Config::default());
        assert_eq!((threads.stats(), threads.join(None)), (PoolStats::default(), 0));
        threads.drain();
        assert!(threads.front().is_none());
        threads.close();
        assert!(matches!(threads.admit(), Err(Refused::Closed)));
        assert!(matches!(threads.admit_unlimited(), Err(Refused::Closed)));
        assert!(threads.front().is_none());

        let threads = Threads::new(Config::default());
        drop(threads.admit());
        assert!(threads.front().is_some());
        threads.close();
        assert!(matches!(threads.admit(), Err(Refused::Closed)));
        assert_eq!(threads.join(None), 0);
    }
}
