//! One list of methods for several types.

/// Gives several types the methods of one list, with their docs.
///
/// Owners of a handle have its methods in this way. With a `Deref` to the handle, `owner.clone()` would return a handle
/// that is useless once the owner is dropped. The body accesses its data by a method that all of the types have.
///
/// ```ignore
/// methods! {
/// impl Handle, Runtime {
///     /// Docs.
///     pub fn is_closed(&self) -> bool { self.handle().shared.is_closing() }
/// }
/// }
/// ```
macro_rules! methods {
    (impl $type:ty $(, $more:ty)* { $($method:tt)* }) => {
        impl $type { $($method)* }
        $crate::util::methods::methods! { @rest $($more),* { $($method)* } }
    };
    (@rest { $($method:tt)* }) => {};
    (@rest $type:ty $(, $more:ty)* { $($method:tt)* }) => {
        $crate::util::methods::methods! { impl $type $(, $more)* { $($method)* } }
    };
}

pub(crate) use methods;
