//! The page's `fetch`, aborted when its future is dropped.

use crate::{JsError, future};
use js_sys::{Function, Promise, Reflect, Uint8Array};
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{AbortController, RequestInit};

/// Loads a resource. Dropping the future, as the cancellation of its task does, aborts the request.
///
/// It resolves when the headers have arrived, whatever the status: check [`Response::is_ok`].
///
/// # Errors
/// [`JsError`] if there is no connection, the address is wrong, or the page may not load it.
///
/// # Example
/// ```ignore
/// let text = offtick_web::fetch("/level.json").await?.text().await?;
/// ```
pub async fn fetch(address: &str) -> Result<Response, JsError> {
    let request = Request::new()?;
    let init = RequestInit::new();
    init.set_signal(Some(&request.0.signal()));
    // Workers, pages and node have it in their global object.
    let global = js_sys::global();
    let fetch: Function = Reflect::get(&global, &"fetch".into())?.dyn_into()?;
    let promise: Promise = fetch.call2(&global, &address.into(), &init)?.dyn_into()?;
    let response = future(promise).await?.dyn_into()?;
    Ok(Response { response, _request: request })
}

/// A request that is aborted when it is dropped; nothing happens to one that has been answered in full.
struct Request(AbortController);

impl Request {
    fn new() -> Result<Self, JsError> {
        Ok(Self(AbortController::new()?))
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// The answer to a [`fetch`]: status and headers; the body is still to be read. Dropping it aborts the rest.
pub struct Response {
    response: web_sys::Response,
    _request: Request,
}

impl Response {
    /// Returns the HTTP status.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// Returns true for a status from 200 to 299.
    pub fn is_ok(&self) -> bool {
        self.response.ok()
    }

    /// Reads the body as text.
    ///
    /// # Errors
    /// [`JsError`] if the connection breaks.
    pub async fn text(self) -> Result<String, JsError> {
        let text = future(self.response.text()?).await?;
        Ok(text.as_string().unwrap_or_default())
    }

    /// Reads the body.
    ///
    /// # Errors
    /// [`JsError`] if the connection breaks.
    pub async fn bytes(self) -> Result<Vec<u8>, JsError> {
        let buffer: JsValue = future(self.response.array_buffer()?).await?;
        Ok(Uint8Array::new(&buffer).to_vec())
    }

    /// Returns the response of JavaScript, for what is not wrapped here.
    pub fn as_js(&self) -> &web_sys::Response {
        &self.response
    }
}
