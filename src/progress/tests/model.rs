//! Random calls against a `VecDeque`.

use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

#[derive(Clone, Debug)]
enum Call {
    Report,
    TrySend,
    Drain(usize),
    Latest,
    Look,
}

fn calls() -> impl Strategy<Value = Vec<Call>> {
    let call = prop_oneof![
        4 => Just(Call::Report),
        3 => Just(Call::TrySend),
        3 => (0_usize..10).prop_map(Call::Drain),
        1 => Just(Call::Latest),
        1 => Just(Call::Look),
    ];
    proptest::collection::vec(call, 0..120)
}

/// An action while a drain is held: a report, or one value taken.
fn turns() -> impl Strategy<Value = Vec<Vec<bool>>> {
    proptest::collection::vec(proptest::collection::vec(any::<bool>(), 0..12), 0..20)
}

proptest! {
    /// Single calls behave like a `VecDeque` with a limit.
    #[test]
    fn calls_one_by_one(capacity in 1_usize..=8, calls in calls(), reader_first: bool) {
        let (mut reporter, reader) = ring(capacity);
        let (mut model, mut next, mut dropped) = (VecDeque::new(), 0_u32, 0_u64);
        for call in calls {
            match call {
                Call::Report => {
                    reporter.report(Box::new(next));
                    if model.len() == capacity {
                        model.pop_front();
                        dropped += 1;
                    }
                    model.push_back(next);
                    next += 1;
                }
                Call::TrySend => {
                    let sent = reporter.try_send(Box::new(next));
                    prop_assert_eq!(sent.is_ok(), model.len() < capacity);
                    match sent {
                        Ok(()) => model.push_back(next),
                        Err(error) => prop_assert!(error.is_full() && *error.into_inner() == next),
                    }
                    next += 1;
                }
                Call::Drain(most) => {
                    let taken: Vec<_> = reader.drain().take(most).map(|value| *value).collect();
                    let most = most.min(model.len());
                    prop_assert_eq!(taken, model.drain(..most).collect::<Vec<_>>());
                }
                Call::Latest => {
                    prop_assert_eq!(reader.latest().map(|value| *value), model.drain(..).next_back());
                }
                Call::Look => {
                    prop_assert_eq!(reader.drain().len(), model.len());
                }
            }
            prop_assert_eq!(reader.len(), model.len());
            prop_assert_eq!(reader.is_empty(), model.is_empty());
            prop_assert_eq!(reader.dropped(), dropped);
        }
        if reader_first {
            drop(reader);
            prop_assert!(matches!(reporter.try_send(Box::new(0)), Err(TrySendError::ReaderGone(_))));
            reporter.report(Box::new(0));
        } else {
            drop(reporter);
            prop_assert!(reader.drain().map(|value| *value).eq(model));
        }
    }

    /// Reports during drains that are held, finished or abandoned keep the order, the newest value and the count.
    #[test]
    fn reports_during_drains(capacity in 1_usize..=5, turns in turns()) {
        let (mut reporter, reader) = ring(capacity);
        let (mut newest, mut seen) = (0_u64, Vec::new());
        for turn in turns {
            let mut drain = reader.drain();
            prop_assert!(drain.len() <= capacity + 1);
            for report in turn {
                if report {
                    newest += 1;
                    reporter.report(newest);
                    prop_assert!(reader.len() <= capacity + 1);
                } else {
                    seen.extend(drain.next());
                }
            }
        }
        drop(reporter);
        seen.extend(reader.drain());
        prop_assert!(seen.is_sorted_by(|a, b| a < b));
        prop_assert_eq!(seen.last().copied(), (newest > 0).then_some(newest));
        prop_assert_eq!(seen.len() as u64 + reader.dropped(), newest);
    }
}
