//! The public enums and structs of the crate, found in its source text.

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
    let mut files = Vec::new();
    walk(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    files.sort();
    files.iter().flat_map(|path| items(&fs::read_to_string(path).expect("a source file"))).collect()
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a folder of the repository") {
        let path = entry.expect("an entry of the repository").path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            found.push(path);
        }
    }
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
