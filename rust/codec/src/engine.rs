//! One block's model, and the coding of chunks with it.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use foretold_coding::{Decoder, Encoder};
use foretold_models::{Mixer, Slots, StateError, StateReader, StateWriter, ValueReader, ValueWriter};
use foretold_numerics::{P1, SharedBytes};
use thiserror::Error;

use crate::container::GATHER_BYTES;
use crate::kinds::{Eighths, chunks, kind_of};
use crate::knowledge::{Base, PriorError, Priors, english_words, most_coded_bytes};
use crate::predictor::{Kind, Prediction, Predictor};
use crate::setup::Setup;
use crate::shape::{code_byte, trace_byte};
use crate::transform::{
    Inverse, MIN_PROSE, Shipped, TransformError, Which, forward, is_english, mostly_prose, words_fit,
};
use crate::{ModelPlan, Options, Preset, Transform};

/// What the models see that a prior is learned with: the bytes that the text transform makes of each
/// chunk of prose, with the English words where it is English beyond doubt, or without.
pub fn coded_bytes(text: &[u8], english: bool) -> Vec<u8> {
    let plan = ModelPlan::for_block(Preset::MAX, text.len() as u64);
    let which = |chunk: &[u8]| match english {
        true => is_english(chunk, english_words()).then_some(Which::All),
        false => Some(Which::Prose),
    };
    coded_block(plan, text, english, which, false)
}

/// What models see of a content that is compressed with `options`, block by block; words that a
/// prior of the caller's own has learned apart.
pub fn seen_bytes(data: &[u8], options: &Options) -> Vec<u8> {
    let block_bytes = usize::try_from(options.block_bytes()).unwrap_or(usize::MAX);
    let start = &data[..data.len().min(block_bytes).min(GATHER_BYTES as usize)];
    let prior = options.prior_for(start);
    let english = prior.is_some_and(|prior| prior.has_english_words());
    let structured = options.preset.setup().has_structured(prior.is_none());
    let seen = |block: &[u8]| {
        let plan = ModelPlan::for_block(options.preset, block.len() as u64);
        let which = which(options.transform, english, plan);
        let words = english.then(english_words);
        let which = settled(which, settle(which, words, options.preset, block));
        coded_block(plan, block, english, |_| which, structured && which != Some(Which::All))
    };
    data.chunks(block_bytes.max(1)).flat_map(seen).collect()
}

/// Which texts are transformed.
fn which(transform: Transform, shipped: bool, plan: ModelPlan) -> Option<Which> {
    match transform {
        Transform::Auto if shipped || plan.size_class() >= plan.preset().setup().transform => {
            Some(Which::Prose)
        }
        Transform::Words => Some(Which::All),
        Transform::Auto | Transform::None => None,
    }
}

/// Whether a block's prose is transformed, by what is at hand of it: where one chunk has codes and
/// another has not, what both say is not found again. `None` if too little is, or it is not asked.
fn settle(which: Option<Which>, shipped: Option<&Shipped>, preset: Preset, start: &[u8]) -> Option<bool> {
    let start = &start[..start.len().min(GATHER_BYTES as usize)];
    match which {
        Some(Which::Prose) if start.len() >= MIN_PROSE => Some(shipped.map_or_else(
            || mostly_prose(start, preset.setup().has_structured(true)),
            |words| words_fit(start, words),
        )),
        _ => None,
    }
}

/// Which texts are transformed, once that is known.
fn settled(which: Option<Which>, transforms: Option<bool>) -> Option<Which> {
    match transforms {
        Some(transforms) if which == Some(Which::Prose) => transforms.then_some(Which::Block),
        _ => which,
    }
}

fn coded_block(
    plan: ModelPlan,
    text: &[u8],
    english: bool,
    which: impl Fn(&[u8]) -> Option<Which>,
    structured: bool,
) -> Vec<u8> {
    let mut inverse = Inverse::new(english.then(english_words));
    let mut out = Vec::with_capacity(text.len());
    let (mut has_text, mut has_structured) = (false, false);
    for chunk in chunks(plan, text) {
        let structured = structured.then(|| Eighths::of_block(has_text, has_structured));
        let kind = kind_of(chunk, structured);
        has_text |= kind == Kind::Text;
        has_structured |= kind == Kind::Structured;
        let which = if kind == Kind::Text { which(chunk) } else { None };
        match which.and_then(|which| forward(chunk, &inverse, which)) {
            None => out.extend_from_slice(chunk),
            Some(bytes) => {
                inverse.begin();
                for &byte in &bytes {
                    inverse.push(byte).expect("what was proved");
                }
                out.extend(bytes);
            }
        }
    }
    out
}

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
        "preset {preset} with size class {size_class} is unknown; presets are 1 to 9 and max (10), size classes 10 to 26"
    )]
    UnknownPlan {
        /// Preset number found.
        preset: u8,
        /// Size class found.
        size_class: u8,
    },
    /// The chunk's method byte is not one of ours.
    #[error(
        "chunk method {0} is unknown to this model; methods are 0 to 5, and 6 and 7 at presets 8 to max without a prior"
    )]
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
    /// A transformed chunk's bytes cannot be turned back.
    #[error("a chunk's transformed text cannot be turned back: {0}")]
    BadTransform(#[from] TransformError),
    /// The tables cannot be allocated.
    #[error("the model needs {0} bytes of memory, which cannot be had")]
    OutOfMemory(u64),
    /// The prior that the model starts from is not at hand, or cannot be used.
    #[error(transparent)]
    Prior(#[from] PriorError),
    /// A saved state does not fit this model.
    #[error("the saved model state is damaged or of another model")]
    BadState,
    /// A block that starts from a prior is not the small one that it says it is.
    #[error(
        "a block of size class {0} that starts from a prior has at most 2^{0} coded bytes, of each kind in one piece"
    )]
    NotSmall(u8),
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
    /// How the payload was made: 0 to 7. Bit 0 is set if it is what the model's predictions
    /// coded, and clear if it is the bytes themselves; the bits above it tell text (0), other
    /// content (1), text whose words were replaced by codes (2) and structured text (3).
    pub method: u8,
    /// The coded bytes, at most as many as the content has.
    pub payload: Vec<u8>,
}

impl CodedChunk {
    /// Whether words were replaced by codes.
    pub(crate) fn is_transformed(&self) -> bool {
        self.method & !MODELLED == TRANSFORMED
    }
}

const MODELLED: u8 = 1;
const BINARY: u8 = 2;
const TRANSFORMED: u8 = 4;
const STRUCTURED: u8 = 6;

/// In a raw message: how likely it is to be binary, or transformed as it usually is not. Arbitrary;
/// what is usual costs 0.05 bits.
const UNUSUAL_Q22: u32 = 1 << 17;

/// One block's model: codes the block's chunks in order, or decodes them.
///
/// The bytes depend on the plan and the content alone, never on how a caller cuts its calls:
/// the container hands over whole chunks. A chunk that is stored is learned like any other.
pub struct ChunkCoder {
    plan: ModelPlan,
    /// Coded bytes that its tables are for.
    most_bytes: u64,
    /// Whether texts are likely to be transformed, if they start from what this one does.
    usually_transformed: bool,
    predictor: Predictor,
    prediction: Box<Prediction>,
    /// Whether structured text is a kind of its own.
    structured: bool,
    /// Whether texts are transformed of which it is asked; `None` if each is asked for itself.
    transforms: Option<bool>,
}

/// A chunk's payload as it is read.
enum Source<'a, 'b> {
    Coded(&'b mut Decoder<'a>),
    Stored(std::slice::Iter<'a, u8>),
}

impl ChunkCoder {
    /// The model of `plan`; the prior it starts from must be one of `priors`.
    pub fn new(plan: ModelPlan, priors: &Priors) -> Result<ChunkCoder, EngineError> {
        let base = match plan.prior() {
            None => None,
            Some(id) => Some(priors.find(id)?.base(plan)?),
        };
        ChunkCoder::with_setup(plan, plan.preset().setup(), base)
    }

    /// As [`new`](Self::new), with other models than the preset's: for ablations.
    pub(crate) fn with_setup(
        plan: ModelPlan,
        setup: &'static Setup,
        base: Option<Arc<Base>>,
    ) -> Result<ChunkCoder, EngineError> {
        let structured = setup.has_structured(base.is_none());
        let most_bytes = base.as_ref().map_or(u64::MAX, |_| most_coded_bytes(plan.size_class()));
        let usually_transformed = base.as_ref().is_some_and(|base| match base.learned() {
            Some(learned) => learned.coded,
            None => base.words().is_some(),
        });
        let predictor = Predictor::new(setup, plan.size_class(), base)
            .ok_or(EngineError::OutOfMemory(plan.memory_bytes()))?;
        Ok(ChunkCoder {
            plan,
            most_bytes,
            usually_transformed,
            predictor,
            prediction: Box::default(),
            structured,
            transforms: None,
        })
    }

    /// The plan this model was made from.
    pub fn plan(&self) -> ModelPlan {
        self.plan
    }

    /// Lets the model use one thread beside the caller's, or takes it back: then none works when
    /// this returns. Only preset max has something for it to do; the bytes are the same.
    pub fn lend_thread(&mut self, lent: bool) {
        self.predictor.lend_thread(lent);
    }

    /// Begins a chunk that has so many coded bytes at least.
    fn begin(&mut self, kind: Kind, coded_bytes: usize) -> Result<(), EngineError> {
        if self.most_bytes < u64::MAX && self.predictor.has_left(kind)
            || self.most_bytes - self.predictor.coded_bytes() < coded_bytes as u64
        {
            return Err(EngineError::NotSmall(self.plan.size_class()));
        }
        // The inputs' padding is zeros, whatever another kind has left there.
        *self.prediction = Prediction::default();
        self.predictor.begin(kind).ok_or(EngineError::OutOfMemory(self.plan.memory_bytes()))
    }

    /// Learns `byte`; `see` gets its bits, highest first, and what was predicted.
    fn learn(&mut self, byte: u8, see: &mut dyn FnMut(bool, P1)) {
        self.learn_with(byte, see);
    }

    #[inline(always)]
    fn encode_byte(&mut self, byte: u8, encoder: &mut Encoder) {
        self.learn_with(byte, |bit, p1| encoder.encode(bit, p1));
    }

    /// As [`learn`](Self::learn), compiled for `see`.
    #[inline(always)]
    fn learn_with(&mut self, byte: u8, mut see: impl FnMut(bool, P1)) {
        let mut rest = byte;
        code_byte(&mut self.predictor, &mut self.prediction, &mut |p1| {
            let bit = rest & 0x80 != 0;
            rest <<= 1;
            see(bit, p1);
            bit
        });
    }

    fn decode_byte(&mut self, decoder: &mut Decoder<'_>) -> u8 {
        code_byte(&mut self.predictor, &mut self.prediction, &mut |p1| decoder.decode(p1))
    }

    /// Begins a chunk: its method without [`MODELLED`], and its bytes if it is transformed.
    fn begin_content(
        &mut self,
        content: &[u8],
        transform: Transform,
    ) -> Result<(u8, Option<Vec<u8>>), EngineError> {
        let structured = (self.structured && transform != Transform::Words)
            .then(|| Eighths::of_block(self.predictor.has(Kind::Text), self.predictor.has(Kind::Structured)));
        let kind = kind_of(content, structured);
        let shipped = self.predictor.inverse().dictionary().shipped().is_some();
        let which = settled(which(transform, shipped, self.plan), self.transforms);
        let which = which.filter(|_| kind == Kind::Text);
        let bytes = which.and_then(|which| forward(content, self.predictor.inverse(), which));
        self.begin(kind, bytes.as_deref().unwrap_or(content).len())?;
        self.predictor.begin_transform(bytes.is_some());
        let method = match kind {
            Kind::Text if bytes.is_some() => TRANSFORMED,
            Kind::Text => 0,
            Kind::Binary => BINARY,
            Kind::Structured => STRUCTURED,
        };
        Ok((method, bytes))
    }

    /// How many bytes of content the newest coded byte completed, in a chunk of this method.
    fn stands_for(&self, method: u8) -> usize {
        if method == TRANSFORMED { self.predictor.inverse().restored().len() } else { 1 }
    }

    /// Settles for the block which of its texts are transformed, if that is not said: `start` is what is
    /// at hand of it before its first chunk is coded.
    pub(crate) fn settle(&mut self, transform: Transform, start: &[u8]) {
        let shipped = self.predictor.inverse().dictionary().shipped();
        let which = which(transform, shipped.is_some(), self.plan);
        self.transforms = settle(which, shipped, self.plan.preset(), start);
    }

    /// Codes the next chunk.
    pub fn encode(
        &mut self,
        content: &[u8],
        transform: Transform,
        tick: Tick<'_>,
    ) -> Result<CodedChunk, EngineError> {
        let (method, transformed) = self.begin_content(content, transform)?;
        let bytes = transformed.as_deref().unwrap_or(content);
        let mut encoder = Encoder::new();
        self.encode_bytes(method, bytes, &mut encoder, tick)?;
        let payload = encoder.finish();
        if payload.len() >= bytes.len() {
            return Ok(CodedChunk { method, payload: bytes.to_vec() });
        }
        Ok(CodedChunk { method: method | MODELLED, payload })
    }

    fn encode_bytes(
        &mut self,
        method: u8,
        bytes: &[u8],
        encoder: &mut Encoder,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        for part in bytes.chunks(TICK_BYTES) {
            let mut done = 0;
            for &byte in part {
                self.encode_byte(byte, encoder);
                done += self.stands_for(method);
            }
            if tick(done).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        Ok(())
    }

    /// Codes a raw message, its method among its bits.
    pub(crate) fn encode_raw(
        &mut self,
        content: &[u8],
        transform: Transform,
        encoder: &mut Encoder,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let (method, transformed) = self.begin_content(content, transform)?;
        let binary = method == BINARY;
        encoder.encode(binary, P1::clamped(UNUSUAL_Q22));
        if !binary {
            encoder.encode(transformed.is_some(), self.p1_transformed());
        }
        self.encode_bytes(method, transformed.as_deref().unwrap_or(content), encoder, tick)
    }

    fn p1_transformed(&self) -> P1 {
        P1::clamped(if self.usually_transformed { (1 << P1::BITS) - UNUSUAL_Q22 } else { UNUSUAL_Q22 })
    }

    /// Decodes a raw message, whose `lengths` are the content's and its own. The caller looks at the
    /// decoder's end.
    pub(crate) fn decode_raw(
        &mut self,
        decoder: &mut Decoder<'_>,
        lengths: (usize, usize),
        content: &mut Vec<u8>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let method = match decoder.decode(P1::clamped(UNUSUAL_Q22)) {
            true => BINARY,
            false if decoder.decode(self.p1_transformed()) => TRANSFORMED,
            false => 0,
        };
        self.decode_bytes(method, &mut Source::Coded(decoder), lengths, content, tick)
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
        if method & !MODELLED == STRUCTURED && !self.structured || method > (MODELLED | STRUCTURED) {
            return Err(EngineError::UnknownMethod(method));
        }
        let bad = || EngineError::BadPayload { content_bytes, payload_bytes: payload.len() };
        let modelled = method & MODELLED != 0;
        if !modelled && method != TRANSFORMED && payload.len() != content_bytes {
            return Err(bad());
        }
        let mut decoder = Decoder::new(payload);
        let mut source = if modelled { Source::Coded(&mut decoder) } else { Source::Stored(payload.iter()) };
        let lengths = (content_bytes, payload.len());
        self.decode_bytes(method, &mut source, lengths, content, tick)?;
        // Bytes that no bit needed were not written by an encoder.
        let all_read = match source {
            Source::Coded(decoder) => decoder.is_exhausted(),
            Source::Stored(rest) => rest.as_slice().is_empty(),
        };
        if all_read { Ok(()) } else { Err(bad()) }
    }

    /// Learns the next coded byte, and returns it; `None` at a stored payload's end.
    #[inline(always)]
    fn next_byte(&mut self, source: &mut Source<'_, '_>) -> Option<u8> {
        match source {
            Source::Coded(decoder) => Some(self.decode_byte(decoder)),
            Source::Stored(rest) => {
                let &byte = rest.next()?;
                self.learn(byte, &mut |_, _| ());
                Some(byte)
            }
        }
    }

    /// Decodes the content of a chunk, whose `lengths` are the content's and the payload's.
    fn decode_bytes(
        &mut self,
        method: u8,
        source: &mut Source<'_, '_>,
        lengths: (usize, usize),
        content: &mut Vec<u8>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let (content_bytes, payload_bytes) = lengths;
        let bad = || EngineError::BadPayload { content_bytes, payload_bytes };
        let method = method & !MODELLED;
        let transformed = method == TRANSFORMED;
        let kind = match method {
            BINARY => Kind::Binary,
            STRUCTURED => Kind::Structured,
            _ => Kind::Text,
        };
        self.begin(kind, if transformed { 1 } else { content_bytes })?;
        self.predictor.begin_transform(transformed);
        let end = content.len() + content_bytes;
        // The inverse gives text or an error before long, whatever comes.
        while content.len() < end {
            let before = content.len();
            for _ in 0..TICK_BYTES {
                if transformed && self.predictor.coded_bytes() == self.most_bytes {
                    return Err(EngineError::NotSmall(self.plan.size_class()));
                }
                let byte = self.next_byte(source).ok_or_else(bad)?;
                if transformed {
                    let inverse = self.predictor.inverse();
                    if let Some(error) = inverse.failed() {
                        return Err(error.into());
                    }
                    content.extend_from_slice(inverse.restored());
                } else {
                    content.push(byte);
                }
                if content.len() >= end {
                    break;
                }
            }
            if content.len() > end {
                return Err(bad());
            }
            if tick(content.len() - before).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        Ok(())
    }

    /// Bits that each byte of the next chunk costs, appended to `bits`; learns as `encode` does.
    ///
    /// The cost of a word's code is shared evenly by the bytes it stands for, that of a
    /// dictionary falls on the chunk's first byte. A chunk that the model would make longer costs
    /// what storing it does.
    pub fn code_lengths(
        &mut self,
        content: &[u8],
        transform: Transform,
        bits: &mut Vec<f64>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let (method, transformed) = self.begin_content(content, transform)?;
        let bytes = transformed.as_deref().unwrap_or(content);
        let start = bits.len();
        let (mut dictionary, mut cost) = (0.0, 0.0);
        for part in bytes.chunks(TICK_BYTES) {
            let before = bits.len();
            for &byte in part {
                let in_dictionary = method == TRANSFORMED && self.predictor.inverse().in_dictionary();
                self.learn(byte, &mut |bit, p1| cost += p1.cost_bits(bit));
                if in_dictionary {
                    dictionary += std::mem::take(&mut cost);
                    continue;
                }
                let stands_for = self.stands_for(method);
                if stands_for > 0 {
                    let share = std::mem::take(&mut cost) / stands_for as f64;
                    bits.extend(std::iter::repeat_n(share, stands_for));
                }
            }
            if tick(bits.len() - before).is_break() {
                return Err(EngineError::Interrupted);
            }
        }
        if let Some(first) = bits.get_mut(start) {
            *first += dictionary;
        }
        if bits[start..].iter().sum::<f64>() > 8.0 * bytes.len() as f64 {
            bits[start..].fill(8.0 * bytes.len() as f64 / content.len() as f64);
        }
        Ok(())
    }

    /// The same model without the mixer network that its prior may have.
    pub(crate) fn without_mixer_network(mut self) -> ChunkCoder {
        self.predictor.without_mixer_network();
        self
    }

    /// The same model, which codes structured text as any other.
    pub(crate) fn without_structured(self) -> ChunkCoder {
        ChunkCoder { structured: false, ..self }
    }

    /// Begins a chunk, and gives the bytes of it that are to be learned; `None` if it is no text.
    pub(crate) fn begin_trace(
        &mut self,
        content: &[u8],
        transform: Transform,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        if kind_of(content, None) == Kind::Binary {
            return Ok(None);
        }
        let (_, bytes) = self.begin_content(content, transform)?;
        Ok(Some(bytes.unwrap_or_else(|| content.to_vec())))
    }

    /// Learns `byte`; `see` gets its bits, highest first, and how each was predicted.
    pub(crate) fn trace(&mut self, byte: u8, mut see: impl FnMut(&Predictor, &Prediction, P1, bool)) {
        let mut rest = byte;
        trace_byte(&mut self.predictor, &mut self.prediction, &mut |predictor, made, p1| {
            let bit = rest & 0x80 != 0;
            rest <<= 1;
            see(predictor, made, p1, bit);
            bit
        });
    }

    /// What models have turned out to be worth on text, apart from what they have seen.
    pub(crate) fn worth(&mut self) -> Result<Vec<u8>, EngineError> {
        let mut out = ValueWriter::default();
        self.predictor.worth(&mut out)?;
        Ok(out.0)
    }

    /// The same, set to what another model of the preset found.
    pub(crate) fn set_worth(&mut self, worth: &[u8]) -> Result<(), EngineError> {
        Ok(self.predictor.worth(&mut ValueReader(worth))?)
    }

    /// What maps and weighs the opinions of contexts of text.
    pub(crate) fn text(&mut self) -> Result<(&mut Slots, &mut Mixer), StateError> {
        self.predictor.text()
    }

    /// The state of the text transform's dictionary.
    pub(crate) fn dictionary(&mut self) -> Result<Vec<u8>, EngineError> {
        let mut out = ValueWriter::default();
        self.predictor.dictionary(&mut out)?;
        Ok(out.0)
    }

    /// The newest coded bytes, `most` at most.
    pub(crate) fn last_bytes(&self, most: usize) -> Vec<u8> {
        self.predictor.last_bytes(most)
    }

    /// Its slots, when it is not needed any more.
    pub(crate) fn into_slots(self) -> SharedBytes {
        self.predictor.into_slots()
    }

    /// Writes the complete state, so that [`load`](Self::load) continues exactly here.
    pub fn save(&mut self, out: &mut dyn Write) -> Result<(), EngineError> {
        let transforms = self.transforms.map_or(2, u8::from);
        out.write_all(&[transforms])?;
        Ok(self.predictor.state(&mut StateWriter(out))?)
    }

    /// The state that [`save`](Self::save) wrote, for the same plan.
    pub fn load(plan: ModelPlan, priors: &Priors, from: &mut dyn Read) -> Result<ChunkCoder, EngineError> {
        let mut coder = ChunkCoder::new(plan, priors)?;
        let mut transforms = [0];
        from.read_exact(&mut transforms)?;
        coder.transforms = match transforms[0] {
            0 => Some(false),
            1 => Some(true),
            2 => None,
            _ => return Err(EngineError::BadState),
        };
        coder.predictor.state(&mut StateReader(from))?;
        Ok(coder)
    }
}
