//! The executor that the current thread drives: the only thread-local of a runtime.
//!
//! A thread drives at most one executor at a time. A nested drive (an eager poll, a host that ticks one runtime from
//! inside another) saves and restores it. Runtimes are compared by address, never by thread identifier, which the
//! system reuses.
//!
//! The thread-local also has the runtime for which a thread polls a future once before it hands the future over: timers
//! that the future creates belong to the runtime that will run it.

use super::local::WorldRequests;
use super::shared::Shared;
use crate::executor::Core;
use crate::instant::Instant;
use crate::sync::Arc;
use crate::task::raw::ArcCache;
use crate::time::driver::Driver;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The part of a runtime that only its driver thread uses.
pub(crate) struct Local {
    pub(crate) core: Core,
    pub(crate) shared: Arc<Shared>,
    /// References to it, for the tasks that this thread creates.
    pub(super) arc_cache: ArcCache<Shared>,
    /// True while one of its tasks is started between two ticks: see `local/eager.rs`.
    pub(super) visited: Cell<bool>,
    /// The requests of tasks for the host's world.
    pub(super) requests: WorldRequests,
    /// The time of the published list.
    pub(super) listed_at: Cell<Option<Instant>>,
}

thread_local! {
    static DRIVEN: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
    static OVERRIDES: RefCell<Overrides> = const { RefCell::new(Overrides { started_for: None, timers: None }) };
}

/// The runtime and timers of the polled future, if they are not the executor's.
struct Overrides {
    /// The runtime that will run the future.
    started_for: Option<Arc<Shared>>,
    /// The timers of the polled task, if it has its own clock.
    timers: Option<Arc<Driver>>,
}

/// A guard that restores the previous context.
pub(crate) struct Entered {
    previous: Option<Rc<Local>>,
    /// The driven executor takes precedence over an earlier `started_for`.
    _nearer: StartedFor,
}

/// Makes `local` the executor that this thread drives, until the guard is dropped.
pub(crate) fn enter(local: Rc<Local>) -> Entered {
    // Without thread-locals (a runtime that is dropped with them) there is no context: then wakes use the inbox.
    let previous = DRIVEN.try_with(|driven| driven.borrow_mut().replace(local)).ok().flatten();
    Entered { previous, _nearer: started_for(None) }
}

/// A guard that restores the previous runtime.
pub(super) struct StartedFor {
    previous: Option<Overrides>,
}

/// Polls for `shared` on this thread from now on, until the guard is dropped.
pub(super) fn started_for(shared: Option<Arc<Shared>>) -> StartedFor {
    let overrides = Overrides { started_for: shared, timers: None };
    StartedFor { previous: OVERRIDES.try_with(|own| own.replace(overrides)).ok() }
}

impl Drop for StartedFor {
    #[inline]
    fn drop(&mut self) {
        if let Some(previous) = self.previous.take() {
            // Dropped after the borrow: it may be the last reference.
            drop(OVERRIDES.try_with(|own| own.replace(previous)).ok());
        }
    }
}

/// Restores the previous timers when dropped.
pub(crate) struct OwnTimers {
    previous: Option<Arc<Driver>>,
}

/// Sets the timers of futures that this thread polls, until the guard is dropped.
pub(crate) fn own_timers(timers: Option<Arc<Driver>>) -> OwnTimers {
    OwnTimers { previous: swap_timers(timers) }
}

fn swap_timers(timers: Option<Arc<Driver>>) -> Option<Arc<Driver>> {
    OVERRIDES.try_with(|own| std::mem::replace(&mut own.borrow_mut().timers, timers)).ok().flatten()
}

impl Drop for OwnTimers {
    fn drop(&mut self) {
        // Dropped after the borrow: it may be the last reference.
        drop(swap_timers(self.previous.take()));
    }
}

/// Returns the timers of the task that this thread polls.
pub(super) fn timers() -> Option<Arc<Driver>> {
    let own = OVERRIDES.try_with(|own| own.borrow().timers.clone()).ok().flatten();
    own.or_else(|| with_polled_for(|shared| Arc::clone(&shared.driver)))
}

/// Runs `f` with the runtime of the future that this thread polls.
///
/// `f` runs under a borrow: it must not run user code.
pub(super) fn with_polled_for<R>(f: impl Fn(&Arc<Shared>) -> R) -> Option<R> {
    let started = OVERRIDES.try_with(|own| own.borrow().started_for.as_ref().map(&f)).ok().flatten();
    started.or_else(|| with_local(|local| f(&local.shared)))
}

/// The runtime for which this thread polls a future.
pub(super) enum PolledFor {
    /// The executor that this thread drives.
    Driven(Rc<Local>),
    /// A runtime that will run the future.
    Ahead(Arc<Shared>),
    /// No runtime of this crate.
    NoRuntime,
}

/// Returns the runtime of the polled future, for code that runs user code with it.
pub(super) fn polled_for() -> PolledFor {
    let started = OVERRIDES.try_with(|own| own.borrow().started_for.clone()).ok().flatten();
    match (started, current()) {
        (Some(shared), _) => PolledFor::Ahead(shared),
        (None, Some(local)) => PolledFor::Driven(local),
        (None, None) => PolledFor::NoRuntime,
    }
}

/// Returns the executor that this thread drives, for code that runs user code with it.
pub(crate) fn current() -> Option<Rc<Local>> {
    with_local(Rc::clone)
}

impl Drop for Entered {
    fn drop(&mut self) {
        let previous = self.previous.take();
        let left = DRIVEN.try_with(|driven| std::mem::replace(&mut *driven.borrow_mut(), previous));
        // Dropped after the borrow: it may be the last reference.
        drop(left);
    }
}

/// Runs `f` with the executor that this thread drives.
///
/// Not if it drives none, or has lost its thread-locals.
///
/// `f` runs under a borrow: it must not run user code.
#[inline(always)]
pub(crate) fn with_local<R>(f: impl FnOnce(&Rc<Local>) -> R) -> Option<R> {
    DRIVEN.try_with(|driven| driven.borrow().as_ref().map(f)).ok().flatten()
}

/// Returns true if this thread drives the executor `local`.
pub(super) fn drives(local: &Local) -> bool {
    with_local(|driven| std::ptr::eq(Rc::as_ptr(driven), local)).unwrap_or(false)
}

/// Returns true if this thread drives any executor.
pub(crate) fn drives_any() -> bool {
    with_local(|_| ()).is_some()
}

/// Takes one operation from the budget of the polled task.
///
/// Returns false if none is left. Outside of any executor of this crate there is no limit.
pub(crate) fn spend() -> bool {
    with_local(|local| local.core.spend()).unwrap_or(true)
}
