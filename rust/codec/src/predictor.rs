//! Assembly: contexts, slots, match models, mixer and APMs as one predictor.

use std::sync::Arc;

use foretold_models::contexts::{Contexts, hash_of_order, in_tree};
use foretold_models::{
    AdaptiveMap, Apm, ApmPlace, DIRECT_INPUTS, Directs, MATCH_INPUTS, MAX_SETS, MOST_TREES, MatchModel,
    Mixed, Mixer, Parsed, RUN_INPUTS, Ran, Runs, SLOT_INPUTS, SlotTable, Slots, StateError, StateIo, Tree,
    Trees, ValueReader, hash,
};
use foretold_neural::Expected;
use foretold_numerics::{ByContext, LANES, P1, PLANE_LANES, SharedBytes, Simd, stretch};

use crate::corrector::{Correction, Corrector};
use crate::evidence::{Evidence, coarse, contexts};
use crate::knowledge::Base;
use crate::network::{NETWORK_INPUTS, Network, expected};
use crate::setup::{Assembly, Selector, Setup, Sizes, View};
use crate::shape::Shape;
use crate::transform::Inverse;

/// Mixer inputs there can be.
pub(crate) const MAX_INPUTS: usize = 512;
/// Inputs beside those of contexts and match models: order 0 and the bias.
const OWN_INPUTS: usize = 2;
/// The bias: a constant input of one nat.
const BIAS: i16 = 256;
/// What the network's logit weighs before anything is learned, in units of 2^-16: of fifty
/// thousand bytes of a novel and of encyclopedia, 0.12, 0.24 and 0.43 save 0.2, 0.3 and 0.5 % to
/// the weight of all other inputs, 0.015.
const NETWORK_START: i16 = 28_000;
/// APMs of the last stage.
const APMS: usize = 6;

/// What kind of data a chunk holds: picks the assembly that predicts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text in any language or notation.
    Text = 0,
    /// Anything else.
    Binary = 1,
    /// Text that repeats its forms: logs, tables, markup.
    Structured = 2,
}

impl Kind {
    /// All of them, in the order of their numbers.
    const ALL: [Kind; 3] = [Kind::Text, Kind::Binary, Kind::Structured];
}

/// What a predictor says of one bit, and what its update needs to know of how it came to it.
///
/// Written by [`Predictor::predict`], read by [`Predictor::update`]; in between nothing changes.
#[derive(Debug)]
#[repr(align(64))]
pub struct Prediction {
    inputs: [i16; MAX_INPUTS],
    /// The slots' entries.
    entries: ByContext<u32>,
    ran: Ran,
    mixed: Mixed,
    apms: [ApmPlace; APMS],
    /// What the APMs made of the mixed probability, in units of 2^-22.
    refined: [u32; APMS],
    /// Of the mixer network, if there is one.
    correction: Correction,
}

impl Default for Prediction {
    fn default() -> Self {
        Prediction {
            inputs: [0; MAX_INPUTS],
            entries: ByContext::default(),
            ran: Ran::default(),
            mixed: Mixed::default(),
            apms: Default::default(),
            refined: [0; APMS],
            correction: Correction::default(),
        }
    }
}

/// Which decisions bytes are coded as.
#[derive(Debug)]
struct Ways {
    text: Trees,
    /// Of binary data: their bits.
    balanced: Tree,
    /// Whether the next byte is one of text, structured or not.
    is_text: bool,
    /// By which tree the next byte is coded, of those of text.
    tree: usize,
}

impl Ways {
    fn new(text: Trees) -> Ways {
        Ways { text, balanced: Tree::default(), is_text: true, tree: 0 }
    }

    #[inline(always)]
    fn tree(&self) -> &Tree {
        if self.is_text { self.text.tree(self.tree) } else { &self.balanced }
    }

    /// How many trees there are, of which the byte before picks one.
    #[inline(always)]
    fn trees(&self) -> u32 {
        if self.is_text { self.text.len() as u32 } else { 1 }
    }

    /// Which tree there will be after a byte.
    #[inline(always)]
    fn after(&self, last: u8) -> usize {
        if self.is_text { self.text.after(last) } else { 0 }
    }
}

/// What one kind of data has to itself.
#[derive(Debug)]
struct Arm {
    shape: Shape,
    slots: Slots,
    mixer: Mixer,
    apms: Vec<Apm>,
}

impl Arm {
    fn new(setup: &Setup, assembly: &'static Assembly, size_class: u8) -> Option<Self> {
        let shape = Shape::of(assembly, setup);
        let inputs = shape.inputs;
        assert!(inputs <= MAX_INPUTS, "{inputs} inputs, where {MAX_INPUTS} are the most");
        assert!(assembly.apms == 2 || assembly.apms == APMS, "{} APMs", assembly.apms);
        let apms = (0..assembly.apms)
            .map(|i| Apm::new(apm_contexts(i, assembly, size_class)))
            .collect::<Option<_>>()?;
        let selectors = (sizes(assembly.selectors), sizes(assembly.finals));
        let mut mixer = Mixer::new(inputs, &selectors.0, &selectors.1, assembly.rates)?;
        if setup.network {
            mixer.set_start(assembly_parts(assembly, setup.matches.len()), NETWORK_START);
        }
        let slots = Slots::new(assembly.contexts(), setup.histories, HISTORY_LIMIT)?;
        Some(Arm { shape, slots, mixer, apms })
    }

    fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        self.slots.state(io)?;
        self.mixer.state(io)?;
        self.apms.iter_mut().try_for_each(|apm| apm.state(io))
    }
}

/// Bits after which a bit history's probability moves by a fixed share, 1/256, of the error.
const HISTORY_LIMIT: u32 = 255;
/// The same of a run's and a match's: 1/1024.
const RUN_LIMIT: u32 = 1023;

/// The match models of a setup.
pub(crate) fn match_models(setup: &Setup, log2: Sizes) -> Option<Vec<MatchModel>> {
    setup.matches.iter().map(|&min_len| MatchModel::new(min_len, log2.heads, RUN_LIMIT)).collect()
}

fn sizes(selectors: &[Selector]) -> Vec<u32> {
    selectors.iter().map(|selector| selector.size).collect()
}

/// The first looks at the node and its tree alone; the others' tables follow the content.
#[inline(always)]
fn apm_contexts(index: usize, assembly: &Assembly, size_class: u8) -> usize {
    if index == 0 { 256 * MOST_TREES } else { 1 << u32::from(size_class).min(assembly.apm_log2) }
}

/// The tables' sizes: with a prior there is room for what it remembers.
fn sizes_from(setup: &Setup, size_class: u8, primed: bool) -> Sizes {
    let log2 = setup.sizes(size_class);
    if !primed {
        return log2;
    }
    Sizes { history: log2.history.max(PRIMED.0), heads: log2.heads.max(PRIMED.1), ..log2 }
}

/// Base-2 logarithms of the bytes of history and the heads of match models, with a prior, at
/// least.
pub(crate) const PRIMED: (u32, u32) = (20, 18);

/// How many inputs a mixer of an assembly has beside this many match models, and perhaps a network.
pub(crate) const fn assembly_inputs(assembly: &Assembly, matches: usize, network: bool) -> usize {
    let inputs = assembly_parts(assembly, matches) + if network { NETWORK_INPUTS } else { 0 };
    inputs.next_multiple_of(LANES)
}

/// Bytes of an assembly's mixer.
fn mixer_bytes(setup: &Setup, assembly: &Assembly) -> u64 {
    let inputs = assembly_inputs(assembly, setup.matches.len(), setup.network);
    Mixer::memory_bytes(inputs, &sizes(assembly.selectors), &sizes(assembly.finals))
}

/// The inputs before the network's.
const fn assembly_parts(assembly: &Assembly, matches: usize) -> usize {
    let planes = SLOT_INPUTS + if assembly.runs { RUN_INPUTS } else { 0 };
    let width = assembly.contexts().next_multiple_of(PLANE_LANES);
    planes * width + assembly.directs * DIRECT_INPUTS + matches * MATCH_INPUTS + OWN_INPUTS
}

/// One block's model of what comes next: asked and taught strictly in turn.
#[derive(Debug)]
pub struct Predictor {
    simd: Simd,
    setup: &'static Setup,
    /// The models of text.
    text: &'static Assembly,
    size_class: u8,
    kind: Kind,
    /// The text's arm was made beforehand and has not begun.
    fresh: bool,
    /// By kind; made when the first chunk of the kind comes.
    arms: [Option<Arm>; 3],
    parsed: Parsed,
    table: SlotTable,
    runs: Option<Runs>,
    directs: Option<Directs>,
    matches: Vec<MatchModel>,
    order0: AdaptiveMap,
    network: Option<Network>,
    /// By kind; that of structured text comes with the first chunk of it, where text has one.
    correctors: [Option<Corrector>; 3],
    ways: Ways,
    /// The node that the byte's decisions so far have led to: 1 ..= 255.
    node: u32,
    /// These decisions, 1-bit prefixed.
    path: u32,
    /// How many of them.
    depth: u32,
    contexts: Contexts,
    /// The APMs' curves for the next bit.
    curves: [u32; APMS],
    /// Whether the chunk is transformed.
    transformed: bool,
    /// Turns a transformed chunk's coded bytes back as they come; keeps the block's dictionary.
    inverse: Inverse,
    /// Bytes of the past that a prior remembers: they come before the block's.
    remembered: u64,
}

impl Predictor {
    /// The predictor of a setup for blocks of about `2^size_class` bytes; `None` if the memory
    /// cannot be had.
    pub fn new(setup: &'static Setup, size_class: u8, base: Option<Arc<Base>>) -> Option<Self> {
        let assemblies = || setup.assemblies(base.is_none());
        let most = |of: fn(&Assembly) -> usize| assemblies().map(of).max().unwrap_or(0);
        let run_contexts = most(|a| if a.runs { a.contexts() } else { 0 });
        let direct_contexts = most(|a| a.directs);
        let log2 = sizes_from(setup, size_class, base.is_some());
        let words = base.as_deref().and_then(Base::words);
        let learned = base.as_deref().and_then(Base::learned);
        let weights = base.as_deref().and_then(Base::weights);
        let own_network = base.as_deref().and_then(Base::network);
        let own_mixer = base.as_deref().and_then(Base::mixer);
        let trees = base.as_deref().and_then(Base::trees);
        let structured = learned.as_ref().is_some_and(|learned| learned.structured);
        let corrector = Corrector::new(setup, own_mixer, words.is_some(), structured);
        let mut predictor = Predictor {
            simd: Simd::detect(),
            setup,
            text: setup.text,
            size_class,
            kind: Kind::Text,
            fresh: false,
            arms: [None, None, None],
            parsed: Parsed::new(log2.history, setup.parts)?,
            table: match base {
                None => SlotTable::new(log2.slots)?,
                Some(base) => base.table(setup, size_class)?,
            },
            runs: if run_contexts > 0 { Some(Runs::new(run_contexts, log2.runs, RUN_LIMIT)?) } else { None },
            directs: if direct_contexts > 0 {
                Some(Directs::new(direct_contexts, log2.directs)?)
            } else {
                None
            },
            matches: match_models(setup, log2)?,
            order0: AdaptiveMap::new(256 * MOST_TREES, HISTORY_LIMIT)?,
            network: setup.network.then(|| Network::new(own_network.as_deref(), words.is_some())),
            correctors: [corrector, None, None],
            ways: Ways::new(trees.as_deref().cloned().unwrap_or_default()),
            node: 1,
            path: 1,
            depth: 0,
            contexts: Contexts::default(),
            curves: [0; APMS],
            transformed: false,
            inverse: Inverse::new(words),
            remembered: 0,
        };
        if structured {
            predictor.take_texts_for_structured();
        }
        if let Some(weights) = weights {
            predictor.worth(&mut ValueReader(&weights)).ok()?;
        }
        if let Some(learned) = learned {
            predictor.inverse.state(&mut ValueReader(&learned.dictionary)).ok()?;
            predictor.worth(&mut ValueReader(&learned.worth)).ok()?;
            let (history, matches) = learned.memory(log2, &predictor.matches)?;
            predictor.remembered = history.len;
            predictor.parsed.start_after(history);
            predictor.matches = matches;
        }
        Some(predictor)
    }

    /// Bytes a predictor takes when chunks of all kinds have come.
    pub fn memory_bytes(setup: &Setup, size_class: u8, primed: bool) -> u64 {
        let log2 = sizes_from(setup, size_class, primed);
        let mut total = 1u64 << log2.history;
        total += if primed { Base::memory_bytes(setup, size_class) } else { 1 << log2.slots };
        total += setup.matches.len() as u64 * (4 << log2.heads);
        let mut runs = false;
        let mut directs = false;
        for assembly in setup.assemblies(!primed) {
            total += mixer_bytes(setup, assembly);
            total += assembly.contexts() as u64 * 2048;
            total +=
                (0..assembly.apms).map(|i| apm_contexts(i, assembly, size_class) as u64 * 128).sum::<u64>();
            runs |= assembly.runs;
            directs |= assembly.directs > 0;
        }
        // Of a prior's texts, too.
        total += if setup.structured.is_some() { Parsed::STRUCTURED_BYTES } else { 0 };
        // What followed tokens.
        total += if setup.parts.terms { 1 << 19 } else { 0 };
        // What the text's weights start from.
        total += if primed { mixer_bytes(setup, setup.text) } else { 0 };
        total += if setup.network { Network::memory_bytes() } else { 0 };
        total += if runs { 4 << log2.runs } else { 0 };
        total += if directs { 1 << log2.directs } else { 0 };
        // Parsing tables, a chunk's content, coded bytes and payload, a dictionary, and what
        // is counted per object.
        total + (4 << 20) + (3 << size_class.min(20))
    }

    /// Says whether the chunk that begins is transformed.
    pub fn begin_transform(&mut self, transformed: bool) {
        self.transformed = transformed;
        if transformed {
            self.inverse.begin();
        }
    }

    /// Says which decisions bytes of text are coded as, before the first of them.
    pub fn plant(&mut self, trees: Trees) {
        self.ways.text = trees;
    }

    /// The trees by which bytes of text are coded.
    pub fn trees(&self) -> &Trees {
        &self.ways.text
    }

    /// Lets texts have the models of structured text, before the first of them.
    pub fn take_texts_for_structured(&mut self) {
        self.text = self.setup.structured.unwrap_or(self.setup.text);
    }

    /// Whether they have.
    pub fn takes_texts_for_structured(&self) -> bool {
        !std::ptr::eq(self.text, self.setup.text)
    }

    /// Says that what comes next is a picture, so many pixels wide and of bytes so bright, or is none any more,
    /// if the width is 0: from the byte after the next on, contexts are a picture's.
    pub fn turn_to_picture(&mut self, width: u32, brightness: &[u8; 256]) {
        self.parsed.records.turn_to_picture(width.into(), brightness);
    }

    /// What the transformed chunk has been turned back to so far, and the dictionary.
    pub fn inverse(&self) -> &Inverse {
        &self.inverse
    }

    /// Lets the network, if there is one, use a thread beside the caller's; or not, and then none
    /// works any more.
    pub fn lend_thread(&mut self, lent: bool) {
        if let Some(network) = &mut self.network {
            network.set_threads(lent);
        }
    }

    /// Predicts without a mixer network from now on.
    pub fn without_mixer_network(&mut self) {
        self.correctors = [None, None, None];
    }

    /// Coded bytes of the block so far.
    pub fn coded_bytes(&self) -> u64 {
        self.parsed.history.len.saturating_sub(self.remembered)
    }

    /// Whether chunks of this kind have come.
    pub fn has(&self, kind: Kind) -> bool {
        self.arms[kind as usize].is_some() && !(self.fresh && kind == Kind::Text)
    }

    /// Whether chunks of this kind have come, and then others.
    pub fn has_left(&self, kind: Kind) -> bool {
        kind != self.kind && self.arms[kind as usize].is_some()
    }

    /// Turns to a chunk of this kind; `None` if the memory cannot be had.
    pub fn begin(&mut self, kind: Kind) -> Option<()> {
        if let (Some(arm), false) = (&self.arms[self.kind as usize], self.fresh) {
            if kind == self.kind {
                return Some(());
            }
            arm.slots.put_back(self.simd, &mut self.table, arm.slots.contexts());
        }
        self.fresh = false;
        self.turn_to(kind);
        let assembly = match kind {
            Kind::Text => self.text,
            _ => self.setup.assemblies(true).nth(kind as usize).expect("others are refused"),
        };
        if Shape::of(assembly, self.setup).structured {
            self.parsed.begin_structured()?;
        }
        let arm = &mut self.arms[kind as usize];
        if arm.is_none() {
            *arm = Some(Arm::new(self.setup, assembly, self.size_class)?);
            if kind == Kind::Structured && self.correctors[Kind::Text as usize].is_some() {
                self.correctors[kind as usize] = Some(Corrector::of_structured());
            }
        }
        let shape = self.arm().shape;
        self.pick_tree();
        self.find_ways();
        self.turn(shape);
        self.find(shape, self.simd, false);
        self.look_ahead(shape);
        Some(())
    }

    /// Says of which kind the next byte is.
    fn turn_to(&mut self, kind: Kind) {
        self.kind = kind;
        self.ways.is_text = kind != Kind::Binary;
    }

    #[inline(always)]
    fn arm(&self) -> &Arm {
        self.arms[self.kind as usize].as_ref().expect("a chunk has begun")
    }

    /// How the bytes of the chunk that has begun are predicted, and with which instructions.
    #[inline(always)]
    pub(crate) fn manner(&self) -> (Shape, Simd) {
        (self.arm().shape, self.simd)
    }

    /// Asks for each bit of a byte, highest first, and learns what `bit_of` answers.
    #[inline(always)]
    pub(crate) fn byte(
        &mut self,
        shape: Shape,
        simd: Simd,
        made: &mut Prediction,
        bit_of: &mut impl FnMut(&Predictor, &Prediction, P1) -> bool,
    ) -> u8 {
        loop {
            let p1 = self.predict(shape, simd, made);
            let bit = bit_of(self, made, p1);
            if let Some(byte) = self.update(shape, simd, made, bit) {
                return byte;
            }
        }
    }

    /// The decisions since the slots were found, 1-bit prefixed.
    #[inline(always)]
    fn place(&self) -> usize {
        let since = self.depth & 3;
        (self.path as usize & ((1 << since) - 1)) | 1 << since
    }

    /// Which decisions the byte that comes is coded as.
    #[inline(always)]
    pub fn tree(&self) -> &Tree {
        self.ways.tree()
    }

    /// Turns to the tree by which the next byte is coded.
    #[inline(always)]
    fn pick_tree(&mut self) {
        self.ways.tree = self.ways.after(self.parsed.history.last8 as u8);
    }

    /// The node that the byte's decisions so far have led to, and the tree.
    #[inline(always)]
    fn tree_node(&self) -> u32 {
        (self.ways.tree as u32) << 8 | self.node
    }

    /// Gives one decision after another of those that lead to a byte.
    #[inline(always)]
    pub fn decisions(&self, byte: u8) -> impl FnMut() -> bool + use<> {
        let mut rest = self.tree().decisions(byte);
        move || {
            let decision = rest >> 31 != 0;
            rest <<= 1;
            decision
        }
    }

    /// Works out which curves the APMs look at next, and starts to fetch them.
    #[inline(always)]
    fn look_ahead(&mut self, shape: Shape) {
        let arm = self.arms[self.kind as usize].as_ref().expect("a chunk has begun");
        let last = self.parsed.history.last8;
        for (i, apm) in arm.apms[..shape.assembly.apms].iter().enumerate() {
            let seen = match i {
                0 => {
                    self.curves[i] = self.tree_node();
                    continue;
                }
                1 => last & 0xff,
                2 => last & 0xffff | 1 << 40,
                3 => last & 0xff_ffff | 2 << 40,
                4 => self.parsed.words.here(),
                _ => self
                    .matches
                    .first()
                    .map_or(0, |m| u64::from(m.expected_byte(self.path) << 4 | m.len_class()) | 3 << 40),
            };
            let contexts = apm_contexts(i, shape.assembly, self.size_class) as u32;
            self.curves[i] = (hash(seen, self.tree_node()) >> 24) as u32 & (contexts - 1);
            apm.prefetch(self.curves[i] as usize);
        }
    }

    /// What selectors look at.
    #[inline(always)]
    fn view<'a>(&'a self, shape: Shape, arm: &Arm, node: usize) -> View<'a> {
        View {
            parsed: &self.parsed,
            matches: &self.matches[..shape.matches],
            partial: self.node,
            place: self.tree_node(),
            tree: self.ways.tree as u32,
            trees: self.ways.trees(),
            path: self.path,
            common: self.tree().common(self.node).into(),
            bit_position: self.depth.min(7),
            known: arm.slots.known(node, shape.contexts),
            contexts: shape.contexts as u32,
            network: if shape.network { self.network.as_ref() } else { None },
        }
    }

    /// The probability that the next bit is one, without learning anything.
    #[inline(always)]
    fn predict(&self, shape: Shape, simd: Simd, made: &mut Prediction) -> P1 {
        let arm = self.arm();
        let node = self.place();
        let assembly = shape.assembly;
        let width = shape.contexts.next_multiple_of(PLANE_LANES);
        let (from_slots, rest) = made.inputs[..shape.inputs].split_at_mut(SLOT_INPUTS * width);
        let with_runs = if assembly.runs { self.runs.as_ref() } else { None };
        let run_inputs = if with_runs.is_some() { RUN_INPUTS * width } else { 0 };
        let (from_runs, rest) = rest.split_at_mut(run_inputs);
        let (own, rest) = rest.split_at_mut(OWN_INPUTS);
        own[0] = stretch(self.order0.p1_q16(self.tree_node() as usize));
        own[1] = BIAS;
        let (from_matches, rest) = rest.split_at_mut(shape.matches * MATCH_INPUTS);
        let matches = &self.matches[..shape.matches];
        for (model, out) in matches.iter().zip(from_matches.chunks_exact_mut(MATCH_INPUTS)) {
            model.predict(self.path, out);
        }
        if let (Some(directs), true) = (&self.directs, assembly.directs > 0) {
            directs.predict(node, &mut rest[..assembly.directs * DIRECT_INPUTS]);
        }
        if let (Some(network), true) = (&self.network, shape.network) {
            network.predict(
                self.tree(),
                self.node,
                &mut rest[assembly.directs * DIRECT_INPUTS..][..NETWORK_INPUTS],
            );
        }

        let view = self.view(shape, arm, node);
        let mut first = [0; MAX_SETS];
        for (pick, selector) in first.iter_mut().zip(assembly.selectors) {
            *pick = (selector.pick)(&view);
        }
        let mut second = [0; MAX_SETS];
        for (pick, selector) in second.iter_mut().zip(assembly.finals) {
            *pick = (selector.pick)(&view);
        }
        let (sets, finals) = (assembly.selectors.len(), assembly.finals.len());
        arm.mixer.pick(&first[..sets], &second[..finals], &mut made.mixed);

        arm.slots.predict(simd, node, &mut made.entries, from_slots);
        if let Some(runs) = with_runs {
            runs.predict(simd, (self.path, self.depth), &mut made.ran, from_runs);
        }
        arm.mixer.predict(simd, (sets, finals), &made.inputs[..shape.inputs], &mut made.mixed);
        let p1 = self.refine(shape, arm, made);
        match &self.correctors[self.kind as usize] {
            Some(corrector) if shape.corrected => {
                if Corrector::hears(p1) {
                    return self.correct(corrector, made, p1);
                }
                made.correction.forget();
                p1
            }
            _ => p1,
        }
    }

    /// The probability that the mixer network makes of what was predicted.
    #[inline(never)]
    fn correct(&self, corrector: &Corrector, made: &mut Prediction, p1: P1) -> P1 {
        let mut correction = std::mem::take(&mut made.correction);
        self.evidence(made, p1, corrector.hears_network(), &mut correction.evidence);
        let p1 = corrector.predict(p1, &mut correction);
        made.correction = correction;
        p1
    }

    /// The mean of the mixed probability, twice, and the APMs' (as many as make 4 or 8).
    #[inline(always)]
    fn refine(&self, shape: Shape, arm: &Arm, made: &mut Prediction) -> P1 {
        let logit = made.mixed.logit;
        let mut total = 2 * made.mixed.p1_q22;
        let apms = &arm.apms[..shape.assembly.apms];
        let places = made.apms.iter_mut().zip(&mut made.refined);
        for ((apm, &curve), (place, refined)) in apms.iter().zip(&self.curves).zip(places) {
            *refined = apm.refine(logit, curve as usize, place);
            total += *refined;
        }
        let p1 = P1::clamped(if apms.len() == 2 { total >> 2 } else { total >> 3 });
        if self.depth & 3 == 3 {
            let likely = self.tree().child(self.node, p1.get() >> 21 != 0);
            if Tree::byte(likely).is_none() {
                arm.slots.guess_nibble(&self.table, shape.contexts, likely.into());
            }
        }
        p1
    }

    /// What each part says of the next bit: see [`Evidence`]. `made` and `p1` are of the same bit. If
    /// not with its `network`, preset max says what preset 9 would, of sets that learn beside it.
    pub(crate) fn evidence(&self, made: &Prediction, p1: P1, network: bool, out: &mut Evidence) {
        let arm = self.arm();
        let shape = arm.shape;
        let assembly = shape.assembly;
        let mixed = &made.mixed;
        let refined = made.refined[..assembly.apms].iter().copied();
        let parts = assembly_parts(assembly, shape.matches);
        let sets = assembly.selectors.len();
        // The network's set is the last, and so are its inputs.
        let (sets, inputs) = match shape.network && !network {
            true => (sets - 1, &made.inputs[..parts]),
            false => (sets, &made.inputs[..shape.inputs]),
        };
        let network = if shape.network && network { &made.inputs[parts..][..NETWORK_INPUTS] } else { &[] };
        let planes = SLOT_INPUTS + if assembly.runs { RUN_INPUTS } else { 0 };
        let own = &made.inputs[planes * shape.contexts.next_multiple_of(PLANE_LANES)..];
        let matches = &own[OWN_INPUTS..][..shape.matches * MATCH_INPUTS];

        out.columns.clear();
        out.columns.extend_from_slice(&mixed.logits()[..sets]);
        out.columns.extend([mixed.p1_q22].into_iter().chain(refined).map(coarse));
        out.columns.extend(network.first());
        out.columns.push(coarse(p1.get()));
        out.columns.push(own[0]);
        out.columns.extend_from_slice(matches);
        out.columns.extend(network.get(1));
        out.columns.extend_from_slice(inputs);
        out.columns.extend(std::iter::repeat_n(0, inputs.len().next_multiple_of(LANES) - inputs.len()));
        out.contexts = contexts(&self.view(shape, arm, self.place()));
    }

    /// Learns the bit that came after [`predict`](Self::predict) made `made`; gives the byte, if that was
    /// its last decision.
    #[inline(always)]
    fn update(&mut self, shape: Shape, simd: Simd, made: &Prediction, bit: bool) -> Option<u8> {
        // What the next nibble needs is named first: its memory comes while this bit is learned.
        let child = self.tree().child(self.node, bit);
        let byte = Tree::byte(child);
        let learned = (self.tree_node(), bit);
        match &mut self.correctors[self.kind as usize] {
            Some(corrector) if shape.corrected => {
                corrector.update(&made.correction, bit);
            }
            _ => (),
        }
        if let Some(byte) = byte {
            self.ask_ahead(shape, byte);
            self.push(shape, byte);
            self.pick_tree();
            if shape.structured {
                // Its contexts look at what the match model expects.
                self.turn_matches(shape, Some(bit));
            }
            self.turn(shape);
            self.learn(shape, simd, made, learned, shape.structured);
            (self.node, self.path, self.depth) = (1, 1, 0);
            self.find(shape, simd, true);
        } else {
            let nibble = self.depth & 3 == 3;
            if nibble {
                let arm = self.arms[self.kind as usize].as_mut().expect("a chunk has begun");
                arm.slots.next_nibble(&self.table, shape.contexts, child.into());
                if let Some(directs) = &mut self.directs {
                    directs.name(&self.contexts.hashes()[..shape.assembly.directs], child.into());
                }
            }
            self.learn(shape, simd, made, learned, false);
            self.node = child.into();
            self.path = self.path << 1 | u32::from(bit);
            self.depth += 1;
            if nibble {
                self.find_slots(shape, simd);
            }
        }
        self.look_ahead(shape);
        byte
    }

    /// Learns a bit, at a node of a tree, with everything that took part in its prediction.
    #[inline(always)]
    fn learn(
        &mut self,
        shape: Shape,
        simd: Simd,
        made: &Prediction,
        (tree_node, bit): (u32, bool),
        but_matches: bool,
    ) {
        let node = self.place();
        let arm = self.arms[self.kind as usize].as_mut().expect("a chunk has begun");
        let assembly = shape.assembly;
        let counts = (assembly.selectors.len(), assembly.finals.len());
        arm.mixer.update(simd, counts, &made.inputs[..shape.inputs], &made.mixed, bit);
        for (apm, place) in arm.apms[..assembly.apms].iter_mut().zip(&made.apms) {
            apm.update(place, bit);
        }
        arm.slots.update(simd, shape.contexts, node, &made.entries, bit);
        if let Some(directs) = &mut self.directs {
            directs.update(node, bit);
        }
        if let (Some(runs), true) = (&mut self.runs, assembly.runs) {
            runs.update(simd, &made.ran, bit);
        }
        if !but_matches {
            for model in &mut self.matches[..shape.matches] {
                model.update(self.path, bit);
            }
        }
        self.order0.update(tree_node as usize, bit);
    }

    /// Starts to fetch what contexts of the last bytes ask for once `byte` has come: the others are not
    /// known yet.
    #[inline(always)]
    fn ask_ahead(&self, shape: Shape, byte: u8) {
        let last = self.parsed.history.last8 << 8 | u64::from(byte);
        let tree = self.ways.after(byte);
        let mut index = 0;
        for group in shape.assembly.groups {
            for (i, &order) in group.orders.iter().enumerate() {
                self.table.prefetch(in_tree(hash_of_order(index + i, order, last), tree));
            }
            index += group.contexts;
        }
    }

    /// Brings the past up to date.
    #[inline(always)]
    fn push(&mut self, shape: Shape, byte: u8) {
        if self.transformed {
            // An error is kept, for the engine to ask for.
            let _ = self.inverse.push(byte);
            self.parsed.push_coded(byte, self.inverse.seen(), self.inverse.code());
        } else {
            self.parsed.push(byte);
        }
        if shape.structured {
            self.parsed.push_structured(byte);
        }
        match &mut self.network {
            Some(network) if !network.hears_match() => network.update(byte, Expected::default()),
            _ => (),
        }
    }

    /// Names the contexts of the next byte.
    #[inline(always)]
    fn turn(&mut self, shape: Shape) {
        let arm = self.arms[self.kind as usize].as_mut().expect("a chunk has begun");
        self.contexts.clear();
        let groups = match self.parsed.records.is_picture {
            true if !shape.assembly.pictures.is_empty() => shape.assembly.pictures,
            _ => shape.assembly.groups,
        };
        for group in groups {
            (group.add)(&self.parsed, &mut self.contexts);
        }
        self.contexts.tell_trees_apart(self.ways.tree);
        let hashes = &self.contexts.hashes()[..shape.contexts];
        debug_assert_eq!(hashes.len(), arm.slots.contexts(), "a group's count is wrong");
        arm.slots.first_nibble(&self.table, hashes);
        if let Some(directs) = &mut self.directs {
            directs.name(&hashes[..shape.assembly.directs], 0);
        }
        if let (Some(runs), true) = (&self.runs, shape.assembly.runs) {
            runs.prefetch(hashes);
        }
    }

    /// Turns to the contexts named last; `pushed` if a byte has come since the last time.
    #[inline(always)]
    fn find(&mut self, shape: Shape, simd: Simd, pushed: bool) {
        if pushed && !shape.structured {
            self.turn_matches(shape, None);
        }
        if let Some(runs) = &mut self.runs {
            let last = self.parsed.history.last8 as u8;
            let hashes = if shape.assembly.runs { self.contexts.hashes() } else { &[] };
            runs.next_byte(pushed.then_some(last), hashes, self.ways.tree());
        }
        self.find_slots(shape, simd);
    }

    /// Turns the match models to the next byte, after they have learned `bit`.
    #[inline(always)]
    fn turn_matches(&mut self, shape: Shape, bit: Option<bool>) {
        for model in &mut self.matches[..shape.matches] {
            if let Some(bit) = bit {
                model.update(self.path, bit);
            }
            model.next_byte(&self.parsed.history, self.transformed);
        }
        self.parsed.expected = self.matches.first().map_or((0, 0), MatchModel::expected);
        // It hears what they expect now.
        match &mut self.network {
            Some(network) if network.hears_match() => {
                network.update(self.parsed.history.last8 as u8, expected(&self.matches));
            }
            _ => (),
        }
        self.find_ways();
    }

    /// Tells those who expect bytes by which decisions these come.
    #[inline(always)]
    fn find_ways(&mut self) {
        let tree = self.ways.tree();
        self.matches.iter_mut().for_each(|model| model.find_way(tree));
        if let Some(network) = &mut self.network {
            network.find_ways(tree);
        }
    }

    #[inline(always)]
    fn find_slots(&mut self, shape: Shape, simd: Simd) {
        let arm = self.arms[self.kind as usize].as_mut().expect("a chunk has begun");
        arm.slots.find(simd, &mut self.table, shape.contexts);
        if let Some(directs) = &mut self.directs {
            directs.find();
        }
    }

    /// Reads or writes the text transform's dictionary.
    pub fn dictionary(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        self.inverse.state(io)
    }

    /// The newest coded bytes, `most` at most.
    pub fn last_bytes(&self, most: usize) -> Vec<u8> {
        self.parsed.history.newest(most)
    }

    /// Its slots, when it is not needed any more.
    pub fn into_slots(mut self) -> SharedBytes {
        if let Some(arm) = &self.arms[self.kind as usize] {
            arm.slots.put_back(self.simd, &mut self.table, arm.slots.contexts());
        }
        self.table.into_shared()
    }

    /// What maps and weighs the opinions of contexts of text.
    pub fn text(&mut self) -> Result<(&mut Slots, &mut Mixer), StateError> {
        let arm = &mut self.arms[0];
        if arm.is_none() {
            *arm = Arm::new(self.setup, self.text, self.size_class);
            self.fresh = true;
        }
        let arm = arm.as_mut().ok_or(StateError::Memory)?;
        Ok((&mut arm.slots, &mut arm.mixer))
    }

    /// Reads or writes what models have turned out to be worth on text, apart from what they have
    /// seen: weights and maps, but for APMs, whose sizes follow the block's.
    pub fn worth(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        let (slots, mixer) = self.text()?;
        slots.maps_state(io)?;
        mixer.state(io)?;
        if let Some(runs) = &mut self.runs {
            runs.maps_state(io)?;
        }
        self.matches.iter_mut().try_for_each(|model| model.map_state(io))?;
        self.order0.state(io)
    }

    /// Reads or writes everything learned, at a byte's end. Before reading, the predictor must
    /// be new.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        debug_assert_eq!(self.depth, 0);
        io.section("predictor")?;
        let [text, binary, structured] = Kind::ALL.map(|kind| u8::from(self.arms[kind as usize].is_some()));
        let mut kinds = [self.kind as u8, text, binary, structured];
        io.u8s(&mut kinds)?;
        let at_work = Kind::ALL.into_iter().find(|&kind| kind as u8 == kinds[0]);
        let at_work = at_work.ok_or(StateError::Impossible("predictor"))?;
        if kinds[3] != 0 && self.setup.structured.is_none() {
            return Err(StateError::Impossible("predictor"));
        }
        self.ways.text.state(io)?;
        // The kind at work comes last: what it has of contexts stays.
        let others = Kind::ALL.into_iter().filter(|&kind| kind != at_work);
        for kind in others.chain([at_work]) {
            let is_left = kind == at_work && self.kind != kind;
            if kinds[1 + kind as usize] != 0 && (!self.has(kind) || is_left) {
                self.begin(kind).ok_or(StateError::Memory)?;
            }
        }
        self.turn_to(at_work);
        if kinds[1 + at_work as usize] == 0 && kinds[1..] != [0, 0, 0] {
            return Err(StateError::Impossible("predictor"));
        }
        for arm in self.arms.iter_mut().flatten() {
            arm.state(io)?;
        }
        self.parsed.state(io)?;
        self.table.state(io)?;
        if let Some(runs) = &mut self.runs {
            runs.state(io)?;
        }
        if let Some(directs) = &mut self.directs {
            directs.state(io)?;
        }
        for model in &mut self.matches {
            model.state(io)?;
        }
        self.order0.state(io)?;
        if let Some(network) = &mut self.network {
            network.state(io)?;
        }
        for corrector in self.correctors.iter_mut().flatten() {
            corrector.state(io)?;
        }
        self.pick_tree();
        self.find_ways();
        if let Some(runs) = &mut self.runs {
            runs.find_ways(self.ways.tree());
        }
        self.parsed.expected = self.matches.first().map_or((0, 0), MatchModel::expected);
        self.contexts.state(io)?;
        self.inverse.state(io)?;
        if self.arms[self.kind as usize].is_some() {
            self.look_ahead(self.arm().shape);
        }
        Ok(())
    }
}
