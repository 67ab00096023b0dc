//! Memory of cells that were freed, kept for those to come.
//!
//! Tasks come in waves: a thousand are spawned, run and let go. Allocators keep a few blocks of each size at hand for a
//! thread (that of glibc seven) and go a longer way for the others, which would cost a third of what such a task takes in
//! all. So each thread has a store of its own: a list of free blocks for each size, threaded through the blocks.
//!
//! # Bounds
//! - A list has as many blocks as this thread had to allocate because the list was empty, and no more: a thread that only
//!   frees what others allocate keeps nothing.
//! - A list has at most [`KEPT`] bytes: a wave of a thousand small tasks fits, and in the cache of a core. What is freed
//!   beyond that goes back to the allocator.
//! - Cells that are larger than [`LARGEST`] or aligned to more than [`ALIGN`] never come here.
//!
//! A thread gives its store back as it ends. What is allocated or freed on it after that goes by the allocator.
//!
//! Under loom and Miri there is no store: they are to see each cell allocated and freed.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// Alignment of all blocks, which every allocator gives without ado; the sizes of the lists are its multiples. Cells have
/// such sizes, so nothing is rounded up: allocators round by rules of their own, and a few bytes may lead to the next step.
const ALIGN: usize = 8;

/// Size of the blocks of the last list.
const LARGEST: usize = 512;

/// Bytes in a list at the most.
const KEPT: usize = 128 * 1024;

const LISTS: usize = LARGEST / ALIGN;

const ON: bool = cfg!(not(any(loom, miri)));

/// The list that blocks for `layout` come from and go to, if there is one.
const fn list_of(layout: Layout) -> Option<usize> {
    if ON && layout.align() <= ALIGN && layout.size() <= LARGEST && layout.size() != 0 {
        Some((layout.size() - 1) / ALIGN)
    } else {
        None
    }
}

/// What is asked of the allocator for `layout`: the same for all that share a list.
const fn block_of(layout: Layout) -> Layout {
    let Some(list) = list_of(layout) else { return layout };
    match Layout::from_size_align((list + 1) * ALIGN, ALIGN) {
        Ok(block) => block,
        Err(_) => panic!("a small size and a power of two"),
    }
}

/// A free block: the address of the next one stands in its first word.
type Block = NonNull<Option<NonNull<()>>>;

#[derive(Clone, Copy)]
struct List {
    first: Option<NonNull<()>>,
    len: u32,
    /// How many blocks there may be.
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
        // SAFETY: a block of the list, whose first word was written as it came here.
        let next = unsafe { Block::read(block.cast()) };
        place.set(List { first: next, len: len - 1, room });
        Some(block)
    }

    /// False if there is no room.
    ///
    /// # Safety
    /// `block` is a block of the list's size, from the allocator, that nobody uses any more.
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

/// Memory for a `T`.
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

/// Gives the memory of a `T` back.
///
/// # Safety
/// It comes from [`get`] for a type of the same layout, and nobody uses it any more.
#[inline(always)]
pub(super) unsafe fn give_back<T>(memory: NonNull<T>) {
    if let Some(list) = const { list_of(Layout::new::<T>()) } {
        // SAFETY: by contract; all layouts of a list get the same blocks.
        let kept = STORE.try_with(|store| unsafe { store.put(list, memory.cast()) });
        if kept == Ok(true) {
            return;
        }
    }
    // SAFETY: by contract; what `get` allocated, by itself or for the store, has this layout.
    unsafe { dealloc(memory.as_ptr().cast(), const { block_of(Layout::new::<T>()) }) };
}

#[cfg(all(test, not(loom), not(miri)))]
mod tests {
    use super::*;
    use std::thread;

    /// A thread has a store of its own, with nothing in it yet.
    fn on_a_new_thread(test: impl FnOnce() + Send + 'static) {
        thread::spawn(test).join().expect("no panic");
    }

    /// What the tests free they have from `get`, and use no more.
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
        // SAFETY: memory that whoever has the pointer may use.
        unsafe impl Send for Sent {}
        on_a_new_thread(|| {
            let all = Sent((0..100).map(|_| get()).collect());
            on_a_new_thread(move || {
                let Sent(all) = { all };
                for block in all {
                    free(block);
                    assert_eq!(len(15), 0);
                }
                // What it allocated once, it may keep: whichever it is that it frees.
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

    /// A destructor that comes after that of the store.
    #[test]
    fn a_thread_that_ends() {
        struct Late(NonNull<[u64; 16]>);
        impl Drop for Late {
            fn drop(&mut self) {
                assert!(STORE.try_with(|_| ()).is_err());
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
