use super::*;
use proptest::prelude::*;
use std::collections::HashMap;

#[derive(Debug, Clone)]
enum Op {
    Insert(u16),
    /// Of the n-th key ever given, live or stale.
    Remove(usize),
    Change(usize, u16),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        3 => any::<u16>().prop_map(Op::Insert),
        2 => (0usize..200).prop_map(Op::Remove),
        1 => ((0usize..200), any::<u16>()).prop_map(|(key, value)| Op::Change(key, value)),
    ]
}

proptest! {
    #[test]
    fn behaves_as_a_map(ops in prop::collection::vec(op(), 0..200), start in 0u32..250, slots in 0u32..250) {
        let mut slab = Slab::new();
        let mut model = HashMap::new();
        let mut keys = Vec::new();
        for op in ops {
            match op {
                Op::Insert(value) => {
                    let key = slab.insert(value);
                    prop_assert!(model.insert(key, value).is_none(), "a key is given once");
                    keys.push(key);
                }
                Op::Remove(nth) => if let Some(key) = keys.get(nth) {
                    prop_assert_eq!(slab.remove(*key), model.remove(key));
                },
                Op::Change(nth, value) => if let Some(key) = keys.get(nth) {
                    let known = model.get_mut(key);
                    prop_assert_eq!(slab.get(*key), known.as_deref());
                    if let (Some(known), Some(mine)) = (known, slab.get_mut(*key)) {
                        *known = value;
                        *mine = value;
                    }
                },
            }
            prop_assert_eq!(slab.len(), model.len());
            prop_assert_eq!(slab.is_empty(), model.is_empty());
        }
        for key in &keys {
            prop_assert_eq!(slab.get(*key), model.get(key));
        }
        let listed: HashMap<_, _> = slab.iter().map(|(key, value)| (key, *value)).collect();
        prop_assert_eq!(&listed, &model);
        let in_page = |key: &Key| (start..start + slots).contains(&key.index());
        let page: Vec<_> = slab.page(start, slots).map(|(key, _)| key.index()).collect();
        prop_assert!(page.is_sorted());
        prop_assert_eq!(page.len(), model.keys().filter(|key| in_page(key)).count());
        prop_assert!(page.iter().all(|index| *index < slab.end()));
        prop_assert_eq!(slab.iter_from(start).count(), model.keys().filter(|key| key.index() >= start).count());
    }
}

#[test]
fn a_freed_index_is_used_again_under_a_new_key() {
    let mut slab = Slab::new();
    let old = slab.insert('a');
    assert_eq!(slab.remove(old), Some('a'));
    let new = slab.insert('b');
    assert_eq!(old.index(), new.index());
    assert_ne!(old, new);
    assert_eq!(slab.get(old), None);
    assert_eq!(slab.remove(old), None);
    assert_eq!(slab.get(new), Some(&'b'));
}

#[test]
fn an_index_without_generations_left_is_retired() {
    let mut slab = Slab::new();
    let first = slab.insert(1);
    slab.slots[0].generation = NonZeroU32::MAX;
    let last = Key { generation: NonZeroU32::MAX, ..first };
    assert_eq!(slab.get(first), None);
    assert_eq!(slab.remove(last), Some(1));
    assert_eq!(slab.get(last), None);
    assert_eq!(slab.remove(last), None);
    assert_eq!(slab.remove_at(0), None);
    assert!(slab.is_empty());
    assert_eq!(slab.insert(2).index(), 1);
    assert_eq!(slab.insert(3).index(), 2);
}

#[test]
fn at_most_a_fifth_of_a_large_slab_is_spare() {
    let mut slab = Slab::new();
    for value in 0..100_000u32 {
        slab.insert(value);
        assert!(slab.slots.len() < LARGE || slab.slots.capacity() * 4 <= slab.slots.len() * 5);
    }
    assert_eq!(size_of::<Option<Key>>(), 8);
}
