//! Hashed slots: the bit histories of many contexts, a nibble at a time.
//!
//! A slot of 16 bytes holds what one context has seen at the 15 nodes of a nibble's binary
//! tree, behind a check of 8 bits. Four slots share a 64-byte line, so finding one costs at
//! most one cache miss, and the misses of all contexts are overlapped by prefetching.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::bit_history::BitHistories;
use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::{
    BLOCK, BY_CONTEXT, ByContext, Maps, Nodes, PLANE_LANES, SharedBytes, Simd, Table, ask_histories,
    find_slots, teach,
};

/// Mixer inputs of a context, a plane each.
pub const SLOT_INPUTS: usize = 3;

const LINE: usize = 64;
const SLOT: usize = 16;

/// All slots of a block's model; contexts of any number of [`Slots`] find theirs in it.
///
/// A table over a base copies the lines that are asked for, and leaves the base alone: what it
/// costs grows with the content and not with the base. It answers as a copy of the whole base
/// would.
#[derive(Debug)]
pub struct SlotTable {
    bytes: Table<u8>,
    over: Option<Over>,
}

/// The lines of a base that a table holds copies of.
#[derive(Debug)]
struct Over {
    base: Arc<SharedBytes>,
    /// Which line of the base each line is a copy of.
    copied: Vec<u32>,
    /// By a line's number in the base, hashed: its place in `copied` plus one, or 0.
    places: Table<u32>,
}

impl SlotTable {
    /// An empty table of `2^log2_bytes` bytes; `None` if the memory cannot be had.
    pub fn new(log2_bytes: u32) -> Option<Self> {
        Some(SlotTable { bytes: Table::try_new(1 << log2_bytes)?, over: None })
    }

    /// A table that starts as `base` is, and has its size.
    pub fn copy_of(base: &SharedBytes) -> Option<Self> {
        let mut bytes = Table::try_new(base.len())?;
        bytes.copy_from_slice(base);
        Some(SlotTable { bytes, over: None })
    }

    /// The same; if it is no part of a file, it becomes the table itself.
    pub fn from_filled(base: SharedBytes) -> Option<Self> {
        if base.is_mapped() {
            return SlotTable::copy_of(&base);
        }
        Some(SlotTable { bytes: base.into_table()?, over: None })
    }

    /// The same for contents of which no more than `lines` lines are asked for.
    pub fn over(base: Arc<SharedBytes>, lines: usize) -> Option<Self> {
        let lines = SlotTable::lines_over(lines);
        let mut table = SlotTable {
            bytes: Table::try_new(lines * LINE)?,
            over: Some(Over { base, copied: Vec::new(), places: Table::try_new(2 * lines)? }),
        };
        // Contexts that have not found a slot yet write to the first.
        table.place(0);
        Some(table)
    }

    /// The whole table, to become a base.
    pub fn into_shared(self) -> SharedBytes {
        self.bytes.into()
    }

    /// How many lines a table over a base has when so many may be asked for.
    fn lines_over(lines: usize) -> usize {
        (lines + 1).next_power_of_two()
    }

    /// Bytes that [`over`](Self::over) takes at most.
    pub fn bytes_over(lines: usize) -> u64 {
        SlotTable::lines_over(lines) as u64 * (LINE as u64 + 12)
    }

    /// How many lines the table has, or its base.
    fn lines(&self) -> usize {
        self.over.as_ref().map_or(self.bytes.len(), |over| over.base.len()) / LINE
    }

    /// Starts to fetch the line of a hash.
    #[inline(always)]
    pub fn prefetch(&self, hash: u64) {
        let line = hash as usize & (self.lines() - 1);
        match &self.over {
            None => self.bytes.prefetch(line * LINE),
            Some(over) => {
                over.base.prefetch(line * LINE);
                over.places.prefetch(over.place(line as u32));
            }
        }
    }

    /// The hash by which the table's own bytes are to be asked: that of the copied line.
    fn local(&mut self, hash: u64) -> u64 {
        let line = hash as usize & (self.lines() - 1);
        hash >> 56 << 56 | self.place(line as u32) as u64
    }

    /// Where the copy of the base's line is.
    fn place(&mut self, line: u32) -> usize {
        let Some(over) = &mut self.over else { return line as usize };
        let mut place = over.place(line);
        loop {
            match over.places[place] {
                0 => break,
                held if over.copied[held as usize - 1] == line => return held as usize - 1,
                _ => place = (place + 1) & (over.places.len() - 1),
            }
        }
        let held = over.copied.len();
        assert!(held < self.bytes.len() / LINE, "more lines are asked for than were announced");
        self.bytes[held * LINE..][..LINE].copy_from_slice(&over.base[line as usize * LINE..][..LINE]);
        over.copied.push(line);
        over.places[place] = held as u32 + 1;
        held
    }

    /// Reads or writes everything; over a base, what is copied.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("slot table")?;
        let lines = self.lines() as u32;
        let Some(over) = &mut self.over else { return io.u8s(&mut self.bytes) };
        let mut count = over.copied.len() as u32;
        io.u32(&mut count)?;
        if !(1..=self.bytes.len() / LINE).contains(&(count as usize)) {
            return Err(StateError::Impossible("slot table"));
        }
        let mut copied = over.copied.clone();
        copied.resize(count as usize, 0);
        io.u32s(&mut copied)?;
        if copied.iter().any(|&line| line >= lines) {
            return Err(StateError::Impossible("slot table"));
        }
        if over.copied != copied {
            // What has been asked for before the state was read is at other places.
            over.copied.clear();
            over.places.fill(0);
            for (held, line) in copied.into_iter().enumerate() {
                if self.place(line) != held {
                    return Err(StateError::Impossible("slot table"));
                }
            }
        }
        io.u8s(&mut self.bytes[..count as usize * LINE])
    }
}

impl Over {
    /// Where to begin to look for a line.
    #[inline(always)]
    fn place(&self, line: u32) -> usize {
        (hash(0, line) >> 20) as usize & (self.places.len() - 1)
    }
}

/// Slots that wait for their lines before they are put: as many as a memory fetches at a time.
const WAITING: usize = 16;

/// A table that is filled beforehand, to become a base.
#[derive(Debug)]
pub struct SlotFiller {
    bytes: Table<u8>,
    /// Slots to be put, the oldest first, whose lines are on their way.
    waiting: VecDeque<(u64, [u8; SLOT - 1])>,
}

impl SlotFiller {
    /// An empty table of `2^log2_bytes` bytes; `None` if the memory cannot be had.
    pub fn new(log2_bytes: u32) -> Option<Self> {
        Some(SlotFiller::of(Table::try_new(1 << log2_bytes)?))
    }

    /// A table that starts as `base` is.
    pub fn over(base: &SharedBytes) -> Option<Self> {
        let mut bytes = Table::try_new(base.len())?;
        bytes.copy_from_slice(base);
        Some(SlotFiller::of(bytes))
    }

    fn of(bytes: Table<u8>) -> SlotFiller {
        SlotFiller { bytes, waiting: VecDeque::with_capacity(WAITING + 1) }
    }

    /// As [`put`](Self::put), of a slot with its check, in a line of a table of this size or a
    /// larger one.
    pub fn put_in_line(&mut self, line: u32, slot: &[u8; SLOT]) {
        let mut states = [0; SLOT - 1];
        states.copy_from_slice(&slot[1..]);
        self.put(u64::from(slot[0]) << 56 | u64::from(line), &states);
    }

    /// Gives the slot of `hash` the states of the 15 nodes of its nibble, after all that was put
    /// before. It may take the place of another that was used less.
    pub fn put(&mut self, hash: u64, states: &[u8; SLOT - 1]) {
        self.bytes.prefetch((hash as usize & (self.bytes.len() / LINE - 1)) * LINE);
        self.waiting.push_back((hash, *states));
        if self.waiting.len() > WAITING {
            self.put_oldest();
        }
    }

    fn put_oldest(&mut self) {
        let Some((hash, states)) = self.waiting.pop_front() else { return };
        let mut found = [0];
        let mut slots = [[0; SLOT]; BLOCK];
        find_slots(Simd::Scalar, &self.bytes, &[hash], &mut found, &mut slots);
        let slot = &mut self.bytes.as_chunks_mut::<SLOT>().0[found[0] as usize];
        slot[0] = slots[0][0];
        slot[1..].copy_from_slice(&states);
    }

    /// The table.
    pub fn finish(mut self) -> SharedBytes {
        while !self.waiting.is_empty() {
            self.put_oldest();
        }
        self.bytes.into()
    }
}

/// The hash of a context's next nibble, `nibble` being the tree's node that it begins at.
pub fn nibble(context: u64, nibble: u32) -> u64 {
    hash(context, nibble)
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

    /// Reads or writes what histories have turned out to mean.
    pub fn maps_state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u32s(self.maps.entries())
    }

    /// The probabilities that histories stand for: 256 of each context, and of some that there are
    /// not.
    pub fn map_entries(&mut self) -> &mut [u32] {
        self.maps.entries()
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
            table.prefetch(context);
        }
    }

    /// The same for the byte's next nibble, `nibble` being the tree's node that it begins at: in the
    /// balanced tree the first nibble, 1-bit prefixed.
    #[inline(always)]
    pub fn next_nibble(&mut self, table: &SlotTable, contexts: usize, nibble: u32) {
        for h in &mut self.hashes[..contexts] {
            *h = hash(*h, nibble);
            table.prefetch(*h);
        }
    }

    /// Starts to fetch the slots of the next nibble, should it begin at the node `nibble`.
    #[inline(always)]
    pub fn guess_nibble(&self, table: &SlotTable, contexts: usize, nibble: u32) {
        for &h in &self.hashes[..contexts] {
            table.prefetch(hash(h, nibble));
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
            if table.over.is_some() {
                let mut local = [0; BLOCK];
                for (local, &h) in local.iter_mut().zip(hashes) {
                    *local = table.local(h);
                }
                find_slots(simd, &table.bytes, &local[..hashes.len()], found, &mut current);
            } else {
                find_slots(simd, &table.bytes, hashes, found, &mut current);
            }
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

    /// A base whose slots the contexts below `contexts` have, some of them at full lines.
    fn base(contexts: u64) -> Arc<SharedBytes> {
        let mut filler = SlotFiller::new(12).unwrap();
        for context in 0..contexts {
            let h = hash(context, 5);
            filler.put(h, &[1 + (context % 90) as u8; 15]);
            filler.put(nibble(h, 16 + (context % 16) as u32), &[1 + (context % 70) as u8; 15]);
        }
        Arc::new(filler.finish())
    }

    /// Contexts of a byte, named and found; what each bit is predicted from.
    fn byte(slots: &mut Slots, table: &mut SlotTable, simd: Simd, contexts: &[u64], byte: u8) -> Vec<i16> {
        let mut inputs = [0; SLOT_INPUTS * PLANE_LANES];
        let mut entries = ByContext::default();
        let mut seen = Vec::new();
        let mut node = 1;
        for i in 0..8 {
            match i {
                0 => slots.first_nibble(table, contexts),
                4 => slots.next_nibble(table, contexts.len(), node as u32),
                _ => {}
            }
            if i % 4 == 0 {
                node = 1;
                slots.find(simd, table, contexts.len());
            }
            slots.predict(simd, node, &mut entries, &mut inputs);
            seen.extend(inputs);
            let bit = byte >> (7 - i) & 1 != 0;
            slots.update(simd, contexts.len(), node, &entries, bit);
            node = node << 1 | usize::from(bit);
        }
        seen
    }

    proptest::proptest! {
        #[test]
        fn a_table_over_a_base_answers_as_a_copy_would(
            bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 1..150),
            known in 0u64..600,
            switch in 0usize..150,
        ) {
            let base = base(known);
            for simd in Simd::available() {
                let mut copy = SlotTable::copy_of(&base).unwrap();
                let mut over = SlotTable::over(base.clone(), 6 * bytes.len() + 10).unwrap();
                let new = || Slots::new(3, &crate::PROBABILITIES, 255).unwrap();
                // Two models that share a table, as kinds of data do.
                let (mut of_copy, mut of_over) = ([new(), new()], [new(), new()]);
                for (i, &value) in bytes.iter().enumerate() {
                    let kind = usize::from(i >= switch);
                    if i == switch {
                        of_copy[0].put_back(simd, &mut copy, 3);
                        of_over[0].put_back(simd, &mut over, 3);
                    }
                    let contexts = [0, 1, 2].map(|n| hash(u64::from(value) * (n + 1) % 700, 5));
                    proptest::prop_assert_eq!(
                        byte(&mut of_copy[kind], &mut copy, simd, &contexts, value),
                        byte(&mut of_over[kind], &mut over, simd, &contexts, value)
                    );
                }
            }
        }
    }

    #[test]
    fn what_is_copied_of_a_base_is_its_state_whatever_was_asked_for_before() {
        let base = base(300);
        let simd = Simd::detect();
        let new = || {
            let slots = Slots::new(2, &crate::PROBABILITIES, 255).unwrap();
            (slots, SlotTable::over(base.clone(), 500).unwrap())
        };
        let (mut slots, mut table) = new();
        for value in 0..50 {
            byte(&mut slots, &mut table, simd, &[hash(value, 5), hash(value / 2, 6)], value as u8);
        }
        let mut state = Vec::new();
        let mut writer = crate::StateWriter(&mut state);
        slots.state(&mut writer).unwrap();
        table.state(&mut writer).unwrap();
        let (mut other, mut loaded) = new();
        byte(&mut other, &mut loaded, simd, &[hash(299, 5), hash(7, 6)], 9);
        let from = &mut &state[..];
        let mut reader = crate::StateReader(from);
        other.state(&mut reader).unwrap();
        loaded.state(&mut reader).unwrap();
        for value in 0..60 {
            let contexts = [hash(value, 5), hash(value / 3, 6)];
            assert_eq!(
                byte(&mut slots, &mut table, simd, &contexts, 7),
                byte(&mut other, &mut loaded, simd, &contexts, 7)
            );
        }
    }
}
