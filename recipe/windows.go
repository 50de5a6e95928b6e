package recipe

import (
	"errors"
	"fmt"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/text"
	"github.com/longspan/longspan/internal/strict"
)

// openWindows opens documents as windows of the tokens of a checkpoint, all of which are in memory.
func (t *Text) openWindows(o data.OpenOptions) (*data.Bundle, error) {
	switch {
	case t.Stateful:
		return nil, strict.Wrong("stateful", "is given with the tokenizer of a checkpoint, whose windows have no memory of each other")
	case t.Shuffle > 0:
		return nil, strict.Wrong("shuffle", "is given with the tokenizer of a checkpoint, all of whose windows are shuffled; leave it out")
	case t.Cross && !o.Encoder.Causal:
		return nil, strict.Wrong("cross", "is given for a checkpoint that is no decoder, whose windows are of one document each")
	}
	b := &data.Bundle{Tokens: t.tokens(), Tokenizer: o.Encoder.Tokenizer, Supervision: data.Supervision{TokenTargets: true}}
	train, validation, err := t.windows(b, o, t.Train, t.holdOut())
	if err != nil {
		return nil, err
	}
	if t.holdOut() == 0 {
		if validation, _, err = t.windows(b, o, t.Validation, 0); err != nil {
			return nil, err
		}
	}
	test := validation
	if len(t.Test) > 0 {
		if test, _, err = t.windows(b, o, t.Test, 0); err != nil {
			return nil, err
		}
	}
	if train.Len() == 0 || validation.Len() == 0 || test.Len() == 0 {
		return nil, fmt.Errorf("found %d windows to train on, %d to validate on and %d to test on, expected some of each; "+
			"name more files, or hold out more documents", train.Len(), validation.Len(), test.Len())
	}
	b.Notes = append(b.Notes, fmt.Sprintf("%d tokens to train on, in %d windows of up to %d", train.Count(), train.Len(), t.tokens()))
	return b, b.Load(data.Parts{Train: train, Validation: validation, Test: test, Digest: train.Digest()}, o)
}

// windows reads a part, and what it holds out.
func (t *Text) windows(b *data.Bundle, o data.OpenOptions, paths []string, holdOut int) (part, heldOut *text.Windows, err error) {
	files, fields, err := t.files(b, paths)
	if err != nil {
		return nil, nil, err
	}
	c := text.WindowsConfig{Files: files, Fields: fields, Encoder: o.Encoder, Tokens: t.tokens(), Cross: t.Cross, HoldOut: holdOut}
	if o.Memory > 0 {
		if c.Memory = o.Memory - b.Bytes; c.Memory <= 0 {
			return nil, nil, errors.New("found no memory for the documents; raise --max-memory, or name fewer files")
		}
	}
	if part, heldOut, err = text.NewWindows(c); err == nil {
		b.Bytes += part.Bytes() + heldOut.Bytes()
	}
	return part, heldOut, err
}
