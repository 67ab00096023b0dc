//! Bounds of hooks on a page: none, since it has one thread.

use send_wrapper::SendWrapper;

/// `Send`, except on wasm32-unknown-unknown, where every type has it.
///
/// A bound of what a page calls back: JavaScript values are not `Send`, and a page has one thread.
pub trait MaybeSend {}
impl<T> MaybeSend for T {}

/// `Send + Sync`, except on wasm32-unknown-unknown, where every type has it.
///
/// A bound of what a page calls back: JavaScript values are neither, and a page has one thread.
pub trait MaybeSendSync {}
impl<T> MaybeSendSync for T {}

/// A value that any thread may hold, and the thread that made it reach.
pub(crate) struct Shareable<T>(SendWrapper<T>);

impl<T> Shareable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(SendWrapper::new(value))
    }

    /// Returns the value; `None` on another thread, as a module with shared memory may have.
    pub(crate) fn get(&self) -> Option<&T> {
        self.0.valid().then(|| &*self.0)
    }

    /// Moves the value out; `None` on another thread, where it is leaked.
    pub(crate) fn take(self) -> Option<T> {
        if self.0.valid() {
            return Some(self.0.take());
        }
        std::mem::forget(self);
        None
    }
}
