#!/usr/bin/env bash
# Makes what the guest test boots, once: a Debian kernel, DAHDI's modules built for it, and the
# programs of the far end. Everything lies under $GUEST; nothing is installed in /boot.
#   status 0   it is all there (a second run does nothing and needs no network)
#   status 75  it cannot be had on this machine, and the last line says why
set -euo pipefail
cd "$(dirname "$0")"
: "${GUEST:?the folder to work in}" "${PEER:=../peer/isdn/libpri_peer.c}"

say() { echo "test-guest: $*"; }
cannot() {
  say "NOT RUN: $*" >&2
  exit 75
}

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

# --- Debian packages: the emulator, the modules' source, and the peers that we did not write ---
packages=(
  qemu-system-x86 busybox-static kmod cpio iproute2 make gcc-12 libelf-dev
  dahdi dahdi-source libtonezone-dev libpri-dev
)
missing=()
for package in "${packages[@]}"; do
  status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  say "installing ${missing[*]}"
  apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  as_root "${apt[@]}" update >/dev/null || true # what is known already may be enough
  as_root "${apt[@]}" install -y --no-install-recommends "${missing[@]}" >"$GUEST/apt.log" 2>&1 ||
    cannot "apt-get could not install ${missing[*]}: no root, or no mirror ($GUEST/apt.log)"
fi

# --- The kernel and its headers, unpacked and not installed ------------------------------------
if [ ! -e "$GUEST/release" ]; then
  image=$(apt-cache depends linux-image-amd64 2>/dev/null |
    sed -n 's/^ *Depends: linux-image-\([0-9][^ ]*-amd64\)$/\1/p' | head -n 1)
  [ -n "$image" ] || cannot "apt knows no linux-image-amd64: no mirror of Debian, or another processor"
  abi=${image%-amd64}
  series=$(echo "$abi" | cut -d . -f 1-2)
  say "fetching the kernel $image"
  rm -rf "$GUEST/packages" "$GUEST/kernel"
  mkdir -p "$GUEST/packages" "$GUEST/kernel"
  (cd "$GUEST/packages" && apt-get -q -q download "linux-image-$image" "linux-headers-$image" \
    "linux-headers-$abi-common" "linux-kbuild-$series") >"$GUEST/download.log" 2>&1 ||
    cannot "the kernel could not be downloaded: this machine is offline ($GUEST/download.log)"
  for package in "$GUEST"/packages/*.deb; do dpkg -x "$package" "$GUEST/kernel"; done
  rm -rf "$GUEST/packages"
  # The headers name their common part by the place where a package would put it.
  sed -i "s#include /usr/src/#include $GUEST/kernel/usr/src/#" \
    "$GUEST/kernel/usr/src/linux-headers-$image/Makefile"
  depmod -b "$GUEST/kernel" "$image"
  echo "$image" >"$GUEST/release"
fi
release=$(cat "$GUEST/release")

# An emulated processor unpacks the kernel's xz stream for four seconds; this machine at once.
if [ ! -e "$GUEST/vmlinux" ]; then
  python3 - "$GUEST/kernel/boot/vmlinuz-$release" "$GUEST/vmlinux" <<'PYTHON'
import lzma, sys
image = open(sys.argv[1], 'rb').read()
at = image.find(b'\xfd7zXZ\0')
while at >= 0:
    try:
        kernel = lzma.LZMADecompressor().decompress(image[at:])
        if kernel[:4] == b'\x7fELF':
            open(sys.argv[2], 'wb').write(kernel)
            sys.exit(0)
    except lzma.LZMAError:
        pass
    at = image.find(b'\xfd7zXZ\0', at + 1)
sys.exit('no xz stream with a kernel in ' + sys.argv[1])
PYTHON
fi

# --- DAHDI's modules -----------------------------------------------------------------------------
# A span over Ethernet would offer itself as the clock of all spans. Where both ends of the cable
# are in one kernel that clock would feed itself and run away, as DAHDI knows of `loc` spans.
ethernet=$GUEST/modules/modules/dahdi/drivers/dahdi/dahdi_dynamic_eth.c
own='span->cannot_provide_timing = 1;'
if [ "$(cat "$GUEST/modules/done" 2>/dev/null)" != "$release $own" ]; then
  say "building DAHDI for $release"
  rm -rf "$GUEST/modules"
  mkdir -p "$GUEST/modules"
  tar -C "$GUEST/modules" -xjf /usr/src/dahdi.tar.bz2
  sed -i "/^static int ztdeth_create/,/^}/ s/^\t*dyn->pvt = z;/\t\t$own\n&/" "$ethernet"
  grep -qF "$own" "$ethernet" || { say "dahdi_dynamic_eth.c is not the one known here" >&2; exit 1; }
  nice make -C "$GUEST/modules/modules/dahdi" KVERS="$release" \
    KSRC="$GUEST/kernel/usr/src/linux-headers-$release" -j"$(nproc)" modules >"$GUEST/dahdi.log" 2>&1 ||
    { say "DAHDI does not build for $release" >&2; tail -n 20 "$GUEST/dahdi.log" >&2; exit 1; }
  echo "$release $own" >"$GUEST/modules/done"
fi

# --- The far end: libpri on the D-channel, a pattern on the B-channels -------------------------
mkdir -p "$GUEST/far"
gcc -O2 -Wall -static -o "$GUEST/far/libpri_peer" "$PEER" /usr/lib/libpri.a
gcc -O2 -Wall -Wextra -Werror -static -o "$GUEST/far/relay" relay.c
gcc -O2 -Wall -Wextra -Werror -static -o "$GUEST/far/pattern" pattern.c
gcc -O2 -Wall -Wextra -Werror -o "$GUEST/far/layout" layout.c
