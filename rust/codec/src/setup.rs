//! What each preset is made of: one table.
//!
//! To add a model, write its group of contexts and name it in an assembly below.

use std::sync::LazyLock;

use foretold_models::contexts::{self as c, Group};
use foretold_models::{BitHistories, COUNTS, MatchModel, PROBABILITIES, Parsed, Parts, Rates, hash};

use crate::Preset;
use crate::network::Network;

/// What a selector may look at.
pub struct View<'a> {
    /// The past.
    pub parsed: &'a Parsed,
    /// The match models, shortest minimum first.
    pub matches: &'a [MatchModel],
    /// Where the byte's decisions so far have led to: in the balanced tree its bits, 1-bit prefixed.
    pub partial: u32,
    /// The same with the number of the tree, from the ninth bit on.
    pub place: u32,
    /// Which of the trees the byte is coded by.
    pub tree: u32,
    /// How many trees there are.
    pub trees: u32,
    /// These decisions, 1-bit prefixed.
    pub path: u32,
    /// The bits that the bytes which they leave have in common, 1-bit prefixed.
    pub common: u32,
    /// How many of them, up to 7.
    pub bit_position: u32,
    /// A bit for each context that has been here before, the first lowest.
    pub known: u64,
    /// How many contexts there are.
    pub contexts: u32,
    /// The network, if one takes part.
    pub(crate) network: Option<&'a Network>,
}

/// Picks one of `size` weight sets from a small context.
#[derive(Clone, Copy)]
pub struct Selector {
    /// For tables and reports.
    pub name: &'static str,
    /// Picks are below this.
    pub size: u32,
    /// The pick.
    pub pick: fn(&View) -> u32,
}

impl std::fmt::Debug for Selector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.size)
    }
}

/// The models that one kind of data gets.
#[derive(Debug)]
pub struct Assembly {
    /// Contexts. The first `directs` of them have direct probabilities too.
    pub groups: &'static [Group],
    /// The same within pictures, as many contexts; empty if they have none of their own.
    pub pictures: &'static [Group],
    /// How many contexts have direct probabilities.
    pub directs: usize,
    /// Whether every context has its run.
    pub runs: bool,
    /// Selectors of the first layer's weight sets.
    pub selectors: &'static [Selector],
    /// Selectors of the second layer's.
    pub finals: &'static [Selector],
    /// APMs of the last stage: 2 or 6.
    pub apms: usize,
    /// Base-2 logarithm of the contexts of those that are hashed, at most.
    pub apm_log2: u32,
    /// How the mixer learns.
    pub rates: Rates,
}

impl Assembly {
    /// How many contexts there are.
    pub const fn contexts(&self) -> usize {
        let (mut contexts, mut i) = (0, 0);
        while i < self.groups.len() {
            contexts += self.groups[i].contexts;
            i += 1;
        }
        contexts
    }
}

/// Base-2 logarithms of a predictor's tables.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Bytes of the history.
    pub history: u32,
    /// Bytes of the slot table.
    pub slots: u32,
    /// Words of the runs.
    pub runs: u32,
    /// Bytes of the direct probabilities.
    pub directs: u32,
    /// Heads of each match model.
    pub heads: u32,
}

/// A preset's models.
#[derive(Debug)]
pub struct Setup {
    /// What people call it.
    pub name: &'static str,
    /// What it is for, in a few words.
    pub intent: &'static str,
    /// What stands for the bits seen in a context.
    pub histories: &'static LazyLock<BitHistories>,
    /// Least match lengths of the match models, shortest first.
    pub matches: &'static [u32],
    /// For text.
    pub text: &'static Assembly,
    /// For everything else.
    pub binary: &'static Assembly,
    /// For text that repeats its forms, in blocks that start from nothing, if it has models of its own.
    pub structured: Option<&'static Assembly>,
    /// What its groups and selectors read of the past, where that is not all.
    pub parts: Parts,
    /// The largest tables.
    pub most: Sizes,
    /// Base-2 logarithm of the bytes of the slot table that a prior fills, at least.
    pub base: u32,
    /// Prose in blocks of this size class or a larger one is transformed unless the caller says
    /// otherwise: the stronger the preset, the later a dictionary has paid for itself.
    pub transform: u8,
    /// Trees of decisions that the first text of a block that starts from nothing brings, at most: the
    /// fewer contexts there are, the more it helps to say what stands where. 0 if bytes are their bits,
    /// whatever a prior brings.
    pub trees: usize,
    /// Whether a network that learns predicts as well.
    pub network: bool,
    /// Whether a mixer network has the last word on text.
    pub corrected: bool,
}

impl Setup {
    /// Whether it knows words by many contexts.
    pub fn is_strong(&self) -> bool {
        self.parts.terms
    }

    /// Whether structured text is a kind of blocks that start from nothing, or from a prior.
    pub fn has_structured(&self, from_nothing: bool) -> bool {
        from_nothing && self.structured.is_some()
    }

    /// Of the kinds of data that a block may have, in the order of their numbers.
    pub fn assemblies(&self, from_nothing: bool) -> impl Iterator<Item = &'static Assembly> {
        let structured = self.structured.filter(|_| self.has_structured(from_nothing));
        [self.text, self.binary].into_iter().chain(structured)
    }

    /// The tables of blocks of about `2^size_class` bytes.
    pub fn sizes(&self, size_class: u8) -> Sizes {
        let class = u32::from(size_class);
        let contexts = self.assemblies(true).map(|assembly| assembly.contexts()).max().unwrap_or(0);
        Sizes {
            history: class.max(12).min(self.most.history),
            slots: (class + 3 + contexts.next_power_of_two().ilog2()).max(16).min(self.most.slots),
            runs: (class + 3).max(12).min(self.most.runs),
            directs: (class + 6).max(12).min(self.most.directs),
            heads: class.max(10).min(self.most.heads),
        }
    }
}

const fn selector(name: &'static str, size: u32, pick: fn(&View) -> u32) -> Selector {
    Selector { name, size, pick }
}

/// The length class of a match that still holds, else 0.
fn holding(model: Option<&MatchModel>, view: &View) -> u32 {
    match model {
        Some(m) if m.expected_bit(view.path).is_some() => m.len_class(),
        _ => 0,
    }
}

const ONE: Selector = selector("one", 1, |_| 0);
/// What the bytes have in common, where there are several trees.
const PARTIAL: Selector = selector("partial byte", 256, |v| if v.trees > 1 { v.common } else { v.partial });
const LAST: Selector = selector("last byte", 256, |v| (v.parsed.history.last8 & 255) as u32);
const BEFORE: Selector = selector("byte before", 256, |v| (v.parsed.history.last8 >> 8 & 255) as u32);
const MATCH: Selector =
    selector("match length", 16 * 8, |v| holding(v.matches.first(), v) * 8 + v.bit_position);
const MATCHES: Selector =
    selector("longer matches", 256, |v| holding(v.matches.get(1), v) * 16 + holding(v.matches.last(), v));
const EXPECTED: Selector =
    selector("expected byte", 256, |v| v.matches.first().map_or(0, |m| m.expected_byte(v.path)));
const KNOWN: Selector =
    selector("contexts known", 16 * 8, |v| v.known.count_ones() * 15 / v.contexts * 8 + v.bit_position);
/// Orders 1 to 6 must be the first contexts.
const ORDERS_KNOWN: Selector = selector("orders known", 7 * 4 * 8, |v| {
    let orders = (v.known as u32 & 63).trailing_ones();
    let others = (v.known as u32 >> 6 & 63).count_ones().div_ceil(2);
    (orders * 4 + others) * 8 + v.bit_position
});
const CLASSES: Selector =
    selector("classes", 512 * 8, |v| (v.parsed.words.classes & 511) as u32 * 8 + v.bit_position);
const CLASS_RUNS: Selector = selector("class runs", 4096, |v| (v.parsed.words.class_runs & 4095) as u32);
/// With the tree, where there are several.
const PARTIAL_CLASS: Selector = selector("partial byte, class", 2048, |v| {
    let class = if v.trees > 1 { v.tree } else { (v.parsed.words.classes & 7) as u32 };
    v.partial * 8 + class
});
const WORD_LEN: Selector =
    selector("word length", 16 * 8, |v| v.parsed.words.letters_here().min(15) * 8 + v.bit_position);
const COLUMN: Selector = selector("column", 256, |v| v.parsed.words.column);
const STRUCTURE: Selector =
    selector("structure", 1024, |v| v.parsed.structure.summary(v.parsed.history.last8 as u8));
const LINE_FIRST: Selector = selector("line's first byte", 256, |v| v.parsed.lines.first & 255);
const FOLLOWER: Selector = selector("follower", 256, |v| v.parsed.followers.pair & 255);
/// Within a picture the pixel above.
const RECORD_PLACE: Selector = selector("place in record", 256, |v| match v.parsed.records.is_picture {
    true => v.parsed.pixel(0, 1).into(),
    false => (v.parsed.history.len % v.parsed.records.len.max(1)).min(255) as u32,
});

const ORDERS_PARTIAL: Selector =
    selector("orders, partial byte", 7 * 256, |v| (v.known as u32 & 63).trailing_ones() * 256 + v.partial);
/// Classes, or which of the pixels next to each other are the same.
const CLASSES_OR_SAME: Selector = selector(CLASSES.name, CLASSES.size, |v| {
    if !v.parsed.records.is_picture {
        return (CLASSES.pick)(v);
    }
    let pixel = |right, up| v.parsed.pixel(right, up);
    let [w, n, nw, ne] = [pixel(-1, 0), pixel(0, 1), pixel(-1, 1), pixel(1, 1)];
    let [ww, nn, nww, nee] = [pixel(-2, 0), pixel(0, 2), pixel(-2, 1), pixel(2, 1)];
    let same = [w == ww, w == n, w == nw, n == nw, n == ne, n == nn, ne == nee, nw == nww, w == ne];
    same.iter().fold(0, |bits, &same| bits << 1 | u32::from(same)) * 8 + v.bit_position
});
/// With the class, or which of the pixels next to this have begun like it.
const PARTIAL_CLASS_OR_LIKE: Selector = selector(PARTIAL_CLASS.name, PARTIAL_CLASS.size, |v| {
    if !v.parsed.records.is_picture {
        return (PARTIAL_CLASS.pick)(v);
    }
    let is_like =
        |(right, up)| (u32::from(v.parsed.pixel(right, up)) | 256) >> (8 - v.bit_position) == v.partial;
    let like = [(-1, 0), (0, 1), (1, 1)].map(is_like);
    v.partial * 8 + like.iter().fold(0, |bits, &like| bits << 1 | u32::from(like))
});
/// The follower, or the pixel above to the right.
const FOLLOWER_OR_RIGHT: Selector =
    selector(FOLLOWER.name, FOLLOWER.size, |v| match v.parsed.records.is_picture {
        true => v.parsed.pixel(1, 1).into(),
        false => (FOLLOWER.pick)(v),
    });

/// Of the parts' hash, as many values as there are sets.
fn folded<const N: usize>(parts: [u32; N], sets: u32) -> u32 {
    (parts.into_iter().fold(0, hash) >> 40) as u32 & (sets - 1)
}
const TERM_LEN: Selector = selector("term length", 2048, |v| {
    let terms = &v.parsed.terms;
    folded([(terms.len + 1).ilog2(), v.place, terms.capitals | v.parsed.structure.level() << 4], 2048)
});
const TERM_START: Selector = selector("term start", 2048, |v| {
    let terms = &v.parsed.terms;
    let first = if terms.len < 4 { terms.first } else { 0 };
    folded([first, terms.len.min(6), v.place], 2048)
});
const CLASS_KIND: Selector = selector("classes, kind", 4096, |v| {
    let words = &v.parsed.words;
    folded([words.classes as u32 & 0xfff, words.kinds as u32 & 0xff, v.parsed.terms.capitals & 1], 4096)
});
const WORD_BEFORE: Selector = selector("word before", 2048, |v| {
    let forms = &v.parsed.forms;
    folded([forms.class_before(), forms.len.min(8)], 2048)
});
const BEGINNING_BEFORE: Selector = selector("beginning before", 2048, |v| {
    let forms = &v.parsed.forms;
    folded([forms.beginnings[0], forms.len.min(1)], 2048)
});
const ENDING: Selector = selector("ending", 2048, |v| folded([v.parsed.forms.ending() & 0xff00_ffff], 2048));
const WORD: Selector = selector("word", 4096, |v| folded([v.parsed.words.here() as u32], 4096));
/// Contexts of presets 8 to max that say much of words, by their numbers: word, order 8, row, five
/// letters, three letters, expression, two of terms, two beginnings, neighbour.
const OF_WORDS: [u32; 10] = [6, 7, 24, 27, 29, 31, 38, 40, 57, 62];
const WORDS_KNOWN: Selector = selector("words known", 1 << OF_WORDS.len(), |v| {
    OF_WORDS.into_iter().fold(0, |known, context| known << 1 | (v.known >> context & 1) as u32)
});
const SOUNDS: Selector = selector("sounds", 2048, |v| folded([v.parsed.terms.sounds, v.place], 2048));
const TOP_BITS: Selector = selector("top bits", 6 * 256, |v| {
    let last = v.parsed.history.last8 as u32;
    let partial = v.common << (8 - v.common.ilog2()) & 0xc0;
    v.bit_position.min(5) * 256 + (last >> 5 & 7 | last >> 13 << 3 & 0x38 | partial)
});

const FORETOLD: Selector = selector("network's byte", 257 * 8, |v| {
    let byte = v.network.and_then(|network| network.expected_byte(v.path));
    byte.map_or(256, u32::from) * 8 + v.bit_position
});

/// For few inputs.
const QUICK: Rates =
    Rates { first: 1500, first_start: 20000, second: 6000, shift: 14, start: 1600, quiet: 0 };
/// For many.
const FINE: Rates =
    Rates { first: 4000, first_start: 80000, second: 4000, shift: 16, start: 1000, quiet: 272 };

pub static TEXT_1: Assembly = Assembly {
    groups: &[c::ORDERS_2_4_6, c::WORD, c::FRAME],
    pictures: &[],
    directs: 0,
    runs: false,
    selectors: &[PARTIAL_CLASS, ORDERS_KNOWN],
    finals: &[ONE],
    apms: 2,
    // A near cache holds them.
    apm_log2: 10,
    rates: QUICK,
};
pub static TEXT_2: Assembly = Assembly {
    groups: &[c::ORDERS_1_TO_6, c::WORD, c::FRAME, c::WORD_PAIR, c::TAG, c::FOLLOWER, c::CLASS_HISTORY],
    selectors: &[PARTIAL_CLASS, ORDERS_KNOWN, CLASSES],
    finals: &[ONE, LAST],
    ..TEXT_1
};
pub static TEXT_3: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::FRAME,
        c::WORD_PAIR,
        c::TAG,
        c::FOLLOWER,
        c::CLASS_HISTORY,
        c::COLUMN,
    ],
    selectors: &[PARTIAL_CLASS, ORDERS_KNOWN, CLASSES],
    finals: &[ONE, PARTIAL, LAST],
    ..TEXT_1
};
pub static TEXT_4: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::WORD_PAIR,
        c::TAG,
        c::FOLLOWER,
        c::CLASS_HISTORY,
        c::COLUMN,
        c::NESTING,
        c::WORDS_THREE,
        c::SPARSE_PAIR,
    ],
    selectors: &[PARTIAL_CLASS, LAST, ORDERS_KNOWN, CLASSES, COLUMN],
    ..TEXT_3
};
pub static TEXT_5: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::WORD_PAIR,
        c::WORDS_THREE,
        c::INDIRECT,
        c::COLUMN,
        c::NESTING,
        c::KINDS,
        c::TAG,
        c::SPARSE_PAIR,
    ],
    selectors: &[PARTIAL_CLASS, LAST, ORDERS_KNOWN, CLASSES, WORD_LEN, CLASS_RUNS, COLUMN],
    apms: 6,
    apm_log2: 16,
    ..TEXT_3
};
static TEXT_6: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::WORD_PAIR,
        c::WORDS_THREE,
        c::INDIRECT,
        c::COLUMN,
        c::NESTING,
        c::KINDS,
        c::STRUCTURE,
        c::SPARSE_PAIR,
        c::ORDER_8,
        c::FOLLOWING_WORDS,
    ],
    rates: FINE,
    ..TEXT_5
};
static TEXT_7: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::WORD_PAIR,
        c::WORDS_THREE,
        c::INDIRECT,
        c::COLUMN,
        c::NESTING,
        c::KINDS,
        c::STRUCTURE,
        c::SPARSE_PAIR,
        c::ORDER_8,
        c::FOLLOWING_WORDS,
        c::NAMES,
        c::LINES,
    ],
    selectors: &[PARTIAL_CLASS, LAST, BEFORE, ORDERS_KNOWN, CLASSES, WORD_LEN, CLASS_RUNS, COLUMN, STRUCTURE],
    ..TEXT_6
};
/// The groups of the strongest presets, of which structured text has others in three places.
const fn strongest(letters: Group, capitals: Group, forms: Group) -> [Group; 22] {
    [
        c::ORDERS_1_TO_6,
        c::WORD,
        c::ORDER_8,
        c::SPARSE_ONE,
        c::INDIRECT_FEW,
        c::LAYOUT,
        c::CLASS_RUNS,
        c::MARKUP_OPEN,
        c::ROWS,
        letters,
        c::EXPRESSION,
        c::GAPS,
        c::USES,
        c::TERMS,
        c::OPENED,
        c::TOKEN,
        c::HALVES,
        capitals,
        c::KIND_HISTORY,
        c::ORDER_11,
        forms,
        c::VICINITY,
    ]
}

static TEXT_8: Assembly = Assembly {
    groups: TEXT_9.groups,
    runs: true,
    selectors: &[
        PARTIAL_CLASS,
        LAST,
        ORDERS_KNOWN,
        CLASS_RUNS,
        COLUMN,
        STRUCTURE,
        KNOWN,
        WORDS_KNOWN,
        TERM_LEN,
        TERM_START,
        CLASS_KIND,
        WORD,
        WORD_BEFORE,
    ],
    finals: &[ONE, PARTIAL, CLASS_KIND],
    ..TEXT_6
};
static TEXT_9: Assembly = Assembly {
    groups: &strongest(c::LETTERS, c::CAPITALS, c::FORMS),
    pictures: &[],
    directs: 7,
    runs: true,
    selectors: &[
        PARTIAL,
        LAST,
        MATCH,
        KNOWN,
        WORDS_KNOWN,
        CLASS_RUNS,
        COLUMN,
        STRUCTURE,
        LINE_FIRST,
        PARTIAL_CLASS,
        ORDERS_PARTIAL,
        TERM_LEN,
        TERM_START,
        CLASS_KIND,
        SOUNDS,
        TOP_BITS,
        WORD,
        WORD_BEFORE,
        BEGINNING_BEFORE,
        ENDING,
    ],
    finals: &[ONE, PARTIAL, MATCH, CLASS_KIND],
    apms: 6,
    apm_log2: 16,
    rates: FINE,
};

/// Some groups or selectors, and more of them.
const fn and<T: Copy, const N: usize>(some: &[T], more: &[T]) -> [T; N] {
    assert!(some.len() + more.len() == N);
    let mut all = [more[0]; N];
    let mut i = 0;
    while i < N {
        all[i] = if i < some.len() { some[i] } else { more[i - some.len()] };
        i += 1;
    }
    all
}

/// For structured text: what stood in this place before and what the key, the number above and the last
/// bytes led to, which say more than words do.
static STRUCTURED_3: Assembly =
    Assembly { groups: &[c::ORDERS_2_4_6, c::WORD, c::FRAME, c::ABOVE, c::VALUES, c::SUCCESSORS], ..TEXT_3 };
static STRUCTURED_4: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::FRAME,
        c::ABOVE,
        c::VALUES,
        c::SUCCESSORS,
        c::WORD_PAIR,
        c::TAG,
        c::CLASS_HISTORY,
        c::FOLLOWER,
        c::ORDER_8,
    ],
    ..TEXT_4
};
pub static STRUCTURED_5: Assembly = Assembly {
    groups: &and::<_, 14>(STRUCTURED_4.groups, &[c::ROWS, c::NAMES, c::SPARSE_ONE]),
    apm_log2: STRUCTURED_9.apm_log2,
    ..TEXT_5
};
static STRUCTURED_6: Assembly = Assembly {
    groups: &and::<_, 16>(STRUCTURED_5.groups, &[c::KINDS, c::INDIRECT_FEW]),
    apm_log2: STRUCTURED_9.apm_log2,
    ..TEXT_6
};
static STRUCTURED_7: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::ABOVE,
        c::VALUES,
        c::SUCCESSORS,
        c::WORD_PAIR,
        c::ORDER_8,
        c::ROWS,
        c::NAMES,
        c::KINDS,
        c::INDIRECT,
        c::MARKUP,
        c::CLASS_RUNS,
        c::LAYOUT,
    ],
    apm_log2: STRUCTURED_9.apm_log2,
    ..TEXT_7
};

/// The same for the strongest presets, where text looks at letters, capitals and the forms of words. All
/// else stands where it does for text, so that the mixer network of text knows what it hears.
static STRUCTURED_8: Assembly =
    Assembly { groups: STRUCTURED_9.groups, apm_log2: STRUCTURED_9.apm_log2, ..TEXT_8 };
static STRUCTURED_9: Assembly = Assembly {
    groups: &strongest(c::ABOVE, c::SUCCESSORS, c::VALUES),
    // Preset 9 stays within 2 GiB, preset 5 within 400 MiB.
    apm_log2: 14,
    ..TEXT_9
};

static BINARY_1: Assembly = Assembly {
    groups: &[c::ORDERS_1_2_3_4_6, c::RECORD_ABOVE, c::FIELD_PLACE],
    pictures: &[c::pictures::<8>()],
    ..TEXT_1
};
static BINARY_3: Assembly = Assembly {
    groups: &[c::ORDERS_1_TO_6, c::RECORD, c::SPARSE_PAIR, c::FIELDS_FEW],
    pictures: &[c::pictures::<16>()],
    selectors: &[PARTIAL, MATCH, LAST, RECORD_PLACE],
    ..TEXT_3
};
static BINARY_6: Assembly = Assembly {
    groups: &[c::ORDERS_1_TO_6, c::ORDER_8, c::RECORD, c::SPARSE_BINARY, c::INDIRECT, c::WORD, c::FIELDS_FEW],
    pictures: &[c::pictures::<28>()],
    selectors: &[PARTIAL, MATCH, LAST, RECORD_PLACE, ORDERS_KNOWN, BEFORE, CLASSES_OR_SAME],
    ..TEXT_6
};
static BINARY_9: Assembly = Assembly {
    groups: &[
        c::ORDERS_1_TO_6,
        c::WORD,
        c::ORDER_8,
        c::RECORD,
        c::SPARSE_BINARY,
        c::INDIRECT,
        c::RECORD_MORE,
        c::SPARSE,
        c::WORD_PAIR,
        c::SHAPE,
        c::COLUMN,
        c::STRUCTURE,
        c::FIELDS,
    ],
    pictures: &[c::pictures::<56>()],
    selectors: &[
        PARTIAL,
        LAST,
        BEFORE,
        MATCH,
        EXPECTED,
        KNOWN,
        CLASSES_OR_SAME,
        RECORD_PLACE,
        ORDERS_KNOWN,
        PARTIAL_CLASS_OR_LIKE,
        MATCHES,
        FOLLOWER_OR_RIGHT,
    ],
    ..TEXT_9
};

static TEXT_MAX: Assembly = Assembly { selectors: &and::<_, 21>(TEXT_9.selectors, &[FORETOLD]), ..TEXT_9 };
static STRUCTURED_MAX: Assembly = Assembly { selectors: TEXT_MAX.selectors, ..STRUCTURED_9 };
static BINARY_MAX: Assembly =
    Assembly { selectors: &and::<_, 13>(BINARY_9.selectors, &[FORETOLD]), ..BINARY_9 };

const fn most(history: u32, slots: u32, runs: u32, directs: u32, heads: u32) -> Sizes {
    Sizes { history, slots, runs, directs, heads }
}

/// The presets, 1 first; the last is `max`.
pub static SETUPS: [Setup; Preset::MAX.number() as usize] = [
    Setup {
        name: "1",
        intent: "fast: most of a megabyte a second",
        histories: &PROBABILITIES,
        matches: &[6],
        text: &TEXT_1,
        binary: &BINARY_1,
        structured: None,
        parts: Parts { lines: false, followers: false, terms: false, structured: false },
        most: most(22, 25, 0, 0, 20),
        base: 25,
        transform: 16,
        trees: 8,
        network: false,
        corrected: false,
    },
    Setup {
        name: "2",
        intent: "fast, with longer contexts",
        histories: &PROBABILITIES,
        matches: &[6],
        text: &TEXT_2,
        binary: &BINARY_1,
        structured: None,
        parts: Parts { lines: false, followers: true, terms: false, structured: false },
        most: most(23, 26, 0, 0, 20),
        base: 25,
        transform: 16,
        trees: 4,
        network: false,
        corrected: false,
    },
    Setup {
        name: "3",
        intent: "quick archives",
        histories: &PROBABILITIES,
        matches: &[6],
        text: &TEXT_3,
        binary: &BINARY_3,
        structured: Some(&STRUCTURED_3),
        parts: Parts::MOST,
        most: most(24, 27, 0, 0, 21),
        base: 26,
        transform: 16,
        trees: 4,
        network: false,
        corrected: false,
    },
    Setup {
        name: "4",
        intent: "archives, a little faster than the default",
        histories: &PROBABILITIES,
        matches: &[6, 12],
        text: &TEXT_4,
        binary: &BINARY_3,
        structured: Some(&STRUCTURED_4),
        parts: Parts::MOST,
        most: most(25, 27, 0, 0, 21),
        base: 26,
        transform: 16,
        trees: 4,
        network: false,
        corrected: false,
    },
    Setup {
        name: "5",
        intent: "every day: the default",
        histories: &PROBABILITIES,
        matches: &[6, 12],
        text: &TEXT_5,
        binary: &BINARY_3,
        structured: Some(&STRUCTURED_5),
        parts: Parts::MOST,
        most: most(25, 28, 0, 0, 22),
        base: 26,
        transform: 16,
        trees: 4,
        network: false,
        corrected: false,
    },
    Setup {
        name: "6",
        intent: "smaller, at half the speed",
        histories: &PROBABILITIES,
        matches: &[5, 10],
        text: &TEXT_6,
        binary: &BINARY_6,
        structured: Some(&STRUCTURED_6),
        parts: Parts::MOST,
        most: most(26, 29, 0, 0, 22),
        base: 27,
        transform: 16,
        trees: 4,
        network: false,
        corrected: false,
    },
    Setup {
        name: "7",
        intent: "for keeping",
        histories: &PROBABILITIES,
        matches: &[5, 8, 16],
        text: &TEXT_7,
        binary: &BINARY_6,
        structured: Some(&STRUCTURED_7),
        parts: Parts::MOST,
        most: most(26, 29, 0, 0, 22),
        base: 27,
        transform: 16,
        trees: 4,
        network: false,
        corrected: false,
    },
    Setup {
        name: "8",
        intent: "nearly all there is",
        histories: &COUNTS,
        matches: &[5, 8, 16],
        text: &TEXT_8,
        binary: &BINARY_9,
        structured: Some(&STRUCTURED_8),
        parts: Parts::ALL,
        most: most(26, 29, 26, 27, 22),
        base: 28,
        transform: 21,
        trees: 4,
        network: false,
        corrected: false,
    },
    Setup {
        name: "9",
        intent: "the full context mixer",
        histories: &COUNTS,
        matches: &[5, 8, 16],
        text: &TEXT_9,
        binary: &BINARY_9,
        structured: Some(&STRUCTURED_9),
        parts: Parts::ALL,
        most: most(26, 30, 27, 28, 22),
        base: 28,
        transform: 21,
        trees: 0,
        network: false,
        corrected: true,
    },
    Setup {
        name: "max",
        intent: "the full context mixer and a network that learns: for keeping for ever",
        histories: &COUNTS,
        matches: &[5, 8, 16],
        text: &TEXT_MAX,
        binary: &BINARY_MAX,
        structured: Some(&STRUCTURED_MAX),
        parts: Parts::ALL,
        most: most(26, 30, 27, 28, 22),
        base: 28,
        transform: 21,
        trees: 0,
        network: true,
        corrected: true,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    /// The name of the group that context `number` of an assembly belongs to.
    fn group_of(assembly: &Assembly, number: u32) -> &'static str {
        let contexts =
            assembly.groups.iter().flat_map(|group| std::iter::repeat_n(group.name, group.contexts));
        contexts.into_iter().nth(number as usize).expect("it has so many contexts")
    }

    #[test]
    fn contexts_of_words_are_where_their_selector_looks() {
        let names = [
            "word",
            "order 8",
            "rows",
            "letters",
            "letters",
            "expression",
            "terms",
            "terms",
            "forms",
            "vicinity",
        ];
        for assembly in [&TEXT_8, &TEXT_9, &TEXT_MAX] {
            assert_eq!(OF_WORDS.map(|number| group_of(assembly, number)), names);
        }
    }

    #[test]
    fn pictures_have_as_many_contexts() {
        for assembly in SETUPS.iter().flat_map(|setup| setup.assemblies(true)) {
            let contexts: usize = assembly.pictures.iter().map(|group| group.contexts).sum();
            assert!(contexts == 0 || contexts == assembly.contexts());
        }
    }

    #[test]
    fn structured_text_has_its_contexts_where_text_has_others() {
        for setup in SETUPS.iter().filter(|setup| setup.corrected || setup.text.runs) {
            let structured = setup.structured.expect("the strongest presets have some");
            let counts = |assembly: &Assembly| assembly.groups.iter().map(|g| g.contexts).collect::<Vec<_>>();
            assert_eq!(counts(structured), counts(setup.text), "preset {}", setup.name);
        }
    }
}
