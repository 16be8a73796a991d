//! 256-bit twins.

use std::arch::x86_64::*;

use super::{BLOCK, Blocks, ByContext};
use crate::stretch;

/// # Safety
/// AVX2 must be there; `inputs.len()` must be a multiple of 32, and every
/// `offset + inputs.len()` at most `weights.len()`.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sum, &offset) in sums.iter_mut().zip(offsets) {
        // SAFETY: within `weights`, by the contract.
        let set = unsafe { weights.as_ptr().add(offset as usize) };
        let (mut a, mut b) = (_mm256_setzero_si256(), _mm256_setzero_si256());
        let mut i = 0;
        while i < inputs.len() {
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
            i += 32;
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
        let mut i = 0;
        while i < inputs.len() {
            // SAFETY: `i + 16 <= inputs.len()`, and the set is as long.
            unsafe {
                let x = _mm256_loadu_si256(inputs.as_ptr().add(i).cast());
                let w = set.add(i).cast();
                _mm256_storeu_si256(w, _mm256_adds_epi16(_mm256_loadu_si256(w), _mm256_mulhrs_epi16(x, e)));
            }
            i += 16;
        }
    }
}

/// One round of [`turn`].
#[inline]
#[target_feature(enable = "avx2")]
fn shuffled(rows: [__m128i; 16]) -> [__m128i; 16] {
    let lower = |i: usize| _mm_unpacklo_epi8(rows[i], rows[i + 8]);
    let upper = |i: usize| _mm_unpackhi_epi8(rows[i], rows[i + 8]);
    [
        lower(0),
        upper(0),
        lower(1),
        upper(1),
        lower(2),
        upper(2),
        lower(3),
        upper(3),
        lower(4),
        upper(4),
        lower(5),
        upper(5),
        lower(6),
        upper(6),
        lower(7),
        upper(7),
    ]
}

/// # Safety
/// AVX2 must be there.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn turn(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    // SAFETY: every row has 16 bytes.
    let mut rows: [_; 16] = std::array::from_fn(|i| unsafe { _mm_loadu_si128(from[i].as_ptr().cast()) });
    // Each round moves the highest bit of a byte's row to the lowest of its column, and all
    // others up by one; after four the two have changed places.
    rows = shuffled(rows);
    rows = shuffled(rows);
    rows = shuffled(rows);
    rows = shuffled(rows);
    for (column, row) in to.iter_mut().zip(rows) {
        // SAFETY: every column has 16 bytes.
        unsafe { _mm_storeu_si128(column.as_mut_ptr().cast(), row) };
    }
}

/// The entries of eight contexts from context `first` on. Single loads: on the machines at hand
/// they take half the time of a gathering instruction.
///
/// # Safety
/// `map` must have rows of `CLASSES` for all eight.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn look_up<const CLASSES: usize>(map: &[u32], first: usize, classes: &[u8; 8]) -> __m256i {
    let entry = |i: usize| {
        let class = usize::from(classes[i]) & (CLASSES - 1);
        // SAFETY: the context has a row, by the contract, and the class is below its length.
        unsafe { *map.get_unchecked((first + i) * CLASSES + class) as i32 }
    };
    let four = |i: usize| {
        let one = _mm_cvtsi32_si128(entry(i));
        let two = _mm_insert_epi32::<1>(one, entry(i + 1));
        let three = _mm_insert_epi32::<2>(two, entry(i + 2));
        _mm_insert_epi32::<3>(three, entry(i + 3))
    };
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(four(0)), four(4))
}

/// The stretched probabilities of eight entries.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn stretched(entries: &[u32; 8]) -> __m128i {
    let logit = |i: usize| i32::from(stretch((entries[i] >> 16) as u16));
    let logits = _mm_cvtsi32_si128(logit(0));
    let logits = _mm_insert_epi16::<1>(logits, logit(1));
    let logits = _mm_insert_epi16::<2>(logits, logit(2));
    let logits = _mm_insert_epi16::<3>(logits, logit(3));
    let logits = _mm_insert_epi16::<4>(logits, logit(4));
    let logits = _mm_insert_epi16::<5>(logits, logit(5));
    let logits = _mm_insert_epi16::<6>(logits, logit(6));
    _mm_insert_epi16::<7>(logits, logit(7))
}

/// The low halves of eight lanes.
#[inline]
#[target_feature(enable = "avx2")]
fn low_halves(x: __m256i) -> __m128i {
    let order = _mm_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
    let halves = _mm256_shuffle_epi8(x, _mm256_broadcastsi128_si256(order));
    _mm256_castsi256_si128(_mm256_permute4x64_epi64::<0b00_00_10_00>(halves))
}

/// # Safety
/// AVX2 must be there; a third of `inputs.len()` must be a multiple of 8, at most
/// [`BY_CONTEXT`](super::BY_CONTEXT), and `map` have rows of 256 for as many contexts. The
/// contexts before `first`, a multiple of 8, are left out.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn ask_histories(
    states: Blocks,
    map: &[u32],
    one_kind: &[u8; 256],
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
    first: usize,
) {
    let width = inputs.len() / 3;
    let planes = inputs.as_mut_ptr();
    let mut first = first;
    while first < width {
        let eight = &states[first / BLOCK].as_chunks::<8>().0[first % BLOCK / 8];
        let only = u64::from_le_bytes(eight.map(|state| one_kind[usize::from(state)]));
        let only = _mm_cvtepi8_epi16(_mm_cvtsi64_si128(only as i64));
        let entries = &mut entries.0.as_chunks_mut::<8>().0[first / 8];
        // SAFETY: `first + 8 <= width`, the planes are as wide, and the map has as many rows.
        unsafe {
            let found = look_up::<256>(map, first, eight);
            _mm256_storeu_si256(entries.as_mut_ptr().cast(), found);
            let p1 = _mm256_sub_epi32(_mm256_srli_epi32::<16>(found), _mm256_set1_epi32(1 << 15));
            let distances = low_halves(_mm256_srai_epi32::<6>(p1));
            _mm_storeu_si128(planes.add(width + first).cast(), distances);
            let logits = stretched(entries);
            _mm_storeu_si128(planes.add(first).cast(), logits);
            _mm_storeu_si128(planes.add(2 * width + first).cast(), _mm_and_si128(logits, only));
        }
        first += 8;
    }
}

/// # Safety
/// AVX2 must be there; `inputs.len()` must be a multiple of 8, at most
/// [`BY_CONTEXT`](super::BY_CONTEXT), and `map` have rows of 128 for as many contexts. The
/// contexts before `first`, a multiple of 8, are left out.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn ask_runs(
    words: &ByContext<u32>,
    map: &[u32],
    (partial, bit_position): (u32, u32),
    classes: &mut ByContext<u8>,
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
    first: usize,
) {
    let one = _mm256_set1_epi32(1);
    let partial = _mm256_set1_epi32(partial as i32);
    let seen = _mm_cvtsi32_si128(8 - bit_position as i32);
    let next = _mm_cvtsi32_si128(7 - bit_position as i32);
    let mut first = first;
    while first < inputs.len() {
        let words = &words.0.as_chunks::<8>().0[first / 8];
        let classes = &mut classes.0.as_chunks_mut::<8>().0[first / 8];
        let entries = &mut entries.0.as_chunks_mut::<8>().0[first / 8];
        let inputs = &mut inputs.as_chunks_mut::<8>().0[first / 8];
        // SAFETY: eight of each; the map has as many rows.
        unsafe {
            let words = _mm256_loadu_si256(words.as_ptr().cast());
            let counts = _mm256_and_si256(words, _mm256_set1_epi32(63));
            let expected = _mm256_and_si256(_mm256_srli_epi32::<8>(words), _mm256_set1_epi32(0xff));
            let expected = _mm256_or_si256(expected, _mm256_set1_epi32(0x100));
            let agrees = _mm256_cmpeq_epi32(_mm256_srl_epi32(expected, seen), partial);
            let holds = _mm256_and_si256(agrees, _mm256_cmpgt_epi32(counts, _mm256_setzero_si256()));
            let bits = _mm256_and_si256(_mm256_srl_epi32(expected, next), one);
            let class = _mm256_or_si256(_mm256_slli_epi32::<1>(counts), bits);
            let halves = low_halves(_mm256_and_si256(class, holds));
            _mm_storel_epi64(classes.as_mut_ptr().cast(), _mm_packus_epi16(halves, halves));
            let found = look_up::<128>(map, first, classes);
            _mm256_storeu_si256(entries.as_mut_ptr().cast(), found);
            _mm_storeu_si128(inputs.as_mut_ptr().cast(), stretched(entries));
        }
        first += 8;
    }
}

/// [`moved`](crate::moved), eight at a time.
#[inline]
#[target_feature(enable = "avx2")]
fn moved(entries: __m256i, target: __m256i, limit: __m256i) -> __m256i {
    let n = _mm256_and_si256(entries, _mm256_set1_epi32(1023));
    let p = _mm256_srli_epi32::<10>(entries);
    // The quotient is a whole number or at least 1/(2n + 3) below one, and a float errs by less
    // than a fiftieth of that: it is rounded down to the same.
    let twice = _mm256_add_epi32(_mm256_add_epi32(n, n), _mm256_set1_epi32(3));
    let quotient = _mm256_div_ps(_mm256_set1_ps(131_072.0), _mm256_cvtepi32_ps(twice));
    let reciprocal = _mm256_cvttps_epi32(quotient);
    let error = _mm256_sub_epi32(target, p);
    let even = _mm256_mul_epi32(error, reciprocal);
    let odd = _mm256_mul_epi32(_mm256_srli_epi64::<32>(error), _mm256_srli_epi64::<32>(reciprocal));
    let step = _mm256_blend_epi32::<0b1010_1010>(_mm256_srli_epi64::<16>(even), _mm256_slli_epi64::<16>(odd));
    // A comparison that holds is -1.
    let n = _mm256_sub_epi32(n, _mm256_cmpgt_epi32(limit, n));
    _mm256_or_si256(_mm256_slli_epi32::<10>(_mm256_add_epi32(p, step)), n)
}

/// # Safety
/// AVX2 must be there; `width` must be a multiple of 8, at most
/// [`BY_CONTEXT`](super::BY_CONTEXT), and `map` have rows of `CLASSES` for as many contexts. The
/// contexts before `first`, a multiple of 8, are left out.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn teach<const CLASSES: usize>(
    map: &mut [u32],
    classes: Blocks,
    entries: &ByContext<u32>,
    (first, width): (usize, usize),
    bit: bool,
    limit: u32,
) {
    let target = _mm256_set1_epi32(if bit { (1 << 22) - 1 } else { 0 });
    let limit = _mm256_set1_epi32(limit as i32);
    let mut first = first;
    while first < width {
        let classes = &classes[first / BLOCK].as_chunks::<8>().0[first % BLOCK / 8];
        let entries = &entries.0.as_chunks::<8>().0[first / 8];
        let mut new = [0u32; 8];
        // SAFETY: eight of each.
        unsafe {
            let class = _mm256_cvtepu8_epi32(_mm_loadl_epi64(classes.as_ptr().cast()));
            let class = _mm256_and_si256(class, _mm256_set1_epi32(CLASSES as i32 - 1));
            let stays = _mm256_cmpeq_epi32(class, _mm256_setzero_si256());
            let old = _mm256_loadu_si256(entries.as_ptr().cast());
            let new_entries = _mm256_blendv_epi8(moved(old, target, limit), old, stays);
            _mm256_storeu_si256(new.as_mut_ptr().cast(), new_entries);
        }
        for i in 0..8 {
            let class = usize::from(classes[i]) & (CLASSES - 1);
            // SAFETY: the map has `width` rows, and the class is below `CLASSES`.
            unsafe { *map.get_unchecked_mut((first + i) * CLASSES + class) = new[i] };
        }
        first += 8;
    }
}
