//! Calls of the hook from a microtask: after the call of the host that brought the work.

use crate::sync::Arc;
use crate::util::catch::guarded;
use crate::util::page::call_soon;

/// True: a wake on the host's own thread calls the hook as well.
pub(super) const CALLS_LATER: bool = true;

/// Calls `hook` once the code that runs now has returned to the page.
pub(super) fn call_later(hook: &Arc<dyn Fn() + Send + Sync>) {
    let hook = Arc::clone(hook);
    // Every page has microtasks; without them the host is left to ask for itself.
    let _can = call_soon(move || guarded(|| hook()));
}
