//! What all parts of a predictor say of one bit, for those who learn from it.

use foretold_numerics::stretch;

use crate::predictor::assembly_inputs;
use crate::setup::{Assembly, View};

/// Names of the context values, each 0 to 255.
pub const CONTEXTS: [&str; 10] = [
    "bit position",
    "partial byte",
    "last byte",
    "byte before",
    "class of last byte",
    "orders known",
    "contexts known",
    "match length class",
    "expected byte",
    "letters of word",
];

/// The logit of what is coded.
pub(crate) const FINAL: &str = "final";

/// The opinions on one bit as logits in units of 1/256, and what they were conditioned on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Evidence {
    /// As [`columns`] names them.
    pub columns: Vec<i16>,
    /// As [`CONTEXTS`] names them.
    pub contexts: [u8; CONTEXTS.len()],
}

/// What the columns are, the *voices* first: the first layer's sets, the second layer, the APMs, the
/// network; then the probability that is coded; then order 0, of each match model logit, distance
/// from even and signed length, and the network's distance from even; then all inputs of the mixer.
pub(crate) fn columns(assembly: &Assembly, matches: &[u32], network: bool) -> Vec<String> {
    let mut names: Vec<String> = assembly.selectors.iter().map(|s| format!("set: {}", s.name)).collect();
    names.push("mixed".into());
    names.extend((0..assembly.apms).map(|i| format!("apm {i}")));
    names.extend(network.then(|| "network".into()));
    names.extend([FINAL.into(), "order 0".into()]);
    for least in matches {
        names.extend(["", ", distance", ", length"].map(|what| format!("match of {least}{what}")));
    }
    names.extend(network.then(|| "network, distance".into()));
    names.extend((0..assembly_inputs(assembly, matches.len(), network)).map(|i| format!("input {i}")));
    names
}

/// The logit of a probability in units of 2^-22, as mixer inputs are.
#[inline(always)]
pub(crate) fn coarse(p1_q22: u32) -> i16 {
    stretch((p1_q22 >> 6) as u16)
}

/// The context values of a bit.
#[inline(always)]
pub(crate) fn contexts(view: &View) -> [u8; CONTEXTS.len()] {
    let last = view.parsed.history.last8;
    let first = view.matches.first();
    let holds = first.filter(|m| m.expected_bit(view.path).is_some());
    [
        view.bit_position as u8,
        view.common as u8,
        last as u8,
        (last >> 8) as u8,
        (view.parsed.words.classes & 7) as u8,
        (view.known as u32 & 63).trailing_ones() as u8,
        view.known.count_ones() as u8,
        holds.map_or(0, |m| m.len_class()) as u8,
        holds.map_or(0, |m| m.expected_byte(view.path)) as u8,
        view.parsed.words.letters_here().min(15) as u8,
    ]
}
