//! 512-bit twins. They need AVX-512 F, BW, VL, VBMI and VNNI.

use std::arch::x86_64::*;

use super::{BLOCK, BY_CONTEXT, Blocks, ByContext, LANES, PANEL_SUMS, Simd, Steps, Work, avx2};
use crate::LOGIT_LIMIT;

/// Work compiled for machines of this sort.
///
/// # Safety
/// The features must be there.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni,bmi1,bmi2,lzcnt,popcnt")]
pub(super) unsafe fn run<W: Work>(work: W) -> W::Output {
    work.run(Simd::Avx512)
}

/// The sums of four vectors' lanes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn four_sums([a, b, c, d]: [__m512i; 4]) -> __m128i {
    let ab = _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let cd = _mm512_add_epi32(_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    let all = _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd));
    let half = _mm256_add_epi32(_mm512_castsi512_si256(all), _mm512_extracti64x4_epi64::<1>(all));
    _mm_add_epi32(_mm256_castsi256_si128(half), _mm256_extracti128_si256::<1>(half))
}

/// 64 bytes, by quarters: what was just stored so need not reach the cache first.
///
/// # Safety
/// There must be as many.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
unsafe fn by_quarters(from: *const i16) -> __m512i {
    // SAFETY: by the contract.
    let half = |i: usize| unsafe { avx2::by_halves(from.add(16 * i)) };
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(half(0)), half(1))
}

/// The sums of up to `N` sets, 4 or 8, in one pass over the inputs, by fours. Where `offsets` has
/// fewer, the last makes up for the others.
///
/// # Safety
/// As [`dot_sets`], and `offsets` must not be empty.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
unsafe fn dot_together<const N: usize>(inputs: &[i16], weights: &[i16], offsets: &[u32]) -> [__m128i; 2] {
    let last = offsets.len() - 1;
    let mut sets = [weights.as_ptr(); N];
    for (k, set) in sets.iter_mut().enumerate() {
        // SAFETY: within `weights`, by the contract.
        *set = unsafe { set.add(offsets[k.min(last)] as usize) };
    }
    let mut totals = [_mm512_setzero_si512(); N];
    let mut i = 0;
    while i < inputs.len() {
        // SAFETY: `i + 32 <= inputs.len()`, and the sets are as long.
        unsafe {
            let x = by_quarters(inputs.as_ptr().add(i));
            for (total, set) in totals.iter_mut().zip(sets) {
                *total = _mm512_dpwssd_epi32(*total, x, _mm512_loadu_si512(set.add(i).cast()));
            }
        }
        i += 32;
    }
    let (fours, _) = totals.as_chunks::<4>();
    [four_sums(fours[0]), if N > 4 { four_sums(fours[N / 4 - 1]) } else { _mm_setzero_si128() }]
}

/// The sums of up to eight sets.
///
/// # Safety
/// As [`dot_together`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
unsafe fn dot_eight(inputs: &[i16], weights: &[i16], offsets: &[u32]) -> [__m128i; 2] {
    // SAFETY: by the same contract.
    unsafe {
        if offsets.len() <= 4 {
            dot_together::<4>(inputs, weights, offsets)
        } else {
            dot_together::<8>(inputs, weights, offsets)
        }
    }
}

/// # Safety
/// The features must be there; `inputs.len()` must be a multiple of 32, and every
/// `offset + inputs.len()` at most `weights.len()`.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sums, offsets) in sums.chunks_mut(8).zip(offsets.chunks(8)) {
        let mut eight = [0; 8];
        // SAFETY: by the same contract; eight sums of four bytes.
        unsafe {
            let [lower, upper] = dot_eight(inputs, weights, offsets);
            _mm_storeu_si128(eight.as_mut_ptr().cast(), lower);
            _mm_storeu_si128(eight.as_mut_ptr().add(4).cast(), upper);
        }
        for (sum, total) in sums.iter_mut().zip(eight) {
            *sum = total;
        }
    }
}

/// # Safety
/// As [`dot_sets`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn mix_sets(
    inputs: &[i16],
    weights: &[i16],
    offsets: &[u32],
    shift: u32,
    logits: &mut [i16; LANES],
) {
    let (least, most) = (_mm256_set1_epi32(-LOGIT_LIMIT), _mm256_set1_epi32(LOGIT_LIMIT));
    let shift = _mm_cvtsi32_si128(shift as i32);
    let mut offsets = offsets.chunks(8);
    for eight in logits.as_chunks_mut::<8>().0 {
        let mut mixed = _mm_setzero_si128();
        if let Some(offsets) = offsets.next() {
            // SAFETY: by the same contract.
            let [lower, upper] = unsafe { dot_eight(inputs, weights, offsets) };
            let sums = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(lower), upper);
            let sums = _mm256_sra_epi32(sums, shift);
            let limited = _mm256_min_epi32(_mm256_max_epi32(sums, least), most);
            let there = super::contexts::lowest(offsets.len()) as u8;
            mixed = _mm_maskz_mov_epi16(there, _mm256_cvtepi32_epi16(limited));
        }
        // SAFETY: eight logits of two bytes.
        unsafe { _mm_storeu_si128(eight.as_mut_ptr().cast(), mixed) };
    }
}

/// # Safety
/// As [`dot_sets`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn train_sets(inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    for (&error, &offset) in errors.iter().zip(offsets) {
        if error == 0 {
            continue;
        }
        // SAFETY: within `weights`, by the contract.
        let set = unsafe { weights.as_mut_ptr().add(offset as usize) };
        let e = _mm512_set1_epi16(error);
        let mut i = 0;
        while i < inputs.len() {
            // SAFETY: `i + 32 <= inputs.len()`, and the set is as long.
            unsafe {
                let x = _mm512_loadu_si512(inputs.as_ptr().add(i).cast());
                let w = set.add(i);
                let moved = _mm512_adds_epi16(_mm512_loadu_si512(w.cast()), _mm512_mulhrs_epi16(x, e));
                _mm512_storeu_si512(w.cast(), moved);
            }
            i += 32;
        }
    }
}

/// For [`turn`]: column `4 * k + c` of 32 bytes' rows, for each `k`; rows 8 to 15 come from
/// another pair of vectors.
static TURNS: [[u8; 64]; 4] = {
    let mut turns = [[0; 64]; 4];
    let mut i = 0;
    while i < 256 {
        turns[i / 64][i % 64] = ((i % 8) * 16 + i / 16) as u8;
        i += 1;
    }
    turns
};

/// # Safety
/// The features must be there.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn turn(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    let (from, to) = (from.as_ptr().cast::<i16>(), to.as_mut_ptr().cast::<u8>());
    // SAFETY: four times 64 bytes each.
    unsafe {
        let four = |i: usize| by_quarters(from.add(32 * i));
        let rows = [four(0), four(1), four(2), four(3)];
        for (i, turn) in TURNS.iter().enumerate() {
            let turn = _mm512_loadu_si512(turn.as_ptr().cast());
            let upper_rows = _mm512_permutex2var_epi8(rows[2], turn, rows[3]);
            let lower_rows = _mm512_permutex2var_epi8(rows[0], turn, rows[1]);
            let columns = _mm512_mask_blend_epi64(0b1010_1010, lower_rows, upper_rows);
            _mm512_storeu_si512(to.add(64 * i).cast(), columns);
        }
    }
}

/// The entries of 16 contexts from context `first` on.
///
/// # Safety
/// `map` must have rows of `CLASSES` for all 16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
unsafe fn look_up<const CLASSES: usize>(map: &[u32], first: usize, classes: &[u8; BLOCK]) -> __m512i {
    let (eights, _) = classes.as_chunks::<8>();
    // SAFETY: by the contract.
    let eight = |i: usize| unsafe { avx2::look_up::<CLASSES>(map, first + 8 * i, &eights[i]) };
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(eight(0)), eight(1))
}

/// The stretched probabilities of 16 entries.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn stretched(entries: &[u32; BLOCK]) -> __m256i {
    let (eights, _) = entries.as_chunks::<8>();
    let lower = avx2::stretched(&eights[0]);
    _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(lower), avx2::stretched(&eights[1]))
}

/// What a table has for each of 64 bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn each(table: &[u8; 256], indices: __m512i) -> __m512i {
    let start = table.as_ptr();
    // SAFETY: four times 64 bytes.
    unsafe {
        let quarter = |i: usize| _mm512_loadu_si512(start.add(64 * i).cast());
        let lower = _mm512_permutex2var_epi8(quarter(0), indices, quarter(1));
        let upper = _mm512_permutex2var_epi8(quarter(2), indices, quarter(3));
        _mm512_mask_blend_epi8(_mm512_movepi8_mask(indices), lower, upper)
    }
}

/// The blocks side by side.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn joined(blocks: Blocks) -> __m512i {
    // SAFETY: 16 bytes.
    let block = |i: usize| unsafe { _mm_loadu_si128(blocks[i].as_ptr().cast()) };
    let two = |i: usize| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(block(i)), block(i + 1));
    _mm512_inserti64x4::<1>(_mm512_castsi256_si512(two(0)), two(2))
}

/// # Safety
/// The features must be there; a third of `inputs.len()` must be a multiple of 8, at most
/// [`BY_CONTEXT`], and `map` have rows of 256 for as many contexts.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn ask_histories(
    states: Blocks,
    map: &[u32],
    one_kind: &[u8; 256],
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
) {
    let width = inputs.len() / 3;
    let planes = inputs.as_mut_ptr();
    let whole = width / BLOCK;
    if whole > 0 {
        let only = _mm512_movepi8_mask(each(one_kind, joined(states)));
        for (block, states) in states.iter().enumerate().take(whole) {
            let first = BLOCK * block;
            let entries = &mut entries.0.as_chunks_mut::<BLOCK>().0[block];
            // SAFETY: `first + 16 <= width`, the planes are as wide, and the map has as many rows.
            unsafe {
                let found = look_up::<256>(map, first, states);
                _mm512_storeu_si512(entries.as_mut_ptr().cast(), found);
                let p1 = _mm512_sub_epi32(_mm512_srli_epi32::<16>(found), _mm512_set1_epi32(1 << 15));
                let distances = _mm512_cvtepi32_epi16(_mm512_srai_epi32::<6>(p1));
                _mm256_storeu_si256(planes.add(width + first).cast(), distances);
                let logits = stretched(entries);
                _mm256_storeu_si256(planes.add(first).cast(), logits);
                let one_kinds = _mm256_maskz_mov_epi16((only >> first) as u16, logits);
                _mm256_storeu_si256(planes.add(2 * width + first).cast(), one_kinds);
            }
        }
    }
    // SAFETY: by the same contract.
    unsafe { avx2::ask_histories(states, map, one_kind, entries, inputs, BLOCK * whole) };
}

/// # Safety
/// The features must be there; `inputs.len()` must be a multiple of 8, at most [`BY_CONTEXT`],
/// and `map` have rows of 128 for as many contexts.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn ask_runs(
    words: &ByContext<u32>,
    map: &[u32],
    place: (u32, u32),
    classes: &mut ByContext<u8>,
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
) {
    let one = _mm512_set1_epi32(1);
    let path = _mm512_set1_epi32(place.0 as i32);
    let seen = _mm_cvtsi32_si128(16 - place.1 as i32);
    let next = _mm_cvtsi32_si128(15 - place.1 as i32);
    let whole = inputs.len() / BLOCK;
    for (words, classes) in
        words.0.as_chunks::<BLOCK>().0.iter().zip(classes.0.as_chunks_mut::<BLOCK>().0).take(whole)
    {
        // SAFETY: 16 of each.
        unsafe {
            let words = _mm512_loadu_si512(words.as_ptr().cast());
            let counts = _mm512_and_si512(words, _mm512_set1_epi32(63));
            let way = _mm512_or_si512(_mm512_srli_epi32::<16>(words), _mm512_set1_epi32(1 << 16));
            let holds = _mm512_cmpeq_epi32_mask(_mm512_srl_epi32(way, seen), path)
                & _mm512_test_epi32_mask(counts, counts);
            let bits = _mm512_and_si512(_mm512_srl_epi32(way, next), one);
            let class = _mm512_maskz_or_epi32(holds, _mm512_slli_epi32::<1>(counts), bits);
            _mm_storeu_si128(classes.as_mut_ptr().cast(), _mm512_cvtepi32_epi8(class));
        }
    }
    for block in 0..whole {
        let entries = &mut entries.0.as_chunks_mut::<BLOCK>().0[block];
        let inputs = &mut inputs.as_chunks_mut::<BLOCK>().0[block];
        // SAFETY: 16 of each, and the map has as many rows.
        unsafe {
            let found = look_up::<128>(map, BLOCK * block, &classes.0.as_chunks().0[block]);
            _mm512_storeu_si512(entries.as_mut_ptr().cast(), found);
            _mm256_storeu_si256(inputs.as_mut_ptr().cast(), stretched(entries));
        }
    }
    // SAFETY: by the same contract.
    unsafe { avx2::ask_runs(words, map, place, classes, entries, inputs, BLOCK * whole) };
}

/// [`moved`](crate::moved), 16 at a time.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
fn moved(entries: __m512i, target: __m512i, limit: __m512i) -> __m512i {
    let n = _mm512_and_si512(entries, _mm512_set1_epi32(1023));
    let p = _mm512_srli_epi32::<10>(entries);
    // The quotient is a whole number or at least 1/(2n + 3) below one, and a float errs by less
    // than a fiftieth of that: it is rounded down to the same.
    let twice = _mm512_add_epi32(_mm512_add_epi32(n, n), _mm512_set1_epi32(3));
    let quotient = _mm512_div_ps(_mm512_set1_ps(131_072.0), _mm512_cvtepi32_ps(twice));
    let reciprocal = _mm512_cvttps_epi32(quotient);
    let error = _mm512_sub_epi32(target, p);
    let even = _mm512_mul_epi32(error, reciprocal);
    let odd = _mm512_mul_epi32(_mm512_srli_epi64::<32>(error), _mm512_srli_epi64::<32>(reciprocal));
    let step = _mm512_mask_blend_epi32(
        0b1010_1010_1010_1010,
        _mm512_srli_epi64::<16>(even),
        _mm512_slli_epi64::<16>(odd),
    );
    let younger = _mm512_cmplt_epi32_mask(n, limit);
    let n = _mm512_mask_add_epi32(n, younger, n, _mm512_set1_epi32(1));
    _mm512_or_si512(_mm512_slli_epi32::<10>(_mm512_add_epi32(p, step)), n)
}

/// # Safety
/// The features must be there; `width` must be a multiple of 8, at most [`BY_CONTEXT`], and
/// `map` have rows of `CLASSES` for as many contexts.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn teach<const CLASSES: usize>(
    map: &mut [u32],
    classes: Blocks,
    entries: &ByContext<u32>,
    width: usize,
    bit: bool,
    limit: u32,
) {
    let target = _mm512_set1_epi32(if bit { (1 << 22) - 1 } else { 0 });
    let most = _mm512_set1_epi32(limit as i32);
    let whole = width / BLOCK;
    for (block, classes) in classes.iter().enumerate().take(whole) {
        let entries = &entries.0.as_chunks::<BLOCK>().0[block];
        let mut new = [0u32; BLOCK];
        // SAFETY: 16 of each.
        unsafe {
            let class = _mm512_cvtepu8_epi32(_mm_loadu_si128(classes.as_ptr().cast()));
            let learns = _mm512_test_epi32_mask(class, _mm512_set1_epi32(CLASSES as i32 - 1));
            let old = _mm512_loadu_si512(entries.as_ptr().cast());
            let new_entries = _mm512_mask_mov_epi32(old, learns, moved(old, target, most));
            _mm512_storeu_si512(new.as_mut_ptr().cast(), new_entries);
        }
        for i in 0..BLOCK {
            let class = usize::from(classes[i]) & (CLASSES - 1);
            // SAFETY: the map has `width` rows, and the class is below `CLASSES`.
            unsafe { *map.get_unchecked_mut((BLOCK * block + i) * CLASSES + class) = new[i] };
        }
    }
    // SAFETY: by the same contract.
    unsafe { avx2::teach::<CLASSES>(map, classes, entries, (BLOCK * whole, width), bit, limit) };
}

/// # Safety
/// The features must be there; `node` must be below 16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn step(
    nodes: &mut [[[u8; BLOCK]; 16]; BY_CONTEXT / BLOCK],
    node: usize,
    contexts: usize,
    steps: &Steps,
    bit: bool,
    random: &[u64; BY_CONTEXT / 8],
) {
    let old = joined([&nodes[0][node], &nodes[1][node], &nodes[2][node], &nodes[3][node]]);
    // One word at a time: as they were just stored.
    let two = |i: usize| _mm_insert_epi64::<1>(_mm_cvtsi64_si128(random[i] as i64), random[i + 1] as i64);
    let four = |i: usize| _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(two(i)), two(i + 2));
    let random = _mm512_inserti64x4::<1>(_mm512_castsi256_si512(four(0)), four(4));
    let mut new = each(steps.plane(bit, 3), old);
    for k in 0..3 {
        // The bounds never fall: who reaches the last has reached the others.
        let reached = _mm512_cmpge_epu8_mask(random, each(steps.plane(bit, k), old));
        new = _mm512_mask_mov_epi8(new, reached, each(steps.plane(bit, 4 + k), old));
    }
    let new = _mm512_mask_mov_epi8(old, super::contexts::lowest(contexts), new);
    let mut put = |i: usize, block: __m128i| {
        // SAFETY: 16 bytes.
        unsafe { _mm_storeu_si128(nodes[i][node].as_mut_ptr().cast(), block) };
    };
    put(0, _mm512_castsi512_si128(new));
    if contexts > BLOCK {
        put(1, _mm512_extracti32x4_epi32::<1>(new));
        if contexts > 2 * BLOCK {
            put(2, _mm512_extracti32x4_epi32::<2>(new));
            put(3, _mm512_extracti32x4_epi32::<3>(new));
        }
    }
}

/// # Safety
/// The features must be there; `lines.len()` must be a power of two.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn find_slots(
    lines: &[[u8; 64]],
    hashes: &[u64],
    found: &mut [u32],
    slots: &mut [[u8; 16]; BLOCK],
) {
    // The first states of the four slots, as the lowest words.
    let states = _mm512_castsi128_si512(_mm_setr_epi8(1, 0, 17, 0, 33, 0, 49, 0, 0, 0, 0, 0, 0, 0, 0, 0));
    for ((&h, found), content) in hashes.iter().zip(found).zip(slots) {
        let index = h as usize & (lines.len() - 1);
        // SAFETY: the index is below the length, a power of two.
        let line = unsafe { lines.get_unchecked(index) };
        // SAFETY: 64 bytes.
        let bytes = unsafe { _mm512_loadu_si512(line.as_ptr().cast()) };
        let check = (h >> 56) as i8;
        let matches = _mm512_cmpeq_epi8_mask(bytes, _mm512_set1_epi8(check)) & 0x0001_0001_0001_0001;
        let ranks = _mm512_castsi512_si128(_mm512_maskz_permutexvar_epi8(0b0101_0101, states, bytes));
        let ranks = _mm_or_si128(ranks, _mm_set_epi64x(-1, 0));
        // The least, and above it where it was first.
        let least = _mm_cvtsi128_si32(_mm_minpos_epu16(ranks)) as u32 >> 16;
        let same = matches.trailing_zeros() >> 4;
        let slot = std::hint::select_unpredictable(matches != 0, same, least) as usize & 3;
        let kept = if matches != 0 { 0xfffe } else { 0 };
        *found = (index * 4 + slot) as u32;
        // SAFETY: the slot is one of the line's four; 16 bytes.
        unsafe {
            let kept = _mm_maskz_loadu_epi8(kept, line.as_ptr().add(16 * slot).cast());
            let with_check = _mm_insert_epi8::<0>(kept, i32::from(check));
            _mm_storeu_si128(content.as_mut_ptr().cast(), with_check);
        }
    }
}

/// # Safety
/// The features must be there; lengths as in [`avx2::multiply`].
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vbmi,avx512vnni")]
pub(super) unsafe fn multiply(inputs: &[i16], weights: &[i8], sums: &mut [i32]) {
    let panel_bytes = inputs.len() * PANEL_SUMS;
    for (panel, sums) in sums.as_chunks_mut::<PANEL_SUMS>().0.iter_mut().enumerate() {
        let mut totals = [_mm512_setzero_si512(); PANEL_SUMS / 16];
        // SAFETY: panels are as long, by the contract.
        let mut at = unsafe { weights.as_ptr().add(panel * panel_bytes) };
        for pair in inputs.as_chunks::<2>().0 {
            let pair = i32::from(pair[0]) & 0xffff | i32::from(pair[1]) << 16;
            let x = _mm512_set1_epi32(pair);
            for total in &mut totals {
                // SAFETY: a pair of rows has 128 weights in a panel.
                unsafe {
                    let pairs = _mm512_cvtepi8_epi16(_mm256_loadu_si256(at.cast()));
                    *total = _mm512_dpwssd_epi32(*total, pairs, x);
                    at = at.add(32);
                }
            }
        }
        for (total, sums) in totals.into_iter().zip(sums.as_chunks_mut::<16>().0) {
            // SAFETY: sixteen sums.
            unsafe { _mm512_storeu_si512(sums.as_mut_ptr().cast(), total) };
        }
    }
}
