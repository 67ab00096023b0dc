//! Where nothing calls back later: after its own calls the host asks for itself.

use crate::sync::Arc;

/// False: a wake on the host's own thread calls no hook.
pub(super) const CALLS_LATER: bool = false;

/// Calls nothing.
pub(super) fn call_later(_: &Arc<dyn Fn() + Send + Sync>) {}
