//! Runs `examples/embedded_loop` on records with gaps and garbage, in simulated time, and on a file that stands for a
//! sensor.

#[path = "common/example.rs"]
mod example;
#[path = "common/temporary.rs"]
mod temporary;

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::process::{Output, Stdio};
use temporary::Temporary;

fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Output {
    example::command("embedded_loop").args(arguments).output().expect("the example was built and runs")
}

/// Feeds a record to the standard input.
fn replay(arguments: &[&str], record: &[u8]) -> Output {
    let mut command = example::command("embedded_loop");
    command.args(arguments).arg("-").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the example was built");
    child.stdin.take().expect("it is piped").write_all(record).expect("it reads to the end");
    child.wait_with_output().expect("it runs")
}

/// The fields of the line of JSON, in the order that is promised: flat, numbers and one word.
fn fields_of(output: &Output) -> HashMap<String, String> {
    let promised = "samples rejected state transitions faults idle_ms heating_ms cooling_ms fault_ms ticks polls overruns \
                    tick_p50_us tick_p99_us tick_max_us elapsed_ms";
    let fields: Vec<(&str, &str)> =
        example::last_line(output, promised).into_iter().map(|(name, value)| (name, value.trim_matches('"'))).collect();
    for (name, value) in &fields {
        assert!(*name == "state" || value.parse::<f64>().is_ok_and(|number| number >= 0.0), "{name}: {value}");
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// Asserts some fields of the line, given as `name=value` words.
#[track_caller]
fn assert_fields(output: &Output, expected: &str) {
    let fields = fields_of(output);
    for word in expected.split_whitespace() {
        let (name, value) = word.split_once('=').expect("name=value");
        assert_eq!(fields[name], value, "{name} of {output:?}");
    }
}

/// What the program said of each change of state.
fn transitions(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines().filter(|line| line.contains("->")).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn it_heats_and_cools_with_a_hysteresis() {
    let record = b"0,20\n10,18.9\n20,20\n30,21.0\n40,21.1\n50,25\n60,25.1\n70,23\n80,22.9\n";
    let output = replay(&[], record);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_eq!(
        transitions(&output),
        [
            "10.000 s  idle -> heating",
            "40.000 s  heating -> idle",
            "60.000 s  idle -> cooling",
            "80.000 s  cooling -> idle"
        ]
    );
    assert_fields(&output, "samples=9 rejected=0 state=idle transitions=4 faults=0 elapsed_ms=80000");
    assert_fields(&output, "idle_ms=30000 heating_ms=30000 cooling_ms=20000 fault_ms=0");
}

#[test]
fn the_compressor_rests_before_it_starts_again() {
    // Off at 20 s, so not on before 200 s, though it is hot all the time.
    let mut record = String::from("0,20\n10,26\n20,22\n");
    for second in (30..=220).step_by(10) {
        record += &format!("{second},30\n");
    }
    let output = replay(&[], record.as_bytes());
    assert_eq!(
        transitions(&output),
        ["10.000 s  idle -> cooling", "20.000 s  cooling -> idle", "200.000 s  idle -> cooling"]
    );
}

#[test]
fn the_watchdog_fires_on_silence_and_three_readings_end_it() {
    let record = b"0,18\n10,18\n100,18\n105,18\n140,18\n150,18\n160,18\n170,18\n";
    let output = replay(&[], record);
    assert_eq!(
        transitions(&output),
        [
            "0.000 s  idle -> heating",
            "40.000 s  heating -> fault",
            // 100 and 105 were two in a row; 35 s of silence made them count for nothing.
            "160.000 s  fault -> idle",
            "170.000 s  idle -> heating"
        ]
    );
    assert_fields(&output, "faults=1 fault_ms=120000 state=heating");

    let output = replay(&["--silence", "5", "--until", "20"], b"0,20\n4.5,20\n9,20\n");
    assert_eq!(transitions(&output), ["14.000 s  idle -> fault"], "the end of the record is silence");
    assert_fields(&output, "samples=3 state=fault elapsed_ms=20000 fault_ms=6000");
}

#[test]
fn garbage_is_told_counted_and_left_out() {
    let record = b"# a comment\n\n0,20\nnonsense\n10,\n15,\xFF\xFE\n20,NaN\n30,500\n5,-20\n1,20\n40,18\r\n";
    let output = replay(&["--silence", "100"], record);
    assert!(output.status.success(), "{output:?}");
    assert_fields(&output, "samples=3 rejected=6 state=heating elapsed_ms=40000");
    let told = String::from_utf8_lossy(&output.stderr);
    for line in [4, 5, 6, 7, 8, 10] {
        assert!(told.contains(&format!("line {line}: ")), "{line} in {told}");
    }
}

#[test]
fn nothing_to_go_by_is_a_failure_that_ends() {
    for record in [&b""[..], b"\n\n# nothing\n", b"nonsense"] {
        let output = replay(&["--until", "3600"], record);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        assert_fields(&output, "samples=0 state=fault faults=1 fault_ms=3570000 elapsed_ms=3600000");
        assert_fields(&replay(&[], record), "samples=0 state=idle elapsed_ms=0");
    }
}

#[test]
fn a_record_is_the_same_from_a_file_and_every_time() {
    let made = run(["--generate", "720", "--seed", "1"]);
    let file = Temporary::new("record", std::str::from_utf8(&made.stdout).unwrap());
    // The columns after these are of real time.
    let outcome = |output: &Output| {
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.split("\"ticks\"").next().unwrap().to_owned()
    };
    let first = outcome(&run([file.path()]));
    assert_eq!(first, outcome(&run([])));
    assert_eq!(first, outcome(&replay(&[], &made.stdout)));
    assert_ne!(first, outcome(&run(["--seed", "2"])));
    assert_fields(&run(["--json"]), "samples=707 rejected=1 faults=1 elapsed_ms=7190000");
    assert!(transitions(&run(["--json"])).is_empty());
}

#[test]
fn a_day_of_silence_costs_one_deadline() {
    let output = replay(&["--json", "--until", "86400"], b"0,20\n");
    let fields = fields_of(&output);
    assert_eq!(fields["elapsed_ms"], "86400000");
    // One that waits for the watchdog again and again; not one a millisecond.
    assert!(fields["ticks"].parse::<u64>().unwrap() <= 86400 / 30 + 5, "{fields:?}");
}

#[test]
fn a_sensor_of_the_system_is_read_in_real_time() {
    let sensor = Temporary::new("sensor", "17500\n");
    let run = |more: &[&str]| {
        let arguments = ["--sensor", sensor.path(), "--period", "0.02", "--json"];
        run(arguments.into_iter().chain(more.iter().copied()))
    };
    let output = run(&["--milli", "--time", "0.1"]);
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    assert_fields(&output, "state=heating rejected=0 faults=0");

    // 17500 degrees are no temperature: a sensor without a reading is a silent one.
    let output = run(&["--time", "0.2", "--silence", "0.05"]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_fields(&output, "samples=0 state=fault faults=1");
    assert_ne!(fields_of(&output)["rejected"], "0");
}

#[test]
#[cfg(target_os = "linux")]
fn there_is_one_thread() {
    use std::io::{BufRead, BufReader};

    let sensor = Temporary::new("one-thread", "10\n");
    let mut command = example::command("embedded_loop");
    command.args(["--sensor", sensor.path(), "--time", "600"]).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the example was built");
    let mut line = String::new();
    BufReader::new(child.stdout.take().expect("it is piped")).read_line(&mut line).expect("it is text");
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).expect("it runs").count();
    child.kill().expect("it runs");
    child.wait().expect("it is ours");
    assert!(line.ends_with("idle -> heating\n"), "{line}");
    assert_eq!(threads, 1);
}

#[test]
fn what_cannot_be_read_is_told() {
    for arguments in [&["/no/such/file"][..], &["--sensor", "/no/such/file"], &["--sensor", "."], &["."]] {
        let output = run(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
}

#[test]
fn wrong_usage_ends_with_code_2() {
    for arguments in
        [&["--fast"][..], &["a", "b"], &["--until"], &["--until", "soon"], &["--milli"], &["--sensor", "a", "b"]]
    {
        let output = run(arguments.iter().copied());
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty() && !output.stderr.is_empty(), "{arguments:?}: {output:?}");
    }
    let help = run(["--help"]);
    assert!(help.status.success());
    assert!(String::from_utf8_lossy(&help.stdout).contains("Usage: embedded_loop"), "{help:?}");
}

#[test]
fn nobody_reading_is_no_panic() {
    for arguments in [&["--help"][..], &["--json"], &[], &["--generate", "10000"], &["--fast"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let mut command = example::command("embedded_loop");
        command.args(arguments).stdout(writer.try_clone().unwrap()).stderr(writer);
        let code = command.status().unwrap().code();
        assert_eq!(code, Some(if arguments == ["--fast"] { 2 } else { 0 }), "{arguments:?}");
    }
}
