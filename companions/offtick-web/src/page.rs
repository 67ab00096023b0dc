//! A runtime that ticks when there is something to do.
//!
//! ```text
//! wake, spawn, cancel ...   on_wake, from a microtask    -> turn
//! next deadline             one timeout                  -> turn
//! budget used up            a message to itself          -> turn, after the page has drawn and handled its events
//! ```
//! A turn is one tick. A timeout that is no longer the earliest finds less to do, and a tick without work costs some loads.

use js_sys::{Function, Reflect};
use offtick::time::Instant;
use offtick::{Budget, BuildError, LocalBuilder, LocalRuntime};
use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};
use std::time::Duration;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::MessageChannel;

/// The longest timeout that a page takes; after that the page ticks once for nothing.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

/// The options of a [`Page`].
///
/// # Example
/// ```ignore
/// let page = Page::builder().budget(Budget::time(Duration::from_millis(4))).pause_when_hidden(true).build()?;
/// ```
#[must_use = "a builder does nothing until `build`"]
pub struct PageBuilder {
    runtime: LocalBuilder,
    budget: Budget,
    pauses: bool,
}

impl PageBuilder {
    /// The options of the runtime. Its `on_wake` is replaced.
    pub fn runtime(mut self, runtime: LocalBuilder) -> Self {
        self.runtime = runtime;
        self
    }

    /// How much one tick may do. Default 8 ms, so that the page draws in between.
    pub fn budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Ticks no more while the page is hidden, and goes on when it is shown. Default false: then the browser still calls timers,
    /// though some only once a minute.
    ///
    /// Time passes all the same: what came due meanwhile is late, and interval ticks follow their rule for missed ones.
    pub fn pause_when_hidden(mut self, pauses: bool) -> Self {
        self.pauses = pauses;
        self
    }

    /// Builds the runtime and begins to tick it.
    ///
    /// # Errors
    /// Those of [`LocalBuilder::build`].
    pub fn build(self) -> Result<Page, BuildError> {
        let place: Rc<RefCell<Weak<Inner>>> = Rc::default();
        let known = Rc::clone(&place);
        let turn = move || {
            let inner = known.borrow().upgrade();
            if let Some(inner) = inner {
                inner.turn();
            }
        };
        let runtime = self.runtime.on_wake(turn).build()?;
        let inner = Rc::new_cyclic(|weak: &Weak<Inner>| Inner {
            runtime,
            budget: self.budget,
            pauses: self.pauses,
            timeout: Timeout::new(weak.clone()),
            messages: RefCell::new(None),
            own: weak.clone(),
            hook: RefCell::new(None),
            ticks: Cell::new(0),
            visibility: RefCell::new(None),
        });
        *place.borrow_mut() = Rc::downgrade(&inner);
        if self.pauses {
            inner.watch_visibility();
        }
        Ok(Page { inner })
    }
}

impl fmt::Debug for PageBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageBuilder").field("budget", &self.budget).finish_non_exhaustive()
    }
}

/// A runtime that the page, worker or node ticks by itself.
///
/// Clones are one page. The runtime ends with the last of them: keep one, in a static or with [`Page::leak`].
///
/// # Example
/// ```ignore
/// let page = offtick_web::Page::new()?;
/// page.runtime().spawn(async { offtick::time::sleep(Duration::from_secs(1)).await }).detach();
/// page.leak();
/// ```
#[derive(Clone)]
pub struct Page {
    inner: Rc<Inner>,
}

impl Page {
    /// Builds a page with the defaults.
    ///
    /// # Errors
    /// Those of [`LocalRuntime::new`].
    pub fn new() -> Result<Self, BuildError> {
        Self::builder().build()
    }

    /// Returns the options, with their defaults.
    pub fn builder() -> PageBuilder {
        PageBuilder { runtime: LocalBuilder::new(), budget: Budget::time(Duration::from_millis(8)), pauses: false }
    }

    /// Returns the runtime, to spawn on.
    pub fn runtime(&self) -> &LocalRuntime {
        &self.inner.runtime
    }

    /// Calls `hook` after each tick in which a task finished or reported: the page shows its tasks anew there.
    ///
    /// It replaces the hook given before, and runs outside of the tick, so it may spawn and cancel.
    pub fn on_update(&self, hook: impl FnMut() + 'static) {
        let before = self.inner.hook.replace(Some(Box::new(hook)));
        drop(before);
    }

    /// Returns the number of ticks so far, for a debug panel.
    pub fn ticks(&self) -> u64 {
        self.inner.ticks.get()
    }

    /// Keeps the runtime for as long as the page lives.
    pub fn leak(self) {
        std::mem::forget(self);
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").field("runtime", &self.inner.runtime).field("ticks", &self.ticks()).finish()
    }
}

struct Inner {
    runtime: LocalRuntime,
    budget: Budget,
    pauses: bool,
    timeout: Timeout,
    /// Opened by the first tick that leaves work.
    messages: RefCell<Option<Messages>>,
    own: Weak<Inner>,
    hook: RefCell<Option<Box<dyn FnMut()>>>,
    ticks: Cell<u64>,
    visibility: RefCell<Option<Visibility>>,
}

impl Inner {
    fn turn(&self) {
        if self.pauses && is_hidden() {
            return;
        }
        // A task of the runtime that makes the page call back inside its poll: the tick that is on goes on.
        let Ok(report) = self.runtime.tick(self.budget) else { return };
        self.ticks.set(self.ticks.get() + 1);
        if self.runtime.take_update() {
            self.call_hook();
        }
        if !report.is_idle() || self.runtime.needs_tick() {
            self.post();
        } else if let Some(deadline) = self.runtime.next_deadline() {
            self.timeout.set(deadline);
        }
    }

    /// Calls the hook with nothing borrowed: it may set another one.
    fn call_hook(&self) {
        let hook = self.hook.borrow_mut().take();
        if let Some(mut hook) = hook {
            hook();
            self.hook.borrow_mut().get_or_insert(hook);
        }
    }

    /// Has the page call `turn` after it has drawn and handled its events. (A timeout of zero takes 4 ms.)
    fn post(&self) {
        let mut messages = self.messages.borrow_mut();
        if messages.is_none() {
            *messages = Messages::open(self.own.clone());
        }
        match &*messages {
            Some(messages) => messages.post(),
            None => self.timeout.set(Instant::now()),
        }
    }

    fn watch_visibility(&self) {
        *self.visibility.borrow_mut() = Visibility::watch(self.own.clone());
    }
}

/// The timeout for the next deadline.
struct Timeout {
    callback: Closure<dyn FnMut()>,
    /// The one that is set, and its end.
    set: RefCell<Option<(JsValue, Instant)>>,
}

impl Timeout {
    fn new(inner: Weak<Inner>) -> Self {
        let callback = Closure::new(move || {
            if let Some(inner) = inner.upgrade() {
                let ended = inner.timeout.set.borrow_mut().take();
                drop(ended);
                inner.turn();
            }
        });
        Self { callback, set: RefCell::new(None) }
    }

    fn set(&self, deadline: Instant) {
        let mut set = self.set.borrow_mut();
        if set.as_ref().is_some_and(|(_, ends)| *ends == deadline) {
            return;
        }
        if let Some((id, _)) = set.take() {
            let _cleared = call("clearTimeout", &id, &JsValue::UNDEFINED);
        }
        let wait = deadline.saturating_duration_since(Instant::now()).min(LONGEST);
        // Rounded up: a timeout that ends early finds nothing that is due.
        let millis = wait.as_nanos().div_ceil(1_000_000) as f64;
        *set = call("setTimeout", self.callback.as_ref(), &JsValue::from_f64(millis)).map(|id| (id, deadline));
    }
}

impl Drop for Timeout {
    fn drop(&mut self) {
        if let Some((id, _)) = self.set.get_mut().take() {
            let _cleared = call("clearTimeout", &id, &JsValue::UNDEFINED);
        }
    }
}

fn call(name: &str, first: &JsValue, second: &JsValue) -> Option<JsValue> {
    let function: Function = Reflect::get(&js_sys::global(), &name.into()).ok()?.dyn_into().ok()?;
    function.call2(&JsValue::UNDEFINED, first, second).ok()
}

/// A channel of the page to itself.
struct Messages {
    channel: MessageChannel,
    _callback: Closure<dyn FnMut()>,
}

impl Messages {
    fn open(inner: Weak<Inner>) -> Option<Self> {
        let channel = MessageChannel::new().ok()?;
        let callback = Closure::new(move || {
            if let Some(inner) = inner.upgrade() {
                inner.turn();
            }
        });
        channel.port1().set_onmessage(Some(callback.as_ref().unchecked_ref()));
        Some(Self { channel, _callback: callback })
    }

    fn post(&self) {
        // Only a closed port refuses.
        let _posted = self.channel.port2().post_message(&JsValue::NULL);
    }
}

impl Drop for Messages {
    fn drop(&mut self) {
        self.channel.port1().set_onmessage(None);
        self.channel.port1().close();
    }
}

/// The listener to the event that the page is shown or hidden. Workers have none.
struct Visibility {
    document: JsValue,
    callback: Closure<dyn FnMut()>,
}

impl Visibility {
    fn watch(inner: Weak<Inner>) -> Option<Self> {
        let document = document()?;
        let callback = Closure::new(move || {
            if let Some(inner) = inner.upgrade() {
                inner.turn();
            }
        });
        listen(&document, "addEventListener", callback.as_ref())?;
        Some(Self { document, callback })
    }
}

impl Drop for Visibility {
    fn drop(&mut self) {
        let _removed = listen(&self.document, "removeEventListener", self.callback.as_ref());
    }
}

fn listen(document: &JsValue, method: &str, callback: &JsValue) -> Option<()> {
    let method: Function = Reflect::get(document, &method.into()).ok()?.dyn_into().ok()?;
    method.call2(document, &"visibilitychange".into(), callback).ok()?;
    Some(())
}

fn document() -> Option<JsValue> {
    Reflect::get(&js_sys::global(), &"document".into()).ok().filter(JsValue::is_object)
}

fn is_hidden() -> bool {
    document()
        .and_then(|document| Reflect::get(&document, &"hidden".into()).ok())
        .is_some_and(|hidden| hidden.is_truthy())
}
