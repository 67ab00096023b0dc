//! Records the last run of a job in its store.

use super::event::{Hook, JobEvent};
use crate::runtime::Handle;
use crate::schedule::JobStore;
use crate::sync::Arc;
use crate::task::{CancelHandle, Status};

/// Returns a hook that records each finished run, and calls `hook`.
///
/// It runs on the reactor thread, so it leaves the write to a pool thread.
pub(super) fn recorded(store: Arc<dyn JobStore>, handle: &Handle, hook: Option<Hook>) -> Hook {
    let handle = handle.clone();
    Arc::new(move |event: &JobEvent| {
        // A run that was cancelled, perhaps by the end of the program, is made up for.
        let has_run = event.task().map(CancelHandle::status) != Some(Status::Cancelled);
        if let Some(due) = event.due().filter(|_| has_run) {
            let (store, job) = (Arc::clone(&store), event.job().to_owned());
            let write = handle.task().name("offtick job store").quiet();
            write.run_blocking(move |_cx| store.record(&job, due)).detach();
        }
        if let Some(hook) = &hook {
            hook(event);
        }
    })
}
