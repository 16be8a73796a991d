//! Back-propagation through a horizon, and the step of the weights.

use std::sync::Arc;

use foretold_numerics::{FLOAT_LANES, Lanes, Simd, Work};

use crate::matrix::GROUPS;
use crate::weights::{Dimensions, Layer, Layers, SYMBOLS};

/// What a layer did in the steps of a horizon.
#[derive(Clone, Debug)]
pub(crate) struct LayerTrace {
    /// What came into the matrix: `(horizon, inputs)`.
    pub inputs: Vec<f32>,
    /// Normalised pre-activations: `(horizon, gates, hidden)`.
    pub normal: Vec<Lanes>,
    /// What they were multiplied with: `(horizon, gates)`.
    pub scale: Vec<f32>,
    /// The gates: as `normal`.
    pub gates: Vec<Lanes>,
    /// Cells before the step, and the hyperbolic tangent of those after it: `(horizon, hidden)`.
    pub before: Vec<Lanes>,
    pub squashed: Vec<Lanes>,
    /// How the loss at each step changes with the step's units: as `before`.
    pub d_hidden: Vec<Lanes>,
}

/// What all layers did.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    /// Last bytes.
    pub bytes: Vec<u8>,
    /// Expected bytes and their classes; empty if the network does not hear of them.
    pub expected: Vec<[u8; 2]>,
    pub layers: Vec<LayerTrace>,
}

impl Trace {
    pub fn new(dimensions: Dimensions, horizon: usize) -> Trace {
        let (groups, gates) = (dimensions.groups(), dimensions.gates);
        let layer = |layer| LayerTrace {
            inputs: vec![0.0; horizon * dimensions.inputs(layer)],
            normal: vec![Lanes::ZERO; horizon * gates * groups],
            scale: vec![0.0; horizon * gates],
            gates: vec![Lanes::ZERO; horizon * gates * groups],
            before: vec![Lanes::ZERO; horizon * groups],
            squashed: vec![Lanes::ZERO; horizon * groups],
            d_hidden: vec![Lanes::ZERO; horizon * groups],
        };
        Trace {
            bytes: vec![0; horizon],
            expected: vec![[0; 2]; if dimensions.hears_match { horizon } else { 0 }],
            layers: (0..dimensions.layers).map(layer).collect(),
        }
    }
}

/// How the layers learn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learning {
    /// Steps that are unrolled: gradients of so many bytes make one step of the weights.
    /// A multiple of eight.
    pub horizon: usize,
    /// Bytes after a horizon's end when its step is taken: less than the horizon.
    pub delay: usize,
    /// Length of a step at its largest, where a gradient is as large as it is on average.
    pub rate: f32,
    /// Steps until it is so large.
    pub warm_up: u32,
    /// Steps after which it has fallen by the square root of two.
    pub half: f32,
    /// What a newest square of a gradient weighs in the average of squares, at least.
    pub newest: f32,
    /// The same of the output layer's steps, one after each byte: at first, at last, and the
    /// bytes after which the difference between them has halved.
    pub output: (f32, f32, f32),
}

/// Averages of squared gradients.
#[derive(Clone, Debug)]
pub(crate) struct Moments {
    pub layers: Layers,
    /// Steps in which each byte's row of `embed` took part, by layer alike; then those of the rows
    /// of what is expected.
    pub seen: Vec<u32>,
    /// Steps taken.
    pub steps: u32,
}

impl Moments {
    pub fn new(dimensions: Dimensions) -> Moments {
        Moments { layers: Layers::zeros(dimensions), seen: vec![0; dimensions.rows()], steps: 0 }
    }
}

/// Working memory of a backward pass: nothing in it outlasts one.
#[derive(Clone, Debug)]
pub(crate) struct Scratch {
    /// Gradients of pre-activations, before and after normalisation: `(horizon, gates, hidden)`.
    d_after: Vec<Lanes>,
    d_sums: Vec<Lanes>,
    /// The latter by panel: `(panels, horizon, PANEL)`.
    by_panel: Vec<Lanes>,
    /// Inputs by row: `(inputs, horizon)`.
    by_row: Vec<f32>,
    /// Gradients of the layer below's units: `(horizon, hidden)`.
    d_below: Vec<f32>,
    d_hidden: Vec<f32>,
    d_cell: Vec<Lanes>,
    row: Vec<Lanes>,
}

impl Scratch {
    pub fn new(dimensions: Dimensions, horizon: usize) -> Scratch {
        let groups = dimensions.groups();
        let width = dimensions.gates * groups;
        Scratch {
            d_after: vec![Lanes::ZERO; horizon * width],
            d_sums: vec![Lanes::ZERO; horizon * width],
            by_panel: vec![Lanes::ZERO; horizon * width],
            by_row: vec![0.0; dimensions.inputs(dimensions.layers - 1) * horizon],
            d_below: vec![0.0; horizon * dimensions.hidden],
            d_hidden: vec![0.0; dimensions.hidden],
            d_cell: vec![Lanes::ZERO; groups],
            row: vec![Lanes::ZERO; width],
        }
    }
}

/// A backward pass and the step that comes of it: all it needs, so that any thread can do it.
#[derive(Debug)]
pub(crate) struct Job {
    pub simd: Simd,
    pub dimensions: Dimensions,
    pub learning: Learning,
    /// The weights in force at the horizon's end.
    pub weights: Arc<Layers>,
    /// Becomes the new weights.
    pub next: Box<Layers>,
    pub moments: Box<Moments>,
    pub trace: Box<Trace>,
    pub scratch: Box<Scratch>,
}

/// A backward pass: code for each number of gates.
struct Pass<'a, const GATES: usize>(&'a mut Job);

impl<const GATES: usize> Work for Pass<'_, GATES> {
    type Output = ();

    #[inline(always)]
    fn run(self, _: Simd) {
        self.0.pass::<GATES>();
    }
}

/// How far one step goes.
#[derive(Clone, Copy)]
struct Step {
    rate: f32,
    newest: f32,
}

/// The largest step, in units of the rate: where a gradient is far larger than usual.
const MOST: f32 = 4.0;
const TINY: f32 = 1e-8;

impl Step {
    /// New weights from old, gradients and averages of their squares.
    #[inline(always)]
    fn take(self, weights: Lanes, gradient: Lanes, squares: &mut Lanes) -> Lanes {
        let mut out = weights;
        for i in 0..FLOAT_LANES {
            let g = gradient.0[i];
            let v = squares.0[i] + self.newest * (g * g - squares.0[i]);
            squares.0[i] = v;
            let unit = g / (v.sqrt() + TINY);
            let unit = if unit > -MOST { unit } else { -MOST };
            let unit = if unit < MOST { unit } else { MOST };
            out.0[i] = weights.0[i] - self.rate * unit;
        }
        out
    }
}

impl Job {
    /// Does it, on whatever thread this is.
    pub fn work(&mut self) {
        let _standard = foretold_numerics::StandardFloats::set();
        match self.dimensions.gates {
            4 => self.simd.run(Pass::<4>(self)),
            _ => self.simd.run(Pass::<3>(self)),
        }
    }

    #[inline(always)]
    fn pass<const GATES: usize>(&mut self) {
        let Job { dimensions, learning, weights, next, moments, trace, scratch, .. } = self;
        let (groups, horizon) = (dimensions.groups(), learning.horizon);
        let steps = moments.steps;
        moments.steps += 1;
        let warm = (steps + 1) as f32 / learning.warm_up as f32;
        let warm = if warm < 1.0 { warm } else { 1.0 };
        let rate = learning.rate * warm / (1.0 + steps as f32 / learning.half).sqrt();
        let newest = |seen: u32| {
            let even = 1.0 / (seen + 1) as f32;
            if even > learning.newest { even } else { learning.newest }
        };
        let step = Step { rate, newest: newest(steps) };

        let bytes: Vec<Option<u8>> = trace.bytes.iter().map(|&byte| Some(byte)).collect();
        let heard = |i: usize| -> Vec<Option<u8>> {
            trace.expected.iter().map(|row| (row[1] != 0).then_some(row[i])).collect()
        };
        let expected = [heard(0), heard(1)];
        for layer in (0..dimensions.layers).rev() {
            let from_above = layer + 1 < dimensions.layers;
            let (old, did) = (&weights.0[layer], &trace.layers[layer]);
            through_time::<GATES>(old, did, groups, horizon, from_above, scratch);
            if layer > 0 {
                let Scratch { d_sums, d_below, .. } = &mut **scratch;
                old.matrix.transposed_products(dimensions.hidden, d_sums, horizon, d_below);
            }
            let (new, squares) = (&mut next.0[layer], &mut moments.layers.0[layer]);
            step_matrix(old, new, squares, did, horizon, step, scratch);
            let (seen, seen_expected) = moments.seen.split_at(SYMBOLS);
            let how = (rate, &newest);
            step_rows((&old.embed, &mut new.embed, &mut squares.embed), &bytes, seen, how, scratch);
            if layer == 0 && dimensions.hears_match {
                let (seen_bytes, seen_classes) = seen_expected.split_at(SYMBOLS);
                let table = (&old.match_byte[..], &mut new.match_byte[..], &mut squares.match_byte[..]);
                step_rows(table, &expected[0], seen_bytes, how, scratch);
                let table = (&old.match_class[..], &mut new.match_class[..], &mut squares.match_class[..]);
                step_rows(table, &expected[1], seen_classes, how, scratch);
            }
            step_normal(old, new, squares, did, horizon, step, scratch);
        }
        let tables = [(0, &bytes), (SYMBOLS, &expected[0]), (2 * SYMBOLS, &expected[1])];
        for (first, rows) in tables {
            let present = present(rows);
            for row in (0..SYMBOLS).filter(|&row| present[row]) {
                moments.seen[first + row] += 1;
            }
        }
    }
}

/// Gradients of a layer's pre-activations at every step, the last first.
#[inline(always)]
fn through_time<const GATES: usize>(
    layer: &Layer,
    did: &LayerTrace,
    groups: usize,
    horizon: usize,
    from_above: bool,
    scratch: &mut Scratch,
) {
    let width = GATES * groups;
    scratch.d_hidden.fill(0.0);
    scratch.d_cell.fill(Lanes::ZERO);
    for t in (0..horizon).rev() {
        let normal = &did.normal[t * width..][..width];
        let gates = &did.gates[t * width..][..width];
        let d_after = &mut scratch.d_after[t * width..][..width];
        for i in 0..groups {
            let mut d_hidden = Lanes::of(&scratch.d_hidden[i * FLOAT_LANES..]);
            if from_above {
                let above = &scratch.d_below[(t * groups + i) * FLOAT_LANES..];
                d_hidden = d_hidden.with(Lanes::of(above), |a, b| a + b);
            }
            d_hidden = d_hidden.with(did.d_hidden[t * groups + i], |a, b| a + b);
            let (forget, candidate, output) = (gates[i], gates[groups + i], gates[2 * groups + i]);
            let (squashed, before) = (did.squashed[t * groups + i], did.before[t * groups + i]);
            let (d_cell, mut d_cells) = (&mut scratch.d_cell[i], Lanes::ZERO);
            // The input gate, and what the loss tells the forget gate of.
            let (input, against) = if GATES == 4 {
                (gates[3 * groups + i], before)
            } else {
                (forget.map(|f| 1.0 - f), before.with(candidate, |c, u| c - u))
            };
            for j in 0..FLOAT_LANES {
                let (f, u, o) = (forget.0[j], candidate.0[j], output.0[j]);
                let s = squashed.0[j];
                let dh = d_hidden.0[j];
                let dc = d_cell.0[j] + dh * o * (1.0 - s * s);
                d_after[i].0[j] = dc * against.0[j] * (f * (1.0 - f));
                d_after[groups + i].0[j] = dc * input.0[j] * (1.0 - u * u);
                d_after[2 * groups + i].0[j] = dh * s * (o * (1.0 - o));
                d_cell.0[j] = dc * f;
                d_cells.0[j] = dc;
            }
            if GATES == 4 {
                let d_input = d_cells.with(candidate, |dc, u| dc * u);
                d_after[3 * groups + i] = d_input.with(input, |d, i| d * (i * (1.0 - i)));
            }
        }
        let d_sums = &mut scratch.d_sums[t * width..][..width];
        for gate in 0..GATES {
            let part = gate * groups..(gate + 1) * groups;
            let mut along = Lanes::ZERO;
            for i in part.clone() {
                let scaled = d_after[i].with(layer.gain[i], |a, b| a * b);
                d_sums[i] = scaled;
                along = along.plus_product(scaled, normal[i]);
            }
            let mean = along.total() / (groups * FLOAT_LANES) as f32;
            let scale = did.scale[t * GATES + gate];
            for i in part {
                for j in 0..FLOAT_LANES {
                    d_sums[i].0[j] = scale * (d_sums[i].0[j] - normal[i].0[j] * mean);
                }
            }
        }
        if t > 0 {
            layer.matrix.transposed_product(0, d_sums, &mut scratch.d_hidden);
        }
    }
}

/// The step of a layer's matrix.
#[inline(always)]
fn step_matrix(
    old: &Layer,
    new: &mut Layer,
    squares: &mut Layer,
    did: &LayerTrace,
    horizon: usize,
    step: Step,
    scratch: &mut Scratch,
) {
    let rows = old.matrix.rows();
    for (t, inputs) in did.inputs.chunks_exact(rows).enumerate() {
        for (row, &input) in inputs.iter().enumerate() {
            scratch.by_row[row * horizon + t] = input;
        }
    }
    let width = scratch.d_sums.len() / horizon;
    for (panel, out) in scratch.by_panel.chunks_exact_mut(horizon * GROUPS).enumerate() {
        for (t, out) in out.chunks_exact_mut(GROUPS).enumerate() {
            out.copy_from_slice(&scratch.d_sums[t * width + panel * GROUPS..][..GROUPS]);
        }
    }
    let panel_lanes = rows * GROUPS;
    let olds = old.matrix.lanes().chunks_exact(panel_lanes);
    let news = new.matrix.lanes_mut().chunks_exact_mut(panel_lanes);
    let averages = squares.matrix.lanes_mut().chunks_exact_mut(panel_lanes);
    let gradients = scratch.by_panel.chunks_exact(horizon * GROUPS);
    for (((old, new), squares), d_sums) in olds.zip(news).zip(averages).zip(gradients) {
        let places = old.chunks_exact(GROUPS).zip(new.chunks_exact_mut(GROUPS));
        let places = places.zip(squares.chunks_exact_mut(GROUPS));
        for (((old, new), squares), inputs) in places.zip(scratch.by_row.chunks_exact(horizon)) {
            let [mut a, mut b, mut c, mut d] = [Lanes::ZERO; GROUPS];
            for (d_sums, &input) in d_sums.chunks_exact(GROUPS).zip(inputs) {
                let x = Lanes::all(input);
                a = a.plus_product(x, d_sums[0]);
                b = b.plus_product(x, d_sums[1]);
                c = c.plus_product(x, d_sums[2]);
                d = d.plus_product(x, d_sums[3]);
            }
            for (i, gradient) in [a, b, c, d].into_iter().enumerate() {
                new[i] = step.take(old[i], gradient, &mut squares[i]);
            }
        }
    }
}

/// Which rows are among these.
#[inline(always)]
fn present(rows: &[Option<u8>]) -> [bool; SYMBOLS] {
    let mut present = [false; SYMBOLS];
    for row in rows.iter().flatten() {
        present[usize::from(*row)] = true;
    }
    present
}

/// The step of a table of which each step of the horizon took one row, or none: old weights, new ones,
/// averages of squares.
#[inline(always)]
fn step_rows(
    (old, new, squares): (&[Lanes], &mut [Lanes], &mut [Lanes]),
    rows: &[Option<u8>],
    seen: &[u32],
    (rate, newest): (f32, &impl Fn(u32) -> f32),
    scratch: &mut Scratch,
) {
    let width = scratch.row.len();
    new.copy_from_slice(old);
    let present = present(rows);
    for (row, &seen) in seen.iter().enumerate().filter(|&(row, _)| present[row]) {
        scratch.row.fill(Lanes::ZERO);
        for (t, _) in rows.iter().enumerate().filter(|&(_, &other)| other == Some(row as u8)) {
            for (sum, d) in scratch.row.iter_mut().zip(&scratch.d_sums[t * width..]) {
                *sum = sum.with(*d, |a, b| a + b);
            }
        }
        let step = Step { rate, newest: newest(seen) };
        let place = row * width..(row + 1) * width;
        let squares = &mut squares[place.clone()];
        for ((new, gradient), squares) in new[place].iter_mut().zip(&scratch.row).zip(squares) {
            *new = step.take(*new, *gradient, squares);
        }
    }
}

/// The step of gains and biases.
#[inline(always)]
fn step_normal(
    old: &Layer,
    new: &mut Layer,
    squares: &mut Layer,
    did: &LayerTrace,
    horizon: usize,
    step: Step,
    scratch: &Scratch,
) {
    let width = old.gain.len();
    for i in 0..width {
        let (mut gain, mut bias) = (Lanes::ZERO, Lanes::ZERO);
        for t in 0..horizon {
            let d_after = scratch.d_after[t * width + i];
            gain = gain.plus_product(d_after, did.normal[t * width + i]);
            bias = bias.with(d_after, |a, b| a + b);
        }
        new.gain[i] = step.take(old.gain[i], gain, &mut squares.gain[i]);
        new.bias[i] = step.take(old.bias[i], bias, &mut squares.bias[i]);
    }
}
