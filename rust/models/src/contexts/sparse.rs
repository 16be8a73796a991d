//! Sparse contexts: some of the last bytes, others left out.

use super::Group;

/// Skips of one and two bytes, for text.
pub const SPARSE: Group = Group {
    name: "sparse",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        for mask in [0xff_ff00, 0xffff_ff00, 0xffff_0000, 0xff_00ff] {
            out.add([parsed.history.last8 & mask]);
        }
    },
};

/// The two and three bytes before the last.
pub const SPARSE_PAIR: Group = Group {
    name: "sparse pair",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        for mask in [0xff_ff00, 0xffff_ff00] {
            out.add([parsed.history.last8 & mask]);
        }
    },
};

/// Single bytes and pairs at fixed distances, for binary data.
pub const SPARSE_BINARY: Group = Group {
    name: "sparse binary",
    contexts: 8,
    orders: &[],
    add: |parsed, out| {
        let masks: [u64; 8] = [
            0xff00,
            0xff_0000,
            0xff00_0000,
            0xff_ff00,
            0xffff_0000,
            0xff00_ff00,
            0xff_0000_0000_00ff,
            0xff00_00ff,
        ];
        for mask in masks {
            out.add([parsed.history.last8 & mask]);
        }
    },
};

/// The two bytes before the last.
pub const SPARSE_ONE: Group = Group {
    name: "sparse one",
    contexts: 1,
    orders: &[],
    add: |parsed, out| out.add([parsed.history.last8 & 0xff_ff00]),
};
