//! The sources of one reactor: a slab that any thread may add to and take from.
//!
//! # Tokens
//! The system gives back the token of an event's source. It is the source's place in the slab together with the
//! generation of that place, so an event that was fetched before its source was taken out names nobody, not the next
//! source in the same place. Where a word is too small for both, the generation is cut short: an event that then meets a
//! stranger tells it of a readiness that is not there, and the stranger's next operation would block and says so.
//!
//! # Order
//! In: the slab first, then the system, so that no event comes for a source that is not there yet. Out: the system
//! first, then the slab, and whoever owns the descriptor closes it last; closed before, its number could belong to
//! another file already.
//!
//! The lock of the slab is held while the events of one poll are noted, never while anyone is woken.

use super::CLOCK;
use super::clock::{ClockWatch, OnStep};
use super::readiness::Facts;
use super::source::Source;
use crate::counters::Counter;
use crate::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::sync::{Arc, Mutex, Weak};
use crate::util::catch::guarded;
use crate::util::slab::{Key, Slab};
use mio::event::{Event, Source as MioSource};
use mio::{Interest, Registry, Token};
use std::error::Error;
use std::fmt;
use std::io;
use std::task::Waker;

/// Bits of a token that name the place; the rest is of the generation.
const PLACE_BITS: u32 = if usize::BITS >= 64 { 32 } else { 20 };

/// Places beyond this one are not used: the last tokens belong to the reactor itself.
const LAST_PLACE: usize = (1 << PLACE_BITS) - 4;

/// A source was refused, or is not told of anything any more, because its runtime is shut down.
///
/// The errors of sockets hold it: [`caused`](Self::caused) tells, where a loop that goes on after errors must end.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the runtime of this socket is shut down; use a live one")]
pub struct ReactorGone;

impl ReactorGone {
    /// True if this is what an error tells of, itself or in what it came from: no try will do better.
    ///
    /// # Example
    /// ```
    /// use offtick::net::ReactorGone;
    /// use std::io;
    /// assert!(ReactorGone::caused(&io::Error::from(ReactorGone)));
    /// assert!(!ReactorGone::caused(&io::ErrorKind::ConnectionReset.into()));
    /// ```
    pub fn caused(error: &io::Error) -> bool {
        let mut cause = error.get_ref().map(|error| error as &(dyn Error + 'static));
        while let Some(error) = cause {
            // An `io::Error` passes over what it holds when it is asked for its source.
            if error.is::<Self>() || error.downcast_ref().is_some_and(Self::caused) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}

impl From<ReactorGone> for io::Error {
    fn from(gone: ReactorGone) -> Self {
        Self::other(gone)
    }
}

/// The sources of one reactor.
pub(crate) struct Sockets {
    sources: Mutex<Sources>,
    /// How many there are, written under the lock, for whoever asks without it: Relaxed, since nothing follows from it but
    /// a look at the system that may be in vain or come one turn later.
    count: AtomicUsize,
    /// True if the poll may have an event: there are sources, or the wall clock is watched. Written as `count` is.
    watches: AtomicBool,
    /// What the system told of them; the reactor's thread counts.
    events: Counter,
    clock: ClockWatch,
}

struct Sources {
    slab: Slab<Arc<Source>>,
    watches_clock: bool,
    /// `None` once the reactor is closed. A call of the system that is on keeps it open until it returns.
    registry: Option<Arc<Registry>>,
}

impl Sockets {
    pub(super) fn new(registry: Registry) -> Self {
        Self {
            sources: Mutex::new(Sources {
                slab: Slab::new(),
                watches_clock: false,
                registry: Some(Arc::new(registry)),
            }),
            count: AtomicUsize::new(0),
            watches: AtomicBool::new(false),
            events: Counter::default(),
            clock: ClockWatch::default(),
        }
    }

    /// How many events the system has told of, those of sources that were gone included.
    pub(crate) fn events(&self) -> u64 {
        self.events.get()
    }

    /// The poll's descriptor, shared with whoever lends it to the host. `None` once the reactor is closed.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there is no descriptor to lend"))]
    pub(crate) fn registry(&self) -> Option<Arc<Registry>> {
        self.sources.lock().registry.clone()
    }

    /// True if the poll may have an event.
    #[inline]
    pub(super) fn watches(&self) -> bool {
        self.watches.load(Ordering::Relaxed)
    }

    fn count(&self, sources: &Sources) {
        self.count.store(sources.slab.len(), Ordering::Relaxed);
        self.watches.store(!sources.slab.is_empty() || sources.watches_clock, Ordering::Relaxed);
    }

    /// Calls `listener` after each step of the system's wall clock, on the reactor's thread. Keeps no reference to it.
    ///
    /// # Errors
    /// [`ReactorGone`]; where the system does not notify of steps; out of descriptors.
    pub(crate) fn watch_clock(&self, listener: Weak<OnStep>) -> io::Result<()> {
        let registry = self.registry().ok_or(ReactorGone)?;
        self.clock.add(&registry, CLOCK, listener)?;
        let mut sources = self.sources.lock();
        sources.watches_clock = sources.registry.is_some();
        self.count(&sources);
        let closed = !sources.watches_clock;
        drop(sources);
        // The reactor may have been closed in between.
        if closed {
            self.clock.close();
        }
        Ok(())
    }

    pub(super) fn clock_was_set(&self) {
        self.clock.rang();
    }

    /// How many sources there are.
    pub(crate) fn len(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Watches a source from now on. `facts` is what is known of it at the beginning.
    ///
    /// # Errors
    /// [`ReactorGone`]; those of the system, for one that is watched by this reactor already among them.
    pub(crate) fn register(
        &self,
        io: &mut impl MioSource,
        interest: Interest,
        facts: Facts,
    ) -> io::Result<(Key, Arc<Source>)> {
        let source = Arc::new(Source::new(facts));
        let (key, registry) = {
            let mut sources = self.sources.lock();
            let Some(registry) = sources.registry.clone() else {
                return Err(ReactorGone.into());
            };
            let key = sources.slab.insert(Arc::clone(&source));
            if key.index() as usize > LAST_PLACE {
                sources.slab.remove(key);
                return Err(io::Error::new(io::ErrorKind::QuotaExceeded, "too many sockets on one reactor"));
            }
            self.count(&sources);
            (key, registry)
        };
        if let Err(error) = registry.register(io, token(key), interest) {
            self.forget(key);
            return Err(error);
        }
        Ok((key, source))
    }

    /// Watches a source no more. To be called before its descriptor is closed.
    pub(crate) fn deregister(&self, deregister: impl FnOnce(&Registry) -> io::Result<()>, key: Key) {
        if let Some(registry) = self.registry() {
            // Nothing can be done about a failure; a closed descriptor leaves the system's list by itself.
            let _deregistered = deregister(&registry);
        }
        self.forget(key);
    }

    fn forget(&self, key: Key) {
        let forgotten = {
            let mut sources = self.sources.lock();
            let forgotten = sources.slab.remove(key);
            self.count(&sources);
            forgotten
        };
        // It may hold a waker: foreign code, and not under the lock.
        drop(forgotten);
    }

    /// Takes note of events, and moves the wakers of those whom they concern to `woken`.
    pub(super) fn note<'a>(&self, events: impl Iterator<Item = &'a Event>, woken: &mut Vec<Waker>) {
        let sources = self.sources.lock();
        let mut told = 0;
        for event in events {
            told += 1;
            if let Some(source) = sources.find(event.token()) {
                source.event(Facts::of(event), woken);
            }
        }
        self.events.add(told);
    }

    /// The end of the reactor: whoever waits is woken and finds it gone, and so does whoever comes later. Its descriptor
    /// is released.
    pub(crate) fn close(&self) {
        let (slab, registry) = {
            let mut sources = self.sources.lock();
            let taken = (std::mem::take(&mut sources.slab), sources.registry.take());
            sources.watches_clock = false;
            self.count(&sources);
            taken
        };
        self.clock.close();
        drop(registry);
        let mut woken = Vec::new();
        for (_, source) in slab.iter() {
            source.event(Facts::GONE, &mut woken);
        }
        drop(slab);
        wake(&mut woken);
    }
}

impl fmt::Debug for Sockets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sockets").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl Sources {
    fn find(&self, token: Token) -> Option<&Arc<Source>> {
        let place = (token.0 & ((1 << PLACE_BITS) - 1)) as u32;
        let (key, source) = self.slab.get_at(place)?;
        (self::token(key) == token).then_some(source)
    }
}

fn token(key: Key) -> Token {
    Token(key.index() as usize | (key.generation() as usize) << PLACE_BITS)
}

/// Wakes all, in order; one that panics does not lose the others.
pub(super) fn wake(woken: &mut Vec<Waker>) {
    let mut rest = woken.drain(..);
    while !rest.as_slice().is_empty() {
        guarded(|| rest.by_ref().for_each(Waker::wake));
    }
}

#[cfg(all(test, unix, not(loom)))]
mod tests;
