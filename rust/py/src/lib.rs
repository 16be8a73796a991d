//! The extension module `foretold._core`: converts, delegates, translates errors; decides
//! nothing. The public Python names and their documentation are in `python/foretold`.

use pyo3::prelude::*;

mod archives;
mod door;
mod errors;
mod files;
mod input;
mod measure;
mod priors;
mod python_file;
mod streams;
mod traces;

/// What the Python package may use; `_core.pyi` lists the same.
///
/// No state is shared between calls but what [`door::InTurn`] guards, so the module does not ask
/// for a global lock where Python has none.
#[pymodule(gil_used = false)]
mod _core {
    use foretold_codec::GENERATION;
    use pyo3::prelude::*;

    #[pymodule_export]
    use crate::archives::{SeekableReader, info};
    #[pymodule_export]
    use crate::errors::error_examples;
    #[pymodule_export]
    use crate::files::{
        checkpoint_info, compress_file, decompress_file, recover_file, resume_file, test_file,
    };
    #[pymodule_export]
    use crate::measure::{code_lengths, expectations, network_probabilities, presets, probe};
    #[pymodule_export]
    use crate::priors::{
        Prior, clear_prior_cache, coded_bytes, learn_weights, make_ngram_prior, prior_cache, seen_bytes,
        train_prior,
    };
    #[pymodule_export]
    use crate::streams::{
        Compressor, Decompressor, compress, compress_raw, decompress, decompress_raw, packed_network_bytes,
    };
    #[pymodule_export]
    use crate::traces::{Tracer, mixer_corrections, trace_columns};

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))?;
        module.add("FORMAT_GENERATION", GENERATION)
    }
}
