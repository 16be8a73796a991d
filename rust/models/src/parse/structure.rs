//! Brackets, quotes and tags: what is open at the moment.

use super::words::is_alphanumeric;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

const DEPTH: usize = 16;

/// Which bracket, 1 to 3.
fn kind(bracket: u8) -> u64 {
    match bracket {
        b'(' | b')' => 1,
        b'[' | b']' => 2,
        _ => 3,
    }
}

/// What is open: brackets of all kinds, one quoted string, one tag.
#[derive(Debug, Default)]
pub struct Structure {
    /// Hashes of the open brackets and the two marks before each, the innermost first.
    stack: [u64; DEPTH],
    /// Four bits for each of them, the innermost lowest: which bracket, and the words since.
    levels: u64,
    /// Whether the current or last word began with a capital.
    capital: u32,
    /// Bytes since the innermost bracket opened, up to 255.
    pub since: u32,
    /// The quote that is open, or 0.
    pub quote: u32,
    /// Hash of the quoted string so far, else of the last one.
    pub quoted: u64,
    /// The quoted string before that: a key, where this one is its value.
    pub key: u64,
    /// Hash of the tag or key that encloses this place: the name after `<`.
    pub tag: u64,
    /// Tags open around it, newest first.
    pub tags: [u64; 8],
    /// Hash of the name before the last `=` or `:` of this field, or 0.
    pub name: u64,
    /// The names of the fields before.
    pub names: [u64; 2],
    letters: u64,
    in_tag: u32,
    tag_name: u64,
}

impl Structure {
    pub(super) fn push(&mut self, byte: u8, last8: u64) {
        self.since = (self.since + 1).min(255);
        let before = last8 as u8;
        match (is_alphanumeric(before), is_alphanumeric(byte)) {
            (false, true) => self.capital = byte.is_ascii_uppercase().into(),
            (true, false) if self.levels & 0b1111 != 0 && self.levels & 0b1100 != 0b1100 => {
                self.levels += 0b100
            }
            _ => {}
        }
        match byte {
            b'(' | b'[' | b'{' => {
                self.levels = self.levels << 4 | kind(byte);
                self.stack.copy_within(..DEPTH - 1, 1);
                let marks =
                    [before, (last8 >> 8) as u8].map(|byte| if is_alphanumeric(byte) { 0 } else { byte });
                self.stack[0] = hash(u16::from_le_bytes(marks).into(), u32::from(byte));
                self.since = 0;
            }
            b')' | b']' | b'}' => {
                self.close(kind(byte));
                self.since = 0;
            }
            b'"' => {
                if self.quote == 0 {
                    self.quote = u32::from(byte);
                    self.key = self.quoted;
                    self.quoted = 0;
                } else {
                    self.quote = 0;
                }
            }
            b'\n' => {
                self.quote = 0;
                if before == b'\n' {
                    self.end_paragraph();
                }
            }
            _ => {}
        }
        if self.quote != 0 && byte != b'"' {
            self.quoted = hash(self.quoted, u32::from(byte));
        }
        match byte {
            b'=' | b':' if self.letters != 0 => {
                self.names = [self.name, self.names[0]];
                self.name = self.letters;
                self.letters = 0;
            }
            b'|' | b'\n' | b'>' | b'}' | b';' => {
                if self.name != 0 {
                    self.names = [self.name, self.names[0]];
                    self.name = 0;
                }
                self.letters = 0;
            }
            b' ' | b'"' => {}
            _ if is_alphanumeric(byte) || matches!(byte, b'_' | b'-') => {
                let fresh = !(last8 as u8).is_ascii_alphanumeric()
                    && !matches!(last8 as u8, b'_' | b'-' | 0x80..=0xff);
                self.letters = hash(if fresh { 0 } else { self.letters }, u32::from(byte));
            }
            _ => self.letters = 0,
        }
        self.push_tag(byte, last8);
    }

    /// Closes the innermost bracket of a kind, and what was left open within it.
    fn close(&mut self, kind: u64) {
        let open = self.levels.checked_ilog2().map_or(0, |top| top as usize / 4 + 1);
        if let Some(level) = (0..open).find(|level| self.levels >> (4 * level) & 0b11 == kind) {
            self.drop_levels(level + 1);
        }
    }

    fn drop_levels(&mut self, count: usize) {
        self.levels = self.levels.checked_shr(4 * count as u32).unwrap_or(0);
        self.stack.copy_within(count.., 0);
        self.stack[DEPTH - count..].fill(0);
    }

    /// Brackets of prose end with its paragraph at the latest, those of code may not.
    fn end_paragraph(&mut self) {
        while matches!(self.levels & 0b11, 1 | 2) {
            self.drop_levels(1);
        }
    }

    fn push_tag(&mut self, byte: u8, last8: u64) {
        match (self.in_tag, byte) {
            (_, b'<') => {
                self.in_tag = 1;
                self.tag_name = 0;
            }
            (1, b'/') if last8 as u8 == b'<' => {
                // A closing tag: what encloses it is what encloses us from now on.
                self.tags.copy_within(1..8, 0);
                self.tag = self.tags[0];
                self.in_tag = 3;
            }
            (1, b'>' | b' ' | b'\n') => {
                self.tags.copy_within(0..7, 1);
                self.tags[0] = self.tag_name;
                self.tag = self.tag_name;
                self.in_tag = if byte == b'>' { 0 } else { 2 };
            }
            (1, _) => self.tag_name = hash(self.tag_name, u32::from(byte)),
            (2, b'>') => {
                if last8 as u8 == b'/' {
                    self.tags.copy_within(1..8, 0);
                    self.tag = self.tags[0];
                }
                self.in_tag = 0;
            }
            (3, b'>') => self.in_tag = 0,
            _ => {}
        }
    }

    /// The innermost open bracket with what stood before it; 0 if none is open.
    pub fn bracket(&self) -> u64 {
        self.stack[0]
    }

    /// The innermost open bracket: whether it is doubled, which it is, and the words since, up to 3, in
    /// six bits; 0 if none is open.
    pub fn level(&self) -> u32 {
        let level = self.levels as u32;
        let doubled = level & 3 != 0 && level >> 4 & 3 == level & 3;
        (level & 15) << 2 | u32::from(doubled)
    }

    /// What stands here, in ten bits: in a word, behind a space, a line feed or a mark; the innermost
    /// bracket, the words since, up to 3, and whether it is doubled; whether this is quoted or a tag,
    /// and the last word a capital's.
    pub fn summary(&self, last: u8) -> u32 {
        let place = match last {
            b' ' => 1,
            b'\n' => 2,
            _ if is_alphanumeric(last) => 0,
            _ => 3,
        };
        let level = self.level();
        let flags = [level & 1 != 0, self.quote != 0, self.in_tag != 0, self.capital != 0];
        flags.iter().fold(place | level & !3, |bits, &flag| bits << 1 | u32::from(flag))
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("structure")?;
        io.u64s(&mut self.stack)?;
        io.u64(&mut self.levels)?;
        io.u32(&mut self.capital)?;
        io.u32(&mut self.since)?;
        io.u32(&mut self.quote)?;
        io.u64(&mut self.quoted)?;
        io.u64(&mut self.key)?;
        io.u64(&mut self.tag)?;
        io.u64s(&mut self.tags)?;
        io.u64(&mut self.name)?;
        io.u64s(&mut self.names)?;
        io.u64(&mut self.letters)?;
        io.u32(&mut self.in_tag)?;
        io.u64(&mut self.tag_name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a text.
    fn after(text: &str) -> Structure {
        let mut structure = Structure::default();
        let mut last8 = 0;
        for byte in text.bytes() {
            structure.push(byte, last8);
            last8 = last8 << 8 | u64::from(byte);
        }
        structure
    }

    /// Kinds of the open brackets, the innermost first.
    fn open(text: &str) -> Vec<u64> {
        let levels = after(text).levels;
        (0..DEPTH).map(|level| levels >> (4 * level) & 3).take_while(|&kind| kind != 0).collect()
    }

    #[test]
    fn brackets_close_their_own_kind_and_what_is_within() {
        assert_eq!(open("f(a[1]{"), [3, 1]);
        assert_eq!(open("{ [ ( }"), []);
        assert_eq!(open("a) b] [[c"), [2, 2]);
        assert_eq!(open(&"[".repeat(40)).len(), DEPTH);
        assert_eq!(open(&("{".repeat(9) + &"(".repeat(9))), [[1; 9].as_slice(), &[3; 7]].concat());
        assert_eq!(open(&("(".repeat(20) + &")".repeat(16))), []);
    }

    #[test]
    fn paragraphs_close_what_prose_left_open() {
        assert_eq!(open("it is [so (they say:\nmore"), [1, 2]);
        assert_eq!(open("it is [so (they say:\n\nmore"), []);
        assert_eq!(open("{ call(\n\nmore"), [3]);
    }

    #[test]
    fn what_stood_before_a_bracket_counts_unless_it_is_of_a_word() {
        let bracket = |text| after(text).bracket();
        assert_eq!(bracket("one("), bracket("42("));
        assert_ne!(bracket("one ("), bracket("one("));
        assert_ne!(bracket("one [["), bracket("one ["));
        assert_eq!(bracket("one (a [b] c"), bracket("one ("));
        assert_eq!(bracket("one"), 0);
    }

    #[test]
    fn summaries_fit_ten_bits_and_tell_places_apart() {
        let summary = |text: &str| after(text).summary(text.bytes().last().unwrap_or(0));
        let places = ["a", "A", "a ", "a\n", "a,", "a[", "a[[", "a[[b ", "a[[b c ", "a(", "a{", "\"a", "<a"];
        let mut found: Vec<u32> = places.into_iter().map(summary).collect();
        assert!(found.iter().all(|&summary| summary < 1024));
        found.sort_unstable();
        found.dedup();
        assert_eq!(found.len(), places.len());
        assert_eq!(summary("[[a b c d e "), summary("[[a b c "));
    }
}
