# From nothing but python3 and cargo: `make demo` shows what foretold does, `make test` checks it.
#
#   make demo      compress a text every machine has, verify, compare with lzma, bz2 and zlib
#   make test      build, and run every suite, linter and type check (.ci/run does the same)
#   make heavy     the tests that take minutes or gigabytes
#   make arm       the kernels, networks and recorded archives on a 64-bit ARM processor, emulated: for
#                  this rustup, qemu-user, gcc-aarch64-linux-gnu and libc6-dev-arm64-cross are needed
#   make bench     sizes and speeds of presets 1 to 9 and peers, compared with the last record
#   make frontier  every figure asked for beside the peers: docs/FRONTIER.md, for hours; FORETOLD_CORPORA
#                  names the corpora, ARGS="--jobs 2 --peer-sizes FILE" goes to benches/frontier.py
#   make ablation  what each part of presets 1, 5 and 9 gains and costs: docs/ABLATION.md; ARGS as well
#   make clean     remove what the above made
#
# VENV says where the virtual environment is, PYTHON which Python it is made with. EXTRAS says what is
# installed for tests: torch takes gigabytes, EXTRAS=test,peers skips what needs it.

PYTHON ?= python3
VENV ?= .venv
CARGO ?= cargo
EXTRAS ?= test,peers,train

# A comma that does not separate arguments.
, := ,
folder := $(abspath $(VENV))
bin := $(folder)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
python := $(bin)/python
# Makes the virtual environment and builds the package into it, with the extras it is called with.
build = $(PYTHON) -m venv "$(folder)" \
	&& "$(python)" -m pip install --quiet --disable-pip-version-check "maturin>=1.9,<2" \
	&& VIRTUAL_ENV="$(folder)" PATH="$(bin):$$PATH" "$(bin)/maturin" develop --release $(1)

# Every suite runs, also after one that failed; the last line says which did.
suites := rust-format rust-lint rust-test python-lint python-types python-test

.PHONY: demo test heavy arm bench frontier ablation clean $(suites)

demo:
	$(call build)
	@mkdir -p demo
	"$(python)" -c 'from pydoc_data.topics import topics; print(*topics.values(), sep="\n")' > demo/topics.txt
	"$(bin)/foretold" compress --verify --force demo/topics.txt
	"$(bin)/foretold" info demo/topics.txt.ftd
	"$(bin)/foretold" decompress --force -o demo/again.txt demo/topics.txt.ftd
	cmp demo/topics.txt demo/again.txt
	"$(bin)/foretold" bench --no-save --peers lzma,bz2,zlib demo/topics.txt

test:
	$(call build,--extras $(EXTRAS))
	@failed=; for suite in $(suites); do \
		printf '\n== %s\n' $$suite; \
		"$(MAKE)" --no-print-directory $$suite || failed="$$failed $$suite"; \
	done; \
	if [ -n "$$failed" ]; then printf '\nfailed:%s\n' "$$failed"; exit 1; fi; \
	printf '\nall suites passed: %s\n' "$(suites)"

rust-format:
	$(CARGO) fmt --all --check

rust-lint:
	$(CARGO) clippy --quiet --workspace --all-targets -- -D warnings

rust-test:
	if $(CARGO) nextest --version >/dev/null 2>&1; then \
		$(CARGO) nextest run --workspace --cargo-quiet --status-level fail; \
	else \
		$(CARGO) test --workspace --quiet --lib --bins --tests; \
	fi
	$(CARGO) test --workspace --quiet --doc

python-lint:
	"$(bin)/ruff" check .
	"$(bin)/ruff" format --check .

python-types:
	"$(bin)/mypy"

# A worker for each core, while four have memory enough.
python-test:
	"$(python)" -m pytest -q -n auto --maxprocesses 4 --dist worksteal

heavy:
	$(call build,--extras $(EXTRAS))
	$(CARGO) test --workspace --release -- --ignored
	"$(python)" -m pytest -q -m heavy --timeout 3600

# What is slow under emulation and no different there is left out.
arm: export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER = aarch64-linux-gnu-gcc
arm: export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER = qemu-aarch64 -L /usr/aarch64-linux-gnu
arm: export CC_aarch64_unknown_linux_gnu = aarch64-linux-gnu-gcc
arm:
	rustup target add aarch64-unknown-linux-gnu
	$(CARGO) test --release --target aarch64-unknown-linux-gnu --quiet \
		-p foretold-numerics -p foretold-models -p foretold-neural -p foretold-coding
	$(CARGO) test --release --target aarch64-unknown-linux-gnu --quiet \
		-p foretold-codec --test golden --test format_examples --test raw

bench:
	$(call build,--extras test$(,)peers)
	"$(python)" benches/compare.py

frontier:
	$(call build,--extras test$(,)peers)
	"$(python)" benches/frontier.py $(ARGS)

ablation:
	$(call build,--extras test$(,)peers)
	CARGO="$(CARGO)" "$(python)" benches/ablation.py $(ARGS)

clean:
	rm -rf "$(folder)" target demo
