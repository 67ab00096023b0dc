//! A page with a progress bar, a retry line and a schedule, all on one thread. `.ci/web page` builds it into `target/page`.
#![cfg(all(target_family = "wasm", target_os = "unknown"))]
#![allow(missing_docs, reason = "the macro for the entry point writes a function without docs")]

use offtick::time::{interval, sleep};
use offtick::{RetryPolicy, Status, Task, View};
use offtick_web::Page;
use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;
use wasm_bindgen::closure::Closure;
use wasm_bindgen::prelude::wasm_bindgen;
use wasm_bindgen::{JsCast, JsValue};
use web_sys::{Document, Element, HtmlElement, HtmlProgressElement};

const LEVELS: u32 = 40;

#[wasm_bindgen(start)]
fn main() -> Result<(), JsValue> {
    let page = Page::new().map_err(|error| error.to_string())?;
    let document = web_sys::window().and_then(|window| window.document()).ok_or("no document")?;
    let shown = Rc::new(Shown::new(&document)?);

    // A task that reports its progress.
    let load: Task<u32, u32> = page.runtime().task().name("levels").progress(64).spawn(|mut cx| async move {
        for level in 1..=LEVELS {
            sleep(Duration::from_millis(25)).await;
            cx.report(level);
        }
        LEVELS
    });
    // A task that fails twice before it gets through.
    let policy = RetryPolicy::exponential(Duration::from_millis(300)).max_attempts(4).jitter(0.2);
    let scores: Task<u32> = page.runtime().task().name("scores").retry(policy).run(|cx| async move {
        sleep(Duration::from_millis(60)).await;
        if cx.attempt() < 3 { Err("server is busy") } else { Ok(1234) }
    });
    // One that never ends, for the button.
    let wait: Task<()> = page.runtime().task().name("wait").spawn(|_cx| std::future::pending());
    let cancel = wait.cancel_handle();
    let clicked = Closure::<dyn FnMut()>::new(move || _ = cancel.cancel());
    shown.button.set_onclick(Some(clicked.as_ref().unchecked_ref()));
    clicked.forget();
    // Seconds, on a grid that does not drift.
    let seconds = Rc::new(Cell::new(0));
    let counter = Rc::clone(&seconds);
    let text = shown.seconds.clone();
    let ticks = interval(Duration::from_secs(1)).map_err(|error| error.to_string())?;
    page.runtime()
        .spawn(async move {
            let mut ticks = ticks;
            loop {
                ticks.tick().await;
                counter.set(counter.get() + 1);
                text.set_text_content(Some(&format!("{} s", counter.get())));
            }
        })
        .detach();

    page.on_update(move || {
        for level in load.progress() {
            shown.bar.set_value(f64::from(level) / f64::from(LEVELS));
            shown.load.set_text_content(Some(&format!("{level} of {LEVELS} levels")));
        }
        shown.scores.set_text_content(Some(&match scores.view() {
            View::Waiting { attempt, last_error, .. } => {
                format!("attempt {attempt} failed: {}; waits for the next", last_error.label())
            }
            View::Done(points) => format!("{points} points, at attempt {}", scores.attempt()),
            _ => "loads".to_owned(),
        }));
        shown.wait.set_text_content(Some(if wait.status() == Status::Cancelled { "cancelled" } else { "runs" }));
    });
    page.leak();
    Ok(())
}

/// The elements that are written.
struct Shown {
    bar: HtmlProgressElement,
    load: Element,
    scores: Element,
    seconds: Element,
    wait: Element,
    button: HtmlElement,
}

impl Shown {
    fn new(document: &Document) -> Result<Self, JsValue> {
        let find = |id: &str| document.get_element_by_id(id).ok_or_else(|| JsValue::from(format!("no element {id}")));
        Ok(Self {
            bar: find("bar")?.dyn_into()?,
            load: find("load")?,
            scores: find("scores")?,
            seconds: find("seconds")?,
            wait: find("wait")?,
            button: find("cancel")?.dyn_into()?,
        })
    }
}
