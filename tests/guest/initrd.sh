#!/usr/bin/env bash
# Makes $GUEST/initrd.gz: busybox, the modules that the test needs, and two of Debian's programs
# with their libraries. Ours come by the shared folder.
set -euo pipefail
cd "$(dirname "$0")"
: "${GUEST:?the folder to work in}"
release=$(cat "$GUEST/release")
root=$GUEST/initrd
modules=$root/lib/modules/$release
rm -rf "$root"
mkdir -p "$root"/{bin,sbin,dev,proc,sys,tmp,run,share,usr/bin,usr/sbin} "$modules/extra"
cp "$(command -v busybox)" "$root/bin/busybox"
install -m 755 init "$root/init"

wanted=(virtio_pci 9p 9pnet_virtio crc-ccitt veth)
cp "$GUEST/kernel/lib/modules/$release"/modules.{order,builtin,builtin.modinfo} "$modules/"
for module in "${wanted[@]}"; do
  modprobe -d "$GUEST/kernel" -S "$release" --show-depends "$module" | awk '$1 == "insmod" { print $2 }'
done | sort -u | while read -r file; do
  inside=$root/${file#"$GUEST/kernel/"}
  mkdir -p "$(dirname "$inside")"
  cp "$file" "$inside"
done
for module in dahdi dahdi_dynamic dahdi_dynamic_loc dahdi_dynamic_eth; do
  cp "$GUEST/modules/modules/dahdi/drivers/dahdi/$module.ko" "$modules/extra/"
done
depmod -b "$root" "$release"

# A program and its shared libraries.
add() {
  [ "$2" = - ] || cp -L "$1" "$root/$2/"
  ldd "$1" | grep -oE '/[^ )]+' | while read -r library; do
    mkdir -p "$root$(dirname "$library")"
    cp -L "$library" "$root$library"
  done
}
add "$(command -v dahdi_cfg || echo /usr/sbin/dahdi_cfg)" usr/sbin
add "$(command -v ip || echo /usr/sbin/ip)" usr/sbin
add "$1" - # the test: its libraries only
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$GUEST/initrd.gz"
