//! From the text to coded bytes: chooses words, writes codes, proves the inverse.

use std::cmp::Reverse;
use std::ops::Range;

use crate::container::CHUNK_BYTES;

use super::dictionary::{Dictionary, Lookup, MAX_TEXT, MAX_WORD, Places, Shipped, write_code};
use super::{
    CAPITAL, ESCAPE, Inverse, LIST_END, LISTS_END, MAX_SHARED, SHARED, SPELLED, UPPER, is_letter, words_fit,
};

/// How often a word must occur in a chunk to be worth sending: of 4, 8, 12, 16 and 24 the best
/// of the fast presets on a first chunk.
const MIN_COUNT: u32 = 16;
/// Most different words counted in a chunk: those that come first.
const MAX_COUNTED: usize = 1 << 15;

/// For less prose a first dictionary costs more than it saves.
pub const MIN_PROSE: usize = 1 << 16;

/// Which texts are transformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Prose. What repeats itself as records, logs and markup do is modelled better as it is.
    Prose,
    /// Texts of a block of prose: also what would be none by itself, or is hardly shorter.
    Block,
    /// Every text.
    All,
}

/// The coded bytes of the next chunk, if they are at most 7/8 of it, or no longer in a block of prose
/// that has begun, and the inverse brings them back to it. `inverse` is where the chunk before left it.
pub fn forward(text: &[u8], inverse: &Inverse, which: Which) -> Option<Vec<u8>> {
    let begun = inverse.dictionary().shipped().is_some() || inverse.dictionary().room() < MAX_TEXT;
    let most = text.len() - if which == Which::Block && begun { 0 } else { text.len() / 8 };
    let folded = text.to_ascii_lowercase();
    let words = count_words(text, &folded, inverse.dictionary().shipped().is_some());
    let shipped = inverse.dictionary().shipped();
    let worth_it = || match shipped {
        Some(shipped) => words_fit(text, shipped),
        None => {
            let few = inverse.dictionary().room() == MAX_TEXT && text.len() < MIN_PROSE;
            !few && is_prose(text, &words, false)
        }
    };
    if which == Which::Prose && !worth_it() {
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
        let (run, folded) = (&text[run.clone()], &folded[run]);
        if shipped.is_some() && is_letter(run[0]) {
            write_parts(run, folded, &codes, &mut coded);
        } else {
            write_run(run, folded, &codes, &mut coded);
        }
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

/// The text with codes for shipped words only: what models see of a text whose chunk has no words
/// of its own.
pub fn code(text: &[u8], shipped: &'static Shipped) -> Vec<u8> {
    let dictionary = Dictionary::new(Some(shipped));
    let codes = Codes::of(&dictionary);
    let folded = text.to_ascii_lowercase();
    let mut coded = Vec::with_capacity(text.len());
    for run in runs(text) {
        let (run, folded) = (&text[run.clone()], &folded[run]);
        if is_letter(run[0]) {
            write_parts(run, folded, &codes, &mut coded);
        } else {
            write_run(run, folded, &codes, &mut coded);
        }
    }
    coded
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

/// As [`write_run`], of letters between which there may be marks: each part may have its code.
fn write_parts(run: &[u8], folded: &[u8], codes: &Codes, coded: &mut Vec<u8>) {
    if parts(run).nth(1).is_none() {
        return write_run(run, folded, codes, coded);
    }
    // Bytes from 0x80 on are no codes.
    let mut spelled = false;
    for part in parts(run) {
        let case = case_of(&run[part.clone()]);
        let flag = match case {
            Case::Capital => Some(CAPITAL),
            Case::Upper => Some(UPPER),
            Case::Lower | Case::Mixed => None,
        };
        let code = codes.find(&folded[part.clone()]).filter(|_| case != Case::Mixed);
        match code {
            // A flag ends what is spelled.
            Some((class, number)) if flag.is_some() || !spelled => {
                coded.extend(flag);
                write_code(class, number, coded);
                spelled = false;
            }
            _ if spelled => coded.extend_from_slice(&run[part]),
            // With no flag, for it would outlast the part.
            _ => {
                spelled = !run[part.clone()].is_ascii();
                spell(&run[part], coded);
            }
        }
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
pub fn runs(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut end = 0;
    std::iter::from_fn(move || {
        let start = end;
        let letters = is_letter(*text.get(start)?);
        end += text[start..].iter().take_while(|&&byte| is_letter(byte) == letters).count();
        Some(start..end)
    })
}

/// The parts of a run of letters: marks of general punctuation (U+2000 to U+203F) and of Latin 1
/// (U+0080 to U+00BF) in UTF-8 each, and what stands between them.
pub fn parts(run: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mark = |at: usize| match run[at..] {
        [0xe2, 0x80, 0x80..=0xbf, ..] => 3,
        [0xc2, 0x80..=0xbf, ..] => 2,
        _ => 0,
    };
    let mut end = 0;
    std::iter::from_fn(move || {
        let start = end;
        end = match *run.get(start)? {
            _ if mark(start) > 0 => start + mark(start),
            _ => (start + 1..run.len()).find(|&at| mark(at) > 0).unwrap_or(run.len()),
        };
        Some(start..end)
    })
}

/// Case of a run of letters, as far as A to Z and a to z are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Case {
    Lower,
    Capital,
    Upper,
    Mixed,
}

/// A single capital is left as it is: a flag would make two bytes of it.
pub fn case_of(run: &[u8]) -> Case {
    let upper = run.iter().filter(|byte| byte.is_ascii_uppercase()).count();
    let lower = run.iter().filter(|byte| byte.is_ascii_lowercase()).count();
    match upper {
        0 => Case::Lower,
        1 if run.len() > 1 && run[0].is_ascii_uppercase() => Case::Capital,
        2.. if lower == 0 => Case::Upper,
        _ => Case::Mixed,
    }
}

/// Most pieces of a block that are looked at.
const MOST_PIECES: usize = 8;

/// Whether prose is the most of a block, of which `start` is at hand: pieces of a chunk's length say so.
/// Strong models know words well by themselves: they ask for a `plain` sort.
pub fn mostly_prose(start: &[u8], plain: bool) -> bool {
    let all = start.len().div_ceil(CHUNK_BYTES);
    let mut balance = 0;
    for piece in start.chunks(CHUNK_BYTES).step_by(all.div_ceil(MOST_PIECES).max(1)) {
        let folded = piece.to_ascii_lowercase();
        let prose = is_prose(piece, &count_words(piece, &folded, false), plain);
        balance += if prose { piece.len() as isize } else { -(piece.len() as isize) };
    }
    balance >= 0
}

/// Four fifths and more are letters, the most of that, and spaces; and of 64 words at least one is new.
/// In a `plain` sort nine tenths are, and hardly more than five words are new, as in novels, unless most
/// letters are of several bytes.
fn is_prose(text: &[u8], words: &[Counted], plain: bool) -> bool {
    let share = |of: fn(u8) -> bool| text.iter().filter(|&&byte| of(byte)).count();
    let (letters, spaces, beyond_ascii) = (share(is_letter), share(|b| b == b' '), share(|b| b >= 0x80));
    let total: usize = words.iter().map(|word| word.count as usize).sum();
    let is_text = letters * 5 >= text.len() * 3 && words.len() * 64 >= total;
    match plain {
        false => is_text && (letters + spaces) * 50 >= text.len() * 41,
        true => {
            let few = words.len() * 128 <= total * 11 || beyond_ascii * 2 >= letters;
            is_text && few && (letters + spaces) * 10 >= text.len() * 9
        }
    }
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
    if known.shipped().is_some() {
        // Lists that are empty to the last need one byte together.
        let empty = lists.iter().rev().take_while(|&&byte| byte == LIST_END).count();
        lists.truncate(lists.len() - empty);
        lists.push(LISTS_END);
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
fn count_words<'a>(text: &[u8], folded: &'a [u8], in_parts: bool) -> Vec<Counted<'a>> {
    let mut words: Vec<Counted<'a>> = Vec::new();
    let mut places = Places::new(MAX_COUNTED.min(text.len() / 2));
    let mut count = |run: Range<usize>| {
        if !(2..=MAX_WORD).contains(&run.len()) || case_of(&text[run.clone()]) == Case::Mixed {
            return;
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
    };
    for run in runs(text).filter(|run| is_letter(text[run.start])) {
        if in_parts {
            parts(&text[run.clone()]).for_each(|part| count(run.start + part.start..run.start + part.end));
        } else {
            count(run);
        }
    }
    words
}

/// The words of a dictionary with their codes.
struct Codes<'a> {
    dictionary: &'a Dictionary,
    own: Lookup,
}

impl<'a> Codes<'a> {
    fn of(dictionary: &'a Dictionary) -> Codes<'a> {
        Codes { dictionary, own: Lookup::of(dictionary.own()) }
    }

    fn find(&self, word: &[u8]) -> Option<(usize, usize)> {
        let shipped = self.dictionary.shipped().and_then(|shipped| shipped.find(word));
        shipped.or_else(|| {
            let (class, number) = self.own.find(self.dictionary.own(), word)?;
            Some((class, self.dictionary.before(class) + number))
        })
    }
}
