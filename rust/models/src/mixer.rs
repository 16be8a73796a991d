//! Gated logistic mixing: weight sets picked by selectors, and a second layer over them.

use crate::state::{StateError, StateIo};
use foretold_numerics::{
    FEW, LANES, Simd, Table, dot_few, dot_sets, mix_sets, squash, squash_fine, train_few, train_sets,
};

/// Weight sets one layer can pick at a time.
pub const MAX_SETS: usize = LANES;
/// Weights that a machine's nearer caches hold: half a MiB.
const LARGE: usize = 1 << 18;
/// A weight of one.
const ONE: i32 = 1 << 14;

/// How a mixer learns: step sizes in units of 2^-16 of the error.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// First layer, at the end.
    pub first: u32,
    /// First layer, added while a set is new: halved after [`NEW`] bits, to a third after
    /// twice as many, …
    pub first_start: u32,
    /// Second layer.
    pub second: u32,
    /// A first-layer weight of one is `2^shift`: 14 to 16.
    pub shift: u32,
    /// First-layer weights before anything is learned, in units of `2^-shift`.
    pub start: i16,
    /// A first-layer set that errs by less, in units of 2^-16, learns nothing of the bit.
    pub quiet: u16,
}

/// Bits after which a weight set is half as new.
const NEW: u32 = 256;
/// Ages are counted up to this.
const MATURE: u32 = (1 << 16) - 1;
/// How new a set of age `16 * i` still is: `NEW / (NEW + age)` in units of 2^-16.
static NEWNESS: [u16; 4096] = {
    let mut table = [0; 4096];
    let mut i = 0;
    while i < 4096 {
        table[i as usize] = (65535 * NEW / (NEW + 16 * i)) as u16;
        i += 1;
    }
    table
};

/// One layer of weight sets: every selector owns a row of sets and picks one of them.
#[derive(Debug)]
struct Layer {
    inputs: usize,
    /// First set of each selector's row, and the number of sets in it.
    rows: Vec<(u32, u32)>,
    weights: Table<i16>,
    /// Whether the weights are too many to be in a near cache anyway.
    large: bool,
    /// Bits each set has learned.
    ages: Table<u32>,
}

/// What one layer has learned, row by row of sets.
#[derive(Debug)]
pub struct LayerState<'a> {
    /// Weights of a set.
    pub inputs: usize,
    /// First set of each selector's row, and the number of sets in it.
    pub rows: &'a [(u32, u32)],
    /// Set by set.
    pub weights: &'a mut [i16],
    /// Bits each set has learned; counted in the first layer only.
    pub ages: &'a mut [u32],
}

/// The sets picked in a layer.
#[derive(Debug, Default)]
struct Picked {
    sets: [u32; MAX_SETS],
    /// Their first weights.
    offsets: [u32; MAX_SETS],
}

impl Layer {
    fn new(inputs: usize, sizes: &[u32], start: i16) -> Option<Self> {
        let mut rows = Vec::new();
        let mut sets = 0;
        for &size in sizes {
            rows.push((sets, size));
            sets += size;
        }
        let mut weights = Table::try_new(sets as usize * inputs)?;
        weights.fill(start);
        let large = weights.len() > LARGE;
        Some(Layer { inputs, rows, weights, large, ages: Table::try_new(sets as usize)? })
    }

    /// Finds the sets picked, and starts to fetch them.
    #[inline(always)]
    fn pick(&self, picks: &[u32], picked: &mut Picked) {
        for (i, (&pick, &(start, size))) in picks.iter().zip(&self.rows[..picks.len()]).enumerate() {
            // There are no more rows than places.
            let i = i % MAX_SETS;
            debug_assert!(pick < size, "set {pick} of {size}");
            let set = start + pick.min(size - 1);
            let offset = set * self.inputs as u32;
            (picked.sets[i], picked.offsets[i]) = (set, offset);
            if self.large {
                self.ages.prefetch(set as usize);
                // The machine goes on by itself.
                self.weights.prefetch(offset as usize);
                self.weights.prefetch(offset as usize + LANES);
            }
        }
    }
}

/// What a mixer made of one bit's inputs; its update needs it back.
#[derive(Debug)]
#[repr(align(64))]
pub struct Mixed {
    /// Logits of the first layer's sets: the second layer's inputs.
    logits: [i16; MAX_SETS],
    first: Picked,
    second: Picked,
    final_sums: [i32; MAX_SETS],
    /// The mixed logit, in units of 1/4096.
    pub logit: i32,
    /// Its probability of a one, in units of 2^-22.
    pub p1_q22: u32,
}

impl Mixed {
    /// Logits of the first layer's sets, in units of 1/256; those that no selector picked are 0.
    pub fn logits(&self) -> &[i16; MAX_SETS] {
        &self.logits
    }
}

impl Default for Mixed {
    fn default() -> Self {
        Mixed {
            logits: [0; MAX_SETS],
            first: Picked::default(),
            second: Picked::default(),
            final_sums: [0; MAX_SETS],
            logit: 0,
            p1_q22: 0,
        }
    }
}

/// Two layers of logistic mixing.
///
/// In the first layer each selector's set gives its own prediction and learns from its own
/// error. The second layer mixes these; where several selectors pick second-layer sets, their
/// logits are averaged.
///
/// Source: M. Mahoney, Adaptive weighing of context models (2005); B. Knoll, N. de Freitas,
/// A machine learning perspective on predictive coding with PAQ (2012).
#[derive(Debug)]
pub struct Mixer {
    first: Layer,
    second: Layer,
    rates: Rates,
}

impl Mixer {
    /// A mixer of `inputs` inputs (a multiple of [`LANES`]); `first` and `second` hold how many
    /// sets each selector chooses from.
    pub fn new(inputs: usize, first: &[u32], second: &[u32], rates: Rates) -> Option<Self> {
        assert!(inputs.is_multiple_of(LANES) && first.len() <= MAX_SETS && second.len() <= MAX_SETS);
        let even = (ONE as usize / first.len().max(1)) as i16;
        Some(Mixer {
            first: Layer::new(inputs, first, rates.start)?,
            second: Layer::new(MAX_SETS, second, even)?,
            rates,
        })
    }

    /// Sets what an input weighs in all first-layer sets before anything is learned, in units of
    /// `2^-shift`.
    pub fn set_start(&mut self, input: usize, weight: i16) {
        for set in self.first.weights.chunks_exact_mut(self.first.inputs) {
            set[input] = weight;
        }
    }

    /// Bytes that a mixer of these sizes takes.
    pub fn memory_bytes(inputs: usize, first: &[u32], second: &[u32]) -> u64 {
        let first: u64 = first.iter().map(|&size| u64::from(size)).sum();
        let second: u64 = second.iter().map(|&size| u64::from(size)).sum();
        first * (inputs as u64 * 2 + 4) + second * (MAX_SETS as u64 * 2 + 4)
    }

    /// Picks the weight sets of both layers; [`predict`](Self::predict) comes next, after other
    /// work.
    #[inline(always)]
    pub fn pick(&self, first: &[u32], second: &[u32], mixed: &mut Mixed) {
        self.first.pick(first, &mut mixed.first);
        self.second.pick(second, &mut mixed.second);
    }

    /// Mixes `inputs` (logits in units of 1/256, padded with zeros) with the sets picked.
    #[inline(always)]
    pub fn predict(&self, simd: Simd, (sets, finals): (usize, usize), inputs: &[i16], mixed: &mut Mixed) {
        let offsets = &mixed.first.offsets[..sets];
        mix_sets(simd, inputs, &self.first.weights, offsets, self.rates.shift, &mut mixed.logits);
        let offsets = &mixed.second.offsets[..finals];
        let sums = &mut mixed.final_sums[..finals];
        if sets <= FEW {
            dot_few(simd, &mixed.logits, &self.second.weights, offsets, sums);
        } else {
            dot_sets(simd, &mixed.logits, &self.second.weights, offsets, sums);
        }
        let total: i32 = mixed.final_sums[..finals].iter().map(|&sum| sum >> 10).sum();
        mixed.logit = match finals {
            1 => total,
            2 => total / 2,
            3 => total / 3,
            n => total / n as i32,
        };
        mixed.p1_q22 = squash_fine(mixed.logit).get();
    }

    /// Learns the bit that came, from what [`predict`](Self::predict) made.
    #[inline(always)]
    pub fn update(
        &mut self,
        simd: Simd,
        (sets, finals): (usize, usize),
        inputs: &[i16],
        mixed: &Mixed,
        bit: bool,
    ) {
        let target = if bit { 65535 } else { 0 };

        let quiet = u32::from(self.rates.quiet);
        let mut errors = [0i16; MAX_SETS];
        for ((error, &logit), &set) in errors.iter_mut().zip(&mixed.logits[..sets]).zip(&mixed.first.sets) {
            let age = &mut self.first.ages[set as usize];
            let newness = u64::from(NEWNESS[(*age >> 4) as usize & 4095]);
            let extra = (u64::from(self.rates.first_start) * newness) >> 16;
            let rate = (self.rates.first + extra as u32) as i32;
            *age += u32::from(*age < MATURE);
            let off = target - i32::from(squash(i32::from(logit)));
            *error = if off.unsigned_abs() < quiet { 0 } else { step(off, rate) };
        }
        train_sets(simd, inputs, &mut self.first.weights, &mixed.first.offsets[..sets], &errors[..sets]);

        for (error, &sum) in errors.iter_mut().zip(&mixed.final_sums[..finals]) {
            // A single set's logit is the mixed one.
            let p1_q22 = if finals == 1 { mixed.p1_q22 } else { squash_fine(sum >> 10).get() };
            *error = step(target - (p1_q22 >> 6) as i32, self.rates.second as i32);
        }
        let offsets = &mixed.second.offsets[..finals];
        if sets <= FEW {
            train_few(simd, &mixed.logits, &mut self.second.weights, offsets, &errors[..finals]);
        } else {
            train_sets(simd, &mixed.logits, &mut self.second.weights, offsets, &errors[..finals]);
        }
    }

    /// Both layers.
    pub fn layers(&mut self) -> [LayerState<'_>; 2] {
        [&mut self.first, &mut self.second].map(|layer| LayerState {
            inputs: layer.inputs,
            rows: &layer.rows,
            weights: &mut layer.weights,
            ages: &mut layer.ages,
        })
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("mixer")?;
        io.u32s(&mut self.first.ages)?;
        io.i16s(&mut self.first.weights)?;
        io.i16s(&mut self.second.weights)
    }
}

/// An error in units of 2^-16 times a rate in units of 2^-16, as a factor in units of 2^-15.
#[inline(always)]
fn step(error: i32, rate: i32) -> i16 {
    (((i64::from(error) * i64::from(rate)) >> 16) as i32).clamp(-32767, 32767) as i16
}
