//! What both sides know before a block begins.
//!
//! Knowledge is compiled into the library and named by archives that need it.

mod words;

use std::sync::LazyLock;

use crate::transform::Shipped;

/// What a block's model knows before it has seen anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Knowledge {
    /// Nothing.
    #[default]
    None,
    /// English words and their company.
    English,
}

static ENGLISH_WORDS: LazyLock<Shipped> =
    LazyLock::new(|| Shipped::new(words::unpack(include_bytes!("english.words"))));

impl Knowledge {
    /// All, in the order of their numbers in archives.
    pub const ALL: [Knowledge; 2] = [Knowledge::None, Knowledge::English];

    /// The words that the text transform starts from.
    pub(crate) fn words(self) -> Option<&'static Shipped> {
        match self {
            Knowledge::None => None,
            Knowledge::English => Some(&ENGLISH_WORDS),
        }
    }

    /// Whether a content looks like what the knowledge is of. Looks at 256 KiB of it at most.
    pub fn fits(self, content: &[u8]) -> bool {
        self.words().is_some_and(|words| crate::transform::fits(content, words))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BLAKE3 of every word in the order of the codes, each
    /// with a line feed.
    const ENGLISH_DIGEST: &str = "f2669ef8f2beaff3e6b96dd1cf21e27ad1693209f03a65f66b2b332ea1da8b4f";

    #[test]
    fn english_words_are_those_that_the_format_names() {
        let words = ENGLISH_WORDS.words();
        let mut digest = blake3::Hasher::new();
        for class in 0..3 {
            for number in 0..words.count(class) {
                let word = words.word(class, number).unwrap();
                assert!((2..=63).contains(&word.len()) && !word.iter().any(u8::is_ascii_uppercase));
                assert_eq!(ENGLISH_WORDS.find(word), Some((class, number)), "no word comes twice");
                digest.update(word).update(b"\n");
            }
        }
        assert_eq!(words.word(1, words.count(1)), None);
        assert_eq!(digest.finalize().to_hex().as_str(), ENGLISH_DIGEST);
    }
}
