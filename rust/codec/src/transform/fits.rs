//! Whether shipped words are what a content is made of. The borders are where archives of programs,
//! logs, records, markup and other languages became smaller and no longer larger: ARCHITECTURE.md.

use super::dictionary::Shipped;
use super::forward::{Case, case_of, parts, runs};
use super::is_letter;
use crate::kinds::{self, Eighths, kind_of, repeats_forms};
use crate::predictor::Kind;

/// Bytes of a content that are looked at, at most: pieces that are spread evenly.
const SAMPLE: usize = 1 << 18;
const PIECE: usize = 1 << 12;
/// Up to so many bytes, what is known beforehand helps where later what repeats itself is known as well.
const SHORT: usize = 1 << 16;
/// Contents longer than this learn their own company of bytes, and need the room that another's takes.
const LONG: usize = 1 << 20;

/// Whether codes for the shipped words make a content smaller, rather than larger.
pub fn words_fit(content: &[u8], shipped: &Shipped) -> bool {
    Cover::of(content, shipped).suits_words(content, false)
}

/// Whether most of a content is in the shipped words beyond doubt, and its codes are clearly shorter.
pub fn is_english(content: &[u8], shipped: &Shipped) -> bool {
    Cover::of(content, shipped).is_english(content.len())
}

/// What a preset can do with a content without the shipped words.
#[derive(Clone, Copy, Debug)]
pub struct Otherwise {
    /// Where there are models for structured text, what makes a content that.
    pub structured: Option<Eighths>,
    /// There are many contexts: nothing is soon learned.
    pub strong: bool,
    /// There are few contexts: long contents must be English beyond doubt.
    pub quick: bool,
}

/// What the looks of a content say of beginning it with what is known of a language.
#[derive(Clone, Copy, Debug)]
pub struct Looks {
    /// It is smaller for that than begun with nothing.
    pub fits: bool,
    /// There is hardly a doubt.
    pub is_clear: bool,
}

/// Whether a content looks better begun with what is known of the shipped words' language, codes or none,
/// than with nothing.
pub fn looks_of(content: &[u8], shipped: &Shipped, otherwise: Otherwise) -> Looks {
    let cover = Cover::of(content, shipped);
    let is_structured = || otherwise.structured.is_some_and(|eighths| kinds::is_structured(content, eighths));
    let fits = match otherwise.quick && content.len() > LONG {
        true => cover.is_english(content.len()),
        false => {
            cover.suits_words(content, otherwise.structured.is_some())
                || !otherwise.strong && cover.suits_prior(content.len()) && !is_structured()
        }
    };
    let is_clear = if fits {
        cover.is_prose(content.len(), otherwise.quick) && !kinds::repeats_forms_or_counts(content)
    } else if content.len() > SHORT {
        // What repeats its forms may suit words none the less.
        !(cover.covers(60) && cover.shorter(820))
    } else {
        content.is_empty() || kind_of(content, None) == Kind::Binary
    };
    Looks { fits, is_clear }
}

/// What shipped words would make of a content, by samples of it.
#[derive(Clone, Copy, Debug, Default)]
struct Cover {
    /// Bytes of the text.
    bytes: usize,
    /// Bytes of its words.
    letters: usize,
    /// Bytes of words that have codes.
    covered: usize,
    /// Bytes of the text and codes.
    coded: usize,
}

impl Cover {
    fn of(content: &[u8], shipped: &Shipped) -> Cover {
        let mut total = Cover::default();
        if content.len() <= SAMPLE {
            total.add(content, shipped);
        } else {
            let pieces = SAMPLE / PIECE;
            for piece in 0..pieces {
                let start = (content.len() - PIECE) / (pieces - 1) * piece;
                total.add(&content[start..start + PIECE], shipped);
            }
        }
        total
    }

    /// Adds a text.
    fn add(&mut self, text: &[u8], shipped: &Shipped) {
        self.bytes += text.len();
        let mut folded = [0; 64];
        for run in runs(text) {
            let run = &text[run];
            if !is_letter(run[0]) {
                self.coded += run.len();
                continue;
            }
            self.letters += run.len();
            for part in parts(run) {
                let part = &run[part];
                let case = case_of(part);
                let code = folded.get_mut(..part.len()).and_then(|folded| {
                    folded.copy_from_slice(part);
                    folded.make_ascii_lowercase();
                    shipped.find(folded).filter(|_| case != Case::Mixed)
                });
                self.coded += usize::from(matches!(case, Case::Capital | Case::Upper));
                match code {
                    Some((class, _)) => {
                        self.covered += part.len();
                        self.coded += class + 1;
                    }
                    None => self.coded += part.len(),
                }
            }
        }
    }

    /// Whether what is coded is at most so many thousandths of the content.
    fn shorter(&self, thousandths: usize) -> bool {
        self.bytes > 0 && self.coded * 1000 <= self.bytes * thousandths
    }

    /// Whether so many hundredths of the letters are in words with codes: so it is where words are English,
    /// in prose, programs, records and tables alike, and hardly in other languages.
    fn covers(&self, hundredths: usize) -> bool {
        self.covered * 100 >= self.letters * hundredths
    }

    /// Whether there is no doubt that words suit a content that does not repeat its forms: of long programs
    /// there is none, unless there are few contexts.
    fn is_prose(&self, content_bytes: usize, quick: bool) -> bool {
        match quick || content_bytes <= SHORT {
            true => self.is_english(content_bytes) && self.shorter(750),
            false => self.covers(70),
        }
    }

    fn is_english(&self, content_bytes: usize) -> bool {
        let share = if content_bytes > SHORT { self.bytes / 2 } else { self.bytes * 2 / 5 };
        self.shorter(800) && self.covers(75) && self.covered >= share
    }

    /// Prose is shortest, then programs and records. What repeats its forms gains least: matches and
    /// long contexts know it as well as it is, and models of structured text better.
    fn suits_words(&self, content: &[u8], structured: bool) -> bool {
        let short = content.len() <= SHORT;
        let repeated = match (structured, short) {
            (true, _) => 755,
            (false, true) => 810,
            (false, false) => 780,
        };
        self.covers(if short { 50 } else { 60 })
            && self.shorter(820)
            && (self.shorter(repeated) || !repeats_forms(content))
    }

    fn suits_prior(&self, content_bytes: usize) -> bool {
        let short = content_bytes <= SHORT;
        content_bytes <= LONG
            && self.covers(if short { 50 } else { 55 })
            && self.shorter(if short { 900 } else { 885 })
    }
}
