//! Adaptive probability maps: a last correction, given a small context.

use crate::state::{StateError, StateIo};
use foretold_numerics::{FINE_LIMIT, Table, moved, squash_fine};

/// Two cache lines a curve.
const POINTS: usize = 32;
/// Logit between two points, in units of 1/4096: the last point is just past the limit.
const SPACING: i32 = 2 * FINE_LIMIT / (POINTS as i32 - 1) + 1;

/// Bits that the identity counts for at the start, and at which a point's rate stays.
const START: u32 = 8;
const LIMIT: u32 = 255;

/// Where an [`Apm`] was asked: what its update needs.
#[derive(Clone, Copy, Default, Debug)]
pub struct ApmPlace {
    nearest: usize,
}

/// For each context a curve from the predicted to the observed probability: 32 points over
/// the logit range, linear between them.
#[derive(Debug)]
pub struct Apm {
    /// In units of 2^-22 times 2^10.
    curves: Table<u32>,
}

impl Apm {
    /// `contexts` curves that change nothing.
    pub fn new(contexts: usize) -> Option<Self> {
        let mut curves = Table::try_new(contexts * POINTS)?;
        let identity: [u32; POINTS] =
            std::array::from_fn(|k| squash_fine(k as i32 * SPACING - FINE_LIMIT).get() << 10 | START);
        for curve in curves.as_chunks_mut::<POINTS>().0 {
            *curve = identity;
        }
        Some(Apm { curves })
    }

    /// Starts to fetch a curve.
    #[inline(always)]
    pub fn prefetch(&self, context: usize) {
        self.curves.prefetch(context * POINTS);
        self.curves.prefetch(context * POINTS + POINTS / 2);
    }

    /// The refined probability in units of 2^-22, for a logit in units of 1/4096.
    #[inline(always)]
    pub fn refine(&self, logit: i32, context: usize, place: &mut ApmPlace) -> u32 {
        let x = logit.clamp(-FINE_LIMIT, FINE_LIMIT - 1) + FINE_LIMIT;
        let (k, part) = ((x / SPACING) as usize, (x % SPACING) as u64);
        let low = context * POINTS + k;
        place.nearest = low + usize::from(part > SPACING as u64 / 2);
        let (a, b) = (u64::from(self.curves[low] & !1023), u64::from(self.curves[low + 1] & !1023));
        (((a * (SPACING as u64 - part) + b * part) / SPACING as u64) >> 10) as u32
    }

    /// Learns the bit that came.
    #[inline(always)]
    pub fn update(&mut self, place: &ApmPlace, bit: bool) {
        let point = &mut self.curves[place.nearest];
        *point = moved(*point, bit, LIMIT);
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u32s(&mut self.curves)
    }
}
