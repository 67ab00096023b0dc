//! What JavaScript threw, as an error of Rust.

use wasm_bindgen::{JsCast, JsValue};

/// An error that JavaScript threw, or with which a promise was rejected.
///
/// It keeps the text alone, so it is `Send` and ends a task by `?`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}: {message}")]
pub struct JsError {
    name: String,
    message: String,
}

impl JsError {
    /// Returns the name of the error, such as `TypeError` or `AbortError`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the message of the error.
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl From<JsValue> for JsError {
    fn from(thrown: JsValue) -> Self {
        match thrown.dyn_into::<js_sys::Error>() {
            Ok(error) => Self { name: error.name().into(), message: error.message().into() },
            // Anything can be thrown.
            Err(other) => {
                let message = other.as_string().unwrap_or_else(|| format!("{other:?}"));
                Self { name: "thrown".to_owned(), message }
            }
        }
    }
}
