//! Time for hyper.

use hyper::rt::{Sleep, Timer};
use offtick::Handle;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The timers and the clock of a runtime, for hyper's time limits and pings.
///
/// A limit that is extended with each request ([`header_read_timeout`]) moves its timer instead of making a new one.
/// The clock is the runtime's, so a manual clock moves hyper's limits too. Once the runtime is shut down, whatever
/// waits is over.
///
/// [`header_read_timeout`]: https://docs.rs/hyper/1/hyper/server/conn/http1/struct.Builder.html#method.header_read_timeout
///
/// # Example
/// ```
/// use hyper::server::conn::http1;
/// use offtick_compat::hyper::HyperTimer;
/// use std::time::Duration;
/// let rt = offtick::Runtime::new()?;
/// let mut server = http1::Builder::new();
/// server.timer(HyperTimer::new(rt.handle().clone())).header_read_timeout(Duration::from_secs(10));
/// # Ok::<(), offtick::BuildError>(())
/// ```
#[derive(Clone, Debug)]
pub struct HyperTimer {
    handle: Handle,
}

impl HyperTimer {
    /// Takes its time from the runtime of this handle.
    pub fn new(handle: Handle) -> Self {
        Self { handle }
    }
}

impl Timer for HyperTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        Box::pin(HyperSleep(self.handle.sleep(duration)))
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(HyperSleep(self.handle.sleep_until(deadline)))
    }

    fn now(&self) -> Instant {
        self.handle.clock().now()
    }

    fn reset(&self, sleep: &mut Pin<Box<dyn Sleep>>, new_deadline: Instant) {
        match sleep.as_mut().downcast_mut_pin::<HyperSleep>() {
            Some(ours) => ours.get_mut().0.reset_until(new_deadline),
            None => *sleep = self.sleep_until(new_deadline),
        }
    }
}

struct HyperSleep(offtick::time::Sleep);

impl Future for HyperSleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx)
    }
}

impl Sleep for HyperSleep {}
