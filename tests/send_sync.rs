//! What may cross threads, asserted at compile time, in both directions.

use offtick::WithHostError;
use offtick::time::TickWait;
use offtick::{
    Budget, BuildError, Builder, CancelHandle, Handle, InvalidSetting, LocalBuilder, LocalHandle, LocalRuntime,
    Metrics, Panic, RetryError, RetryPolicy, Runtime, SharedTask, ShutdownReport, Status, Task, TaskBuilder, TaskError,
    TaskId, TaskInfo, TickError, TickReport, TrySpawnError,
};
use std::cell::Cell;
use std::marker::PhantomPinned;
use std::rc::Rc;
use std::sync::MutexGuard;

/// Holds for everything of which `$type` is not: if it were, two implementations would fit and the type of `_` below
/// could not be inferred.
macro_rules! assert_not {
    ($type:ty: $trait:path) => {
        const _: fn() = || {
            trait Ambiguous<A> {
                fn check() {}
            }
            impl<T: ?Sized> Ambiguous<()> for T {}
            struct Invalid;
            impl<T: ?Sized + $trait> Ambiguous<Invalid> for T {}
            let _ = <$type as Ambiguous<_>>::check;
        };
    };
}

fn send<T: Send>() {}
fn sync<T: Sync>() {}
fn unpin<T: Unpin>() {}
fn debug<T: std::fmt::Debug>() {}
fn clone<T: Clone>() {}
fn is_static<T: 'static>() {}
fn error<T: std::error::Error + Send + Sync + 'static>() {}
fn future<T: Future>() {}

struct NotDebug;

// A task moves with its value, and may be looked at from several threads where the value may.
assert_not!(Task<Rc<()>>: Send);
assert_not!(Task<Rc<()>>: Sync);
assert_not!(Task<Cell<u8>>: Sync);
assert_not!(Task<MutexGuard<'static, ()>>: Send);
assert_not!(Task<MutexGuard<'static, ()>>: Sync);
assert_not!(Task<(), Rc<()>>: Send);
assert_not!(Task<(), Rc<()>>: Sync);
assert_not!(Task<()>: Clone);
assert_not!(SharedTask<Rc<()>>: Send);
assert_not!(SharedTask<Rc<()>>: Sync);
assert_not!(SharedTask<Cell<u8>>: Send);
assert_not!(SharedTask<Cell<u8>>: Sync);
assert_not!(SharedTask<(), Rc<()>>: Send);
assert_not!(Runtime: Clone);

// What stays on the thread of a runtime without one.
assert_not!(LocalRuntime: Send);
assert_not!(LocalRuntime: Sync);
assert_not!(LocalHandle: Send);
assert_not!(LocalHandle: Sync);
assert_not!(TaskBuilder<(), LocalHandle>: Send);

#[test]
fn ticks() {
    clone::<LocalHandle>();
    send::<LocalBuilder>();
    send::<Budget>();
    sync::<TickReport>();
    error::<TickError>();
    error::<WithHostError>();
    clone::<offtick::time::ChildClock>();
    send::<offtick::time::ChildClock>();
    sync::<offtick::time::ChildClock>();
    // A wait for ticks may stand in a future that is spawned from elsewhere.
    send::<TickWait>();
    sync::<TickWait>();
    debug::<LocalRuntime>();
}

#[test]
fn tasks() {
    send::<Task<()>>();
    send::<Task<Cell<u8>>>();
    sync::<Task<String>>();
    send::<Task<String, Cell<u8>>>();
    unpin::<Task<PhantomPinned, PhantomPinned>>();
    debug::<Task<NotDebug, NotDebug>>();
    future::<Task<NotDebug>>();
    future::<&mut Task<NotDebug>>();
}

#[test]
fn shared_tasks() {
    send::<SharedTask<String>>();
    sync::<SharedTask<String>>();
    clone::<SharedTask<NotDebug>>();
    debug::<SharedTask<NotDebug>>();
    unpin::<SharedTask<PhantomPinned>>();
}

#[test]
fn handles_and_settings() {
    send::<Handle>();
    sync::<Handle>();
    clone::<Handle>();
    debug::<Handle>();
    is_static::<Handle>();
    send::<CancelHandle>();
    sync::<CancelHandle>();
    clone::<CancelHandle>();
    debug::<CancelHandle>();
    send::<Runtime>();
    sync::<Runtime>();
    debug::<Runtime>();
    send::<Builder>();
    debug::<Builder>();
    unpin::<Handle>();
}

#[test]
fn values() {
    send::<TaskId>();
    sync::<TaskId>();
    send::<TaskInfo>();
    sync::<TaskInfo>();
    clone::<TaskInfo>();
    sync::<Status>();
    sync::<Metrics>();
    sync::<ShutdownReport>();
    send::<Panic>();
    sync::<Panic>();
}

#[test]
fn errors() {
    error::<TaskError>();
    error::<BuildError>();
    error::<TrySpawnError<Box<dyn Fn() + Send + Sync>>>();
    debug::<TrySpawnError<NotDebug>>();
    send::<TrySpawnError<Cell<u8>>>();
}

#[test]
fn retries() {
    // A policy only looks at errors, it holds none.
    send::<RetryPolicy<std::rc::Rc<u8>>>();
    sync::<RetryPolicy<std::rc::Rc<u8>>>();
    clone::<RetryPolicy<NotDebug>>();
    debug::<RetryPolicy<NotDebug>>();
    error::<InvalidSetting>();
    error::<RetryError<std::io::Error>>();
    send::<RetryError>();
    sync::<RetryError>();
    fn check<T: Send + std::fmt::Debug>(_: &T) {}
    check(&offtick::retry::retry(RetryPolicy::none(), || async { Err::<(), NotDebug>(NotDebug) }));
}

#[test]
fn awaiting_is_send_where_the_value_is() {
    fn check<T: Send>(_: &T) {}
    let rt = Runtime::new().expect("a runtime is built");
    let (task, shared) = (rt.spawn(async {}), rt.spawn(async {}).share());
    check(&task.into_future());
    check(&async move { shared.finished().await });
}
