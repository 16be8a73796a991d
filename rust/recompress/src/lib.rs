//! Compressed streams within a content, expanded to what they hold and recompressed bit for bit.
//!
//! What is compressed already is noise to a model; what it was made from is a text as any other. So an
//! encoder [`expand`]s the streams that it finds, and a decoder recompresses them with a [`Recipe`]:
//! all that does not follow from the text.
#![forbid(unsafe_code)]

mod bits;
mod deflate;
mod find;
mod lzw;
mod palette;
mod recipe;

use thiserror::Error;

pub use find::{Expanded, Found, Survey, expand, survey};
pub use recipe::{BITS, NUMBERS, Notes, Recipe};

use bits::BitWriter;
use deflate::Parameters;
use palette::Colours;
use recipe::{PaletteAt, Stream, Trailer};

/// Why a recipe makes no content.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Error {
    /// A number of it is out of range.
    #[error("a number of a recipe is {found}, {least} to {most} are allowed")]
    Range {
        /// The number.
        found: u32,
        /// The least allowed.
        least: u8,
        /// The most.
        most: u8,
    },
    /// It has more items than one may.
    #[error("a recipe has more than 262144 items")]
    Items,
    /// The header of a block has other lengths than it says, or lengths for which there are no codes.
    #[error("a block's code lengths are not as many as it says, or more than there are codes")]
    Header,
    /// A block goes beyond its text, or follows its stream's last.
    #[error("a block goes beyond its text, or follows the last")]
    Block,
    /// A token goes beyond its text.
    #[error("a token goes beyond its text")]
    Token,
    /// A symbol has no code.
    #[error("a symbol has no code in its block")]
    Code,
    /// A pixel has more bits than its picture's.
    #[error("a pixel has more bits than its picture says")]
    Pixel,
    /// A palette begins before the piece.
    #[error("a palette begins before its piece, or ends behind its picture's beginning")]
    Palette,
    /// The streams have another text than there is, or become longer than the content.
    #[error("the recipe and what is to be recompressed are not of one length")]
    Length,
    /// A stream goes on that did not begin.
    #[error("a stream goes on that did not begin")]
    NotBegun,
}

/// What one piece of content leaves to the next: a stream that goes on there, and the colours of its pictures.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Carry {
    open: Option<Open>,
    colours: Colours,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Open {
    parameters: Parameters,
    /// The end of its text so far.
    window: Vec<u8>,
    /// The bits of its last byte that are written, and how many.
    held: u32,
    count: u32,
}

impl Open {
    fn new(parameters: Parameters, text: &[u8], held: u32, count: u32) -> Open {
        let window = text[text.len().saturating_sub(parameters.window())..].to_vec();
        Open { parameters, window, held, count }
    }
}

impl Carry {
    /// For [`from_bytes`](Self::from_bytes).
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.colours.to_bytes();
        if !bytes.is_empty() || self.open.is_some() {
            bytes.splice(..0, (bytes.len() as u16).to_le_bytes());
        }
        let Some(open) = &self.open else { return bytes };
        let p = open.parameters;
        bytes.extend([p.level, p.buffer_log2, p.hash_log2, p.window_log2, p.filtered.into()]);
        bytes.extend([open.held as u8, open.count as u8]);
        bytes.extend_from_slice(&open.window);
        bytes
    }

    /// What [`to_bytes`](Self::to_bytes) wrote; `None` if these are other bytes.
    pub fn from_bytes(bytes: &[u8]) -> Option<Carry> {
        if bytes.is_empty() {
            return Some(Carry::default());
        }
        let (&colours_bytes, bytes) = bytes.split_first_chunk()?;
        let (colours, bytes) = bytes.split_at_checked(u16::from_le_bytes(colours_bytes).into())?;
        let colours = Colours::from_bytes(colours)?;
        if bytes.is_empty() {
            return Some(Carry { open: None, colours });
        }
        let (&[level, buffer_log2, hash_log2, window_log2, filtered, held, count], window) =
            bytes.split_first_chunk()?;
        let parameters = Parameters { level, buffer_log2, hash_log2, window_log2, filtered: filtered != 0 };
        let is_one = (1..=9).contains(&level)
            && (7..=15).contains(&buffer_log2)
            && (8..=16).contains(&hash_log2)
            && (9..=15).contains(&window_log2)
            && count < 8
            && window.len() <= parameters.window();
        let open = is_one.then(|| Open::new(parameters, window, held.into(), count.into()))?;
        Some(Carry { open: Some(open), colours })
    }
}

impl Recipe {
    /// The content whose streams hold what `bytes` says, appended to `out`: `most` bytes of it at most.
    pub fn recompress(
        &self,
        bytes: &[u8],
        carry: &mut Carry,
        out: &mut Vec<u8>,
        most: usize,
    ) -> Result<(), Error> {
        let Carry { open: mut before, mut colours } = std::mem::take(carry);
        let start = out.len();
        let end = start + most;
        let mut rest = bytes;
        for (number, part) in self.parts.iter().enumerate() {
            let (plain, after) = rest.split_at_checked(part.before).ok_or(Error::Length)?;
            let (text, after) = after.split_at_checked(part.text).ok_or(Error::Length)?;
            rest = after;
            if carry.open.is_some() {
                // What goes on in the next piece ends this one.
                return Err(Error::NotBegun);
            }
            out.extend_from_slice(plain);
            match &part.stream {
                Stream::Picture { width, palette, noted } => {
                    let found = palette.find(&out[start..])?;
                    let turned = found.map(|found| colours.turn(found, *width, palette.afresh));
                    let numbers = turned.map(|numbers| numbers.numbers(text));
                    let pixels = numbers.as_deref().unwrap_or(text);
                    lzw::write(noted, pixels, out, end.saturating_sub(out.len()))?;
                }
                Stream::Deflate { goes_on, noted, filling, trailer } => {
                    let open = match goes_on {
                        false => None,
                        true if part.before > 0 || number > 0 => return Err(Error::NotBegun),
                        true => Some(before.take().ok_or(Error::NotBegun)?),
                    };
                    carry.open = deflate_part(open, noted, (*filling, *trailer), text, out, end)?;
                }
            }
            if out.len() > end {
                return Err(Error::Length);
            }
        }
        if rest.len() != self.after || carry.open.is_some() && self.after > 0 || self.after > end - out.len()
        {
            return Err(Error::Length);
        }
        out.extend_from_slice(rest);
        carry.colours = colours;
        Ok(())
    }

    /// The pictures among the expanded bytes, where each begins and ends, but where another begins there.
    pub fn pictures(&self) -> Vec<Picture> {
        let mut at = 0;
        let mut places: Vec<Picture> = Vec::new();
        for part in &self.parts {
            let start = at + part.before;
            at = start + part.text;
            if let (Stream::Picture { width, palette, .. }, true) = (&part.stream, part.text > 0) {
                if places.last().is_some_and(|place| place.at == start) {
                    places.pop();
                }
                // Only what stands right before it is among the expanded bytes as it is in the content.
                let palette = Some(*palette).filter(|palette| palette.reach() <= part.before);
                let palette = palette.unwrap_or_default();
                places.push(Picture { at: start, width: (*width).max(1), palette });
                places.push(Picture { at, width: 0, palette: PaletteAt::default() });
            }
        }
        places
    }
}

/// Where a picture begins or ends among expanded bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Picture {
    /// The place.
    pub at: usize,
    /// How wide the picture is that begins; 0 if one ends.
    pub width: u32,
    palette: PaletteAt,
}

impl Picture {
    /// How bright each byte is in it, of the expanded bytes `before` it, where `carry` is of the picture before:
    /// the byte itself where that is not known.
    pub fn brightness(&self, before: &[u8], carry: &mut Carry) -> [u8; 256] {
        match self.palette.find(before) {
            Ok(Some(palette)) => {
                carry.colours.turn(palette, self.width, self.palette.afresh);
                carry.colours.brightness()
            }
            _ => palette::identity(),
        }
    }
}

/// Writes a stream, or some of its blocks; what goes on of it.
fn deflate_part(
    open: Option<Open>,
    noted: &deflate::Noted,
    end_of_stream: (u32, Trailer),
    text: &[u8],
    out: &mut Vec<u8>,
    end: usize,
) -> Result<Option<Open>, Error> {
    let (window, held, count) = match &open {
        Some(open) => (open.window.len(), open.held, open.count),
        None => (0, 0, 0),
    };
    let mut noted = std::borrow::Cow::Borrowed(noted);
    let mut whole = std::borrow::Cow::Borrowed(text);
    if let Some(open) = open {
        noted.to_mut().parameters = open.parameters;
        whole = [open.window, text.to_vec()].concat().into();
    }
    let mut writer = BitWriter::new(out, held, count);
    deflate::write(&noted, &whole, window, &mut writer, end)?;
    if !noted.blocks.last().is_some_and(|block| block.is_last) {
        let (held, count) = writer.held();
        return Ok(Some(Open::new(noted.parameters, &whole, held, count)));
    }
    let (filling, trailer) = end_of_stream;
    writer.end_byte(filling);
    match trailer {
        Trailer::None => {}
        Trailer::Adler32 => out.extend(adler32(text).to_be_bytes()),
        Trailer::Gzip => {
            out.extend(crc32fast::hash(text).to_le_bytes());
            out.extend((text.len() as u32).to_le_bytes());
        }
    }
    Ok(None)
}

/// Source: P. Deutsch, J-L. Gailly, ZLIB Compressed Data Format Specification (RFC 1950, 1996).
fn adler32(text: &[u8]) -> u32 {
    const PRIME: u32 = 65521;
    let (mut a, mut b) = (1, 0);
    // So many sums of bytes do not overflow.
    for part in text.chunks(5552) {
        for &byte in part {
            a += u32::from(byte);
            b += a;
        }
        (a, b) = (a % PRIME, b % PRIME);
    }
    b << 16 | a
}
