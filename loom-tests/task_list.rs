//! The published list of tasks (`src/runtime/listing.rs`), and whether it names every future (`src/executor/intake.rs`).

use super::explore;
use super::task_rig::{Queue, body};
use crate::executor::{Core, Counters};
use crate::park::{CondvarParker, Unpark};
use crate::runtime::Listing;
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::task::TaskId;
use crate::task::raw::Outcome;
use loom::thread;

/// Two threads request a list of a publisher that parks: each request is followed by a list that shows what its thread did
/// before. A lost request leaves the publisher parked for ever, which loom reports as a deadlock.
///
/// Red: `request` or `take_request` relaxed; `take_request` after the list is made; `request` that is always false.
#[test]
fn each_request_gets_a_list_of_its_own() {
    explore(Some(2), 200, || {
        let rig = Arc::new((Listing::new(), CondvarParker::new(), [AtomicUsize::new(0), AtomicUsize::new(0)]));
        let readers = [0, 1].map(|own| {
            let rig = Arc::clone(&rig);
            thread::spawn(move || {
                let (listing, parker, news) = &*rig;
                news[own].store(1, Relaxed);
                if listing.request() {
                    parker.unpark();
                }
                // Takes what is there, at any time.
                listing.latest().map(|list: Arc<[usize; 2]>| list[own])
            })
        });
        let (listing, parker, news) = &*rig;
        let mut shown = [0, 0];
        while shown != [1, 1] {
            if !listing.is_quiet() && listing.take_request() {
                shown = [news[0].load(Relaxed), news[1].load(Relaxed)];
                listing.publish(shown);
            }
            if shown != [1, 1] {
                parker.park(None);
            }
        }
        readers.into_iter().for_each(|reader| {
            let _shown = reader.join().expect("reads");
        });
        assert_eq!(listing.latest().as_deref(), Some(&[1, 1]));
        listing.clear();
        assert!(listing.latest().is_none());
    });
}

/// The futures of the last list, and how many had been taken in by then.
type List = (Vec<TaskId>, u64);

/// A thread spawns a future while the executor takes it in and lists: a list that is called complete has it.
///
/// Red: `settled` without its look at `taking`, or with that ahead of the inbox; `Inbox::take` without its release half;
/// `is_empty_now` or `Intake::end` relaxed.
#[test]
fn a_list_that_is_called_complete_has_every_future() {
    explore(None, 60, || {
        let (queue, counters) = (Queue::new(), Arc::new(Counters::default()));
        let listing = Arc::new(Listing::<List>::new());
        listing.publish((Vec::new(), 0));
        let spawner = {
            let (queue, counters, listing) = (queue.clone(), Arc::clone(&counters), Arc::clone(&listing));
            thread::spawn(move || {
                let (join, task) = queue.spawn(body(std::future::pending::<()>()));
                for _ in 0..2 {
                    let list = listing.latest().expect("published");
                    if counters.intake.settled(&queue.inbox) == Some(list.1) {
                        assert!(list.0.contains(&task.id()), "it is called complete");
                    }
                }
                join.detach();
            })
        };
        let core = Core::new(Arc::clone(&counters));
        while queue.inbox.is_empty() {
            thread::yield_now();
        }
        core.drain(&queue.inbox);
        let ids = core.list().iter().map(|listed| listed.task.id()).collect();
        listing.publish((ids, counters.intake.accepted()));
        spawner.join().expect("spawns");
        core.drain(&queue.inbox);
        assert_eq!(counters.intake.settled(&queue.inbox), Some(1));
        for listed in core.list() {
            listed.task.cancel(Outcome::Gone);
        }
        core.shut_down(&queue.inbox);
    });
}
