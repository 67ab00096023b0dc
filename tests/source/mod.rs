//! The source text of the crate, and the public enums and structs found in it.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::fs;
use std::path::{Path, PathBuf};

/// An item that is `pub`, outside of private helper modules named `sealed`.
pub(crate) struct Item {
    pub(crate) name: String,
    pub(crate) is_enum: bool,
    pub(crate) public_fields: usize,
    attributes: String,
    file: String,
}

impl Item {
    /// True if an attribute names `word`.
    pub(crate) fn has(&self, word: &str) -> bool {
        self.attributes.contains(word)
    }

    pub(crate) fn derives(&self, name: &str) -> bool {
        let derived = self.attributes.lines().filter_map(|line| line.strip_prefix("#[derive("));
        derived.flat_map(|line| line.trim_end_matches(")]").split(", ")).any(|one| one == name)
    }

    /// True if the same file has an `impl`.
    pub(crate) fn implements(&self, name: &str) -> bool {
        let (generic, plain) = (format!("{name} for {}<", self.name), format!("{name} for {} ", self.name));
        self.file
            .lines()
            .filter(|line| line.starts_with("impl"))
            .any(|line| line.contains(&generic) || line.contains(&plain))
    }
}

pub(crate) fn public_items() -> Vec<Item> {
    files("src").iter().flat_map(|(_, text)| items(text)).collect()
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All Rust files below `folder`, relative to the root, with `/`, in order, and their text.
pub(crate) fn files(folder: &str) -> Vec<(String, String)> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder of the repository") {
            let path = entry.expect("an entry of the repository").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    files.sort();
    assert!(!files.is_empty(), "no sources below {folder}");
    files
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root()).expect("below the root").to_string_lossy().replace('\\', "/");
            (name, fs::read_to_string(&path).expect("sources are text"))
        })
        .collect()
}

/// The items at the left margin of a file, with the attributes above them.
fn items(text: &str) -> Vec<Item> {
    let lines: Vec<_> = text.lines().collect();
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let Some((is_enum, rest)) = line
            .strip_prefix("pub enum ")
            .map(|rest| (true, rest))
            .or(line.strip_prefix("pub struct ").map(|rest| (false, rest)))
        else {
            continue;
        };
        let name = rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_owned();
        let above = lines[..at].iter().rev().take_while(|line| line.starts_with("#[") || line.starts_with("///"));
        let attributes: Vec<_> = above.filter(|line| line.starts_with("#[")).copied().collect();
        let body = lines[at + 1..].iter().take_while(|line| !line.starts_with('}'));
        let open = line.trim_end().ends_with('{');
        let public_fields = if open { body.filter(|line| line.starts_with("    pub ")).count() } else { 0 };
        found.push(Item { name, is_enum, public_fields, attributes: attributes.join("\n"), file: text.to_owned() });
    }
    found
}
