//! The search box: a search while the user types. The newest one wins, and what it replaces is cancelled.

use crate::files::{self, Files, Hits};
use crate::keys::Key;
use offtick::toolkit::{Debouncer, WhileRunning};
use offtick::{Handle, InvalidSetting};
use std::sync::Arc;
use std::time::Duration;

/// How long the user has to pause before a search begins.
const PAUSE: Duration = Duration::from_millis(150);

/// What to look for, and where.
struct Query {
    text: String,
    files: Files,
}

pub(crate) struct Search {
    searches: Debouncer<Query, Hits>,
    pub(crate) text: String,
    /// The newest result, which may be of an older text.
    pub(crate) shown: Option<Arc<Hits>>,
    /// Results that came to be shown.
    results: u64,
}

impl Search {
    /// # Errors
    /// None: the pause is not zero.
    pub(crate) fn start(rt: &Handle) -> Result<Self, InvalidSetting> {
        let theirs = rt.clone();
        let searches = Debouncer::builder(rt, PAUSE).extending().while_running(WhileRunning::Replace).build(
            // The future owns the closure's task: dropping the one cancels the other.
            move |Query { text, files }| {
                theirs.task().name("search").run_blocking(move |cx| files::search(text, &files, cx))
            },
        )?;
        Ok(Self { searches, text: String::new(), shown: None, results: 0 })
    }

    pub(crate) fn tick(&mut self) {
        let Some(latest) = self.searches.latest() else { return };
        if !self.shown.as_ref().is_some_and(|shown| Arc::ptr_eq(shown, &latest)) {
            self.shown = Some(latest);
            self.results += 1;
        }
    }

    pub(crate) fn press(&mut self, key: Key, files: Files) {
        match key {
            Key::Char(character) => self.text.push(character),
            Key::Backspace => drop(self.text.pop()),
            Key::Esc => self.text.clear(),
            Key::Enter => {
                self.searches.flush();
                return;
            }
            _ => return,
        }
        if self.text.is_empty() {
            self.searches.cancel();
        } else {
            self.searches.trigger(Query { text: self.text.clone(), files });
        }
    }

    /// True if what is shown is not the last word.
    pub(crate) fn is_busy(&self) -> bool {
        self.searches.is_busy()
    }

    /// True if what is shown is what was asked for.
    pub(crate) fn is_settled(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.text == self.text)
    }

    pub(crate) fn numbers(&self) -> [(&'static str, u64); 5] {
        let (started, shown) = (self.searches.runs(), self.results);
        // Replaced, or cancelled with the text; not those that are still under way.
        let dropped = (started - shown).saturating_sub(u64::from(self.is_busy()));
        [
            ("searches_started", started),
            ("searches_shown", shown),
            ("searches_dropped", dropped),
            ("search_settled", u64::from(self.is_settled())),
            ("search_hits", self.shown.as_ref().map_or(0, |shown| shown.hits as u64)),
        ]
    }
}
