package plan

import (
	"fmt"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/sampling/beam"
)

// Search is a beam search that is planned.
type Search struct {
	Source int // tokens that an encoder-decoder reads; 0 for other kinds
	Prompt int // tokens that the beams continue
	Tokens int // the largest number of new ones
	Beams  int
}

// Beams walks a beam search without data: the source, the prompt, and then a token of each beam, up to the largest number. One beam is the
// generation of one sequence. Bytes.Activations is the state of the layers after the last token. The cost is some tens of microseconds for
// each token, layer and beam.
func Beams(s model.Spec, job Search, threads int) (Estimate, error) {
	most := max(job.Source, job.Prompt)
	if job.Prompt < 1 || job.Tokens < 1 || job.Source < 0 || most > maxTokens || job.Tokens > maxTokens-most {
		return Estimate{}, fmt.Errorf("plan: found %d tokens after a prompt of %d and a source of %d, expected at least 1 after 1, and at most "+
			"%d in all", job.Tokens, job.Prompt, job.Source, maxTokens)
	}
	x, m, e, err := Job{Model: s, Threads: threads}.dry(false)
	if err != nil {
		return Estimate{}, err
	}
	e.Tokens = most + job.Tokens
	g, err := m.NewSession(x).Decode(make([]int32, job.Source))
	if err != nil {
		return Estimate{}, err
	}
	defer g.Close()
	if job.Beams == 1 {
		if err := steps(g, job.Prompt, job.Tokens); err != nil {
			return Estimate{}, err
		}
	} else {
		if _, err := g.Step(make([]int32, job.Prompt)); err != nil {
			return Estimate{}, err
		}
		beams, err := g.Fork(job.Beams)
		if err != nil {
			return Estimate{}, err
		}
		defer beams.Close()
		moves := make([]beam.Move, job.Beams)
		for i := range moves {
			moves[i].Parent = i
		}
		for range job.Tokens - 1 { // the last token is not read
			if _, err := beams.Step(moves); err != nil {
				return Estimate{}, err
			}
		}
	}
	e.Cost = g.Cost()
	e.Bytes.Activations = x.Pool.InUse() - e.Bytes.Weights
	e.Bytes.Scratch = x.Pool.Peak() - x.Pool.InUse()
	logits := 3 * int64(job.Beams) * int64(s.Vocab) * 4 // of the beams and the search, beside the pool
	e.Bytes.Scratch += logits
	e.Bytes.addRuntime(e.Tokens, 0)
	return e, nil
}
