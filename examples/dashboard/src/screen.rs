//! Where the pictures go and the keys come from: a terminal; or a script, with a picture in memory.

use crate::app::App;
use crate::keys::Key;
use crate::script::Script;
use offtick::BoxError;
use ratatui::backend::TestBackend;
use ratatui::crossterm::event::{self, Event, KeyEventKind};
use ratatui::{DefaultTerminal, Frame, Terminal};
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Columns and rows of a picture that nobody sees.
const SIZE: (u16, u16) = (120, 40);

pub(crate) enum Screen {
    /// Given back by [`close`](Self::close), and by the hook of a panic.
    Terminal(DefaultTerminal),
    Script {
        terminal: Terminal<TestBackend>,
        script: Script,
    },
}

impl Screen {
    /// # Errors
    /// That of the terminal, that there is none, or what is wrong with the script.
    pub(crate) fn open(script: Option<&Path>) -> Result<Self, BoxError> {
        let Some(path) = script else {
            if !io::stdout().is_terminal() {
                return Err("this is no terminal; a --script does without".into());
            }
            return Ok(Self::Terminal(ratatui::try_init()?));
        };
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        let Ok(terminal) = Terminal::new(TestBackend::new(SIZE.0, SIZE.1));
        Ok(Self::Script { terminal, script: Script::parse(&text)? })
    }

    /// # Errors
    /// That of the terminal.
    pub(crate) fn draw(&mut self, picture: impl FnOnce(&mut Frame<'_>)) -> io::Result<()> {
        match self {
            Self::Terminal(terminal) => terminal.draw(picture).map(drop),
            Self::Script { terminal, .. } => {
                let Ok(_) = terminal.draw(picture);
                Ok(())
            }
        }
    }

    /// Lets time pass until the next frame, and gives the keys of that time to `app`.
    ///
    /// # Errors
    /// That of the terminal, or of the script.
    pub(crate) fn keys_until(&mut self, next: Instant, app: &mut App) -> Result<(), BoxError> {
        let left = || next.saturating_duration_since(Instant::now());
        match self {
            Self::Terminal(_) => loop {
                if event::poll(left())?
                    && let Event::Key(event) = event::read()?
                    && event.kind != KeyEventKind::Release
                    && let Some(key) = Key::pressed(event)
                {
                    app.press(key);
                }
                if left() == Duration::ZERO {
                    return Ok(());
                }
            },
            Self::Script { script, .. } => {
                if let Some(key) = script.next(&app.numbers())? {
                    app.press(key);
                }
                thread::sleep(left());
                Ok(())
            }
        }
    }

    /// Gives the terminal back; of a script, the last picture.
    pub(crate) fn close(self) -> Option<String> {
        match self {
            Self::Terminal(_) => {
                ratatui::restore();
                None
            }
            Self::Script { terminal, .. } => Some(terminal.backend().to_string()),
        }
    }
}
