//! When a run is due: what sets one kind of repetition apart from another.

use crate::instant::Instant;

/// Asked by the driver alone. The instants are those of the runtime's clock.
pub(crate) trait Plan: Send + 'static {
    /// Everything begins now.
    fn begin(&mut self, now: Instant);

    /// When the next run is due.
    fn next(&mut self, now: Instant) -> Due;

    /// A run begins now: the one that is due, or one that was asked for.
    fn launched(&mut self, now: Instant, asked: bool);

    /// From now on a run may begin again: the last one is over, or a pause.
    fn free_again(&mut self);
}

/// When to look at a plan again.
#[must_use]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Due {
    Now,
    At(Instant),
    /// Upon a notice.
    Unknown,
    /// No run lies ahead.
    #[cfg_attr(not(feature = "cron"), expect(dead_code, reason = "intervals go on for ever"))]
    Never,
}
