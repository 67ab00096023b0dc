//! [`Zone`]: any time zone with its type erased. That of the machine is followed when it changes.

#[cfg_attr(all(unix, not(any(target_os = "android", target_env = "ohos"))), path = "zone/machine_unix.rs")]
#[cfg_attr(not(all(unix, not(any(target_os = "android", target_env = "ohos")))), path = "zone/machine_other.rs")]
mod machine;

use super::error::{SearchError, ZoneError};
use super::fields::Readings;
use super::offsets::{Asked, Nanos, Offsets};
use super::walk::{Passage, next_run};
use crate::sync::Arc;
use chrono::{Local, TimeZone};
use std::any::TypeId;
use std::fmt;

trait Named: Offsets + Send + Sync {
    fn name(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
    fn offsets(&self) -> &dyn Offsets;
}

impl<Tz: TimeZone + fmt::Debug + Send + Sync + 'static> Named for Tz {
    fn name(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }

    fn offsets(&self) -> &dyn Offsets {
        self
    }
}

/// A time zone: any [`chrono::TimeZone`], with its type erased.
///
/// Clones are cheap. [`Default`] is the zone of the machine, [`Zone::local`]; [`chrono::Local`] is the same one.
///
/// Its `Display` is the name of the zone. For other zones than that of the machine it is their `Debug`, which is the name for those
/// of `chrono-tz`.
///
/// # Example
/// ```
/// use offtick::schedule::Zone;
/// let zones = [Zone::local(), Zone::new(chrono::Utc), Zone::new(chrono_tz::Europe::Berlin)];
/// assert_eq!(zones[2].to_string(), "Europe/Berlin");
/// ```
#[derive(Clone)]
pub struct Zone(Kind);

#[derive(Clone)]
enum Kind {
    Machine,
    Fixed(Arc<dyn Named>),
}

impl Zone {
    /// Wraps any zone. [`chrono::Local`] becomes [`Zone::local`].
    ///
    /// # Example
    /// ```
    /// use chrono::FixedOffset;
    /// use offtick::schedule::Zone;
    /// assert_eq!(Zone::new(FixedOffset::east_opt(19_800).unwrap()).to_string(), "+05:30");
    /// ```
    pub fn new<Tz: TimeZone + fmt::Debug + Send + Sync + 'static>(zone: Tz) -> Self {
        if TypeId::of::<Tz>() == TypeId::of::<Local>() { Self::local() } else { Self(Kind::Fixed(Arc::new(zone))) }
    }

    /// The zone of the machine, which is followed when it changes.
    ///
    /// On Unix it is the zone of the variable `TZ`: the name of a zone, a path, or a POSIX rule such as
    /// `CET-1CEST,M3.5.0,M10.5.0/3`. Without that variable it is the zone of `/etc/localtime`. A change of either is noticed within
    /// a second, and jobs then move to the new zone. Elsewhere it is [`chrono::Local`].
    ///
    /// If the zone cannot be read, it is UTC, or the one that was read before; [`check`](Self::check) and `Display` say so, and with
    /// the feature `tracing` there is a warning.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::Zone;
    /// println!("times are those of {}", Zone::local());
    /// ```
    pub fn local() -> Self {
        Self(Kind::Machine)
    }

    /// Checks that the zone is known, and follows a change.
    ///
    /// It reads the settings of the machine again. Zones other than that of the machine are always known.
    ///
    /// It reads a variable and the state of a file, so it takes microseconds.
    ///
    /// # Errors
    /// [`ZoneError::NotSet`] if the machine has no zone, so that it is UTC; the other variants if it has one that cannot be read.
    ///
    /// # Example
    /// ```
    /// use offtick::schedule::{Zone, ZoneError};
    /// match Zone::local().check() {
    ///     Ok(()) | Err(ZoneError::NotSet) => {}
    ///     Err(error) => eprintln!("times are not local: {error}"),
    /// }
    /// assert!(Zone::new(chrono::Utc).check().is_ok());
    /// ```
    pub fn check(&self) -> Result<(), ZoneError> {
        match &self.0 {
            Kind::Machine => machine::check().problem().map_or(Ok(()), |problem| Err(problem.clone())),
            Kind::Fixed(_) => Ok(()),
        }
    }

    /// True if the zone is that of the machine.
    pub(super) fn is_local(&self) -> bool {
        matches!(self.0, Kind::Machine)
    }

    /// Calls `search` with a snapshot of the zone's offsets.
    pub(super) fn search<R>(&self, search: impl FnOnce(&dyn Offsets) -> R) -> R {
        match &self.0 {
            Kind::Machine => search(&*machine::current()),
            Kind::Fixed(zone) => search(zone.offsets()),
        }
    }

    /// The first instant later than `after` at which a run is due.
    pub(super) fn next_run(
        &self,
        readings: &dyn Readings,
        passage: Passage,
        after: Nanos,
    ) -> Result<Option<Nanos>, SearchError> {
        self.search(|zone| next_run(readings, passage, zone, after))
    }

    /// The reading of the wall clock at `instant`.
    pub(super) fn reading(&self, instant: Nanos) -> Nanos {
        // The first of many questions is always answered.
        instant + self.search(|zone| Asked::new(zone).offset_at(instant)).unwrap_or(0)
    }
}

/// Checks the zone of the machine for changes. Another number than before: jobs in this zone search again.
///
/// It takes microseconds, and more only when the zone has changed. It calls no user code but subscribers of `tracing`.
pub(crate) fn machine_revision() -> u64 {
    machine::check().revision()
}

impl Default for Zone {
    fn default() -> Self {
        Self::local()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Machine => {
                let machine = machine::current();
                write!(f, "{}", machine.name())?;
                match machine.problem() {
                    None => Ok(()),
                    Some(problem) => write!(f, ", {}", problem.short()),
                }
            }
            Kind::Fixed(zone) => zone.name(f),
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let local = if self.is_local() { "local, " } else { "" };
        write!(f, "Zone({local}{self})")
    }
}
