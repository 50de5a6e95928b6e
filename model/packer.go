package model

import (
	"context"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// document is a text on its way through a model. Its tokens [from, to) are cut into pieces; each piece repeats the others, such as special
// tokens and a prompt.
type document struct {
	index    int // of the text
	bytes    int
	e        tokenizer.Encoding
	from, to int
	pieces   []piece
	done     int // pieces that were taken before
	reading  Reading
}

// run is a range of rows of a piece, and the tokens of the document that they are.
type run struct{ row, token, n int }

// kept are the rows of piece i whose tokens are kept: the repeated tokens of the first and of the last piece among them.
func (d *document) kept(i int) [3]run {
	p := d.pieces[i]
	var all [3]run
	if i == 0 {
		all[0] = run{0, 0, d.from}
	}
	all[1] = run{d.from + p.keepFrom - p.from, d.from + p.keepFrom, p.keepTo - p.keepFrom}
	if i == len(d.pieces)-1 {
		all[2] = run{d.from + p.to - p.from, d.to, len(d.e.IDs) - d.to}
	}
	return all
}

// length is the number of tokens that piece i reads.
func (d *document) length(i int) int {
	return len(d.e.IDs) - (d.to - d.from) + d.pieces[i].to - d.pieces[i].from
}

// part is a piece in a batch.
type part struct {
	d     *document
	piece int
}

// packer computes documents in packed batches: sequences end to end, without padding. Documents end in order.
type packer struct {
	s       *Session
	ctx     context.Context
	options ReadOptions
	all     int64 // bytes of all texts

	compute func(*data.Batch, []part) (tensor.Mat, error) // returns the outputs of a batch
	rows    func(part) int                                // the number of outputs of a piece; nil: one for each token
	take    func(p part, rows tensor.Mat) error           // the outputs of a piece, in order
	finish  func([]*document) error                       // documents all of whose pieces were taken, in order
	saved   func() error                                  // called after each batch; nil: not called

	batch data.Batch
	parts []part
	done  int64 // bytes
}

// read computes texts from number first on, which document cuts into pieces. An error of document is a *TextError.
func (k *packer) read(texts []string, first int, document func(i int, text string) (*document, error)) error {
	for i, text := range texts {
		if i < first {
			k.done += int64(len(text))
			continue
		}
		d, err := document(i, text)
		if err != nil {
			return &TextError{i, len(texts), err}
		}
		if err := k.add(d); err != nil {
			return err
		}
	}
	return k.flush()
}

// add appends the pieces of a document, and computes full batches.
func (k *packer) add(d *document) error {
	budget := k.options.Batch
	if budget == 0 {
		budget = DefaultBatch
	}
	k.done += int64(d.bytes) * int64(d.done) / int64(len(d.pieces))
	for i := d.done; i < len(d.pieces); i++ {
		if n := len(k.batch.Tokens); n > 0 && n+d.length(i) > budget {
			if err := k.flush(); err != nil {
				return err
			}
		}
		k.append(d, i)
	}
	return nil
}

// append adds a piece to the batch.
func (k *packer) append(d *document, i int) {
	p, b := d.pieces[i], &k.batch
	for _, r := range [][2]int{{0, d.from}, {d.from + p.from, d.from + p.to}, {d.to, len(d.e.IDs)}} {
		b.Tokens = append(b.Tokens, d.e.IDs[r[0]:r[1]]...)
		switch {
		case k.s.m.spec.Embed.TokenTypes < 2: // tokenizers may give types to models that have none
		case d.e.TypeIDs == nil:
			b.Types = append(b.Types, make([]int32, r[1]-r[0])...)
		default:
			b.Types = append(b.Types, d.e.TypeIDs[r[0]:r[1]]...)
		}
	}
	b.Lengths = append(b.Lengths, d.length(i))
	k.parts = append(k.parts, part{d, i})
}

// flush computes the batch.
func (k *packer) flush() error {
	if len(k.parts) == 0 {
		return nil
	}
	if err := k.ctx.Err(); err != nil {
		return err
	}
	out, err := k.compute(&k.batch, k.parts)
	if err != nil {
		return err
	}
	defer k.s.x.Pool.Put(out)
	if err := k.hand(out); err != nil {
		return err
	}
	k.batch.Reset()
	k.parts = k.parts[:0]
	if k.options.Progress != nil {
		k.options.Progress(k.done, k.all)
	}
	if k.saved != nil {
		return k.saved()
	}
	return nil
}

// hand gives the rows of a batch to take, and ended documents to finish.
func (k *packer) hand(out tensor.Mat) error {
	var ended []*document
	row := 0
	for i, p := range k.parts {
		n := k.batch.Lengths[i]
		if k.rows != nil {
			n = k.rows(p)
		}
		if err := k.take(p, out.SliceRows(row, row+n)); err != nil {
			return err
		}
		row += n
		bytes, pieces := int64(p.d.bytes), int64(len(p.d.pieces))
		k.done += bytes*int64(p.piece+1)/pieces - bytes*int64(p.piece)/pieces
		if p.piece == len(p.d.pieces)-1 {
			ended = append(ended, p.d)
		}
	}
	return k.finish(ended)
}
