//! The bounded ring itself: storage, the two words, and the only unsafe code of this module.
//!
//! [`Producer`] and [`Batch`] are safe to use from outside; the rules they keep stand in the module doc
//! ([`super`]) and are cited here as R1 to R6.

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

/// After how many values a drain in progress gives their slots back: a quarter of the ring within these limits, so that
/// a slow loop over a drain holds up senders for no longer than that, and the read-modify-write does not show.
const SPAN: std::ops::RangeInclusive<usize> = 16..=256;

/// How often a peek that finds LOCK taken tries again: a producer that makes room holds it for some tens of instructions.
/// A drain may hold it for long; then the peek gives up.
const PEEK_TRIES: usize = if cfg!(loom) { 2 } else { 100 };

/// What the producer writes.
struct TailLine {
    word: AtomicUsize,
    /// Values thrown away by `report`. A statistic: the order of the values rests on the words alone.
    dropped: plain::AtomicU64,
}

/// Who drains, so that a drain that was forgotten is taken over (R7). Written by the holder of LOCK, and compared with by
/// others: no order rests on it, so it is plain and Relaxed.
#[derive(Default)]
struct Claims {
    /// The token of the thread whose batch holds LOCK, 0 while none does. A thread finds its own token here only if its
    /// own last write here was that: then its newest batch still holds LOCK.
    holder: plain::AtomicU64,
    /// The number of the newest batch.
    number: plain::AtomicU64,
    /// The span of that batch: index of its first value, and its length.
    base: plain::AtomicUsize,
    span: plain::AtomicUsize,
    /// How many values of the span were not moved out.
    left: plain::AtomicUsize,
}

impl Claims {
    /// A batch begins; gives its number. Only the holder of LOCK writes it: a load and a store do.
    fn begin(&self) -> u64 {
        let number = self.number.load(plain::Ordering::Relaxed) + 1;
        self.number.store(number, plain::Ordering::Relaxed);
        number
    }

    /// A batch begins a span.
    #[inline]
    fn begin_span(&self, base: usize, span: usize) {
        for (place, value) in [(&self.base, base), (&self.span, span), (&self.left, span)] {
            place.store(value, plain::Ordering::Relaxed);
        }
    }

    /// The index of the first value that the newest batch has not moved out.
    fn position(&self, geometry: Geometry) -> usize {
        let [base, span, left] =
            [&self.base, &self.span, &self.left].map(|number| number.load(plain::Ordering::Relaxed));
        geometry.advance(base, span - left)
    }
}

/// One place for a value.
type Slot<P> = UnsafeCell<MaybeUninit<P>>;

/// Moves the value of a slot out.
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
    /// The two words stand apart: each is written by the side that the other one reads.
    head: CachePadded<AtomicUsize>,
    tail: CachePadded<TailLine>,
    /// Set once. Among the fields that hardly ever change, so that a `send` may look at it each time for nothing.
    reader_gone: AtomicBool,
    /// Written by whoever drains.
    claims: CachePadded<Claims>,
    geometry: Geometry,
    /// Values per span of a batch; see [`SPAN`].
    span: usize,
    /// Values thrown away by `peek`, for an offered one behind them. Written by the holder of LOCK. A statistic.
    displaced: plain::AtomicU64,
    slots: Box<[Slot<P>]>,
    waiters: Waiters,
    /// Of a ring that is read as the sum of others, and is always empty by itself: the readers of those.
    parts: Box<[Reader<P>]>,
}

// SAFETY: values only move through the ring, from the producer's thread to that of the lock holder (R1, R2); no two
// threads ever look at the same value, so `P: Send` is enough and `P: Sync` is not asked for.
unsafe impl<P: Send> Sync for Ring<P> {}

impl<P> Ring<P> {
    /// A ring that has no values of its own.
    pub(super) fn sum(parts: Vec<Reader<P>>) -> Self {
        let geometry = Geometry::new(1);
        Self::with(geometry, Vec::new(), parts)
    }

    /// Read along with the ring; empty but for a [`sum`](Self::sum).
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

    /// Moves the value of a slot out.
    ///
    /// # Safety
    /// The slot holds a value, nobody else may reach it now, and the caller sees to it that it is not taken again.
    #[inline(always)]
    unsafe fn take(&self, slot: usize) -> P {
        // SAFETY: discharged by the caller.
        unsafe { take(&self.slots[slot]) }
    }

    /// Moves a value into a slot.
    ///
    /// # Safety
    /// The slot holds no value and nobody else may reach it now.
    #[inline(always)]
    unsafe fn put(&self, slot: usize, value: P) {
        // SAFETY: discharged by the caller; the pointer comes from a live cell of this layout.
        self.slots[slot].with_mut(|slot| unsafe { slot.cast::<P>().write(value) });
    }

    /// How many values a drain would find, had it the ring to itself. A snapshot.
    pub(super) fn len(&self) -> usize {
        // Acquire pairs with the Release of `Ring::publish_head` and `Producer::report_slow`: the tail read next is then
        // not older than this head.
        let head = Head(self.head.load(Ordering::Acquire));
        let tail = Tail(self.tail.word.load(Ordering::Relaxed));
        // Between the two loads both may move on; the distance is then too large, never negative.
        self.geometry.distance(head.index(), self.geometry.visible_end(tail)).min(self.geometry.physical)
    }

    /// Two loads, no write: what a tick with nothing new costs.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // Relaxed: whoever saw the task done has the producer's last store in its past already; a stale answer to
        // anybody else is corrected under LOCK, or by the next tick.
        let head = Head(self.head.load(Ordering::Relaxed));
        let tail = Tail(self.tail.word.load(Ordering::Relaxed));
        head.index() == self.geometry.visible_end(tail)
    }

    pub(super) fn dropped(&self) -> u64 {
        self.tail.dropped.load(plain::Ordering::Relaxed) + self.displaced.load(plain::Ordering::Relaxed)
    }

    /// Takes LOCK if nobody has it. Never waits.
    #[inline]
    fn try_lock(&self) -> Option<Head> {
        // Acquire pairs with the Release of the previous holder's unlock: the tail read next is not older than this
        // head (else the distance would be nonsense), and slots before this head are really empty.
        let before = Head(self.head.fetch_or(LOCK, Ordering::Acquire));
        (!before.is_locked()).then_some(before)
    }

    /// Takes everything that is visible now, for one consumer; `None` if there is nothing or somebody else holds LOCK.
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
        let end = self.settle_end(begin);
        Some(Batch::new(self, begin, end))
    }

    /// Takes LOCK over from a batch of this very thread (R7), which yields nothing more. Gives the first index of what that
    /// one has left.
    #[cold]
    fn take_over(&self) -> Option<usize> {
        if self.claims.holder.load(plain::Ordering::Relaxed) != thread_token() {
            return None;
        }
        let number = self.claims.begin();
        let begin = self.claims.position(self.geometry);
        // The producer counts from the head: it has to stand where the new batch begins.
        self.publish_head(Head::at(begin).locked());
        // That may have woken a sender, whose waker is foreign code: it may drain, and take over from here.
        (self.claims.number.load(plain::Ordering::Relaxed) == number).then_some(begin)
    }

    /// Gives the slots before `head` back, and wakes the sender that waits for them. For the holder of LOCK.
    #[inline]
    fn publish_head(&self, head: Head) {
        // One read-modify-write both gives room and asks who waits for it, so neither side can miss the other; it
        // lowers WAITING. Release pairs with the Acquire of `Producer::refresh`, `Ring::try_lock` and `Ring::announce`.
        if Head(self.head.swap(head.0, Ordering::Release)).is_waiting() {
            self.waiters.wake_all();
        }
    }

    /// The end of what the holder of LOCK may read, with the offered value taken in where the capacity allows it (R4).
    #[inline]
    fn settle_end(&self, begin: usize) -> usize {
        // Acquire pairs with the Release of `Producer::push`: the values up to this tail are written.
        let seen = Tail(self.tail.word.load(Ordering::Acquire));
        if !seen.is_offering() || self.geometry.distance(begin, seen.index()) >= self.geometry.capacity {
            return seen.index();
        }
        let taken = Tail::at(self.geometry.advance(seen.index(), 1));
        // Acquire (both) pairs with the Release of the producer's offer or publication: the offer may be a newer one than
        // was seen above. Release pairs with the Acquire of `Producer::offer`: a producer that finds its offer taken
        // also finds a head that left room for it.
        match self.tail.word.compare_exchange(seen.0, taken.0, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => taken.index(),
            Err(now) => Tail(now).index(),
        }
    }

    /// Shows `look` the newest value, which stays where it is. `None` if there is none, or while a drain is on.
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
        locked.let_an_offer_in();
        let end = self.settle_end(locked.head);
        if locked.head == end {
            // All that there was had to make room for an offer that its producer is about to replace.
            return locked.displaced.as_ref().map(look);
        }
        let newest = self.geometry.advance(end, 2 * self.geometry.physical - 1);
        let slot = &self.slots[self.geometry.slot(newest)];
        // SAFETY: LOCK is ours and the slot lies between head and the tail that was seen: it holds a value, which nobody
        // else reaches (R3). The reference ends before LOCK is given back.
        Some(slot.with(|slot| look(unsafe { &*slot.cast::<P>() })))
    }

    /// Says that the reader is gone, and wakes whoever waits for it.
    pub(super) fn close_reader(&self) {
        // Relaxed: nothing else rests on it, and a sender about to sleep sees it by way of `wake_sender`.
        self.reader_gone.store(true, Ordering::Relaxed);
        self.wake_sender();
    }

    /// True once the reader is gone. Relaxed: nothing rests on it.
    #[inline(always)]
    pub(super) fn is_reader_gone(&self) -> bool {
        self.reader_gone.load(Ordering::Relaxed)
    }

    /// Wakes a sender that waits, so that it sees what the caller did before: cancelled it, closed the reader.
    pub(super) fn wake_sender(&self) {
        // One word, a read-modify-write on both sides. If the sender's `announce` came first, its flag is seen here (and
        // its waker found: the mutex of the list orders that). If it comes later, its Acquire pairs with this Release,
        // and the sender sees what the caller did. Not a mere load when the flag is down: it could run ahead.
        if Head(self.head.fetch_and(!WAITING, Ordering::Release)).is_waiting() {
            self.waiters.wake_all();
        }
    }

    /// Registers a sender that found no room; it must try once more before it sleeps.
    pub(super) fn announce(&self, ticket: &mut Option<Ticket>, waker: &Waker) {
        self.waiters.register(ticket, waker);
        // Acquire pairs with the Release of `Ring::publish_head` and `wake_sender`: what came before this is seen by the try
        // that follows; what comes after it sees the flag. No Release: the mutex of the list hands the waker over.
        self.head.fetch_or(WAITING, Ordering::Acquire);
    }

    /// Takes a sender off the list. The flag stays up: one needless look at the list is cheaper than getting it right.
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
        // LOCK: a drain was forgotten, and this is how far it came.
        let begin = if head.is_locked() { self.claims.position(self.geometry) } else { head.index() };
        let (mut at, end) = (begin, self.geometry.visible_end(tail));
        while at != end {
            // SAFETY: the last reference is gone, so nobody else reaches the slots; `head..tail` hold values (R1).
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

/// The values that a `report` threw away, to be dropped once no lock is held.
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

/// Why a value was not pushed.
#[derive(Debug)]
pub(super) enum PushError<P> {
    Full(P),
    ReaderGone(P),
}

/// The one writer of a ring.
///
/// The fast path of a push compares, writes, and stores the tail: a run of slots known to be free is used up without a
/// look at the consumer's word, and runs end where slots and indices wrap.
pub(super) struct Producer<P> {
    ring: ModelArc<Ring<P>>,
    /// The index of the tail word; only a taken offer (R4) puts the word one ahead of it.
    tail: usize,
    /// Where the run of slots known to be free ends: `tail..limit` are free, and do not reach the last slot of the lap.
    /// Equal to `tail` while a value is offered.
    limit: usize,
    /// The index of slot 0 in this lap: 0 or `physical`.
    lap: usize,
    /// The slot at `tail` holds a value that may still be replaced.
    offered: bool,
}

impl<P> Producer<P> {
    /// `ring` is new: nobody else has become its producer.
    pub(super) fn new(ring: ModelArc<Ring<P>>) -> Self {
        Self { ring, tail: 0, limit: 0, lap: 0, offered: false }
    }

    pub(super) fn ring(&self) -> &Ring<P> {
        &self.ring
    }

    pub(super) fn share_ring(&self) -> ModelArc<Ring<P>> {
        ModelArc::clone(&self.ring)
    }

    /// Adds a value if there is room for it and somebody to read it.
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

    /// The run is used up: looks at the consumer's word. Out of line, so that a loop around the fast path keeps what it
    /// needs in registers.
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

    /// Adds a value in any case and at once; the oldest ones make room. Wait-free.
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
        // SAFETY: the slot lies in the run, so it is empty and only the producer reaches it (R2).
        unsafe { self.ring.put(self.tail - self.lap, value) };
        // The run ends before the lap does: no wrap.
        self.tail += 1;
        // Release pairs with the Acquire of `Ring::settle_end`.
        self.ring.tail.word.store(Tail::at(self.tail).0, Ordering::Release);
    }

    /// Publishes one value, and begins a run in what is left of the `free` slots.
    fn push(&mut self, value: P, free: usize) {
        debug_assert!(free > 0 && !self.offered);
        // SAFETY: `free > 0`, so the slot at the tail is empty and only the producer reaches it (R2).
        unsafe { self.ring.put(self.tail - self.lap, value) };
        self.step();
        // Release pairs with the Acquire of `Ring::settle_end`.
        self.ring.tail.word.store(Tail::at(self.tail).0, Ordering::Release);
        self.limit = (self.tail + free - 1).min(self.lap + self.ring.geometry.physical - 1);
    }

    /// Moves on by one slot. The run is over.
    fn step(&mut self) {
        let geometry = self.ring.geometry;
        self.tail = geometry.advance(self.tail, 1);
        self.lap = if self.tail >= geometry.physical { geometry.physical } else { 0 };
        self.limit = self.tail;
    }

    /// Looks how far the consumer came, publishes an offered value as soon as the capacity allows it, and says how many
    /// slots are free.
    fn refresh(&mut self) -> usize {
        let geometry = self.ring.geometry;
        // Acquire pairs with the Release of `Ring::publish_head`: slots before this head are moved out.
        let head = Head(self.ring.head.load(Ordering::Acquire));
        // An offer outstanding and the ring not exactly full: there is room for it, or it was taken (then the head may
        // even be one past our tail). Either way the tail word may become `tail + 1` now.
        if self.offered && geometry.distance(head.index(), self.tail) != geometry.capacity {
            self.publish_offer();
        }
        let used = geometry.distance(head.index(), self.tail);
        debug_assert!(used <= geometry.capacity);
        geometry.capacity - used
    }

    /// Makes the offered value an ordinary one, unless a consumer has just done so: the outcome is the same word.
    fn publish_offer(&mut self) {
        self.step();
        self.offered = false;
        // Relaxed: the offer released the value, and a read-modify-write continues its release sequence. A mere store
        // would leave our later stores unordered with that of a consumer that took the offer.
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
        // Nobody drains while we hold LOCK. An offered value is older than this one: it comes first.
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
        // WAITING may change under us, so the head moves by addition, which also clears LOCK. Release pairs with the
        // Acquire of the next `try_lock`.
        let index = geometry.advance(head.index(), surplus);
        let step = Head::at(index).0.wrapping_sub(Head::at(head.index()).locked().0);
        self.ring.head.fetch_add(step, Ordering::Release);
        self.push(value, geometry.capacity + surplus - used);
        self.count_dropped(surplus);
        displaced
    }

    /// The ring is full and a consumer holds LOCK: puts the value into the spare slot, in place of the one that may
    /// stand there.
    fn offer(&mut self, value: P) -> Displaced<P> {
        let mut displaced = Displaced::NONE;
        if self.offered {
            let (offered, retracted) = (Tail::offering(self.tail).0, Tail::at(self.tail).0);
            // Relaxed on success: nobody has touched the slot since we filled it. Acquire on failure pairs with the
            // Release of `Ring::settle_end`: the head loaded next is not older than the one that consumer found.
            match self.ring.tail.word.compare_exchange(offered, retracted, Ordering::Relaxed, Ordering::Acquire) {
                Ok(_) => {
                    // SAFETY: the offer is withdrawn and was not taken, so the slot is full and ours alone (R4).
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
        // SAFETY: exactly `capacity` slots lie between head and tail, so the one at the tail is the spare one: empty,
        // and not read by anybody until the store below (R4).
        unsafe { self.ring.put(self.tail - self.lap, value) };
        self.offered = true;
        // Release pairs with the Acquire of `Ring::settle_end`.
        self.ring.tail.word.store(Tail::offering(self.tail).0, Ordering::Release);
        self.count_dropped(usize::from(displaced.0[0].is_some()));
        displaced
    }

    fn count_dropped(&self, count: usize) {
        // Only the producer writes it: a load and a store do.
        let dropped = &self.ring.tail.dropped;
        dropped.store(dropped.load(plain::Ordering::Relaxed) + count as u64, plain::Ordering::Relaxed);
    }
}

impl<P> Drop for Producer<P> {
    fn drop(&mut self) {
        // The last value must be seen even by a reader that never makes room: it may stand beyond the capacity (R5).
        if self.offered {
            self.publish_offer();
        }
    }
}

/// LOCK, held by a consumer that only looks. Dropped, it gives LOCK back, and whatever it displaced is dropped after that.
struct Peek<'a, P> {
    ring: &'a Ring<P>,
    /// Index of the oldest value, which is where the head word stands.
    head: usize,
    displaced: Option<P>,
}

impl<'a, P> Peek<'a, P> {
    fn lock(ring: &'a Ring<P>) -> Option<Self> {
        let head = ring.try_lock()?.index();
        Some(Self { ring, head, displaced: None })
    }

    /// A value that is offered behind a full ring is newer than all in it, and may stay there for as long as the producer
    /// reports nothing more. Makes room for it as a report would have: by the oldest value.
    fn let_an_offer_in(&mut self) {
        let Ring { geometry, tail, head, .. } = self.ring;
        // Acquire pairs with the Release of `Producer::push`: the oldest value is written.
        let seen = Tail(tail.word.load(Ordering::Acquire));
        if !seen.is_offering() || geometry.distance(self.head, seen.index()) != geometry.capacity {
            return;
        }
        // SAFETY: LOCK is ours and the slot lies between head and tail (R3); the head moves past it below.
        self.displaced = Some(unsafe { self.ring.take(geometry.slot(self.head)) });
        let next = geometry.advance(self.head, 1);
        // WAITING may change under us, so the head moves by addition. Release pairs with the Acquire of
        // `Producer::refresh`: the slot is empty.
        head.fetch_add(Head::at(next).0.wrapping_sub(Head::at(self.head).0), Ordering::Release);
        self.head = next;
        let displaced = &self.ring.displaced;
        displaced.store(displaced.load(plain::Ordering::Relaxed) + 1, plain::Ordering::Relaxed);
    }
}

impl<P> Drop for Peek<'_, P> {
    fn drop(&mut self) {
        // WAITING stays up: no room was made that a sender could use. Release pairs with the Acquire of the next
        // `try_lock`: the look is over before the value is moved out.
        self.ring.head.fetch_and(!LOCK, Ordering::Release);
        drop_quietly(self.displaced.take());
    }
}

/// The right to move values out: one consumer's turn. Gives slots back span by span, and LOCK when `next`
/// finds nothing more or the batch is dropped; values that were not moved out stay in the ring.
pub(super) struct Batch<'a, P> {
    ring: &'a Ring<P>,
    /// Index of the first value of this span, which is where the head word stands.
    base: usize,
    /// One past the last value of the batch.
    end: usize,
    /// How many values this span had when it began; 0 once LOCK is given back, and only then.
    span: usize,
    /// The slots of this span that were not moved out yet.
    slots: std::slice::Iter<'a, Slot<P>>,
    /// In `Claims`, as long as no later batch of this thread has taken LOCK over.
    number: u64,
    /// A later batch of the same thread may take over, without any order between the two but that of the thread.
    of_this_thread: PhantomData<*const ()>,
}

impl<'a, P> Batch<'a, P> {
    /// The caller has taken LOCK with the head at `base`, and has seen the tail at `end`.
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
        // `is_taken_over`, of a batch that has a slot, and so a span.
        if self.ring.claims.number.load(plain::Ordering::Relaxed) != self.number {
            return None;
        }
        self.ring.claims.left.store(self.slots.len(), plain::Ordering::Relaxed);
        // SAFETY: we hold LOCK (else there is no slot, or it was taken over) and the slot lies between head and the tail that
        // was seen (R3); the iterator and the count of what is left have moved on, so it is not taken again.
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

    /// True if a later batch of this thread holds LOCK in place of this one. While this one holds it no other thread
    /// writes the number; once it gave LOCK back it does not ask.
    #[inline]
    fn is_taken_over(&self) -> bool {
        self.span != 0 && self.ring.claims.number.load(plain::Ordering::Relaxed) != self.number
    }

    /// The span is used up: gives it back and begins the next one, or gives LOCK back.
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
        // A waker that was woken there may have drained.
        if self.is_taken_over() {
            return None;
        }
        self.begin_span();
        self.slots.next()
    }

    /// Leaves only the newest value to be moved out. The others are dropped here.
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

    /// Index of the next value.
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
        // Ahead of LOCK: from then on another thread may write its own.
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
