# The one front door. `make` alone prints what there is.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The targets share two cores, one build folder and the loopback ports.
.NOTPARALLEL:

# A toolchain that `make setup` has just installed is not yet in the caller's PATH.
export PATH := $(HOME)/.cargo/bin:$(PATH)
export CARGO_TERM_COLOR ?= auto
# The browser test drives Debian's Chromium; no npm package may fetch another.
export PUPPETEER_SKIP_DOWNLOAD := 1

BIN     := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)/release
MODEL   ?= board/models/demo.toml
CONSOLE := firmware/console
DENY    := cargo deny --all-features check --hide-inclusion-graph
PAGES   := $(CONSOLE)/dist/index.html
SOURCES := $(shell find $(CONSOLE) -type f -not -path '*/node_modules/*' -not -path '*/dist/*' 2>/dev/null)

.PHONY: help setup build run console fmt lint image soak bench bench-pacing \
        test test-core test-world test-peer test-browser test-guest test-image

help: ## this list
	@echo 'Linebox. On a fresh Debian 12: make run'
	@echo
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  MODEL=FILE        another box model for make run   (default $(MODEL))'
	@echo '  LINEBOX_DATA=DIR  where the box keeps its data     (default ./var)'
	@echo '  CARGO_TARGET_DIR  where cargo builds               (default ./target)'

setup: ## install what is missing: packages, Rust, Node (root or sudo; no network if complete)
	@./setup.sh

build: console ## console and release programs
	cargo build --release --bins

run: setup ## set up, build, start the demo box; Ctrl-C stops it
	@$(MAKE) --no-print-directory build
	$(BIN)/supervisor --model $(MODEL)

console: $(PAGES)

$(CONSOLE)/node_modules/.package-lock.json: $(CONSOLE)/package-lock.json
	cd $(CONSOLE) && npm ci --no-audit --no-fund
	@touch $@

$(PAGES): $(CONSOLE)/node_modules/.package-lock.json $(SOURCES)
	cd $(CONSOLE) && npm run build
	@touch $@

test: test-core test-world test-peer test-browser ## all four below, in this order

test-core: console ## unit, property and trace tests of every crate, and the style of the house
	cargo test --workspace --exclude world --exclude peer --exclude bench

test-world: console ## the whole box in virtual time
	cargo test -p world

test-peer: build ## release programs against baresip and SIPp on loopback
	cargo test -p peer -- --test-threads 1

test-browser: build ## one day in headless Chromium
	cd tests/browser && npm ci --no-audit --no-fund && node run.mjs

bench: build ## every promised figure beside its floor
	cargo run --release -p bench

bench-pacing: ## pacing policies side by side in simulated worlds
	cargo run --release -p pacing_bench

fmt: ## format the sources
	cargo fmt --all

lint: console ## formatting, clippy, and cargo deny where it is installed
	cargo fmt --all --check
	cargo clippy --workspace --all-targets -- -D warnings
	@if ! cargo deny --version >/dev/null 2>&1; then \
	   echo 'lint: cargo-deny is not installed; licences, sources and advisories were not checked'; \
	 else \
	   $(DENY) licenses bans sources; \
	   if cargo deny fetch db; then $(DENY) advisories; \
	   else echo 'lint: the database of advisories is out of reach; they were not checked'; fi; \
	 fi

test-guest: ## the E1 driver on a real kernel with DAHDI, against libpri, in QEMU
	tests/guest/run.sh

test-image: ## the image: two builds alike, signature, size (not built yet)
	@echo 'test-image is not built yet and was left out: there is no image.'

image: ## the bootable, signed A/B image (not built yet)
	@echo 'image is not built yet and was left out.'

soak: ## a week of calls shortened by load (not built yet)
	@echo 'soak is not built yet and was left out.'
