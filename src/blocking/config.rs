//! The settings of the pool.

use super::priority::ThreadPriority;
use crate::error::InvalidSetting;
use crate::park::Unpark;
use crate::sync::{Arc, thread};
use std::io;
use std::time::Duration;

/// The largest stack that can be asked for: no allocation is larger.
const LARGEST_STACK: usize = isize::MAX as usize;

/// The most threads that look up names: that many lookups may hang before the next one waits.
#[cfg(feature = "net")]
const NAME_THREADS: usize = 4;

/// The most threads that a pool may be given.
const MOST_THREADS: usize = 65_536;

/// Starts the threads of a pool in place of the system. Tests put one here that fails on purpose.
pub(crate) trait Spawner: Send + Sync {
    /// Starts a thread that runs `body`, and does not wait for it.
    fn spawn(&self, builder: thread::Builder, body: Box<dyn FnOnce() + Send>) -> io::Result<()>;
}

/// Starts none: for a program that is to have no threads.
struct NoopSchedule;

impl Spawner for NoopSchedule {
    fn spawn(&self, _: thread::Builder, _: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        Err(io::Error::new(
            io::ErrorKind::Unsupported,
            "this runtime was built without threads for closures that block",
        ))
    }
}

/// Who runs the closures of a pool.
#[derive(Clone)]
pub(crate) enum Runner {
    /// Threads of the pool's own.
    Threads,
    /// The host, in its ticks; `held`: only when somebody asks for it.
    Host { host: Arc<dyn Unpark>, held: bool },
}

/// The options of a pool; [`Config::default`] suits blocking I/O.
#[derive(Clone)]
pub(crate) struct Config {
    /// Default: threads.
    pub(crate) runner: Runner,
    /// The most threads alive at a time. Default 512: jobs that wait for a disk or a peer need a thread, not a core.
    pub(crate) max_threads: usize,
    /// So many threads work at a time as long as no job blocks. `None`: the parallelism of the machine, asked for by the
    /// pool when it is made.
    pub(crate) core_threads: Option<usize>,
    /// How long a thread without work stays. Default 10 s.
    pub(crate) keep_alive: Duration,
    /// The most jobs that may wait, for those submits that ask. Default: none.
    pub(crate) queue_limit: Option<usize>,
    /// Jobs wait and none was taken for so long: the working threads are blocked and others are added. Default 1 ms.
    pub(crate) stall: Duration,
    /// Threads are called this, a hyphen and a number. Default `offtick-blocking`.
    pub(crate) thread_name: String,
    /// The priority of each thread. Default: normal.
    pub(crate) priority: ThreadPriority,
    /// Stack of each thread in bytes. Default: that of the standard library.
    pub(crate) stack_size: Option<usize>,
    /// Who starts the threads. `None`: the system.
    pub(crate) spawner: Option<Arc<dyn Spawner>>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            runner: Runner::Threads,
            max_threads: 512,
            core_threads: None,
            keep_alive: Duration::from_secs(10),
            queue_limit: None,
            stall: Duration::from_millis(1),
            thread_name: "offtick-blocking".to_owned(),
            priority: ThreadPriority::Normal,
            stack_size: None,
            spawner: None,
        }
    }
}

impl Config {
    /// A pool that refuses every job with an error of the kind `Unsupported`.
    pub(crate) fn without_threads(self) -> Self {
        Self { spawner: Some(Arc::new(NoopSchedule)), max_threads: 1, ..self }
    }

    /// The options of the pool that looks up names: a few threads, whatever the limit of the user's pool.
    #[cfg(feature = "net")]
    pub(crate) fn for_names(&self) -> Self {
        Self {
            max_threads: NAME_THREADS,
            core_threads: Some(NAME_THREADS),
            queue_limit: None,
            thread_name: "offtick-names".to_owned(),
            ..self.clone()
        }
    }

    /// Refuses settings that no pool can work with.
    ///
    /// # Errors
    /// [`InvalidSetting`] names the builder method, the value and what is allowed.
    pub(crate) fn check(&self) -> Result<(), InvalidSetting> {
        let threads = "from 1 to 65536";
        let range = 1..=MOST_THREADS;
        InvalidSetting::require(range.contains(&self.max_threads), "blocking_threads", self.max_threads, threads)?;
        if let Some(core_threads) = self.core_threads {
            InvalidSetting::require(range.contains(&core_threads), "blocking_core_threads", core_threads, threads)?;
        }
        InvalidSetting::require(
            self.queue_limit != Some(0),
            "blocking_queue",
            0,
            "at least 1; the default is no limit",
        )?;
        if let Some(stack) = self.stack_size {
            let allowed = "from 1 to isize::MAX";
            InvalidSetting::require((1..=LARGEST_STACK).contains(&stack), "blocking_stack_size", stack, allowed)?;
        }
        InvalidSetting::require_time("blocking_stall", Some(self.stall))?;
        InvalidSetting::require(
            !self.thread_name.contains('\0'),
            "blocking_thread_name",
            format_args!("{:?}", self.thread_name),
            "text without a null character",
        )
    }

    /// How many threads work at a time as long as no job blocks. Asks the system, unless that was set.
    pub(super) fn core_threads(&self) -> usize {
        self.core_threads.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from))
    }

    /// Starts a thread for the seat with this number, and does not wait for it.
    pub(super) fn start(&self, seat: usize, body: Box<dyn FnOnce() + Send>) -> io::Result<()> {
        let mut builder = thread::Builder::new().name(format!("{}-{seat}", self.thread_name));
        if let Some(bytes) = self.stack_size {
            builder = builder.stack_size(bytes);
        }
        match &self.spawner {
            None => builder.spawn(body).map(drop),
            Some(spawner) => spawner.spawn(builder, body),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn absurd_settings_are_refused_by_name() {
        fn verdict(change: impl FnOnce(&mut Config)) -> String {
            let mut config = Config::default();
            change(&mut config);
            config.check().err().map_or_else(|| "fine".to_owned(), |error| error.to_string())
        }
        assert_eq!(verdict(|_| ()), "fine");
        assert_eq!(verdict(|c| c.max_threads = 65_536), "fine");
        assert_eq!(verdict(|c| c.keep_alive = Duration::ZERO), "fine");
        assert_eq!(verdict(|c| c.queue_limit = Some(1)), "fine");
        assert_eq!(verdict(|c| c.max_threads = 0), "blocking_threads is 0, but must be from 1 to 65536");
        assert_eq!(verdict(|c| c.max_threads = 65_537), "blocking_threads is 65537, but must be from 1 to 65536");
        assert_eq!(verdict(|c| c.core_threads = Some(0)), "blocking_core_threads is 0, but must be from 1 to 65536");
        assert_eq!(
            verdict(|c| c.queue_limit = Some(0)),
            "blocking_queue is 0, but must be at least 1; the default is no limit"
        );
        assert_eq!(verdict(|c| c.stall = Duration::ZERO), "blocking_stall is 0ns, but must be longer than zero");
        assert!(verdict(|c| c.thread_name = "a\0b".into()).contains("blocking_thread_name is \"a\\0b\""));
    }
}
