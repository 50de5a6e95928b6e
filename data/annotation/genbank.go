package annotation

import (
	"bytes"
	"cmp"
	"fmt"
	"io"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genbank"
)

const genBankFormat = "GenBank"

// genBankTypes are the features that become transcripts, and whether they code.
var genBankTypes = map[string]bool{"CDS": true, "tRNA": false, "rRNA": false, "tmRNA": false, "ncRNA": false, "misc_RNA": false,
	"snRNA": false, "snoRNA": false, "scRNA": false}

// isGenBank reports whether a file begins as one of GenBank, or as a file of a GenBank release.
func (l *lines) isGenBank() bool {
	start, _ := l.in.Peek(512) // what is there; reading it again gives the error
	first, _, _ := bytes.Cut(bytes.TrimLeft(start, "\r\n\t "), []byte("\n"))
	return bytes.HasPrefix(first, []byte("LOCUS ")) || bytes.Contains(start, []byte("Genetic Sequence Data Bank"))
}

// genBank reads a GenBank file. Each CDS and each RNA is a transcript; its spans are the exons. An mRNA is not used: nothing in the file
// says which CDS is its own. The contig is the accession with its version.
func (l *lines) genBank() (*Set, error) {
	r, err := genbank.NewReader(l.in, l.file)
	if err != nil {
		return nil, err
	}
	b := newBuilder(l)
	for {
		record, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		for _, f := range record.Features {
			if err := b.genBankFeature(record.Sequence.Name, f); err != nil {
				return nil, b.at(int32(min(f.Line, maxPosition)), err)
			}
		}
	}
	return b.setOf(genBankFormat, b.all, b.notes())
}

func (b *builder) genBankFeature(contig string, f genbank.Feature) error {
	codes, ok := genBankTypes[f.Key]
	if !ok {
		if f.Key == "mRNA" {
			b.types[f.Key]++
		}
		return nil
	}
	line := int32(min(f.Line, maxPosition))
	name := cmp.Or(f.Get("gene"), f.Get("locus_tag"), f.Get("protein_id"), f.Get("product"), fmt.Sprintf("%s at line %d", f.Key, f.Line))
	t := Transcript{Gene: name, GeneID: f.Get("locus_tag"), ID: f.Get("transcript_id"), Contig: contig}
	switch {
	case f.Has("pseudo") || f.Has("pseudogene"):
		b.leave(isPseudo, t.Gene, line)
		return nil
	case f.Location.Vague || len(f.Location.Remote) > 0 || len(f.Location.Spans) == 0:
		b.leave(isInexact, t.Gene, line)
		return nil
	case f.Has("trans_splicing") || !inOrder(f.Location.Spans):
		b.leave(isTransSpliced, t.Gene, line)
		return nil
	}
	var spans []dna.Span
	for _, s := range f.Location.Spans {
		spans = append(spans, dna.Span{Start: s.Start, End: s.End})
	}
	t.Reverse = f.Location.Spans[0].Reverse
	t.Exons = union(byPosition(spans))
	t.Span = dna.Span{Start: t.Exons[0].Start, End: t.Exons[len(t.Exons)-1].End}
	if codes {
		t.CDS = t.Exons
	}
	if err := t.tidy(); err != nil {
		return fmt.Errorf("%s: %w", t.name(), err)
	}
	b.all = append(b.all, t)
	return b.keep(transcriptBytes + len(t.Gene) + len(t.GeneID) + len(t.ID) + spanBytes*2*len(t.Exons))
}

// inOrder reports whether spans are on one strand and follow each other on it. Those over the origin of a circle do not.
func inOrder(spans []genbank.Span) bool {
	for i := 1; i < len(spans); i++ {
		a, b := spans[i-1], spans[i]
		if a.Reverse != b.Reverse || !a.Reverse && b.Start < a.Start || a.Reverse && b.Start > a.Start {
			return false
		}
	}
	return true
}
