//! CRC-32 as zip, gzip and PNG have it, eight bytes a step.

const POLYNOMIAL: u32 = 0xEDB8_8320;

/// `TABLES[k][b]` is what byte `b` becomes when `k` zero bytes follow it.
static TABLES: [[u32; 256]; 8] = tables();

const fn tables() -> [[u32; 256]; 8] {
    let mut tables = [[0; 256]; 8];
    let mut byte = 0;
    while byte < 256 {
        let mut crc = byte as u32;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 };
            bit += 1;
        }
        tables[0][byte] = crc;
        byte += 1;
    }
    let mut zeros = 1;
    while zeros < 8 {
        let mut byte = 0;
        while byte < 256 {
            let before = tables[zeros - 1][byte];
            tables[zeros][byte] = (before >> 8) ^ tables[0][(before & 0xFF) as usize];
            byte += 1;
        }
        zeros += 1;
    }
    tables
}

/// A checksum in the making.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crc32(u32);

impl Crc32 {
    pub(crate) fn new() -> Self {
        Self(!0)
    }

    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let mut crc = self.0;
        let (steps, rest) = bytes.as_chunks::<8>();
        for step in steps {
            let first = crc.to_le_bytes();
            crc = 0;
            for (place, byte) in step.iter().enumerate() {
                let mixed = if place < 4 { byte ^ first[place] } else { *byte };
                crc ^= TABLES[7 - place][usize::from(mixed)];
            }
        }
        for byte in rest {
            crc = (crc >> 8) ^ TABLES[0][usize::from((crc as u8) ^ byte)];
        }
        self.0 = crc;
    }

    pub(crate) fn finish(self) -> u32 {
        !self.0
    }
}

#[cfg(test)]
mod tests {
    use super::Crc32;

    #[test]
    fn agrees_with_the_check_values_in_any_pieces() {
        for (text, check) in
            [("", 0), ("123456789", 0xCBF4_3926), ("The quick brown fox jumps over the lazy dog", 0x414F_A339)]
        {
            for cut in 0..=text.len() {
                let mut crc = Crc32::new();
                crc.update(&text.as_bytes()[..cut]);
                crc.update(&text.as_bytes()[cut..]);
                assert_eq!(crc.finish(), check, "{text:?} cut at {cut}");
            }
        }
    }
}
