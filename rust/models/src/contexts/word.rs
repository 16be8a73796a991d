//! Word contexts: the current word's letters with the words before it.

use super::Group;

/// The current word; between words, the last one with the gap.
pub const WORD: Group = Group {
    name: "word",
    contexts: 1,
    orders: &[],
    add: |parsed, out| {
        let words = &parsed.words;
        out.add([words.here(), if words.word == 0 { words.before[0] } else { 0 }]);
    },
};

/// The current word and the one before it.
pub const WORD_PAIR: Group = Group {
    name: "word pair",
    contexts: 1,
    orders: &[],
    add: |parsed, out| {
        let words = &parsed.words;
        out.add([words.here(), words.before[0], if words.word == 0 { words.before[1] } else { 0 }]);
    },
};

/// The current word with the two words before it, and with the second alone.
pub const WORDS_THREE: Group = Group {
    name: "three words",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        let here = parsed.words.here();
        let [a, b, ..] = parsed.words.before;
        out.add([here, a, b]);
        out.add([here, b]);
    },
};
