//! Sums of products of weights of 8 bits with inputs of 16: the kernel of frozen networks.

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::{Simd, scalar};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Sums come in multiples of this many.
pub const PANEL_SUMS: usize = 64;

/// Products of a matrix: `sums[c]` becomes the wrapping sum over rows `r` of
/// `inputs[r] * weight(r, c)`.
///
/// Weights stand in panels of [`PANEL_SUMS`] columns, one panel after the other; in a panel come
/// pairs of rows, and of a pair the two weights of each column in turn.
///
/// # Panics
/// If the number of inputs is odd, that of sums no multiple of [`PANEL_SUMS`], or that of weights
/// not their product.
#[inline(always)]
pub fn multiply(simd: Simd, inputs: &[i16], weights: &[i8], sums: &mut [i32]) {
    assert!(inputs.len().is_multiple_of(2), "{} inputs", inputs.len());
    assert!(sums.len().is_multiple_of(PANEL_SUMS), "{} sums", sums.len());
    assert_eq!(weights.len(), inputs.len() * sums.len());
    match simd {
        // SAFETY: the variant exists only where the features were detected (`available`), and the
        // lengths were just checked.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::multiply(inputs, weights, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx512::multiply(inputs, weights, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => unsafe { neon::multiply(inputs, weights, sums) },
        _ => scalar::multiply(inputs, weights, sums),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn twins_give_the_same_sums(
            pairs in 0usize..40,
            panels in 1usize..4,
            seed in any::<u64>(),
            extreme in any::<bool>(),
        ) {
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let value = (state >> 48) as i16;
                if extreme { if value & 1 == 0 { i16::MAX } else { i16::MIN } } else { value }
            };
            let inputs: Vec<i16> = (0..2 * pairs).map(|_| next()).collect();
            let columns = panels * PANEL_SUMS;
            let weights: Vec<i8> = (0..inputs.len() * columns).map(|_| (next() >> 8) as i8).collect();
            let mut want = vec![0i32; columns];
            for (column, sum) in want.iter_mut().enumerate() {
                for (row, &input) in inputs.iter().enumerate() {
                    let (panel, inside) = (column / PANEL_SUMS, column % PANEL_SUMS);
                    let at = panel * inputs.len() * PANEL_SUMS + row / 2 * 128 + 2 * inside + row % 2;
                    *sum = sum.wrapping_add(i32::from(input) * i32::from(weights[at]));
                }
            }
            for simd in Simd::available() {
                let mut sums = vec![7; columns];
                multiply(simd, &inputs, &weights, &mut sums);
                prop_assert_eq!(&sums, &want, "{}", simd.name());
            }
        }
    }
}
