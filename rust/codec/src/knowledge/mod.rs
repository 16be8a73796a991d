//! What a model may know before it sees the first byte: priors.
//!
//! A [`Prior`] is a file of ours. One comes with the package, [`Prior::english`]; others are made
//! from a user's texts. A block that starts from a prior names it, and whoever decodes must have
//! the same. FORMAT.md, "Priors", describes the files and what a model makes of them.

mod base;
mod cache;
mod english;
mod file;
mod fitted;
mod learned;
pub mod ngrams;
pub(crate) mod packing;
mod weights;
mod words;

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use crate::Preset;

pub use crate::planting::packed_trees;
pub(crate) use base::{Base, base_log2, is_shared, most_coded_bytes};
pub use cache::{Cache, CachedTable, cached_tables, clear_cached_tables};
pub(crate) use english::{looks as looks_english, words as english_words};
pub use file::{Prior, PriorContent};
pub use fitted::{FittedNetwork, MOST_PACKED_BYTES};
pub use learned::{Training, train};
pub use weights::learn as learn_weights;

/// The first bytes of a prior's digest, by which blocks name it. Never all zeros.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct PriorId([u8; PriorId::BYTES]);

impl PriorId {
    /// How many.
    pub const BYTES: usize = 4;

    /// The one in a field of a header, where zeros mean that there is none.
    pub(crate) fn from_bytes(bytes: [u8; PriorId::BYTES]) -> Option<PriorId> {
        (bytes != [0; PriorId::BYTES]).then_some(PriorId(bytes))
    }

    /// The one of a prior with this digest.
    pub(crate) fn of_digest(digest: &[u8; 32]) -> Option<PriorId> {
        let [a, b, c, d, ..] = *digest;
        PriorId::from_bytes([a, b, c, d])
    }

    /// The field of a header.
    pub(crate) fn to_bytes(id: Option<PriorId>) -> [u8; PriorId::BYTES] {
        id.map_or([0; PriorId::BYTES], |id| id.0)
    }
}

impl fmt::Display for PriorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// What a model sees of a text that is transformed with the English words alone.
pub fn coded_with_english(text: &[u8]) -> Vec<u8> {
    crate::transform::code(text, english_words())
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Why a prior cannot be used.
#[derive(Debug, Error)]
pub enum PriorError {
    /// An archive needs one that is not at hand.
    #[error("the archive needs the prior {wanted}, {}", describe(.given))]
    Missing {
        /// Digest of the prior, in hexadecimal, or the beginning of it.
        wanted: String,
        /// Names and digests of those at hand.
        given: Vec<String>,
    },
    /// Bytes that are no prior, or one that is damaged.
    #[error("prior {name:?}: {reason}")]
    Damaged {
        /// What the caller or the prior itself calls it.
        name: String,
        /// What was found, and what was expected.
        reason: String,
    },
    /// The prior was made for another preset.
    #[error("prior {name:?} ({digest}) is for preset {made_for}, not for {asked}")]
    OtherPreset {
        /// Its name.
        name: String,
        /// The beginning of its digest.
        digest: String,
        /// The preset it was made for.
        made_for: Preset,
        /// The preset asked for.
        asked: Preset,
    },
    /// Samples from which no prior can be made.
    #[error("{0}")]
    Samples(String),
    /// The tables cannot be allocated.
    #[error("the tables of prior {0:?} need memory that cannot be had")]
    OutOfMemory(String),
}

fn describe(given: &[String]) -> String {
    match given {
        [] => "and none was given".into(),
        all => format!("given was {}", all.join(", ")),
    }
}

/// Priors at hand beside those that come with the package.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Priors(Vec<Arc<Prior>>);

impl Priors {
    /// These.
    pub fn new(priors: impl IntoIterator<Item = Arc<Prior>>) -> Priors {
        Priors(priors.into_iter().collect())
    }

    /// These, and one more.
    pub(crate) fn and(&self, prior: Arc<Prior>) -> Priors {
        Priors(self.0.iter().cloned().chain([prior]).collect())
    }

    /// The one with this id.
    pub(crate) fn find(&self, id: PriorId) -> Result<&Arc<Prior>, PriorError> {
        self.all().find(|prior| prior.id() == id).ok_or_else(|| self.missing(id.to_string()))
    }

    /// The one with this digest.
    pub(crate) fn find_digest(&self, digest: &[u8; 32]) -> Result<&Arc<Prior>, PriorError> {
        self.all().find(|prior| prior.digest() == digest).ok_or_else(|| self.missing(hex(digest)))
    }

    /// The digest that begins with an id.
    pub(crate) fn digest(&self, id: PriorId) -> Option<[u8; 32]> {
        self.all().find(|prior| prior.id() == id).map(|prior| *prior.digest())
    }

    fn all(&self) -> impl Iterator<Item = &Arc<Prior>> {
        // The last is made when it is asked for.
        let frozen = std::iter::once_with(|| -> &Arc<Prior> { Prior::frozen_english() });
        self.0.iter().chain([Prior::english()]).chain(frozen)
    }

    fn missing(&self, wanted: String) -> PriorError {
        let given = self.0.iter().map(|prior| format!("{:?} ({})", prior.name(), prior.id())).collect();
        PriorError::Missing { wanted, given }
    }
}
