//! The words of a block, and their codes.

use super::TransformError;
use foretold_models::{StateError, StateIo};

/// Longest word, in bytes.
pub const MAX_WORD: usize = 63;
/// Most bytes of all words together.
pub const MAX_TEXT: usize = 1 << 19;
/// Values of each byte of a code: 0x80 to 0xff.
const VALUES: usize = 128;
/// First bytes of codes of one, two and three bytes. With 48 to 96 short codes, sizes differ by
/// 0.1 %.
const LEADS: [usize; 3] = [64, 60, 4];
/// How many codes there are of one, two and three bytes.
const CODES: [usize; 3] = [LEADS[0], LEADS[1] * VALUES, LEADS[2] * VALUES * VALUES];

/// The words that codes stand for. None has a capital A to Z.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    text: Vec<u8>,
    /// By length of code, less one: where each word starts in `text`, times 64, plus its length.
    words: [Vec<u32>; 3],
}

impl Dictionary {
    /// Adds a word to those with codes of `class + 1` bytes.
    pub fn add(&mut self, class: usize, word: &[u8]) -> Result<(), TransformError> {
        if !(2..=MAX_WORD).contains(&word.len()) {
            return Err(TransformError::WordLength(word.len()));
        }
        if self.free(class) == 0 {
            return Err(TransformError::TooManyWords { most: CODES[class], code_bytes: class + 1 });
        }
        if self.room() < word.len() {
            return Err(TransformError::TooMuchText);
        }
        self.words[class].push((self.text.len() << 6 | word.len()) as u32);
        self.text.extend_from_slice(word);
        Ok(())
    }

    /// Gives the words from number `from` on their order: by length, then by their last byte; it
    /// brings words of one inflection together.
    pub fn arrange(&mut self, class: usize, from: usize) {
        let text = &self.text;
        let key = |&place: &u32| (place & 63, text[(place >> 6) as usize + (place & 63) as usize - 1]);
        self.words[class][from..].sort_by_key(key);
    }

    /// How many words more may have codes of `class + 1` bytes.
    pub fn free(&self, class: usize) -> usize {
        CODES[class] - self.words[class].len()
    }

    /// Bytes that words may still take.
    pub fn room(&self) -> usize {
        MAX_TEXT - self.text.len()
    }

    /// How many words have codes of `class + 1` bytes.
    pub fn count(&self, class: usize) -> usize {
        self.words[class].len()
    }

    /// A word, if it is there.
    pub fn word(&self, class: usize, number: usize) -> Option<&[u8]> {
        let place = *self.words[class].get(number)? as usize;
        Some(&self.text[place >> 6..][..place & 63])
    }

    /// Reads or writes everything.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        let impossible = Err(StateError::Impossible("dictionary"));
        io.section("dictionary")?;
        let mut text_bytes = self.text.len() as u32;
        io.u32(&mut text_bytes)?;
        if text_bytes as usize > MAX_TEXT {
            return impossible;
        }
        self.text.resize(text_bytes as usize, 0);
        io.u8s(&mut self.text)?;
        for (words, most) in self.words.iter_mut().zip(CODES) {
            let mut count = words.len() as u32;
            io.u32(&mut count)?;
            if count as usize > most {
                return impossible;
            }
            words.resize(count as usize, 0);
            io.u32s(words)?;
            let fits = |&place: &u32| {
                let len = place as usize & 63;
                len >= 2 && (place as usize >> 6) + len <= self.text.len()
            };
            if !words.iter().all(fits) {
                return impossible;
            }
        }
        Ok(())
    }
}

/// Of a code that starts with `lead` (0x80 or more): how many bytes follow, and what it adds to
/// the word's number.
pub fn read_lead(lead: u8) -> (usize, usize) {
    let mut value = usize::from(lead & 0x7f);
    let mut class = 0;
    while value >= LEADS[class] {
        value -= LEADS[class];
        class += 1;
    }
    (class, value)
}

/// Appends a code.
pub fn write_code(class: usize, number: usize, out: &mut Vec<u8>) {
    let lead = LEADS[..class].iter().sum::<usize>() + (number >> (7 * class));
    out.push(0x80 | lead as u8);
    for later in (0..class).rev() {
        out.push(0x80 | (number >> (7 * later) & 127) as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_read_back() {
        for (class, &codes) in CODES.iter().enumerate() {
            for number in [0, 1, 63, 127, 128, 7679, 16384, 65535].into_iter().filter(|&n| n < codes) {
                let mut code = Vec::new();
                write_code(class, number, &mut code);
                let (later, value) = read_lead(code[0]);
                assert_eq!((later, code.len()), (class, class + 1));
                let read = code[1..].iter().fold(value, |value, &byte| value << 7 | usize::from(byte & 0x7f));
                assert_eq!(read, number);
                assert!(code.iter().all(|&byte| byte >= 0x80));
            }
        }
        assert_eq!(LEADS.iter().sum::<usize>(), VALUES, "every first byte is some code's");
    }
}
