# The way from a fresh clone to a demo or a test run. Cargo alone works too, once `make setup` ran.

# cpu | cuda; empty: the libtorch that is there, else cpu.
DEVICE ?=
# The competition of `make demo`.
COMPETITION ?= dogs-vs-cats
# Of `make unit`: a part of a test's path, such as metric::fbeta.
FILTER ?=
PYTHON ?= python3
TARGET := $(or $(CARGO_TARGET_DIR),target)

.PHONY: help setup build install unit test test-kaggle test-resume test-ranks test-notebooks wheel test-wheel demo fmt lint clean

help:
	@echo "make setup  [DEVICE=cpu|cuda]        libtorch and the default weights, once (about 560 MB)"
	@echo "make build                           the program: ./kaggle-kit"
	@echo "make install                         all three programs into ~/.cargo/bin"
	@echo "make wheel                           dist/kaggle_kit-*.whl, for machines without Rust"
	@echo "make test-wheel                      that in a fresh Python environment (torch from PyPI)"
	@echo "make demo   [COMPETITION=dogs-vs-cats|dog-breed|planet]"
	@echo "                                     fetch, train and submit against a stand-in Kaggle"
	@echo "make unit   [FILTER=metric::fbeta]   the library's tests alone, seconds after an edit"
	@echo "make test                            all tests"
	@echo "make test-kaggle                     Kaggle's own clients and ours against the stand-in (PyPI)"
	@echo "make test-resume                     20 times kill -9 in training, against an undisturbed run"
	@echo "make test-ranks                      several ranks, ended in every way, against one process"
	@echo "make test-notebooks                  both notebooks by nbclient, on drawn data (PyPI)"
	@echo "make fmt | make lint                 format the code | format check, clippy, features"
	@echo "make clean                           removes what was built, keeps libtorch and weights"

setup:
	@$(PYTHON) scripts/setup.py $(if $(DEVICE),--device $(DEVICE))

build: setup
	@$(call say_first_build)
	cargo build
	@ln -sfn $(TARGET)/debug/kaggle-kit kaggle-kit

install: setup
	cargo install --path programs

wheel: setup
	@$(PYTHON) scripts/make_wheel.py

test-wheel:
	@$(PYTHON) scripts/test_wheel.py

# Our own code is not optimised here, so that compiling it takes seconds; dependencies stay as they are.
unit:
	CARGO_PROFILE_DEV_OPT_LEVEL=0 cargo test -p kaggle-kit --lib -- $(FILTER)

test: setup
	@$(call say_first_build)
	@$(PYTHON) scripts/test.py

test-kaggle: build
	@$(PYTHON) scripts/test_kaggle.py ./kaggle-kit

test-notebooks: build
	@$(PYTHON) scripts/test_notebooks.py ./kaggle-kit

test-resume: build
	@$(PYTHON) scripts/resume_test.py ./kaggle-kit

test-ranks: build
	@$(PYTHON) scripts/ranks_test.py ./kaggle-kit

demo: build
	./kaggle-kit demo $(COMPETITION)

fmt:
	cargo fmt --all

lint: setup
	cargo fmt --all --check
	cargo clippy --all-targets -- -D warnings
	@$(PYTHON) scripts/features.py

clean:
	cargo clean
	rm -f kaggle-kit

# torch-sys compiles libtorch's C++ interface; nothing moves on the screen meanwhile.
say_first_build = ls $(TARGET)/debug/deps/libtorch_sys-*.rlib >/dev/null 2>&1 || \
	echo "the first build takes 6 to 8 minutes on two cores"
