package plan

import (
	"fmt"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tokenizer"
)

// Scoring walks [model.Generation.Score] of a sequence without data, in steps of 4,096 tokens. Bytes.Activations is the state of the layers
// after the last token.
func Scoring(s model.Spec, tokens, threads int) (Estimate, error) {
	if tokens < 1 || tokens > maxTokens {
		return Estimate{}, fmt.Errorf("plan: found %d tokens, expected 1 to %d", tokens, maxTokens)
	}
	x, m, e, err := Job{Model: s, Threads: threads}.dry(false)
	if err != nil {
		return Estimate{}, err
	}
	g, err := m.NewSession(x).Decode(nil)
	if err != nil {
		return Estimate{}, err
	}
	defer g.Close()
	const step = 4096
	for at := 0; at < tokens; at += step {
		if _, err := g.Score(make([]int32, min(step, tokens-at))); err != nil {
			return Estimate{}, err
		}
	}
	e.Tokens, e.Cost = tokens, g.Cost()
	e.Bytes.Activations = x.Pool.InUse() - e.Bytes.Weights
	e.Bytes.Scratch = x.Pool.Peak() - x.Pool.InUse()
	e.Bytes.addRuntime(tokens, 0)
	return e, nil
}

// ScoringTogether walks [model.Session.ScoreTogether] of texts with so many tokens each without data.
func ScoringTogether(s model.Spec, lengths []int, threads int) (Estimate, error) {
	x, m, e, err := Job{Model: s, Threads: threads}.dry(false)
	if err != nil {
		return Estimate{}, err
	}
	texts := make([]model.ScoreText, len(lengths))
	for i, n := range lengths {
		texts[i].Encoding = tokenizer.Encoding{IDs: make([]int32, n), Offsets: make([]tokenizer.Span, n)}
		e.Tokens += n
	}
	if _, _, err := m.NewSession(x).ScoreTogether(texts); err != nil {
		return Estimate{}, err
	}
	e.Bytes.Scratch = x.Pool.Peak() - e.Bytes.Weights
	e.Bytes.addRuntime(e.Tokens, 0)
	return e, nil
}
