//! A shared task without its types.

use super::WrongType;
use crate::task::{CancelHandle, SharedTask};
use std::any::{Any, type_name};
use std::fmt;

/// Keeps a task alive under one type for all, and gives it back under its own.
pub(crate) struct Stored {
    task: Box<dyn Any + Send + Sync>,
    kind: &'static str,
    control: CancelHandle,
}

impl Stored {
    pub(crate) fn new<T, P>(task: SharedTask<T, P>) -> Self
    where
        T: Send + Sync + 'static,
        P: Send + 'static,
    {
        let control = task.cancel_handle();
        Self { task: Box::new(task), kind: type_name::<SharedTask<T, P>>(), control }
    }

    pub(crate) fn cancel_handle(&self) -> &CancelHandle {
        &self.control
    }

    pub(crate) fn get<T: 'static, P: 'static>(&self) -> Result<SharedTask<T, P>, WrongType> {
        self.task.downcast_ref::<SharedTask<T, P>>().cloned().ok_or_else(|| WrongType {
            id: self.control.id(),
            wanted: type_name::<SharedTask<T, P>>(),
            found: self.kind,
        })
    }
}

impl fmt::Debug for Stored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.control.fmt(f)
    }
}
