//! The unsafe island of tasks: cell, state word, waker, inbox and owner list.
//!
//! [`crate::task`] has the rules that make the unsafe code here sound. Everything that this module exports is safe to
//! use in any order on any thread.
#![allow(unsafe_code, reason = "one of the two unsafe islands of the crate")]

mod arc_cache;
mod body;
mod cell;
mod handles;
mod header;
mod inbox;
mod join_waker;
mod nested_outputs;
mod owned_tasks;
mod polled;
mod prefetch;
mod promised;
mod spawn_meta;
mod state;
mod store;
mod task_batch;
#[cfg_attr(not(feature = "tracing"), path = "untraced.rs")]
mod traced;
mod waker;

pub(crate) use crate::util::thread_token::thread_token;
pub(crate) use arc_cache::ArcCache;
pub(crate) use body::{Body, ClosureBody, Convert, Fallible, FutureBody, LazyBody, Value, WithTaskError, Work};
pub(crate) use handles::{Completed, JoinRef, Runnable, TaskRef, new, new_bound};
pub(crate) use header::PollOutcome;
pub(crate) use inbox::{Batch as Pushed, Inbox, Push};
pub(crate) use owned_tasks::{Listed, OwnedTasks};
pub(crate) use prefetch::prefetch;
pub(crate) use promised::{Promised, promise};
pub(crate) use spawn_meta::SpawnMeta;
pub(crate) use state::{Audience, Kind, Outcome};
/// The state word itself, for its models.
#[cfg(all(loom, test))]
pub(crate) use state::{Closed, State, ToCancelled, ToIdle, ToRunning, ToScheduled};
pub(crate) use task_batch::TaskBatch;
pub(crate) use waker::is_of_cancelled;

#[cfg(all(test, not(loom)))]
mod tests;
