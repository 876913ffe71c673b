#!/usr/bin/env bash
# The driver on a real kernel: boots Debian's kernel with DAHDI's modules in QEMU and runs the
# program of this folder in it. Status 0: passed; 75: this machine cannot run it; else: failed.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$HOME/.cargo/bin:$PATH" # a toolchain that setup has just installed
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target/guest"
GUEST=$(cd "$target/guest" && pwd)
export GUEST
# Preparing and booting together: the house's promise for this target.
BOOT_SECONDS=${BOOT_SECONDS:-240}

say() { echo "test-guest: $*"; }

[ "$(uname -m)" = x86_64 ] || { say "NOT RUN: the guest is an x86_64, and this machine is not" >&2; exit 75; }
tests/guest/prepare.sh
# The kernel's header, compiled: the driver's own table must say the same.
"$GUEST/far/layout" | diff -u board/linux/dahdi/layout.txt - ||
  { say "board/linux/dahdi/layout.txt is not what the kernel's header says" >&2; exit 1; }
say "the driver's structures and calls are those of the kernel's header"

cargo build --release -p guest
share=$GUEST/share
rm -rf "$share"
mkdir -p "$share"
cp "$target/release/guest" "$GUEST"/far/{libpri_peer,relay,pattern} "$share/"
tests/guest/initrd.sh "$share/guest"

# /dev/kvm may be one that this kernel cannot use (nested, software): plain emulation always works.
say "booting (at most $BOOT_SECONDS s); the log is $GUEST/log"
status=0
timeout -k 5 "$BOOT_SECONDS" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 512 \
  -nodefaults -no-user-config -display none -no-reboot -serial stdio \
  -device isa-debug-exit,iobase=0x501,iosize=1 \
  -virtfs "local,path=$share,mount_tag=share,security_model=none,multidevs=remap" \
  -kernel "$GUEST/vmlinux" -initrd "$GUEST/initrd.gz" \
  -append 'console=ttyS0 quiet loglevel=4 panic=-1 edd=off nokaslr mitigations=off tsc=reliable' \
  </dev/null >"$GUEST/log" 2>&1 &
machine=$!
# timeout passes the signal on, so that no machine outlives its test.
trap 'kill "$machine" 2>/dev/null || true' EXIT
wait "$machine" || status=$?
trap - EXIT
# QEMU's own status says little: it is 1 for a guest that ended well and for a QEMU that did not
# start. What counts is what the program inside has left.
if [ "$status" = 124 ] || [ "$status" = 137 ]; then
  say "not done within $BOOT_SECONDS s" >&2
elif [ -s "$share/status" ]; then
  status=$(cat "$share/status")
else
  say "the guest ended (QEMU: $status) without a word of the test" >&2
  status=125
fi
grep -q '^test: done' "$GUEST/log" || [ "$status" != 0 ] || status=125
if [ "$status" = 0 ]; then
  grep -E '^(test|  )' "$GUEST/log" || true
  say "passed"
else
  tail -n 120 "$GUEST/log" >&2
  say "FAILED with $status" >&2
fi
exit "$status"
