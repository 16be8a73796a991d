//! Priors: what a model may know beforehand.

use std::borrow::Cow;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::UNIX_EPOCH;

use foretold_codec::knowledge::ngrams::{self, Least, Ngrams};
use foretold_codec::{self as codec, Knowledge, Options, PriorContent, Training};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::door::{Progress, enter};
use crate::input::Input;
use crate::streams::{options, preset_of};

#[pyclass(frozen, module = "foretold._core")]
pub struct Prior(pub Arc<codec::Prior>);

#[pymethods]
impl Prior {
    #[new]
    fn new(py: Python<'_>, data: Input<'_>, called: &str) -> PyResult<Prior> {
        let data = data.bytes();
        let read = || codec::Prior::from_bytes(data.to_vec(), called).map_err(codec::Error::Prior);
        Ok(Prior(Arc::new(enter(py, None, |_| read())?)))
    }

    #[staticmethod]
    fn english(frozen: bool) -> Prior {
        Prior(if frozen { codec::Prior::frozen_english() } else { codec::Prior::english() }.clone())
    }

    #[getter]
    fn name(&self) -> &str {
        self.0.name()
    }

    #[getter]
    fn digest(&self) -> String {
        self.0.digest().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    #[getter]
    fn file_bytes(&self) -> usize {
        self.0.file_bytes()
    }

    #[getter]
    fn network(&self) -> Option<(usize, usize)> {
        self.0.network()
    }

    #[getter]
    fn network_gates(&self) -> Option<usize> {
        self.0.network_gates()
    }

    #[getter]
    fn network_hears_match(&self) -> bool {
        self.0.network_hears_match()
    }

    #[getter]
    fn has_frozen_network(&self) -> bool {
        self.0.has_frozen_network()
    }

    fn with_network(&self, py: Python<'_>, name: &str, weights: Input<'_>, frozen: bool) -> PyResult<Prior> {
        let weights = weights.bytes();
        let made = || self.0.with_network(name, weights, frozen).map_err(codec::Error::Prior);
        Ok(Prior(Arc::new(enter(py, None, |_| made())?)))
    }

    fn with_weights(&self, py: Python<'_>, name: &str, weights: Vec<(u8, Vec<u8>)>) -> PyResult<Prior> {
        let weights = weights
            .into_iter()
            .map(|(preset, packed)| Ok((preset_of(py, preset)?, packed)))
            .collect::<PyResult<_>>()?;
        let made = || self.0.with_weights(name, weights).map_err(codec::Error::Prior);
        Ok(Prior(Arc::new(enter(py, None, |_| made())?)))
    }

    #[getter]
    fn mixer(&self) -> Option<usize> {
        self.0.mixer()
    }

    fn with_mixer(&self, py: Python<'_>, name: &str, weights: Input<'_>) -> PyResult<Prior> {
        let weights = weights.bytes();
        let made = || self.0.with_mixer(name, weights).map_err(codec::Error::Prior);
        Ok(Prior(Arc::new(enter(py, None, |_| made())?)))
    }

    #[getter]
    fn preset(&self) -> Option<u8> {
        self.0.preset().map(codec::Preset::number)
    }

    fn to_bytes<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        PyBytes::new(py, self.0.file())
    }
}

/// What mixers of a preset that start from the prior start from, learned of other texts, packed.
#[pyfunction]
pub fn learn_weights(
    py: Python<'_>,
    prior: PyRef<'_, Prior>,
    preset: u8,
    texts: Vec<Vec<u8>>,
) -> PyResult<Cow<'static, [u8]>> {
    let preset = preset_of(py, preset)?;
    let prior = prior.0.clone();
    enter(py, None, |tick| {
        let texts: Vec<&[u8]> = texts.iter().map(Vec::as_slice).collect();
        codec::knowledge::learn_weights(&texts, preset, &prior, tick)
    })
    .map(Cow::Owned)
}

/// The file of a prior of n-grams: of texts as the English words code them, or as they are, the longest
/// contexts having `order` bytes.
#[pyfunction]
#[pyo3(signature = (name, texts, english_words, context, follower, worth, order = 6))]
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn make_ngram_prior(
    py: Python<'_>,
    name: &str,
    texts: Vec<Vec<u8>>,
    english_words: bool,
    context: u32,
    follower: u32,
    worth: f64,
    order: usize,
) -> PyResult<Cow<'static, [u8]>> {
    let least = Least { context, follower, worth };
    if !(1..=ngrams::MOST_ORDER).contains(&order) {
        let most = ngrams::MOST_ORDER;
        return Err(PyValueError::new_err(format!("order is {order}, 1 to {most} is allowed")));
    }
    enter(py, None, |_| {
        let coded = |text: &Vec<u8>| codec::knowledge::coded_with_english(text);
        let texts = if english_words { texts.iter().map(coded).collect() } else { texts };
        let ngrams = Ngrams::learn(&texts, order, least).pack().ok_or_else(|| {
            let problem = "these texts have too many strings for one prior: fewer, or what came more often";
            codec::Error::Prior(codec::PriorError::Samples(problem.into()))
        })?;
        let trees = Some(codec::knowledge::packed_trees(&texts));
        let content = PriorContent { english_words, ngrams: Some(ngrams), trees, ..PriorContent::default() };
        codec::Prior::to_bytes(name, &content).map_err(codec::Error::Prior)
    })
    .map(Cow::Owned)
}

/// What a model sees of a content that is one block.
#[pyfunction]
pub fn coded_bytes(py: Python<'_>, data: Input<'_>, english: bool) -> PyResult<Cow<'static, [u8]>> {
    let data = data.bytes();
    enter(py, None, |_| Ok(codec::coded_bytes(data, english))).map(Cow::Owned)
}

/// What models see of a content that is compressed so.
#[pyfunction]
pub fn seen_bytes<'py>(
    py: Python<'py>,
    data: Input<'py>,
    preset: u8,
    block_size: Option<u64>,
    transform: &str,
    knowledge: KnowledgeArgument<'py>,
) -> PyResult<Cow<'static, [u8]>> {
    let options = options(py, preset, 1, true, block_size, transform, knowledge, None)?;
    let data = data.bytes();
    enter(py, None, |_| codec::seen_bytes(data, &options)).map(Cow::Owned)
}

/// `"auto"`, `"frozen"`, `"none"` or a prior.
#[derive(FromPyObject)]
pub enum KnowledgeArgument<'py> {
    Prior(PyRef<'py, Prior>),
    Name(String),
}

impl TryFrom<KnowledgeArgument<'_>> for Knowledge {
    type Error = PyErr;

    fn try_from(argument: KnowledgeArgument<'_>) -> PyResult<Knowledge> {
        match argument {
            KnowledgeArgument::Prior(prior) => Ok(Knowledge::Prior(prior.0.clone())),
            KnowledgeArgument::Name(name) if name == "auto" => Ok(Knowledge::Auto),
            KnowledgeArgument::Name(name) if name == "frozen" => Ok(Knowledge::Frozen),
            KnowledgeArgument::Name(name) if name == "none" => Ok(Knowledge::None),
            KnowledgeArgument::Name(name) => {
                Err(PyValueError::new_err(format!("knowledge {name:?} is unknown")))
            }
        }
    }
}

/// The priors at hand for decoding.
pub fn at_hand(priors: &[PyRef<'_, Prior>]) -> codec::Priors {
    codec::Priors::new(priors.iter().map(|prior| prior.0.clone()))
}

/// The file of a prior made from what the preset's model learns of samples.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "the Python side names them")]
pub fn train_prior<'py>(
    py: Python<'py>,
    samples: Vec<Input<'py>>,
    name: String,
    preset: u8,
    max_bytes: usize,
    transform: &str,
    knowledge: KnowledgeArgument<'py>,
    progress: Progress,
) -> PyResult<Bound<'py, PyBytes>> {
    let Options { preset, transform, knowledge, .. } =
        options(py, preset, 1, true, None, transform, knowledge, None)?;
    let training = Training { name, preset, max_bytes, knowledge, transform };
    let samples: Vec<&[u8]> = samples.iter().map(Input::bytes).collect();
    let file = enter(py, progress, |tick| codec::train(&samples, &training, tick))?;
    Ok(PyBytes::new(py, &file))
}

type CachedTable = (String, u64, f64);

/// The folder that expanded priors are kept in, if any, and the tables there: name, bytes, seconds
/// since the epoch when it was used last.
#[pyfunction]
pub fn prior_cache(py: Python<'_>) -> PyResult<(Option<PathBuf>, u64, Vec<CachedTable>)> {
    let cache = enter(py, None, |_| codec::cached_tables())?;
    let row = |entry: codec::CachedTable| {
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let used = entry.used.duration_since(UNIX_EPOCH).map_or(0.0, |used| used.as_secs_f64());
        (name, entry.bytes, used)
    };
    Ok((cache.folder, cache.limit, cache.tables.into_iter().map(row).collect()))
}

/// Removes them, and returns how many bytes they had.
#[pyfunction]
pub fn clear_prior_cache(py: Python<'_>) -> PyResult<u64> {
    enter(py, None, |_| codec::clear_cached_tables())
}
