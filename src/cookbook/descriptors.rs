//! Read and write pipes of child processes, terminals and other descriptors.
//!
//! [`Io::from_fd`](crate::net::Io::from_fd) takes whatever has a descriptor that the system can poll (Unix). The
//! result reads and writes bytes, and [`BufReader`](crate::net::BufReader) splits them into lines.
//!
//! # The output of a child process
//! ```
//! # #[cfg(unix)] {
//! use offtick::net::{BufReader, Io};
//! use offtick::{Runtime, Task};
//! use std::process::{Command, Stdio};
//!
//! let rt = Runtime::new()?;
//! let mut build: Task<bool, String> = rt.task().name("build").progress(64)                        // 1
//!     .run(|mut cx| async move {
//!         let mut child = Command::new("sh").args(["-c", "echo compiling; echo linking"]).stdout(Stdio::piped()).spawn()?;
//!         let mut output = BufReader::new(Io::from_fd(child.stdout.take().expect("piped"))?);     // 2
//!         while let Some(line) = output.read_line().await? {                                      // 3
//!             cx.send(line).await?;                                                               // 4
//!         }
//!         offtick::Ok(child.wait()?.success()) // it has closed its output, so it ends at once
//!     });
//! let mut lines = Vec::new();
//! loop {
//!     // One tick.
//!     let ended = build.is_done();
//!     lines.extend(build.progress());                                                             // 5
//!     if ended {
//!         break;
//!     }
//!     std::thread::yield_now();
//! }
//! assert_eq!((lines, build.wait()?), (vec!["compiling\n".into(), "linking\n".into()], true));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A terminal for a program (PTY)
//! ```
//! # #[cfg(target_os = "linux")] {
//! use offtick::net::Io;
//! use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
//! use std::fs::File;
//! use std::process::Command;
//!
//! let rt = offtick::Runtime::new()?;
//! let mut shell = rt.run(async {
//!     let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
//!     grantpt(&terminal)?;
//!     unlockpt(&terminal)?;
//!     let path = ptsname(&terminal, Vec::new())?.into_string()?;
//!     let side = File::options().read(true).write(true).open(path)?;
//!     let mut child = Command::new("head").arg("-n1").stdin(side.try_clone()?).stdout(side).spawn()?;
//!     let terminal = Io::from_fd(terminal)?;
//!     terminal.write_all(b"typed\n").await?;
//!     let mut seen = [0; 14]; // its own echo, and the output of the program
//!     terminal.read_exact(&mut seen).await?;
//!     child.wait()?;
//!     offtick::Ok(String::from_utf8(seen.to_vec())?)
//! });
//! assert_eq!(shell.wait()?, "typed\r\ntyped\r\n");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Changes of files (inotify)
//! ```
//! # #[cfg(target_os = "linux")] {
//! use offtick::net::{Interest, Io};
//! use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
//! use std::mem::MaybeUninit;
//!
//! let rt = offtick::Runtime::new()?;
//! let folder = std::env::temp_dir().join(format!("offtick-watched-{}", std::process::id()));
//! std::fs::create_dir_all(&folder)?;
//! let watcher = inotify::init(CreateFlags::NONBLOCK | CreateFlags::CLOEXEC)?;
//! inotify::add_watch(&watcher, &folder, WatchFlags::CLOSE_WRITE)?;
//! let watcher = Io::from_fd_on(&rt, watcher)?;
//! let mut changed = rt.run(async move {
//!     let next = |watcher: &_| {
//!         let mut buffer = [MaybeUninit::uninit(); 512];
//!         let event = Reader::new(watcher, &mut buffer).next().map(|event| event.file_name().map(ToOwned::to_owned));
//!         Ok(event?)
//!     };
//!     watcher.io(Interest::READABLE, next).await
//! });
//! std::fs::write(folder.join("level.map"), b"...")?;
//! let name = changed.wait()?.expect("a file in a folder");
//! std::fs::remove_dir_all(folder)?;
//! assert_eq!(name.to_str()?, "level.map");
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A signal from another thread or library (eventfd)
//! ```
//! # #[cfg(target_os = "linux")] {
//! use offtick::net::Io;
//! use rustix::event::{EventfdFlags, eventfd};
//!
//! let rt = offtick::Runtime::new()?;
//! let counter = eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?;
//! let theirs = counter.try_clone()?;
//! let mut count = rt.run(async move {
//!     let mut count = [0; 8];
//!     Io::from_fd(counter)?.read(&mut count).await?;
//!     offtick::Ok(u64::from_ne_bytes(count))
//! });
//! rustix::io::write(&theirs, &3_u64.to_ne_bytes())?;
//! assert_eq!(count.wait()?, 3);
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # A serial port
//! The port is a terminal in raw mode. The example opens one end of a pseudo terminal in its place; yours is `/dev/ttyUSB0`.
//! ```
//! # #[cfg(target_os = "linux")] {
//! use offtick::net::{BufReader, Io};
//! use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};
//! use std::fs::File;
//! use std::io::Write;
//!
//! # use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
//! # let device = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
//! # grantpt(&device)?;
//! # unlockpt(&device)?;
//! # let path = ptsname(&device, Vec::new())?.into_string()?;
//! # let mut device = File::from(device);
//! let rt = offtick::Runtime::new()?;
//! let port = File::options().read(true).write(true).open(path)?;
//! let mut settings = tcgetattr(&port)?;
//! settings.make_raw();
//! settings.set_speed(9600)?;
//! tcsetattr(&port, OptionalActions::Now, &settings)?;
//! let mut port = BufReader::new(Io::from_fd_on(&rt, port)?);
//! let mut measured = rt.run(async move {
//!     port.get_ref().write_all(b"MEASURE\n").await?;
//!     Ok::<_, std::io::Error>(port.read_line().await?)
//! });
//! device.write_all(b"21.5 C\n")?;
//! assert_eq!(measured.wait()?.as_deref(), Some("21.5 C\n"));
//! # }
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # When it fails or is cancelled
//! - A regular file or `/dev/null` cannot be polled: `from_fd` gives it back with
//!   [`PermissionDenied`](std::io::ErrorKind::PermissionDenied). Read it in a closure on the blocking pool.
//! - Cancelling the task drops the descriptor. A child process runs on: keep its `Child` where it can be killed.
//! - A terminal whose program has ended fails with the system's error `EIO`.
//!
//! # Threads
//! None: the reactor waits for all of them at once.
