//! Levels come from files, or are made up: either blocks or computes, so it happens on the pool, and the loop only looks.

use crate::level::{Level, LevelError, Map};
use crate::maze;
use offtick::{BoxError, LocalHandle, Task, TaskContext};
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

/// Bytes of the largest file that is looked at.
const MOST_BYTES: u64 = 64 * 1024;

/// Rows of the table of distances from one report to the next.
const ROWS_PER_REPORT: usize = 16;

/// Where a level comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    File(PathBuf),
    Generated { seed: u64, number: usize },
}

/// Starts to load a level. The task reports how far it is, from 0 to 1.
pub(crate) fn start(rt: &LocalHandle, source: Source) -> Task<Level, f64> {
    rt.task().name("load a level").progress::<f64>(4).run_blocking(move |cx| load(&source, cx))
}

fn load(source: &Source, cx: &mut TaskContext<f64>) -> Result<Level, BoxError> {
    let (text, name) = match source {
        Source::Generated { seed, number } => (maze::generate(*seed, *number), format!("level {number}")),
        Source::File(path) => {
            let name = path.display().to_string();
            (read(path).map_err(|error| format!("{name}: {error}"))?, name)
        }
    };
    let named = |error: LevelError| format!("{name}: {error}");
    let map = Map::parse(&text).map_err(named)?;
    let mut distances = Vec::with_capacity(map.floor() * map.floor());
    for (row, place) in map.places().iter().enumerate() {
        if row % ROWS_PER_REPORT == 0 {
            cx.check()?;
            cx.report(row as f64 / map.floor() as f64);
        }
        distances.extend(map.distances_to(*place));
    }
    Ok(Level::new(map, distances).map_err(named)?)
}

fn read(path: &PathBuf) -> io::Result<String> {
    let mut text = String::new();
    // One byte more tells a file that is too large.
    let read = File::open(path)?.take(MOST_BYTES + 1).read_to_string(&mut text)?;
    if read as u64 > MOST_BYTES { Err(io::Error::other("too large for a level")) } else { Ok(text) }
}
