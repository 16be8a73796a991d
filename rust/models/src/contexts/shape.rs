//! Shape contexts: the classes of the last characters.

use super::Group;

/// Histories of classes, raw and with runs collapsed, with letters.
pub const SHAPE: Group = Group {
    name: "shape",
    contexts: 5,
    add: |parsed, out| {
        let words = &parsed.words;
        let last = parsed.history.last8;
        out.add([words.classes & 0xff_ffff, last & 0xff]);
        out.add([words.classes & 0xf_ffff_ffff]);
        out.add([words.class_runs & 0xfff, last & 0xffff]);
        out.add([words.class_runs & 0xff_ffff, words.here()]);
        out.add([words.class_runs & 0xfff_ffff, u64::from(parsed.lines.first)]);
    },
};

/// Histories of kinds of characters: marks are told apart.
pub const KINDS: Group = Group {
    name: "kinds",
    contexts: 6,
    add: |parsed, out| {
        let words = &parsed.words;
        let last = parsed.history.last8;
        out.add([words.kind_runs & 0xffff_ffff, words.here()]);
        out.add([words.kind_runs]);
        out.add([words.kind_runs & 0xff_ffff, last & 0xffff]);
        out.add([words.kinds & 0xffff_ffff_ffff, last & 0xff]);
        out.add([words.kind_runs & 0xffff_ffff, u64::from(words.len), words.before[0]]);
        out.add([words.kind_runs & 0xffff, words.here(), words.before[0]]);
    },
};

/// The one history of classes that says most beside the orders.
pub const CLASS_HISTORY: Group = Group {
    name: "class history",
    contexts: 1,
    add: |parsed, out| out.add([parsed.words.classes & 0xff_ffff, parsed.history.last8 & 0xff]),
};
