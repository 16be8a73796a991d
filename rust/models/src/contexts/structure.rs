//! Structure contexts: brackets, quotes, keys and tags around this place.

use super::Group;

/// What is open, with the word and the last bytes.
pub const STRUCTURE: Group = Group {
    name: "structure",
    contexts: 6,
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
