#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The guest's initramfs: the drivers of its disks, its root file system, then systemd.
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
while read -r module; do
    insmod "/modules/$module"
done </modules/order
mount -t ext4 -o noatime /dev/vda /newroot
for folder in dev proc sys; do
    mount --move /$folder /newroot/$folder
done
exec switch_root /newroot /lib/systemd/systemd
