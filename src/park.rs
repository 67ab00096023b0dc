//! How a thread that waits for work is told that there is some.

/// Ends the wait of one reactor, now or the next time it is about to wait.
///
/// An engine that hands work to a reactor knows nothing of how that reactor waits (a condition variable, the
/// operating system's poll, the host's own loop): it publishes its work and calls this.
pub(crate) trait Unpark: Send + Sync {
    /// Wakes the reactor; if it does not wait yet, its next wait returns at once. Never called under a lock.
    fn unpark(&self);
}
