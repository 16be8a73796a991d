//! One block's model, and the coding of chunks with it.

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::sync::Arc;

use foretold_coding::{Decoder, Encoder};
use foretold_models::{
    MOST_DECISIONS, Mixer, Slots, StateError, StateReader, StateWriter, Trees, ValueReader, ValueWriter,
};
use foretold_numerics::{P1, SharedBytes};
use foretold_recompress::{Carry, Picture, Recipe, survey};
use thiserror::Error;

use crate::container::{CHUNK_BYTES, GATHER_BYTES};
use crate::kinds::{Eighths, chunks, kind_of};
use crate::knowledge::packing::{Numbers, Packer, Packing, Unpacker};
use crate::knowledge::{Base, PriorError, Priors, english_words, most_coded_bytes};
use crate::pieces::{Piece, RecipeNotes};
use crate::planting::{code_trees, grown};
use crate::predictor::{Kind, Prediction, Predictor};
use crate::setup::Setup;
use crate::shape::{code_byte, trace_byte};
use crate::transform::{
    Form, Inverse, Joined, MIN_PROSE, Shipped, TransformError, Which, forward, is_english, join,
    mostly_prose, split, words_fit,
};
use crate::{Error, ModelPlan, Options, Preset, Transform};

/// What the models see that a prior is learned with: the bytes that the text transform makes of each
/// chunk of prose, with the English words where it is English beyond doubt, or without.
pub fn coded_bytes(text: &[u8], english: bool) -> Vec<u8> {
    let plan = ModelPlan::for_block(Preset::MAX, text.len() as u64);
    let which = |chunk: &[u8]| match english {
        true => is_english(chunk, english_words()).then_some(Which::All),
        false => Some(Which::Prose),
    };
    coded_block(plan, text, english, which, (false, true))
}

/// What models see of a content that is compressed with `options`, block by block; words that a
/// prior of the caller's own has learned apart.
pub fn seen_bytes(data: &[u8], options: &Options) -> Result<Vec<u8>, Error> {
    let block_bytes = usize::try_from(options.block_bytes()).unwrap_or(usize::MAX);
    let expanded = expanded(data, options.transform);
    let data = &expanded[..];
    let start = &data[..data.len().min(block_bytes).min(GATHER_BYTES as usize)];
    let prior = options.prior_for(start)?;
    let english = prior.is_some_and(|prior| prior.has_english_words());
    let structured = options.preset.setup().has_structured(prior.is_none());
    let seen = |block: &[u8]| {
        let plan = ModelPlan::for_block(options.preset, block.len() as u64);
        let which = which(options.transform, english, plan);
        let words = english.then(english_words);
        let which = settled(which, settle(which, words, options.preset, block));
        let structured = structured && which != Some(Which::All);
        let joins = options.transform != Transform::None;
        coded_block(plan, block, english, |_| which, (structured, joins))
    };
    Ok(data.chunks(block_bytes.max(1)).flat_map(seen).collect())
}

/// What a content holds with its compressed streams expanded.
fn expanded(data: &[u8], transform: Transform) -> std::borrow::Cow<'_, [u8]> {
    let found = (transform != Transform::None).then(|| survey(data, usize::MAX, CHUNK_BYTES));
    found.flatten().map_or(data.into(), |survey| survey.start.into())
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
            || mostly_prose(start, preset.setup().is_strong()),
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
    (structured, joins): (bool, bool),
) -> Vec<u8> {
    let mut inverse = Inverse::new(english.then(english_words));
    let mut out = Vec::with_capacity(text.len());
    let (mut has_text, mut has_structured) = (false, false);
    for chunk in chunks(plan, text) {
        let structured =
            structured.then(|| Eighths::of_block(plan.preset().setup(), has_text, has_structured));
        let kind = kind_of(chunk, structured);
        has_text |= kind == Kind::Text;
        has_structured |= kind == Kind::Structured;
        let joined = if joins && kind == Kind::Text { join(chunk) } else { None };
        let chunk = joined.as_ref().map_or(chunk, |joined| &joined.bytes);
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
        "chunk method {0} is unknown to this model; methods are 0 to 5, 8, 9, 11, 13, 17, 21, 25 and 29, and 6, 7 and 15 at presets 8 to max without a prior"
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
    /// A chunk's recipe makes no content of what its streams hold.
    #[error("a chunk's streams cannot be written: {0}")]
    BadRecipe(#[from] foretold_recompress::Error),
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
    /// How the payload was made: 0 to 31. Bit 0 is set if it is what the model's predictions
    /// coded, and clear if it is the bytes themselves; the two bits above it tell text (0), other
    /// content (1), text whose words were replaced by codes (2) and structured text (3); bit 3 is set if
    /// that was made of the content by expanding compressed streams, bit 4 if then lines were joined.
    pub method: u8,
    /// The coded bytes, at most as many as the content has.
    pub payload: Vec<u8>,
}

impl CodedChunk {
    /// As it stands where it is all there is, and no model is left.
    pub(crate) fn alone(self) -> CodedChunk {
        CodedChunk { method: if self.method == AFRESH { 0 } else { self.method }, ..self }
    }

    /// Whether words were replaced by codes.
    pub(crate) fn is_transformed(&self) -> bool {
        self.method & KIND == TRANSFORMED
    }
}

const MODELLED: u8 = 1;
const BINARY: u8 = 2;
const TRANSFORMED: u8 = 4;
const STRUCTURED: u8 = 6;
/// The bits that tell the kind.
const KIND: u8 = 6;
const EXPANDED: u8 = 8;
const JOINED: u8 = 16;
/// The content as it is, of which the model has seen something else, and begins afresh.
const AFRESH: u8 = EXPANDED;

/// In a raw message: how likely it is to be binary, or transformed as it usually is not. Arbitrary;
/// what is usual costs 0.05 bits.
const UNUSUAL_Q22: u32 = 1 << 17;

/// What a chunk of a method holds.
fn kind_of_method(method: u8) -> Kind {
    match method & KIND {
        BINARY => Kind::Binary,
        STRUCTURED => Kind::Structured,
        _ => Kind::Text,
    }
}

/// The content bytes from which on a block's first chunk of text or structured text brings trees: of
/// fewer, some 180 bytes are too many.
const PLANTED_BYTES: usize = 1 << 16;

/// Tells of the progress in a content, where what is done is something else that stands for it.
struct Scaled<'a> {
    tick: Tick<'a>,
    seen_bytes: usize,
    content_bytes: usize,
    seen: usize,
    told: usize,
}

impl<'a> Scaled<'a> {
    fn new(tick: Tick<'a>, seen_bytes: usize, content_bytes: usize) -> Scaled<'a> {
        Scaled { tick, seen_bytes, content_bytes, seen: 0, told: 0 }
    }

    fn tick(&mut self, done: usize) -> ControlFlow<()> {
        self.seen = (self.seen + done).min(self.seen_bytes);
        let reached = (self.seen as u64 * self.content_bytes as u64 / self.seen_bytes.max(1) as u64) as usize;
        let told = std::mem::replace(&mut self.told, reached);
        (self.tick)(reached - told)
    }
}

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
    /// How many trees its first text brings, if it is long enough, at most; 0 if none.
    trees: usize,
    /// Whether texts are transformed of which it is asked; `None` if each is asked for itself.
    transforms: Option<bool>,
    /// A compressed stream that the next chunk may go on with.
    carry: Carry,
    /// The last chunk leaves a model that is of no more use.
    is_spent: bool,
}

/// Where pictures begin and end among the bytes that are coded, how wide they are and how bright.
struct Pictures {
    left: std::iter::Peekable<std::vec::IntoIter<Picture>>,
    /// What the chunk before has left, then each picture.
    carry: Carry,
}

impl Pictures {
    /// Those of a recipe, if it is of `kind` that they are.
    fn of(recipe: Option<&Recipe>, kind: u8, carry: Carry) -> Pictures {
        let pictures = recipe.filter(|_| kind == BINARY).map(Recipe::pictures);
        Pictures { left: pictures.unwrap_or_default().into_iter().peekable(), carry }
    }

    fn none() -> Pictures {
        Pictures::of(None, 0, Carry::default())
    }

    /// Tells the predictor if a picture begins or ends behind these bytes; places come in order.
    #[inline(always)]
    fn begin(&mut self, before: &[u8], predictor: &mut Predictor) {
        if let Some(picture) = self.left.next_if(|picture| picture.at == before.len()) {
            predictor.turn_to_picture(picture.width, &picture.brightness(before, &mut self.carry));
        }
    }
}

/// A chunk that is to be coded.
struct Begun {
    /// Its method, without [`MODELLED`], [`EXPANDED`] and [`JOINED`].
    method: u8,
    /// Its text with lines joined, if they are.
    joined: Option<Joined>,
    /// The coded bytes, if it is transformed.
    transformed: Option<Vec<u8>>,
    /// Whether it brings a tree.
    plants: bool,
}

impl Begun {
    /// Whether its payload has more than coded bytes: then these are not stored in its place.
    fn is_more(&self, recipe: Option<&Recipe>) -> bool {
        recipe.is_some() || self.joined.is_some() || self.plants
    }

    /// How many bytes there are before words become codes.
    fn seen_bytes(&self, seen: &[u8]) -> usize {
        self.joined.as_ref().map_or(seen.len(), |joined| joined.bytes.len())
    }

    /// The coded bytes of what the model would see.
    fn bytes<'a>(&'a self, seen: &'a [u8]) -> &'a [u8] {
        let joined = self.joined.as_ref().map(|joined| &joined.bytes[..]);
        self.transformed.as_deref().or(joined).unwrap_or(seen)
    }
}

/// Writes or reads how lines end that are joined, and how many bytes fewer they have for it.
fn code_form(coder: &mut impl Packing, (form, fewer): (Form, usize)) -> (Form, usize) {
    let mut flag = |is: bool| coder.plain(1, is.into()) != 0;
    let form = Form { returns: flag(form.returns), keeps_gaps: flag(form.keeps_gaps) };
    (form, Numbers::new(1).code(coder, 0, fewer as u32) as usize)
}

/// A payload with what stands behind the last coded byte of a chunk.
fn end_payload(encoder: Encoder, begun: &Begun) -> Encoder {
    let mut packer = Packer(encoder);
    if let Some(joined) = &begun.joined {
        joined.code_breaks(&mut packer);
    }
    packer.0
}

/// What each byte of a content costs, of which in `spans` so many stand for so many others with these
/// costs: the same, or all share.
fn shared(costs: &[f64], spans: impl IntoIterator<Item = (usize, usize)>) -> Vec<f64> {
    let mut rest = costs;
    let mut all = Vec::with_capacity(costs.len());
    for (content, seen) in spans {
        let (costs, after) = rest.split_at(seen);
        rest = after;
        match content == seen {
            true => all.extend_from_slice(costs),
            false => {
                let share = costs.iter().sum::<f64>() / content as f64;
                all.extend(std::iter::repeat_n(share, content));
            }
        }
    }
    all
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
        let trees = if base.is_none() { setup.trees } else { 0 };
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
            trees,
            transforms: None,
            carry: Carry::default(),
            is_spent: false,
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

    /// A compressed stream that the next chunk may go on with.
    pub(crate) fn carry(&self) -> &Carry {
        &self.carry
    }

    /// Whether the block must go on with a model [`afresh`](Self::afresh).
    pub(crate) fn is_spent(&self) -> bool {
        self.is_spent
    }

    /// A model of the same plan that has seen nothing.
    pub(crate) fn afresh(self, priors: &Priors) -> Result<ChunkCoder, EngineError> {
        let (plan, transforms) = (self.plan, self.transforms);
        // There is memory for one.
        drop(self);
        Ok(ChunkCoder { transforms, ..ChunkCoder::new(plan, priors)? })
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
        self.predictor.turn_to_picture(0, &[0; 256]);
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
        let mut next = self.predictor.decisions(byte);
        code_byte(&mut self.predictor, &mut self.prediction, &mut |p1| {
            let bit = next();
            see(bit, p1);
            bit
        });
    }

    fn decode_byte(&mut self, decoder: &mut Decoder<'_>) -> u8 {
        code_byte(&mut self.predictor, &mut self.prediction, &mut |p1| decoder.decode(p1))
    }

    /// Which texts are transformed: not those that are taken for structured text, unless it is asked for.
    fn which(&self, transform: Transform, shipped: bool) -> Option<Which> {
        let asked = transform == Transform::Words || !self.predictor.takes_texts_for_structured();
        which(transform, shipped, self.plan).filter(|_| asked)
    }

    /// How many strings of a chunk must have been there before for it to be structured text.
    fn eighths(&self) -> Eighths {
        let [has_text, has_structured] = [Kind::Text, Kind::Structured].map(|kind| self.predictor.has(kind));
        Eighths::of_block(self.plan.preset().setup(), has_text, has_structured)
    }

    /// Whether a chunk of such a content, of which the models see so many bytes, is to bring the block's trees.
    fn plants(&self, kind: Kind, seen_bytes: usize) -> bool {
        let is_first = ![Kind::Text, Kind::Structured].into_iter().any(|kind| self.predictor.has(kind));
        self.trees > 0 && kind != Kind::Binary && is_first && seen_bytes >= PLANTED_BYTES
    }

    /// Begins a chunk, perhaps a picture, of which lines may be joined.
    fn begin_content(
        &mut self,
        content: &[u8],
        (is_picture, joins): (bool, bool),
        transform: Transform,
    ) -> Result<Begun, EngineError> {
        let structured = (self.structured && transform != Transform::Words).then(|| self.eighths());
        let kind = if is_picture { Kind::Binary } else { kind_of(content, structured) };
        let joins = joins && kind == Kind::Text && transform != Transform::None;
        let joined = if joins { join(content) } else { None };
        let content = joined.as_ref().map_or(content, |joined| &joined.bytes);
        let shipped = self.predictor.inverse().dictionary().shipped().is_some();
        let which = settled(self.which(transform, shipped), self.transforms);
        let which = which.filter(|_| kind == Kind::Text);
        let bytes = which.and_then(|which| forward(content, self.predictor.inverse(), which));
        let coded = bytes.as_deref().unwrap_or(content);
        let plants = self.plants(kind, content.len());
        if plants {
            let trees = grown(coded, kind == Kind::Structured, self.trees, MOST_DECISIONS);
            self.predictor.plant(trees);
        }
        self.begin(kind, coded.len())?;
        self.predictor.begin_transform(bytes.is_some());
        let method = match kind {
            Kind::Text if bytes.is_some() => TRANSFORMED,
            Kind::Text => 0,
            Kind::Binary => BINARY,
            Kind::Structured => STRUCTURED,
        };
        Ok(Begun { method, joined, transformed: bytes, plants })
    }

    /// How many bytes of content the newest coded byte completed, in a chunk of this method.
    fn stands_for(&self, method: u8) -> usize {
        if method == TRANSFORMED { self.predictor.inverse().restored().len() } else { 1 }
    }

    /// Settles for the block which of its texts are transformed, if that is not said: `start` is what is
    /// at hand of it before its first chunk is coded.
    pub(crate) fn settle(&mut self, transform: Transform, start: &[u8]) {
        let shipped = self.predictor.inverse().dictionary().shipped();
        let which = self.which(transform, shipped.is_some());
        self.transforms = settle(which, shipped, self.plan.preset(), start);
    }

    /// Codes the next chunk.
    pub fn encode(
        &mut self,
        content: &[u8],
        transform: Transform,
        tick: Tick<'_>,
    ) -> Result<CodedChunk, EngineError> {
        self.encode_piece(content, &Piece::plain(content), transform, tick)
    }

    /// Codes the next chunk, whose streams may be expanded.
    pub(crate) fn encode_piece(
        &mut self,
        content: &[u8],
        piece: &Piece,
        transform: Transform,
        tick: Tick<'_>,
    ) -> Result<CodedChunk, EngineError> {
        let seen = piece.bytes(content);
        let recipe = piece.expanded.as_ref().map(|expanded| &expanded.recipe);
        let is_picture = piece.expanded.as_ref().is_some_and(|expanded| expanded.is_picture);
        let carry = std::mem::replace(&mut self.carry, piece.carry());
        let begun = self.begin_content(seen, (is_picture, true), transform)?;
        let bytes = begun.bytes(seen);
        let mut encoder = self.begin_payload(recipe, &begun, seen.len())?;
        let method = begun.method;
        let mut pictures = Pictures::of(recipe, method, carry);
        let mut scaled = Scaled::new(tick, begun.seen_bytes(seen), content.len());
        self.encode_bytes(method, bytes, &mut pictures, &mut encoder, &mut |done| scaled.tick(done))?;
        let payload = end_payload(encoder, &begun).finish();
        if begun.is_more(recipe) {
            if payload.len() < content.len() {
                let expanded = if recipe.is_some() { EXPANDED } else { 0 };
                let joined = if begun.joined.is_some() { JOINED } else { 0 };
                return Ok(CodedChunk { method: joined | expanded | method | MODELLED, payload });
            }
            self.is_spent = true;
            self.carry = Carry::default();
            return Ok(CodedChunk { method: AFRESH, payload: content.to_vec() });
        }
        if payload.len() >= bytes.len() {
            return Ok(CodedChunk { method, payload: bytes.to_vec() });
        }
        Ok(CodedChunk { method: method | MODELLED, payload })
    }

    /// A payload with what stands before the first coded byte of a chunk, of which the model would see so
    /// many bytes without lines joined.
    fn begin_payload(
        &self,
        recipe: Option<&Recipe>,
        begun: &Begun,
        seen_bytes: usize,
    ) -> Result<Encoder, EngineError> {
        let mut packer = Packer::default();
        if let Some(recipe) = recipe {
            recipe.clone().code(&mut RecipeNotes::new(&mut packer))?;
        }
        if let Some(joined) = &begun.joined {
            let fewer = seen_bytes - joined.bytes.len();
            code_form(&mut packer, (joined.form, fewer));
        }
        if begun.plants {
            code_trees(&mut packer, self.predictor.trees());
        }
        Ok(packer.0)
    }

    fn encode_bytes(
        &mut self,
        method: u8,
        bytes: &[u8],
        pictures: &mut Pictures,
        encoder: &mut Encoder,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let mut at = 0;
        for part in bytes.chunks(TICK_BYTES) {
            let mut done = 0;
            for &byte in part {
                pictures.begin(&bytes[..at], &mut self.predictor);
                self.encode_byte(byte, encoder);
                done += self.stands_for(method);
                at += 1;
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
        let Begun { method, transformed, .. } = self.begin_content(content, (false, false), transform)?;
        let binary = method == BINARY;
        encoder.encode(binary, P1::clamped(UNUSUAL_Q22));
        if !binary {
            encoder.encode(transformed.is_some(), self.p1_transformed());
        }
        let bytes = transformed.as_deref().unwrap_or(content);
        self.encode_bytes(method, bytes, &mut Pictures::none(), encoder, tick)
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
        let mut pictures = Pictures::none();
        self.decode_bytes(method, &mut Source::Coded(decoder), &mut pictures, lengths, content, tick)
    }

    /// Decodes the next chunk, appending `content_bytes` bytes to `content`, or fewer where streams are
    /// written again: the caller compares.
    pub fn decode(
        &mut self,
        method: u8,
        payload: &[u8],
        content_bytes: usize,
        content: &mut Vec<u8>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let has_kind = method & KIND != STRUCTURED || self.structured;
        let joined = method & JOINED != 0;
        let may_be_joined = method & MODELLED != 0 && kind_of_method(method) == Kind::Text;
        if !has_kind || method >= 2 * JOINED || joined && !may_be_joined {
            return Err(EngineError::UnknownMethod(method));
        }
        if method & (EXPANDED | JOINED) != 0 {
            return self.decode_expanded(method, payload, content_bytes, content, tick);
        }
        self.carry = Carry::default();
        let bad = || EngineError::BadPayload { content_bytes, payload_bytes: payload.len() };
        let modelled = method & MODELLED != 0;
        if !modelled && method != TRANSFORMED && payload.len() != content_bytes {
            return Err(bad());
        }
        let mut unpacker = Unpacker(Decoder::new(payload));
        if modelled {
            self.take_trees(method, content_bytes, &mut unpacker).ok_or_else(bad)?;
        }
        let mut decoder = unpacker.0;
        let mut source = if modelled { Source::Coded(&mut decoder) } else { Source::Stored(payload.iter()) };
        let lengths = (content_bytes, payload.len());
        let mut pictures = Pictures::none();
        self.decode_bytes(method, &mut source, &mut pictures, lengths, content, tick)?;
        // Bytes that no bit needed were not written by an encoder.
        let all_read = match source {
            Source::Coded(decoder) => decoder.is_exhausted(),
            Source::Stored(rest) => rest.as_slice().is_empty(),
        };
        if all_read { Ok(()) } else { Err(bad()) }
    }

    /// Decodes a chunk whose streams were expanded, or lines joined.
    fn decode_expanded(
        &mut self,
        method: u8,
        payload: &[u8],
        content_bytes: usize,
        content: &mut Vec<u8>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let bad = || EngineError::BadPayload { content_bytes, payload_bytes: payload.len() };
        if method == AFRESH {
            if payload.len() != content_bytes {
                return Err(bad());
            }
            content.extend_from_slice(payload);
            self.is_spent = true;
            self.carry = Carry::default();
            return if tick(content_bytes).is_break() { Err(EngineError::Interrupted) } else { Ok(()) };
        }
        if method & MODELLED == 0 {
            return Err(EngineError::UnknownMethod(method));
        }
        let mut unpacker = Unpacker(Decoder::new(payload));
        let mut recipe = None;
        if method & EXPANDED != 0 {
            recipe.insert(Recipe::default()).code(&mut RecipeNotes::new(&mut unpacker))?;
        }
        let expanded_bytes = recipe.as_ref().map_or(content_bytes, Recipe::expanded_bytes);
        let joined = (method & JOINED != 0).then(|| code_form(&mut unpacker, (Form::default(), 0)));
        let fewer = joined.map_or(0, |(_, fewer)| fewer);
        let seen_bytes = expanded_bytes.checked_sub(fewer).ok_or_else(bad)?;
        if seen_bytes == 0 || expanded_bytes > CHUNK_BYTES {
            return Err(bad());
        }
        self.take_trees(method, seen_bytes, &mut unpacker).ok_or_else(bad)?;
        let mut decoder = unpacker.0;
        let mut seen = Vec::new();
        let method = method & KIND;
        let mut pictures = Pictures::of(recipe.as_ref(), method, self.carry.clone());
        let mut scaled = Scaled::new(tick, seen_bytes, content_bytes);
        let source = &mut Source::Coded(&mut decoder);
        let lengths = (seen_bytes, payload.len());
        self.decode_bytes(method, source, &mut pictures, lengths, &mut seen, &mut |done| scaled.tick(done))?;
        let mut unpacker = Unpacker(decoder);
        let mut expanded = seen;
        if let Some((form, _)) = joined {
            let seen = std::mem::take(&mut expanded);
            split(&seen, form, &mut unpacker, expanded_bytes, &mut expanded).map_err(|_| bad())?;
        }
        if !unpacker.0.is_exhausted() {
            return Err(bad());
        }
        match recipe {
            Some(recipe) => recipe.recompress(&expanded, &mut self.carry, content, content_bytes)?,
            None => {
                self.carry = Carry::default();
                content.append(&mut expanded);
            }
        }
        Ok(())
    }

    /// Takes the block's trees from a chunk's payload, if that brings them; `None` if they are none.
    fn take_trees(&mut self, method: u8, seen_bytes: usize, unpacker: &mut Unpacker<'_>) -> Option<()> {
        if self.plants(kind_of_method(method), seen_bytes) {
            self.predictor.plant(code_trees(unpacker, &Trees::default())?);
        }
        Some(())
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
        pictures: &mut Pictures,
        lengths: (usize, usize),
        content: &mut Vec<u8>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let (content_bytes, payload_bytes) = lengths;
        let bad = || EngineError::BadPayload { content_bytes, payload_bytes };
        let method = method & !MODELLED;
        let transformed = method == TRANSFORMED;
        self.begin(kind_of_method(method), if transformed { 1 } else { content_bytes })?;
        self.predictor.begin_transform(transformed);
        let start = content.len();
        let end = start + content_bytes;
        // The inverse gives text or an error before long, whatever comes.
        while content.len() < end {
            let before = content.len();
            for _ in 0..TICK_BYTES {
                if transformed && self.predictor.coded_bytes() == self.most_bytes {
                    return Err(EngineError::NotSmall(self.plan.size_class()));
                }
                pictures.begin(&content[start..], &mut self.predictor);
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
    /// The cost of a word's code is shared evenly by the bytes it stands for, and that of what a
    /// compressed stream holds by its bytes; that of a dictionary or a tree falls on the chunk's first byte. A chunk
    /// that the model would make longer costs what storing it does.
    pub(crate) fn code_lengths(
        &mut self,
        content: &[u8],
        piece: &Piece,
        transform: Transform,
        bits: &mut Vec<f64>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let seen = piece.bytes(content);
        let is_picture = piece.expanded.as_ref().is_some_and(|expanded| expanded.is_picture);
        let carry = std::mem::replace(&mut self.carry, piece.carry());
        let begun = self.begin_content(seen, (is_picture, true), transform)?;
        let bytes = begun.bytes(seen);
        let recipe = piece.expanded.as_ref().map(|expanded| &expanded.recipe);
        let head_bits = 8.0 * self.begin_payload(recipe, &begun, seen.len())?.finish().len() as f64;
        let break_bits = 8.0 * end_payload(Encoder::default(), &begun).finish().len() as f64;
        let mut costs = Vec::with_capacity(seen.len());
        let mut pictures = Pictures::of(recipe, begun.method, carry);
        let mut scaled = Scaled::new(tick, begun.seen_bytes(seen), content.len());
        self.costs(begun.method, bytes, &mut pictures, &mut costs, &mut |done| scaled.tick(done))?;
        if let Some(first) = costs.first_mut() {
            *first += head_bits + break_bits;
        }
        let is_more = begun.is_more(recipe);
        let most = if is_more { content.len() } else { bytes.len() };
        if costs.iter().sum::<f64>() > 8.0 * most as f64 {
            if is_more {
                self.is_spent = true;
                self.carry = Carry::default();
            }
            bits.extend(std::iter::repeat_n(8.0 * most as f64 / content.len() as f64, content.len()));
            return Ok(());
        }
        if let Some(joined) = &begun.joined {
            costs = shared(&costs, joined.spans());
        }
        if let Some(expanded) = &piece.expanded {
            costs = shared(&costs, expanded.spans());
        }
        bits.append(&mut costs);
        Ok(())
    }

    /// What each byte costs that coded bytes stand for.
    fn costs(
        &mut self,
        method: u8,
        bytes: &[u8],
        pictures: &mut Pictures,
        bits: &mut Vec<f64>,
        tick: Tick<'_>,
    ) -> Result<(), EngineError> {
        let start = bits.len();
        let (mut dictionary, mut cost) = (0.0, 0.0);
        let mut at = 0;
        for part in bytes.chunks(TICK_BYTES) {
            let before = bits.len();
            for &byte in part {
                pictures.begin(&bytes[..at], &mut self.predictor);
                at += 1;
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
        Ok(())
    }

    /// The same model without the mixer network that its prior may have.
    pub(crate) fn without_mixer_network(mut self) -> ChunkCoder {
        self.predictor.without_mixer_network();
        self
    }

    /// The same model, which codes all bytes as their eight bits.
    pub(crate) fn without_trees(self) -> ChunkCoder {
        ChunkCoder { trees: 0, ..self }
    }

    /// Lets texts have the models of structured text, before the first of them.
    pub(crate) fn take_texts_for_structured(&mut self) {
        self.predictor.take_texts_for_structured();
    }

    /// The same model, which codes structured text as any other.
    pub(crate) fn without_structured(self) -> ChunkCoder {
        ChunkCoder { structured: false, ..self }
    }

    /// The same model, for a message: that has no room for a kind, or a tree, that pays on long texts.
    pub(crate) fn for_message(self) -> ChunkCoder {
        self.without_structured().without_trees()
    }

    /// Lets texts be coded by these trees, before the first of them.
    pub(crate) fn plant(&mut self, trees: Trees) {
        self.predictor.plant(trees);
    }

    /// Begins a chunk, and gives the bytes of it that are to be learned.
    pub(crate) fn begin_coded(
        &mut self,
        content: &[u8],
        transform: Transform,
    ) -> Result<Vec<u8>, EngineError> {
        Ok(self.begin_content(content, (false, true), transform)?.bytes(content).to_vec())
    }

    /// As [`begin_coded`](Self::begin_coded); `None` if it is no text.
    pub(crate) fn begin_trace(
        &mut self,
        content: &[u8],
        transform: Transform,
    ) -> Result<Option<Vec<u8>>, EngineError> {
        if kind_of(content, None) == Kind::Binary {
            return Ok(None);
        }
        self.begin_coded(content, transform).map(Some)
    }

    /// Learns `byte`; `see` gets its bits, highest first, and how each was predicted.
    pub(crate) fn trace(&mut self, byte: u8, mut see: impl FnMut(&Predictor, &Prediction, P1, bool)) {
        let mut next = self.predictor.decisions(byte);
        trace_byte(&mut self.predictor, &mut self.prediction, &mut |predictor, made, p1| {
            let bit = next();
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
        let carry = self.carry.to_bytes();
        out.write_all(&(carry.len() as u32).to_le_bytes())?;
        out.write_all(&carry)?;
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
        let mut carry_bytes = [0; 4];
        from.read_exact(&mut carry_bytes)?;
        let mut carry = Vec::new();
        from.take(u32::from_le_bytes(carry_bytes).into()).read_to_end(&mut carry)?;
        if carry.len() != u32::from_le_bytes(carry_bytes) as usize {
            return Err(EngineError::BadState);
        }
        coder.carry = Carry::from_bytes(&carry).ok_or(EngineError::BadState)?;
        coder.predictor.state(&mut StateReader(from))?;
        Ok(coder)
    }
}
