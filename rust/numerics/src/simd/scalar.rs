//! The definition of every kernel.

use super::{BLOCK, BY_CONTEXT, Blocks, ByContext, LANES, PANEL_SUMS, Steps};
use crate::{LOGIT_LIMIT, moved, stretch};

pub(super) fn dot_sets(inputs: &[i16], weights: &[i16], offsets: &[u32], sums: &mut [i32]) {
    for (sum, &offset) in sums.iter_mut().zip(offsets) {
        let set = &weights[offset as usize..][..inputs.len()];
        *sum = inputs
            .iter()
            .zip(set)
            .fold(0, |sum: i32, (&x, &w)| sum.wrapping_add(i32::from(x) * i32::from(w)));
    }
}

pub(super) fn multiply(inputs: &[i16], weights: &[i8], sums: &mut [i32]) {
    sums.fill(0);
    let panels =
        sums.chunks_exact_mut(PANEL_SUMS).zip(weights.chunks_exact((inputs.len() * PANEL_SUMS).max(1)));
    for (sums, weights) in panels {
        for (pair, weights) in inputs.chunks_exact(2).zip(weights.chunks_exact(2 * PANEL_SUMS)) {
            let (a, b) = (i32::from(pair[0]), i32::from(pair[1]));
            for (sum, weights) in sums.iter_mut().zip(weights.chunks_exact(2)) {
                let product = a * i32::from(weights[0]) + b * i32::from(weights[1]);
                *sum = sum.wrapping_add(product);
            }
        }
    }
}

/// With the sums from anywhere.
pub(super) fn to_logits(sums: &[i32], shift: u32, logits: &mut [i16; LANES]) {
    logits.fill(0);
    for (logit, &sum) in logits.iter_mut().zip(sums) {
        *logit = (sum >> shift).clamp(-LOGIT_LIMIT, LOGIT_LIMIT) as i16;
    }
}

pub(super) fn train_sets(inputs: &[i16], weights: &mut [i16], offsets: &[u32], errors: &[i16]) {
    for (&error, &offset) in errors.iter().zip(offsets) {
        if error == 0 {
            continue;
        }
        let set = &mut weights[offset as usize..][..inputs.len()];
        for (w, &x) in set.iter_mut().zip(inputs) {
            let product = (((i32::from(x) * i32::from(error)) >> 14) + 1) >> 1;
            // Only -32768 * -32768 leaves i16 here; the instruction this mirrors wraps it.
            *w = w.saturating_add(product as i16);
        }
    }
}

pub(super) fn turn(from: &[[u8; 16]; 16], to: &mut [[u8; 16]; 16]) {
    for (i, column) in to.iter_mut().enumerate() {
        for (byte, row) in column.iter_mut().zip(from) {
            *byte = row[i];
        }
    }
}

pub(super) fn ask_histories(
    states: Blocks,
    map: &[u32],
    one_kind: &[u8; 256],
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
) {
    let width = inputs.len() / 3;
    let (logits, rest) = inputs.split_at_mut(width);
    let (distances, one_kinds) = rest.split_at_mut(width);
    for i in 0..width {
        let state = usize::from(states[i / BLOCK][i % BLOCK]);
        let entry = map[i * 256 + state];
        let p1_q16 = (entry >> 16) as u16;
        let logit = stretch(p1_q16);
        entries.0[i] = entry;
        logits[i] = logit;
        distances[i] = ((i32::from(p1_q16) - 32768) >> 6) as i16;
        one_kinds[i] = logit & i16::from(one_kind[state] as i8);
    }
}

pub(super) fn ask_runs(
    words: &ByContext<u32>,
    map: &[u32],
    (path, depth): (u32, u32),
    classes: &mut ByContext<u8>,
    entries: &mut ByContext<u32>,
    inputs: &mut [i16],
) {
    for (i, input) in inputs.iter_mut().enumerate() {
        // With the leading one that `path` has.
        let (count, way) = (words.0[i] & 63, 1 << 16 | words.0[i] >> 16);
        let holds = count != 0 && way >> (16 - depth) == path;
        let class = (count << 1 | way >> (15 - depth) & 1) * u32::from(holds);
        let entry = map[i * 128 + class as usize];
        classes.0[i] = class as u8;
        entries.0[i] = entry;
        *input = stretch((entry >> 16) as u16);
    }
}

pub(super) fn teach<const CLASSES: usize>(
    map: &mut [u32],
    classes: Blocks,
    entries: &ByContext<u32>,
    width: usize,
    bit: bool,
    limit: u32,
) {
    for i in 0..width {
        let class = usize::from(classes[i / BLOCK][i % BLOCK]) & (CLASSES - 1);
        let entry = entries.0[i];
        map[i * CLASSES + class] = if class == 0 { entry } else { moved(entry, bit, limit) };
    }
}

pub(super) fn step(
    nodes: &mut [[[u8; BLOCK]; 16]; BY_CONTEXT / BLOCK],
    node: usize,
    contexts: usize,
    steps: &Steps,
    bit: bool,
    random: &[u64; BY_CONTEXT / 8],
) {
    for (i, block) in nodes.iter_mut().enumerate().take(contexts.div_ceil(BLOCK)) {
        let bytes = random[2 * i].to_le_bytes().into_iter().chain(random[2 * i + 1].to_le_bytes());
        for (state, random) in block[node].iter_mut().zip(bytes).take(contexts - BLOCK * i) {
            *state = steps.next(*state, bit, random);
        }
    }
}

pub(super) fn find_slots(
    lines: &[[u8; 64]],
    hashes: &[u64],
    found: &mut [u32],
    slots: &mut [[u8; 16]; BLOCK],
) {
    for ((&h, found), content) in hashes.iter().zip(found).zip(slots) {
        let index = h as usize & (lines.len() - 1);
        let (line, _) = lines[index].as_chunks::<16>();
        let check = (h >> 56) as u8;
        // No branch to guess: the lines of many contexts are on their way at the same time.
        let same = |slot: usize| u32::from(line[slot][0] == check);
        let matches = same(0) | same(1) << 1 | same(2) << 2 | same(3) << 3;
        let rank = |slot: usize| u32::from(line[slot][1]) << 2 | slot as u32;
        let least = rank(0).min(rank(1)).min(rank(2).min(rank(3))) & 3;
        let slot =
            std::hint::select_unpredictable(matches != 0, matches.trailing_zeros(), least) as usize & 3;
        let kept = u128::from(matches != 0).wrapping_neg();
        let bytes = u128::from_le_bytes(line[slot]) & kept & !0xff | u128::from(check);
        *found = (index * 4 + slot) as u32;
        *content = bytes.to_le_bytes();
    }
}
