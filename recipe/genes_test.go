package recipe_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/recipe"
)

// genBank is a record of 100 bases in the style of a chloroplast genome without locus tags.
const genBank = `LOCUS       CHL                      100 bp    DNA     circular PLN 01-JAN-2020
DEFINITION  Test.
VERSION     %s
FEATURES             Location/Qualifiers
     source          1..100
                     /organism="Test"

     gene            3..20
                     /gene="psbA"
     CDS             join(3..8,15..20)
                     /gene="psbA"
     gene            41..60
                     /gene="ycf"
     misc_feature    one-of(61,62)..70
ORIGIN
        1 acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt
       61 acgtacgtac gtacgtacgt acgtacgtac gtacgtacgt
//
`

func write(t *testing.T, path, text string) string {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestGenesNameWhatIsNotScored(t *testing.T) {
	path := write(t, filepath.Join(t.TempDir(), "a.gb"), fmt.Sprintf(genBank, "CHL.1")+fmt.Sprintf(genBank, "CHL.1"))
	sets := setsOf(t, &recipe.Data{Batch: 1, Genes: &recipe.Genes{Paths: []string{path}, Tokens: 85, OneStrand: true}})
	want := []string{path + ": line 12: gene ycf, 41..60: it has no CDS and no RNA; 20 of its bases are not scored",
		path + ": line 30: gene ycf, 41..60: it has no CDS and no RNA; 20 of its bases are not scored",
		`1 names are of several sequences, such as "CHL.1" (2 of them); remove copies, or training sees the test data`}
	if diff := cmp.Diff(want, sets.Notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	var b data.Batch
	if err := sets.Train.Next(&b); err != nil {
		t.Fatal(err)
	}
	coding, ignored := 0, 0
	for _, tag := range b.Targets {
		switch tag {
		case 1:
			coding++
		case data.Ignore:
			ignored++
		}
	}
	if len(b.Targets) != 85 || coding != 12 || ignored != 20 {
		t.Errorf("of %d bases %d are coding and %d not scored, want 12 and 20 of 85", len(b.Targets), coding, ignored)
	}
}

func TestGenesNeedGenes(t *testing.T) {
	text := fmt.Sprintf(genBank, "CHL.1")
	text = text[:strings.Index(text, "     gene  ")] + text[strings.Index(text, "ORIGIN"):]
	path := write(t, filepath.Join(t.TempDir(), "a.gb"), text)
	d := &recipe.Data{Batch: 1, Genes: &recipe.Genes{Paths: []string{path}}}
	if _, err := d.Open(1); err == nil || !strings.Contains(err.Error(), "none of the 1 records has a CDS or an RNA") {
		t.Errorf("a record without genes gives %v", err)
	}
}

func TestManyNotesAreShortened(t *testing.T) {
	text := fmt.Sprintf(genBank, "CHL.1")
	more := strings.Repeat("     gene            81..90\n", 20)
	text = strings.Replace(text, "     misc_feature", more+"     misc_feature", 1)
	path := write(t, filepath.Join(t.TempDir(), "a.gb"), text)
	sets := setsOf(t, &recipe.Data{Batch: 1, Genes: &recipe.Genes{Paths: []string{path}}})
	if n := len(sets.Notes); n != 11 || sets.Notes[10] != path+": 11 more features or records are scored in part or not at all" {
		t.Errorf("%d notes, the last %q; want 10 and one about 11 more", n, sets.Notes[n-1])
	}
}

// A position belongs to the content of the data, wherever its files are and whatever their sequences are named.
func TestPositionsBelongToTheGenome(t *testing.T) {
	dir := t.TempDir()
	bases := strings.Repeat("ACGTTGCAAC", 40)
	fasta := func(name, bases string) string { return write(t, filepath.Join(dir, name), ">"+name+"\n"+bases+"\n") }
	record := fmt.Sprintf(genBank, "CHL.1")
	kinds := map[string]func(path string) *recipe.Data{
		"genome": func(path string) *recipe.Data {
			return &recipe.Data{Batch: 2, Genome: &recipe.Genome{Paths: []string{path}, Tokens: 16}}
		},
		"stateful genome": func(path string) *recipe.Data {
			return &recipe.Data{Batch: 2, Genome: &recipe.Genome{Paths: []string{path}, Tokens: 16, Stateful: true}}
		},
		"genes": func(path string) *recipe.Data {
			return &recipe.Data{Batch: 2, Genes: &recipe.Genes{Paths: []string{path}, Tokens: 16}}
		},
	}
	same := map[string][]string{
		"genome": {fasta("a", bases), fasta("moved", strings.ToLower(bases))}, "genes": {write(t, filepath.Join(dir, "a.gb"), record),
			write(t, filepath.Join(dir, "moved.gb"), strings.Replace(record, "CHL.1", "CHL.2", 1))},
	}
	other := map[string][]string{
		"genome": {fasta("base", "T"+bases[1:]), fasta("unknown", "N"+bases[1:]), fasta("longer", bases+bases)},
		"genes": {write(t, filepath.Join(dir, "base.gb"), strings.Replace(record, "1 acgt", "1 tcgt", 1)),
			write(t, filepath.Join(dir, "gene.gb"), strings.Replace(record, "15..20", "16..20", 1))},
	}
	same["stateful genome"], other["stateful genome"] = same["genome"], other["genome"]
	for kind, open := range kinds {
		saved := setsOf(t, open(same[kind][0])).Train.State()
		if err := setsOf(t, open(same[kind][1])).Train.Restore(saved); err != nil {
			t.Errorf("%s: the same content elsewhere gives %v", kind, err)
		}
		for _, path := range other[kind] {
			err := setsOf(t, open(path)).Train.Restore(saved)
			if err == nil || !strings.Contains(err.Error(), "the run began with ") {
				t.Errorf("%s: resumed with %s: %v", kind, path, err)
			}
		}
	}
}

func TestLanesAreNowStateful(t *testing.T) {
	_, err := recipe.Parse([]byte("data:\n  genome: {lanes: true}\n"), "r.yaml", nil)
	if err == nil || !strings.Contains(err.Error(), "r.yaml: line 2") || !strings.Contains(err.Error(), "stateful") {
		t.Errorf("the key lanes gives %v, want an error that names stateful", err)
	}
}

// Sequences of fewer than 20 bases are for training only, and every base of the others is scored once.
func TestManySequences(t *testing.T) {
	var text strings.Builder
	scored := 0
	for i := range 500 {
		n := 10 + i%90
		fmt.Fprintf(&text, ">contig_%d\n%s\n", i, strings.Repeat("ACGTA", 20)[:n])
		if n >= 20 {
			scored += n / 10
		}
	}
	path := write(t, filepath.Join(t.TempDir(), "c.fa"), text.String())
	for _, stateful := range []bool{false, true} {
		sets := setsOf(t, &recipe.Data{Batch: 1, Genome: &recipe.Genome{Paths: []string{path}, Tokens: 32, Stateful: stateful}})
		source, err := sets.Test()
		if err != nil {
			t.Fatal(err)
		}
		var b data.Batch
		got := 0
		for source.Next(&b) == nil {
			got += b.Scored()
		}
		if got != scored {
			t.Errorf("stateful %v: the test scores %d bases, want %d", stateful, got, scored)
		}
	}
}
