//! The codec's errors as Python's, in one place.

use foretold_codec::{EngineError, Error};
use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError};
use pyo3::prelude::*;

/// The exception for `error`; the classes are those of `foretold.errors`.
pub fn translate(py: Python<'_>, error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Format { .. } => ours(py, "FormatError", (message,)),
        Error::Corrupt { offset, member, block, chunk, .. } => {
            ours(py, "CorruptError", (message, offset, member, block, chunk))
        }
        Error::Memory { needed, allowed } => ours(py, "MemoryLimitError", (message, needed, allowed)),
        Error::OutputLimit { allowed } => ours(py, "OutputLimitError", (message, allowed)),
        Error::Parameter(_) => ours(py, "ParameterError", (message,)),
        Error::State(_) => ours(py, "FormatError", (message,)),
        // Only reached where nothing was raised: the tick's own exception comes first.
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
        // An exception of the Python file that was read or written comes back as itself.
        Error::Io(error) => error.into(),
        Error::Engine(EngineError::OutOfMemory(_)) => PyMemoryError::new_err(message),
        Error::Engine(_) => ours(py, "ForetoldError", (message,)),
    }
}

/// The class of `foretold.errors` called `class`, made from `arguments`.
fn ours<'py>(py: Python<'py>, class: &str, arguments: impl PyCallArgs<'py>) -> PyErr {
    let raised = (|| py.import("foretold.errors")?.getattr(class)?.call1(arguments))();
    raised.map_or_else(|error| error, PyErr::from_value)
}
