//! The growth of vectors that may become large.

/// Makes room in a full vector.
///
/// It doubles the capacity; once the vector has `large` elements it grows by one `part`th at a time, so that little of
/// a large one is unused.
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
