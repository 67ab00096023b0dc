//! What a task is made with, besides its body and its owner.

use super::raw::Origin;
use super::{Details, Priority};
use crate::progress::Reader;
use crate::sync::Arc;
use std::panic::Location;

/// Where a task was spawned, and what only some tasks have.
pub(crate) struct Spec<P> {
    pub(crate) origin: Origin,
    pub(crate) progress: Option<Reader<P>>,
}

impl Spec<()> {
    /// A task with nothing but a body, spawned by whoever calls the caller.
    #[track_caller]
    pub(crate) fn plain() -> Self {
        Self { origin: Origin::at(Location::caller()), progress: None }
    }

    /// A task with nothing but a body and a level to begin with.
    pub(crate) fn of_level(priority: Priority, location: &'static Location<'static>) -> Self {
        if priority == Priority::default() {
            return Self { origin: Origin::at(location), progress: None };
        }
        Self::detailed(Arc::new(Details::new(location, None, None, None).prioritised(priority)), None)
    }
}

impl<P> Spec<P> {
    /// A task with extras.
    pub(crate) fn detailed(details: Arc<Details>, progress: Option<Reader<P>>) -> Self {
        Self { origin: Origin::of(details), progress }
    }
}
