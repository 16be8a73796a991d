//! Mixer networks: what they make of all opinions on a bit.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::sync::{Arc, LazyLock};

use foretold_models::{StateError, StateIo};
use foretold_neural::{LstmMixer, MixerStep, MixerWeights, WeightsError};
use foretold_numerics::P1;

use crate::container::{Limits, decompress};
use crate::evidence::{Evidence, FINAL, columns};
use crate::network::part_state;
use crate::setup::{SETUPS, Setup};

/// What a mixer network makes of a trace, in whose rows `columns` and `contexts` have as many values
/// as there are bits: corrections in nats, and corrected probabilities in units of 2^-22.
pub fn mixer_corrections(
    weights: &[u8],
    (columns, contexts): (&[i16], &[u8]),
    p1_q22: &[u32],
    bits: &[u8],
) -> Result<(Vec<f32>, Vec<u32>), WeightsError> {
    let mut mixer = LstmMixer::new(Arc::new(MixerWeights::from_safetensors(weights)?));
    let mut step = MixerStep::default();
    let (mut corrections, mut corrected) = (Vec::new(), Vec::new());
    let rows = columns.chunks_exact(mixer.columns().1).zip(contexts.as_chunks().0);
    for ((columns, contexts), (&p1_q22, &bit)) in rows.zip(p1_q22.iter().zip(bits)) {
        let p1_q22 = P1::clamped(p1_q22).get();
        if !LstmMixer::hears(p1_q22) {
            corrected.push(p1_q22);
            corrections.push(0.0);
            continue;
        }
        corrected.push(mixer.predict(p1_q22, columns, contexts, &mut step));
        corrections.push(step.correction());
        mixer.update(&step, p1_q22, bit != 0);
    }
    Ok((corrections, corrected))
}

/// Most memory that the weights may take: what is declared has room for it.
const MOST_BYTES: u64 = 1 << 20;

/// Voices and columns of what a preset says of text.
fn says(setup: &Setup) -> (usize, usize) {
    let names = columns(setup.text, setup.matches, setup.network);
    (names.iter().position(|name| name == FINAL).unwrap_or(0), names.len())
}

/// The weights in a file, if they are for what a preset that is corrected says of text.
pub(crate) fn weights(file: &[u8]) -> Result<MixerWeights, String> {
    let weights = MixerWeights::from_safetensors(file).map_err(|error| error.to_string())?;
    let corrected = || SETUPS.iter().filter(|setup| setup.corrected);
    if !corrected().any(|setup| says(setup) == weights.columns()) {
        let (found, all) = weights.columns();
        let known: Vec<String> = corrected()
            .map(|setup| (setup.name, says(setup)))
            .map(|(name, (voices, columns))| format!("preset {name} has {voices} of {columns}"))
            .collect();
        return Err(format!("made for {found} voices of {all} columns; {}", known.join(", ")));
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
    /// Before the correction, in units of 2^-22; 0 if there is none.
    p1_q22: u32,
}

/// A mixer network at work.
#[derive(Debug)]
pub(crate) struct Corrector {
    mixer: LstmMixer,
    hears_network: bool,
}

/// Weights that come with the package.
struct Shipped {
    path: &'static str,
    file: &'static [u8],
    weights: LazyLock<Arc<MixerWeights>>,
}

impl Shipped {
    /// The safetensors file. An archive's preset has no mixer network, or this would not end.
    fn tensors(&self) -> Cow<'static, [u8]> {
        if !self.path.ends_with(".ftd") {
            return self.file.into();
        }
        let content = decompress(self.file, &Limits::default(), &mut |_| ControlFlow::Continue(()));
        content.expect("an archive of ours").into()
    }
}

macro_rules! shipped {
    ($($name:ident: $path:literal,)*) => {
        $(static $name: Shipped = Shipped {
            path: $path,
            file: include_bytes!($path),
            weights: LazyLock::new(|| Arc::new(weights(&$name.tensors()).expect("a file of ours"))),
        };)*
        #[cfg(test)]
        static SHIPPED: &[&Shipped] = &[$(&$name),*];
    };
}

shipped! {
    TEXT_9: "knowledge/text-mixer-9.safetensors.ftd",
    STRUCTURED_9: "knowledge/structured-mixer-9.safetensors.ftd",
    ENGLISH_9: "knowledge/english-mixer-9.safetensors",
    ENGLISH_MAX: "knowledge/english-mixer-max.safetensors",
}

impl Correction {
    /// Of a bit that is not corrected.
    #[inline(always)]
    pub fn forget(&mut self) {
        self.p1_q22 = 0;
    }
}

impl Corrector {
    /// One before the block's first bit, if text is corrected: a prior's, if it is for this preset,
    /// or the one for texts that are `structured`, or start with the English words or without.
    pub fn new(
        setup: &Setup,
        own: Option<Arc<MixerWeights>>,
        english: bool,
        structured: bool,
    ) -> Option<Corrector> {
        if !setup.corrected {
            return None;
        }
        if let Some(own) = own.filter(|own| own.columns() == says(setup)) {
            return Some(Corrector { mixer: LstmMixer::new(own), hears_network: setup.network });
        }
        if structured {
            return Some(Corrector::of_structured());
        }
        let (shipped, hears_network) = match (setup.network, english) {
            (_, false) => (&TEXT_9, false),
            (false, true) => (&ENGLISH_9, false),
            (true, true) => (&ENGLISH_MAX, true),
        };
        Some(Corrector { mixer: LstmMixer::new(shipped.weights.clone()), hears_network })
    }

    /// The one for structured text.
    pub fn of_structured() -> Corrector {
        Corrector { mixer: LstmMixer::new(STRUCTURED_9.weights.clone()), hears_network: false }
    }

    /// Whether it hears of the byte network of preset max. The one for blocks that start from nothing
    /// was made for preset 9 and does not.
    pub fn hears_network(&self) -> bool {
        self.hears_network
    }

    /// Whether a bit of which this was predicted is to be corrected.
    #[inline(always)]
    pub fn hears(p1: P1) -> bool {
        LstmMixer::hears(p1.get())
    }

    /// The corrected probability, where `correction` holds the evidence.
    pub fn predict(&self, p1: P1, correction: &mut Correction) -> P1 {
        let Correction { evidence, step, p1_q22 } = correction;
        *p1_q22 = p1.get();
        P1::clamped(self.mixer.predict(*p1_q22, &evidence.columns, &evidence.contexts, step))
    }

    /// Learns of the bit that came, if it was corrected.
    pub fn update(&mut self, correction: &Correction, bit: bool) {
        if correction.p1_q22 != 0 {
            self.mixer.update(&correction.step, correction.p1_q22, bit);
        }
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
    fn shipped_weights_are_those_that_the_format_names() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/FORMAT.md");
        let format = std::fs::read_to_string(path).expect("docs/FORMAT.md is there");
        for shipped in SHIPPED {
            let digest = blake3::hash(&shipped.tensors()).to_hex();
            assert!(format.contains(digest.as_str()), "{}: the digest {digest} is not there", shipped.path);
        }
        let fitted = TEXT_9.file.len() + STRUCTURED_9.file.len();
        assert!(fitted <= 32 << 10, "{fitted} bytes of fitted constants");
    }
}
