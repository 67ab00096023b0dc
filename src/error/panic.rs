//! A caught panic, as a value.

use crate::sync::Arc;
use crate::sync::plain::Mutex;
use std::any::Any;
use std::fmt;

/// A caught panic: its message and its payload.
///
/// [`std::panic::resume_unwind`] accepts the payload. Clones share it.
///
/// # Example
/// ```
/// let rt = offtick::Runtime::new()?;
/// let mut task: offtick::Task<()> = rt.spawn(async { panic!("out of cheese") });
/// let Err(offtick::TaskError::Panicked(panic)) = task.wait() else { unreachable!() };
/// assert_eq!(panic.message(), "out of cheese");
/// assert!(panic.take_payload().is_some_and(|payload| payload.is::<&str>()));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone)]
pub struct Panic(Arc<Caught>);

struct Caught {
    message: Box<str>,
    payload: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Panic {
    pub(crate) fn new(payload: Box<dyn Any + Send>) -> Self {
        let message = if let Some(text) = payload.downcast_ref::<&'static str>() {
            (*text).into()
        } else if let Some(text) = payload.downcast_ref::<String>() {
            text.as_str().into()
        } else {
            "a payload that is not text".into()
        };
        Self(Arc::new(Caught { message, payload: Mutex::new(Some(payload)) }))
    }

    /// Returns the text given to `panic!`.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Takes the payload, for [`std::panic::resume_unwind`]. Returns `None` if it was already taken.
    pub fn take_payload(&self) -> Option<Box<dyn Any + Send>> {
        self.0.payload.lock().take()
    }
}

impl Drop for Caught {
    fn drop(&mut self) {
        // The payload's own destructor may panic. That must not unwind out of dropping an error value.
        if let Some(payload) = self.payload.get_mut().take() {
            crate::util::catch::drop_quietly(payload);
        }
    }
}

impl fmt::Display for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for Panic {}

impl fmt::Debug for Panic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Panic").field("message", &self.message()).finish_non_exhaustive()
    }
}
