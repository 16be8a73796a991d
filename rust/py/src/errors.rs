//! The codec's errors as Python's, in one place.

use std::io;
use std::path::{Path, PathBuf};

use foretold_codec::{Damage, EngineError, Error, FormatProblem, PriorError};
use pyo3::call::PyCallArgs;
use pyo3::exceptions::{PyKeyboardInterrupt, PyMemoryError, PyOSError};
use pyo3::prelude::*;

/// The exception for `error`; the classes that Python lacks are those of `foretold.errors`.
pub fn translate(py: Python<'_>, error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::Format { .. } => ours(py, "FormatError", (message,)),
        Error::Corrupt { offset, member, block, chunk, .. } => {
            ours(py, "CorruptError", (message, offset, member, block, chunk))
        }
        Error::Raw(_) => ours(py, "CorruptError", (message,)),
        Error::Memory { needed, allowed } => ours(py, "MemoryLimitError", (message, needed, allowed)),
        Error::OutputLimit { allowed } => ours(py, "OutputLimitError", (message, allowed)),
        Error::Parameter(_) | Error::SameFile(_) => ours(py, "ParameterError", (message,)),
        // Only reached where nothing was raised: the tick's own exception comes first.
        Error::Interrupted => PyKeyboardInterrupt::new_err(()),
        // An exception of the Python file that was read or written comes back as itself.
        Error::Io(error) => error.into(),
        Error::Prior(PriorError::OutOfMemory(_)) => PyMemoryError::new_err(message),
        Error::Prior(_) => ours(py, "PriorError", (message,)),
        Error::Engine(EngineError::OutOfMemory(_)) => PyMemoryError::new_err(message),
        Error::Engine(_) => ours(py, "ForetoldError", (message,)),
        Error::File { path, error, .. } => os_error(py, &path, error),
        Error::Exists(path) => system(py, "EEXIST", "File exists", &path),
        Error::NotRegular(path) => system(py, "EINVAL", "Not a regular file", &path),
        Error::Busy(path) => system(py, "EAGAIN", "Being written by another process", &path),
        Error::State(_) => ours(py, "CheckpointError", (message,)),
        Error::Changed { path, .. } | Error::Checkpoint { path, .. } => {
            ours(py, "CheckpointError", (message, path.into_os_string()))
        }
        Error::Verification { path, .. } => ours(py, "VerificationError", (message, path.into_os_string())),
    }
}

/// The class of `foretold.errors` called `class`, made from `arguments`.
fn ours<'py>(py: Python<'py>, class: &str, arguments: impl PyCallArgs<'py>) -> PyErr {
    let raised = (|| py.import("foretold.errors")?.getattr(class)?.call1(arguments))();
    raised.map_or_else(|error| error, PyErr::from_value)
}

/// What the operating system said about the file at `path`.
fn os_error(py: Python<'_>, path: &Path, error: io::Error) -> PyErr {
    match error.raw_os_error() {
        Some(code) if cfg!(unix) => {
            let text = (|| py.import("os")?.call_method1("strerror", (code,))?.extract::<String>())();
            // Python picks the child of OSError by the code.
            PyOSError::new_err((
                code,
                text.unwrap_or_else(|_| error.to_string()),
                path.as_os_str().to_owned(),
            ))
        }
        _ => error.into(),
    }
}

/// An `OSError` of our own about the file at `path`, with one of the names of `errno`.
fn system(py: Python<'_>, code: &str, text: &'static str, path: &Path) -> PyErr {
    let code = py.import("errno").and_then(|errno| errno.getattr(code)?.extract::<i32>());
    match code {
        Ok(code) => PyOSError::new_err((code, text, path.as_os_str().to_owned())),
        Err(error) => error,
    }
}

/// One exception for every cause, by the cause's name: what the tests compare with their table.
#[pyfunction]
pub fn error_examples(py: Python<'_>) -> Vec<(&'static str, Py<PyAny>)> {
    examples()
        .into_iter()
        .map(|error| (cause(&error), translate(py, error).into_value(py).into_any()))
        .collect()
}

fn examples() -> Vec<Error> {
    let path = || PathBuf::from("a file");
    let text = || String::from("why");
    vec![
        Error::Format { offset: 7, problem: FormatProblem::NotForetold(vec![1]) },
        Error::Corrupt { offset: 7, member: 1, block: Some(2), chunk: Some(3), damage: Damage::Truncated },
        Error::Raw(Damage::Truncated),
        Error::Memory { needed: 2, allowed: 1 },
        Error::OutputLimit { allowed: 1 },
        Error::Parameter(text()),
        Error::SameFile(path()),
        Error::Interrupted,
        Error::Io(io::ErrorKind::NotFound.into()),
        Error::Engine(EngineError::OutOfMemory(1)),
        Error::Engine(EngineError::BadState),
        Error::Prior(PriorError::Missing { wanted: text(), given: vec![text()] }),
        Error::Prior(PriorError::OutOfMemory(text())),
        Error::File { action: "open", path: path(), error: io::Error::from_raw_os_error(2) },
        Error::Exists(path()),
        Error::NotRegular(path()),
        Error::Busy(path()),
        Error::State(text()),
        Error::Changed { path: path(), reason: text() },
        Error::Checkpoint { path: path(), reason: text() },
        Error::Verification { path: path(), reason: text() },
    ]
}

/// The name of the variant. A new one does not compile until it is named here.
fn cause(error: &Error) -> &'static str {
    match error {
        Error::Format { .. } => "Format",
        Error::Corrupt { .. } => "Corrupt",
        Error::Raw(_) => "Raw",
        Error::Memory { .. } => "Memory",
        Error::OutputLimit { .. } => "OutputLimit",
        Error::Parameter(_) => "Parameter",
        Error::SameFile(_) => "SameFile",
        Error::Interrupted => "Interrupted",
        Error::Io(_) => "Io",
        Error::Prior(PriorError::OutOfMemory(_)) => "Prior(OutOfMemory)",
        Error::Prior(_) => "Prior",
        Error::Engine(EngineError::OutOfMemory(_)) => "Engine(OutOfMemory)",
        Error::Engine(_) => "Engine",
        Error::File { .. } => "File",
        Error::Exists(_) => "Exists",
        Error::NotRegular(_) => "NotRegular",
        Error::Busy(_) => "Busy",
        Error::State(_) => "State",
        Error::Changed { .. } => "Changed",
        Error::Checkpoint { .. } => "Checkpoint",
        Error::Verification { .. } => "Verification",
    }
}
