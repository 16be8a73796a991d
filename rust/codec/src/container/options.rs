//! What a caller chooses: how to compress, and how much decoding may cost.

use std::sync::Arc;

use crate::knowledge::{FittedNetwork, Prior, PriorId, Priors, looks_english};
use crate::trial::english_pays;
use crate::{Error, ModelPlan, Preset};

/// Most workers a caller may ask for; arbitrary.
const MAX_THREADS: usize = 1024;

/// Smallest block: smaller ones have hardly a model.
pub const MIN_BLOCK_BYTES: u64 = 64 << 10;

/// Whether text is transformed before it is modelled: its words become short codes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Transform {
    /// Prose, where the preset gains by it.
    #[default]
    Auto,
    /// Never; and compressed streams stay as they are, too.
    None,
    /// Every text that it makes clearly shorter.
    Words,
}

impl Transform {
    /// All, in the order of their numbers in saved states.
    pub const ALL: [Transform; 3] = [Transform::Auto, Transform::None, Transform::Words];

    /// What callers call it.
    pub fn name(self) -> &'static str {
        ["auto", "none", "words"][self as usize]
    }

    /// The transform of that name.
    pub fn from_name(name: &str) -> Option<Transform> {
        Self::ALL.into_iter().find(|transform| transform.name() == name)
    }

    pub(crate) fn from_number(number: u64) -> Option<Transform> {
        Self::ALL.get(usize::try_from(number).ok()?).copied()
    }
}

/// What the model knows before it sees the first byte.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Knowledge {
    /// What comes with the package, where the content is of its kind.
    #[default]
    Auto,
    /// The same, with a network that does not learn: for preset max.
    Frozen,
    /// Nothing: the archive needs nothing but the format.
    None,
    /// A prior, whatever the content; decoding needs the same.
    Prior(Arc<Prior>),
}

impl Knowledge {
    /// The prior that contents of a preset seem to suit of which `start` is the beginning.
    pub(crate) fn prior_by_looks(&self, start: &[u8], preset: Preset) -> Option<&Arc<Prior>> {
        match self.if_english() {
            Some(prior) => looks_english(start, preset).fits.then(prior),
            None => self.given(),
        }
    }

    /// The prior that comes with the package from which English contents start, if any does.
    pub(crate) fn if_english(&self) -> Option<fn() -> &'static Arc<Prior>> {
        match self {
            Knowledge::Auto => Some(Prior::english),
            Knowledge::Frozen => Some(Prior::frozen_english),
            Knowledge::None | Knowledge::Prior(_) => None,
        }
    }

    /// The prior that the caller gave.
    pub fn given(&self) -> Option<&Arc<Prior>> {
        match self {
            Knowledge::Prior(prior) => Some(prior),
            Knowledge::Auto | Knowledge::Frozen | Knowledge::None => None,
        }
    }

    /// The priors that contents may start from, beside the one that comes with the package.
    pub(crate) fn priors(&self) -> Priors {
        Priors::new(self.given().cloned())
    }
}

/// What a member's blocks start from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origin {
    /// What they name.
    pub prior: Option<PriorId>,
    /// The priors that this takes, beside the one that comes with the package.
    pub priors: Priors,
    /// Of one with weights in the archive, the digest of what it is beside them, if anything.
    pub under: Option<Option<[u8; 32]>>,
}

impl Origin {
    /// The model of a block that is sized for so much content.
    pub fn plan(&self, preset: Preset, bytes: u64) -> ModelPlan {
        let plan = ModelPlan::for_block(preset, bytes).with_prior(self.prior);
        let prior = self.prior.and_then(|id| self.priors.find(id).ok());
        plan.with_room_for(prior.map_or(0, |prior| prior.slots()))
    }
}

/// How to compress.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Which models.
    pub preset: Preset,
    /// Workers; 1 starts no thread. The bytes written do not depend on it.
    pub threads: usize,
    /// Write a check per chunk and a digest of the content.
    pub checksum: bool,
    /// Content bytes of a block, at least [`MIN_BLOCK_BYTES`]; `None` is the preset's choice.
    pub block_size: Option<u64>,
    /// Write a seek index when there is more than one block.
    pub seek_index: bool,
    /// Whether text is transformed.
    pub transform: Transform,
    /// What the model knows beforehand.
    pub knowledge: Knowledge,
    /// Weights that stand in the archive, for preset max to start with.
    pub network: Option<Arc<FittedNetwork>>,
}

impl Options {
    /// The defaults with this preset.
    pub fn new(preset: Preset) -> Options {
        Options {
            preset,
            threads: 1,
            checksum: true,
            block_size: None,
            seek_index: true,
            transform: Transform::Auto,
            knowledge: Knowledge::Auto,
            network: None,
        }
    }

    /// Content bytes of every block but the last; `u64::MAX` if one block holds everything.
    pub(crate) fn block_bytes(&self) -> u64 {
        self.block_size.or(self.preset.default_block_bytes()).unwrap_or(u64::MAX)
    }

    /// The prior that contents start from of which `start` is the beginning: 64 MiB, or all.
    pub(crate) fn prior_for(&self, start: &[u8]) -> Result<Option<&Arc<Prior>>, Error> {
        self.prior_of(start, false)
    }

    /// The prior that a raw message starts from.
    pub(crate) fn prior_for_message(&self, content: &[u8]) -> Result<Option<&Arc<Prior>>, Error> {
        self.prior_of(content, true)
    }

    fn prior_of(&self, start: &[u8], is_raw: bool) -> Result<Option<&Arc<Prior>>, Error> {
        let Some(english) = self.knowledge.if_english() else { return Ok(self.knowledge.given()) };
        Ok(english_pays(start, self, is_raw)?.then(english))
    }

    /// What a content starts from of which `start` is the beginning: the prior that blocks name, all
    /// priors that this takes, and of a fitted one the prior beneath it.
    pub(crate) fn origin(&self, start: &[u8]) -> Result<Origin, Error> {
        let under = self.prior_for(start)?;
        let priors = self.knowledge.priors();
        let Some(network) = &self.network else {
            return Ok(Origin { prior: under.map(|prior| prior.id()), priors, under: None });
        };
        let fitted = Prior::fitted(under, network).map_err(Error::Prior)?;
        let under = Some(under.map(|prior| *prior.digest()));
        Ok(Origin { prior: Some(fitted.id()), priors: priors.and(Arc::new(fitted)), under })
    }

    /// The same as was chosen before: `prior`, and `under` beneath the weights if there are any.
    pub(crate) fn origin_again(
        &self,
        prior: Option<PriorId>,
        under: Option<[u8; 32]>,
    ) -> Result<Origin, Error> {
        let priors = self.knowledge.priors();
        let Some(network) = &self.network else { return Ok(Origin { prior, priors, under: None }) };
        let beneath = match &under {
            Some(digest) => Some(priors.find_digest(digest).map_err(Error::Prior)?),
            None => None,
        };
        let fitted = Prior::fitted(beneath, network).map_err(Error::Prior)?;
        Ok(Origin { prior, priors: priors.and(Arc::new(fitted)), under: Some(under) })
    }

    pub(crate) fn validate(&self) -> Result<(), Error> {
        validate_threads(self.threads)?;
        if self.network.is_some() && !self.preset.has_network() {
            let preset = self.preset;
            return Err(Error::Parameter(format!("preset is {preset}, weights are stored for max only")));
        }
        if self.knowledge == Knowledge::Frozen && !self.preset.has_network() {
            let preset = self.preset;
            return Err(Error::Parameter(format!("preset is {preset}, a network is frozen for max only")));
        }
        if self.knowledge == Knowledge::Frozen && self.network.is_some() {
            return Err(Error::Parameter("weights that stand in an archive learn: none are frozen".into()));
        }
        match self.block_size {
            Some(bytes) if bytes < MIN_BLOCK_BYTES => {
                Err(Error::Parameter(format!("block_size is {bytes}, at least {MIN_BLOCK_BYTES} is allowed")))
            }
            _ => Ok(()),
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options::new(Preset::DEFAULT)
    }
}

/// What decoding may cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Most content bytes to give out; `None` is no limit.
    pub max_output: Option<u64>,
    /// Most memory for models and blocks in flight, all threads together. Fewer threads are used
    /// before anything is refused.
    pub max_memory: u64,
    /// Workers at most; 1 starts no thread.
    pub threads: usize,
    /// The priors at hand, beside what comes with the package.
    pub priors: Priors,
}

impl Limits {
    /// 2.5 GiB: the strongest preset's model and something to spare.
    pub const DEFAULT_MEMORY: u64 = 5 << 29;

    pub(crate) fn validate(&self) -> Result<(), Error> {
        validate_threads(self.threads)
    }
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { max_output: None, max_memory: Limits::DEFAULT_MEMORY, threads: 1, priors: Priors::default() }
    }
}

fn validate_threads(threads: usize) -> Result<(), Error> {
    if (1..=MAX_THREADS).contains(&threads) {
        return Ok(());
    }
    Err(Error::Parameter(format!("threads is {threads}, 1 to {MAX_THREADS} are allowed")))
}
