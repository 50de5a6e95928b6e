package data

// Target is what the files of an encoder-decoder say about the texts that it writes, in ids of its tokens.
type Target struct {
	Start *int32  `json:"start,omitempty"` // stands before the first token; nil: the token for the beginning of a document
	First *int32  `json:"first,omitempty"` // every text begins with it; nil: with any token
	Last  []int32 `json:"last,omitempty"`  // a text of the largest length ends with one of them; nil: with any token
}
