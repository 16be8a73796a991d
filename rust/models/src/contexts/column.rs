//! Column contexts: the place in the line, and the lines above.

use super::Group;

/// Column, byte above, and how the line began.
pub const COLUMN: Group = Group {
    name: "column",
    contexts: 3,
    add: |parsed, out| {
        let column = u64::from(parsed.words.column);
        let above = u64::from(parsed.above());
        let last = parsed.history.last8;
        out.add([column, above]);
        out.add([above, last & 0xffff]);
        out.add([u64::from(parsed.lines.first >> 24), column, last & 0xff]);
    },
};

/// How this line and the ones before it began.
pub const LINES: Group = Group {
    name: "lines",
    contexts: 4,
    add: |parsed, out| {
        let lines = &parsed.lines;
        let here = parsed.words.here();
        let last = parsed.history.last8;
        out.add([lines.first_word, here]);
        out.add([lines.first_words[0], lines.first_word, last & 0xffff]);
        out.add([u64::from(lines.indent), u64::from(lines.first), last & 0xff]);
        out.add([u64::from(parsed.above()), lines.first_word, u64::from(lines.field)]);
    },
};

/// The field of the line, for tables.
pub const FIELDS: Group = Group {
    name: "fields",
    contexts: 2,
    add: |parsed, out| {
        let lines = &parsed.lines;
        out.add([u64::from(lines.field), lines.field_hash]);
        out.add([u64::from(lines.field), u64::from(parsed.above()), parsed.history.last8 & 0xff]);
    },
};

/// The line's shape so far, and what stands in its place in the line before.
pub const ROWS: Group = Group {
    name: "rows",
    contexts: 5,
    add: |parsed, out| {
        let lines = &parsed.lines;
        let here = parsed.words.here();
        let last = parsed.history.last8;
        out.add([lines.shape, here]);
        out.add([lines.shape, last & 0xffff]);
        out.add([lines.token_above, here, last & 0xff]);
        out.add([lines.token_above, parsed.words.before[0], here]);
        out.add([lines.token_above, lines.shape, u64::from(parsed.above())]);
    },
};
