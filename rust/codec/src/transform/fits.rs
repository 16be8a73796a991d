//! Whether shipped words are what a content is made of.

use super::dictionary::Shipped;
use super::forward::{Case, case_of, parts, runs};
use super::is_letter;

/// Bytes of a content that are looked at, at most: pieces that are spread evenly.
const SAMPLE: usize = 1 << 18;
const PIECE: usize = 1 << 12;
/// Contents longer than this many bytes must be prose.
const LONG: usize = 1 << 16;

/// Whether the words cover most of a content, so that their codes are clearly shorter.
pub fn fits(content: &[u8], shipped: &Shipped) -> bool {
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
    total.is_prose(content.len())
}

/// What shipped words would make of some text.
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

    /// Whether codes are clearly shorter and most letters are in words that have them: so it is
    /// with English prose, marked up or not, and hardly with other languages. Code, tables and
    /// records of English words gain by what is known while they are short; later, what repeats
    /// itself is modelled as well as it is.
    fn is_prose(&self, content_bytes: usize) -> bool {
        let share = if content_bytes > LONG { self.bytes / 2 } else { self.bytes * 2 / 5 };
        let shorter = self.bytes > 0 && self.coded * 5 <= self.bytes * 4;
        shorter && self.covered * 4 >= self.letters * 3 && self.covered >= share
    }
}
