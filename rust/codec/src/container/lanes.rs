//! Work on several blocks at once.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::{Error, Tick};

/// How often the calling thread asks the caller's tick while it waits for the others.
const POLL: Duration = Duration::from_millis(20);

/// Does `work` on every item, each on a thread of its own, the first one on the calling thread.
///
/// All threads have ended when this returns. The caller's tick is called on the calling thread
/// only; when it breaks, every worker's tick does.
pub fn run<T: Send>(
    items: Vec<&mut T>,
    work: impl Fn(&mut T, Tick<'_>) -> Result<(), Error> + Sync,
    tick: Tick<'_>,
) -> Result<(), Error> {
    let mut items = items.into_iter();
    let Some(first) = items.next() else { return Ok(()) };
    if items.len() == 0 {
        return work(first, tick);
    }
    let stop = AtomicBool::new(false);
    let done = AtomicUsize::new(0);
    let finished = AtomicUsize::new(0);
    let mut report = |bytes: usize| {
        let flow = tick(bytes + done.swap(0, Ordering::Relaxed));
        if flow.is_break() {
            stop.store(true, Ordering::Relaxed);
        }
        flow
    };
    thread::scope(|scope| {
        let caller = thread::current();
        let mut workers = Vec::new();
        let mut result = Ok(());
        for item in items {
            let (work, stop, done, finished) = (&work, &stop, &done, &finished);
            let caller = caller.clone();
            let worker = thread::Builder::new().spawn_scoped(scope, move || {
                let result = work(item, &mut |bytes| {
                    done.fetch_add(bytes, Ordering::Relaxed);
                    if stop.load(Ordering::Relaxed) {
                        ControlFlow::Break(())
                    } else {
                        ControlFlow::Continue(())
                    }
                });
                finished.fetch_add(1, Ordering::Release);
                caller.unpark();
                result
            });
            match worker {
                Ok(worker) => workers.push(worker),
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    result = Err(Error::Io(error));
                }
            }
        }
        if result.is_ok() {
            result = work(first, &mut report);
        }
        if result.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        while finished.load(Ordering::Acquire) < workers.len() {
            thread::park_timeout(POLL);
            if report(0).is_break() && result.is_ok() {
                result = Err(Error::Interrupted);
            }
        }
        for worker in workers {
            let other = worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            // An error is why the others were interrupted, so it comes first.
            if other.is_err() && matches!(result, Ok(()) | Err(Error::Interrupted)) {
                result = other;
            }
        }
        if report(0).is_break() && result.is_ok() {
            result = Err(Error::Interrupted);
        }
        result
    })
}
