//! A byte-level LSTM that does not learn: its products are of integers.

use foretold_numerics::{
    FLOAT_LANES, Lanes, PANEL_SUMS, Simd, StandardFloats, Work, floats, floats_mut, multiply,
    round_signed_f32,
};

use crate::byte_lstm::{Part, START};
use crate::cell;
use crate::load::{Tensors, Values, WeightsError};
use crate::weights::{Dimensions, Expected, SYMBOLS};

/// Base-2 logarithm of the largest input, where sums of so many cannot leave 32 bits.
const INPUT_BITS: u32 = 14;

/// Integer weights, whose products with floats are sums of integers.
///
/// A row's input is multiplied with the row's factor and rounded to an integer of 16 bits; a sum of
/// such integers times weights, times the unit, is the product. The factor is the row's scale over
/// the unit, a power of two such that no input is larger than `2^INPUT_BITS`; so sums are exact in
/// any order.
#[derive(Clone, Debug)]
struct Integers {
    factors: Vec<f32>,
    unit: f32,
    weights: Vec<i8>,
}

impl Integers {
    /// Of matrices one beneath the other, of so many columns.
    fn new(matrices: &[(&[i8], &[f32])], columns: usize) -> Integers {
        let scales: Vec<f32> = matrices.iter().flat_map(|(_, scales)| *scales).copied().collect();
        let rows = scales.len();
        let largest =
            scales.iter().fold(0.0f32, |most, scale| if scale.abs() > most { scale.abs() } else { most });
        // 127 * 2^bits * rows stays below 2^31.
        let bits = INPUT_BITS.min((i32::MAX as u32 / (127 * rows as u32)).ilog2());
        let mut exponent = 0;
        while exponent < 60 && largest * power_of_two(exponent + 1) <= power_of_two(bits as i32) {
            exponent += 1;
        }
        while exponent > -60 && largest * power_of_two(exponent) > power_of_two(bits as i32) {
            exponent -= 1;
        }
        let mut weights = vec![0; rows * columns];
        let all = matrices.iter().flat_map(|(values, _)| values.chunks_exact(columns));
        for (row, values) in all.enumerate() {
            for (column, &value) in values.iter().enumerate() {
                let (panel, inside) = (column / PANEL_SUMS, column % PANEL_SUMS);
                let at = panel * rows * PANEL_SUMS + row / 2 * 2 * PANEL_SUMS + 2 * inside + row % 2;
                weights[at] = value;
            }
        }
        let factors = scales.iter().map(|scale| scale * power_of_two(exponent)).collect();
        Integers { factors, unit: power_of_two(-exponent), weights }
    }

    /// Adds the product with `inputs`, from -1 to 1, to `outputs`.
    #[inline(always)]
    fn add_product(&self, simd: Simd, inputs: &[f32], work: &mut Working, outputs: &mut [Lanes]) {
        let rows = self.factors.len();
        for ((integer, input), factor) in work.inputs.iter_mut().zip(inputs).zip(&self.factors) {
            *integer = round_signed_f32(input * factor) as i16;
        }
        let sums = &mut work.sums[..outputs.len() * FLOAT_LANES];
        multiply(simd, &work.inputs[..rows], &self.weights, sums);
        for (out, sums) in outputs.iter_mut().zip(sums.as_chunks::<FLOAT_LANES>().0) {
            for (out, &sum) in out.0.iter_mut().zip(sums) {
                *out += sum as f32 * self.unit;
            }
        }
    }
}

/// 2^exponent, for exponents from -126 to 127.
fn power_of_two(exponent: i32) -> f32 {
    f32::from_bits(((exponent + 127) as u32) << 23)
}

#[derive(Clone, Debug)]
struct Layer {
    matrix: Integers,
    embed: Vec<Lanes>,
    gain: Vec<Lanes>,
    bias: Vec<Lanes>,
    match_byte: Vec<Lanes>,
    match_class: Vec<Lanes>,
}

/// Working memory.
#[derive(Clone, Debug)]
struct Working {
    inputs: Vec<i16>,
    sums: Vec<i32>,
}

/// Predicts the next byte from all before it, as [`ByteLstm`](crate::ByteLstm) does, with weights
/// that stay as they are: of 8 bits, or of 4, which take as long.
///
/// Its products are sums of integers, exact in any order; all else is as there.
#[derive(Clone, Debug)]
pub struct FrozenLstm {
    simd: Simd,
    dimensions: Dimensions,
    layers: Vec<Layer>,
    output: Integers,
    output_bias: Vec<Lanes>,
    match_bias: Vec<Lanes>,
    /// `(layers, hidden)`.
    hidden: Vec<f32>,
    cells: Vec<Lanes>,
    probabilities: Vec<Lanes>,
    /// Inputs of a layer; pre-activations, as they are, normalised, and squashed.
    inputs: Vec<f32>,
    sums: Vec<Lanes>,
    normal: Vec<Lanes>,
    gates: Vec<Lanes>,
    work: Working,
}

impl FrozenLstm {
    /// A network of these weights; matrices must be integers.
    pub fn new(tensors: &Tensors) -> Result<FrozenLstm, WeightsError> {
        FrozenLstm::with_simd(tensors, Simd::detect())
    }

    /// The same, computed with this instruction set.
    pub fn with_simd(tensors: &Tensors, simd: Simd) -> Result<FrozenLstm, WeightsError> {
        let _standard = StandardFloats::set();
        let dimensions = tensors.dimensions();
        let Dimensions { hidden, layers, gates, .. } = dimensions;
        let (groups, width) = (dimensions.groups(), dimensions.width());
        let made = (0..layers).map(|l| {
            let recur = tensors.integers(&format!("recur.{l}"))?;
            let matrices = match l {
                0 => vec![recur],
                _ => vec![recur, tensors.integers(&format!("below.{}", l - 1))?],
            };
            let lanes = |name: &str| tensors.lanes(&format!("{name}.{l}"));
            let matrix = Integers::new(&matrices, width);
            let heard = |name: &str| match l {
                0 => tensors.lanes_or_none(name),
                _ => Vec::new(),
            };
            Ok(Layer {
                matrix,
                embed: lanes("embed"),
                gain: lanes("gain"),
                bias: lanes("bias"),
                match_byte: heard("match_byte"),
                match_class: heard("match_class"),
            })
        });
        let mut lstm = FrozenLstm {
            simd,
            dimensions,
            layers: made.collect::<Result<_, WeightsError>>()?,
            output: Integers::new(&[tensors.integers("out")?], SYMBOLS),
            output_bias: tensors.lanes("out_bias"),
            match_bias: tensors.lanes_or_none("match_bias"),
            hidden: vec![0.0; layers * hidden],
            cells: vec![Lanes::ZERO; layers * groups],
            probabilities: vec![Lanes::ZERO; SYMBOLS / FLOAT_LANES],
            inputs: vec![0.0; 2 * hidden],
            sums: vec![Lanes::ZERO; gates * groups],
            normal: vec![Lanes::ZERO; gates * groups],
            gates: vec![Lanes::ZERO; gates * groups],
            work: Working { inputs: vec![0; layers.max(2) * hidden], sums: vec![0; width.max(SYMBOLS)] },
        };
        lstm.update(START, Expected::default());
        Ok(lstm)
    }

    /// Sizes.
    pub fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    /// The probability of each byte to be the next: positive, their sum nearly one.
    pub fn probabilities(&self) -> &[f32; SYMBOLS] {
        floats(&self.probabilities).try_into().expect("as many as there are bytes")
    }

    /// Takes the byte that came and what a match model expects now, and looks at what may come next.
    pub fn update(&mut self, byte: u8, expected: Expected) {
        let _standard = StandardFloats::set();
        match self.dimensions.gates {
            4 => self.simd.run(Forward::<4> { lstm: self, byte, expected }),
            _ => self.simd.run(Forward::<3> { lstm: self, byte, expected }),
        }
    }

    /// Shows every part of the state, to be read or written, at any byte.
    pub fn state<E>(&mut self, see: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        see(Part::Floats(&mut self.hidden))?;
        see(Part::Floats(floats_mut(&mut self.cells)))?;
        see(Part::Floats(floats_mut(&mut self.probabilities)))
    }
}

/// One step of all layers, and the probabilities that come of it: code for each number of gates.
struct Forward<'a, const GATES: usize> {
    lstm: &'a mut FrozenLstm,
    byte: u8,
    expected: Expected,
}

impl<const GATES: usize> Work for Forward<'_, GATES> {
    type Output = ();

    #[inline(always)]
    fn run(self, simd: Simd) {
        let FrozenLstm { dimensions, layers, hidden, cells, inputs, sums, normal, gates, work, .. } =
            self.lstm;
        let (groups, units) = (dimensions.groups(), dimensions.hidden);
        let width = GATES * groups;
        for (l, layer) in layers.iter().enumerate() {
            inputs[..units].copy_from_slice(&hidden[l * units..][..units]);
            if l > 0 {
                inputs[units..].copy_from_slice(&hidden[(l - 1) * units..][..units]);
            }
            sums.copy_from_slice(&layer.embed[usize::from(self.byte) * width..][..width]);
            cell::hear(sums, &layer.match_byte, &layer.match_class, self.expected);
            layer.matrix.add_product(simd, inputs, work, sums);
            cell::gates::<GATES>(sums, &layer.gain, &layer.bias, normal, gates);
            for i in 0..groups {
                let cell = &mut cells[l * groups + i];
                let (_, units_now) = cell::turn::<GATES>(gates, i, groups, cell);
                units_now.put(&mut hidden[l * units + i * FLOAT_LANES..]);
            }
        }
        let FrozenLstm { output, output_bias, match_bias, probabilities, .. } = self.lstm;
        probabilities.copy_from_slice(output_bias);
        output.add_product(simd, hidden, work, probabilities);
        cell::expect(probabilities, match_bias, self.expected);
        cell::softmax(probabilities);
    }
}

impl Tensors {
    fn named(&self, name: &str) -> &Values {
        self.iter().find(|(shape, _)| shape.name == name).expect("a tensor of the network").1
    }

    fn lanes(&self, name: &str) -> Vec<Lanes> {
        self.named(name).floats().chunks_exact(FLOAT_LANES).map(Lanes::of).collect()
    }

    /// Of a tensor that some networks do not have.
    fn lanes_or_none(&self, name: &str) -> Vec<Lanes> {
        if self.iter().any(|(shape, _)| shape.name == name) { self.lanes(name) } else { Vec::new() }
    }

    fn integers(&self, name: &str) -> Result<(&[i8], &[f32]), WeightsError> {
        match self.named(name) {
            Values::Integers(values, scales) => Ok((values, scales)),
            Values::Floats(_) => Err(WeightsError::BadTensor {
                name: name.into(),
                reason: "holds floats; a frozen network has int8 or int4 weights".into(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ByteLstm, Learning, Weights};

    /// Weights of 4 bits, or of 8, from a linear congruential sequence.
    fn tensors(dimensions: Dimensions, most: i32) -> Tensors {
        let mut seed = 5u32;
        let mut next = move || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        };
        let values = dimensions.tensors().into_iter().map(|shape| {
            let count = shape.rows * shape.columns;
            if shape.is_matrix {
                let integers = (0..count).map(|_| (next() * most as f32) as i8).collect();
                let scales = (0..shape.rows).map(|_| (1.2 + next()) * 0.2 / most as f32).collect();
                Values::Integers(integers, scales)
            } else {
                Values::Floats((0..count).map(|_| 1.0 + next()).collect())
            }
        });
        Tensors::new(dimensions, values.collect()).unwrap()
    }

    /// What a match model of a kind expects.
    fn expected(byte: u8) -> Expected {
        Expected { byte: byte.wrapping_add(1), class: byte % 16 }
    }

    const STILL: Learning = Learning {
        horizon: 8,
        delay: 1,
        rate: 0.0,
        warm_up: 1,
        half: 1.0,
        newest: 1.0,
        output: (0.0, 0.0, 1.0),
    };

    #[test]
    fn it_says_what_a_network_of_floats_says() {
        for (layers, gates, hears_match, most) in
            [(1, 3, false, 7), (2, 3, true, 127), (3, 3, false, 127), (1, 4, false, 127), (2, 4, true, 7)]
        {
            let tensors = tensors(Dimensions { hidden: 128, layers, gates, hears_match }, most);
            let mut wide = ByteLstm::new(Weights::from(&tensors), STILL);
            let mut lstm = FrozenLstm::new(&tensors).unwrap();
            for &byte in b"What is well foretold needs few bits.".iter().cycle().take(200) {
                for (p, q) in lstm.probabilities().iter().zip(wide.probabilities()) {
                    assert!((p.ln() - q.ln()).abs() < 0.01, "{p}, {q}");
                }
                lstm.update(byte, expected(byte));
                wide.update(byte, expected(byte));
            }
        }
    }

    #[test]
    fn instruction_sets_give_the_same_bits() {
        for (gates, hears_match) in [(3, false), (4, false), (3, true)] {
            let tensors = tensors(Dimensions { hidden: 192, layers: 2, gates, hears_match }, 127);
            let run = |simd: Simd| {
                let mut lstm = FrozenLstm::with_simd(&tensors, simd).unwrap();
                let mut all = Vec::new();
                for byte in 0..=255u8 {
                    all.extend(lstm.probabilities().map(f32::to_bits));
                    lstm.update(byte.wrapping_mul(37), expected(byte));
                }
                all
            };
            let wanted = run(Simd::Scalar);
            for simd in Simd::available() {
                assert!(run(simd) == wanted, "{} with {gates} gates", simd.name());
            }
        }
    }

    #[test]
    fn inputs_are_as_large_as_sums_allow() {
        for scale in [1e-30f32, 3e-4, 0.007, 1.0, 9000.0] {
            for rows in [64usize, 768, 8192] {
                let scales = vec![scale; rows];
                let integers = Integers::new(&[(&vec![127; rows * 64], &scales)], 64);
                let input = round_signed_f32(integers.factors[0]);
                assert!(input <= 1 << 14 && i64::from(input) * 127 * rows as i64 <= i64::from(i32::MAX));
                if scale > 1e-10 {
                    assert!(
                        i64::from(input) * 127 * rows as i64 * 4 > i64::from(i32::MAX) || input > 1 << 13
                    );
                    assert_eq!(integers.factors[0] * integers.unit, scale);
                }
            }
        }
    }

    #[test]
    fn a_saved_network_goes_on_as_if_nothing_had_been() {
        let tensors = tensors(Dimensions { hidden: 64, layers: 2, gates: 3, hears_match: false }, 7);
        let mut lstm = FrozenLstm::new(&tensors).unwrap();
        b"some text".iter().for_each(|&byte| lstm.update(byte, Expected::default()));
        let mut saved = Vec::new();
        let mut copy = FrozenLstm::new(&tensors).unwrap();
        let seen: Result<(), ()> = lstm.state(&mut |part| {
            let Part::Floats(floats) = part else { unreachable!("floats alone") };
            saved.push(floats.to_vec());
            Ok(())
        });
        seen.unwrap();
        let mut parts = saved.iter();
        let seen: Result<(), ()> = copy.state(&mut |part| {
            let Part::Floats(floats) = part else { unreachable!("floats alone") };
            floats.copy_from_slice(parts.next().unwrap());
            Ok(())
        });
        seen.unwrap();
        for byte in *b"and more" {
            assert_eq!(lstm.probabilities(), copy.probabilities());
            lstm.update(byte, Expected::default());
            copy.update(byte, Expected::default());
        }
    }

    #[test]
    fn floats_are_refused() {
        let dimensions = Dimensions { hidden: 64, layers: 1, gates: 3, hears_match: false };
        let values =
            dimensions.tensors().iter().map(|s| Values::Floats(vec![0.1; s.rows * s.columns])).collect();
        let error = FrozenLstm::new(&Tensors::new(dimensions, values).unwrap()).unwrap_err();
        assert!(error.to_string().contains("holds floats"), "{error}");
    }
}
