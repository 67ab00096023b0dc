//! The dashboard, driven by scripts: what the final line says of each part.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that goes with it. What is searched is in `set`.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("offtick-dashboard-{}-{name}", std::process::id()));
        fs::create_dir_all(path.join("set")).unwrap();
        Self(path)
    }

    /// A file that takes as long to be read as one likes, and no room: a hole.
    fn add_hole(&self) {
        File::create(self.0.join("set/zz")).unwrap().set_len(64 << 30).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _unneeded = fs::remove_dir_all(&self.0);
    }
}

fn run(folder: &Path, script: &str, downloads: u32) -> Output {
    let keys = folder.join("keys");
    fs::write(&keys, script).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_offtick-dashboard"));
    command.arg("--script").arg(keys).args(["--downloads", &downloads.to_string()]);
    command.arg(folder.join("set")).output().unwrap()
}

/// The final line, which is all that it printed.
fn line(output: &Output) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{stdout}{stderr}");
    let line = stdout.strip_suffix('\n').unwrap();
    assert!(line.starts_with('{') && line.ends_with('}') && !line.contains('\n'), "{line}");
    line.to_owned()
}

fn number(line: &str, name: &str) -> f64 {
    let (_, rest) = line.split_once(&format!("\"{name}\":")).unwrap_or_else(|| panic!("no {name} in {line}"));
    let end = rest.find([',', '}']).unwrap();
    rest[..end].parse().unwrap()
}

/// What holds of every run, whatever its script does.
fn check(line: &str) {
    let n = |name: &str| number(line, name);
    assert_eq!(n("downloads_over"), n("downloads_done") + n("downloads_failed") + n("downloads_cancelled"), "{line}");
    assert!(n("downloads_over") <= n("downloads_started"), "{line}");
    assert!(n("searches_shown") + n("searches_dropped") <= n("searches_started"), "{line}");
    assert!(n("job_failures") <= n("job_runs"), "{line}");
    assert!(n("reconnects") <= n("link_losses"), "{line}");
    assert!(n("frames") > 0.0, "{line}");
    for what in ["tick", "frame"] {
        let [p50, p99, max] = ["p50", "p99", "max"].map(|part| n(&format!("{what}_{part}_us")));
        assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{line}");
    }
    assert!(n("tick_max_us") <= n("frame_max_us"), "{line}");
}

#[test]
fn every_part_does_its_work() {
    let folder = Folder::new("parts");
    for number in 0..50 {
        fs::write(folder.0.join(format!("set/{number:02}")), "a needle\n".repeat(30)).unwrap();
    }
    folder.add_hole();
    let script = "
        # A search that finds nothing goes on for long, and is replaced by another.
        until files 51
        type nothing of the kind
        until searches_started 1
        esc
        type needle
        until search_settled 1
        tab
        # The connection is dropped on purpose.
        until link_lines 1
        c
        until reconnects 1
        # Everything fetched, or failed for good.
        until downloads_over 8
        r
        until job_failures 1
        until job_runs 8
        until tasks 3
    ";
    let line = line(&run(&folder.0, script, 8));
    check(&line);
    let n = |name| number(&line, name);
    assert_eq!((n("downloads_started"), n("downloads_cancelled"), n("cancels")), (8.0, 0.0, 0.0), "{line}");
    assert!(n("downloads_done") > 0.0 && n("download_bytes") > 0.0 && n("download_retries") > 0.0, "{line}");
    assert!(n("searches_shown") >= 1.0 && n("searches_dropped") >= 1.0, "{line}");
    // What is shown is of the newest text, and of no older one; 1000 hits are enough.
    assert_eq!((n("search_settled"), n("search_hits")), (1.0, 1000.0), "{line}");
    assert_eq!((n("files"), n("jobs_paused")), (51.0, 0.0), "{line}");
}

#[test]
fn keys_cancel_tasks_and_pause_jobs() {
    let folder = Folder::new("cancels");
    // A row may be over by the time its key comes; those that are left to be chosen are ever slower ones.
    let presses = "x\nframes 20\n".repeat(20);
    let script = format!(
        "tab\np\nuntil jobs_paused 4\nuntil tasks_to_cancel 1\n{presses}+\n-\nd\nX\nuntil downloads_over 400\nq\n"
    );
    let line = line(&run(&folder.0, &script, 200));
    check(&line);
    let n = |name| number(&line, name);
    assert_eq!((n("downloads_started"), n("downloads_over"), n("jobs_paused")), (400.0, 400.0, 4.0), "{line}");
    // Those that had their turn before the key came are few: the slow ones hold the others up.
    assert!(n("downloads_cancelled") >= 100.0 && n("cancels") >= n("downloads_cancelled"), "{line}");
}

#[test]
fn it_ends_while_everything_is_under_way() {
    let folder = Folder::new("end");
    folder.add_hole();
    let line = line(&run(&folder.0, "until files 1\ntype slow\nuntil searches_started 1\n", 24));
    check(&line);
    assert_eq!((number(&line, "searches_started"), number(&line, "searches_shown")), (1.0, 0.0), "{line}");
}

#[test]
fn what_is_wrong_is_said() {
    let folder = Folder::new("wrong");
    for (script, says) in [("no such key", "line 1 of the script"), ("until nothing 1", "there is no count")] {
        let output = run(&folder.0, script, 0);
        assert_eq!(output.status.code(), Some(1));
        assert!(String::from_utf8_lossy(&output.stderr).contains(says), "{output:?}");
    }
    for (argument, code) in [("--fast", 2), (".", 1)] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offtick-dashboard"));
        assert_eq!(command.arg(argument).output().unwrap().status.code(), Some(code), "{argument}");
    }
}
