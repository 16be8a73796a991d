//! What follows a layer's products, in networks that learn and in frozen ones.

use foretold_numerics::{FLOAT_LANES, Lanes, exp_f32, floats, sigmoid_f32, tanh_f32};

use crate::weights::Expected;

/// In the root of a normalisation.
pub const EPSILON: f32 = 1e-5;

/// Normalises each gate's sums and squashes them, gates one after the other; returns what sums
/// were multiplied with.
#[inline(always)]
pub fn gates<const GATES: usize>(
    sums: &[Lanes],
    gain: &[Lanes],
    bias: &[Lanes],
    normal: &mut [Lanes],
    gates: &mut [Lanes],
) -> [f32; GATES] {
    let groups = sums.len() / GATES;
    let mut scales = [0.0; GATES];
    for (gate, scale) in scales.iter_mut().enumerate() {
        let part = gate * groups..(gate + 1) * groups;
        let mut squares = Lanes::ZERO;
        for &sum in &sums[part.clone()] {
            squares = squares.plus_product(sum, sum);
        }
        *scale = 1.0 / (squares.total() / (groups * FLOAT_LANES) as f32 + EPSILON).sqrt();
        for i in part {
            normal[i] = sums[i].map(|sum| sum * *scale);
            let after = bias[i].plus_product(normal[i], gain[i]);
            gates[i] = if gate == 1 { after.map(tanh_f32) } else { after.map(sigmoid_f32) };
        }
    }
    scales
}

/// Adds what a layer makes of an expected byte, if there is one and it hears of it.
#[inline(always)]
pub fn hear(sums: &mut [Lanes], match_byte: &[Lanes], match_class: &[Lanes], expected: Expected) {
    if expected.class == 0 || match_byte.is_empty() {
        return;
    }
    let width = sums.len();
    for (rows, row) in [(match_byte, expected.byte), (match_class, expected.class)] {
        for (sum, &value) in sums.iter_mut().zip(&rows[usize::from(row) * width..][..width]) {
            *sum = sum.with(value, |a, b| a + b);
        }
    }
}

/// Adds the bias of an expected byte to its logit, if there is one and the network hears of it.
#[inline(always)]
pub fn expect(logits: &mut [Lanes], match_bias: &[Lanes], expected: Expected) {
    if expected.class != 0 && !match_bias.is_empty() {
        let (bias, byte) = (floats(match_bias)[usize::from(expected.class)], usize::from(expected.byte));
        logits[byte / FLOAT_LANES].0[byte % FLOAT_LANES] += bias;
    }
}

/// Brings group `i` of a layer's cells up to date, of `groups`; returns their hyperbolic tangents and
/// the units.
#[inline(always)]
pub fn turn<const GATES: usize>(
    gates: &[Lanes],
    i: usize,
    groups: usize,
    cell: &mut Lanes,
) -> (Lanes, Lanes) {
    let (forget, candidate, out) = (gates[i], gates[groups + i], gates[2 * groups + i]);
    let enter = if GATES == 4 { gates[3 * groups + i] } else { forget.map(|f| 1.0 - f) };
    for j in 0..FLOAT_LANES {
        cell.0[j] = forget.0[j] * cell.0[j] + enter.0[j] * candidate.0[j];
    }
    let squashed = cell.map(tanh_f32);
    (squashed, out.with(squashed, |o, s| o * s))
}

/// Logits become probabilities.
#[inline(always)]
pub fn softmax(values: &mut [Lanes]) {
    let mut most = f32::MIN;
    for &logit in floats(values) {
        most = if logit > most { logit } else { most };
    }
    let mut total = Lanes::ZERO;
    for logits in values.iter_mut() {
        *logits = logits.map(|logit| exp_f32(logit - most));
        total = total.with(*logits, |a, b| a + b);
    }
    let total = total.total();
    for values in values.iter_mut() {
        *values = values.map(|value| value / total);
    }
}
