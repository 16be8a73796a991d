//! A byte-level LSTM that learns as it codes.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use foretold_numerics::{FLOAT_LANES, Lanes, Simd, StandardFloats, Work, floats, floats_mut};

use crate::backward::{Job, Learning, Moments, Scratch, Trace};
use crate::cell;
use crate::weights::{Dimensions, Expected, Layers, MATCH_CLASSES, Output, SYMBOLS, Weights};

/// What stands for the byte before the first.
pub(crate) const START: u8 = b'\n';

/// A part of a network's state: one method names all of them, for both directions.
#[derive(Debug)]
pub enum Part<'a> {
    /// Floating-point values.
    Floats(&'a mut [f32]),
    /// Counts.
    Counts(&'a mut [u32]),
    /// Bytes.
    Bytes(&'a mut [u8]),
}

/// A backward pass that is not yet in the weights.
#[derive(Debug)]
enum Pending {
    /// All weights are as they should be.
    None,
    /// Another thread does it; if there was none to be had, the job is still there.
    Running(JoinHandle<()>, Arc<Mutex<Option<Job>>>),
    /// It is done: these become the weights.
    Done(Box<Layers>),
}

/// Predicts the next byte from all before it, and learns from each: gated recurrent layers,
/// normalised before their gates, each with the last byte as its input and the units of the
/// layer below; a linear layer from the units of all to the logits of 256 bytes. It may hear what a
/// match model expects next: as rows of weights into the lowest layer, and as a bias of the expected
/// byte's logit.
///
/// The layers learn by back-propagation through a horizon of [`Learning::horizon`] bytes; the step
/// that comes of it is taken [`Learning::delay`] bytes later, so that another thread can work it
/// out meanwhile, and whether one does never shows. The last layer learns from every byte.
///
/// Source: S. Hochreiter, J. Schmidhuber, Long short-term memory (1997); coupled gates as in
/// K. Greff et al., LSTM: a search space odyssey (2015); B. Zhang, R. Sennrich, Root mean square
/// layer normalization (2019); learning as it codes as in B. Knoll, cmix.
#[derive(Debug)]
pub struct ByteLstm {
    simd: Simd,
    dimensions: Dimensions,
    learning: Learning,
    layers: Arc<Layers>,
    output: Output,
    /// Memory for the next weights.
    spare: Option<Box<Layers>>,
    /// With the job, while there is one.
    moments: Option<Box<Moments>>,
    trace: Box<Trace>,
    /// Memory for the next horizon's trace, and for the next pass.
    spare_trace: Option<Box<Trace>>,
    scratch: Option<Box<Scratch>>,
    pending: Pending,
    threads: bool,
    /// Steps of the horizon so far, and bytes learned.
    step: usize,
    bytes: u32,
    /// `(layers, hidden)`.
    hidden: Vec<f32>,
    cells: Vec<Lanes>,
    /// Of the next byte.
    probabilities: Vec<Lanes>,
    /// Working memory: pre-activations; gradients of logits and of units.
    sums: Vec<Lanes>,
    d_logits: Vec<Lanes>,
    d_units: Vec<f32>,
}

impl ByteLstm {
    /// A network that begins with these weights.
    pub fn new(weights: Weights, learning: Learning) -> ByteLstm {
        ByteLstm::with_simd(weights, learning, Simd::detect())
    }

    /// The same, computed with this instruction set.
    pub fn with_simd(weights: Weights, learning: Learning, simd: Simd) -> ByteLstm {
        let _standard = StandardFloats::set();
        let Weights { dimensions, layers, output } = weights;
        assert!(
            learning.horizon.is_multiple_of(8) && (1..learning.horizon).contains(&learning.delay),
            "{learning:?}"
        );
        let groups = dimensions.groups();
        let mut lstm = ByteLstm {
            simd,
            dimensions,
            learning,
            layers: Arc::new(layers),
            output,
            spare: None,
            moments: Some(Box::new(Moments::new(dimensions))),
            trace: Box::new(Trace::new(dimensions, learning.horizon)),
            spare_trace: None,
            scratch: None,
            pending: Pending::None,
            threads: false,
            step: 0,
            bytes: 0,
            hidden: vec![0.0; dimensions.layers * dimensions.hidden],
            cells: vec![Lanes::ZERO; dimensions.layers * groups],
            probabilities: vec![Lanes::ZERO; SYMBOLS / FLOAT_LANES],
            sums: vec![Lanes::ZERO; dimensions.gates * groups],
            d_logits: vec![Lanes::ZERO; SYMBOLS / FLOAT_LANES],
            d_units: vec![0.0; dimensions.layers * dimensions.hidden],
        };
        lstm.forward(START, Expected::default());
        lstm
    }

    /// Lets backward passes be done by a thread of their own, from the next horizon on; or not, and
    /// then no thread works when this returns.
    pub fn set_threads(&mut self, threads: bool) {
        self.threads = threads;
        if !threads {
            self.settle();
        }
    }

    /// The probability of each byte to be the next: positive, their sum nearly one.
    pub fn probabilities(&self) -> &[f32; SYMBOLS] {
        let lanes: &[Lanes] = &self.probabilities;
        floats(lanes).try_into().expect("as many as there are bytes")
    }

    /// Sizes.
    pub fn dimensions(&self) -> Dimensions {
        self.dimensions
    }

    /// Learns the byte that came, and looks at what may come next; a match model expects what
    /// `expected` says, if the network hears of it.
    pub fn update(&mut self, byte: u8, expected: Expected) {
        let _standard = StandardFloats::set();
        self.learn(byte);
        self.forward(byte, expected);
    }

    fn learn(&mut self, byte: u8) {
        self.simd.run(Learn { lstm: self, byte });
        self.bytes = self.bytes.saturating_add(1);
        self.step += 1;
        if self.step == self.learning.horizon {
            self.step = 0;
            self.begin_pass();
        }
        if self.step == self.learning.delay {
            self.take_step();
        }
    }

    /// Begins the backward pass of the horizon that has ended.
    fn begin_pass(&mut self) {
        let next = self.spare.take().unwrap_or_else(|| Box::new(Layers::zeros(self.dimensions)));
        let spare = self
            .spare_trace
            .take()
            .unwrap_or_else(|| Box::new(Trace::new(self.dimensions, self.learning.horizon)));
        let scratch = self
            .scratch
            .take()
            .unwrap_or_else(|| Box::new(Scratch::new(self.dimensions, self.learning.horizon)));
        let mut job = Job {
            simd: self.simd,
            dimensions: self.dimensions,
            learning: self.learning,
            weights: Arc::clone(&self.layers),
            next,
            moments: self.moments.take().expect("the last pass is over"),
            trace: std::mem::replace(&mut self.trace, spare),
            scratch,
        };
        if !self.threads {
            job.work();
            self.end_pass(job);
            return;
        }
        let shared = Arc::new(Mutex::new(Some(job)));
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new().name("foretold-network".into()).spawn(move || {
            if let Some(job) = theirs.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
                job.work();
            }
        });
        match thread {
            Ok(thread) => self.pending = Pending::Running(thread, shared),
            Err(_) => {
                let mut job = take(&shared);
                job.work();
                self.end_pass(job);
            }
        }
    }

    fn end_pass(&mut self, job: Job) {
        self.moments = Some(job.moments);
        self.spare_trace = Some(job.trace);
        self.scratch = Some(job.scratch);
        self.pending = Pending::Done(job.next);
    }

    /// Waits for the backward pass, if one is under way: no thread works after this.
    fn settle(&mut self) {
        match std::mem::replace(&mut self.pending, Pending::None) {
            Pending::Running(thread, shared) => {
                if thread.join().is_err() {
                    panic!("a backward pass has panicked");
                }
                self.end_pass(take(&shared));
            }
            other => self.pending = other,
        }
    }

    /// The weights are what the last backward pass made of them.
    fn take_step(&mut self) {
        self.settle();
        if let Pending::Done(next) = std::mem::replace(&mut self.pending, Pending::None) {
            let old = std::mem::replace(&mut self.layers, Arc::from(next));
            self.spare = Arc::try_unwrap(old).ok().map(Box::new);
        }
    }

    fn forward(&mut self, byte: u8, expected: Expected) {
        match self.dimensions.gates {
            4 => self.simd.run(Forward::<4> { lstm: self, byte, expected }),
            _ => self.simd.run(Forward::<3> { lstm: self, byte, expected }),
        }
    }

    /// Shows every part of the state, to be read or written, at any byte.
    pub fn state<E>(&mut self, see: &mut impl FnMut(Part<'_>) -> Result<(), E>) -> Result<(), E> {
        self.settle();
        let mut counts = [self.step as u32, self.bytes, u32::from(matches!(self.pending, Pending::Done(_)))];
        see(Part::Counts(&mut counts))?;
        self.step = counts[0] as usize % self.learning.horizon;
        self.bytes = counts[1];
        self.pending = match (counts[2], std::mem::replace(&mut self.pending, Pending::None)) {
            (0, _) => Pending::None,
            (_, Pending::Done(next)) => Pending::Done(next),
            _ => Pending::Done(Box::new(Layers::zeros(self.dimensions))),
        };
        let mut lanes = |lanes: &mut [Lanes]| see(Part::Floats(floats_mut(lanes)));
        let layers = Arc::get_mut(&mut self.layers).expect("no pass is under way");
        layers.parts_mut().try_for_each(&mut lanes)?;
        if let Pending::Done(next) = &mut self.pending {
            next.parts_mut().try_for_each(&mut lanes)?;
        }
        lanes(self.output.matrix.lanes_mut())?;
        lanes(&mut self.output.bias)?;
        if !self.output.match_bias.is_empty() {
            lanes(&mut self.output.match_bias)?;
        }
        lanes(&mut self.cells)?;
        lanes(&mut self.probabilities)?;
        let moments = self.moments.as_mut().expect("no pass is under way");
        moments.layers.parts_mut().try_for_each(&mut lanes)?;
        for layer in &mut self.trace.layers {
            for part in [&mut layer.normal, &mut layer.gates, &mut layer.before, &mut layer.squashed] {
                lanes(part)?;
            }
            lanes(&mut layer.d_hidden)?;
        }
        for layer in &mut self.trace.layers {
            see(Part::Floats(&mut layer.scale))?;
            see(Part::Floats(&mut layer.inputs))?;
        }
        see(Part::Floats(&mut self.hidden))?;
        see(Part::Counts(&mut moments.seen))?;
        see(Part::Counts(std::slice::from_mut(&mut moments.steps)))?;
        see(Part::Bytes(&mut self.trace.bytes))?;
        if self.dimensions.hears_match {
            see(Part::Bytes(self.trace.expected.as_flattened_mut()))?;
            for [_, class] in &mut self.trace.expected {
                *class %= MATCH_CLASSES as u8;
            }
        }
        Ok(())
    }
}

impl Drop for ByteLstm {
    fn drop(&mut self) {
        if let Pending::Running(thread, _) = std::mem::replace(&mut self.pending, Pending::None) {
            let _ = thread.join();
        }
    }
}

fn take(shared: &Mutex<Option<Job>>) -> Job {
    shared.lock().unwrap_or_else(PoisonError::into_inner).take().expect("the job is given back")
}

/// One step of all layers, and the probabilities that come of it: code for each number of gates.
struct Forward<'a, const GATES: usize> {
    lstm: &'a mut ByteLstm,
    byte: u8,
    expected: Expected,
}

impl<const GATES: usize> Work for Forward<'_, GATES> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Simd) {
        let ByteLstm { dimensions, layers, output, trace, step, hidden, cells, probabilities, sums, .. } =
            self.lstm;
        let (groups, units, t) = (dimensions.groups(), dimensions.hidden, *step);
        let width = GATES * groups;
        trace.bytes[t] = self.byte;
        if let Some(expected) = trace.expected.get_mut(t) {
            *expected = [self.expected.byte, self.expected.class];
        }
        for (l, layer) in layers.0.iter().enumerate() {
            let did = &mut trace.layers[l];
            let inputs = &mut did.inputs[t * dimensions.inputs(l)..][..dimensions.inputs(l)];
            inputs[..units].copy_from_slice(&hidden[l * units..][..units]);
            if l > 0 {
                inputs[units..].copy_from_slice(&hidden[(l - 1) * units..][..units]);
            }
            sums.copy_from_slice(&layer.embed[usize::from(self.byte) * width..][..width]);
            cell::hear(sums, &layer.match_byte, &layer.match_class, self.expected);
            layer.matrix.add_product(inputs, sums);

            let normal = &mut did.normal[t * width..][..width];
            let gates = &mut did.gates[t * width..][..width];
            let scale = cell::gates::<GATES>(sums, &layer.gain, &layer.bias, normal, gates);
            did.scale[t * GATES..][..GATES].copy_from_slice(&scale);
            for i in 0..groups {
                let cell = &mut cells[l * groups + i];
                did.before[t * groups + i] = *cell;
                let (squashed, units_now) = cell::turn::<GATES>(gates, i, groups, cell);
                did.squashed[t * groups + i] = squashed;
                units_now.put(&mut hidden[l * units + i * FLOAT_LANES..]);
            }
        }

        probabilities.copy_from_slice(&output.bias);
        output.matrix.add_product(hidden, probabilities);
        cell::expect(probabilities, &output.match_bias, self.expected);
        cell::softmax(probabilities);
    }
}

/// What the last layer learns from the byte that came, and what the other layers will.
struct Learn<'a> {
    lstm: &'a mut ByteLstm,
    byte: u8,
}

impl Work for Learn<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Simd) {
        let ByteLstm {
            dimensions,
            learning,
            output,
            trace,
            step,
            bytes,
            hidden,
            probabilities,
            d_logits,
            d_units,
            ..
        } = self.lstm;
        let (first, last, half) = learning.output;
        let rate = last + (first - last) / (1.0 + *bytes as f32 / half);
        d_logits.copy_from_slice(probabilities);
        let byte = usize::from(self.byte);
        d_logits[byte / FLOAT_LANES].0[byte % FLOAT_LANES] -= 1.0;

        output.matrix.transposed_product(0, d_logits, d_units);
        output.matrix.subtract_outer(hidden, d_logits, rate);
        for (bias, d) in output.bias.iter_mut().zip(d_logits.iter()) {
            *bias = bias.with(*d, |bias, d| bias - rate * d);
        }
        if let Some(&[expected, class]) = trace.expected.get(*step).filter(|row| row[1] != 0) {
            let d = floats(d_logits)[usize::from(expected)];
            floats_mut(&mut output.match_bias)[usize::from(class)] -= rate * d;
        }
        let groups = dimensions.groups();
        for (l, did) in trace.layers.iter_mut().enumerate() {
            let d_hidden = &mut did.d_hidden[*step * groups..][..groups];
            for (i, lanes) in d_hidden.iter_mut().enumerate() {
                *lanes = Lanes::of(&d_units[(l * groups + i) * FLOAT_LANES..]);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: Dimensions = Dimensions { hidden: 64, layers: 2, gates: 3, hears_match: false };
    const FOUR_GATES: Dimensions = Dimensions { gates: 4, ..SMALL };
    const HEARS: Dimensions = Dimensions { hears_match: true, ..SMALL };
    const LEARNING: Learning = Learning {
        horizon: 16,
        delay: 11,
        rate: 0.004,
        warm_up: 3,
        half: 100.0,
        newest: 0.01,
        output: (0.05, 0.01, 100.0),
    };

    fn text(len: usize) -> Vec<u8> {
        let mut seed = 7u32;
        let words = ["the ", "cat ", "sat ", "on a mat", ".\n", "\u{e9}t\u{e9} "];
        let mut text = Vec::new();
        while text.len() < len {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            text.extend_from_slice(words[(seed >> 24) as usize % words.len()].as_bytes());
        }
        text.truncate(len);
        text
    }

    /// What a match model of a kind expects after this byte: after some nothing.
    fn expected(byte: u8) -> Expected {
        Expected { byte: byte.wrapping_add(1), class: byte % MATCH_CLASSES as u8 }
    }

    /// Every probability it gives, as bits.
    fn run(lstm: &mut ByteLstm, text: &[u8]) -> Vec<u32> {
        let mut all = Vec::new();
        for &byte in text {
            all.extend(lstm.probabilities().iter().map(|p| p.to_bits()));
            lstm.update(byte, expected(byte));
        }
        all
    }

    fn state(lstm: &mut ByteLstm) -> Vec<u8> {
        let mut out = Vec::new();
        let saved: Result<(), ()> = lstm.state(&mut |part| {
            match part {
                Part::Floats(floats) => out.extend(floats.iter().flat_map(|x| x.to_bits().to_le_bytes())),
                Part::Counts(counts) => out.extend(counts.iter().flat_map(|x| x.to_le_bytes())),
                Part::Bytes(bytes) => out.extend_from_slice(bytes),
            }
            Ok(())
        });
        saved.unwrap();
        out
    }

    fn load(lstm: &mut ByteLstm, mut saved: &[u8]) {
        let loaded: Result<(), ()> = lstm.state(&mut |part| {
            let mut word = || {
                let (now, rest) = saved.split_at(4);
                saved = rest;
                u32::from_le_bytes(now.try_into().unwrap())
            };
            match part {
                Part::Floats(floats) => floats.iter_mut().for_each(|x| *x = f32::from_bits(word())),
                Part::Counts(counts) => counts.iter_mut().for_each(|x| *x = word()),
                Part::Bytes(bytes) => {
                    let (now, rest) = saved.split_at(bytes.len());
                    bytes.copy_from_slice(now);
                    saved = rest;
                }
            }
            Ok(())
        });
        loaded.unwrap();
        assert!(saved.is_empty());
    }

    #[test]
    fn it_learns_and_its_probabilities_add_up() {
        let text = text(6000);
        for dimensions in [SMALL, FOUR_GATES] {
            let mut lstm = ByteLstm::new(Weights::untrained(dimensions), LEARNING);
            let mut bits = [0.0; 2];
            for (i, &byte) in text.iter().enumerate() {
                let p = lstm.probabilities();
                assert!((p.iter().map(|&p| f64::from(p)).sum::<f64>() - 1.0).abs() < 1e-5);
                bits[i / 3000] -= f64::from(p[usize::from(byte)]).log2() / 3000.0;
                lstm.update(byte, Expected::default());
            }
            assert!(bits[0] < 2.5 && bits[1] < 1.0, "{dimensions}: {bits:?}");
        }
    }

    #[test]
    fn instruction_sets_and_threads_give_the_same_bits() {
        let text = text(150);
        for (layers, gates, hears_match) in
            [(1, 3, false), (2, 3, false), (3, 3, false), (1, 4, false), (2, 4, true), (2, 3, true)]
        {
            let weights = || Weights::untrained(Dimensions { hidden: 128, layers, gates, hears_match });
            let mut scalar = ByteLstm::with_simd(weights(), LEARNING, Simd::Scalar);
            let wanted = run(&mut scalar, &text);
            let last = state(&mut scalar);
            for simd in Simd::available() {
                for threads in [false, true] {
                    let mut lstm = ByteLstm::with_simd(weights(), LEARNING, simd);
                    lstm.set_threads(threads);
                    assert!(run(&mut lstm, &text) == wanted, "{} {threads}", simd.name());
                    assert!(state(&mut lstm) == last, "{} {threads}", simd.name());
                }
            }
        }
    }

    #[test]
    fn a_saved_network_goes_on_as_if_nothing_had_been() {
        let text = text(120);
        for (dimensions, threads) in [(SMALL, false), (SMALL, true), (FOUR_GATES, true), (HEARS, true)] {
            // At a horizon's beginning and end, with a pass under way, after its step, ...
            for cut in [0, 1, 15, 16, 17, 26, 27, 28, 40, 64] {
                let mut lstm = ByteLstm::new(Weights::untrained(dimensions), LEARNING);
                lstm.set_threads(threads);
                run(&mut lstm, &text[..cut]);
                let saved = state(&mut lstm);
                let mut other = ByteLstm::new(Weights::untrained(dimensions), LEARNING);
                load(&mut other, &saved);
                assert_eq!(state(&mut other), saved);
                assert!(run(&mut lstm, &text[cut..]) == run(&mut other, &text[cut..]), "{cut}");
                assert!(state(&mut lstm) == state(&mut other), "{cut}");
            }
        }
    }

    #[test]
    fn a_network_that_is_dropped_waits_for_its_thread() {
        let mut lstm = ByteLstm::new(Weights::untrained(SMALL), LEARNING);
        lstm.set_threads(true);
        run(&mut lstm, &text(16));
        assert!(matches!(lstm.pending, Pending::Running(..)));
        drop(lstm);
    }

    /// The loss of a text in nats, all in f64, as the papers have it.
    fn loss(weights: &Weights, text: &[u8]) -> f64 {
        let Dimensions { hidden, layers, gates, hears_match } = weights.dimensions;
        let wide = |lanes: &[Lanes]| floats(lanes).iter().map(|&x| f64::from(x)).collect::<Vec<_>>();
        let at = |matrix: &crate::matrix::Matrix, row: usize, column: usize| {
            let lanes = matrix.panel(column / 64)[row * 4 + column % 64 / 16];
            f64::from(lanes.0[column % 16])
        };
        let mut h = vec![vec![0.0; hidden]; layers];
        let mut c = h.clone();
        let (mut last, mut heard) = (START, Expected::default());
        let mut loss = 0.0;
        for &byte in text {
            let (next, class) = (usize::from(heard.byte), usize::from(heard.class));
            let heard_now = hears_match && class > 0;
            for l in 0..layers {
                let layer = &weights.layers.0[l];
                let mut inputs = h[l].clone();
                if l > 0 {
                    inputs.extend(h[l - 1].clone());
                }
                let width = gates * hidden;
                let mut sums = wide(&layer.embed)[usize::from(last) * width..][..width].to_vec();
                if heard_now && l == 0 {
                    let (bytes, classes) = (wide(&layer.match_byte), wide(&layer.match_class));
                    for (j, sum) in sums.iter_mut().enumerate() {
                        *sum += bytes[next * width + j] + classes[class * width + j];
                    }
                }
                for (j, sum) in sums.iter_mut().enumerate() {
                    *sum += inputs.iter().enumerate().map(|(i, x)| x * at(&layer.matrix, i, j)).sum::<f64>();
                }
                let (gain, bias) = (wide(&layer.gain), wide(&layer.bias));
                for gate in 0..gates {
                    let part = gate * hidden..(gate + 1) * hidden;
                    let mean = sums[part.clone()].iter().map(|x| x * x).sum::<f64>() / hidden as f64;
                    for i in part {
                        let after = sums[i] / (mean + f64::from(cell::EPSILON)).sqrt() * gain[i] + bias[i];
                        sums[i] = if gate == 1 { after.tanh() } else { 1.0 / (1.0 + (-after).exp()) };
                    }
                }
                for i in 0..hidden {
                    let input = if gates == 4 { sums[3 * hidden + i] } else { 1.0 - sums[i] };
                    c[l][i] = sums[i] * c[l][i] + input * sums[hidden + i];
                    h[l][i] = sums[2 * hidden + i] * c[l][i].tanh();
                }
            }
            let units: Vec<f64> = h.concat();
            let mut logits = wide(&weights.output.bias);
            for (j, logit) in logits.iter_mut().enumerate() {
                *logit +=
                    units.iter().enumerate().map(|(i, x)| x * at(&weights.output.matrix, i, j)).sum::<f64>();
            }
            if heard_now {
                logits[next] += wide(&weights.output.match_bias)[class];
            }
            loss += logits.iter().map(|x| x.exp()).sum::<f64>().ln() - logits[usize::from(byte)];
            (last, heard) = (byte, expected(byte));
        }
        loss
    }

    #[test]
    fn gradients_are_those_of_finite_differences() {
        for dimensions in [SMALL, FOUR_GATES, HEARS] {
            compare_gradients(dimensions);
        }
    }

    fn compare_gradients(dimensions: Dimensions) {
        let horizon = 8;
        let text = text(horizon);
        let mut weights = Weights::untrained(dimensions);
        // An output layer that has opinions, and gains and biases that are not all alike.
        let mut seed = 3u32;
        let mut next = || {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (seed >> 8) as f32 / 8_388_608.0 - 1.0
        };
        for value in floats_mut(weights.output.matrix.lanes_mut()) {
            *value = next();
        }
        for value in floats_mut(&mut weights.output.match_bias) {
            *value = next();
        }
        for layer in &mut weights.layers.0 {
            for value in floats_mut(&mut layer.match_class) {
                *value = next();
            }
            for value in floats_mut(&mut layer.gain) {
                *value = 1.0 + 0.3 * next();
            }
            for value in floats_mut(&mut layer.bias) {
                *value += 0.3 * next();
            }
        }
        // With averages of squares that stay at one, and a rate of -1, a step is the gradient.
        let learning = Learning {
            horizon,
            delay: 1,
            rate: -1.0,
            warm_up: 1,
            half: f32::INFINITY,
            newest: 0.0,
            output: (0.0, 0.0, 1.0),
        };
        let mut lstm = ByteLstm::new(weights.clone(), learning);
        let moments = lstm.moments.as_mut().unwrap();
        moments.layers.parts_mut().for_each(|lanes| lanes.fill(Lanes::all(1.0)));
        moments.steps = u32::MAX - 1;
        moments.seen.fill(u32::MAX - 1);
        run(&mut lstm, &text);
        let Pending::Done(stepped) = &mut lstm.pending else { panic!("no pass") };
        let after: Vec<Vec<f32>> = stepped.parts_mut().map(|part| floats(part).to_vec()).collect();
        let before: Vec<Vec<f32>> = weights.layers.parts_mut().map(|part| floats(part).to_vec()).collect();

        let mut checked = 0;
        for part in 0..before.len() {
            let len = before[part].len();
            // Of the rows of expected bytes those that were heard.
            let rows = if dimensions.hears_match && part == 4 { &text[..horizon - 1] } else { &[] };
            let heard = rows.iter().map(|&byte| usize::from(expected(byte).byte) * 3 * 64 + 5);
            for place in (0..len).step_by(len / 23 + 1).chain([len - 1]).chain(heard) {
                let gradient = f64::from(after[part][place]) - f64::from(before[part][place]);
                let mut at = |change: f32| {
                    let value = before[part][place] + change;
                    floats_mut(weights.layers.parts_mut().nth(part).unwrap())[place] = value;
                    let loss = loss(&weights, &text);
                    floats_mut(weights.layers.parts_mut().nth(part).unwrap())[place] = before[part][place];
                    (loss, f64::from(value))
                };
                let ((high, above), (low, below)) = (at(0.01), at(-0.01));
                let wanted = (high - low) / (above - below);
                assert!(
                    (gradient - wanted).abs() < 2e-3 * (1.0 + wanted.abs()),
                    "part {part}, place {place}: {gradient}, {wanted} by differences"
                );
                checked += usize::from(wanted.abs() > 1e-3);
            }
        }
        assert!(checked > 60, "{checked} gradients that are not zero");
        if dimensions.hears_match {
            let mut seen = |table: usize| {
                let lanes = weights.layers.parts_mut().nth(4 + table).unwrap();
                let rows = floats(lanes).chunks_exact(3 * 64).zip(after[4 + table].chunks_exact(3 * 64));
                rows.filter(|(before, after)| before != after).count()
            };
            // A row for each byte of a kind, or class, but for those after the last and of class 0.
            let heard = text[..horizon - 1].iter().map(|&b| expected(b)).filter(|e| e.class > 0);
            let (mut bytes, mut classes) = (Vec::new(), Vec::new());
            heard.for_each(|e| (bytes.push(e.byte), classes.push(e.class)).0);
            for all in [&mut bytes, &mut classes] {
                all.sort_unstable();
                all.dedup();
            }
            assert_eq!((seen(0), seen(1)), (bytes.len(), classes.len()));
        }
    }

    #[test]
    fn the_bias_of_an_expected_byte_learns_its_gradient() {
        let mut weights = Weights::untrained(HEARS);
        floats_mut(&mut weights.output.match_bias).fill(0.5);
        let rate = 1e-3;
        let learning = Learning { output: (rate, rate, 1.0), ..LEARNING };
        let (expects, came) = (expected(b'g'), b'a');
        let mut lstm = ByteLstm::new(weights.clone(), learning);
        // Nothing was expected of the first byte, and nothing is learned of what was.
        lstm.update(b'g', expects);
        assert_eq!(lstm.output.match_bias, weights.output.match_bias);
        let p = lstm.probabilities()[usize::from(expects.byte)];
        lstm.update(came, Expected::default());
        for (class, &bias) in floats(&lstm.output.match_bias).iter().enumerate() {
            let wanted = if class == usize::from(expects.class) { 0.5 - rate * p } else { 0.5 };
            assert_eq!(bias, wanted, "class {class}");
        }
        assert!(p > 0.005 && expects.byte != came);
    }

    #[test]
    fn what_is_expected_is_heard_and_learned_from() {
        let text = text(3000);
        let mut bits = [0.0; 2];
        for (hears_match, bits) in [false, true].into_iter().zip(&mut bits) {
            let dimensions = Dimensions { hears_match, ..SMALL };
            let mut lstm = ByteLstm::new(Weights::untrained(dimensions), LEARNING);
            for (i, &byte) in text.iter().enumerate() {
                *bits -= f64::from(lstm.probabilities()[usize::from(byte)]).log2() / 3000.0;
                let next = text.get(i + 1).copied().unwrap_or_default();
                lstm.update(byte, Expected { byte: next, class: 9 });
            }
        }
        assert!(bits[1] < bits[0] / 2.0, "{bits:?}");
    }
}
