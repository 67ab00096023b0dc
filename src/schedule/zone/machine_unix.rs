//! The zone of the machine: read from `TZ` or `/etc/localtime`, read again when one of them changes.
//!
//! `chrono::Local` is not used here. It caches the zone for each thread, so threads disagree for a second after a change, and
//! it replaces a zone that it cannot read by UTC without a report.
//!
//! A [`Machine`] never changes. [`Watch`] holds the newest one and compares the [`Settings`] of which it was made with those of
//! now. Files are read without the lock.

use crate::instant::Instant;
use crate::schedule::error::ZoneError;
use crate::schedule::offsets::Offsets;
use crate::sync::Arc;
use crate::sync::plain::Mutex;
use crate::trace;
use chrono::NaiveDateTime;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs};
use tz::TimeZone;

/// The time after which a search checks for changes.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Seconds that `chrono` allows between a wall clock and UTC.
const OFFSET_LIMIT_SECONDS: i32 = 86_399;

/// Folders with the zones of the tz database.
const FOLDERS: &[&str] =
    &["/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo", "/share/zoneinfo"];

/// The zone if `TZ` is not set.
const LOCALTIME: &str = "/etc/localtime";

static WATCH: Watch = Watch::new(LOCALTIME, FOLDERS, default_name);

/// The zone as of the last check, at most a second ago.
pub(super) fn current() -> Arc<Machine> {
    WATCH.current(|| env::var_os("TZ"))
}

/// The zone now.
pub(super) fn check() -> Arc<Machine> {
    WATCH.check(env::var_os("TZ"))
}

/// The system's name of its default zone.
fn default_name() -> Option<String> {
    iana_time_zone::get_timezone().ok()
}

/// One zone of the machine, until the next change.
pub(super) struct Machine {
    settings: Settings,
    zone: TimeZone,
    name: String,
    problem: Option<ZoneError>,
    revision: u64,
}

impl Machine {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn problem(&self) -> Option<&ZoneError> {
        self.problem.as_ref()
    }

    /// The number of changes before this one.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }
}

impl Offsets for Machine {
    fn seconds_east(&self, utc: &NaiveDateTime) -> i32 {
        let zone = self.zone.as_ref();
        let offset = match zone.find_local_time_type(utc.and_utc().timestamp()) {
            Ok(found) => found.ut_offset(),
            // After the last change, in data without a rule for the time that follows.
            Err(_) => {
                let last = zone.transitions().last().map_or(0, |change| change.local_time_type_index());
                zone.local_time_types().get(last).map_or(0, |found| found.ut_offset())
            }
        };
        offset.clamp(-OFFSET_LIMIT_SECONDS, OFFSET_LIMIT_SECONDS)
    }
}

/// The settings that determine the zone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Settings {
    variable: Option<OsString>,
    file: Option<Stamp>,
}

/// A file and the signs of its contents.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    path: PathBuf,
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
}

impl Stamp {
    fn of(path: PathBuf) -> Option<Self> {
        let data = fs::metadata(&path).ok().filter(fs::Metadata::is_file)?;
        let modified = (data.mtime(), data.mtime_nsec());
        Some(Self { path, device: data.dev(), inode: data.ino(), length: data.size(), modified })
    }
}

/// The newest zone, and where to look for the next one.
struct Watch {
    localtime: &'static str,
    folders: &'static [&'static str],
    default_name: fn() -> Option<String>,
    newest: Mutex<Option<(Arc<Machine>, Instant)>>,
}

impl Watch {
    const fn new(
        localtime: &'static str,
        folders: &'static [&'static str],
        default_name: fn() -> Option<String>,
    ) -> Self {
        Self { localtime, folders, default_name, newest: Mutex::new(None) }
    }

    fn current(&self, variable: impl FnOnce() -> Option<OsString>) -> Arc<Machine> {
        let recent = match &*self.newest.lock() {
            Some((machine, checked)) if checked.elapsed() < CHECK_INTERVAL => Some(Arc::clone(machine)),
            _ => None,
        };
        recent.unwrap_or_else(|| self.check(variable()))
    }

    fn check(&self, variable: Option<OsString>) -> Arc<Machine> {
        let settings = self.settings(variable);
        let last = match &mut *self.newest.lock() {
            Some((machine, checked)) => {
                *checked = Instant::now();
                Some(Arc::clone(machine))
            }
            None => None,
        };
        match last {
            Some(machine) if machine.settings == settings => machine,
            last => self.replace(last, settings),
        }
    }

    /// Reads the zone of the settings. One that cannot be read changes nothing but the report.
    fn replace(&self, last: Option<Arc<Machine>>, settings: Settings) -> Arc<Machine> {
        let (zone, name, problem) = match self.read(&settings) {
            Ok((zone, name)) => (zone, name, None),
            Err(ZoneError::NotSet) => (TimeZone::utc(), "UTC".to_owned(), Some(ZoneError::NotSet)),
            Err(problem) => match &last {
                Some(last) => (last.zone.clone(), last.name.clone(), Some(problem)),
                None => (TimeZone::utc(), "UTC".to_owned(), Some(problem)),
            },
        };
        if let Some(problem) = &problem {
            trace::zone(problem);
        }
        let mut newest = self.newest.lock();
        // Another thread may have read the same settings meanwhile; two numbers for one change only cost a search.
        let revision = newest.as_ref().map_or(0, |(machine, _)| machine.revision + 1);
        let machine = Arc::new(Machine { settings, zone, name, problem, revision });
        *newest = Some((Arc::clone(&machine), Instant::now()));
        machine
    }

    fn settings(&self, variable: Option<OsString>) -> Settings {
        let file = match &variable {
            None => Stamp::of(self.localtime.into()).or_else(|| self.find(&(self.default_name)()?)),
            Some(value) => value.to_str().and_then(|value| self.find(file_name(value))),
        };
        Settings { variable, file }
    }

    /// The file of a zone, by its name or path.
    fn find(&self, name: &str) -> Option<Stamp> {
        match name {
            "" => None,
            "localtime" => Stamp::of(self.localtime.into()),
            _ if name.starts_with('/') => Stamp::of(name.into()),
            _ => self.folders.iter().find_map(|folder| Stamp::of(Path::new(folder).join(name))),
        }
    }

    fn read(&self, settings: &Settings) -> Result<(TimeZone, String), ZoneError> {
        let variable = match &settings.variable {
            None => None,
            Some(value) => Some(value.to_str().ok_or_else(|| unknown(value))?),
        };
        if let Some(Stamp { path, .. }) = &settings.file {
            let unreadable =
                |reason: &dyn ToString| ZoneError::Unreadable { path: path.clone(), reason: reason.to_string() };
            let bytes = fs::read(path).map_err(|error| unreadable(&error))?;
            let zone = TimeZone::from_tz_data(&bytes).map_err(|error| unreadable(&error))?;
            let name = match variable {
                None | Some("localtime" | ":localtime") => (self.default_name)(),
                Some(value) => Some(zone_name(file_name(value)).to_owned()),
            };
            return Ok((zone, name.unwrap_or_else(|| zone_name(&path.to_string_lossy()).to_owned())));
        }
        match variable {
            None => Err(ZoneError::NotSet),
            // As the C library does; and these names need no data.
            Some("" | ":" | "UTC" | "GMT" | "Etc/UTC") => Ok((TimeZone::utc(), "UTC".to_owned())),
            Some(value) if value.starts_with(':') => Err(unknown(OsStr::new(value))),
            Some(value) => match TimeZone::from_posix_tz(value) {
                Ok(zone) => Ok((zone, value.to_owned())),
                Err(_) => Err(unknown(OsStr::new(value))),
            },
        }
    }
}

fn unknown(variable: &OsStr) -> ZoneError {
    ZoneError::Unknown { tz: variable.to_string_lossy().into_owned() }
}

/// The value of `TZ` without the colon that marks a file.
fn file_name(value: &str) -> &str {
    value.strip_prefix(':').unwrap_or(value)
}

/// The name of a zone in a path of the tz database; other paths stay as they are.
fn zone_name(path: &str) -> &str {
    path.split_once("/zoneinfo/").map_or(path, |(_, name)| name)
}

#[cfg(all(test, not(loom)))]
mod tests;
