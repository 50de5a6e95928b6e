package plan

import (
	"fmt"

	"github.com/longspan/longspan/internal/pool"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// Generation walks a generation without data: a prompt of so many tokens at once, and then tokens one by one. An encoder-decoder reads
// a source of as many tokens as the prompt, and begins with one token. Activations are what is
// carried from token to token, at the end. It costs some tens of microseconds for a token and layer, which is little beside the generation itself.
func Generation(c model.Spec, prompt, tokens, threads int) (Estimate, error) {
	if prompt < 1 || tokens < 1 || prompt > maxTokens || tokens > maxTokens-prompt {
		return Estimate{}, fmt.Errorf("plan: found %d tokens after a prompt of %d, expected at least 1 of each and at most %d in all", tokens, prompt, maxTokens)
	}
	c.Recompute = ""
	x := tensor.Exec{Threads: pool.Threads(threads), Pool: tensor.NewDryPool()}
	m, err := model.NewOf(c, model.Options{Pool: x.Pool})
	if err != nil {
		return Estimate{}, err
	}
	e := Estimate{Params: m.Count(), Tokens: prompt + tokens}
	e.Bytes.Weights = m.Bytes()
	var source []int32
	if m.Spec().Kind == model.EncoderDecoder {
		source, prompt = make([]int32, prompt), 1
	}
	g, err := m.NewSession(x).Decode(source)
	if err != nil {
		return Estimate{}, err
	}
	defer g.Close()
	if err := steps(x, g, prompt, tokens); err != nil {
		return Estimate{}, err
	}
	e.Bytes.Activations = x.Pool.InUse() - e.Bytes.Weights
	e.Bytes.Scratch = x.Pool.Peak() - x.Pool.InUse()
	e.Bytes.runtime(e.Tokens, 0)
	return e, nil
}

// steps appends the prompt and the tokens.
func steps(x tensor.Exec, g *model.Generation, prompt, tokens int) error {
	if _, err := g.Step(make([]int32, prompt)); err != nil {
		return err
	}
	one := make([]int32, 1)
	for range tokens - 1 { // the last token drawn is not read again
		if _, err := g.Step(one); err != nil {
			return err
		}
	}
	return nil
}
