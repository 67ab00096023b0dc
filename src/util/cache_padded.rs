//! A value on its own cache lines, apart from values that other threads write.

use std::ops::Deref;

/// A `T` that shares its cache line with nothing, in 128 bytes.
///
/// Recent x86-64 fetches lines in pairs, and recent AArch64 has lines of 128 bytes.
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
