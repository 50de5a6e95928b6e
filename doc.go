// Package longspan is the root of a toolkit for Transformers over long sequences on CPUs. It holds no code.
//
// Attention, usable alone:
//
//   - [github.com/longspan/longspan/attention]: exact softmax attention over any pattern, forward, backward and in decoding.
//   - [github.com/longspan/longspan/attention/pattern]: windows, Longformer, BigBird and others, their combinations and their cost.
//   - [github.com/longspan/longspan/attention/pattern/draw]: PNG pictures of patterns.
//   - [github.com/longspan/longspan/attention/linear], [github.com/longspan/longspan/attention/nystrom]: linear attention and Nyström.
//   - [github.com/longspan/longspan/attention/mechanism]: one interface for all of these.
//   - [github.com/longspan/longspan/attention/chunk]: long documents in overlapping chunks, with the bits of the whole.
//
// Models:
//
//   - [github.com/longspan/longspan/model]: Transformers; opens a model folder and generates text.
//   - [github.com/longspan/longspan/tokenizer]: text to token ids and back.
//   - [github.com/longspan/longspan/sampling]: draws the next token.
//   - [github.com/longspan/longspan/nn]: layers and their weights.
//   - [github.com/longspan/longspan/autograd]: a tape of coarse operations.
//
// Training:
//
//   - [github.com/longspan/longspan/recipe]: YAML files that state the model, the data and the training of a run.
//   - [github.com/longspan/longspan/plan]: bytes and seconds of a run before it runs.
//   - [github.com/longspan/longspan/train]: the training loop, checkpoints and resuming.
//   - [github.com/longspan/longspan/train/optim]: AdamW, Adafactor, schedules.
//
// Data:
//
//   - [github.com/longspan/longspan/data]: packed batches, sources and loaders.
//   - [github.com/longspan/longspan/data/text], [github.com/longspan/longspan/data/text/sample]: documents as bytes; 24 documents.
//   - [github.com/longspan/longspan/data/documents]: the training, validation and test parts of document files.
//   - [github.com/longspan/longspan/data/labelled], [github.com/longspan/longspan/data/pairs]: texts with labels; sources with targets.
//   - [github.com/longspan/longspan/data/genome], [github.com/longspan/longspan/data/genome/markov]: genomes; Markov models of them.
//   - [github.com/longspan/longspan/data/dna], [github.com/longspan/longspan/data/fasta], [github.com/longspan/longspan/data/genbank]:
//     bases, and readers of their files.
//   - [github.com/longspan/longspan/data/listops], [github.com/longspan/longspan/data/pathfinder],
//     [github.com/longspan/longspan/data/recall]: tasks made by rule.
//
// Variants of DNA:
//
//   - [github.com/longspan/longspan/genome]: variants on a reference, normalised, and as haplotypes.
//   - [github.com/longspan/longspan/genome/score], [github.com/longspan/longspan/genome/splice]: scores by language models; splice sites.
//   - [github.com/longspan/longspan/genome/evaluate]: how much of a score is real, on a panel of people.
//   - [github.com/longspan/longspan/data/vcf], [github.com/longspan/longspan/data/annotation], [github.com/longspan/longspan/data/bed]:
//     variants, gene models and places.
//   - [github.com/longspan/longspan/pretrained]: the models in the program.
//
// Below all of them:
//
//   - [github.com/longspan/longspan/tensor]: matrices, element types and the buffer pool.
//   - [github.com/longspan/longspan/safetensors]: files of named tensors.
//
// The command longspan trains, samples, checks and measures.
package longspan
