#!/usr/bin/env bash
# Brings a Debian 12 to where `make build` and `make test` work. Called by `make setup`.
# What is present is left alone: a second run installs nothing and needs no network.
set -euo pipefail
cd "$(dirname "$0")"

RUST_MIN=1.95
NODE_MIN=18

say() { echo "setup: $*"; }

# True if version $1 is at least $2.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    say "needs root for: $*" >&2
    say "run 'make setup' as root, or install sudo" >&2
    exit 1
  fi
}

apt_updated=no
apt_install() {
  if [ "$apt_updated" = no ]; then
    as_root env DEBIAN_FRONTEND=noninteractive apt-get update -q
    apt_updated=yes
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@"
}

# --- Debian packages -------------------------------------------------------------------------
# To build: a C compiler (SQLite, spandsp), cmake, clang and libclang (bindings).
# To test: the peers that we did not write, and a browser with Chinese letters.
packages=(
  build-essential pkg-config cmake clang libclang-dev curl ca-certificates git
  sip-tester baresip-core libpri-dev sox chromium chromium-driver fonts-noto-cjk
)

missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${missing[*]}"
  apt_install "${missing[@]}"
fi

# --- Node ------------------------------------------------------------------------------------
node_version() { node --version 2>/dev/null | sed 's/^v//' || true; }
if ! at_least "$(node_version)" "$NODE_MIN" || ! command -v npm >/dev/null; then
  say "installing node and npm (found '$(node_version)', need $NODE_MIN)"
  apt_install nodejs npm
fi
if ! at_least "$(node_version)" "$NODE_MIN"; then
  say "node is $(node_version), need $NODE_MIN: install a newer one and run make setup again" >&2
  exit 1
fi

# --- Rust ------------------------------------------------------------------------------------
export PATH="$HOME/.cargo/bin:$PATH"
rust_version() { rustc --version 2>/dev/null | cut -d ' ' -f 2 || true; }
if ! at_least "$(rust_version)" "$RUST_MIN"; then
  say "installing a Rust toolchain (found '$(rust_version)', need $RUST_MIN)"
  if command -v rustup >/dev/null; then
    rustup toolchain install stable --profile minimal
    rustup default stable
  else
    curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
      sh -s -- -y --profile minimal --default-toolchain stable --no-modify-path
  fi
fi
if ! at_least "$(rust_version)" "$RUST_MIN"; then
  say "rustc is '$(rust_version)', need $RUST_MIN; another rustc may stand first in PATH" >&2
  exit 1
fi
for part in fmt clippy; do
  if ! cargo "$part" --version >/dev/null 2>&1; then
    rustup component add "$([ "$part" = fmt ] && echo rustfmt || echo clippy)"
  fi
done

# --- Console ---------------------------------------------------------------------------------
make --no-print-directory firmware/console/node_modules/.package-lock.json

say "complete: rust $(rust_version), node $(node_version)"
