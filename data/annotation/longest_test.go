package annotation

import (
	"fmt"
	"testing"

	"github.com/longspan/longspan/data/dna"
)

func TestLongest(t *testing.T) {
	for _, file := range []string{"genes.refflat", "genes.gtf", "genes.gff3"} {
		var ids []string
		for _, x := range load(t, file).Longest().Transcripts {
			ids = append(ids, x.ID)
		}
		if fmt.Sprint(ids) != "[T1 T3]" {
			t.Errorf("%s: %q", file, ids)
		}
	}
	s, err := read(`Y_RNA	a	1	+	0	9	9	9	1	0,	9,
Y_RNA	b	1	+	50	59	59	59	1	50,	59,
Y_RNA	c	1	+	2	20	20	20	1	2,	20,
Y_RNA	d	1	-	2	20	20	20	1	2,	20,
Y_RNA	e	1	+	50	59	50	56	1	50,	59,
Y_RNA	f	1	+	50	59	50	56	1	50,	59,
`)
	if err != nil {
		t.Fatal(err)
	}
	var ids string
	for _, x := range s.Longest().Transcripts {
		ids += x.ID
	}
	if ids != "cde" {
		t.Errorf("of genes with one symbol: %q, want those of three places", ids)
	}
	// A GeneID holds transcripts together that do not overlap.
	gene := func(start int) Transcript {
		span := dna.Span{Start: start, End: start + 9}
		return Transcript{Gene: "G", GeneID: "ENSG1", Contig: "1", Span: span, Exons: []dna.Span{span}}
	}
	if s, err = NewSet([]Transcript{gene(0), gene(20)}); err != nil || len(s.Longest().Transcripts) != 1 {
		t.Errorf("of one GeneID: %v, %v", s.Longest().Transcripts, err)
	}
}
