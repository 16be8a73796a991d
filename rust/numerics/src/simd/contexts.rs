//! The kernels over contexts: what the history or run of each says of the next bit, and what
//! each learns of it.
//!
//! Everything lies by context, [`BY_CONTEXT`] side by side, so that a vector holds the same
//! thing of many contexts. Contexts that are not there have the empty history and no run.

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::{Simd, scalar};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};
use crate::Table;

/// The most contexts there can be.
pub const BY_CONTEXT: usize = 64;
/// Contexts that share a block: as many as fit in the widest vector of words.
pub const BLOCK: usize = 16;
/// The inputs of all contexts come in planes (the first input of each, the second of each, …)
/// whose width is the number of contexts, rounded up to a multiple of this.
pub const PLANE_LANES: usize = 8;

/// One thing of each context.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct ByContext<T>(pub [T; BY_CONTEXT]);

impl<T: Copy + Default> Default for ByContext<T> {
    fn default() -> Self {
        ByContext([T::default(); BY_CONTEXT])
    }
}

impl ByContext<u8> {
    /// The same in blocks.
    #[inline(always)]
    pub fn blocks(&self) -> Blocks<'_> {
        let (blocks, _) = self.0.as_chunks();
        [&blocks[0], &blocks[1], &blocks[2], &blocks[3]]
    }
}

/// One byte of each context.
pub type Blocks<'a> = [&'a [u8; BLOCK]; BY_CONTEXT / BLOCK];

/// For each context a row of adaptive probabilities, one for each class of what it has seen.
///
/// An entry holds the probability of a one in its upper 22 bits and the number of bits seen, up
/// to a limit, in its lower 10. Nothing is learned in class 0.
#[derive(Debug)]
pub struct Maps<const CLASSES: usize> {
    /// Rows of all contexts there can be in a vector.
    entries: Table<u32>,
    limit: u32,
}

/// `CLASSES` is a power of two, so that any byte can be made a class.
impl<const CLASSES: usize> Maps<CLASSES> {
    const POWER: () = assert!(CLASSES.is_power_of_two() && CLASSES <= 256);

    /// Rows for `contexts` contexts, all alike; `row` in units of 2^-16. `limit` (1 to 1023) is
    /// the count at which the rate stays.
    pub fn new(contexts: usize, row: &[u16; CLASSES], limit: u32) -> Option<Self> {
        let () = Self::POWER;
        assert!(contexts <= BY_CONTEXT, "{contexts} contexts, where {BY_CONTEXT} are the most");
        assert!((1..1024).contains(&limit), "a limit of {limit}");
        let mut entries = Table::try_new(contexts.next_multiple_of(BLOCK) * CLASSES)?;
        for (entry, &p1_q16) in entries.iter_mut().zip(row.iter().cycle()) {
            *entry = u32::from(p1_q16) << 16;
        }
        Some(Maps { entries, limit })
    }

    /// All entries, of unused contexts too.
    pub fn entries(&mut self) -> &mut [u32] {
        &mut self.entries
    }

    #[inline(always)]
    fn check(&self, width: usize) {
        assert!(width.is_multiple_of(PLANE_LANES) && width <= BY_CONTEXT, "planes of {width}");
        assert!(width.next_multiple_of(BLOCK) * CLASSES <= self.entries.len(), "more contexts than rows");
    }
}

/// Where each bit history goes with a bit: one of four states, by a random byte.
#[derive(Debug)]
#[repr(align(64))]
pub struct Steps {
    /// By bit: the bounds of the random byte, then the states it picks from.
    planes: [[[u8; 256]; 7]; 2],
    /// The same as one word, the bounds lowest: `words[state][bit]`.
    words: [[u64; 2]; 256],
}

impl Steps {
    /// From the rule for each state and bit: a random byte that reaches none of the three bounds,
    /// which never fall, picks the first state; one that reaches the first, the second; …
    pub fn new(rule: impl Fn(u8, bool) -> ([u8; 3], [u8; 4])) -> Self {
        let mut steps = Steps { planes: [[[0; 256]; 7]; 2], words: [[0; 2]; 256] };
        for state in 0..=255 {
            for bit in [false, true] {
                let (bounds, states) = rule(state, bit);
                assert!(bounds.is_sorted(), "the bounds of state {state} fall");
                let mut word = [0; 8];
                word[..3].copy_from_slice(&bounds);
                word[3..7].copy_from_slice(&states);
                for (plane, &byte) in steps.planes[usize::from(bit)].iter_mut().zip(&word) {
                    plane[usize::from(state)] = byte;
                }
                steps.words[usize::from(state)][usize::from(bit)] = u64::from_le_bytes(word);
            }
        }
        steps
    }

    /// Where `state` goes.
    #[inline(always)]
    pub fn next(&self, state: u8, bit: bool, random: u8) -> u8 {
        let word = self.word(state, bit);
        let reached = |k: u32| u32::from(random >= (word >> (8 * k)) as u8);
        (word >> (8 * (3 + reached(0) + reached(1) + reached(2)))) as u8
    }

    /// The bounds, lowest, and states of a step.
    #[inline(always)]
    pub(super) fn word(&self, state: u8, bit: bool) -> u64 {
        self.words[usize::from(state)][usize::from(bit)]
    }

    #[cfg(target_arch = "x86_64")]
    #[inline(always)]
    pub(super) fn plane(&self, bit: bool, plane: usize) -> &[u8; 256] {
        &self.planes[usize::from(bit)][plane]
    }
}

/// The slots of all contexts, turned: for each block of contexts and each of a slot's 16 bytes,
/// or nodes, that byte of each context.
#[derive(Debug)]
#[repr(align(64))]
pub struct Nodes([[[u8; BLOCK]; 16]; BY_CONTEXT / BLOCK]);

impl Nodes {
    /// All zeros.
    pub fn new() -> Self {
        Nodes([[[0; BLOCK]; 16]; BY_CONTEXT / BLOCK])
    }

    /// Byte `node` (below 16) of each context.
    #[inline(always)]
    pub fn at(&self, node: usize) -> Blocks<'_> {
        let [a, b, c, d] = &self.0;
        [&a[node], &b[node], &c[node], &d[node]]
    }

    /// Takes the slots of a block of contexts, at least the first `contexts`.
    #[inline(always)]
    pub fn put(&mut self, simd: Simd, block: usize, contexts: usize, slots: &[[u8; 16]; BLOCK]) {
        match simd {
            // SAFETY: the variants exist only where the features were detected (`available`).
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2 | Simd::Avx512 if contexts <= 8 => unsafe {
                avx2::turn_eight_rows(slots, &mut self.0[block])
            },
            #[cfg(target_arch = "aarch64")]
            Simd::Neon if contexts <= 8 => neon::turn_eight_rows(slots, &mut self.0[block]),
            _ => turn(simd, slots, &mut self.0[block]),
        }
    }

    /// Gives them back.
    #[inline(always)]
    pub fn get(&self, simd: Simd, block: usize, contexts: usize, slots: &mut [[u8; 16]; BLOCK]) {
        match simd {
            // SAFETY: the variants exist only where the features were detected (`available`).
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2 | Simd::Avx512 if contexts <= 8 => unsafe {
                avx2::turn_eight_columns(&self.0[block], slots)
            },
            #[cfg(target_arch = "aarch64")]
            Simd::Neon if contexts <= 8 => neon::turn_eight_columns(&self.0[block], slots),
            _ => turn(simd, &self.0[block], slots),
        }
    }

    /// A bit for each of the first `contexts` contexts that has more than a zero at a node, the
    /// first lowest.
    #[inline(always)]
    pub fn known(&self, node: usize, contexts: usize) -> u64 {
        let mut known = 0;
        for (i, block) in self.at(node).iter().enumerate().take(contexts.div_ceil(BLOCK)) {
            for (j, &eight) in block.as_chunks::<8>().0.iter().enumerate() {
                let x = u64::from_le_bytes(eight);
                // The highest bit of each byte that is not zero; then these, side by side.
                let low = 0x7f7f_7f7f_7f7f_7f7f;
                let high = (((x & low) + low) | x) & !low;
                known |= ((high >> 7).wrapping_mul(0x0102_0408_1020_4080) >> 56) << (BLOCK * i + 8 * j);
            }
        }
        known & lowest(contexts)
    }

    /// Steps the state at `node` of each of the first `contexts` contexts, by its random byte: the
    /// lowest of the first word is the first's.
    #[inline(always)]
    pub fn step(
        &mut self,
        simd: Simd,
        node: usize,
        contexts: usize,
        steps: &Steps,
        bit: bool,
        random: &[u64; BY_CONTEXT / 8],
    ) {
        assert!(contexts <= BY_CONTEXT && node < 16, "{contexts} contexts, node {node}");
        match simd {
            // SAFETY: the variant exists only where the features were detected (`available`).
            #[cfg(target_arch = "x86_64")]
            Simd::Avx2 => unsafe { avx2::step(&mut self.0, node, contexts, steps, bit, random) },
            // SAFETY: as above. Few contexts are sooner done by words than by tables for 64.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512 if contexts <= 8 => unsafe {
                avx2::step(&mut self.0, node, contexts, steps, bit, random)
            },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Simd::Avx512 => unsafe { avx512::step(&mut self.0, node, contexts, steps, bit, random) },
            _ => scalar::step(&mut self.0, node, contexts, steps, bit, random),
        }
    }
}

impl Default for Nodes {
    fn default() -> Self {
        Self::new()
    }
}

/// Turns 16 rows of 16 bytes into columns.
#[inline(always)]
fn turn(simd: Simd, from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    match simd {
        // SAFETY: the variant exists only where the features were detected (`available`).
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::turn(from, to) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx512::turn(from, to) },
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => neon::turn(from, to),
        _ => scalar::turn(from, to),
    }
}

/// Finds the slots of up to [`BLOCK`] contexts: their numbers in the table, and what they hold.
///
/// A line is four slots of 16 bytes, and a hash, by its lowest bits, names one. The slot whose
/// byte 0 is the hash's highest byte, its check, is the context's: the first such. If there is
/// none, the context gets the one with the least byte 1 (the state at the first node: they are
/// numbered as bits come), the first of equals, as empty: all zeros behind the check.
///
/// # Panics
/// If the table is not a power of two of lines, or there are more hashes than places.
#[inline(always)]
pub fn find_slots(
    simd: Simd,
    table: &[u8],
    hashes: &[u64],
    found: &mut [u32],
    slots: &mut [[u8; 16]; BLOCK],
) {
    let (lines, rest) = table.as_chunks::<64>();
    assert!(lines.len().is_power_of_two() && rest.is_empty(), "a table of {} bytes", table.len());
    assert!(hashes.len() <= found.len() && hashes.len() <= BLOCK, "{} contexts in a block", hashes.len());
    match simd {
        // SAFETY: as below.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::find_slots(lines, hashes, found, slots) },
        // SAFETY: the variant exists only where the features were detected (`available`), and
        // the table's length has just been checked.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx512::find_slots(lines, hashes, found, slots) },
        _ => scalar::find_slots(lines, hashes, found, slots),
    }
}

/// The lowest `count` bits.
#[inline(always)]
pub(super) fn lowest(count: usize) -> u64 {
    if count >= 64 { u64::MAX } else { (1 << count) - 1 }
}

/// What bit histories say: three planes of `inputs`, as wide as a third of it. The first holds
/// the stretched probability of each context's entry, the second how far the probability is from
/// one half in units of 2^-10, the third the first once more where `one_kind` has `0xff` for the
/// state, and zero where it has zero.
///
/// `entries` becomes what [`teach`] needs. The planes' tails are computed from whatever states
/// are there.
///
/// # Panics
/// If the planes are not as wide as [`PLANE_LANES`] asks, or the maps have too few rows.
#[inline(always)]
pub fn ask_histories(
    simd: Simd,
    states: Blocks,
    maps: &Maps<256>,
    one_kind: &[u8; 256],
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
) {
    maps.check(inputs.len() / 3);
    assert!(inputs.len().is_multiple_of(3), "three planes in {} inputs", inputs.len());
    match simd {
        // SAFETY: the variant exists only where the features were detected (`available`); the
        // width and the rows have just been checked, and a state is below 256.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::ask_histories(states, &maps.entries, one_kind, entries, inputs, 0) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 if inputs.len() > 3 * 8 => unsafe {
            avx512::ask_histories(states, &maps.entries, one_kind, entries, inputs)
        },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx2::ask_histories(states, &maps.entries, one_kind, entries, inputs, 0) },
        _ => scalar::ask_histories(states, &maps.entries, one_kind, entries, inputs),
    }
}

/// What runs say: one plane, the stretched probability of each context's entry.
///
/// A word has a count in bits 0 to 5 and the decisions expected in bits 16 to 31, the first highest.
/// Its class is twice the count, plus the decision expected next; or 0 if the count is 0 or `path`, the
/// `depth` decisions so far (0 to 15) under a leading one, contradicts what was expected.
/// `classes` and `entries` become what [`teach`] needs.
///
/// # Panics
/// As [`ask_histories`].
#[inline(always)]
pub fn ask_runs(
    simd: Simd,
    words: &ByContext<u32>,
    maps: &Maps<128>,
    (path, depth): (u32, u32),
    classes: &mut ByContext<u8>,
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
) {
    maps.check(inputs.len());
    let place = (path, depth & 15);
    match simd {
        // SAFETY: the variant exists only where the features were detected (`available`); the
        // width and the rows have just been checked, and a class is below 128.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::ask_runs(words, &maps.entries, place, classes, entries, inputs, 0) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx512::ask_runs(words, &maps.entries, place, classes, entries, inputs) },
        _ => scalar::ask_runs(words, &maps.entries, place, classes, entries, inputs),
    }
}

/// Teaches each context's map the bit that came: the entry of its class, which is `entries` now,
/// moves by 1/(n + 1.5) of the error, n being the bits it has seen. Class 0 stays.
///
/// `width` is that of the planes.
///
/// # Panics
/// As [`ask_histories`].
#[inline(always)]
pub fn teach<const CLASSES: usize>(
    simd: Simd,
    maps: &mut Maps<CLASSES>,
    classes: Blocks,
    entries: &ByContext<u32>,
    width: usize,
    bit: bool,
) {
    maps.check(width);
    let limit = maps.limit;
    let map = &mut maps.entries;
    match simd {
        // SAFETY: the variant exists only where the features were detected (`available`); the
        // width and the rows have just been checked.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::teach::<CLASSES>(map, classes, entries, (0, width), bit, limit) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 if width > 8 => unsafe {
            avx512::teach::<CLASSES>(map, classes, entries, width, bit, limit)
        },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx2::teach::<CLASSES>(map, classes, entries, (0, width), bit, limit) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => unsafe { neon::teach::<CLASSES>(map, classes, entries, width, bit, limit) },
        _ => scalar::teach::<CLASSES>(map, classes, entries, width, bit, limit),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Numbers that look random.
    struct Noise(u64);

    impl Noise {
        fn next(&mut self) -> u64 {
            self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (self.0 ^ self.0 >> 33).wrapping_mul(0xff51_afd7_ed55_8ccd)
        }

        fn bytes(&mut self) -> ByContext<u8> {
            // One in four is zero.
            ByContext(std::array::from_fn(|_| (self.next() >> 40) as u8 * u8::from(self.next() >> 62 != 0)))
        }
    }

    fn maps<const CLASSES: usize>(noise: &mut Noise, width: usize, limit: u32) -> Maps<CLASSES> {
        let mut maps = Maps::new(width, &[1 << 15; CLASSES], limit).unwrap();
        for entry in maps.entries() {
            *entry = match noise.next() >> 62 {
                0 => noise.next() as u32 & 1023,
                1 => noise.next() as u32 | !1023,
                _ => noise.next() as u32,
            };
        }
        maps
    }

    proptest! {
        #[test]
        fn twins_say_and_learn_the_same(seed in any::<u64>(), contexts in 1usize..65, limit in 1u32..1024, bit: bool) {
            let mut noise = Noise(seed);
            let width = contexts.next_multiple_of(PLANE_LANES);
            let states = noise.bytes();
            let one_kind: [u8; 256] = std::array::from_fn(|_| ((noise.next() as i64) >> 63) as u8);
            let mut want = Vec::new();
            let before = maps::<256>(&mut noise, width, limit).entries().to_vec();
            for simd in Simd::available() {
                let mut maps = Maps::<256>::new(contexts, &[0; 256], limit).unwrap();
                maps.entries().copy_from_slice(&before);
                let mut inputs = vec![0; 3 * width];
                let mut entries = ByContext::default();
                ask_histories(simd, states.blocks(), &maps, &one_kind, &mut entries, &mut inputs);
                teach(simd, &mut maps, states.blocks(), &entries, width, bit);
                let got = (inputs, entries.0[..width].to_vec(), maps.entries().to_vec());
                want.push(got.clone());
                prop_assert!(got == want[0], "{}", simd.name());
            }
        }

        #[test]
        fn twins_run_the_same(seed in any::<u64>(), contexts in 1usize..65, limit in 1u32..1024, bit: bool) {
            let mut noise = Noise(seed);
            let width = contexts.next_multiple_of(PLANE_LANES);
            let depth = noise.next() as u32 & 15;
            let way = (noise.next() >> 20) as u32 & 0xffff;
            let path = (1 << 16 | way) >> (16 - depth);
            let words = ByContext(std::array::from_fn(|_| {
                let word = (noise.next() >> 9) as u32;
                if noise.next() >> 63 != 0 { word & 0xffff | (way ^ word & 1) << 16 } else { word }
            }));
            let mut want = Vec::new();
            let before = maps::<128>(&mut noise, width, limit).entries().to_vec();
            for simd in Simd::available() {
                let mut maps = Maps::<128>::new(contexts, &[0; 128], limit).unwrap();
                maps.entries().copy_from_slice(&before);
                let mut inputs = vec![0; width];
                let (mut classes, mut entries) = (ByContext::default(), ByContext::default());
                ask_runs(simd, &words, &maps, (path, depth), &mut classes, &mut entries, &mut inputs);
                teach(simd, &mut maps, classes.blocks(), &entries, width, bit);
                let got = (inputs, classes.0[..width].to_vec(), maps.entries().to_vec());
                want.push(got.clone());
                prop_assert!(got == want[0], "{}", simd.name());
            }
        }

        #[test]
        fn twins_find_the_same(seed in any::<u64>(), log2_lines in 0u32..5, contexts in 0usize..17) {
            let mut noise = Noise(seed);
            let table: Vec<u8> = (0..64 << log2_lines).map(|_| (noise.next() >> 61) as u8).collect();
            let hashes: Vec<u64> = (0..contexts).map(|_| noise.next() >> 5 & !(0xf8 << 56)).collect();
            let mut want = Vec::new();
            for simd in Simd::available() {
                let (mut found, mut slots) = (vec![0; contexts], [[0; 16]; BLOCK]);
                find_slots(simd, &table, &hashes, &mut found, &mut slots);
                want.push((found, slots));
                prop_assert!(want[want.len() - 1] == want[0], "{}", simd.name());
            }
        }

        #[test]
        fn twins_step_and_turn_the_same(seed in any::<u64>(), contexts in 0usize..65, bit: bool) {
            let mut noise = Noise(seed);
            let steps = Steps::new(|state, bit| {
                let mut noise = Noise(seed ^ u64::from(state) << 1 ^ u64::from(bit));
                let word = noise.next().to_le_bytes();
                let mut bounds = [word[0], word[1], word[2]];
                bounds.sort();
                (bounds, [word[3], word[4], word[5], word[6]])
            });
            let node = noise.next() as usize & 15;
            let random: [u64; BY_CONTEXT / 8] = std::array::from_fn(|_| noise.next());
            let slots: [[u8; 16]; BY_CONTEXT] = std::array::from_fn(|_| noise.bytes().0[..16].try_into().unwrap());
            let mut want = slots;
            for (slot, random) in want[..contexts].iter_mut().zip(random.iter().flat_map(|r| r.to_le_bytes())) {
                slot[node] = steps.next(slot[node], bit, random);
            }
            let known = slots[..contexts].iter().rev().fold(0, |known, slot| known << 1 | u64::from(slot[node] != 0));
            for simd in Simd::available() {
                let mut nodes = Nodes::new();
                for (block, slots) in slots.as_chunks().0.iter().enumerate() {
                    nodes.put(simd, block, BLOCK, slots);
                }
                for (i, slot) in slots.iter().enumerate() {
                    prop_assert_eq!(nodes.at(node)[i / BLOCK][i % BLOCK], slot[node], "{}", simd.name());
                }
                prop_assert_eq!(nodes.known(node, contexts), known);
                nodes.step(simd, node, contexts, &steps, bit, &random);
                let mut back = [[0; 16]; BY_CONTEXT];
                for (block, slots) in back.as_chunks_mut().0.iter_mut().enumerate() {
                    nodes.get(simd, block, BLOCK, slots);
                }
                prop_assert_eq!(back, want, "{}", simd.name());
                let mut few = [[0; 16]; BLOCK];
                nodes.get(simd, 0, 8, &mut few);
                prop_assert_eq!(&few[..8], &want[..8], "few, {}", simd.name());
                few.reverse();
                few[..8].copy_from_slice(&slots[8..16]);
                nodes.put(simd, 0, 8, &few);
                nodes.get(simd, 0, BLOCK, &mut few);
                prop_assert_eq!(&few[..8], &slots[8..16], "few, {}", simd.name());
            }
        }
    }

    #[test]
    fn the_least_used_slot_makes_room() {
        let mut line = [0u8; 64];
        for (slot, [check, state]) in
            line.as_chunks_mut::<16>().0.iter_mut().zip([[1, 100], [2, 9], [3, 2], [4, 2]])
        {
            (slot[0], slot[1], slot[15]) = (check, state, 7);
        }
        for simd in Simd::available() {
            let (mut found, mut slots) = ([9; 3], [[0; 16]; BLOCK]);
            find_slots(simd, &line, &[2 << 56, 5 << 56], &mut found, &mut slots);
            assert_eq!(found, [1, 2, 9]);
            assert_eq!(slots[0], line[16..32]);
            assert_eq!(slots[1], [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        }
    }

    #[test]
    fn every_count_moves_by_its_reciprocal() {
        for simd in Simd::available() {
            for limit in [255, 1023] {
                for n in 0..1024u32 {
                    let entries = ByContext(std::array::from_fn(|i| (i as u32 * 0x03ff_5a3c) & !1023 | n));
                    for bit in [false, true] {
                        let mut maps = Maps::<2>::new(BY_CONTEXT, &[0; 2], limit).unwrap();
                        teach(
                            simd,
                            &mut maps,
                            ByContext([1; BY_CONTEXT]).blocks(),
                            &entries,
                            BY_CONTEXT,
                            bit,
                        );
                        for (i, &entry) in entries.0.iter().enumerate() {
                            let target = i64::from(bit) * 0x3f_ffff;
                            let p = i64::from(entry >> 10);
                            let step = ((target - p) * i64::from(131072 / (2 * n + 3))) >> 16;
                            let want = (((p + step) as u32) << 10) | (n + u32::from(n < limit));
                            assert_eq!(maps.entries()[2 * i + 1], want, "{} at {n}", simd.name());
                        }
                    }
                }
            }
        }
    }
}
