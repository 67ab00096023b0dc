//! [`JobStore`]: the last runs of jobs, kept over restarts of the program.
//!
//! | file | task |
//! |---|---|
//! | `file.rs` | [`FileStore`], a plain file that is replaced as a whole |
//! | `format.rs` | the text of that file |

mod file;
mod format;

pub use file::FileStore;

use crate::error::BoxError;
use crate::sync::Arc;
use crate::sync::plain::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A place for the last runs of jobs.
///
/// With its last run, a job that was missed while the program was off can run once after the start. Use
/// [`FileStore`], [`MemoryStore`] in tests, or implement this trait on a database.
///
/// # Example
/// ```
/// # #[cfg(feature = "cron")] {
/// use chrono::{DateTime, TimeZone, Utc};
/// use offtick::schedule::{Cron, JobStore, MemoryStore, Trigger, Zone};
///
/// let store = MemoryStore::new();
/// let daily = Trigger::cron(Cron::parse("30 2 * * *")?, Zone::new(Utc));
/// let last_run = Utc.with_ymd_and_hms(2026, 7, 1, 2, 30, 0).unwrap();
/// store.record("backup", last_run.into())?;
///
/// // The program was off for a day and a half.
/// let now = Utc.with_ymd_and_hms(2026, 7, 2, 14, 0, 0).unwrap();
/// let last_run = store.last_run("backup")?.map(DateTime::<Utc>::from);
/// let was_missed = last_run.and_then(|last| daily.next_after(last)).is_some_and(|next| next <= now);
/// assert!(was_missed);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait JobStore: Send + Sync + 'static {
    /// Returns the due time of the last run of a job, if any.
    ///
    /// It is called while a job is added, so it should return from memory.
    ///
    /// # Errors
    /// Those of the store.
    fn last_run(&self, job: &str) -> Result<Option<SystemTime>, StoreError>;

    /// Records the due time of a run. An earlier one than the recorded one changes nothing.
    ///
    /// It may block: schedulers call it on a pool thread.
    ///
    /// # Errors
    /// Those of the store. What was recorded before must not be lost.
    fn record(&self, job: &str, due: SystemTime) -> Result<(), StoreError>;
}

impl<S: JobStore + ?Sized> JobStore for Arc<S> {
    fn last_run(&self, job: &str) -> Result<Option<SystemTime>, StoreError> {
        (**self).last_run(job)
    }

    fn record(&self, job: &str, due: SystemTime) -> Result<(), StoreError> {
        (**self).record(job, due)
    }
}

/// The last runs of jobs by their ids.
type Runs = BTreeMap<String, SystemTime>;

/// Records a run unless a later one is recorded. True if that changed anything.
fn insert(runs: &mut Runs, job: &str, due: SystemTime) -> bool {
    match runs.get_mut(job) {
        Some(last) if *last >= due => false,
        Some(last) => {
            *last = due;
            true
        }
        None => runs.insert(job.to_owned(), due).is_none(),
    }
}

/// A [`JobStore`] in memory, for tests and simulated restarts.
///
/// # Example
/// ```
/// use offtick::schedule::{JobStore, MemoryStore};
/// use std::time::{Duration, SystemTime};
///
/// let store = MemoryStore::new();
/// let now = SystemTime::now();
/// store.record("backup", now)?;
/// store.record("backup", now - Duration::from_secs(60))?;
/// assert_eq!(store.last_run("backup")?, Some(now));
/// assert_eq!(store.last_run("other")?, None);
/// # Ok::<(), offtick::schedule::StoreError>(())
/// ```
#[derive(Debug, Default)]
pub struct MemoryStore {
    runs: Mutex<Runs>,
}

impl MemoryStore {
    /// Creates an empty store.
    pub fn new() -> Self {
        Self::default()
    }
}

impl JobStore for MemoryStore {
    fn last_run(&self, job: &str) -> Result<Option<SystemTime>, StoreError> {
        Ok(self.runs.lock().get(job).copied())
    }

    fn record(&self, job: &str, due: SystemTime) -> Result<(), StoreError> {
        insert(&mut self.runs.lock(), job, due);
        Ok(())
    }
}

/// An error of a [`JobStore`]. The runs that were recorded before are kept.
///
/// # Example
/// ```
/// use offtick::schedule::{FileStore, StoreError};
/// let folder = std::env::temp_dir();
/// let error = FileStore::open(&folder).expect_err("a folder is not a file");
/// assert!(matches!(error, StoreError::Io { .. }));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// An operation of the system failed: no permission, a full disk, a read-only file system.
    #[error("cannot {action} {}: {message}; the runs recorded before are kept", path.display())]
    Io {
        /// The operation.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// The kind of the system's error.
        kind: io::ErrorKind,
        /// The message of the system.
        message: String,
    },
    /// A file that is damaged or was cut off.
    #[error("{}, line {line}: {reason}; restore the file, or remove it to begin without last runs", path.display())]
    Damaged {
        /// The file, which was left as it is.
        path: PathBuf,
        /// The number of the line, from 1.
        line: usize,
        /// The mistake.
        reason: &'static str,
    },
    /// A file of a later version of this crate.
    #[error("{} has format version {found}, and this program reads up to {known}; update the program", path.display())]
    NewerVersion {
        /// The file, which was left as it is.
        path: PathBuf,
        /// The version in the file.
        found: u64,
        /// The newest version that this program reads.
        known: u64,
    },
    /// An error of a custom store.
    #[error("the job store failed: {message}")]
    Custom {
        /// The chain of messages.
        message: String,
    },
}

impl StoreError {
    /// Wraps an error of a custom store.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::StoreError;
    /// assert_eq!(StoreError::custom("no connection").to_string(), "the job store failed: no connection");
    /// ```
    pub fn custom(error: impl Into<BoxError>) -> Self {
        let error = error.into();
        let mut message = error.to_string();
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        Self::Custom { message }
    }

    fn io(action: &'static str, path: &Path, error: &io::Error) -> Self {
        Self::Io { action, path: path.to_owned(), kind: error.kind(), message: error.to_string() }
    }
}
