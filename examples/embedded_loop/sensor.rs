//! The sensor as a future: from a record at the times that it names, or from a file of the system again and again.

use crate::feed::Feed;
use crate::record::{self, Sample};
use offtick::InvalidSetting;
use offtick::time::{MissedTicks, interval, sleep_until};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;
use std::rc::Rc;
use std::time::{Duration, Instant};

/// Bytes that are looked at: a number needs fewer.
const MOST_BYTES: u64 = 64;

/// Brings each sample at its time, on the clock of the runtime; then there is silence.
pub(crate) async fn replay(samples: Vec<Sample>, start: Instant, feed: Rc<Feed>) {
    for Sample { at, celsius } in samples {
        sleep_until(start + at).await;
        feed.put(celsius);
    }
}

/// A sensor that is a file, as the drivers of Linux show theirs: whoever opens it reads the value of the moment.
pub(crate) struct Probe {
    path: PathBuf,
    /// The file has thousandths of a degree.
    milli: bool,
}

impl Probe {
    /// # Errors
    /// If there is no such file. Anything but a regular file (a pipe, a terminal) is refused: a read of it could wait, and
    /// with it the loop. A regular file says what is there and never waits for more.
    pub(crate) fn new(path: PathBuf, milli: bool) -> io::Result<Self> {
        let about = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
        if !path.metadata().map_err(about)?.is_file() {
            return Err(about(io::Error::other("not a regular file, so a read may block; record it and replay that")));
        }
        Ok(Self { path, milli })
    }

    /// What the sensor says now.
    fn read(&self) -> Result<f64, String> {
        let mut text = String::new();
        let read = File::open(&self.path).and_then(|file| file.take(MOST_BYTES).read_to_string(&mut text));
        read.map_err(|error| error.to_string())?;
        record::celsius(text.trim(), if self.milli { 1000.0 } else { 1.0 }).map_err(|error| error.to_string())
    }
}

/// Reads the sensor every `period`, for ever. What it misses because the loop was late it leaves out. A sensor that says
/// nothing sensible is as good as a silent one: that is for the watchdog.
///
/// # Errors
/// [`InvalidSetting`].
pub(crate) async fn live(probe: Probe, period: Duration, feed: Rc<Feed>) -> Result<(), InvalidSetting> {
    let mut every = interval(period)?.now().missed(MissedTicks::Skip);
    loop {
        every.tick().await;
        match probe.read() {
            Ok(celsius) => feed.put(celsius),
            Err(_) => feed.count_rejected(1),
        }
    }
}
