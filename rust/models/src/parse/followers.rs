//! Followers: what came after the last bytes and words when they were seen before.

use super::Words;
use crate::state::{StateError, StateIo};
use foretold_numerics::Table;

const LOG2_WORDS: u32 = 16;

/// Small tables from a byte, a pair or a word to what followed it.
#[derive(Debug)]
pub struct Followers {
    /// For each byte, the bytes that followed it last: newest lowest.
    of_byte: Table<u32>,
    /// The same for pairs of bytes, two bytes each.
    of_pair: Table<u16>,
    /// For each word (by hash), a hash of the word that followed it last.
    of_word: Table<u32>,
    /// The same for pairs of words.
    of_word_pair: Table<u32>,
    /// Bytes that followed the last byte before, newest lowest.
    pub byte: u32,
    /// Bytes that followed the last two before, newest lowest.
    pub pair: u32,
    /// Hash of the word that followed the last whole word before.
    pub word: u32,
    /// Hash of the word that followed the last two whole words before.
    pub word_pair: u32,
}

fn slot(word: u64) -> usize {
    (word >> (64 - LOG2_WORDS)) as usize
}

impl Followers {
    pub(super) fn new() -> Option<Self> {
        Some(Followers {
            of_byte: Table::try_new(256)?,
            of_pair: Table::try_new(1 << 16)?,
            of_word: Table::try_new(1 << LOG2_WORDS)?,
            of_word_pair: Table::try_new(1 << LOG2_WORDS)?,
            byte: 0,
            pair: 0,
            word: 0,
            word_pair: 0,
        })
    }

    /// Adds the newest byte.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8, last8: u64) {
        let pair = (last8 & 0xffff) as usize;
        let of_byte = &mut self.of_byte[pair & 0xff];
        *of_byte = *of_byte << 8 | u32::from(byte);
        let of_pair = &mut self.of_pair[pair];
        *of_pair = *of_pair << 8 | u16::from(byte);
        let pair = pair << 8 & 0xff00 | usize::from(byte);
        self.byte = self.of_byte[pair & 0xff];
        self.pair = u32::from(self.of_pair[pair]);
    }

    /// Adds the word that has just ended.
    #[inline(always)]
    pub(super) fn push_word(&mut self, words: &Words) {
        let [newest, last, before, ..] = words.before;
        self.of_word[slot(last)] = (newest >> 16) as u32;
        self.of_word_pair[slot(last.wrapping_mul(3).wrapping_add(before))] = (newest >> 16) as u32;
        self.word = self.of_word[slot(newest)];
        self.word_pair = self.of_word_pair[slot(newest.wrapping_mul(3).wrapping_add(last))];
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("followers")?;
        io.u32s(&mut self.of_byte)?;
        io.u16s(&mut self.of_pair)?;
        io.u32s(&mut self.of_word)?;
        io.u32s(&mut self.of_word_pair)?;
        for value in [&mut self.byte, &mut self.pair, &mut self.word, &mut self.word_pair] {
            io.u32(value)?;
        }
        Ok(())
    }
}
