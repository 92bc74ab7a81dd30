#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A hook of mmdebstrap, called with the new root: gets the kernel, and sets up what systemd starts.
#
# The kernel's package is unpacked, not installed: its scripts would make an initramfs that nobody boots.
set -eu
root=$1
here=$(dirname "$0")

chroot "$root" sh -eu <<'INSIDE'
mkdir /kernel
cd /kernel
apt-get -qq -o APT::Sandbox::User=root download linux-image-cloud-amd64
package=$(dpkg-deb -f linux-image-cloud-amd64_*.deb Depends | sed -n 's/.*\(linux-image-[0-9][^ ,]*\).*/\1/p')
apt-get -qq -o APT::Sandbox::User=root download "$package"
dpkg-deb -x "$package"_*.deb /kernel/unpacked
[ -d unpacked/usr/lib/modules ] || mv unpacked/lib unpacked/usr/
mkdir -p /usr/lib/modules
mv unpacked/usr/lib/modules/* /usr/lib/modules/
mv unpacked/boot/vmlinuz-* /boot/
depmod "$(ls /usr/lib/modules)"
cd /
rm -rf /kernel
useradd --create-home alice
INSIDE

echo guest >"$root/etc/hostname"
echo 127.0.0.1 localhost guest >"$root/etc/hosts"
cp "$here/tests.service" "$here/tests.target" "$root/etc/systemd/system/"
cp "$here/tests.sh" "$root/usr/local/sbin/estiba-tests"
chmod 755 "$root/usr/local/sbin/estiba-tests"
mkdir "$root/checkout"
