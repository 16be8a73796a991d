//! One block's model, and the coding of chunks with it.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;

use foretold_coding::{Decoder, Encoder};
use foretold_numerics::P1;
use thiserror::Error;

use crate::ModelPlan;

/// Called every few thousand bytes with the content bytes done since the last call;
/// `Break` stops the work with [`EngineError::Interrupted`].
pub type Tick<'a> = &'a mut dyn FnMut(usize) -> ControlFlow<()>;

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
    #[error("chunk method {0} is unknown")]
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

/// One chunk as it stands in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodedChunk {
    /// How the payload was made; any `u8` the container stores and hands back.
    pub method: u8,
    /// The coded bytes, at most as many as the content has.
    pub payload: Vec<u8>,
}

/// One block's model: codes the block's chunks in order, or decodes them.
///
/// The bytes depend on the plan and the content alone, never on how a caller cuts its calls:
/// the container hands over whole chunks.
pub struct ChunkCoder {
    plan: ModelPlan,
    counters: Vec<u16>,
    history: u32,
}

/// The payload is the content itself and the model did not see it.
const STORED: u8 = 0;
/// The payload is what the model's predictions coded.
const MODELLED: u8 = 1;

impl ChunkCoder {
    /// The model of `plan`, having seen nothing.
    pub fn new(plan: ModelPlan) -> Result<ChunkCoder, EngineError> {
        Ok(ChunkCoder { plan, counters: vec![1 << 15; 1 << 22], history: 0 })
    }

    /// The plan this model was made from.
    pub fn plan(&self) -> ModelPlan {
        self.plan
    }

    fn slot(&self, partial: u32) -> usize {
        ((((self.history & 0xffff) << 8 | partial).wrapping_mul(0x9e37_79b1)) >> 10) as usize
    }

    fn p1(&self, slot: usize) -> P1 {
        P1::clamped(u32::from(self.counters[slot]) << 6)
    }

    fn learn(&mut self, slot: usize, bit: bool) {
        let p = &mut self.counters[slot];
        if bit { *p += (65535 - *p) >> 4 } else { *p -= *p >> 4 }
    }

    /// Codes the next chunk.
    pub fn encode(&mut self, content: &[u8], tick: Tick<'_>) -> Result<CodedChunk, EngineError> {
        let mut encoder = Encoder::new();
        for part in content.chunks(4096) {
            for &byte in part {
                let mut partial = 1u32;
                for i in (0..8).rev() {
                    let bit = byte >> i & 1 != 0;
                    let slot = self.slot(partial);
                    encoder.encode(bit, self.p1(slot));
                    self.learn(slot, bit);
                    partial = partial << 1 | u32::from(bit);
                }
                self.history = self.history << 8 | u32::from(byte);
            }
            if tick(part.len()).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        let payload = encoder.finish();
        if payload.len() >= content.len() {
            return Ok(CodedChunk { method: STORED, payload: content.to_vec() });
        }
        Ok(CodedChunk { method: MODELLED, payload })
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
        if method > MODELLED {
            return Err(EngineError::UnknownMethod(method));
        }
        if method == STORED && payload.len() != content_bytes {
            return Err(EngineError::BadPayload { content_bytes, payload_bytes: payload.len() });
        }
        let mut decoder = Decoder::new(payload);
        for i in 0..content_bytes {
            let mut partial = 1u32;
            for k in (0..8).rev() {
                let slot = self.slot(partial);
                let bit =
                    if method == STORED { payload[i] >> k & 1 != 0 } else { decoder.decode(self.p1(slot)) };
                self.learn(slot, bit);
                partial = partial << 1 | u32::from(bit);
            }
            self.history = self.history << 8 | (partial & 0xff);
            content.push(partial as u8);
            if i % 4096 == 4095 && tick(4096).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        if tick(content_bytes % 4096).is_break() {
            return Err(EngineError::Interrupted);
        }
        Ok(())
    }

    /// Bits that each byte of the next chunk costs, appended to `bits`; learns as `encode` does.
    pub fn code_lengths(
        &mut self,
        content: &[u8],
        bits: &mut Vec<f64>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        for part in content.chunks(4096) {
            for &byte in part {
                let mut partial = 1u32;
                let mut cost = 0.0;
                for i in (0..8).rev() {
                    let bit = byte >> i & 1 != 0;
                    let slot = self.slot(partial);
                    cost += self.p1(slot).cost_bits(bit);
                    self.learn(slot, bit);
                    partial = partial << 1 | u32::from(bit);
                }
                self.history = self.history << 8 | u32::from(byte);
                bits.push(cost);
            }
            if tick(part.len()).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        Ok(())
    }

    /// Writes the complete state, so that [`load`](Self::load) continues exactly here.
    pub fn save(&self, out: &mut dyn Write) -> Result<(), EngineError> {
        out.write_all(&self.history.to_le_bytes())?;
        for counter in &self.counters {
            out.write_all(&counter.to_le_bytes())?;
        }
        Ok(())
    }

    /// The state that [`save`](Self::save) wrote, for the same plan.
    pub fn load(plan: ModelPlan, from: &mut dyn Read) -> Result<ChunkCoder, EngineError> {
        let mut coder = ChunkCoder::new(plan)?;
        let mut word = [0; 4];
        from.read_exact(&mut word)?;
        coder.history = u32::from_le_bytes(word);
        for counter in &mut coder.counters {
            let mut half = [0; 2];
            from.read_exact(&mut half)?;
            *counter = u16::from_le_bytes(half);
        }
        Ok(coder)
    }
}
