package plan

import (
	"fmt"

	"github.com/longspan/longspan/model"
)

// Generation walks a generation without data: a prompt of the given number of tokens, and then tokens one by one. An encoder-decoder reads
// a source of that length, and starts with one token. Bytes.Activations is the state of the layers after the last token. The cost is some
// tens of microseconds for each token and layer, a small share of the generation itself.
func Generation(s model.Spec, prompt, tokens, threads int) (Estimate, error) {
	if prompt < 1 || tokens < 1 || prompt > maxTokens || tokens > maxTokens-prompt {
		return Estimate{}, fmt.Errorf("plan: found %d tokens after a prompt of %d, expected at least 1 of each and at most %d in all",
			tokens, prompt, maxTokens)
	}
	x, m, e, err := Job{Model: s, Threads: threads}.dry(false)
	if err != nil {
		return Estimate{}, err
	}
	e.Tokens = prompt + tokens
	var source []int32
	if s.Kind == model.EncoderDecoder {
		source, prompt = make([]int32, prompt), 1
	}
	g, err := m.NewSession(x).Decode(source)
	if err != nil {
		return Estimate{}, err
	}
	defer g.Close()
	if err := steps(g, prompt, tokens); err != nil {
		return Estimate{}, err
	}
	e.Cost = g.Cost()
	e.Bytes.Activations = x.Pool.InUse() - e.Bytes.Weights
	e.Bytes.Scratch = x.Pool.Peak() - x.Pool.InUse()
	e.Bytes.addRuntime(e.Tokens, 0)
	return e, nil
}

// steps appends the prompt and the tokens.
func steps(g *model.Generation, prompt, tokens int) error {
	if _, err := g.Step(make([]int32, prompt)); err != nil {
		return err
	}
	one := make([]int32, 1)
	for range tokens - 1 { // the last drawn token is not read
		if _, err := g.Step(one); err != nil {
			return err
		}
	}
	return nil
}

// Prediction walks [model.Session.Predict] of one sequence without data.
func Prediction(s model.Spec, tokens, threads int) (Estimate, error) {
	return Predictions(s, []int{tokens}, threads)
}

// Predictions is Prediction of a batch of sequences of the given numbers of tokens.
func Predictions(s model.Spec, lengths []int, threads int) (Estimate, error) {
	j := Job{Model: s, Lengths: lengths, Threads: threads}
	if err := j.checkLengths(); err != nil {
		return Estimate{}, err
	}
	x, m, e, err := j.dry(false)
	if err != nil {
		return Estimate{}, err
	}
	if _, err := m.NewSession(x).Predict(batch(&s, j.Lengths), model.StepOptions{}); err != nil {
		return Estimate{}, err
	}
	for _, n := range lengths {
		e.Tokens += n
	}
	e.Bytes.Scratch = x.Pool.Peak() - e.Bytes.Weights
	e.Bytes.addRuntime(e.Tokens, 0)
	return e, nil
}
