//! The pictures of GIF files: what they hold, and what it takes to write them again.
//!
//! LZW leaves its writer little choice: where the table is given up, nearly always when it is full, and
//! whether a string is as long as it can be, as it is but for slips of some writers. What comes otherwise is
//! noted.
//!
//! Source: CompuServe, Graphics Interchange Format, Version 89a (1990), appendix F.

use crate::Error;
use crate::bits::{BitReader, BitWriter};

const MOST_ENTRIES: usize = 1 << 12;
const MOST_BITS: u32 = 12;
/// What is noted of a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// Bits of a pixel, 2 to 8.
    pub bits: u8,
    /// Bytes of a piece of its data, but for the last: 1 to 255.
    pub piece: u8,
    /// Codes after which the table is given up, again and again.
    pub runs: Vec<u32>,
    /// Strings that are shorter than they could be: how many before each are not, since the last that is,
    /// and by how many pixels it is shorter.
    pub shorter: Vec<(u32, u32)>,
}

impl Noted {
    /// About how many bytes it takes.
    pub fn cost(&self) -> usize {
        4 + self.runs.iter().filter(|&&run| run != self.full()).count() * 3 + self.shorter.len() * 3
    }

    /// Codes that fill the table.
    pub fn full(&self) -> u32 {
        (MOST_ENTRIES - (1 << self.bits) - 1) as u32
    }
}

/// Reads a picture's data: its length, what is noted of it, and its pixels, of which there are `most` at
/// most.
pub fn parse(bytes: &[u8], most: usize) -> Option<(usize, Noted, Vec<u8>)> {
    let (&bits, mut rest) = bytes.split_first()?;
    if !(2..=8).contains(&bits) {
        return None;
    }
    let piece = *rest.first()?;
    let mut data = Vec::new();
    loop {
        let (&len, after) = rest.split_first()?;
        rest = after;
        if len == 0 {
            break;
        }
        let (piece, after) = rest.split_at_checked(len.into())?;
        data.extend_from_slice(piece);
        rest = after;
    }
    let Decoded { runs, strings, pixels } = decode(&data, bits, most)?;
    let mut noted = Noted { bits, piece, runs, shorter: Vec::new() };
    noted.shorter = shorter(&noted, &strings, &pixels)?;
    Some((bytes.len() - rest.len(), noted, pixels))
}

#[derive(Default)]
struct Decoded {
    /// The codes before each clearing of the table but the first.
    runs: Vec<u32>,
    /// Pixels of each code's string.
    strings: Vec<u32>,
    pixels: Vec<u8>,
}

fn decode(data: &[u8], bits: u8, most: usize) -> Option<Decoded> {
    let clear = 1usize << bits;
    // Of each entry the one without its last pixel, that pixel and the first, and how many there are.
    let mut prefixes = [0u16; MOST_ENTRIES];
    let mut last = [0u8; MOST_ENTRIES];
    let mut first = [0u8; MOST_ENTRIES];
    let mut lens = [0u32; MOST_ENTRIES];
    for pixel in 0..clear {
        (last[pixel], first[pixel], lens[pixel]) = (pixel as u8, pixel as u8, 1);
    }
    let mut reader = BitReader::new(data, 0);
    let (mut entries, mut size, mut run) = (clear + 2, u32::from(bits) + 1, 0);
    let mut before: Option<usize> = None;
    let mut decoded = Decoded::default();
    if reader.take(size)? as usize != clear {
        return None;
    }
    loop {
        let code = reader.take(size)? as usize;
        if code == clear {
            decoded.runs.push(run);
            (entries, size, run, before) = (clear + 2, u32::from(bits) + 1, 0, None);
            continue;
        }
        if code == clear + 1 {
            return Some(decoded);
        }
        run += 1;
        match before {
            None if code >= clear => return None,
            None => {}
            Some(before) => {
                if code > entries || code == entries && entries == MOST_ENTRIES {
                    return None;
                }
                if entries < MOST_ENTRIES {
                    let start = if code == entries { before } else { code };
                    prefixes[entries] = before as u16;
                    (first[entries], last[entries]) = (first[before], first[start]);
                    lens[entries] = lens[before] + 1;
                    entries += 1;
                    if entries == 1 << size && size < MOST_BITS {
                        size += 1;
                    }
                }
            }
        }
        let len = lens[code] as usize;
        decoded.strings.push(len as u32);
        let pixels = &mut decoded.pixels;
        if len > most - pixels.len() {
            return None;
        }
        let end = pixels.len() + len;
        pixels.resize(end, 0);
        let mut at = code;
        for place in pixels[end - len..].iter_mut().rev() {
            *place = last[at];
            at = prefixes[at].into();
        }
        before = Some(code);
    }
}

/// The strings that are shorter than they could be; `None` if one is longer.
fn shorter(noted: &Noted, strings: &[u32], pixels: &[u8]) -> Option<Vec<(u32, u32)>> {
    let mut writing = Writing::new(noted);
    let (mut found, mut after) = (Vec::new(), 0);
    let mut rest = pixels;
    for &len in strings {
        writing.clear(&mut |_, _| ());
        let most = writing.table.longest(rest, usize::MAX).1;
        let shorter = (most as u32).checked_sub(len)?;
        let node = writing.table.longest(rest, len as usize).0;
        rest = &rest[len as usize..];
        writing.table.pass(node, rest.first().copied());
        match shorter {
            0 => after += 1,
            _ => found.push((std::mem::take(&mut after), shorter)),
        }
    }
    Some(found)
}

/// Writes a picture's data, of no more than `most` bytes.
pub fn write(noted: &Noted, pixels: &[u8], out: &mut Vec<u8>, most: usize) -> Result<(), Error> {
    let bits = u32::from(noted.bits);
    let clear = 1usize << bits;
    if pixels.iter().any(|&pixel| usize::from(pixel) >= clear) {
        return Err(Error::Pixel);
    }
    let mut data = Vec::new();
    let mut writer = BitWriter::new(&mut data, 0, 0);
    let mut writing = Writing::new(noted);
    writer.put(clear as u32, bits + 1);
    let mut shorter = noted.shorter.iter();
    let mut next = shorter.next();
    let mut after = 0;
    let mut rest = pixels;
    loop {
        writing.clear(&mut |code, size| writer.put(code, size));
        let table = &mut writing.table;
        if rest.is_empty() {
            break;
        }
        let (mut node, mut len) = table.longest(rest, usize::MAX);
        match next {
            Some(&(strings, shorter_by)) if strings == after => {
                let kept = len.checked_sub(shorter_by as usize).filter(|&kept| kept > 0);
                (node, len) = table.longest(rest, kept.ok_or(Error::Token)?);
                (next, after) = (shorter.next(), 0);
            }
            _ => after += 1,
        }
        rest = &rest[len..];
        writer.put(node as u32, table.size);
        table.pass(node, rest.first().copied());
        if writer.len() > most {
            return Err(Error::Length);
        }
    }
    if writing.next.is_some() || next.is_some() {
        return Err(Error::Length);
    }
    let table = writing.table;
    writer.put(clear as u32 + 1, table.size);
    writer.end_byte(0);
    out.push(noted.bits);
    for piece in data.chunks(usize::from(noted.piece).max(1)) {
        out.push(piece.len() as u8);
        out.extend_from_slice(piece);
    }
    out.push(0);
    Ok(())
}

/// The table as it is given up, run by run.
struct Writing<'a> {
    table: Table,
    runs: std::slice::Iter<'a, u32>,
    next: Option<&'a u32>,
}

impl<'a> Writing<'a> {
    fn new(noted: &'a Noted) -> Writing<'a> {
        let mut runs = noted.runs.iter();
        let next = runs.next();
        Writing { table: Table::new(1 << noted.bits), runs, next }
    }

    /// Gives the table up if it is time, as often as it is; `put` gets the codes that say so.
    fn clear(&mut self, put: &mut dyn FnMut(u32, u32)) {
        while self.next == Some(&self.table.run) {
            let clear = self.table.clear;
            put(clear as u32, self.table.size);
            self.table = Table::new(clear);
            self.next = self.runs.next();
        }
    }
}

/// The strings that have codes.
struct Table {
    clear: usize,
    /// Of each string its first child, and the next of the same parent; 0 is none.
    children: Vec<u16>,
    next: Vec<u16>,
    last: Vec<u8>,
    /// Bits of a code.
    size: u32,
    /// Codes so far.
    run: u32,
}

impl Table {
    fn new(clear: usize) -> Table {
        let entries = clear + 2;
        Table {
            clear,
            children: vec![0; entries],
            next: vec![0; entries],
            last: vec![0; entries],
            size: clear.ilog2() + 1,
            run: 0,
        }
    }

    /// The longest string that `pixels` begin with, of no more than `most` pixels, and how many it has.
    fn longest(&self, pixels: &[u8], most: usize) -> (usize, usize) {
        let mut node = usize::from(pixels[0]);
        let mut len = 1;
        while len < most.min(pixels.len()) {
            let Some(child) = self.child(node, pixels[len]) else { break };
            node = child;
            len += 1;
        }
        (node, len)
    }

    fn child(&self, node: usize, pixel: u8) -> Option<usize> {
        let mut child = usize::from(self.children[node]);
        while child != 0 && self.last[child] != pixel {
            child = self.next[child].into();
        }
        (child != 0).then_some(child)
    }

    /// After a code comes a new string: that of the code, and the pixel that follows.
    fn pass(&mut self, node: usize, pixel: Option<u8>) {
        let entry = self.children.len();
        if let (Some(pixel), true) = (pixel, entry < MOST_ENTRIES) {
            self.next.push(self.children[node]);
            self.last.push(pixel);
            self.children.push(0);
            self.children[node] = entry as u16;
        }
        self.run += 1;
        // The reader is one string behind.
        let read = (self.clear + 1 + self.run as usize).min(MOST_ENTRIES);
        if read == 1 << self.size && self.size < MOST_BITS {
            self.size += 1;
        }
    }
}
