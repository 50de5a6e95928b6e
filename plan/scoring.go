package plan

import (
	"fmt"

	"github.com/longspan/longspan/model"
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
