package model

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sort"
	"strings"
	"unicode"

	"github.com/longspan/longspan/autograd"
	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/nn"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// FillOptions set how masked tokens are filled in.
type FillOptions struct {
	ReadOptions
	Mask string // stands for a masked token in a text; empty: the name of the tokenizer's mask token, or [MASK] if it has none
	Top  int    // number of guesses for each mask; 0: 5
}

// Filled is the guesses for the masks of a text, in order.
type Filled struct {
	Reading
	Masks []Mask `json:"masks"`
}

// Mask is the bytes [From, To) of a text that stand for a masked token, and the most probable tokens there, the first the best.
type Mask struct {
	From    int     `json:"from"`
	To      int     `json:"to"`
	Guesses []Guess `json:"guesses"`
}

// Guess is a token that may stand in place of a mask.
type Guess struct {
	ID          int32   `json:"id"`
	Token       string  `json:"token"` // its text
	Probability float64 `json:"probability"`
}

// FillEach guesses the masked tokens of texts, and calls use with the guesses for each text, in order. The model must have the head mlm,
// and each text at least one mask. All masks of a text are guessed independently. Of a text that is longer than the model reads at once,
// each mask is guessed in the chunk in which it stands farthest from a border, and chunks without masks are not read: they count as tokens
// that are not used.
func (s *Session) FillEach(ctx context.Context, texts []string, o FillOptions, use func(i int, f Filled) error) error {
	k, err := s.filler(ctx, texts, o, use)
	if err != nil {
		return err
	}
	return k.read(texts, 0, k.document)
}

// Fill is [Session.FillEach] with the results in a slice.
func (s *Session) Fill(ctx context.Context, texts []string, o FillOptions) ([]Filled, error) {
	all := make([]Filled, 0, len(texts))
	err := s.FillEach(ctx, texts, o, func(_ int, f Filled) error {
		all = append(all, f)
		return nil
	})
	return all, err
}

// MaskName is what stands for a masked token in a text of [Session.Fill]: the name of the tokenizer's mask token, or [MASK].
func (m *Model) MaskName() string {
	if id := m.spec.Head.MaskToken; id != nil && *id >= 0 && m.tokenizer != nil {
		if name := m.tokenizer.Token(*id); name != "" {
			return name
		}
	}
	return "[MASK]"
}

// filler guesses the masks of the documents that it packs.
type filler struct {
	packer
	o      FillOptions
	cutter cutter
	use    func(i int, f Filled) error
	mask   int32 // the token
	filled map[*document]*Filled
}

func (s *Session) filler(ctx context.Context, texts []string, o FillOptions, use func(int, Filled) error) (*filler, error) {
	head := s.m.spec.Head
	if head.Kind != MaskedLM {
		return nil, fmt.Errorf("model: found the head %s, expected mlm", head.Kind)
	}
	if err := s.checkTexts(texts); err != nil {
		return nil, err
	}
	if o.Top == 0 {
		o.Top = 5
	}
	if o.Top < 0 {
		return nil, fmt.Errorf("model: found %d guesses for each mask, expected at least 1", o.Top)
	}
	o.Top = min(o.Top, s.m.spec.Vocab)
	k := &filler{o: o, use: use, mask: int32(s.m.spec.Vocab), filled: map[*document]*Filled{}}
	if head.MaskToken != nil {
		if k.mask = *head.MaskToken; k.mask < 0 {
			return nil, errors.New("model: found a masked language model whose mask token is not known, expected one; " +
				"add tokenizer_config.json, which names it")
		}
	}
	if k.o.Mask == "" {
		k.o.Mask = s.m.MaskName()
	}
	var err error
	if k.cutter, err = s.m.cutter(o.ReadOptions); err != nil {
		return nil, err
	}
	k.packer = packer{s: s, ctx: ctx, options: o.ReadOptions, all: bytesOf(texts), compute: k.guess, take: k.pick, finish: k.deliver,
		rows: func(p part) int { return len(k.masks(p)) }}
	return k, nil
}

// document reads a text with masks.
func (k *filler) document(i int, text string) (*document, error) {
	e, err := k.s.m.encodeMasked(text, k.o.Mask, k.mask)
	if err != nil {
		return nil, err
	}
	d := &document{index: i, bytes: len(text), e: e, from: int(e.Texts[0].From), to: int(e.Texts[0].To)}
	found := Filled{}
	for token := d.from; token < d.to; token++ {
		if e.IDs[token] == k.mask {
			from, to := int(e.Offsets[token].From), int(e.Offsets[token].To)
			from = to - len(strings.TrimLeftFunc(text[from:to], unicode.IsSpace)) // some mask tokens take the white space before them
			found.Masks = append(found.Masks, Mask{From: from, To: to})
		}
	}
	if len(found.Masks) == 0 {
		return nil, fmt.Errorf("model: found no %q in the text, expected one for each token to guess", k.o.Mask)
	}
	fixed := len(e.IDs) - (d.to - d.from)
	pieces, err := k.cutter.pieces(fixed, d.to-d.from)
	if err != nil {
		return nil, fmt.Errorf("model: %w", err)
	}
	d.pieces = slices.DeleteFunc(pieces, func(p piece) bool { return !slices.Contains(e.IDs[d.from+p.keepFrom:d.from+p.keepTo], k.mask) })
	found.Reading = k.cutter.describe(len(e.IDs), d.pieces, "each mask in the chunk in which it stands farthest from a border")
	found.Used, found.Chunks = fixed, len(d.pieces)
	end := 0
	for _, p := range d.pieces {
		found.Used += p.to - max(p.from, end)
		end = p.to
	}
	if found.Used < found.Tokens {
		found.How += "; chunks without masks are not read"
	}
	k.filled[d] = &found
	return d, nil
}

// masks are the rows of a piece that are masks which it keeps.
func (k *filler) masks(p part) (rows []int) {
	r := p.d.kept(p.piece)[1]
	for n := range r.n {
		if p.d.e.IDs[r.token+n] == k.mask {
			rows = append(rows, r.row+n)
		}
	}
	return rows
}

// guess returns the logits of the kept masks of a batch.
func (k *filler) guess(b *data.Batch, parts []part) (tensor.Mat, error) {
	var rows []int32
	start := 0
	for i, p := range parts {
		for _, row := range k.masks(p) {
			rows = append(rows, int32(start+row))
		}
		start += b.Lengths[i]
	}
	known := *b
	known.Tokens = slices.Clone(b.Tokens)
	for i, id := range known.Tokens {
		if id == k.mask {
			known.Tokens[i] = 0 // the row after the vocabulary is no token of a batch
		}
	}
	s := k.s
	if err := s.m.acquire(); err != nil {
		return tensor.Mat{}, err
	}
	defer s.m.release()
	p, in, err := s.begin(&known, StepOptions{})
	if err != nil {
		return tensor.Mat{}, err
	}
	defer p.Close()
	in.tokens = b.Tokens
	return result(s.x, p, s.m.logitsAt(p, in, rows))
}

// logitsAt records the outputs of the head for some rows.
func (m *Model) logitsAt(p *nn.Pass, in inputs, rows []int32) *autograd.Var {
	return m.logits(p, p.G.Take(m.hidden(p, in), rows))
}

// pick takes the most probable tokens of each mask of a piece.
func (k *filler) pick(p part, logits tensor.Mat) error {
	if err := checkFinite(logits.F32); err != nil {
		return err
	}
	f := k.filled[p.d]
	next := slices.IndexFunc(f.Masks, func(m Mask) bool { return m.Guesses == nil })
	for i := range logits.Rows {
		f.Masks[next+i].Guesses = k.best(logits.Row(i))
	}
	return nil
}

// best are the most probable tokens; of equal ones those of lower ids.
func (k *filler) best(logits []float32) []Guess {
	var ids []int32
	for id := range logits {
		at := sort.Search(len(ids), func(i int) bool { return logits[ids[i]] < logits[id] })
		if at < k.o.Top {
			ids = slices.Insert(ids[:min(len(ids), k.o.Top-1)], at, int32(id))
		}
	}
	probabilities := softmax(logits)
	guesses := make([]Guess, len(ids))
	for i, id := range ids {
		guesses[i] = Guess{id, k.s.m.tokenizer.DecodeWithSpecials([]int32{id}), probabilities[id]}
	}
	return guesses
}

func (k *filler) deliver(documents []*document) error {
	for _, d := range documents {
		f := k.filled[d]
		delete(k.filled, d)
		if err := k.use(d.index, *f); err != nil {
			return err
		}
	}
	return nil
}

// encodeMasked returns the tokens of a text in which word stands for the token mask, with the special tokens of a document. Offsets are
// those of the text.
func (m *Model) encodeMasked(text, word string, mask int32) (tokenizer.Encoding, error) {
	name := m.MaskName()
	if m.spec.Head.MaskToken == nil {
		return m.encodeAround(text, word, mask)
	}
	e, err := m.encodeDocument(strings.ReplaceAll(text, word, name))
	if err != nil || word == name {
		return e, err
	}
	var ends []int // of the words in the text
	for at := strings.Index(text, word); at >= 0; {
		ends = append(ends, at+len(word))
		next := strings.Index(text[at+len(word):], word)
		if next < 0 {
			break
		}
		at += len(word) + next
	}
	longer := len(name) - len(word)
	original := func(at int32) int32 {
		n := sort.Search(len(ends), func(i int) bool { return ends[i]+(i+1)*longer > int(at) }) // words that end before
		return int32(int(at) - n*longer)
	}
	for i, span := range e.Offsets {
		from, to := original(span.From), original(span.To)
		e.Offsets[i] = tokenizer.Span{From: from, To: to}
	}
	return e, nil
}

// encodeAround is encodeMasked for a model whose mask is a row after the vocabulary: the texts between masks are read one by one.
func (m *Model) encodeAround(text, word string, mask int32) (all tokenizer.Encoding, err error) {
	template := m.tokenizer.Template()
	all.IDs = slices.Clone(template.Before)
	all.Offsets = make([]tokenizer.Span, len(template.Before))
	at := 0
	for i, part := range strings.Split(text, word) {
		if i > 0 {
			all.IDs = append(all.IDs, mask)
			all.Offsets = append(all.Offsets, tokenizer.Span{From: int32(at), To: int32(at + len(word))})
			at += len(word)
		}
		e, err := m.tokenizer.Encode(part)
		if err != nil {
			return all, fmt.Errorf("model: the text: %w", err)
		}
		for k, id := range e.IDs {
			all.IDs = append(all.IDs, id)
			all.Offsets = append(all.Offsets, tokenizer.Span{From: int32(at) + e.Offsets[k].From, To: int32(at) + e.Offsets[k].To})
		}
		at += len(part)
	}
	all.Texts[0] = tokenizer.Span{From: int32(len(template.Before)), To: int32(len(all.IDs))}
	all.IDs = append(all.IDs, template.After...)
	all.Offsets = append(all.Offsets, make([]tokenizer.Span, len(template.After))...)
	return all, nil
}
