//! How a [`Shutdown`] takes its signals.

use super::claim::{Claim, was_ignored};
use super::error::SignalError;
use super::exit_report::status_of;
use super::handle::ShutdownHandle;
use super::latch::Bell;
use super::number::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use super::request::Request;
use super::shutdown::Shutdown;
use crate::sync::plain::{AtomicBool, Mutex, Ordering};
use crate::sync::{Arc, thread};
use signal_hook::{flag, low_level};
use std::io::{self, PipeReader, PipeWriter, Read};
use std::time::Duration;

/// How long everything together may take to stop, unless the program says otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

/// How soon after the first a signal counts as the same request, unless the program says otherwise.
const MERGE: Duration = Duration::from_millis(50);

/// Up while the process has a `Shutdown`.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Settings of a [`Shutdown`].
///
/// # Example
/// ```
/// use offtick::signal::{SIGTERM, Shutdown};
/// use std::time::Duration;
/// let shutdown = Shutdown::builder().signals([SIGTERM]).deadline(Duration::from_secs(30)).install()?;
/// assert_eq!(shutdown.signals(), [SIGTERM]);
/// # Ok::<(), offtick::signal::SignalError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until `install`"]
pub struct ShutdownBuilder {
    signals: Vec<i32>,
    deadline: Duration,
    merge: Duration,
}

impl ShutdownBuilder {
    pub(super) fn new() -> Self {
        Self { signals: vec![SIGINT, SIGTERM, SIGHUP, SIGQUIT], deadline: DEADLINE, merge: MERGE }
    }

    /// The signals that stop the program, instead of the four. None at all is allowed: errors and the program remain.
    pub fn signals(mut self, signals: impl IntoIterator<Item = i32>) -> Self {
        self.signals = signals.into_iter().collect();
        self
    }

    /// How long everything together may take to stop; default 10 seconds. Real time, whatever the clock of the runtime
    /// shows.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// How soon after a first signal further ones count as the same request, instead of ending the process; default 50 ms.
    ///
    /// Not only impatient people send a signal twice: `timeout` and other programs that start programs send it to the
    /// process and to its group, and a terminal sends it to the group while a parent passes its own on. With zero, the
    /// handler of the first signal arms the next.
    pub fn merge(mut self, time: Duration) -> Self {
        self.merge = time;
        self
    }

    /// Installs the handlers.
    ///
    /// # Errors
    /// [`SignalError::AlreadyActive`] while the process has another one; [`SignalError::Forbidden`] and
    /// [`SignalError::Invalid`]; [`SignalError::System`]. Nothing stays behind.
    pub fn install(self) -> Result<Shutdown, SignalError> {
        let active = Active::new()?;
        let (reader, writer) = io::pipe().map_err(SignalError::system("opening a pipe"))?;
        let request = Arc::new(Request::new());
        let attended = Arc::clone(&request);
        // It ends by itself where something fails below: no writer is left then.
        let attendant = thread::Builder::new()
            .name("offtick-signal".to_owned())
            .spawn(move || attended.latch.attend(Pipe(reader), || attended.arm_after(self.merge)))
            .map_err(SignalError::system("starting the thread for signals"))?;
        let mut signals = Vec::new();
        let mut claims = Vec::new();
        for signal in self.signals {
            if !signals.contains(&signal) && !was_ignored(signal)? {
                claims.push(claim(signal, &request, &writer, self.merge.is_zero())?);
                signals.push(signal);
            }
        }
        Ok(Shutdown {
            handle: ShutdownHandle(request),
            deadline: self.deadline,
            signals,
            stops: Mutex::new(Vec::new()),
            claims,
            writer: Some(writer),
            attendant: Some(attendant),
            _active: active,
        })
    }
}

/// The actions of one signal, in the order in which the handler runs them: end the process if the request is armed; else
/// name the cause, raise the flag, arm if that is not left to the attendant, ring the bell.
fn claim(signal: i32, request: &Request, writer: &PipeWriter, arms: bool) -> Result<Claim, SignalError> {
    let number = usize::try_from(signal).map_err(|_| SignalError::Invalid(signal))?;
    let bell = writer.try_clone().map_err(SignalError::system("duplicating a pipe"))?;
    Claim::new(signal, |actions| {
        let armed = || Arc::clone(&request.armed);
        actions.push(flag::register_conditional_shutdown(signal, status_of(signal).into(), armed())?);
        actions.push(flag::register_usize(signal, Arc::clone(&request.cause), number)?);
        actions.push(flag::register(signal, Arc::clone(&request.stopping))?);
        if arms {
            actions.push(flag::register(signal, armed())?);
        }
        actions.push(low_level::pipe::register(signal, bell)?);
        Ok(())
    })
}

/// The read end of the pipe that handlers write to.
struct Pipe(PipeReader);

impl Bell for Pipe {
    fn clear(&mut self) -> bool {
        loop {
            match self.0.read(&mut [0; 64]) {
                Ok(read) => return read != 0,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return false,
            }
        }
    }
}

/// There is one `Shutdown` while this lives.
pub(super) struct Active(());

impl Active {
    fn new() -> Result<Self, SignalError> {
        // Acquire: pairs with the drop of the one before.
        if ACTIVE.swap(true, Ordering::Acquire) { Err(SignalError::AlreadyActive) } else { Ok(Self(())) }
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        ACTIVE.store(false, Ordering::Release);
    }
}
