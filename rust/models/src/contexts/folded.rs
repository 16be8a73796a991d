//! Folded contexts: order n over text without case, line ends and digits.

use super::Group;

/// Orders 3 to 7 of the folded text.
pub const FOLDED: Group = Group {
    name: "folded",
    contexts: 4,
    add: |parsed, out| {
        let folded = parsed.words.folded;
        for n in [3, 4, 5, 7] {
            out.add([folded & ((1 << (8 * n)) - 1), parsed.history.last8 & 0xff]);
        }
    },
};
