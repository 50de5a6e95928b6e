#!/bin/sh
# Makes a sentence embedder long, trains it on papers, and measures it on papers that it has not seen. README.md beside this file says more.
#
#   examples/lengthen/run.sh LONGSPAN MODEL PAPERS OUT
#
# LONGSPAN is the tool, MODEL all-MiniLM-L6-v2 or another embedder, PAPERS a folder with train.jsonl.gz, dev.jsonl.gz and test.jsonl.gz, and
# OUT a folder. What is done already is not done again, and a run that was stopped goes on.
set -eu
tool=$1 model=$2 papers=$3 out=$4
here=$(dirname "$0")
mkdir -p "$out"

# learn RECIPE KIND INIT RUN: trains, or goes on.
learn() {
	if [ -e "$4/model.safetensors" ]; then
		return
	elif [ -e "$4/config.yaml" ]; then
		"$tool" train --resume "$4"
	else
		"$tool" train "$here/$1.yaml" --out "$4" --set "train.init=$3" --set "data.$2.train=[$papers/train.jsonl.gz]" \
			--set "data.$2.validation=[$papers/dev.jsonl.gz]"
	fi
}

# measure PART NAME MODEL FLAGS…: measures, once, beside the model that reads 512 tokens.
measure() {
	part=$1 to=$out/$1-$2.json
	shift 2
	test -s "$to" || "$tool" retrieve "$@" "$papers/$part.jsonl.gz" --query title --passage sections --json >"$to.part"
	test -s "$to" || mv "$to.part" "$to"
}

test -e "$out/long/model.json" || "$tool" lengthen "$model" --tokens 4096 --pattern 'window(256) | global(0)' -o "$out/long"
learn pairs contrastive "$out/long" "$out/pairs"
learn short contrastive "$model" "$out/short-pairs"
learn masked text "$out/long" "$out/masked"
learn pairs contrastive "$out/masked" "$out/masked-pairs"

# Choose on dev, and report on test, once.
for part in dev test; do
	measure $part first512 "$model" --first 512
	beside=$out/$part-first512.json
	measure $part chunks "$model" --beside "$beside"
	measure $part long "$out/long" --first 4096 --beside "$beside"
	measure $part pairs "$out/pairs" --weights best --first 4096 --beside "$beside"
	measure $part masked-pairs "$out/masked-pairs" --weights best --first 4096 --beside "$beside"
	measure $part short-pairs "$out/short-pairs" --weights best --first 512 --beside "$beside"
done
