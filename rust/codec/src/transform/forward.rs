//! From the text to coded bytes: chooses words, writes codes, proves the inverse.

use std::cmp::Reverse;
use std::ops::Range;

use super::dictionary::{Dictionary, MAX_TEXT, MAX_WORD, write_code};
use super::{CAPITAL, ESCAPE, Inverse, LIST_END, MAX_SHARED, SHARED, SPELLED, UPPER, is_letter};
use foretold_models::hash;

/// How often a word must occur in a chunk to be worth sending: of 4, 8, 12, 16 and 24 the best
/// of the fast presets on a first chunk.
const MIN_COUNT: u32 = 16;
/// Most different words counted in a chunk: those that come first.
const MAX_COUNTED: usize = 1 << 15;

/// For less prose a first dictionary costs more than it saves.
const MIN_PROSE: usize = 1 << 16;

/// Which texts are transformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Prose. What repeats itself as records, logs and markup do is modelled better as it is.
    Prose,
    /// Every text.
    All,
}

/// The coded bytes of the next chunk, if they are at most 7/8 of it and the inverse brings them
/// back to it. `inverse` is where the chunk before left it.
pub fn forward(text: &[u8], inverse: &Inverse, which: Which) -> Option<Vec<u8>> {
    let most = text.len() - text.len() / 8;
    let folded = text.to_ascii_lowercase();
    let words = count_words(text, &folded);
    let few = inverse.dictionary().room() == MAX_TEXT && text.len() < MIN_PROSE;
    if which == Which::Prose && (few || !is_prose(text, &words)) {
        return None;
    }
    let mut inverse = inverse.clone();
    inverse.begin();
    let mut coded = new_words(words, inverse.dictionary());
    if coded.len() > most {
        return None;
    }
    for &byte in &coded {
        inverse.push(byte).ok()?;
    }
    let head = coded.len();
    let codes = Codes::of(inverse.dictionary());
    for run in runs(text) {
        write_run(&text[run.clone()], &folded[run], &codes, &mut coded);
        if coded.len() > most {
            return None;
        }
    }
    let mut rest = text;
    for &byte in &coded[head..] {
        rest = rest.strip_prefix(inverse.push(byte).ok()?)?;
    }
    rest.is_empty().then_some(coded)
}

fn write_run(run: &[u8], folded: &[u8], codes: &Codes, coded: &mut Vec<u8>) {
    if !is_letter(run[0]) {
        for &byte in run {
            if matches!(byte, CAPITAL | UPPER | ESCAPE | SPELLED) {
                coded.push(ESCAPE);
            }
            coded.push(byte);
        }
        return;
    }
    let case = case_of(run);
    match case {
        Case::Capital => coded.push(CAPITAL),
        Case::Upper => coded.push(UPPER),
        Case::Lower | Case::Mixed => {}
    }
    if case == Case::Mixed {
        spell(run, coded);
    } else if let Some((class, number)) = codes.find(folded) {
        write_code(class, number, coded);
    } else {
        spell(folded, coded);
    }
}

fn spell(letters: &[u8], coded: &mut Vec<u8>) {
    let plain = letters.iter().take_while(|byte| byte.is_ascii()).count();
    coded.extend_from_slice(&letters[..plain]);
    if plain < letters.len() {
        coded.push(SPELLED);
        coded.extend_from_slice(&letters[plain..]);
    }
}

/// Runs of letters and runs of other bytes, in turn.
fn runs(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let start = end;
        let letters = is_letter(*text.get(start)?);
        end += text[start..].iter().take_while(|&&byte| is_letter(byte) == letters).count();
        Some(start..end)
    })
}

/// Case of a run of letters, as far as A to Z and a to z are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Case {
    Lower,
    Capital,
    Upper,
    Mixed,
}

/// A single capital is left as it is: a flag would make two bytes of it.
fn case_of(run: &[u8]) -> Case {
    let upper = run.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let lower = run.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    match upper {
        0 => Case::Lower,
        1 if run.len() > 1 && run[0].is_ascii_uppercase() => Case::Capital,
        2.. if lower == 0 => Case::Upper,
        _ => Case::Mixed,
    }
}

/// Three fifths are letters, and of 64 words at least one is new.
fn is_prose(text: &[u8], words: &[Counted]) -> bool {
    let letters = text.iter().filter(|&&byte| is_letter(byte)).count();
    let total: usize = words.iter().map(|word| word.count as usize).sum();
    letters * 5 >= text.len() * 3 && words.len() * 64 >= total
}

/// The lists of words that the chunk adds to the dictionary: those of `words` that occur often
/// enough and have no codes.
fn new_words(mut words: Vec<Counted>, known: &Dictionary) -> Vec<u8> {
    let codes = Codes::of(known);
    words.retain(|word| word.count >= MIN_COUNT && codes.find(word.word).is_none());
    let mut room = known.room();
    let mut lists = Vec::new();
    for class in 0..3 {
        // A short code is worth most for words that are long and frequent; later all codes are
        // alike.
        words.sort_by_key(|w| {
            Reverse(if class == 0 { w.count as usize * (w.word.len() - 1) } else { w.count as usize })
        });
        let mut list: Vec<&[u8]> = Vec::new();
        let free = known.free(class);
        words.retain(|&Counted { word, .. }| {
            let taken = list.len() < free && word.len() > class && word.len() <= room;
            if taken {
                room -= word.len();
                list.push(word);
            }
            !taken
        });
        write_list(list, &mut lists);
    }
    lists
}

fn write_list(mut list: Vec<&[u8]>, out: &mut Vec<u8>) {
    list.sort_unstable();
    let mut before: &[u8] = &[];
    for word in list {
        let shared = word.iter().zip(before).take_while(|(a, b)| a == b).count().min(MAX_SHARED);
        out.push(SHARED + shared as u8);
        out.extend_from_slice(&word[shared..]);
        before = word;
    }
    out.push(LIST_END);
}

/// A word and how often it occurs.
struct Counted<'a> {
    word: &'a [u8],
    count: u32,
}

/// The words of the text that may have codes, in the order of their first occurrence.
fn count_words<'a>(text: &[u8], folded: &'a [u8]) -> Vec<Counted<'a>> {
    let mut words: Vec<Counted<'a>> = Vec::new();
    let mut places = Places::new(MAX_COUNTED.min(text.len() / 2));
    for run in runs(text) {
        if !is_letter(text[run.start])
            || !(2..=MAX_WORD).contains(&run.len())
            || case_of(&text[run.clone()]) == Case::Mixed
        {
            continue;
        }
        let word = &folded[run];
        let place = places.find(word, |index| words[index].word == word);
        match places.0[place] {
            0 if words.len() == MAX_COUNTED => {}
            0 => {
                words.push(Counted { word, count: 1 });
                places.0[place] = words.len() as u32;
            }
            index => words[index as usize - 1].count += 1,
        }
    }
    words
}

/// The words of a dictionary with their codes.
struct Codes<'a> {
    dictionary: &'a Dictionary,
    /// Class and number of each word.
    codes: Vec<(u8, u32)>,
    places: Places,
}

impl<'a> Codes<'a> {
    fn of(dictionary: &'a Dictionary) -> Codes<'a> {
        let words = (0..3).map(|class| dictionary.count(class)).sum();
        let mut found = Codes { dictionary, codes: Vec::with_capacity(words), places: Places::new(words) };
        for class in 0..3 {
            for number in 0..dictionary.count(class) {
                let place = found.place(dictionary.word(class, number).unwrap_or_default());
                if found.places.0[place] == 0 {
                    found.codes.push((class as u8, number as u32));
                    found.places.0[place] = found.codes.len() as u32;
                }
            }
        }
        found
    }

    fn place(&self, word: &[u8]) -> usize {
        self.places.find(word, |index| {
            let (class, number) = self.codes[index];
            self.dictionary.word(class.into(), number as usize) == Some(word)
        })
    }

    fn find(&self, word: &[u8]) -> Option<(usize, usize)> {
        let index = self.places.0[self.place(word)];
        let (class, number) = *self.codes.get((index as usize).checked_sub(1)?)?;
        Some((class.into(), number as usize))
    }
}

/// An open hash table: indices plus one, 0 where there is none.
struct Places(Vec<u32>);

impl Places {
    /// For so many words, to be half full then.
    fn new(words: usize) -> Places {
        Places(vec![0; (2 * words + 2).next_power_of_two()])
    }

    /// Where the word's index is, if `is_it` knows it, or is to be.
    fn find(&self, word: &[u8], is_it: impl Fn(usize) -> bool) -> usize {
        let h = word.iter().fold(0, |h, &byte| hash(h, byte.into()));
        let mask = self.0.len() - 1;
        let mut place = (h >> 32) as usize & mask;
        while self.0[place] != 0 && !is_it(self.0[place] as usize - 1) {
            place = (place + 1) & mask;
        }
        place
    }
}
