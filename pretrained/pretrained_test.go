package pretrained_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/tensor"
)

// Every model opens, has a card, and predicts its own kind of sequence better than chance.
func TestModels(t *testing.T) {
	for _, name := range pretrained.Names() {
		card, err := pretrained.Card(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range []string{"## Data", "## Licence", "## Numbers", "## Limits", "## Made by", "longspan "} {
			if !strings.Contains(card, part) {
				t.Errorf("%s: the card has no %q", name, part)
			}
		}
		if kind, err := pretrained.Kind(name); err != nil || kind != pretrained.Sequences {
			continue // package picture tests them
		}
		m, err := pretrained.Open(name, model.OpenOptions{})
		if err != nil {
			t.Fatal(err)
		}
		switch m.Spec().Head.Kind {
		case model.LM:
			if loss := repeatLoss(t, m); loss > 1.38 {
				t.Errorf("%s: a repeat of two bases costs %.3f nats a base, want less than that of chance, 1.386", name, loss)
			}
		case model.Tag:
			if p := donorOfConsensus(t, m); p < 0.5 {
				t.Errorf("%s: the donor of the consensus has the probability %.3f, want more than a half", name, p)
			}
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Models of pictures are known as such, and do not open as models of sequences.
func TestKinds(t *testing.T) {
	if names := pretrained.NamesOf(pretrained.Pictures); !slices.Equal(names, []string{"photos"}) {
		t.Errorf("models of pictures: %v", names)
	}
	if _, err := pretrained.Open("photos", model.OpenOptions{}); err == nil || !strings.Contains(err.Error(), "longspan image uses it") {
		t.Errorf("found %v", err)
	}
	if _, err := pretrained.Kind("absent"); err == nil {
		t.Error("a model that is not there has a kind")
	}
}

// repeatLoss is the mean loss of CACACA…, which is frequent in genomes.
func repeatLoss(t *testing.T, m *model.Model) float64 {
	t.Helper()
	e, err := m.Tokenizer().Encode(strings.Repeat("CA", 100))
	if err != nil {
		t.Fatal(err)
	}
	b := &data.Batch{Tokens: e.IDs, Lengths: []int{len(e.IDs)}, Targets: append(e.IDs[1:len(e.IDs):len(e.IDs)], data.Ignore)}
	r, err := m.NewSession(tensor.Exec{}).Step(b, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return r.Loss
}

// donorOfConsensus is the probability that CAG is the end of an exon before GTAAGT, the consensus of donors (Shapiro and Senapathy 1987),
// behind an exon that begins at a consensus acceptor.
func donorOfConsensus(t *testing.T, m *model.Model) float64 {
	t.Helper()
	before := strings.Repeat("CTAAGAGGTAGTCATTACAT", 20) + "TTCTTTTCTTTCTTTTCCCTACAG"
	exon := strings.Repeat("GAAGCTGACCTGGAGAAGGC", 6) + "CAG"
	e, err := m.Tokenizer().Encode(before + exon + "GTAAGT" + strings.Repeat("ATTTGCATTAATGTCTAATA", 20))
	if err != nil {
		t.Fatal(err)
	}
	out, err := m.NewSession(tensor.Exec{}).Predict(&data.Batch{Tokens: e.IDs, Lengths: []int{len(e.IDs)}}, model.StepOptions{})
	if err != nil {
		t.Fatal(err)
	}
	row, sum := out.Row(len(before)+len(exon)-1), 0.0
	for _, v := range row {
		sum += math.Exp(float64(v))
	}
	return math.Exp(float64(row[2])) / sum
}

func TestUnknownNames(t *testing.T) {
	if _, err := pretrained.Open("mouse", model.OpenOptions{}); err == nil || !strings.Contains(err.Error(), `found the name "mouse", expected`) {
		t.Error(err)
	}
	if _, err := pretrained.Card("mouse"); err == nil {
		t.Error("a card of a model that is not there")
	}
}
