//! What the example's own server has to offer, faults included. A path says it all: `/NUMBER/KIND/SIZE`.

use fastrand::Rng;
use std::fmt;

/// How a resource is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// With its length.
    Plain,
    /// In chunks, so that nobody knows its size before the end.
    Chunked,
    /// In small pieces, with a pause after each.
    Slow,
    /// Until the connection is closed.
    Close,
    /// The server has no time for the first two requests, and says when it will.
    Busy,
    /// The first request ends with a reset in the middle of the body.
    Reset,
    /// The server never answers.
    Silent,
    /// There is no such thing.
    Missing,
}

impl Kind {
    const HEALTHY: [Self; 4] = [Self::Plain, Self::Chunked, Self::Slow, Self::Close];
    const FAULTY: [Self; 4] = [Self::Busy, Self::Reset, Self::Missing, Self::Silent];

    fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Chunked => "chunked",
            Self::Slow => "slow",
            Self::Close => "close",
            Self::Busy => "busy",
            Self::Reset => "reset",
            Self::Silent => "silent",
            Self::Missing => "missing",
        }
    }
}

/// One resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resource {
    /// Makes its path one of its own, also among others that are alike.
    number: usize,
    pub(crate) kind: Kind,
    /// Bytes of its content.
    pub(crate) size: usize,
}

impl Resource {
    pub(crate) fn from_path(path: &str) -> Option<Self> {
        let mut parts = path.strip_prefix('/')?.split('/');
        let (number, kind, size) = (parts.next()?, parts.next()?, parts.next()?);
        let kind = Kind::HEALTHY.into_iter().chain(Kind::FAULTY).find(|known| known.name() == kind)?;
        let resource = Self { number: number.parse().ok()?, kind, size: size.parse().ok()? };
        (parts.next().is_none()).then_some(resource)
    }
}

/// Its path.
impl fmt::Display for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{}/{}/{}", self.number, self.kind.name(), self.size)
    }
}

/// So many resources, the same for the same `seed`. Of the part that `fail_rate` says (0 to 1) are the faulty ones, of
/// all kinds in turn. Sizes are from nothing to four megabytes.
pub(crate) fn choose(count: usize, seed: u64, fail_rate: f64) -> Vec<Resource> {
    let mut rng = Rng::with_seed(seed);
    let (mut healthy, mut faulty) = (Kind::HEALTHY.iter().cycle(), Kind::FAULTY.iter().cycle());
    let mut one = |number| {
        let kinds = if rng.f64() < fail_rate { &mut faulty } else { &mut healthy };
        let kind = *kinds.next().expect("a cycle of four goes on for ever");
        // What is slow on purpose takes time enough with little.
        // Drawn with 64 bits, so that a seed gives the same sizes on 32-bit systems.
        let below = 1 << rng.u64(12..=if kind == Kind::Slow { 18 } else { 22 });
        let size = if rng.u8(..8) == 0 { 0 } else { rng.u64(1..below) as usize };
        Resource { number, kind, size }
    };
    (1..=count).map(&mut one).collect()
}

#[cfg(test)]
mod tests {
    use super::{Kind, Resource, choose};

    #[test]
    fn paths_tell_resources() {
        let all = choose(1000, 7, 0.5);
        assert_eq!(all, choose(1000, 7, 0.5));
        for resource in &all {
            assert_eq!(Resource::from_path(&resource.to_string()), Some(*resource));
        }
        for path in ["", "/", "1/plain/2", "/1/plain", "/1/other/2", "/1/plain/-2", "/1/plain/2/3"] {
            assert_eq!(Resource::from_path(path), None, "{path:?}");
        }
        assert!(all.iter().any(|resource| resource.size == 0) && all.iter().any(|resource| resource.size > 1 << 20));
    }

    #[test]
    fn the_rate_of_faults_is_kept() {
        let faults =
            |rate| choose(1000, 7, rate).iter().filter(|resource| Kind::FAULTY.contains(&resource.kind)).count();
        assert_eq!((faults(0.0), faults(1.0)), (0, 1000));
        assert!((200..300).contains(&faults(0.25)), "{}", faults(0.25));
    }
}
