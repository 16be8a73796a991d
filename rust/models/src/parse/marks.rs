//! Marks: what stands between the words, and what marks of wiki markup and of escaped XML leave open.

use super::words::is_alphanumeric;
use crate::hash::hash;
use crate::state::{StateError, StateIo};

/// `&lt;`, `&gt;` and `&quot;`, as they end.
const LESS: u64 = 0x266c_743b;
const GREATER: u64 = 0x2667_743b;
const QUOTE: u64 = 0x2671_756f_743b;

/// Marks of the current line, of which wiki markup ends what they open, and the last ones.
#[derive(Debug, Default)]
pub struct Marks {
    /// How many `=` the line began with, up to 4: a heading from two on.
    heading: u32,
    /// The line has had nothing but `=` so far.
    begins: u32,
    /// Apostrophes of the run that ends with the newest byte.
    apostrophes: u32,
    /// What runs of apostrophes have opened: 1 by two, 2 by three, both by five.
    emphasis: u32,
    /// 1 within an escaped tag.
    in_tag: u32,
    /// 1 within escaped quotation marks.
    quoted: u32,
    /// Bars since the last bracket, up to 3.
    bars: u32,
    /// Words since the last mark, up to 255; those joined by blanks, apostrophes and hyphens.
    pub words: u32,
    /// Whether a word is under way.
    in_word: u32,
    /// Classes of the last four bytes that are no letter or digit, three bits each, newest lowest.
    pub last: u32,
}

/// A byte that is no letter or digit: what it ends or joins.
fn class(byte: u8) -> u32 {
    match byte {
        b' ' => 0,
        b'.' | b'!' | b'?' => 1,
        b',' | b';' | b':' => 2,
        b'[' | b'(' | b'{' => 3,
        b']' | b')' | b'}' => 4,
        b'\n' => 5,
        b'\'' | b'-' => 6,
        _ => 7,
    }
}

impl Marks {
    /// Adds the newest byte; `last8` has those before it.
    #[inline(always)]
    pub(super) fn push(&mut self, byte: u8, last8: u64) {
        if is_alphanumeric(byte) {
            self.in_word = 1;
            self.begins = 0;
            self.end_apostrophes();
            return;
        }
        self.words = (self.words + self.in_word).min(255);
        self.in_word = 0;
        let class = class(byte);
        if !matches!(class, 0 | 6) {
            self.words = 0;
        }
        self.last = (self.last << 3 | class) & 0xfff;
        if byte == b'\n' {
            *self = Marks { last: self.last, begins: 1, ..Marks::default() };
            return;
        }
        self.push_mark(byte, last8 << 8 | u64::from(byte));
    }

    /// Adds what is neither letter nor digit nor a line's end.
    fn push_mark(&mut self, byte: u8, last8: u64) {
        if byte == b'\'' {
            self.apostrophes = (self.apostrophes + 1).min(6);
        } else {
            self.end_apostrophes();
        }
        if byte == b'=' {
            self.heading = (self.heading + self.begins).min(4);
        } else {
            self.begins = 0;
        }
        match byte {
            b'|' => self.bars = (self.bars + 1).min(3),
            b'[' | b']' | b'{' | b'}' => self.bars = 0,
            b';' if last8 & 0xffff_ffff == LESS => self.in_tag = 1,
            b';' if last8 & 0xffff_ffff == GREATER => self.in_tag = 0,
            b';' if last8 & 0xffff_ffff_ffff == QUOTE => self.quoted ^= 1,
            _ => {}
        }
    }

    fn end_apostrophes(&mut self) {
        match self.apostrophes {
            2 => self.emphasis ^= 1,
            3 => self.emphasis ^= 2,
            5 => self.emphasis ^= 3,
            _ => {}
        }
        self.apostrophes = 0;
    }

    /// What is open in the line, in nine bits: a heading, emphasis, an escaped tag, escaped quotation
    /// marks, bars; 0 if nothing is.
    #[inline(always)]
    pub fn open(&self) -> u32 {
        let heading = self.heading.saturating_sub(1);
        heading << 6 | self.emphasis << 4 | self.in_tag << 3 | self.quoted << 2 | self.bars
    }

    /// The same with an open bracket's hash; 0 if nothing is open and no bracket is.
    #[inline(always)]
    pub fn within(&self, bracket: u64) -> u64 {
        match (bracket, self.open()) {
            (0, 0) => 0,
            (bracket, open) => hash(bracket, open),
        }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("marks")?;
        for value in [
            &mut self.heading,
            &mut self.begins,
            &mut self.apostrophes,
            &mut self.emphasis,
            &mut self.in_tag,
            &mut self.quoted,
            &mut self.bars,
            &mut self.words,
            &mut self.in_word,
            &mut self.last,
        ] {
            io.u32(value)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// After a text that begins a line.
    fn after(text: &str) -> Marks {
        let mut marks = Marks::default();
        let mut last8 = 0;
        for byte in text.bytes() {
            marks.push(byte, last8);
            last8 = last8 << 8 | u64::from(byte);
        }
        marks
    }

    #[test]
    fn lines_open_what_they_close() {
        assert_eq!(after("\n== Words").open(), 1 << 6);
        assert_eq!(after("\n=====Words").open(), 3 << 6);
        assert_eq!(after("\n= Word").open(), 0);
        assert_eq!(after("\nx == y").open(), 0);
        assert_eq!(after("\n== Words ==\n").open(), 0);
        assert_eq!(after("an ''old").open(), 1 << 4);
        assert_eq!(after("an '''old").open(), 2 << 4);
        assert_eq!(after("an '''''old''' and").open(), 1 << 4);
        assert_eq!(after("an ''old'' and it's").open(), 0);
        assert_eq!(after("&lt;br").open(), 1 << 3);
        assert_eq!(after("&lt;br&gt; and").open(), 0);
        assert_eq!(after("&quot;so").open(), 1 << 2);
        assert_eq!(after("[[a|b|c").open(), 2);
        assert_eq!(after("[[a|b]]").open(), 0);
    }

    #[test]
    fn words_count_from_the_last_mark() {
        let words = |text| after(text).words;
        assert_eq!(words("one two's three "), 4);
        assert_eq!(words("one, two thr"), 1);
        assert_eq!(words("one. "), 0);
        assert_eq!(words(&"a ".repeat(300)), 255);
        assert_eq!(after("one, [two").last, 0o203);
    }

    #[test]
    fn what_is_within_is_known_by_all_that_is_open() {
        let [none, some] = [after("plain"), after("''so")];
        assert_eq!(none.within(0), 0);
        let all = [none.within(7), some.within(0), some.within(7)];
        assert!(all.iter().all(|&within| within != 0));
        assert!(all[0] != all[1] && all[0] != all[2] && all[1] != all[2]);
    }
}
