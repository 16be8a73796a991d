//! 256-bit twins.

use std::arch::x86_64::*;

use super::{BLOCK, BY_CONTEXT, Blocks, ByContext, LANES, PANEL_SUMS, Simd, Steps, Work};
use crate::{LOGIT_LIMIT, stretch};

/// Work compiled for machines of this sort.
///
/// # Safety
/// The features must be there.
#[target_feature(enable = "avx2,bmi1,bmi2,lzcnt,popcnt")]
pub(super) unsafe fn run<W: Work>(work: W) -> W::Output {
    work.run(Simd::Avx2)
}

/// Sixteen bytes from memory, by a load of their own: the compiler would make one of neighbours, and a
/// load that takes bytes of several stores waits until all of these have reached the cache.
///
/// # Safety
/// There must be as many.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn apart(from: *const i16) -> __m128i {
    // SAFETY: by the contract.
    let mut bytes = unsafe { _mm_loadu_si128(from.cast()) };
    // SAFETY: nothing is done.
    unsafe {
        std::arch::asm!("/* {0} */", inout(xmm_reg) bytes, options(pure, nomem, nostack, preserves_flags))
    };
    bytes
}

/// 32 bytes, by halves: what was just stored so need not reach the cache first.
///
/// # Safety
/// There must be as many.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn by_halves(from: *const i16) -> __m256i {
    // SAFETY: by the contract.
    let half = |i: usize| unsafe { apart(from.add(8 * i)) };
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(half(0)), half(1))
}

/// The sums of up to four sets in one pass over the inputs. Where `offsets` has fewer, zeros.
///
/// # Safety
/// As [`dot_sets`].
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn dot_four(inputs: &[i16], weights: &[i16], offsets: &[u32]) -> __m128i {
    let mut totals = [_mm256_setzero_si256(); 4];
    let mut i = 0;
    while i < inputs.len() {
        // SAFETY: `i + 16 <= inputs.len()`, and the sets are as long and within `weights`.
        unsafe {
            let x = by_halves(inputs.as_ptr().add(i));
            for (total, &offset) in totals.iter_mut().zip(offsets) {
                let w = _mm256_loadu_si256(weights.as_ptr().add(offset as usize + i).cast());
                *total = _mm256_add_epi32(*total, _mm256_madd_epi16(x, w));
            }
        }
        i += 16;
    }
    let [a, b, c, d] = totals;
    let all = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
    _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256::<1>(all))
}

/// # Safety
/// AVX2 must be there; `inputs.len()` must be a multiple of 32, and every
/// `offset + inputs.len()` at most `weights.len()`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sums, offsets) in sums.chunks_mut(4).zip(offsets.chunks(4)) {
        // SAFETY: by the same contract.
        let four = unsafe { dot_four(inputs, weights, offsets) };
        sums[0] = _mm_extract_epi32::<0>(four);
        if sums.len() > 1 {
            sums[1] = _mm_extract_epi32::<1>(four);
        }
        if sums.len() > 2 {
            sums[2] = _mm_extract_epi32::<2>(four);
        }
        if sums.len() > 3 {
            sums[3] = _mm_extract_epi32::<3>(four);
        }
    }
}

/// # Safety
/// As [`dot_sets`].
#[inline]
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

/// Of up to eight sets.
///
/// # Safety
/// As [`dot_sets`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn mix_few(
    inputs: &[i16],
    weights: &[i16],
    offsets: &[u32],
    shift: u32,
    logits: &mut [i16; LANES],
) {
    let (least, most) = (_mm_set1_epi32(-LOGIT_LIMIT), _mm_set1_epi32(LOGIT_LIMIT));
    let shift = _mm_cvtsi32_si128(shift as i32);
    let four = |offsets: &[u32]| {
        // SAFETY: by the contract.
        let sums = unsafe { dot_four(inputs, weights, offsets) };
        _mm_min_epi32(_mm_max_epi32(_mm_sra_epi32(sums, shift), least), most)
    };
    let (lower, upper) = offsets.split_at(offsets.len().min(4));
    let upper = if upper.is_empty() { _mm_setzero_si128() } else { four(upper) };
    let packed = _mm_packs_epi32(four(lower), upper);
    // SAFETY: 32 logits of two bytes.
    unsafe {
        // One store, so that the second layer need not wait for several.
        _mm_storeu_si128(logits.as_mut_ptr().cast(), packed);
        for rest in 1..4 {
            _mm_storeu_si128(logits.as_mut_ptr().add(8 * rest).cast(), _mm_setzero_si128());
        }
    }
}

/// The sums of eight products each.
///
/// # Safety
/// AVX2 must be there; there must be eight inputs and, from each offset on, eight weights.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn dot_few(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    // SAFETY: by the contract.
    let x = unsafe { apart(inputs.as_ptr()) };
    for (sum, &offset) in sums.iter_mut().zip(offsets) {
        // SAFETY: by the contract.
        let w = unsafe { _mm_loadu_si128(weights.as_ptr().add(offset as usize).cast()) };
        let fours = _mm_madd_epi16(x, w);
        let twos = _mm_add_epi32(fours, _mm_shuffle_epi32::<0b01_00_11_10>(fours));
        let ones = _mm_add_epi32(twos, _mm_shuffle_epi32::<0b00_00_00_01>(twos));
        *sum = _mm_cvtsi128_si32(ones);
    }
}

/// # Safety
/// As [`dot_few`].
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn train_few(inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    // SAFETY: by the contract.
    let x = unsafe { _mm_loadu_si128(inputs.as_ptr().cast()) };
    for (&error, &offset) in errors.iter().zip(offsets) {
        // SAFETY: by the contract.
        unsafe {
            let w = weights.as_mut_ptr().add(offset as usize).cast();
            let moved = _mm_adds_epi16(_mm_loadu_si128(w), _mm_mulhrs_epi16(x, _mm_set1_epi16(error)));
            _mm_storeu_si128(w, moved);
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

/// One round of half as many rows.
#[inline]
#[target_feature(enable = "avx2")]
fn shuffled_eight([a, b, c, d, e, f, g, h]: [__m128i; 8]) -> [__m128i; 8] {
    [
        _mm_unpacklo_epi8(a, e),
        _mm_unpackhi_epi8(a, e),
        _mm_unpacklo_epi8(b, f),
        _mm_unpackhi_epi8(b, f),
        _mm_unpacklo_epi8(c, g),
        _mm_unpackhi_epi8(c, g),
        _mm_unpacklo_epi8(d, h),
        _mm_unpackhi_epi8(d, h),
    ]
}

/// As [`turn`], of the first eight rows: of a column the first eight bytes, the others stay.
///
/// # Safety
/// AVX2 must be there.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn turn_eight_rows(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    // SAFETY: every row has 16 bytes.
    let row = |i: usize| unsafe { _mm_loadu_si128(from[i].as_ptr().cast()) };
    let rows = [row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)];
    let pairs = shuffled_eight(shuffled_eight(shuffled_eight(rows)));
    for (columns, pair) in to.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
        // SAFETY: every column has 16 bytes, eight of which are written.
        unsafe {
            _mm_storel_epi64(columns[0].as_mut_ptr().cast(), pair);
            _mm_storel_epi64(columns[1].as_mut_ptr().cast(), _mm_unpackhi_epi64(pair, pair));
        }
    }
}

/// As [`turn`], of the first eight bytes of each row: the first eight columns, the others stay.
///
/// # Safety
/// AVX2 must be there.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn turn_eight_columns(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    // SAFETY: every row has 16 bytes.
    let half = |i: usize| unsafe { _mm_loadl_epi64(from[i].as_ptr().cast()) };
    let pair = |i: usize| _mm_unpacklo_epi64(half(2 * i), half(2 * i + 1));
    let pairs = [pair(0), pair(1), pair(2), pair(3), pair(4), pair(5), pair(6), pair(7)];
    // Seven rounds would be none, and rows to columns were three.
    let columns = shuffled_eight(shuffled_eight(shuffled_eight(shuffled_eight(pairs))));
    for (to, column) in to.iter_mut().zip(columns) {
        // SAFETY: 16 bytes.
        unsafe { _mm_storeu_si128(to.as_mut_ptr().cast(), column) };
    }
}

/// # Safety
/// AVX2 must be there.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn turn(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    // SAFETY: every row has 16 bytes.
    let row = |i: usize| unsafe { _mm_loadu_si128(from[i].as_ptr().cast()) };
    let mut rows = [
        row(0),
        row(1),
        row(2),
        row(3),
        row(4),
        row(5),
        row(6),
        row(7),
        row(8),
        row(9),
        row(10),
        row(11),
        row(12),
        row(13),
        row(14),
        row(15),
    ];
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
        let mut only = [0; 8];
        for (only, &state) in only.iter_mut().zip(eight) {
            *only = one_kind[usize::from(state)];
        }
        let only = u64::from_le_bytes(only);
        let entries = &mut entries.0.as_chunks_mut::<8>().0[first / 8];
        // SAFETY: `first + 8 <= width`, the planes are as wide, and the map has as many rows.
        unsafe {
            let only = _mm_cvtepi8_epi16(_mm_cvtsi64_si128(only as i64));
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
    (path, depth): (u32, u32),
    classes: &mut ByContext<u8>,
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
    first: usize,
) {
    let one = _mm256_set1_epi32(1);
    let path = _mm256_set1_epi32(path as i32);
    let seen = _mm_cvtsi32_si128(16 - depth as i32);
    let next = _mm_cvtsi32_si128(15 - depth as i32);
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
            let way = _mm256_or_si256(_mm256_srli_epi32::<16>(words), _mm256_set1_epi32(1 << 16));
            let agrees = _mm256_cmpeq_epi32(_mm256_srl_epi32(way, seen), path);
            let holds = _mm256_and_si256(agrees, _mm256_cmpgt_epi32(counts, _mm256_setzero_si256()));
            let bits = _mm256_and_si256(_mm256_srl_epi32(way, next), one);
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

/// # Safety
/// AVX2 must be there; `contexts` must be at most [`BY_CONTEXT`] and `node` below 16.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn step(
    nodes: &mut [[[u8; BLOCK]; 16]; BY_CONTEXT / BLOCK],
    node: usize,
    contexts: usize,
    steps: &Steps,
    bit: bool,
    random: &[u64; BY_CONTEXT / 8],
) {
    let four = |states: [u8; 4], random: __m256i, spread: &[u8; 32]| {
        let word = |i: usize| _mm_cvtsi64_si128(steps.word(states[i], bit) as i64);
        let lower = _mm_unpacklo_epi64(word(0), word(1));
        let upper = _mm_unpacklo_epi64(word(2), word(3));
        let words = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(lower), upper);
        // SAFETY: 32 bytes.
        let spread = unsafe { _mm256_loadu_si256(spread.as_ptr().cast()) };
        let random = _mm256_shuffle_epi8(random, spread);
        let reached = _mm256_cmpeq_epi8(_mm256_max_epu8(random, words), random);
        // The first three bytes of a word are its bounds: eight more bits for each one reached.
        let eights = _mm256_and_si256(reached, _mm256_set1_epi64x(0x08_0808));
        let shift = _mm256_sad_epu8(eights, _mm256_setzero_si256());
        let next = _mm256_srlv_epi64(_mm256_srli_epi64::<24>(words), shift);
        // SAFETY: 32 bytes.
        let low_bytes = unsafe { _mm256_loadu_si256(LOW_BYTES.as_ptr().cast()) };
        let low = _mm256_shuffle_epi8(next, low_bytes);
        let pairs = _mm_or_si128(_mm256_castsi256_si128(low), _mm256_extracti128_si256::<1>(low));
        _mm_cvtsi128_si32(pairs) as u32
    };
    let mut first = 0;
    while first < contexts {
        let eight = &mut nodes[first / BLOCK][node].as_chunks_mut::<8>().0[first % BLOCK / 8];
        let states = *eight;
        let random = _mm256_set1_epi64x(random[first / 8] as i64);
        let [a, b, c, d, e, f, g, h] = states;
        let lower = four([a, b, c, d], random, &SPREADS[0]);
        let upper = four([e, f, g, h], random, &SPREADS[1]);
        let new = u64::from(lower) | u64::from(upper) << 32;
        let there = super::contexts::lowest(8 * (contexts - first).min(8));
        let old = u64::from_le_bytes(states);
        *eight = (old & !there | new & there).to_le_bytes();
        first += 8;
    }
}

/// Each of four bytes to a word of its own: the lower four of eight, and the upper.
static SPREADS: [[u8; 32]; 2] = {
    let mut spreads = [[0; 32]; 2];
    let mut i = 0;
    while i < 64 {
        spreads[i / 32][i % 32] = (i / 8) as u8;
        i += 1;
    }
    spreads
};

/// The lowest bytes of four words, two to a half.
static LOW_BYTES: [i8; 32] = {
    let mut order = [-1; 32];
    (order[0], order[1], order[18], order[19]) = (0, 8, 0, 8);
    order
};

/// # Safety
/// AVX2 must be there; `lines.len()` must be a power of two.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn find_slots(
    lines: &[[u8; 64]],
    hashes: &[u64],
    found: &mut [u32],
    slots: &mut [[u8; 16]; BLOCK],
) {
    for ((&h, found), content) in hashes.iter().zip(found).zip(slots) {
        let index = h as usize & (lines.len() - 1);
        // SAFETY: the index is below the length, a power of two.
        let line = unsafe { lines.get_unchecked(index) };
        let check = (h >> 56) as u8;
        let head = |slot: usize| i32::from(u16::from_le_bytes([line[16 * slot], line[16 * slot + 1]]));
        let heads = _mm_cvtsi32_si128(head(0));
        let heads = _mm_insert_epi16::<2>(heads, head(1));
        let heads = _mm_insert_epi16::<4>(heads, head(2));
        let heads = _mm_insert_epi16::<6>(heads, head(3));
        let checks = _mm_and_si128(heads, _mm_set1_epi32(0xff));
        let same = _mm_cmpeq_epi32(checks, _mm_set1_epi32(i32::from(check)));
        let matches = _mm_movemask_ps(_mm_castsi128_ps(same)) as u32;
        // Words of states, each below one of all ones.
        let ranks = _mm_or_si128(_mm_srli_epi32::<8>(heads), _mm_set1_epi32(0xffff_0000u32 as i32));
        let least = _mm_cvtsi128_si32(_mm_minpos_epu16(ranks)) as u32 >> 17;
        let slot =
            std::hint::select_unpredictable(matches != 0, matches.trailing_zeros(), least) as usize & 3;
        let kept = i64::from(matches != 0).wrapping_neg();
        *found = (index * 4 + slot) as u32;
        // SAFETY: the slot is one of the line's four; 16 bytes.
        unsafe {
            let bytes = _mm_loadu_si128(line.as_ptr().add(16 * slot).cast());
            let kept = _mm_and_si128(bytes, _mm_set1_epi64x(kept));
            let with_check = _mm_insert_epi8::<0>(kept, i32::from(check));
            _mm_storeu_si128(content.as_mut_ptr().cast(), with_check);
        }
    }
}

/// # Safety
/// AVX2 must be there; `inputs.len()` must be even, `sums.len()` a multiple of [`PANEL_SUMS`], and
/// `weights.len()` their product.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) unsafe fn multiply(inputs: &[i16], weights: &[i8], sums: &mut [i32]) {
    let panel_bytes = inputs.len() * PANEL_SUMS;
    for (panel, sums) in sums.as_chunks_mut::<PANEL_SUMS>().0.iter_mut().enumerate() {
        let mut totals = [_mm256_setzero_si256(); PANEL_SUMS / 8];
        // SAFETY: panels are as long, by the contract.
        let mut at = unsafe { weights.as_ptr().add(panel * panel_bytes) };
        for pair in inputs.as_chunks::<2>().0 {
            let pair = i32::from(pair[0]) & 0xffff | i32::from(pair[1]) << 16;
            let x = _mm256_set1_epi32(pair);
            for total in &mut totals {
                // SAFETY: a pair of rows has 128 weights in a panel.
                unsafe {
                    let pairs = _mm256_cvtepi8_epi16(_mm_loadu_si128(at.cast()));
                    *total = _mm256_add_epi32(*total, _mm256_madd_epi16(pairs, x));
                    at = at.add(16);
                }
            }
        }
        for (total, sums) in totals.into_iter().zip(sums.as_chunks_mut::<8>().0) {
            // SAFETY: eight sums.
            unsafe { _mm256_storeu_si256(sums.as_mut_ptr().cast(), total) };
        }
    }
}
