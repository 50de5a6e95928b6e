#!/usr/bin/env bash
# Fetches chromosome 20 (GRCh37) and the variants of 503 people from packages of Debian into a folder, which "make dna" tests read.
# Usage: _tools/dna.sh [FOLDER]    FOLDER is else .dna
#
# It takes apt-get and dpkg-deb, 71 MB of downloads and 21 MB of disk. Each file has its SHA-256 below. The sequence is that of the 1000
# Genomes Project's reference; the variants are that project's phase 3, of 20:1000226-3999849.
set -euo pipefail

sums='83c80b3fb23822ff0a66f26306e46f5db3c83d48fcff68bcddc353a3d8ef581b  20.fa.gz
20afe8b05faafd482c2f134a1a43aaa8aa839f2f37646b68fe080d015d1f8515  reference.vcf.gz
224996c591e445e62fc02dad6660545a012d903de5f5627565eb91524690cd2f  unphased.vcf.gz'
folder=${1:-.dna}
mkdir -p "$folder"
cd "$folder"
if sha256sum --check --strict --quiet - <<<"$sums" >/dev/null 2>&1; then
  echo "$folder: is there"
  exit
fi
work=$(mktemp -d .fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
(cd "$work" && apt-get download vt-examples shapeit4-example && for each in *.deb; do dpkg-deb -x "$each" .; done)
mv "$work"/usr/share/doc/vt/examples/ref/20.fa.gz "$work"/usr/share/doc/shapeit4/examples/test/{reference,unphased}.vcf.gz .
sha256sum --check --strict --quiet - <<<"$sums"
