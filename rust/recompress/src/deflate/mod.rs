//! Deflate streams: what they hold, and what it takes to write them again.
//!
//! A stream is a text, and a choice at every step: a literal or a match, where a block ends, which
//! codes it has. Nearly all streams are zlib's or gzip's, whose choices follow from the text and a
//! level. So the choices are guessed, as zlib would make them, and only those that come otherwise are
//! noted.
//!
//! Source: L. P. Deutsch, DEFLATE Compressed Data Format Specification (RFC 1951, 1996); the order of
//! zlib's choices is that of zlib 1.3 (J. Gailly, M. Adler).

mod codes;
mod guess;
mod parse;
mod write;

pub use codes::Header;
pub use guess::Parameters;
pub use parse::{Parsed, parse};
pub use write::{Noted, note, write};

/// Shortest and longest match.
pub const MIN_MATCH: usize = 3;
pub const MAX_MATCH: usize = 258;
/// Furthest match.
pub const MAX_DISTANCE: usize = 1 << 15;

/// A literal, or a match.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Token {
    /// Bytes it stands for: 1 for a literal, 3 to 258 for a match.
    pub len: u16,
    /// How far back a match lies, 1 to 32768; 0 for a literal.
    pub distance: u16,
}

impl Token {
    pub const LITERAL: Token = Token { len: 1, distance: 0 };

    pub fn is_match(self) -> bool {
        self.distance > 0
    }
}

/// How a block's tokens are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Form {
    /// As bytes.
    Stored,
    /// With the codes that the specification fixes.
    Fixed,
    /// With codes of its own.
    #[default]
    Dynamic,
}

/// Where a block ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// When the writer's buffer is full.
    #[default]
    Full,
    /// With the stream's text, or what is at hand of it.
    Rest,
    /// After so many tokens; of a stored block, bytes.
    Count(u32),
}

/// What is noted of a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block {
    pub form: Form,
    pub is_last: bool,
    pub length: Length,
    /// Its header, if it is not as guessed.
    pub header: Option<Box<Header>>,
    /// The bits that fill up the byte before a stored block's length.
    pub filling: u32,
}

/// A token that is not as guessed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Correction {
    /// Tokens as guessed before it, since the last correction.
    pub after: u32,
    pub token: Token,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bits::BitWriter;
    use proptest::prelude::*;

    /// A deflate stream of literals and matches as they come, in blocks of fixed codes and stored ones.
    fn odd_stream(text: &[u8], choices: &[u8]) -> Vec<u8> {
        let mut bits: Vec<bool> = Vec::new();
        let put = |value: u32, count: u32, bits: &mut Vec<bool>| {
            bits.extend((0..count).map(|i| value >> i & 1 != 0))
        };
        let code = |value: u32, count: u32, bits: &mut Vec<bool>| {
            bits.extend((0..count).rev().map(|i| value >> i & 1 != 0));
        };
        let mut at = 0;
        let mut choices = choices.iter().cycle();
        while at < text.len() {
            let end = (at + 40 + usize::from(*choices.next().unwrap()) * 8).min(text.len());
            put(u32::from(end == text.len()), 1, &mut bits);
            if choices.next().unwrap().is_multiple_of(4) {
                put(0, 2, &mut bits);
                bits.resize(bits.len().next_multiple_of(8), *choices.next().unwrap() > 99);
                put((end - at) as u32 | !((end - at) as u32) << 16, 32, &mut bits);
                text[at..end].iter().for_each(|&byte| put(byte.into(), 8, &mut bits));
                at = end;
                continue;
            }
            put(1, 2, &mut bits);
            while at < end {
                let back = usize::from(*choices.next().unwrap()) + 1;
                let there = at.checked_sub(back).map_or(0, |from| {
                    (0..(end - at).min(10)).take_while(|i| text[from + i] == text[at + i]).count()
                });
                if there < 3 || back > 4 && back.is_multiple_of(3) {
                    match text[at] {
                        byte @ 0..144 => code(0x30 + u32::from(byte), 8, &mut bits),
                        byte => code(0x190 + u32::from(byte) - 144, 9, &mut bits),
                    }
                    at += 1;
                    continue;
                }
                code(there as u32 - 2, 7, &mut bits);
                // Distances of 1 to 4 have codes without further bits; others double.
                let distance = back as u32 - 1;
                match distance {
                    0..4 => code(distance, 5, &mut bits),
                    _ => {
                        let extra = distance.ilog2() - 1;
                        code(2 * extra + (distance >> extra), 5, &mut bits);
                        put(distance & ((1 << extra) - 1), extra, &mut bits);
                    }
                }
                at += there;
            }
            code(0, 7, &mut bits);
        }
        bits.chunks(8).map(|byte| byte.iter().rev().fold(0, |sum, &bit| sum << 1 | u8::from(bit))).collect()
    }

    proptest! {
        /// Whatever its writer chose.
        #[test]
        fn any_choices_are_noted(
            words in prop::collection::vec("[a-c]{1,4}", 1..400),
            choices in prop::collection::vec(any::<u8>(), 1..60),
        ) {
            let text = words.concat().into_bytes();
            let stream = odd_stream(&text, &choices);
            let parsed = parse(&stream, 0, b"", text.len());
            prop_assert!(parsed.is_complete());
            prop_assert_eq!(parsed.own_text(), &text[..]);
            let noted = note(&parsed, 15, None, None).unwrap();
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out, 0, 0);
            write(&noted, &text, 0, &mut writer, stream.len()).unwrap();
            writer.end_byte(u32::from(stream[stream.len() - 1]) >> (parsed.end_bit() % 8));
            prop_assert!(out == stream);
        }
    }
}
