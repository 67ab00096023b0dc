//! The graceful end of a program: who is told, who waits for what, and when the signals are given back.

use super::claim::{Claim, was_ignored};
use super::error::SignalError;
use super::latch::Bell;
use super::number::{SIGHUP, SIGINT, SIGQUIT, SIGTERM};
use super::outcome::{Cause, Outcome, StopFailed, status_of};
use super::request::Request;
use super::token::StopToken;
use crate::error::BoxError;
use crate::runtime::{Builder, Handle, Runtime};
use crate::sync::plain::{AtomicBool, Mutex, Ordering};
use crate::sync::thread::JoinHandle;
use crate::sync::{Arc, thread};
use crate::task::Task;
use signal_hook::{flag, low_level};
use std::fmt;
use std::future::Future;
use std::io::{self, PipeReader, PipeWriter, Read};
use std::ops::Deref;
use std::time::{Duration, Instant};

/// How long everything together may take to stop, unless the program says otherwise.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the runtime gets to stop even when the deadline has passed: enough for what is not stuck.
const LAST_PATIENCE: Duration = Duration::from_millis(200);

/// How soon after the first a signal counts as the same request, unless the program says otherwise.
const MERGE: Duration = Duration::from_millis(50);

/// Up while the process has a `Shutdown`.
static ACTIVE: AtomicBool = AtomicBool::new(false);

/// Ends a program gracefully: on a signal, on an error that nobody handles, or when the program asks. Unix, feature
/// `signal`.
///
/// - **The first** signal of `SIGINT`, `SIGTERM`, `SIGHUP`, `SIGQUIT` (or those given to the [builder](Self::builder)) asks the program
///   to stop: [`requested`](StopToken::requested) is true, [`wait`](StopToken::wait) is ready, and the functions given to
///   [`on_stop`](Self::on_stop) begin.
/// - **An unhandled error or panic** of a task of an [attached](Self::attach) runtime does the same, and is in the [`Outcome`]. So does
///   [`trigger`](StopToken::trigger).
/// - **The next signal** after any of these ends the process at once with the status 128 + signal. The handler itself does that,
///   so it works when every thread of the program hangs; nothing is flushed, no destructor runs. Signals within 50 ms of a first
///   signal count as that one ([`merge`](ShutdownBuilder::merge)).
/// - Further errors are counted; the hooks of the program still see them.
/// - [`finish`](Self::finish) waits for the stop functions, shuts the runtime down, and says how it went.
///
/// It dereferences to its [`StopToken`].
///
/// # Threads
/// One, named `offtick-signal`, which sleeps until there is a signal: requests are told of even when a reactor hangs, and
/// whichever executor a waiter stands on.
///
/// # Afterwards
/// When it is dropped, or the [`Outcome`] after it was finished, its signals do what they did before, with the limits named in the [module](super). A signal
/// that the process ignored when this was made (`nohup`) is left ignored.
///
/// # Example
/// ```
/// use offtick::signal::{Outcome, Shutdown};
///
/// fn main() -> Outcome {
/// #   fn inner() -> Result<Outcome, Box<dyn std::error::Error>> {
///     let shutdown = Shutdown::new()?;
///     let rt = shutdown.attach(offtick::Builder::new()).build()?;
///     shutdown.on_stop(&rt, |cause| async move {
///         eprintln!("{cause}: saving");
///         Ok::<_, std::io::Error>(())
///     });
/// #   shutdown.trigger();
///     while !shutdown.requested() {
///         // One tick.
///         # std::thread::yield_now();
///     }
///     Ok(shutdown.finish(rt))
/// #   }
/// #   inner().expect("nothing else uses these signals")
/// }
/// ```
#[must_use = "dropping it gives the signals back"]
pub struct Shutdown {
    token: StopToken,
    deadline: Duration,
    signals: Vec<i32>,
    stops: Mutex<Vec<Task<()>>>,
    /// Dropped in this order: nobody can ring the bell any more, the attendant has gone, the next one may come.
    claims: Vec<Claim>,
    writer: Option<PipeWriter>,
    attendant: Option<JoinHandle<()>>,
    _active: Active,
}

impl Shutdown {
    /// Takes the four signals, with a deadline of 10 seconds.
    ///
    /// # Errors
    /// Those of [`ShutdownBuilder::install`].
    pub fn new() -> Result<Self, SignalError> {
        Self::builder().install()
    }

    /// Settings.
    pub fn builder() -> ShutdownBuilder {
        ShutdownBuilder { signals: vec![SIGINT, SIGTERM, SIGHUP, SIGQUIT], deadline: DEADLINE, merge: MERGE }
    }

    /// Sees the unhandled errors and panics of a runtime, beside the hooks that its builder has. Any number of runtimes may
    /// be attached.
    pub fn attach(&self, builder: Builder) -> Builder {
        let token = self.token();
        builder.on_unhandled_error(move |task, error| token.report(task, error))
    }

    /// What the rest of the program gets.
    pub fn token(&self) -> StopToken {
        self.token.clone()
    }

    /// The signals that it took: those it was given but for the ones that the process ignores.
    pub fn signals(&self) -> &[i32] {
        &self.signals
    }

    /// Gives a stop function: a future that runs on this runtime once the program is to stop, at once if it is already. Any
    /// number may be given; they run side by side.
    ///
    /// Errors and panics of it are in the [`Outcome`]. At the deadline it is cancelled.
    #[track_caller]
    pub fn on_stop<F, Fut, E>(&self, handle: &Handle, stop: F)
    where
        F: FnOnce(Cause) -> Fut + Send + 'static,
        Fut: Future<Output = Result<(), E>> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let token = self.token();
        let task = handle.run(async move {
            let cause = token.wait().await;
            stop(cause).await
        });
        self.stops.lock().push(task);
    }

    /// As [`on_stop`](Self::on_stop), for a closure that may block: it runs on a pool thread. At the deadline it is left
    /// to itself and counted in the report.
    #[track_caller]
    pub fn on_stop_blocking<F, E>(&self, handle: &Handle, stop: F)
    where
        F: FnOnce(Cause) -> Result<(), E> + Send + 'static,
        E: Into<BoxError> + 'static,
    {
        let (token, pool) = (self.token(), handle.clone());
        let task = handle.run(async move {
            let cause = token.wait().await;
            pool.run_blocking(move || stop(cause)).await
        });
        self.stops.lock().push(task);
    }

    /// True once the stop functions are over, or the deadline has passed: from then on [`finish`](Self::finish) waits for
    /// nothing but the runtime. For a program that draws while it stops.
    pub fn is_stopped(&self) -> bool {
        self.requested() && (self.left() == Some(Duration::ZERO) || self.stops.lock().iter().all(Task::is_done))
    }

    /// Ends the program's work: waits for the stop functions and shuts the runtime down. The signals are given back when
    /// the [`Outcome`] is dropped.
    ///
    /// If nobody has asked the program to stop, this does. All of it takes no longer than the deadline, counted from the
    /// moment when the first request was noticed, and 200 ms more for the runtime if the stop functions have used it up. Blocks
    /// this thread; call it where the main loop ends, not inside a task.
    pub fn finish(self, runtime: Runtime) -> Outcome {
        self.trigger();
        let stops = std::mem::take(&mut *self.stops.lock());
        let stops = stops.into_iter().filter_map(|stop| self.wait_for(stop)).collect();
        let patience = self.left().map_or(Duration::MAX, |left| left.max(LAST_PATIENCE));
        let report = runtime.shutdown(patience);
        let request = Arc::clone(&self.token.0);
        Outcome {
            cause: request.cause().unwrap_or(Cause::Program),
            failure: request.take_failure(),
            further: request.further(),
            stops,
            report,
            _shutdown: Some(self),
        }
    }

    fn wait_for(&self, mut stop: Task<()>) -> Option<StopFailed> {
        let location = stop.control().location();
        let over = match self.left() {
            Some(left) => stop.wait_timeout(left),
            None => Some(stop.wait()),
        };
        let error = match over {
            Some(Ok(())) => return None,
            Some(Err(error)) => Some(error),
            None => None,
        };
        Some(StopFailed { location, error })
    }

    /// What is left until the deadline. `None`: the clock does not reach that far.
    fn left(&self) -> Option<Duration> {
        let end = self.token.0.begun().checked_add(self.deadline)?;
        Some(end.saturating_duration_since(Instant::now()))
    }

    /// Gives the signals back and ends the attendant.
    fn release(&mut self) {
        self.claims.clear();
        // The last writer: the attendant reads the end of the pipe.
        self.writer = None;
        self.token.0.release();
        let Some(attendant) = self.attendant.take() else { return };
        attendant.thread().unpark();
        // A waker may have dropped us on the attendant itself; it ends by itself then.
        if attendant.thread().id() != std::thread::current().id() {
            let _panic = attendant.join();
        }
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        self.release();
    }
}

impl Deref for Shutdown {
    type Target = StopToken;

    fn deref(&self) -> &StopToken {
        &self.token
    }
}

impl fmt::Debug for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shutdown")
            .field("signals", &self.signals)
            .field("deadline", &self.deadline)
            .field("cause", &self.cause())
            .finish_non_exhaustive()
    }
}

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
            token: StopToken(request),
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
struct Active(());

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
