//! 512-bit twins.

use std::arch::x86_64::*;

/// # Safety
/// AVX-512 F and BW must be there; `inputs.len()` must be a multiple of 32, and every
/// `offset + inputs.len()` at most `weights.len()`.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sum, &offset) in sums.iter_mut().zip(offsets) {
        // SAFETY: within `weights`, by the contract.
        let set = unsafe { weights.as_ptr().add(offset as usize) };
        let mut a = _mm512_setzero_si512();
        for i in (0..inputs.len()).step_by(32) {
            // SAFETY: `i + 32 <= inputs.len()`, and the set is as long.
            unsafe {
                let x = _mm512_loadu_si512(inputs.as_ptr().add(i).cast());
                let w = _mm512_loadu_si512(set.add(i).cast());
                a = _mm512_add_epi32(a, _mm512_madd_epi16(x, w));
            }
        }
        *sum = _mm512_reduce_add_epi32(a);
    }
}

/// # Safety
/// As [`dot_sets`].
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn train_sets(inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    for (&error, &offset) in errors.iter().zip(offsets) {
        if error == 0 {
            continue;
        }
        // SAFETY: within `weights`, by the contract.
        let set = unsafe { weights.as_mut_ptr().add(offset as usize) };
        let e = _mm512_set1_epi16(error);
        for i in (0..inputs.len()).step_by(32) {
            // SAFETY: `i + 32 <= inputs.len()`, and the set is as long.
            unsafe {
                let x = _mm512_loadu_si512(inputs.as_ptr().add(i).cast());
                let w = set.add(i);
                let moved = _mm512_adds_epi16(_mm512_loadu_si512(w.cast()), _mm512_mulhrs_epi16(x, e));
                _mm512_storeu_si512(w.cast(), moved);
            }
        }
    }
}
