//! A store of freed cells, whose memory is reused for new ones.
//!
//! Tasks come in waves: a thousand are spawned, run and dropped. Allocators cache a few blocks of each size per thread
//! (glibc seven) and take a slower path for the rest, which would cost a third of the whole time of such a task. So
//! each thread has its own store: a list of free blocks per size, threaded through the blocks.
//!
//! # Bounds
//! - A list has at most as many blocks as this thread had to allocate because the list was empty. A thread that only
//!   frees what others allocate keeps nothing.
//! - A list has at most [`KEPT`] bytes: a wave of a thousand small tasks fits, also into the cache of a core. Blocks
//!   beyond that return to the allocator.
//! - Cells larger than [`LARGEST`] or aligned to more than [`ALIGN`] never come here.
//!
//! A thread frees its store when it ends. Cells allocated or freed on it after that use the allocator. On windows-gnu a
//! thread-local that is used after its destructor is created again: that store is freed as well.
//!
//! Under loom and Miri there is no store: they must see each cell allocated and freed.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// The alignment of all blocks, in bytes, which every allocator provides.
///
/// The sizes of the lists are its multiples. Cells have such sizes, so nothing is rounded up. Allocators round by their
/// own rules, and a few more bytes may reach the next size class.
const ALIGN: usize = 8;

/// The size of the blocks of the last list, in bytes.
const LARGEST: usize = 512;

/// The largest size of a list, in bytes.
const KEPT: usize = 128 * 1024;

const LISTS: usize = LARGEST / ALIGN;

const ON: bool = cfg!(not(any(loom, miri)));

/// Returns the list for blocks of `layout`, if there is one.
const fn list_of(layout: Layout) -> Option<usize> {
    if ON && layout.align() <= ALIGN && layout.size() <= LARGEST && layout.size() != 0 {
        Some((layout.size() - 1) / ALIGN)
    } else {
        None
    }
}

/// Returns the layout to allocate for `layout`: the same for all of one list.
const fn block_of(layout: Layout) -> Layout {
    let Some(list) = list_of(layout) else { return layout };
    match Layout::from_size_align((list + 1) * ALIGN, ALIGN) {
        Ok(block) => block,
        Err(_) => panic!("a small size and a power of two"),
    }
}

/// A free block: its first word has the address of the next one.
type Block = NonNull<Option<NonNull<()>>>;

#[derive(Clone, Copy)]
struct List {
    first: Option<NonNull<()>>,
    len: u32,
    /// The number of blocks that may still be added.
    room: u32,
}

struct Store([Cell<List>; LISTS]);

thread_local! {
    static STORE: Store = const { Store([const { Cell::new(List { first: None, len: 0, room: 0 }) }; LISTS]) };
}

impl Store {
    #[inline(always)]
    fn take(&self, list: usize) -> Option<NonNull<()>> {
        let place = &self.0[list];
        let List { first, len, room } = place.get();
        let Some(block) = first else {
            let most = (KEPT / ((list + 1) * ALIGN)) as u32;
            place.set(List { first, len, room: most.min(room + 1) });
            return None;
        };
        // SAFETY: a block of the list, whose first word was written when it was added.
        let next = unsafe { Block::read(block.cast()) };
        place.set(List { first: next, len: len - 1, room });
        Some(block)
    }

    /// Adds a block. Returns false if there is no room.
    ///
    /// # Safety
    /// `block` is a block of the list's size, from the allocator, and nothing uses it any more.
    #[inline(always)]
    unsafe fn put(&self, list: usize, block: NonNull<()>) -> bool {
        let place = &self.0[list];
        let List { first, len, room } = place.get();
        if len >= room {
            return false;
        }
        // SAFETY: by contract the block is ours, and a word fits in it.
        unsafe { Block::write(block.cast(), first) };
        place.set(List { first: Some(block), len: len + 1, room });
        true
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        for (list, place) in self.0.iter().enumerate() {
            let block = block_of(Layout::from_size_align((list + 1) * ALIGN, ALIGN).expect("a small size"));
            while let Some(free) = self.take(list) {
                // SAFETY: allocated by `get` with the layout of the list, and in the list once.
                unsafe { dealloc(free.as_ptr().cast(), block) };
            }
            place.set(List { first: None, len: 0, room: 0 });
        }
    }
}

/// Allocates memory for a `T`.
#[inline(always)]
pub(super) fn get<T>() -> NonNull<T> {
    const { assert!(size_of::<T>() != 0, "a cell has a header") };
    if let Some(list) = const { list_of(Layout::new::<T>()) }
        && let Ok(Some(block)) = STORE.try_with(|store| store.take(list))
    {
        return block.cast();
    }
    fresh(const { block_of(Layout::new::<T>()) }).cast()
}

#[inline(never)]
fn fresh(block: Layout) -> NonNull<u8> {
    // SAFETY: not of size zero: see `get`.
    let memory = unsafe { alloc(block) };
    NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(block))
}

/// Frees the memory of a `T`.
///
/// # Safety
/// It comes from [`get`] for a type of the same layout, and nothing uses it any more.
#[inline(always)]
pub(super) unsafe fn give_back<T>(memory: NonNull<T>) {
    if let Some(list) = const { list_of(Layout::new::<T>()) } {
        // SAFETY: by contract; all layouts of a list get the same blocks.
        let kept = STORE.try_with(|store| unsafe { store.put(list, memory.cast()) });
        if kept == Ok(true) {
            return;
        }
    }
    // SAFETY: by contract; memory that `get` allocated, directly or for the store, has this layout.
    unsafe { dealloc(memory.as_ptr().cast(), const { block_of(Layout::new::<T>()) }) };
}

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use std::thread;

    /// Runs `test` on a new thread, whose store is empty.
    fn on_a_new_thread(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().expect("no panic");
    }

    /// Frees a block of `get` that the test no longer uses.
    fn free<T>(block: NonNull<T>) {
        // SAFETY: as above.
        unsafe { give_back(block) };
    }

    fn len(list: usize) -> u32 {
        STORE.with(|store| store.0[list].get().len)
    }

    #[test]
    fn a_block_serves_all_of_its_size() {
        on_a_new_thread(|| {
            let first = get::<[u64; 11]>();
            free(first);
            assert_eq!(len(10), 1);
            let second = get::<[u8; 88]>();
            assert_eq!((second.addr(), len(10)), (first.addr(), 0));
            // SAFETY: 88 bytes.
            unsafe { second.as_ptr().write([7; 88]) };
            free(second);
            let other = get::<[u64; 10]>();
            assert_ne!(other.addr(), first.addr());
            free(other);
            assert_eq!((len(9), len(10)), (1, 1));
        });
    }

    #[test]
    fn it_keeps_what_it_allocated_up_to_the_bound() {
        on_a_new_thread(|| {
            let most = KEPT / 128;
            for count in [3, most - 1, most, most + 100] {
                let all: Vec<_> = (0..count).map(|_| get::<[u64; 16]>()).collect();
                let mut addresses: Vec<_> = all.iter().map(|block| block.addr()).collect();
                addresses.sort_unstable();
                assert!(addresses.windows(2).all(|pair| pair[1].get() - pair[0].get() >= 128));
                for block in all {
                    free(block);
                }
                assert_eq!(len(15) as usize, count.min(most));
            }
        });
    }

    #[test]
    fn who_only_frees_keeps_nothing() {
        struct Sent(Vec<NonNull<[u64; 16]>>);
        // SAFETY: it is memory that the holder of the pointer may use.
        unsafe impl Send for Sent {}
        on_a_new_thread(|| {
            let all = Sent((0..100).map(|_| get()).collect());
            on_a_new_thread(move || {
                let Sent(all) = { all };
                for block in all {
                    free(block);
                    assert_eq!(len(15), 0);
                }
                // It may keep as many blocks as it allocated, whichever blocks it frees.
                let own = get::<[u64; 16]>();
                free(own);
                assert_eq!(len(15), 1);
            });
            assert_eq!(len(15), 0);
        });
    }

    #[test]
    fn what_is_large_or_aligned_goes_by_the_allocator() {
        #[repr(align(64))]
        struct Aligned(#[expect(dead_code, reason = "it is there for its size")] [u8; 64]);
        on_a_new_thread(|| {
            let (large, aligned) = (get::<[u8; LARGEST + 1]>(), get::<Aligned>());
            assert_eq!(aligned.addr().get() % 64, 0);
            // SAFETY: memory for it.
            unsafe { aligned.as_ptr().write(Aligned([7; 64])) };
            free(large);
            free(aligned);
            assert!((0..LISTS).all(|list| len(list) == 0));
        });
    }

    /// A destructor that runs after that of the store.
    #[test]
    fn a_thread_that_ends() {
        struct Late(NonNull<[u64; 16]>);
        impl Drop for Late {
            fn drop(&mut self) {
                let created_again = cfg!(all(windows, target_env = "gnu"));
                assert!(created_again || STORE.try_with(|_| ()).is_err());
                let block = get::<[u64; 16]>();
                free(block);
                free(self.0);
            }
        }
        thread_local!(static LATE: Cell<Option<Late>> = const { Cell::new(None) });
        on_a_new_thread(|| {
            // First used, last destroyed.
            LATE.set(None);
            let [one, two] = [(); 2].map(|()| get());
            free(two);
            LATE.set(Some(Late(one)));
        });
    }
}
