//! The zone of the machine, in child processes with a `TZ` of their own: its name, its changes, and zones that are unknown.
#![cfg(all(feature = "cron", unix, not(target_os = "android")))]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, Local, NaiveTime, Utc};
use offtick::schedule::{Cron, Trigger, Zone, ZoneError};
use offtick::time::WallClock;
use offtick::{LocalRuntime, ScheduleError, Scheduler, TaskManager};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// Names the case that a child runs.
const CASE: &str = "OFFTICK_ZONE_CASE";

/// The file that `TZ` of a child names.
const FILE: &str = "OFFTICK_ZONE_FILE";

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";

const CASES: &[(&str, fn())] = &[
    ("name", || {
        assert!(Zone::local().check().is_ok());
        assert_eq!(Zone::local().to_string(), BERLIN);
        assert_eq!(format!("{:?}", Zone::new(Local)), format!("Zone(local, {BERLIN})"));
        let nine = Trigger::daily_at(NaiveTime::from_hms_opt(9, 0, 0).unwrap(), Zone::default());
        assert_eq!(nine.next_after(utc("2026-07-01T00:00:00Z")), Some(utc("2026-07-01T07:00:00Z")));
        assert_eq!(nine.to_string(), format!("daily at 09:00:00 ({BERLIN})"));
    }),
    ("unknown", || {
        let error = Zone::local().check().unwrap_err();
        assert_eq!(error, ZoneError::Unknown { tz: "Mars/Base".into() });
        assert_eq!(Zone::local().to_string(), "UTC, because TZ=Mars/Base is unknown");
        let nine = Trigger::cron(Cron::parse("0 9 * * *").unwrap(), Zone::local());
        assert_eq!(nine.next_after(utc("2026-07-01T00:00:00Z")), Some(utc("2026-07-01T09:00:00Z")));
        assert!(Zone::new(chrono_tz::Europe::Berlin).check().is_ok());
        let rt = LocalRuntime::new().unwrap();
        let scheduler = Scheduler::new(&TaskManager::new(rt.handle()));
        let refused = scheduler.cron("0 9 * * *").spawn(|_cx| async {});
        assert_eq!(refused.unwrap_err(), ScheduleError::Zone(error));
        assert!(scheduler.cron("0 9 * * *").zone(chrono_tz::Europe::Berlin).spawn(|_cx| async {}).is_ok());
    }),
    ("travel", || {
        let nine = Trigger::cron(Cron::parse("0 9 * * *").unwrap(), Zone::new(Local));
        let next = || nine.next_after(utc("2026-07-01T00:00:00Z")).unwrap().to_rfc3339();
        assert_eq!(next(), "2026-07-01T07:00:00+00:00");
        install(NEW_YORK);
        assert!(Zone::local().check().is_ok());
        assert_eq!(next(), "2026-07-01T13:00:00+00:00");
        // A file that is not whole: the zone that was read stays.
        std::fs::write(std::env::var(FILE).unwrap(), "TZif").unwrap();
        assert!(matches!(Zone::local().check(), Err(ZoneError::Unreadable { .. })));
        assert_eq!(next(), "2026-07-01T13:00:00+00:00");
        install(BERLIN);
        assert!(Zone::local().check().is_ok());
        assert_eq!(next(), "2026-07-01T07:00:00+00:00");
    }),
    ("job", || {
        let wall = WallClock::manual(utc("2026-07-01T12:00:00Z"));
        let rt = LocalRuntime::new().unwrap();
        let scheduler = Scheduler::with_wall_clock(&TaskManager::new(rt.handle()), wall.clone());
        let job = scheduler.cron("0 9 * * *").spawn(|cx| async move { cx.due() }).unwrap();
        let look = |reading: &str| {
            wall.set(utc(reading));
            rt.run_until_stalled().unwrap();
        };
        look("2026-07-01T12:01:00Z");
        assert_eq!(job.next_run_at(), Some(utc("2026-07-02T07:00:00Z").into()));
        install(NEW_YORK);
        look("2026-07-01T12:02:00Z");
        // 09:00 in New York, on the same day still.
        assert_eq!(job.next_run_at(), Some(utc("2026-07-01T13:00:00Z").into()));
        look("2026-07-01T13:00:00Z");
        look("2026-07-02T07:00:00Z");
        assert_eq!(job.counts().runs, 1, "03:00 in New York");
        look("2026-07-02T13:00:00Z");
        assert_eq!(job.counts().runs, 2);
    }),
];

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

/// Puts a zone into the file, as an installer does.
fn install(rule: &str) {
    let path = PathBuf::from(std::env::var(FILE).unwrap());
    std::fs::write(path.with_extension("new"), zone_data(rule)).unwrap();
    std::fs::rename(path.with_extension("new"), path).unwrap();
}

/// Zone data without changes, and with a rule for all time.
fn zone_data(rule: &str) -> Vec<u8> {
    let mut part = b"TZif2".to_vec();
    part.extend([0; 15]);
    part.extend([0_u32, 0, 0, 0, 1, 4].iter().flat_map(|count| count.to_be_bytes()));
    part.extend([0; 6]);
    part.extend(b"UTC\0");
    let mut data = [part.clone(), part].concat();
    data.extend(format!("\n{rule}\n").bytes());
    data
}

#[test]
#[ignore = "runs in the children of the tests below"]
fn child() {
    let case = std::env::var(CASE).expect("a case is given");
    let (_, run) = CASES.iter().find(|(name, _)| *name == case).expect("it is in the table");
    run();
    println!("passed {case}");
}

/// Runs a case with a value of `TZ`.
fn passes(case: &str, tz: &str, file: &str) {
    let test = std::env::current_exe().expect("this test has a path");
    let output = Command::new(test)
        .args(["child", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(CASE, case)
        .env(FILE, file)
        .env("TZ", tz)
        .stdin(Stdio::null())
        .output()
        .expect("this test can be run");
    let (shown, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(shown.contains(&format!("passed {case}")), "{shown}{errors}");
}

#[test]
fn the_zone_has_its_own_name() {
    passes("name", BERLIN, "");
}

#[test]
fn an_unknown_zone_is_reported() {
    passes("unknown", "Mars/Base", "");
}

/// A folder with a zone file.
struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let folder = std::env::temp_dir().join(format!("offtick-zone-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("zone"), zone_data(BERLIN)).unwrap();
        Self(folder)
    }

    fn file(&self) -> String {
        self.0.join("zone").to_str().unwrap().to_owned()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

#[test]
fn a_change_of_the_zone_moves_triggers() {
    let place = Place::new("triggers");
    passes("travel", &format!(":{}", place.file()), &place.file());
}

#[test]
fn a_change_of_the_zone_moves_jobs() {
    let place = Place::new("jobs");
    passes("job", &format!(":{}", place.file()), &place.file());
}
