//! Adaptive probability maps: a last correction, given a small context.

use crate::state::{StateError, StateIo};
use foretold_numerics::{FINE_LIMIT, Table, squash_fine};

const POINTS: usize = 33;
/// Logit between two points, in units of 1/4096.
const SPACING: i32 = 2 * FINE_LIMIT / (POINTS as i32 - 1);

/// Where an [`Apm`] was asked: what its update needs.
#[derive(Clone, Copy, Default, Debug)]
pub struct ApmPlace {
    nearest: usize,
}

/// For each context a curve from the predicted to the observed probability: 33 points over
/// the logit range, linear between them.
#[derive(Debug)]
pub struct Apm {
    /// In units of 2^-22 times 2^10.
    curves: Table<u32>,
    rate: u32,
}

impl Apm {
    /// `contexts` curves that change nothing; the point nearest to the prediction moves by
    /// 2^-`rate` of the error.
    pub fn new(contexts: usize, rate: u32) -> Option<Self> {
        let mut curves = Table::try_new(contexts * POINTS)?;
        let identity: [u32; POINTS] =
            std::array::from_fn(|k| squash_fine(k as i32 * SPACING - FINE_LIMIT).get() << 10);
        for curve in curves.as_chunks_mut::<POINTS>().0 {
            *curve = identity;
        }
        Some(Apm { curves, rate })
    }

    /// The refined probability in units of 2^-22, for a logit in units of 1/4096.
    #[inline]
    pub fn refine(&self, logit: i32, context: usize, place: &mut ApmPlace) -> u32 {
        let x = logit.clamp(-FINE_LIMIT, FINE_LIMIT - 1) + FINE_LIMIT;
        let (k, part) = ((x / SPACING) as usize, (x % SPACING) as u64);
        let low = context * POINTS + k;
        place.nearest = low + usize::from(part > SPACING as u64 / 2);
        let (a, b) = (u64::from(self.curves[low]), u64::from(self.curves[low + 1]));
        (((a * (SPACING as u64 - part) + b * part) / SPACING as u64) >> 10) as u32
    }

    /// Learns the bit that came.
    #[inline]
    pub fn update(&mut self, place: &ApmPlace, bit: bool) {
        let point = &mut self.curves[place.nearest];
        if bit {
            *point += (u32::MAX - *point) >> self.rate;
        } else {
            *point -= *point >> self.rate;
        }
    }

    /// Reads or writes everything learned.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.u32s(&mut self.curves)
    }
}
