//! Who uses which signal, and what the signal does when nobody does any more.
//!
//! The handler of a signal is installed once and stays: other parts of the program may have chained theirs to it, so it
//! cannot be taken out. What it does depends on its list of actions, in their order:
//!
//! | signal did before | actions of the handler |
//! |---|---|
//! | default action | *if idle: the default action*, then those of all users |
//! | ignored, or unknown by name | those of all users |
//! | handler of somebody else | that handler, then those of all users |
//!
//! **Idle** is one flag a signal, up while it has no user here. A first user puts its actions in and then takes the flag
//! down; a last one raises it and then takes its actions out. So a signal in between does what it did before: at no moment
//! is there a signal that nobody hears. All under one lock; handlers look at the flag without it.

use super::before;
use super::error::SignalError;
use super::number::name;
use crate::sync::Arc;
use crate::sync::plain::{AtomicBool, Mutex, Ordering};
use signal_hook::{SigId, flag, low_level};
use std::collections::BTreeMap;
use std::io;

/// The highest number that a signal has on any system.
const LAST_SIGNAL: i32 = 128;

/// What the process did at a signal before its first user here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Before {
    /// Nothing: set so by the parent process, or by the program.
    pub(super) ignored: bool,
    /// It ran a handler of another part of the program, which still runs first.
    pub(super) handled: bool,
}

struct Entry {
    before: Before,
    users: usize,
    idle: Arc<AtomicBool>,
}

/// Entries are for good, as the handlers are.
static SIGNALS: Mutex<BTreeMap<i32, Entry>> = Mutex::new(BTreeMap::new());

/// Actions in the handler of one signal, taken out when this goes.
#[derive(Debug)]
pub(super) struct Claim {
    signal: i32,
    actions: Vec<SigId>,
}

impl Claim {
    /// `install` puts actions in, in order, and notes each.
    pub(super) fn new(
        signal: i32,
        install: impl FnOnce(&mut Vec<SigId>) -> io::Result<()>,
    ) -> Result<Self, SignalError> {
        check(signal)?;
        let refused = |source: io::Error| match source.kind() {
            io::ErrorKind::InvalidInput => SignalError::Invalid(signal),
            _ => SignalError::System { what: "installing the handler of a signal", source },
        };
        let mut signals = SIGNALS.lock();
        let entry = match signals.entry(signal) {
            std::collections::btree_map::Entry::Occupied(known) => known.into_mut(),
            std::collections::btree_map::Entry::Vacant(vacant) => vacant.insert(first(signal).map_err(refused)?),
        };
        let mut actions = Vec::new();
        if let Err(error) = install(&mut actions) {
            take_out(&actions);
            return Err(refused(error));
        }
        entry.users += 1;
        entry.idle.store(false, Ordering::SeqCst);
        Ok(Self { signal, actions })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut signals = SIGNALS.lock();
        if let Some(entry) = signals.get_mut(&self.signal) {
            entry.users -= 1;
            if entry.users == 0 {
                entry.idle.store(true, Ordering::SeqCst);
            }
        }
        take_out(&self.actions);
    }
}

/// True if the process ignored the signal before anyone here listened to it.
pub(super) fn was_ignored(signal: i32) -> Result<bool, SignalError> {
    check(signal)?;
    let signals = SIGNALS.lock();
    let before = signals.get(&signal).map_or_else(|| before::look(signal), |entry| entry.before);
    Ok(before.ignored)
}

/// A signal that a program may handle, as far as its number tells.
pub(super) fn check(signal: i32) -> Result<(), SignalError> {
    if !(1..=LAST_SIGNAL).contains(&signal) {
        return Err(SignalError::Invalid(signal));
    }
    if signal_hook::consts::FORBIDDEN.contains(&signal) {
        return Err(SignalError::Forbidden(signal));
    }
    Ok(())
}

/// The entry of a signal that was never used here: idle, with the default action as the first in the list.
fn first(signal: i32) -> io::Result<Entry> {
    let before = before::look(signal);
    let idle = Arc::new(AtomicBool::new(true));
    if before == Before::default() && name(signal).is_some() {
        flag::register_conditional_default(signal, Arc::clone(&idle))?;
    }
    Ok(Entry { before, users: 0, idle })
}

fn take_out(actions: &[SigId]) {
    for action in actions {
        low_level::unregister(*action);
    }
}
