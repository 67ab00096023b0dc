//! A shared task without its types.

use super::WrongType;
use crate::task::{CancelHandle, SharedTask};
use std::any::{Any, type_name};
use std::fmt;

/// A task of any type, which can be returned under its own type.
pub(crate) struct Stored {
    task: Box<dyn Any + Send + Sync>,
    kind: &'static str,
    control: CancelHandle,
    /// A function that marks the error of the task as read, so that it is not reported.
    read_error: fn(&(dyn Any + Send + Sync)),
}

impl Stored {
    pub(crate) fn new<T, P>(task: SharedTask<T, P>) -> Self
    where
        T: Send + Sync + 'static,
        P: Send + 'static,
    {
        let control = task.cancel_handle();
        let read_error = |task: &(dyn Any + Send + Sync)| {
            let _read = task.downcast_ref::<SharedTask<T, P>>().map(SharedTask::error);
        };
        Self { task: Box::new(task), kind: type_name::<SharedTask<T, P>>(), control, read_error }
    }

    /// Marks the error of a failed task as read.
    pub(crate) fn read_error(&self) {
        (self.read_error)(&*self.task);
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
