//! How long a frame is: as long as it took, or an exact part of a second.

use std::time::{Duration, Instant};

/// Real time that one frame stands for at most. After a longer break (a terminal that was stopped) the game goes on where
/// it was.
const LONGEST: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(crate) struct Pace {
    fps: u32,
    /// When the last frame began, where the real time counts.
    last: Option<Instant>,
    /// Frames in which game time could pass.
    frames: u64,
    /// The real time that they stand for.
    played: Duration,
}

impl Pace {
    /// Frames that last as long as they do.
    pub(crate) fn measured(fps: u32, now: Instant) -> Self {
        Self { fps, last: Some(now), frames: 0, played: Duration::ZERO }
    }

    /// Frames of which `fps` are exactly a second.
    pub(crate) fn exact(fps: u32) -> Self {
        Self { fps, last: None, frames: 0, played: Duration::ZERO }
    }

    /// The length of the frame that begins now. One that waits for a level counts for nothing.
    pub(crate) fn next(&mut self, now: Instant, is_loading: bool) -> Duration {
        let measured = self.last.as_mut().map(|last| now - std::mem::replace(last, now));
        if is_loading {
            return Duration::ZERO;
        }
        self.frames += 1;
        let exact = |frames| Duration::from_nanos(frames * 1_000_000_000 / u64::from(self.fps));
        let length = measured.map_or_else(|| exact(self.frames) - exact(self.frames - 1), |real| real.min(LONGEST));
        self.played += length;
        length
    }

    /// The real time that was played.
    pub(crate) fn played(&self) -> Duration {
        self.played
    }

    pub(crate) fn frames(&self) -> u64 {
        self.frames
    }

    /// The time from frame to frame.
    pub(crate) fn period(&self) -> Duration {
        Duration::from_secs(1) / self.fps
    }
}
