package model

// Together is the most tokens that are computed together when texts are read, for a plan of the memory: those of a batch, or of the longest
// chunk. Texts that may be longer than a batch are put through the tokenizer. The two texts of a pair are given as one.
func (m *Model) Together(texts []string, o ReadOptions) (int, error) {
	c, err := m.cutter(o)
	if err != nil {
		return 0, err
	}
	batch := o.Batch
	if batch == 0 {
		batch = DefaultBatch
	}
	all, longest := int64(0), 1
	for i, text := range texts {
		n := len(text) + templateTokens // a token has at least one byte
		if n > max(batch, longest) {
			e, err := m.encodeDocument(text)
			if err != nil {
				return 0, &TextError{i, len(texts), err}
			}
			n = len(e.IDs) + templateTokens
		}
		all += int64(n)
		if c.limit > 0 && n > c.limit {
			n = c.limit // a little more than the limit may still be read as a whole
		}
		longest = max(longest, n)
	}
	return max(longest, int(min(all, int64(batch)))), nil
}

// templateTokens is more than the special tokens of a pair.
const templateTokens = 8
