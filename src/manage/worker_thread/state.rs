//! The state of a [`WorkerThread`](super::WorkerThread), and its changes.

use super::error::ThreadError;
use super::life::Life;
use crate::manage::pool::PoolHandle;
use crate::sync::Mutex;

#[derive(Default)]
pub(super) struct State(Mutex<Now>);

#[derive(Default)]
enum Now {
    #[default]
    Idle,
    /// Some code has a [`Turn`].
    Changing,
    Running(Box<Life>),
}

/// The right to change the state. Dropping it leaves the pool idle.
pub(super) struct Turn<'a>(&'a State);

impl State {
    pub(super) fn start(&self) -> Result<Turn<'_>, ThreadError> {
        let mut now = self.0.lock();
        match *now {
            Now::Idle => *now = Now::Changing,
            Now::Changing => return Err(ThreadError::Busy),
            Now::Running(_) => return Err(ThreadError::AlreadyRunning),
        }
        drop(now);
        Ok(Turn(self))
    }

    /// Takes a running pool out; `None` if it is not running.
    pub(super) fn stop(&self) -> Result<Option<(Turn<'_>, Box<Life>)>, ThreadError> {
        let mut now = self.0.lock();
        match std::mem::replace(&mut *now, Now::Changing) {
            Now::Idle => {
                *now = Now::Idle;
                Ok(None)
            }
            Now::Changing => Err(ThreadError::Busy),
            Now::Running(life) => {
                drop(now);
                Ok(Some((Turn(self), life)))
            }
        }
    }

    pub(super) fn pool(&self) -> Option<PoolHandle> {
        match &*self.0.lock() {
            Now::Running(life) => Some(life.pool()),
            Now::Idle | Now::Changing => None,
        }
    }
}

impl Turn<'_> {
    pub(super) fn run(self, life: Life) {
        *self.0.0.lock() = Now::Running(Box::new(life));
        std::mem::forget(self);
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.0.lock() = Now::Idle;
    }
}
