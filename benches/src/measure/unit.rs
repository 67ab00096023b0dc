//! What figures are counted in.

/// Which direction is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    Higher,
    Lower,
}

impl Better {
    pub fn name(self) -> &'static str {
        match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
        }
    }

    /// How a ratio that meets its bound stands to it.
    pub fn sign(self) -> &'static str {
        match self {
            Self::Higher => ">=",
            Self::Lower => "<=",
        }
    }

    /// True if `ratio` is as good as `bound`, or better.
    pub fn meets(self, ratio: f64, bound: f64) -> bool {
        match self {
            Self::Higher => ratio >= bound,
            Self::Lower => ratio <= bound,
        }
    }
}

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Million operations a second.
    MillionPerSecond,
    /// Thousand operations a second.
    ThousandPerSecond,
    /// Nanoseconds an operation.
    Nanoseconds,
    /// Microseconds an operation.
    Microseconds,
    /// Bytes an object.
    Bytes,
    /// Allocations an object.
    Allocations,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Self::MillionPerSecond => "M/s",
            Self::ThousandPerSecond => "k/s",
            Self::Nanoseconds => "ns",
            Self::Microseconds => "us",
            Self::Bytes => "B",
            Self::Allocations => "allocs",
        }
    }

    pub fn better(self) -> Better {
        if matches!(self, Self::MillionPerSecond | Self::ThousandPerSecond) { Better::Higher } else { Better::Lower }
    }

    /// From what a [`Sample`](super::Sample) holds.
    pub(super) fn figure(self, raw: f64) -> f64 {
        match self {
            Self::MillionPerSecond => 1e-6 / raw,
            Self::ThousandPerSecond => 1e-3 / raw,
            Self::Nanoseconds => raw * 1e9,
            Self::Microseconds => raw * 1e6,
            Self::Bytes | Self::Allocations => raw,
        }
    }
}
