package text

import (
	"bufio"
	"fmt"
	"io"
)

// row cuts a sequence of documents into windows. A stream has one row, or with Stateful one for each sequence of the batch. The tokens of a
// document are End, its bytes, End. Each token but the first End is predicted once, from the tokens before it.
type row struct {
	document *Document // nil between documents
	in       *bufio.Reader
	epoch    int   // in which the document was opened
	read     int64 // bytes of the document that were read
	last     int   // last token that was read: the first of the next window
	place    int   // index of its window in the last batch
}

// rowState is the saved position of a row.
type rowState struct {
	Open  bool     `json:"open"`
	Epoch int      `json:"epoch"` // At.File counts in the order of this epoch
	At    Position `json:"at"`
	Read  int64    `json:"read"`
	Last  int      `json:"last"`
	Place int      `json:"place"`
}

func (l *row) state() rowState {
	if l.document == nil {
		return rowState{}
	}
	return rowState{true, l.epoch, l.document.At, l.read, l.last, l.place}
}

// restore opens the document of a saved position again.
func (l *row) restore(s rowState, r *Reader) error {
	l.close()
	if !s.Open {
		return nil
	}
	r.Seek(s.At)
	d, err := r.Next()
	if err != nil {
		return fmt.Errorf("text: the document of the saved position cannot be opened: %w", err)
	}
	l.begin(d, s.Epoch)
	if n, err := io.CopyN(io.Discard, l.in, s.Read); err != nil {
		return fmt.Errorf("text: %s: the saved position is at byte %d of a document, which has %d: "+
			"the document is another one: %w", d.Name, s.Read, n, err)
	}
	l.read, l.last, l.place = s.Read, s.Last, s.Place
	return nil
}

func (l *row) begin(d *Document, epoch int) {
	l.document, l.epoch, l.in, l.read, l.last = d, epoch, bufio.NewReaderSize(d, 1<<14), 0, End
}

func (l *row) close() {
	if l.document != nil {
		l.document.Close()
		l.document = nil
	}
}

// window appends up to n+1 tokens to dst. The first is the last token of the window before. It stops at the end of the document, and ended
// reports that.
func (l *row) window(dst []uint16, n int) (_ []uint16, ended bool, err error) {
	dst = append(dst, uint16(l.last))
	for range n {
		c, err := l.in.ReadByte()
		if err == io.EOF {
			l.close()
			return append(dst, End), true, nil
		}
		if err != nil {
			return dst, false, err
		}
		l.read++
		l.last = int(c)
		dst = append(dst, uint16(c))
	}
	return dst, false, nil
}
