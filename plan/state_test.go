package plan

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/tokenizer"
)

// gemma is a decoder in the shape of Gemma 3: windows in five layers of six.
func gemma(layers, window, width, columns int) model.Spec {
	s := model.Spec{Kind: model.Decoder, Vocab: 99, Width: width, Precision: "f32", Head: model.Head{Kind: model.LM, Tied: true}}
	for i := range layers {
		l := model.Layer{FeedForward: model.FeedForward{Hidden: width, Activation: "geglu_tanh"},
			Attention: model.Attention{Mechanism: mechanisms(i, window), Heads: 4, KVHeads: 1, HeadDim: columns, Causal: true, Position: "rotary"}}
		l.Norms.Input = &model.Norm{Kind: "rms"}
		s.Layers = append(s.Layers, l)
	}
	return s
}

// mechanisms has a token see window tokens with itself, and in every sixth layer all.
func mechanisms(layer, window int) string {
	if layer%6 == 5 {
		return "full"
	}
	return fmt.Sprintf("window(%d)", window-1)
}

// The state of a decoder is the keys and values of window·layers + T·full layers, and room: a store has half as many rows more than it
// keeps, and is made smaller where it is twice as large as that. The plan has the bytes of the run.
func TestStateFollowsTheWindow(t *testing.T) {
	for _, c := range []struct{ layers, window, columns, prompt int }{
		{18, 512, 256, 1024}, {18, 512, 256, 32765}, {7, 8, 8, 300}, {7, 8, 8, 5000}, {6, 64, 16, 40},
	} {
		s := gemma(c.layers, c.window, 32, c.columns)
		const after = 3 // the first token behind a long prompt gives back what the prompt took
		tokens := c.prompt + after - 1
		full := c.layers / 6
		row := int64(2 * c.columns * 4)
		windows, all := row*int64((c.layers-full)*min(c.window-1, tokens)), row*int64(full*tokens)
		needed := windows + all
		most := 3*windows + all*3/2 + row*int64(c.layers)*(2*128+3) + int64(s.Width)*4 // what the head read of the last token
		e, err := Generation(s, c.prompt, after, 1)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Bytes.Activations; got < needed || got > most {
			t.Errorf("%+v: the plan has %d bytes of state, expected %d to %d", c, got, needed, most)
		}
		if c.columns > 16 {
			continue // too much for a test
		}
		pool := tensor.NewPool()
		m, err := model.NewOf(s, model.Options{})
		if err != nil {
			t.Fatal(err)
		}
		g, err := m.NewSession(tensor.Exec{Pool: pool, Threads: 1}).Decode(nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := steps(g, c.prompt, after); err != nil {
			t.Fatal(err)
		}
		if got := pool.InUse(); got != e.Bytes.Activations {
			t.Errorf("%+v: a run has %d bytes of state, the plan %d", c, got, e.Bytes.Activations)
		}
		g.Close()
	}
}

func TestScoring(t *testing.T) {
	s := gemma(7, 8, 32, 8)
	short, err := Scoring(s, 100, 1)
	if err != nil {
		t.Fatal(err)
	}
	long, err := Scoring(s, 9000, 1)
	if err != nil {
		t.Fatal(err)
	}
	longer, err := Scoring(s, 90000, 1)
	if err != nil {
		t.Fatal(err)
	}
	if short.Cost.Matmul*80 > long.Cost.Matmul || long.Cost.Matmul == 0 || long.Tokens != 9000 {
		t.Errorf("found the costs %+v and %+v of 100 and 9,000 tokens", short.Cost, long.Cost)
	}
	if long.Bytes.Scratch*2 < longer.Bytes.Scratch { // steps of 4,096 tokens bound all but the state
		t.Errorf("found %d and %d bytes of scratch of 9,000 and 90,000 tokens", long.Bytes.Scratch, longer.Bytes.Scratch)
	}
	if _, err := Scoring(s, 0, 1); err == nil {
		t.Error("no tokens were taken")
	}
}

// Texts that are scored together take what the plan says.
func TestScoringTogether(t *testing.T) {
	s := gemma(7, 8, 32, 8)
	lengths := []int{30, 1, 400, 80}
	e, err := ScoringTogether(s, lengths, 2)
	if err != nil {
		t.Fatal(err)
	}
	pool := tensor.NewPool()
	m, err := model.NewOf(s, model.Options{Pool: pool})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var texts []model.ScoreText
	for _, n := range lengths {
		texts = append(texts, model.ScoreText{Encoding: tokenizer.Encoding{IDs: make([]int32, n), Offsets: make([]tokenizer.Span, n)}})
	}
	if _, _, err := m.NewSession(tensor.Exec{Threads: 2, Pool: pool}).ScoreTogether(texts); err != nil {
		t.Fatal(err)
	}
	if want := e.Bytes.Weights + e.Bytes.Scratch; pool.Peak() != want || e.Tokens != 511 {
		t.Errorf("a run has a peak of %d bytes, the plan of %d tokens %d", pool.Peak(), e.Tokens, want)
	}
}
