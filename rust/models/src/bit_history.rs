//! Bit histories: one byte that stands for the bits seen in a context.
//!
//! There are two tables of them, and a preset uses one. [`COUNTS`] are counts of zeros and ones
//! that are cut down when the other bit comes: they say well what has come last, and a mixer of
//! many contexts makes more of that (0.2 % less at preset 9). [`PROBABILITIES`] say well how
//! likely a one is: better where few contexts speak (1 to 2.5 % less at presets 1 to 5).
//!
//! # Probabilities
//!
//! A history of up to [`EXACT`] bits is remembered as it was (up to three bits) or by how many
//! zeros and ones it had. Longer ones are a confidence, one of [`CONFIDENCES`] counts, and one
//! of a grid of probabilities, even in the logit domain. A bit moves the probability by
//! 1/(n + 1.5) of the error and the count by one; where that falls between two states, one of
//! the two is taken at random, so that on average nothing is lost to rounding. The random
//! numbers come from the text itself: encoder and decoder draw the same.
//!
//! Counts with bounded memory forget how sure they were: on bits of a fixed probability with
//! lifetimes of 100 they cost 10 % more than exact counts, these states 3.5 %.
//!
//! # Counts
//!
//! A history of up to three bits is remembered as it was, a longer one by its counts of zeros
//! and ones, each one of [`LEVELS`], and its last bit. A bit raises its own count, on average by
//! one, and cuts the other to about the mean of it and its logarithm. The more there are of one
//! bit, the fewer there may be of the other.
//!
//! Source: M. Mahoney, Adaptive weighing of context models (2005), nonstationary states.

use std::sync::LazyLock;

use foretold_numerics::{StandardFloats, Steps, exp, ln};

/// A history of no bits.
pub const EMPTY: u8 = 0;
/// Bits up to which a history is remembered by its counts.
const EXACT: usize = 6;
/// Counts that the longer histories stand for.
const CONFIDENCES: [f64; 4] = [7.0, 12.0, 24.0, 60.0];
/// How often a bit less likely than not lowers the confidence by one.
const SURPRISED: f64 = 0.3;
/// Probabilities in the grid of each.
const GRID: [usize; 4] = [18, 28, 44, 64];

/// The counts there are in [`COUNTS`].
const LEVELS: [u8; 18] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32, 40, 48, 60];
/// The largest count beside another count of 0, 1, 2, …; the last also beside larger ones.
const LARGEST: [u8; 6] = [60, 40, 16, 10, 7, 6];

/// A table of states.
#[derive(Debug)]
pub struct BitHistories {
    /// Where they go.
    pub steps: Steps,
    /// All ones for states of one kind of bit only.
    pub one_kind: [u8; 256],
    /// The probability of a one that a state suggests, in units of 2^-16.
    pub p1_q16: [u16; 256],
    /// How many states there are.
    pub len: usize,
    /// Zeros and ones that a state stands for.
    stands_for: [(f64, f64); 256],
}

/// States that are confidences and probabilities, computed once.
pub static PROBABILITIES: LazyLock<BitHistories> = LazyLock::new(|| {
    let _standard = StandardFloats::set();
    let grids = Grids::new();
    BitHistories::build(&grids, |meaning, bit| grids.successors(meaning, bit))
});

/// States that are counts, computed once.
pub static COUNTS: LazyLock<BitHistories> = LazyLock::new(|| {
    let _standard = StandardFloats::set();
    BitHistories::build(&Grids(Default::default()), counted)
});

#[derive(Clone, Copy, PartialEq, Debug)]
enum Meaning {
    /// Zeros, ones, and the last bits as far as they are remembered.
    Counts(u8, u8, u8),
    /// Which confidence, and which point of its grid.
    Point(usize, usize),
}

/// The probabilities of each grid, rising.
struct Grids([Vec<f64>; CONFIDENCES.len()]);

impl Grids {
    fn new() -> Self {
        Grids(std::array::from_fn(|confidence| {
            let most = ln((CONFIDENCES[confidence] + 0.5) / 0.5);
            let last = (GRID[confidence] - 1) as f64;
            let logit = |index| 2.0 * most * f64::from(index) / last - most;
            (0..GRID[confidence] as u32).map(|index| 1.0 / (1.0 + exp(-logit(index)))).collect()
        }))
    }

    /// The grid points around a probability, with the share of each.
    fn place(&self, confidence: usize, p1: f64, share: f64) -> [(Meaning, f64); 2] {
        let grid = &self.0[confidence];
        let mut index = 0;
        while index < grid.len() - 2 && grid[index + 1] < p1 {
            index += 1;
        }
        let upper = ((p1 - grid[index]) / (grid[index + 1] - grid[index])).clamp(0.0, 1.0);
        [
            (Meaning::Point(confidence, index), share * (1.0 - upper)),
            (Meaning::Point(confidence, index + 1), share * upper),
        ]
    }

    /// Where a history goes with one more bit, with the share of each target.
    fn successors(&self, meaning: Meaning, bit: u8) -> Vec<(Meaning, f64)> {
        match meaning {
            Meaning::Counts(zeros, ones, last) => {
                let (zeros, ones) = (zeros + 1 - bit, ones + bit);
                let seen = usize::from(zeros + ones);
                if seen <= 3 {
                    vec![(Meaning::Counts(zeros, ones, (last << 1 | bit) & 7), 1.0)]
                } else if seen <= EXACT {
                    vec![(Meaning::Counts(zeros, ones, bit), 1.0)]
                } else {
                    let p1 = (f64::from(ones) + 0.4) / (seen as f64 + 0.8);
                    self.place(0, p1, 1.0).to_vec()
                }
            }
            Meaning::Point(confidence, index) => {
                let (n, p1) = (CONFIDENCES[confidence], self.0[confidence][index]);
                let of_bit = if bit == 1 { p1 } else { 1.0 - p1 };
                if of_bit < 0.5 && confidence > 0 {
                    // What was not expected is a hint that the old bits count for less here.
                    let less = CONFIDENCES[confidence - 1];
                    let p1 = p1 + (f64::from(bit) - p1) / (less + 1.5);
                    let mut all = self.place(confidence, p1, 1.0 - SURPRISED).to_vec();
                    all.extend(self.place(confidence - 1, p1, SURPRISED));
                    return all;
                }
                let p1 = p1 + (f64::from(bit) - p1) / (n + 1.5);
                let Some(next) = CONFIDENCES.get(confidence + 1) else {
                    return self.place(confidence, p1, 1.0).to_vec();
                };
                let grown = 1.0 / (next - n);
                let mut all = self.place(confidence, p1, 1.0 - grown).to_vec();
                all.extend(self.place(confidence + 1, p1, grown));
                all
            }
        }
    }
}

/// The largest of the [`LEVELS`] that is not above a count.
fn level(count: u8) -> usize {
    LEVELS.partition_point(|&level| level <= count) - 1
}

/// Where a history of counts goes with one more bit, with the share of each target.
fn counted(meaning: Meaning, bit: u8) -> Vec<(Meaning, f64)> {
    let Meaning::Counts(zeros, ones, last) = meaning else { unreachable!("only counts follow counts") };
    if zeros + ones < 3 {
        return vec![(Meaning::Counts(zeros + 1 - bit, ones + bit, (last << 1 | bit) & 7), 1.0)];
    }
    let (mine, other) = if bit == 1 { (ones, zeros) } else { (zeros, ones) };
    let cut = if other > 2 { (other.ilog2() as u8 + 1 + other.min(8)) / 2 } else { other };
    let other = LEVELS[level(cut)];
    let largest = LARGEST[usize::from(other).min(LARGEST.len() - 1)];
    let at = level(mine);
    let now = LEVELS[at].min(largest);
    let next = LEVELS[(at + 1).min(LEVELS.len() - 1)].min(largest);
    let counts = |mine| match bit {
        1 => Meaning::Counts(other, mine, 8 | bit),
        _ => Meaning::Counts(mine, other, 8 | bit),
    };
    if next == now {
        return vec![(counts(now), 1.0)];
    }
    let grown = 1.0 / f64::from(next - now);
    vec![(counts(now), 1.0 - grown), (counts(next), grown)]
}

impl BitHistories {
    /// How many bits a state stands for.
    pub fn seen(&self, state: u8) -> f64 {
        let (zeros, ones) = self.stands_for[usize::from(state)];
        zeros + ones
    }

    /// For each pair of `counts`, zeros first, the state that stands best for so many zeros and
    /// ones in any order; it may remember `most` bits: of more, the share stays.
    ///
    /// Best is the least difference of the share of ones in the logit domain; a difference of
    /// numbers counts half as much, by its logarithm. The first of those that are equal.
    pub fn nearest(&self, counts: &[u32], most: f64) -> Vec<u8> {
        let place = |zeros: f64, ones: f64| {
            let (zeros, ones) = (zeros + 0.4, ones + 0.4);
            (ln(ones / zeros), ln(zeros + ones))
        };
        let states: Vec<_> = self.stands_for[..self.len].iter().map(|&(z, o)| place(z, o)).collect();
        let mut found = Vec::with_capacity(counts.len() * counts.len());
        for &zeros in counts {
            for &ones in counts {
                let (zeros, ones) = (f64::from(zeros), f64::from(ones));
                let seen = zeros + ones;
                let cut = if seen > most { most / seen } else { 1.0 };
                let wanted = place(zeros * cut, ones * cut);
                let mut best = (f64::INFINITY, EMPTY);
                for (state, place) in states.iter().enumerate().skip(1) {
                    let (share, number) = (place.0 - wanted.0, place.1 - wanted.1);
                    let distance = share * share + 0.25 * number * number;
                    if distance < best.0 {
                        best = (distance, state as u8);
                    }
                }
                found.push(if seen > 0.0 { best.1 } else { EMPTY });
            }
        }
        found
    }

    fn build(grids: &Grids, successors: impl Fn(Meaning, u8) -> Vec<(Meaning, f64)>) -> Self {
        let mut meanings = vec![Meaning::Counts(0, 0, 0)];
        let mut steps = [[([0; 3], [0; 4]); 2]; 256];
        let mut all = BitHistories {
            steps: Steps::new(|_, _| ([0; 3], [0; 4])),
            one_kind: [0; 256],
            p1_q16: [1 << 15; 256],
            len: 0,
            stands_for: [(0.0, 0.0); 256],
        };
        // Breadth first from the empty state: states are numbered in the order they are met.
        let mut state = 0;
        while state < meanings.len() {
            for bit in 0..2u8 {
                let mut targets = successors(meanings[state], bit);
                targets.resize(4, (targets[0].0, 0.0));
                let (bounds, to) = &mut steps[state][usize::from(bit)];
                let mut reached = 0.0;
                for (k, &(meaning, share)) in targets.iter().enumerate() {
                    let number = meanings.iter().position(|&m| m == meaning).unwrap_or_else(|| {
                        meanings.push(meaning);
                        meanings.len() - 1
                    });
                    to[k] = u8::try_from(number).expect("at most 256 bit histories");
                    reached += share * 256.0;
                    if k < 3 {
                        bounds[k] = (reached + 0.5).min(255.0) as u8;
                    }
                }
            }
            all.stands_for[state] = match meanings[state] {
                Meaning::Counts(zeros, ones, _) => (f64::from(zeros), f64::from(ones)),
                Meaning::Point(confidence, index) => {
                    let (n, p1) = (CONFIDENCES[confidence], grids.0[confidence][index]);
                    (n * (1.0 - p1), n * p1)
                }
            };
            let (used, p1, one_kind) = match meanings[state] {
                Meaning::Counts(zeros, ones, _) => {
                    let (zeros, ones) = (f64::from(zeros), f64::from(ones));
                    (zeros + ones, (ones + 0.4) / (zeros + ones + 0.8), zeros == 0.0 || ones == 0.0)
                }
                Meaning::Point(confidence, index) => {
                    let edge = index == 0 || index == GRID[confidence] - 1;
                    (CONFIDENCES[confidence], grids.0[confidence][index], edge)
                }
            };
            all.one_kind[state] = if one_kind { 0xff } else { 0 };
            all.p1_q16[state] = if used == 0.0 { 1 << 15 } else { (p1 * 65536.0) as u16 };
            state += 1;
        }
        all.steps = Steps::new(|state, bit| steps[usize::from(state)][usize::from(bit)]);
        all.len = meanings.len();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_step_leads_to_a_state() {
        for (histories, len) in [(&*PROBABILITIES, 199), (&*COUNTS, 145)] {
            assert_eq!(histories.len, len);
            for state in 0..len as u8 {
                for (bit, random) in
                    [false, true].into_iter().flat_map(|bit| (0..=255).map(move |r| (bit, r)))
                {
                    let to = histories.steps.next(state, bit, random);
                    assert!(to != EMPTY && usize::from(to) < len);
                }
            }
        }
    }

    /// The mean of what states suggest after many bits, of which `tenths` tenths are ones.
    fn settled(tenths: u64) -> f64 {
        let (mut state, mut seed) = (EMPTY, 1u64);
        let mut mean = 0.0;
        for i in 0..20_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let bit = (seed >> 33) % 10 < tenths;
            state = PROBABILITIES.steps.next(state, bit, (seed >> 56) as u8);
            if i >= 10_000 {
                mean += f64::from(PROBABILITIES.p1_q16[usize::from(state)]) / 65536.0 / 10_000.0;
            }
        }
        mean
    }

    #[test]
    fn a_state_follows_the_share_of_ones() {
        // Surprises count for more than what was expected, so it leans towards one half.
        for (tenths, least, most) in
            [(1, 0.1, 0.18), (3, 0.3, 0.37), (5, 0.48, 0.52), (7, 0.63, 0.7), (9, 0.82, 0.9)]
        {
            let mean = settled(tenths);
            assert!((least..most).contains(&mean), "{tenths} tenths: {mean}");
        }
    }
}
