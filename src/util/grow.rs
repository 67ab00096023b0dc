//! How a vector that may become large grows.

/// Makes room in a vector that is full: twice as much as there is, and once it has `large` elements a `part`th more at a time,
/// so that little of a large one is spare.
#[inline]
pub(crate) fn make_room<T>(vector: &mut Vec<T>, large: usize, part: usize) {
    let used = vector.len();
    if used == vector.capacity() {
        vector.reserve_exact(if used < large { used.max(4) } else { used / part });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_full_vector_doubles_until_it_is_large() {
        let (mut vector, mut rooms) = (Vec::new(), Vec::new());
        for nth in 0..100 {
            make_room(&mut vector, 32, 8);
            vector.push(nth);
            if rooms.last() != Some(&vector.capacity()) {
                rooms.push(vector.capacity());
            }
        }
        assert_eq!(rooms, [4, 8, 16, 32, 36, 40, 45, 50, 56, 63, 70, 78, 87, 97, 109]);
    }
}
