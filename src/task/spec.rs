//! The parts of a new task besides its body and its owner.

use super::raw::SpawnMeta;
use super::{Priority, TaskMeta};
use crate::progress::Reader;
use crate::sync::Arc;
use std::panic::Location;

/// The place that spawned a task, its metadata and its progress.
pub(crate) struct Spec<P> {
    pub(crate) origin: SpawnMeta,
    pub(crate) progress: Option<Reader<P>>,
}

impl Spec<()> {
    /// Describes a task without metadata, spawned by the caller's caller.
    #[track_caller]
    pub(crate) fn plain() -> Self {
        Self { origin: SpawnMeta::at(Location::caller()), progress: None }
    }

    /// Describes a task without metadata, with an initial priority.
    pub(crate) fn of_level(priority: Priority, location: &'static Location<'static>) -> Self {
        if priority == Priority::default() {
            return Self { origin: SpawnMeta::at(location), progress: None };
        }
        Self::detailed(Arc::new(TaskMeta::new(location, None, None, None).prioritised(priority)), None)
    }
}

impl<P> Spec<P> {
    /// Describes a task without metadata.
    pub(super) fn at(location: &'static Location<'static>) -> Self {
        Self { origin: SpawnMeta::at(location), progress: None }
    }

    /// Describes a task with metadata.
    pub(crate) fn detailed(details: Arc<TaskMeta>, progress: Option<Reader<P>>) -> Self {
        Self { origin: SpawnMeta::of(details), progress }
    }
}
