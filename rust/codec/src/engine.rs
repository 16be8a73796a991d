//! One block's model, and the coding of chunks with it.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use foretold_coding::{Decoder, Encoder};
use foretold_models::{StateError, StateReader, StateWriter};
use thiserror::Error;

use crate::ModelPlan;
use crate::predictor::{Kind, Prediction, Predictor};

/// Called every few thousand bytes with the content bytes done since the last call;
/// `Break` stops the work with [`EngineError::Interrupted`].
pub type Tick<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

/// Content bytes between two ticks.
const TICK_BYTES: usize = 4096;

/// What can go wrong below the container.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The archive asks for a model this release does not have.
    #[error(
        "preset {preset} with size class {size_class} is unknown; presets are 1 to 9, size classes 10 to 26"
    )]
    UnknownPlan {
        /// Preset number found.
        preset: u8,
        /// Size class found.
        size_class: u8,
    },
    /// The chunk's method byte is not one of ours.
    #[error("chunk method {0} is unknown; methods are 0 to 3")]
    UnknownMethod(u8),
    /// A stored chunk's payload is not as long as its content, or a payload does not decode to
    /// the announced length.
    #[error("a chunk of {content_bytes} bytes has a payload of {payload_bytes} that does not decode to it")]
    BadPayload {
        /// Announced content length.
        content_bytes: usize,
        /// Payload length found.
        payload_bytes: usize,
    },
    /// The tables cannot be allocated.
    #[error("the model needs {0} bytes of memory, which cannot be had")]
    OutOfMemory(u64),
    /// A saved state does not fit this model.
    #[error("the saved model state is damaged or of another model")]
    BadState,
    /// The caller's tick asked to stop.
    #[error("interrupted")]
    Interrupted,
    /// Reading or writing a state failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<StateError> for EngineError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::Io(error) => EngineError::Io(error),
            _ => EngineError::BadState,
        }
    }
}

/// One chunk as it stands in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedChunk {
    /// How the payload was made: 0 to 3. Bit 0 is set if it is what the model's predictions
    /// coded, and clear if it is the content itself; bit 1 is set if the content is not text.
    pub method: u8,
    /// The coded bytes, at most as many as the content has.
    pub payload: Vec<u8>,
}

const MODELLED: u8 = 1;
const BINARY: u8 = 2;

/// One block's model: codes the block's chunks in order, or decodes them.
///
/// The bytes depend on the plan and the content alone, never on how a caller cuts its calls:
/// the container hands over whole chunks. A chunk that is stored is learned like any other.
pub struct ChunkCoder {
    plan: ModelPlan,
    predictor: Predictor,
    prediction: Box<Prediction>,
}

impl ChunkCoder {
    /// The model of `plan`, having seen nothing.
    pub fn new(plan: ModelPlan) -> Result<ChunkCoder, EngineError> {
        let predictor = Predictor::new(plan.preset().setup(), plan.size_class())
            .ok_or(EngineError::OutOfMemory(plan.memory_bytes()))?;
        Ok(ChunkCoder { plan, predictor, prediction: Box::default() })
    }

    /// The plan this model was made from.
    pub fn plan(&self) -> ModelPlan {
        self.plan
    }

    fn begin(&mut self, kind: Kind) -> Result<(), EngineError> {
        // The inputs' padding is zeros, whatever another kind has left there.
        *self.prediction = Prediction::default();
        self.predictor.begin(kind).ok_or(EngineError::OutOfMemory(self.plan.memory_bytes()))
    }

    /// Asks for each bit of `byte` and teaches it, highest first; `see` gets what was predicted.
    #[inline(always)]
    fn learn(&mut self, byte: u8, mut see: impl FnMut(bool, foretold_numerics::P1)) {
        for i in (0..8).rev() {
            let bit = byte >> i & 1 != 0;
            see(bit, self.predictor.predict(&mut self.prediction));
            self.predictor.update(&self.prediction, bit);
        }
    }

    #[inline(always)]
    fn decode_byte(&mut self, decoder: &mut Decoder<'_>) -> u8 {
        let mut byte = 0;
        for _ in 0..8 {
            let bit = decoder.decode(self.predictor.predict(&mut self.prediction));
            self.predictor.update(&self.prediction, bit);
            byte = byte << 1 | u8::from(bit);
        }
        byte
    }

    /// Codes the next chunk.
    pub fn encode(&mut self, content: &[u8], tick: Tick<'_>) -> Result<CodedChunk, EngineError> {
        let kind = kind_of(content);
        self.begin(kind)?;
        let mut encoder = Encoder::new();
        for part in content.chunks(TICK_BYTES) {
            for &byte in part {
                self.learn(byte, |bit, p1| encoder.encode(bit, p1));
            }
            if tick(part.len()).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        let payload = encoder.finish();
        let method = if kind == Kind::Binary { BINARY } else { 0 };
        if payload.len() >= content.len() {
            return Ok(CodedChunk { method, payload: content.to_vec() });
        }
        Ok(CodedChunk { method: method | MODELLED, payload })
    }

    /// Decodes the next chunk, appending `content_bytes` bytes to `content`.
    pub fn decode(
        &mut self,
        method: u8,
        payload: &[u8],
        content_bytes: usize,
        content: &mut Vec<u8>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        if method > (MODELLED | BINARY) {
            return Err(EngineError::UnknownMethod(method));
        }
        let bad = EngineError::BadPayload { content_bytes, payload_bytes: payload.len() };
        let modelled = method & MODELLED != 0;
        if !modelled && payload.len() != content_bytes {
            return Err(bad);
        }
        self.begin(if method & BINARY != 0 { Kind::Binary } else { Kind::Text })?;
        let mut decoder = Decoder::new(payload);
        let mut done = 0;
        while done < content_bytes {
            let part = (content_bytes - done).min(TICK_BYTES);
            if modelled {
                for _ in 0..part {
                    content.push(self.decode_byte(&mut decoder));
                }
            } else {
                for &byte in &payload[done..done + part] {
                    self.learn(byte, |_, _| ());
                }
                content.extend_from_slice(&payload[done..done + part]);
            }
            done += part;
            if tick(part).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        // Bytes that no bit needed were not written by an encoder.
        if modelled && !decoder.is_exhausted() { Err(bad) } else { Ok(()) }
    }

    /// Bits that each byte of the next chunk costs, appended to `bits`; learns as `encode` does.
    pub fn code_lengths(
        &mut self,
        content: &[u8],
        bits: &mut Vec<f64>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        self.begin(kind_of(content))?;
        for part in content.chunks(TICK_BYTES) {
            for &byte in part {
                let mut cost = 0.0;
                self.learn(byte, |bit, p1| cost += p1.cost_bits(bit));
                bits.push(cost);
            }
            if tick(part.len()).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        Ok(())
    }

    /// Writes the complete state, so that [`load`](Self::load) continues exactly here.
    pub fn save(&mut self, out: &mut dyn Write) -> Result<(), EngineError> {
        Ok(self.predictor.state(&mut StateWriter(out))?)
    }

    /// The state that [`save`](Self::save) wrote, for the same plan.
    pub fn load(plan: ModelPlan, from: &mut dyn Read) -> Result<ChunkCoder, EngineError> {
        let mut coder = ChunkCoder::new(plan)?;
        coder.predictor.state(&mut StateReader(from))?;
        Ok(coder)
    }
}

/// Text has hardly any control characters: at most one in 32 bytes.
fn kind_of(content: &[u8]) -> Kind {
    let control = |&&byte: &&u8| matches!(byte, 0..=8 | 14..=31 | 127);
    let controls = content.iter().filter(control).count();
    if controls * 32 <= content.len() { Kind::Text } else { Kind::Binary }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_binary_are_told_apart() {
        assert_eq!(kind_of(b""), Kind::Text);
        assert_eq!(kind_of("Grüße, мир, 世界\r\n".as_bytes()), Kind::Text);
        assert_eq!(kind_of(b"caf\xe9 au lait, d\xe9j\xe0 vu, na\xefve"), Kind::Text);
        assert_eq!(kind_of(&[0, 1, 2, 3, 0, 0, 0, 255]), Kind::Binary);
        let counted: Vec<u8> = (0..4096u32).flat_map(u32::to_le_bytes).collect();
        assert_eq!(kind_of(&counted), Kind::Binary);
    }
}
