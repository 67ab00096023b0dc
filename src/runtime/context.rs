//! What the current thread drives: the one place with a thread-local.
//!
//! A thread drives at most one executor at a time; a nested drive (an eager poll, a host that pumps one runtime from
//! inside another) saves and restores. Runtimes are told apart by address, never by thread identity, which the system
//! recycles.
//!
//! Beside it stands the runtime for which a thread that does not drive it polls a future once, ahead of handing it over:
//! timers that such a future makes are to be those of the runtime that will run it.

use super::local::WorldRequests;
use super::shared::Shared;
use crate::executor::Core;
use crate::instant::Instant;
use crate::sync::Arc;
use crate::task::raw::ArcCache;
use crate::time::driver::Driver;
use std::cell::{Cell, RefCell};
use std::rc::Rc;

/// The half of a runtime that only its driving thread reaches.
pub(crate) struct Local {
    pub(crate) core: Core,
    pub(crate) shared: Arc<Shared>,
    /// References to it, for the tasks that this thread makes.
    pub(super) arc_cache: ArcCache<Shared>,
    /// One of its tasks is being started between two ticks: see `local/eager.rs`.
    pub(super) visited: Cell<bool>,
    /// Requests of the tasks for the host's world.
    pub(super) requests: WorldRequests,
    /// When the list that is published was made.
    pub(super) listed_at: Cell<Option<Instant>>,
}

thread_local! {
    static DRIVEN: RefCell<Option<Rc<Local>>> = const { RefCell::new(None) };
    static OVERRIDES: RefCell<Overrides> = const { RefCell::new(Overrides { started_for: None, timers: None }) };
}

/// The runtime and timers of the polled future, where they are not those of the executor that this thread drives.
struct Overrides {
    /// The runtime that takes the future over afterwards.
    started_for: Option<Arc<Shared>>,
    /// The timers of the polled task, if it has its own clock.
    timers: Option<Arc<Driver>>,
}

/// Puts the previous context back.
pub(crate) struct Entered {
    previous: Option<Rc<Local>>,
    /// What is driven stands nearer to the future than what it was started for.
    _nearer: StartedFor,
}

/// Makes `local` the executor that this thread drives, until the guard goes.
pub(crate) fn enter(local: Rc<Local>) -> Entered {
    // Without thread-locals (a runtime that is dropped with them) there is no context: wakes go through the inbox then.
    let previous = DRIVEN.try_with(|driven| driven.borrow_mut().replace(local)).ok().flatten();
    Entered { previous, _nearer: started_for(None) }
}

/// Puts the previous one back.
pub(super) struct StartedFor {
    previous: Option<Overrides>,
}

/// What this thread polls from now on, it polls for `shared`, until the guard goes.
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

/// The timers of the task that this thread polls.
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
    /// The executor that it drives.
    Driven(Rc<Local>),
    /// A runtime that takes the future over afterwards.
    Ahead(Arc<Shared>),
    /// No runtime of this crate.
    Nobody,
}

/// The runtime of the future that this thread polls, for whoever runs user code with it.
pub(super) fn polled_for() -> PolledFor {
    let started = OVERRIDES.try_with(|own| own.borrow().started_for.clone()).ok().flatten();
    match (started, current()) {
        (Some(shared), _) => PolledFor::Ahead(shared),
        (None, Some(local)) => PolledFor::Driven(local),
        (None, None) => PolledFor::Nobody,
    }
}

/// The executor that this thread drives, for whoever runs user code with it.
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

/// Runs `f` with the executor that this thread drives, if it drives one and still has its thread-locals.
///
/// `f` runs under a borrow: it must not run user code.
#[inline(always)]
pub(crate) fn with_local<R>(f: impl FnOnce(&Rc<Local>) -> R) -> Option<R> {
    DRIVEN.try_with(|driven| driven.borrow().as_ref().map(f)).ok().flatten()
}

/// True if this thread drives this very executor.
pub(super) fn drives(local: &Local) -> bool {
    with_local(|driven| std::ptr::eq(Rc::as_ptr(driven), local)).unwrap_or(false)
}

/// True if this thread drives any executor.
pub(crate) fn drives_any() -> bool {
    with_local(|_| ()).is_some()
}

/// Takes one operation from the budget of the task that this thread polls. False: there is none left. Outside of any
/// executor of this crate there is no limit.
pub(crate) fn spend() -> bool {
    with_local(|local| local.core.spend()).unwrap_or(true)
}
