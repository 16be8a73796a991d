//! Hashing of contexts.

/// Adds a value to a hash. All 64 bits of the result depend on all of both.
#[inline(always)]
pub fn hash(seed: u64, value: u32) -> u64 {
    let x = (seed ^ u64::from(value)).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    x ^ x >> 32
}
