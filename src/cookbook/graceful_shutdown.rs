//! End the program with nothing lost: tell those who work, let them save, and wait for them, but not for ever.
//!
//! ```
//! use offtick::{Runtime, time::sleep, toolkit::CancelToken};
//! use std::io;
//! use std::time::Duration;
//!
//! async fn save(entries: u32) -> io::Result<u32> {
//!     Ok(entries) // to a file
//! }
//!
//! async fn keep_journal(stop: CancelToken) -> io::Result<u32> {
//!     let mut entries = 0;
//!     while stop.run_until_cancelled(sleep(Duration::from_millis(1))).await.is_ok() {         // 1
//!         entries += 1;
//!     }
//!     save(entries).await
//! }
//!
//! let rt = Runtime::new()?;
//! let stop = CancelToken::new();                                                              // 2
//! let mut journal = rt.run(keep_journal(stop.clone()));                                       // 3
//!
//! // The program runs. Then the user closes the window:
//! stop.cancel();                                                                              // 4
//! match journal.wait_timeout(Duration::from_secs(10)) {                                       // 5
//!     Some(saved) => println!("{} entries saved", saved?),
//!     None => eprintln!("the journal is not saved"),
//! }
//! let report = rt.shutdown(Duration::from_secs(5));
//! assert!(report.is_clean());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A window that should say "saving" meanwhile looks at `journal.take()` in its ticks instead of waiting.
//!
//! # When it fails or is cancelled
//! - **A shutdown does not wait for futures, it drops them.** Whoever has something to save is told by the token, and waited
//!   for before.
//! - It ends all the rest: futures are dropped where they wait, closures that have not begun never run, closures that run
//!   are told through their context. Handles that are left say [`TaskError::RuntimeGone`](crate::TaskError::RuntimeGone).
//! - What does not stop in time is in the [report](crate::ShutdownReport): a closure that does not ask, a future that
//!   blocks. The program may end all the same.
//! - Just dropping the runtime is a shutdown that waits 200 ms at most.
//!
//! # Threads
//! `wait_timeout` and `shutdown` block the thread that calls them: that of `main`, at its end. In a task of the runtime, the wait
//! is refused as [`TaskError::WouldDeadlock`](crate::TaskError::WouldDeadlock).
//!
//! # Features
//! None, and `signal` for what follows below.
//!
//! # What else
//! - Whole pools: [`stop_blocking`](crate::PoolHandle::stop_blocking) lets their members come to their end, and reports those that
//!   did not.
//! - Tasks that need not save are in nobody's way: the shutdown drops them.
//! - The token may carry a [reason](crate::toolkit::CancelToken::cancel_because) and have
//!   [children](crate::toolkit::CancelToken::child), one for each part of the program.
#![cfg_attr(
    all(unix, feature = "signal"),
    doc = r#"
# On Ctrl-C
With the feature `signal`, on Unix, [`Shutdown`](crate::signal::Shutdown) does it for the signals of the process, and for errors that
nobody handles. The first signal asks the program to stop; the second one ends it on the spot, even if it hangs.

```
use offtick::{Builder, signal::{ExitReport, Shutdown}};

fn run() -> Result<ExitReport, Box<dyn std::error::Error>> {
    let shutdown = Shutdown::new()?;                                           // 1
    let rt = shutdown.attach(Builder::new()).build()?;                         // 2
    shutdown.on_stop_blocking(&rt, |cause| {                                   // 3
        println!("{cause}: saving");
        Ok::<_, std::io::Error>(())
    });
    # shutdown.trigger();
    while !shutdown.requested() {                                              // 4
        // One tick.
        std::thread::yield_now();
    }
    Ok(shutdown.finish(rt))                                                    // 5
}

// `main` may return the outcome itself: the exit status says how it went.
let outcome = run()?;
assert!(outcome.is_clean());
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]
