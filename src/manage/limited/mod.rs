//! Tasks of one owner with a limit on how many run: the engine of groups and pools.
//!
//! [`Limiter`] has the slots, the queue and the order, and decides. This module keeps it under a lock, creates the
//! tasks, launches them, and notifies it of their changes.
//!
//! # How a member lives
//! ```text
//!  submit        [1]            [2]                  [3]                          [4]
//! -------> waiting ---> launched ---> over, its closure still runs ---> over, and forgotten
//!             |             |                                             ^       ^
//!             |             +---------------------------------------------+       |
//!             +------- cancelled while it waits [5] ------------------------------+
//! ```
//! - [1] A member is a real task from the start (its status is `Pending`), but it is not queued yet.
//! - [2] When a slot is free, [`launch_ready`](LimitedSet::launch_ready) launches the next.
//! - [3] [4] A task that has ended is counted. It is forgotten, and its slot freed, once its body is gone: immediately
//!   for a future, and for a closure that never began; on return for a closure that was cancelled or timed out. The
//!   cell of the task reports it ([`Watch::closed`](crate::runtime::Watch::closed)), so a limit of two decoders means
//!   two. A task that retries keeps its slot while it waits.
//! - [5] A member that is cancelled while it waits leaves the queue and is launched beyond the limit, so that its body
//!   is dropped on the usual thread.
//!
//! # Shutdown of the runtime
//! Once the runtime is closing the limit does not apply: every member is launched, which ends it as runtime gone. The
//! end of any running member starts that. If closures whose tasks have ended hold all slots, no such end comes. Then
//! the shutdown drops the [`ShutdownHook`](launch::ShutdownHook), an idle future of the set, which starts it.
//!
//! # Time
//! A time limit begins when the member begins: at the first poll of a future, which checks the time itself (`timed`),
//! and when a pool thread takes the closure, which starts a watchdog. The watchdog ends with the task.
//!
//! # The lock
//! One lock guards the state. Launching, dropping, cancelling and waking happen outside of it. A member's cell refers
//! to the set ([`SlotGuard`](submit::SlotGuard)) and the set to its members: this cycle ends with the member.

mod launch;
mod link;
mod report;
mod submit;
mod timed;
mod waiters;

use super::limiter::{Holder, Limiter, Ticket};
use crate::runtime::{Handle, Prepared};
use crate::sync::{Arc, Mutex};
use crate::task::{CancelHandle, Status, Task};
use crate::toolkit::CancelToken;
use crate::util::slab::{Key, Slab};
use link::CancelLink;
use std::num::NonZeroUsize;
use std::time::Duration;
use waiters::Waiters;

pub use report::{GroupProgress, StopReport};
pub(super) use submit::Permit;
pub(super) use waiters::{Condition, Waiter};

/// The rules of a set, which never change.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rules {
    /// The largest number of waiting members, for the `try_` methods; `None`: unlimited.
    pub(super) queue_limit: Option<usize>,
    /// The time limit of a member without its own.
    pub(super) time_limit: Option<Duration>,
}

pub(super) struct LimitedSet {
    pub(super) handle: Handle,
    pub(super) rules: Rules,
    inner: Mutex<Inner>,
}

struct Inner {
    limiter: Limiter<(Key, Prepared)>,
    /// The members that are not forgotten.
    members: Slab<Member>,
    /// The number of members that have not begun.
    ///
    /// Permits, waiting members, and launched closures without a thread.
    pending: usize,
    done: usize,
    failed: usize,
    cancelled: usize,
    waiters: Waiters,
    /// True while a thread, or the reactor, launches ready members.
    launching: bool,
    shutdown_hook: Option<Task<()>>,
    link: Option<CancelLink>,
    /// True once the owner is dropped: members being submitted are cancelled.
    dropped: bool,
}

#[derive(Default)]
struct Member {
    /// `None` from the permit to the submission.
    control: Option<CancelHandle>,
    /// The ticket, while it waits.
    ticket: Option<Ticket>,
    begun: bool,
    /// True if its task has ended and is counted, and its closure is still running.
    left_running: bool,
    /// The time limit, of closures.
    time_limit: Option<Duration>,
    /// The watchdog, of running closures with a time limit.
    watchdog: Option<Task<()>>,
}

impl LimitedSet {
    /// Creates an empty set.
    pub(super) fn new(handle: &Handle, limit: Option<NonZeroUsize>, rules: Rules) -> Arc<Self> {
        let inner = Inner {
            limiter: Limiter::new(limit),
            members: Slab::new(),
            pending: 0,
            done: 0,
            failed: 0,
            cancelled: 0,
            waiters: Waiters::default(),
            launching: false,
            shutdown_hook: None,
            link: None,
            dropped: false,
        };
        Arc::new(Self { handle: handle.clone(), rules, inner: Mutex::new(inner) })
    }

    /// Records that a closure begins.
    fn begins(&self, key: Key) {
        let mut inner = self.inner.lock();
        let Some(member) = inner.members.get_mut(key) else { return };
        if std::mem::replace(&mut member.begun, true) {
            return;
        }
        let limited = member.time_limit.zip(member.control.clone());
        inner.pending -= 1;
        drop(inner);
        let Some((limit, control)) = limited else { return };
        let sleep = self.handle.sleep(limit);
        let watchdog = self.handle.spawn_internal(async move {
            sleep.await;
            control.time_out();
        });
        let mut inner = self.inner.lock();
        // A member that has ended by now does not need it: then it is dropped here, outside of the lock.
        let unused = match inner.members.get_mut(key) {
            Some(member) if !member.left_running => member.watchdog.replace(watchdog),
            _ => Some(watchdog),
        };
        drop(inner);
        drop(unused);
    }

    /// Changes the priority of a waiting member.
    ///
    /// Returns false if it is launched: then its executor moves it.
    fn moved(&self, key: Key) -> bool {
        let mut inner = self.inner.lock();
        let Inner { limiter, members, .. } = &mut *inner;
        let Some(Member { control: Some(control), ticket: Some(ticket), .. }) = members.get_mut(key) else {
            return false;
        };
        *ticket = limiter.set_priority(*ticket, control.priority());
        true
    }

    /// [3] [4] [5] Records that the task of a member has ended.
    fn ended(self: &Arc<Self>, key: Key) {
        let mut inner = self.inner.lock();
        let Inner { limiter, members, pending, .. } = &mut *inner;
        let Some(member) = members.get_mut(key) else { return };
        let Some(control) = member.control.clone() else { return };
        let watchdog = member.watchdog.take();
        *pending -= usize::from(!std::mem::replace(&mut member.begun, true));
        let waiting = match member.ticket.take() {
            Some(ticket) => limiter.remove(ticket),
            // Checked under the lock. If the closure returns later, `closed` finds the mark.
            None if control.is_left_running() => {
                limiter.end();
                member.left_running = true;
                None
            }
            None => {
                limiter.release(Holder::Running);
                None
            }
        };
        let forgotten = if member.left_running { None } else { members.remove(key) };
        match control.status() {
            Status::Done => inner.done += 1,
            Status::Error => inner.failed += 1,
            _ => inner.cancelled += 1,
        }
        drop(inner);
        if let Some((_key, prepared)) = waiting {
            prepared.launch();
        }
        drop((forgotten, control, watchdog));
        self.launch_ready();
    }

    /// [4] Records that the body of a member is gone.
    ///
    /// If the task was not marked as left running, `ended` does the rest, or did.
    fn closed(self: &Arc<Self>, key: Key) {
        let mut inner = self.inner.lock();
        if !inner.members.get(key).is_some_and(|member| member.left_running) {
            return;
        }
        let forgotten = inner.members.remove(key);
        inner.limiter.release(Holder::LeftRunning);
        drop(inner);
        drop(forgotten);
        self.launch_ready();
    }

    pub(super) fn limit(&self) -> Option<NonZeroUsize> {
        self.inner.lock().limiter.limit()
    }

    pub(super) fn resize(self: &Arc<Self>, limit: Option<NonZeroUsize>) {
        self.inner.lock().limiter.resize(limit);
        self.launch_ready();
    }

    /// Links the set and a token, which then cancel each other.
    ///
    /// A second token replaces the first.
    pub(super) fn link(self: &Arc<Self>, token: &CancelToken) {
        let before = self.inner.lock().link.take();
        drop(before);
        let link = CancelLink::new(self, token);
        // Of two concurrent links, one is dropped here: outside of the lock, since a token has a user's reason.
        let before = self.inner.lock().link.replace(link);
        drop(before);
        // A token that was cancelled in between had no link that could check members submitted in between.
        if token.is_cancelled() {
            self.cancel_members();
        }
    }

    pub(super) fn token(&self) -> Option<CancelToken> {
        self.inner.lock().link.as_ref().map(CancelLink::token)
    }

    /// Returns the token that the set was linked with.
    pub(super) fn unlink(&self) -> Option<CancelToken> {
        let link = self.inner.lock().link.take();
        link.map(|link| link.token())
    }

    /// Refuses members from now on.
    pub(super) fn close(self: &Arc<Self>) {
        self.inner.lock().limiter.close();
        self.launch_ready();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.inner.lock().limiter.is_closed()
    }

    /// Refuses members and cancels all, because the owner is dropped.
    pub(super) fn owner_dropped(self: &Arc<Self>) {
        let mut inner = self.inner.lock();
        inner.dropped = true;
        inner.limiter.close();
        drop(inner);
        self.cancel_members();
        self.launch_ready();
    }

    /// Cancels all members and the token. Returns how many had not finished.
    pub(super) fn cancel_all(&self) -> usize {
        let cancelled = self.cancel_members();
        if let Some(token) = self.token() {
            token.cancel();
        }
        cancelled
    }

    fn cancel_members(&self) -> usize {
        let StopReport { waiting, running, .. } = self.report();
        // The waiting ones first, so that the end of another one starts none of them.
        waiting.iter().chain(&running).filter(|control| control.cancel()).count()
    }
}
