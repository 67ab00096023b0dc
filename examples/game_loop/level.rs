//! Levels: the map as text, and the way from anywhere to anywhere.
//!
//! ```text
//!   #  wall      (space) or .  floor      @  where the thief begins      $  coin      G  guard
//! ```
//! What is not drawn is wall.

use std::collections::VecDeque;
use std::fmt;

/// Columns and rows of the largest map.
const MOST_COLUMNS: usize = 120;
const MOST_ROWS: usize = 60;

/// Floor of the largest level: its table of distances has 8 MB.
const MOST_FLOOR: usize = 2048;

/// Guards of a level. Each has its own millisecond within a hundredth of a second; see `guard`.
pub(crate) const MOST_GUARDS: usize = 9;

/// Between two places without a way from one to the other; and of a wall.
const NO_WAY: u16 = u16::MAX;

/// A cell of the map: row by row, from the upper left.
pub(crate) type Place = usize;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Right,
    Down,
    Left,
}

impl Direction {
    pub(crate) const ALL: [Self; 4] = [Self::Up, Self::Right, Self::Down, Self::Left];
}

/// Why a text is no level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LevelError {
    TooLarge,
    TooMuchFloor(usize),
    /// Line and column count from 1.
    Unknown(char, usize, usize),
    Thieves(usize),
    NoCoin,
    TooManyGuards(usize),
    Unreachable(char, usize, usize),
}

impl fmt::Display for LevelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLarge => write!(f, "a level has at most {MOST_COLUMNS} columns and {MOST_ROWS} lines"),
            Self::TooMuchFloor(floor) => write!(f, "{floor} cells of floor; at most {MOST_FLOOR}"),
            Self::Unknown(mark, line, column) => write!(f, "line {line}, column {column}: {mark:?} means nothing"),
            Self::Thieves(count) => write!(f, "{count} places where the thief begins (@); there is to be one"),
            Self::NoCoin => write!(f, "no coin ($), so nothing to do"),
            Self::TooManyGuards(count) => write!(f, "{count} guards (G); at most {MOST_GUARDS}"),
            Self::Unreachable(mark, line, column) => {
                write!(f, "line {line}, column {column}: no way leads from the thief to this {mark}")
            }
        }
    }
}

impl std::error::Error for LevelError {}

/// A map that was checked, without the ways yet.
#[derive(Clone, Debug)]
pub(crate) struct Map {
    width: usize,
    height: usize,
    /// Of each place its number among the floor; `None` is wall.
    floor: Vec<Option<u16>>,
    /// The places of the floor, in the order of their numbers.
    places: Vec<Place>,
    pub(crate) start: Place,
    pub(crate) coins: Vec<Place>,
    pub(crate) guards: Vec<Place>,
}

impl Map {
    /// Reads a map. Whether everything can be reached shows when the ways are known: [`Level::new`].
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(crate) fn parse(text: &str) -> Result<Self, LevelError> {
        let lines: Vec<&str> = text.lines().collect();
        let (height, width) = (lines.len(), lines.iter().map(|line| line.chars().count()).max().unwrap_or(0));
        if width > MOST_COLUMNS || height > MOST_ROWS {
            return Err(LevelError::TooLarge);
        }
        let (mut floor, mut places) = (vec![None; width * height], Vec::new());
        let (mut starts, mut coins, mut guards) = (Vec::new(), Vec::new(), Vec::new());
        for (row, line) in lines.iter().enumerate() {
            for (column, mark) in line.chars().enumerate() {
                let place = row * width + column;
                match mark {
                    '#' => continue,
                    ' ' | '.' => {}
                    '@' => starts.push(place),
                    '$' => coins.push(place),
                    'G' => guards.push(place),
                    _ => return Err(LevelError::Unknown(mark, row + 1, column + 1)),
                }
                // No more than 7,200 cells.
                floor[place] = Some(places.len() as u16);
                places.push(place);
            }
        }
        match starts[..] {
            _ if places.len() > MOST_FLOOR => Err(LevelError::TooMuchFloor(places.len())),
            [_] if coins.is_empty() => Err(LevelError::NoCoin),
            [_] if guards.len() > MOST_GUARDS => Err(LevelError::TooManyGuards(guards.len())),
            [start] => Ok(Self { width, height, floor, places, start, coins, guards }),
            _ => Err(LevelError::Thieves(starts.len())),
        }
    }

    /// Cells of floor.
    pub(crate) fn floor(&self) -> usize {
        self.places.len()
    }

    /// The place that many cells of floor further on: some place, from a random number.
    pub(crate) fn nth_floor(&self, number: u64) -> Place {
        self.places[(number % self.places.len() as u64) as usize]
    }

    pub(crate) fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    pub(crate) fn is_floor(&self, place: Place) -> bool {
        self.floor[place].is_some()
    }

    /// The cell beside `place`, if one can stand there.
    pub(crate) fn beside(&self, place: Place, direction: Direction) -> Option<Place> {
        let (row, column) = (place / self.width, place % self.width);
        let beside = match direction {
            Direction::Up => row.checked_sub(1).map(|_| place - self.width),
            Direction::Down => (row + 1 < self.height).then_some(place + self.width),
            Direction::Left => column.checked_sub(1).map(|_| place - 1),
            Direction::Right => (column + 1 < self.width).then_some(place + 1),
        };
        beside.filter(|beside| self.is_floor(*beside))
    }

    /// The steps from each cell of the floor to `target`, in the order of their numbers.
    pub(crate) fn distances_to(&self, target: Place) -> Vec<u16> {
        let mut distances = vec![NO_WAY; self.places.len()];
        let mut ahead = VecDeque::from([(target, 0)]);
        while let Some((place, distance)) = ahead.pop_front() {
            let Some(number) = self.floor[place] else { continue };
            if distances[usize::from(number)] != NO_WAY {
                continue;
            }
            distances[usize::from(number)] = distance;
            let beside = Direction::ALL.iter().filter_map(|direction| self.beside(place, *direction));
            ahead.extend(beside.map(|beside| (beside, distance + 1)));
        }
        distances
    }

    /// The targets of the table of distances, in its order.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }
}

/// A map, and how far it is from each place to each: what a script asks for costs it a look.
#[derive(Debug)]
pub(crate) struct Level {
    pub(crate) map: Map,
    /// A row for each target.
    distances: Vec<u16>,
}

impl Level {
    /// # Errors
    /// [`LevelError::Unreachable`].
    pub(crate) fn new(map: Map, distances: Vec<u16>) -> Result<Self, LevelError> {
        let level = Self { map, distances };
        let map = &level.map;
        let marked = map.coins.iter().map(|coin| ('$', *coin)).chain(map.guards.iter().map(|guard| ('G', *guard)));
        for (mark, place) in marked {
            if level.distance(map.start, place).is_none() {
                return Err(LevelError::Unreachable(mark, place / map.width + 1, place % map.width + 1));
            }
        }
        Ok(level)
    }

    /// Steps from one place to another, if there is a way.
    pub(crate) fn distance(&self, from: Place, to: Place) -> Option<u16> {
        let (from, to) = (self.map.floor[from]?, self.map.floor[to]?);
        let distance = self.distances[usize::from(to) * self.map.floor() + usize::from(from)];
        (distance != NO_WAY).then_some(distance)
    }

    /// The next cell on the way from one place to another; none if one is there, or if there is no way.
    pub(crate) fn towards(&self, from: Place, to: Place) -> Option<Place> {
        let distance = self.distance(from, to)?;
        let beside = Direction::ALL.iter().filter_map(|direction| self.map.beside(from, *direction));
        beside.into_iter().find(|beside| self.distance(*beside, to).is_some_and(|left| left < distance))
    }

    /// True if nothing stands between the two, in a row or in a column, within `range`.
    pub(crate) fn sees(&self, from: Place, to: Place, range: usize) -> bool {
        Direction::ALL.iter().any(|direction| {
            let mut seen = Some(from);
            (0..=range).any(|_| {
                let here = seen;
                seen = here.and_then(|place| self.map.beside(place, *direction));
                here == Some(to)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Direction, Level, LevelError, Map};

    fn level(text: &str) -> Result<Level, LevelError> {
        let map = Map::parse(text)?;
        let distances = map.places().iter().flat_map(|place| map.distances_to(*place)).collect();
        Level::new(map, distances)
    }

    #[test]
    fn ways_are_the_shortest() {
        let level = level("#####\n#@.$#\n#.#.#\n#..G#\n").unwrap();
        let (start, coin, guard) = (level.map.start, level.map.coins[0], level.map.guards[0]);
        assert_eq!((level.distance(start, coin), level.distance(start, guard)), (Some(2), Some(4)));
        assert_eq!(level.towards(start, coin), level.map.beside(start, Direction::Right));
        assert_eq!((level.towards(start, start), level.distance(start, 0)), (None, None));
        assert!(level.sees(start, coin, 2) && !level.sees(start, coin, 1) && !level.sees(start, guard, 9));
    }

    #[test]
    fn maps_that_cannot_be_played_are_refused() {
        let wide = "#".repeat(121);
        for (text, error) in [
            ("", LevelError::Thieves(0)),
            ("@@$", LevelError::Thieves(2)),
            ("@", LevelError::NoCoin),
            ("@$\n x", LevelError::Unknown('x', 2, 2)),
            ("@$GGGGGGGGGG", LevelError::TooManyGuards(10)),
            ("@$#$", LevelError::Unreachable('$', 1, 4)),
            ("@$#G", LevelError::Unreachable('G', 1, 4)),
            (wide.as_str(), LevelError::TooLarge),
            (&"#\n".repeat(61), LevelError::TooLarge),
            (&format!("{}\n@$", format!("{}\n", ".".repeat(110)).repeat(20)), LevelError::TooMuchFloor(2202)),
        ] {
            assert_eq!(level(text).err(), Some(error), "{text}");
        }
        assert!(level("@$").is_ok(), "an open border is a border");
    }
}
