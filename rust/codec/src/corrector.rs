//! The mixer network of preset max: what it makes of all opinions on a bit.

use std::sync::{Arc, LazyLock};

use foretold_models::{StateError, StateIo};
use foretold_neural::{LstmMixer, MixerStep, MixerWeights, WeightsError};
use foretold_numerics::P1;

use crate::evidence::{Evidence, FINAL};
use crate::network::part_state;
use crate::{Preset, trace_columns};

/// What a mixer network makes of a trace, in whose rows `logits` and `contexts` have as many values
/// as there are bits: corrections in nats, and corrected probabilities in units of 2^-22.
pub fn mixer_corrections(
    weights: &[u8],
    (logits, contexts): (&[i16], &[u8]),
    p1_q22: &[u32],
    bits: &[u8],
) -> Result<(Vec<f32>, Vec<u32>), WeightsError> {
    let mut mixer = LstmMixer::new(Arc::new(MixerWeights::from_safetensors(weights)?));
    let mut step = MixerStep::default();
    let (mut corrections, mut corrected) = (Vec::new(), Vec::new());
    let rows = logits.chunks_exact(mixer.logits().1).zip(contexts.as_chunks().0);
    for ((logits, contexts), (&p1_q22, &bit)) in rows.zip(p1_q22.iter().zip(bits)) {
        let p1_q22 = P1::clamped(p1_q22).get();
        corrected.push(mixer.predict(p1_q22, logits, contexts, &mut step));
        corrections.push(step.correction());
        mixer.update(&step, p1_q22, bit != 0);
    }
    Ok((corrections, corrected))
}

/// Most memory that the weights may take: what is declared has room for it.
const MOST_BYTES: u64 = 1 << 20;

/// The weights in a file, if they are for what preset max says of text.
pub(crate) fn weights(file: &[u8]) -> Result<MixerWeights, String> {
    let weights = MixerWeights::from_safetensors(file).map_err(|error| error.to_string())?;
    let names = trace_columns(Preset::MAX);
    let voices = names.iter().position(|name| name == FINAL).unwrap_or(0);
    if weights.logits() != (voices, names.len()) {
        let (found, all) = weights.logits();
        let made = format!("made for {found} voices of {all} logits");
        return Err(format!("{made}, preset max has {voices} of {}", names.len()));
    }
    if weights.memory_bytes() > MOST_BYTES {
        return Err(format!("takes {} bytes, {MOST_BYTES} are the most", weights.memory_bytes()));
    }
    Ok(weights)
}

/// What a [`Corrector`] made of one bit.
#[derive(Debug, Default)]
pub(crate) struct Correction {
    pub evidence: Evidence,
    step: MixerStep,
    /// Before the correction, in units of 2^-22.
    p1_q22: u32,
}

/// A mixer network at work.
#[derive(Debug)]
pub(crate) struct Corrector {
    mixer: LstmMixer,
}

const ENGLISH_FILE: &[u8] = include_bytes!("knowledge/english-mixer.safetensors");

static ENGLISH: LazyLock<Arc<MixerWeights>> =
    LazyLock::new(|| Arc::new(weights(ENGLISH_FILE).expect("a file of ours")));

impl Corrector {
    /// One before the block's first bit: a prior's, the one that comes with the English words, or
    /// none.
    pub fn new(own: Option<Arc<MixerWeights>>, english: bool) -> Option<Corrector> {
        let weights = own.or_else(|| english.then(|| ENGLISH.clone()))?;
        Some(Corrector { mixer: LstmMixer::new(weights) })
    }

    /// The corrected probability, where `correction` holds the evidence.
    pub fn predict(&self, p1: P1, correction: &mut Correction) -> P1 {
        let Correction { evidence, step, p1_q22 } = correction;
        *p1_q22 = p1.get();
        P1::clamped(self.mixer.predict(*p1_q22, &evidence.logits, &evidence.contexts, step))
    }

    /// Learns of the bit that came.
    pub fn update(&mut self, correction: &Correction, bit: bool) {
        self.mixer.update(&correction.step, correction.p1_q22, bit);
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("mixer network")?;
        self.mixer.state(&mut |part| part_state(part, io))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn english_weights_are_those_that_the_format_names() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/FORMAT.md");
        let format = std::fs::read_to_string(path).expect("docs/FORMAT.md is there");
        let digest = blake3::hash(ENGLISH_FILE).to_hex();
        assert!(format.contains(digest.as_str()), "the digest {digest} is not there");
        assert_eq!(ENGLISH.hidden(), 32);
    }
}
