//! Runs `examples/game_loop` by scripts of keys: what pause, slow motion and single steps do to game time, and that the
//! outcome is a matter of the seed and the keys alone.

#[path = "common/example.rs"]
mod example;
#[path = "common/temporary.rs"]
mod temporary;

use std::collections::HashMap;
use std::io;
use std::process::Output;
use temporary::Temporary;

/// Runs it without waiting for the time of a frame.
fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    example::command("game_loop").arg("--fast").args(arguments).output().expect("the example was built and runs")
}

/// The line of JSON: flat, numbers and words, in the order that is promised.
#[derive(Debug)]
struct Line(HashMap<String, String>);

impl Line {
    fn of(output: &Output) -> Self {
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let promised = "frames loading_frames polls fired overruns worst_overrun_us behind tick_p50_us tick_p99_us \
                        tick_max_us outcome level coins lives game_ms hash elapsed_ms";
        let fields = example::last_line(output, promised);
        Self(fields.into_iter().map(|(name, value)| (name.to_owned(), value.trim_matches('"').to_owned())).collect())
    }

    /// Of a run with these arguments, given as words.
    fn from(arguments: &str) -> Self {
        Self::of(&run(["--json"].into_iter().chain(arguments.split_whitespace())))
    }

    fn text(&self, name: &str) -> &str {
        &self.0[name]
    }

    fn number(&self, name: &str) -> u64 {
        self.text(name).parse().expect("a whole number")
    }
}

/// The game time of a script of keys, in milliseconds.
fn game_ms(keys: &str) -> u64 {
    Line::from(&format!("--script {keys}")).number("game_ms")
}

#[test]
fn a_script_is_a_tenth_of_a_second_a_key() {
    let line = Line::from("--script ..........");
    assert_eq!((line.number("game_ms"), line.number("frames")), (1000, 60));
    assert_eq!(line.text("outcome"), "open");
    assert_eq!(game_ms("...q......"), 300, "q ends, before its frame");
}

#[test]
fn pause_stops_game_time() {
    let line = Line::from("--script p.........");
    assert_eq!((line.number("game_ms"), line.number("frames"), line.number("coins")), (0, 60, 0));
    assert_eq!(game_ms("....p....p...."), 900);
}

#[test]
fn slow_motion_is_a_quarter_of_the_speed() {
    assert_eq!(game_ms("s........."), 250);
    assert_eq!(game_ms("....s....s...."), 400 + 125 + 500);
}

#[test]
fn single_steps_go_on_by_a_frame_each() {
    assert_eq!(game_ms("pn.n.n...."), 49, "three times a sixtieth of a second");
    assert_eq!(game_ms("n........."), 1000, "only while paused");
    assert_eq!(game_ms("spn......."), 100 / 4 + 16, "at full speed");
    let line = Line::from("--script pn.n.n.... --fps 200");
    assert_eq!(line.number("game_ms"), 49, "however long the frames are");
}

/// The same second of the game: in frames of any length, on a machine that keeps up and on one that does not.
#[test]
fn the_same_seed_and_keys_have_the_same_hash() {
    for game in [
        "--seed 1",
        "--seed 2 --script ll..jj..p....ss.pn...nnp.s..a.........kkhh......",
        // Keys at the very moments at which the thief steps: each 600 ms.
        "--seed 1 --script ......h.....a.....h.....a...........h......",
    ] {
        let length =
            |fps: u64| if game.contains("--script") { String::new() } else { format!("--frames {}", fps * 20) };
        let hash = |fps: u64, more: &str| {
            let line = Line::from(&format!("{game} --fps {fps} {} {more}", length(fps)));
            (line.text("hash").to_owned(), line.number("coins"), line.number("game_ms"))
        };
        let first = hash(60, "");
        assert!(first.2 > 0, "time passed");
        for fps in [10, 20, 50, 120, 1000] {
            assert_eq!(hash(fps, ""), first, "{game} at {fps}");
        }
        assert_eq!(hash(60, "--hog 300 --budget 50"), first, "{game} with late frames");
        for fps in [10, 20] {
            assert_eq!(hash(fps, "--budget 1"), first, "{game} with a poll a frame, at {fps}");
        }
    }
    assert_eq!(Line::from("--seed 7 --frames 1200").text("hash"), "fb92426f7bc603bd", "on every kind of processor");
    let whole = |more| Line::from(more).text("hash").to_owned();
    assert_eq!(whole("--fps 60"), whole("--fps 13"), "to the end, over the loading of levels");
    assert_ne!(whole("--frames 600 --seed 1"), whole("--frames 600 --seed 3"));
    assert_ne!(whole("--script ............"), whole("--script .....llll..."));
}

#[test]
fn what_a_frame_takes_beyond_its_budget_is_counted() {
    let line = Line::from("--frames 600 --hog 300 --budget 100");
    // Each step of a guard is over the budget by itself; two guards walk for ten seconds.
    assert!(line.number("overruns") >= 20, "{line:?}");
    assert!(line.number("worst_overrun_us") >= 200, "{line:?}");
    assert!(line.number("behind") <= line.number("overruns"), "{line:?}");
    assert!(line.number("overruns") <= line.number("frames") + line.number("loading_frames") + 600, "{line:?}");
    assert_eq!(line.number("game_ms"), 10_000, "and nothing is lost");
}

#[test]
fn the_thief_goes_where_the_keys_say() {
    let map = Temporary::new("corridor", "######\n#@  $#\n######\n");
    let played = |keys: &str| Line::from(&format!("--level {} --script {keys}", map.path()));
    let line = played("h.........");
    assert_eq!((line.text("outcome"), line.number("coins")), ("open", 0), "into a wall");
    let line = played("h....l....");
    assert_eq!((line.text("outcome"), line.number("coins"), line.number("level")), ("won", 1, 1));
    assert_eq!(played("h....a....").text("outcome"), "won", "by itself");
    assert_eq!(played("h....la...").text("outcome"), "won");
    assert_eq!(played("hp...l....").text("outcome"), "open", "paused");
    assert_eq!(played("hp...lp......").text("outcome"), "won", "the key counts when time goes on");
}

#[test]
fn levels_follow_one_another_and_a_thief_has_three_lives() {
    let (easy, deadly) = (Temporary::new("easy", "@ $"), Temporary::new("deadly", "@    G $"));
    let line = Line::from(&format!("--level {0} --level {0} --level {0}", easy.path()));
    assert_eq!((line.text("outcome"), line.number("level"), line.number("coins")), ("won", 3, 3));
    assert_eq!(line.number("game_ms") / 100, 7, "two steps of 120 ms in each");
    let line = Line::from(&format!("--level {} --level {}", easy.path(), deadly.path()));
    assert_eq!((line.text("outcome"), line.number("level"), line.number("lives")), ("lost", 2, 0));
}

#[test]
fn the_level_of_the_repository_can_be_played() {
    let yard = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/game_loop/levels/yard.txt");
    let output = run(["--plain", "--frames", "300", "--level", yard]);
    let line = Line::of(&output);
    assert_eq!((line.number("level"), line.number("frames")), (1, 300));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("ticks by their time") && text.contains("µs  █"), "{text}");
}

#[test]
fn levels_that_cannot_be_loaded_are_told() {
    let (odd, shut) = (Temporary::new("odd", "@ $\n x"), Temporary::new("shut", "@#$"));
    for (path, told) in [
        (odd.path(), "line 2, column 2: 'x' means nothing"),
        (shut.path(), "line 1, column 3: no way leads"),
        ("/no/such/level", "/no/such/level: "),
    ] {
        let output = run(["--json", "--level", path]);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(told) && said.matches("task").count() == 0, "{said}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
}

#[test]
fn wrong_usage_ends_with_code_2() {
    for arguments in [
        &["--quick"][..],
        &["-"],
        &["map"],
        &["--json", "--plain"],
        &["--level"],
        &["--script", "?"],
        &["--fps", "1"],
        &["--budget", "0"],
        &["--frames", "0"],
    ] {
        let output = run(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
    let help = run(["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: game_loop"), "{help:?}");
}

#[test]
fn nobody_reading_is_no_panic() {
    for arguments in ["--help", "--json --frames 60", "--plain --frames 60", "--quick"] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = example::command("game_loop");
        command.arg("--fast").args(arguments.split(' ')).stdout(writer.try_clone().unwrap()).stderr(writer);
        let code = command.status().unwrap().code();
        assert_eq!(code, Some(if arguments == "--quick" { 2 } else { 0 }), "{arguments}");
    }
}

/// In a terminal of its own, which `script` of util-linux makes, where there is one.
#[test]
#[cfg(target_os = "linux")]
fn keys_in_a_terminal_pause_and_end() {
    use std::io::{Read, Write};
    use std::process::{Command, Stdio};

    let example = example::command("game_loop").get_program().to_string_lossy().into_owned();
    let mut script = Command::new("script");
    let line = format!("stty cols 100 rows 30; exec '{example}'");
    script.args(["--quiet", "--return", "--command", &line, "/dev/null"]).env("TERM", "xterm");
    script.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut child) = script.spawn() else { return };
    let mut keys = child.stdin.take().expect("it is piped");
    let mut screen = child.stdout.take().expect("it is piped");
    let (mut seen, mut chunk) = (Vec::new(), [0; 4096]);
    // Looks on until this is painted; the game ends by itself sooner or later.
    let mut wait_for = |text: &str| {
        seen.clear();
        while !String::from_utf8_lossy(&seen).contains(text) {
            let read = screen.read(&mut chunk).expect("it can be read");
            assert_ne!(read, 0, "it ended without {text}: {}", String::from_utf8_lossy(&seen));
            seen.extend_from_slice(&chunk[..read]);
        }
    };
    wait_for("level 1   coins left");
    keys.write_all(b"s").unwrap();
    wait_for("slow motion");
    keys.write_all(b"p").unwrap();
    wait_for("paused");
    keys.write_all(b"q").unwrap();
    wait_for("ticks by their time");
    let output = child.wait_with_output().expect("it runs");
    drop(keys);
    assert!(output.status.success(), "{output:?}");
}
