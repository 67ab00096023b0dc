//! What a task is made with, besides its body and its owner.

use super::Details;
use crate::progress::Reader;
use crate::sync::Arc;
use std::panic::Location;

/// Where a task was spawned, and what only some tasks have.
pub(crate) struct Spec<P> {
    pub(crate) location: &'static Location<'static>,
    pub(crate) details: Option<Arc<Details>>,
    pub(crate) progress: Option<Reader<P>>,
}

impl Spec<()> {
    /// A task with nothing but a body, spawned by whoever calls the caller.
    #[track_caller]
    pub(crate) fn plain() -> Self {
        Self { location: Location::caller(), details: None, progress: None }
    }
}
