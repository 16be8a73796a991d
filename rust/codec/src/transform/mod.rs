//! The text transform: words become short codes of a dictionary that is sent with them, or of one
//! that both sides have.
//!
//! A transformed chunk is a stream of *coded bytes*: first the words that its block's dictionary
//! lacks, then the text with codes for the dictionary's words. The model codes these bytes like
//! any others, and sees the words of the text through them: the inverse runs beside it in both
//! directions. The bytes are described in FORMAT.md, "Transformed text".

mod dictionary;
mod fits;
mod forward;
mod inverse;
mod joining;

use thiserror::Error;

pub use dictionary::{Shipped, Words};
pub use fits::{Looks, Otherwise, is_english, looks_of, words_fit};
pub use forward::{MIN_PROSE, Which, code, forward, mostly_prose};
pub use inverse::Inverse;
pub use joining::{Form, Joined, join, split};

/// Flag: the next word is capitalised.
const CAPITAL: u8 = 0x01;
/// Flag: the next word is in capitals.
const UPPER: u8 = 0x02;
/// Flag: the next byte is itself.
const ESCAPE: u8 = 0x03;
/// Flag: bytes from 0x80 on are themselves up to the end of this run of letters.
const SPELLED: u8 = 0x04;

/// Ends each of the dictionary's lists.
const LIST_END: u8 = b'\n';
/// Ends a list, and those that follow are empty.
const LISTS_END: u8 = b' ';
/// An entry of the dictionary starts with this, plus how many bytes it shares with the one before.
const SHARED: u8 = 0x40;
/// Most bytes that an entry shares with the one before.
const MAX_SHARED: usize = 31;

/// Whether a byte belongs to words: any byte from 0x80 on may be part of a letter.
fn is_letter(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte >= 0x80
}

/// Why coded bytes cannot be turned back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TransformError {
    /// A byte stands where it has no meaning.
    #[error("byte {byte:#04x} has no meaning {place}")]
    Misplaced {
        /// The byte.
        byte: u8,
        /// Where it stands.
        place: &'static str,
    },
    /// A code's word was never sent.
    #[error("word {number} of the codes of {code_bytes} bytes is not in the dictionary")]
    UnknownWord {
        /// Length of the code.
        code_bytes: usize,
        /// Which of the words with codes of this length.
        number: usize,
    },
    /// A dictionary's entry is not a word.
    #[error("the dictionary has an entry of {0} bytes, 2 to {max} are allowed", max = dictionary::MAX_WORD)]
    WordLength(usize),
    /// A dictionary has more words than there are codes.
    #[error("the dictionary has more than {most} words with codes of {code_bytes} bytes")]
    TooManyWords {
        /// How many there are codes for.
        most: usize,
        /// Length of the codes.
        code_bytes: usize,
    },
    /// A dictionary's words are too long together.
    #[error("the dictionary has more than {max} bytes", max = dictionary::MAX_TEXT)]
    TooMuchText,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Preset;
    use proptest::prelude::*;

    /// Turns `coded` back.
    fn restore(inverse: &mut Inverse, coded: &[u8]) -> Result<Vec<u8>, TransformError> {
        inverse.begin();
        let mut text = Vec::new();
        for &byte in coded {
            text.extend_from_slice(inverse.push(byte)?);
        }
        Ok(text)
    }

    /// Transforms `text` and brings it back, and says how long the coded bytes are if there are
    /// any.
    fn pass(text: &[u8], inverse: &mut Inverse) -> Option<usize> {
        let coded = forward(text, inverse, Which::All)?;
        assert!(restore(inverse, &coded).unwrap() == text);
        Some(coded.len())
    }

    #[test]
    fn words_of_every_case_and_script_become_codes() {
        let text =
            "The Grüße THE words, of ДРУГ друг Ελλάδα ÜBUNG Übung iPhone don't NASA; عربي. ".repeat(40);
        let coded = forward(text.as_bytes(), &Inverse::default(), Which::All).unwrap();
        assert!(coded.len() * 2 < text.len(), "{} of {}", coded.len(), text.len());
        pass(text.as_bytes(), &mut Inverse::default()).unwrap();
    }

    #[test]
    fn flags_and_invalid_utf8_come_back() {
        let awkward =
            b"\x01\x02word\x03\x04word \xff\xfe\x80 word\x04\xc3\x01 nA\xefve WORD Word\x02 wORD \n";
        let text = [awkward.as_slice(), b"with many frequent words around all that"].concat().repeat(30);
        pass(&text, &mut Inverse::default()).unwrap();
    }

    #[test]
    fn a_text_without_frequent_words_is_left_alone() {
        let all = |text: &[u8]| forward(text, &Inverse::default(), Which::All);
        assert_eq!(all(b""), None);
        assert_eq!(all(b"every word here is another"), None);
        assert_eq!(all(&[b'a'; 1000]), None);
        assert_eq!(all("天地玄黄宇宙洪荒".repeat(100).as_bytes()), None);
    }

    #[test]
    fn prose_is_told_from_what_repeats_itself() {
        let prose = |text: &str| forward(text.as_bytes(), &Inverse::default(), Which::Prose).is_some();
        let sentence =
            |n: usize| format!("A sentence like this is said again and again about {}, ", spelled(n));
        let story: String = (0..2000).map(sentence).collect();
        assert!(prose(&story));
        assert!(!prose(&story[..60_000]), "too short");
        assert!(!prose(&"the same few words over and over ".repeat(3000)), "no new words");
        let table: String =
            (0..9000).map(|n| format!("{n}, {}, {}; word of a table\n", n * n, spelled(n))).collect();
        assert!(!prose(&table), "too few letters");
    }

    #[test]
    fn a_dictionary_grows_from_chunk_to_chunk() {
        let mut inverse = Inverse::default();
        let first = "common words and more common words ".repeat(50).into_bytes();
        let second = "other words beside the common words ".repeat(50).into_bytes();
        let whole = pass(&first, &mut inverse).unwrap();
        let again = pass(&first, &mut inverse).unwrap();
        assert_eq!(whole - again, "@and@common@more@words".len(), "the second time no word is sent");
        pass(&second, &mut inverse).unwrap();
        assert_eq!(
            inverse.dictionary().own().count(0),
            "common words and more other beside the".split(' ').count()
        );
    }

    #[test]
    fn longer_codes_follow_when_the_short_ones_are_taken() {
        let mut inverse = Inverse::default();
        for part in 0..30 {
            let words: Vec<String> =
                (0..300).map(|word| format!("{} ", spelled(part * 300 + word))).collect();
            pass(words.concat().repeat(16).as_bytes(), &mut inverse).unwrap();
        }
        assert_eq!([0, 1, 2].map(|class| inverse.dictionary().own().count(class)), [64, 7680, 9000 - 7744]);
    }

    /// A number in letters.
    fn spelled(number: usize) -> String {
        number.to_string().bytes().map(|digit| char::from(digit - b'0' + b'a')).collect::<String>() + "xyz"
    }

    #[test]
    fn words_may_be_as_long_as_the_dictionary_allows_and_longer() {
        for len in [62, 63, 64, 65, 1000] {
            let text = format!("{} and a word ", "é".repeat(len / 2) + &"x".repeat(len % 2)).repeat(20);
            pass(text.as_bytes(), &mut Inverse::default());
        }
    }

    #[test]
    fn damaged_dictionaries_and_codes_are_refused() {
        let fails = |coded: &[u8]| restore(&mut Inverse::default(), coded).unwrap_err();
        let misplaced = |byte, place| TransformError::Misplaced { byte, place };
        assert_eq!(fails(b"word"), misplaced(b'w', "at its place in the dictionary"));
        assert_eq!(fails(b"Aword"), misplaced(b'A', "at its place in the dictionary"));
        assert_eq!(fails(b"@word\n@wo\n@WORD"), misplaced(b'W', "at its place in the dictionary"));
        assert_eq!(fails(b"@w\n"), TransformError::WordLength(1));
        assert_eq!(fails(&[b"@".as_slice(), &[b'w'; 64]].concat()), TransformError::WordLength(64));
        assert_eq!(fails(&b"@word".repeat(66)), TransformError::TooManyWords { most: 64, code_bytes: 1 });
        assert_eq!(fails(b"@word\n\n\n\x81"), TransformError::UnknownWord { code_bytes: 1, number: 1 });
        assert_eq!(
            fails(b"\n\n\n\xff\xff\xff"),
            TransformError::UnknownWord { code_bytes: 3, number: 65535 }
        );
        assert_eq!(fails(b"\n\n\n\xd0a"), misplaced(b'a', "in a word's code"));
        assert_eq!(fails(b"\n\n\n\x01 "), misplaced(b' ', "after a flag"));
        assert_eq!(fails(b"\n\n\n\x01\x01"), misplaced(1, "after a flag"));
        assert_eq!(fails(b"\n\n\n\x04\x04"), misplaced(4, "after a flag"));
        let long = [b"\n\n".as_slice(), &[b"@".as_slice(), &[b'w'; 63]].concat().repeat(8324)].concat();
        assert_eq!(fails(&long), TransformError::TooMuchText);
    }

    fn english() -> Inverse {
        Inverse::new(Some(crate::knowledge::english_words()))
    }

    #[test]
    fn shipped_words_serve_the_shortest_text() {
        let prose = |text: &str| forward(text.as_bytes(), &english(), Which::Prose);
        let coded = prose("It was the best of times, it was the worst of times.").unwrap();
        assert_eq!(coded[0], LISTS_END, "no words are sent");
        assert!(coded.len() <= 32, "{} bytes", coded.len());
        assert!(restore(&mut english(), &coded).unwrap().ends_with(b"the worst of times."));
        assert_eq!(prose(""), None);
        assert_eq!(prose("Es war die beste und die schlimmste aller Zeiten, sagte er; wir lachten."), None);
    }

    #[test]
    fn words_are_told_from_the_marks_beside_them() {
        let text = "“Well—that’s ‘it’… THE END”—she said… X—Y “ÄÖ—the WORLD— IPhone’s NAÏVE—naïve".repeat(3);
        let coded = pass(text.as_bytes(), &mut english()).unwrap();
        assert!(coded * 4 < text.len() * 3, "{coded} of {}", text.len());
        let odd =
            b"the\xe2\x80\x94\xff the\xc2\xa0\xc2 THE\xe2\x80 \xe2\x80\x94\xc2\x81The\xc2\x81the".repeat(9);
        pass(&odd, &mut english());
    }

    #[test]
    fn own_words_follow_the_shipped() {
        let mut inverse = english();
        let text = "Zaphodian Zaphodia saw the zaphodian. ".repeat(40);
        let whole = pass(text.as_bytes(), &mut inverse).unwrap();
        let again = pass(text.as_bytes(), &mut inverse).unwrap();
        assert_eq!(whole - again, "\n@zaphodiaHn".len());
        assert_eq!([0, 1, 2].map(|class| inverse.dictionary().own().count(class)), [0, 2, 0]);
        let first = inverse.dictionary().before(1);
        assert_eq!(inverse.dictionary().word(1, first), Some(b"zaphodia".as_slice()), "the shorter first");
        assert_eq!(inverse.dictionary().word(1, first + 2), None);
    }

    #[test]
    fn codes_and_lists_beyond_the_shipped_words_are_refused() {
        let unknown = |code: &[u8]| {
            let coded = [b" ".as_slice(), code].concat();
            matches!(restore(&mut english(), &coded), Err(TransformError::UnknownWord { .. }))
        };
        assert!(unknown(b"\xfb\xff") && unknown(b"\xff\xff\xff"));
        assert!(!unknown(b"\xbf") && !unknown(b"\xf7\xff") && !unknown(b"\xfc\x80\x80"));
        let full = restore(&mut english(), b"@word");
        assert_eq!(full, Ok(Vec::new()));
        let full = restore(&mut english(), b"@word@other ");
        assert_eq!(full, Err(TransformError::TooManyWords { most: 64, code_bytes: 1 }));
    }

    #[test]
    fn english_is_told_from_what_is_not() {
        let fits = |text: &str| crate::knowledge::looks_english(text.as_bytes(), Preset::MAX).fits;
        let prose = "There is no doubt, she thought, that the old house had seen better days. ";
        assert!(fits(prose) && fits(&prose.repeat(9000)));
        assert!(fits(
            &format!("<page><title>House</title><text>{}</text></page>\n", prose.repeat(2)).repeat(99)
        ));
        for other in [
            "",
            "x",
            "In einem Loch im Boden, da lebte ein kleiner Mann, und niemand kannte seinen Namen. ",
            "La petite fille n'avait jamais vu la mer, et sa mère lui racontait souvent ce qu'elle était. ",
            "Жили-были старик со старухой у самого синего моря. ",
            "2026-11-24 17:52:05,123 [http-7] 10.0.0.1 0x7ffe42 GET /a/b?c=1 200 ",
            "4.2,1897,-0.003,NA,,17\n",
            "let mut xs: Vec<u32> = ys.iter().map(|y| y.len() as u32).collect();\n",
        ] {
            assert!(!fits(other) && !fits(&other.repeat(4000)), "{other}");
        }
        // Short, and of words that English has too: it is smaller for it.
        let close = "Il y avait une fois une petite fille de village, la plus jolie qu'on eût su voir. ";
        assert!(fits(close) && !fits(&close.repeat(4000)));
    }

    /// Words of programs are English, and worth their codes where nothing better knows them.
    #[test]
    fn programs_gain_from_english_words_unless_they_repeat_themselves() {
        let line = "    def write(self, data): return self.buffer.append(data)  # and count it\n";
        let fits = |text: &str, preset| crate::knowledge::looks_english(text.as_bytes(), preset).fits;
        assert!(fits(line, Preset::DEFAULT) && fits(line, Preset::MAX));
        assert!(words_fit(line.as_bytes(), crate::knowledge::english_words()));
        let log = "2026-11-24 17:52:05 status installed libsource:amd64 5.1-2\n".repeat(4000);
        let [quick, two] = [1, 2].map(|number| Preset::new(number).unwrap());
        assert!(fits(&log, two));
        for preset in [Preset::DEFAULT, Preset::MAX] {
            assert!(!fits(&log, preset), "structured text has models of its own");
        }
        assert!(fits(&log, quick) && !fits(&log.repeat(5), quick), "it learns what it needs");
        assert!(!is_english(log.as_bytes(), crate::knowledge::english_words()));
    }

    fn piece() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            4 => "[a-zA-Z]{1,9}|[äöüßéж本]{1,4}[a-z]{0,3}".prop_map(String::into_bytes),
            2 => Just(b" ".to_vec()),
            1 => "[Tt]he|WORD|other|“|—|’s".prop_map(String::into_bytes),
            1 => prop::collection::vec(any::<u8>(), 1..4),
            1 => prop::collection::vec(0u8..6, 1..3),
            1 => "[a-z]{60,70}".prop_map(String::into_bytes),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

        #[test]
        fn every_text_comes_back(
            pool in prop::collection::vec(piece(), 1..12),
            picks in prop::collection::vec(any::<prop::sample::Index>(), 1..600),
            cut in any::<prop::sample::Index>(),
        ) {
            let text: Vec<u8> = picks.iter().flat_map(|pick| pick.get(&pool).clone()).collect();
            let (first, second) = text.split_at(cut.index(text.len() + 1));
            for mut inverse in [Inverse::default(), english()] {
                for part in [first, second, &text] {
                    pass(part, &mut inverse);
                }
            }
        }

        #[test]
        fn no_bytes_make_the_inverse_panic_or_wait_for_ever(
            head in prop_oneof![Just(b"\n\n\n".to_vec()), Just(b" ".to_vec()), Just(b"@the@word\n@other\n\n".to_vec()), Just(Vec::new())],
            noise in prop::collection::vec(prop_oneof![any::<u8>(), 0u8..6, 0x80u8..0x84], 0..400),
            knowing in any::<bool>(),
        ) {
            let mut inverse = if knowing { english() } else { Inverse::default() };
            let (mut silent, mut text) = (0, 0);
            for &byte in head.iter().chain(&noise) {
                let in_dictionary = inverse.in_dictionary();
                match inverse.push(byte) {
                    Err(error) => {
                        prop_assert_eq!(inverse.failed(), Some(error));
                        prop_assert_eq!(inverse.push(b' '), Err(error), "an error stays");
                        break;
                    }
                    Ok(restored) => {
                        text += restored.len();
                        silent = if in_dictionary || !restored.is_empty() { 0 } else { silent + 1 };
                        prop_assert!(silent <= 5);
                    }
                }
            }
            prop_assert!(text <= 63 * (head.len() + noise.len()));
        }
    }
}
