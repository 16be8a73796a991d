//! Indirect contexts: what followed the last bytes or words when they were seen before.

use super::Group;

/// Followers of the last byte and of the last two.
pub const INDIRECT: Group = Group {
    name: "indirect",
    contexts: 4,
    orders: &[],
    add: |parsed, out| {
        let last = parsed.history.last8;
        let (byte, pair) = (u64::from(parsed.followers.byte), u64::from(parsed.followers.pair));
        out.add([byte & 0xffff, last & 0xff]);
        out.add([pair, last & 0xff]);
        out.add([pair, last & 0xffff]);
        out.add([byte & 0xff_ffff]);
    },
};

/// The word that followed the last word, or the last two, before.
pub const FOLLOWING_WORDS: Group = Group {
    name: "following words",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        let here = parsed.words.here();
        out.add([here, u64::from(parsed.followers.word)]);
        out.add([here, u64::from(parsed.followers.word_pair)]);
    },
};

/// What followed the last two bytes, with the last.
pub const FOLLOWER: Group = Group {
    name: "follower",
    contexts: 1,
    orders: &[],
    add: |parsed, out| out.add([u64::from(parsed.followers.pair), parsed.history.last8 & 0xff]),
};

/// Followers of the last two bytes with these, and followers of the last byte.
pub const INDIRECT_FEW: Group = Group {
    name: "indirect few",
    contexts: 2,
    orders: &[],
    add: |parsed, out| {
        out.add([u64::from(parsed.followers.pair), parsed.history.last8 & 0xffff]);
        out.add([u64::from(parsed.followers.byte & 0xff_ffff)]);
    },
};

/// What followed the last three, four and eight bytes the last four times.
pub const SUCCESSORS: Group = Group {
    name: "successors",
    contexts: 3,
    orders: &[],
    add: |parsed, out| {
        let [three, four, eight] = parsed.successors.of_last().map(u64::from);
        out.add([three, parsed.history.last8 & 0xff]);
        out.add([four]);
        out.add([eight]);
    },
};
