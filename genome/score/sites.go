package score

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/model"
)

// Site is a base of the reference with the log-probabilities of A, C, G and T in its place, in nats. All letters are those of the forward
// strand. They are NaN where the letter is none of the four bases, where nothing predicts it on a strand, and on a strand that is not read.
type Site struct {
	Pos     int  // from 0
	Ref     byte // upper case
	Forward [4]float32
	Reverse [4]float32 // of the other strand: by the bases behind it
}

// Sites calls use with each base of a span of a contig, in order. The model must be of the next base (head lm). A strand reads the contig
// in chunks of a fixed grid, each with the bases before it that the layers reach, up to half of a window. So a base has the same bits in
// any span. A letter that stands for several bases ends a sequence as an end of the contig does. The cost is that of the span's bases, each
// read once on each strand. When ctx is done Sites returns ctx's error.
func (s *Scorer) Sites(ctx context.Context, contig string, span dna.Span, use func(Site) error) error {
	if !oneBase(s.Model()) {
		return errors.New("score: found a model that reads a window for each site, expected one of the next base: a decoder with the head lm")
	}
	c, err := s.ref.Find(contig)
	if err != nil {
		return err
	}
	if span.Start < 0 || span.End > c.Length || span.Start > span.End {
		return fmt.Errorf("score: found the bases %d to %d of contig %s, expected a part of 0 to %d", span.Start, span.End, c.Name, c.Length)
	}
	for at := span.Start; at < span.End; {
		k, err := s.chunkAt(ctx, c, at)
		if err != nil {
			return err
		}
		for ; at < min(k.end, span.End); at++ {
			if err := use(k.site(at)); err != nil {
				return err
			}
		}
	}
	return nil
}

// masked reports whether the model is a masked one.
func (s *Scorer) masked() bool { return s.Model().Spec().Head.Kind == model.MaskedLM }

// oneBase reports whether a model predicts each base of a sequence from those before it, in one pass.
func oneBase(m *model.Model) bool {
	kind := m.Spec().Kind
	return m.Spec().Head.Kind == model.LM && m.Spec().Causal() && kind != model.TransformerXL && kind != model.EncoderDecoder
}

// site is a base of the chunk.
func (k *chunk) site(pos int) Site {
	t := Site{Pos: pos, Ref: k.letters[pos-k.start], Forward: unknown, Reverse: unknown}
	if k.forward != nil {
		t.Forward = k.forward[pos-k.start]
	}
	if k.reverse != nil {
		t.Reverse = k.reverse[pos-k.start]
	}
	return t
}

// unknown are the log-probabilities of a base that nothing predicts.
var unknown = func() logs {
	nan := float32(math.NaN())
	return logs{nan, nan, nan, nan}
}()

// compute computes a chunk.
func (s *Scorer) compute(ctx context.Context, c fasta.Contig, key chunkKey) (*chunk, error) {
	k := &chunk{key: key, start: key.number * s.grid.chunk}
	k.end = min(k.start+s.grid.chunk, c.Length)
	from, to := max(0, k.start-s.grid.context), min(c.Length, k.end+s.grid.context)
	letters, err := s.ref.Letters(s.letters[:0], fasta.Window{Contig: c.Name, Start: from, End: to})
	if err != nil {
		return nil, err
	}
	s.letters = letters
	fasta.Upper(letters)
	k.letters = slices.Clone(letters[k.start-from : k.end-from])
	p := predictor{scorer: s, ctx: ctx}
	for _, strand := range s.strands() {
		all := make([]logs, k.end-k.start)
		if strand == Forward {
			k.forward, letters = all, letters[:k.end-from]
		} else {
			k.reverse, letters = all, complement(nil, s.letters[k.start-from:])
		}
		if err := p.add(letters, all); err != nil {
			return nil, err
		}
	}
	if err := p.flush(); err != nil {
		return nil, err
	}
	onForward(k.reverse)
	return k, nil
}

// onForward gives the log-probabilities of the reverse strand, as it reads them, the order and the letters of the forward strand.
func onForward(all []logs) {
	slices.Reverse(all)
	for i, l := range all {
		all[i] = logs{l[3], l[2], l[1], l[0]}
	}
}
