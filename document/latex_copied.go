package document

// copied is a text made of parts of others, with the places of their bytes.
type copied struct {
	text   []byte
	places []place
}

// copy appends the bytes from … to−1 of t with their places.
func (c *copied) copy(t *Block, from, to int) {
	if from >= to {
		return
	}
	if c.joins(t.Text[from]) {
		begin, end := t.Source(from, from+1)
		c.append("{}", begin, end)
	}
	n := len(c.text)
	c.text = append(c.text, t.Text[from:to]...)
	for _, p := range t.part(from, to-from) {
		p.at += n
		c.places = append(c.places, p)
	}
}

// write appends a text that stands for the bytes from … to−1 of the source.
func (c *copied) write(s string, from, to int64) {
	if s == "" {
		return
	}
	if c.joins(s[0]) {
		c.append("{}", from, to)
	}
	c.append(s, from, to)
}

func (c *copied) append(s string, from, to int64) {
	c.places = appendFixed(c.places, place{len(c.text), len(s), from, to})
	c.text = append(c.text, s...)
}

// longestName is the number of letters of a command's name that is kept from the letters after it.
const longestName = 64

// joins reports that the text ends in the name of a command that would go on with the letter next.
func (c *copied) joins(next byte) bool {
	if !letterByte(next) {
		return false
	}
	n := len(c.text)
	for k := n - 1; k >= 0 && n-k <= longestName; k-- {
		if c.text[k] == '\\' {
			return k < n-1
		}
		if !letterByte(c.text[k]) {
			return false
		}
	}
	return false
}

// block is the text as a block.
func (c *copied) block() Block { return Block{Text: string(c.text), places: c.places} }
