//! Read lines of standard input without blocking the tick.
//!
//! A console for a server, a command line beside a game, a filter in a pipeline: each line is there in the tick after it was typed.
//!
//! ```
//! use offtick::{Runtime, Task};
//! use std::io;
//!
//! let rt = Runtime::new()?;
//! let input: Task<(), String> = rt.task().name("stdin").progress(64)      // 1
//!     .run_blocking(|cx| {                                               // 2
//!         for line in io::stdin().lines() {
//!             cx.send_blocking(line?)?;                                   // 3
//!         }
//!         offtick::Ok(())
//!     });
//!
//! loop {
//!     // One tick. First the end: a finished task has all of its lines below.
//!     let ended = input.is_done();                                        // 4
//!     for line in input.progress() {                                      // 5
//!         println!("> {line}");
//!     }
//!     if ended {
//!         break; // the end of the file, or an error of the system
//!     }
//!     std::thread::yield_now();
//! }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When it fails or is cancelled
//! - The end of the input ends the task; an error of the system is in its [`error`](crate::Task::error).
//! - More than 64 lines that the tick has not taken make line 3 wait: a file as standard input is read no faster than it is used.
//! - A read of standard input cannot be interrupted. After a cancel the closure ends with the next line; the drop of the
//!   runtime waits for it for 200 ms at most, and the end of `main` ends it in any case.
//!
//! # Threads
//! The closure occupies one pool thread until the input ends.
//!
//! # What else
//! - On Unix a future can read without a thread: [`Io::from_fd`](crate::net::Io::from_fd) on `std::io::stdin()`. It leaves
//!   the mode of a terminal as it is, so `println!` and the shell after the program work as before. Standard input must not be
//!   a file then, nor `/dev/null`: the system cannot poll those.
//! - Single keys instead of lines: a terminal library (crossterm, termion) in raw mode, polled in the tick.
