//! The prior that comes with the package: English words and their company.

use std::sync::{Arc, LazyLock};

use super::{Prior, PriorId, words};
use crate::Preset;
use crate::kinds::Eighths;
use crate::network::ENGLISH_FILE;
use crate::transform::{Looks, Otherwise, Shipped, looks_of};

/// Presets 1 and 2: programs of some megabytes are 0.3 to 2 % larger for starting from English there,
/// from 3 on smaller.
const LAST_QUICK: u8 = 2;

static ENGLISH: LazyLock<Arc<Prior>> = LazyLock::new(|| {
    let prior = Prior::from_static(include_bytes!("english.ftp")).expect("a file of ours");
    Arc::new(prior)
});

static FROZEN: LazyLock<Arc<Prior>> = LazyLock::new(|| {
    let prior = ENGLISH.with_network("English, frozen", ENGLISH_FILE, true).expect("files of ours");
    Arc::new(prior.over(ENGLISH.clone()))
});

static WORDS: LazyLock<Shipped> =
    LazyLock::new(|| Shipped::new(words::unpack(include_bytes!("english.words"))));

impl Prior {
    /// The one that comes with the package: English, as in books and encyclopedia.
    pub fn english() -> &'static Arc<Prior> {
        &ENGLISH
    }

    /// The same, whose network at preset max stays as it is and computes with integers.
    pub fn frozen_english() -> &'static Arc<Prior> {
        &FROZEN
    }
}

impl PriorId {
    /// Of the prior that comes with the package.
    pub(crate) fn english() -> PriorId {
        Prior::english().id()
    }
}

/// The words that codes stand for from the start where a block starts from English.
pub fn words() -> &'static Shipped {
    &WORDS
}

/// Whether a content that begins like this looks better begun with it than with nothing, at a preset.
pub fn looks(start: &[u8], preset: Preset) -> Looks {
    let setup = preset.setup();
    let otherwise = Otherwise {
        structured: Eighths::of_start(setup),
        strong: setup.is_strong(),
        quick: preset.number() <= LAST_QUICK,
    };
    looks_of(start, words(), otherwise)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// BLAKE3 of every word in the order of the codes, each with a line feed.
    const WORDS_DIGEST: &str = "f2669ef8f2beaff3e6b96dd1cf21e27ad1693209f03a65f66b2b332ea1da8b4f";

    #[test]
    fn the_frozen_prior_is_the_one_that_the_format_names() {
        let format = include_str!("../../../../docs/FORMAT.md");
        let digest = crate::knowledge::hex(Prior::frozen_english().digest());
        assert!(format.contains(&digest), "the digest {digest} is not there");
    }

    #[test]
    fn english_words_are_those_that_the_format_names() {
        let words = WORDS.words();
        let mut digest = blake3::Hasher::new();
        for class in 0..3 {
            for number in 0..words.count(class) {
                let word = words.word(class, number).unwrap();
                assert!((2..=63).contains(&word.len()) && !word.iter().any(u8::is_ascii_uppercase));
                assert_eq!(WORDS.find(word), Some((class, number)), "no word comes twice");
                digest.update(word).update(b"\n");
            }
        }
        assert_eq!(words.word(1, words.count(1)), None);
        assert_eq!(digest.finalize().to_hex().as_str(), WORDS_DIGEST);
    }
}
