//! Jobs after a restart: what was missed while the program was off runs once, by a store or a given last run.
#![cfg(feature = "cron")]
#![allow(clippy::unwrap_used, reason = "helpers of tests unwrap as tests do")]

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use chrono_tz::Europe::Berlin;
use offtick::schedule::{Cron, FileStore, JobStore, MemoryStore, SearchError, StoreError, Trigger, Zone};
use offtick::time::{Clock, ManualWallClock, WallClock};
use offtick::{Job, LocalBuilder, LocalRuntime, ScheduleError, Scheduler, Status, TaskError, TaskManager};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

type Log = Arc<Mutex<Vec<String>>>;

/// One process of a program: its runtime, its scheduler, and a log of the due times of its runs.
struct Process {
    rt: LocalRuntime,
    wall: ManualWallClock,
    scheduler: Scheduler,
    due: Log,
    errors: Log,
}

impl Process {
    fn start(at: &str) -> Self {
        let errors = Log::default();
        let log = Arc::clone(&errors);
        let note = move |_: &offtick::TaskInfo, error: &TaskError| log.lock().unwrap().push(format!("{error:#}"));
        let rt = LocalBuilder::new().clock(Clock::manual()).on_unhandled_error(note).build().unwrap();
        let wall = WallClock::manual(utc(at));
        let scheduler = Scheduler::with_wall_clock(&TaskManager::new(rt.handle()), wall.clone());
        Self { rt, wall, scheduler, due: Log::default(), errors }
    }

    fn settle(&self) {
        self.rt.run_until_stalled().unwrap();
    }

    fn look(&self, reading: &str) {
        self.wall.set(utc(reading));
        self.settle();
    }

    /// Ticks until a condition holds that a pool thread makes true.
    fn wait(&self, mut holds: impl FnMut() -> bool) {
        while !holds() {
            self.settle();
            std::thread::yield_now();
        }
    }

    /// Adds the job `backup`, every day at 02:30 in Berlin, which has `store`.
    fn backup(&self, store: &Arc<impl JobStore>) -> Job {
        let log = Arc::clone(&self.due);
        let daily = self.scheduler.cron("30 2 * * *").zone(Berlin).id("backup").store(store.clone());
        let note = move |event: &offtick::scheduler::JobEvent| log.lock().unwrap().push(show(event.due().unwrap()));
        let job = daily.on_run(note).spawn(|_cx| async {}).unwrap();
        self.settle();
        job
    }

    fn due(&self) -> Vec<String> {
        std::mem::take(&mut *self.due.lock().unwrap())
    }
}

fn utc(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).unwrap().to_utc()
}

fn show(at: SystemTime) -> String {
    DateTime::<Utc>::from(at).format("%m-%d %H:%M").to_string()
}

fn last(store: &impl JobStore) -> Option<String> {
    store.last_run("backup").unwrap().map(show)
}

#[test]
fn a_daily_job_that_was_missed_runs_once() {
    let store = Arc::new(MemoryStore::new());
    let first = Process::start("2026-07-01T12:00:00Z");
    let job = first.backup(&store);
    assert_eq!((first.due().len(), last(&store)), (0, None), "the first start has nothing to make up for");
    first.look("2026-07-02T00:30:00Z");
    assert_eq!(first.due(), ["07-02 00:30"]);
    first.wait(|| last(&store).as_deref() == Some("07-02 00:30"));
    assert_eq!(job.counts().runs, 1);
    drop(first);

    // Off for three nights and a half.
    let second = Process::start("2026-07-05T14:00:00Z");
    let job = second.backup(&store);
    assert_eq!(second.due(), ["07-05 00:30"]);
    assert_eq!((job.counts().runs, job.counts().coalesced, job.counts().missed), (1, 2, 0));
    assert_eq!(job.next_run_at().map(show).as_deref(), Some("07-06 00:30"));
    second.wait(|| last(&store).as_deref() == Some("07-05 00:30"));
    drop(second);

    // Off for an hour in which nothing was due.
    let third = Process::start("2026-07-05T15:00:00Z");
    let job = third.backup(&store);
    assert_eq!((third.due().len(), job.counts().runs), (0, 0));
    third.look("2026-07-06T00:30:00Z");
    assert_eq!(third.due(), ["07-06 00:30"]);
}

#[test]
fn a_last_run_that_lies_ahead_is_a_clock_that_was_wrong() {
    for (recorded, now, next) in [
        // By less than three hours: a fixed time is not repeated.
        ("2026-07-02T00:30:00Z", "2026-07-01T23:30:00Z", "07-03 00:30"),
        // By years: the job follows the clock.
        ("2036-07-02T00:30:00Z", "2026-07-01T23:30:00Z", "07-02 00:30"),
    ] {
        let store = Arc::new(MemoryStore::new());
        store.record("backup", utc(recorded).into()).unwrap();
        let process = Process::start(now);
        let job = process.backup(&store);
        assert_eq!((process.due().len(), job.next_run_at().map(show).as_deref()), (0, Some(next)), "{recorded}");
    }
}

#[test]
fn each_missed_slot_runs_without_coalescing() {
    let process = Process::start("2026-07-05T14:00:00Z");
    let daily = process.scheduler.cron("30 2 * * *").zone(Berlin).coalesce(false);
    let job = daily.since(SystemTime::from(utc("2026-07-02T00:30:00Z"))).spawn(|cx| async move { cx.due() }).unwrap();
    process.wait(|| job.counts().runs == 3);
    assert_eq!((job.counts().runs, job.counts().missed), (3, 0));
}

#[test]
fn every_kind_of_job_can_catch_up() {
    let now = "2026-07-05T14:10:00Z";
    let since = |text: &str| SystemTime::from(utc(text));
    let process = Process::start(now);
    let scheduler = &process.scheduler;
    // An interval keeps the phase of its last run.
    let hours = Duration::from_secs(6 * 3600);
    let missed = scheduler.every(hours).since(since("2026-07-05T07:00:00Z")).spawn(|_cx| async {}).unwrap();
    let kept = scheduler.every(hours).since(since("2026-07-05T09:00:00Z")).spawn(|_cx| async {}).unwrap();
    let never = scheduler.every(hours).since(None).spawn(|_cx| async {}).unwrap();
    // One instant: missed, or run already.
    let instant = utc("2026-07-03T12:00:00Z");
    let once = scheduler.at(instant).since(since("2026-07-01T00:00:00Z")).spawn(|_cx| async {}).unwrap();
    let again = scheduler.at(instant).since(SystemTime::from(instant)).spawn(|_cx| async {});
    assert!(matches!(again, Err(ScheduleError::NeverFires { .. })));
    let start = scheduler.cron("@reboot").since(since("2026-07-05T14:00:00Z")).spawn(|_cx| async {}).unwrap();
    let lies_ahead = scheduler.cron("@reboot").since(since("2030-01-01T00:00:00Z")).spawn(|_cx| async {}).unwrap();
    // Nothing was due before the start, and the end is over for what was missed.
    let sunday = Trigger::cron(Cron::parse("0 9 * * *").unwrap(), Zone::new(Utc));
    let starts = scheduler.on(sunday.clone()).since(since("2026-07-01T00:00:00Z")).start(utc("2026-07-05T10:00:00Z"));
    let starts = starts.spawn(|_cx| async {}).unwrap();
    let ends = scheduler.on(sunday).since(since("2026-07-01T00:00:00Z")).end(utc("2026-07-04T10:00:00Z"));
    let ends = ends.spawn(|_cx| async {}).unwrap();
    // Never before: the year 1.
    let ever = scheduler.cron("* * * * *").zone(Utc).since(SystemTime::UNIX_EPOCH).spawn(|_cx| async {}).unwrap();
    process.settle();
    let runs = |job: &Job| job.counts().runs;
    assert_eq!((runs(&missed), runs(&kept), runs(&never)), (1, 0, 0));
    let next = |job: &Job| job.next_run_at().map(show);
    assert_eq!(next(&missed).as_deref(), Some("07-05 19:00"));
    assert_eq!(next(&kept).as_deref(), Some("07-05 15:00"));
    assert_eq!(next(&never).as_deref(), Some("07-05 20:10"));
    assert_eq!((runs(&once), runs(&start), runs(&lies_ahead)), (1, 1, 1));
    assert_eq!((runs(&starts), runs(&ends), runs(&ever)), (0, 1, 1));
    assert_eq!(next(&starts).as_deref(), Some("07-06 09:00"));
    assert_eq!(next(&ends), None);
}

#[test]
fn a_file_keeps_last_runs_over_restarts() {
    let path = std::env::temp_dir().join(format!("offtick-catch-up-{}.jobs", std::process::id()));
    drop(std::fs::remove_file(&path));
    let first = Process::start("2026-07-01T12:00:00Z");
    let store = Arc::new(FileStore::open(&path).unwrap());
    first.backup(&store);
    first.look("2026-07-02T00:30:00Z");
    let written = || FileStore::open(&path).is_ok_and(|store| last(&store).as_deref() == Some("07-02 00:30"));
    first.wait(written);
    drop(first);
    let second = Process::start("2026-07-04T12:00:00Z");
    second.backup(&Arc::new(FileStore::open(&path).unwrap()));
    assert_eq!(second.due(), ["07-04 00:30"]);
    let error = std::fs::write(&path, "offtick-jobs 1\n17828").map(|()| FileStore::open(&path).unwrap_err()).unwrap();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    drop(std::fs::remove_file(&path));
}

#[test]
fn a_trigger_without_an_end_to_its_search_is_refused() {
    let process = Process::start("2026-07-01T12:00:00Z");
    let cron = |text| Trigger::cron(Cron::parse(text).unwrap(), Zone::new(Utc));
    let never = process.scheduler.on(cron("*/2 * * * *").and(cron("1-59/2 * * * *"))).spawn(|_cx| async {});
    assert_eq!(never.unwrap_err(), ScheduleError::Search(SearchError::Steps { limit: 1_000 }));
    let liar = process.scheduler.on(Trigger::from_fn("liar", Some)).spawn(|_cx| async {});
    assert_eq!(liar.unwrap_err(), ScheduleError::Search(SearchError::NotLater { name: "liar" }));
    // One that goes wrong later fails its job, and no other one.
    let turns = utc("2026-07-01T13:00:00Z");
    let turns = Trigger::from_fn("turns", move |after| Some(if after < turns { turns } else { after }));
    let job = process.scheduler.on(turns).spawn(|_cx| async {}).unwrap();
    let other = process.scheduler.cron("30 13 * * *").zone(Utc).spawn(|_cx| async {}).unwrap();
    process.look("2026-07-01T13:00:00Z");
    assert_eq!((job.counts().runs, job.next_run_at()), (1, None));
    process.look("2026-07-01T13:30:00Z");
    assert_eq!((other.counts().runs, other.next_run_at().is_some()), (1, true));
}

/// A store that fails.
struct Broken {
    reads: bool,
}

impl JobStore for Broken {
    fn last_run(&self, _: &str) -> Result<Option<SystemTime>, StoreError> {
        if self.reads { Ok(None) } else { Err(StoreError::custom("no connection")) }
    }

    fn record(&self, _: &str, _: SystemTime) -> Result<(), StoreError> {
        Err(StoreError::custom("disk full"))
    }
}

#[test]
fn errors_of_a_store_are_reported_and_stop_no_job() {
    let process = Process::start("2026-07-01T12:00:00Z");
    let job = process.backup(&Arc::new(Broken { reads: true }));
    for (day, count) in [("02", 1), ("03", 2)] {
        process.look(&format!("2026-07-{day}T00:30:00Z"));
        assert_eq!(job.counts().runs, count);
        process.wait(|| process.errors.lock().unwrap().len() as u64 == count);
    }
    assert!(process.errors.lock().unwrap()[0].contains("the job store failed: disk full"));
    let daily = || process.scheduler.cron("30 2 * * *").zone(Berlin);
    let unreadable = daily().id("other").store(Arc::new(Broken { reads: false })).spawn(|_cx| async {});
    assert_eq!(unreadable.unwrap_err(), ScheduleError::Store(StoreError::custom("no connection")));
    assert!(process.scheduler.get("other").is_none(), "nothing was added");
    let nameless = daily().store(Arc::new(MemoryStore::new())).spawn(|_cx| async {});
    assert!(matches!(nameless, Err(ScheduleError::Invalid(_))));
}

#[test]
fn a_run_counts_once_it_has_finished() {
    let store = Arc::new(MemoryStore::new());
    let process = Process::start("2026-07-01T12:00:00Z");
    let daily = || process.scheduler.cron("30 2 * * *").zone(Berlin);
    let mut fails = false;
    let hanging = daily().id("backup").store(store.clone()).run(move |_cx| {
        fails = !fails;
        async move { if fails { std::future::pending().await } else { Err::<(), _>("offline") } }
    });
    let hanging = hanging.unwrap();
    process.look("2026-07-02T00:30:00Z");
    assert_eq!((hanging.counts().runs, hanging.cancel_runs()), (1, 1));
    process.settle();
    // The next run fails: it has run.
    process.look("2026-07-03T00:30:00Z");
    assert_eq!(hanging.latest_finished::<()>().unwrap().map(|task| task.status()), Some(Status::Error));
    process.wait(|| last(&*store).is_some());
    assert_eq!(last(&*store).as_deref(), Some("07-03 00:30"), "the run that was cancelled is not recorded");
}

#[test]
fn jobs_list_their_next_runs_and_describe_themselves() {
    let process = Process::start("2026-10-24T12:00:00Z");
    let scheduler = &process.scheduler;
    let daily =
        scheduler.cron("30 2 * * *").zone(Berlin).end(utc("2026-10-27T12:00:00Z")).spawn(|_cx| async {}).unwrap();
    let shown = |job: &Job| job.upcoming(5).into_iter().map(show).collect::<Vec<_>>();
    assert_eq!(shown(&daily), ["10-25 00:30", "10-26 01:30", "10-27 01:30"]);
    assert_eq!(daily.describe(), "at 02:30, every day (Europe/Berlin)");
    assert_eq!(daily.trigger(), "30 2 * * * (Europe/Berlin)");
    assert!(daily.pause() && daily.upcoming(5).is_empty());
    let every = scheduler.every(Duration::from_secs(5400)).spawn(|_cx| async {}).unwrap();
    assert_eq!(every.upcoming(2).into_iter().map(show).collect::<Vec<_>>(), ["10-24 13:30", "10-24 15:00"]);
    assert_eq!(every.describe(), "every 5400s");
    let once = scheduler.at(utc("2026-12-24T18:00:00Z")).spawn(|_cx| async {}).unwrap();
    assert_eq!(
        (shown(&once), once.describe()),
        (vec!["12-24 18:00".to_owned()], "once, at 2026-12-24 18:00:00 UTC".to_owned())
    );
    let holidays = [NaiveDate::from_ymd_opt(2026, 10, 26).unwrap()];
    let working = Trigger::cron(Cron::parse("0 9 * * mon-fri").unwrap(), Zone::new(Berlin)).except(holidays);
    let working = scheduler.on(working).spawn(|_cx| async {}).unwrap();
    assert_eq!(shown(&working)[..2], ["10-27 08:00", "10-28 08:00"]);
    assert_eq!(working.describe(), "at 09:00, Monday to Friday (Europe/Berlin), except on 1 date");
    assert!(working.remove());
    assert_eq!((working.upcoming(3).len(), working.upcoming(0).len()), (0, 0));
    let late = utc("2026-12-24T18:00:00Z") - TimeDelta::seconds(1);
    assert!(once.next_run_at().is_some_and(|next| next > SystemTime::from(late)));
}
