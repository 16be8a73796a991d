//! Term contexts: words with digits, gaps, expressions, what followed the current token.

use super::Group;
use crate::Parsed;

/// The last byte in lower case.
pub(super) fn lower(parsed: &Parsed) -> u64 {
    u64::from((parsed.history.last8 as u8).to_ascii_lowercase())
}

/// The length of the current term, and whether it has been a whole one before.
pub(super) fn length(parsed: &Parsed) -> u64 {
    u64::from(parsed.terms.len.min(6)) << 1 | u64::from(parsed.terms.age != 0)
}

/// The current term with terms before it.
pub const TERMS: Group = Group {
    name: "terms",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        let here = parsed.terms.here();
        let [a, b, c] = parsed.terms.before;
        let last = parsed.history.last8 & 0xff;
        out.add([here, last, b]);
        out.add([here, last, c]);
        out.add([here, last, b, c]);
        out.add([here, last, a, c]);
    },
};

/// Terms with capitals among and around them.
pub const CAPITALS: Group = Group {
    name: "capitals",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let terms = &parsed.terms;
        let here = terms.here();
        let capitals = u64::from(terms.capitals);
        out.add([here, terms.before[0], capitals & 1, 7]);
        out.add([
            here,
            terms.before[1],
            capitals & 2
                | u64::from(terms.gap_len > 3) << 2
                | u64::from(terms.gap_len > 0 && terms.len_before < 3) << 3,
            8,
        ]);
        out.add([
            here,
            parsed.history.last8 & 0xff,
            u64::from(terms.gap_len_before),
            parsed.words.classes & 0x1ff,
            u64::from(terms.len_before > 3) << 2 | capitals,
        ]);
    },
};

/// What stands between terms.
pub const GAPS: Group = Group {
    name: "gaps",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let terms = &parsed.terms;
        out.add([terms.gap, terms.keyword]);
        out.add([lower(parsed), terms.here(), terms.gap_before]);
        out.add([lower(parsed), terms.gap, terms.before[0], 1]);
    },
};

/// The keyword before `:` or `=`, and how long ago the term was used.
pub const USES: Group = Group {
    name: "uses",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let terms = &parsed.terms;
        out.add([terms.here(), lower(parsed), terms.keyword]);
        out.add([terms.here(), u64::from(terms.age)]);
        out.add([terms.before[0], terms.gap, u64::from(terms.age)]);
    },
};

/// What was opened last.
pub const OPENED: Group = Group {
    name: "opened",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        let opened = u64::from(parsed.terms.opened);
        out.add([opened, length(parsed), parsed.words.kinds & 0xff]);
        out.add([opened, parsed.terms.here(), 1, 0]);
    },
};

/// What followed the current term or gap so far.
pub const TOKEN: Group = Group {
    name: "token",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let follower = u64::from(parsed.terms.follower);
        out.add([length(parsed), follower]);
        out.add([length(parsed), follower & 255, lower(parsed)]);
        out.add([follower, parsed.words.kinds & 0xff_ffff_ffff]);
    },
};

/// Letters, whatever stands between them or before.
pub const LETTERS: Group = Group {
    name: "letters",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        let letters = &parsed.letters;
        let run_len = u64::from(letters.run_len);
        out.add([letters.last]);
        out.add([length(parsed), u64::from(letters.run & 0xffff), run_len.min(5)]);
        out.add([length(parsed), u64::from(letters.run & 0xff_ffff), run_len.min(6)]);
        out.add([length(parsed), u64::from(letters.run), run_len.min(7)]);
    },
};

/// The words of the current expression.
pub const EXPRESSION: Group = Group {
    name: "expression",
    contexts: 1,
    orders: &[],
    add: |parsed, out| out.add(parsed.expressions.words),
};

/// The current word with how the words before it begin; how it and the word before it end.
pub const FORMS: Group = Group {
    name: "forms",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let forms = &parsed.forms;
        let here = parsed.words.here();
        let [a, b] = forms.beginnings.map(u64::from);
        out.add([here, a, 1]);
        out.add([here, a, b, 1]);
        out.add([u64::from(forms.ending()), u64::from(forms.ending_before), 2]);
    },
};

/// What stands near: the word that followed the last one before, the column, the kilobyte of the
/// text, the neighbouring term, both terms and gaps. Within markup what is open with the term's length
/// in place of the first, the last marks in place of the last.
pub const VICINITY: Group = Group {
    name: "vicinity",
    contexts: 5,
    orders: &[],
    add: |parsed, out| {
        let terms = &parsed.terms;
        let here = parsed.words.here();
        let within = parsed.within_markup();
        match within {
            0 => out.add([here, u64::from(parsed.followers.word), 3]),
            _ => out.add([within, length(parsed), lower(parsed)]),
        }
        out.add([here, u64::from(parsed.words.column), 4]);
        out.add([terms.here(), u64::from(terms.position >> 10), 5]);
        out.add([terms.here(), terms.neighbour(), 6]);
        let marks = &parsed.marks;
        match within {
            0 => out.add([terms.gap, terms.before[0], terms.gap_before, terms.before[1]]),
            _ => out.add([
                u64::from(marks.last),
                parsed.words.kinds & 0xffff,
                u64::from(marks.words.min(7)),
                u64::from(terms.age != 0),
            ]),
        }
    },
};
