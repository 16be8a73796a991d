//! Brackets, quotes and tags: what is open at the moment.

use super::words::is_alphanumeric;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

const DEPTH: usize = 16;

/// What is open: brackets of all kinds, one quoted string, one tag.
#[derive(Debug, Default)]
pub struct Structure {
    /// Open brackets: the innermost last. Each is the bracket byte and a hash of the bytes
    /// just before it.
    stack: [u64; DEPTH],
    depth: u32,
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
        match byte {
            b'(' | b'[' | b'{' => {
                let at = (self.depth as usize).min(DEPTH - 1);
                self.stack[at] = hash(last8 & 0xffff, u32::from(byte));
                self.depth = (self.depth + 1).min(DEPTH as u32);
                self.since = 0;
            }
            b')' | b']' | b'}' => {
                self.depth = self.depth.saturating_sub(1);
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
            b'\n' => self.quote = 0,
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
        if self.depth == 0 { 0 } else { self.stack[self.depth as usize - 1] }
    }

    /// How many brackets are open, up to 15, and whether we are in a quoted string or a tag.
    pub fn summary(&self) -> u32 {
        self.depth.min(15) * 8 + u32::from(self.quote != 0) * 4 + self.in_tag
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("structure")?;
        io.u64s(&mut self.stack)?;
        io.u32(&mut self.depth)?;
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
