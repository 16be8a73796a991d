//! What is noted of the streams in a piece of content.

use crate::deflate::{self, Block, Correction, Form, Header, Length, Parameters, Token};
use crate::{Error, lzw};

/// Writes numbers of a recipe one after the other, or reads them: which, a recipe does not know.
pub trait Notes {
    /// A bit, in one of [`BITS`] contexts; a reader ignores `bit` and finds it.
    fn bit(&mut self, context: usize, bit: bool) -> bool;
    /// A number, in one of [`NUMBERS`] contexts.
    fn number(&mut self, context: usize, number: u32) -> u32;
    /// A number below `2^bits`, any as likely as any other.
    fn plain(&mut self, bits: u32, number: u32) -> u32;
}

/// Contexts of bits.
pub const BITS: usize = 13;
/// Contexts of numbers.
pub const NUMBERS: usize = 23;

mod bit {
    pub const MORE_PARTS: usize = 0;
    pub const IS_PICTURE: usize = 1;
    pub const GOES_ON: usize = 2;
    pub const FILTERED: usize = 3;
    pub const MORE_BLOCKS: usize = 4;
    pub const IS_LAST: usize = 5;
    pub const HEADER: usize = 6;
    pub const MORE_CORRECTIONS: usize = 7;
    pub const IS_MATCH: usize = 8;
    pub const MORE_RUNS: usize = 9;
    pub const FULL_RUN: usize = 10;
    pub const MORE_SHORTER: usize = 11;
    pub const AFRESH: usize = 12;
}

mod number {
    pub const BEFORE: usize = 0;
    pub const TEXT: usize = 1;
    pub const LEVEL: usize = 2;
    pub const BUFFER: usize = 3;
    pub const HASH: usize = 4;
    pub const WINDOW: usize = 5;
    pub const FORM: usize = 6;
    pub const LENGTH: usize = 7;
    pub const COUNT: usize = 8;
    pub const SYMBOL: usize = 9;
    pub const AFTER: usize = 10;
    pub const LEN: usize = 11;
    pub const DISTANCE: usize = 12;
    pub const TRAILER: usize = 13;
    pub const WIDTH: usize = 14;
    pub const RUN: usize = 15;
    pub const PIXEL: usize = 16;
    pub const PIECE: usize = 17;
    pub const STRINGS: usize = 18;
    pub const SHORTER: usize = 19;
    pub const AFTER_ALL: usize = 20;
    pub const PALETTE: usize = 21;
    pub const COLOURS: usize = 22;
}

/// Items that a recipe has at most, parts, blocks, headers, corrections and runs together: so much memory
/// and time is bounded, whatever a recipe says.
pub const MOST_ITEMS: usize = 1 << 18;
/// A header counts as so many.
const HEADER_ITEMS: usize = 32;

/// What follows a stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Trailer {
    /// Nothing that follows from its text.
    #[default]
    None,
    /// The Adler-32 of its text, its highest byte first: zlib's.
    Adler32,
    /// The CRC-32 of its text and its length, their lowest bytes first: gzip's.
    Gzip,
}

/// A stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    /// A deflate stream, or some of its blocks.
    Deflate {
        /// Whether it began in the piece before.
        goes_on: bool,
        noted: deflate::Noted,
        /// The bits that fill up its last byte.
        filling: u32,
        trailer: Trailer,
    },
    /// A picture of a GIF file, its width, and where its palette is.
    Picture { width: u32, palette: PaletteAt, noted: lzw::Noted },
}

/// Where a picture's palette is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PaletteAt {
    /// Bytes from its end to the picture's data.
    pub after: u32,
    /// It has 2^this colours; none is looked at if this is 0.
    pub colours_log2: u8,
    /// Whether its numbers are the bytes that are seen, whatever stood for its colours before.
    pub afresh: bool,
}

impl PaletteAt {
    /// Bytes of its colours.
    fn len(self) -> usize {
        3 << self.colours_log2
    }

    /// Bytes from its beginning to the picture's data.
    pub fn reach(self) -> usize {
        if self.colours_log2 == 0 { 0 } else { self.len().saturating_add(self.after as usize) }
    }

    /// Its colours, of the content that stands before the picture's data.
    pub fn find(self, before: &[u8]) -> Result<Option<&[u8]>, Error> {
        if self.colours_log2 == 0 {
            return Ok(None);
        }
        let start = before.len().checked_sub(self.reach()).ok_or(Error::Palette)?;
        Ok(Some(&before[start..start + self.len()]))
    }
}

/// A stream, and what comes before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    /// Bytes before it, since the last, as they are.
    pub before: usize,
    /// Bytes of its text.
    pub text: usize,
    pub stream: Stream,
}

/// What it takes to write a piece of content from what its streams hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recipe {
    /// The streams, in their order.
    pub(crate) parts: Vec<Part>,
    /// Bytes after the last, as they are.
    pub(crate) after: usize,
}

impl Stream {
    /// How many items its part counts.
    pub fn items(&self) -> usize {
        1 + match self {
            Stream::Deflate { noted, .. } => {
                let headers = noted.blocks.iter().filter(|block| block.header.is_some()).count();
                noted.blocks.len() + HEADER_ITEMS * headers + noted.corrections.len()
            }
            Stream::Picture { noted, .. } => noted.runs.len() + noted.shorter.len(),
        }
    }
}

impl Recipe {
    /// Writes it, or reads one into an empty recipe.
    pub fn code(&mut self, notes: &mut impl Notes) -> Result<(), Error> {
        let mut coding = Coding { notes, items: 0 };
        coding.list(bit::MORE_PARTS, &mut self.parts, Part::default, |coding, part, number| {
            coding.part(part, number == 0)
        })?;
        coding.size(number::AFTER_ALL, &mut self.after);
        Ok(())
    }

    /// How many streams there are.
    pub fn streams(&self) -> usize {
        self.parts.len()
    }

    /// Bytes of all that is between streams and that they hold.
    pub fn expanded_bytes(&self) -> usize {
        let parts = self.parts.iter().map(|part| part.before.saturating_add(part.text));
        parts.fold(self.after, usize::saturating_add)
    }
}

impl Default for Part {
    fn default() -> Part {
        let (palette, noted) = Default::default();
        Part { before: 0, text: 0, stream: Stream::Picture { width: 0, palette, noted } }
    }
}

struct Coding<'a, N> {
    notes: &'a mut N,
    items: usize,
}

impl<N: Notes> Coding<'_, N> {
    fn count(&mut self, items: usize) -> Result<(), Error> {
        self.items += items;
        if self.items > MOST_ITEMS { Err(Error::Items) } else { Ok(()) }
    }

    /// Items, each after a bit that says that it comes.
    fn list<T>(
        &mut self,
        context: usize,
        list: &mut Vec<T>,
        empty: impl Fn() -> T,
        mut code: impl FnMut(&mut Self, &mut T, usize) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut number = 0;
        while self.notes.bit(context, number < list.len()) {
            self.count(1)?;
            if number == list.len() {
                list.push(empty());
            }
            code(self, &mut list[number], number)?;
            number += 1;
        }
        Ok(())
    }

    fn size(&mut self, context: usize, size: &mut usize) {
        *size = self.notes.number(context, *size as u32) as usize;
    }

    /// A number within limits.
    fn within(&mut self, context: usize, number: &mut u8, least: u8, most: u8) -> Result<(), Error> {
        let found = self.notes.number(context, number.saturating_sub(least).into());
        if found > u32::from(most - least) {
            return Err(Error::Range { found: found.saturating_add(least.into()), least, most });
        }
        *number = least + found as u8;
        Ok(())
    }

    fn part(&mut self, part: &mut Part, is_first: bool) -> Result<(), Error> {
        self.size(number::BEFORE, &mut part.before);
        self.size(number::TEXT, &mut part.text);
        let is_picture = matches!(part.stream, Stream::Picture { .. });
        let is_picture = self.notes.bit(bit::IS_PICTURE, is_picture);
        if !is_picture && matches!(part.stream, Stream::Picture { .. }) {
            part.stream = Stream::Deflate {
                goes_on: false,
                noted: deflate::Noted::default(),
                filling: 0,
                trailer: Trailer::None,
            };
        }
        match &mut part.stream {
            Stream::Picture { width, palette, noted } => {
                *width = self.notes.number(number::WIDTH, *width);
                self.within(number::COLOURS, &mut palette.colours_log2, 0, 8)?;
                if palette.colours_log2 > 0 {
                    palette.after = self.notes.number(number::PALETTE, palette.after);
                    palette.afresh = self.notes.bit(bit::AFRESH, palette.afresh);
                }
                self.within(number::PIXEL, &mut noted.bits, 2, 8)?;
                self.within(number::PIECE, &mut noted.piece, 1, u8::MAX)?;
                let full = noted.full();
                self.list(
                    bit::MORE_RUNS,
                    &mut noted.runs,
                    || 0,
                    |coding, run, _| {
                        *run = match coding.notes.bit(bit::FULL_RUN, *run == full) {
                            true => full,
                            false => coding.notes.number(number::RUN, *run),
                        };
                        Ok(())
                    },
                )?;
                self.list(
                    bit::MORE_SHORTER,
                    &mut noted.shorter,
                    || (0, 0),
                    |coding, (after, by), _| {
                        *after = coding.notes.number(number::STRINGS, *after);
                        *by = coding.notes.number(number::SHORTER, *by);
                        Ok(())
                    },
                )
            }
            Stream::Deflate { goes_on, noted, filling, trailer } => {
                *goes_on = is_first && self.notes.bit(bit::GOES_ON, *goes_on);
                if !*goes_on {
                    self.parameters(&mut noted.parameters)?;
                }
                let mut ended = false;
                self.list(bit::MORE_BLOCKS, &mut noted.blocks, Block::default, |coding, block, _| {
                    coding.block(block)?;
                    let is_after = std::mem::replace(&mut ended, block.is_last);
                    if is_after { Err(Error::Block) } else { Ok(()) }
                })?;
                self.list(
                    bit::MORE_CORRECTIONS,
                    &mut noted.corrections,
                    Correction::default,
                    |coding, correction, _| coding.correction(correction),
                )?;
                if noted.blocks.last().is_some_and(|block| block.is_last) {
                    *filling = self.notes.number(number::TRAILER, *filling) & 0xff;
                    let mut which = *trailer as u8;
                    self.within(number::TRAILER, &mut which, 0, 2)?;
                    *trailer = [Trailer::None, Trailer::Adler32, Trailer::Gzip][usize::from(which)];
                }
                Ok(())
            }
        }
    }

    fn parameters(&mut self, parameters: &mut Parameters) -> Result<(), Error> {
        self.within(number::LEVEL, &mut parameters.level, 1, 9)?;
        self.within(number::BUFFER, &mut parameters.buffer_log2, 7, 15)?;
        self.within(number::HASH, &mut parameters.hash_log2, 8, 16)?;
        self.within(number::WINDOW, &mut parameters.window_log2, 9, 15)?;
        parameters.filtered = self.notes.bit(bit::FILTERED, parameters.filtered);
        Ok(())
    }

    fn block(&mut self, block: &mut Block) -> Result<(), Error> {
        block.is_last = self.notes.bit(bit::IS_LAST, block.is_last);
        let mut form = block.form as u8;
        self.within(number::FORM, &mut form, 0, 2)?;
        block.form = [Form::Stored, Form::Fixed, Form::Dynamic][usize::from(form)];
        if block.form == Form::Stored {
            let count = if let Length::Count(count) = block.length { count } else { 0 };
            block.length = Length::Count(self.notes.number(number::COUNT, count));
            block.filling = self.notes.number(number::FORM, block.filling) & 0xff;
            return Ok(());
        }
        let (mut which, count) = match block.length {
            Length::Full => (0, 0),
            Length::Rest => (1, 0),
            Length::Count(count) => (2, count),
        };
        self.within(number::LENGTH, &mut which, 0, 2)?;
        block.length = match which {
            0 => Length::Full,
            1 => Length::Rest,
            _ => Length::Count(self.notes.number(number::COUNT, count)),
        };
        if block.form == Form::Dynamic && self.notes.bit(bit::HEADER, block.header.is_some()) {
            self.count(HEADER_ITEMS)?;
            self.header(block.header.get_or_insert_default())?;
        }
        Ok(())
    }

    fn header(&mut self, header: &mut Header) -> Result<(), Error> {
        let literals = self.notes.plain(5, (header.literals as u32).saturating_sub(257)) as usize + 257;
        let distances = header.lengths.len().saturating_sub(literals + 1) as u32;
        let distances = self.notes.plain(5, distances) as usize + 1;
        let there = self.notes.plain(4, (header.order.len() as u32).saturating_sub(4)) as usize + 4;
        if there > 19 {
            return Err(Error::Header);
        }
        header.order.resize(there, 0);
        for length in &mut header.order {
            *length = self.notes.plain(3, (*length).into()) as u8;
        }
        let (mut number, mut count) = (0, 0);
        while count < literals + distances {
            if number == header.symbols.len() {
                header.symbols.push((0, 0));
            }
            let (symbol, more) = &mut header.symbols[number];
            self.within(number::SYMBOL, symbol, 0, 18)?;
            let (extra, least) = match *symbol {
                16 => (2, 3),
                17 => (3, 3),
                18 => (7, 11),
                _ => (0, 1),
            };
            *more = self.notes.plain(extra, (*more).into()) as u8;
            count += least + usize::from(*more);
            number += 1;
        }
        header.literals = literals;
        header.lengths = Header::unrolled(&header.symbols, literals + distances).ok_or(Error::Header)?;
        let (of_literals, of_distances) = header.lengths.split_at(literals);
        let have_codes = [of_literals, of_distances, &header.order].into_iter().all(have_codes);
        if have_codes { Ok(()) } else { Err(Error::Header) }
    }

    fn correction(&mut self, correction: &mut Correction) -> Result<(), Error> {
        correction.after = self.notes.number(number::AFTER, correction.after);
        let token = &mut correction.token;
        if !self.notes.bit(bit::IS_MATCH, token.is_match()) {
            *token = Token::LITERAL;
            return Ok(());
        }
        let mut len = token.len.saturating_sub(3) as u8;
        self.within(number::LEN, &mut len, 0, u8::MAX)?;
        let distance = self.notes.number(number::DISTANCE, u32::from(token.distance).saturating_sub(1));
        if distance >= deflate::MAX_DISTANCE as u32 {
            return Err(Error::Token);
        }
        *token = Token { len: u16::from(len) + 3, distance: distance as u16 + 1 };
        Ok(())
    }
}

/// Whether there are as many codes as these lengths ask for.
fn have_codes(lengths: &[u8]) -> bool {
    let taken: u32 = lengths.iter().filter(|&&length| length > 0).map(|&length| 1 << (15 - length)).sum();
    taken <= 1 << 15
}
