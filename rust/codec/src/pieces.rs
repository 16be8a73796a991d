//! What a block's next chunk is of: how much content, and with which streams expanded.

use foretold_recompress::{BITS, Carry, Expanded, Found, NUMBERS, Notes, expand};

use crate::container::CHUNK_BYTES;
use crate::kinds::{chunk_len, is_uncut};
use crate::knowledge::packing::{Numbers, Packing, START};
use crate::{ModelPlan, Transform};

/// The content of one chunk.
#[derive(Debug)]
pub struct Piece {
    /// Bytes of the content.
    pub content_bytes: usize,
    /// The same, where it has compressed streams.
    pub expanded: Option<Box<Expanded>>,
}

impl Piece {
    /// The next of `rest`, what is at hand of a block, where the last piece left `carry`.
    ///
    /// With streams expanded it is longer than without: a chunk has at most 1 MiB of both. A block that is
    /// one chunk is so with its streams, or they stay as they are.
    pub fn next(plan: ModelPlan, rest: &[u8], carry: &Carry, transform: Transform) -> Piece {
        let plain = |rest| Piece { content_bytes: chunk_len(plan, rest), expanded: None };
        if transform == Transform::None {
            return plain(rest);
        }
        match expand(rest, carry, CHUNK_BYTES) {
            Found::Streams(expanded) if is_uncut(plan) && expanded.content_bytes < rest.len() => plain(rest),
            Found::Streams(expanded) => {
                let len = chunk_len(plan, &expanded.bytes);
                let whole = expanded.is_picture || len == expanded.bytes.len();
                let expanded = if whole { *expanded } else { expanded.cut(len) };
                let content_bytes = expanded.content_bytes;
                let has_streams = expanded.recipe.streams() > 0;
                Piece { content_bytes, expanded: has_streams.then(|| Box::new(expanded)) }
            }
            Found::Plain(_) if is_uncut(plan) => plain(rest),
            Found::Plain(end) => plain(&rest[..end]),
        }
    }

    /// A content as it is.
    pub fn plain(content: &[u8]) -> Piece {
        Piece { content_bytes: content.len(), expanded: None }
    }

    /// What the model sees of `content`, which this is a piece of, before any words become codes.
    pub fn bytes<'a>(&'a self, content: &'a [u8]) -> &'a [u8] {
        self.expanded.as_ref().map_or(content, |expanded| &expanded.bytes)
    }

    /// What it leaves to the next.
    pub fn carry(&self) -> Carry {
        self.expanded.as_ref().map_or_else(Carry::default, |expanded| expanded.carry().clone())
    }
}

/// A recipe's numbers, at the start of a chunk's payload.
pub struct RecipeNotes<'a, P> {
    coder: &'a mut P,
    bits: [u32; BITS],
    numbers: Numbers,
}

impl<'a, P: Packing> RecipeNotes<'a, P> {
    pub fn new(coder: &'a mut P) -> Self {
        RecipeNotes { coder, bits: [START; BITS], numbers: Numbers::new(NUMBERS) }
    }
}

impl<P: Packing> Notes for RecipeNotes<'_, P> {
    fn bit(&mut self, context: usize, bit: bool) -> bool {
        self.coder.bit(&mut self.bits[context], bit)
    }

    fn number(&mut self, context: usize, number: u32) -> u32 {
        self.numbers.code(self.coder, context, number)
    }

    fn plain(&mut self, bits: u32, number: u32) -> u32 {
        self.coder.plain(bits, number)
    }
}
