//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Reads every file below PATH in the background, at 60 ticks a second: size, lines, checksum.

Usage: loader [--json | --plain] [--] [PATH]

  PATH         a directory or a file; without one, the repository of this example
  --json       print only the line of JSON at the end
  --plain      print plain lines even in a terminal
  -h, --help   print this

In a terminal, `q` or Ctrl-C cancels. Symbolic links are not followed, PATH included (a link with a slash at its end
is); only regular files count, as with `find PATH -type f`. A file that cannot be read counts in `files` and `errors`,
a directory that cannot be read in `errors`.

Exit codes: 0 walked, or cancelled; 1 nothing could be read; 2 wrong usage, or no such PATH.
";

/// How the run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A screen if there is a terminal, else plain lines.
    Auto,
    Plain,
    Json,
}

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Run { root: PathBuf, mode: Mode },
}

/// Reads the arguments that follow the name of the program.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut root = None;
    let mut mode = Mode::Auto;
    let mut only_paths = false;
    for argument in arguments {
        let is_flag = !only_paths && argument.as_encoded_bytes().starts_with(b"-");
        match argument.to_str() {
            Some("--") if is_flag => only_paths = true,
            Some("-h" | "--help") if is_flag => return Ok(Request::Help),
            Some("--json") if is_flag && mode != Mode::Plain => mode = Mode::Json,
            Some("--plain") if is_flag && mode != Mode::Json => mode = Mode::Plain,
            Some("--json" | "--plain") if is_flag => return Err("--json and --plain exclude each other".into()),
            _ if is_flag => return Err(format!("unknown option {argument:?}")),
            _ if root.is_some() => return Err(format!("one PATH is enough; unexpected {argument:?}")),
            _ => root = Some(PathBuf::from(argument)),
        }
    }
    let root = root.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")));
    Ok(Request::Run { root, mode })
}

#[cfg(test)]
mod tests {
    use super::{Mode, Request, parse};

    fn parsed(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(Into::into))
    }

    fn run(root: &str, mode: Mode) -> Result<Request, String> {
        Ok(Request::Run { root: root.into(), mode })
    }

    #[test]
    fn takes_one_path_and_flags_in_any_order() {
        assert_eq!(parsed("a/b"), run("a/b", Mode::Auto));
        assert_eq!(parsed("a --json"), run("a", Mode::Json));
        assert_eq!(parsed("--plain a"), run("a", Mode::Plain));
        assert_eq!(parsed("--json -- --json"), run("--json", Mode::Json));
        assert_eq!(parsed(""), run(env!("CARGO_MANIFEST_DIR"), Mode::Auto));
        assert_eq!(parsed("a --help --json"), Ok(Request::Help));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in ["--fast", "-x", "-", "a b", "a -- b", "--json --plain", "--plain --json"] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
