//! The command line.

use crate::jobs::Settings;
use crate::url::Url;
use std::ffi::OsString;
use std::str::FromStr;
use std::time::Duration;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Downloads many resources in the background, at 60 ticks a second, a few at a time, with retries.

Usage: http_fetch [OPTIONS] [URL...]

  URL                http:// only; without one, resources of a server of its own on loopback, some of them faulty
  -j, --jobs K       downloads at a time (4)
  --attempts N       tries for each download, the first one included (3)
  --timeout SECS     limit for each try (3)
  --max-time SECS    cancels whatever is not over by then
  --count N          resources of the own server (24)
  --seed S           chooses them: the same for the same number (1)
  --fail-rate PART   part of them that is faulty, 0 to 1 (0.4)
  --json             print only the line of JSON at the end
  --plain            print plain lines even in a terminal
  -h, --help         print this

In a terminal, the arrow keys (or j, k) choose a row, `x` cancels it, `q` or Ctrl-C cancels all. A try begins from
nothing; redirects are not followed. Worth another try: failures of the network, timeouts, and the statuses 408, 425,
429, 500, 502, 503 and 504; a Retry-After in seconds is honoured, up to 10.

Exit codes: 0 fetched, or cancelled; 1 nothing but failures, or something did not end; 2 wrong usage.
";

/// The most that is counted on the command line.
const MOST: usize = 100_000;

/// How the run is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// A screen if there is a terminal, else plain lines.
    Auto,
    Plain,
    Json,
}

/// What is to be downloaded.
#[derive(Debug, PartialEq)]
pub(crate) enum Source {
    Urls(Vec<Url>),
    /// The server of the example.
    Own {
        count: usize,
        seed: u64,
        fail_rate: f64,
    },
}

/// What the command line asks for.
#[derive(Debug, PartialEq)]
pub(crate) enum Request {
    Help,
    Run(Run),
}

#[derive(Debug, PartialEq)]
pub(crate) struct Run {
    pub(crate) source: Source,
    pub(crate) settings: Settings,
    pub(crate) max_time: Option<Duration>,
    pub(crate) mode: Mode,
}

/// Reads the arguments that follow the name of the program.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut settings = Settings { jobs: 4, attempts: 3, timeout: Duration::from_secs(3) };
    let (mut mode, mut max_time, mut urls) = (Mode::Auto, None, Vec::new());
    let (mut count, mut seed, mut fail_rate) = (None, None, None);
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some(name) = argument.to_str() else { return Err(format!("{argument:?} is not text")) };
        // Called by the options that have a value.
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name {
            "-h" | "--help" => return Ok(Request::Help),
            "--json" if mode != Mode::Plain => mode = Mode::Json,
            "--plain" if mode != Mode::Json => mode = Mode::Plain,
            "--json" | "--plain" => return Err("--json and --plain exclude each other".into()),
            "-j" | "--jobs" => settings.jobs = within(name, value()?, 1..=MOST)?,
            "--attempts" => settings.attempts = within(name, value()?, 1..=1000)?,
            "--timeout" => settings.timeout = seconds(name, value()?)?,
            "--max-time" => max_time = Some(seconds(name, value()?)?),
            "--count" => count = Some(within(name, value()?, 1..=MOST)?),
            "--seed" => seed = Some(within(name, value()?, 0..=u64::MAX)?),
            "--fail-rate" => fail_rate = Some(within(name, value()?, 0.0..=1.0)?),
            _ if name.starts_with('-') => return Err(format!("unknown option {name:?}")),
            _ => urls.push(Url::parse(name).map_err(|error| format!("{name:?}: {error}"))?),
        }
    }
    let source = match (urls.is_empty(), (count, seed, fail_rate)) {
        (false, (None, None, None)) => Source::Urls(urls),
        (false, _) => return Err("--count, --seed and --fail-rate are for the own server, not for a URL".into()),
        (true, _) => {
            Source::Own { count: count.unwrap_or(24), seed: seed.unwrap_or(1), fail_rate: fail_rate.unwrap_or(0.4) }
        }
    };
    Ok(Request::Run(Run { source, settings, max_time, mode }))
}

fn within<T: FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    value: OsString,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, String> {
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{name} is {value:?}, but must be a number from {} to {}", range.start(), range.end()))
}

fn seconds(name: &str, value: OsString) -> Result<Duration, String> {
    within(name, value, 0.001..=1e6).map(Duration::from_secs_f64)
}

#[cfg(test)]
mod tests {
    use super::{Mode, Request, Run, Settings, Source, parse};
    use crate::url::Url;
    use std::time::Duration;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(Into::into))
    }

    fn run(line: &str) -> Run {
        match parsed(line) {
            Ok(Request::Run(run)) => run,
            other => panic!("{line}: {other:?}"),
        }
    }

    #[test]
    fn takes_options_and_addresses_in_any_order() {
        assert_eq!(parsed("http://a --help --json"), Ok(Request::Help));
        let own = run("");
        assert_eq!((own.source, own.mode), (Source::Own { count: 24, seed: 1, fail_rate: 0.4 }, Mode::Auto));
        let own = run("--count 9 --plain --seed 8 --fail-rate 1");
        assert_eq!((own.source, own.mode), (Source::Own { count: 9, seed: 8, fail_rate: 1.0 }, Mode::Plain));
        let urls = run("http://a -j 2 --attempts 3 http://b --timeout 0.5 --json --max-time 60");
        assert_eq!(urls.source, Source::Urls(["http://a", "http://b"].map(|url| Url::parse(url).unwrap()).into()));
        assert_eq!(urls.settings, Settings { jobs: 2, attempts: 3, timeout: Duration::from_millis(500) });
        assert_eq!((urls.max_time, urls.mode), (Some(Duration::from_secs(60)), Mode::Json));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in [
            "--fast",
            "-",
            "a/b",
            "https://a",
            "--json --plain",
            "--plain --json",
            "--jobs",
            "--jobs 0",
            "--jobs two",
            "--jobs -1",
            "--attempts 0",
            "--timeout 0",
            "--timeout NaN",
            "--timeout inf",
            "--count 0",
            "--seed -1",
            "--fail-rate 1.1",
            "--fail-rate NaN",
            "http://a --count 3",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
