//! Word contexts: the current word's letters with the words before it.

use super::Group;

/// The current word; between words, the last one with the gap.
pub const WORD: Group = Group {
    name: "word",
    contexts: 1,
    add: |parsed, out| {
        let words = &parsed.words;
        out.add([words.here(), if words.word == 0 { words.before[0] } else { 0 }]);
    },
};

/// The current word and the one before it.
pub const WORD_PAIR: Group = Group {
    name: "word pair",
    contexts: 1,
    add: |parsed, out| {
        let words = &parsed.words;
        out.add([words.here(), words.before[0], if words.word == 0 { words.before[1] } else { 0 }]);
    },
};

/// The current word with the two words before it, and with the second alone.
pub const WORDS_THREE: Group = Group {
    name: "three words",
    contexts: 2,
    add: |parsed, out| {
        let here = parsed.words.here();
        let [a, b, ..] = parsed.words.before;
        out.add([here, a, b]);
        out.add([here, b]);
    },
};

/// The current word with two and three words before it, and with skips.
pub const WORDS_FAR: Group = Group {
    name: "words far",
    contexts: 6,
    add: |parsed, out| {
        let here = parsed.words.here();
        let [a, b, c, ..] = parsed.words.before;
        out.add([here, a, b]);
        out.add([here, a, b, c]);
        out.add([here, b]);
        out.add([here, c]);
        out.add([here, b, c]);
        out.add([here, parsed.history.last8 & 0xffff]);
    },
};

/// More skips, the sentence's first word, and how long the words were.
pub const WORDS_FARTHER: Group = Group {
    name: "words farther",
    contexts: 6,
    add: |parsed, out| {
        let words = &parsed.words;
        let here = words.here();
        let [a, _, c, d, ..] = words.before;
        out.add([here, d]);
        out.add([here, a, c]);
        out.add([here, words.sentence_first]);
        out.add([here, a, words.sentence_first]);
        out.add([here, u64::from(words.lens & 0xfff)]);
        out.add([here, words.initials >> 8 & 0xff_ffff]);
    },
};

/// The current word with the beginnings and endings of the words before it.
pub const STEMS: Group = Group {
    name: "stems",
    contexts: 4,
    add: |parsed, out| {
        let words = &parsed.words;
        let here = words.here();
        out.add([here, words.stems[0]]);
        out.add([here, words.stems[0], words.stems[1]]);
        out.add([here, u64::from(words.suffix & 0xffff)]);
        out.add([here, u64::from(words.suffix & 0xff_ffff), words.stems[1]]);
    },
};
