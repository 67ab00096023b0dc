//! Keys, as far as the dashboard knows them.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Char(char),
    Backspace,
    Enter,
    Esc,
    Tab,
    Up,
    Down,
    CtrlC,
}

impl Key {
    /// What came from the terminal, if it is known here.
    pub(crate) fn pressed(event: KeyEvent) -> Option<Self> {
        let control = event.modifiers.contains(KeyModifiers::CONTROL);
        match event.code {
            KeyCode::Char('c') if control => Some(Self::CtrlC),
            KeyCode::Char(_) if control => None,
            KeyCode::Char(character) => Some(Self::Char(character)),
            KeyCode::Backspace => Some(Self::Backspace),
            KeyCode::Enter => Some(Self::Enter),
            KeyCode::Esc => Some(Self::Esc),
            KeyCode::Tab | KeyCode::BackTab => Some(Self::Tab),
            KeyCode::Up => Some(Self::Up),
            KeyCode::Down => Some(Self::Down),
            _ => None,
        }
    }

    /// What a script calls it.
    pub(crate) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "backspace" => Self::Backspace,
            "enter" => Self::Enter,
            "esc" => Self::Esc,
            "tab" => Self::Tab,
            "up" => Self::Up,
            "down" => Self::Down,
            "ctrl-c" => Self::CtrlC,
            "space" => Self::Char(' '),
            _ => {
                let mut characters = name.chars();
                let first = characters.next()?;
                return characters.next().is_none().then_some(Self::Char(first));
            }
        })
    }
}
