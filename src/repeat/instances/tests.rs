//! Random slots and ends, against counts.

use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Step {
    Due,
    /// A future, or a closure that returns: its task ends as its body does.
    Finish(usize),
    /// The task of a closure ends, by a cancellation or its time limit.
    End(usize),
    /// A closure returns after its task ended.
    Return(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Due),
        2 => any::<usize>().prop_map(Step::Finish),
        2 => any::<usize>().prop_map(Step::End),
        2 => any::<usize>().prop_map(Step::Return),
    ]
}

fn policy() -> impl Strategy<Value = Overlap> {
    prop_oneof![Just(Overlap::Skip), Just(Overlap::Queue), Just(Overlap::Allow), Just(Overlap::CancelPrevious)]
}

proptest! {
    #[test]
    fn never_more_bodies_than_instances_and_every_slot_is_accounted_for(
        overlap in policy(),
        limit in 1_usize..4,
        wait_for_closures: bool,
        steps in proptest::collection::vec(step(), 0..200),
    ) {
        let rules = Rules { overlap, wait_for_closures, ..Rules::default() };
            let mut instances = Instances::new(&rules, NonZeroUsize::new(limit));
        // Runs whose tasks are not over, and runs that are left running.
        let (mut running, mut left) = (Vec::<u64>::new(), Vec::<u64>::new());
        let (mut due, mut ran, mut overlapped, mut runs) = (0_u64, 0, 0, 0_u64);
        let mut newest = None;
        for step in steps {
            let choose = |list: &[u64], choice: usize| choice.checked_rem(list.len());
            let mut started = Vec::new();
            match step {
                Step::Due => {
                    due += 1;
                    let decision = instances.due(due, false);
                    overlapped += decision.overlapped.len();
                    if overlap == Overlap::CancelPrevious {
                        prop_assert!(!decision.overlapped.contains(&due), "the newest wins");
                    } else {
                        prop_assert!(decision.cancel.is_empty());
                    }
                    started.extend(decision.run);
                    for run in decision.cancel {
                        // Its closure ignores that it was cancelled.
                        running.retain(|other| *other != run);
                        instances.ended(run, true);
                        left.push(run);
                    }
                }
                Step::Finish(choice) => {
                    if let Some(at) = choose(&running, choice) {
                        instances.ended(running.remove(at), false);
                    }
                }
                Step::End(choice) => {
                    if let Some(at) = choose(&running, choice) {
                        let run = running.remove(at);
                        instances.ended(run, true);
                        left.push(run);
                    }
                }
                Step::Return(choice) => {
                    if let Some(at) = choose(&left, choice) {
                        instances.closed(left.remove(at));
                    }
                }
            }
            started.extend(std::iter::from_fn(|| instances.next()));
            for slot in started {
                prop_assert!(newest < Some(slot), "in the order of the slots");
                newest = Some(slot);
                runs += 1;
                instances.begin(runs);
                running.push(runs);
                ran += 1;
            }
            let counted = running.len() + if wait_for_closures { left.len() } else { 0 };
            prop_assert!(counted <= limit);
            if overlap == Overlap::CancelPrevious {
                prop_assert!(running.len() + instances.waiting() <= limit);
            }
            prop_assert_eq!(due as usize, ran + overlapped + instances.waiting());
        }
        // Every closure returns, and whatever waits runs.
        loop {
            running.drain(..).for_each(|run| instances.ended(run, false));
            left.drain(..).for_each(|run| instances.closed(run));
            let Some(_slot) = instances.next() else { break };
            runs += 1;
            instances.begin(runs);
            running.push(runs);
        }
        prop_assert_eq!(instances.waiting(), 0);
    }
}
