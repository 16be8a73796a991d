//! What one preset's mixer and maps start from on text: learned beforehand, packed.
//!
//! A weight set is a row's mean and what it differs from it, in coarse steps; sets that have hardly
//! been used start as the mean. FORMAT.md, "Weights", describes the packed bytes.

use std::sync::Arc;

use foretold_coding::Decoder;
use foretold_models::LayerState;
use foretold_numerics::{SharedBytes, Table, squash, stretch};

use super::packing::{Numbers, Packer, Packing, START, Symbols, Unpacker};
use super::{Prior, cache};
use crate::setup::Assembly;
use crate::{ChunkCoder, EngineError, Error, ModelPlan, Preset, Priors, Tick, Transform};

/// Bytes of a text that are one block while weights are learned: they are for the beginnings of
/// texts above all.
const PIECE_BYTES: usize = 300_000;
/// Bits that a set must have learned to be kept.
const LEAST_AGE: u32 = 1000;
/// Base-2 logarithm of the bits that it is said to have learned, at most: of other texts it may have to
/// learn something else.
const MOST_AGE: u32 = 10;
/// Bits that an entry of a map must have seen.
const LEAST_COUNT: u32 = 60;
/// What such an entry counts as having seen.
const COUNT: u32 = 127;
/// Logits in which probabilities of maps are kept, in units of 1/256.
const MAP_STEP: i32 = 64;
/// A row's mean is kept in units, what a set differs from it in steps of so many.
const UNITS: i32 = 16;
/// The unit of the second layer's weights; one is `2^14`.
const SECOND_UNIT: i32 = 8;
/// Bytes before what is packed: the unit of the first layer's weights.
const HEADER_BYTES: usize = 2;

/// The unit of the first layer's weights, where one is `2^shift`: steps of an eighth. Finer ones would
/// be better, and counts in their place better still.
fn first_unit(shift: u32) -> i32 {
    1 << (shift - 7)
}

/// What a model of the preset starts from, as `Predictor::worth` writes it; `None` without memory.
/// That of the prior called `name` is kept for other processes.
pub fn shared(name: Option<&str>, preset: Preset, packed: &[u8]) -> Result<Option<SharedBytes>, Error> {
    let file = name.map(|name| format!("{name}-{}-{}-weights", preset.number(), fingerprint(preset)));
    let mut broken = None;
    let found = cache::table(file.as_deref(), None, || match image(preset, packed) {
        Ok(found) => found,
        Err(error) => {
            broken = Some(error);
            None
        }
    });
    broken.map_or(Ok(found), Err)
}

/// Tells images apart that another release, or another state of this one, lays out otherwise. Nothing
/// is made for it: every process asks.
fn fingerprint(preset: Preset) -> String {
    let setup = preset.setup();
    let Assembly { selectors, finals, rates, .. } = setup.text;
    let sizes = (setup.text.contexts(), setup.binary.contexts(), setup.matches, selectors, finals, rates);
    let mut hasher = blake3::Hasher::new();
    hasher.update(env!("CARGO_PKG_VERSION").as_bytes()).update(format!("{sizes:?}").as_bytes());
    hasher.finalize().to_hex()[..8].into()
}

fn image(preset: Preset, packed: &[u8]) -> Result<Option<SharedBytes>, Error> {
    let mut coder = fresh(preset)?;
    let broken = || Error::State("its weights cannot be unpacked".into());
    let (header, packed) = packed.split_first_chunk::<HEADER_BYTES>().ok_or_else(broken)?;
    let mut unpacker = Unpacker(Decoder::new(packed));
    code(&mut unpacker, &mut coder, u16::from_le_bytes(*header).max(1).into(), false)?;
    if !unpacker.0.is_exhausted() {
        return Err(broken());
    }
    let worth = coder.worth().map_err(Error::from_engine)?;
    Ok(Table::<u8>::try_new(worth.len()).map(|mut table| {
        table.copy_from_slice(&worth);
        SharedBytes::from(table)
    }))
}

fn fresh(preset: Preset) -> Result<ChunkCoder, Error> {
    ChunkCoder::new(ModelPlan::for_block(preset, 1), &Priors::default()).map_err(Error::from_engine)
}

/// Learns what a preset's models that start from the prior should start from besides, and packs it.
///
/// The texts must be others than those that the prior was learned from: of what it has read, it is
/// too sure. The tick gets the bytes read.
pub fn learn(texts: &[&[u8]], preset: Preset, prior: &Arc<Prior>, tick: Tick<'_>) -> Result<Vec<u8>, Error> {
    // Its tables are of no use to anyone else.
    let prior = Arc::new(Prior::from_bytes(prior.file().to_vec(), prior.name())?.for_now());
    let priors = Priors::new([prior.clone()]);
    let mut worth: Option<Vec<u8>> = None;
    let mut coder = fresh(preset)?;
    // By turns, so that no text has the last word.
    let pieces: Vec<Vec<&[u8]>> = texts.iter().map(|text| text.chunks(PIECE_BYTES).collect()).collect();
    let most = pieces.iter().map(Vec::len).max().unwrap_or(0);
    for piece in (0..most).flat_map(|turn| pieces.iter().filter_map(move |text| text.get(turn))) {
        let plan = ModelPlan::for_block(preset, piece.len() as u64).with_prior(Some(prior.id()));
        coder = ChunkCoder::new(plan, &priors).map_err(Error::from_engine)?;
        if let Some(worth) = &worth {
            coder.set_worth(worth).map_err(Error::from_engine)?;
        }
        coder.lend_thread(true);
        let coded = coder.encode(piece, Transform::Auto, tick);
        coder.lend_thread(false);
        coded.map_err(Error::from_engine)?;
        worth = Some(coder.worth().map_err(Error::from_engine)?);
    }
    let mut packer = Packer::default();
    let unit = first_unit(preset.setup().text.rates.shift);
    code(&mut packer, &mut coder, unit, true)?;
    Ok([&(unit as u16).to_le_bytes()[..], &packer.0.finish()].concat())
}

/// Packs what a model has learned, or puts what was packed into one that has learned nothing. The
/// unit is that of the first layer.
fn code(coder: &mut impl Packing, model: &mut ChunkCoder, unit: i32, learned: bool) -> Result<(), Error> {
    let preset = model.plan().preset();
    let mut beginner = fresh(preset)?;
    let read = |error| Error::from_engine(EngineError::from(error));
    let (before, first_mixer) = beginner.text().map_err(read)?;
    let (slots, mixer) = model.text().map_err(read)?;
    let contexts = slots.contexts();
    code_maps(coder, before.map_entries(), slots.map_entries(), contexts);
    let units = [unit, SECOND_UNIT];
    for (number, (before, layer)) in first_mixer.layers().into_iter().zip(mixer.layers()).enumerate() {
        LayerPacking::new(before.inputs, units[number], number == 0).code(coder, &before, layer, learned);
    }
    Ok(())
}

/// The probabilities of `contexts` contexts' histories: `before`, in a model that has seen nothing.
fn code_maps(coder: &mut impl Packing, before: &[u32], entries: &mut [u32], contexts: usize) {
    let mut differences = Differences::new(256);
    let mut seen = [START; 2];
    let mut was_seen = [false; 256];
    for (before, entries) in before.chunks(256).zip(entries.chunks_mut(256)).take(contexts) {
        let mut left = 0;
        for (state, (&before, entry)) in before.iter().zip(entries).enumerate() {
            let counts = *entry & 1023 >= LEAST_COUNT;
            was_seen[state] = coder.bit(&mut seen[usize::from(was_seen[state])], counts);
            if was_seen[state] {
                let [from, to] = [before, *entry].map(|entry| i32::from(stretch((entry >> 16) as u16)));
                left = differences.code(coder, state, left, rounded(i64::from(to - from), MAP_STEP.into()));
                let logit = i64::from(from) + i64::from(MAP_STEP) * i64::from(left);
                *entry = u32::from(squash(logit.clamp(-4096, 4096) as i32)) << 16 | COUNT;
            }
        }
    }
}

/// The weight sets of one layer.
struct LayerPacking {
    unit: i32,
    /// Whether bits that sets have learned are counted.
    has_ages: bool,
    kept: [u32; 2],
    ages: Symbols,
    means: Numbers,
    differences: Differences,
}

impl LayerPacking {
    fn new(inputs: usize, unit: i32, has_ages: bool) -> LayerPacking {
        LayerPacking {
            unit,
            has_ages,
            kept: [START; 2],
            ages: Symbols::new(1, 4),
            means: Numbers::new(33),
            differences: Differences::new(inputs),
        }
    }

    fn code(
        &mut self,
        coder: &mut impl Packing,
        before: &LayerState<'_>,
        layer: LayerState<'_>,
        learned: bool,
    ) {
        let fresh = &before.weights[..layer.inputs];
        let mut mean: Vec<i32> = fresh.iter().map(|&weight| i32::from(weight) / self.unit).collect();
        for &(first, sets) in layer.rows {
            let (first, sets) = (first as usize, sets as usize);
            let weights = &mut layer.weights[first * layer.inputs..][..sets * layer.inputs];
            let ages = &mut layer.ages[first..first + sets];
            let counted: Vec<u32> = match self.has_ages {
                true => ages.to_vec(),
                false => weights.chunks(layer.inputs).map(|set| u32::from(set != fresh)).collect(),
            };
            let wanted = if learned { mean_of(weights, &counted, self.unit) } else { None };
            let wanted = wanted.unwrap_or_else(|| mean.clone());
            self.code_mean(coder, &mut mean, &wanted);
            let least = if self.has_ages { LEAST_AGE } else { 1 };
            let mut was_kept = false;
            for ((set, age), counted) in weights.chunks_mut(layer.inputs).zip(ages).zip(counted) {
                was_kept = coder.bit(&mut self.kept[usize::from(was_kept)], counted >= least);
                *age = 0;
                if was_kept && self.has_ages {
                    let class = self.ages.code(coder, 0, (counted | 1).ilog2().min(MOST_AGE));
                    *age = 3 << class >> 1;
                }
                self.code_set(coder, &mean, set, was_kept);
            }
        }
    }

    fn code_mean(&mut self, coder: &mut impl Packing, mean: &mut [i32], wanted: &[i32]) {
        let mut last = 0;
        for (mean, &wanted) in mean.iter_mut().zip(wanted) {
            let moved = wanted.wrapping_sub(*mean);
            // Zigzag: small numbers of either sign are small.
            let number = self.means.code(coder, last, ((moved << 1) ^ (moved >> 31)) as u32);
            last = 32 - number.leading_zeros() as usize;
            *mean = mean.wrapping_add((number >> 1) as i32 ^ -((number & 1) as i32));
        }
    }

    fn code_set(&mut self, coder: &mut impl Packing, mean: &[i32], set: &mut [i16], kept: bool) {
        let (step, unit) = (i64::from(self.unit * UNITS), i64::from(self.unit));
        let mut left = 0;
        for (place, (weight, &mean)) in set.iter_mut().zip(mean).enumerate() {
            let mean = i64::from(mean) * unit;
            if kept {
                left = self.differences.code(coder, place, left, rounded(i64::from(*weight) - mean, step));
            }
            *weight = (mean + step * i64::from(left)).clamp(-32768, 32767) as i16;
        }
    }
}

/// The mean of sets, each as often as its age says, in units of `unit`; `None` of none.
fn mean_of(weights: &[i16], ages: &[u32], unit: i32) -> Option<Vec<i32>> {
    let total: i64 = ages.iter().map(|&age| i64::from(age)).sum();
    let inputs = weights.len() / ages.len().max(1);
    let mut sums = vec![0i64; inputs];
    for (set, &age) in weights.chunks(inputs).zip(ages) {
        for (sum, &weight) in sums.iter_mut().zip(set) {
            *sum += i64::from(weight) * i64::from(age);
        }
    }
    let unit = total * i64::from(unit);
    (total > 0).then(|| sums.into_iter().map(|sum| rounded(sum, unit)).collect())
}

/// A quotient, rounded to the nearest number.
fn rounded(value: i64, step: i64) -> i32 {
    (value + step / 2).div_euclid(step) as i32
}

/// Numbers that are mostly small, of either sign, at so many places that come again and again.
struct Differences {
    /// How large those of a place have been of late, in units of 1/16.
    sizes: Vec<u32>,
    /// By size and by the number to the left: whether a number is at least 1, 2, … .
    at_least: Vec<[u32; Differences::UNARY]>,
    rest: Numbers,
}

impl Differences {
    /// Numbers up to this are so many bits.
    const UNARY: usize = 8;
    const CLASSES: usize = 8;
    const LEFT: usize = 3;

    fn new(places: usize) -> Differences {
        Differences {
            sizes: vec![0; places],
            at_least: vec![[START; Differences::UNARY]; Differences::CLASSES * Differences::LEFT],
            rest: Numbers::new(1),
        }
    }

    fn code(&mut self, coder: &mut impl Packing, place: usize, left: i32, value: i32) -> i32 {
        let size = &mut self.sizes[place];
        let class = ((*size + 1).ilog2() as usize).min(Differences::CLASSES - 1);
        let left = (left.unsigned_abs() as usize).min(Differences::LEFT - 1);
        let (wanted, mut found) = (value.unsigned_abs(), 0);
        for entry in &mut self.at_least[class * Differences::LEFT + left] {
            if !coder.bit(entry, wanted > found) {
                break;
            }
            found += 1;
        }
        if found as usize == Differences::UNARY {
            found = found.saturating_add(self.rest.code(coder, 0, wanted.wrapping_sub(found)));
        }
        *size = (*size * 7 + 16 * found.min(15)) / 8;
        let found = found.min(i32::MAX as u32) as i32;
        match found != 0 && coder.plain(1, u32::from(value < 0)) != 0 {
            true => -found,
            false => found,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::learned::fresh_worth;
    use super::*;
    use proptest::prelude::*;
    use std::ops::ControlFlow;

    proptest! {
        #[test]
        fn differences_come_back(values in prop::collection::vec((0usize..4, any::<i32>(), 0u32..32), 0..200)) {
            let values: Vec<(usize, i32)> =
                values.into_iter().map(|(place, value, shift)| (place, value >> shift)).collect();
            let mut packer = Packer::default();
            let mut differences = Differences::new(4);
            let mut left = 0;
            for &(place, value) in &values {
                left = differences.code(&mut packer, place, left, value);
                prop_assert_eq!(left, value.max(-i32::MAX));
            }
            let packed = packer.0.finish();
            let mut unpacker = Unpacker(Decoder::new(&packed));
            let mut differences = Differences::new(4);
            let mut left = 0;
            for &(place, value) in &values {
                left = differences.code(&mut unpacker, place, left, 0);
                prop_assert_eq!(left, value.max(-i32::MAX));
            }
        }
    }

    #[test]
    fn what_is_unpacked_is_what_the_packing_left() {
        let text = "It was the best of times, it was the worst of times, as the story has it. ".repeat(300);
        let preset = Preset::new(2).unwrap();
        let mut learner = fresh(preset).unwrap();
        learner.encode(text.as_bytes(), Transform::None, &mut |_| ControlFlow::Continue(())).unwrap();
        let learned = learner.worth().unwrap();
        let mut packer = Packer::default();
        code(&mut packer, &mut learner, 96, true).unwrap();
        let packed = packer.0.finish();
        let mut other = fresh(preset).unwrap();
        code(&mut Unpacker(Decoder::new(&packed)), &mut other, 96, false).unwrap();
        let (kept, found) = (learner.text().unwrap().1, other.text().unwrap().1);
        for (kept, found) in kept.layers().into_iter().zip(found.layers()) {
            assert!(kept.weights == found.weights && kept.ages == found.ages);
            assert!(kept.weights.iter().any(|&weight| weight != kept.weights[0]));
        }
        let image = image(preset, &[&[96, 0], &packed[..]].concat()).unwrap().unwrap();
        assert!(*image != *fresh_worth(preset).unwrap() && image.len() == learned.len());
    }

    #[test]
    fn what_is_not_packed_weights_is_refused() {
        let preset = Preset::new(1).unwrap();
        let long = vec![0x55; 100_000];
        assert!(image(preset, &long).is_err());
    }
}
