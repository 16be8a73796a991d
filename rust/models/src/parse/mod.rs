//! The past as contexts see it: bytes, words, lines, structure, records.
//!
//! Each part is kept up to date a byte at a time and only describes; the contexts built on
//! it are in [`contexts`](crate::contexts).

mod advance;
mod expressions;
mod fields;
mod followers;
mod forms;
mod letters;
mod lines;
mod marks;
mod numbers;
mod ordinal;
mod places;
mod records;
mod steps;
mod structure;
mod successors;
mod tar;
mod terms;
mod text_object;
mod words;

use crate::history::History;
use crate::state::{StateError, StateIo};

pub use expressions::Expressions;
pub use fields::Fields;
pub use followers::Followers;
pub use forms::Forms;
pub use letters::Letters;
pub use lines::Lines;
pub use marks::Marks;
pub use numbers::Numbers;
pub use places::Places;
pub use records::Records;
pub use steps::Steps;
pub use structure::Structure;
pub use successors::Successors;
use tar::TarHeader;
pub use terms::Terms;
pub use text_object::TextObject;
pub use words::{Words, class};

/// Everything that contexts and selectors may read.
#[derive(Debug)]
pub struct Parsed {
    /// The bytes.
    pub history: History,
    /// Words, sentences and classes of characters.
    pub words: Words,
    /// Lines, columns and fields.
    pub lines: Lines,
    /// Brackets, quotes and tags.
    pub structure: Structure,
    /// What followed the last bytes and words before.
    pub followers: Followers,
    /// Records of fixed length.
    pub records: Records,
    /// See [`Fields`].
    pub fields: Fields,
    /// Words with digits, gaps between them, and what followed them.
    pub terms: Terms,
    /// Words of the current expression.
    pub expressions: Expressions,
    /// The last letters.
    pub letters: Letters,
    /// How words begin and end.
    pub forms: Forms,
    /// Marks between words, and what those of markup leave open.
    pub marks: Marks,
    /// What stood in this place before. This, numbers and successors know structured chunks only.
    pub places: Places,
    /// Numbers, and those that stood in their places before.
    pub numbers: Numbers,
    /// Numbers by the steps of their neighbours.
    pub steps: Steps,
    /// What followed the last three, four and eight bytes before.
    pub successors: Successors,
    /// The byte that the first match model expects, 1-bit prefixed, or 0, and its length class.
    pub expected: (u32, u32),
    text_object: TextObject,
    tar_header: TarHeader,
    parts: Parts,
}

/// Which of the costlier parts are kept up to date: those that something reads.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Parts {
    /// [`Parsed::lines`], and what is above.
    pub lines: bool,
    /// [`Parsed::followers`].
    pub followers: bool,
    /// [`Parsed::terms`], [`Parsed::expressions`], [`Parsed::letters`], [`Parsed::forms`] and
    /// [`Parsed::marks`].
    pub terms: bool,
    /// [`Parsed::places`], [`Parsed::numbers`], [`Parsed::steps`] and [`Parsed::successors`], within
    /// chunks of structured text.
    pub structured: bool,
}

impl Parts {
    /// All but terms: what most presets read.
    pub const MOST: Parts = Parts { lines: true, followers: true, terms: false, structured: true };
    /// All of them.
    pub const ALL: Parts = Parts { terms: true, ..Parts::MOST };
}

impl Parsed {
    /// Nothing seen; the history is a ring of `2^log2_history` bytes.
    pub fn new(log2_history: u32, parts: Parts) -> Option<Self> {
        Some(Parsed {
            parts,
            history: History::new(log2_history)?,
            words: Words::default(),
            lines: Lines::default(),
            structure: Structure::default(),
            followers: Followers::new()?,
            records: Records::default(),
            fields: Fields::default(),
            terms: Terms::new(parts.terms)?,
            expressions: Expressions::default(),
            letters: Letters::default(),
            forms: Forms::default(),
            marks: Marks::default(),
            places: Places::default(),
            numbers: Numbers::default(),
            steps: Steps::default(),
            successors: Successors::default(),
            expected: (0, 0),
            text_object: TextObject::default(),
            tar_header: TarHeader::default(),
        })
    }

    /// The block starts with this history behind it.
    pub fn start_after(&mut self, history: History) {
        self.lines.starts = [history.len; 4];
        self.history = history;
    }

    /// Within a picture the pixel so many columns to the right of the one that comes and so many rows above, or
    /// to the left in its row.
    #[inline(always)]
    pub fn pixel(&self, right: i64, up: u64) -> u8 {
        self.history.back((up * self.records.len).wrapping_sub(right as u64))
    }

    /// How bright that pixel is.
    #[inline(always)]
    pub fn brightness(&self, right: i64, up: u64) -> u8 {
        self.records.brightness[usize::from(self.pixel(right, up))]
    }

    /// Bytes of what only structured chunks need.
    pub const STRUCTURED_BYTES: u64 = Places::BYTES + Numbers::BYTES + Steps::BYTES + Successors::BYTES;

    /// A chunk of structured text begins; `None` if the memory cannot be had.
    pub fn begin_structured(&mut self) -> Option<()> {
        self.places.begin();
        self.numbers.begin();
        self.steps.begin();
        self.successors.begin()
    }

    /// Adds the newest byte to what only structured text needs, after all else has it.
    pub fn push_structured(&mut self, byte: u8) {
        self.places.push(byte, &self.history, &self.lines, &self.structure);
        self.numbers.push(byte);
        self.steps.push(byte);
        self.successors.push(byte, self.history.last8);
    }

    /// Adds the newest byte.
    pub fn push(&mut self, byte: u8) {
        if self.text_object.push(byte, self.history.last8) {
            self.push_of_text_object(byte);
        } else {
            let code = self.tar_header.push(byte, &self.history);
            self.push_text(byte);
            self.words.set_code(code);
            self.push_byte(byte, code, &[byte]);
        }
    }

    /// Adds the newest byte, which belongs to a text object of PDF.
    ///
    /// Words and letters are those that the object shows; everything else looks at the bytes.
    #[cold]
    fn push_of_text_object(&mut self, byte: u8) {
        let (shown, count) = self.text_object.shown();
        self.words.complete();
        for &byte in &shown[..count] {
            self.push_text(byte);
        }
        self.words.set_code(self.text_object.code(self.words.here(), false));
        let code = self.text_object.code(self.terms.term ^ self.terms.gap, true);
        self.push_byte(byte, code, &shown[..count]);
    }

    /// Adds the newest coded byte of a transformed text.
    ///
    /// `text` is what it completes of the text, if anything; `code` a hash of a word's code that
    /// it does not complete, else 0. Words are those of the text; everything else looks at the
    /// coded bytes.
    pub fn push_coded(&mut self, byte: u8, text: &[u8], code: u64) {
        let letter = words::is_letter(byte);
        let len = if letter { self.words.len.saturating_add(1) } else { 0 };
        self.words.complete();
        for &byte in text {
            self.push_text(byte);
        }
        if text.is_empty() {
            self.words.push_incomplete(byte, code);
            self.terms.push_incomplete(byte, code);
        }
        self.words.len = len;
        self.push_byte(byte, code, &[byte]);
    }

    #[inline(always)]
    fn push_text(&mut self, byte: u8) {
        if self.words.push(byte) && self.parts.followers {
            self.followers.push_word(&self.words);
        }
        if self.parts.terms {
            self.terms.push(byte);
            self.expressions.push(byte);
            self.forms.push(byte);
        }
    }

    #[inline(always)]
    fn push_byte(&mut self, byte: u8, code: u64, letters: &[u8]) {
        self.words.push_class(byte);
        if self.parts.followers {
            self.followers.push(byte, self.history.last8);
        }
        if self.parts.lines {
            self.lines.push(byte, self.history.len);
        }
        self.structure.push(byte, self.history.last8);
        if self.parts.terms {
            self.marks.push(byte, self.history.last8);
            self.letters.push(byte, letters);
            self.terms.turn(byte, code);
        }
        self.records.push(byte, self.history.len);
        self.fields.push(byte);
        self.history.push(byte);
    }

    /// The byte above the next one in the line before, or 0.
    pub fn above(&self) -> u8 {
        self.in_line(1, self.column())
    }

    /// The byte of this column in a line before, the newest 1, or 0.
    pub fn in_line(&self, line: usize, column: u64) -> u8 {
        let at = self.lines.starts[line] + column;
        if at < self.lines.starts[line - 1] { self.history.at(at) } else { 0 }
    }

    /// What of brackets and markup is open around this place, as a hash; 0 if nothing is.
    #[inline(always)]
    pub fn within_markup(&self) -> u64 {
        self.marks.within(self.structure.bracket())
    }

    /// Bytes of the current line.
    pub fn column(&self) -> u64 {
        self.history.len - self.lines.starts[0]
    }

    /// Reads or writes everything.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("parsed")?;
        self.text_object.state(io)?;
        self.tar_header.state(io)?;
        self.words.state(io)?;
        self.lines.state(io)?;
        self.structure.state(io)?;
        self.followers.state(io)?;
        self.records.state(io)?;
        self.fields.state(io)?;
        if self.parts.terms {
            self.terms.state(io)?;
            self.expressions.state(io)?;
            self.letters.state(io)?;
            self.forms.state(io)?;
            self.marks.state(io)?;
        }
        if self.parts.structured {
            self.places.state(io)?;
            self.numbers.state(io)?;
            self.steps.state(io)?;
            self.successors.state(io)?;
        }
        self.history.state(io)
    }
}
