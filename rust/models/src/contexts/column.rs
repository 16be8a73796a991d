//! Column contexts: the place in the line, and the lines above.

use super::Group;

/// Column, byte above, and how the line began.
pub const COLUMN: Group = Group {
    name: "column",
    contexts: 3,
    orders: &[],
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
    orders: &[],
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

/// Columns and lines, for the strongest presets: place with byte above and with classes, how the
/// line and the one before it began, the field.
pub const LAYOUT: Group = Group {
    name: "layout",
    contexts: 6,
    orders: &[],
    add: |parsed, out| {
        let lines = &parsed.lines;
        let column = u64::from(parsed.words.column);
        let above = u64::from(parsed.above());
        let last = parsed.history.last8;
        out.add([column, above]);
        out.add([column >> 1, parsed.words.classes & 0xfff]);
        out.add([lines.first_words[0], lines.first_word, last & 0xffff]);
        out.add([u64::from(lines.indent), u64::from(lines.first), last & 0xff]);
        out.add([above, lines.first_word, u64::from(lines.field)]);
        out.add([u64::from(lines.field), lines.field_hash]);
    },
};

/// The line's shape with the last bytes, and what stands in its place in the line before.
pub const ROWS: Group = Group {
    name: "rows",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let lines = &parsed.lines;
        out.add([lines.shape, parsed.history.last8 & 0xffff]);
        out.add([lines.token_above, parsed.words.before[0], parsed.words.here()]);
        out.add([lines.token_above, lines.shape, u64::from(parsed.above())]);
    },
};

/// What stood in this place in the two lines before, column by column and segment by segment, and
/// how the line and the one before it are shaped; the byte that the match model expects, with its length
/// and the line's shape: for structured text.
pub const ABOVE: Group = Group {
    name: "above",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        let column = parsed.column();
        let above = |line, column| u64::from(parsed.in_line(line, column));
        out.add([above(1, column), above(2, column), above(1, column + 1)]);
        out.add(parsed.places.above(&parsed.history));
        out.add([parsed.places.shape_before, parsed.lines.shape, parsed.history.last8 & 0xff]);
        let (byte, class) = parsed.expected;
        out.add([u64::from(byte), u64::from(class), parsed.lines.shape]);
    },
};
