package vocab

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

const (
	blockBytes = 64 << 10 // of a block, as far as its text can be cut
	maxBlock   = 64 << 20 // the largest number of bytes in a block: text without a blank behind a word
)

// block is some text, cut where no word is.
type block struct {
	text   []byte
	starts []int // where documents begin in text, ascending
}

// cutter cuts documents into blocks. Their places depend on the documents alone.
type cutter struct {
	largest int // the largest number of bytes in a block: maxBlock, but for tests
	block   block
	emit    func(block) error
}

// document reads a document to its end. Documents that are short share a block.
func (c *cutter) document(r io.Reader) error {
	c.block.starts = append(c.block.starts, len(c.block.text))
	goal := max(blockBytes, len(c.block.text)+1)
	checked := len(c.block.text)
	for read := int64(0); ; {
		begin := len(c.block.text)
		c.block.text = append(c.block.text, make([]byte, goal-begin)...)
		n, err := io.ReadFull(r, c.block.text[begin:])
		c.block.text = c.block.text[:begin+n]
		read += int64(n)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			if err := c.valid(checked, len(c.block.text), read); err != nil {
				return err
			}
			return c.end(blockBytes)
		}
		if err != nil {
			return err
		}
		cut := lastCut(c.block.text, c.least(begin))
		if cut == 0 && len(c.block.text) >= c.largest {
			return fmt.Errorf("the document has no blank or line end behind a word in %d bytes up to byte %d; expected one in %d: "+
				"cut it into documents", len(c.block.text), read, c.largest)
		}
		if cut == 0 {
			goal = 2 * len(c.block.text)
			continue
		}
		if err := c.valid(checked, cut, read); err != nil {
			return err
		}
		checked = 0
		rest := append(make([]byte, 0, blockBytes), c.block.text[cut:]...)
		c.block.text = c.block.text[:cut]
		if err := c.end(0); err != nil {
			return err
		}
		c.block.text = rest
		goal = max(blockBytes, len(rest)+1)
	}
}

// valid checks that the bytes from … to of the block are UTF-8; read bytes of the document were read.
func (c *cutter) valid(from, to int, read int64) error {
	if utf8.Valid(c.block.text[from:to]) {
		return nil
	}
	for i := from; ; {
		r, size := utf8.DecodeRune(c.block.text[i:to])
		if r == utf8.RuneError && size <= 1 {
			return fmt.Errorf("the document is not UTF-8: found the byte %#x at byte %d; convert it, for example with iconv",
				c.block.text[i], read-int64(len(c.block.text)-i))
		}
		i += size
	}
}

// least is the first place where a cut may be: text before searched has none, and a document begins with a piece of its own.
func (c *cutter) least(searched int) int {
	if n := len(c.block.starts); n > 0 {
		return max(searched-utf8.UTFMax, c.block.starts[n-1]+1)
	}
	return max(searched-utf8.UTFMax, 1)
}

// end emits the block if it has size bytes or more.
func (c *cutter) end(size int) error {
	if len(c.block.text) < max(size, 1) {
		return nil
	}
	b := c.block
	c.block = block{}
	return c.emit(b)
}

// lastCut is the last place from least on where text can be cut, 0 for none: in front of a blank or a line end, behind a character that
// is no white space. No word of any kind spans such a place, the words on its sides do not depend on each other, and neither does their
// normal form.
func lastCut(text []byte, least int) int {
	for i := len(text) - 1; i >= least; i-- {
		if text[i] != ' ' && text[i] != '\n' {
			continue
		}
		if r, size := utf8.DecodeLastRune(text[:i]); size > 0 && r != utf8.RuneError && !unicode.IsSpace(r) {
			return i
		}
	}
	return 0
}

// parts is the parts of documents in the block. begins says that a part is the beginning of its document.
func (b block) parts(yield func(text []byte, begins bool) bool) {
	from, begins := 0, false
	for _, start := range append(b.starts[:len(b.starts):len(b.starts)], len(b.text)) {
		if start > from && !yield(b.text[from:start], begins) {
			return
		}
		from, begins = start, true
	}
}
