//! The packed form of shipped words. FORMAT.md, "Shipped dictionary", describes it.

use crate::transform::Words;

/// The end of a word, 26 letters, and any other byte.
const SYMBOLS: usize = 28;
const OTHER: usize = 27;
/// Most bits of a symbol's code.
const MAX_BITS: usize = 15;
/// Bytes of the header: how many words have codes of one, two and three bytes.
const HEADER: usize = 12;
/// Bytes of the lengths of all codes, half a byte each.
const LENGTHS: usize = SYMBOLS * SYMBOLS * SYMBOLS / 2;

/// The codes after one pair of symbols.
#[derive(Clone, Copy)]
struct Table {
    /// How many codes have each length.
    counts: [u8; MAX_BITS + 1],
    /// The symbols, by their codes.
    symbols: [u8; SYMBOLS],
}

impl Table {
    fn new(length_of: impl Fn(usize) -> usize) -> Table {
        let mut table = Table { counts: [0; MAX_BITS + 1], symbols: [0; SYMBOLS] };
        let mut next = 0;
        for bits in 1..=MAX_BITS {
            for symbol in (0..SYMBOLS).filter(|&symbol| length_of(symbol) == bits) {
                table.counts[bits] += 1;
                table.symbols[next] = symbol as u8;
                next += 1;
            }
        }
        table
    }

    fn read(&self, bits: &mut Bits<'_>) -> usize {
        // Codes of one length are consecutive numbers; `first` is the smallest of this length.
        let (mut code, mut first, mut index) = (0, 0, 0);
        for &count in &self.counts[1..] {
            code |= bits.read();
            let count = usize::from(count);
            if code < first + count {
                return usize::from(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        0
    }
}

/// The bits of some bytes, highest first; zeros follow.
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    byte: u8,
    left: u32,
}

impl Bits<'_> {
    #[inline(always)]
    fn read(&mut self) -> usize {
        if self.left == 0 {
            self.byte = self.bytes.next().copied().unwrap_or(0);
            self.left = 8;
        }
        self.left -= 1;
        usize::from(self.byte >> self.left & 1)
    }
}

/// The words that `packed` holds: a file of ours.
pub fn unpack(packed: &[u8]) -> Words {
    let (header, rest) = packed.split_at(HEADER);
    let (lengths, coded) = rest.split_at(LENGTHS);
    let length = |index: usize| usize::from(lengths[index / 2] >> (index % 2 * 4) & 15);
    let tables: Vec<Table> =
        (0..SYMBOLS * SYMBOLS).map(|pair| Table::new(|symbol| length(pair * SYMBOLS + symbol))).collect();
    let mut bits = Bits { bytes: coded.iter(), byte: 0, left: 0 };
    let mut words = Words::default();
    let mut word = Vec::new();
    for (class, count) in header.chunks_exact(4).enumerate() {
        for _ in 0..u32::from_le_bytes([count[0], count[1], count[2], count[3]]) {
            word.clear();
            let (mut before, mut last) = (0, 0);
            loop {
                let symbol = tables[before * SYMBOLS + last].read(&mut bits);
                match symbol {
                    0 => break,
                    OTHER => word.push((0..8).fold(0, |byte, _| byte << 1 | bits.read() as u8)),
                    letter => word.push(b'a' - 1 + letter as u8),
                }
                (before, last) = (last, symbol);
            }
            words.add(class, &word);
        }
    }
    words
}
