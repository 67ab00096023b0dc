//! The timers by key: what each one is for, and where its entry stands.
//!
//! As [`util::slab`](crate::util::slab), a vector with holes and generations, but with all of a timer in 24 bytes, and
//! with its holes filled in the order of memory. Once large it grows by an eighth at a time.

use super::lists::Place;
use crate::util::grow::make_room;
use crate::util::holes::Holes;
use std::num::NonZeroU32;

/// Number of timers from which on the vector grows by an eighth instead of doubling.
const LARGE: usize = 256;

/// Names a timer: good until that one is gone, and then for ever good for nothing.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Key {
    index: u32,
    generation: NonZeroU32,
}

struct Timer<P> {
    /// None in a hole.
    payload: Option<P>,
    generation: NonZeroU32,
    /// Where its entry stands.
    place: Place,
}

pub(super) struct Timers<P> {
    slots: Vec<Timer<P>>,
    holes: Holes,
    len: usize,
}

impl<P> Timers<P> {
    pub(super) fn new() -> Self {
        Self { slots: Vec::new(), holes: Holes::new(), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Adds a timer; `enter` makes the entry for its index and says where.
    ///
    /// # Panics
    /// With 2^32 - 1 of them inside.
    #[inline]
    pub(super) fn insert(&mut self, payload: P, enter: impl FnOnce(u32) -> Place) -> Key {
        let Some(index) = self.holes.take() else {
            return self.insert_slow(payload, enter);
        };
        let slot = &mut self.slots[index as usize];
        self.len += 1;
        slot.payload = Some(payload);
        slot.place = enter(index);
        Key { index, generation: slot.generation }
    }

    #[cold]
    fn insert_slow(&mut self, payload: P, enter: impl FnOnce(u32) -> Place) -> Key {
        let used = self.slots.len();
        assert!(used < u32::MAX as usize, "a wheel holds at most 2^32 - 1 timers");
        make_room(&mut self.slots, LARGE, 8);
        let (index, generation) = (used as u32, NonZeroU32::MIN);
        self.slots.push(Timer { payload: Some(payload), generation, place: enter(index) });
        self.len += 1;
        Key { index, generation }
    }

    /// Where the entry of a timer stands, and its index; `None` if it is gone.
    #[inline]
    pub(super) fn find(&self, key: Key) -> Option<(u32, Place)> {
        let slot = self.slots.get(key.index as usize)?;
        let alive = slot.generation == key.generation && slot.payload.is_some();
        alive.then_some((key.index, slot.place))
    }

    pub(super) fn payload_mut(&mut self, key: Key) -> Option<&mut P> {
        let slot = self.slots.get_mut(key.index as usize)?;
        if slot.generation == key.generation { slot.payload.as_mut() } else { None }
    }

    /// The payloads of all that are pending.
    pub(super) fn payloads_mut(&mut self) -> impl Iterator<Item = &mut P> {
        self.slots.iter_mut().filter_map(|slot| slot.payload.as_mut())
    }

    /// The entry of this timer was moved.
    #[inline]
    pub(super) fn set_place(&mut self, index: u32, place: Place) {
        self.slots[index as usize].place = place;
    }

    /// Takes a timer out by the index that its entry names.
    #[inline]
    pub(super) fn take(&mut self, index: u32) -> Option<P> {
        let slot = &mut self.slots[index as usize];
        let payload = slot.payload.take()?;
        self.len -= 1;
        if let Some(next) = slot.generation.checked_add(1) {
            slot.generation = next;
            self.holes.add(index);
        } // Else retired: none of the holes for good, so that no generation is ever given twice.
        Some(payload)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::task::Waker;

    impl<P> Timers<P> {
        /// Where the entry of the timer at this index stands.
        pub(in crate::time::wheel) fn place_of(&self, index: u32) -> Option<Place> {
            let slot = &self.slots[index as usize];
            slot.payload.as_ref().map(|_| slot.place)
        }
    }

    fn nowhere(_: u32) -> Place {
        Place::new(0, 0)
    }

    #[test]
    fn a_key_is_given_once_and_a_worn_out_index_not_again() {
        let mut timers = Timers::new();
        let first = timers.insert('a', nowhere);
        assert_eq!(timers.take(0), Some('a'));
        assert_eq!(timers.take(0), None);
        let second = timers.insert('b', nowhere);
        assert_eq!((timers.find(first), timers.payload_mut(first)), (None, None));
        assert_eq!(timers.payload_mut(second), Some(&mut 'b'));
        assert_eq!((timers.take(0), timers.len()), (Some('b'), 0));
        timers.slots[0].generation = NonZeroU32::MAX;
        let last = timers.insert('c', nowhere);
        assert_eq!((timers.take(0), timers.find(last)), (Some('c'), None));
        assert_eq!(timers.insert('d', nowhere).index, 1, "the first is retired");
    }

    #[test]
    fn a_timer_takes_8_bytes_beside_its_waker_and_little_room_is_spare() {
        assert_eq!(size_of::<Timer<Waker>>(), size_of::<Waker>() + 8);
        let mut timers = Timers::new();
        for _ in 0..100_000 {
            timers.insert(Waker::noop().clone(), nowhere);
            assert!(timers.slots.capacity() <= (timers.len() * 9 / 8).max(2 * LARGE));
        }
    }
}
