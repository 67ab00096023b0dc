//! A vector with holes, whose indices are reused and whose stale keys find nothing.
//!
//! A [`Key`] is an index and the generation of that index. Removing a value increments the generation, so a stale key
//! finds nothing instead of another value. An index whose 2^32 generations are used up is retired: it costs its bytes
//! and is not reused.
//!
//! Free indices are used in the order of memory, so values that are added together are near each other.
//!
//! It is one vector. A large one grows by a quarter at a time instead of doubling, so that at most a fifth of it is
//! unused.

use crate::util::grow::make_room;
use crate::util::holes::Holes;
use std::num::NonZeroU32;

/// The number of slots from which on the slab grows by a quarter.
const LARGE: usize = 256;

/// A key of [`Slab::insert`], valid until its value is removed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    index: u32,
    generation: NonZeroU32,
}

impl Key {
    /// Returns the index, to which the generation belongs.
    #[cfg(any(feature = "net", test))]
    pub(crate) fn index(self) -> u32 {
        self.index
    }

    /// Returns the generation, which differs from those of earlier keys with this index.
    #[cfg(feature = "net")]
    pub(crate) fn generation(self) -> u32 {
        self.generation.get()
    }
}

struct Slot<T> {
    generation: NonZeroU32,
    /// `None` while the index is free.
    value: Option<T>,
}

/// Values of one type, each under a [`Key`]; every method but listing is O(1).
pub(crate) struct Slab<T> {
    slots: Vec<Slot<T>>,
    /// The free indices.
    holes: Holes,
    len: usize,
}

impl<T> Default for Slab<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Slab<T> {
    pub(crate) const fn new() -> Self {
        Self { slots: Vec::new(), holes: Holes::new(), len: 0 }
    }

    /// Returns the number of values.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns one past the highest index ever used, where [`page`](Self::page) ends.
    pub(crate) fn end(&self) -> u32 {
        self.slots.len() as u32
    }

    /// Stores a value.
    ///
    /// # Panics
    /// With 2^32 - 1 values inside.
    pub(crate) fn insert(&mut self, value: T) -> Key {
        let Some(index) = self.holes.take() else {
            return self.insert_slow(value);
        };
        let slot = &mut self.slots[index as usize];
        slot.value = Some(value);
        self.len += 1;
        Key { index, generation: slot.generation }
    }

    #[cold]
    fn insert_slow(&mut self, value: T) -> Key {
        let used = self.slots.len();
        assert!(used < u32::MAX as usize, "a slab holds at most 2^32 - 1 values");
        make_room(&mut self.slots, LARGE, 4);
        let generation = NonZeroU32::MIN;
        self.slots.push(Slot { generation, value: Some(value) });
        self.len += 1;
        Key { index: used as u32, generation }
    }

    /// Removes and returns a value; `None` if it was already removed.
    pub(crate) fn remove(&mut self, key: Key) -> Option<T> {
        match self.slots.get(key.index as usize)? {
            slot if slot.generation == key.generation => self.remove_at(key.index),
            _ => None,
        }
    }

    /// Returns the value of `key`, unless it was removed.
    pub(crate) fn get(&self, key: Key) -> Option<&T> {
        match self.slots.get(key.index as usize)? {
            Slot { generation, value } if *generation == key.generation => value.as_ref(),
            _ => None,
        }
    }

    /// Returns the value of `key`, unless it was removed.
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        match self.slots.get_mut(key.index as usize)? {
            Slot { generation, value } if *generation == key.generation => value.as_mut(),
            _ => None,
        }
    }

    /// Returns the value at an index, with its key, if there is one.
    #[cfg(feature = "net")]
    pub(crate) fn get_at(&self, index: u32) -> Option<(Key, &T)> {
        let slot = self.slots.get(index as usize)?;
        slot.value.as_ref().map(|value| (Key { index, generation: slot.generation }, value))
    }

    /// Removes the value at an index, if there is one.
    #[inline]
    pub(crate) fn remove_at(&mut self, index: u32) -> Option<T> {
        let slot = self.slots.get_mut(index as usize)?;
        let value = slot.value.take()?;
        self.len -= 1;
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.holes.add(index);
        } // Else retired: not free for good, so that no generation is ever given twice.
        Some(value)
    }

    /// Returns all values, by index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Key, &T)> {
        self.iter_from(0)
    }

    /// Returns all values from `index` on.
    pub(crate) fn iter_from(&self, index: u32) -> impl Iterator<Item = (Key, &T)> {
        self.page(index, u32::MAX)
    }

    /// Returns the values in the `slots` slots from `index` on.
    ///
    /// A reader lists a large slab page by page, with the lock held briefly for each, until it reaches
    /// [`end`](Self::end). A page may be empty before that.
    pub(crate) fn page(&self, index: u32, slots: u32) -> impl Iterator<Item = (Key, &T)> {
        let start = (index as usize).min(self.slots.len());
        let end = start.saturating_add(slots as usize).min(self.slots.len());
        (index..).zip(&self.slots[start..end]).filter_map(|(index, slot)| {
            let key = Key { index, generation: slot.generation };
            slot.value.as_ref().map(|value| (key, value))
        })
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
