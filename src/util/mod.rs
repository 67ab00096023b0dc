//! Small tools without a notion of tasks or runtimes.

#[allow(dead_code, reason = "its users are wired by later layers")]
pub(crate) mod cache_padded;
pub(crate) mod catch;
#[allow(dead_code, reason = "its users are wired by later layers")]
pub(crate) mod slab;
#[allow(dead_code, reason = "its users are wired by later layers")]
pub(crate) mod wake_batch;
