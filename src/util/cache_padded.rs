//! Keeps a value on cache lines of its own, so that two threads that write two neighbours do not slow each other.

use std::ops::Deref;

/// A `T` that shares its cache line with nothing: 128 bytes, because recent x86-64 fetches lines in pairs and recent
/// AArch64 has lines of 128.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct CachePadded<T>(T);

impl<T> CachePadded<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(value)
    }
}

impl<T> Deref for CachePadded<T> {
    type Target = T;
    #[inline(always)]
    fn deref(&self) -> &T {
        &self.0
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn neighbours_stand_on_lines_of_their_own() {
        let pair = [CachePadded::new(1u8), CachePadded::new(2)];
        assert_eq!((*pair[0], *pair[1]), (1, 2));
        assert_eq!(size_of_val(&pair), 256);
        assert_eq!(align_of_val(&pair), 128);
    }
}
