// Package text reads documents as bytes, one byte a token: plain files, JSON lines, and folders of either, plain or gzip.
//
// A [Corpus] reads all documents once, so that a damaged one is found before a run begins. A [Stream] cuts them into windows. Its memory
// holds one line of JSON for each open document, the windows of a batch and the buffer that shuffles windows. [Records] are JSON lines with
// random access.
package text

// End is the token between documents. The first byte of a document is predicted from it, and it is the target after the last byte.
const End = 256

// Vocab is the number of tokens: 256 bytes, and End.
const Vocab = 257

// AppendTokens adds bytes as tokens.
func AppendTokens(dst []int32, b []byte) []int32 {
	for _, c := range b {
		dst = append(dst, int32(c))
	}
	return dst
}
