//! 256-bit twins.

use std::arch::x86_64::*;

/// # Safety
/// AVX2 must be there; `inputs.len()` must be a multiple of 32, and every
/// `offset + inputs.len()` at most `weights.len()`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sum, &offset) in sums.iter_mut().zip(offsets) {
        // SAFETY: within `weights`, by the contract.
        let set = unsafe { weights.as_ptr().add(offset as usize) };
        let (mut a, mut b) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        for i in (0..inputs.len()).step_by(32) {
            // SAFETY: `i + 32 <= inputs.len()`, and the set is as long.
            unsafe {
                let x = inputs.as_ptr().add(i);
                let w = set.add(i);
                let lower = _mm256_madd_epi16(_mm256_loadu_si256(x.cast()), _mm256_loadu_si256(w.cast()));
                let upper = _mm256_madd_epi16(
                    _mm256_loadu_si256(x.add(16).cast()),
                    _mm256_loadu_si256(w.add(16).cast()),
                );
                a = _mm256_add_epi32(a, lower);
                b = _mm256_add_epi32(b, upper);
            }
        }
        let a = _mm256_add_epi32(a, b);
        let c = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256::<1>(a));
        let c = _mm_add_epi32(c, _mm_shuffle_epi32::<0b01_00_11_10>(c));
        let c = _mm_add_epi32(c, _mm_shuffle_epi32::<0b10_11_00_01>(c));
        *sum = _mm_cvtsi128_si32(c);
    }
}

/// # Safety
/// As [`dot_sets`].
#[target_feature(enable = "avx2")]
pub(super) unsafe fn train_sets(inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    for (&error, &offset) in errors.iter().zip(offsets) {
        if error == 0 {
            continue;
        }
        // SAFETY: within `weights`, by the contract.
        let set = unsafe { weights.as_mut_ptr().add(offset as usize) };
        let e = _mm256_set1_epi16(error);
        for i in (0..inputs.len()).step_by(16) {
            // SAFETY: `i + 16 <= inputs.len()`, and the set is as long.
            unsafe {
                let x = _mm256_loadu_si256(inputs.as_ptr().add(i).cast());
                let w = set.add(i).cast();
                _mm256_storeu_si256(w, _mm256_adds_epi16(_mm256_loadu_si256(w), _mm256_mulhrs_epi16(x, e)));
            }
        }
    }
}
