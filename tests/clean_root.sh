#!/usr/bin/env bash
# Tries `make test` and `make run` where nothing is installed: a fresh Debian root with only
# git, make, python3, python3-venv, python3-dev and gcc, and a fresh clone of this checkout's HEAD.
#
#   sudo tests/clean_root.sh [FOLDER]      FOLDER (default /var/tmp/outcry-clean-root) is made anew
#
# Needs root and debootstrap. SUITE and MIRROR choose another distribution, e.g. for Ubuntu 24.04
# SUITE=noble MIRROR=<an Ubuntu mirror>; by default the mirror of this machine's apt is used.
# The root also gets this machine's certificates and the package index that its pip is set to.
set -euo pipefail

root=${1:-/var/tmp/outcry-clean-root}
suite=${SUITE:-bookworm}
mirror=${MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' "Codename: $suite" | head -n 1)}
checkout=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pristine=$root.pristine
packages=ca-certificates,git,make,python3,python3-venv,python3-dev,gcc

leave() {
    for place in "$root/dev/shm" "$root/proc"; do
        if mountpoint -q "$place"; then umount "$place"; fi
    done
}
trap leave EXIT
if [ -e "$root" ] && [ ! -e "$root/.outcry-clean-root" ]; then
    echo "$root exists and was not made by this script; name another folder" >&2
    exit 1
fi
leave

if [ ! -d "$pristine" ]; then
    rm -rf --one-file-system "$pristine.part"
    debootstrap --variant=minbase --include="$packages" "$suite" "$pristine.part" "$mirror"
    mv "$pristine.part" "$pristine"
fi
rm -rf --one-file-system "$root"
cp -a "$pristine" "$root"
touch "$root/.outcry-clean-root"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/"
if [ -f /etc/pip.conf ]; then cp /etc/pip.conf "$root/etc/"; fi
mount -t proc proc "$root/proc"
mkdir -p "$root/dev/shm"
mount -t tmpfs tmpfs "$root/dev/shm"
git clone --quiet "$checkout" "$root/root/outcry"

inside() {
    chroot "$root" env -i HOME=/root LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin \
        PIP_DEFAULT_TIMEOUT=180 bash -euc "cd /root/outcry; $1"
}

inside 'apt-get update -qq'
echo "== make run, first time"
time inside 'make run ARGS="--exit-after 10 --screenshot /root/first.png"'
echo "== make run, second time"
time inside 'make run ARGS="--exit-after 10 --screenshot /root/second.png"'
echo "== make test"
time inside 'make test'
echo "== main.py doctor"
inside '.venv/bin/python main.py doctor'
echo "pictures: $root/root/first.png $root/root/second.png"
