use super::*;
use crate::sync::Arc;
use crate::sync::plain::{AtomicUsize, Ordering};
use proptest::prelude::*;
use std::time::{Duration, UNIX_EPOCH};

fn at(seconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(seconds)
}

/// A folder that is removed after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offtick-store-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).expect("a folder for the test");
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("last.jobs")
    }

    fn names(&self) -> Vec<OsString> {
        let mut names: Vec<_> =
            fs::read_dir(&self.0).expect("it exists").map(|entry| entry.expect("an entry").file_name()).collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
    }
}

/// A disk that fails at one of its operations, counted from 0.
#[derive(Clone)]
struct Faulty {
    fails_at: usize,
    kind: io::ErrorKind,
    operations: Arc<AtomicUsize>,
}

impl Faulty {
    fn new(fails_at: usize, kind: io::ErrorKind) -> Self {
        Self { fails_at, kind, operations: Arc::default() }
    }

    fn operation(&self) -> io::Result<()> {
        if self.operations.fetch_add(1, Ordering::Relaxed) == self.fails_at { Err(self.kind.into()) } else { Ok(()) }
    }
}

/// Writes a few bytes at a time, as a full disk does.
struct FaultyFile(File, Faulty);

impl Write for FaultyFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.1.operation()?;
        self.0.write(&bytes[..bytes.len().min(16)])
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Disk for Faulty {
    type File = FaultyFile;

    fn create(&self, path: &Path) -> io::Result<FaultyFile> {
        self.operation()?;
        Ok(FaultyFile(System.create(path)?, self.clone()))
    }

    fn sync(&self, file: &FaultyFile) -> io::Result<()> {
        self.operation()?;
        System.sync(&file.0)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.operation()?;
        System.rename(from, to)
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        self.operation()?;
        System.sync_folder(folder)
    }
}

#[test]
fn a_disk_that_fails_at_any_operation_loses_nothing() {
    let folder = Folder::new("faults");
    let path = folder.file();
    Store::open(&path, System).expect("a new file").record("backup", at(100)).expect("a disk that works");
    let mut failures = 0;
    for fails_at in 0.. {
        for kind in [io::ErrorKind::StorageFull, io::ErrorKind::ReadOnlyFilesystem] {
            let before = fs::read(&path).expect("the file stays");
            let disk = Faulty::new(fails_at, kind);
            let store = Store::open(&path, disk.clone()).expect("the file is whole");
            let due = at(1_000 + fails_at as u64);
            let result = store.record("backup", due);
            // In memory, the run is recorded either way.
            assert_eq!(store.last_run("backup"), Some(due));
            if disk.operations.load(Ordering::Relaxed) <= fails_at {
                assert_eq!(result, Ok(()));
                assert!(failures > 10, "{failures} failures");
                return;
            }
            failures += 1;
            let error = result.expect_err("an operation failed");
            assert!(matches!(error, StoreError::Io { kind: found, .. } if found == kind), "{error}");
            let after = fs::read(&path).expect("the file stays");
            let reopened = Store::open(&path, System).expect("the file is whole");
            assert!(after == before || reopened.last_run("backup") == Some(due));
            assert_eq!(folder.names(), ["last.jobs"], "nothing is left behind");
            // The next write brings the run to the file.
            store.record("other", at(5)).expect("the disk works again");
            let reopened = Store::open(&path, System).expect("the file is whole");
            assert_eq!((reopened.last_run("backup"), reopened.last_run("other")), (Some(due), Some(at(5))));
            reopened.record("backup", at(2_000)).expect("the disk works");
            fs::write(&path, &before).expect("the file is put back");
        }
    }
}

#[test]
fn a_file_of_another_version_or_a_damaged_one_is_left_as_it_is() {
    let folder = Folder::new("damaged");
    let path = folder.file();
    let store = Store::open(&path, System).expect("a new file");
    for (job, due) in [("a", 1), ("backup of\nall \\ files", 2), ("", 3), ("zürich", 4)] {
        store.record(job, at(due)).expect("a disk that works");
    }
    let whole = fs::read(&path).expect("the file");
    assert!(Store::open(&path, System).is_ok_and(|store| store.last_run("backup of\nall \\ files") == Some(at(2))));
    let mut broken: Vec<Vec<u8>> = (0..whole.len()).map(|length| whole[..length].to_vec()).collect();
    // The line break at the very end carries nothing.
    broken.pop();
    for (index, byte) in whole.iter().enumerate() {
        let mut changed = whole.clone();
        changed[index] = byte ^ 0x01;
        broken.push(changed);
    }
    broken.extend([
        b"\0".repeat(4096),
        b"offtick-jobs 0\n".to_vec(),
        b"end 0 0\n".to_vec(),
        vec![b'\n'; 10],
        vec![0xff; 40],
    ]);
    for bytes in broken {
        fs::write(&path, &bytes).expect("a file for the test");
        match Store::open(&path, System).map(|_| ()) {
            Err(StoreError::Damaged { path: named, line, .. }) => assert!(named.ends_with("last.jobs") && line > 0),
            // A changed digit of the version.
            Err(StoreError::NewerVersion { known: 1, .. }) => {}
            other => panic!("{other:?} for {:?}", String::from_utf8_lossy(&bytes)),
        }
        assert_eq!(fs::read(&path).expect("the file"), bytes, "it is not changed");
    }
    fs::write(&path, "offtick-jobs 2\nwhatever this is\n").expect("a file for the test");
    let error = Store::open(&path, System).map(|_| ()).expect_err("a version from the future");
    assert!(matches!(error, StoreError::NewerVersion { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn files_that_cannot_be_read_are_errors_of_the_system() {
    let folder = Folder::new("unreadable");
    let kind = |path: &Path| match FileStore::open(path) {
        Err(StoreError::Io { kind, .. }) => Some(kind),
        _ => None,
    };
    assert!(kind(&folder.0).is_some(), "a folder is no file");
    // No folder: the file cannot be created, and nothing was lost.
    let store = FileStore::open(folder.0.join("none/last.jobs")).expect("there is no file yet");
    assert!(matches!(store.record("backup", at(1)), Err(StoreError::Io { action: "create", .. })));
    assert_eq!(store.last_run("backup"), Ok(Some(at(1))));
    let huge = folder.0.join("huge");
    File::create(&huge).and_then(|file| file.set_len(LENGTH_LIMIT_BYTES + 1)).expect("a sparse file");
    assert_eq!(kind(&huge), Some(io::ErrorKind::FileTooLarge));
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link() {
    let folder = Folder::new("link");
    let link = folder.0.join("link");
    Store::open(&folder.file(), System).expect("a new file").record("a", at(1)).expect("a disk that works");
    std::os::unix::fs::symlink(folder.file(), &link).expect("a link for the test");
    FileStore::open(&link).expect("a file").record("a", at(2)).expect("a disk that works");
    assert!(fs::symlink_metadata(&link).expect("a link").is_symlink());
    assert_eq!(FileStore::open(folder.file()).expect("a file").last_run("a"), Ok(Some(at(2))));
}

#[test]
fn runs_of_several_threads_are_all_in_the_file() {
    let folder = Folder::new("threads");
    let store = FileStore::open(folder.file()).expect("a new file");
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let store = &store;
            scope.spawn(move || {
                for run in 0..20 {
                    store.record(&format!("job {thread}"), at(run)).expect("a disk that works");
                    store.record("shared", at(100 * thread + run)).expect("a disk that works");
                }
            });
        }
    });
    let reopened = FileStore::open(folder.file()).expect("a whole file");
    for thread in 0..4 {
        assert_eq!(reopened.last_run(&format!("job {thread}")), Ok(Some(at(19))));
    }
    assert_eq!(reopened.last_run("shared"), Ok(Some(at(319))));
}

proptest! {
    #[test]
    fn whatever_is_recorded_is_read(jobs in proptest::collection::btree_map(any::<String>(), -4_000_000_000_000_000_000_i64..4_000_000_000_000_000_000, 0..20)) {
        let nanos = |nanos: i64| crate::time::wall::system_time(i128::from(nanos)).expect("a time near 1970");
        let runs: Runs = jobs.into_iter().map(|(job, due)| (job, nanos(due))).collect();
        prop_assert_eq!(decode(encode(&runs).as_bytes()), Ok(runs));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), title in any::<bool>()) {
        let mut text = if title { b"offtick-jobs 1\n".to_vec() } else { Vec::new() };
        text.extend(bytes);
        prop_assert!(decode(&text).is_err());
    }
}
