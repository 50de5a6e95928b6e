package genome

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/longspan/longspan/data/genbank"
)

// GenesOf is the gene table of a GenBank record, by first base: its features "gene", with what each makes from the
// feature of the same locus tag. Genes that no single stretch of one strand holds (those across the origin of a
// circle, for example) cannot be rows; skipped names them.
func GenesOf(record *genbank.Record) (genes []Gene, skipped []string) {
	made := map[string]genbank.Feature{}
	for _, f := range record.Features {
		if locus := f.Get("locus_tag"); f.Key != "gene" && locus != "" {
			made[locus] = f
		}
	}
	for _, f := range record.Features {
		if f.Key != "gene" {
			continue
		}
		locus := f.Get("locus_tag")
		product := made[locus]
		g := Gene{Reverse: f.Location.Reverse, Name: f.Get("gene"), Locus: locus, Kind: product.Key, Product: product.Get("product")}
		if g.Start, g.End = f.Location.Bounds(); g.End == 0 {
			skipped = append(skipped, fmt.Sprintf("%s %s (line %d): %s", g.Name, g.Locus, f.Line, f.Location.Text))
			continue
		}
		if g.Kind == "" || f.Has("pseudo") || product.Has("pseudo") {
			g.Kind = "pseudo"
		}
		genes = append(genes, g)
	}
	slices.SortStableFunc(genes, func(a, b Gene) int { return cmp.Compare(a.Start, b.Start) })
	return genes, skipped
}

// WriteGenes writes the table that ReadGenes reads.
func WriteGenes(w io.Writer, genes []Gene) error {
	plain := strings.NewReplacer("\t", " ", "\n", " ", "\r", " ")
	for _, g := range genes {
		strand := "+"
		if g.Reverse {
			strand = "-"
		}
		_, err := fmt.Fprintf(w, "%d\t%d\t%s\t%s\t%s\t%s\t%s\n", g.Start, g.End, strand,
			plain.Replace(g.Name), plain.Replace(g.Locus), plain.Replace(g.Kind), plain.Replace(g.Product))
		if err != nil {
			return err
		}
	}
	return nil
}
