//! Levels that nobody drew: mazes with loops, from a seed.

use crate::level::MOST_GUARDS;
use fastrand::Rng;
use std::ops::Range;

/// A map, as text. The same seed and number make the same one.
pub(crate) fn generate(seed: u64, number: usize) -> String {
    let mut rng = Rng::with_seed(seed ^ (number as u64) << 32);
    // Odd, so that there is a wall around.
    let (width, height) = (39 + 20 * number.min(2), 17);
    let mut map = vec![vec!['#'; width]; height];
    let mut path: Vec<(usize, usize)> = vec![(1, 1)];
    map[1][1] = ' ';
    while let Some((row, column)) = path.last().copied() {
        let ways: Vec<(usize, usize)> = [(row + 2, column), (row, column + 2)]
            .into_iter()
            .chain(row.checked_sub(2).map(|row| (row, column)))
            .chain(column.checked_sub(2).map(|column| (row, column)))
            .filter(|(row, column)| *row < height && *column < width && map[*row][*column] == '#')
            .collect();
        if ways.is_empty() {
            path.pop();
            continue;
        }
        let (to_row, to_column) = ways[draw(&mut rng, 0..ways.len())];
        map[to_row.midpoint(row)][to_column.midpoint(column)] = ' ';
        map[to_row][to_column] = ' ';
        path.push((to_row, to_column));
    }
    // A maze without loops is a trap.
    for _ in 0..width * height / 8 {
        let (row, column) = (draw(&mut rng, 1..height - 1), draw(&mut rng, 1..width - 1));
        if row % 2 != column % 2 {
            map[row][column] = ' ';
        }
    }
    map[1][1] = '@';
    let mut put = |mark, count, from: usize| {
        let mut left = count;
        while left > 0 {
            let (row, column) = (draw(&mut rng, 1..height - 1), draw(&mut rng, from..width - 1));
            if map[row][column] == ' ' {
                map[row][column] = mark;
                left -= 1;
            }
        }
    };
    put('$', 8 + 4 * number, 1);
    put('G', (2 + number).min(MOST_GUARDS), width / 2);
    map.iter().map(|line| line.iter().chain(['\n'].iter()).collect::<String>()).collect()
}

/// A number of the range. Drawn with 64 bits, so that a seed gives the same maze on 32-bit systems.
fn draw(rng: &mut Rng, range: Range<usize>) -> usize {
    rng.u64(range.start as u64..range.end as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::generate;
    use crate::level::{Level, Map};

    #[test]
    fn mazes_can_be_played() {
        for number in 0..3 {
            for seed in 0..4 {
                let map = Map::parse(&generate(seed, number)).unwrap();
                let distances = map.places().iter().flat_map(|place| map.distances_to(*place)).collect();
                assert_eq!(Level::new(map, distances).err(), None, "seed {seed}, number {number}");
            }
        }
        assert_ne!(generate(1, 0), generate(2, 0));
    }
}
