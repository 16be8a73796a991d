//! Assembly: contexts, slots, match models, mixer and APMs as one predictor.

use foretold_models::contexts::Contexts;
use foretold_models::{
    AdaptiveMap, Apm, ApmPlace, DIRECT_INPUTS, Directs, MATCH_INPUTS, MAX_SETS, MatchModel, Mixed, Mixer,
    Parsed, Runs, SLOT_INPUTS, SlotTable, Slots, StateError, StateIo, hash,
};
use foretold_numerics::{LANES, P1, squash_fine, stretch};

use crate::setup::{Assembly, Selector, Setup, View};

/// Mixer inputs there can be.
const MAX_INPUTS: usize = 512;
/// Inputs beside those of contexts and match models: order 0 and the bias.
const OWN_INPUTS: usize = 2;
/// The bias: a constant input of one nat.
const BIAS: i16 = 256;
/// APMs of the last stage.
const APMS: usize = 6;
/// Base-2 logarithm of the contexts of those that are hashed, at most.
const APM_LOG2: u32 = 16;
/// An APM's nearest point moves by 2^-6 of the error.
const APM_RATE: u32 = 6;

/// What kind of data a chunk holds: picks the assembly that predicts it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Text in any language or notation.
    Text = 0,
    /// Anything else.
    Binary = 1,
}

/// What a predictor says of one bit, and what its update needs to know of how it came to it.
///
/// Written by [`Predictor::predict`], read by [`Predictor::update`]; in between nothing changes.
#[derive(Debug)]
#[repr(align(64))]
pub struct Prediction {
    inputs: [i16; MAX_INPUTS],
    mixed: Mixed,
    apms: [ApmPlace; APMS],
}

impl Default for Prediction {
    fn default() -> Self {
        Prediction { inputs: [0; MAX_INPUTS], mixed: Mixed::default(), apms: Default::default() }
    }
}

/// What one kind of data has to itself.
#[derive(Debug)]
struct Arm {
    assembly: &'static Assembly,
    slots: Slots,
    mixer: Mixer,
    apms: Vec<Apm>,
    inputs: usize,
}

impl Arm {
    fn new(assembly: &'static Assembly, matches: usize, size_class: u8) -> Option<Self> {
        let inputs = assembly_inputs(assembly, matches);
        assert!(inputs <= MAX_INPUTS, "{inputs} inputs, where {MAX_INPUTS} are the most");
        assert!(assembly.apms == 2 || assembly.apms == APMS, "{} APMs", assembly.apms);
        let apms = (0..assembly.apms)
            .map(|i| Apm::new(apm_contexts(i, size_class), APM_RATE))
            .collect::<Option<_>>()?;
        Some(Arm {
            assembly,
            slots: Slots::new(assembly.contexts(), HISTORY_LIMIT)?,
            mixer: Mixer::new(inputs, &sizes(assembly.selectors), &sizes(assembly.finals), assembly.rates)?,
            apms,
            inputs,
        })
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

fn sizes(selectors: &[Selector]) -> Vec<u32> {
    selectors.iter().map(|selector| selector.size).collect()
}

/// The first looks at the byte's bits so far alone; the others' tables follow the content.
fn apm_contexts(index: usize, size_class: u8) -> usize {
    if index == 0 { 256 } else { 1 << u32::from(size_class).min(APM_LOG2) }
}

fn assembly_inputs(assembly: &Assembly, matches: usize) -> usize {
    let count = assembly.contexts();
    let runs = if assembly.runs { count } else { 0 };
    let inputs =
        count * SLOT_INPUTS + runs + assembly.directs * DIRECT_INPUTS + matches * MATCH_INPUTS + OWN_INPUTS;
    inputs.next_multiple_of(LANES)
}

/// One block's model of what comes next: asked and taught strictly in turn.
#[derive(Debug)]
pub struct Predictor {
    setup: &'static Setup,
    size_class: u8,
    kind: Kind,
    /// By kind; made when the first chunk of the kind comes.
    arms: [Option<Arm>; 2],
    parsed: Parsed,
    table: SlotTable,
    runs: Option<Runs>,
    directs: Option<Directs>,
    matches: Vec<MatchModel>,
    order0: AdaptiveMap,
    /// The byte's bits so far, 1-bit prefixed: 1 ..= 255.
    partial: u32,
    /// How many of them: 0 ..= 7.
    bit_position: u32,
    contexts: Contexts,
}

impl Predictor {
    /// The predictor of a setup for blocks of about `2^size_class` bytes; `None` if the memory
    /// cannot be had.
    pub fn new(setup: &'static Setup, size_class: u8) -> Option<Self> {
        let assemblies = [setup.text, setup.binary];
        let most = |of: fn(&Assembly) -> usize| assemblies.iter().map(|a| of(a)).max().unwrap_or(0);
        let run_contexts = most(|a| if a.runs { a.contexts() } else { 0 });
        let direct_contexts = most(|a| a.directs);
        let log2 = setup.sizes(size_class);
        Some(Predictor {
            setup,
            size_class,
            kind: Kind::Text,
            arms: [None, None],
            parsed: Parsed::new(log2.history)?,
            table: SlotTable::new(log2.slots)?,
            runs: if run_contexts > 0 { Some(Runs::new(run_contexts, log2.runs, RUN_LIMIT)?) } else { None },
            directs: if direct_contexts > 0 {
                Some(Directs::new(direct_contexts, log2.directs)?)
            } else {
                None
            },
            matches: setup
                .matches
                .iter()
                .map(|&min_len| MatchModel::new(min_len, log2.heads, RUN_LIMIT))
                .collect::<Option<_>>()?,
            order0: AdaptiveMap::new(256, HISTORY_LIMIT)?,
            partial: 1,
            bit_position: 0,
            contexts: Contexts::default(),
        })
    }

    /// Bytes a predictor takes when both kinds of data have come.
    pub fn memory_bytes(setup: &Setup, size_class: u8) -> u64 {
        let log2 = setup.sizes(size_class);
        let mut total = (1u64 << log2.history) + (1 << log2.slots);
        total += setup.matches.len() as u64 * (4 << log2.heads);
        let mut runs = false;
        let mut directs = false;
        for assembly in [setup.text, setup.binary] {
            let inputs = assembly_inputs(assembly, setup.matches.len());
            total += Mixer::memory_bytes(inputs, &sizes(assembly.selectors), &sizes(assembly.finals));
            total += assembly.contexts() as u64 * 2048;
            total += (0..assembly.apms).map(|i| apm_contexts(i, size_class) as u64 * 132).sum::<u64>();
            runs |= assembly.runs;
            directs |= assembly.directs > 0;
        }
        total += if runs { 4 << log2.runs } else { 0 };
        total += if directs { 1 << log2.directs } else { 0 };
        // Parsing tables, a chunk's content and payload, and what is counted per object.
        total + (4 << 20)
    }

    /// Turns to a chunk of this kind; `None` if the memory cannot be had.
    pub fn begin(&mut self, kind: Kind) -> Option<()> {
        if let Some(arm) = &self.arms[self.kind as usize] {
            if kind == self.kind {
                return Some(());
            }
            arm.slots.put_back(&mut self.table);
        }
        self.kind = kind;
        let assembly = [self.setup.text, self.setup.binary][kind as usize];
        let arm = &mut self.arms[kind as usize];
        if arm.is_none() {
            *arm = Some(Arm::new(assembly, self.matches.len(), self.size_class)?);
        }
        self.turn(false);
        Some(())
    }

    fn arm(&self) -> &Arm {
        self.arms[self.kind as usize].as_ref().expect("a chunk has begun")
    }

    /// The nibble's bits so far, 1-bit prefixed.
    fn node(&self) -> usize {
        let since = self.bit_position & 3;
        (self.partial as usize & ((1 << since) - 1)) | 1 << since
    }

    fn apm_context(&self, index: usize) -> usize {
        let last = self.parsed.history.last8;
        let seen = match index {
            0 => return self.partial as usize,
            1 => last & 0xff,
            2 => last & 0xffff | 1 << 40,
            3 => last & 0xff_ffff | 2 << 40,
            4 => self.parsed.words.here(),
            _ => self.matches.first().map_or(0, |m| {
                u64::from(m.expected_byte(self.partial, self.bit_position) << 4 | m.len_class()) | 3 << 40
            }),
        };
        (hash(seen, self.partial) >> 24) as usize & (apm_contexts(index, self.size_class) - 1)
    }

    /// The probability that the next bit is one, without learning anything.
    #[inline]
    pub fn predict(&self, made: &mut Prediction) -> P1 {
        let arm = self.arm();
        let node = self.node();
        let contexts = arm.slots.contexts();
        let (from_slots, rest) = made.inputs[..arm.inputs].split_at_mut(contexts * SLOT_INPUTS);
        let known = arm.slots.predict(node, from_slots);
        let (own, rest) = rest.split_at_mut(OWN_INPUTS);
        own[0] = stretch(self.order0.p1_q16(self.partial as usize));
        own[1] = BIAS;
        let (from_matches, rest) = rest.split_at_mut(self.matches.len() * MATCH_INPUTS);
        for (model, out) in self.matches.iter().zip(from_matches.chunks_exact_mut(MATCH_INPUTS)) {
            model.predict(self.partial, self.bit_position, out);
        }
        let (from_directs, rest) = rest.split_at_mut(arm.assembly.directs * DIRECT_INPUTS);
        if let Some(directs) = &self.directs {
            directs.predict(node, from_directs);
        }
        if let (Some(runs), true) = (&self.runs, arm.assembly.runs) {
            runs.predict(self.partial, self.bit_position, &mut rest[..contexts]);
        }

        let view = View {
            parsed: &self.parsed,
            matches: &self.matches,
            partial: self.partial,
            bit_position: self.bit_position,
            known,
            contexts: contexts as u32,
        };
        let mut first = [0; MAX_SETS];
        for (pick, selector) in first.iter_mut().zip(arm.assembly.selectors) {
            *pick = (selector.pick)(&view);
        }
        let mut second = [0; MAX_SETS];
        for (pick, selector) in second.iter_mut().zip(arm.assembly.finals) {
            *pick = (selector.pick)(&view);
        }
        arm.mixer.predict(&made.inputs[..arm.inputs], &first, &second, &mut made.mixed);
        self.refine(arm, made)
    }

    /// The mean of the mixed probability, twice, and the APMs' (as many as make 4 or 8).
    fn refine(&self, arm: &Arm, made: &mut Prediction) -> P1 {
        let logit = made.mixed.logit;
        let mut total = 2 * squash_fine(logit).get();
        for (i, (apm, place)) in arm.apms.iter().zip(&mut made.apms).enumerate() {
            total += apm.refine(logit, self.apm_context(i), place);
        }
        P1::clamped(if arm.apms.len() == 2 { total >> 2 } else { total >> 3 })
    }

    /// Learns the bit that came after [`predict`](Self::predict) made `made`.
    #[inline]
    pub fn update(&mut self, made: &Prediction, bit: bool) {
        let node = self.node();
        let arm = self.arms[self.kind as usize].as_mut().expect("a chunk has begun");
        arm.mixer.update(&made.inputs[..arm.inputs], &made.mixed, bit);
        for (apm, place) in arm.apms.iter_mut().zip(&made.apms) {
            apm.update(place, bit);
        }
        arm.slots.update(node, bit);
        if let Some(directs) = &mut self.directs {
            directs.update(node, bit);
        }
        if let (Some(runs), true) = (&mut self.runs, arm.assembly.runs) {
            runs.update(self.partial, self.bit_position, bit);
        }
        for model in &mut self.matches {
            model.update(self.partial, self.bit_position, bit);
        }
        self.order0.update(self.partial as usize, bit);
        self.partial = self.partial << 1 | u32::from(bit);
        self.bit_position += 1;
        match self.bit_position {
            4 => {
                arm.slots.second_nibble(&self.table, self.partial);
                if let Some(directs) = &mut self.directs {
                    directs.turn(&self.contexts.hashes()[..arm.assembly.directs], self.partial);
                }
                arm.slots.find(&mut self.table);
            }
            8 => {
                self.parsed.push(self.partial as u8);
                self.partial = 1;
                self.bit_position = 0;
                self.turn(true);
            }
            _ => {}
        }
    }

    /// Turns to the contexts of the next byte; `pushed` if one has come since the last turn.
    fn turn(&mut self, pushed: bool) {
        let arm = self.arms[self.kind as usize].as_mut().expect("a chunk has begun");
        self.contexts.clear();
        for group in arm.assembly.groups {
            (group.add)(&self.parsed, &mut self.contexts);
        }
        let hashes = self.contexts.hashes();
        debug_assert_eq!(hashes.len(), arm.slots.contexts(), "a group's count is wrong");
        // What follows overlaps with the fetching of the slots.
        arm.slots.first_nibble(&self.table, hashes);
        if let Some(directs) = &mut self.directs {
            directs.turn(&hashes[..arm.assembly.directs], 0);
        }
        if let Some(runs) = &mut self.runs {
            let last = self.parsed.history.last8 as u8;
            runs.next_byte(pushed.then_some(last), if arm.assembly.runs { hashes } else { &[] });
        }
        if pushed {
            for model in &mut self.matches {
                model.next_byte(&self.parsed.history);
            }
        }
        arm.slots.find(&mut self.table);
    }

    /// Reads or writes everything learned, at a byte's end. Before reading, the predictor must
    /// be new.
    pub fn state(&mut self, io: &mut dyn StateIo) -> Result<(), StateError> {
        debug_assert_eq!(self.bit_position, 0);
        io.section("predictor")?;
        let mut kinds = [self.kind as u8, u8::from(self.arms[0].is_some()), u8::from(self.arms[1].is_some())];
        io.u8s(&mut kinds)?;
        for (index, kind) in [Kind::Text, Kind::Binary].into_iter().enumerate() {
            if kinds[1 + index] != 0 && self.arms[index].is_none() {
                self.begin(kind).ok_or(StateError::Memory)?;
            }
        }
        self.kind = if kinds[0] == Kind::Binary as u8 { Kind::Binary } else { Kind::Text };
        if kinds[1 + self.kind as usize] == 0 && kinds[1..] != [0, 0] {
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
        self.contexts.state(io)
    }
}
