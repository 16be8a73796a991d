//! Traces of what models say, into arrays of the caller's.

use foretold_codec::{self as codec, CONTEXTS, Error, Preset};
use numpy::{
    IntoPyArray, PyArray1, PyReadonlyArray1, PyReadonlyArray2, PyReadwriteArray1, PyReadwriteArray2,
    PyUntypedArrayMethods,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::door::{InTurn, enter};
use crate::input::Input;
use crate::priors::KnowledgeArgument;
use crate::streams::options;

/// Names of a trace's columns and of its context values.
#[pyfunction]
pub fn trace_columns(preset: u8) -> PyResult<(Vec<String>, Vec<&'static str>)> {
    let preset = Preset::new(preset).ok_or_else(|| PyValueError::new_err(format!("preset {preset}")))?;
    Ok((codec::trace_columns(preset), CONTEXTS.to_vec()))
}

type Corrections<'py> = (Bound<'py, PyArray1<f32>>, Bound<'py, PyArray1<u32>>);

/// What a mixer network makes of a trace: corrections in nats, probabilities in units of 2^-22.
#[pyfunction]
pub fn mixer_corrections<'py>(
    py: Python<'py>,
    weights: Input<'py>,
    logits: PyReadonlyArray2<'py, i16>,
    contexts: PyReadonlyArray2<'py, u8>,
    p1_q22: PyReadonlyArray1<'py, u32>,
    bits: PyReadonlyArray1<'py, u8>,
) -> PyResult<Corrections<'py>> {
    let weights = weights.bytes();
    let rows = (logits.as_slice()?, contexts.as_slice()?);
    let (p1_q22, bits) = (p1_q22.as_slice()?, bits.as_slice()?);
    let made = || codec::mixer_corrections(weights, rows, p1_q22, bits);
    let (corrections, corrected) =
        enter(py, None, |_| made().map_err(|error| Error::Parameter(error.to_string())))?;
    Ok((corrections.into_pyarray(py), corrected.into_pyarray(py)))
}

#[pyclass(frozen, module = "foretold._core")]
pub struct Tracer(InTurn<codec::Tracer>);

#[pymethods]
impl Tracer {
    #[new]
    fn new(
        py: Python<'_>,
        data: Input<'_>,
        preset: u8,
        transform: &str,
        knowledge: KnowledgeArgument<'_>,
    ) -> PyResult<Tracer> {
        let options = options(py, preset, 1, true, None, transform, knowledge, None)?;
        let content = data.bytes().to_vec();
        let tracer = enter(py, None, |_| codec::Tracer::new(content, &options))?;
        Ok(Tracer(InTurn::new(tracer)))
    }

    /// Rows that a coded byte takes at most.
    #[getter]
    fn most_rows(&self, py: Python<'_>) -> PyResult<usize> {
        self.0.enter(py, |tracer, _| Ok(tracer.most_rows()))
    }

    /// Fills arrays that have room for the most rows of some coded bytes; how many rows and bytes there were.
    fn fill<'py>(
        &self,
        py: Python<'py>,
        mut logits: PyReadwriteArray2<'py, i16>,
        mut contexts: PyReadwriteArray2<'py, u8>,
        mut p1_q22: PyReadwriteArray1<'py, u32>,
        mut bits: PyReadwriteArray1<'py, u8>,
    ) -> PyResult<(usize, usize)> {
        let rows = bits.len();
        let shapes = [logits.shape()[0], contexts.shape()[0], p1_q22.len()];
        if shapes != [rows; 3] || contexts.shape()[1] != CONTEXTS.len() {
            return Err(PyValueError::new_err("arrays of different lengths"));
        }
        let width = logits.shape()[1];
        let (logits, contexts) = (logits.as_slice_mut()?, contexts.as_slice_mut()?);
        let (p1_q22, bits) = (p1_q22.as_slice_mut()?, bits.as_slice_mut()?);
        let run = |tracer: &mut codec::Tracer, tick: codec::Tick<'_>| {
            if tracer.width() != width {
                let found = format!("{width} columns a row, where there are {}", tracer.width());
                return Err(Error::Parameter(found));
            }
            let mut row = 0;
            let mut see = |trace: codec::Trace<'_>| {
                logits[row * width..][..width].copy_from_slice(trace.columns);
                contexts[row * CONTEXTS.len()..][..CONTEXTS.len()].copy_from_slice(trace.contexts);
                (p1_q22[row], bits[row]) = (trace.p1.get(), u8::from(trace.bit));
                row += 1;
            };
            let coded_bytes = tracer.next(rows / tracer.most_rows(), &mut see, tick)?;
            Ok((row, coded_bytes))
        };
        self.0.enter(py, run)
    }

    /// Learns so many coded bytes without telling of them; how many there were.
    fn skip(&self, py: Python<'_>, coded_bytes: usize) -> PyResult<usize> {
        self.0.enter(py, |tracer, tick| tracer.next(coded_bytes, &mut |_| (), tick))
    }
}
