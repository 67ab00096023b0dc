//! The bounded ring: its storage, its two words, and the only unsafe code of this module.
//!
//! [`Producer`] and [`Batch`] are safe to use from outside. The module doc ([`super`]) defines the rules R1 to R7.

#![allow(unsafe_code, reason = "one of the two unsafe islands of the crate")]

use super::waiter::{Ticket, Waiters};
use super::word::{Geometry, Head, LOCK, Tail, WAITING};
use super::{Capacity, CapacityError, Reader};
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{ModelArc, UnsafeCell, plain, spin_loop};
use crate::util::cache_padded::CachePadded;
use crate::util::catch::drop_quietly;
use crate::util::thread_token::thread_token;
use std::fmt;
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::task::Waker;

/// The limits of a span, in values: a drain in progress frees its slots span by span.
///
/// A span is a quarter of the ring within these limits. A slow loop over a drain then delays senders by one span at
/// most, and the cost of the read-modify-write stays small.
const SPAN: std::ops::RangeInclusive<usize> = 16..=256;

/// The number of attempts of a peek that finds LOCK taken.
///
/// A producer that makes room holds LOCK for some tens of instructions. A drain may hold it for long; then the peek
/// returns nothing.
const PEEK_TRIES: usize = if cfg!(loom) { 2 } else { 100 };

/// The words that the producer writes.
struct TailLine {
    word: AtomicUsize,
    /// The number of values dropped by `report`. A statistic: only the words order the values.
    dropped: plain::AtomicU64,
}

/// The batch that holds LOCK, so that a forgotten drain can be taken over (R7).
///
/// Only the holder of LOCK writes it. Others compare with it, and no order depends on it, so it is plain and Relaxed.
#[derive(Default)]
struct Claims {
    /// The token of the thread whose batch holds LOCK, or 0.
    ///
    /// A thread finds its own token here only if that was its own last write: then its newest batch still holds LOCK.
    holder: plain::AtomicU64,
    /// The number of the newest batch.
    number: plain::AtomicU64,
    /// The span of that batch: the index of its first value, and its length.
    base: plain::AtomicUsize,
    span: plain::AtomicUsize,
    /// The number of values of the span that were not moved out.
    left: plain::AtomicUsize,
}

impl Claims {
    /// Begins a batch and returns its number.
    ///
    /// Only the holder of LOCK writes it, so a load and a store suffice.
    fn begin(&self) -> u64 {
        let number = self.number.load(plain::Ordering::Relaxed) + 1;
        self.number.store(number, plain::Ordering::Relaxed);
        number
    }

    /// Begins a span of the batch.
    #[inline]
    fn begin_span(&self, base: usize, span: usize) {
        for (place, value) in [(&self.base, base), (&self.span, span), (&self.left, span)] {
            place.store(value, plain::Ordering::Relaxed);
        }
    }

    /// Returns the index of the first value that the newest batch has not moved out.
    fn position(&self, geometry: Geometry) -> usize {
        let [base, span, left] =
            [&self.base, &self.span, &self.left].map(|number| number.load(plain::Ordering::Relaxed));
        geometry.advance(base, span - left)
    }
}

/// A slot for one value.
type Slot<P> = UnsafeCell<MaybeUninit<P>>;

/// Moves the value out of a slot.
///
/// # Safety
/// As for [`Ring::take`].
#[inline(always)]
unsafe fn take<P>(slot: &Slot<P>) -> P {
    // SAFETY: discharged by the caller; the pointer comes from a live cell of this layout.
    slot.with_mut(|slot| unsafe { slot.cast::<P>().read() })
}

/// The shared state of one channel.
pub(super) struct Ring<P> {
    /// Apart from the tail: each word is written by one side and read by the other.
    head: CachePadded<AtomicUsize>,
    tail: CachePadded<TailLine>,
    /// Set once. It shares its cache line with fields that rarely change, so that each `send` may read it cheaply.
    reader_gone: AtomicBool,
    /// Written by the thread that drains.
    claims: CachePadded<Claims>,
    geometry: Geometry,
    /// The number of values per span of a batch; see [`SPAN`].
    span: usize,
    /// The number of values that `peek` dropped to make room for an offer.
    ///
    /// Only the holder of LOCK writes it. A statistic.
    displaced: plain::AtomicU64,
    slots: Box<[Slot<P>]>,
    waiters: Waiters,
    /// The readers of the rings that this one is the sum of. Then it has no values itself.
    parts: Box<[Reader<P>]>,
}

// SAFETY: values only move through the ring, from the producer's thread to that of the lock holder (R1, R2). Two
// threads never access the same value, so `P: Send` is enough and `P: Sync` is not required.
unsafe impl<P: Send> Sync for Ring<P> {}

impl<P> Ring<P> {
    /// Creates a ring that reads others and has no values itself.
    pub(super) fn sum(parts: Vec<Reader<P>>) -> Self {
        let geometry = Geometry::new(1);
        Self::with(geometry, Vec::new(), parts)
    }

    /// Returns the rings to read after this one; empty unless this is a [`sum`](Self::sum).
    #[inline]
    pub(super) fn parts(&self) -> &[Reader<P>] {
        &self.parts
    }

    pub(super) fn new(capacity: Capacity) -> Result<Self, CapacityError> {
        let geometry = Geometry::new(capacity.get());
        let mut slots = Vec::new();
        slots.try_reserve_exact(geometry.physical).map_err(|_| CapacityError::OutOfMemory(capacity.get()))?;
        slots.resize_with(geometry.physical, || UnsafeCell::new(MaybeUninit::uninit()));
        Ok(Self::with(geometry, slots, Vec::new()))
    }

    fn with(geometry: Geometry, slots: Vec<Slot<P>>, parts: Vec<Reader<P>>) -> Self {
        Self {
            head: CachePadded::new(AtomicUsize::new(Head::at(0).0)),
            tail: CachePadded::new(TailLine {
                word: AtomicUsize::new(Tail::at(0).0),
                dropped: plain::AtomicU64::new(0),
            }),
            reader_gone: AtomicBool::new(false),
            claims: CachePadded::new(Claims::default()),
            geometry,
            span: (geometry.capacity / 4).clamp(*SPAN.start(), *SPAN.end()),
            displaced: plain::AtomicU64::new(0),
            slots: slots.into_boxed_slice(),
            waiters: Waiters::new(),
            parts: parts.into_boxed_slice(),
        }
    }

    /// Moves the value out of a slot.
    ///
    /// # Safety
    /// The slot holds a value, nothing else may access it now, and the caller makes sure that it is not taken again.
    #[inline(always)]
    unsafe fn take(&self, slot: usize) -> P {
        // SAFETY: discharged by the caller.
        unsafe { take(&self.slots[slot]) }
    }

    /// Moves a value into a slot.
    ///
    /// # Safety
    /// The slot holds no value and nothing else may access it now.
    #[inline(always)]
    unsafe fn put(&self, slot: usize, value: P) {
        // SAFETY: discharged by the caller; the pointer comes from a live cell of this layout.
        self.slots[slot].with_mut(|slot| unsafe { slot.cast::<P>().write(value) });
    }

    /// Returns the number of values that a drain would find. A snapshot.
    pub(super) fn len(&self) -> usize {
        // Acquire pairs with the Release of `Ring::publish_head` and `Producer::report_slow`: the tail read next is then
        // not older than this head.
        let head = Head(self.head.load(Ordering::Acquire));
        let tail = Tail(self.tail.word.load(Ordering::Relaxed));
        // Both words may move between the two loads. Then the distance is too large, never negative.
        self.geometry.distance(head.index(), self.geometry.visible_end(tail)).min(self.geometry.physical)
    }

    /// Returns true if a drain would find nothing.
    ///
    /// This takes two loads and no write: the cost of a tick with nothing new.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // Relaxed: a thread that saw the task finished has already synchronised with the producer's last store. For any
        // other thread, LOCK or the next tick corrects a stale answer.
        let head = Head(self.head.load(Ordering::Relaxed));
        let tail = Tail(self.tail.word.load(Ordering::Relaxed));
        head.index() == self.geometry.visible_end(tail)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.tail.dropped.load(plain::Ordering::Relaxed) + self.displaced.load(plain::Ordering::Relaxed)
    }

    /// Takes LOCK if it is free. Never waits.
    #[inline]
    fn try_lock(&self) -> Option<Head> {
        // Acquire pairs with the Release of the previous holder's unlock. The tail read next is then not older than
        // this head (else the distance would be meaningless), and slots before this head are empty.
        let before = Head(self.head.fetch_or(LOCK, Ordering::Acquire));
        (!before.is_locked()).then_some(before)
    }

    /// Takes all visible values for one consumer.
    ///
    /// Returns `None` if there is nothing, or if another thread holds LOCK.
    #[inline]
    pub(super) fn claim(&self) -> Option<Batch<'_, P>> {
        if self.is_empty() { None } else { self.claim_some() }
    }

    #[inline(never)]
    fn claim_some(&self) -> Option<Batch<'_, P>> {
        let begin = match self.try_lock() {
            Some(head) => head.index(),
            None => self.take_over()?,
        };
        let end = self.accept_offer(begin);
        Some(Batch::new(self, begin, end))
    }

    /// Takes LOCK over from an earlier batch of this thread (R7), which yields nothing more.
    ///
    /// Returns the index of the first value that the earlier batch has left.
    #[cold]
    fn take_over(&self) -> Option<usize> {
        if self.claims.holder.load(plain::Ordering::Relaxed) != thread_token() {
            return None;
        }
        let number = self.claims.begin();
        let begin = self.claims.position(self.geometry);
        // The producer counts from the head, so the head must be where the new batch begins.
        self.publish_head(Head::at(begin).locked());
        // That may have woken a sender, and its waker is foreign code: it may drain, and take over from here.
        (self.claims.number.load(plain::Ordering::Relaxed) == number).then_some(begin)
    }

    /// Frees the slots before `head` and wakes the sender that waits for them.
    ///
    /// Only the holder of LOCK may call this.
    #[inline]
    fn publish_head(&self, head: Head) {
        // One read-modify-write frees the slots and reads WAITING, so neither side can miss the other. It clears
        // WAITING. Release pairs with the Acquire of `Producer::refresh`, `Ring::try_lock` and `Ring::announce`.
        if Head(self.head.swap(head.0, Ordering::Release)).is_waiting() {
            self.waiters.wake_all();
        }
    }

    /// Returns the end of the values that the holder of LOCK may read.
    ///
    /// Accepts the offered value if the capacity allows it (R4).
    #[inline]
    fn accept_offer(&self, begin: usize) -> usize {
        // Acquire pairs with the Release of `Producer::push`: the values up to this tail are written.
        let seen = Tail(self.tail.word.load(Ordering::Acquire));
        if !seen.is_offering() || self.geometry.distance(begin, seen.index()) >= self.geometry.capacity {
            return seen.index();
        }
        let taken = Tail::at(self.geometry.advance(seen.index(), 1));
        // Acquire (both) pairs with the Release of the producer's offer or publication: the offer may be newer than the
        // one seen above. Release pairs with the Acquire of `Producer::offer`: a producer that finds its offer taken
        // also finds a head that left room for it.
        match self.tail.word.compare_exchange(seen.0, taken.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => taken.index(),
            Err(now) => Tail(now).index(),
        }
    }

    /// Calls `look` with the newest value, which stays in the ring.
    ///
    /// Returns `None` if there is none, or while a drain is in progress.
    pub(super) fn peek<R>(&self, look: impl FnOnce(&P) -> R) -> Option<R> {
        if self.is_empty() {
            return None;
        }
        let mut locked = (0..PEEK_TRIES).find_map(|attempt| {
            if attempt != 0 {
                spin_loop();
            }
            Peek::lock(self)
        })?;
        locked.make_room_for_offer();
        let end = self.accept_offer(locked.head);
        if locked.head == end {
            // The only value had to make room for an offer, which its producer is about to replace.
            return locked.displaced.as_ref().map(look);
        }
        let newest = self.geometry.advance(end, 2 * self.geometry.physical - 1);
        let slot = &self.slots[self.geometry.slot(newest)];
        // SAFETY: LOCK is ours and the slot lies between head and the tail that was seen. So it holds a value that
        // nothing else accesses (R3). The reference ends before LOCK is released.
        Some(slot.with(|slot| look(unsafe { &*slot.cast::<P>() })))
    }

    /// Marks the reader as gone and wakes waiting senders.
    pub(super) fn close_reader(&self) {
        // Relaxed: nothing else depends on it, and a sender about to sleep sees it through `wake_sender`.
        self.reader_gone.store(true, Ordering::Relaxed);
        self.wake_sender();
    }

    /// Returns true once the reader is dropped. Relaxed: nothing depends on it.
    #[inline(always)]
    pub(super) fn is_reader_gone(&self) -> bool {
        self.reader_gone.load(Ordering::Relaxed)
    }

    /// Wakes waiting senders so that they see what the caller did before.
    ///
    /// The caller cancelled the task or closed the reader.
    pub(super) fn wake_sender(&self) {
        // One word, a read-modify-write on both sides. If the sender's `announce` came first, its flag is seen here,
        // and the mutex of the list makes its waker visible. If `announce` comes later, its Acquire pairs with this
        // Release, and the sender sees what the caller did. A plain load would not do when the flag is clear: it could
        // run ahead.
        if Head(self.head.fetch_and(!WAITING, Ordering::Release)).is_waiting() {
            self.waiters.wake_all();
        }
    }

    /// Registers a sender that found no room. It must try again before it sleeps.
    pub(super) fn announce(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        self.waiters.register(ticket, waker);
        // Acquire pairs with the Release of `Ring::publish_head` and `wake_sender`. The next attempt sees everything
        // before this point; everything after it sees the flag. No Release: the mutex of the list publishes the waker.
        self.head.fetch_or(WAITING, Ordering::Acquire);
    }

    /// Removes a sender from the list.
    ///
    /// The flag stays set: one needless check of the list is cheaper than an exact flag.
    pub(super) fn withdraw(&self, ticket: Ticket) {
        self.waiters.withdraw(ticket);
    }

    #[cfg(all(test, not(loom)))]
    pub(super) fn waiting(&self) -> usize {
        self.waiters.count()
    }
}

impl<P> Drop for Ring<P> {
    fn drop(&mut self) {
        let head = Head(self.head.load(Ordering::Relaxed));
        let tail = Tail(self.tail.word.load(Ordering::Relaxed));
        if !std::mem::needs_drop::<P>() {
            return;
        }
        // With LOCK set, a drain was forgotten: its position is the beginning.
        let begin = if head.is_locked() { self.claims.position(self.geometry) } else { head.index() };
        let (mut at, end) = (begin, self.geometry.visible_end(tail));
        while at != end {
            // SAFETY: the last reference is dropped, so nothing else accesses the slots; `head..tail` hold values (R1).
            let value = unsafe { self.take(self.geometry.slot(at)) };
            at = self.geometry.advance(at, 1);
            drop_quietly(value);
        }
    }
}

impl<P> fmt::Debug for Ring<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ring")
            .field("capacity", &self.geometry.capacity)
            .field("head", &Head(self.head.load(Ordering::Relaxed)))
            .field("tail", &Tail(self.tail.word.load(Ordering::Relaxed)))
            .field("dropped", &self.dropped())
            .finish()
    }
}

/// The values that a `report` replaced, to be dropped after LOCK is released.
#[must_use = "dropped values are user code: drop them with `discard`, outside every lock"]
pub(super) struct Displaced<P>([Option<P>; 2]);

impl<P> Displaced<P> {
    const NONE: Self = Self([None, None]);

    pub(super) fn discard(self) {
        for value in self.0.into_iter().flatten() {
            drop_quietly(value);
        }
    }
}

/// The reason why a value was not pushed, with the value.
#[derive(Debug)]
pub(super) enum PushError<P> {
    Full(P),
    ReaderGone(P),
}

/// The only writer of a ring.
///
/// The fast path of a push compares, writes, and stores the tail. It fills a run of slots known to be free without
/// reading the consumer's word. A run ends where slots and indices wrap.
pub(super) struct Producer<P> {
    ring: ModelArc<Ring<P>>,
    /// The index of the tail word. Only a taken offer (R4) puts the word one ahead of it.
    tail: usize,
    /// The end of the run: the slots `tail..limit` are free, and stop before the last slot of the lap.
    ///
    /// Equal to `tail` while a value is offered.
    limit: usize,
    /// The index of slot 0 in this lap: 0 or `physical`.
    lap: usize,
    /// True if the slot at `tail` holds a value that may still be replaced.
    offered: bool,
}

impl<P> Producer<P> {
    /// Creates the only producer of the new ring `ring`.
    pub(super) fn new(ring: ModelArc<Ring<P>>) -> Self {
        Self { ring, tail: 0, limit: 0, lap: 0, offered: false }
    }

    pub(super) fn ring(&self) -> &Ring<P> {
        &self.ring
    }

    pub(super) fn share_ring(&self) -> ModelArc<Ring<P>> {
        ModelArc::clone(&self.ring)
    }

    /// Adds a value if there is room and a reader.
    #[inline]
    pub(super) fn try_push(&mut self, value: P) -> Result<(), PushError<P>> {
        // Relaxed: see `close_reader`.
        if self.ring.is_reader_gone() {
            return Err(PushError::ReaderGone(value));
        }
        if self.tail != self.limit {
            self.push_in_run(value);
            return Ok(());
        }
        self.try_push_slow(value)
    }

    /// Reads the consumer's word, because the run is used up.
    ///
    /// Out of line, so that a loop around the fast path keeps its values in registers.
    #[cold]
    #[inline(never)]
    fn try_push_slow(&mut self, value: P) -> Result<(), PushError<P>> {
        match self.refresh() {
            0 => Err(PushError::Full(value)),
            free => {
                self.push(value, free);
                Ok(())
            }
        }
    }

    /// Adds a value immediately; the oldest ones make room. Wait-free.
    #[inline]
    pub(super) fn report(&mut self, value: P) -> Displaced<P> {
        if self.tail == self.limit {
            return self.report_slow(value);
        }
        self.push_in_run(value);
        Displaced::NONE
    }

    #[inline(always)]
    fn push_in_run(&mut self, value: P) {
        debug_assert!(self.tail < self.limit && !self.offered);
        // SAFETY: the slot is in the run, so it is empty and only the producer accesses it (R2).
        unsafe { self.ring.put(self.tail - self.lap, value) };
        // The run ends before the lap does, so nothing wraps.
        self.tail += 1;
        // Release pairs with the Acquire of `Ring::accept_offer`.
        self.ring.tail.word.store(Tail::at(self.tail).0, Ordering::Release);
    }

    /// Publishes one value and begins a run in the rest of the `free` slots.
    fn push(&mut self, value: P, free: usize) {
        debug_assert!(free > 0 && !self.offered);
        // SAFETY: `free > 0`, so the slot at the tail is empty and only the producer accesses it (R2).
        unsafe { self.ring.put(self.tail - self.lap, value) };
        self.step();
        // Release pairs with the Acquire of `Ring::accept_offer`.
        self.ring.tail.word.store(Tail::at(self.tail).0, Ordering::Release);
        self.limit = (self.tail + free - 1).min(self.lap + self.ring.geometry.physical - 1);
    }

    /// Advances by one slot and ends the run.
    fn step(&mut self) {
        let geometry = self.ring.geometry;
        self.tail = geometry.advance(self.tail, 1);
        self.lap = if self.tail >= geometry.physical { geometry.physical } else { 0 };
        self.limit = self.tail;
    }

    /// Reads the consumer's progress and returns the number of free slots.
    ///
    /// Publishes an offered value as soon as the capacity allows it.
    fn refresh(&mut self) -> usize {
        let geometry = self.ring.geometry;
        // Acquire pairs with the Release of `Ring::publish_head`: slots before this head are moved out.
        let head = Head(self.ring.head.load(Ordering::Acquire));
        // With an offer outstanding and the ring not exactly full, there is room for the offer, or it was taken (then
        // the head may even be one past our tail). Either way the tail word may become `tail + 1` now.
        if self.offered && geometry.distance(head.index(), self.tail) != geometry.capacity {
            self.publish_offer();
        }
        let used = geometry.distance(head.index(), self.tail);
        debug_assert!(used <= geometry.capacity);
        geometry.capacity - used
    }

    /// Publishes the offered value.
    ///
    /// If a consumer has just taken it, the resulting word is the same.
    fn publish_offer(&mut self) {
        self.step();
        self.offered = false;
        // Relaxed: the offer released the value, and a read-modify-write continues its release sequence. With a plain
        // store, our later stores would not be ordered after that of a consumer that took the offer.
        self.ring.tail.word.swap(Tail::at(self.tail).0, Ordering::Relaxed);
    }

    #[cold]
    #[inline(never)]
    fn report_slow(&mut self, value: P) -> Displaced<P> {
        let free = self.refresh();
        if free > 0 {
            self.push(value, free);
            return Displaced::NONE;
        }
        let Some(head) = self.ring.try_lock() else {
            return self.offer(value);
        };
        // Nothing drains while we hold LOCK. An offered value is older than this one, so it comes first.
        if self.offered {
            self.publish_offer();
        }
        let geometry = self.ring.geometry;
        let used = geometry.distance(head.index(), self.tail);
        debug_assert!(used <= geometry.physical);
        let surplus = (used + 1).saturating_sub(geometry.capacity);
        let displaced = Displaced([0, 1].map(|nth| {
            let slot = geometry.slot(geometry.advance(head.index(), nth));
            // SAFETY: we hold LOCK and the slot lies between head and tail (R3); the head moves past it below.
            (nth < surplus).then(|| unsafe { self.ring.take(slot) })
        }));
        // WAITING may change meanwhile, so the head moves by addition, which also clears LOCK. Release pairs with the
        // Acquire of the next `try_lock`.
        let index = geometry.advance(head.index(), surplus);
        let step = Head::at(index).0.wrapping_sub(Head::at(head.index()).locked().0);
        self.ring.head.fetch_add(step, Ordering::Release);
        self.push(value, geometry.capacity + surplus - used);
        self.count_dropped(surplus);
        displaced
    }

    /// Puts the value into the spare slot: the ring is full and a consumer holds LOCK.
    ///
    /// Replaces an earlier offer.
    fn offer(&mut self, value: P) -> Displaced<P> {
        let mut displaced = Displaced::NONE;
        if self.offered {
            let (offered, retracted) = (Tail::offering(self.tail).0, Tail::at(self.tail).0);
            // Relaxed on success: nothing has accessed the slot since we filled it. Acquire on failure pairs with the
            // Release of `Ring::accept_offer`: the head loaded next is not older than the one that consumer found.
            match self.ring.tail.word.compare_exchange(offered, retracted, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => {
                    // SAFETY: the offer is withdrawn and was not taken, so the slot is full and only ours (R4).
                    displaced.0[0] = Some(unsafe { self.ring.take(self.tail - self.lap) });
                }
                Err(_) => {
                    self.step();
                    self.offered = false;
                    let free = self.refresh();
                    if free > 0 {
                        self.push(value, free);
                        return displaced;
                    }
                }
            }
        }
        // SAFETY: exactly `capacity` slots lie between head and tail, so the one at the tail is the spare one. It is
        // empty, and nothing reads it until the store below (R4).
        unsafe { self.ring.put(self.tail - self.lap, value) };
        self.offered = true;
        // Release pairs with the Acquire of `Ring::accept_offer`.
        self.ring.tail.word.store(Tail::offering(self.tail).0, Ordering::Release);
        self.count_dropped(usize::from(displaced.0[0].is_some()));
        displaced
    }

    fn count_dropped(&self, count: usize) {
        // Only the producer writes it, so a load and a store suffice.
        let dropped = &self.ring.tail.dropped;
        dropped.store(dropped.load(plain::Ordering::Relaxed) + count as u64, plain::Ordering::Relaxed);
    }
}

impl<P> Drop for Producer<P> {
    fn drop(&mut self) {
        // A reader that never makes room must see the last value too. It may lie beyond the capacity (R5).
        if self.offered {
            self.publish_offer();
        }
    }
}

/// LOCK, held by a consumer that only reads.
///
/// Dropping it releases LOCK, and then drops the value that it replaced.
struct Peek<'a, P> {
    ring: &'a Ring<P>,
    /// The index of the oldest value, at which the head word stands.
    head: usize,
    displaced: Option<P>,
}

impl<'a, P> Peek<'a, P> {
    fn lock(ring: &'a Ring<P>) -> Option<Self> {
        let head = ring.try_lock()?.index();
        Some(Self { ring, head, displaced: None })
    }

    /// Makes room for an offer behind a full ring, as a report would: by dropping the oldest value.
    ///
    /// The offer is newer than all values of the ring, and would stay unseen until the producer reports again.
    fn make_room_for_offer(&mut self) {
        let Ring { geometry, tail, head, .. } = self.ring;
        // Acquire pairs with the Release of `Producer::push`: the oldest value is written.
        let seen = Tail(tail.word.load(Ordering::Acquire));
        if !seen.is_offering() || geometry.distance(self.head, seen.index()) != geometry.capacity {
            return;
        }
        // SAFETY: LOCK is ours and the slot lies between head and tail (R3); the head moves past it below.
        self.displaced = Some(unsafe { self.ring.take(geometry.slot(self.head)) });
        let next = geometry.advance(self.head, 1);
        // WAITING may change meanwhile, so the head moves by addition. Release pairs with the Acquire of
        // `Producer::refresh`: the slot is empty.
        head.fetch_add(Head::at(next).0.wrapping_sub(Head::at(self.head).0), Ordering::Release);
        self.head = next;
        let displaced = &self.ring.displaced;
        displaced.store(displaced.load(plain::Ordering::Relaxed) + 1, plain::Ordering::Relaxed);
    }
}

impl<P> Drop for Peek<'_, P> {
    fn drop(&mut self) {
        // WAITING stays set: no room was made that a sender could use. Release pairs with the Acquire of the next
        // `try_lock`: the read is finished before the value is moved out.
        self.ring.head.fetch_and(!LOCK, Ordering::Release);
        drop_quietly(self.displaced.take());
    }
}

/// The right of one consumer to move values out.
///
/// Frees slots span by span. Releases LOCK when `next` finds nothing more or the batch is dropped. Values that were not
/// moved out stay in the ring.
pub(super) struct Batch<'a, P> {
    ring: &'a Ring<P>,
    /// The index of the first value of this span, at which the head word stands.
    base: usize,
    /// One past the last value of the batch.
    end: usize,
    /// The number of values in this span when it began; 0 if and only if LOCK is released.
    span: usize,
    /// The slots of this span that were not moved out yet.
    slots: std::slice::Iter<'a, Slot<P>>,
    /// The number in `Claims`, until a later batch of this thread takes LOCK over.
    number: u64,
    /// Not `Send`: a later batch of the same thread may take over, ordered only by program order.
    of_this_thread: PhantomData<*const ()>,
}

impl<'a, P> Batch<'a, P> {
    /// Creates a batch. The caller holds LOCK, with the head at `base`, and has seen the tail at `end`.
    #[inline]
    fn new(ring: &'a Ring<P>, base: usize, end: usize) -> Self {
        let number = ring.claims.begin();
        ring.claims.holder.store(thread_token(), plain::Ordering::Relaxed);
        let mut batch = Self { ring, base, end, span: 0, slots: [].iter(), number, of_this_thread: PhantomData };
        if base == end {
            batch.unlock();
        } else {
            batch.begin_span();
        }
        batch
    }

    #[inline(always)]
    pub(super) fn next(&mut self) -> Option<P> {
        let Some(slot) = self.slots.next() else { return self.next_of_next_span() };
        // The check of `is_taken_over` for a batch that has a slot, and so a span.
        if self.ring.claims.number.load(plain::Ordering::Relaxed) != self.number {
            return None;
        }
        self.ring.claims.left.store(self.slots.len(), plain::Ordering::Relaxed);
        // SAFETY: we hold LOCK (else there is no slot, or it was taken over) and the slot lies between head and the
        // tail that was seen (R3). The iterator and the count of remaining slots have advanced, so it is not taken
        // again.
        Some(unsafe { take(slot) })
    }

    #[inline(never)]
    fn next_of_next_span(&mut self) -> Option<P> {
        if self.is_taken_over() {
            return None;
        }
        let slot = self.next_span()?;
        self.ring.claims.left.store(self.slots.len(), plain::Ordering::Relaxed);
        // SAFETY: as in `next`.
        Some(unsafe { take(slot) })
    }

    /// Returns true if a later batch of this thread has taken LOCK over.
    ///
    /// While this batch holds LOCK no other thread writes the number. After it released LOCK it does not ask.
    #[inline]
    fn is_taken_over(&self) -> bool {
        self.span != 0 && self.ring.claims.number.load(plain::Ordering::Relaxed) != self.number
    }

    /// Frees the finished span, and begins the next one or releases LOCK.
    #[inline]
    fn next_span(&mut self) -> Option<&'a Slot<P>> {
        if self.span == 0 {
            return None;
        }
        self.base = self.position();
        if self.base == self.end {
            self.unlock();
            return None;
        }
        self.ring.publish_head(Head::at(self.base).locked());
        // A waker that this has woken may have drained.
        if self.is_taken_over() {
            return None;
        }
        self.begin_span();
        self.slots.next()
    }

    /// Drops all values but the newest.
    pub(super) fn skip_to_newest(&mut self) {
        if std::mem::needs_drop::<P>() {
            while self.len() > 1 {
                drop_quietly(self.next());
            }
        } else if self.len() > 1 {
            self.base = self.ring.geometry.advance(self.position(), self.len() - 1);
            self.begin_span();
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        if self.is_taken_over() { 0 } else { self.ring.geometry.distance(self.position(), self.end) }
    }

    /// Returns the index of the next value.
    #[inline]
    fn position(&self) -> usize {
        self.ring.geometry.advance(self.base, self.span - self.slots.len())
    }

    #[inline]
    fn begin_span(&mut self) {
        let geometry = self.ring.geometry;
        let first = geometry.slot(self.base);
        self.span = self.ring.span.min(geometry.distance(self.base, self.end)).min(geometry.physical - first);
        self.slots = self.ring.slots[first..first + self.span].iter();
        self.ring.claims.begin_span(self.base, self.span);
    }

    #[inline]
    fn unlock(&mut self) {
        self.end = self.base;
        self.span = 0;
        self.slots = [].iter();
        // Before releasing LOCK: afterwards another thread may write its own token.
        self.ring.claims.holder.store(0, plain::Ordering::Relaxed);
        self.ring.publish_head(Head::at(self.base));
    }
}

impl<P> Drop for Batch<'_, P> {
    #[inline]
    fn drop(&mut self) {
        if self.span != 0 && !self.is_taken_over() {
            self.base = self.position();
            self.unlock();
        }
    }
}
