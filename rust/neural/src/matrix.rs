//! Weights in panels, and products with them.

use foretold_numerics::{FLOAT_LANES, Lanes};

/// Columns of a panel.
pub const PANEL: usize = 64;
/// The same in groups of lanes.
pub const GROUPS: usize = PANEL / FLOAT_LANES;

/// Sums that are worked on at a time: so many that none waits for the one before it.
const TILE: usize = 8;

/// These sums, each a variable: compilers keep them in registers.
struct Tile(Lanes, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes, Lanes);

impl Tile {
    const ZERO: Tile = {
        let zero = Lanes::ZERO;
        Tile(zero, zero, zero, zero, zero, zero, zero, zero)
    };

    /// Adds to sum `i` the products of `shared` with `own(i)`.
    #[inline(always)]
    fn add(&mut self, shared: Lanes, own: impl Fn(usize) -> Lanes) {
        self.0 = self.0.plus_product(own(0), shared);
        self.1 = self.1.plus_product(own(1), shared);
        self.2 = self.2.plus_product(own(2), shared);
        self.3 = self.3.plus_product(own(3), shared);
        self.4 = self.4.plus_product(own(4), shared);
        self.5 = self.5.plus_product(own(5), shared);
        self.6 = self.6.plus_product(own(6), shared);
        self.7 = self.7.plus_product(own(7), shared);
    }

    #[inline(always)]
    fn totals(self, out: &mut [f32]) {
        totals(&[self.0, self.1, self.2, self.3, self.4, self.5, self.6, self.7], out);
    }
}

/// Not inlined: compilers would work on the sums side by side, and turn them about for it in
/// every turn of the loop before.
#[inline(never)]
fn totals(sums: &[Lanes; TILE], out: &mut [f32]) {
    for (out, sum) in out.iter_mut().zip(sums) {
        *out = sum.total();
    }
}

/// A matrix of weights: a row for each input, a column for each output.
///
/// Columns are kept in panels of [`PANEL`], one panel after the other, each row by row: a product
/// then reads memory in its order, and holds a panel's outputs in registers.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    rows: usize,
    panels: Vec<Lanes>,
}

impl Matrix {
    /// All zeros; `columns` is a multiple of [`PANEL`].
    pub fn zeros(rows: usize, columns: usize) -> Matrix {
        assert!(columns.is_multiple_of(PANEL), "{columns} columns");
        Matrix { rows, panels: vec![Lanes::ZERO; rows * columns / FLOAT_LANES] }
    }

    /// Rows: inputs.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// All weights, in the order of memory.
    pub fn lanes(&self) -> &[Lanes] {
        &self.panels
    }

    /// The same, to be written.
    pub fn lanes_mut(&mut self) -> &mut [Lanes] {
        &mut self.panels
    }

    /// One panel, row by row.
    #[inline(always)]
    pub fn panel(&self, panel: usize) -> &[Lanes] {
        &self.panels[panel * self.rows * GROUPS..][..self.rows * GROUPS]
    }

    /// The panels of one row, to be written.
    #[inline(always)]
    pub fn row_mut(&mut self, row: usize) -> impl Iterator<Item = &mut [Lanes]> {
        let panel = self.rows * GROUPS;
        self.panels.chunks_exact_mut(panel).map(move |lanes| &mut lanes[row * GROUPS..][..GROUPS])
    }

    /// Sets rows from `first` on from their values, row by row.
    pub fn set_rows(&mut self, first: usize, columns: usize, values: &[f32]) {
        for (row, values) in values.chunks_exact(columns).enumerate() {
            self.set_row(first + row, values);
        }
    }

    /// Sets a row from its values, column by column.
    pub fn set_row(&mut self, row: usize, values: &[f32]) {
        for (lanes, values) in self.row_mut(row).zip(values.chunks_exact(PANEL)) {
            for (lanes, values) in lanes.iter_mut().zip(values.chunks_exact(FLOAT_LANES)) {
                *lanes = Lanes::of(values);
            }
        }
    }

    /// Adds the product of `inputs` with the rows to `outputs`: each output takes the rows in
    /// their order. Columns of the last panel beyond the outputs are not looked at.
    #[inline(always)]
    pub fn add_product(&self, inputs: &[f32], outputs: &mut [Lanes]) {
        let (whole, rest) = outputs.as_chunks_mut::<GROUPS>();
        let last = whole.len();
        for (panel, out) in whole.iter_mut().enumerate() {
            let [mut a, mut b, mut c, mut d] = *out;
            for (row, &input) in self.panel(panel).chunks_exact(GROUPS).zip(inputs) {
                let x = Lanes::all(input);
                a = a.plus_product(x, row[0]);
                b = b.plus_product(x, row[1]);
                c = c.plus_product(x, row[2]);
                d = d.plus_product(x, row[3]);
            }
            *out = [a, b, c, d];
        }
        match rest {
            [_] => self.add_some::<1>(last, inputs, rest),
            [_, _] => self.add_some::<2>(last, inputs, rest),
            [_, _, _] => self.add_some::<3>(last, inputs, rest),
            _ => {}
        }
    }

    /// The same for the first `N` groups of a panel.
    #[inline(always)]
    fn add_some<const N: usize>(&self, panel: usize, inputs: &[f32], out: &mut [Lanes]) {
        let mut sums = [Lanes::ZERO; N];
        sums.copy_from_slice(out);
        for (row, &input) in self.panel(panel).chunks_exact(GROUPS).zip(inputs) {
            let x = Lanes::all(input);
            for i in 0..N {
                sums[i] = sums[i].plus_product(x, row[i]);
            }
        }
        out.copy_from_slice(&sums);
    }

    /// For each row of `from` and the ones after it: its product with `columns`, summed in lanes
    /// as [`Lanes`] says.
    #[inline(always)]
    pub fn transposed_product(&self, from: usize, columns: &[Lanes], out: &mut [f32]) {
        assert!(out.len().is_multiple_of(TILE) && from + out.len() <= self.rows);
        for (tile, out) in out.chunks_exact_mut(TILE).enumerate() {
            let start = (from + tile * TILE) * GROUPS;
            let mut sums = Tile::ZERO;
            for (panel, columns) in columns.chunks_exact(GROUPS).enumerate() {
                let rows = &self.panel(panel)[start..start + TILE * GROUPS];
                for (group, &column) in columns.iter().enumerate() {
                    sums.add(column, |i| rows[i * GROUPS + group]);
                }
            }
            sums.totals(out);
        }
    }

    /// [`transposed_product`](Self::transposed_product) for several sets of columns, each as long
    /// as `columns.len() / steps`; the same bits.
    #[inline(always)]
    pub fn transposed_products(&self, from: usize, columns: &[Lanes], steps: usize, out: &mut [f32]) {
        let width = columns.len() / steps;
        let count = out.len() / steps;
        assert!(steps.is_multiple_of(TILE));
        let mut totals = [0.0; TILE];
        for first in (0..steps).step_by(TILE) {
            for row in from..from + count {
                let mut sums = Tile::ZERO;
                for panel in 0..width / GROUPS {
                    let weights = &self.panel(panel)[row * GROUPS..][..GROUPS];
                    let columns = &columns[first * width + panel * GROUPS..][..(TILE - 1) * width + GROUPS];
                    for (group, &weights) in weights.iter().enumerate() {
                        sums.add(weights, |i| columns[i * width + group]);
                    }
                }
                sums.totals(&mut totals);
                for (i, &total) in totals.iter().enumerate() {
                    out[(first + i) * count + row - from] = total;
                }
            }
        }
    }

    /// Takes from each row its input's share of `columns`: `rate * input` times them.
    #[inline(always)]
    pub fn subtract_outer(&mut self, inputs: &[f32], columns: &[Lanes], rate: f32) {
        let panel = self.rows * GROUPS;
        for (rows, columns) in self.panels.chunks_exact_mut(panel).zip(columns.chunks_exact(GROUPS)) {
            for (row, &input) in rows.chunks_exact_mut(GROUPS).zip(inputs) {
                let x = Lanes::all(-(rate * input));
                for (weights, &column) in row.iter_mut().zip(columns) {
                    *weights = weights.plus_product(x, column);
                }
            }
        }
    }
}
