// Package vocab learns the vocabulary of a tokenizer from text: byte-level BPE (Sennrich et al. 2016, arXiv:1508.07909; the layout of
// GPT-2) or Unigram (Kudo 2018, arXiv:1804.10959). The result is a tokenizer.json, which Hugging Face's library tokenizers opens.
//
// [Count] reads documents as streams and counts their words, the pieces that no token crosses. [Train] learns from the counts. The
// result depends on the documents, their order and the [Config], and not on the number of threads: the same input gives the same bits.
package vocab
