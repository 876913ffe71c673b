#!/usr/bin/env bash
# Brings a Debian 12 to where `make build` and `make test` work. Called by `make setup`.
# What is present is left alone: a second run installs nothing and needs no network.
set -euo pipefail
cd "$(dirname "$0")"

RUST_MIN=1.95
NODE_MIN=18

say() { echo "setup: $*"; }

# Ends with what happened and, line by line, what to do about it.
give_up() {
  for line in "$@"; do say "$line" >&2; done
  exit 1
}

# True if version $1 is at least $2.
at_least() { [ "$(printf '%s\n%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

as_root() {
  if [ "$(id -u)" = 0 ]; then
    "$@"
  elif command -v sudo >/dev/null; then
    sudo "$@"
  else
    give_up "needs root for: $*" "run 'make setup' as root, or install sudo"
  fi
}

apt_updated=no
apt_install() {
  local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q)
  if [ "$apt_updated" = no ]; then
    as_root "${apt[@]}" update || true # what is known already may be enough
    apt_updated=yes
  fi
  as_root "${apt[@]}" install -y --no-install-recommends "$@" ||
    give_up "apt-get could not install: $*" \
      "see its lines above; is the mirror of /etc/apt/sources.list reached from here?"
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
  give_up "node is '$(node_version)', need $NODE_MIN: install a newer one and run make setup again"
fi

# --- Rust ------------------------------------------------------------------------------------
export PATH="$HOME/.cargo/bin:$PATH"
rust_version() { rustc --version 2>/dev/null | cut -d ' ' -f 2 || true; }
no_rust() {
  give_up "no Rust $RUST_MIN or newer, and it could not be downloaded: $1" \
    "Either let this machine reach sh.rustup.rs and static.rust-lang.org (HTTPS)," \
    "or name a mirror in RUSTUP_DIST_SERVER and RUSTUP_UPDATE_ROOT and install rustup from it," \
    "or copy ~/.cargo/bin and ~/.rustup from a machine that has Rust $RUST_MIN to $HOME." \
    "Then run make setup again; what was installed so far is not installed twice."
}
if ! at_least "$(rust_version)" "$RUST_MIN"; then
  say "installing a Rust toolchain (found '$(rust_version)', need $RUST_MIN)"
  if command -v rustup >/dev/null; then
    rustup toolchain install stable --profile minimal && rustup default stable ||
      no_rust "rustup failed, see above"
  else
    # To a file first: half a script must not run.
    installer=$(mktemp)
    trap 'rm -f "$installer"' EXIT
    curl --proto '=https' --tlsv1.2 -sSf -o "$installer" https://sh.rustup.rs ||
      no_rust "https://sh.rustup.rs, see above"
    sh "$installer" -y --profile minimal --default-toolchain stable --no-modify-path ||
      no_rust "the installer of rustup failed, see above"
  fi
fi
if ! at_least "$(rust_version)" "$RUST_MIN"; then
  give_up "rustc is '$(rust_version)', need $RUST_MIN; another rustc may stand first in PATH"
fi
# Only `make lint` needs these two.
for part in fmt clippy; do
  cargo "$part" --version >/dev/null 2>&1 && continue
  rustup component add "${part/#fmt/rustfmt}" ||
    say "cargo $part is missing and could not be added: make lint will not work" >&2
done

# --- Console ---------------------------------------------------------------------------------
make --no-print-directory --silent firmware/console/node_modules/.package-lock.json ||
  give_up "npm could not install what the console is built with, see above" \
    "it needs the npm registry once (HTTPS; ~/.npmrc may name a mirror); then run make setup again"

say "complete: rust $(rust_version), node $(node_version)"
