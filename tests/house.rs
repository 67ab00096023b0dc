//! The rules of the house, checked on the source text: layers, one file for synchronisation, two unsafe islands.

mod source;

use source::root;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::LazyLock;

/// Module paths and their layers, from the table in `ARCHITECTURE.md`. The longest match counts, for a file and for an
/// import.
static LAYERS: LazyLock<Vec<(String, u8)>> = LazyLock::new(|| {
    let text = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("a page at the root");
    let (_, table) = text.split_once("<!-- layers: read by tests/house.rs -->").expect("the beginning of the table");
    let (table, _) = table.split_once("<!-- end of layers -->").expect("the end of the table");
    let mut layers = Vec::new();
    for row in table.lines() {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if let [_, layer, _, modules, _] = cells[..]
            && let Ok(layer) = layer.parse()
        {
            layers.extend(modules.split_whitespace().map(|module| (module.trim_matches('`').to_owned(), layer)));
        }
    }
    layers
});

/// Names that `time`, `net` and `toolkit` pass on from their upper files.
const RE_EXPORTS: &[(&str, &str)] = &[
    ("time::Sleep", "time::sleep"),
    ("time::sleep_until", "time::sleep"),
    ("time::Timeout", "time::timeout"),
    ("time::timeout_at", "time::timeout"),
    ("time::Elapsed", "time::timeout"),
    ("net::Reconnecting", "net::reconnect"),
    ("toolkit::CancelToken", "toolkit::cancel_token"),
    ("toolkit::WaitCancelled", "toolkit::cancel_token"),
];

/// Engines: they do not import each other.
const ENGINES: u8 = 2;

/// Where unsafe code may stand.
const ISLANDS: &[&str] = &["src/task/raw/", "src/progress/ring.rs"];

/// All source files below `folder`, and their text without comments.
fn sources(folder: &str) -> Vec<(String, String)> {
    source::files(folder).into_iter().map(|(name, text)| (name, without_comments(&text))).collect()
}

fn without_comments(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or_default()).collect::<Vec<_>>().join("\n")
}

/// `src/time/sleep.rs` -> `time::sleep`, `src/time/mod.rs` -> `time`.
fn module_of(file: &str) -> String {
    let path = file.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
    path.replace('/', "::")
}

fn place(path: &str) -> Option<(&'static str, u8)> {
    let path = RE_EXPORTS.iter().find(|(name, _)| *name == path).map_or(path, |(_, module)| module);
    LAYERS
        .iter()
        .filter(|(entry, _)| path == entry || path.starts_with(&format!("{entry}::")))
        .max_by_key(|(entry, _)| entry.len())
        .map(|(entry, layer)| (entry.as_str(), *layer))
}

/// The paths behind each `crate::` of a text, groups in braces taken apart.
fn imports(text: &str) -> Vec<String> {
    paths_behind("crate::", text)
}

/// The paths behind each `root` of a text, groups in braces taken apart.
fn paths_behind(root: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, matched) in text.match_indices(root) {
        let preceded = text[..at].chars().next_back();
        if preceded.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != '$') {
            tree(&text[at + matched.len()..], "", &mut found);
        }
    }
    found
}

/// Reads one import tree and returns how many bytes it took.
fn tree(text: &str, prefix: &str, found: &mut Vec<String>) -> usize {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}::{name}") };
    let mut at = name.len();
    if text[at..].starts_with("::{") || (name.is_empty() && text.starts_with('{')) {
        let group = if name.is_empty() { prefix.to_owned() } else { path };
        at += if name.is_empty() { 1 } else { 3 };
        loop {
            at += text[at..].len() - text[at..].trim_start().len();
            match text[at..].chars().next() {
                Some('}') | None => return at + 1,
                Some(',') => at += 1,
                Some(_) => {
                    let taken = tree(&text[at..], &group, found);
                    at += taken.max(1);
                }
            }
        }
    }
    if text[at..].starts_with("::") {
        return at + 2 + tree(&text[at + 2..], &path, found);
    }
    if !path.is_empty() {
        found.push(path);
    }
    at
}

#[test]
fn layers_import_downwards_only() {
    let mut wrong = Vec::new();
    let mut same_layer: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (file, text) in sources("src").iter().filter(|(file, _)| file != "src/lib.rs") {
        let Some((from, layer)) = place(&module_of(file)) else {
            wrong.push(format!("{file} is in no layer; add it to the table in ARCHITECTURE.md"));
            continue;
        };
        // `time` passes its upper files on; that is no import.
        let text = if file == "src/time/mod.rs" { "" } else { text };
        for import in imports(text) {
            match place(&import) {
                // Names that stand at the root are the public API, which only documentation names.
                None => wrong.push(format!("{file} imports crate::{import}, which is in no layer")),
                Some((_, to)) if to > layer => wrong.push(format!("{file} (L{layer}) imports crate::{import} (L{to})")),
                Some((into, to)) if to == layer && into != from => {
                    if layer == ENGINES {
                        wrong.push(format!("{file} imports its sibling engine crate::{import}"));
                    }
                    same_layer.entry(from).or_default().insert(into);
                }
                Some(_) => {}
            }
        }
    }
    for (from, into) in &same_layer {
        for other in into {
            let back = same_layer.get(other).is_some_and(|back| back.contains(from));
            // The foundation's three files lean on each other; above it, a circle is a mistake.
            if back && place(from).is_some_and(|(_, layer)| layer > 0) {
                wrong.push(format!("{from} and {other} import each other"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_check_of_layers_can_fail() {
    assert_eq!(
        imports("use crate::runtime::{Handle, shared::Shared};"),
        ["runtime::Handle", "runtime::shared::Shared"]
    );
    assert_eq!(
        imports("use crate::{task, time::{Sleep, driver::Driver}};"),
        ["task", "time::Sleep", "time::driver::Driver"]
    );
    assert_eq!(imports("let x = crate::park::block_on(y);"), ["park::block_on"]);
    assert_eq!(place("time::driver::Driver"), Some(("time", 2)));
    assert_eq!(place("time::Sleep"), Some(("time::sleep", 4)));
    assert_eq!(place("runtime::Handle"), Some(("runtime", 3)));
    assert_eq!(module_of("src/time/sleep.rs"), "time::sleep");
    assert_eq!(module_of("src/executor/mod.rs"), "executor");
}

#[test]
fn one_file_names_the_synchronisation_libraries() {
    let names = ["std::sync::", "parking_lot::", "loom::", "std::thread::spawn", "std::cell::UnsafeCell"];
    let wrong: Vec<_> = sources("src")
        .into_iter()
        .filter(|(file, _)| file != "src/sync.rs")
        .flat_map(|(file, text)| {
            let named: Vec<_> = names.iter().filter(|name| text.contains(*name)).collect();
            named.into_iter().map(move |name| format!("{file} names {name}")).collect::<Vec<_>>()
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn one_module_reads_the_clocks() {
    let wrong: Vec<_> = sources("src")
        .into_iter()
        .filter(|(file, _)| !file.starts_with("src/instant/"))
        .filter(|(_, text)| names_a_clock(text))
        .map(|(file, _)| file)
        .collect();
    assert!(wrong.is_empty(), "take `Instant` and the wall clock from crate::instant: {wrong:?}");
}

/// True if the text names an `Instant` that is not the crate's own, or reads the wall clock.
fn names_a_clock(text: &str) -> bool {
    let named = paths_behind("std::", text)
        .iter()
        .any(|path| path == "time" || path == "time::Instant" || path.starts_with("time::Instant::"));
    named || ["SystemTime::now", "web_time"].iter().any(|name| text.contains(name))
}

#[test]
fn the_check_of_clocks_can_fail() {
    for text in [
        "use std::time::Instant;",
        "use std::time::{Duration, Instant};",
        "let now = std::time::Instant::now();",
        "let now = SystemTime::now();",
        "use std::time;",
        "use std::{fmt, time::Instant};",
    ] {
        assert!(names_a_clock(text), "{text}");
    }
    assert!(!names_a_clock("use std::time::{Duration, SystemTime, UNIX_EPOCH};\nuse crate::instant::Instant;"));
}

#[test]
fn unsafe_code_stands_in_its_two_islands() {
    let wrong: Vec<_> = sources("src")
        .into_iter()
        .filter(|(file, _)| !ISLANDS.iter().any(|island| file.starts_with(island)))
        .filter(|(_, text)| {
            ["unsafe {", "unsafe fn", "unsafe impl", "unsafe trait", "unsafe extern", "allow(unsafe_code"]
                .iter()
                .any(|form| text.contains(form))
        })
        .map(|(file, _)| file)
        .collect();
    assert!(wrong.is_empty(), "unsafe code outside of its islands: {wrong:?}");
}
