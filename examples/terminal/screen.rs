//! The terminal: taken over, given back whatever happens, and painted row by row.

use crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use crossterm::style::{Color, Print, ResetColor, SetForegroundColor};
use crossterm::terminal::{self, Clear, ClearType, DisableLineWrap, EnableLineWrap};
use crossterm::terminal::{EnterAlternateScreen, LeaveAlternateScreen};
use crossterm::{cursor, execute, queue};
use std::io::{self, BufWriter, Stdout, Write};
use std::panic;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// A row of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) text: String,
    pub(crate) color: Option<Color>,
}

/// What the user did. Not every example has a use for all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    Nothing,
    /// Give up everything.
    Cancel,
    /// Give up the row that is chosen.
    CancelRow,
    /// Choose the row that many further down, or up.
    Move(isize),
    /// To the right, or to the left.
    Sideways(isize),
    /// A key without a meaning here, for an example to give it one.
    Key(char),
    Resized,
}

/// Rows from one page to the next.
const PAGE: isize = 10;

/// The terminal in raw mode, with a screen of its own. Dropping it gives the terminal back.
pub(crate) struct Screen {
    out: BufWriter<Stdout>,
    /// What is painted, to paint only what changes.
    painted: Vec<Row>,
    _restore: Restore,
}

/// Gives the terminal back.
struct Restore;

impl Drop for Restore {
    fn drop(&mut self) {
        restore();
    }
}

/// The terminal is ours: to be given back once, since a second time would move the cursor over what was said meanwhile.
static TAKEN: AtomicBool = AtomicBool::new(false);

fn restore() {
    if !TAKEN.swap(false, Ordering::Relaxed) {
        return;
    }
    // There is nobody to tell, and each step is worth trying.
    let _ = execute!(io::stdout(), EnableLineWrap, cursor::Show, LeaveAlternateScreen);
    let _ = terminal::disable_raw_mode();
}

impl Screen {
    /// Takes the terminal over.
    ///
    /// # Errors
    /// That of the terminal, which is as before then.
    pub(crate) fn open() -> io::Result<Self> {
        let restore_at_end = Restore;
        TAKEN.store(true, Ordering::Relaxed);
        terminal::enable_raw_mode()?;
        execute!(io::stdout(), EnterAlternateScreen, cursor::Hide, DisableLineWrap)?;
        show_panics_after_the_screen();
        let out = BufWriter::new(io::stdout());
        Ok(Self { out, painted: Vec::new(), _restore: restore_at_end })
    }

    /// Columns and rows.
    pub(crate) fn size(&self) -> (usize, usize) {
        let (columns, rows) = terminal::size().unwrap_or((80, 24));
        (usize::from(columns.max(1)), usize::from(rows.max(1)))
    }

    /// Waits for the user, at most for `time`.
    ///
    /// # Errors
    /// That of the terminal.
    pub(crate) fn input(&mut self, time: Duration) -> io::Result<Input> {
        if !event::poll(time)? {
            return Ok(Input::Nothing);
        }
        Ok(match event::read()? {
            Event::Key(key) if key.kind != KeyEventKind::Release => meaning(key),
            Event::Resize(..) => {
                self.painted.clear();
                queue!(self.out, Clear(ClearType::All))?;
                Input::Resized
            }
            _ => Input::Nothing,
        })
    }

    /// Paints the rows that differ from what is there.
    ///
    /// # Errors
    /// That of the terminal.
    pub(crate) fn paint(&mut self, mut rows: Vec<Row>) -> io::Result<()> {
        let (width, height) = self.size();
        rows.truncate(height);
        for row in &mut rows {
            // What is too long would pile up in the last column.
            if let Some((end, _)) = row.text.char_indices().nth(width) {
                row.text.truncate(end);
            }
        }
        queue!(self.out, terminal::BeginSynchronizedUpdate)?;
        for (index, row) in rows.iter().enumerate() {
            if self.painted.get(index) == Some(row) {
                continue;
            }
            queue!(self.out, cursor::MoveTo(0, index as u16), Clear(ClearType::CurrentLine))?;
            if let Some(color) = row.color {
                queue!(self.out, SetForegroundColor(color))?;
            }
            queue!(self.out, Print(&row.text), ResetColor)?;
        }
        if self.painted.len() > rows.len() {
            queue!(self.out, cursor::MoveTo(0, rows.len() as u16), Clear(ClearType::FromCursorDown))?;
        }
        queue!(self.out, terminal::EndSynchronizedUpdate)?;
        self.painted = rows;
        self.out.flush()
    }
}

fn meaning(key: KeyEvent) -> Input {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    match key.code {
        KeyCode::Char('c') if control => Input::Cancel,
        KeyCode::Char(_) if control => Input::Nothing,
        KeyCode::Char('q' | 'Q') => Input::Cancel,
        KeyCode::Char('x' | 'X') | KeyCode::Delete => Input::CancelRow,
        KeyCode::Up | KeyCode::Char('k') => Input::Move(-1),
        KeyCode::Down | KeyCode::Char('j') => Input::Move(1),
        KeyCode::Left | KeyCode::Char('h') => Input::Sideways(-1),
        KeyCode::Right | KeyCode::Char('l') => Input::Sideways(1),
        KeyCode::PageUp => Input::Move(-PAGE),
        KeyCode::PageDown => Input::Move(PAGE),
        KeyCode::Char(key) => Input::Key(key),
        _ => Input::Nothing,
    }
}

/// A panic of the loop is told on the user's own screen. One of a task is an error of that task, and shown as such.
fn show_panics_after_the_screen() {
    let here = thread::current().id();
    let before = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if thread::current().id() == here {
            restore();
            before(info);
        }
    }));
}
