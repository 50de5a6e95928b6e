package recipe_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
)

// spliceData is a contig with genes of two exons at every 200 bases, and a table of them with one gene on a contig that is not there.
func spliceData(t *testing.T) *recipe.Splice {
	t.Helper()
	dir := t.TempDir()
	s := &recipe.Splice{Reference: filepath.Join(dir, "ref.fa"), Genes: filepath.Join(dir, "genes.txt"), Tokens: 64, Near: 10,
		HoldOut: []string{"chr1:1-1000"}, Margin: 50, Validation: 4}
	r := data.NewRandom(1, 0)
	letters := make([]byte, 4000)
	for i := range letters {
		letters[i] = "ACGT"[r.IntN(4)]
	}
	table := "#NAME\tCHROM\tSTRAND\tTX_START\tTX_END\tEXON_START\tEXON_END\nfar\t2\t+\t0\t9\t0,\t9,\n"
	for i := range 19 {
		start := 20 + 200*i
		copy(letters[start+50:], "GTAAG")
		copy(letters[start+98:], "AG")
		table += fmt.Sprintf("gene%d\t1\t+\t%d\t%d\t%d,%d,\t%d,%d,\n", i, start, start+150, start, start+100, start+50, start+150)
	}
	for path, text := range map[string]string{s.Reference: ">1\n" + string(letters) + "\n", s.Genes: table} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// Genes within the region by the margin are the test. A note says what is left out.
func TestSpliceParts(t *testing.T) {
	s := spliceData(t)
	split, _, notes, err := s.Split()
	if err != nil {
		t.Fatal(err)
	}
	// Of 19 genes five overlap the first 1,000 bases: the first begins 20 bases from its end, the last ends 30 before it.
	if len(split.Test) != 3 || split.NearTest != 2 || len(split.Validation) != 3 || len(split.Train) != 11 {
		t.Errorf("found %d, %d, %d and %d genes", len(split.Test), split.NearTest, len(split.Validation), len(split.Train))
	}
	text := strings.Join(notes, "\n")
	for _, want := range []string{"11 genes train, 3 validate, 3 test; 2 that overlap hold_out", "1 transcripts of ",
		"such as 2; they are left out"} {
		if !strings.Contains(text, want) {
			t.Errorf("the notes are %s, want %s", text, want)
		}
	}
	sets := setsOf(t, &recipe.Data{Batch: 2, Splice: s})
	var b data.Batch
	if err := sets.Train.Next(&b); err != nil || b.Check(dna.Vocab) != nil || len(b.Tokens) != 128 || sets.Tags != 3 {
		t.Errorf("%d tokens, %d tags, %v", len(b.Tokens), sets.Tags, err)
	}
	for name, source := range map[string]func() (data.Source, error){"validation": sets.Validation, "test": sets.Test} {
		in, err := source()
		if err != nil {
			t.Fatal(err)
		}
		sites := 0
		for in.Next(&b) == nil {
			for _, target := range b.Targets {
				if target > 0 {
					sites++
				}
			}
		}
		if sites != 6 {
			t.Errorf("%s: found %d sites, want 6", name, sites)
		}
	}
	r := recipe.Default()
	r.Data = recipe.Data{Batch: 2, Splice: s}
	if err := r.Fit(sets); err != nil || r.Model.Kind != model.Encoder || r.Model.Head != model.Tag || r.Model.Classes != 3 {
		t.Errorf("the model is %+v, %v", r.Model, err)
	}
}

func TestSpliceIsChecked(t *testing.T) {
	for want, change := range map[string]func(*recipe.Splice){
		"reference is missing":                     func(s *recipe.Splice) { s.Reference = "" },
		"genes is missing":                         func(s *recipe.Splice) { s.Genes = "" },
		"hold_out is missing":                      func(s *recipe.Splice) { s.HoldOut = nil },
		`hold_out has "1:5"; expected a contig`:    func(s *recipe.Splice) { s.HoldOut = []string{"1:5"} },
		`the reference has no contig "7"`:          func(s *recipe.Splice) { s.HoldOut = []string{"7:1-5"} },
		"expected positions from 1 to 4000":        func(s *recipe.Splice) { s.HoldOut = []string{"1:1-4001"} },
		"near is -1":                               func(s *recipe.Splice) { s.Near = -1 },
		"margin is -1":                             func(s *recipe.Splice) { s.Margin = -1 },
		"validation is 1":                          func(s *recipe.Splice) { s.Validation = 1 },
		"tokens is 1;":                             func(s *recipe.Splice) { s.Tokens = 1 },
		"test: splice: the genes have no bases":    func(s *recipe.Splice) { s.Margin = 600 },
		"no such file":                             func(s *recipe.Splice) { s.Genes += ".gz" },
		"has no gene on the 1 contigs":             func(s *recipe.Splice) { rewrite(t, s.Reference, ">7\n"+strings.Repeat("A", 4000)+"\n") },
		"expected an annotation of the same assem": func(s *recipe.Splice) { rewrite(t, s.Reference, ">chr1\n"+strings.Repeat("A", 400)+"\n") },
	} {
		s := spliceData(t)
		change(s)
		d := &recipe.Data{Batch: 1, Splice: s}
		if _, err := d.Open(1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("found %v, want %s", err, want)
		}
	}
}

func rewrite(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
