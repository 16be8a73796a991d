//! Finds compressed streams in a content. None of this is part of the format.

use std::ops::Range;

use crate::deflate::{self, Parameters, Parsed};
use crate::palette::Colours;
use crate::recipe::{MOST_ITEMS, PaletteAt, Part, Recipe, Stream, Trailer};
use crate::{Carry, adler32, lzw};

/// Streams that hold less, or that are shorter, are left alone.
const LEAST_TEXT: usize = 64;
const LEAST_PACKED: usize = 40;
/// Bytes of a stream whose end is not at hand that must have been read.
const LEAST_OPEN: usize = 4 << 10;
/// Pictures of so many pixels are kept apart from what is no picture.
const APART: usize = 4 << 10;
/// Bytes before a stream that may be in one piece with it, although that is longer than a piece; and
/// between pictures.
const LEAD: usize = 4 << 10;

/// Streams are looked for until so many times the piece has been read: what looks like one at every
/// byte is none.
const MOST_LOOKS: usize = 8;
/// What a look at a stream counts beside its bytes.
const LOOK: usize = 16;
/// What a look at a picture counts that cannot be read.
const UNREAD: usize = 16 << 10;

/// A piece of content whose streams are expanded.
#[derive(Clone, Debug)]
pub struct Expanded {
    /// Bytes of the content.
    pub content_bytes: usize,
    /// What is between streams, and what they hold, in their order.
    pub bytes: Vec<u8>,
    /// What else it takes.
    pub recipe: Recipe,
    /// Whether these are pictures, for the most part.
    pub is_picture: bool,
    places: Vec<Place>,
    /// Items of the recipe.
    items: usize,
    /// The colours before, and after it all.
    begun: Colours,
    carry: Carry,
}

/// Where a stream is.
#[derive(Clone, Debug)]
struct Place {
    /// Bytes right before it that it is known by.
    head: usize,
    /// In the content.
    packed: Range<usize>,
    /// In the expanded bytes.
    text: Range<usize>,
    /// The colours after it, if it is a picture that tells them.
    colours: Option<Colours>,
}

impl Expanded {
    /// What the next piece has to go on from.
    pub fn carry(&self) -> &Carry {
        &self.carry
    }

    /// Bytes of the content that a byte of the expanded ones completes, place by place: how many bytes of
    /// the content, how many expanded.
    pub fn spans(&self) -> Vec<(usize, usize)> {
        let mut spans = Vec::new();
        let (mut content, mut bytes) = (0, 0);
        for Place { packed, text, .. } in &self.places {
            spans.push((packed.start - content, text.start - bytes));
            spans.push((packed.len(), text.len()));
            (content, bytes) = (packed.end, text.end);
        }
        spans.push((self.content_bytes - content, self.bytes.len() - bytes));
        spans
    }

    /// The same, which ends at a place of `bytes`, or before the stream that this is in, or after it.
    pub fn cut(mut self, at: usize) -> Expanded {
        let within = self.places.iter().position(|place| place.text.end > at).unwrap_or(self.places.len());
        let before = |number: usize| match number.checked_sub(1) {
            Some(last) => (self.places[last].packed.end, self.places[last].text.end),
            None => (0, 0),
        };
        // Bytes between streams are as they are.
        let (content, bytes) = before(within);
        let mut end = (content + (at - bytes.min(at)), at);
        let mut kept = within;
        if let Some(place) = self.places.get(within) {
            let head = place.text.start - place.head;
            if at > head {
                end = (place.packed.start - place.head, head);
            }
            if end.1 == 0 {
                end = (place.packed.end, place.text.end);
                kept += 1;
            }
        }
        if kept < self.places.len() {
            let colours = self.places[..kept].iter().rev().find_map(|place| place.colours.clone());
            self.carry = Carry { open: None, colours: colours.unwrap_or_else(|| self.begun.clone()) };
        }
        self.recipe.after = end.1 - before(kept).1;
        self.places.truncate(kept);
        self.recipe.parts.truncate(kept);
        self.content_bytes = end.0;
        self.bytes.truncate(end.1);
        self
    }
}

/// What the next piece of a content is.
#[derive(Clone, Debug)]
pub enum Found {
    /// As it is, to this place at most.
    Plain(usize),
    /// With streams that were expanded.
    Streams(Box<Expanded>),
}

/// What is known of a place where a stream may begin.
struct Candidate {
    /// Where what belongs to it begins, and it does itself.
    head: usize,
    start: usize,
    window_log2: u8,
    trailer: Trailer,
}

/// Where streams may begin, in order.
struct Candidates<'a> {
    content: &'a [u8],
    at: usize,
    /// The pictures of a GIF file that was found, the last first.
    pictures: Vec<Picture>,
    /// Bytes that were read to no avail, or might have been.
    looked_at: usize,
}

enum Next {
    Deflate(Candidate),
    Picture(Picture),
}

/// A picture of a GIF file.
#[derive(Clone, Copy)]
struct Picture {
    /// Where what belongs to it begins, and its data does.
    head: usize,
    start: usize,
    width: u32,
    palette: PaletteAt,
}

impl Candidates<'_> {
    fn next(&mut self) -> Option<Next> {
        loop {
            if let Some(picture) = self.pictures.pop()
                && picture.start >= self.at
            {
                return Some(Next::Picture(picture));
            }
            let at = self.at;
            let rest = &self.content[at..];
            let &[a, b, ..] = rest else { return None };
            self.at += 1;
            let (start, trailer) = match (a, b) {
                (0x1f, 0x8b) => (gzip_start(rest), Trailer::Gzip),
                (b'P', b'K') => (zip_start(rest), Trailer::None),
                (b'G', b'I') if rest.starts_with(b"GIF89a") || rest.starts_with(b"GIF87a") => {
                    let (pictures, end) = pictures(self.content, at);
                    self.pictures = pictures.into_iter().rev().collect();
                    self.looked_at += end - at;
                    continue;
                }
                _ if a & 0x8f == 8 && (u32::from(a) << 8 | u32::from(b)) % 31 == 0 && b & 0x20 == 0 => {
                    (Some(2), Trailer::Adler32)
                }
                _ => continue,
            };
            if let Some(start) = start {
                let window_log2 = if trailer == Trailer::Adler32 { (8 + (a >> 4)).max(9) } else { 15 };
                return Some(Next::Deflate(Candidate { head: at, start: at + start, window_log2, trailer }));
            }
        }
    }
}

/// Bytes before a gzip member's stream.
///
/// Source: P. Deutsch, GZIP file format specification (RFC 1952, 1996).
fn gzip_start(bytes: &[u8]) -> Option<usize> {
    let flags = *bytes.get(3)?;
    if bytes[2] != 8 || flags & 0xe0 != 0 {
        return None;
    }
    let mut at = 10;
    if flags & 4 != 0 {
        at += 2 + usize::from(u16::from_le_bytes([*bytes.get(at)?, *bytes.get(at + 1)?]));
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            at += bytes.get(at..)?.iter().position(|&byte| byte == 0)? + 1;
        }
    }
    Some(at + if flags & 2 != 0 { 2 } else { 0 }).filter(|&at| at < bytes.len())
}

/// Bytes before the stream of a file in a zip archive.
///
/// Source: PKWARE, .ZIP File Format Specification 6.3 (APPNOTE.TXT).
fn zip_start(bytes: &[u8]) -> Option<usize> {
    let header = bytes.first_chunk::<30>()?;
    let word = |at: usize| usize::from(u16::from_le_bytes([header[at], header[at + 1]]));
    if header[2..4] != [3, 4] || word(8) != 8 {
        return None;
    }
    Some(30 + word(26) + word(28)).filter(|&at| at < bytes.len())
}

/// The pictures of a GIF file, and where the last piece of it begins.
fn pictures(content: &[u8], start: usize) -> (Vec<Picture>, usize) {
    let mut found = Vec::new();
    let mut last = start;
    let mut read = || -> Option<()> {
        let mut head = start;
        let flags = *content.get(start + 10)?;
        let mut at = start + 13;
        // Where a palette ends, and how many colours it has.
        let palette = |at: &mut usize, flags: u8| {
            (flags & 0x80 != 0).then(|| {
                *at += 6 << (flags & 7);
                (*at, (flags & 7) + 1)
            })
        };
        let of_all = palette(&mut at, flags);
        loop {
            match content.get(at)? {
                0x21 => at = after_pieces(content, at + 2, &mut last)?,
                0x2c => {
                    let descriptor = content.get(at..at + 10)?;
                    let width = u32::from(u16::from_le_bytes([descriptor[5], descriptor[6]]));
                    at += 10;
                    let (end, colours_log2) = palette(&mut at, descriptor[9]).or(of_all).unwrap_or((at, 0));
                    let palette = PaletteAt { after: (at - end) as u32, colours_log2, afresh: false };
                    found.push(Picture { head, start: at, width, palette });
                    at = after_pieces(content, at + 1, &mut last)?;
                    head = at;
                }
                _ => return None,
            }
        }
    };
    read();
    (found, last)
}

/// Where the pieces end that begin at a place, the last of which begins at `last`.
fn after_pieces(content: &[u8], mut at: usize, last: &mut usize) -> Option<usize> {
    loop {
        *last = at.min(content.len());
        let len = usize::from(*content.get(at)?);
        at += 1 + len;
        if len == 0 {
            return Some(at);
        }
    }
}

/// A stream that was read, and how to write it again.
struct Read {
    /// Bytes of the content that it takes, from its start.
    packed: usize,
    text: Vec<u8>,
    stream: Stream,
    carry: Carry,
}

/// A stream's blocks that were read from `bytes`, as a part, if it is worth it and can be written again; `hint` is
/// what the stream before was made with.
fn deflate_part(
    bytes: &[u8],
    parsed: &Parsed,
    candidate: Option<&Candidate>,
    carry: &Carry,
    hint: Option<Parameters>,
) -> Option<Read> {
    let text = parsed.own_text();
    let bits = parsed.end_bit();
    let packed = if parsed.is_complete() { bits.div_ceil(8) } else { bits / 8 };
    if packed == 0 || text.len() <= packed {
        return None;
    }
    let known = carry.open.as_ref().map(|open| open.parameters);
    let window_log2 = candidate.map_or(15, |candidate| candidate.window_log2);
    let note = |hint| {
        deflate::note(parsed, window_log2, known, hint)
            .filter(|noted| 2 * noted.cost() <= packed + LEAST_PACKED)
    };
    // A hint may do for the stream's start alone.
    let noted = note(hint).or_else(|| hint.and_then(|_| note(None)))?;
    let filling = u32::from(bytes[packed - 1]) >> (bits % 8);
    let filling = if parsed.is_complete() && !bits.is_multiple_of(8) { filling } else { 0 };
    let after = &bytes[packed..];
    let trailer = match candidate.map_or(Trailer::None, |candidate| candidate.trailer) {
        _ if !parsed.is_complete() => Trailer::None,
        Trailer::Adler32 if after.starts_with(&adler32(text).to_be_bytes()) => Trailer::Adler32,
        Trailer::Gzip
            if after.starts_with(&crc32fast::hash(text).to_le_bytes())
                && after[4..].starts_with(&(text.len() as u32).to_le_bytes()) =>
        {
            Trailer::Gzip
        }
        _ => Trailer::None,
    };
    let packed = packed + [0, 4, 8][trailer as usize];
    let stream = Stream::Deflate { goes_on: candidate.is_none(), noted, filling, trailer };
    verified((b"", bytes), packed, text.to_vec(), stream, carry)
}

/// A stream, if it can be written again, with what of the content `before` it that takes.
fn verified(
    (before, bytes): (&[u8], &[u8]),
    packed: usize,
    text: Vec<u8>,
    stream: Stream,
    carry: &Carry,
) -> Option<Read> {
    let part = Part { before: before.len(), text: text.len(), stream };
    let recipe = Recipe { parts: vec![part], after: 0 };
    let mut carry = carry.clone();
    let mut again = Vec::with_capacity(before.len() + packed);
    let most = before.len() + packed;
    recipe.recompress(&[before, &text].concat(), &mut carry, &mut again, most).ok()?;
    if let Some(open) = &carry.open {
        let next = bytes.get(packed).copied().unwrap_or(0);
        if open.count > 0 && u32::from(next) & ((1 << open.count) - 1) != open.held {
            return None;
        }
    }
    let stream = recipe.parts.into_iter().next()?.stream;
    (again[before.len()..] == bytes[..packed]).then_some(Read { packed, text, stream, carry })
}

/// Expands the streams at the start of `rest`, of which at most `most` bytes may be taken, and made.
pub fn expand(rest: &[u8], carry: &Carry, most: usize) -> Found {
    let rest = &rest[..rest.len().min(most)];
    let mut made = Expanded {
        content_bytes: 0,
        bytes: Vec::new(),
        recipe: Recipe::default(),
        is_picture: false,
        places: Vec::new(),
        items: 0,
        begun: carry.colours.clone(),
        carry: Carry { open: None, colours: carry.colours.clone() },
    };
    if let Some(open) = &carry.open {
        let parsed = deflate::parse(rest, open.count, &open.window, most);
        let read = deflate_part(rest, &parsed, None, carry, None);
        if let Some(read) = read.filter(|read| read.stream.items() <= MOST_ITEMS) {
            made.add(rest, 0, 0, read);
            if made.carry.open.is_some() {
                return Found::Streams(Box::new(made));
            }
        }
    }
    let mut candidates =
        Candidates { content: rest, at: made.content_bytes, pictures: Vec::new(), looked_at: 0 };
    let mut hint = None;
    let mut end = None;
    while candidates.looked_at < MOST_LOOKS * rest.len()
        && let Some(next) = candidates.next()
    {
        let (head, start) = match &next {
            Next::Deflate(candidate) => (candidate.head, candidate.start),
            &Next::Picture(Picture { head, start, .. }) => (head, start),
        };
        // What a stream before has taken is not this one's.
        let head = head.max(made.content_bytes);
        let between = start - made.content_bytes;
        let Some(room) = (most - made.bytes.len()).checked_sub(between).filter(|&room| room > 0) else {
            break;
        };
        // Whether the piece may end before what belongs to the stream, since something comes before that.
        let may_end = !made.places.is_empty() || head > LEAD;
        let bytes = &rest[start..];
        let read = match next {
            Next::Picture(Picture { width, mut palette, .. }) => {
                let Some((packed, noted, pixels)) = lzw::parse(bytes, room) else {
                    candidates.looked_at += UNREAD;
                    // It may have room in the next piece.
                    if may_end && made.is_picture {
                        end = Some(made.content_bytes);
                        break;
                    }
                    continue;
                };
                let pixels_len = pixels.len();
                let is_apart = pixels_len >= APART;
                let fits = match made.is_picture {
                    true => between <= LEAD,
                    false => !is_apart || !may_end,
                };
                if !fits {
                    end = Some(if made.is_picture { made.content_bytes } else { head });
                    break;
                }
                let is_worth_it = 2 * noted.cost() <= packed + LEAST_PACKED;
                let carry = Carry { open: None, colours: made.carry.colours.clone() };
                let found = palette.find(&rest[..start]).ok().flatten().filter(|_| is_apart);
                let seen = match found {
                    Some(found) => {
                        palette.afresh = !carry.colours.are_of_series(found, width);
                        carry.colours.clone().turn(found, width, palette.afresh).bytes(&pixels)
                    }
                    None => {
                        palette = PaletteAt::default();
                        pixels
                    }
                };
                let stream = Stream::Picture { width, palette, noted };
                let before = &rest[start - palette.reach()..start];
                let verify = || verified((before, bytes), packed, seen, stream, &carry);
                let read = is_worth_it.then(verify).flatten();
                made.is_picture |= is_apart && read.is_some();
                candidates.looked_at += if read.is_none() { packed + pixels_len / 8 } else { 0 };
                read
            }
            Next::Deflate(candidate) => {
                let parsed = deflate::parse(bytes, 0, b"", room);
                candidates.looked_at += LOOK + parsed.looked_at / 8 + parsed.text.len() / 8;
                let packed = parsed.end_bit() / 8;
                if !parsed.is_complete() {
                    // What has no room here may have it in the next piece.
                    let has_room = !parsed.is_full;
                    if packed < LEAST_OPEN && (has_room || !may_end) {
                        continue;
                    }
                    if may_end {
                        end = Some(head);
                        break;
                    }
                } else if parsed.own_text().len() < LEAST_TEXT || packed < LEAST_PACKED {
                    continue;
                }
                if made.is_picture {
                    end = Some(made.content_bytes);
                    break;
                }
                let read = deflate_part(bytes, &parsed, Some(&candidate), &Carry::default(), hint)
                    .filter(|read| is_meant(read, &candidate));
                if let Some(Stream::Deflate { noted, .. }) = read.as_ref().map(|read| &read.stream) {
                    hint = Some(noted.parameters);
                }
                read
            }
        };
        let Some(read) = read else { continue };
        if made.items + read.stream.items() > MOST_ITEMS {
            continue;
        }
        candidates.at = start + read.packed;
        made.add(rest, head, start, read);
        if made.carry.open.is_some() {
            return Found::Streams(Box::new(made));
        }
    }
    // Where content goes on, what follows a picture may belong to the next.
    let is_end = rest.len() < most && rest.len() - made.content_bytes <= LEAD;
    if made.is_picture && end.is_none() && !is_end {
        end = Some(made.content_bytes);
    }
    let room = most - made.bytes.len();
    let end = end.unwrap_or(rest.len()).min(made.content_bytes + room);
    if made.places.is_empty() {
        return Found::Plain(end);
    }
    made.bytes.extend_from_slice(&rest[made.content_bytes..end]);
    made.recipe.after = end - made.content_bytes;
    made.content_bytes = end;
    Found::Streams(Box::new(made))
}

/// Two bytes are found in anything: such a stream has its check, if it has an end.
fn is_meant(read: &Read, candidate: &Candidate) -> bool {
    let has_check = !matches!(read.stream, Stream::Deflate { trailer: Trailer::None, .. });
    candidate.trailer != Trailer::Adler32 || has_check || read.carry.open.is_some()
}

impl Expanded {
    /// Adds a stream, and the bytes between the last and it, the last of which are known to be its.
    fn add(&mut self, content: &[u8], head: usize, start: usize, read: Read) {
        let between = start - self.content_bytes;
        self.bytes.extend_from_slice(&content[self.content_bytes..start]);
        let at = self.bytes.len();
        self.items += read.stream.items();
        let has_palette = matches!(&read.stream, Stream::Picture { palette, .. } if palette.colours_log2 > 0);
        let colours = has_palette.then(|| read.carry.colours.clone());
        self.recipe.parts.push(Part { before: between, text: read.text.len(), stream: read.stream });
        self.bytes.extend(read.text);
        let (packed, text) = (start..start + read.packed, at..self.bytes.len());
        self.places.push(Place { head: start - head, packed, text, colours: colours.clone() });
        self.content_bytes = start + read.packed;
        self.carry.open = read.carry.open;
        if let Some(colours) = colours {
            self.carry.colours = colours;
        }
    }
}

/// What a content holds with its streams expanded.
#[derive(Clone, Debug)]
pub struct Survey {
    /// How many bytes.
    pub bytes: u64,
    /// How many pieces it makes.
    pub pieces: usize,
    /// The first of the bytes.
    pub start: Vec<u8>,
}

/// Looks for streams in a content; `None` if there are none. `keep` bytes of what is found are kept.
pub fn survey(content: &[u8], keep: usize, most: usize) -> Option<Survey> {
    let mut rest = content;
    let mut carry = Carry::default();
    let mut found = Survey { bytes: 0, pieces: 0, start: Vec::new() };
    let mut streams = false;
    while !rest.is_empty() {
        let (taken, bytes) = match expand(rest, &carry, most) {
            Found::Plain(taken) => {
                carry = Carry::default();
                (taken, std::borrow::Cow::Borrowed(&rest[..taken]))
            }
            Found::Streams(made) => {
                streams = true;
                carry = made.carry;
                (made.content_bytes, made.bytes.into())
            }
        };
        found.pieces += 1;
        found.bytes += bytes.len() as u64;
        found.start.extend_from_slice(&bytes[..bytes.len().min(keep - found.start.len())]);
        rest = &rest[taken..];
    }
    streams.then_some(found)
}
