//! What one preset's model has learned of a user's texts: training, packing, restoring.

use std::ops::ControlFlow;
use std::sync::Arc;

use foretold_coding::Decoder;
use foretold_models::{SlotFiller, Trees};
use foretold_numerics::SharedBytes;

use super::base::Base;
use super::packing::{Packer, Slot, SlotPacking, Unpacker, words};
use super::{Prior, PriorContent, PriorError};
use crate::container::Knowledge;
use crate::kinds::{Eighths, chunks, kind_of};
use crate::planting::{MOST_PRIMED, grown, pack_trees};
use crate::predictor::Kind;
use crate::{ChunkCoder, Error, Limits, ModelPlan, Options, Preset, Priors, Tick, Transform};

/// Most bytes of the texts' end that match models find again.
const REMEMBERED_BYTES: usize = 1 << 19;
/// Of so many samples one is held out, to learn what the others are worth.
const HELD_OUT: usize = 16;
/// And of all the newest, one in so many: what is to come is later still, and less like what was read
/// than what stood in its midst. Of nginx's log in halves of a half, 2 KB samples at preset 5: 66.6
/// bytes a message without, 63.1 with a 16th, 62.1 with an 8th, 61.9 with a 6th, 62.1 with a 4th.
const NEWEST: usize = 6;
/// Bits that weight sets are said to have learned when what is held out comes: what they have learned
/// of texts read through is not what they need for messages.
const YOUNG: u32 = 256;
/// Most bytes that are held out, and of one sample's end.
const HELD_OUT_BYTES: usize = 1 << 20;
const HELD_OUT_PIECE: usize = 1 << 16;
/// Bytes of the samples that tell what they are like, at most.
const START_BYTES: usize = 256 << 10;
/// Slots of a prior at most; a damaged file must not ask for more work.
const MOST_SLOTS: u32 = 1 << 27;
/// Slots that may come after the last byte that is not zero.
const SPARE_SLOTS: u64 = 64;
/// What a slot takes, packed, about.
const SLOT_BYTES: usize = 6;

/// How to make a prior.
#[derive(Clone, Debug)]
pub struct Training {
    /// What to call it.
    pub name: String,
    /// The preset it is for.
    pub preset: Preset,
    /// Bytes of its file, about, at most.
    pub max_bytes: usize,
    /// What the model knows before it reads the texts: the prior that comes with the package, if
    /// they are English enough, or nothing.
    pub knowledge: Knowledge,
    /// Whether texts are transformed.
    pub transform: Transform,
}

/// What was learned, as it stands in a file.
#[derive(Clone, Debug)]
pub struct Learned<'a> {
    /// The preset it was learned with.
    pub preset: Preset,
    /// Whether the history is of coded bytes.
    pub coded: bool,
    /// Whether texts have the models of structured text.
    pub structured: bool,
    /// Base-2 logarithm of the lines that slots lie in.
    log2_lines: u32,
    pub slot_count: u32,
    worth: &'a [u8],
    history: &'a [u8],
    dictionary: &'a [u8],
    slots: &'a [u8],
}

const HEADER_BYTES: usize = 3 + 4 * 4;
/// Flags in the header.
const CODED: u8 = 1;
const STRUCTURED: u8 = 2;

impl<'a> Learned<'a> {
    /// Reads a section of a file.
    pub fn parse(section: &'a [u8]) -> Result<Learned<'a>, &'static str> {
        let (header, rest) =
            section.split_at_checked(HEADER_BYTES).ok_or("what it has learned is cut short")?;
        let word = |i: usize| {
            let at = 3 + 4 * i;
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let (slot_count, lengths) = (word(0), [1, 2, 3].map(|i| word(i) as usize));
        let preset = Preset::new(header[0]).ok_or("its preset is unknown")?;
        if header[1] > CODED | STRUCTURED || !(4..=26).contains(&header[2]) || slot_count > MOST_SLOTS {
            return Err("what it has learned has impossible sizes");
        }
        let mut rest = rest;
        let mut parts = [&[][..]; 3];
        for (part, length) in parts.iter_mut().zip(lengths) {
            (*part, rest) = rest.split_at_checked(length).ok_or("what it has learned is cut short")?;
        }
        // The check of each takes eight bits; what is left off at the end is zeros.
        if u64::from(slot_count) > rest.len() as u64 + SPARE_SLOTS {
            return Err("it announces more slots than it has");
        }
        let [worth, history, dictionary] = parts;
        let [coded, structured] = [CODED, STRUCTURED].map(|flag| header[1] & flag != 0);
        if structured && preset.setup().structured.is_none() {
            return Err("its preset has no models of structured text");
        }
        let log2_lines = header[2].into();
        Ok(Learned {
            preset,
            coded,
            structured,
            log2_lines,
            slot_count,
            worth,
            history,
            dictionary,
            slots: rest,
        })
    }

    fn to_bytes(&self) -> Vec<u8> {
        let flags = if self.coded { CODED } else { 0 } | if self.structured { STRUCTURED } else { 0 };
        let mut out = vec![self.preset.number(), flags, self.log2_lines as u8];
        out.extend_from_slice(&self.slot_count.to_le_bytes());
        for part in [self.worth, self.history, self.dictionary] {
            out.extend_from_slice(&(part.len() as u32).to_le_bytes());
        }
        for part in [self.worth, self.history, self.dictionary, self.slots] {
            out.extend_from_slice(part);
        }
        out
    }

    /// The slot table of `2^log2_slots` bytes, over what is in `under`.
    pub fn table(&self, under: Option<&SharedBytes>, log2_slots: u32) -> Option<SharedBytes> {
        let mut filler = match under {
            Some(under) => SlotFiller::over(under)?,
            None => SlotFiller::new(log2_slots)?,
        };
        let mut coder = Unpacker(Decoder::new(self.slots));
        let mut packing = SlotPacking::new();
        for _ in 0..self.slot_count {
            let slot = packing.code(&mut coder, Slot { line: 0, bytes: [0; 16] });
            filler.put_in_line(slot.line, &slot.bytes);
        }
        Some(filler.finish())
    }

    /// What models are worth, as [`ChunkCoder::worth`] writes it.
    pub fn worth(&self, fresh: &[u8]) -> Vec<u8> {
        let before = to_words(fresh);
        let mut after = vec![0; before.len()];
        words(&mut Unpacker(Decoder::new(self.worth)), &before, &mut after);
        let mut bytes: Vec<u8> = after.iter().flat_map(|word| word.to_le_bytes()).collect();
        bytes.truncate(fresh.len());
        bytes
    }

    /// The bytes that match models find again.
    pub fn history(&self) -> Result<Vec<u8>, Error> {
        unpack_bytes(self.history, REMEMBERED_BYTES)
    }

    /// The state of the dictionary of the text transform.
    pub fn dictionary(&self) -> Result<Vec<u8>, Error> {
        unpack_bytes(self.dictionary, 1 << 20)
    }
}

fn to_words(bytes: &[u8]) -> Vec<u16> {
    bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], *pair.get(1).unwrap_or(&0)])).collect()
}

/// Makes the file of a prior from texts: reads them one after the other with the preset's model
/// and keeps what it has learned. The tick gets the bytes read.
pub fn train(samples: &[&[u8]], training: &Training, tick: Tick<'_>) -> Result<Vec<u8>, Error> {
    let total: usize = samples.iter().map(|sample| sample.len()).sum();
    if total == 0 {
        return Err(Error::Prior(PriorError::Samples(
            "there is nothing in the samples to learn from".into(),
        )));
    }
    let (read, held_out) = divide(samples);
    let start = start_of(samples);
    let known = training.knowledge.prior_by_looks(&start, training.preset).cloned();
    let structured = known.is_none() && is_structured(&start, training);
    let fresh = fresh_worth(training.preset)?;
    let trees = if known.is_none() { trees_for(&start, training, structured)? } else { None };
    let manner = Manner { known: known.as_ref(), structured, trees: trees.as_ref() };
    let reading = read_all(&read, training, manner, tick)?;
    // What is kept is less than what weights were learned with, so they are learned once more, on
    // texts that were not read.
    let mut worth = reading.worth.clone();
    let file = reading.file(training, manner, &pack_worth(&fresh, &worth)).map_err(Error::Prior)?;
    let prior = Arc::new(Prior::from_bytes(file, &training.name)?.for_now());
    let at_hand = Priors::new([prior.clone()]);
    for (number, piece) in held_out.iter().enumerate() {
        let plan = ModelPlan::for_block(training.preset, piece.len() as u64).with_prior(Some(prior.id()));
        let mut coder = ChunkCoder::new(plan, &at_hand).map_err(Error::from_engine)?;
        coder.set_worth(&worth).map_err(Error::from_engine)?;
        if number == 0 {
            rejuvenate(&mut coder)?;
        }
        coder.encode(piece, training.transform, tick).map_err(Error::from_engine)?;
        worth = coder.worth().map_err(Error::from_engine)?;
    }
    // Then nothing is held out any more.
    let reading = if held_out.is_empty() { reading } else { read_all(samples, training, manner, tick)? };
    reading.file(training, manner, &pack_worth(&fresh, &worth)).map_err(Error::Prior)
}

/// What samples are like: the first of them, one behind the other.
fn start_of(samples: &[&[u8]]) -> Vec<u8> {
    let mut start = Vec::new();
    for sample in samples {
        let room = START_BYTES - start.len();
        start.extend_from_slice(&sample[..sample.len().min(room)]);
    }
    start
}

/// Whether texts like this have the models of structured text.
fn is_structured(start: &[u8], training: &Training) -> bool {
    let eighths = Eighths::of_start(training.preset.setup());
    training.transform != Transform::Words && kind_of(start, eighths) == Kind::Structured
}

/// Which decisions texts are coded as that are like this and build upon nothing; `None` if as their bits.
fn trees_for(start: &[u8], training: &Training, structured: bool) -> Result<Option<Trees>, Error> {
    let most = training.preset.setup().trees;
    if most == 0 {
        return Ok(None);
    }
    let manner = Manner { known: None, structured, trees: None };
    let mut coder = coder_for(training, manner, start.len() as u64)?;
    let coded = coder.begin_coded(start, training.transform).map_err(Error::from_engine)?;
    Ok(Some(grown(&coded, structured, most, MOST_PRIMED)))
}

/// Lets weight sets learn as fast as those that are half as new as fresh ones.
fn rejuvenate(coder: &mut ChunkCoder) -> Result<(), Error> {
    let (_, mixer) = coder.text().map_err(|error| Error::from_engine(error.into()))?;
    let [first, _] = mixer.layers();
    first.ages.iter_mut().for_each(|age| *age = (*age).min(YOUNG));
    Ok(())
}

/// What a model has learned of texts, packed but for its worth.
struct Reading {
    worth: Vec<u8>,
    transformed: bool,
    log2_lines: u32,
    history: Vec<u8>,
    dictionary: Vec<u8>,
    slots: (Vec<u8>, u32),
}

/// How texts are read.
#[derive(Clone, Copy)]
struct Manner<'a> {
    /// What the model knows before.
    known: Option<&'a Arc<Prior>>,
    /// Whether they have the models of structured text.
    structured: bool,
    /// Which decisions they are coded as, if not as what is known says, or as their bits.
    trees: Option<&'a Trees>,
}

/// The model that reads so many bytes of texts.
fn coder_for(training: &Training, manner: Manner<'_>, bytes: u64) -> Result<ChunkCoder, Error> {
    let plan = ModelPlan::for_block(training.preset, bytes).with_prior(manner.known.map(|prior| prior.id()));
    let coder = ChunkCoder::new(plan, &training.knowledge.priors()).map_err(Error::from_engine)?;
    // What is kept of slots must hold for all.
    let mut coder = coder.without_structured().without_trees();
    if manner.structured {
        coder.take_texts_for_structured();
    }
    if let Some(trees) = manner.trees {
        coder.plant(trees.clone());
    }
    Ok(coder)
}

/// Reads texts one after the other.
fn read_all(
    texts: &[&[u8]],
    training: &Training,
    manner: Manner<'_>,
    tick: Tick<'_>,
) -> Result<Reading, Error> {
    let mut coder = coder_for(training, manner, u64::MAX)?;
    let plan = coder.plan();
    let mut transformed = false;
    for text in texts {
        for chunk in chunks(plan, text) {
            let coded = coder.encode(chunk, training.transform, tick).map_err(Error::from_engine)?;
            transformed |= coded.is_transformed();
        }
    }
    let history = pack_bytes(&coder.last_bytes(REMEMBERED_BYTES))?;
    let worth = coder.worth().map_err(Error::from_engine)?;
    let dictionary = pack_bytes(&coder.dictionary().map_err(Error::from_engine)?)?;
    let slots = coder.into_slots();
    let under = match manner.known {
        Some(prior) => Some(prior.base(plan).map_err(Error::Prior)?),
        None => None,
    };
    let room = training.max_bytes.saturating_sub(history.len()) / SLOT_BYTES;
    let slots = choose(&slots, under.as_deref().map(Base::slots), training.preset, room);
    Ok(Reading { worth, transformed, log2_lines: plan.base_log2() - 6, history, dictionary, slots })
}

impl Reading {
    /// The file of a prior, whose models are worth so much.
    fn file(&self, training: &Training, manner: Manner<'_>, worth: &[u8]) -> Result<Vec<u8>, PriorError> {
        let learned = Learned {
            preset: training.preset,
            coded: self.transformed,
            structured: manner.structured,
            log2_lines: self.log2_lines,
            worth,
            history: &self.history,
            dictionary: &self.dictionary,
            slots: &self.slots.0,
            slot_count: self.slots.1,
        };
        let content = PriorContent {
            english_words: manner.known.is_some(),
            network: None,
            is_frozen: false,
            weights: Vec::new(),
            mixer: None,
            ngrams: None,
            trees: manner.trees.map(pack_trees),
            learned: Some(learned.to_bytes()),
        };
        Prior::to_bytes(&training.name, &content)
    }
}

/// Samples to read first, and pieces that are held out until then: of many samples some, the newest
/// among them; of few their ends.
fn divide<'a>(samples: &[&'a [u8]]) -> (Vec<&'a [u8]>, Vec<&'a [u8]>) {
    let mut pieces: Vec<(&[u8], &[u8])> = Vec::new();
    let mut held_bytes = 0;
    let count = samples.len();
    // From the end, so that the newest are held out if it gets too much.
    for (number, sample) in samples.iter().enumerate().rev() {
        let end = if count < 2 * HELD_OUT {
            sample.len() / HELD_OUT
        } else if number >= count - count / NEWEST || number % HELD_OUT == HELD_OUT - 1 {
            sample.len()
        } else {
            0
        };
        let end = end.min(HELD_OUT_PIECE);
        let end = if held_bytes + end > HELD_OUT_BYTES { 0 } else { end };
        held_bytes += end;
        pieces.push(sample.split_at(sample.len() - end));
    }
    let read = pieces.iter().rev().map(|piece| piece.0).collect();
    let held_out = pieces.iter().rev().map(|piece| piece.1).filter(|piece| !piece.is_empty()).collect();
    (read, held_out)
}

fn pack_worth(fresh: &[u8], worth: &[u8]) -> Vec<u8> {
    let mut packer = Packer::default();
    words(&mut packer, &to_words(fresh), &mut to_words(worth));
    packer.0.finish()
}

/// As an archive of our own, which needs nothing.
fn pack_bytes(bytes: &[u8]) -> Result<Vec<u8>, Error> {
    let preset = Preset::new(3).expect("1 to 9");
    let options = Options { knowledge: Knowledge::None, transform: Transform::None, ..Options::new(preset) };
    crate::compress(bytes, &options, &mut |_| ControlFlow::Continue(()))
}

fn unpack_bytes(packed: &[u8], most: usize) -> Result<Vec<u8>, Error> {
    let limits = Limits { max_output: Some(most as u64), ..Limits::default() };
    crate::decompress(packed, &limits, &mut |_| ControlFlow::Continue(()))
}

/// What a model that has seen nothing takes everything to be worth.
pub fn fresh_worth(preset: Preset) -> Result<Vec<u8>, Error> {
    let plan = ModelPlan::for_block(preset, 1);
    let mut coder = ChunkCoder::new(plan, &Priors::default()).map_err(Error::from_engine)?;
    coder.worth().map_err(Error::from_engine)
}

/// Packs the slots that are worth most, `room` at most, and says how many: those of contexts that
/// came often. Those that `under` has alike are left out.
fn choose(slots: &[u8], under: Option<&SharedBytes>, preset: Preset, room: usize) -> (Vec<u8>, u32) {
    let histories = preset.setup().histories;
    let seen: Vec<u8> = (0..=255).map(|state| histories.seen(state).min(255.0) as u8).collect();
    let known = |at: usize, slot: &[u8; 16]| {
        let line = at / 4 * 64;
        under.is_some_and(|under| under[line..line + 64].as_chunks::<16>().0.contains(slot))
    };
    let all = || slots.as_chunks::<16>().0.iter().enumerate().filter(|(at, s)| s[1] != 0 && !known(*at, s));
    let mut counts = [0usize; 256];
    for (_, slot) in all() {
        counts[usize::from(seen[usize::from(slot[1])])] += 1;
    }
    let (mut least, mut left) = (256, room);
    while least > 1 && counts[least - 1] <= left {
        least -= 1;
        left -= counts[least];
    }
    let mut packer = Packer::default();
    let mut packing = SlotPacking::new();
    let mut count = 0;
    for (at, slot) in all() {
        let of = usize::from(seen[usize::from(slot[1])]);
        // Of those that just do not all fit, the first.
        let taken = of >= least || of + 1 == least && left > 0;
        if taken && count < MOST_SLOTS {
            left -= usize::from(of < least);
            packing.code(&mut packer, Slot { line: (at / 4) as u32, bytes: *slot });
            count += 1;
        }
    }
    (packer.0.finish(), count)
}
