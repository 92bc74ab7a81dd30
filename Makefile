# SPDX-License-Identifier: Apache-2.0
# The one door: the same targets locally and in CI. Everything is installed into .venv.
#
#   make demo           run containers by command and by library, timed (root)
#   make test           all that has to pass before a change lands: lint, Rust, Python, gates, images, kernel, must-pass
#   make fast           what needs no root: lint, Rust, Python
#   make gates          counts that may not rise: system calls, page faults, instructions, sizes (root)
#   make images         the tests of layers, images and builds, which make files of any owner and kind (root)
#   make kernel         the tests that start containers (root); MATRIX=all for every door in every view
#   make reference      the same tests on Debian's runc, to see whether the tests are right
#   make compare-builders  the same Containerfiles by muelle, buildah and BuildKit (root)
#   make interchange    images to and from podman, Docker, skopeo, umoci, a registry (root)
#   make clients        podman, containerd and Docker over estiba (root); DOOR=python, RUNTIME=/usr/sbin/runc
#   make vm             limits of cgroup v2 and AppArmor, in a guest booted by QEMU (root); VM="tests/vm -k memory"
#   make kill           verbs killed at each of their system calls, builds, pulls and loads at any moment (root)
#   make fuzz           prover, planner and the reader of archives under a fuzzer (nightly Rust, cargo-fuzz)
#   make bench          against its peers, which it fetches and builds (root)
#   make bench-images   builds and layers, beside BuildKit, Docker, buildah, umoci, skopeo (root)
#   make bench-clients  ctr, podman and docker over estiba and its peers, end to end (root)
#   make must-pass      the OCI's own programs, as far as estiba has to pass them (root)
#   make conformance    all of them, over estiba, runc and crun (root)
#   make record         record again what containerd, podman and Docker write (tests/recorded)

PYTHON ?= python3
MATRIX ?= core
VENV   := .venv
BIN    := $(VENV)/bin

# What the installed package is made of; one that is newer than the stamp means: build again.
SOURCES := pyproject.toml Cargo.toml Cargo.lock .cargo/config.toml $(shell find rust python data -type f -not -name '*.pyc')

DOOR ?= native
RUNTIME ?=
VM ?=

.PHONY: demo test fast lint rust python gates images kernel kill fuzz reference compare-builders interchange clients vm \
	bench bench-images bench-clients must-pass conformance record install clean

demo: $(VENV)/installed
	$(BIN)/python tools/demo.py

test: lint rust python gates images kernel must-pass

fast: lint rust python

install:
	tools/install-debian.sh

$(BIN)/pip: | install
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q --disable-pip-version-check --upgrade pip

$(VENV)/installed: $(SOURCES) | $(BIN)/pip
	$(BIN)/pip install -q --disable-pip-version-check '.[test]'
	touch $@

lint: $(VENV)/installed
	$(BIN)/ruff check python tests tools benches oci-conformance
	$(BIN)/ruff format --check python tests tools benches oci-conformance
	$(BIN)/mypy
	$(BIN)/stubtest estiba._core
	MYPYPATH=tests:benches:tools $(BIN)/mypy --explicit-package-bases tests/support tests/gates tests/kernel tests/vm \
		tests/build tests/images tests/muelle tests/compare tests/conftest.py benches/images.py benches/end_to_end.py
	cargo fmt --all --check
	cargo clippy --quiet --workspace --all-targets -- -D warnings

rust: | install
	cargo test --quiet --workspace

python: $(VENV)/installed
	tools/install-go.sh
	$(BIN)/pytest -q tests/test_layers.py tests/unit tests/properties

gates: $(VENV)/installed
	$(BIN)/pytest -q tests/gates

images: $(VENV)/installed
	$(BIN)/pytest -q tests/images tests/build tests/muelle

kernel: $(VENV)/installed
ifeq ($(MATRIX),all)
	ESTIBA_DOOR=native $(BIN)/pytest -q tests/kernel
	ESTIBA_DOOR=python $(BIN)/pytest -q tests/kernel
else
	ESTIBA_DOOR=native $(BIN)/pytest -q tests/kernel
	ESTIBA_DOOR=python $(BIN)/pytest -q -m core tests/kernel
endif

reference: $(VENV)/installed
	ESTIBA_RUNTIME=$$(command -v runc) $(BIN)/pytest -q tests/kernel

clients: $(VENV)/installed
	tools/install-clients.sh
	ESTIBA_DOOR=$(DOOR) ESTIBA_RUNTIME=$(RUNTIME) $(BIN)/pytest -q tests/clients

compare-builders: $(VENV)/installed
	tools/install-builders.sh
	$(BIN)/pytest -q tests/compare

interchange: $(VENV)/installed
	tools/install-interchange.sh
	$(BIN)/pytest -q tests/interchange

vm: $(VENV)/installed
	tools/install-vm.sh
	cd tests && ../$(BIN)/python -m vm.run $(VM)

kill: $(VENV)/installed
	ESTIBA_KILL_ROUNDS=1000 $(BIN)/pytest -q tests/unit/test_images_killed.py tests/build/test_killed.py
	ESTIBA_KILL_EVERY=1 $(BIN)/pytest -q tests/kernel/test_killed.py

fuzz: $(VENV)/installed
	cargo fuzz --version >/dev/null || cargo install --quiet cargo-fuzz
	$(BIN)/python tests/fuzz/fuzz.py 300

bench: $(VENV)/installed
	$(BIN)/python tools/peers.py
	$(BIN)/python benches/run.py

bench-images: $(VENV)/installed
	tools/install-builders.sh
	$(BIN)/python benches/images.py

bench-clients: $(VENV)/installed
	tools/install-clients.sh
	$(BIN)/python benches/end_to_end.py

must-pass: $(VENV)/installed
	tools/install-go.sh
	$(BIN)/python oci-conformance/run.py --only estiba --only estiba-python --must-pass

conformance: $(VENV)/installed
	tools/install-go.sh
	$(BIN)/python tools/peers.py
	$(BIN)/python oci-conformance/run.py

record: | install
	tools/install-clients.sh
	$(PYTHON) tools/record_configs.py

clean:
	rm -rf $(VENV) target
