//! Small tools without a notion of tasks or runtimes.

pub(crate) mod catch;
