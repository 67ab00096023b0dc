//! The promise (`src/task/raw/promised.rs`): completion against cancellation, and against the drop of the handle.

use super::explore;
use super::task_rig::{Bell, Count, Guard};
use crate::error::TaskError;
use crate::sync::Arc;
use crate::task::promise;
use loom::thread;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A value that is completed while its task is cancelled is in one place: in the task, or back with the completer. Red when
/// `fulfil` drops or leaks what `close` refuses.
#[test]
fn completion_against_cancel() {
    explore(None, 5, || {
        let (dropped, strayed) = (Count::new(), Count::new());
        let (completer, mut task) = promise::<Guard, ()>();
        let value = Guard::new(&dropped, &strayed);
        let other = thread::spawn(move || completer.complete(value));
        let cancelled = task.cancel();
        let back = other.join().unwrap();
        let result = task.take().expect("it has ended either way");
        assert_eq!((cancelled, cancelled), (result.is_err(), back.is_err()));
        assert_eq!(dropped.get(), 0);
        if let Ok(value) = &result {
            value.read();
        }
        drop((result, back));
        assert_eq!((dropped.get(), strayed.get()), (1, 0));
    });
}

/// The completer and the handle go at the same time: the value is dropped once, the cell is freed. Red
/// when `fulfil` leaves the output in a cell whose handle is gone.
#[test]
fn completion_against_the_drop_of_the_handle() {
    explore(None, 5, || {
        let (dropped, strayed) = (Count::new(), Count::new());
        let (completer, task) = promise::<Guard, ()>();
        let value = Guard::new(&dropped, &strayed);
        let other = thread::spawn(move || drop(completer.complete(value)));
        drop(task);
        other.join().unwrap();
        assert_eq!(dropped.get(), 1, "by one of the two");
    });
}

/// The holder awaits it while the completer is dropped: it is woken, or has seen the end. Red when
/// `fulfil` does not wake.
#[test]
fn abandonment_against_an_await() {
    explore(None, 5, || {
        let (completer, mut task) = promise::<u8, ()>();
        let other = thread::spawn(move || drop(completer));
        let bell = Arc::new(Bell::default());
        let waker = Arc::clone(&bell).into();
        let first = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
        other.join().unwrap();
        assert!(first.is_ready() || bell.rung() == 1);
        if first.is_pending() {
            let end = Pin::new(&mut task).poll(&mut Context::from_waker(&waker));
            assert!(matches!(end, Poll::Ready(Err(TaskError::Abandoned))));
        }
    });
}
