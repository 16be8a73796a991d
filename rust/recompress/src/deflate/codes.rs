//! Prefix codes of deflate: what they are, and which ones zlib would make.

use super::Token;
use crate::bits::BitWriter;

/// Symbols of literals, the end of a block and lengths.
pub const LITERALS: usize = 286;
pub const DISTANCES: usize = 30;
/// Symbols that code lengths of codes: lengths 0 to 15, and three kinds of repeats.
pub const LENGTHS: usize = 19;
pub const END_OF_BLOCK: usize = 256;
const MOST_BITS: usize = 15;
const MOST_LENGTH_BITS: usize = 7;
/// The order in which the lengths of the codes of code lengths stand.
pub const ORDER: [usize; LENGTHS] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/// Bits that follow symbols 16, 17 and 18, and what they add to.
pub const REPEATS: [(u32, u32); 3] = [(2, 3), (3, 3), (7, 11)];

/// The symbol of a match's length, how many bits follow it, and what they say.
pub fn length_symbol(len: u16) -> (usize, u32, u32) {
    match len {
        258 => (285, 0, 0),
        3..=10 => (254 + usize::from(len), 0, 0),
        _ => {
            let (slot, extra, rest) = doubling(u32::from(len) - 3, 2);
            (257 + slot, extra, rest)
        }
    }
}

/// The symbol of a distance, how many bits follow it, and what they say.
pub fn distance_symbol(distance: u16) -> (usize, u32, u32) {
    match distance {
        1..=4 => (usize::from(distance) - 1, 0, 0),
        _ => doubling(u32::from(distance) - 1, 1),
    }
}

/// Slots that double in size every `2^log2` of them.
fn doubling(value: u32, log2: u32) -> (usize, u32, u32) {
    let extra = value.ilog2() - log2;
    let slot = (extra << log2) + (value >> extra);
    (slot as usize, extra, value & ((1 << extra) - 1))
}

/// The shortest length of a symbol of 257 to 285, and the bits that follow.
pub fn length_of(symbol: usize) -> (u16, u32) {
    match symbol - 257 {
        28 => (258, 0),
        slot @ 0..8 => (slot as u16 + 3, 0),
        slot => {
            let extra = slot as u32 / 4 - 1;
            (3 + ((4 + (slot as u16 & 3)) << extra), extra)
        }
    }
}

/// The shortest distance of a symbol of 0 to 29, less 1, and the bits that follow.
pub fn distance_of(symbol: usize) -> (u32, u32) {
    match symbol {
        0..4 => (symbol as u32, 0),
        _ => {
            let extra = symbol as u32 / 2 - 1;
            ((2 + (symbol as u32 & 1)) << extra, extra)
        }
    }
}

/// Lengths of the codes that the specification fixes.
pub fn fixed() -> ([u8; 288], [u8; 32]) {
    let literals = std::array::from_fn(|symbol| match symbol {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    });
    (literals, [5; 32])
}

/// Codes of symbols of these lengths, each with its first bit lowest.
pub fn codes(lengths: &[u8]) -> Vec<u16> {
    let mut next = [0u16; MOST_BITS + 2];
    for &length in lengths {
        next[usize::from(length) + 1] += u16::from(length > 0);
    }
    let mut code = 0u16;
    for next in &mut next[1..] {
        code = code.wrapping_add(*next) << 1;
        *next = code;
    }
    let codes = lengths.iter().map(|&length| {
        let code = &mut next[usize::from(length)];
        let this = *code;
        *code = code.wrapping_add(1);
        match length {
            0 => 0,
            _ => this.reverse_bits() >> (16 - length),
        }
    });
    codes.collect()
}

/// The header of a block with codes of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Lengths of the codes of literals and lengths, 257 to 286 of them, then those of distances, 1 to 30.
    pub lengths: Vec<u8>,
    /// How many of them are of literals and lengths.
    pub literals: usize,
    /// Lengths of the codes of code lengths, in [`ORDER`]: 4 to 19 of them.
    pub order: Vec<u8>,
    /// The symbols of code lengths, each with what follows it.
    pub symbols: Vec<(u8, u8)>,
}

impl Header {
    /// The one that zlib writes before these tokens of a text.
    pub fn guess(counts: &Counts) -> Header {
        let (literals, most_literal) = tree(&counts.literals, MOST_BITS);
        let (distances, most_distance) = tree(&counts.distances, MOST_BITS);
        let (literals, distances) = (&literals[..=most_literal], &distances[..=most_distance]);
        let mut symbols = Vec::new();
        run_lengths(literals, &mut symbols);
        run_lengths(distances, &mut symbols);
        let mut seen = [0; LENGTHS];
        symbols.iter().for_each(|&(symbol, _)| seen[usize::from(symbol)] += 1);
        let (lengths, _) = tree(&seen, MOST_LENGTH_BITS);
        let order = ORDER.map(|symbol| lengths[symbol]);
        let there = order.iter().rposition(|&length| length > 0).map_or(4, |last| (last + 1).max(4));
        Header {
            lengths: [literals, distances].concat(),
            literals: literals.len(),
            order: order[..there].to_vec(),
            symbols,
        }
    }

    /// Lengths that symbols stand for; `None` if they are not so many.
    pub fn unrolled(symbols: &[(u8, u8)], count: usize) -> Option<Vec<u8>> {
        let mut lengths: Vec<u8> = Vec::with_capacity(count);
        for &(symbol, more) in symbols {
            let (length, times) = match symbol {
                0..16 => (symbol, 1),
                16 => (*lengths.last()?, 3),
                _ => (0, REPEATS[usize::from(symbol) - 16].1),
            };
            let times = times as usize + usize::from(more);
            if lengths.len() + times > count {
                return None;
            }
            lengths.extend(std::iter::repeat_n(length, times));
        }
        (lengths.len() == count).then_some(lengths)
    }

    /// Lengths of the codes of code lengths, by symbol.
    pub fn length_lengths(&self) -> [u8; LENGTHS] {
        let mut lengths = [0; LENGTHS];
        for (&symbol, &length) in ORDER.iter().zip(&self.order) {
            lengths[symbol] = length;
        }
        lengths
    }

    /// Writes it; false if a symbol has no code.
    pub fn write(&self, out: &mut BitWriter<'_>) -> bool {
        out.put(self.literals as u32 - 257, 5);
        out.put((self.lengths.len() - self.literals) as u32 - 1, 5);
        out.put(self.order.len() as u32 - 4, 4);
        self.order.iter().for_each(|&length| out.put(length.into(), 3));
        let lengths = self.length_lengths();
        let codes = codes(&lengths);
        for &(symbol, more) in &self.symbols {
            let at = usize::from(symbol);
            if lengths[at] == 0 {
                return false;
            }
            out.put(codes[at].into(), lengths[at].into());
            if symbol >= 16 {
                out.put(more.into(), REPEATS[at - 16].0);
            }
        }
        true
    }
}

/// How often symbols come in a block.
#[derive(Clone, Debug)]
pub struct Counts {
    literals: [u32; LITERALS],
    distances: [u32; DISTANCES],
}

impl Counts {
    /// Of tokens of a text.
    pub fn of(tokens: &[Token], text: &[u8]) -> Counts {
        let mut counts = Counts { literals: [0; LITERALS], distances: [0; DISTANCES] };
        let mut at = 0;
        for token in tokens {
            match token.is_match() {
                true => {
                    counts.literals[length_symbol(token.len).0] += 1;
                    counts.distances[distance_symbol(token.distance).0] += 1;
                }
                false => counts.literals[usize::from(text[at])] += 1,
            }
            at += usize::from(token.len);
        }
        counts.literals[END_OF_BLOCK] = 1;
        counts
    }
}

/// Code lengths that zlib finds for symbols that come so often, and the last symbol with a code.
///
/// A tree is built from the least frequent symbols up, by a heap whose order among equals decides what
/// is written: so it is the same heap.
fn tree(counts: &[u32], most_bits: usize) -> (Vec<u8>, usize) {
    let mut heap = Heap { nodes: vec![0], counts: counts.to_vec(), depths: vec![0; counts.len()] };
    let mut most = None;
    for symbol in (0..counts.len()).filter(|&symbol| counts[symbol] > 0) {
        heap.nodes.push(symbol);
        most = Some(symbol);
    }
    // Two codes at least.
    while heap.nodes.len() < 3 {
        let symbol = match most {
            None => 0,
            Some(last) if last < 2 => last + 1,
            Some(_) => 0,
        };
        if most.is_none_or(|last| last < 2) {
            most = Some(symbol);
        }
        heap.counts[symbol] = 1;
        heap.nodes.push(symbol);
    }
    let most = most.expect("there are two");
    for place in (1..=(heap.nodes.len() - 1) / 2).rev() {
        heap.sink(place);
    }
    // Nodes as they leave the heap, the first last; and what is above each.
    let mut left = Vec::new();
    let mut above = vec![0; counts.len()];
    while heap.nodes.len() > 2 {
        let first = heap.nodes[1];
        heap.nodes[1] = heap.nodes.pop().expect("more than two");
        heap.sink(1);
        let second = heap.nodes[1];
        left.extend([first, second]);
        let node = heap.counts.len();
        heap.counts.push(heap.counts[first] + heap.counts[second]);
        heap.depths.push(heap.depths[first].max(heap.depths[second]) + 1);
        above.push(0);
        (above[first], above[second]) = (node, node);
        heap.nodes[1] = node;
        heap.sink(1);
    }
    let root = heap.nodes[1];
    // Lengths, from the root down, cut at the most.
    let mut lengths = vec![0usize; heap.counts.len()];
    let mut with = [0usize; MOST_BITS + 1];
    let mut over = 0isize;
    for &node in left.iter().rev() {
        let length = lengths[above[node]] + 1;
        over += isize::from(length > most_bits);
        lengths[node] = length.min(most_bits);
        if node < counts.len() {
            with[lengths[node]] += 1;
        }
    }
    debug_assert_eq!(lengths[root], 0);
    if over > 0 {
        while over > 0 {
            let mut length = most_bits - 1;
            while with[length] == 0 {
                length -= 1;
            }
            with[length] -= 1;
            with[length + 1] += 2;
            with[most_bits] -= 1;
            over -= 2;
        }
        let mut leaves = left.iter().filter(|&&node| node < counts.len());
        for length in (1..=most_bits).rev() {
            for &leaf in leaves.by_ref().take(with[length]) {
                lengths[leaf] = length;
            }
        }
    }
    (lengths[..counts.len()].iter().map(|&length| length as u8).collect(), most)
}

/// The smallest node is at place 1.
struct Heap {
    nodes: Vec<usize>,
    counts: Vec<u32>,
    depths: Vec<u32>,
}

impl Heap {
    fn is_smaller(&self, a: usize, b: usize) -> bool {
        (self.counts[a], self.depths[a]) <= (self.counts[b], self.depths[b])
    }

    fn sink(&mut self, mut place: usize) {
        let node = self.nodes[place];
        let last = self.nodes.len() - 1;
        while 2 * place <= last {
            let mut child = 2 * place;
            if child < last && self.is_smaller(self.nodes[child + 1], self.nodes[child]) {
                child += 1;
            }
            if self.is_smaller(node, self.nodes[child]) {
                break;
            }
            self.nodes[place] = self.nodes[child];
            place = child;
        }
        self.nodes[place] = node;
    }
}

/// Appends the symbols that zlib writes for these code lengths.
fn run_lengths(lengths: &[u8], symbols: &mut Vec<(u8, u8)>) {
    let mut before = None;
    let mut rest = lengths;
    while let Some(&length) = rest.first() {
        let run = rest.iter().take_while(|&&other| other == length).count();
        let most = match (length, before == Some(length)) {
            (0, _) => 138,
            (_, true) => 6,
            (_, false) => 7,
        };
        let count = run.min(most);
        rest = &rest[count..];
        let repeats = count as u8;
        match (length, before == Some(length)) {
            (0, _) if count > 10 => symbols.push((18, repeats - 11)),
            (0, _) if count > 2 => symbols.push((17, repeats - 3)),
            (_, true) if count > 2 => symbols.push((16, repeats - 3)),
            (_, false) if count > 3 => symbols.extend([(length, 0), (16, repeats - 4)]),
            _ => symbols.extend(std::iter::repeat_n((length, 0), count)),
        }
        before = Some(length);
    }
}
