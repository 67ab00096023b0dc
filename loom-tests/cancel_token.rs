//! The cancellation token: `src/toolkit/cancel_token.rs`.

use super::explore;
use crate::toolkit::{CancelReason, CancelToken};
use loom::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use loom::thread;
use std::future::Future;
use std::sync::Arc;
use std::task::{Context, Wake, Waker};

#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// A cancellation against the registration of a waiter: it is ready or woken, and sees what was done before the
/// cancellation.
///
/// Red: `WaitCancelled::poll` that registers without looking at the reason under the lock.
#[test]
fn a_waiter_hears_of_the_cancellation() {
    explore(None, 10, || {
        let token = CancelToken::new();
        let news = Arc::new(AtomicBool::new(false));
        let other = {
            let (token, news) = (token.clone(), Arc::clone(&news));
            thread::spawn(move || {
                news.store(true, Relaxed);
                assert!(token.cancel());
            })
        };
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut wait = Box::pin(token.cancelled());
        let ready = wait.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        if ready {
            assert!(news.load(Relaxed), "what came before the cancellation is seen");
        }
        other.join().unwrap();
        assert_eq!(count.0.load(Relaxed), usize::from(!ready), "woken once, or ready at once");
        assert!(token.is_cancelled());
    });
}

/// A look without the lock sees what was done before the cancellation.
///
/// Red: a Relaxed store of the flag in `raise`, and a Relaxed load in `is_cancelled`.
#[test]
fn a_look_sees_what_came_before() {
    explore(None, 3, || {
        let token = CancelToken::new();
        let news = Arc::new(AtomicBool::new(false));
        let other = {
            let (token, news) = (token.clone(), Arc::clone(&news));
            thread::spawn(move || {
                news.store(true, Relaxed);
                token.cancel();
            })
        };
        if token.is_cancelled() {
            assert!(news.load(Relaxed), "what came before the cancellation is seen");
        }
        other.join().unwrap();
    });
}

/// A cancellation against the birth of a child: no child escapes.
///
/// Red: `make_child` that looks at the reason, gives the lock back, and takes it again to register the child.
#[test]
fn no_child_escapes() {
    explore(None, 10, || {
        let token = CancelToken::new();
        let other = {
            let token = token.clone();
            thread::spawn(move || token.cancel())
        };
        let child = token.child();
        let grandchild = child.child();
        assert!(other.join().unwrap());
        assert!(child.is_cancelled() && grandchild.is_cancelled());
    });
}

/// Two cancellations: one of them wins with its reason, and the waiter is woken once.
///
/// Red: `raise` that does not look whether it is the first.
#[test]
fn one_cancellation_wins() {
    explore(None, 4, || {
        let token = CancelToken::new();
        let child = token.child();
        let count = Arc::new(Count::default());
        let waker = Waker::from(Arc::clone(&count));
        let mut wait = Box::pin(child.cancelled());
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let (first, second) = (token.clone(), child.clone());
        let first = thread::spawn(move || first.cancel());
        let second = thread::spawn(move || second.cancel_because("by itself"));
        assert!(first.join().unwrap(), "nobody else cancels the parent");
        let own = matches!(child.reason(), Some(CancelReason::Because(_)));
        assert_eq!(second.join().unwrap(), own, "the reason is that of the first, and only the first is told so");
        assert_eq!(count.0.load(Relaxed), 1);
    });
}
