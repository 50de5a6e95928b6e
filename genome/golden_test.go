package genome

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/vcf"
)

// golden is the text of a file that testdata/golden/gen.py made.
func golden(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "golden", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// reference is a FASTA of a text.
func reference(t testing.TB, text string) *fasta.Reference {
	t.Helper()
	ref, err := fastaOf(text)
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func fastaOf(text string) (*fasta.Reference, error) {
	return fasta.OpenReader(strings.NewReader(text), int64(len(text)), "ref.fa")
}

// haplotype is what WriteHaplotype writes.
func haplotype(t testing.TB, s *Sites, h int) (string, HaplotypeReport) {
	t.Helper()
	var out bytes.Buffer
	report, err := s.WriteHaplotype(&out, h)
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), report
}

// The haplotypes have the bytes of bcftools consensus, and skip the alleles that it skips.
func TestHaplotypesEqualBcftools(t *testing.T) {
	for number := 1; number <= 3; number++ {
		name := fmt.Sprintf("consensus.%d", number)
		ref := reference(t, golden(t, name+".fa"))
		s, err := ReadSites(ref, strings.NewReader(golden(t, name+".vcf")), name, SampleOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for h := 1; h <= 2; h++ {
			got, report := haplotype(t, s, h)
			if want := golden(t, fmt.Sprintf("%s.%d.out", name, h)); got != want {
				t.Errorf("%s: haplotype %d is\n%s\nwant\n%s", name, h, got, want)
			}
			var skipped []string
			for _, k := range report.Skipped {
				if k.Why == Overlap {
					skipped = append(skipped, fmt.Sprintf("%s:%d", k.Contig, k.Pos))
				}
			}
			if want := strings.Fields(golden(t, fmt.Sprintf("%s.%d.skip", name, h))); !slices.Equal(skipped, want) {
				t.Errorf("%s: haplotype %d skips %q, want %q", name, h, skipped, want)
			}
		}
	}
}

func TestHaplotypeOfRegion(t *testing.T) {
	ref := reference(t, golden(t, "consensus.1.fa"))
	region, err := ParseRegion(ref, "c0:101-260")
	if err != nil {
		t.Fatal(err)
	}
	s, err := ReadSites(ref, strings.NewReader(golden(t, "consensus.1.vcf")), "in.vcf", SampleOptions{Sample: "S", Region: &region})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := haplotype(t, s, 1); got != golden(t, "consensus.1.region.out") {
		t.Errorf("the region is\n%s\nwant\n%s", got, golden(t, "consensus.1.region.out"))
	}
}

// rowsByID are the rows of a golden file: "contig pos ref alts" by ID.
func rowsByID(text string) map[string][]string {
	rows := map[string][]string{}
	for line := range strings.Lines(text) {
		f := strings.Split(strings.TrimSpace(line), "\t")
		rows[f[2]] = append(rows[f[2]], fmt.Sprint(f[0], f[1], f[3], f[4]))
	}
	for _, list := range rows {
		slices.Sort(list)
	}
	return rows
}

// eachRow calls f for the rows of norm.vcf.
func eachRow(t *testing.T, ref *fasta.Reference, f func(id string, v Variant)) {
	t.Helper()
	r, err := vcf.NewReader(strings.NewReader(golden(t, "norm.vcf")), "norm.vcf")
	if err != nil {
		t.Fatal(err)
	}
	p := NewPlacer(ref, r.Header())
	var rec vcf.Record
	for r.Next(&rec) == nil {
		c, skip, err := p.Place(&rec)
		if skip != Used || err != nil {
			t.Fatalf("line %d: %s, %v", rec.Line, skip, err)
		}
		f(rec.ID(), Variant{c.Name, rec.Pos, rec.Ref, slices.Clone(rec.Alts)})
	}
}

func text(v Variant) string { return fmt.Sprint(v.Contig, v.Pos, v.Ref, strings.Join(v.Alts, ",")) }

func TestNormalizeEqualsBcftools(t *testing.T) {
	ref := reference(t, golden(t, "norm.fa"))
	joint, split, atoms := map[string][]string{}, map[string][]string{}, map[string][]string{}
	changed := 0
	normal := func(v Variant) Variant {
		n, err := Normalize(ref, v)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := Normalize(ref, n); err != nil || !reflect.DeepEqual(again, n) {
			t.Errorf("%v became %v, and that %v, %v", v, n, again, err)
		}
		return n
	}
	eachRow(t, ref, func(id string, v Variant) {
		n := normal(v)
		if n.Pos != v.Pos || n.Ref != v.Ref {
			changed++
		}
		joint[id] = append(joint[id], text(n))
		for _, alt := range v.Alts {
			one := Variant{v.Contig, v.Pos, v.Ref, []string{alt}}
			split[id] = append(split[id], text(normal(one)))
			for _, p := range Primitives(one) {
				if vcf.KindOf(v.Ref, alt) == vcf.MNV {
					atoms[id] = append(atoms[id], text(p))
				}
			}
		}
	})
	if changed < 50 {
		t.Errorf("only %d rows changed", changed)
	}
	for name, got := range map[string]map[string][]string{"norm.out": joint, "split.out": split, "atoms.out": atoms} {
		want := rowsByID(golden(t, name))
		for id, rows := range got {
			slices.Sort(rows)
			if !slices.Equal(rows, want[id]) {
				t.Errorf("%s: row %s became %q, want %q", name, id, rows, want[id])
			}
		}
		if len(got) == 0 || name != "atoms.out" && len(got) != len(want) {
			t.Errorf("%s: %d rows, want %d", name, len(got), len(want))
		}
	}
}
