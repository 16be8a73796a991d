//! Weights from files.

use foretold_numerics::{FLOAT_LANES, Lanes, StandardFloats};
use safetensors::{Dtype, SafeTensors};
use thiserror::Error;

use crate::weights::{Dimensions, MATCH_CLASSES, SYMBOLS, Weights};

/// Why weights cannot be used.
#[derive(Debug, Error)]
pub enum WeightsError {
    /// The bytes are no safetensors file.
    #[error("not a safetensors file: {0}")]
    NotSafetensors(#[from] safetensors::SafeTensorError),
    /// A tensor is missing, or not as it should be.
    #[error("tensor {name:?} {reason}")]
    BadTensor {
        /// Its name.
        name: String,
        /// What was found, and what was expected.
        reason: String,
    },
    /// The sizes are not those of a network that can be run.
    #[error("a network of {0}; layers are 1 to 3, units a multiple of 64 up to 4096, gates 3 or 4")]
    Impossible(Dimensions),
    /// The file's metadata does not tell of a cell that can be run.
    #[error("its metadata says that cells have {0:?} gates; they have 3 or 4")]
    Gates(String),
    /// The sizes are not those of a mixer network that can be run.
    #[error(
        "a mixer of {hidden} units, {voices} voices, {blends} blends and {inputs} inputs; units are a multiple of 16 up to 256, voices and blends 1 to 62, inputs twice the voices, the blends and three, up to 512; what is blended is a multiple of 32 up to 1024"
    )]
    ImpossibleMixer {
        /// Units found.
        hidden: usize,
        /// Inputs found.
        inputs: usize,
        /// Voices found.
        voices: usize,
        /// Blends found.
        blends: usize,
    },
}

pub(crate) fn bad(name: &str, reason: impl Into<String>) -> WeightsError {
    WeightsError::BadTensor { name: name.into(), reason: reason.into() }
}

/// What a tensor holds: its name in a file and its shape. Matrices have a row for each input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shape {
    /// Its name, as `foretold train bytelm` writes it.
    pub name: String,
    /// Rows.
    pub rows: usize,
    /// Columns; vectors are matrices of one column in memory only.
    pub columns: usize,
    /// Whether its values are weights of inputs, which files may keep as integers.
    pub is_matrix: bool,
}

impl Dimensions {
    /// The tensors of such a network, layer by layer.
    pub fn tensors(self) -> Vec<Shape> {
        let Dimensions { hidden, layers, gates, hears_match } = self;
        let width = self.width();
        let mut all = Vec::new();
        let mut add = |name: String, rows: usize, columns: usize, is_matrix: bool| {
            all.push(Shape { name, rows, columns, is_matrix });
        };
        for l in 0..layers {
            add(format!("embed.{l}"), SYMBOLS, width, true);
            add(format!("recur.{l}"), hidden, width, true);
            if l > 0 {
                add(format!("below.{}", l - 1), hidden, width, true);
            }
            add(format!("gain.{l}"), gates, hidden, false);
            add(format!("bias.{l}"), gates, hidden, false);
            if l == 0 && hears_match {
                add("match_byte".into(), SYMBOLS, width, true);
                add("match_class".into(), MATCH_CLASSES, width, true);
            }
        }
        add("out".into(), layers * hidden, SYMBOLS, true);
        add("out_bias".into(), 1, SYMBOLS, false);
        if hears_match {
            add("match_bias".into(), 1, MATCH_CLASSES, false);
        }
        all
    }
}

/// A tensor's values, row by row.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// As they are.
    Floats(Vec<f32>),
    /// Integers, and what each row's are multiplied with.
    Integers(Vec<i8>, Vec<f32>),
}

impl Values {
    /// All of them, row by row.
    pub fn floats(&self) -> Vec<f32> {
        match self {
            Values::Floats(values) => values.clone(),
            Values::Integers(values, scales) => {
                let rows = values.chunks_exact(values.len() / scales.len()).zip(scales);
                rows.flat_map(|(row, scale)| row.iter().map(move |&q| f32::from(q) * scale)).collect()
            }
        }
    }

    fn are_usable(&self) -> bool {
        self.floats().iter().all(|value| value.abs() <= 1e4)
    }
}

/// A network's tensors as a file holds them, in the order of [`Dimensions::tensors`].
#[derive(Clone, Debug, PartialEq)]
pub struct Tensors {
    dimensions: Dimensions,
    values: Vec<Values>,
}

/// A tensor's values: `f32`; or, of matrices, `i8`, or two less 8 in a byte, the first in its low
/// four bits, with a scale for each row.
fn values(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Values, WeightsError> {
    let tensor = file.tensor(name).map_err(|_| bad(name, "is missing"))?;
    let two_in_a_byte = tensor.dtype() == Dtype::U8 && shape.len() == 2;
    let expected = if two_in_a_byte { vec![shape[0], shape[1] / 2] } else { shape.to_vec() };
    if tensor.shape() != expected {
        return Err(bad(name, format!("has the shape {:?}; {expected:?} was expected", tensor.shape())));
    }
    let scales = || rows(file, &format!("{name}.scale"), &shape[..1]);
    let values = match tensor.dtype() {
        Dtype::F32 => {
            let bytes = tensor.data().chunks_exact(4);
            Values::Floats(bytes.map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
        }
        Dtype::I8 if shape.len() == 2 => {
            Values::Integers(tensor.data().iter().map(|&q| q as i8).collect(), scales()?)
        }
        Dtype::U8 if two_in_a_byte => {
            let both = |&q: &u8| [(q & 15) as i8 - 8, (q >> 4) as i8 - 8];
            Values::Integers(tensor.data().iter().flat_map(both).collect(), scales()?)
        }
        other => {
            return Err(bad(name, format!("holds {other:?}; F32 and, of matrices, I8 and U8 are known")));
        }
    };
    if values.are_usable() { Ok(values) } else { Err(bad(name, "holds a value beyond 10,000, or none")) }
}

/// The same as floats, row by row.
pub(crate) fn rows(file: &SafeTensors<'_>, name: &str, shape: &[usize]) -> Result<Vec<f32>, WeightsError> {
    Ok(values(file, name, shape)?.floats())
}

/// A matrix of `i8` as it stands, and what each row's are multiplied with.
pub(crate) fn integers(
    file: &SafeTensors<'_>,
    name: &str,
    shape: &[usize],
) -> Result<(Vec<i8>, Vec<f32>), WeightsError> {
    match values(file, name, shape)? {
        Values::Integers(values, scales) => Ok((values, scales)),
        Values::Floats(_) => Err(bad(name, "holds F32; I8 is known")),
    }
}

/// Gates of a cell, as a file's metadata tell.
fn gates_of(bytes: &[u8]) -> Result<usize, WeightsError> {
    let (_, header) = SafeTensors::read_metadata(bytes)?;
    match header.metadata().as_ref().and_then(|told| told.get("gates")).map(String::as_str) {
        None | Some("3") => Ok(3),
        Some("4") => Ok(4),
        Some(other) => Err(WeightsError::Gates(other.into())),
    }
}

impl Tensors {
    /// Reads a safetensors file as `foretold train bytelm` writes it: for layer `l` `embed.l`
    /// `(256, G hidden)`, `recur.l` and, from the second on, `below.(l - 1)` `(hidden, G hidden)`,
    /// `gain.l` and `bias.l` `(G, hidden)`; `out` `(layers * hidden, 256)`, `out_bias` `(256,)`. Its
    /// metadata say in `gates` that G is 4, or that it is 3, as it is where they do not. A network
    /// that hears a match model has `match_byte` `(256, G hidden)`, `match_class` `(16, G hidden)` and
    /// `match_bias` `(16,)` too.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Tensors, WeightsError> {
        let _standard = StandardFloats::set();
        let file = SafeTensors::deserialize(bytes)?;
        let hidden = match file.tensor("recur.0").map_err(|_| bad("recur.0", "is missing"))?.shape() {
            [hidden, _] => *hidden,
            other => return Err(bad("recur.0", format!("has the shape {other:?}; two were expected"))),
        };
        let layers = (0..4).take_while(|l| file.tensor(&format!("recur.{l}")).is_ok()).count();
        let heard = ["match_byte", "match_class", "match_bias"];
        let hears_match = heard.iter().any(|name| file.tensor(name).is_ok());
        let dimensions = Dimensions { hidden, layers, gates: gates_of(bytes)?, hears_match }.checked()?;
        let read = |shape: &Shape| match shape.rows {
            1 => values(&file, &shape.name, &[shape.columns]),
            rows => values(&file, &shape.name, &[rows, shape.columns]),
        };
        let values = dimensions.tensors().iter().map(read).collect::<Result<_, _>>()?;
        Ok(Tensors { dimensions, values })
    }

    /// These values of a network of these sizes, in the order of [`Dimensions::tensors`].
    pub fn new(dimensions: Dimensions, values: Vec<Values>) -> Result<Tensors, WeightsError> {
        let _standard = StandardFloats::set();
        let shapes = dimensions.checked()?.tensors();
        assert_eq!(values.len(), shapes.len());
        for (shape, values) in shapes.iter().zip(&values) {
            let found = match values {
                Values::Floats(values) => values.len(),
                Values::Integers(values, scales) if scales.len() == shape.rows => values.len(),
                Values::Integers(..) => 0,
            };
            assert_eq!(found, shape.rows * shape.columns, "{}", shape.name);
            if !values.are_usable() {
                return Err(bad(&shape.name, "holds a value beyond 10,000, or none"));
            }
        }
        Ok(Tensors { dimensions, values })
    }

    /// Sizes of the network.
    pub fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    /// The tensors with their values.
    pub fn iter(&self) -> impl Iterator<Item = (Shape, &Values)> {
        self.dimensions.tensors().into_iter().zip(&self.values)
    }
}

impl Dimensions {
    fn checked(self) -> Result<Dimensions, WeightsError> {
        if self.are_possible() { Ok(self) } else { Err(WeightsError::Impossible(self)) }
    }
}

pub(crate) fn lanes(values: &[f32]) -> Vec<Lanes> {
    values.chunks_exact(FLOAT_LANES).map(Lanes::of).collect()
}

impl From<&Tensors> for Weights {
    fn from(tensors: &Tensors) -> Weights {
        let _standard = StandardFloats::set();
        let dimensions = tensors.dimensions;
        let mut weights = Weights::zeros(dimensions);
        for (shape, values) in tensors.iter() {
            let values = values.floats();
            let (kind, number) = shape.name.split_once('.').unwrap_or((&shape.name, "0"));
            let number: usize = number.parse().expect("a layer's number");
            let layers = &mut weights.layers.0;
            match kind {
                "embed" => layers[number].embed = lanes(&values),
                "gain" => layers[number].gain = lanes(&values),
                "bias" => layers[number].bias = lanes(&values),
                "out_bias" => weights.output.bias = lanes(&values),
                "match_byte" => layers[0].match_byte = lanes(&values),
                "match_class" => layers[0].match_class = lanes(&values),
                "match_bias" => weights.output.match_bias = lanes(&values),
                "recur" => layers[number].matrix.set_rows(0, shape.columns, &values),
                // It lies beneath the layer's own.
                "below" => layers[number + 1].matrix.set_rows(dimensions.hidden, shape.columns, &values),
                _ => weights.output.matrix.set_rows(0, shape.columns, &values),
            }
        }
        weights
    }
}

impl Weights {
    /// Reads a safetensors file, as [`Tensors::from_safetensors`] does.
    pub fn from_safetensors(bytes: &[u8]) -> Result<Weights, WeightsError> {
        Ok(Weights::from(&Tensors::from_safetensors(bytes)?))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use safetensors::tensor::TensorView;

    use super::*;
    use crate::weights::Layer;

    type Tensors = BTreeMap<String, (Dtype, Vec<usize>, Vec<u8>)>;

    /// Every weight is the number of its place, over a thousand; matrices are whole numbers times a
    /// scale.
    fn tensors(hidden: usize, layers: usize) -> Tensors {
        tensors_of(hidden, layers, 3)
    }

    fn tensors_of(hidden: usize, layers: usize, gates: usize) -> Tensors {
        let floats = |n: usize| (0..n).flat_map(|i| (i as f32 / 1000.0).to_le_bytes()).collect::<Vec<u8>>();
        let mut all = Tensors::new();
        let mut matrix = |name: String, rows: usize, columns: usize| {
            let values = (0..rows * columns).map(|i| (i % 251) as u8).collect();
            all.insert(format!("{name}.scale"), (Dtype::F32, vec![rows], floats(rows)));
            all.insert(name, (Dtype::I8, vec![rows, columns], values));
        };
        for l in 0..layers {
            matrix(format!("embed.{l}"), 256, gates * hidden);
            matrix(format!("recur.{l}"), hidden, gates * hidden);
            if l > 0 {
                matrix(format!("below.{}", l - 1), hidden, gates * hidden);
            }
        }
        matrix("out".into(), layers * hidden, 256);
        for l in 0..layers {
            for name in ["gain", "bias"] {
                all.insert(format!("{name}.{l}"), (Dtype::F32, vec![gates, hidden], floats(gates * hidden)));
            }
        }
        all.insert("out_bias".into(), (Dtype::F32, vec![256], floats(256)));
        all
    }

    fn file(tensors: &Tensors) -> Vec<u8> {
        file_telling(tensors, None)
    }

    /// With this in its metadata.
    fn file_telling(tensors: &Tensors, told: Option<(&str, &str)>) -> Vec<u8> {
        let views = tensors.iter().map(|(name, (dtype, shape, data))| {
            (name.clone(), TensorView::new(*dtype, shape.clone(), data).unwrap())
        });
        let told = told.map(|(name, value)| [(name.to_string(), value.to_string())].into());
        safetensors::serialize(views, told).unwrap()
    }

    #[test]
    fn a_files_metadata_tell_of_the_gates() {
        let three = Weights::from_safetensors(&file_telling(&tensors(64, 1), Some(("gates", "3")))).unwrap();
        assert_eq!(three, Weights::from_safetensors(&file(&tensors(64, 1))).unwrap());
        let four = tensors_of(64, 2, 4);
        let weights = Weights::from_safetensors(&file_telling(&four, Some(("gates", "4")))).unwrap();
        assert_eq!(weights.dimensions(), Dimensions { hidden: 64, layers: 2, gates: 4, hears_match: false });
        // The last gate of the last unit.
        let (bias, embed) = (&weights.layers.0[1].bias, &weights.layers.0[1].embed);
        assert_eq!((bias[15].0[15], embed[9 * 16 + 15].0[15]), (0.255, 0.009 * 49.0));
        let error = |tensors: &Tensors, gates: &str| {
            let file = file_telling(tensors, Some(("gates", gates)));
            super::Tensors::from_safetensors(&file).unwrap_err().to_string()
        };
        for gates in ["2", "5", "", "4 ", "18446744073709551619"] {
            let told = format!("its metadata says that cells have {gates:?} gates; they have 3 or 4");
            assert_eq!(error(&four, gates), told);
        }
        let other = error(&four, "3");
        assert!(other.contains("has the shape [256, 256]; [256, 192] was expected"), "{other}");
        let other = error(&tensors(64, 1), "4");
        assert!(other.contains("has the shape [256, 192]; [256, 256] was expected"), "{other}");
    }

    #[test]
    fn what_is_heard_of_a_match_is_whole_or_not_there() {
        let mut heard = tensors(64, 2);
        let floats = |n: usize| (0..n).flat_map(|i| (i as f32 / 100.0).to_le_bytes()).collect::<Vec<u8>>();
        heard.insert("match_byte".into(), (Dtype::F32, vec![256, 192], floats(256 * 192)));
        heard.insert("match_class".into(), (Dtype::F32, vec![16, 192], floats(16 * 192)));
        heard.insert("match_bias".into(), (Dtype::F32, vec![16], floats(16)));
        let weights = Weights::from_safetensors(&file(&heard)).unwrap();
        let dimensions = Dimensions { hidden: 64, layers: 2, gates: 3, hears_match: true };
        assert_eq!(weights.dimensions(), dimensions);
        let Layer { match_byte, match_class, .. } = &weights.layers.0[0];
        assert_eq!((match_byte[3 * 12].0[1], match_class[15 * 12].0[0]), (5.77, 28.8));
        assert_eq!(weights.output.match_bias[0].0[15], 0.15);
        assert!(weights.layers.0[1].match_byte.is_empty());
        for name in ["match_byte", "match_class", "match_bias"] {
            let mut less = heard.clone();
            less.remove(name);
            let error = Weights::from_safetensors(&file(&less)).unwrap_err().to_string();
            assert_eq!(error, format!("tensor {name:?} is missing"));
            let mut other = heard.clone();
            other.get_mut(name).unwrap().1[0] /= 2;
            let len = other[name].2.len() / 2;
            other.get_mut(name).unwrap().2.truncate(len);
            let error = Weights::from_safetensors(&file(&other)).unwrap_err().to_string();
            assert!(error.contains("has the shape"), "{error}");
        }
    }

    #[test]
    fn weights_stand_where_their_names_say() {
        let weights = Weights::from_safetensors(&file(&tensors(64, 2))).unwrap();
        assert_eq!(weights.dimensions(), Dimensions { hidden: 64, layers: 2, gates: 3, hears_match: false });
        let value = |row: usize, column: usize| {
            f32::from(((row * 192 + column) % 251) as u8 as i8) * (row as f32 / 1000.0)
        };
        let upper = &weights.layers.0[1];
        for column in [0, 63, 64, 191] {
            // Row 5 of recur.1, and row 7 of below.0, which lies beneath its 64 rows.
            let at = |row: usize| upper.matrix.panel(column / 64)[row * 4 + column % 64 / 16].0[column % 16];
            assert_eq!((at(5), at(64 + 7)), (value(5, column), value(7, column)));
            assert_eq!(upper.embed[9 * 12 + column / 16].0[column % 16], value(9, column));
            assert_eq!(upper.gain[column / 16].0[column % 16], column as f32 / 1000.0);
        }
    }

    #[test]
    fn two_values_in_a_byte_stand_in_its_halves() {
        let mut small = tensors(64, 1);
        let halves = (0..64 * 96).map(|i| (i % 256) as u8).collect();
        small.insert("recur.0".into(), (Dtype::U8, vec![64, 96], halves));
        let weights = Weights::from_safetensors(&file(&small)).unwrap();
        let row = &weights.layers.0[0].matrix.panel(0)[3 * 4..];
        // Row 3 begins with byte 288: 32, and its scale is 0.003.
        assert_eq!(row[0].0[..4], [-8.0, -6.0, -7.0, -6.0].map(|q: f32| q * 0.003));
    }

    #[test]
    fn damaged_files_are_refused_by_name() {
        let good = tensors(64, 1);
        let error = |tensors: &Tensors| Weights::from_safetensors(&file(tensors)).unwrap_err().to_string();
        for name in ["recur.0", "embed.0", "gain.0", "out", "out_bias", "out.scale"] {
            let mut less = good.clone();
            less.remove(name);
            assert_eq!(error(&less), format!("tensor {name:?} is missing"));
        }
        let mut other = good.clone();
        other.insert("bias.0".into(), (Dtype::F32, vec![2, 96], vec![0; 768]));
        assert!(error(&other).contains("has the shape [2, 96]; [3, 64] was expected"), "{}", error(&other));
        other = good.clone();
        other.insert("bias.0".into(), (Dtype::F16, vec![3, 64], vec![0; 384]));
        assert!(error(&other).contains("holds F16"), "{}", error(&other));
        for value in [f32::NAN, f32::INFINITY, 1e5] {
            other = good.clone();
            other.get_mut("out_bias").unwrap().2[8..12].copy_from_slice(&value.to_le_bytes());
            assert!(error(&other).contains("beyond 10,000"), "{}", error(&other));
        }
        for (hidden, layers) in [(32, 1), (64, 4), (100, 1)] {
            assert!(error(&tensors(hidden, layers)).contains(&format!("{layers} layers of {hidden} units")));
        }
        let whole = file(&good);
        for end in [0, 7, 8, 100, whole.len() - 1] {
            let cut = Weights::from_safetensors(&whole[..end]).unwrap_err();
            assert!(cut.to_string().contains("not a safetensors file"), "{cut}");
        }
    }
}
