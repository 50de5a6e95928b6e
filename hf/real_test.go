package hf_test

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/tensor"
)

// realWeights is the folder that `make real` fills. Without it the tests of real weights do not run.
func realWeights(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("LONGSPAN_REAL")
	if dir == "" {
		t.Skip("LONGSPAN_REAL is not set: make real runs this test")
	}
	return dir
}

// reference is testdata/real/real.json, which gen.py beside it made.
type reference struct {
	MiniLM struct {
		Texts   []string
		Vectors [][]float32
	}
	SmolLM2, Gemma3 decoderReference
}

type decoderReference struct {
	IDs      []int32
	Nats     float64
	Quarters []float64
	Prompt   int
	Greedy   []int32
}

func readReference(t *testing.T) (r reference) {
	t.Helper()
	text, err := os.ReadFile("testdata/real/real.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// all-MiniLM-L6-v2 gives the vectors that sentence-transformers gives, from text.
func TestRealMiniLM(t *testing.T) {
	m, err := model.Open(filepath.Join(realWeights(t), "all-MiniLM-L6-v2"))
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	want := readReference(t).MiniLM
	worst := 0.0
	for i, text := range want.Texts {
		e, err := m.Tokenizer().EncodeDocument(text)
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.NewSession(tensor.Exec{}).Predict(&data.Batch{Tokens: e.IDs, Lengths: []int{len(e.IDs)}}, model.StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for j, v := range want.Vectors[i] {
			worst = max(worst, math.Abs(float64(got.Row(0)[j]-v)))
		}
	}
	t.Logf("%d texts: the largest difference is %.2g", len(want.Texts), worst)
	if !(worst <= 1e-5) {
		t.Errorf("vectors differ by %g, expected at most 1e-5", worst)
	}
}

func TestRealSmolLM2(t *testing.T) {
	checkDecoder(t, filepath.Join(realWeights(t), "SmolLM2-135M-Instruct.Q4_1.gguf"), readReference(t).SmolLM2)
}

func TestRealGemma3(t *testing.T) {
	checkDecoder(t, filepath.Join(realWeights(t), "gemma-3-270m", "gemma-3-270m-q4_k_m.gguf"), readReference(t).Gemma3)
}

// checkDecoder compares the mean loss of 4,096 tokens and 200 greedy tokens.
func checkDecoder(t *testing.T, path string, want decoderReference) {
	t.Helper()
	for precision, tolerance := range map[string]float64{"f32": 1e-3, "bf16": 0.01 * want.Nats} {
		pool := tensor.NewPool()
		m, err := model.OpenWith(path, model.OpenOptions{Precision: precision, Pool: pool})
		if err != nil {
			t.Fatal(err)
		}
		session, began := m.NewSession(tensor.Exec{Pool: pool}), time.Now()
		b := &data.Batch{Tokens: want.IDs, Lengths: []int{len(want.IDs)}, Targets: append(slices.Clone(want.IDs[1:]), data.Ignore)}
		r, err := session.Step(b, model.StepOptions{})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %.5f nats over %d tokens in %.1f s; transformers has %.5f", precision, r.Loss, r.Targets, time.Since(began).Seconds(),
			want.Nats)
		if !(math.Abs(r.Loss-want.Nats) <= tolerance) {
			t.Errorf("%s: %.5f nats, want %.5f ± %.5f", precision, r.Loss, want.Nats, tolerance)
		}
		if precision == "f32" {
			checkGreedy(t, session, want)
		}
		m.Close()
	}
}

func checkGreedy(t *testing.T, s *model.Session, want decoderReference) {
	t.Helper()
	d, err := s.Decode(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	next := want.IDs[:want.Prompt]
	for i, token := range want.Greedy {
		logits, err := d.Step(next)
		if err != nil {
			t.Fatal(err)
		}
		best := int32(0)
		for j, v := range logits {
			if v > logits[best] {
				best = int32(j)
			}
		}
		if best != token {
			t.Fatalf("greedy token %d is %d, want %d", i, best, token)
		}
		next = []int32{best}
	}
	t.Logf("%d greedy tokens are equal", len(want.Greedy))
}
