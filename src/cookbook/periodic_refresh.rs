//! Keep a value fresh, and show the last good one meanwhile.
//!
//! A weather report, the length of a queue, a list of peers: asked for at once, and again every minute.
//!
//! ```
//! use offtick::{Runtime, toolkit::{ErrorPolicy, Periodic}};
//! use std::io;
//! use std::time::Duration;
//!
//! # use std::sync::atomic::{AtomicU32, Ordering};
//! # static ASKED: AtomicU32 = AtomicU32::new(0);
//! async fn ask_for_weather() -> io::Result<String> {
//! #   match ASKED.fetch_add(1, Ordering::Relaxed) { 0 => {} 1 => return Err(io::Error::other("offline")), _ => return Ok("rain".to_owned()) }
//!     Ok("sunny".to_owned())
//! }
//!
//! let rt = Runtime::new()?;
//! # let clock = offtick::time::Clock::manual();
//! # let rt = offtick::Builder::new().clock(clock.clone()).build()?;
//! let weather = Periodic::every(&rt, Duration::from_secs(60))            // 1
//!     .on_error(ErrorPolicy::Ignore)                                     // 2
//!     .run(|_cx| ask_for_weather())?;                                    // 3
//!
//! let mut label = String::new();
//! while label != "rain" {
//!     // One tick.
//!     if let Some(good) = weather.latest_done()                          // 4
//!         && let Some(Ok(text)) = good.result()                          // 5
//!     {
//!         label.clone_from(text);
//!     }
//! #   clock.advance(Duration::from_secs(1));
//!     std::thread::yield_now();
//! }
//! # assert!(weather.counts().runs >= 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A button "refresh now" is [`run_now`](crate::toolkit::Repeat::run_now); a window that is hidden calls
//! [`pause`](crate::toolkit::Repeat::pause) and [`resume`](crate::toolkit::Repeat::resume).
//!
//! # When it fails or is cancelled
//! - **Without line 2 the first error stops it**: that is the default, for refreshes whose failure should be seen.
//!   [`status`](crate::toolkit::Repeat::status) is `Failed` then, and [`start`](crate::toolkit::Repeat::start) begins anew.
//! - With it, the last good value stays and the next run is due as ever. The error is in
//!   [`latest_finished`](crate::toolkit::Repeat::latest_finished), and is never reported as unhandled.
//! - A run that hangs holds up the next one, since there are never two at a time: give it a
//!   [`timeout`](crate::scheduler::JobBuilder::timeout).
//! - Dropping `weather` cancels the active run; nothing runs any more.
//!
//! # Threads
//! Futures run on the reactor thread. `run_blocking` instead of `run` takes a closure, which runs on the pool. The wait
//! between two runs holds no thread.
//!
//! # Features
//! None.
//!
//! # What else
//! - At a time of day: `toolkit::OnTime` (feature `cron`).
//! - Several jobs, a fixed grid, jitter, cron expressions: [`Scheduler`](crate::Scheduler).
//! - In the middle of a future: [`interval`](crate::time::interval()).
