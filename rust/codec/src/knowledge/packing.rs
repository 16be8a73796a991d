//! How what a model has learned is packed: adaptive bits, numbers, slots.

use foretold_coding::{Decoder, Encoder};
use foretold_numerics::{P1, moved};

/// Codes bits with adaptive probabilities, or decodes them: what is packed is described once, for
/// both directions.
pub trait Packing {
    /// A bit, with the probability that `entry` has; decoding ignores `bit` and finds it.
    fn bit(&mut self, entry: &mut u32, bit: bool) -> bool;
    /// Bits that are as likely as not, of a number below `2^count`.
    fn plain(&mut self, count: u32, value: u32) -> u32;
}

/// Bits after which a probability moves by a fixed share, 1/256, of the error.
const LIMIT: u32 = 255;
/// One half, from no bits.
pub const START: u32 = 1 << 31;
const EVEN: u32 = 1 << 21;

/// Packs.
#[derive(Default)]
pub struct Packer(pub Encoder);

/// Unpacks.
pub struct Unpacker<'a>(pub Decoder<'a>);

impl Packing for Packer {
    #[inline(always)]
    fn bit(&mut self, entry: &mut u32, bit: bool) -> bool {
        self.0.encode(bit, P1::clamped(*entry >> 10));
        *entry = moved(*entry, bit, LIMIT);
        bit
    }

    fn plain(&mut self, count: u32, value: u32) -> u32 {
        for shift in (0..count).rev() {
            self.0.encode(value >> shift & 1 != 0, P1::clamped(EVEN));
        }
        value
    }
}

impl Packing for Unpacker<'_> {
    #[inline(always)]
    fn bit(&mut self, entry: &mut u32, _: bool) -> bool {
        let bit = self.0.decode(P1::clamped(*entry >> 10));
        *entry = moved(*entry, bit, LIMIT);
        bit
    }

    fn plain(&mut self, count: u32, _: u32) -> u32 {
        (0..count).fold(0, |value, _| value << 1 | u32::from(self.0.decode(P1::clamped(EVEN))))
    }
}

/// Adaptive probabilities of symbols of `bits` bits, in so many contexts.
pub struct Symbols {
    entries: Vec<u32>,
    bits: u32,
}

impl Symbols {
    /// All alike.
    pub fn new(contexts: usize, bits: u32) -> Symbols {
        Symbols { entries: vec![START; contexts << bits], bits }
    }

    /// A symbol in a context.
    #[inline(always)]
    pub fn code(&mut self, coder: &mut impl Packing, context: usize, symbol: u32) -> u32 {
        let mut node = 1;
        for shift in (0..self.bits).rev() {
            let entry = &mut self.entries[context << self.bits | node];
            node = node << 1 | usize::from(coder.bit(entry, symbol >> shift & 1 != 0));
        }
        (node - (1 << self.bits)) as u32
    }
}

/// Numbers of any size: how many bits they have, by context, then the bits.
pub struct Numbers(Symbols);

impl Numbers {
    /// In so many contexts.
    pub fn new(contexts: usize) -> Numbers {
        Numbers(Symbols::new(contexts, 6))
    }

    /// A number in a context.
    pub fn code(&mut self, coder: &mut impl Packing, context: usize, number: u32) -> u32 {
        let bits = self.0.code(coder, context, 32 - number.leading_zeros()).min(32);
        match bits {
            0 => 0,
            // The highest bit is a one.
            _ => coder.plain(bits - 1, number & ((1 << (bits - 1)) - 1)) | 1 << (bits - 1),
        }
    }
}

/// Words of 16 bits, most of which are as they were at first.
///
/// `before` has as many; `after` is what is packed, or becomes what was.
pub fn words(coder: &mut impl Packing, before: &[u16], after: &mut [u16]) {
    const BLOCK: usize = 32;
    let mut same = [START; 4];
    let mut numbers = Numbers::new(34);
    let (mut last_same, mut last) = (0, 0);
    for (before, after) in before.chunks(BLOCK).zip(after.chunks_mut(BLOCK)) {
        let is_same = coder.bit(&mut same[last_same & 3], before == after);
        last_same = last_same << 1 | usize::from(is_same);
        if is_same {
            after.copy_from_slice(before);
            continue;
        }
        for (&before, after) in before.iter().zip(after) {
            let moved = after.wrapping_sub(before) as i16;
            // Zigzag: small numbers of either sign are small.
            let number = ((moved << 1) ^ (moved >> 15)) as u16;
            let number = numbers.code(coder, last, number.into()) as u16;
            last = 32 - u32::from(number).leading_zeros() as usize;
            let moved = (number >> 1) as i16 ^ -((number & 1) as i16);
            *after = before.wrapping_add(moved as u16);
        }
    }
}

/// Slots of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// The line it lies in.
    pub line: u32,
    /// Its check and the states of its nodes.
    pub bytes: [u8; 16],
}

/// Packs slots that come in the order of their lines.
pub struct SlotPacking {
    gaps: Numbers,
    states: Symbols,
    line: u32,
}

impl SlotPacking {
    /// From the first line on.
    pub fn new() -> SlotPacking {
        SlotPacking { gaps: Numbers::new(1), states: Symbols::new(3 * 256, 8), line: 0 }
    }

    /// The next slot.
    pub fn code(&mut self, coder: &mut impl Packing, slot: Slot) -> Slot {
        let gap = self.gaps.code(coder, 0, slot.line.wrapping_sub(self.line));
        self.line = self.line.wrapping_add(gap);
        let mut bytes = [0; 16];
        bytes[0] = coder.plain(8, slot.bytes[0].into()) as u8;
        bytes[1] = self.states.code(coder, 0, slot.bytes[1].into()) as u8;
        for node in 1..8 {
            // What was never reached was reached by no way.
            if bytes[node] != 0 {
                for side in 0..2 {
                    let child = 2 * node + side;
                    let context = (1 + side) << 8 | usize::from(bytes[node]);
                    bytes[child] = self.states.code(coder, context, slot.bytes[child].into()) as u8;
                }
            }
        }
        Slot { line: self.line, bytes }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn words_come_back(pairs in prop::collection::vec((any::<u16>(), any::<bool>(), any::<u16>()), 0..300)) {
            let before: Vec<u16> = pairs.iter().map(|pair| pair.0).collect();
            let after: Vec<u16> =
                pairs.iter().map(|pair| if pair.1 { pair.0 } else { pair.2 }).collect();
            let mut packer = Packer::default();
            words(&mut packer, &before, &mut after.clone());
            let packed = packer.0.finish();
            let mut found = vec![0; before.len()];
            words(&mut Unpacker(Decoder::new(&packed)), &before, &mut found);
            prop_assert_eq!(found, after);
        }

        #[test]
        fn slots_and_numbers_come_back(
            slots in prop::collection::vec((0u32..1 << 20, any::<[u8; 8]>()), 0..60),
            numbers in prop::collection::vec(any::<u32>(), 0..60),
        ) {
            let mut line = 0;
            let slots: Vec<Slot> = slots.into_iter().map(|(gap, states)| {
                line += gap;
                let mut bytes = [0; 16];
                bytes[..8].copy_from_slice(&states);
                if bytes[1] == 0 {
                    bytes[1..].fill(0);
                }
                for node in 1..8 {
                    if bytes[node] == 0 {
                        bytes[2 * node] = 0;
                        bytes[2 * node + 1] = 0;
                    }
                }
                Slot { line, bytes }
            }).collect();
            let mut packer = Packer::default();
            let (mut packing, mut plain) = (SlotPacking::new(), Numbers::new(1));
            slots.iter().for_each(|&slot| { packing.code(&mut packer, slot); });
            numbers.iter().for_each(|&number| { plain.code(&mut packer, 0, number); });
            let packed = packer.0.finish();
            let mut unpacker = Unpacker(Decoder::new(&packed));
            let (mut packing, mut plain) = (SlotPacking::new(), Numbers::new(1));
            for &slot in &slots {
                prop_assert_eq!(packing.code(&mut unpacker, Slot { line: 0, bytes: [0; 16] }), slot);
            }
            for &number in &numbers {
                prop_assert_eq!(plain.code(&mut unpacker, 0, 0), number);
            }
        }
    }
}
