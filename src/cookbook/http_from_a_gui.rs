//! Ask a server from a window that must not freeze.
//!
//! A button starts the request, each frame shows how it stands. A window that sleeps between events is woken when there
//! is something to draw, and only then.
//!
//! ```
//! use offtick::{Builder, Runtime, Task};
//! use std::io::{self, Read, Write};
//! use std::net::{SocketAddr, TcpStream};
//! use std::time::Duration;
//!
//! /// Stands for the HTTP client of your choice: any one that blocks (ureq, minreq, attohttpc).
//! fn get(server: SocketAddr, path: &str) -> io::Result<String> {
//!     let mut stream = TcpStream::connect(server)?;
//!     stream.set_read_timeout(Some(Duration::from_secs(10)))?;
//!     stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
//!     let mut response = String::new();
//!     stream.read_to_string(&mut response)?;
//!     Ok(response)
//! }
//!
//! struct App {
//!     server: SocketAddr,
//!     news: Option<Task<String>>,
//!     rt: Runtime,
//! }
//!
//! impl App {
//!     /// One frame: returns the text of the label.
//!     fn update(&mut self, clicked: bool) -> String {
//!         self.rt.take_update();                                                        // 1
//!         if clicked {
//!             let server = self.server;
//!             self.news = Some(self.rt.run_blocking(move || get(server, "/news")));     // 2
//!         }
//!         match self.news.as_ref().map(|news| news.result()) {                          // 3
//!             None => "Click for the news".to_owned(),
//!             Some(None) => "Loading ...".to_owned(),
//!             Some(Some(Ok(text))) => text.clone(),
//!             Some(Some(Err(error))) => format!("No news: {error}"),
//!         }
//!     }
//! }
//!
//! # let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
//! # let server = listener.local_addr()?;
//! # std::thread::spawn(move || {
//! #     for mut stream in listener.incoming().flatten() {
//! #         let _ = stream.read(&mut [0; 1024]);
//! #         let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nsunny");
//! #     }
//! # });
//! // In egui: `let ctx = cc.egui_ctx.clone();` and `move || ctx.request_repaint()`. Here, a channel is the window.
//! let (repaint, repaints) = std::sync::mpsc::channel();
//! let rt = Builder::new().on_update(move || _ = repaint.send(())).build()?;             // 4
//! let mut app = App { server, news: None, rt };
//!
//! let mut label = app.update(true);
//! while label == "Loading ..." {
//!     repaints.recv()?; // the window sleeps
//!     label = app.update(false);
//! }
//! assert!(label.ends_with("sunny"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Line 1 comes before the look at the tasks: what happens after it asks for another frame, so none is missed.
//!
//! # When it fails or is cancelled
//! - An error of the client is in `result`, as [`TaskError::Failed`](crate::TaskError::Failed); `{error}` is fit for a label.
//! - A second click puts a new task in the place of the old one, whose drop cancels it: its answer is never shown. The
//!   closure itself cannot be interrupted while it waits for the server. It holds its pool thread until the client gives
//!   up, so give the client a time limit.
//! - `rt.task().timeout(limit).run_blocking(..)` ends the task at the limit, whatever the client does.
//!
//! # Threads
//! The request runs on a pool thread, one for each request under way. The hook of line 4 runs on the reactor thread,
//! never inside a call of the window: a frame may hold any lock while it cancels or drops a task. It runs once until line 1 was
//! called again, and should do no more than ask for a frame.
//!
//! # Features
//! None.
//!
//! # What else
//! - Answers that are tried again: [retry with back-off](super::retry_with_back_off). Many: [N downloads at
//!   once](super::n_downloads_at_once).
//! - A program that draws all the time needs no hook: leave line 4 out.
//! - hyper runs on the sockets of this crate with the adapters of the companion package `offtick-compat`. Clients that need a
//!   runtime of their own (reqwest) do not run here but in their `blocking` form.
#![cfg_attr(
    feature = "net",
    doc = r#"
# Without a thread for each request
With the feature `net` (it is among the defaults) a request is a future. It takes no thread, and cancelling drops it where it
waits and closes its connection.

```
use offtick::net::TcpStream;
use std::{io, net::SocketAddr, time::Duration};

async fn get(server: SocketAddr, path: &str) -> io::Result<String> {
    let stream = TcpStream::connect(server).await?;                                     // 1
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes()).await?;         // 2
    let (mut response, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece).await? {                                          // 3
            0 => break String::from_utf8(response).map_err(io::Error::other),
            n => response.extend_from_slice(&piece[..n]),
        }
    }
}

# use std::{io::{Read, Write}, thread};
# let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
# let server = listener.local_addr()?;
# thread::spawn(move || {
#     for mut stream in listener.incoming().flatten() {
#         let _ = stream.read(&mut [0; 1024]);
#         let _ = stream.write_all(b"HTTP/1.0 200 OK\r\n\r\nsunny");
#     }
# });
let rt = offtick::Runtime::new()?;
let mut news = rt.task().timeout(Duration::from_secs(10)).run(move |_cx| get(server, "/news")); // 4
let text = loop {
    // One tick.
    if let Some(text) = news.take() {                                                   // 5
        break text?;
    }
    std::thread::yield_now();
};
assert!(text.ends_with("sunny"));
# Ok::<(), Box<dyn std::error::Error>>(())
```
"#
)]
