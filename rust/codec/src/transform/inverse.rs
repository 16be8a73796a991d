//! From coded bytes back to the text, a byte at a time.

use super::dictionary::{Dictionary, MAX_WORD, Shipped, read_lead};
use super::{
    CAPITAL, ESCAPE, LIST_END, LISTS_END, MAX_SHARED, SHARED, SPELLED, TransformError, UPPER, is_letter,
};
use foretold_models::{StateError, StateIo, hash};

/// The dictionary's lists: words with codes of one, two and three bytes.
const LISTS: usize = 3;

/// Case of the next word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Case {
    #[default]
    AsItIs,
    Capital,
    Upper,
}

/// Turns a chunk's coded bytes back, and keeps the block's dictionary.
///
/// The text grows by a bounded share of what comes: the lists are bounded by the dictionary,
/// and after them no more than five bytes pass without a byte of text or an error.
#[derive(Clone, Debug, Default)]
pub struct Inverse {
    dictionary: Dictionary,
    /// Which of the dictionary's lists is being read; `LISTS`: all are, this is text.
    list: usize,
    /// The block's own words with codes of this length before the list began.
    known: usize,
    /// The list's newest word, as far as it has come.
    entry: Vec<u8>,
    /// How much it shares has come.
    entered: bool,
    /// Of the next word.
    case: Case,
    /// The next byte is itself.
    escaped: bool,
    /// Bytes from 0x80 on are no codes before this run of letters ends.
    spelled: bool,
    /// The run of letters is in capitals.
    upper: bool,
    /// Of a code that is not complete: its length less one, bytes to come, number so far, and
    /// hash.
    class: usize,
    later: usize,
    number: usize,
    code: u64,
    /// What the newest byte shows of the text or of the dictionary.
    seen: Vec<u8>,
    /// How much of that is text.
    restored: usize,
    failed: Option<TransformError>,
}

impl Inverse {
    /// For a block whose dictionary starts from these words.
    pub fn new(shipped: Option<&'static Shipped>) -> Inverse {
        Inverse { dictionary: Dictionary::new(shipped), ..Inverse::default() }
    }

    /// Begins a chunk; the dictionary stays.
    pub fn begin(&mut self) {
        let dictionary = std::mem::take(&mut self.dictionary);
        *self = Inverse { dictionary, ..Inverse::default() };
        self.known = self.dictionary.own().count(0);
    }

    /// The words so far.
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }

    /// Whether the next byte belongs to the dictionary.
    pub fn in_dictionary(&self) -> bool {
        self.list < LISTS
    }

    /// Why the bytes cannot be turned back, if so.
    pub fn failed(&self) -> Option<TransformError> {
        self.failed
    }

    /// The text that the newest byte completed.
    pub fn restored(&self) -> &[u8] {
        &self.seen[..self.restored]
    }

    /// What the newest byte shows to models of words: text, or the dictionary's letters.
    pub fn seen(&self) -> &[u8] {
        &self.seen
    }

    /// A hash of the code's bytes so far, if it is not complete; else 0.
    pub fn code(&self) -> u64 {
        self.code
    }

    /// Takes the next coded byte and gives the text that it completes. An error is kept: it is
    /// the answer from then on.
    pub fn push(&mut self, byte: u8) -> Result<&[u8], TransformError> {
        self.seen.clear();
        self.restored = 0;
        if self.failed.is_none() {
            let text = self.list == LISTS;
            let pushed = if text { self.push_text(byte) } else { self.push_entry(byte) };
            self.failed = pushed.err();
            if text && self.failed.is_none() {
                self.restored = self.seen.len();
            }
        }
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.restored()),
        }
    }

    fn push_entry(&mut self, byte: u8) -> Result<(), TransformError> {
        if self.entered && (byte.is_ascii_lowercase() || byte >= 0x80) {
            if self.entry.len() == MAX_WORD {
                return Err(TransformError::WordLength(MAX_WORD + 1));
            }
            self.entry.push(byte);
            self.seen.push(byte);
            return Ok(());
        }
        let shared = usize::from(byte).wrapping_sub(usize::from(SHARED));
        let ends = byte == LIST_END || byte == LISTS_END;
        if !ends && shared > self.entry.len().min(MAX_SHARED) {
            return Err(TransformError::Misplaced { byte, place: "at its place in the dictionary" });
        }
        if self.entered {
            self.dictionary.add(self.list, &self.entry)?;
        }
        self.seen.push(b' ');
        if ends {
            self.dictionary.arrange(self.list, self.known);
            self.entry.clear();
            self.entered = false;
            self.list = if byte == LISTS_END { LISTS } else { self.list + 1 };
            self.known = if self.list < LISTS { self.dictionary.own().count(self.list) } else { 0 };
        } else {
            self.entry.truncate(shared);
            self.seen.extend_from_slice(&self.entry);
            self.entered = true;
        }
        Ok(())
    }

    fn push_text(&mut self, byte: u8) -> Result<(), TransformError> {
        if self.escaped {
            self.escaped = false;
            self.seen.push(byte);
            return Ok(());
        }
        if byte >= 0x80 && !self.spelled {
            return self.push_code(byte);
        }
        if self.later > 0 {
            return Err(TransformError::Misplaced { byte, place: "in a word's code" });
        }
        if is_letter(byte) {
            self.upper |= self.case == Case::Upper;
            let capital = self.upper || self.case == Case::Capital;
            self.case = Case::AsItIs;
            self.seen.push(if capital { byte.to_ascii_uppercase() } else { byte });
            return Ok(());
        }
        if byte == SPELLED && !self.spelled {
            self.spelled = true;
            return Ok(());
        }
        if byte == SPELLED || self.case != Case::AsItIs {
            return Err(TransformError::Misplaced { byte, place: "after a flag" });
        }
        self.spelled = false;
        self.upper = false;
        match byte {
            CAPITAL => self.case = Case::Capital,
            UPPER => self.case = Case::Upper,
            ESCAPE => self.escaped = true,
            _ => self.seen.push(byte),
        }
        Ok(())
    }

    fn push_code(&mut self, byte: u8) -> Result<(), TransformError> {
        if self.later == 0 {
            (self.class, self.number) = read_lead(byte);
            self.later = self.class;
        } else {
            self.number = self.number << 7 | usize::from(byte & 0x7f);
            self.later -= 1;
        }
        if self.later > 0 {
            self.code = hash(self.code, u32::from(byte) | 0x300);
            return Ok(());
        }
        self.code = 0;
        self.upper = false;
        let unknown = TransformError::UnknownWord { code_bytes: self.class + 1, number: self.number };
        self.seen.extend_from_slice(self.dictionary.word(self.class, self.number).ok_or(unknown)?);
        match std::mem::take(&mut self.case) {
            Case::AsItIs => {}
            Case::Capital => self.seen[..1].make_ascii_uppercase(),
            Case::Upper => self.seen.make_ascii_uppercase(),
        }
        Ok(())
    }

    /// Reads or writes the dictionary; no chunk is under way.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        self.dictionary.state(io)
    }
}
