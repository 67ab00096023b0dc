//! What chance may do to the queue, and what not.

use super::super::{JUMPS, Ready};
use super::filled;
use crate::task::Priority::UserVisible;
use proptest::prelude::*;

fn shuffled(seed: u64, tasks: u32) -> Ready<u32> {
    let mut ready = filled([0..0, 0..tasks, 0..0]);
    ready.shuffle(seed);
    ready
}

#[test]
fn a_shuffled_queue_repeats_itself_with_its_seed() {
    let order = |seed| shuffled(seed, 6).picks(9);
    let orders: std::collections::HashSet<_> = (0..2000).map(order).collect();
    // 720 orders, 2000 draws: a fair shuffle finds about 675 of them.
    assert!(orders.len() > 600, "{}", orders.len());
    for seed in 0..50 {
        assert_eq!(order(seed), order(seed));
        let mut sorted = order(seed);
        sorted.sort_unstable();
        assert_eq!(sorted, [0, 1, 2, 3, 4, 5]);
    }
}

/// The numbers stand here as they were drawn on x86-64.
#[test]
fn a_seed_gives_the_same_order_on_every_target() {
    assert_eq!(shuffled(1, 10).picks(12), [6, 4, 1, 8, 0, 7, 9, 5, 3, 2]);
    assert_eq!(shuffled(0x0ff7_1c4b_0000_0001, 10).picks(12), [7, 0, 8, 2, 3, 9, 5, 4, 1, 6]);
}

#[test]
fn a_shuffle_keeps_the_levels() {
    for seed in 0..50 {
        let mut ready = filled([0..3, 10..13, 20..23]);
        ready.shuffle(seed);
        let tens: Vec<_> = ready.picks(9).into_iter().map(|task| task / 10).collect();
        assert_eq!(tens, [0, 0, 0, 1, 1, 1, 2, 2, 2]);
    }
}

#[test]
fn a_shuffle_starves_nobody() {
    for seed in 0..20 {
        let mut ready = shuffled(seed, 3);
        ready.push(UserVisible, 100);
        let mut passed = 0;
        // Whoever had its turn comes back at once.
        while let Some(task) = ready.pick().filter(|task| *task != 100) {
            ready.push(UserVisible, task);
            passed += 1;
            assert!(passed <= 5 * (JUMPS + 4 * 4), "seed {seed}");
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Push,
    Insert(isize),
    Remove(isize),
    Rotate(isize),
    Pick,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Push),
        2 => (-8_isize..8).prop_map(Step::Insert),
        1 => (-8_isize..8).prop_map(Step::Remove),
        1 => (-8_isize..8).prop_map(Step::Rotate),
        3 => Just(Step::Pick),
    ];
    proptest::collection::vec(step, 0..60)
}

proptest! {
    /// Against a vector of tasks and whether each is placed: what a shuffled pick may do, and what it may not.
    #[test]
    fn a_shuffle_moves_nothing_that_is_placed(seed: u64, steps in steps()) {
        let mut ready = shuffled(seed, 0);
        let mut list: Vec<(u32, bool)> = Vec::new();
        for (task, step) in (0_u32..).zip(steps) {
            match step {
                Step::Push => {
                    ready.push(UserVisible, task);
                    list.push((task, false));
                }
                Step::Insert(position) => {
                    ready.insert(UserVisible, position, task);
                    let at = if position < 0 { list.len().saturating_sub(position.unsigned_abs()) } else { list.len().min(position.unsigned_abs()) };
                    list.insert(at, (task, true));
                }
                Step::Remove(position) => {
                    let at = if position < 0 { list.len().checked_sub(position.unsigned_abs()) } else { Some(position.unsigned_abs()) };
                    let expected = at.filter(|at| *at < list.len()).map(|at| list.remove(at).0);
                    prop_assert_eq!(ready.remove(position).map(|(_, task)| task), expected);
                }
                Step::Rotate(by) => {
                    ready.rotate(by);
                    if !list.is_empty() {
                        let steps = by.unsigned_abs() % list.len();
                        if by < 0 {
                            list.rotate_left(steps);
                            let len = list.len();
                            list[len - steps..].iter_mut().for_each(|entry| entry.1 = false);
                        } else {
                            list.rotate_right(steps);
                            list[..steps].iter_mut().for_each(|entry| entry.1 = true);
                        }
                    }
                }
                Step::Pick => {
                    let picked = ready.pick();
                    match list.first() {
                        None => prop_assert_eq!(picked, None),
                        Some((first, true)) => {
                            prop_assert_eq!(picked, Some(*first));
                            list.remove(0);
                        }
                        Some((_, false)) => {
                            // Any of those in order of arrival; the others keep their order, and what is placed its index.
                            let picked = picked.expect("there are tasks");
                            let places: Vec<_> = (0..list.len()).filter(|at| !list[*at].1).collect();
                            let chosen = places.iter().position(|at| list[*at].0 == picked);
                            prop_assert!(chosen.is_some(), "{picked} did not wait for its turn in {list:?}");
                            for pair in places[..=chosen.unwrap_or(0)].windows(2).rev() {
                                list.swap(pair[0], pair[1]);
                            }
                            list.remove(0);
                        }
                    }
                }
            }
            prop_assert_eq!(ready.order(), list.iter().map(|(task, _)| *task).collect::<Vec<_>>());
        }
    }
}
