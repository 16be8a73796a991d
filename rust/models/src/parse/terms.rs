//! Terms: words that may have digits, what stands between them, and how long ago they were used.

use super::words::{is_alphanumeric, is_letter};
use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::Table;

/// Base-2 logarithm of the terms whose last use is kept.
const LOG2_TERMS: u32 = 16;
/// The same of the tokens whose followers are.
const LOG2_TOKENS: u32 = 18;
/// The most that distances within a gap count to.
const FAR: u32 = 16;

/// The terms of the text. A term is a run of letters and digits, any byte of 128 or more among
/// them; case does not count. What stands between two terms is a gap.
#[derive(Debug)]
pub struct Terms {
    /// Hash of the current term so far; 0 in a gap.
    pub term: u64,
    /// Hashes of the terms before, newest first.
    pub before: [u64; 3],
    /// Letters and digits of the current term, up to 255; 0 in a gap.
    pub len: u32,
    /// Those of the term before.
    pub len_before: u32,
    /// The first one of the current term in lower case; 0 in a gap.
    pub first: u32,
    /// 1 if the current term has a capital, plus 2 if the one before has.
    pub capitals: u32,
    /// Hash of the current gap so far, line ends as spaces; 0 in a term.
    pub gap: u64,
    /// Hash of the gap before the current or last term.
    pub gap_before: u64,
    /// Bytes of the current gap, up to 16; 0 in a term.
    pub gap_len: u32,
    /// Those of the gap before the current or last term.
    pub gap_len_before: u32,
    /// The last term that had `:` or `=` behind it.
    pub keyword: u64,
    /// The bracket or quote opened last, 0 if one was closed since.
    pub opened: u32,
    /// How long ago the current term so far was a whole term, as 1 + a base-2 logarithm; 0 if it
    /// is not known to have been one.
    pub age: u32,
    /// Sounds of the last two letters, digits or marks, a byte each, newest lowest: see [`sound`].
    pub sounds: u32,
    /// The two bytes that followed this token the last times, newest lowest. The token is the
    /// current term or gap so far.
    pub follower: u32,
    /// Bytes of the text so far.
    pub position: u32,
    /// The last two bytes of the text.
    last2: [u8; 2],
    /// Hash of the bytes so far of a code of the text transform, or of what a text object does not
    /// show; 0 if none has begun.
    code: u64,
    /// Where terms ended last, the upper half a check.
    uses: Table<u64>,
    /// Bytes that followed each token, and the place of the current token.
    followers: Table<u16>,
    token: u32,
}

/// A letter, digit or mark as what can stand in its place.
fn sound(lower: u8) -> u8 {
    match lower {
        b'e' | b'y' | b'0' => lower,
        b'a' | b'i' | b'o' | b'u' => b'a',
        b'b'..=b'z' => b'b',
        b'1'..=b'9' => b'1',
        128.. => 128,
        b'.' | b'!' | b'?' => b'!',
        b',' | b';' | b':' => b',',
        b'(' | b'[' | b'{' | b'<' => b'(',
        b')' | b']' | b'}' | b'>' => b')',
        _ => lower,
    }
}

impl Terms {
    /// Nothing seen; if not `kept`, without the tables, for [`push`](Self::push) is not called.
    pub(super) fn new(kept: bool) -> Option<Self> {
        let entries = |log2: u32| if kept { 1 << log2 } else { 0 };
        Some(Terms {
            term: 0,
            before: [0; 3],
            len: 0,
            len_before: 0,
            first: 0,
            capitals: 0,
            gap: 0,
            gap_before: 0,
            gap_len: 0,
            gap_len_before: 0,
            keyword: 0,
            opened: 0,
            age: 0,
            sounds: 0,
            follower: 0,
            position: 0,
            last2: [0; 2],
            code: 0,
            uses: Table::try_new(entries(LOG2_TERMS))?,
            followers: Table::try_new(entries(LOG2_TOKENS))?,
            token: 0,
        })
    }

    /// Adds the newest byte of the text.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8) {
        let [before, before2] = self.last2;
        self.last2 = [byte, before];
        self.position = self.position.wrapping_add(1);
        let lower = byte.to_ascii_lowercase();
        let inside = self.len != 0;
        if is_alphanumeric(byte) {
            if !inside {
                self.begin(lower, before, before2);
            }
            self.term = hash(self.term, u32::from(lower));
            self.len = (self.len + 1).min(255);
            self.capitals |= u32::from(byte.is_ascii_uppercase());
        } else {
            if inside {
                self.end(byte);
            }
            self.gap = hash(self.gap, u32::from(if byte == b'\n' { b' ' } else { byte }));
            self.gap_len = (self.gap_len + 1).min(FAR);
            match byte {
                b'(' | b'[' | b'{' | b'<' => self.opened = u32::from(byte),
                b')' | b']' | b'}' | b'>' | b'"' | b'\'' => self.opened = 0,
                _ => {}
            }
        }
        // Sounds do not reach over the bounds of a term.
        let kept = if inside == (self.len != 0) { self.sounds << 8 & 0xff00 } else { 0 };
        self.sounds = kept | u32::from(sound(lower));
    }

    /// Adds a coded byte that shows nothing of the text: part of a code if `code` is not 0, else
    /// a flag, which counts as something that stands between terms.
    pub(super) fn push_incomplete(&mut self, byte: u8, code: u64) {
        if code == 0 && self.len == 0 {
            self.gap = hash(self.gap, u32::from(byte));
        }
    }

    fn begin(&mut self, first: u8, before: u8, before2: u8) {
        self.gap_before = self.gap;
        self.gap_len_before = self.gap_len;
        self.gap = 0;
        self.gap_len = 0;
        self.first = u32::from(first);
        let apostrophe = is_letter(before2);
        if before == b'"' || before == b'\'' && !apostrophe {
            self.opened = u32::from(before);
        }
    }

    fn end(&mut self, byte: u8) {
        if matches!(byte, b':' | b'=') {
            self.keyword = self.term;
        }
        self.uses[(self.term >> (64 - LOG2_TERMS)) as usize] = self.term << 32 | u64::from(self.position);
        self.before.copy_within(0..2, 1);
        self.before[0] = self.term;
        self.len_before = self.len;
        self.capitals = self.capitals << 1 & 2;
        self.term = 0;
        self.len = 0;
        self.first = 0;
    }

    /// Turns to the next byte: `followed` came after the current token, and `code` is a hash of
    /// the code that has begun, or 0.
    #[inline(always)]
    pub(super) fn turn(&mut self, followed: u8, code: u64) {
        let follower = &mut self.followers[self.token as usize];
        *follower = *follower << 8 | u16::from(followed);
        self.code = code;
        let here = self.here();
        let token = if here == 0 { self.gap } else { here };
        self.token = (token >> (64 - LOG2_TOKENS)) as u32;
        self.follower = u32::from(self.followers[self.token as usize]);
        let seen = self.uses[(here >> (64 - LOG2_TERMS)) as usize];
        let known = here != 0 && seen != 0 && seen >> 32 == here & 0xffff_ffff;
        let ago = self.position.wrapping_sub(seen as u32) | 1;
        self.age = if known { ago.ilog2() + 1 } else { 0 };
    }

    /// The term before if a single byte parts it from what stands here, else 0.
    #[inline(always)]
    pub fn neighbour(&self) -> u64 {
        let gap_len = if self.len == 0 { self.gap_len } else { self.gap_len_before };
        if gap_len == 1 { self.before[0] } else { 0 }
    }

    /// Hash of the current term so far, or of the code so far; 0 in a gap.
    #[inline(always)]
    pub fn here(&self) -> u64 {
        if self.code != 0 { self.code } else { self.term }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("terms")?;
        io.u64s(&mut self.before)?;
        for value in [&mut self.term, &mut self.gap, &mut self.gap_before, &mut self.keyword, &mut self.code]
        {
            io.u64(value)?;
        }
        for value in [
            &mut self.len,
            &mut self.len_before,
            &mut self.first,
            &mut self.capitals,
            &mut self.gap_len,
            &mut self.gap_len_before,
            &mut self.opened,
            &mut self.age,
            &mut self.sounds,
            &mut self.follower,
            &mut self.position,
            &mut self.token,
        ] {
            io.u32(value)?;
        }
        if self.token >= 1 << LOG2_TOKENS {
            return Err(StateError::Impossible("terms"));
        }
        io.u8s(&mut self.last2)?;
        io.u64s(&mut self.uses)?;
        io.u16s(&mut self.followers)
    }
}
