package recipe_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/recipe"
	"github.com/longspan/longspan/tensor"
)

// region opens a genome of two contigs, of the base that names them, with the keys of data.genome given.
func region(t *testing.T, keys string) (*data.Bundle, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "two.fa")
	text := ">chr1\n" + strings.Repeat("A", 400) + strings.Repeat("C", 200) + strings.Repeat("G", 400) + "\n>chr2\n" + strings.Repeat("T", 300) + "\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse([]byte("data:\n  batch: 1\n  genome: {paths: ["+file+"], tokens: 50, one_strand: true, "+keys+"}\n"), "r.yaml", nil)
	if err != nil {
		return nil, err
	}
	return r.Data.Open(1)
}

// counts are the targets of each base in n batches of a source, or in all.
func counts(t *testing.T, source data.Source, n int) (c [5]int) {
	t.Helper()
	var b data.Batch
	for range n {
		if err := source.Next(&b); err != nil {
			return c
		}
		for _, target := range b.Targets {
			if target != data.Ignore {
				c[target]++
			}
		}
	}
	return c
}

// The bases that are held out are in the test, in full, and training never sees them.
func TestHoldOut(t *testing.T) {
	b, err := region(t, `hold_out: ["1:401-600"], validation: ["chr2"]`)
	if err != nil {
		t.Fatal(err)
	}
	test, err := b.Test()
	if err != nil {
		t.Fatal(err)
	}
	validation, err := b.Validation()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := counts(t, test, 1000), [5]int{1: 200}; got != want {
		t.Errorf("the test has the targets %v, want %v", got, want)
	}
	if got, want := counts(t, validation, 1000), [5]int{3: 299}; got != want {
		t.Errorf("validation has the targets %v, want %v: all bases but the first of the contig", got, want)
	}
	if got := counts(t, b.Train, 200); got[0] == 0 || got[2] == 0 || got[1]+got[3] > 0 {
		t.Errorf("training has the targets %v, want A and G alone", got)
	}
}

func TestRegionsAreRefused(t *testing.T) {
	for keys, want := range map[string]string{
		`hold_out: ["1:401-600"]`:                                 "hold_out and validation are regions that belong together",
		`hold_out: ["1:401-600"], validation: ["chr1:600-700"]`:   "overlap at position 600 of chr1",
		`hold_out: ["1"], validation: ["2"]`:                      "leave nothing to learn from",
		`hold_out: ["3:1-10"], validation: ["2"]`:                 `hold_out: fasta: the genome: no contig "3"`,
		`hold_out: ["1:1-1001"], validation: ["2"]`:               "expected positions from 1 to 1000",
		`hold_out: ["1:1-10"], validation: ["2:x"]`:               `validation: genome: found region "2:x"`,
		`prior: {markov: 19}`:                                     "prior.markov is 19; it must lie between 1 and 18",
		`prior: {markov: 9}, repeats: 0.1`:                        "prior is given together with stateful or repeats",
		`hold_out: ["1:1-10"], validation: ["2"], stateful: true`: "is given together with hold_out",
	} {
		if _, err := region(t, keys); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", keys, err, want)
		}
	}
}

// A model with a prior learns from a genome, and its first loss is that of the counts: far below that of no knowledge where the genome
// repeats itself.
func TestPriorOfTheData(t *testing.T) {
	b, err := region(t, `hold_out: ["1:401-600"], validation: ["chr2"], prior: {markov: 4}`)
	if err != nil {
		t.Fatal(err)
	}
	r, err := recipe.Parse([]byte("model: {width: 16, layers: 1, heads: 2}\ndata: {genome: {}}\n"), "r.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Fit(b); err != nil {
		t.Fatal(err)
	}
	m, err := r.Build(b, model.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var batch data.Batch
	if err := b.Train.Next(&batch); err != nil {
		t.Fatal(err)
	}
	result, err := m.NewSession(tensor.Exec{}).Step(&batch, model.StepOptions{})
	if err != nil || result.Loss > 0.5 { // A and G in runs of 400: the counts leave next to no doubt
		t.Errorf("the first loss is %g, %v; want less than 0.5 nats", result.Loss, err)
	}
}
