use super::*;
use proptest::prelude::*;

impl Lists {
    /// The entries of a list with their places, after a look at its links and counts.
    pub(in crate::time::wheel) fn checked(&self, list: usize) -> Vec<(Place, Entry)> {
        let mut entries = Vec::new();
        let Ends { head, tail } = self.ends[list];
        let (mut prev, mut at) = (NIL, head);
        while let Some(block) = self.blocks.get(at as usize) {
            assert_eq!((block.prev, usize::from(block.list)), (prev, list));
            let used = usize::from(block.used);
            let live = (0..used).filter(|nth| block.index[*nth] != NIL);
            assert!(block.live > 0 && usize::from(block.live) == live.clone().count(), "rule 2");
            entries.extend(live.map(|nth| {
                let tick = u64::from(block.high) << 32 | u64::from(block.low[nth]);
                (Place::new(at, nth), Entry { tick, index: block.index[nth] })
            }));
            (prev, at) = (at, block.next);
        }
        assert_eq!((prev, at), (tail, NIL));
        entries
    }

    /// Blocks that are in some list.
    fn in_use(&self) -> usize {
        let mut free = 0;
        let mut at = self.free;
        while let Some(block) = self.blocks.get(at as usize) {
            (free, at) = (free + 1, block.next);
        }
        self.blocks.len() - free
    }

    /// What they take before the first timer comes.
    pub(in crate::time::wheel) fn bytes(&self) -> usize {
        size_of_val(&*self.ends)
    }
}

#[derive(Debug, Clone)]
enum Op {
    Append(usize, u64),
    /// Of the n-th entry of a list.
    Remove(usize, usize),
    /// Up to so many from the front of a list.
    Take(usize, usize),
}

fn op() -> impl Strategy<Value = Op> {
    // Two upper halves, so that blocks begin early now and then.
    let tick = prop_oneof![9 => 0u64..1000, 1 => (0u64..1000).prop_map(|tick| tick | 1 << 40)];
    prop_oneof![
        4 => (0usize..3, tick).prop_map(|(list, tick)| Op::Append(list, tick)),
        2 => (0usize..3, 0usize..40).prop_map(|(list, nth)| Op::Remove(list, nth)),
        1 => (0usize..3, 1usize..9).prop_map(|(list, count)| Op::Take(list, count)),
    ]
}

proptest! {
    #[test]
    fn behave_as_vectors(ops in prop::collection::vec(op(), 0..300)) {
        let mut lists = Lists::new(3);
        let mut model: [Vec<(Place, Entry)>; 3] = Default::default();
        for (index, op) in (0..).zip(ops) {
            match op {
                Op::Append(list, tick) => {
                    let entry = Entry { tick, index };
                    let place = lists.append(list, entry);
                    model[list].push((place, entry));
                }
                Op::Remove(list, nth) if nth < model[list].len() => {
                    let (place, _) = model[list].remove(nth);
                    prop_assert_eq!(lists.remove(place), model[list].is_empty().then_some(list));
                }
                Op::Take(list, count) => if let Some(block) = lists.first(list) {
                    let mut nth = 0;
                    for _ in 0..count {
                        let Some(entry) = lists.take(block, &mut nth) else { break };
                        prop_assert_eq!(entry, model[list].remove(0).1);
                    }
                    prop_assert_eq!(lists.finish(block), model[list].is_empty().then_some(list));
                },
                Op::Remove(..) => {}
            }
            for (list, model) in model.iter().enumerate() {
                prop_assert_eq!(&lists.checked(list), model);
                prop_assert_eq!(lists.is_empty(list), model.is_empty());
            }
        }
        for (list, model) in model.iter().enumerate() {
            for (place, _) in model {
                let _emptied = lists.remove(*place);
            }
            prop_assert!(lists.is_empty(list));
        }
        prop_assert_eq!(lists.in_use(), 0);
    }
}

#[test]
fn a_block_is_a_cache_line_and_filled_again_from_its_end() {
    assert_eq!(size_of::<Block>(), 64);
    let mut lists = Lists::new(1);
    let entry = |index| Entry { tick: 7, index };
    for index in 0..3 {
        lists.append(0, entry(index));
    }
    // As a program does whose timeouts hardly ever end.
    for index in 3..1000 {
        let place = lists.append(0, entry(index));
        assert_eq!(lists.remove(place), None);
    }
    assert_eq!((lists.blocks.len(), lists.checked(0).len()), (1, 3));
}

#[test]
fn little_room_is_spare() {
    let mut lists = Lists::new(1);
    for index in 0..100_000 {
        lists.append(0, Entry { tick: 7, index });
        assert!(lists.blocks.capacity() <= (lists.blocks.len() * 9 / 8).max(2 * LARGE));
    }
}
