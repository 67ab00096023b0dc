//! A file for a program that a test runs.

use std::fs;
use std::path::PathBuf;

/// A file that is gone with the test.
pub(crate) struct Temporary(PathBuf);

impl Temporary {
    /// `name` is one that no other test of this process uses.
    pub(crate) fn new(name: &str, content: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offtick-{}-{name}", std::process::id()));
        fs::write(&path, content).expect("a file of a name that is new");
        Self(path)
    }

    pub(crate) fn path(&self) -> &str {
        self.0.to_str().expect("a path of text")
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _best_effort = fs::remove_file(&self.0);
    }
}
