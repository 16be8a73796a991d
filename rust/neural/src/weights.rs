//! What a network knows, and the sizes of it.

use std::fmt;

use foretold_numerics::{FLOAT_LANES, Lanes, StandardFloats, floats_mut};

use crate::matrix::{Matrix, PANEL};

/// Symbols: bytes.
pub const SYMBOLS: usize = 256;

/// Classes of how long a match is, from 0: there is none.
pub const MATCH_CLASSES: usize = 16;

/// What a match model expects next.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Expected {
    /// The byte.
    pub byte: u8,
    /// How long the match is, below [`MATCH_CLASSES`]; 0 if nothing is expected.
    pub class: u8,
}

/// Sizes of a network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Dimensions {
    /// Units of a layer: a multiple of 64.
    pub hidden: usize,
    /// Layers: 1 to 3.
    pub layers: usize,
    /// Gates of a cell, in the order of the columns: forget gate, cell candidate, output gate and, of
    /// four, input gate. In a cell of three the input gate is what the forget gate leaves.
    pub gates: usize,
    /// Whether it hears what a match model expects.
    pub hears_match: bool,
}

impl fmt::Display for Dimensions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} layers of {} units", self.layers, self.hidden)?;
        if self.gates != 3 {
            write!(f, " with {} gates", self.gates)?;
        }
        if self.hears_match { write!(f, " that hear a match model") } else { Ok(()) }
    }
}

impl Dimensions {
    /// Groups of lanes that a layer's units fill.
    pub(crate) fn groups(self) -> usize {
        self.hidden / FLOAT_LANES
    }

    /// Columns of a layer's matrix: all gates of all units.
    pub(crate) fn width(self) -> usize {
        self.gates * self.hidden
    }

    /// Inputs of a layer that stand in its matrix: its own units, and those of the layer below.
    pub(crate) fn inputs(self, layer: usize) -> usize {
        if layer == 0 { self.hidden } else { 2 * self.hidden }
    }

    /// Rows of bytes and of what is expected, in layer 0.
    pub(crate) fn rows(self) -> usize {
        SYMBOLS + if self.hears_match { SYMBOLS + MATCH_CLASSES } else { 0 }
    }

    /// Weights of all layers but the last.
    fn layers_weights(self) -> usize {
        let rows: usize = (0..self.layers).map(|layer| self.inputs(layer) + SYMBOLS + 2).sum();
        (rows + self.rows() - SYMBOLS) * self.width()
    }

    /// Weights of the last.
    fn output_weights(self) -> usize {
        (self.layers * self.hidden + 1) * SYMBOLS + if self.hears_match { MATCH_CLASSES } else { 0 }
    }

    /// Whether a network can have these.
    pub fn are_possible(self) -> bool {
        (PANEL..=4096).contains(&self.hidden)
            && self.hidden.is_multiple_of(PANEL)
            && (1..=3).contains(&self.layers)
            && matches!(self.gates, 3 | 4)
    }

    /// Weights of such a network.
    pub fn weights(self) -> usize {
        self.layers_weights() + self.output_weights()
    }

    /// Bytes that a [`ByteLstm`](crate::ByteLstm) of these sizes takes, one that learns, with what
    /// its second thread holds.
    pub fn memory_bytes(self, horizon: usize) -> u64 {
        let width = self.width();
        let (layers, output) = (self.layers_weights(), self.output_weights());
        let step: usize =
            (0..self.layers).map(|layer| self.inputs(layer) + (4 + 2 * self.gates) * self.hidden).sum();
        let working = 2 * self.inputs(1) + 5 * width + 3 * self.hidden;
        4 * (3 * layers + output + horizon * (2 * step + working)) as u64
    }
}

/// One layer's weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layer {
    /// From its own units and, beneath them, those of the layer below, to the gates.
    pub matrix: Matrix,
    /// From the last byte to the gates: a row each, `gates * hidden` values.
    pub embed: Vec<Lanes>,
    pub gain: Vec<Lanes>,
    pub bias: Vec<Lanes>,
    /// As `embed`, from the byte that is expected next, and from the class of its match: of layer 0
    /// of a network that hears of it, else empty.
    pub match_byte: Vec<Lanes>,
    pub match_class: Vec<Lanes>,
}

/// The weights of all layers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layers(pub Vec<Layer>);

impl Layers {
    pub fn zeros(dimensions: Dimensions) -> Layers {
        let (width, hears) = (dimensions.gates * dimensions.groups(), usize::from(dimensions.hears_match));
        let layer = |layer| Layer {
            matrix: Matrix::zeros(dimensions.inputs(layer), width * FLOAT_LANES),
            embed: vec![Lanes::ZERO; SYMBOLS * width],
            gain: vec![Lanes::ZERO; width],
            bias: vec![Lanes::ZERO; width],
            match_byte: vec![Lanes::ZERO; if layer == 0 { hears * SYMBOLS * width } else { 0 }],
            match_class: vec![Lanes::ZERO; if layer == 0 { hears * MATCH_CLASSES * width } else { 0 }],
        };
        Layers((0..dimensions.layers).map(layer).collect())
    }

    /// Every tensor, in the order of a state.
    pub fn parts_mut(&mut self) -> impl Iterator<Item = &mut [Lanes]> {
        let parts = self.0.iter_mut().flat_map(|layer| {
            let shared = [layer.matrix.lanes_mut(), &mut layer.embed, &mut layer.gain, &mut layer.bias];
            shared.into_iter().chain([&mut layer.match_byte[..], &mut layer.match_class[..]])
        });
        parts.filter(|part| !part.is_empty())
    }
}

/// The last layer: from the units of all layers to the logits of the next byte.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Output {
    pub matrix: Matrix,
    pub bias: Vec<Lanes>,
    /// Added to the logit of the byte that is expected, by class; empty if nothing is heard of it.
    pub match_bias: Vec<Lanes>,
}

/// A network's weights.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights {
    pub(crate) dimensions: Dimensions,
    pub(crate) layers: Layers,
    pub(crate) output: Output,
}

impl Weights {
    pub(crate) fn zeros(dimensions: Dimensions) -> Weights {
        assert!(dimensions.are_possible(), "{dimensions:?}");
        let output = Output {
            matrix: Matrix::zeros(dimensions.layers * dimensions.hidden, SYMBOLS),
            bias: vec![Lanes::ZERO; SYMBOLS / FLOAT_LANES],
            match_bias: vec![Lanes::ZERO; usize::from(dimensions.hears_match) * MATCH_CLASSES / FLOAT_LANES],
        };
        Weights { dimensions, layers: Layers::zeros(dimensions), output }
    }

    /// A network that has learned nothing: weights evenly spread about zero by a linear
    /// congruential sequence, forget gates that remember for 2 to 50 bytes, no opinion on the next
    /// byte.
    pub fn untrained(dimensions: Dimensions) -> Weights {
        let _standard = StandardFloats::set();
        let mut weights = Weights::zeros(dimensions);
        let mut seed = 1u32;
        let mut next = move |spread: f32| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            // 24 bits: exact in f32.
            ((seed >> 8) as f32 - 8_388_607.5) * (spread / 8_388_608.0)
        };
        let groups = dimensions.groups();
        for layer in &mut weights.layers.0 {
            let spread = (3.0 / dimensions.hidden as f32).sqrt();
            for value in floats_mut(layer.matrix.lanes_mut()) {
                *value = next(spread);
            }
            for value in floats_mut(&mut layer.embed) {
                *value = next(1.0);
            }
            for value in floats_mut(&mut layer.match_byte) {
                *value = next(1.0);
            }
            layer.gain.fill(Lanes::all(1.0));
            for (i, value) in floats_mut(&mut layer.bias[..groups]).iter_mut().enumerate() {
                *value = 4.0 * i as f32 / dimensions.hidden as f32;
            }
            // What remembers for long takes in little.
            if dimensions.gates == 4 {
                let (forget, input) = layer.bias.split_at_mut(3 * groups);
                for (input, forget) in input.iter_mut().zip(forget) {
                    *input = forget.map(|x| -x);
                }
            }
        }
        weights
    }

    /// Sizes.
    pub fn dimensions(&self) -> Dimensions {
        self.dimensions
    }
}
