//! The extension module `foretold._core`: converts, delegates, translates errors; decides
//! nothing. The public Python names and their documentation are in `python/foretold`.

use pyo3::prelude::*;

mod door;
mod input;

/// What Python code of the package may use; `_core.pyi` lists the same.
#[pymodule(gil_used = false)]
mod _core {
    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
