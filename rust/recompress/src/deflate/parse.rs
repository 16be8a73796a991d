//! Reads a deflate stream: its blocks, tokens and text.

use super::codes::{
    DISTANCES, END_OF_BLOCK, Header, LITERALS, REPEATS, codes, distance_of, fixed, length_of,
};
use super::{Form, Token};
use crate::bits::BitReader;

/// A block as it stands in a stream.
#[derive(Clone, Debug)]
pub struct ParsedBlock {
    pub form: Form,
    pub is_last: bool,
    pub header: Option<Header>,
    /// The bits that fill up the byte before a stored block's length.
    pub filling: u32,
    /// Its tokens, of those of the stream; of a stored block one for each byte.
    pub tokens: std::ops::Range<usize>,
    /// Where it ends, in bits from the stream's first byte, and in the text.
    pub end_bit: usize,
    pub end: usize,
}

/// A stream, or the whole blocks of it that are at hand and have room.
#[derive(Clone, Debug, Default)]
pub struct Parsed {
    pub blocks: Vec<ParsedBlock>,
    pub tokens: Vec<Token>,
    /// What came before the stream's first byte at hand, then its text.
    pub text: Vec<u8>,
    /// Bytes that came before.
    pub window: usize,
    /// Bits that were looked at.
    pub looked_at: usize,
    /// Whether there would be more, had it room.
    pub is_full: bool,
}

impl Parsed {
    /// Whether the last block is there.
    pub fn is_complete(&self) -> bool {
        self.blocks.last().is_some_and(|block| block.is_last)
    }

    /// Bits up to the last block's end, from the first byte.
    pub fn end_bit(&self) -> usize {
        self.blocks.last().map_or(0, |block| block.end_bit)
    }

    /// The text of its blocks.
    pub fn own_text(&self) -> &[u8] {
        &self.text[self.window..]
    }
}

/// Reads blocks from bit `skip` of the first byte on, until the last, or one that is not whole, is
/// damaged or goes beyond `most` bytes of text.
pub fn parse(bytes: &[u8], skip: u32, window: &[u8], most: usize) -> Parsed {
    let mut parsed = Parsed { text: window.to_vec(), window: window.len(), ..Parsed::default() };
    let mut reader = BitReader::new(bytes, skip);
    let most = window.len() + most;
    loop {
        let (tokens, text) = (parsed.tokens.len(), parsed.text.len());
        if parsed.block(&mut reader, most).is_none() {
            parsed.tokens.truncate(tokens);
            parsed.text.truncate(text);
            parsed.looked_at = reader.position();
            return parsed;
        }
        if parsed.is_complete() {
            parsed.looked_at = reader.position();
            return parsed;
        }
    }
}

impl Parsed {
    /// Reads a block; `None` if it cannot.
    fn block(&mut self, reader: &mut BitReader<'_>, most: usize) -> Option<()> {
        let start = self.tokens.len();
        let is_last = reader.take(1)? == 1;
        let mut header = None;
        let mut filling = 0;
        let form = match reader.take(2)? {
            0 => {
                filling = reader.end_byte().0;
                let len = reader.take(16)?;
                if reader.take(16)? != len ^ 0xffff {
                    return None;
                }
                if self.text.len() + len as usize > most {
                    self.is_full = true;
                    return None;
                }
                for _ in 0..len {
                    self.text.push(reader.take(8)? as u8);
                    self.tokens.push(Token::LITERAL);
                }
                Form::Stored
            }
            1 => {
                let (literals, distances) = fixed();
                self.tokens(reader, &Decoding::new(&literals)?, &Decoding::new(&distances)?, most)?;
                Form::Fixed
            }
            2 => {
                let read = read_header(reader)?;
                let (literals, distances) = read.lengths.split_at(read.literals);
                self.tokens(reader, &Decoding::new(literals)?, &Decoding::new(distances)?, most)?;
                header = Some(read);
                Form::Dynamic
            }
            _ => return None,
        };
        self.blocks.push(ParsedBlock {
            form,
            is_last,
            header,
            filling,
            tokens: start..self.tokens.len(),
            end_bit: reader.position(),
            end: self.text.len(),
        });
        Some(())
    }

    fn tokens(
        &mut self,
        reader: &mut BitReader<'_>,
        literals: &Decoding,
        distances: &Decoding,
        most: usize,
    ) -> Option<()> {
        loop {
            let symbol = literals.next(reader)?;
            match symbol {
                0..END_OF_BLOCK => {
                    self.text.push(symbol as u8);
                    self.tokens.push(Token::LITERAL);
                }
                END_OF_BLOCK => return Some(()),
                LITERALS.. => return None,
                _ => {
                    let (len, extra) = length_of(symbol);
                    let len = len + reader.take(extra)? as u16;
                    // 258 bytes have a symbol of their own, and nobody writes them otherwise.
                    let is_usual = len < 258 || symbol == LITERALS - 1;
                    let symbol = distances.next(reader)?;
                    if symbol >= DISTANCES {
                        return None;
                    }
                    let (distance, extra) = distance_of(symbol);
                    let distance = (distance + reader.take(extra)?) as usize + 1;
                    if distance > self.text.len() || !is_usual {
                        return None;
                    }
                    let from = self.text.len() - distance;
                    for at in from..from + usize::from(len) {
                        self.text.push(self.text[at]);
                    }
                    self.tokens.push(Token { len, distance: distance as u16 });
                }
            }
            if self.text.len() > most {
                self.is_full = true;
                return None;
            }
        }
    }
}

/// Reads the header of a block with codes of its own.
fn read_header(reader: &mut BitReader<'_>) -> Option<Header> {
    let literals = reader.take(5)? as usize + 257;
    let distances = reader.take(5)? as usize + 1;
    let there = reader.take(4)? as usize + 4;
    if literals > LITERALS || distances > DISTANCES {
        return None;
    }
    let order: Vec<u8> = (0..there).map(|_| reader.take(3).map(|bits| bits as u8)).collect::<Option<_>>()?;
    let mut header = Header { literals, order, ..Header::default() };
    let decoding = Decoding::new(&header.length_lengths())?;
    let mut count = 0;
    while count < literals + distances {
        let symbol = decoding.next(reader)?;
        let (more, times) = match symbol {
            0..16 => (0, 1),
            _ => {
                let (extra, least) = REPEATS[symbol - 16];
                let more = reader.take(extra)?;
                (more, least + more)
            }
        };
        header.symbols.push((symbol as u8, more as u8));
        count += times as usize;
    }
    header.lengths = Header::unrolled(&header.symbols, literals + distances)?;
    (header.lengths[END_OF_BLOCK] > 0).then_some(header)
}

/// A prefix code to read.
struct Decoding {
    /// For each value of the next bits: a symbol, and the length of its code in the lowest four bits.
    table: Vec<u16>,
    /// How many bits that is.
    bits: u32,
}

impl Decoding {
    /// Of symbols whose codes have these lengths; `None` if there is none such. A code may lack some only
    /// if it has a single symbol, or none.
    fn new(lengths: &[u8]) -> Option<Decoding> {
        let bits = u32::from(*lengths.iter().max()?);
        let taken: u32 = lengths.iter().filter(|&&length| length > 0).map(|&length| 1 << (15 - length)).sum();
        let symbols = lengths.iter().filter(|&&length| length > 0).count();
        if taken > 1 << 15 || taken < 1 << 15 && symbols > 1 {
            return None;
        }
        let mut table = vec![0; 1 << bits];
        for (symbol, (code, &length)) in codes(lengths).into_iter().zip(lengths).enumerate() {
            if length > 0 {
                let entry = (symbol << 4) as u16 | u16::from(length);
                table[code.into()..].iter_mut().step_by(1 << length).for_each(|place| *place = entry);
            }
        }
        Some(Decoding { table, bits })
    }

    /// The next symbol; `None` if there is none, or the bits end before.
    fn next(&self, reader: &mut BitReader<'_>) -> Option<usize> {
        let (bits, there) = reader.peek();
        let entry = self.table[(bits & ((1 << self.bits) - 1)) as usize];
        let length = u32::from(entry & 15);
        if length == 0 || length > there {
            return None;
        }
        reader.drop(length);
        Some(usize::from(entry >> 4))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_block_is_read() {
        let parsed = parse(b"\x01\x03\x00\xfc\xffabcd", 0, b"", 100);
        assert!(parsed.is_complete());
        assert_eq!(parsed.own_text(), b"abc");
        assert_eq!(parsed.end_bit(), 64);
    }

    #[test]
    fn what_is_no_stream_has_no_blocks() {
        for bytes in [&b""[..], b"\x07", b"\x01\x03\x00\xfc\xfeabc", b"\x01\x03\x00\xfc\xffab"] {
            assert!(parse(bytes, 0, b"", 100).blocks.is_empty(), "{bytes:?}");
        }
        assert!(parse(b"\x01\x03\x00\xfc\xffabcd", 0, b"", 2).blocks.is_empty());
    }
}
