//! The origin of a task in one word: its spawning line, or its metadata.
//!
//! The metadata includes the line. Most tasks have none. Both are addresses of aligned values, so the lowest bit tells
//! them apart.

use crate::sync::Arc;
use crate::task::TaskMeta;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::ptr::NonNull;

/// The bit that marks the address of metadata.
const DETAILED: usize = 1;

const _: () = assert!(align_of::<Location<'static>>() > DETAILED && align_of::<TaskMeta>() > DETAILED);

/// A source line of the program, or a counted reference to metadata.
pub(crate) struct SpawnMeta {
    /// The address of a `Location<'static>`; with the bit, the result of `Arc::into_raw`.
    word: NonNull<()>,
    owns: PhantomData<(&'static Location<'static>, Arc<TaskMeta>)>,
}

// SAFETY: it is one of the two types above, which are both `Send`.
unsafe impl Send for SpawnMeta where (&'static Location<'static>, Arc<TaskMeta>): Send {}
// SAFETY: as above, shared.
unsafe impl Sync for SpawnMeta where (&'static Location<'static>, Arc<TaskMeta>): Sync {}

impl SpawnMeta {
    /// Returns the origin of a task without metadata.
    #[inline(always)]
    pub(crate) fn at(location: &'static Location<'static>) -> Self {
        Self { word: NonNull::from(location).cast(), owns: PhantomData }
    }

    /// Returns the origin of a task with metadata.
    pub(crate) fn of(details: Arc<TaskMeta>) -> Self {
        let address = Arc::into_raw(details).cast_mut().cast::<()>().map_addr(|address| address | DETAILED);
        Self { word: NonNull::new(address).expect("the bit is set"), owns: PhantomData }
    }

    #[inline(always)]
    fn is_detailed(&self) -> bool {
        self.word.addr().get() & DETAILED != 0
    }

    /// Returns the pointer of `Arc::into_raw`, if it is one.
    #[inline(always)]
    fn extras(&self) -> Option<*const TaskMeta> {
        self.is_detailed().then(|| self.word.as_ptr().map_addr(|address| address & !DETAILED).cast_const().cast())
    }

    #[inline(always)]
    pub(crate) fn details(&self) -> Option<&TaskMeta> {
        // SAFETY: the reference behind the pointer is ours, and lives as long as we do.
        self.extras().map(|extras| unsafe { &*extras })
    }

    pub(crate) fn location(&self) -> &'static Location<'static> {
        match self.details() {
            Some(details) => details.location(),
            // SAFETY: without the bit the word was made from such a reference.
            None => unsafe { self.word.cast().as_ref() },
        }
    }
}

impl Drop for SpawnMeta {
    #[inline]
    fn drop(&mut self) {
        if let Some(extras) = self.extras() {
            // SAFETY: from `Arc::into_raw`, and restored once.
            drop(unsafe { Arc::from_raw(extras) });
        }
    }
}

impl fmt::Debug for SpawnMeta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpawnMeta").field("location", self.location()).field("detailed", &self.is_detailed()).finish()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_line_or_extras_that_know_it() {
        let here = Location::caller();
        let plain = SpawnMeta::at(here);
        assert!(std::ptr::eq(plain.location(), here) && plain.details().is_none());
        let details = Arc::new(TaskMeta::new(here, Some("import".into()), None, None));
        let detailed = SpawnMeta::of(Arc::clone(&details));
        assert!(std::ptr::eq(detailed.location(), here));
        assert_eq!(detailed.details().and_then(TaskMeta::name), Some("import"));
        assert_eq!(Arc::strong_count(&details), 2);
        drop((plain, detailed));
        assert_eq!(Arc::strong_count(&details), 1);
    }
}
