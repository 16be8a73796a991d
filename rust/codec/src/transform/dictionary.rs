//! The words of a block, and their codes.

use super::TransformError;
use foretold_models::{StateError, StateIo, hash};

/// Longest word, in bytes.
pub const MAX_WORD: usize = 63;
/// Most bytes of all words together that a block has of its own.
pub const MAX_TEXT: usize = 1 << 19;
/// Values of each byte of a code: 0x80 to 0xff.
const VALUES: usize = 128;
/// First bytes of codes of one, two and three bytes. With 48 to 96 short codes, sizes differ by
/// 0.1 %.
const LEADS: [usize; 3] = [64, 60, 4];
/// How many codes there are of one, two and three bytes.
const CODES: [usize; 3] = [LEADS[0], LEADS[1] * VALUES, LEADS[2] * VALUES * VALUES];

/// Words by the length of their codes. None has a capital A to Z.
#[derive(Clone, Debug, Default)]
pub struct Words {
    text: Vec<u8>,
    /// By length of code, less one: where each word starts in `text`, times 64, plus its length.
    words: [Vec<u32>; 3],
}

impl Words {
    /// Adds a word to those with codes of `class + 1` bytes.
    pub fn add(&mut self, class: usize, word: &[u8]) {
        self.words[class].push((self.text.len() << 6 | word.len()) as u32);
        self.text.extend_from_slice(word);
    }

    /// How many words have codes of `class + 1` bytes.
    pub fn count(&self, class: usize) -> usize {
        self.words[class].len()
    }

    /// A word, if it is there.
    #[inline]
    pub fn word(&self, class: usize, number: usize) -> Option<&[u8]> {
        let place = *self.words[class].get(number)? as usize;
        Some(&self.text[place >> 6..][..place & 63])
    }
}

/// Words that the library brings along, and where they are found.
#[derive(Debug)]
pub struct Shipped {
    words: Words,
    places: Lookup,
}

impl Shipped {
    /// Of these words, no two of which are the same.
    pub fn new(words: Words) -> Shipped {
        let places = Lookup::of(&words);
        Shipped { words, places }
    }

    /// The words.
    #[cfg(test)]
    pub fn words(&self) -> &Words {
        &self.words
    }

    /// Class and number of a word, if it is there.
    pub fn find(&self, word: &[u8]) -> Option<(usize, usize)> {
        self.places.find(&self.words, word)
    }
}

/// The words that codes stand for: those that the library brings along, if the block starts from
/// them, then the block's own.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    shipped: Option<&'static Shipped>,
    own: Words,
}

impl Dictionary {
    /// No words of its own.
    pub fn new(shipped: Option<&'static Shipped>) -> Dictionary {
        Dictionary { shipped, own: Words::default() }
    }

    /// The words it starts from.
    pub fn shipped(&self) -> Option<&'static Shipped> {
        self.shipped
    }

    /// The words beside them.
    pub fn own(&self) -> &Words {
        &self.own
    }

    /// Words with codes of `class + 1` bytes before the first of its own.
    pub fn before(&self, class: usize) -> usize {
        self.shipped.map_or(0, |shipped| shipped.words.count(class))
    }

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
        self.own.add(class, word);
        Ok(())
    }

    /// Gives its own words from number `from` on their order: by length, then by their last byte;
    /// it brings words of one inflection together.
    pub fn arrange(&mut self, class: usize, from: usize) {
        let text = &self.own.text;
        let key = |&place: &u32| (place & 63, text[(place >> 6) as usize + (place & 63) as usize - 1]);
        self.own.words[class][from..].sort_by_key(key);
    }

    /// How many words more may have codes of `class + 1` bytes.
    pub fn free(&self, class: usize) -> usize {
        CODES[class] - self.before(class) - self.own.count(class)
    }

    /// Bytes that words may still take.
    pub fn room(&self) -> usize {
        MAX_TEXT - self.own.text.len()
    }

    /// A word, if it is there.
    #[inline]
    pub fn word(&self, class: usize, number: usize) -> Option<&[u8]> {
        let before = self.before(class);
        match self.shipped {
            Some(shipped) if number < before => shipped.words.word(class, number),
            _ => self.own.word(class, number - before),
        }
    }

    /// Reads or writes its own words, and whether there are others, which must agree.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        let impossible = Err(StateError::Impossible("dictionary"));
        io.section("dictionary")?;
        let mut shipped = u8::from(self.shipped.is_some());
        io.u8(&mut shipped)?;
        if shipped != u8::from(self.shipped.is_some()) {
            return impossible;
        }
        let before = [0, 1, 2].map(|class| self.before(class));
        let Words { text, words } = &mut self.own;
        let mut text_bytes = text.len() as u32;
        io.u32(&mut text_bytes)?;
        if text_bytes as usize > MAX_TEXT {
            return impossible;
        }
        text.resize(text_bytes as usize, 0);
        io.u8s(text)?;
        for (class, words) in words.iter_mut().enumerate() {
            let mut count = words.len() as u32;
            io.u32(&mut count)?;
            if count as usize > CODES[class] - before[class] {
                return impossible;
            }
            words.resize(count as usize, 0);
            io.u32s(words)?;
            let fits = |&place: &u32| {
                let len = place as usize & 63;
                len >= 2 && (place as usize >> 6) + len <= text.len()
            };
            if !words.iter().all(fits) {
                return impossible;
            }
        }
        Ok(())
    }
}

/// Where words have their codes.
#[derive(Debug)]
pub struct Lookup {
    /// Class and number of each word.
    codes: Vec<(u8, u32)>,
    places: Places,
}

impl Lookup {
    /// Of these words.
    pub fn of(words: &Words) -> Lookup {
        let total = (0..3).map(|class| words.count(class)).sum();
        let mut found = Lookup { codes: Vec::with_capacity(total), places: Places::new(total) };
        for class in 0..3 {
            for number in 0..words.count(class) {
                let place = found.place(words, words.word(class, number).unwrap_or_default());
                if found.places.0[place] == 0 {
                    found.codes.push((class as u8, number as u32));
                    found.places.0[place] = found.codes.len() as u32;
                }
            }
        }
        found
    }

    fn place(&self, words: &Words, word: &[u8]) -> usize {
        self.places.find(word, |index| {
            let (class, number) = self.codes[index];
            words.word(class.into(), number as usize) == Some(word)
        })
    }

    /// Class and number of a word, if it is there. `words` are those it was made of.
    pub fn find(&self, words: &Words, word: &[u8]) -> Option<(usize, usize)> {
        let index = self.places.0[self.place(words, word)];
        let (class, number) = *self.codes.get((index as usize).checked_sub(1)?)?;
        Some((class.into(), number as usize))
    }
}

/// An open hash table: indices plus one, 0 where there is none.
#[derive(Debug)]
pub struct Places(pub Vec<u32>);

impl Places {
    /// For so many words, to be half full then.
    pub fn new(words: usize) -> Places {
        Places(vec![0; (2 * words + 2).next_power_of_two()])
    }

    /// Where the word's index is, if `is_it` knows it, or is to be.
    pub fn find(&self, word: &[u8], is_it: impl Fn(usize) -> bool) -> usize {
        let h = word.iter().fold(0, |h, &byte| hash(h, byte.into()));
        let mask = self.0.len() - 1;
        let mut place = (h >> 32) as usize & mask;
        while self.0[place] != 0 && !is_it(self.0[place] as usize - 1) {
            place = (place + 1) & mask;
        }
        place
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
