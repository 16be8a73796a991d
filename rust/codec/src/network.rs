//! The network of preset max: what it says of each bit of the next byte.

use std::sync::LazyLock;

use foretold_models::{History, MatchModel, StateError, StateIo, Tree};
use foretold_neural::{
    ByteLstm, Dimensions, Expected, FrozenLstm, Learning, Part, Tensors, Weights, WeightsError,
};
use foretold_numerics::{StandardFloats, round_f32, stretch};

use crate::predictor::match_models;
use crate::{EngineError, Error, ModelPlan, Preset};

/// Mixer inputs: the network's logit, and how far its probability is from even.
pub(crate) const NETWORK_INPUTS: usize = 2;

/// How a network of which probabilities are asked goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkMode {
    /// It learns, as in archives.
    Learning,
    /// It stays as it is.
    Still,
    /// It stays as it is, and its products are of integers.
    Frozen,
}

/// What a network with these weights says of each byte of `data` beforehand: 256 probabilities. If it
/// hears match models it hears what [`expectations`] tells.
pub fn network_probabilities(weights: &[u8], data: &[u8], mode: NetworkMode) -> Result<Vec<f32>, Error> {
    let mut lstm = mode.lstm(weights).map_err(|error| Error::Parameter(error.to_string()))?;
    let mut matches = match lstm.hears_match() {
        true => Some(Matches::new(data.len())?),
        false => None,
    };
    let mut all = Vec::with_capacity(256 * data.len());
    for &byte in data {
        all.extend_from_slice(lstm.probabilities());
        let expected = matches.as_mut().map(|matches| matches.next(byte)).unwrap_or_default();
        lstm.update(byte, expected);
    }
    Ok(all)
}

/// For each of these coded bytes the byte that match models expected in its place, and the class of
/// the match, 0 if there was none: what a network hears that hears match models.
///
/// They are those of preset max in a block of so many bytes that starts from nothing and is
/// transformed.
pub fn expectations(data: &[u8]) -> Result<Vec<[u8; 2]>, Error> {
    let mut matches = Matches::new(data.len())?;
    let mut expected = Expected::default();
    let tell = |&byte: &u8| {
        let told = [expected.byte, expected.class];
        expected = matches.next(byte);
        told
    };
    Ok(data.iter().map(tell).collect())
}

/// Match models without the rest of a predictor.
struct Matches {
    history: History,
    models: Vec<MatchModel>,
}

impl Matches {
    fn new(bytes: usize) -> Result<Matches, Error> {
        let plan = ModelPlan::for_block(Preset::MAX, bytes as u64);
        let setup = plan.preset().setup();
        let log2 = setup.sizes(plan.size_class());
        let made =
            || Some(Matches { history: History::new(log2.history)?, models: match_models(setup, log2)? });
        made().ok_or(Error::Engine(EngineError::OutOfMemory(plan.memory_bytes())))
    }

    fn next(&mut self, byte: u8) -> Expected {
        self.history.push(byte);
        for model in &mut self.models {
            model.next_byte(&self.history, true);
        }
        expected(&self.models)
    }
}

/// What match models expect at the start of a byte: of those that expect something, the one that asks
/// for the longest matches.
pub(crate) fn expected(models: &[MatchModel]) -> Expected {
    let speaks = models.iter().rev().find(|model| model.len_class() != 0);
    speaks.map_or(Expected::default(), |model| Expected {
        byte: model.expected().0 as u8,
        class: model.len_class() as u8,
    })
}

impl NetworkMode {
    fn lstm(self, weights: &[u8]) -> Result<Lstm, WeightsError> {
        let still = Learning { rate: 0.0, output: (0.0, 0.0, 1.0), ..TRAINED };
        Ok(match self {
            NetworkMode::Frozen => OwnNetwork::new(weights, true)?.lstm(),
            NetworkMode::Learning => OwnNetwork::new(weights, false)?.lstm(),
            NetworkMode::Still => Lstm::Learning(ByteLstm::new(Weights::from_safetensors(weights)?, still)),
        })
    }
}

/// A network that a prior brings.
#[derive(Debug)]
pub(crate) enum OwnNetwork {
    Learning(Weights),
    Frozen(Box<FrozenLstm>),
}

impl OwnNetwork {
    /// From a safetensors file.
    pub fn new(file: &[u8], frozen: bool) -> Result<OwnNetwork, WeightsError> {
        let tensors = Tensors::from_safetensors(file)?;
        Ok(match frozen {
            true => OwnNetwork::Frozen(Box::new(FrozenLstm::new(&tensors)?)),
            false => OwnNetwork::Learning(Weights::from(&tensors)),
        })
    }

    pub fn dimensions(&self) -> Dimensions {
        match self {
            OwnNetwork::Learning(weights) => weights.dimensions(),
            OwnNetwork::Frozen(lstm) => lstm.dimensions(),
        }
    }

    fn lstm(&self) -> Lstm {
        match self {
            OwnNetwork::Learning(weights) => Lstm::Learning(ByteLstm::new(weights.clone(), TRAINED)),
            OwnNetwork::Frozen(lstm) => Lstm::Frozen(FrozenLstm::clone(lstm)),
        }
    }
}

/// A network at work.
#[derive(Debug)]
enum Lstm {
    Learning(ByteLstm),
    Frozen(FrozenLstm),
}

impl Lstm {
    fn probabilities(&self) -> &[f32; 256] {
        match self {
            Lstm::Learning(lstm) => lstm.probabilities(),
            Lstm::Frozen(lstm) => lstm.probabilities(),
        }
    }

    fn hears_match(&self) -> bool {
        match self {
            Lstm::Learning(lstm) => lstm.dimensions().hears_match,
            Lstm::Frozen(lstm) => lstm.dimensions().hears_match,
        }
    }

    fn update(&mut self, byte: u8, expected: Expected) {
        match self {
            Lstm::Learning(lstm) => lstm.update(byte, expected),
            Lstm::Frozen(lstm) => lstm.update(byte, expected),
        }
    }

    fn state<E>(&mut self, see: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Lstm::Learning(lstm) => lstm.state(see),
            Lstm::Frozen(lstm) => lstm.state(see),
        }
    }
}

/// A network, and the weights of all that the next byte may begin with.
#[derive(Debug)]
pub(crate) struct Network {
    lstm: Lstm,
    /// By node of the tree, and from 256 on by byte: of all bytes below, in units of 2^-22, one more than
    /// that for each byte.
    sums: Box<[u32; 512]>,
    likeliest: u8,
    /// The decisions that lead to it.
    way: u32,
}

/// A network that has read other texts.
const TRAINED: Learning = Learning {
    horizon: 32,
    delay: 28,
    rate: 0.0005,
    warm_up: 20,
    half: 10000.0,
    newest: 0.003,
    output: (0.01, 0.01, 50000.0),
};
/// One that learns from the content alone.
const UNTRAINED: Learning = Learning {
    horizon: 32,
    delay: 28,
    rate: 0.003,
    warm_up: 20,
    half: 2000.0,
    newest: 0.002,
    output: (0.05, 0.01, 50000.0),
};
/// Its sizes, and the most that others may have.
pub(crate) const SIZES: Dimensions = Dimensions { hidden: 384, layers: 2, gates: 3, hears_match: false };

/// Whether such a network takes no more memory than is declared.
pub(crate) fn fits(dimensions: Dimensions) -> bool {
    dimensions.memory_bytes(1) <= SIZES.memory_bytes(1)
        && dimensions.layers * dimensions.hidden <= SIZES.layers * SIZES.hidden
}

/// The safetensors file of the weights that come with the English words.
pub(crate) static ENGLISH_FILE: &[u8] = include_bytes!("knowledge/english.safetensors");

static ENGLISH: LazyLock<Weights> =
    LazyLock::new(|| Weights::from_safetensors(ENGLISH_FILE).expect("a file of ours"));

impl Network {
    /// A network that starts with a prior's weights, with those that come with the English words,
    /// or with none.
    pub fn new(own: Option<&OwnNetwork>, english: bool) -> Network {
        let learning = |weights, learning| Lstm::Learning(ByteLstm::new(weights, learning));
        let lstm = match own {
            Some(own) => own.lstm(),
            None if english => learning(ENGLISH.clone(), TRAINED),
            None => learning(Weights::untrained(SIZES), UNTRAINED),
        };
        Network { lstm, sums: Box::new([0; 512]), likeliest: 0, way: 0 }
    }

    /// Bytes that one takes.
    pub fn memory_bytes() -> u64 {
        SIZES.memory_bytes(UNTRAINED.horizon.max(TRAINED.horizon))
    }

    /// Whether another thread may do what need not be done at once; if not, none works any more.
    pub fn set_threads(&mut self, threads: bool) {
        if let Lstm::Learning(lstm) = &mut self.lstm {
            lstm.set_threads(threads);
        }
    }

    /// Whether it hears what match models expect.
    pub fn hears_match(&self) -> bool {
        self.lstm.hears_match()
    }

    /// Learns the byte that came; match models expect what `expected` says. Before it is asked for bits,
    /// [`find_ways`](Self::find_ways).
    pub fn update(&mut self, byte: u8, expected: Expected) {
        self.lstm.update(byte, expected);
    }

    /// Brings the sums up to date, for the tree by which the next byte is coded.
    pub fn find_ways(&mut self, tree: &Tree) {
        let _standard = StandardFloats::set();
        let mut most = 0;
        for (byte, &p) in self.lstm.probabilities().iter().enumerate() {
            let weight = round_f32(p * 4_194_304.0) + 1;
            self.sums[256 + byte] = weight;
            if weight > most {
                (most, self.likeliest) = (weight, byte as u8);
            }
        }
        for node in (1..256).rev() {
            let [zero, one] = [false, true].map(|bit| self.sums[usize::from(tree.child(node, bit))]);
            self.sums[node as usize] = zero + one;
        }
        self.way = tree.aligned_way(self.likeliest);
    }

    /// The probability that a one comes at a node, in units of 2^-16.
    #[inline]
    fn p1_q16(&self, tree: &Tree, node: u32) -> u32 {
        let (one, all) =
            (self.sums[usize::from(tree.child(node, true))], self.sums[node as usize & 255].max(1));
        ((u64::from(one) << 16) / u64::from(all)).clamp(1, 65535) as u32
    }

    /// Writes what it says of the decision at a node.
    pub fn predict(&self, tree: &Tree, node: u32, out: &mut [i16]) {
        let p1_q16 = self.p1_q16(tree, node);
        out[0] = stretch(p1_q16 as u16);
        out[1] = ((p1_q16 as i32 - 32768) >> 6) as i16;
    }

    /// The byte it takes for the likeliest, if it comes by these decisions, 1-bit prefixed.
    pub fn expected_byte(&self, path: u32) -> Option<u8> {
        Tree::leads(self.way, path).then_some(self.likeliest)
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("network")?;
        self.lstm.state(&mut |part| part_state(part, io))
    }
}

/// Reads or writes a part of a network's state.
pub(crate) fn part_state(part: Part<'_>, io: &mut dyn StateIo) -> Result<(), StateError> {
    let floats = match part {
        Part::Counts(counts) => return io.u32s(counts),
        Part::Bytes(bytes) => return io.u8s(bytes),
        Part::Floats(floats) => floats,
    };
    let mut page = [0u32; 1024];
    for floats in floats.chunks_mut(1024) {
        let page = &mut page[..floats.len()];
        for (word, float) in page.iter_mut().zip(floats.iter()) {
            *word = float.to_bits();
        }
        io.u32s(page)?;
        for (word, float) in page.iter().zip(floats.iter_mut()) {
            *float = f32::from_bits(*word);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_weights_are_those_that_the_format_names() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/FORMAT.md");
        let format = std::fs::read_to_string(path).expect("docs/FORMAT.md is there");
        let file = ENGLISH_FILE;
        let digest = blake3::hash(file).to_hex();
        assert!(format.contains(digest.as_str()), "the digest {digest} is not there");
        let (thousands, rest) = (file.len() / 1000, file.len() % 1000);
        let bytes = format!("{},{:03},{rest:03} bytes", thousands / 1000, thousands % 1000);
        assert!(format.contains(&bytes), "{bytes}");
        assert_eq!(ENGLISH.dimensions(), SIZES);
    }
}
