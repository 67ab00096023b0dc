//! Unsafe island: the task cell, its state word, its waker, the intrusive inbox and the owner list.
//!
//! The rules that make the unsafe code here sound stand in [`crate::task`]. Everything that leaves this module is
//! safe to use in any order on any thread.
#![allow(unsafe_code, reason = "one of the two unsafe islands of the crate")]

mod arc_cache;
mod body;
mod cell;
mod handles;
mod header;
mod inbox;
mod join_waker;
mod members;
mod nested_outputs;
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
pub(crate) use body::{Body, ClosureBody, Convert, Fallible, FutureBody, LazyBody, Value, Verdict, Work};
pub(crate) use handles::{JoinRef, Over, Runnable, TaskRef, new, new_bound};
pub(crate) use header::PollOutcome;
pub(crate) use inbox::{Inbox, Push};
pub(crate) use members::{Listed, Members};
pub(crate) use prefetch::prefetch;
pub(crate) use promised::{Promised, promise};
pub(crate) use spawn_meta::SpawnMeta;
pub(crate) use state::{Audience, Kind, Outcome};
/// The state word by itself, for its models.
#[cfg(all(loom, test))]
pub(crate) use state::{Closed, State, ToCancelled, ToIdle, ToRunning, ToScheduled};
pub(crate) use task_batch::TaskBatch;
pub(crate) use waker::is_of_cancelled;

#[cfg(all(test, not(loom)))]
mod tests;
