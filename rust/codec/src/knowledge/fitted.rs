//! Weights fitted to one content: how they are packed, to stand in its archive.
//!
//! FORMAT.md, "Fitted networks", describes the bytes.

use std::sync::Arc;

use foretold_coding::Decoder;
use foretold_neural::{Dimensions, Shape, Tensors, Values, Weights};

use super::packing::{Numbers, Packer, Packing, START, Symbols, Unpacker};
use crate::network::OwnNetwork;

/// Most bytes of packed weights; all networks that are allowed need less.
pub const MOST_PACKED_BYTES: usize = 1 << 22;
/// Layers, units, and bits of an integer with [`FOUR_GATES`] and [`HEARS_MATCH`].
const HEAD_BYTES: usize = 3;
/// Units are counted in so many.
const UNITS: usize = 64;
/// Beside the bits of an integer, where cells have four gates.
const FOUR_GATES: u8 = 16;
/// The same, where it hears match models.
const HEARS_MATCH: u8 = 32;
/// Classes of how large an integer's neighbours are.
const CLASSES: usize = 8;
/// Upper half of the scale of a row of zeros: one.
const ONE: u16 = 0x3f80;

/// Weights that stand in an archive.
#[derive(Clone, Debug)]
pub struct FittedNetwork {
    packed: Vec<u8>,
    network: Arc<OwnNetwork>,
}

impl PartialEq for FittedNetwork {
    fn eq(&self, other: &FittedNetwork) -> bool {
        self.packed == other.packed
    }
}

impl Eq for FittedNetwork {}

impl FittedNetwork {
    /// Packs a safetensors file of int8 or int4 weights. What is kept of scales, gains and biases is
    /// the upper half of each, rounded.
    pub fn from_safetensors(file: &[u8]) -> Result<FittedNetwork, String> {
        let tensors = Tensors::from_safetensors(file).map_err(|error| error.to_string())?;
        let Dimensions { hidden, layers, gates, hears_match } = tensors.dimensions();
        check_size(tensors.dimensions())?;
        let mut most = 0;
        for (shape, values) in tensors.iter().filter(|(shape, _)| shape.is_matrix) {
            let Values::Integers(values, _) = values else {
                return Err(format!("tensor {:?} holds floats; fitted weights are int8 or int4", shape.name));
            };
            most = values.iter().map(|q| q.unsigned_abs()).max().unwrap_or(0).max(most);
        }
        let bits = if most < 8 { 4 } else { 8 };
        let mut packer = Packer::default();
        let mut sheets: Vec<Sheet> =
            tensors.iter().map(|(shape, values)| Sheet::of(&shape, values)).collect();
        code(&mut packer, tensors.dimensions(), bits, &mut sheets);
        let kind =
            bits as u8 | if gates == 4 { FOUR_GATES } else { 0 } | if hears_match { HEARS_MATCH } else { 0 };
        let mut packed = vec![layers as u8, (hidden / UNITS) as u8, kind];
        packed.extend(packer.0.finish());
        // What was rounded is what both sides must have.
        FittedNetwork::unpack(packed)
    }

    /// Reads what stands in an archive.
    pub fn unpack(packed: Vec<u8>) -> Result<FittedNetwork, String> {
        let Some((&[layers, units, kind], coded)) = packed.split_first_chunk::<HEAD_BYTES>() else {
            return Err(format!("it has {} bytes, at least {HEAD_BYTES} are needed", packed.len()));
        };
        let dimensions = Dimensions {
            hidden: usize::from(units) * UNITS,
            layers: layers.into(),
            gates: if kind & FOUR_GATES == 0 { 3 } else { 4 },
            hears_match: kind & HEARS_MATCH != 0,
        };
        let bits = kind & !(FOUR_GATES | HEARS_MATCH);
        check_size(dimensions)?;
        if !matches!(bits, 4 | 8) {
            return Err(format!("its weights have {bits} bits, 4 and 8 are known"));
        }
        let mut sheets: Vec<Sheet> = dimensions.tensors().iter().map(Sheet::zeros).collect();
        let mut unpacker = Unpacker(Decoder::new(coded));
        code(&mut unpacker, dimensions, bits.into(), &mut sheets);
        if !unpacker.0.is_exhausted() {
            return Err("bytes follow its weights".into());
        }
        let values = sheets.into_iter().map(Sheet::values).collect();
        let tensors = Tensors::new(dimensions, values).map_err(|error| error.to_string())?;
        let network = Arc::new(OwnNetwork::Learning(Weights::from(&tensors)));
        Ok(FittedNetwork { network, packed })
    }

    /// The bytes that stand in the archive.
    pub fn packed(&self) -> &[u8] {
        &self.packed
    }

    /// The weights.
    pub(crate) fn network(&self) -> Arc<OwnNetwork> {
        self.network.clone()
    }

    /// Layers, and units of each.
    pub fn size(&self) -> (usize, usize) {
        (self.network.dimensions().layers, self.network.dimensions().hidden)
    }
}

fn check_size(dimensions: Dimensions) -> Result<(), String> {
    let most = crate::network::SIZES;
    if dimensions.are_possible() && crate::network::fits(dimensions) {
        return Ok(());
    }
    Err(format!(
        "it has {dimensions}; allowed are 1 to 3 layers of a multiple of {UNITS}, which take \
         no more memory than {} of {}",
        most.layers, most.hidden
    ))
}

/// A tensor on its way in or out.
struct Sheet {
    columns: usize,
    /// Of a matrix.
    integers: Vec<i8>,
    /// Upper halves: of a matrix's scales, or of a vector's values.
    words: Vec<u16>,
}

impl Sheet {
    fn zeros(shape: &Shape) -> Sheet {
        let &Shape { rows, columns, is_matrix, .. } = shape;
        let (integers, words) = if is_matrix { (rows * columns, rows) } else { (0, rows * columns) };
        Sheet { columns, integers: vec![0; integers], words: vec![ONE; words] }
    }

    fn of(shape: &Shape, values: &Values) -> Sheet {
        let words = |values: &[f32]| values.iter().map(|&value| upper_half(value)).collect();
        let columns = shape.columns;
        match values {
            Values::Integers(integers, scales) if shape.is_matrix => {
                Sheet { columns, integers: integers.clone(), words: words(scales) }
            }
            _ => Sheet { columns, integers: Vec::new(), words: words(&values.floats()) },
        }
    }

    fn values(self) -> Values {
        let floats = self.words.iter().map(|&word| f32::from_bits(u32::from(word) << 16)).collect();
        if self.integers.is_empty() {
            Values::Floats(floats)
        } else {
            Values::Integers(self.integers, floats)
        }
    }
}

/// The upper half of a float's bits, rounded to the nearest, ties to even.
fn upper_half(value: f32) -> u16 {
    let bits = value.to_bits();
    (bits.wrapping_add(0x7fff + (bits >> 16 & 1)) >> 16) as u16
}

/// Adaptive probabilities of one network.
struct Model {
    zero: [u32; 8],
    integers: Symbols,
    scales: Numbers,
    words: Numbers,
    bits: u32,
}

/// Packs or unpacks all tensors.
fn code(coder: &mut impl Packing, dimensions: Dimensions, bits: u32, sheets: &mut [Sheet]) {
    let mut model = Model {
        zero: [START; 8],
        integers: Symbols::new(4 * CLASSES, bits),
        scales: Numbers::new(17),
        words: Numbers::new(3 * 17),
        bits,
    };
    for (shape, sheet) in dimensions.tensors().iter().zip(sheets) {
        let kind = match shape.name.split('.').next().unwrap_or_default() {
            "embed" | "match_byte" | "match_class" | "gain" => 0,
            "recur" | "bias" => 1,
            "below" | "out_bias" | "match_bias" => 2,
            _ => 3,
        };
        match shape.is_matrix {
            true => model.matrix(coder, kind, shape.rows, sheet),
            false => model.vector(coder, kind, sheet),
        }
    }
}

/// A word's difference to the one before, small numbers of either sign small.
fn zigzag(word: u16, before: u16) -> u32 {
    let moved = word.wrapping_sub(before) as i16;
    u32::from(((moved << 1) ^ (moved >> 15)) as u16)
}

fn unzigzag(number: u32, before: u16) -> u16 {
    let number = number as u16;
    before.wrapping_add((number >> 1) ^ (number & 1).wrapping_neg())
}

impl Model {
    fn vector(&mut self, coder: &mut impl Packing, kind: usize, sheet: &mut Sheet) {
        let (mut before, mut last) = (0, 0);
        for word in &mut sheet.words {
            let number = self.words.code(coder, kind * 17 + last, zigzag(*word, before)) & 0xffff;
            last = 32 - number.leading_zeros() as usize;
            *word = unzigzag(number, before);
            before = *word;
        }
    }

    fn matrix(&mut self, coder: &mut impl Packing, kind: usize, rows: usize, sheet: &mut Sheet) {
        let (mut before, mut last, mut was_zero) = (0, 0, false);
        for row in 0..rows {
            let (above, integers) = sheet.integers.split_at_mut(row * sheet.columns);
            let integers = &mut integers[..sheet.columns];
            let above = above.len().checked_sub(sheet.columns).map(|start| &above[start..]);
            let is_zero = integers.iter().all(|&q| q == 0);
            was_zero = coder.bit(&mut self.zero[2 * kind + usize::from(was_zero)], is_zero);
            if was_zero {
                sheet.words[row] = ONE;
                integers.fill(0);
                continue;
            }
            let number = self.scales.code(coder, last, zigzag(sheet.words[row], before)) & 0xffff;
            last = 32 - number.leading_zeros() as usize;
            before = unzigzag(number, before);
            sheet.words[row] = before;
            self.row(coder, kind, above, integers);
        }
    }

    fn row(&mut self, coder: &mut impl Packing, kind: usize, above: Option<&[i8]>, integers: &mut [i8]) {
        let middle = 1i32 << (self.bits - 1);
        let mut left = 0;
        for (column, q) in integers.iter_mut().enumerate() {
            let above = above.map_or(0, |above| u32::from(above[column].unsigned_abs()));
            let class = (32 - (left + above).leading_zeros()).min(CLASSES as u32 - 1);
            let context = kind * CLASSES + class as usize;
            let symbol = self.integers.code(coder, context, (i32::from(*q) + middle) as u32);
            *q = (symbol as i32 - middle) as i8;
            left = u32::from(q.unsigned_abs());
        }
    }
}
