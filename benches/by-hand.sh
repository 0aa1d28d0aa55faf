#!/usr/bin/env bash
# The same disk as a template's, made without the factory: mmdebstrap, then a GPT disk that boots under BIOS (GRUB) and
# UEFI (a unified kernel image). What the factory's own build is measured against. As root.
#
#   by-hand.sh DISK SIZE_MIB PACKAGE...
set -euo pipefail
disk=$1 size=$2
shift 2
packages=$(IFS=,; echo "$*")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root filesystem=0d4c6a1e-6d39-4f0c-9a55-3c1d5d9d7f10
esp_start=4096 root_start=266240 # in sectors of 512 bytes

# The host's own sources, in either of apt's formats.
sources=$(find /etc/apt/sources.list /etc/apt/sources.list.d -name '*.list' -o -name '*.sources' 2>/dev/null | grep -E 'debian|sources\.list$' || true)
. /etc/os-release
mmdebstrap --quiet --variant=minbase --include="$packages" --format=tar \
  --customize-hook='chroot "$1" useradd --create-home --shell /bin/bash --groups sudo admin' \
  "$VERSION_CODENAME" "$work/root.tar" $sources
mkdir "$root"
tar -C "$root" --numeric-owner -xf "$work/root.tar"

kernel=$(basename "$root"/boot/vmlinuz-*)
initrd=initrd.img-${kernel#vmlinuz-}
arguments="root=UUID=$filesystem ro console=ttyS0,115200"
echo "UUID=$filesystem / ext4 errors=remount-ro 0 1" > "$root/etc/fstab"
mkdir -p "$root/boot/grub"
cp -r /usr/lib/grub/i386-pc "$root/boot/grub/"
cat > "$root/boot/grub/grub.cfg" <<CONFIG
set timeout=0
menuentry linux {
  linux /boot/$kernel $arguments
  initrd /boot/$initrd
}
CONFIG

echo -n "$arguments" > "$work/arguments"
objcopy --add-section .osrel="$root/usr/lib/os-release" --change-section-vma .osrel=0x20000 \
  --add-section .cmdline="$work/arguments" --change-section-vma .cmdline=0x30000 \
  --add-section .linux="$root/boot/$kernel" --change-section-vma .linux=0x2000000 \
  --add-section .initrd="$root/boot/$initrd" --change-section-vma .initrd=0x3000000 \
  /usr/lib/systemd/boot/efi/linuxx64.efi.stub "$work/boot.efi"
truncate -s 128M "$work/esp"
mkfs.vfat -F 32 "$work/esp" >/dev/null
mmd -i "$work/esp" ::/EFI ::/EFI/BOOT
mcopy -i "$work/esp" "$work/boot.efi" ::/EFI/BOOT/BOOTX64.EFI

rm -f "$disk"
truncate -s "${size}M" "$disk"
sfdisk --quiet "$disk" <<TABLE
label: gpt
start=2048, size=2048, type=21686148-6449-6E6F-744E-656564454649
start=$esp_start, size=262144, type=U
start=$root_start, type=L
TABLE
mke2fs -q -t ext4 -U "$filesystem" -E "offset=$((root_start * 512)),lazy_itable_init=1" -d "$root" "$disk" \
  "$(((size * 2048 - root_start - 2048) / 2))k"
dd if="$work/esp" of="$disk" bs=512 seek="$esp_start" conv=notrunc,sparse status=none

# GRUB: its boot sector and core image, told where each other are, as its own installer would.
grub-mkimage -O i386-pc -p '(hd0,gpt3)/boot/grub' -o "$work/core" biosdisk part_gpt ext2 normal linux
patch() { # FILE OFFSET VALUE BYTES, little endian
  local at
  for ((at = 0; at < $4; at++)); do printf "\\x$(printf %02x $((($3 >> 8 * at) & 255)))"; done |
    dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}
core_sectors=$((($(stat -c %s "$work/core") + 511) / 512))
truncate -s $((core_sectors * 512)) "$work/core"
patch "$work/core" 500 2049 8
patch "$work/core" 508 $((core_sectors - 1)) 2
cp /usr/lib/grub/i386-pc/boot.img "$work/boot"
patch "$work/boot" $((0x5c)) 2048 8
printf '\x90\x90' | dd of="$work/boot" bs=1 seek=$((0x66)) conv=notrunc status=none
dd if="$work/boot" of="$disk" bs=1 count=440 conv=notrunc status=none
dd if="$work/core" of="$disk" bs=512 seek=2048 conv=notrunc status=none
