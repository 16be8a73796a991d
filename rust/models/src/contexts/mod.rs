//! What the next byte is predicted from: groups of contexts over the parsed past.
//!
//! To add contexts, write a file with a `pub const` [`Group`] and name it in a preset's table.

mod column;
mod indirect;
mod order;
mod picture;
mod record;
mod shape;
mod sparse;
mod structure;
mod term;
mod word;

use crate::Parsed;
use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::BY_CONTEXT;

/// The contexts of one byte, each a hash, as groups add them.
#[derive(Debug)]
pub struct Contexts {
    hashes: [u64; BY_CONTEXT],
    len: usize,
}

impl Default for Contexts {
    fn default() -> Self {
        Contexts { hashes: [0; BY_CONTEXT], len: 0 }
    }
}

impl Contexts {
    /// Adds the context made of these values. Contexts of different places never share slots.
    #[inline(always)]
    pub fn add<const N: usize>(&mut self, parts: [u64; N]) {
        self.hashes[self.len] = hash_of(self.len, parts);
        self.len += 1;
    }

    /// Keeps what is learned by one tree from what is learned by another.
    #[inline(always)]
    pub fn tell_trees_apart(&mut self, tree: usize) {
        for hash in &mut self.hashes[..self.len] {
            *hash = in_tree(*hash, tree);
        }
    }

    /// Forgets all.
    #[inline(always)]
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Reads or writes the hashes; the count is known from elsewhere when they are read.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("contexts")?;
        io.u64s(&mut self.hashes[..self.len])
    }

    /// One hash for each context.
    #[inline(always)]
    pub fn hashes(&self) -> &[u64] {
        &self.hashes[..self.len]
    }
}

/// An odd number whose bits are as if at random: 2^64 over the golden ratio.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

/// The hash of what context number `index` looks at.
#[inline(always)]
pub fn hash_of<const N: usize>(index: usize, parts: [u64; N]) -> u64 {
    let mut h = (index as u64 + 1) << 56;
    for part in parts {
        h = (h ^ part).wrapping_mul(SPREAD);
        h ^= h >> 29;
    }
    hash(h, N as u32)
}

/// The hash of a context by the tree that the next byte is coded by.
#[inline(always)]
pub fn in_tree(hash: u64, tree: usize) -> u64 {
    hash ^ (tree as u64).wrapping_mul(SPREAD)
}

/// The lowest `order` bytes of `last8`, 8 at most.
#[inline(always)]
fn lowest(last8: u64, order: u32) -> u64 {
    if order < 8 { last8 & ((1 << (8 * order)) - 1) } else { last8 }
}

/// The hash of context number `index` that looks at the last `order` bytes of `last8`.
#[inline(always)]
pub fn hash_of_order(index: usize, order: u32, last8: u64) -> u64 {
    hash_of(index, [lowest(last8, order)])
}

/// Contexts that come and go together: a line of a preset's table, an arm of an ablation.
#[derive(Clone, Copy)]
pub struct Group {
    /// For tables and reports.
    pub name: &'static str,
    /// How many contexts it has.
    pub contexts: usize,
    /// How many of the last bytes each looks at, and at nothing else; empty of other contexts.
    pub orders: &'static [u32],
    /// Adds them.
    pub add: fn(&Parsed, &mut Contexts),
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.name, self.contexts)
    }
}

pub use column::{ABOVE, COLUMN, LAYOUT, LINES, ROWS};
pub use indirect::{FOLLOWER, FOLLOWING_WORDS, INDIRECT, INDIRECT_FEW, SUCCESSORS};
pub use order::{ORDER_8, ORDER_11, ORDERS_1_2_3_4_6, ORDERS_1_TO_6, ORDERS_2_4_6};
pub use picture::pictures;
pub use record::{FIELD_PLACE, FIELDS, FIELDS_FEW, RECORD, RECORD_ABOVE, RECORD_MORE, VALUES};
pub use shape::{CLASS_HISTORY, CLASS_RUNS, HALVES, KIND_HISTORY, KINDS, SHAPE};
pub use sparse::{SPARSE, SPARSE_BINARY, SPARSE_ONE, SPARSE_PAIR};
pub use structure::{FRAME, MARKUP, MARKUP_OPEN, NAMES, NESTING, STRUCTURE, TAG};
pub use term::{CAPITALS, EXPRESSION, FORMS, GAPS, LETTERS, OPENED, TERMS, TOKEN, USES, VICINITY};
pub use word::{WORD, WORD_PAIR, WORDS_THREE};
