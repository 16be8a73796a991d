//! Adaptive probabilities: what one learns from a bit.

/// `RECIPROCAL[n]` is 65536 / (n + 1.5), rounded down.
const RECIPROCAL: [u32; 1024] = {
    let mut table = [0; 1024];
    let mut n = 0;
    while n < 1024 {
        table[n] = (2 * 65536 / (2 * n + 3)) as u32;
        n += 1;
    }
    table
};

/// An adaptive probability that has learned `bit`.
///
/// It holds the probability of a one in its upper 22 bits and the number of bits seen, up to
/// `limit`, in its lower 10: it moves by 1/(n + 1.5) of the error, so it starts fast and ends at
/// the rate that the limit (1 to 1023) allows.
#[inline(always)]
pub fn moved(entry: u32, bit: bool, limit: u32) -> u32 {
    let (p, n) = (entry >> 10, entry & 1023);
    let target = if bit { (1 << 22) - 1 } else { 0 };
    let step = (i64::from(target - p as i32) * i64::from(RECIPROCAL[n as usize])) >> 16;
    let p = (p as i32 + step as i32) as u32;
    p << 10 | (n + u32::from(n < limit))
}
