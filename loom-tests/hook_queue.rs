//! The hook queue (`src/runtime/hook_queue.rs`): whatever is posted, while the driver turns, is about to park or closes, is
//! delivered once.
//!
//! The driver is the real queue around the real park word. A lost notice leaves the driver on its condition variable for
//! ever, which loom reports as a deadlock, or shows in the counts at the end.

use super::explore;
use crate::park::{CondvarParker, Unpark};
use crate::runtime::{HookQueue, Hooks};
use crate::sync::Arc;
use crate::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use crate::util::update::UpdateFlag;
use loom::thread;

/// One runtime's hooks, with a driver that parks.
struct Rig {
    queue: Arc<HookQueue>,
    parker: CondvarParker,
    flag: UpdateFlag,
    calls: Arc<AtomicUsize>,
    published: Arc<AtomicUsize>,
    /// What the last call found published.
    seen: Arc<AtomicUsize>,
}

impl Rig {
    fn new() -> Arc<Self> {
        let [calls, published, seen] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
        let (called, theirs, sees) = (Arc::clone(&calls), Arc::clone(&published), Arc::clone(&seen));
        let hook = move || {
            sees.store(theirs.load(Relaxed), Relaxed);
            called.fetch_add(1, Relaxed);
        };
        let hooks = Hooks { on_update: Some(Arc::new(hook)), ..Hooks::default() };
        let queue = Arc::new(HookQueue::new(hooks));
        Arc::new(Self { queue, parker: CondvarParker::new(), flag: UpdateFlag::new(), calls, published, seen })
    }

    /// What a thread does that has raised the flag.
    fn post(&self) {
        if self.queue.post_update() {
            self.parker.unpark();
        }
    }

    /// The turns of a driver, until the hook was called `calls` times.
    fn drive(&self, calls: usize) {
        while self.calls.load(Relaxed) < calls {
            if !self.queue.deliver() {
                self.parker.park(None);
            }
        }
    }
}

/// A post finds the driver ahead of its look, after it, or parked: the hook is called.
///
/// Red: `push` that sets DUE ahead of the lock; `push` that says there is nothing to unpark.
#[test]
fn a_post_reaches_a_driver_that_parks() {
    explore(None, 80, || {
        let rig = Rig::new();
        let poster = {
            let rig = Arc::clone(&rig);
            thread::spawn(move || rig.post())
        };
        rig.drive(1);
        poster.join().expect("posts");
        assert!(!rig.queue.is_due(), "delivered once");
        assert_eq!(rig.calls.load(Relaxed), 1);
    });
}

/// Two threads post while the driver delivers: a call of the hook sees what each published before its post.
///
/// Red: `take` that leaves DUE to be cleared after the lock was given back.
#[test]
fn every_post_is_seen_by_a_call() {
    explore(Some(3), 4000, || {
        let rig = Rig::new();
        let posters = [(); 2].map(|()| {
            let rig = Arc::clone(&rig);
            thread::spawn(move || {
                rig.published.fetch_add(1, Relaxed);
                rig.post();
            })
        });
        rig.drive(1);
        for poster in posters {
            poster.join().expect("posts");
        }
        while rig.queue.deliver() {}
        assert_eq!(rig.seen.load(Relaxed), 2);
    });
}

/// Two threads raise the flag while a host takes it: after the last raise there is a call, and no more calls than raises.
///
/// Red: `push` that sets DUE ahead of the lock; `push` that says there is nothing to unpark.
#[test]
fn a_call_follows_every_raise() {
    explore(Some(3), 1500, || {
        let rig = Rig::new();
        let posters = [(); 2].map(|()| {
            let rig = Arc::clone(&rig);
            thread::spawn(move || {
                let raised = rig.flag.raise();
                if raised {
                    rig.post();
                }
                usize::from(raised)
            })
        });
        // The host, on the thread that drives.
        rig.drive(1);
        let taken = rig.flag.take();
        let raises: usize = posters.into_iter().map(|poster| poster.join().expect("posts")).sum();
        while rig.queue.deliver() {}
        let calls = rig.calls.load(Relaxed);
        assert!((1..=raises).contains(&calls), "{calls} calls for {raises} raises");
        assert!(taken, "it was called for something");
        assert_eq!(rig.flag.take(), raises == 2, "the flag is up for the raise after the look");
        assert!(raises == 1 || calls == 2, "and the hook was called for that one as well");
    });
}

/// The driver closes while another thread posts: delivered by the driver, or by the thread that the post starts (which the
/// poster stands for here).
///
/// Red: `take_or_leave` that leaves without a look at what came meanwhile; `push` that counts on a driver that has left.
#[test]
fn a_post_at_the_end_is_delivered_by_one_of_the_two() {
    explore(None, 3, || {
        let rig = Rig::new();
        let poster = {
            let rig = Arc::clone(&rig);
            thread::spawn(move || rig.post())
        };
        rig.queue.close();
        poster.join().expect("posts");
        assert_eq!(rig.calls.load(Relaxed), 1);
    });
}
