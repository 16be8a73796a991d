//! The binary arithmetic coder: one interval, narrowed alike by encoder and decoder.
#![forbid(unsafe_code)]

use foretold_numerics::P1;

/// The code values that agree with every bit seen so far: `range` of them from `low` on.
///
/// Encoder and decoder narrow this one type and nothing else, so they cannot drift apart.
/// A one keeps the lower part of the interval and a zero the upper part, in proportion to
/// their probabilities.
///
/// Invariant between calls: `range >= 2^24`. `low` is wider than 32 bits so that its carry is
/// still there when the byte above it is written.
///
/// Source: G. N. N. Martin, Range encoding (1979).
#[derive(Clone, Debug)]
pub struct Interval {
    low: u64,
    range: u32,
}

impl Interval {
    /// Every code value.
    pub fn full() -> Self {
        Interval { low: 0, range: u32::MAX }
    }

    /// How many of the code values mean "one".
    #[inline]
    pub fn split(&self, p1: P1) -> u32 {
        // range >= 2^24 and 0 < p1 < 2^22, so 4 <= split < range: neither bit is ever left
        // without a code value, however confident the model was.
        ((u64::from(self.range) * u64::from(p1.get())) >> P1::BITS) as u32
    }

    /// Keeps the part that means `bit`, `split` being how many values mean "one".
    #[inline]
    pub fn narrow(&mut self, split: u32, bit: bool) {
        if bit {
            self.range = split;
        } else {
            self.low += u64::from(split);
            self.range -= split;
        }
    }

    /// Gives up the top byte once the range is too small to split well: `Some(top)` where
    /// `top` is that byte, plus 256 if a carry must go into the bytes before it.
    #[inline]
    pub fn shift(&mut self) -> Option<u32> {
        if self.range >= 1 << 24 {
            return None;
        }
        let top = (self.low >> 24) as u32;
        self.low = (self.low << 8) & 0xffff_ffff;
        self.range <<= 8;
        Some(top)
    }

    /// The code value of the interval with the most trailing zero bytes, and how many of its
    /// four bytes come before them. A carry shows as a value of 2^32 or more.
    fn shortest(&self) -> (u64, usize) {
        let last = self.low + u64::from(self.range) - 1;
        for bytes in 0..4 {
            let value = last >> (32 - 8 * bytes) << (32 - 8 * bytes);
            if value >= self.low {
                return (value, bytes);
            }
        }
        (last, 4)
    }
}

/// Writes bits, each at the cost its probability gives it.
#[derive(Debug)]
pub struct Encoder {
    interval: Interval,
    bytes: Vec<u8>,
}

impl Default for Encoder {
    fn default() -> Self {
        Self::new()
    }
}

impl Encoder {
    /// An encoder that has written nothing.
    pub fn new() -> Self {
        Encoder { interval: Interval::full(), bytes: Vec::new() }
    }

    /// Codes one bit under `p1`, the probability that it is a one.
    #[inline]
    pub fn encode(&mut self, bit: bool, p1: P1) {
        let split = self.interval.split(p1);
        self.interval.narrow(split, bit);
        while let Some(top) = self.interval.shift() {
            self.push(top);
        }
    }

    #[inline]
    fn push(&mut self, top: u32) {
        if top > 0xff {
            self.carry();
        }
        self.bytes.push(top as u8);
    }

    #[cold]
    fn carry(&mut self) {
        // The interval lies below 2^32 times the bytes written, so a carry always stops.
        for byte in self.bytes.iter_mut().rev() {
            *byte = byte.wrapping_add(1);
            if *byte != 0 {
                return;
            }
        }
        unreachable!("the code value stays below one");
    }

    /// Bytes written so far, not counting what [`finish`](Self::finish) will add (4 at most).
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing has been written yet.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The coded bytes. Trailing zero bytes are left off: the decoder reads zeros past the end.
    pub fn finish(mut self) -> Vec<u8> {
        let (value, bytes) = self.interval.shortest();
        if value >> 32 != 0 {
            self.carry();
        }
        let value = (value as u32).to_be_bytes();
        self.bytes.extend_from_slice(&value[..bytes]);
        while self.bytes.last() == Some(&0) {
            self.bytes.pop();
        }
        self.bytes
    }
}

/// Reads back the bits of an [`Encoder`], given the same probabilities.
///
/// Any bytes decode to some bits: damage is found by the checks of the container.
#[derive(Debug)]
pub struct Decoder<'a> {
    interval: Interval,
    /// The code value less the interval's low end; below the interval's range unless the
    /// bytes are damaged.
    offset: u32,
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    /// A decoder at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut decoder = Decoder { interval: Interval::full(), offset: 0, rest: bytes };
        for _ in 0..4 {
            decoder.pull();
        }
        decoder
    }

    #[inline]
    fn pull(&mut self) {
        let byte = match self.rest.split_first() {
            Some((&first, rest)) => {
                self.rest = rest;
                first
            }
            None => 0,
        };
        self.offset = (self.offset << 8) | u32::from(byte);
    }

    /// The next bit, `p1` being the probability that it is a one.
    #[inline]
    pub fn decode(&mut self, p1: P1) -> bool {
        let split = self.interval.split(p1);
        let bit = self.offset < split;
        if !bit {
            self.offset -= split;
        }
        self.interval.narrow(split, bit);
        while self.interval.shift().is_some() {
            self.pull();
        }
        bit
    }

    /// Whether every byte has been read.
    pub fn is_exhausted(&self) -> bool {
        self.rest.is_empty()
    }

    /// Whether an encoder of the bits read so far would have ended as the bytes do, but for zero
    /// bytes at the end.
    pub fn is_at_end(&self) -> bool {
        let (value, _) = self.interval.shortest();
        self.is_exhausted() && u64::from(self.offset) == value - self.interval.low
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn round_trip(bits: &[(bool, u32)]) -> Vec<u8> {
        let mut encoder = Encoder::new();
        for &(bit, p1) in bits {
            encoder.encode(bit, P1::clamped(p1));
        }
        let bytes = encoder.finish();
        let mut decoder = Decoder::new(&bytes);
        for (i, &(bit, p1)) in bits.iter().enumerate() {
            assert_eq!(decoder.decode(P1::clamped(p1)), bit, "bit {i}");
        }
        assert!(decoder.is_exhausted() && decoder.is_at_end());
        bytes
    }

    /// Bits that `bytes` decode to, if an encoder would have written them so.
    fn written(bytes: &[u8], p1: &[P1]) -> Option<Vec<bool>> {
        let mut decoder = Decoder::new(bytes);
        let bits = p1.iter().map(|&p1| decoder.decode(p1)).collect();
        (decoder.is_at_end() && bytes.last() != Some(&0)).then_some(bits)
    }

    proptest! {
        #[test]
        fn any_bits_come_back(bits in proptest::collection::vec((any::<bool>(), 0u32..1 << 22), 0..3000)) {
            round_trip(&bits);
        }

        #[test]
        fn confident_and_wrong_bits_come_back(bits in proptest::collection::vec((any::<bool>(), 0u32..3), 0..800)) {
            round_trip(&bits);
        }
    }

    proptest! {
        /// Whatever bytes come: a decoder knows those that an encoder writes.
        #[test]
        fn the_end_is_known(
            p1 in proptest::collection::vec(1u32..1 << 22, 0..60),
            bytes in proptest::collection::vec(any::<u8>(), 0..8),
        ) {
            let p1: Vec<P1> = p1.into_iter().map(P1::clamped).collect();
            let mut decoder = Decoder::new(&bytes);
            let mut encoder = Encoder::new();
            p1.iter().for_each(|&p1| encoder.encode(decoder.decode(p1), p1));
            prop_assert_eq!(written(&bytes, &p1).is_some(), encoder.finish() == bytes);
        }
    }

    #[test]
    fn nothing_costs_nothing() {
        assert!(round_trip(&[]).is_empty());
    }

    /// The loss against the model's own code length stays below 0.01 %, also for skewed bits.
    #[test]
    fn cost_is_the_code_length() {
        for p1_q22 in [1u32 << 21, 1 << 18, 1 << 14, 1 << 10, 1 << 7, (1 << 22) - (1 << 9)] {
            let p1 = P1::clamped(p1_q22);
            let mut seed = 0x9e37_79b9_7f4a_7c15u64;
            let (mut ideal, mut real) = (0.0, 0.0);
            let mut interval = Interval::full();
            for _ in 0..2_000_000 {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let bit = (seed >> 42) as u32 <= p1.get();
                ideal += p1.cost_bits(bit);
                let split = interval.split(p1);
                let kept = if bit { split } else { interval.range - split };
                real -= (f64::from(kept) / f64::from(interval.range)).log2();
                interval.narrow(split, bit);
                while interval.shift().is_some() {}
            }
            assert!(real <= ideal * 1.0001, "p {p1_q22}: {real} bits for {ideal}");
        }
    }
}
