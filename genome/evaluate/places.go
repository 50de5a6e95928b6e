package evaluate

import (
	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/bed"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/genome"
)

// Named are places with a name, such as the CpG islands.
type Named struct {
	Name   string
	Places *bed.Places
}

// place is a kind of place on the contig of a region.
type place struct {
	name  string
	spans []dna.Span // a bed.Union
	named bool       // by the caller
}

// The names of the places that genes have.
const (
	inCDS    = "CDS"
	inUTR    = "UTR"    // exons of transcripts that code, but for CDS of any
	inExon   = "exon"   // of transcripts that do not code, or of which that is not known
	inIntron = "intron" // of any transcript, but for all exons
	inOther  = "other"  // none of the above, and in none of the named places
)

// placesOf are the kinds of places of a region: those of genes do not overlap each other, the named ones may overlap all. Other is last.
func placesOf(r genome.Region, genes *annotation.Set, named []Named) []place {
	span := dna.Span{Start: r.Start, End: r.End}
	var all []place
	if genes != nil {
		var cds, coding, exons, whole []dna.Span
		for _, t := range genes.In(r.Contig.Name, span) {
			cds = append(cds, t.CDS...)
			whole = append(whole, t.Span)
			if len(t.CDS) > 0 {
				coding = append(coding, t.Exons...)
			} else {
				exons = append(exons, t.Exons...)
			}
		}
		cds, coding, exons, whole = bed.Union(cds), bed.Union(coding), bed.Union(exons), bed.Union(whole)
		utr := bed.Minus(coding, cds)
		exons = bed.Minus(bed.Minus(exons, cds), utr)
		intron := bed.Minus(bed.Minus(bed.Minus(whole, cds), utr), exons)
		all = append(all, place{name: inCDS, spans: cds}, place{name: inUTR, spans: utr}, place{name: inExon, spans: exons},
			place{name: inIntron, spans: intron})
	}
	for _, n := range named {
		all = append(all, place{n.Name, n.Places.Of(r.Contig.Name), true})
	}
	rest := []dna.Span{span}
	for _, p := range all {
		rest = bed.Minus(rest, p.spans)
	}
	if len(all) > 0 {
		all = append(all, place{name: inOther, spans: rest})
	}
	return all
}
