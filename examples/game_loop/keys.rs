//! What the keys do, whether a player presses them or `--script` does.

use crate::game::{Game, Wish};
use crate::level::Direction;
use crate::screen::Input;
use std::time::Duration;

/// Time from key to key of a script. Real time, not game time: a pause would never end.
pub(crate) const KEY_EVERY: Duration = Duration::from_millis(100);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Wish(Wish),
    Pause,
    Slow,
    Step,
    Quit,
    /// Only in scripts, to let time pass.
    Nothing,
}

impl Key {
    pub(crate) fn of_char(key: char) -> Option<Self> {
        Some(match key {
            'h' => Self::Wish(Wish::Go(Direction::Left)),
            'j' => Self::Wish(Wish::Go(Direction::Down)),
            'k' => Self::Wish(Wish::Go(Direction::Up)),
            'l' => Self::Wish(Wish::Go(Direction::Right)),
            'a' => Self::Wish(Wish::Automatic),
            'p' | ' ' => Self::Pause,
            's' => Self::Slow,
            'n' => Self::Step,
            'q' => Self::Quit,
            '.' => Self::Nothing,
            _ => return None,
        })
    }

    pub(crate) fn of_input(input: Input) -> Option<Self> {
        let go = |direction| Some(Self::Wish(Wish::Go(direction)));
        match input {
            Input::Cancel => Some(Self::Quit),
            Input::Move(..0) => go(Direction::Up),
            Input::Move(_) => go(Direction::Down),
            Input::Sideways(..0) => go(Direction::Left),
            Input::Sideways(_) => go(Direction::Right),
            Input::Key(key) => Self::of_char(key),
            Input::CancelRow | Input::Nothing | Input::Resized => None,
        }
    }

    /// Does what the key says. True if that is the end.
    pub(crate) fn press(self, game: &mut Game) -> bool {
        match self {
            Self::Wish(wish) => game.wish(wish),
            Self::Pause => game.timing.toggle_pause(),
            Self::Slow => game.timing.toggle_slow(),
            Self::Step => game.timing.step(),
            Self::Quit => return true,
            Self::Nothing => {}
        }
        false
    }
}

/// The keys of a script, one every [`KEY_EVERY`].
#[derive(Debug)]
pub(crate) struct Script {
    keys: Vec<Key>,
    pressed: usize,
}

impl Script {
    pub(crate) fn new(keys: Vec<Key>) -> Self {
        Self { keys, pressed: 0 }
    }

    /// The next key, if its time has come.
    pub(crate) fn due(&mut self, played: Duration) -> Option<Key> {
        let due = KEY_EVERY * u32::try_from(self.pressed).unwrap_or(u32::MAX) <= played;
        let key = self.keys.get(self.pressed).filter(|_| due).copied();
        self.pressed += usize::from(key.is_some());
        key
    }

    /// When the time of the last key is over.
    pub(crate) fn length(&self) -> Duration {
        KEY_EVERY * u32::try_from(self.keys.len()).unwrap_or(u32::MAX)
    }
}
