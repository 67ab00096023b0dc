//! [`FileStore`]: last runs in a plain file.
//!
//! The file is never written in place. A new one is written beside it, flushed to the disk, and renamed over it: a crash, a full
//! disk or a power cut leaves the old file or the new one.

use super::format::{FormatError, VERSION, decode, encode};
use super::{JobStore, Runs, StoreError, insert};
use crate::sync::plain::Mutex;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The largest file that is read, in bytes: more than 100,000 jobs.
const LENGTH_LIMIT_BYTES: u64 = 1 << 24;

/// A [`JobStore`] in a plain text file.
///
/// The file is read once, by [`open`](Self::open). Each new run replaces it as a whole: a crash or a full disk leaves the old
/// file or the new one, never a part. Runs that are recorded at the same time share one write. A run that could not be written
/// is kept in memory and written with the next one.
///
/// One program at a time should use a file: each overwrites what another one has recorded meanwhile.
///
/// # Example
/// ```
/// use offtick::schedule::{FileStore, JobStore};
/// use std::time::SystemTime;
///
/// let path = std::env::temp_dir().join(format!("offtick-doc-{}.jobs", std::process::id()));
/// let now = SystemTime::now();
/// FileStore::open(&path)?.record("backup", now)?;
///
/// // After a restart:
/// assert_eq!(FileStore::open(&path)?.last_run("backup")?, Some(now));
/// # std::fs::remove_file(&path).ok();
/// # Ok::<(), offtick::schedule::StoreError>(())
/// ```
pub struct FileStore(Store<System>);

impl FileStore {
    /// Opens a file, or begins without last runs if there is none.
    ///
    /// It reads the file, so call it at the start of the program and not in a tick. The folder must exist.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] and [`StoreError::NewerVersion`] if the file is not one of this version, [`StoreError::Io`] if it
    /// cannot be read. The file is not changed.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::{FileStore, StoreError};
    ///
    /// let path = std::env::temp_dir().join(format!("offtick-doc-damaged-{}.jobs", std::process::id()));
    /// std::fs::write(&path, "offtick-jobs 1\n17828")?;
    /// match FileStore::open(&path) {
    ///     Err(StoreError::Damaged { line, .. }) => assert_eq!(line, 2),
    ///     other => panic!("{other:?}"),
    /// }
    /// # std::fs::remove_file(&path).ok();
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Store::open(path.as_ref(), System).map(Self)
    }

    /// Returns the path of the file.
    pub fn path(&self) -> &Path {
        &self.0.path
    }
}

impl JobStore for FileStore {
    fn last_run(&self, job: &str) -> Result<Option<SystemTime>, StoreError> {
        Ok(self.0.last_run(job))
    }

    fn record(&self, job: &str, due: SystemTime) -> Result<(), StoreError> {
        self.0.record(job, due)
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("path", &self.0.path).finish_non_exhaustive()
    }
}

/// The operations of the system that a write needs; tests let them fail.
trait Disk {
    type File: Write;
    fn create(&self, path: &Path) -> io::Result<Self::File>;
    /// Returns once the contents are on the disk.
    fn sync(&self, file: &Self::File) -> io::Result<()>;
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Returns once the names of a folder are on the disk.
    fn sync_folder(&self, folder: &Path) -> io::Result<()>;
}

struct System;

impl Disk for System {
    type File = File;

    fn create(&self, path: &Path) -> io::Result<File> {
        File::create(path)
    }

    fn sync(&self, file: &File) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        // Other systems do not open folders, and need no flush of them.
        if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
    }
}

/// The newest runs, and the number of changes so far.
struct State {
    runs: Runs,
    changes: u64,
}

struct Store<D> {
    path: PathBuf,
    disk: D,
    /// Held for moments only, never while the disk works.
    state: Mutex<State>,
    /// The number of changes in the file. Held during a write.
    written: Mutex<u64>,
}

impl<D: Disk> Store<D> {
    fn open(path: &Path, disk: D) -> Result<Self, StoreError> {
        // A link stays a link: the file behind it is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let runs = match read(&path) {
            Ok(bytes) => decode(&bytes).map_err(|error| match error {
                FormatError::Damaged { line, reason } => StoreError::Damaged { path: path.clone(), line, reason },
                FormatError::NewerVersion { found } => {
                    StoreError::NewerVersion { path: path.clone(), found, known: VERSION }
                }
            })?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Runs::new(),
            Err(error) => return Err(StoreError::io("read", &path, &error)),
        };
        Ok(Self { path, disk, state: Mutex::new(State { runs, changes: 0 }), written: Mutex::new(0) })
    }

    fn last_run(&self, job: &str) -> Option<SystemTime> {
        self.state.lock().runs.get(job).copied()
    }

    fn record(&self, job: &str, due: SystemTime) -> Result<(), StoreError> {
        let wanted = {
            let mut state = self.state.lock();
            if insert(&mut state.runs, job, due) {
                state.changes += 1;
            }
            state.changes
        };
        let mut written = self.written.lock();
        if *written >= wanted {
            // Another thread has written this run with its own.
            return Ok(());
        }
        let (text, changes) = {
            let state = self.state.lock();
            (encode(&state.runs), state.changes)
        };
        self.replace(text.as_bytes())?;
        *written = changes;
        Ok(())
    }

    fn replace(&self, content: &[u8]) -> Result<(), StoreError> {
        let mut name = self.path.file_name().map_or_else(OsString::new, OsString::from);
        name.push(".new");
        let new = self.path.with_file_name(name);
        let replaced = self.write_new(&new, content).and_then(|()| {
            self.disk.rename(&new, &self.path).map_err(|error| StoreError::io("replace", &self.path, &error))
        });
        if let Err(error) = replaced {
            let _best_effort = fs::remove_file(&new);
            return Err(error);
        }
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.disk.sync_folder(folder).map_err(|error| StoreError::io("flush the folder", folder, &error))
    }

    fn write_new(&self, new: &Path, content: &[u8]) -> Result<(), StoreError> {
        let mut file = self.disk.create(new).map_err(|error| StoreError::io("create", new, &error))?;
        file.write_all(content).map_err(|error| StoreError::io("write", new, &error))?;
        self.disk.sync(&file).map_err(|error| StoreError::io("flush", new, &error))
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LENGTH_LIMIT_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LENGTH_LIMIT_BYTES {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it is too large for a file of last runs"));
    }
    Ok(bytes)
}

#[cfg(all(test, not(loom)))]
mod tests;
