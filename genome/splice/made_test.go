package splice

import (
	"fmt"
	"strings"
	"testing"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/vcf"
)

// made is a contig of random bases with genes of three exons, of which every second is on the other strand. At their sites stand
// CAGGTAAGT and TTTTTTTTTTCAGG.
func made(t testing.TB, genes int) (s *dna.Sequence, transcripts []annotation.Transcript) {
	t.Helper()
	const gene, between = 600, 200
	r := data.NewRandom(5, 0)
	bases := make([]dna.Base, genes*(gene+between)+between)
	for i := range bases {
		bases[i] = dna.Base(r.IntN(4))
	}
	plant := func(at int, motif string) {
		b, _ := dna.ParseString(motif)
		copy(bases[at:], b)
	}
	for i := range genes {
		start := between + i*(gene+between)
		spans := exons(start, start+100, start+250+i%7, start+350, start+500, start+gene)
		for j := 1; j < len(spans); j++ {
			plant(spans[j-1].End-3, "CAGGTAAGT")
			plant(spans[j].Start-13, "TTTTTTTTTTCAGG")
		}
		a := annotation.Transcript{Gene: fmt.Sprint("gene", i), Contig: "1", Span: dna.Span{Start: start, End: start + gene}, Exons: spans}
		if i%2 == 1 {
			dna.ReverseComplement(bases[start : start+gene])
			a.Reverse = true
			for j, e := range spans {
				a.Exons[j] = dna.Span{Start: 2*start + gene - e.End, End: 2*start + gene - e.Start}
			}
			a.Exons[0], a.Exons[2] = a.Exons[2], a.Exons[0]
		}
		transcripts = append(transcripts, a)
	}
	s = &dna.Sequence{Name: "1"}
	s.Append(bases)
	return s, transcripts
}

// nextRow is the first row of a VCF, and its header.
func nextRow(t testing.TB, text string) (*vcf.Record, *vcf.Header) {
	t.Helper()
	r, err := vcf.NewReader(strings.NewReader(text), "in.vcf")
	if err != nil {
		t.Fatal(err)
	}
	rec := &vcf.Record{}
	if err := r.Next(rec); err != nil {
		t.Fatal(err)
	}
	return rec, r.Header()
}
