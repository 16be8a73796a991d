//! Writes a stream again from its text and what is noted, and notes what that takes.

use super::codes::{Counts, END_OF_BLOCK, Header, codes, distance_symbol, fixed, length_symbol};
use super::guess::Guesser;
use super::{Block, Correction, Form, Length, Parameters, Parsed, Token};
use crate::Error;
use crate::bits::BitWriter;

/// What is noted of a stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    pub parameters: Parameters,
    pub blocks: Vec<Block>,
    pub corrections: Vec<Correction>,
}

impl Noted {
    /// About how many bytes it takes.
    pub fn cost(&self) -> usize {
        let headers = self.blocks.iter().filter(|block| block.header.is_some()).count();
        2 + 2 * self.blocks.len() + 70 * headers + 7 * self.corrections.len() / 2
    }
}

/// Tokens by which levels are compared.
const TRIED: usize = 1 << 12;
/// Corrections of one stream, at most: with more it is better left alone.
pub const MOST_CORRECTIONS: usize = 1 << 16;

/// What it takes to write a stream's blocks again, `window_log2` being that of its window; `None` if it
/// takes too much. Parameters are `known` or looked for, `hint` first.
pub fn note(
    parsed: &Parsed,
    window_log2: u8,
    known: Option<Parameters>,
    hint: Option<Parameters>,
) -> Option<Noted> {
    let parameters = known.unwrap_or_else(|| parameters(parsed, window_log2, hint));
    let most = MOST_CORRECTIONS.min(parsed.tokens.len());
    let corrections = corrections(parsed, parameters, usize::MAX, most)?;
    let full = parameters.full();
    let mut start = parsed.window;
    let blocks = parsed.blocks.iter().map(|block| {
        let tokens = &parsed.tokens[block.tokens.clone()];
        let text = &parsed.text[std::mem::replace(&mut start, block.end)..block.end];
        let header =
            block.header.as_ref().filter(|header| **header != Header::guess(&Counts::of(tokens, text)));
        let length = match (block.form, tokens.len()) {
            (Form::Stored, bytes) => Length::Count(bytes as u32),
            (_, count) if count > 0 && block.end == parsed.text.len() => Length::Rest,
            (_, count) if count == full => Length::Full,
            (_, count) => Length::Count(count as u32),
        };
        Block {
            form: block.form,
            is_last: block.is_last,
            length,
            header: header.cloned().map(Box::new),
            filling: block.filling,
        }
    });
    Some(Noted { parameters, blocks: blocks.collect(), corrections })
}

/// Tokens that are not as guessed, of the first `tried`; `None` if they are more than `most`.
fn corrections(
    parsed: &Parsed,
    parameters: Parameters,
    tried: usize,
    most: usize,
) -> Option<Vec<Correction>> {
    let mut guesser = Guesser::new(&parsed.text, parsed.window, parameters);
    let mut found = Vec::new();
    let mut after = 0;
    for block in &parsed.blocks {
        let tokens = &parsed.tokens[block.tokens.clone()];
        if block.form == Form::Stored {
            guesser.pass_stored(tokens.len());
            continue;
        }
        for &token in &tokens[..tokens.len().min(tried.saturating_sub(block.tokens.start))] {
            let guessed = guesser.guess();
            after += 1;
            if token != guessed {
                found.push(Correction { after: after - 1, token });
                after = 0;
                if found.len() > most {
                    return None;
                }
            }
            guesser.pass(token, guessed);
        }
        if block.tokens.end >= tried {
            break;
        }
    }
    Some(found)
}

/// The parameters with which there is least to correct.
fn parameters(parsed: &Parsed, window_log2: u8, hint: Option<Parameters>) -> Parameters {
    let buffer_log2 = parsed.blocks.iter().find_map(|block| {
        let tokens = block.tokens.len() + 1;
        (block.form != Form::Stored && (1 << 7..=1 << 15).contains(&tokens) && tokens.is_power_of_two())
            .then_some(tokens.ilog2() as u8)
    });
    let buffer_log2 = buffer_log2.unwrap_or(14);
    let mut best = Parameters { buffer_log2, window_log2, ..Parameters::default() };
    let mut least = usize::MAX;
    let mut look = |parameters: Parameters| {
        if least == 0 {
            return;
        }
        if let Some(found) = corrections(parsed, parameters, TRIED, least.saturating_sub(1)) {
            (best, least) = (parameters, found.len());
        }
    };
    if let Some(hint) = hint {
        look(Parameters { buffer_log2, window_log2, ..hint });
    }
    for level in [6, 9, 1, 5, 8, 7, 4, 3, 2] {
        look(Parameters { level, buffer_log2, window_log2, ..Parameters::default() });
    }
    let level = best.level;
    if least > 0 {
        let mut others = vec![Parameters { filtered: true, ..best }];
        let hashes = (8..=16).filter(|&hash_log2| hash_log2 != 15);
        others.extend(hashes.map(|hash_log2| Parameters { level, hash_log2, ..best }));
        for other in others {
            let found = corrections(parsed, other, TRIED, least.saturating_sub(1));
            if let Some(found) = found {
                (best, least) = (other, found.len());
            }
        }
    }
    best
}

/// Writes a stream's blocks: `text` is theirs from `window` on. No more than `most` bytes are written.
pub fn write(
    noted: &Noted,
    text: &[u8],
    window: usize,
    out: &mut BitWriter<'_>,
    most: usize,
) -> Result<(), Error> {
    let mut guesser = Guesser::new(text, window, noted.parameters);
    let mut corrections = noted.corrections.iter();
    let mut next = corrections.next();
    let mut after = 0;
    let mut tokens = Vec::new();
    for block in &noted.blocks {
        out.put(block.is_last.into(), 1);
        let start = guesser.at();
        tokens.clear();
        if block.form == Form::Stored {
            let Length::Count(bytes) = block.length else { return Err(Error::Block) };
            let end = start + bytes as usize;
            if bytes > 0xffff || end > text.len() {
                return Err(Error::Block);
            }
            out.put(0, 2);
            out.end_byte(block.filling);
            out.put(bytes | (bytes ^ 0xffff) << 16, 32);
            out.bytes(&text[start..end]);
            guesser.pass_stored(end - start);
        } else {
            let count = match block.length {
                Length::Full => noted.parameters.full(),
                Length::Rest => usize::MAX,
                Length::Count(count) => count as usize,
            };
            while tokens.len() < count && (guesser.left() > 0 || block.length != Length::Rest) {
                if guesser.left() == 0 {
                    return Err(Error::Block);
                }
                let guessed = guesser.guess();
                let token = match next {
                    Some(correction) if correction.after == after => {
                        next = corrections.next();
                        after = 0;
                        correction.token
                    }
                    _ => {
                        after += 1;
                        guessed
                    }
                };
                if !guesser.allows(token) {
                    return Err(Error::Token);
                }
                guesser.pass(token, guessed);
                tokens.push(token);
            }
            write_block(block, &tokens, &text[start..], out)?;
        }
        if out.len() > most {
            return Err(Error::Length);
        }
    }
    if guesser.left() > 0 || next.is_some() { Err(Error::Length) } else { Ok(()) }
}

fn write_block(block: &Block, tokens: &[Token], text: &[u8], out: &mut BitWriter<'_>) -> Result<(), Error> {
    let (literals, distances): (Vec<u8>, Vec<u8>);
    if block.form == Form::Fixed {
        out.put(1, 2);
        let (l, d) = fixed();
        (literals, distances) = (l.to_vec(), d.to_vec());
    } else {
        out.put(2, 2);
        let guessed;
        let header = match &block.header {
            Some(header) => header,
            None => {
                guessed = Header::guess(&Counts::of(tokens, text));
                &guessed
            }
        };
        if !header.write(out) {
            return Err(Error::Code);
        }
        let (l, d) = header.lengths.split_at(header.literals);
        (literals, distances) = (l.to_vec(), d.to_vec());
    }
    let literals = Writing { codes: codes(&literals), lengths: literals };
    let distances = Writing { codes: codes(&distances), lengths: distances };
    let mut at = 0;
    for token in tokens {
        if token.is_match() {
            let (symbol, extra, rest) = length_symbol(token.len);
            literals.put(symbol, out)?;
            out.put(rest, extra);
            let (symbol, extra, rest) = distance_symbol(token.distance);
            distances.put(symbol, out)?;
            out.put(rest, extra);
        } else {
            literals.put(text[at].into(), out)?;
        }
        at += usize::from(token.len);
    }
    literals.put(END_OF_BLOCK, out)
}

/// A prefix code to write.
struct Writing {
    codes: Vec<u16>,
    lengths: Vec<u8>,
}

impl Writing {
    fn put(&self, symbol: usize, out: &mut BitWriter<'_>) -> Result<(), Error> {
        match self.lengths.get(symbol) {
            Some(&length) if length > 0 => {
                out.put(self.codes[symbol].into(), length.into());
                Ok(())
            }
            _ => Err(Error::Code),
        }
    }
}
