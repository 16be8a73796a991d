//! What a prior comes to in one preset's tables.

use std::sync::{Arc, OnceLock};

use foretold_models::contexts::{hash_of, in_tree};
use foretold_models::{
    History, MatchModel, SlotFiller, SlotTable, Tree, Trees, ValueReader, nibble as nibble_hash,
};
use foretold_neural::MixerWeights;
use foretold_numerics::SharedBytes;

use super::cache;
use super::learned::{Learned, fresh_worth};
use super::ngrams::{self, Ngrams};
use crate::network::OwnNetwork;
use crate::planting::MOST_PRIMED;
use crate::predictor::PRIMED;
use crate::setup::{Assembly, Setup, Sizes};
use crate::transform::{Inverse, Shipped};
use crate::{Error, Preset};

/// Size class up to which a block's slots lie over the base's instead of in a copy: there a copy
/// would take longer than the block.
const OVER_CLASS: u8 = 15;
/// Base-2 logarithm of the bytes up to which tables are shared. Larger ones are made for each
/// model, which writes to them: nobody would like to have them twice in memory.
pub const SHARED_LOG2: u32 = 28;
/// Bits that a history may remember of a prior.
const REMEMBERED: f64 = 255.0;

/// What a predictor starts from instead of nothing. Nobody writes to it: all models of a process
/// share it.
#[derive(Clone, Debug)]
pub struct Base {
    slots: Arc<SharedBytes>,
    words: Option<&'static Shipped>,
    learned: Option<Arc<Start>>,
    network: Option<Arc<OwnNetwork>>,
    weights: Option<Arc<SharedBytes>>,
    mixer: Option<Arc<MixerWeights>>,
    trees: Option<Arc<Trees>>,
}

/// Where a model starts that has been trained on a user's texts, beside its slots.
#[derive(Debug)]
pub struct Start {
    /// What models have turned out to be worth, as `Predictor::worth` writes it.
    pub worth: Vec<u8>,
    /// The state of the text transform's dictionary.
    pub dictionary: Vec<u8>,
    /// The bytes that match models find again, and whether they are coded.
    pub history: Vec<u8>,
    pub coded: bool,
    /// Whether texts have the models of structured text.
    pub structured: bool,
    /// History and match models in the smallest tables.
    small: OnceLock<Option<(History, Vec<MatchModel>)>>,
}

impl Start {
    /// From what a prior has.
    pub fn new(learned: &Learned<'_>, words: Option<&'static Shipped>) -> Result<Start, Error> {
        let worth = learned.worth(&fresh_worth(learned.preset)?);
        let (dictionary, history) = (learned.dictionary()?, learned.history()?);
        let mut rest = ValueReader(&dictionary);
        if Inverse::new(words).state(&mut rest).is_err() || !rest.0.is_empty() {
            return Err(Error::State("its dictionary is none".into()));
        }
        let Learned { coded, structured, .. } = *learned;
        Ok(Start { worth, dictionary, history, coded, structured, small: OnceLock::new() })
    }

    /// History and match models, in tables of these sizes; `fresh` has models of the same preset
    /// and sizes that have seen nothing.
    pub fn memory(&self, log2: Sizes, fresh: &[MatchModel]) -> Option<(History, Vec<MatchModel>)> {
        let clone = |(history, matches): &(History, Vec<MatchModel>)| {
            let matches = matches.iter().map(MatchModel::try_clone).collect::<Option<_>>()?;
            Some((history.try_clone()?, matches))
        };
        let make = || {
            let matches = fresh.iter().map(MatchModel::try_clone).collect::<Option<Vec<_>>>()?;
            let mut made = (History::new(log2.history)?, matches);
            for &byte in &self.history {
                made.0.push(byte);
                made.1.iter_mut().for_each(|model| model.next_byte(&made.0, self.coded));
            }
            made.0.begin();
            made.1.iter_mut().for_each(MatchModel::begin);
            Some(made)
        };
        if (log2.history, log2.heads) == PRIMED {
            return clone(self.small.get_or_init(make).as_ref()?);
        }
        make()
    }
}

impl Base {
    /// The slot table of a predictor.
    pub fn table(self: Arc<Self>, setup: &Setup, size_class: u8) -> Option<SlotTable> {
        if size_class <= OVER_CLASS {
            return SlotTable::over(self.slots.clone(), lines_over(setup, size_class));
        }
        match Arc::try_unwrap(self).map(|base| Arc::try_unwrap(base.slots)) {
            Ok(Ok(slots)) => SlotTable::from_filled(slots),
            Ok(Err(slots)) => SlotTable::copy_of(&slots),
            Err(base) => SlotTable::copy_of(&base.slots),
        }
    }

    /// The words that the text transform starts from.
    pub fn words(&self) -> Option<&'static Shipped> {
        self.words
    }

    /// Bytes that the base's table and the model's own take.
    pub fn memory_bytes(setup: &Setup, size_class: u8) -> u64 {
        let log2 = base_log2(setup, size_class);
        let own = match size_class {
            ..=OVER_CLASS => SlotTable::bytes_over(lines_over(setup, size_class)),
            _ if is_shared(log2) => 1 << log2,
            _ => 0,
        };
        (1u64 << log2) + own
    }

    /// What a preset makes of a prior's n-grams, in a slot table of `2^log2_slots` bytes. The table
    /// of the prior called `name` is kept; only if it was not yet, `ngrams` is asked.
    pub fn new(
        name: Option<&str>,
        ngrams: impl FnOnce() -> Option<Ngrams>,
        preset: Preset,
        log2_slots: u32,
        words: Option<&'static Shipped>,
        trees: Option<&Trees>,
    ) -> Option<Base> {
        let filling = Filling::of(preset, trees.cloned().unwrap_or_default());
        let file =
            name.map(|name| format!("{name}-{}-{}-{log2_slots}", preset.number(), filling.fingerprint()));
        let make = || filling.fill(&ngrams()?, log2_slots);
        let slots = cache::table(file.as_deref(), Some(1 << log2_slots), make)?;
        let trees = trees.map(|trees| Arc::new(trees.clone()));
        let slots = Arc::new(slots);
        Some(Base { slots, words, learned: None, network: None, weights: None, mixer: None, trees })
    }

    /// What a prior has learned, in a slot table of `2^log2_slots` bytes, over what `under` has, trees
    /// among it; or by `trees` of its own. `name` as in [`new`](Self::new).
    pub fn learned_by(
        name: Option<&str>,
        learned: &Learned<'_>,
        log2_slots: u32,
        under: Option<&Base>,
        trees: Option<&Trees>,
    ) -> Result<Option<Base>, Error> {
        let words = under.and_then(Base::words);
        let start = Start::new(learned, words)?;
        let trees = match under {
            Some(under) => under.trees(),
            None => trees.map(|trees| Arc::new(trees.clone())),
        };
        let fingerprint =
            Filling::of(learned.preset, trees.as_deref().cloned().unwrap_or_default()).fingerprint();
        let file = name.map(|name| format!("{name}-{fingerprint}-{log2_slots}"));
        let make = || learned.table(under.map(|base| &*base.slots), log2_slots);
        let slots = cache::table(file.as_deref(), Some(1 << log2_slots), make);
        Ok(slots.map(|slots| Base {
            slots: Arc::new(slots),
            words,
            learned: Some(Arc::new(start)),
            network: None,
            weights: None,
            mixer: None,
            trees,
        }))
    }

    /// The same with networks.
    pub fn with_networks(self, network: Option<Arc<OwnNetwork>>, mixer: Option<Arc<MixerWeights>>) -> Base {
        Base { network, mixer, ..self }
    }

    /// A mixer network of preset 9 or max.
    pub fn mixer(&self) -> Option<Arc<MixerWeights>> {
        self.mixer.clone()
    }

    /// The same with what the mixer starts from.
    pub fn with_weights(self, weights: SharedBytes) -> Base {
        Base { weights: Some(Arc::new(weights)), ..self }
    }

    /// What the mixer starts from, as `Predictor::worth` writes it.
    pub fn weights(&self) -> Option<Arc<SharedBytes>> {
        self.weights.clone()
    }

    /// The network that preset max starts with, unless it is what comes with the words.
    pub fn network(&self) -> Option<Arc<OwnNetwork>> {
        self.network.clone()
    }

    /// Which decisions text is coded as, unless as bytes' bits.
    pub fn trees(&self) -> Option<Arc<Trees>> {
        self.trees.clone()
    }

    /// The slots.
    pub fn slots(&self) -> &SharedBytes {
        &self.slots
    }

    /// What was learned beside the slots.
    pub fn learned(&self) -> Option<Arc<Start>> {
        self.learned.clone()
    }
}

/// How a preset's slots are filled.
struct Filling {
    /// By the classes of two counts, of zeros and ones, the state that stands for them.
    nearest: Vec<u8>,
    /// Contexts by number, and how many of the last bytes they look at.
    orders: Vec<(usize, u32)>,
    /// Which decisions bytes are.
    trees: Trees,
}

impl Filling {
    fn of(preset: Preset, trees: Trees) -> Filling {
        let setup = preset.setup();
        let counts: Vec<u32> = (0..64).map(ngrams::count_of).collect();
        let nearest = setup.histories.nearest(&counts, REMEMBERED);
        Filling { nearest, orders: orders(setup.text), trees }
    }

    /// Tells tables apart that another release, or another state of this one, fills otherwise.
    fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        hasher.update(env!("CARGO_PKG_VERSION").as_bytes()).update(&self.nearest);
        hasher.update(&std::array::from_fn::<u8, 256, _>(|byte| self.trees.after(byte as u8) as u8));
        for number in 0..self.trees.len() {
            hasher.update(&self.trees.tree(number).depths());
        }
        for &(index, order) in &self.orders {
            hasher.update(&[index as u8, order as u8]).update(&hash_of(index, [1]).to_le_bytes());
        }
        hasher.finalize().to_hex()[..8].into()
    }

    fn fill(&self, ngrams: &Ngrams, log2_slots: u32) -> Option<SharedBytes> {
        let mut filler = SlotFiller::new(log2_slots)?;
        let trees = 0..self.trees.len();
        let nibbles: Vec<_> = trees.map(|number| nibbles(self.trees.tree(number))).collect();
        for &(index, order) in &self.orders {
            let Some(level) = ngrams.levels.get(order as usize) else { continue };
            for (key, followers, classes) in level.contexts() {
                let tree = self.trees.after(key as u8);
                let h = in_tree(hash_of(index, [key]), tree);
                self.put(&mut filler, h, &nibbles[tree], followers, classes);
            }
        }
        Some(filler.finish())
    }

    /// Fills the slots of a context from a nibble on, that of `h` last; how often its followers came, whose
    /// ways are the same before it.
    fn put(
        &self,
        filler: &mut SlotFiller,
        h: u64,
        nibbles: &[[(u8, u16); 256]],
        followers: &[u8],
        classes: &[u8],
    ) -> u64 {
        let (leads, below) = nibbles.split_first().expect("ways end with the last nibble");
        let mut leaves = [0u64; 16];
        let mut at = 0;
        while at < followers.len() {
            let (leaf, child) = leads[usize::from(followers[at])];
            let together = followers[at..].iter().take_while(|&&byte| leads[usize::from(byte)].1 == child);
            let end = at + together.count();
            leaves[usize::from(leaf)] = match Tree::byte(child) {
                Some(_) => u64::from(ngrams::count_of(classes[at])),
                None => {
                    let h = nibble_hash(h, child.into());
                    self.put(filler, h, below, &followers[at..end], &classes[at..end])
                }
            };
            at = end;
        }
        filler.put(h, &states(&leaves, &self.nearest));
        leaves.iter().sum()
    }
}

/// For each nibble of the ways to bytes: to which leaf of the nibble's tree each leads, zeros being put
/// where it ends before, and to which child. Behind its end a way goes on nowhere.
fn nibbles(tree: &Tree) -> Vec<[(u8, u16); 256]> {
    let deepest = tree.depths().into_iter().max().unwrap_or(0);
    let mut nodes = [1; 256];
    let nibble = |number: u8| {
        std::array::from_fn(|byte| {
            let decisions = (tree.aligned_way(byte as u8) << 1) << (4 * number);
            for place in 0..4 {
                if Tree::byte(nodes[byte]).is_none() {
                    nodes[byte] = tree.child(nodes[byte].into(), decisions << place >> 31 != 0);
                }
            }
            ((decisions >> 28) as u8, nodes[byte])
        })
    };
    (0..deepest.div_ceil(4)).map(nibble).collect()
}

/// Whether models share a table of `2^log2` bytes.
pub fn is_shared(log2: u32) -> bool {
    log2 <= SHARED_LOG2
}

/// Base-2 logarithm of the slot table's bytes where a block starts from a prior.
pub fn base_log2(setup: &Setup, size_class: u8) -> u32 {
    if size_class > OVER_CLASS { setup.sizes(size_class).slots.max(setup.base) } else { setup.base }
}

/// Coded bytes that a block which starts from a prior may have.
pub fn most_coded_bytes(size_class: u8) -> u64 {
    if size_class > OVER_CLASS { u64::MAX } else { 1 << size_class }
}

/// Lines that a block asks for at most: one for each context and nibble, and some to begin with each
/// kind. The engine sees to it.
fn lines_over(setup: &Setup, size_class: u8) -> usize {
    let nibbles = if setup.trees > 0 { usize::from(MOST_PRIMED).div_ceil(4) } else { 2 };
    nibbles * setup.text.contexts().max(setup.binary.contexts()) * ((1 << size_class) + 4)
}

/// The states of a nibble's nodes whose leaves came so often.
fn states(leaves: &[u64; 16], nearest: &[u8]) -> [u8; 15] {
    let mut sums = [0u64; 32];
    sums[16..].copy_from_slice(leaves);
    let mut states = [0; 15];
    for node in (1..16).rev() {
        let (zeros, ones) = (sums[2 * node], sums[2 * node + 1]);
        sums[node] = zeros + ones;
        let [zeros, ones] = [zeros, ones].map(|n| usize::from(ngrams::class_of(n)));
        states[node - 1] = nearest[zeros * 64 + ones];
    }
    states
}

/// Which of an assembly's contexts are the last bytes, and how many.
fn orders(assembly: &Assembly) -> Vec<(usize, u32)> {
    let mut found = Vec::new();
    let mut index = 0;
    for group in assembly.groups {
        found.extend(group.orders.iter().enumerate().map(|(i, &order)| (index + i, order)));
        index += group.contexts;
    }
    found
}
