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
