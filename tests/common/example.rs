//! Examples as programs that a test runs.

use std::ffi::OsStr;
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

/// An example by its name, to be run with nothing to read. A whole `cargo test` has built it beside the tests; one that
/// names its targets may not have.
pub(crate) fn command(name: &str) -> Command {
    // One test at a time builds it.
    static BUILDING: Mutex<()> = Mutex::new(());
    let test = std::env::current_exe().expect("this test has a path");
    let profile = test.ancestors().nth(2).expect("it is in `deps` of a profile");
    let path = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let _guard = BUILDING.lock().expect("a test that failed here has said why");
    if !path.exists() {
        let folder = profile.file_name().expect("a profile has a name");
        let profile_name = if folder == "debug" { OsStr::new("dev") } else { folder };
        let mut cargo = Command::new(env!("CARGO"));
        cargo.args(["build", "--quiet", "--example", name, "--profile"]).arg(profile_name);
        cargo.current_dir(env!("CARGO_MANIFEST_DIR"));
        let target = profile.parent().expect("a profile is in a target folder");
        let built = cargo.arg("--target-dir").arg(target).status().expect("cargo runs");
        assert!(built.success() && path.exists(), "the example can be built");
    }
    let mut command = Command::new(path);
    command.stdin(Stdio::null());
    command
}

/// The line of JSON that ends what an example printed, taken apart: flat, names and values as they stand, in the order that
/// is promised.
#[track_caller]
pub(crate) fn last_line<'a>(output: &'a Output, promised: &str) -> Vec<(&'a str, &'a str)> {
    let text = std::str::from_utf8(&output.stdout).expect("it is text");
    let last = text.lines().last().unwrap_or_else(|| panic!("nothing printed: {output:?}")).trim_end();
    let inside = last.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).expect("one object");
    let fields = inside.split(',').map(|field| field.split_once(':').expect("name and value"));
    let fields: Vec<(&str, &str)> = fields.map(|(name, value)| (name.trim_matches('"'), value)).collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, promised.split_whitespace().collect::<Vec<_>>());
    fields
}
