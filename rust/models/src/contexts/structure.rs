//! Structure contexts: brackets, quotes, keys and tags around this place.

use super::Group;
use super::term::length;

/// What is open, with the word and the last bytes.
pub const STRUCTURE: Group = Group {
    name: "structure",
    contexts: 6,
    orders: &[],
    add: |parsed, out| {
        let structure = &parsed.structure;
        let here = parsed.words.here();
        let last = parsed.history.last8;
        out.add([structure.bracket(), here]);
        out.add([structure.bracket(), u64::from(structure.since), last & 0xff]);
        out.add([structure.tag, here]);
        out.add([structure.tag, last & 0xff_ffff]);
        out.add([structure.key, structure.quoted, u64::from(structure.quote)]);
        out.add([structure.tags[0], structure.tags[1], structure.tags[2], last & 0xffff]);
    },
};

/// What is open, with kinds of characters and with words.
pub const NESTING: Group = Group {
    name: "nesting",
    contexts: 6,
    orders: &[],
    add: |parsed, out| {
        let structure = &parsed.structure;
        let words = &parsed.words;
        let last = parsed.history.last8;
        out.add([structure.bracket(), words.here(), words.before[0]]);
        out.add([structure.bracket(), words.kind_runs & 0xff_ffff]);
        out.add([u64::from(structure.since), words.kind_runs & 0xffff, last & 0xff]);
        out.add([structure.bracket(), structure.tag, last & 0xffff]);
        out.add([u64::from(structure.quote), structure.bracket(), last & 0xff_ffff]);
        out.add([u64::from(structure.since), structure.bracket(), words.here()]);
    },
};

/// The name of this field and of the ones before.
pub const NAMES: Group = Group {
    name: "names",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        let structure = &parsed.structure;
        let words = &parsed.words;
        let last = parsed.history.last8;
        out.add([structure.name, words.here()]);
        out.add([structure.name, words.kind_runs & 0xff_ffff, last & 0xff]);
        out.add([structure.name, structure.names[0], words.here()]);
        out.add([structure.name, structure.names[0], structure.names[1], last & 0xff]);
    },
};

/// Kinds of characters with what is open, and with the column: where lines and markup turn.
pub const FRAME: Group = Group {
    name: "frame",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        let bracket = parsed.structure.bracket();
        let kind_runs = parsed.words.kind_runs;
        out.add([bracket, kind_runs & 0xff_ffff]);
        out.add([u64::from(parsed.words.column), kind_runs & 0xffff, bracket]);
    },
};

/// The current word with the tag it stands in.
pub const TAG: Group = Group {
    name: "tag",
    contexts: 1,
    orders: &[],
    add: |parsed, out| out.add([parsed.structure.tag, parsed.words.here()]),
};

/// Keys, and brackets with kinds and the last bytes.
pub const MARKUP: Group = Group {
    name: "markup",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        let structure = &parsed.structure;
        let bracket = structure.bracket();
        let last = parsed.history.last8;
        out.add([structure.key, structure.quoted, u64::from(structure.quote)]);
        out.add([bracket, parsed.words.kind_runs & 0xff_ffff]);
        out.add([bracket, structure.tag, last & 0xffff]);
        out.add([u64::from(structure.quote), bracket, last & 0xff_ffff]);
    },
};

/// The same for the strongest presets, which know what marks leave open: where something is, it stands
/// with kinds, and with the term's length, in place of kinds in runs and of three bytes.
pub const MARKUP_OPEN: Group = Group {
    name: "open markup",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        let structure = &parsed.structure;
        let words = &parsed.words;
        let within = parsed.within_markup();
        let last = parsed.history.last8;
        let kinds = if within == 0 { words.kind_runs } else { words.kinds };
        out.add([structure.key, structure.quoted, u64::from(structure.quote)]);
        out.add([within, kinds & 0xff_ffff]);
        out.add([structure.bracket(), structure.tag, last & 0xffff]);
        match within {
            0 => out.add([u64::from(structure.quote), 0, last & 0xff_ffff]),
            _ => out.add([within, length(parsed), words.class_runs & 0xfff]),
        }
    },
};
