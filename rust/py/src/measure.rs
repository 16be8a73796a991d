//! What bytes cost, and what coding them would cost.

use foretold_codec::{self as codec, ModelPlan, NetworkMode, Preset};
use numpy::{IntoPyArray, PyArray1};
use pyo3::prelude::*;

use crate::door::{Progress, enter};
use crate::input::Input;
use crate::priors::KnowledgeArgument;
use crate::streams::options;

/// `(number, memory of a full-sized model, content bytes of a block or None for all, intent)` each,
/// weakest first.
#[pyfunction]
pub fn presets() -> Vec<(u8, u64, Option<u64>, &'static str)> {
    let row = |preset: Preset| {
        let block_bytes = preset.default_block_bytes();
        let plan = ModelPlan::for_block(preset, block_bytes.unwrap_or(u64::MAX));
        (preset.number(), plan.memory_bytes(), block_bytes, preset.intent())
    };
    Preset::all().map(row).collect()
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn code_lengths<'py>(
    py: Python<'py>,
    data: Input<'py>,
    preset: u8,
    block_size: Option<u64>,
    transform: &str,
    knowledge: KnowledgeArgument<'py>,
    network: Option<Input<'py>>,
    progress: Progress,
) -> PyResult<Bound<'py, PyArray1<f64>>> {
    let options = options(py, preset, 1, true, block_size, transform, knowledge, network)?;
    let data = data.bytes();
    Ok(enter(py, progress, |tick| codec::code_lengths(data, &options, tick))?.into_pyarray(py))
}

/// 256 probabilities for each byte of `data`, one after the other.
#[pyfunction]
pub fn network_probabilities<'py>(
    py: Python<'py>,
    weights: Input<'py>,
    data: Input<'py>,
    mode: &str,
) -> PyResult<Bound<'py, PyArray1<f32>>> {
    let (weights, data) = (weights.bytes(), data.bytes());
    let mode = match mode {
        "learning" => NetworkMode::Learning,
        "frozen" => NetworkMode::Frozen,
        _ => NetworkMode::Still,
    };
    let run = || codec::network_probabilities(weights, data, mode);
    Ok(enter(py, None, |_| run())?.into_pyarray(py))
}

/// For each coded byte the byte that match models expected in its place, and the class of the match.
#[pyfunction]
pub fn expectations<'py>(py: Python<'py>, data: Input<'py>) -> PyResult<Bound<'py, PyArray1<u8>>> {
    let data = data.bytes();
    let flat = enter(py, None, |_| codec::expectations(data).map(|all| all.as_flattened().to_vec()))?;
    Ok(flat.into_pyarray(py))
}

/// `(coded bytes, seconds, memory of the model)`.
#[pyfunction]
pub fn probe<'py>(
    py: Python<'py>,
    sample: Input<'py>,
    content_bytes: u64,
    preset: u8,
    block_size: Option<u64>,
    transform: &str,
    knowledge: KnowledgeArgument<'py>,
) -> PyResult<(u64, f64, u64)> {
    let options = options(py, preset, 1, true, block_size, transform, knowledge, None)?;
    let sample = sample.bytes();
    let probe = enter(py, None, |tick| codec::probe(sample, content_bytes, &options, tick))?;
    Ok((probe.coded_bytes, probe.time.as_secs_f64(), probe.memory_bytes))
}
