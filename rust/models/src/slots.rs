//! Hashed slots: the bit histories of many contexts, a nibble at a time.
//!
//! A slot of 16 bytes holds what one context has seen at the 15 nodes of a nibble's binary
//! tree, behind a check of 8 bits. Four slots share a 64-byte line, so finding one costs at
//! most one cache miss, and the misses of all contexts are overlapped by prefetching.

use crate::bit_history::BitHistories;
use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::{
    BLOCK, BY_CONTEXT, ByContext, Maps, Nodes, PLANE_LANES, Simd, Table, ask_histories, find_slots, teach,
};

/// Mixer inputs of a context, a plane each.
pub const SLOT_INPUTS: usize = 3;

const LINE: usize = 64;
const SLOT: usize = 16;

/// All slots of a block's model; contexts of any number of [`Slots`] find theirs in it.
#[derive(Debug)]
pub struct SlotTable {
    bytes: Table<u8>,
}

impl SlotTable {
    /// An empty table of `2^log2_bytes` bytes; `None` if the memory cannot be had.
    pub fn new(log2_bytes: u32) -> Option<Self> {
        Some(SlotTable { bytes: Table::try_new(1 << log2_bytes)? })
    }

    #[inline(always)]
    fn line_start(&self, hash: u64) -> usize {
        (hash as usize & (self.bytes.len() / LINE - 1)) * LINE
    }

    /// Reads or writes everything.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("slot table")?;
        io.u8s(&mut self.bytes)
    }
}

/// The contexts of one model: where their slots are, and what their histories mean.
#[derive(Debug)]
pub struct Slots {
    hashes: Vec<u64>,
    /// Which slot of the table each context has.
    found: Vec<u32>,
    /// Working copies of the slots, written back when the nibble is done.
    nodes: Nodes,
    /// The probability that each bit history has earned, by context.
    maps: Maps<256>,
    /// Where random bytes come from.
    random: u64,
    histories: &'static BitHistories,
}

impl Slots {
    /// Slots of `contexts` contexts, whose states are those of `histories`; `limit` as in
    /// [`Maps`].
    pub fn new(contexts: usize, histories: &'static BitHistories, limit: u32) -> Option<Self> {
        Some(Slots {
            hashes: vec![0; contexts],
            found: vec![0; contexts],
            nodes: Nodes::new(),
            maps: Maps::new(contexts, &histories.p1_q16, limit)?,
            random: 0,
            histories,
        })
    }

    /// How many contexts there are.
    pub fn contexts(&self) -> usize {
        self.found.len()
    }

    /// Names the contexts of the next byte, one hash each, and starts to fetch their slots;
    /// [`find`](Self::find) comes next, after other work.
    #[inline(always)]
    pub fn first_nibble(&mut self, table: &SlotTable, contexts: &[u64]) {
        for (h, &context) in self.hashes[..contexts.len()].iter_mut().zip(contexts) {
            *h = context;
            table.bytes.prefetch(table.line_start(context));
        }
    }

    /// The same for the second nibble, `nibble` (1-bit prefixed, 16..32) being the first.
    #[inline(always)]
    pub fn second_nibble(&mut self, table: &SlotTable, contexts: usize, nibble: u32) {
        for h in &mut self.hashes[..contexts] {
            *h = hash(*h, nibble);
            table.bytes.prefetch(table.line_start(*h));
        }
    }

    /// Starts to fetch the slots of the second nibble, should the first become `nibble`.
    #[inline(always)]
    pub fn guess_nibble(&self, table: &SlotTable, contexts: usize, nibble: u32) {
        for &h in &self.hashes[..contexts] {
            table.bytes.prefetch(table.line_start(hash(h, nibble)));
        }
    }

    /// Turns to the slots of the contexts named last. A context that has none gets an empty one
    /// in place of the least used of its line.
    #[inline(always)]
    pub fn find(&mut self, simd: Simd, table: &mut SlotTable, contexts: usize) {
        self.put_back(simd, table, contexts);
        let (hashes, found) = (&self.hashes[..contexts], &mut self.found[..contexts]);
        for (block, (hashes, found)) in hashes.chunks(BLOCK).zip(found.chunks_mut(BLOCK)).enumerate() {
            let mut current = [[0; SLOT]; BLOCK];
            find_slots(simd, &table.bytes, hashes, found, &mut current);
            self.nodes.put(simd, block, contexts, &current);
        }
    }

    /// Writes the working copies back into the table, as before another model uses it.
    #[inline(always)]
    pub fn put_back(&self, simd: Simd, table: &mut SlotTable, contexts: usize) {
        let (slots, _) = table.bytes.as_chunks_mut::<SLOT>();
        for (block, found) in self.found[..contexts].chunks(BLOCK).enumerate() {
            let mut current = [[0; SLOT]; BLOCK];
            self.nodes.get(simd, block, contexts, &mut current);
            for (current, &found) in current.iter().zip(found) {
                slots[found as usize] = *current;
            }
        }
    }

    /// A bit for each context that has been here before, the first lowest.
    ///
    /// `node` is the nibble's bits so far, 1-bit prefixed (1..16).
    #[inline(always)]
    pub fn known(&self, node: usize, contexts: usize) -> u64 {
        self.nodes.known(node & 15, contexts)
    }

    /// Writes [`SLOT_INPUTS`] planes of inputs, as wide as the contexts are many: for every
    /// context the stretched probability that its history has earned; how far that is from one
    /// half; and the first once more if the history is of one kind of bit only. A context
    /// without history gives zeros.
    ///
    /// `entries` becomes what the update needs.
    #[inline(always)]
    pub fn predict(&self, simd: Simd, node: usize, entries: &mut ByContext<u32>, inputs: &mut [i16]) {
        let states = self.nodes.at(node & 15);
        ask_histories(simd, states, &self.maps, &self.histories.one_kind, entries, inputs);
    }

    /// Learns the bit that came at `node`, from what [`predict`](Self::predict) found there.
    #[inline(always)]
    pub fn update(&mut self, simd: Simd, contexts: usize, node: usize, entries: &ByContext<u32>, bit: bool) {
        let width = contexts.next_multiple_of(PLANE_LANES);
        teach(simd, &mut self.maps, self.nodes.at(node & 15), entries, width, bit);
        let mut bytes = [0; BY_CONTEXT / 8];
        for bytes in &mut bytes[..contexts.div_ceil(8)] {
            self.random = self.random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            *bytes = self.random ^ self.random >> 32;
        }
        self.nodes.step(simd, node & 15, contexts, &self.histories.steps, bit, &bytes);
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("slots")?;
        io.u64s(&mut self.hashes)?;
        io.u32s(&mut self.found)?;
        for (block, found) in self.found.chunks(BLOCK).enumerate() {
            let mut current = [[0; SLOT]; BLOCK];
            self.nodes.get(Simd::Scalar, block, BLOCK, &mut current);
            for slot in &mut current[..found.len()] {
                io.u8s(slot)?;
            }
            self.nodes.put(Simd::Scalar, block, BLOCK, &current);
        }
        io.u64(&mut self.random)?;
        io.u32s(self.maps.entries())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_finds_what_it_has_seen() {
        let mut table = SlotTable::new(12).unwrap();
        let mut slots = Slots::new(2, &crate::PROBABILITIES, 255).unwrap();
        let mut inputs = [0; SLOT_INPUTS * PLANE_LANES];
        let mut entries = ByContext::default();
        for round in 0..3 {
            slots.first_nibble(&table, &[11, 22]);
            slots.find(Simd::Scalar, &mut table, 2);
            assert_eq!(slots.known(1, 2), if round == 0 { 0 } else { 3 });
            slots.predict(Simd::Scalar, 1, &mut entries, &mut inputs);
            assert_eq!(inputs[0] > 0, round > 0);
            slots.update(Simd::Scalar, 2, 1, &entries, true);
            slots.first_nibble(&table, &[33, 44]);
            slots.find(Simd::Scalar, &mut table, 2);
        }
    }
}
