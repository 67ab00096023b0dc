//! Values under the keys of a user, each with its own slot.
//!
//! # User code
//! `Hash`, `Eq` and `Drop` of a key are user code, and may panic. So they are called before anything changes, or after
//! everything is done: a key is hashed once and its hash stored, and the map below knows only hashes. A call that
//! panics has changed nothing, and removing a value by its slot calls none of them.

use crate::util::slab::{Key, Slab};
use std::borrow::Borrow;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher};

/// Values of type `V` under keys of type `K`.
pub(super) struct Keyed<K, V> {
    /// The newest member per hash. Usually there is only one.
    heads: HashMap<u64, Key, BuildHasherDefault<IdentityHasher>>,
    members: Slab<Member<K, V>>,
    hasher: RandomState,
}

struct Member<K, V> {
    key: K,
    value: V,
    hash: u64,
    /// The next older member of the same hash.
    next: Option<Key>,
}

/// A hasher that passes a hash on unchanged.
#[derive(Default)]
struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn write(&mut self, _: &[u8]) {
        unreachable!("hashes are written as u64");
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

impl<K, V> Keyed<K, V> {
    pub(super) fn new() -> Self {
        Self { heads: HashMap::default(), members: Slab::new(), hasher: RandomState::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// Returns all keys with their values, in no particular order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.members.iter().map(|(_, member)| (&member.key, &member.value))
    }

    pub(super) fn get(&self, slot: Key) -> Option<&V> {
        self.members.get(slot).map(|member| &member.value)
    }

    pub(super) fn get_mut(&mut self, slot: Key) -> Option<&mut V> {
        self.members.get_mut(slot).map(|member| &mut member.value)
    }

    /// Removes a value. Calls no user code.
    pub(super) fn remove(&mut self, slot: Key) -> Option<(K, V)> {
        let Member { key, value, hash, next } = self.members.remove(slot)?;
        let Entry::Occupied(mut head) = self.heads.entry(hash) else { return Some((key, value)) };
        if *head.get() == slot {
            match next {
                Some(next) => *head.get_mut() = next,
                None => drop(head.remove()),
            }
        } else {
            let mut at = *head.get();
            while let Some(member) = self.members.get_mut(at) {
                match member.next {
                    Some(other) if other != slot => at = other,
                    _ => {
                        member.next = next;
                        break;
                    }
                }
            }
        }
        Some((key, value))
    }
}

impl<K: Eq + Hash, V> Keyed<K, V> {
    /// Returns the slot of a key.
    pub(super) fn find<Q>(&self, key: &Q) -> Option<Key>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.find_hashed(self.hasher.hash_one(key), key)
    }

    fn find_hashed<Q>(&self, hash: u64, key: &Q) -> Option<Key>
    where
        K: Borrow<Q>,
        Q: Eq + ?Sized,
    {
        let mut at = self.heads.get(&hash).copied();
        while let Some(slot) = at {
            let member = self.members.get(slot)?;
            if member.key.borrow() == key {
                return Some(slot);
            }
            at = member.next;
        }
        None
    }

    /// Inserts a value; returns its slot, and the previous value of an equal key.
    pub(super) fn insert(&mut self, key: K, value: V) -> (Key, Option<(K, V)>) {
        let hash = self.hasher.hash_one(&key);
        let before = self.find_hashed(hash, &key);
        // From here on no user code runs.
        let before = before.and_then(|slot| self.remove(slot));
        let next = self.heads.get(&hash).copied();
        let slot = self.members.insert(Member { key, value, hash, next });
        self.heads.insert(hash, slot);
        (slot, before)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A key type in which many keys have the same hash.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
    struct Coarse(u8);

    impl Hash for Coarse {
        fn hash<H: Hasher>(&self, hasher: &mut H) {
            (self.0 % 3).hash(hasher);
        }
    }

    proptest! {
        #[test]
        fn it_is_a_map(steps in prop::collection::vec((0_u8..12, any::<bool>()), 0..200)) {
            let (mut keyed, mut model) = (Keyed::new(), std::collections::BTreeMap::new());
            for (step, (key, insert)) in steps.into_iter().enumerate() {
                let key = Coarse(key);
                if insert {
                    let (slot, before) = keyed.insert(key, step);
                    prop_assert_eq!(before.map(|(_, value)| value), model.insert(key, step));
                    prop_assert_eq!(keyed.find(&key), Some(slot));
                } else {
                    let removed = keyed.find(&key).and_then(|slot| keyed.remove(slot));
                    prop_assert_eq!(removed.map(|(_, value)| value), model.remove(&key));
                }
                prop_assert_eq!(keyed.len(), model.len());
                for (key, value) in &model {
                    prop_assert_eq!(keyed.find(key).and_then(|slot| keyed.get(slot)), Some(value));
                }
            }
            let mut all: Vec<_> = keyed.iter().map(|(key, value)| (*key, *value)).collect();
            all.sort_unstable();
            prop_assert_eq!(all, model.into_iter().collect::<Vec<_>>());
        }
    }
}
