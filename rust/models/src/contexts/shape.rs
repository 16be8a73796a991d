//! Shape contexts: the classes of the last characters.

use super::Group;

/// Histories of classes, raw and with runs collapsed, with letters.
pub const SHAPE: Group = Group {
    name: "shape",
    contexts: 5,
    orders: &[],
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
    orders: &[],
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
    orders: &[],
    add: |parsed, out| out.add([parsed.words.classes & 0xff_ffff, parsed.history.last8 & 0xff]),
};

/// Histories of classes with runs collapsed.
pub const CLASS_RUNS: Group = Group {
    name: "class runs",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let words = &parsed.words;
        out.add([words.class_runs & 0xfff, parsed.history.last8 & 0xffff]);
        out.add([words.class_runs & 0xff_ffff, words.here()]);
        out.add([words.class_runs & 0xfff_ffff, u64::from(parsed.lines.first)]);
    },
};

/// The kinds of the last eight characters, alone and with the last bytes.
pub const KIND_HISTORY: Group = Group {
    name: "kind history",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let kinds = parsed.words.kinds;
        let last = parsed.history.last8;
        out.add([kinds]);
        out.add([kinds, u64::from((last as u8).to_ascii_lowercase())]);
        out.add([kinds, last & 0xffff]);
    },
};

/// The upper halves of the last eight bytes and of the last three.
pub const HALVES: Group = Group {
    name: "upper halves",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        let halves = u64::from(parsed.letters.halves);
        out.add([halves, 1]);
        out.add([halves & 0xfff, 1]);
    },
};
