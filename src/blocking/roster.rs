//! An append-only array that grows in place, so that readers need neither a lock nor a snapshot.

use crate::sync::OnceLock;

/// Entries of the first chunk; each further chunk is twice as large.
const FIRST: usize = 16;
/// Chunks, enough for 131,056 entries.
const CHUNKS: usize = 13;

/// An array of up to 131,056 entries, each made once and never moved.
pub(super) struct Roster<T> {
    chunks: [OnceLock<Box<[OnceLock<T>]>>; CHUNKS],
}

impl<T> Roster<T> {
    pub(super) fn new() -> Self {
        Self { chunks: [const { OnceLock::new() }; CHUNKS] }
    }

    /// The entry at `index`, if it was made.
    pub(super) fn get(&self, index: usize) -> Option<&T> {
        let (chunk, offset) = locate(index);
        self.chunks.get(chunk)?.get()?[offset].get()
    }

    /// The entry at `index`, made now if need be.
    ///
    /// # Panics
    /// If `index` is beyond the largest size: the pool's thread limit lies below it.
    pub(super) fn get_or_make(&self, index: usize, make: impl FnOnce() -> T) -> &T {
        let (chunk, offset) = locate(index);
        let entries = self.chunks[chunk].get_or_init(|| (0..FIRST << chunk).map(|_| OnceLock::new()).collect());
        entries[offset].get_or_init(make)
    }
}

/// Chunk and offset of an index: chunk `k` holds `FIRST << k` entries and begins at `FIRST * (2^k - 1)`.
fn locate(index: usize) -> (usize, usize) {
    let chunk = (index / FIRST + 1).ilog2() as usize;
    (chunk, index - FIRST * ((1 << chunk) - 1))
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn every_index_has_a_place_of_its_own() {
        let mut expected = (0, 0);
        for index in 0..100_000 {
            assert_eq!(locate(index), expected);
            expected.1 += 1;
            if expected.1 == FIRST << expected.0 {
                expected = (expected.0 + 1, 0);
            }
        }
    }

    #[test]
    fn an_entry_is_made_once() {
        let roster = Roster::new();
        assert!(roster.get(17).is_none());
        assert_eq!(*roster.get_or_make(17, || 1), 1);
        assert_eq!(*roster.get_or_make(17, || 2), 1);
        assert_eq!(roster.get(17), Some(&1));
        assert!(roster.get(16).is_none());
        assert!(roster.get(usize::MAX / 2).is_none());
    }
}
