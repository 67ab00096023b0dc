//! Small tools without a notion of tasks or runtimes.

pub(crate) mod cache_padded;
pub(crate) mod catch;
pub(crate) mod finished;
pub(crate) mod grow;
pub(crate) mod holes;
pub(crate) mod methods;
pub(crate) mod seeds;
pub(crate) mod slab;
pub(crate) mod thread_token;
pub(crate) mod update;
pub(crate) mod wake_batch;
