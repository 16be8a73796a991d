//! Contents and archives in memory, whole or piece by piece.

use std::sync::Arc;

use foretold_codec::{self as codec, Error, FittedNetwork, Limits, Options, Preset, Transform};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::door::{InTurn, Progress, enter};
use crate::errors::translate;
use crate::input::Input;
use crate::priors::{KnowledgeArgument, Prior, at_hand};

/// The options of a call; `preset` and `transform` are checked by the Python side and here.
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn options(
    py: Python<'_>,
    preset: u8,
    threads: usize,
    checksum: bool,
    block_size: Option<u64>,
    transform: &str,
    knowledge: KnowledgeArgument<'_>,
    network: Option<Input<'_>>,
) -> PyResult<Options> {
    let preset = preset_of(py, preset)?;
    let transform = Transform::from_name(transform)
        .ok_or_else(|| translate(py, Error::Parameter(format!("transform {transform:?} is unknown"))))?;
    let knowledge = knowledge.try_into()?;
    let network = match network {
        Some(weights) => Some(Arc::new(fitted(py, weights.bytes())?)),
        None => None,
    };
    Ok(Options { threads, checksum, block_size, transform, knowledge, network, ..Options::new(preset) })
}

/// Weights that are to stand in an archive.
fn fitted(py: Python<'_>, weights: &[u8]) -> PyResult<FittedNetwork> {
    let pack = || FittedNetwork::from_safetensors(weights).map_err(Error::Parameter);
    enter(py, None, |_| pack())
}

/// Bytes that these weights take in an archive.
#[pyfunction]
pub fn packed_network_bytes(py: Python<'_>, weights: Input<'_>) -> PyResult<usize> {
    Ok(fitted(py, weights.bytes())?.packed().len())
}

/// The preset with a number.
pub fn preset_of(py: Python<'_>, number: u8) -> PyResult<Preset> {
    Preset::new(number).ok_or_else(|| {
        translate(py, Error::Parameter(format!("preset is {number}, 1 to 9 and 10 (max) are allowed")))
    })
}

/// The limits of a call.
pub fn limits(
    max_output: Option<u64>,
    max_memory: Option<u64>,
    threads: usize,
    priors: &[PyRef<'_, Prior>],
) -> Limits {
    let max_memory = max_memory.unwrap_or(Limits::DEFAULT_MEMORY);
    Limits { max_output, max_memory, threads, priors: at_hand(priors) }
}

#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn compress<'py>(
    py: Python<'py>,
    data: Input<'py>,
    preset: u8,
    threads: usize,
    checksum: bool,
    block_size: Option<u64>,
    transform: &str,
    knowledge: KnowledgeArgument<'py>,
    network: Option<Input<'py>>,
    progress: Progress,
) -> PyResult<Bound<'py, PyBytes>> {
    let options = options(py, preset, threads, checksum, block_size, transform, knowledge, network)?;
    let data = data.bytes();
    let archive = enter(py, progress, |tick| codec::compress(data, &options, tick))?;
    Ok(PyBytes::new(py, &archive))
}

#[pyfunction]
pub fn decompress<'py>(
    py: Python<'py>,
    data: Input<'py>,
    max_output: Option<u64>,
    max_memory: Option<u64>,
    threads: usize,
    priors: Vec<PyRef<'py, Prior>>,
    progress: Progress,
) -> PyResult<Bound<'py, PyBytes>> {
    let limits = limits(max_output, max_memory, threads, &priors);
    let data = data.bytes();
    let content = enter(py, progress, |tick| codec::decompress(data, &limits, tick))?;
    Ok(PyBytes::new(py, &content))
}

#[pyfunction]
pub fn compress_raw<'py>(
    py: Python<'py>,
    data: Input<'py>,
    preset: u8,
    checksum: bool,
    transform: &str,
    knowledge: KnowledgeArgument<'py>,
) -> PyResult<Bound<'py, PyBytes>> {
    let options = options(py, preset, 1, checksum, None, transform, knowledge, None)?;
    let data = data.bytes();
    let raw = enter(py, None, |tick| codec::compress_raw(data, &options, tick))?;
    Ok(PyBytes::new(py, &raw))
}

#[pyfunction]
pub fn decompress_raw<'py>(
    py: Python<'py>,
    raw: Input<'py>,
    size: usize,
    preset: u8,
    checksum: bool,
    knowledge: KnowledgeArgument<'py>,
) -> PyResult<Bound<'py, PyBytes>> {
    let options = options(py, preset, 1, checksum, None, Transform::Auto.name(), knowledge, None)?;
    let raw = raw.bytes();
    let content = enter(py, None, |tick| codec::decompress_raw(raw, size, &options, tick))?;
    Ok(PyBytes::new(py, &content))
}

#[pyclass(frozen, module = "foretold._core")]
pub struct Compressor {
    inner: InTurn<codec::Compressor>,
    prior: Option<Arc<codec::Prior>>,
}

#[pymethods]
impl Compressor {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "the Python side names them")]
    fn new(
        py: Python<'_>,
        preset: u8,
        threads: usize,
        checksum: bool,
        block_size: Option<u64>,
        transform: &str,
        knowledge: KnowledgeArgument<'_>,
        network: Option<Input<'_>>,
    ) -> PyResult<Compressor> {
        let options = options(py, preset, threads, checksum, block_size, transform, knowledge, network)?;
        let prior = options.knowledge.given().cloned();
        let inner = InTurn::new(enter(py, None, |_| codec::Compressor::new(options))?);
        Ok(Compressor { inner, prior })
    }

    fn push<'py>(&self, py: Python<'py>, data: Input<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let data = data.bytes();
        self.gather(py, |inner, out, tick| inner.push(data, out, tick))
    }

    fn flush<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.gather(py, |inner, out, tick| inner.flush(out, tick))
    }

    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        self.gather(py, |inner, out, tick| inner.finish(out, tick))
    }

    fn copy(&self, py: Python<'_>) -> PyResult<Compressor> {
        let copy = self.inner.enter(py, |inner, _| {
            let mut state = Vec::new();
            inner.save(&mut state)?;
            codec::Compressor::load(&mut state.as_slice(), self.prior.as_ref())
        })?;
        Ok(Compressor { inner: InTurn::new(copy), prior: self.prior.clone() })
    }
}

impl Compressor {
    /// The archive bytes that `work` appends.
    fn gather<'py>(
        &self,
        py: Python<'py>,
        work: impl FnOnce(&mut codec::Compressor, &mut Vec<u8>, codec::Tick<'_>) -> Result<(), Error> + Send,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let out = self.inner.enter(py, |inner, tick| {
            let mut out = Vec::new();
            work(inner, &mut out, tick).map(|()| out)
        })?;
        Ok(PyBytes::new(py, &out))
    }
}

#[pyclass(frozen, module = "foretold._core")]
pub struct Decompressor {
    inner: InTurn<codec::Decompressor>,
    limits: Limits,
}

#[pymethods]
impl Decompressor {
    #[new]
    fn new(
        py: Python<'_>,
        max_output: Option<u64>,
        max_memory: Option<u64>,
        threads: usize,
        priors: Vec<PyRef<'_, Prior>>,
    ) -> PyResult<Decompressor> {
        let limits = limits(max_output, max_memory, threads, &priors);
        let inner = InTurn::new(enter(py, None, |_| codec::Decompressor::new(limits.clone()))?);
        Ok(Decompressor { inner, limits })
    }

    fn push<'py>(
        &self,
        py: Python<'py>,
        data: Input<'py>,
        max_out: Option<usize>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let data = data.bytes();
        let out = self.inner.enter(py, |inner, tick| {
            let mut out = Vec::new();
            inner.push(data, &mut out, max_out, tick).map(|()| out)
        })?;
        Ok(PyBytes::new(py, &out))
    }

    /// Complains if the member is incomplete although no more input comes.
    fn end_of_input(&self, py: Python<'_>) -> PyResult<()> {
        self.inner.enter(py, |inner, _| inner.end_of_input())
    }

    #[getter]
    fn eof(&self, py: Python<'_>) -> PyResult<bool> {
        self.inner.enter(py, |inner, _| Ok(inner.eof()))
    }

    #[getter]
    fn needs_input(&self, py: Python<'_>) -> PyResult<bool> {
        self.inner.enter(py, |inner, _| Ok(inner.needs_input()))
    }

    #[getter]
    fn unused_data<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        let unused = self.inner.enter(py, |inner, _| Ok(inner.unused_data().to_vec()))?;
        Ok(PyBytes::new(py, &unused))
    }

    fn copy(&self, py: Python<'_>) -> PyResult<Decompressor> {
        let limits = self.limits.clone();
        let copy = self.inner.enter(py, |inner, _| {
            let mut state = Vec::new();
            inner.save(&mut state)?;
            codec::Decompressor::load(&mut state.as_slice(), limits)
        })?;
        Ok(Decompressor { inner: InTurn::new(copy), limits: self.limits.clone() })
    }
}
