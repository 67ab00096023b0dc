//! What a task is made with, besides its body and its owner.

use super::raw::SpawnMeta;
use super::{Priority, TaskMeta};
use crate::progress::Reader;
use crate::sync::Arc;
use std::panic::Location;

/// Where a task was spawned, and what only some tasks have.
pub(crate) struct Spec<P> {
    pub(crate) origin: SpawnMeta,
    pub(crate) progress: Option<Reader<P>>,
}

impl Spec<()> {
    /// A task with nothing but a body, spawned by whoever calls the caller.
    #[track_caller]
    pub(crate) fn plain() -> Self {
        Self { origin: SpawnMeta::at(Location::caller()), progress: None }
    }

    /// A task with nothing but a body and a level to begin with.
    pub(crate) fn of_level(priority: Priority, location: &'static Location<'static>) -> Self {
        if priority == Priority::default() {
            return Self { origin: SpawnMeta::at(location), progress: None };
        }
        Self::detailed(Arc::new(TaskMeta::new(location, None, None, None).prioritised(priority)), None)
    }
}

impl<P> Spec<P> {
    /// A task with nothing but a body.
    pub(super) fn at(location: &'static Location<'static>) -> Self {
        Self { origin: SpawnMeta::at(location), progress: None }
    }

    /// A task with extras.
    pub(crate) fn detailed(details: Arc<TaskMeta>, progress: Option<Reader<P>>) -> Self {
        Self { origin: SpawnMeta::of(details), progress }
    }
}
