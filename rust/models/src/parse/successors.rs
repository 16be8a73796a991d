//! Successors: what came after the last three, four and eight bytes when they were seen before.

use crate::hash::hash;
use crate::state::{StateError, StateIo};
use foretold_numerics::Table;

const LOG2_PLACES: u32 = 18;
/// How many of the last bytes each table goes by.
const ORDERS: [u32; 3] = [3, 4, 8];

/// For strings of three lengths the four bytes that followed them last.
#[derive(Debug, Default)]
pub struct Successors {
    /// Newest lowest, one table behind the other.
    of: Option<Table<u32>>,
    /// Where the strings that end with the newest byte have theirs.
    places: [u32; 3],
}

impl Successors {
    /// Bytes of the tables.
    pub(super) const BYTES: u64 = (ORDERS.len() as u64) << (LOG2_PLACES + 2);

    /// Makes the tables if there are none; `None` if the memory cannot be had.
    pub(super) fn begin(&mut self) -> Option<()> {
        if self.of.is_none() {
            self.of = Some(Table::try_new(ORDERS.len() << LOG2_PLACES)?);
        }
        Some(())
    }

    /// Adds the newest byte; `last8` has it.
    pub(super) fn push(&mut self, byte: u8, last8: u64) {
        let Some(of) = &mut self.of else { return };
        for (i, (place, order)) in self.places.iter_mut().zip(ORDERS).enumerate() {
            let followed = &mut of[*place as usize];
            *followed = *followed << 8 | u32::from(byte);
            let bytes = last8 & u64::MAX >> (64 - 8 * order);
            *place = (i as u32) << LOG2_PLACES | (hash(bytes, order) >> (64 - LOG2_PLACES)) as u32;
            of.prefetch(*place as usize);
        }
    }

    /// The bytes that followed the last 3, 4 and 8 bytes, newest lowest.
    #[inline(always)]
    pub fn of_last(&self) -> [u32; 3] {
        match &self.of {
            Some(of) => self.places.map(|place| of[place as usize]),
            None => [0; 3],
        }
    }

    pub(super) fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        io.section("successors")?;
        if let Some(of) = &mut self.of {
            io.u32s(of)?;
        }
        self.places.iter_mut().try_for_each(|place| io.u32(place))
    }
}
