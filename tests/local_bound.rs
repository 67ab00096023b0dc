//! Futures and results that stay on their thread, while others wake, cancel and rearrange them, and their runtime goes.

use offtick::{Budget, CancelHandle, LocalRuntime, Priority, Runtime, TaskError, queue};
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Poll, Waker};
use std::thread;

const ROUNDS: usize = 50;

type Wakers = Arc<Mutex<Vec<Waker>>>;

thread_local! {
    static RUNTIME: RefCell<Option<LocalRuntime>> = const { RefCell::new(None) };
}

/// Shows its waker and waits for ever; what it would return is not `Send`.
async fn waits(wakers: Wakers) -> Rc<()> {
    let result = Rc::new(());
    poll_fn(|cx| {
        wakers.lock().expect("no panic").push(cx.waker().clone());
        Poll::<()>::Pending
    })
    .await;
    result
}

/// Does to tasks what other threads may do.
fn meddle(wakers: Vec<Waker>, controls: &[CancelHandle]) {
    for (index, waker) in wakers.into_iter().enumerate() {
        waker.wake_by_ref();
        if let Some(control) = controls.get(index) {
            control.set_priority(Priority::ALL[index % 3]);
            if index % 3 == 0 {
                control.cancel();
            }
        }
        waker.wake();
    }
}

/// The runtime goes inside the first poll of a task, or of one inside of that, and another thread is at its tasks.
#[test]
fn a_runtime_that_is_dropped_inside_an_eager_start() {
    for round in 0..ROUNDS {
        let rt = LocalRuntime::new().expect("a runtime");
        let (handle, spawner) = (rt.local_handle().clone(), rt.handle().clone());
        let wakers = Wakers::default();
        let tasks: Vec<_> = (0..20).map(|_| rt.spawn(waits(Arc::clone(&wakers)))).collect();
        rt.tick(Budget::unlimited()).expect("not nested");
        let controls: Vec<_> = tasks.iter().map(|task| task.cancel_handle()).collect();
        let begun = Arc::new(AtomicBool::new(false));
        let theirs = Arc::clone(&begun);
        let other = thread::spawn(move || {
            let wakers = std::mem::take(&mut *wakers.lock().expect("no panic"));
            theirs.store(true, Ordering::Release);
            meddle(wakers, &controls);
            (0..10).map(|_| spawner.spawn_eager(offtick::yield_now())).collect::<Vec<_>>()
        });
        while !begun.load(Ordering::Acquire) {
            thread::yield_now();
        }
        RUNTIME.set(Some(rt));
        let inside = handle.clone();
        let outer = handle.spawn_eager(async move {
            let result = Rc::new(());
            let inner = inside.spawn_eager(async move {
                if round % 2 == 0 {
                    drop(RUNTIME.take());
                }
                pending::<()>().await;
            });
            assert!(!inner.is_done());
            drop(RUNTIME.take());
            pending::<()>().await;
            drop(inner);
            result
        });
        assert!(matches!(outer.error(), Some(TaskError::RuntimeGone)));
        let started = other.join().expect("no panic");
        assert!(tasks.iter().all(|task| task.is_done()) && started.iter().all(|task| task.is_done()));
        assert!(handle.spawn_eager(async {}).error().is_some());
    }
}

/// Tasks of a reactor thread that are bound to it: its end finds them wherever they stand.
#[test]
fn a_reactor_that_ends_with_tasks_that_are_bound_to_it() {
    for _ in 0..ROUNDS {
        let rt = Runtime::new().expect("a runtime");
        let wakers = Wakers::default();
        let (theirs, (tell, told)) = (Arc::clone(&wakers), mpsc::channel());
        let parent = rt.task().spawn(move |_| async move {
            let mut tasks = Vec::new();
            for _ in 0..10 {
                let task = queue::spawn_descend(waits(Arc::clone(&theirs))).await;
                tasks.push(task.expect("inside a task"));
            }
            let queue = queue::current().expect("inside a task");
            let call = queue.call_at(0, || Rc::new(()));
            let out = queue.remove(&call).expect("it is ready");
            let controls: Vec<_> = tasks.iter().map(|task| task.cancel_handle()).collect();
            tell.send(controls).expect("it listens");
            pending::<()>().await;
            drop((tasks, call, out));
        });
        let controls = told.recv().expect("the task tells");
        let wakers = std::mem::take(&mut *wakers.lock().expect("no panic"));
        let other = thread::spawn(move || meddle(wakers, &controls));
        drop(rt);
        other.join().expect("no panic");
        assert!(matches!(parent.error(), Some(TaskError::RuntimeGone)));
    }
}
