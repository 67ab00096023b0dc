//! Bounds of hooks where there are threads: `Send` and `Sync`.

/// `Send`, except on wasm32-unknown-unknown, where every type has it.
///
/// A bound of what a page calls back: JavaScript values are not `Send`, and a page has one thread.
pub trait MaybeSend: Send {}
impl<T: Send> MaybeSend for T {}

/// `Send + Sync`, except on wasm32-unknown-unknown, where every type has it.
///
/// A bound of what a page calls back: JavaScript values are neither, and a page has one thread.
pub trait MaybeSendSync: Send + Sync {}
impl<T: Send + Sync> MaybeSendSync for T {}

/// A value that any thread may hold.
pub(crate) struct Shareable<T>(T);

impl<T> Shareable<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(value)
    }

    /// Returns the value, on each thread.
    pub(crate) fn get(&self) -> Option<&T> {
        Some(&self.0)
    }

    /// Moves the value out, on each thread.
    pub(crate) fn take(self) -> Option<T> {
        Some(self.0)
    }
}
