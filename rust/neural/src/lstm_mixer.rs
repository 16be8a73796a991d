//! A bit-level LSTM that corrects a mixed probability.

use foretold_numerics::{
    FLOAT_LANES, LANES, Lanes, Simd, StandardFloats, Work, dot_sets, exp_f32, floats, floats_mut, round_f32,
    sigmoid_f32, tanh_f32,
};
use safetensors::SafeTensors;

use crate::byte_lstm::Part;
use crate::cell::EPSILON;
use crate::load::{WeightsError, bad, integers, lanes, rows};
use crate::matrix::{Matrix, PANEL};

/// Context values of a bit.
pub const MIXER_CONTEXTS: usize = 10;
/// The context values that have rows of weights, and how many: partial byte, last byte, orders
/// known, length class of a match, class of the last byte, letters of the word.
const TABLES: [(usize, usize); 6] = [(1, 256), (2, 256), (5, 8), (7, 16), (4, 8), (9, 16)];
/// The context values that are inputs themselves, in 1/32: contexts known.
const COUNTED: usize = 6;
const PARTIAL: usize = 1;
/// Gates of its cell: forget gate, cell candidate, output gate.
const GATES: usize = 3;
/// A logit of one nat.
const NAT: f32 = 256.0;
/// The correction, in nats, lies in `-LIMIT ..= LIMIT`.
const LIMIT: f32 = 6.0;
/// By how much of its error the trust moves. On a novel and encyclopedia that were held out 0.002
/// gains 0.01 % to no such thing, 0.01 nothing; it is there for texts unlike those learned from.
const TRUST_RATE: f32 = 0.002;
const MOST_TRUST: f32 = 1.5;
/// The probability of the less likely bit, in units of 2^-22, below which a bit is not heard: of
/// text one in two, which take 1 to 2 % of the bytes.
const CERTAIN: u32 = 1 << 14;

/// What a [`LstmMixer`] knows.
///
/// With `V` voices, `K` logits in all, `B` blends and `H` units the inputs are, in this order: for
/// each voice how far it is from the final logit, in nats; the final logit and the other logits, in
/// half nats; how many contexts are known, over 32; twice the last bit's error; for each voice by how
/// much it was nearer to the last bit than the final logit, in nats; and for each blend the hyperbolic
/// tangent of what it says: `F = K + V + 2 + B`.
///
/// A *blend* is a weighted sum of the `I` inputs of the mixer that comes before: an opinion too.
#[derive(Clone, Debug, PartialEq)]
pub struct MixerWeights {
    hidden: usize,
    voices: usize,
    logits: usize,
    /// From inputs and, beneath them, units to the gates.
    matrix: Matrix,
    /// Weights of the blends, one after the other; how many inputs each has, where each begins, what a
    /// weight of one is worth, and what is added.
    blends: Vec<i16>,
    blended: usize,
    offsets: Vec<u32>,
    scales: Vec<f32>,
    blend_bias: Vec<f32>,
    /// From context values to the gates: a row each.
    tables: Vec<Vec<Lanes>>,
    gain: Vec<Lanes>,
    bias: Vec<Lanes>,
    /// From units to what each voice, the final logit, one and each blend weigh in the correction.
    head: Matrix,
    head_bias: Vec<Lanes>,
    /// Added to the correction, by partial byte.
    out_bias: Vec<f32>,
}

impl MixerWeights {
    /// Reads a safetensors file as `foretold train mixer` writes it: `inputs` `(F, 3 H)`, `recur`
    /// `(H, 3 H)`, `embed.0` to `embed.5` `(rows, 3 H)`, `gain` and `bias` `(3, H)`, `head`
    /// `(H, V + 2 + B)`, `head_bias` `(V + 2 + B,)`, `out_bias` `(256,)`; with blends `blend`
    /// `(B, I)` as int8 and `blend_bias` `(B,)`. A table `embed.N` may be a product: of `(rows, R)`
    /// and `columns.N` `(R, 3 H)`.
    pub fn from_safetensors(file: &[u8]) -> Result<MixerWeights, WeightsError> {
        let _standard = StandardFloats::set();
        let file = SafeTensors::deserialize(file)?;
        let size = |name: &str, dimension: usize| {
            let tensor = file.tensor(name).map_err(|_| bad(name, "is missing"))?;
            let found = tensor.shape().get(dimension).copied();
            found.ok_or_else(|| bad(name, format!("has the shape {:?}", tensor.shape())))
        };
        let (hidden, inputs) = (size("recur", 0)?, size("inputs", 0)?);
        let (count, blended) = match file.tensor("blend") {
            Ok(_) => (size("blend", 0)?, size("blend", 1)?),
            Err(_) => (0, 0),
        };
        let head = size("head_bias", 0)?;
        let voices = head.saturating_sub(2 + count);
        let possible = (FLOAT_LANES..=256).contains(&hidden)
            && hidden.is_multiple_of(FLOAT_LANES)
            && voices > 0
            && head <= PANEL
            && (2 * voices + 3 + count..=512).contains(&inputs)
            && (count > 0) == (blended > 0)
            && blended <= 1024
            && blended.is_multiple_of(LANES);
        if !possible {
            return Err(WeightsError::ImpossibleMixer { hidden, inputs, voices, blends: count });
        }
        let width = GATES * hidden;
        let mut matrix = Matrix::zeros(inputs + hidden, width.next_multiple_of(PANEL));
        let mut row = 0;
        for (name, count) in [("inputs", inputs), ("recur", hidden)] {
            for values in rows(&file, name, &[count, width])?.chunks_exact(width) {
                matrix.set_row(row, &padded(values, PANEL));
                row += 1;
            }
        }
        let (mut blends, mut scales, mut blend_bias) = (Vec::new(), Vec::new(), Vec::new());
        if count > 0 {
            let (weights, of_rows) = integers(&file, "blend", &[count, blended])?;
            blends = weights.iter().map(|&weight| i16::from(weight)).collect();
            scales = of_rows.iter().map(|scale| scale / (2.0 * NAT)).collect();
            blend_bias = rows(&file, "blend_bias", &[count])?;
        }
        let mut tables = Vec::new();
        for (i, (_, count)) in TABLES.iter().enumerate() {
            tables.push(lanes(&table(&file, i, *count, width)?));
        }
        let mut head_matrix = Matrix::zeros(hidden, PANEL);
        for (row, values) in rows(&file, "head", &[hidden, head])?.chunks_exact(head).enumerate() {
            head_matrix.set_row(row, &padded(values, PANEL));
        }
        Ok(MixerWeights {
            hidden,
            voices,
            logits: inputs - voices - 2 - count,
            matrix,
            blends,
            blended,
            offsets: (0..count).map(|blend| (blend * blended) as u32).collect(),
            scales,
            blend_bias,
            tables,
            gain: lanes(&rows(&file, "gain", &[GATES, hidden])?),
            bias: lanes(&rows(&file, "bias", &[GATES, hidden])?),
            head: head_matrix,
            head_bias: lanes(&padded(&rows(&file, "head_bias", &[head])?, PANEL)),
            out_bias: rows(&file, "out_bias", &[256])?,
        })
    }

    /// Units.
    pub fn hidden(&self) -> usize {
        self.hidden
    }

    /// Voices, and columns in all: the voices come first, then the final logit, then other logits,
    /// then what is blended.
    pub fn columns(&self) -> (usize, usize) {
        (self.voices, self.logits + self.blended)
    }

    /// Bytes that it takes.
    pub fn memory_bytes(&self) -> u64 {
        let tables: usize = self.tables.iter().map(Vec::len).sum();
        let lanes = self.matrix.lanes().len() + self.head.lanes().len() + tables;
        lanes as u64 * 64 + self.blends.len() as u64 * 2
    }
}

/// The rows of a table: as they stand, or the products of shorter ones with `columns.N`.
fn table(file: &SafeTensors, index: usize, count: usize, width: usize) -> Result<Vec<f32>, WeightsError> {
    let name = format!("embed.{index}");
    let columns = format!("columns.{index}");
    let Ok(tensor) = file.tensor(&columns) else { return rows(file, &name, &[count, width]) };
    let rank = tensor.shape().first().copied().unwrap_or(0);
    if !(1..=width).contains(&rank) {
        return Err(bad(&columns, format!("has the shape {:?}", tensor.shape())));
    }
    let (short, columns) = (rows(file, &name, &[count, rank])?, rows(file, &columns, &[rank, width])?);
    let mut all = vec![0.0; count * width];
    for (row, short) in all.chunks_exact_mut(width).zip(short.chunks_exact(rank)) {
        for (&factor, column) in short.iter().zip(columns.chunks_exact(width)) {
            for (sum, &value) in row.iter_mut().zip(column) {
                *sum += factor * value;
            }
        }
    }
    Ok(all)
}

/// Followed by zeros up to a multiple of `count`.
fn padded(values: &[f32], count: usize) -> Vec<f32> {
    let mut all = values.to_vec();
    all.resize(values.len().next_multiple_of(count), 0.0);
    all
}

/// Not `clamp`: that would let a NaN through.
#[inline(always)]
fn between(x: f32, low: f32, high: f32) -> f32 {
    let x = if x > low { x } else { low };
    if x < high { x } else { high }
}

/// What a [`LstmMixer`] made of one bit: its update needs it back.
#[derive(Clone, Debug, Default)]
pub struct MixerStep {
    /// Inputs, then the units before.
    inputs: Vec<f32>,
    sums: Vec<Lanes>,
    cells: Vec<Lanes>,
    hidden: Vec<f32>,
    /// For each voice what its opinion adds, then the final logit's, one and the blends', then
    /// zeros.
    said: Vec<Lanes>,
    /// What they weigh.
    weights: Vec<Lanes>,
    correction: f32,
    /// The probability that came of it.
    p1: f32,
}

impl MixerStep {
    /// What the network would add to the logit, in nats.
    pub fn correction(&self) -> f32 {
        self.correction
    }
}

/// Corrects what a mixer makes of many opinions on the next bit: a recurrent layer, normalised
/// before its gates, that is told of the opinions, of who was right about the last bit, and of some
/// context; its units weigh the opinions anew.
///
/// The weights do not change; how far they are to be trusted is learned as it codes. A bit of which
/// the mixer is nearly certain passes as if it had not been. Source: the cell is that of
/// [`ByteLstm`](crate::ByteLstm); that a network gives the weights of a mixture is M. Jordan,
/// R. Jacobs, Hierarchical mixtures of experts and the EM algorithm (1994).
#[derive(Debug)]
pub struct LstmMixer {
    simd: Simd,
    weights: std::sync::Arc<MixerWeights>,
    hidden: Vec<f32>,
    cells: Vec<Lanes>,
    /// For each voice how far it was from the final logit when the last bit came, towards that bit.
    nearer: Vec<f32>,
    /// The last bit less its probability.
    error: f32,
    /// What the correction is multiplied with.
    trust: f32,
}

impl LstmMixer {
    /// A mixer before the first bit.
    pub fn new(weights: std::sync::Arc<MixerWeights>) -> LstmMixer {
        LstmMixer::with_simd(weights, Simd::detect())
    }

    /// The same, computed with this instruction set.
    pub fn with_simd(weights: std::sync::Arc<MixerWeights>, simd: Simd) -> LstmMixer {
        LstmMixer {
            simd,
            hidden: vec![0.0; weights.hidden],
            cells: vec![Lanes::ZERO; weights.hidden / FLOAT_LANES],
            nearer: vec![0.0; weights.voices],
            error: 0.0,
            trust: 1.0,
            weights,
        }
    }

    /// Voices, and columns in all.
    pub fn columns(&self) -> (usize, usize) {
        self.weights.columns()
    }

    /// Whether a bit is to be corrected at all, of which this was predicted, in units of 2^-22.
    #[inline(always)]
    pub fn hears(p1_q22: u32) -> bool {
        (CERTAIN..=(1 << 22) - CERTAIN).contains(&p1_q22)
    }

    /// The probability of a one in units of 2^-22, from 1 to 2^22 - 1, where `p1_q22` was predicted.
    /// `columns` are in units of 1/256: logits of the voices, the final one, the others, and the
    /// inputs that are blended.
    pub fn predict(
        &self,
        p1_q22: u32,
        columns: &[i16],
        contexts: &[u8; MIXER_CONTEXTS],
        step: &mut MixerStep,
    ) -> u32 {
        let _standard = StandardFloats::set();
        step.correction = self.simd.run(Predict { mixer: self, columns, contexts, step });
        // The odds, times a factor.
        let one = p1_q22 as f32 * exp_f32(self.trust * step.correction);
        let zero = (4_194_304 - p1_q22) as f32;
        step.p1 = one / (one + zero);
        round_f32(step.p1 * 4_194_304.0).clamp(1, 4_194_303)
    }

    /// Learns of the bit that came after `step` was made; `p1_q22` was the probability of a one
    /// before the correction, in units of 2^-22.
    pub fn update(&mut self, step: &MixerStep, p1_q22: u32, bit: bool) {
        let _standard = StandardFloats::set();
        self.hidden.copy_from_slice(&step.hidden);
        self.cells.copy_from_slice(&step.cells);
        let towards = if bit { 1.0 } else { -1.0 };
        for (nearer, said) in self.nearer.iter_mut().zip(floats(&step.said)) {
            *nearer = towards * said;
        }
        let came = if bit { 1.0 } else { 0.0 };
        self.error = came - p1_q22 as f32 / 4_194_304.0;
        let trust = self.trust + TRUST_RATE * (came - step.p1) * step.correction;
        self.trust = between(trust, 0.0, MOST_TRUST);
    }

    /// Shows every part of the state, to be read or written, between two bits.
    pub fn state<E>(&mut self, see: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        see(Part::Floats(&mut self.hidden))?;
        see(Part::Floats(floats_mut(&mut self.cells)))?;
        see(Part::Floats(&mut self.nearer))?;
        see(Part::Floats(std::slice::from_mut(&mut self.error)))?;
        see(Part::Floats(std::slice::from_mut(&mut self.trust)))
    }
}

/// One step.
struct Predict<'a> {
    mixer: &'a LstmMixer,
    columns: &'a [i16],
    contexts: &'a [u8; MIXER_CONTEXTS],
    step: &'a mut MixerStep,
}

impl Predict<'_> {
    /// Writes the inputs, and what each voice and blend says.
    #[inline(always)]
    fn look(&mut self, simd: Simd) {
        let Predict { mixer, columns, contexts, step } = self;
        let MixerWeights { hidden, voices, logits, ref blends, blended, .. } = *mixer.weights;
        assert_eq!(columns.len(), logits + blended, "columns");
        let (logits, inputs) = columns.split_at(logits);
        step.inputs.resize(mixer.weights.matrix.rows(), 0.0);
        step.said.resize(PANEL / FLOAT_LANES, Lanes::ZERO);
        let last = i32::from(logits[voices]);
        let said = floats_mut(&mut step.said);
        for i in 0..voices {
            let from = (i32::from(logits[i]) - last) as f32 / NAT;
            (step.inputs[i], said[i]) = (from, from);
        }
        let (rest, after) = step.inputs[voices..].split_at_mut(logits.len() - voices);
        for (input, &logit) in rest.iter_mut().zip(&logits[voices..]) {
            *input = f32::from(logit) / (2.0 * NAT);
        }
        (said[voices], said[voices + 1]) = (rest[0], 1.0);
        after[0] = f32::from(contexts[COUNTED]) / 32.0;
        after[1] = 2.0 * mixer.error;
        after[2..2 + voices].copy_from_slice(&mixer.nearer);
        let (blends_out, units) = after[2 + voices..].split_at_mut(mixer.weights.scales.len());
        units[..hidden].copy_from_slice(&mixer.hidden);
        if blended > 0 {
            let mut sums = [0; PANEL];
            let sums = &mut sums[..blends_out.len()];
            dot_sets(simd, inputs, blends, &mixer.weights.offsets, sums);
            let added = mixer.weights.scales.iter().zip(&mixer.weights.blend_bias);
            for (((&sum, (scale, bias)), said), out) in
                sums.iter().zip(added).zip(&mut said[voices + 2..]).zip(blends_out)
            {
                *said = sum as f32 * scale + bias;
                *out = tanh_f32(*said);
            }
        }
    }
}

impl Work for Predict<'_> {
    type Output = f32;

    #[inline(always)]
    fn run(mut self, simd: Simd) -> f32 {
        self.look(simd);
        let Predict { mixer, contexts, step, .. } = self;
        let weights = &*mixer.weights;
        let groups = weights.hidden / FLOAT_LANES;
        let width = GATES * groups;
        let MixerStep { inputs, sums, cells, hidden, said, weights: weighs, .. } = step;
        sums.clear();
        sums.resize(width, Lanes::ZERO);
        for (table, (place, rows)) in weights.tables.iter().zip(TABLES) {
            let row = usize::from(contexts[place]).min(rows - 1) * width;
            for (sum, &value) in sums.iter_mut().zip(&table[row..row + width]) {
                *sum = sum.with(value, |sum, value| sum + value);
            }
        }
        weights.matrix.add_product(inputs, sums);

        for gate in 0..GATES {
            let part = gate * groups..(gate + 1) * groups;
            let mut squares = Lanes::ZERO;
            for &sum in &sums[part.clone()] {
                squares = squares.plus_product(sum, sum);
            }
            let scale = 1.0 / (squares.total() / weights.hidden as f32 + EPSILON).sqrt();
            for i in part {
                let normal = sums[i].map(|sum| sum * scale);
                let after = weights.bias[i].plus_product(normal, weights.gain[i]);
                sums[i] = if gate == 1 { after.map(tanh_f32) } else { after.map(sigmoid_f32) };
            }
        }
        cells.resize(groups, Lanes::ZERO);
        hidden.resize(weights.hidden, 0.0);
        for i in 0..groups {
            let (forget, candidate, out) = (sums[i], sums[groups + i], sums[2 * groups + i]);
            let mut cell = mixer.cells[i];
            for j in 0..FLOAT_LANES {
                let f = forget.0[j];
                cell.0[j] = f * cell.0[j] + (1.0 - f) * candidate.0[j];
            }
            cells[i] = cell;
            out.with(cell.map(tanh_f32), |o, s| o * s).put(&mut hidden[i * FLOAT_LANES..]);
        }

        weighs.clear();
        weighs.extend_from_slice(&weights.head_bias);
        weights.head.add_product(hidden, weighs);
        let mut total = Lanes::ZERO;
        for (&weight, &said) in weighs.iter().zip(said.iter()) {
            total = total.plus_product(weight, said);
        }
        let correction = total.total() + weights.out_bias[usize::from(contexts[PARTIAL])];
        between(correction, -LIMIT, LIMIT)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use safetensors::Dtype;
    use safetensors::tensor::TensorView;

    use super::*;

    const VOICES: usize = 5;
    const LOGITS: usize = 9;
    const BLENDED: usize = 64;

    type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

    fn numbers(mut seed: u32) -> impl FnMut() -> u32 {
        move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed >> 8
        }
    }

    fn tensors(hidden: usize) -> Tensors {
        tensors_with(hidden, 0)
    }

    /// With blends, the first table is a product.
    fn tensors_with(hidden: usize, blends: usize) -> Tensors {
        let (width, head) = (3 * hidden, VOICES + 2 + blends);
        let mut shapes = vec![
            ("inputs".to_string(), vec![LOGITS + VOICES + 2 + blends, width]),
            ("recur".into(), vec![hidden, width]),
            ("gain".into(), vec![3, hidden]),
            ("bias".into(), vec![3, hidden]),
            ("head".into(), vec![hidden, head]),
            ("head_bias".into(), vec![head]),
            ("out_bias".into(), vec![256]),
        ];
        shapes.extend(TABLES.iter().enumerate().map(|(i, t)| (format!("embed.{i}"), vec![t.1, width])));
        if blends > 0 {
            shapes.push(("blend".into(), vec![blends, BLENDED]));
            shapes.push(("blend.scale".into(), vec![blends]));
            shapes.push(("blend_bias".into(), vec![blends]));
            shapes.push(("columns.0".into(), vec![8, width]));
            let table = shapes.iter_mut().find(|(name, _)| name == "embed.0");
            table.expect("a table").1 = vec![256, 8];
        }
        let mut next = numbers(5);
        let mut value = move || (next() as f32 / 8_388_608.0 - 1.0) * 0.4;
        let filled = |(name, shape): (String, Vec<usize>)| {
            let values = (0..shape.iter().product()).map(|_| value()).collect();
            (name, (shape, values))
        };
        shapes.into_iter().map(filled).collect()
    }

    fn file(tensors: &Tensors) -> Vec<u8> {
        // What is blended is multiplied as integers.
        let is_blend = |name: &str| name == "blend";
        let data = |name: &str, values: &[f32]| match is_blend(name) {
            true => values.iter().map(|v| (v * 300.0) as i8 as u8).collect(),
            false => values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>(),
        };
        let bytes: Vec<Vec<u8>> = tensors.iter().map(|(name, (_, values))| data(name, values)).collect();
        let views = tensors.iter().zip(&bytes).map(|((name, (shape, _)), bytes)| {
            let dtype = if is_blend(name) { Dtype::I8 } else { Dtype::F32 };
            (name.clone(), TensorView::new(dtype, shape.clone(), bytes).unwrap())
        });
        safetensors::serialize(views, None).unwrap()
    }

    fn weights(tensors: &Tensors) -> Arc<MixerWeights> {
        Arc::new(MixerWeights::from_safetensors(&file(tensors)).unwrap())
    }

    /// What it predicts for so many bits of a text that `seed` makes.
    fn run(mixer: &mut LstmMixer, seed: u32, bits: usize) -> Vec<(u32, u32)> {
        let mut next = numbers(seed);
        let mut step = MixerStep::default();
        let mut all = Vec::new();
        for i in 0..bits {
            let columns: Vec<i16> = (0..mixer.columns().1).map(|_| (next() % 4095) as i16 - 2047).collect();
            let contexts: [u8; MIXER_CONTEXTS] = std::array::from_fn(|_| (next() >> 4) as u8);
            // Near even, and as far from it as there is.
            let p1_q22 = if i % 5 == 0 { [1, 4_194_303][i / 5 % 2] } else { (next() >> 2).max(1) };
            all.push((mixer.predict(p1_q22, &columns, &contexts, &mut step), step.correction().to_bits()));
            mixer.update(&step, p1_q22, next() % 2 == 1);
        }
        all
    }

    #[test]
    fn instruction_sets_give_the_same_bits() {
        for (hidden, blends) in [(16, 0), (32, 0), (32, 16), (48, 3), (64, 33)] {
            let weights = weights(&tensors_with(hidden, blends));
            let mut scalar = LstmMixer::with_simd(weights.clone(), Simd::Scalar);
            let wanted = run(&mut scalar, 9, 300);
            assert!(wanted.iter().any(|bit| f32::from_bits(bit.1).abs() > 1.0));
            for simd in Simd::available() {
                let mut mixer = LstmMixer::with_simd(weights.clone(), simd);
                assert!(run(&mut mixer, 9, 300) == wanted, "{} {hidden} {blends}", simd.name());
            }
        }
    }

    #[test]
    fn a_saved_mixer_goes_on_as_if_nothing_had_been() {
        let weights = weights(&tensors(32));
        let mut mixer = LstmMixer::new(weights.clone());
        run(&mut mixer, 1, 50);
        let mut saved = Vec::new();
        let mut save = |part: Part<'_>| {
            let Part::Floats(floats) = part else { return Err("a part that is no floats") };
            saved.extend_from_slice(floats);
            Ok(())
        };
        mixer.state(&mut save).unwrap();
        let mut other = LstmMixer::new(weights);
        let mut rest = &saved[..];
        let mut load = |part: Part<'_>| {
            let Part::Floats(floats) = part else { return Err("a part that is no floats") };
            let (now, after) = rest.split_at(floats.len());
            floats.copy_from_slice(now);
            rest = after;
            Ok(())
        };
        other.state(&mut load).unwrap();
        assert!(rest.is_empty());
        assert_eq!(run(&mut mixer, 2, 50), run(&mut other, 2, 50));
    }

    #[test]
    fn who_has_nothing_to_say_changes_nothing() {
        let mut silent = tensors(16);
        for name in ["head", "head_bias", "out_bias"] {
            silent.get_mut(name).unwrap().1.fill(0.0);
        }
        let mixer = LstmMixer::new(weights(&silent));
        let mut step = MixerStep::default();
        for p1_q22 in (1..1 << 22).step_by(9973).chain([1, (1 << 22) - 1]) {
            assert_eq!(mixer.predict(p1_q22, &[300; LOGITS], &[7; MIXER_CONTEXTS], &mut step), p1_q22);
        }
    }

    #[test]
    fn who_is_wrong_is_trusted_less() {
        let mut bold = tensors(16);
        bold.get_mut("head").unwrap().1.fill(0.0);
        bold.get_mut("head_bias").unwrap().1.fill(0.0);
        bold.get_mut("out_bias").unwrap().1.fill(2.0);
        let mut mixer = LstmMixer::new(weights(&bold));
        let mut step = MixerStep::default();
        let mut after = Vec::new();
        for bit in [false, true] {
            for _ in 0..4000 {
                mixer.predict(1 << 21, &[300; LOGITS], &[7; MIXER_CONTEXTS], &mut step);
                mixer.update(&step, 1 << 21, bit);
            }
            after.push(mixer.predict(1 << 21, &[300; LOGITS], &[7; MIXER_CONTEXTS], &mut step));
        }
        assert!(after[0] == 1 << 21 && after[1] > 3_900_000, "{after:?}");
    }

    #[test]
    fn damaged_files_are_refused_by_name() {
        let good = tensors_with(16, 5);
        let error =
            |tensors: &Tensors| MixerWeights::from_safetensors(&file(tensors)).unwrap_err().to_string();
        // Without these it is another network, and something else does not fit.
        let others = ["blend", "columns.0"];
        for name in good.keys().filter(|name| !others.contains(&name.as_str())) {
            let mut less = good.clone();
            less.remove(name);
            assert_eq!(error(&less), format!("tensor {name:?} is missing"));
        }
        for name in others {
            let mut less = good.clone();
            less.remove(name);
            let found = error(&less);
            assert!(found.contains("was expected") || found.contains("10 voices, 0 blends"), "{found}");
        }
        let mut other = good.clone();
        other.get_mut("gain").unwrap().0 = vec![16, 3];
        assert!(error(&other).contains("has the shape [16, 3]; [3, 16] was expected"), "{}", error(&other));
        other = good.clone();
        other.get_mut("out_bias").unwrap().1[7] = f32::NAN;
        assert!(error(&other).contains("beyond 10,000"), "{}", error(&other));
        assert!(error(&tensors(24)).contains("a mixer of 24 units, 5 voices, 0 blends and 16 inputs"));
    }
}
