//! Fetch many things, a few at a time, and take each as it comes.
//!
//! ```
//! use offtick::{Runtime, TaskPool};
//! use std::io::{self, Read, Write};
//! use std::net::{SocketAddr, TcpStream};
//!
//! # use std::sync::atomic::{AtomicUsize, Ordering};
//! # static RUNNING: AtomicUsize = AtomicUsize::new(0);
//! # static MOST: AtomicUsize = AtomicUsize::new(0);
//! /// Stands for the HTTP client of your choice: any one that blocks (ureq, minreq, attohttpc).
//! fn download(server: SocketAddr, path: &str) -> io::Result<String> {
//! #   MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
//!     let mut stream = TcpStream::connect(server)?;
//!     stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
//!     let mut response = String::new();
//!     stream.read_to_string(&mut response)?;
//! #   RUNNING.fetch_sub(1, Ordering::SeqCst);
//!     Ok(response)
//! }
//!
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let server = listener.local_addr()?;
//! # std::thread::spawn(move || {
//! #     for mut stream in listener.incoming().flatten() {
//! #         let _ = stream.read(&mut [0; 1024]);
//! #         let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\npixels");
//! #     }
//! # });
//! let paths: Vec<String> = (0..12).map(|n| format!("/tile/{n}")).collect();
//! let rt = Runtime::new()?;
//! let pool = TaskPool::new(&rt, 3)?;                                                    // 1
//! let mut tiles = pool.try_map_blocking(paths, move |path| download(server, &path));    // 2
//!
//! let (mut shown, mut failed) = (Vec::new(), 0);
//! while !tiles.is_done() {                                                              // 3
//!     // One tick.
//!     for (index, tile) in tiles.drain_finished() {                                     // 4
//!         match tile {
//!             Ok(pixels) => shown.push((index, pixels)),
//!             Err(error) => {
//!                 eprintln!("tile {index}: {error}");
//!                 failed += 1;
//!             }
//!         }
//!     }
//!     println!("{} of 12", shown.len());
//!     std::thread::yield_now();
//! }
//! assert_eq!((shown.len(), failed), (12, 0));
//! # assert!(MOST.load(Ordering::SeqCst) <= 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! **A map does nothing before its results are asked for**: each look at it starts what there is room for. A program that
//! draws only when [`take_update`](crate::Handle::take_update) says so looks once at the start; from then on each download that ends is an update. A
//! look where nothing finished costs a few loads, however many are under way.
//!
//! # When it fails or is cancelled
//! - A download that fails or panics is an error at its index, and the others go on.
//! - Dropping `tiles` cancels what is under way and starts nothing more. Dropping `pool` cancels all that was given to it.
//! - A cancelled closure keeps its slot until it returns: three means three. Give the client a time limit.
//! - `pool.stop(Some(patience))` refuses new downloads and waits for those inside; its report lists what still runs or waits.
//!
//! # Threads
//! As many pool threads as downloads run. With futures ([`try_map`](crate::PoolHandle::try_map)) all run on the reactor thread, which
//! is what hundreds at a time ask for. The iterator is walked on the thread that looks.
//!
//! # Features
//! None; for downloads as futures on the sockets of this crate, `net`.
//!
//! # What else
//! - In the order of the items: `.in_order()` behind line 2.
//! - A bar, a retry or a name for each: [`pool.task()`](crate::PoolHandle::task), and a [`PoolSet`](crate::PoolSet) to look at them
//!   under keys of your own. The example `http_fetch` is a downloader of that kind.
//! - The number changes while it runs: [`resize`](crate::PoolHandle::resize).
//! - Downloads that belong to a screen: [`TaskGroup::with_limit`](crate::TaskGroup::with_limit).
