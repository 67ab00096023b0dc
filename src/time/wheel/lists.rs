//! Lists of timers: one for each slot of the wheel, all in one vector of small blocks.
//!
//! An entry is a tick and the index of a timer. A block is a cache line with six of them, so whoever goes through a list
//! reads memory in bulk, and what the entries name does not hang on one another: the processor fetches many of them at a
//! time. In a list that is linked from timer to timer each would be waited for.
//!
//! # Rules
//! 1. The entries of a list stand in the order in which they were appended: blocks by their links, entries by their places.
//! 2. An entry that is taken out leaves a hole, so that the others keep their places. Holes at the end of a block are
//!    filled again; a block without entries leaves its list at once. So a list is empty if and only if it has no block.
//! 3. The ticks of a block agree in their upper halves, which stand there once; where the next tick differs in it, a
//!    new block begins. Among the ticks of one system clock that is every 4.9 hours.

use crate::util::grow::make_room;

/// No block, no timer.
const NIL: u32 = u32::MAX;

/// Entries of a block: as many as fit into 64 bytes.
const ROOM: usize = 6;

/// Blocks from which on the vector grows by an eighth instead of doubling.
const LARGE: usize = 64;

/// Where an entry stands: the number of its block, and three bits for which of the block it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place(u32);

impl Place {
    pub(super) fn new(block: u32, nth: usize) -> Self {
        Self(block << 3 | nth as u32)
    }

    fn block(self) -> u32 {
        self.0 >> 3
    }

    fn nth(self) -> usize {
        (self.0 & 7) as usize
    }
}

/// One timer in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) tick: u64,
    pub(super) index: u32,
}

struct Block {
    /// Lower halves of the ticks.
    low: [u32; ROOM],
    /// Indices of the timers; NIL in a hole.
    index: [u32; ROOM],
    /// Upper half of all the ticks.
    high: u32,
    /// In the list; of a block that is free, `next` is the next free one.
    prev: u32,
    next: u32,
    list: u16,
    /// Places up to the last entry.
    used: u8,
    /// Entries.
    live: u8,
}

/// The first and the last block of a list.
#[derive(Clone, Copy)]
struct Ends {
    head: u32,
    tail: u32,
}

pub(super) struct Lists {
    /// On the heap, for 20 KB are too much to be moved over the stack of a small thread.
    ends: Box<[Ends]>,
    blocks: Vec<Block>,
    /// Head of the list of free blocks.
    free: u32,
}

impl Lists {
    pub(super) fn new(count: usize) -> Self {
        Self { ends: vec![Ends { head: NIL, tail: NIL }; count].into_boxed_slice(), blocks: Vec::new(), free: NIL }
    }

    #[inline]
    pub(super) fn is_empty(&self, list: usize) -> bool {
        self.ends[list].head == NIL
    }

    /// Appends an entry.
    #[inline]
    pub(super) fn append(&mut self, list: usize, entry: Entry) -> Place {
        let (high, low) = ((entry.tick >> 32) as u32, entry.tick as u32);
        let tail = self.ends[list].tail;
        let number = match self.blocks.get(tail as usize) {
            Some(block) if usize::from(block.used) < ROOM && block.high == high => tail,
            _ => self.add_block(list, high),
        };
        let block = &mut self.blocks[number as usize];
        let nth = usize::from(block.used);
        (block.low[nth], block.index[nth]) = (low, entry.index);
        block.used += 1;
        block.live += 1;
        Place::new(number, nth)
    }

    /// Takes an entry out. Returns its list if that is empty now.
    #[inline]
    pub(super) fn remove(&mut self, place: Place) -> Option<usize> {
        let number = place.block();
        let block = &mut self.blocks[number as usize];
        block.index[place.nth()] = NIL;
        block.live -= 1;
        if block.live == 0 {
            return self.drop_block(number);
        }
        while block.index[usize::from(block.used) - 1] == NIL {
            block.used -= 1;
        }
        None
    }

    /// The first block of a list, in which [`take`](Self::take) begins.
    pub(super) fn first(&self, list: usize) -> Option<u32> {
        let head = self.ends[list].head;
        (head != NIL).then_some(head)
    }

    /// Takes the next entry of a block out, looking for it from `nth` on, which it moves. `None`: there is none left, and
    /// the block is to be [finished](Self::finish).
    #[inline]
    pub(super) fn take(&mut self, block: u32, nth: &mut usize) -> Option<Entry> {
        let block = &mut self.blocks[block as usize];
        while *nth < usize::from(block.used) {
            let at = *nth;
            *nth += 1;
            let index = std::mem::replace(&mut block.index[at], NIL);
            if index != NIL {
                block.live -= 1;
                return Some(Entry { tick: u64::from(block.high) << 32 | u64::from(block.low[at]), index });
            }
        }
        None
    }

    /// Gives back a block out of which entries were taken, if none is left in it. Returns its list if that is empty now.
    pub(super) fn finish(&mut self, number: u32) -> Option<usize> {
        if self.blocks[number as usize].live == 0 { self.drop_block(number) } else { None }
    }

    /// Adds an empty block to the end of a list.
    fn add_block(&mut self, list: usize, high: u32) -> u32 {
        let prev = self.ends[list].tail;
        let block =
            Block { low: [0; ROOM], index: [NIL; ROOM], high, prev, next: NIL, list: list as u16, used: 0, live: 0 };
        let number = self.free;
        let number = match self.blocks.get_mut(number as usize) {
            Some(hole) => {
                self.free = hole.next;
                *hole = block;
                number
            }
            None => self.push_block(block),
        };
        match self.blocks.get_mut(prev as usize) {
            Some(before) => before.next = number,
            None => self.ends[list].head = number,
        }
        self.ends[list].tail = number;
        number
    }

    #[cold]
    fn push_block(&mut self, block: Block) -> u32 {
        let used = self.blocks.len();
        // Each holds a timer, but for more than half a billion they must also be full.
        assert!(used < (NIL >> 3) as usize, "the timers of a wheel are too many and too scattered");
        make_room(&mut self.blocks, LARGE, 8);
        self.blocks.push(block);
        used as u32
    }

    /// Takes an empty block off its list. Returns the list if that is empty now.
    fn drop_block(&mut self, number: u32) -> Option<usize> {
        let block = &mut self.blocks[number as usize];
        let (prev, next, list) = (block.prev, block.next, usize::from(block.list));
        block.next = self.free;
        self.free = number;
        match self.blocks.get_mut(prev as usize) {
            Some(before) => before.next = next,
            None => self.ends[list].head = next,
        }
        match self.blocks.get_mut(next as usize) {
            Some(after) => after.prev = prev,
            None => self.ends[list].tail = prev,
        }
        (prev == NIL && next == NIL).then_some(list)
    }
}

#[cfg(all(test, not(loom)))]
mod tests;
