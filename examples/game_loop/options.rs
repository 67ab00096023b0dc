//! The command line.

use crate::keys::Key;
use crate::loading::Source;
use std::ffi::OsString;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

/// What `--help` prints.
pub(crate) const HELP: &str = "\
A thief among guards: a game at 60 frames a second whose scripts are futures in game time.

Usage: game_loop [OPTIONS]

  --level FILE     plays this map, and then the next one given (three made-up ones); see levels/yard.txt
  --seed S         chooses the maps and what the guards do: the same for the same number (1)
  --script KEYS    presses these keys, one every 100 ms, and ends; `.` is no key
  --frames N       ends after so many frames
  --fps F          frames a second, 10 to 1000 (60)
  --fast           does not wait for the time of a frame
  --budget MICROS  what a frame may spend on scripts (2000)
  --hog MICROS     makes each step of a guard take that long: see what the budget does (0)
  --json           print only the line of JSON at the end
  --plain          print plain lines even in a terminal
  -h, --help       print this

Keys: arrows or h j k l walk, `a` lets the thief choose for itself (as it does at first), `p` or space pauses, `n` steps
by one frame while paused, `s` is slow motion, `q` or Ctrl-C ends.

With --script, --frames or --fast, and without a terminal, each frame takes exactly its part of a second of game time,
and the hash at the end depends on nothing but levels, seed, keys and length: not on the machine, nor on F.

Exit codes: 0 played; 1 a level that cannot be loaded; 2 wrong usage.
";

/// Levels that are made up.
const OWN_LEVELS: usize = 3;

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
    Play(Play),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Play {
    pub(crate) levels: Vec<Source>,
    pub(crate) seed: u64,
    pub(crate) script: Option<Vec<Key>>,
    pub(crate) frames: Option<u64>,
    pub(crate) fps: u32,
    pub(crate) fast: bool,
    pub(crate) budget: Duration,
    pub(crate) hog: Duration,
    pub(crate) mode: Mode,
}

/// Reads the arguments that follow the name of the program.
///
/// # Errors
/// A sentence for the user.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, String> {
    let mut play = Play {
        levels: Vec::new(),
        seed: 1,
        script: None,
        frames: None,
        fps: 60,
        fast: false,
        budget: Duration::from_millis(2),
        hog: Duration::ZERO,
        mode: Mode::Auto,
    };
    let mut arguments = arguments.into_iter();
    while let Some(argument) = arguments.next() {
        let Some(name) = argument.to_str() else { return Err(format!("unknown option {argument:?}")) };
        // Called by the options that have a value.
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        match name {
            "-h" | "--help" => return Ok(Request::Help),
            "--json" if play.mode != Mode::Plain => play.mode = Mode::Json,
            "--plain" if play.mode != Mode::Json => play.mode = Mode::Plain,
            "--json" | "--plain" => return Err("--json and --plain exclude each other".into()),
            "--level" => play.levels.push(Source::File(PathBuf::from(value()?))),
            "--seed" => play.seed = within(name, value()?, 0..=u64::MAX)?,
            "--script" => play.script = Some(keys(value()?)?),
            "--frames" => play.frames = Some(within(name, value()?, 1..=100_000_000)?),
            "--fps" => play.fps = within(name, value()?, 10..=1000)?,
            "--fast" => play.fast = true,
            // A budget of nothing would do nothing.
            "--budget" => play.budget = Duration::from_micros(within(name, value()?, 1..=1_000_000)?),
            "--hog" => play.hog = Duration::from_micros(within(name, value()?, 0..=1_000_000)?),
            _ => return Err(format!("unknown option {name:?}")),
        }
    }
    if play.levels.is_empty() {
        play.levels = (0..OWN_LEVELS).map(|number| Source::Generated { seed: play.seed, number }).collect();
    }
    Ok(Request::Play(play))
}

fn keys(script: OsString) -> Result<Vec<Key>, String> {
    let text = script.to_str().ok_or_else(|| format!("{script:?} is not text"))?;
    text.chars().map(|key| Key::of_char(key).ok_or_else(|| format!("--script: {key:?} is no key"))).collect()
}

fn within<T: FromStr + PartialOrd + std::fmt::Display>(
    name: &str,
    value: OsString,
    range: std::ops::RangeInclusive<T>,
) -> Result<T, String> {
    let number = value.to_str().and_then(|text| text.parse().ok()).filter(|number| range.contains(number));
    number.ok_or_else(|| format!("{name} is {value:?}, but must be a number from {} to {}", range.start(), range.end()))
}

#[cfg(test)]
mod tests {
    use super::{Key, Mode, Play, Request, Source, parse};
    use std::time::Duration;

    fn parsed(line: &str) -> Result<Request, String> {
        parse(line.split_whitespace().map(Into::into))
    }

    #[test]
    fn takes_options_in_any_order() {
        assert_eq!(parsed("--fast --help --fps"), Ok(Request::Help));
        let Ok(Request::Play(play)) = parsed("--seed 7") else { panic!("it is right") };
        assert_eq!(play.levels.len(), 3);
        assert_eq!(play.levels[2], Source::Generated { seed: 7, number: 2 });
        let line = "--level a --json --script .p --budget 100 --level b --frames 9 --fps 30 --fast --hog 5";
        let expected = Play {
            levels: ["a", "b"].map(|path| Source::File(path.into())).into(),
            seed: 1,
            script: Some(vec![Key::Nothing, Key::Pause]),
            frames: Some(9),
            fps: 30,
            fast: true,
            budget: Duration::from_micros(100),
            hog: Duration::from_micros(5),
            mode: Mode::Json,
        };
        assert_eq!(parsed(line), Ok(Request::Play(expected)));
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        for line in [
            "--quick",
            "-",
            "a",
            "--json --plain",
            "--level",
            "--seed -1",
            "--script",
            "--script hjkl?",
            "--frames 0",
            "--frames many",
            "--fps 9",
            "--fps 1001",
            "--budget 0",
            "--hog -1",
        ] {
            assert!(parsed(line).is_err(), "{line}");
        }
    }
}
