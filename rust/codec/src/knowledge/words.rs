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

/// Codes of so many bits or fewer are looked up.
const SHORT_BITS: usize = 6;

/// The codes after one pair of symbols.
#[derive(Clone, Copy)]
struct Table {
    /// For each value of the next bits: the symbol whose code they start with, times 16, plus its
    /// length; 0 if it is longer.
    short: [u16; 1 << SHORT_BITS],
    /// How many codes have each length.
    counts: [u8; MAX_BITS + 1],
    /// The symbols, by their codes.
    symbols: [u8; SYMBOLS],
}

impl Table {
    fn new(length_of: impl Fn(usize) -> usize) -> Table {
        let mut table =
            Table { short: [0; 1 << SHORT_BITS], counts: [0; MAX_BITS + 1], symbols: [0; SYMBOLS] };
        let (mut next, mut filled) = (0, 0);
        for bits in 1..=MAX_BITS {
            for symbol in (0..SYMBOLS).filter(|&symbol| length_of(symbol) == bits) {
                table.counts[bits] += 1;
                table.symbols[next] = symbol as u8;
                next += 1;
                if bits <= SHORT_BITS {
                    let values = 1 << (SHORT_BITS - bits);
                    table.short[filled..filled + values].fill((symbol << 4 | bits) as u16);
                    filled += values;
                }
            }
        }
        table
    }

    #[inline(always)]
    fn read(&self, bits: &mut Bits<'_>) -> usize {
        let next = bits.peek();
        let short = usize::from(self.short[next >> (MAX_BITS - SHORT_BITS)]);
        if short != 0 {
            bits.skip(short & 15);
            return short >> 4;
        }
        // Codes of one length are consecutive numbers; `first` is the smallest of this length.
        let (mut first, mut index) = (0, 0);
        for (len, &count) in self.counts.iter().enumerate().skip(1) {
            let (code, count) = (next >> (MAX_BITS - len), usize::from(count));
            if code < first + count {
                bits.skip(len);
                return usize::from(self.symbols[index + code - first]);
            }
            index += count;
            first = (first + count) << 1;
        }
        0
    }
}

/// The bits of some bytes, highest first; zeros follow.
struct Bits<'a> {
    bytes: std::slice::Iter<'a, u8>,
    /// The next bits, highest first.
    window: u64,
    /// How many of them have been filled in.
    filled: usize,
}

impl Bits<'_> {
    /// The next `MAX_BITS` bits.
    #[inline(always)]
    fn peek(&mut self) -> usize {
        while self.filled < MAX_BITS {
            self.window |= u64::from(self.bytes.next().copied().unwrap_or(0)) << (56 - self.filled);
            self.filled += 8;
        }
        (self.window >> (64 - MAX_BITS)) as usize
    }

    /// Passes bits that have been seen.
    #[inline(always)]
    fn skip(&mut self, bits: usize) {
        self.window <<= bits;
        self.filled -= bits;
    }

    fn byte(&mut self) -> u8 {
        let byte = self.peek() >> (MAX_BITS - 8);
        self.skip(8);
        byte as u8
    }
}

/// The words that `packed` holds: a file of ours.
pub fn unpack(packed: &[u8]) -> Words {
    let (header, rest) = packed.split_at(HEADER);
    let (lengths, coded) = rest.split_at(LENGTHS);
    let length = |index: usize| usize::from(lengths[index / 2] >> (index % 2 * 4) & 15);
    let tables: Vec<Table> =
        (0..SYMBOLS * SYMBOLS).map(|pair| Table::new(|symbol| length(pair * SYMBOLS + symbol))).collect();
    let mut bits = Bits { bytes: coded.iter(), window: 0, filled: 0 };
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
                    OTHER => word.push(bits.byte()),
                    letter => word.push(b'a' - 1 + letter as u8),
                }
                (before, last) = (last, symbol);
            }
            words.add(class, &word);
        }
    }
    words
}
