//! The one way from Python into the codec.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use foretold_codec::{EngineError, Tick};
use pyo3::prelude::*;

/// How often a long call looks for Ctrl-C and tells its progress. Often enough to feel immediate,
/// rarely enough that waiting for the GIL costs nothing.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs `work` without the GIL. Meanwhile Ctrl-C stops it, `progress` is called with the number
/// of content bytes done so far, and afterwards the codec's error becomes Python's.
pub fn enter<T: Send>(
    py: Python<'_>,
    progress: Option<Py<PyAny>>,
    work: impl FnOnce(Tick<'_>) -> Result<T, EngineError> + Send,
) -> PyResult<T> {
    let mut watch = Watch { progress, done_bytes: 0, told_bytes: 0, looked: Instant::now(), raised: None };
    let result = py.detach(|| work(&mut |bytes| watch.tick(bytes)));
    if watch.raised.is_none() && result.is_ok() {
        watch.tell(py);
    }
    // An exception raised meanwhile is the caller's to see, even if the work was just done.
    match watch.raised {
        Some(error) => Err(error),
        None => result.map_err(|error| translate(py, error)),
    }
}

/// What the tick of one call keeps.
struct Watch {
    progress: Option<Py<PyAny>>,
    done_bytes: u64,
    told_bytes: u64,
    looked: Instant,
    raised: Option<PyErr>,
}

impl Watch {
    fn tick(&mut self, bytes: usize) -> ControlFlow<()> {
        self.done_bytes += bytes as u64;
        if self.looked.elapsed() < LOOK_EVERY {
            return ControlFlow::Continue(());
        }
        Python::attach(|py| {
            if let Err(error) = py.check_signals() {
                self.raised = Some(error);
            } else {
                self.tell(py);
            }
        });
        self.looked = Instant::now();
        if self.raised.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn tell(&mut self, py: Python<'_>) {
        if let Some(progress) = &self.progress
            && self.told_bytes != self.done_bytes
        {
            self.told_bytes = self.done_bytes;
            if let Err(error) = progress.call1(py, (self.done_bytes,)) {
                self.raised = Some(error);
            }
        }
    }
}

fn translate(_py: Python<'_>, error: EngineError) -> PyErr {
    pyo3::exceptions::PyRuntimeError::new_err(error.to_string())
}
