//! The bound on errors of task bodies.

use super::BoxError;

/// An error that the body of a task may return: any `E: Into<BoxError>`.
///
/// These are all types that implement [`std::error::Error`] and are `Send` and `Sync`, `String`, `&str`, and [`BoxError`] itself.
/// Implemented for each of them; there is nothing to implement by hand.
///
/// # When the compiler complains
/// - *type annotations needed, cannot satisfy `_: IntoBoxError`*: the body ends with a bare `Ok(value)`. End it with
///   [`offtick::Ok(value)`](crate::Ok()), or name the type: `Ok::<_, std::io::Error>(value)`.
///   ```compile_fail,E0283
///   offtick::run(async {
///       let port: u16 = "8080".parse()?;
///       Ok(port)
///   });
///   ```
/// - *`..` cannot be the error of a task*: implement `std::error::Error` for it, or convert it with `map_err`.
///   ```compile_fail,E0277
///   struct Refused;
///   offtick::run(async { Err::<(), Refused>(Refused) });
///   ```
/// - *expected `Result<_, _>`*: `run` is for bodies that return a `Result`. [`spawn`](crate::spawn()) is for any other value.
///   ```compile_fail,E0271
///   offtick::run(async { 5 });
///   ```
///
/// # Example
/// ```
/// let mut task = offtick::run(async {
///     let port: u16 = "8080".parse()?;
///     offtick::Ok(port)
/// });
/// assert_eq!(task.wait()?, 8080);
/// # Ok::<(), offtick::TaskError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a task",
    label = "this error does not convert into `BoxError`",
    note = "an error of a task implements `std::error::Error` and is `Send + Sync`, or is a `String` or a `&str`",
    note = "convert it with `map_err`, or use `spawn` if the body returns no `Result`"
)]
pub trait IntoBoxError: Into<BoxError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<BoxError>> IntoBoxError for E {}
