//! Hashed slots: the bit histories of many contexts, a nibble at a time.
//!
//! A slot of 16 bytes holds what one context has seen at the 15 nodes of a nibble's binary
//! tree, behind a check of 8 bits. Four slots share a 64-byte line, so finding one costs at
//! most one cache miss, and the misses of all contexts are overlapped by prefetching.

use crate::adaptive_map::{AdaptiveMap, moved};
use crate::bit_history::{EMPTY, HISTORIES};
use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::{Table, stretch};

/// Mixer inputs of a context.
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
    current: Vec<[u8; SLOT]>,
    /// 256 entries a context: the probability that each bit history has earned.
    histories: AdaptiveMap,
    /// Where random bytes come from.
    random: u64,
}

impl Slots {
    /// Slots of `contexts` contexts; `limit` as in [`AdaptiveMap`].
    pub fn new(contexts: usize, limit: u32) -> Option<Self> {
        assert!(contexts <= 64, "{contexts} contexts, where 64 is the most");
        let mut histories = AdaptiveMap::new(contexts * 256, limit)?;
        for context in 0..contexts {
            for state in 0..HISTORIES.len {
                histories.start(context * 256 + state, HISTORIES.p1_q16[state]);
            }
        }
        Some(Slots {
            hashes: vec![0; contexts],
            found: vec![0; contexts],
            current: vec![[0; SLOT]; contexts],
            histories,
            random: 0,
        })
    }

    /// How many contexts there are.
    pub fn contexts(&self) -> usize {
        self.found.len()
    }

    /// Names the contexts of the next byte, one hash each, and starts to fetch their slots;
    /// [`find`](Self::find) comes next, after other work.
    pub fn first_nibble(&mut self, table: &SlotTable, contexts: &[u64]) {
        self.hashes.copy_from_slice(contexts);
        self.prefetch(table);
    }

    /// The same for the second nibble, `nibble` (1-bit prefixed, 16..32) being the first.
    pub fn second_nibble(&mut self, table: &SlotTable, nibble: u32) {
        for h in &mut self.hashes {
            *h = hash(*h, nibble);
        }
        self.prefetch(table);
    }

    fn prefetch(&self, table: &SlotTable) {
        for &h in &self.hashes {
            table.bytes.prefetch(table.line_start(h));
        }
    }

    /// Turns to the slots of the contexts named last.
    pub fn find(&mut self, table: &mut SlotTable) {
        self.put_back(table);
        let mask = table.bytes.len() / LINE - 1;
        let (lines, _) = table.bytes.as_chunks_mut::<LINE>();
        let used = &HISTORIES.used;
        for ((&h, found), current) in self.hashes.iter().zip(&mut self.found).zip(&mut self.current) {
            let index = h as usize & mask;
            let (slots, _) = lines[index].as_chunks_mut::<SLOT>();
            let slot = slot_in(slots.try_into().expect("a line is whole slots"), (h >> 56) as u8, used);
            *found = (index * (LINE / SLOT) + slot) as u32;
            *current = slots[slot];
        }
    }

    /// Writes the working copies back into the table, as before another model uses it.
    pub fn put_back(&self, table: &mut SlotTable) {
        let (slots, _) = table.bytes.as_chunks_mut::<SLOT>();
        for (current, &found) in self.current.iter().zip(&self.found) {
            slots[found as usize] = *current;
        }
    }

    /// Writes every context's inputs: the stretched probability that its history has earned,
    /// how far that is from one half, and the first once more if the history is of one kind of
    /// bit only. A context without history gives zeros.
    ///
    /// `node` is the nibble's bits so far, 1-bit prefixed (1..16). Returns a bit for each
    /// context that has been here before, the first lowest.
    #[inline]
    pub fn predict(&self, node: usize, inputs: &mut [i16]) -> u64 {
        let at = node & 15;
        let one_kind = &HISTORIES.one_kind;
        let mut known = 0;
        let mut mark = 1;
        let (out, _) = inputs.as_chunks_mut::<SLOT_INPUTS>();
        for ((out, slot), map) in out.iter_mut().zip(&self.current).zip(self.histories.rows::<256>()) {
            let state = usize::from(slot[at]);
            if state != usize::from(EMPTY) {
                known |= mark;
            }
            mark <<= 1;
            // The entry for no history stays at one half: zeros.
            let p1 = (map[state] >> 16) as u16;
            let logit = stretch(p1);
            *out = [logit, ((i32::from(p1) - 32768) >> 6) as i16, logit & one_kind[state]];
        }
        known
    }

    /// Learns the bit that came at `node`.
    #[inline]
    pub fn update(&mut self, node: usize, bit: bool) {
        let at = node & 15;
        let limit = self.histories.limit();
        let steps = &HISTORIES.steps;
        let mut random = self.random;
        for (slot, map) in self.current.iter_mut().zip(self.histories.rows_mut::<256>()) {
            let state = slot[at];
            let entry = &mut map[usize::from(state)];
            *entry = if state == EMPTY { *entry } else { moved(*entry, bit, limit) };
            slot[at] = steps[usize::from(state)][usize::from(bit)].take((random >> 56) as u8);
            random = random.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        }
        self.random = random;
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("slots")?;
        io.u64s(&mut self.hashes)?;
        io.u32s(&mut self.found)?;
        for slot in &mut self.current {
            io.u8s(slot)?;
        }
        io.u64(&mut self.random)?;
        self.histories.state(io)
    }
}

/// Which slot of a line has this check: found, or made in place of the least used.
///
/// Byte 0 of a slot is its check, byte `node` the history at that node.
#[inline(always)]
fn slot_in(line: &mut [[u8; SLOT]; LINE / SLOT], check: u8, used: &[u8; 256]) -> usize {
    let [a, b, c, d] = line;
    if a[0] == check {
        return 0;
    }
    if b[0] == check {
        return 1;
    }
    if c[0] == check {
        return 2;
    }
    if d[0] == check {
        return 3;
    }
    let used = [a, b, c, d].map(|slot| used[usize::from(slot[1])]);
    let (left, right) = (usize::from(used[1] < used[0]), 2 + usize::from(used[3] < used[2]));
    let least = if used[right] < used[left] { right } else { left };
    line[least] = [0; SLOT];
    line[least][0] = check;
    least
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_context_finds_what_it_has_seen() {
        let mut table = SlotTable::new(12).unwrap();
        let mut slots = Slots::new(2, 255).unwrap();
        let mut inputs = [0; 2 * SLOT_INPUTS];
        for round in 0..3 {
            slots.first_nibble(&table, &[11, 22]);
            slots.find(&mut table);
            let known = slots.predict(1, &mut inputs);
            assert_eq!(known, if round == 0 { 0 } else { 3 });
            assert_eq!(inputs[0] > 0, round > 0);
            slots.update(1, true);
            slots.first_nibble(&table, &[33, 44]);
            slots.find(&mut table);
        }
    }

    #[test]
    fn the_least_used_slot_makes_room() {
        let mut line = [[0u8; SLOT]; 4];
        for (check, state) in [(1, 100), (2, 9), (3, 1), (4, 120)] {
            let slot = slot_in(&mut line, check, &HISTORIES.used);
            line[slot][1] = state;
        }
        let third = slot_in(&mut line, 3, &HISTORIES.used);
        assert_eq!(slot_in(&mut line, 5, &HISTORIES.used), third);
        assert_eq!(line[third], [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
