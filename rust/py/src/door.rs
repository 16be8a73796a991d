//! The one way from Python into the codec.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use foretold_codec::{Error, Tick};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::translate;

/// How often a long call looks for Ctrl-C and tells its progress. Often enough to feel immediate,
/// rarely enough that waiting for the GIL costs nothing.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// A Python callable that is told the number of content bytes done so far.
pub type Progress = Option<Py<PyAny>>;

/// Runs `work` without the GIL. Meanwhile Ctrl-C stops it and `progress` is told; afterwards
/// the codec's error becomes Python's.
pub fn enter<T: Send>(
    py: Python<'_>,
    progress: Progress,
    work: impl FnOnce(Tick<'_>) -> Result<T, Error> + Send,
) -> PyResult<T> {
    // A progress is told of the first bytes at once: one that raises does so before a target appears.
    let looked = progress.is_none().then(Instant::now);
    let mut watch = Watch { progress, done_bytes: 0, told_bytes: 0, looked, raised: None };
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
    progress: Progress,
    done_bytes: u64,
    told_bytes: u64,
    looked: Option<Instant>,
    raised: Option<PyErr>,
}

impl Watch {
    fn tick(&mut self, bytes: usize) -> ControlFlow<()> {
        self.done_bytes += bytes as u64;
        if self.raised.is_none() && self.looked.is_none_or(|looked| looked.elapsed() >= LOOK_EVERY) {
            Python::attach(|py| match py.check_signals() {
                Ok(()) => self.tell(py),
                Err(error) => self.raised = Some(error),
            });
            if self.looked.is_some() || self.done_bytes > 0 {
                self.looked = Some(Instant::now());
            }
        }
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

/// Something of the codec that several Python threads may call: one after the other.
pub struct InTurn<T> {
    inner: Mutex<T>,
    /// Which thread is inside, as [`this_thread`] names it; 0 for none.
    inside: AtomicUsize,
}

impl<T: Send> InTurn<T> {
    pub fn new(inner: T) -> InTurn<T> {
        InTurn { inner: Mutex::new(inner), inside: AtomicUsize::new(0) }
    }

    /// As [`enter`], when it is this call's turn.
    ///
    /// The lock is taken without the GIL, so that a thread inside that needs the GIL for a
    /// moment gets it. A call from within a call (by a signal handler, or the Python file that is
    /// being read) would wait for ever and is refused.
    pub fn enter<R: Send>(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut T, Tick<'_>) -> Result<R, Error> + Send,
    ) -> PyResult<R> {
        if self.inside.load(Ordering::Relaxed) == this_thread() {
            return Err(PyRuntimeError::new_err("called from within a call of the same object"));
        }
        enter(py, None, |tick| {
            // After a panic inside, the codec's own state says whether it can go on.
            let mut inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
            let _leave = Leave(&self.inside);
            self.inside.store(this_thread(), Ordering::Relaxed);
            work(&mut inner, tick)
        })
    }
}

/// Clears the mark however the call ends, before the lock goes.
struct Leave<'a>(&'a AtomicUsize);

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Relaxed);
    }
}

/// A number that no other living thread has, and that is not 0.
fn this_thread() -> usize {
    thread_local!(static MARK: u8 = const { 0 });
    MARK.with(|mark| std::ptr::from_ref(mark).addr())
}
