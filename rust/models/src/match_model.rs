//! The match model: predicts the byte that followed an earlier occurrence of the last bytes.

use crate::adaptive_map::AdaptiveMap;
use crate::hash::hash;
use crate::history::History;
use crate::state::{StateError, StateIo};
use crate::tree::Tree;
use foretold_numerics::{Table, stretch};

/// Mixer inputs of one [`MatchModel`].
pub const MATCH_INPUTS: usize = 3;
const LEN_CLASSES: u32 = 16;
const MAX_LEN: u32 = 65535;
/// How much shorter matches may be where bytes stand for words: of 1 to 4 bytes less, 3 is as
/// small as 4 on novels and encyclopedia, and asks less often.
const CODED_LESS: u32 = 3;

/// Follows one earlier occurrence of the last `min_len` bytes or more.
///
/// After a wrong byte it goes on beside the same text for a while (recovery) unless a longer
/// match turns up.
#[derive(Debug)]
pub struct MatchModel {
    /// The place in the ring after the last occurrence of `min_len` bytes, under a check. A line
    /// of 16 is found by all but the newest byte, so that it can be fetched a byte ahead.
    heads: Table<u32>,
    /// First head of the line for the next byte.
    line: u32,
    min_len: u32,
    /// Position of the byte expected next.
    pointer: u64,
    /// Bytes that agreed, since the last one that did not.
    match_len: u32,
    /// Misses of the last 8 bytes followed, newest lowest; 0xff if nothing is followed.
    misses: u32,
    /// By expected bit, length class and misses.
    map: AdaptiveMap,
    /// The byte expected next, 1-bit prefixed; 0 if none.
    expected: u32,
    /// The way to that byte, from the highest bit on, which is a one; 0 if none.
    way: u32,
    /// How long the match is, in classes: see [`len_class`](Self::len_class).
    class: u32,
}

impl MatchModel {
    /// Looks for matches of `min_len` (4 to 16) bytes or more with `2^log2_heads` hash heads.
    pub fn new(min_len: u32, log2_heads: u32, limit: u32) -> Option<Self> {
        assert!((4..=16).contains(&min_len), "matches of {min_len} bytes");
        let mut map = AdaptiveMap::new(2 * 16 * 16 * 2, limit)?;
        for index in 0..2 * 16 * 16 * 2 {
            let expected_one = index & 1 != 0;
            map.start(index, if expected_one { 49152 } else { 16384 });
        }
        Some(MatchModel {
            heads: Table::try_new(1 << log2_heads)?,
            line: 0,
            min_len,
            pointer: 0,
            match_len: 0,
            misses: 0xff,
            map,
            expected: 0,
            way: 0,
            class: 0,
        })
    }

    /// Turns to the next byte: follows the match, or looks for one. Of a transformed text matches
    /// of [`CODED_LESS`] bytes less will do. Before it is asked for bits, [`find_way`](Self::find_way).
    pub fn next_byte(&mut self, history: &History, coded: bool) {
        let min_len = if coded { self.min_len - CODED_LESS } else { self.min_len };
        let newest = history.back(1);
        if self.expected != 0 {
            let hit = self.expected as u8 == newest;
            self.misses = self.misses << 1 & 0xff | u32::from(!hit);
            self.match_len = if hit { (self.match_len + 1).min(MAX_LEN) } else { 0 };
            self.pointer += 1;
            // Half of the last eight wrong: this is another text.
            if self.misses.count_ones() > 4 {
                self.expected = 0;
            }
        }
        let place_bits = history.capacity().trailing_zeros();
        let h = hash(u64::from(self.line), u32::from(newest));
        let head = &mut self.heads[self.line as usize + (h >> 60) as usize];
        let check = (h >> 28) as u32 >> place_bits << place_bits;
        let place_mask = history.capacity() - 1;
        if (self.expected == 0 || self.match_len < min_len)
            && *head != 0
            && (*head ^ check) >> place_bits == 0
        {
            // Where the ring holds that place now: 1 to capacity - 1 bytes back.
            let distance = history.len.wrapping_sub(u64::from(*head)) & place_mask;
            if distance != 0 && distance < history.len {
                let candidate = history.len - distance;
                let len = common(history, candidate, 400.max(min_len));
                if len >= min_len && (self.expected == 0 || len > self.match_len) {
                    self.pointer = candidate;
                    self.match_len = len;
                    self.misses = 0;
                    self.expected = 1;
                }
            }
        }
        *head = check | (history.len & place_mask) as u32;
        let before = history.hash_of_last(min_len - 1);
        self.line = (before as usize & (self.heads.len() - 1) & !15) as u32;
        self.heads.prefetch(self.line as usize);
        if self.expected != 0 {
            self.expected = 0x100 | u32::from(history.at(self.pointer));
        }
        self.class = self.class_of_len();
    }

    /// Finds the way to the byte expected next in the tree by which it is coded.
    #[inline(always)]
    pub fn find_way(&mut self, tree: &Tree) {
        self.way = if self.expected != 0 { tree.aligned_way(self.expected as u8) } else { 0 };
    }

    /// The expected decision after `path` (those on the byte so far, 1-bit prefixed), if the match
    /// still holds.
    #[inline(always)]
    pub fn expected_bit(&self, path: u32) -> Option<bool> {
        Tree::leads(self.way, path).then(|| self.way << (32 - path.leading_zeros()) >> 31 != 0)
    }

    /// The byte expected next, or 0 if there is none or the byte's decisions so far contradict it.
    #[inline(always)]
    pub fn expected_byte(&self, path: u32) -> u32 {
        if self.expected_bit(path).is_some() { self.expected & 0xff } else { 0 }
    }

    /// The byte expected next, 1-bit prefixed, or 0 if there is none, and the match's length class.
    #[inline(always)]
    pub fn expected(&self) -> (u32, u32) {
        (self.expected, self.class)
    }

    /// How long the match is, in 16 classes; 0 if none.
    #[inline(always)]
    pub fn len_class(&self) -> u32 {
        self.class
    }

    fn class_of_len(&self) -> u32 {
        if self.expected == 0 {
            return 0;
        }
        match self.match_len {
            0 => 1,
            n @ 1..=15 => 2 + n / 4,
            n @ 16..=31 => 6 + (n - 16) / 8,
            n => (3 + n.ilog2()).min(LEN_CLASSES - 1),
        }
    }

    #[inline(always)]
    fn index(&self, expected_bit: bool, first: bool) -> usize {
        let misses = (self.misses & 7) | u32::from(self.misses & 0xf8 != 0) << 3;
        ((((u32::from(first) << 4) + self.len_class()) << 4 | misses) << 1 | u32::from(expected_bit)) as usize
    }

    /// Writes [`MATCH_INPUTS`] inputs.
    #[inline(always)]
    pub fn predict(&self, path: u32, inputs: &mut [i16]) {
        let Some(bit) = self.expected_bit(path) else {
            inputs.fill(0);
            return;
        };
        let p1 = self.map.p1_q16(self.index(bit, path == 1));
        let sign = if bit { 1 } else { -1 };
        inputs[0] = stretch(p1);
        inputs[1] = ((i32::from(p1) - 32768) >> 5) as i16;
        inputs[2] = sign * (self.match_len.min(32) as i16) * 16;
    }

    /// Learns the bit that came.
    #[inline(always)]
    pub fn update(&mut self, path: u32, bit: bool) {
        if let Some(expected) = self.expected_bit(path) {
            self.map.update(self.index(expected, path == 1), bit);
        }
    }

    /// The same model; `None` if the memory cannot be had.
    pub fn try_clone(&self) -> Option<Self> {
        let (heads, map) = (self.heads.try_clone()?, self.map.try_clone()?);
        Some(MatchModel { heads, map, ..*self })
    }

    /// Goes on as at the start of a block; what was seen stays.
    pub fn begin(&mut self) {
        (self.line, self.pointer, self.match_len, self.misses) = (0, 0, 0, 0xff);
        (self.expected, self.way, self.class) = (0, 0, 0);
    }

    /// Reads or writes what matches have turned out to be worth.
    pub fn map_state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        self.map.state(io)
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("match model")?;
        io.u32(&mut self.line)?;
        io.u64(&mut self.pointer)?;
        io.u32(&mut self.match_len)?;
        io.u32(&mut self.misses)?;
        io.u32(&mut self.expected)?;
        self.class = self.class_of_len();
        self.map.state(io)?;
        io.u32s(&mut self.heads)
    }
}

/// How many bytes before `candidate` equal the newest ones, counted to `limit`.
fn common(history: &History, candidate: u64, limit: u32) -> u32 {
    let mut len = 0;
    while len < limit
        && u64::from(len) < candidate
        && history.at(candidate - 1 - u64::from(len)) == history.back(1 + u64::from(len))
    {
        len += 1;
    }
    len
}
