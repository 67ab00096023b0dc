//! Runs `examples/loader` on trees with odd entries and compares its numbers with our own, and with `find` and `wc`.
#![cfg(all(unix, feature = "toolkit"))]

#[path = "common/example.rs"]
mod example;

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn loader() -> Command {
    example::command("loader")
}

fn run<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Output {
    loader().args(arguments).output().expect("the example was built and runs")
}

/// A directory of its own for each test, gone with it.
struct Tree(PathBuf);

impl Tree {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offtick-loader-{}-{name}", std::process::id()));
        fs::create_dir(&path).expect("a directory of a name that is new");
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }

    fn write(&self, name: impl AsRef<Path>, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().expect("it is below the root")).expect("the directory is made");
        fs::write(&path, content).expect("the file is written");
        path
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _best_effort = fs::remove_dir_all(&self.0);
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    files: u64,
    bytes: u64,
    lines: u64,
    errors: u64,
}

/// Takes the JSON line apart: flat, numbers and booleans only, in the order that is promised.
fn counts_of(output: &Output) -> Counts {
    let promised = "files bytes lines errors cancelled ticks tick_p50_us tick_p99_us tick_max_us elapsed_ms";
    let fields = example::last_line(output, promised);
    let value = |name: &str| fields.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).unwrap();
    let whole = |name: &str| value(name).parse::<u64>().unwrap();
    let real = |name: &str| value(name).parse::<f64>().unwrap();
    assert_eq!(value("cancelled"), "false");
    assert!(whole("ticks") >= 1);
    assert!(0.0 <= real("tick_p50_us"));
    assert!(real("tick_p50_us") <= real("tick_p99_us") && real("tick_p99_us") <= real("tick_max_us"));
    let _elapsed = whole("elapsed_ms");
    Counts { files: whole("files"), bytes: whole("bytes"), lines: whole("lines"), errors: whole("errors") }
}

/// The numbers of `find`, `cat` and `wc`. `None` where there are no such programs.
fn counts_of_the_system(root: &Path) -> Option<Counts> {
    let count = |script: &str| -> io::Result<u64> {
        let output = Command::new("sh").args(["-c", script, "sh"]).arg(root).output()?;
        String::from_utf8_lossy(&output.stdout).trim().parse().map_err(io::Error::other)
    };
    let files = count("find \"$1\" -type f -print0 | tr -dc '\\0' | wc -c").ok()?;
    let bytes = count("find \"$1\" -type f -exec cat {} + | wc -c").ok()?;
    let lines = count("find \"$1\" -type f -exec cat {} + | wc -l").ok()?;
    Some(Counts { files, bytes, lines, errors: 0 })
}

fn make_fifo(path: &Path) -> bool {
    Command::new("mkfifo").arg(path).status().is_ok_and(|status| status.success())
}

/// Takes a file's permissions away. False for root, who may read it all the same.
fn make_unreadable(path: &Path) -> bool {
    fs::set_permissions(path, fs::Permissions::from_mode(0o000)).expect("it is ours");
    fs::read_dir(path).is_err() && fs::read(path).is_err()
}

#[test]
fn the_numbers_are_those_of_find_and_wc() {
    let tree = Tree::new("numbers");
    let mut expected = Counts::default();
    let mut add = |name: &OsStr, content: &[u8]| {
        tree.write(name, content);
        expected.files += 1;
        expected.bytes += content.len() as u64;
        expected.lines += content.iter().filter(|byte| **byte == b'\n').count() as u64;
    };
    add("empty".as_ref(), b"");
    add("no line feed at the end".as_ref(), b"one\ntwo");
    add("only\nline\nfeeds".as_ref(), b"\n\n\n");
    add("-dash".as_ref(), b"carriage\r\nreturn\r");
    add("deep/er/and/deeper/file".as_ref(), b"\0\n\xFF\n");
    add("chunk".as_ref(), &vec![b'\n'; 128 * 1024]);
    let mebibyte: Vec<u8> = (0..1 << 20).map(|place: u32| (place.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    add("mebibyte".as_ref(), &mebibyte);
    // Not everywhere may a name be anything but text.
    #[cfg(target_os = "linux")]
    add(OsStr::from_bytes(b"not \xFF\xFE text"), b"text\n");
    for number in 0..300 {
        add(format!("many/{number}").as_ref(), format!("{number}\n").repeat(number).as_bytes());
    }
    fs::create_dir(tree.path().join("nothing inside")).unwrap();
    symlink(tree.path().join("mebibyte"), tree.path().join("link to a file")).unwrap();
    symlink(tree.path(), tree.path().join("link to its own parent")).unwrap();
    symlink("nowhere", tree.path().join("dangling link")).unwrap();
    make_fifo(&tree.path().join("fifo"));
    let _socket = std::os::unix::net::UnixListener::bind(tree.path().join("socket")).unwrap();

    let output = run([OsStr::new("--json"), tree.path().as_os_str()]);
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "only the line of JSON");
    assert_eq!(counts_of(&output), expected);
    if let Some(theirs) = counts_of_the_system(tree.path()) {
        assert_eq!(theirs, expected);
    }

    let output = run([tree.path()]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(counts_of(&output), expected, "plain lines end with the same");
}

#[test]
fn what_cannot_be_read_is_counted_and_told() {
    let tree = Tree::new("errors");
    tree.write("fine", "fine\n");
    let secret = tree.write("secret", "secret\n");
    let locked = tree.write("locked/below", "below\n").parent().unwrap().to_owned();
    if !make_unreadable(&secret) || !make_unreadable(&locked) {
        return; // Root.
    }
    let output = run([OsStr::new("--json"), tree.path().as_os_str()]);
    fs::set_permissions(&locked, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(output.status.success(), "an error is not the end: {output:?}");
    assert_eq!(counts_of(&output), Counts { files: 2, bytes: 5, lines: 1, errors: 2 });
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("secret: ") && told.contains("locked: "), "{told}");
}

/// Also for root: a file of the kernel that opens and cannot be read.
#[test]
#[cfg(target_os = "linux")]
fn a_file_that_fails_in_the_middle_is_an_error() {
    let output = run(["--json", "/proc/self/mem"]);
    assert_eq!(output.status.code(), Some(1), "nothing at all could be read: {output:?}");
    assert_eq!(counts_of(&output), Counts { files: 1, errors: 1, ..Counts::default() });
    assert!(String::from_utf8_lossy(&output.stderr).contains("/proc/self/mem: "), "{output:?}");
}

#[test]
fn path_may_be_a_file_or_a_link_or_look_like_a_flag() {
    let tree = Tree::new("paths");
    let file = tree.write("--json", "1\n2\n");
    let one = Counts { files: 1, bytes: 4, lines: 2, errors: 0 };
    assert_eq!(counts_of(&run([OsStr::new("--json"), file.as_os_str()])), one);
    let output = loader().args(["--plain", "--", "--json"]).current_dir(tree.path()).output().unwrap();
    assert_eq!(counts_of(&output), one);

    let link = tree.path().join("link");
    symlink(tree.path(), &link).unwrap();
    let output = run([OsStr::new("--json"), link.as_os_str()]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(counts_of(&output), Counts::default(), "not followed, as `find` does not");
    assert!(String::from_utf8_lossy(&output.stderr).contains("symbolic link"), "{output:?}");
    let mut with_slash = link.into_os_string();
    with_slash.push("/");
    assert_eq!(counts_of(&run([OsStr::new("--json"), with_slash.as_os_str()])), one);
}

#[test]
fn wrong_usage_ends_with_code_2() {
    for arguments in [&["--fast"][..], &["-"], &["a", "b"], &["--json", "--plain"], &["/no/such/path"], &[""]] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
        assert!(!output.stderr.is_empty(), "{arguments:?}");
    }
    let help = run(["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: loader"), "{help:?}");
}

#[test]
fn nobody_reading_is_no_panic() {
    let tree = Tree::new("pipe");
    tree.write("file", "line\n");
    for closed in [&["--help"][..], &["--json", "."], &["--plain", "."], &["--fast"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = loader();
        command.args(closed).current_dir(tree.path()).stdout(writer.try_clone().unwrap()).stderr(writer);
        let code = command.status().unwrap().code();
        assert_eq!(code, Some(if closed == ["--fast"] { 2 } else { 0 }), "{closed:?}");
    }
}
