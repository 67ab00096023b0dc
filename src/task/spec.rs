//! What a task is made with, besides its body and its owner.

use super::{Details, Priority};
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

    /// A task with nothing but a body and a level to begin with.
    pub(crate) fn of_level(priority: Priority, location: &'static Location<'static>) -> Self {
        let usual = priority == Priority::default();
        let details = (!usual).then(|| Arc::new(Details::new(None, None, None).prioritised(priority)));
        Self { location, details, progress: None }
    }
}
