package model

import (
	"errors"
	"slices"

	"github.com/longspan/longspan/data"
)

// ScoredTogether is the number of texts, from the first on, that [Session.ScoreTogether] takes with these options: a decoder reads each as one
// sequence, and all of them have up to DefaultBatch tokens. It is 0 where the first text is for [Session.Score]: it is longer, or it is read
// in windows.
func (m *Model) ScoredTogether(texts []ScoreText, o ScoreOptions) int {
	if m.spec.Kind != Decoder || m.spec.Head.Prior || m.scores() != nil {
		return 0
	}
	tokens := 0
	for i, t := range texts {
		tokens += len(t.Before) + len(t.IDs)
		if w, err := m.windows(t, o); err != nil || w.several() || tokens > DefaultBatch {
			return i
		}
	}
	return len(texts)
}

// ScoreTogether is [Session.Score] of several texts in one pass, and returns the losses of the tokens of each, too. The weights are then read
// once for all of them. A score does not depend on the other texts; it is that of Score up to rounding. It returns an error for a session
// over several ranks, and those of [Session.Step].
func (s *Session) ScoreTogether(texts []ScoreText) (scores []Score, losses [][]float32, err error) {
	if s.ranks != nil {
		return nil, nil, errors.New("model: found several ranks, expected one: score the texts one by one, with Score")
	}
	b := &data.Batch{}
	for _, t := range texts {
		first := len(b.Tokens)
		b.Tokens = append(append(b.Tokens, t.Before...), t.IDs...)
		b.Targets = append(append(b.Targets, b.Tokens[first+1:]...), data.Ignore)
		for i := range len(t.Before) - 1 { // the next is a special token, which is not scored
			b.Targets[first+i] = data.Ignore
		}
		b.Lengths = append(b.Lengths, len(b.Tokens)-first)
	}
	all := make([]float32, len(b.Tokens)) // row i predicts token i+1
	if _, err := s.Step(b, StepOptions{Losses: all}); err != nil {
		return nil, nil, err
	}
	row := 0
	for i, t := range texts {
		own := slices.Insert(all[row:row+b.Lengths[i]-1:row+b.Lengths[i]-1], 0, 0)[len(t.Before):]
		row += b.Lengths[i]
		r := scoring{text: t}
		if err := r.add(own, 0, len(t.Before) > 0); err != nil {
			return nil, nil, err
		}
		scores = append(scores, Score{ScoreState: r.state, Bytes: r.bytes(), Windows: 1, How: asOneSequence})
		losses = append(losses, own)
	}
	return scores, losses, nil
}
