use super::*;
use chrono::NaiveDate;

/// Zone data without changes, and with a rule for all time.
fn zone_data(rule: &str) -> Vec<u8> {
    let counts = [0_u32, 0, 0, 0, 1, 4];
    let mut part = b"TZif2".to_vec();
    part.extend([0; 15]);
    part.extend(counts.iter().flat_map(|count| count.to_be_bytes()));
    // One type of local time: no offset, no daylight-saving time, the name at 0.
    part.extend([0; 6]);
    part.extend(b"UTC\0");
    let mut data = part.clone();
    data.extend(part);
    data.extend(format!("\n{rule}\n").bytes());
    data
}

/// A fake machine: a folder with `localtime` and the zones `Europe/Berlin` and `America/New_York`.
struct Fake {
    folder: PathBuf,
    watch: Watch,
}

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";

impl Fake {
    fn new(name: &str) -> Self {
        let folder = env::temp_dir().join(format!("offtick-zone-{}-{name}", std::process::id()));
        let zones = folder.join("zoneinfo");
        for (name, rule) in [("Europe/Berlin", BERLIN), ("America/New_York", NEW_YORK)] {
            fs::create_dir_all(zones.join(name).parent().expect("a folder")).expect("a folder for the test");
            fs::write(zones.join(name), zone_data(rule)).expect("a file for the test");
        }
        let leak = |path: PathBuf| -> &'static str { path.to_str().expect("a path in UTF-8").to_owned().leak() };
        let folders: &'static [&'static str] = vec![leak(zones)].leak();
        Self { watch: Watch::new(leak(folder.join("localtime")), folders, || None), folder }
    }

    /// Puts a file in the place of `localtime`, as an installer does.
    fn install(&self, data: &[u8]) {
        fs::write(self.folder.join("new"), data).expect("a file for the test");
        fs::rename(self.folder.join("new"), self.folder.join("localtime")).expect("a rename for the test");
    }

    fn with(&self, variable: Option<&str>) -> Arc<Machine> {
        self.watch.check(variable.map(OsString::from))
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// The offset at noon of a day of 2026, in hours.
fn hours(machine: &Machine, month: u32, day: u32) -> i32 {
    let noon = NaiveDate::from_ymd_opt(2026, month, day).and_then(|day| day.and_hms_opt(12, 0, 0)).expect("a date");
    machine.seconds_east(&noon) / 3600
}

#[test]
fn the_variable_is_a_name_a_path_or_a_rule() {
    let fake = Fake::new("variable");
    let path = fake.folder.join("zoneinfo/America/New_York");
    let path = path.to_str().expect("a path in UTF-8");
    for (variable, name, winter, summer) in [
        ("Europe/Berlin", "Europe/Berlin", 1, 2),
        (":Europe/Berlin", "Europe/Berlin", 1, 2),
        (path, "America/New_York", -5, -4),
        (&format!(":{path}"), "America/New_York", -5, -4),
        (BERLIN, BERLIN, 1, 2),
        ("<+05>-5", "<+05>-5", 5, 5),
        ("UTC", "UTC", 0, 0),
        ("", "UTC", 0, 0),
    ] {
        let machine = fake.with(Some(variable));
        assert_eq!((machine.name(), machine.problem()), (name, None), "{variable:?}");
        assert_eq!((hours(&machine, 1, 15), hours(&machine, 7, 15)), (winter, summer), "{variable:?}");
    }
}

#[test]
fn a_change_of_the_variable_or_of_the_file_is_a_new_revision() {
    let fake = Fake::new("change");
    fake.install(&zone_data(BERLIN));
    let berlin = fake.with(None);
    assert_eq!((hours(&berlin, 7, 1), berlin.revision()), (2, 0));
    assert!(Arc::ptr_eq(&berlin, &fake.with(None)));
    fake.install(&zone_data(NEW_YORK));
    let new_york = fake.with(None);
    assert_eq!((hours(&new_york, 7, 1), new_york.revision()), (-4, 1));
    // What was handed out does not change under a search.
    assert_eq!(hours(&berlin, 7, 1), 2);
    let by_name = fake.with(Some("Europe/Berlin"));
    assert_eq!((hours(&by_name, 7, 1), by_name.revision()), (2, 2));
    let back = fake.with(None);
    assert_eq!((hours(&back, 7, 1), back.revision()), (-4, 3));
    // A search checks for changes, but not each time.
    assert!(Arc::ptr_eq(&back, &fake.watch.current(|| unreachable!("checked a moment ago"))));
}

#[test]
fn an_unknown_zone_is_utc_and_says_so() {
    let fake = Fake::new("unknown");
    for variable in ["Mars/Base", ":Mars/Base", "Europe", "/no/such/file", "CET-1CEST,M3.5.0", "Europe/Berlin "] {
        let machine = Fake::new("unknown-each").with(Some(variable));
        let expected = ZoneError::Unknown { tz: variable.to_owned() };
        assert_eq!((machine.name(), machine.problem()), ("UTC", Some(&expected)), "{variable}");
        assert_eq!(hours(&machine, 7, 1), 0);
    }
    let none = fake.with(None);
    assert_eq!((none.name(), none.problem()), ("UTC", Some(&ZoneError::NotSet)));
    // A zone that was read is kept when the next one cannot be.
    let berlin = fake.with(Some("Europe/Berlin"));
    assert_eq!((berlin.name(), berlin.problem()), ("Europe/Berlin", None));
    let kept = fake.with(Some("Mars/Base"));
    assert_eq!((kept.name(), hours(&kept, 7, 1)), ("Europe/Berlin", 2));
    assert!(matches!(kept.problem(), Some(ZoneError::Unknown { .. })));
}

#[test]
fn a_damaged_file_is_reported_and_read_again_once_it_is_whole() {
    let fake = Fake::new("damaged");
    let whole = zone_data(BERLIN);
    for length in [0, 3, 20, 44, 60, whole.len() - 20] {
        fake.install(&whole[..length]);
        let machine = fake.with(None);
        assert!(matches!(machine.problem(), Some(ZoneError::Unreadable { .. })), "{length} bytes");
        assert_eq!(hours(&machine, 7, 1), 0);
    }
    fake.install(&whole);
    let machine = fake.with(None);
    assert_eq!((machine.problem(), hours(&machine, 7, 1)), (None, 2));
    fake.install(b"not a zone");
    let machine = fake.with(None);
    assert_eq!(hours(&machine, 7, 1), 2);
    assert!(machine.problem().is_some_and(|problem| problem.to_string().contains("localtime cannot be read")));
}

/// Compares the data of the system, if any, with that of `chrono-tz`.
#[test]
fn data_of_the_system_is_that_of_the_tz_database() {
    for zone in [
        chrono_tz::Europe::Berlin,
        chrono_tz::America::New_York,
        chrono_tz::Asia::Kathmandu,
        chrono_tz::Australia::Lord_Howe,
        chrono_tz::Pacific::Apia,
    ] {
        let machine = Watch::new(LOCALTIME, FOLDERS, || None).check(Some(zone.name().into()));
        if machine.problem().is_some() {
            continue;
        }
        for year in [1985, 2011, 2026, 2090] {
            let days = NaiveDate::from_ymd_opt(year, 1, 1).expect("a date").iter_days().take(365);
            for noon in days.filter_map(|day| day.and_hms_opt(12, 0, 0)) {
                assert_eq!(machine.seconds_east(&noon), zone.seconds_east(&noon), "{zone} at {noon}");
            }
        }
    }
}
