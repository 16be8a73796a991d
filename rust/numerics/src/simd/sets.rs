//! The kernels of the mixer: weighted sums of inputs, and weights that move.

#[cfg(target_arch = "aarch64")]
use super::neon;
use super::{Simd, scalar};
#[cfg(target_arch = "x86_64")]
use super::{avx2, avx512};

/// Inputs of a mixer come in multiples of this many: the widest vector of `i16`.
pub const LANES: usize = 32;

#[inline(always)]
fn check(inputs: &[i16], weights: &[i16], offsets: &[u32], results: usize) {
    assert!(inputs.len().is_multiple_of(LANES), "{} inputs are not a multiple of {LANES}", inputs.len());
    assert_eq!(offsets.len(), results, "one result for each weight set");
    for &offset in offsets {
        assert!(offset as usize + inputs.len() <= weights.len(), "weight set past the end");
    }
}

/// Weighted sums: `sums[s]` becomes the wrapping sum over `i` of
/// `inputs[i] * weights[offsets[s] + i]`.
///
/// # Panics
/// If the number of inputs is no multiple of [`LANES`] or a weight set does not fit.
#[inline(always)]
pub fn dot_sets(simd: Simd, inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    check(inputs, weights, offsets, sums.len());
    match simd {
        // SAFETY: the variant exists only where the features were detected (`available`), and
        // `check` has shown that every weight set lies within `weights`.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::dot_sets(inputs, weights, offsets, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 if offsets.len() > 2 => unsafe { avx512::dot_sets(inputs, weights, offsets, sums) },
        // SAFETY: as above. Two sets have nothing to share.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx2::dot_sets(inputs, weights, offsets, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => unsafe { neon::dot_sets(inputs, weights, offsets, sums) },
        _ => scalar::dot_sets(inputs, weights, offsets, sums),
    }
}

/// What up to [`LANES`] weight sets make of the inputs: each weighted sum, shifted right and
/// limited to a logit; zeros where there are no more sets.
///
/// # Panics
/// As [`dot_sets`].
#[inline(always)]
pub fn mix_sets(
    simd: Simd,
    inputs: &[i16],
    weights: &[i16],
    offsets: &[u32],
    shift: u32,
    logits: &mut [i16; LANES],
) {
    assert!(offsets.len() <= LANES && shift < 32, "{} sets, shifted by {shift}", offsets.len());
    #[cfg(target_arch = "x86_64")]
    if simd == Simd::Avx512 && offsets.len() > 2 {
        check(inputs, weights, offsets, offsets.len());
        // SAFETY: as in `dot_sets`.
        return unsafe { avx512::mix_sets(inputs, weights, offsets, shift, logits) };
    }
    #[cfg(target_arch = "x86_64")]
    if matches!(simd, Simd::Avx2 | Simd::Avx512) && offsets.len() <= FEW {
        check(inputs, weights, offsets, offsets.len());
        // SAFETY: as in `dot_sets`.
        return unsafe { avx2::mix_few(inputs, weights, offsets, shift, logits) };
    }
    #[cfg(target_arch = "aarch64")]
    if simd == Simd::Neon && offsets.len() <= FEW {
        check(inputs, weights, offsets, offsets.len());
        // SAFETY: as in `dot_sets`.
        return unsafe { neon::mix_few(inputs, weights, offsets, shift, logits) };
    }
    let mut sums = [0; LANES];
    let sums = &mut sums[..offsets.len()];
    dot_sets(simd, inputs, weights, offsets, sums);
    scalar::to_logits(sums, shift, logits);
}

/// Moves weights: each of set `s` by `inputs[i] * errors[s] / 2^15`, rounded to nearest (ties
/// up), the weight saturating. A set with error 0 is left alone.
///
/// # Panics
/// As [`dot_sets`].
#[inline(always)]
pub fn train_sets(simd: Simd, inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    check(inputs, weights, offsets, errors.len());
    match simd {
        // SAFETY: as in `dot_sets`.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 => unsafe { avx2::train_sets(inputs, weights, offsets, errors) },
        // SAFETY: as in `dot_sets`.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx512 => unsafe { avx512::train_sets(inputs, weights, offsets, errors) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => unsafe { neon::train_sets(inputs, weights, offsets, errors) },
        _ => scalar::train_sets(inputs, weights, offsets, errors),
    }
}

/// Inputs that [`dot_few`] and [`train_few`] look at.
pub const FEW: usize = 8;

#[inline(always)]
fn check_few(inputs: &[i16], weights: &[i16], offsets: &[u32], results: usize) {
    assert!(inputs.len() >= FEW, "{} inputs, where {FEW} are looked at", inputs.len());
    assert_eq!(offsets.len(), results, "one result for each weight set");
    for &offset in offsets {
        assert!(offset as usize + FEW <= weights.len(), "weight set past the end");
    }
}

/// As [`dot_sets`], of the first [`FEW`] inputs and of as many weights of each set.
///
/// # Panics
/// If there are fewer inputs, or a weight set does not fit.
#[inline(always)]
pub fn dot_few(simd: Simd, inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    check_few(inputs, weights, offsets, sums.len());
    match simd {
        // SAFETY: the variants exist only where the features were detected (`available`), and
        // `check_few` has shown that all lies within.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 | Simd::Avx512 => unsafe { avx2::dot_few(inputs, weights, offsets, sums) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => unsafe { neon::dot_sets(&inputs[..FEW], weights, offsets, sums) },
        _ => scalar::dot_sets(&inputs[..FEW], weights, offsets, sums),
    }
}

/// As [`train_sets`], of the first [`FEW`] inputs and of as many weights of each set.
///
/// # Panics
/// As [`dot_few`].
#[inline(always)]
pub fn train_few(simd: Simd, inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    check_few(inputs, weights, offsets, errors.len());
    match simd {
        // SAFETY: as in `dot_few`.
        #[cfg(target_arch = "x86_64")]
        Simd::Avx2 | Simd::Avx512 => unsafe { avx2::train_few(inputs, weights, offsets, errors) },
        // SAFETY: as above.
        #[cfg(target_arch = "aarch64")]
        Simd::Neon => unsafe { neon::train_sets(&inputs[..FEW], weights, offsets, errors) },
        _ => scalar::train_sets(&inputs[..FEW], weights, offsets, errors),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn twins_give_the_same_bits(
            blocks in 1usize..9,
            picks in proptest::collection::vec((0u32..7, any::<i16>()), 1..12),
            seed in any::<u64>(),
            shift in 0u32..32,
            extreme in any::<bool>(),
        ) {
            let n = blocks * LANES;
            let mut state = seed;
            let mut next = || {
                state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                let value = (state >> 48) as i16;
                if extreme { if value & 1 == 0 { i16::MAX } else { i16::MIN } } else { value >> (state >> 60) }
            };
            let inputs: Vec<i16> = (0..n).map(|_| next()).collect();
            let weights: Vec<i16> = (0..7 * n).map(|_| next()).collect();
            // One selector never picks a set twice, so sets that are trained together differ.
            let mut seen = [false; 7];
            let picks: Vec<_> = picks.into_iter().filter(|&(s, _)| !std::mem::replace(&mut seen[s as usize], true)).collect();
            let offsets: Vec<u32> = picks.iter().map(|&(s, _)| s * n as u32).collect();
            let errors: Vec<i16> = picks.iter().map(|&(_, e)| e).collect();
            let mut want = vec![0; offsets.len()];
            let mut want_weights = weights.clone();
            dot_sets(Simd::Scalar, &inputs, &weights, &offsets, &mut want);
            train_sets(Simd::Scalar, &inputs, &mut want_weights, &offsets, &errors);
            for simd in Simd::available() {
                let mut sums = vec![0; offsets.len()];
                let mut moved = weights.clone();
                dot_sets(simd, &inputs, &weights, &offsets, &mut sums);
                train_sets(simd, &inputs, &mut moved, &offsets, &errors);
                prop_assert_eq!(&sums, &want, "dot, {}", simd.name());
                let (mut logits, mut want_logits) = ([7; LANES], [7; LANES]);
                mix_sets(simd, &inputs, &weights, &offsets, shift, &mut logits);
                mix_sets(Simd::Scalar, &inputs, &weights, &offsets, shift, &mut want_logits);
                prop_assert_eq!(logits, want_logits, "mix, {}", simd.name());
                prop_assert_eq!(&moved, &want_weights, "train, {}", simd.name());
                let (mut few, mut want_few) = (vec![0; offsets.len()], vec![0; offsets.len()]);
                dot_few(simd, &inputs, &weights, &offsets, &mut few);
                scalar::dot_sets(&inputs[..FEW], &weights, &offsets, &mut want_few);
                prop_assert_eq!(few, want_few, "dot of few, {}", simd.name());
                let (mut moved, mut want_moved) = (weights.clone(), weights.clone());
                train_few(simd, &inputs, &mut moved, &offsets, &errors);
                scalar::train_sets(&inputs[..FEW], &mut want_moved, &offsets, &errors);
                prop_assert_eq!(&moved, &want_moved, "train of few, {}", simd.name());
            }
        }
    }
}
