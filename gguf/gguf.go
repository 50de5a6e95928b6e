// Package gguf reads GGUF, the format of llama.cpp: metadata, named tensors and a tokenizer in one file, or in numbered shards.
//
// A file is little-endian: the magic "GGUF", the version, the counts of tensors and of keys, the keys with their typed values, what
// each tensor is, padding, and the elements, each tensor at a multiple of general.alignment. Versions 2 and 3 are read; they differ
// only in that 3 allows big-endian files, which are refused. The format is described at
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md. Every field is checked: a file may come from anywhere.
//
// Elements are F32, F16 or BF16, or blocks of 32 or 256 small integers with shared scales, which File.ReadMat widens. The types that
// are read are those for which DType.Readable is true. A file of other types opens, so that it can be listed; reading names the type.
//
// # What a converter changed
//
// Metadata and tensors are given as they stand. llama.cpp's converter has changed some of them, which whoever builds a model must undo:
//
//   - Tensors have names of their own, and they depend on the architecture. A decoder has token_embd.weight, output_norm.weight,
//     output.weight (absent where it is tied to the embedding), and for block N blk.N.attn_norm.weight, attn_q, attn_k, attn_v,
//     attn_output, attn_q_norm, attn_k_norm, ffn_norm, ffn_gate, ffn_up and ffn_down. Gemma's two further norms are
//     post_attention_norm and post_ffw_norm. GPT-2 has attn_qkv, and position_embd.weight.
//   - Dimensions are stored innermost first. Entry.Shape has them outermost first, so that a linear layer is [out, in] as in PyTorch.
//     GPT-2's weights are [out, in] too, though its own checkpoints have them as [in, out].
//   - Architecture "llama" (Llama, Mistral, SmolLM): the rows of attn_q and attn_k are interleaved within each head, since llama.cpp
//     rotates neighbours and Hugging Face rotates halves. UnpermuteRows puts them back. Architectures "qwen2", "qwen3", "gemma3" and
//     "gpt2" are not interleaved.
//   - Architectures "gemma", "gemma2" and "gemma3": every norm's weight is stored with 1 added. Hugging Face's files hold it without, and
//     add 1 when they run. Embeddings are not scaled by √d in either.
//   - Architecture "gemma3": the rotary base of windowed layers (10,000) and the pattern of layers (every sixth is full) may be absent
//     from the metadata; gemma3.rope.freq_base is that of the full layers.
//   - Rotary scaling of Llama 3 is no metadata but a tensor, rope_freqs.weight, by which each frequency is divided.
package gguf
