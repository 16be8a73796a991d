//! The presets, and what a block's model needs.

use std::fmt;

use crate::EngineError;
use crate::knowledge::{PriorId, base_log2, is_shared};
use crate::predictor::Predictor;
use crate::setup::{SETUPS, Setup};

/// Bytes of a slot.
const SLOT_BYTES: u64 = 16;

/// Strength of compression: 1 (fast) to 9 (the full context mixer), and [`MAX`](Self::MAX).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Preset(u8);

impl Preset {
    /// The one for every day.
    pub const DEFAULT: Preset = Preset(5);

    /// Preset 9 and a network that learns: the smallest archives, the slowest.
    pub const MAX: Preset = Preset(10);

    /// The preset that a format calls so: 1 to 9 and, of [`MAX`](Self::MAX), 10; else `None`.
    pub fn new(number: u8) -> Option<Preset> {
        (1..=Preset::MAX.0).contains(&number).then_some(Preset(number))
    }

    /// Every preset, weakest first.
    pub fn all() -> impl Iterator<Item = Preset> {
        (1..=Preset::MAX.0).map(Preset)
    }

    /// 1 to 10: what formats call it.
    pub const fn number(self) -> u8 {
        self.0
    }

    /// What people call it: `1` to `9`, `max`.
    pub fn name(self) -> &'static str {
        self.setup().name
    }

    /// What it is for, in a few words.
    pub fn intent(self) -> &'static str {
        self.setup().intent
    }

    pub(crate) fn setup(self) -> &'static Setup {
        &SETUPS[usize::from(self.0) - 1]
    }

    /// Content bytes of a block unless the caller chooses: `None` is the whole content.
    pub fn default_block_bytes(self) -> Option<u64> {
        match self.0 {
            1..=2 => Some(16 << 20),
            3..=6 => Some(64 << 20),
            _ => None,
        }
    }
}

impl fmt::Display for Preset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl Preset {
    /// Whether a network is among its models.
    pub(crate) fn has_network(self) -> bool {
        self.setup().network
    }
}

/// Everything that decides a block's model: two bytes of the archive.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ModelPlan {
    preset: Preset,
    /// Base-2 logarithm of the content the tables are sized for, rounded up:
    /// 10 ..= 26 (64 MiB or more).
    size_class: u8,
    /// The prior it starts from.
    prior: Option<PriorId>,
}

impl ModelPlan {
    /// Smallest and largest size class.
    pub const SIZE_CLASSES: std::ops::RangeInclusive<u8> = 10..=26;

    /// The plan for a block whose first `known_bytes` are at hand (all of it, or 64 MiB).
    pub fn for_block(preset: Preset, known_bytes: u64) -> ModelPlan {
        let class = 64 - known_bytes.max(1).saturating_sub(1).leading_zeros() as u8;
        ModelPlan { preset, size_class: class.clamp(10, 26), prior: None }
    }

    /// The plan an archive names.
    pub fn from_bytes(preset: u8, size_class: u8) -> Result<ModelPlan, EngineError> {
        match Preset::new(preset) {
            Some(preset) if Self::SIZE_CLASSES.contains(&size_class) => {
                Ok(ModelPlan { preset, size_class, prior: None })
            }
            _ => Err(EngineError::UnknownPlan { preset, size_class }),
        }
    }

    /// The same model, starting from a prior, or from nothing.
    pub fn with_prior(self, prior: Option<PriorId>) -> ModelPlan {
        ModelPlan { prior, ..self }
    }

    /// The same model, with room for a prior of so many slots: where the slot table is one that no other model
    /// shares, of the size class whose table has twice as many, if it is larger, or whose table is the largest.
    pub(crate) fn with_room_for(self, slots: u64) -> ModelPlan {
        let log2 = |size_class| ModelPlan { size_class, ..self }.base_log2();
        if is_shared(self.base_log2()) {
            return self;
        }
        let most = *Self::SIZE_CLASSES.end();
        let wanted = slots.saturating_mul(2 * SLOT_BYTES).min(1 << log2(most));
        let size_class = (self.size_class..most).find(|&class| 1 << log2(class) >= wanted);
        ModelPlan { size_class: size_class.unwrap_or(most), ..self }
    }

    /// The prior it starts from.
    pub fn prior(self) -> Option<PriorId> {
        self.prior
    }

    /// Base-2 logarithm of the bytes of the slot table, where it starts from a prior.
    pub(crate) fn base_log2(self) -> u32 {
        base_log2(self.preset.setup(), self.size_class)
    }

    /// The preset.
    pub fn preset(self) -> Preset {
        self.preset
    }

    /// The size class.
    pub fn size_class(self) -> u8 {
        self.size_class
    }

    /// Memory one [`ChunkCoder`](crate::ChunkCoder) of this plan takes, in either direction.
    pub fn memory_bytes(self) -> u64 {
        Predictor::memory_bytes(self.preset.setup(), self.size_class, self.prior.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn presets_have_the_numbers_of_the_format_and_names_for_people() {
        let named: Vec<_> = Preset::all().map(|preset| (preset.number(), preset.to_string())).collect();
        let numbers = (1..=9).map(|number| (number, number.to_string()));
        assert_eq!(named, numbers.chain([(10, String::from("max"))]).collect::<Vec<_>>());
        assert_eq!(Preset::new(10), Some(Preset::MAX));
        assert!([0, 11, 15, 255].into_iter().all(|number| Preset::new(number).is_none()));
        assert!(Preset::all().is_sorted());
    }

    #[test]
    fn large_priors_get_larger_tables_where_nobody_shares_them() {
        let plan = |preset, bytes| {
            let plan = ModelPlan::for_block(Preset::new(preset).unwrap(), bytes);
            plan.with_prior(Some(PriorId::english()))
        };
        // 2^29 bytes, and room for half as many slots as there are.
        let nine = plan(9, 1 << 20);
        for (slots, size_class) in [(0, 20), (1 << 24, 20), ((1 << 24) + 1, 21), (u64::MAX, 21)] {
            assert_eq!(nine.with_room_for(slots).size_class(), size_class, "{slots} slots");
        }
        assert_eq!(plan(9, 1 << 25).with_room_for(u64::MAX).size_class(), 25, "as large as it may be");
        for shared in [plan(9, 1 << 19), plan(9, 1), plan(5, 1 << 26)] {
            assert_eq!(shared.with_room_for(u64::MAX), shared);
        }
    }

    #[test]
    fn every_model_fits_the_memory_that_is_allowed_unless_a_caller_says_otherwise() {
        for preset in Preset::all() {
            for class in ModelPlan::SIZE_CLASSES {
                let plan = ModelPlan::from_bytes(preset.number(), class).unwrap();
                for plan in [plan, plan.with_prior(Some(PriorId::english()))] {
                    let needed = plan.memory_bytes();
                    assert!(needed <= Limits::DEFAULT_MEMORY, "{plan:?}: {needed}");
                }
            }
        }
    }
}
