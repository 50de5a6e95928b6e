// Package attention computes exact softmax attention over the keys that a pattern makes visible, forward, backward and in decoding.
// Memory grows with the tokens, not with their square.
//
// The letters used everywhere:
//
//	T, Tq, Tk   tokens: in all, of queries, of keys
//	H, Hkv      query heads, key/value heads; H is a multiple of Hkv, and query head h reads key/value head h·Hkv/H
//	D           head dimension: a multiple of 8, 8 … 256
//	tile        what one kernel call works on: up to 128 keys × 32 queries
//	chunk       the keys one piece of the backward pass owns
//
// Queries are a matrix [Tq, H·D], keys and values [Tk, Hkv·D]: one row a token, heads side by side. A batch is packed: its
// sequences lie end to end in the same matrices, [Seq] gives their lengths, and a sequence never sees another. There is no
// padding anywhere, so nothing else in a batch can change a result, not even its last bit.
//
// How it works: New compiles the pattern, once per shape, into a layout that lists for every 32 queries the runs of keys they
// see, wholly or through a bit mask; Forward and Backward walk the layout and never touch what is not in it. Scores exist
// one tile at a time (Dao et al. 2022, arXiv:2205.14135).
//
// Results do not depend on the number of threads, bit for bit.
package attention
