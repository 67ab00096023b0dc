//! The command line.

use std::ffi::OsString;
use std::path::PathBuf;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A dashboard over scheduled jobs, downloads, a search, a connection and all tasks, at 60 frames a second.

Usage: dashboard [OPTIONS] [--] [PATH]

  PATH           what the search looks through; without one, the repository of this example
  --downloads N  downloads to begin with, and with each `d` (24)
  --script FILE  takes the keys from a file instead of a terminal, and ends with it
  --picture      with --script, prints the last picture as well
  -h, --help     print this

Keys: Tab goes from the search box to the table of tasks and back. In the box, what is typed is searched for; Enter
searches at once, Esc clears. In the table: arrow keys choose a task, `x` cancels it, `X` cancels all downloads, `d`
starts more of them, `+` and `-` change how many run at a time, `p` pauses the jobs or lets them go on, `r` runs them
all now, `c` drops the connection, `q` ends. Ctrl-C ends anywhere.

A script has one thing a line: a key (a character, or enter, esc, tab, space, backspace, up, down, ctrl-c); `type TEXT`;
`frames N` lets so many frames pass; `until COUNT N` goes on once a count of the final line is N or more, and fails if
it is not after a minute. Empty lines and those that begin with `#` are skipped.

The last line printed is JSON: what happened. Exit codes: 0 ended; 1 the script failed, or something did not end; 2 wrong
usage.
";

/// The most downloads of a batch.
const MOST: usize = 10_000;

/// What the command line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Run(Run),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) path: PathBuf,
    pub(crate) downloads: usize,
    pub(crate) script: Option<PathBuf>,
    pub(crate) picture: bool,
}

/// Reads the arguments that follow the name of the program.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let (mut path, mut downloads, mut script, mut picture) = (None, 24, None, false);
    let mut only_paths = false;
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let is_flag = !only_paths && argument.as_encoded_bytes().starts_with(b"-");
        match argument.to_str() {
            Some("--") if is_flag => only_paths = true,
            Some("-h" | "--help") if is_flag => return Ok(Request::Help),
            Some("--picture") if is_flag => picture = true,
            Some("--script") if is_flag => {
                script = Some(PathBuf::from(arguments.next().ok_or("--script needs a file")?));
            }
            Some("--downloads") if is_flag => {
                let count = arguments.next().and_then(|text| text.to_str()?.parse().ok());
                downloads = count
                    .filter(|count| *count <= MOST)
                    .ok_or_else(|| format!("--downloads needs a number from 0 to {MOST}"))?;
            }
            _ if is_flag => return Err(format!("unknown option {argument:?}")),
            _ if path.is_some() => return Err(format!("one PATH is enough; unexpected {argument:?}")),
            _ => path = Some(PathBuf::from(argument)),
        }
    }
    if picture && script.is_none() {
        return Err("--picture is for --script".into());
    }
    let path = path.unwrap_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../..")));
    path.symlink_metadata().map_err(|error| format!("{}: {error}", path.display()))?;
    Ok(Request::Run(Run { path, downloads, script, picture }))
}

#[cfg(test)]
mod tests {
    use super::{Request, Run, parse};

    #[test]
    fn takes_what_it_knows_and_refuses_the_rest() {
        let parsed = |line: &str| parse(line.split_whitespace().map(Into::into));
        assert_eq!(parsed("--picture --help"), Ok(Request::Help));
        let run = Run { path: ".".into(), downloads: 3, script: Some("keys".into()), picture: true };
        assert_eq!(parsed("--downloads 3 . --script keys --picture"), Ok(Request::Run(run)));
        for line in
            ["--fast", "--script", "--downloads", "--downloads -1", "--downloads x", ". .", "--picture", "./none"]
        {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
