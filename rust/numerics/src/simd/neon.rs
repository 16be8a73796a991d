//! 128-bit twins for AArch64, whose every machine has them. What looks things up in tables one by one
//! (histories, runs, slots, steps) is left to the compiler.

use std::arch::aarch64::*;

use super::{BLOCK, Blocks, ByContext, LANES, PANEL_SUMS, scalar};
use crate::LOGIT_LIMIT;

/// The sums of up to four sets in one pass over the inputs. Where `offsets` has fewer, zeros.
///
/// # Safety
/// As [`dot_sets`].
#[inline(always)]
unsafe fn dot_four(inputs: &[i16], weights: &[i16], offsets: &[u32]) -> int32x4_t {
    // Two for each set, so that fewer products wait for the one before.
    // SAFETY: every machine of this sort has the instructions.
    let mut totals = [[unsafe { vdupq_n_s32(0) }; 2]; 4];
    let mut i = 0;
    while i < inputs.len() {
        // SAFETY: `i + 8 <= inputs.len()`, and the sets are as long and within `weights`.
        unsafe {
            let x = vld1q_s16(inputs.as_ptr().add(i));
            for ([lower, upper], &offset) in totals.iter_mut().zip(offsets) {
                let w = vld1q_s16(weights.as_ptr().add(offset as usize + i));
                *lower = vmlal_s16(*lower, vget_low_s16(x), vget_low_s16(w));
                *upper = vmlal_high_s16(*upper, x, w);
            }
        }
        i += 8;
    }
    // SAFETY: as above.
    unsafe {
        let [a, b, c, d] = totals.map(|[lower, upper]| vaddq_s32(lower, upper));
        vpaddq_s32(vpaddq_s32(a, b), vpaddq_s32(c, d))
    }
}

/// # Safety
/// `inputs.len()` must be a multiple of 8, and every `offset + inputs.len()` at most `weights.len()`.
#[inline(always)]
pub(super) unsafe fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sums, offsets) in sums.chunks_mut(4).zip(offsets.chunks(4)) {
        let mut four = [0; 4];
        // SAFETY: by the same contract; four sums.
        unsafe { vst1q_s32(four.as_mut_ptr(), dot_four(inputs, weights, offsets)) };
        sums.copy_from_slice(&four[..sums.len()]);
    }
}

/// Of up to eight sets.
///
/// # Safety
/// As [`dot_sets`].
#[inline(always)]
pub(super) unsafe fn mix_few(
    inputs: &[i16],
    weights: &[i16],
    offsets: &[u32],
    shift: u32,
    logits: &mut [i16; LANES],
) {
    // SAFETY: by the contract; 32 logits.
    unsafe {
        let (least, most) = (vdupq_n_s32(-LOGIT_LIMIT), vdupq_n_s32(LOGIT_LIMIT));
        let right = vdupq_n_s32(-(shift as i32));
        let four = |offsets: &[u32]| {
            let sums = dot_four(inputs, weights, offsets);
            vmovn_s32(vminq_s32(vmaxq_s32(vshlq_s32(sums, right), least), most))
        };
        let (lower, upper) = offsets.split_at(offsets.len().min(4));
        let upper = if upper.is_empty() { vdup_n_s16(0) } else { four(upper) };
        // One store, so that the second layer need not wait for several.
        vst1q_s16(logits.as_mut_ptr(), vcombine_s16(four(lower), upper));
        for rest in 1..4 {
            vst1q_s16(logits.as_mut_ptr().add(8 * rest), vdupq_n_s16(0));
        }
    }
}

/// The rounded product saturates where the definition's wraps, at -32768 times itself: such an error is left
/// to that.
///
/// # Safety
/// As [`dot_sets`].
#[inline(always)]
pub(super) unsafe fn train_sets(inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    for (&error, &offset) in errors.iter().zip(offsets) {
        if error == 0 {
            continue;
        }
        if error == i16::MIN {
            scalar::train_sets(inputs, weights, &[offset], &[error]);
            continue;
        }
        let mut i = 0;
        while i < inputs.len() {
            // SAFETY: `i + 8 <= inputs.len()`, and the set is as long and within `weights`.
            unsafe {
                let w = weights.as_mut_ptr().add(offset as usize + i);
                let product = vqrdmulhq_s16(vld1q_s16(inputs.as_ptr().add(i)), vdupq_n_s16(error));
                vst1q_s16(w, vqaddq_s16(vld1q_s16(w), product));
            }
            i += 8;
        }
    }
}

/// One round of [`turn`].
#[inline(always)]
fn shuffled(rows: [uint8x16_t; 16]) -> [uint8x16_t; 16] {
    std::array::from_fn(|i| {
        let (a, b) = (rows[i / 2], rows[i / 2 + 8]);
        // SAFETY: every machine of this sort has the instructions.
        unsafe { if i % 2 == 0 { vzip1q_u8(a, b) } else { vzip2q_u8(a, b) } }
    })
}

/// One round of half as many rows.
#[inline(always)]
fn shuffled_eight(rows: [uint8x16_t; 8]) -> [uint8x16_t; 8] {
    std::array::from_fn(|i| {
        let (a, b) = (rows[i / 2], rows[i / 2 + 4]);
        // SAFETY: every machine of this sort has the instructions.
        unsafe { if i % 2 == 0 { vzip1q_u8(a, b) } else { vzip2q_u8(a, b) } }
    })
}

/// As [`turn`], of the first eight rows: of a column the first eight bytes, the others stay.
#[inline(always)]
pub(super) fn turn_eight_rows(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    // SAFETY: every row has 16 bytes.
    let rows = std::array::from_fn(|i| unsafe { vld1q_u8(from[i].as_ptr()) });
    let pairs = shuffled_eight(shuffled_eight(shuffled_eight(rows)));
    for (columns, pair) in to.as_chunks_mut::<2>().0.iter_mut().zip(pairs) {
        // SAFETY: every column has 16 bytes, eight of which are written.
        unsafe {
            vst1_u8(columns[0].as_mut_ptr(), vget_low_u8(pair));
            vst1_u8(columns[1].as_mut_ptr(), vget_high_u8(pair));
        }
    }
}

/// As [`turn`], of the first eight bytes of each row: the first eight columns, the others stay.
#[inline(always)]
pub(super) fn turn_eight_columns(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    // SAFETY: every row has 16 bytes.
    let half = |i: usize| unsafe { vld1_u8(from[i].as_ptr()) };
    // SAFETY: every machine of this sort has the instructions.
    let pairs = std::array::from_fn(|i| unsafe { vcombine_u8(half(2 * i), half(2 * i + 1)) });
    // Seven rounds would be none, and rows to columns were three.
    let columns = shuffled_eight(shuffled_eight(shuffled_eight(shuffled_eight(pairs))));
    for (to, column) in to.iter_mut().zip(columns) {
        // SAFETY: 16 bytes.
        unsafe { vst1q_u8(to.as_mut_ptr(), column) };
    }
}

#[inline(always)]
pub(super) fn turn(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    // SAFETY: every row has 16 bytes.
    let mut rows = std::array::from_fn(|i| unsafe { vld1q_u8(from[i].as_ptr()) });
    // Each round moves the highest bit of a byte's row to the lowest of its column, and all
    // others up by one; after four the two have changed places.
    for _ in 0..4 {
        rows = shuffled(rows);
    }
    for (column, row) in to.iter_mut().zip(rows) {
        // SAFETY: every column has 16 bytes.
        unsafe { vst1q_u8(column.as_mut_ptr(), row) };
    }
}

/// [`moved`](crate::moved), four at a time.
#[inline(always)]
fn moved(entries: uint32x4_t, target: int32x4_t, limit: uint32x4_t) -> uint32x4_t {
    // SAFETY: every machine of this sort has the instructions.
    unsafe {
        let n = vandq_u32(entries, vdupq_n_u32(1023));
        let p = vreinterpretq_s32_u32(vshrq_n_u32::<10>(entries));
        // The quotient is a whole number or at least 1/(2n + 3) below one, and a float errs by less
        // than a fiftieth of that: it is rounded down to the same.
        let twice = vaddq_u32(vaddq_u32(n, n), vdupq_n_u32(3));
        let reciprocal = vcvtq_s32_f32(vdivq_f32(vdupq_n_f32(131_072.0), vcvtq_f32_u32(twice)));
        let error = vsubq_s32(target, p);
        let lower = vshrn_n_s64::<16>(vmull_s32(vget_low_s32(error), vget_low_s32(reciprocal)));
        let step = vshrn_high_n_s64::<16>(lower, vmull_high_s32(error, reciprocal));
        // A comparison that holds is all ones: -1.
        let n = vsubq_u32(n, vcltq_u32(n, limit));
        vorrq_u32(vshlq_n_u32::<10>(vreinterpretq_u32_s32(vaddq_s32(p, step))), n)
    }
}

/// # Safety
/// `width` must be a multiple of 4, at most [`BY_CONTEXT`](super::BY_CONTEXT), and `map` have rows of
/// `CLASSES` for as many contexts.
#[inline(always)]
pub(super) unsafe fn teach<const CLASSES: usize>(
    map: &mut [u32],
    classes: Blocks,
    entries: &ByContext<u32>,
    width: usize,
    bit: bool,
    limit: u32,
) {
    // SAFETY: every machine of this sort has the instructions.
    let (target, limit) = unsafe { (vdupq_n_s32(if bit { (1 << 22) - 1 } else { 0 }), vdupq_n_u32(limit)) };
    for (number, old) in entries.0[..width].as_chunks::<4>().0.iter().enumerate() {
        let first = 4 * number;
        let mut new = [0; 4];
        // SAFETY: four of each.
        unsafe { vst1q_u32(new.as_mut_ptr(), moved(vld1q_u32(old.as_ptr()), target, limit)) };
        for i in 0..4 {
            let class = usize::from(classes[first / BLOCK][first % BLOCK + i]) & (CLASSES - 1);
            let entry = if class == 0 { old[i] } else { new[i] };
            // SAFETY: the map has `width` rows, and the class is below `CLASSES`.
            unsafe { *map.get_unchecked_mut((first + i) * CLASSES + class) = entry };
        }
    }
}

/// # Safety
/// `inputs.len()` must be even, `sums.len()` a multiple of [`PANEL_SUMS`], and `weights.len()` their
/// product.
#[inline(always)]
pub(super) unsafe fn multiply(inputs: &[i16], weights: &[i8], sums: &mut [i32]) {
    let panel_bytes = inputs.len() * PANEL_SUMS;
    for (panel, sums) in sums.as_chunks_mut::<PANEL_SUMS>().0.iter_mut().enumerate() {
        // SAFETY: panels are as long, by the contract; a pair of rows has 128 weights in one.
        unsafe {
            let mut totals = [vdupq_n_s32(0); PANEL_SUMS / 4];
            let mut at = weights.as_ptr().add(panel * panel_bytes);
            for &[a, b] in inputs.as_chunks::<2>().0 {
                for totals in totals.as_chunks_mut::<4>().0 {
                    // Of sixteen columns the weights of the first row, and of the second.
                    let int8x16x2_t(of_a, of_b) = vld2q_s8(at);
                    for (x, weights) in [(a, of_a), (b, of_b)] {
                        let lower = vmovl_s8(vget_low_s8(weights));
                        let upper = vmovl_high_s8(weights);
                        totals[0] = vmlal_n_s16(totals[0], vget_low_s16(lower), x);
                        totals[1] = vmlal_high_n_s16(totals[1], lower, x);
                        totals[2] = vmlal_n_s16(totals[2], vget_low_s16(upper), x);
                        totals[3] = vmlal_high_n_s16(totals[3], upper, x);
                    }
                    at = at.add(32);
                }
            }
            for (total, sums) in totals.into_iter().zip(sums.as_chunks_mut::<4>().0) {
                vst1q_s32(sums.as_mut_ptr(), total);
            }
        }
    }
}
