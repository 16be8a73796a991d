//! Prior files: what stands in them, and what of it is at hand.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use foretold_models::Trees;
use foretold_neural::MixerWeights;

use super::base::{Base, is_shared};
use super::fitted::FittedNetwork;
use super::learned::Learned;
use super::ngrams::{self, Ngrams, PackedNgrams};
use super::weights;
use super::{PriorError, PriorId, hex};
use crate::network::OwnNetwork;
use crate::planting::unpack_trees;
use crate::{ModelPlan, Preset};

const MAGIC: &[u8; 8] = b"\xf7ftprior";
const DIGEST_BYTES: usize = blake3::OUT_LEN;
/// Bytes of a section's heading: kind and length.
const SECTION_BYTES: usize = 5;

/// What a prior tells a model.
#[derive(Clone, Debug, Default)]
pub struct PriorContent {
    /// Whether the text transform starts from the words that come with the package.
    pub english_words: bool,
    /// Packed n-grams of coded bytes.
    pub ngrams: Option<PackedNgrams>,
    /// Packed trees of decisions, by which presets 1 to 8 fill slots of the n-grams and code text.
    pub trees: Option<Vec<u8>>,
    /// What one preset's model has learned of texts.
    pub learned: Option<Vec<u8>>,
    /// A network's weights: a safetensors file.
    pub network: Option<Vec<u8>>,
    /// Whether that network stays as it is and computes with integers.
    pub is_frozen: bool,
    /// What mixers of presets start from, packed.
    pub weights: Vec<(Preset, Vec<u8>)>,
    /// A mixer network's weights: a safetensors file.
    pub mixer: Option<Vec<u8>>,
}

/// A prior: what a model may know before it sees the first byte.
pub struct Prior {
    name: String,
    digest: [u8; DIGEST_BYTES],
    id: PriorId,
    file: Cow<'static, [u8]>,
    english_words: bool,
    /// Where the packed n-grams stand in the file, and how many bytes their longest contexts have.
    ngrams: Option<(std::ops::Range<usize>, usize)>,
    /// Where the trees stand in the file.
    trees: Option<(std::ops::Range<usize>, Trees)>,
    /// Where what was learned stands in the file, and the preset it was learned with.
    learned: Option<(std::ops::Range<usize>, Preset)>,
    /// The network that preset max starts with, and where it stands in the file.
    network: Option<Arc<OwnNetwork>>,
    network_range: Option<std::ops::Range<usize>>,
    /// Where what mixers of presets start from stands in the file.
    weights: Vec<(std::ops::Range<usize>, Preset)>,
    /// A mixer network for preset 9 or max, and where it stands in the file.
    mixer: Option<(std::ops::Range<usize>, Arc<MixerWeights>)>,
    /// Whether tables are kept for other processes.
    cached: bool,
    /// The prior that this one is but for its network.
    under: Option<Arc<Prior>>,
    /// What was made of it for models to share, by preset and size of the slot table.
    bases: Mutex<Vec<(Preset, u32, Arc<Base>)>>,
}

/// Slots that take seconds to put into a table.
const MANY_SLOTS: u64 = 1 << 23;

/// What knows nothing.
static NOTHING: LazyLock<Arc<Prior>> = LazyLock::new(|| {
    let file = Prior::to_bytes("nothing", &PriorContent::default()).expect("a short name");
    Arc::new(Prior::from_bytes(file, "nothing").expect("a file of ours").for_now())
});

impl std::fmt::Debug for Prior {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Prior({:?}, {})", self.name, self.id)
    }
}

impl PartialEq for Prior {
    fn eq(&self, other: &Prior) -> bool {
        self.digest == other.digest
    }
}

impl Eq for Prior {}

/// Kinds of sections.
const WORDS: u8 = 1;
const NGRAMS: u8 = 2;
const LEARNED: u8 = 3;
const BASE: u8 = 4;
const NETWORK: u8 = 5;
const MIXER: u8 = 6;
const WEIGHTS: u8 = 7;
const FROZEN_NETWORK: u8 = 8;
const TREES: u8 = 9;
const ORDERED_NGRAMS: u8 = 10;

impl Prior {
    /// The file of a prior with this name and content.
    pub fn to_bytes(name: &str, content: &PriorContent) -> Result<Vec<u8>, PriorError> {
        let mut file = MAGIC.to_vec();
        file.push(crate::GENERATION);
        let length = u8::try_from(name.len())
            .map_err(|_| damaged(name, format!("its name has {} bytes, 255 are allowed", name.len())))?;
        file.push(length);
        file.extend_from_slice(name.as_bytes());
        let mut section = |kind: u8, bytes: &[u8]| -> Result<(), PriorError> {
            let length = u32::try_from(bytes.len())
                .map_err(|_| damaged(name, format!("a section has {} bytes", bytes.len())))?;
            file.push(kind);
            file.extend_from_slice(&length.to_le_bytes());
            file.extend_from_slice(bytes);
            Ok(())
        };
        if content.english_words {
            section(WORDS, &[])?;
        }
        match &content.ngrams {
            Some(PackedNgrams { order: ngrams::ORDER, bytes }) => section(NGRAMS, bytes)?,
            Some(PackedNgrams { order, bytes }) => {
                section(ORDERED_NGRAMS, &[&[*order as u8], &bytes[..]].concat())?;
            }
            None => {}
        }
        if let Some(trees) = &content.trees {
            section(TREES, trees)?;
        }
        if let Some(learned) = &content.learned {
            if content.english_words {
                section(BASE, Prior::english().digest())?;
            }
            section(LEARNED, learned)?;
        }
        if let Some(network) = &content.network {
            section(if content.is_frozen { FROZEN_NETWORK } else { NETWORK }, network)?;
        }
        if let Some(mixer) = &content.mixer {
            section(MIXER, mixer)?;
        }
        for (preset, weights) in &content.weights {
            section(WEIGHTS, &[&[preset.number()], &weights[..]].concat())?;
        }
        let digest = blake3::hash(&file);
        file.extend_from_slice(digest.as_bytes());
        Ok(file)
    }

    /// The prior in a file; `called` is what to call it in errors.
    pub fn from_bytes(file: Vec<u8>, called: &str) -> Result<Prior, PriorError> {
        Prior::read(file.into(), called)
    }

    pub(super) fn from_static(file: &'static [u8]) -> Result<Prior, PriorError> {
        Prior::read(file.into(), "English")
    }

    fn read(file: Cow<'static, [u8]>, called: &str) -> Result<Prior, PriorError> {
        let bad = |reason: &str| damaged(called, reason.into());
        let cut = || bad("it is cut short");
        if !file.starts_with(&MAGIC[..MAGIC.len().min(file.len())]) || file.is_empty() {
            return Err(bad("it is no prior of foretold's"));
        }
        let end =
            file.len().checked_sub(DIGEST_BYTES).filter(|&end| end >= MAGIC.len() + 2).ok_or_else(cut)?;
        let generation = file[MAGIC.len()];
        if generation != crate::GENERATION {
            let known = crate::GENERATION;
            return Err(damaged(called, format!("it is of generation {generation}, {known} is read")));
        }
        let digest = *blake3::hash(&file[..end]).as_bytes();
        if file[end..] != digest {
            return Err(bad("it is damaged or cut short: its digest does not agree"));
        }
        let mut at = MAGIC.len() + 2;
        let name_end = at + usize::from(file[at - 1]);
        let name = file.get(at..name_end.min(end)).ok_or_else(cut)?;
        let name = String::from_utf8(name.to_vec()).map_err(|_| bad("its name is not UTF-8"))?;
        at = name_end;
        let (mut english_words, mut ngrams, mut learned, mut network) = (false, None, None, None);
        let (mut network_range, mut trees) = (None, None);
        let mut weights: Vec<(std::ops::Range<usize>, Preset)> = Vec::new();
        let mut mixer = None;
        while at < end {
            let heading = file[..end].get(at..at + SECTION_BYTES).ok_or_else(cut)?;
            let length = u32::from_le_bytes([heading[1], heading[2], heading[3], heading[4]]) as usize;
            let start = at + SECTION_BYTES;
            if length > end - start {
                return Err(cut());
            }
            match heading[0] {
                WORDS => english_words = true,
                NGRAMS => ngrams = Some((start..start + length, ngrams::ORDER)),
                ORDERED_NGRAMS => {
                    let order = file[start..start + length].first().map_or(0, |&order| usize::from(order));
                    if !(1..=ngrams::MOST_ORDER).contains(&order) {
                        let most = ngrams::MOST_ORDER;
                        return Err(bad(&format!(
                            "its n-grams have contexts of {order} bytes, 1 to {most} are known"
                        )));
                    }
                    ngrams = Some((start + 1..start + length, order));
                }
                TREES => {
                    let found = unpack_trees(&file[start..start + length]);
                    trees = Some((start..start + length, found.ok_or_else(|| bad("its trees are none"))?));
                }
                BASE if file[start..start + length] != *Prior::english().digest() => {
                    let base = hex(&file[start..start + length.min(4)]);
                    return Err(bad(&format!("it builds upon the prior {base}, which this release lacks")));
                }
                BASE => {}
                LEARNED => {
                    let what = Learned::parse(&file[start..start + length]).map_err(bad)?;
                    learned = Some((start..start + length, what.preset));
                }
                NETWORK | FROZEN_NETWORK => {
                    let own = OwnNetwork::new(&file[start..start + length], heading[0] == FROZEN_NETWORK)
                        .map_err(|error| bad(&format!("its network: {error}")))?;
                    network = Some(Arc::new(own));
                    network_range = Some(start..start + length);
                }
                MIXER => {
                    let weights = crate::corrector::weights(&file[start..start + length])
                        .map_err(|reason| bad(&format!("its mixer network: {reason}")))?;
                    mixer = Some((start..start + length, Arc::new(weights)));
                }
                WEIGHTS => {
                    let preset = file[start..start + length].first().copied().and_then(Preset::new);
                    let preset = preset.ok_or_else(|| bad("it has weights for an unknown preset"))?;
                    weights.retain(|&(_, other)| other != preset);
                    weights.push((start + 1..start + length, preset));
                }
                kind => return Err(bad(&format!("it has a section of kind {kind}, 1 to 10 are known"))),
            }
            at = start + length;
        }
        if let Some(dimensions) =
            network.as_deref().map(OwnNetwork::dimensions).filter(|&d| !crate::network::fits(d))
        {
            let most = crate::network::SIZES;
            return Err(bad(&format!(
                "its network has {dimensions}, which take more memory than {} of {}",
                most.layers, most.hidden
            )));
        }
        let id = PriorId::of_digest(&digest).ok_or_else(|| bad("its digest starts with zeros"))?;
        Ok(Prior {
            name,
            digest,
            id,
            file,
            english_words,
            ngrams,
            trees,
            learned,
            network,
            network_range,
            weights,
            mixer,
            cached: true,
            under: None,
            bases: Mutex::default(),
        })
    }

    /// The digest of packed weights over a prior, or over nothing.
    pub(crate) fn fitted_digest(under: Option<&Arc<Prior>>, packed: &[u8]) -> [u8; DIGEST_BYTES] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(under.map_or(&[0; DIGEST_BYTES], |prior| &prior.digest)).update(packed);
        *hasher.finalize().as_bytes()
    }

    /// What a content starts from in whose archive weights stand: those, and all else from `under`,
    /// or from nothing. Its digest is theirs.
    pub(crate) fn fitted(under: Option<&Arc<Prior>>, network: &FittedNetwork) -> Result<Prior, PriorError> {
        let digest = Prior::fitted_digest(under, network.packed());
        let id = PriorId::of_digest(&digest)
            .ok_or_else(|| damaged("fitted", "its digest starts with zeros".into()))?;
        let under = under.unwrap_or(&NOTHING).clone();
        Ok(Prior {
            name: "fitted".into(),
            digest,
            id,
            file: Cow::Borrowed(&[]),
            english_words: under.english_words,
            ngrams: None,
            trees: None,
            learned: under.learned.clone(),
            network: Some(network.network()),
            network_range: None,
            weights: Vec::new(),
            mixer: None,
            cached: false,
            under: Some(under),
            bases: Mutex::default(),
        })
    }

    /// The same, which but for its network is what `under` is: their tables are the same ones.
    pub(super) fn over(self, under: Arc<Prior>) -> Prior {
        Prior { under: Some(under), ..self }
    }

    /// The same, of which nothing is kept for other processes.
    pub(super) fn for_now(self) -> Prior {
        Prior { cached: false, ..self }
    }

    /// The same with a network that preset max starts with: weights as
    /// [`Weights::from_safetensors`] reads them.
    /// With `frozen` it stays as it is and computes with integers; its weights are int8 or int4.
    pub fn with_network(&self, name: &str, weights: &[u8], frozen: bool) -> Result<Prior, PriorError> {
        let content = PriorContent { network: Some(weights.to_vec()), is_frozen: frozen, ..self.content() };
        Prior::from_bytes(Prior::to_bytes(name, &content)?, name)
    }

    /// The same, from which mixers start with weights that [`learn_weights`](weights::learn) packed.
    pub fn with_weights(&self, name: &str, weights: Vec<(Preset, Vec<u8>)>) -> Result<Prior, PriorError> {
        let content = PriorContent { weights, ..self.content() };
        Prior::from_bytes(Prior::to_bytes(name, &content)?, name)
    }

    /// The same with a mixer network for preset 9 or max: weights as
    /// [`MixerWeights::from_safetensors`] reads them.
    pub fn with_mixer(&self, name: &str, weights: &[u8]) -> Result<Prior, PriorError> {
        let content = PriorContent { mixer: Some(weights.to_vec()), ..self.content() };
        Prior::from_bytes(Prior::to_bytes(name, &content)?, name)
    }

    /// What stands in its file.
    fn content(&self) -> PriorContent {
        let section = |range: &std::ops::Range<usize>| self.file[range.clone()].to_vec();
        PriorContent {
            english_words: self.english_words,
            ngrams: self
                .ngrams
                .as_ref()
                .map(|(range, order)| PackedNgrams { order: *order, bytes: section(range) }),
            trees: self.trees.as_ref().map(|(range, _)| section(range)),
            learned: self.learned.as_ref().map(|(range, _)| section(range)),
            network: self.network_range.as_ref().map(section),
            mixer: self.mixer.as_ref().map(|(range, _)| section(range)),
            is_frozen: self.has_frozen_network(),
            weights: self.weights.iter().map(|(range, preset)| (*preset, section(range))).collect(),
        }
    }

    /// Units of its mixer network, if it has one.
    pub fn mixer(&self) -> Option<usize> {
        self.mixer.as_ref().map(|(_, weights)| weights.hidden())
    }

    /// Whether the text transform starts from the words that come with the package.
    pub(crate) fn has_english_words(&self) -> bool {
        self.english_words
    }

    /// Layers and units of its network, if it has one.
    pub fn network(&self) -> Option<(usize, usize)> {
        self.network.as_deref().map(|weights| (weights.dimensions().layers, weights.dimensions().hidden))
    }

    /// Gates of its network's cells, if it has one: 3 or 4.
    pub fn network_gates(&self) -> Option<usize> {
        self.network.as_deref().map(|weights| weights.dimensions().gates)
    }

    /// Whether its network hears match models.
    pub fn network_hears_match(&self) -> bool {
        self.network.as_deref().is_some_and(|weights| weights.dimensions().hears_match)
    }

    /// Whether that network stays as it is.
    pub fn has_frozen_network(&self) -> bool {
        matches!(self.network.as_deref(), Some(OwnNetwork::Frozen(_)))
    }

    /// What its maker called it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// BLAKE3 of its file without the digest itself.
    pub fn digest(&self) -> &[u8; DIGEST_BYTES] {
        &self.digest
    }

    /// The beginning of the digest.
    pub fn id(&self) -> PriorId {
        self.id
    }

    /// The preset it is for; all, if none is named.
    pub fn preset(&self) -> Option<Preset> {
        self.learned.as_ref().map(|(_, preset)| *preset)
    }

    /// The bytes of its file.
    pub fn file(&self) -> &[u8] {
        &self.file
    }

    /// About how many slots it fills in tables that have room: as many as it has of them, or as its packed
    /// n-grams have bytes.
    pub(crate) fn slots(&self) -> u64 {
        if let Some(under) = &self.under {
            return under.slots();
        }
        let learned =
            self.learned.as_ref().and_then(|(range, _)| Learned::parse(&self.file[range.clone()]).ok());
        let ngrams = self.ngrams.as_ref().map_or(0, |(range, _)| range.len() as u64);
        learned.map_or(ngrams, |learned| learned.slot_count.into())
    }

    /// Length of its file.
    pub fn file_bytes(&self) -> usize {
        self.file.len()
    }

    /// What a model of this plan starts from.
    pub(crate) fn base(&self, plan: ModelPlan) -> Result<Arc<Base>, PriorError> {
        if let Some(under) = &self.under {
            let base = Arc::unwrap_or_clone(under.base(plan)?);
            let mixer = base.mixer();
            return Ok(Arc::new(base.with_networks(self.network.clone(), mixer)));
        }
        let log2 = plan.base_log2();
        let expand = || {
            let base = self.expand(plan, log2)?;
            let mixer = self.mixer.as_ref().map(|(_, weights)| weights.clone());
            Ok(Arc::new(base.with_networks(self.network.clone(), mixer)))
        };
        if !is_shared(log2) {
            return expand();
        }
        let mut bases = self.bases.lock().unwrap_or_else(PoisonError::into_inner);
        let known = bases.iter().find(|(preset, size, _)| (*preset, *size) == (plan.preset(), log2));
        if let Some((_, _, base)) = known {
            return Ok(base.clone());
        }
        // Kept also where no other process shares it: making it anew takes longer than most messages.
        let base = expand()?;
        bases.push((plan.preset(), log2, base.clone()));
        Ok(base)
    }

    /// What files of the cache are called that hold what was made of it.
    fn cache_name(&self) -> Option<String> {
        self.cached.then(|| hex(&self.digest[..8]))
    }

    /// The same for a slot table, if that is kept: one that models share, or that takes longer to make than to
    /// read from a disk.
    fn table_name(&self, log2: u32) -> Option<String> {
        self.cache_name().filter(|_| is_shared(log2) || self.slots() >= MANY_SLOTS)
    }

    /// Its trees, where a preset has any.
    fn trees_of(&self, preset: Preset) -> Option<&Trees> {
        self.trees.as_ref().filter(|_| preset.setup().trees > 0).map(|(_, trees)| trees)
    }

    fn expand(&self, plan: ModelPlan, log2: u32) -> Result<Base, PriorError> {
        if let Some((range, preset)) = &self.learned {
            return self.expand_learned(plan, log2, range.clone(), *preset);
        }
        let mut broken = false;
        let ngrams = || {
            let Some((range, order)) = &self.ngrams else { return Some(Ngrams::default()) };
            let packed = &self.file[range.clone()];
            let ngrams = Ngrams::unpack_once(self.cache_name().as_deref(), packed, *order);
            broken = ngrams.is_none();
            ngrams
        };
        let words = self.english_words.then(super::english::words);
        let trees = self.trees_of(plan.preset());
        let base = Base::new(self.table_name(log2).as_deref(), ngrams, plan.preset(), log2, words, trees);
        let out_of_memory = || PriorError::OutOfMemory(self.name.clone());
        let base = base.ok_or_else(|| match broken {
            true => damaged(&self.name, "its n-grams cannot be unpacked".into()),
            false => out_of_memory(),
        })?;
        let Some((range, preset)) = self.weights.iter().find(|(_, preset)| *preset == plan.preset()) else {
            return Ok(base);
        };
        let packed = &self.file[range.clone()];
        let weights = weights::shared(self.cache_name().as_deref(), *preset, packed)
            .map_err(|error| damaged(&self.name, error.to_string()))?
            .ok_or_else(out_of_memory)?;
        Ok(base.with_weights(weights))
    }

    fn expand_learned(
        &self,
        plan: ModelPlan,
        log2: u32,
        range: std::ops::Range<usize>,
        preset: Preset,
    ) -> Result<Base, PriorError> {
        if plan.preset() != preset {
            return Err(PriorError::OtherPreset {
                name: self.name.clone(),
                digest: self.id.to_string(),
                made_for: preset,
                asked: plan.preset(),
            });
        }
        let under = if self.english_words { Some(Prior::english().base(plan)?) } else { None };
        let learned = Learned::parse(&self.file[range]).map_err(|why| damaged(&self.name, why.into()))?;
        let trees = self.trees_of(preset);
        Base::learned_by(self.table_name(log2).as_deref(), &learned, log2, under.as_deref(), trees)
            .map_err(|error| damaged(&self.name, error.to_string()))?
            .ok_or_else(|| PriorError::OutOfMemory(self.name.clone()))
    }
}

fn damaged(name: &str, reason: String) -> PriorError {
    PriorError::Damaged { name: name.into(), reason }
}
