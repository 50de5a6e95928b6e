package genome

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/genbank"
)

// What features of a GenBank record mean (INSDC feature table definition, section 7.2).
var (
	// The features whose bases are RNA in the cell. Messenger RNA is not among them: its coding part is a CDS.
	rnaKeys = set("tRNA", "rRNA", "tmRNA", "ncRNA", "misc_RNA", "precursor_RNA", "snRNA", "snoRNA", "scRNA")

	// The RNAs that may be a transcript of a gene of a protein.
	transcriptKeys = set("ncRNA", "misc_RNA", "precursor_RNA")

	// The features that have a product. Without one, what their bases code for is not known.
	ownerKeys = set("gene", "mRNA", "mat_peptide", "sig_peptide", "transit_peptide", "propeptide",
		"V_segment", "D_segment", "J_segment", "C_region")
)

func set(keys ...string) map[string]bool {
	all := map[string]bool{}
	for _, k := range keys {
		all[k] = true
	}
	return all
}

// GenesOf is the gene table of a GenBank record, by first base. A gene has a row for each span of its product:
// for each exon of a CDS or an RNA, on the strand of the exon. As in NCBI's records, only the spans of a CDS code:
// introns and untranslated regions have no row. A transcript (ncRNA, misc_RNA, precursor_RNA) of a gene that has a
// CDS has none either.
//
// A gene with /pseudo or /pseudogene, on itself or on its product, is one row of the kind pseudo for each of its
// own spans. Rows of the kind unknown are features without a product, and products without exact ends. Features
// and products belong together where their locus_tag is the same, or else their gene name, or else by where they lie.
//
// A record without any of these features is one row of the kind unknown: nobody said where its genes are.
//
// notes has a line for each feature whose bases are not scored although no pseudogene is there, or that is left out.
func GenesOf(record *genbank.Record) (genes []Gene, notes []string) {
	t := newGeneTable(record.Features)
	for _, f := range t.owners {
		t.addOwner(f)
	}
	for _, p := range t.products {
		t.addProduct(p)
	}
	if n := record.Sequence.Len(); len(t.genes)+len(t.doubts) == 0 {
		notes = append(notes, fmt.Sprintf("record %s has no CDS and no RNA; its %d bases are not scored", record.Locus, n))
		return []Gene{{Start: 0, End: n, Name: record.Locus, Kind: "unknown"}}, notes
	}
	slices.SortStableFunc(t.genes, func(a, b Gene) int { return cmp.Compare(a.Start, b.Start) })
	annotation := NewAnnotation(t.genes)
	slices.SortStableFunc(t.doubts, func(a, b doubt) int { return cmp.Compare(a.Line, b.Line) })
	for _, d := range t.doubts {
		text := fmt.Sprintf("line %d: %s, %s: %s", d.Line, strings.Join(strings.Fields(d.Key+" "+d.Get("gene")+" "+d.Get("locus_tag")), " "),
			shorten(d.Location.Text), d.why)
		if d.unscored {
			n := annotation.ignored(d.Location.Spans)
			if n == 0 {
				continue // other features say what all of its bases are
			}
			text += fmt.Sprintf("; %d of its bases are not scored", n)
		}
		notes = append(notes, text)
	}
	return t.genes, notes
}

func shorten(s string) string {
	if len(s) > 60 {
		return s[:60] + "…"
	}
	return s
}

// geneTable is a gene table in the making.
type geneTable struct {
	owners   []genbank.Feature
	products []*product
	byID     map[string][]*product // by "locus_tag" or "gene", a blank and its value
	placed   overlaps[placed]

	genes  []Gene
	doubts []doubt
}

// placed is a span of a product.
type placed struct {
	dna.Span
	product *product
}

// product is a CDS or an RNA.
type product struct {
	genbank.Feature
	owner  genbank.Feature // a feature that it belongs to, or none
	pseudo bool            // a pseudogene has it
}

// doubt is a feature that a note names.
type doubt struct {
	genbank.Feature
	why      string
	unscored bool
}

func newGeneTable(features []genbank.Feature) *geneTable {
	t := &geneTable{byID: map[string][]*product{}}
	var spans []placed
	for _, f := range features {
		switch {
		case f.Key == "CDS" || rnaKeys[f.Key]:
			p := &product{Feature: f}
			t.products = append(t.products, p)
			for _, name := range []string{"locus_tag", "gene"} {
				if id := f.Get(name); id != "" {
					t.byID[name+" "+id] = append(t.byID[name+" "+id], p)
				}
			}
			for _, s := range f.Location.Spans {
				spans = append(spans, placed{dna.Span{Start: s.Start, End: s.End}, p})
			}
		case ownerKeys[f.Key]:
			t.owners = append(t.owners, f)
		}
	}
	slices.SortStableFunc(spans, func(a, b placed) int { return cmp.Compare(a.Start, b.Start) })
	t.placed = newOverlaps(spans, func(p placed) dna.Span { return p.Span })
	return t
}

// addOwner adds the rows of a pseudogene, and of a feature without a product.
func (t *geneTable) addOwner(f genbank.Feature) {
	products := t.productsOf(f)
	pseudo := isPseudo(f)
	for _, p := range products {
		pseudo = pseudo || isPseudo(p.Feature)
		p.owner = f
	}
	switch {
	case pseudo:
		for _, p := range products {
			p.pseudo = true
		}
		t.add("pseudo", f, products...)
	case len(products) == 0:
		t.add("unknown", f)
		t.doubts = append(t.doubts, doubt{f, "it has no CDS and no RNA", true})
	}
}

// addProduct adds the rows of a product. The rows of a pseudogene are there already.
func (t *geneTable) addProduct(p *product) {
	kind := p.Key
	switch {
	case p.pseudo:
		return
	case isPseudo(p.Feature):
		kind = "pseudo"
	case transcriptKeys[p.Key] && slices.ContainsFunc(t.productsOf(p.Feature), func(other *product) bool { return other.Key == "CDS" }):
		return
	case p.Location.Vague:
		kind = "unknown"
		t.doubts = append(t.doubts, doubt{p.Feature, "its ends are not exact", true})
	case len(p.Location.Remote) > 0:
		t.doubts = append(t.doubts, doubt{p.Feature, "its parts in " + strings.Join(p.Location.Remote, ", ") + " are left out", false})
	case len(p.Location.Spans) == 0:
		t.doubts = append(t.doubts, doubt{p.Feature, "it has no bases, and is left out", false})
	}
	t.add(kind, p.Feature, &product{Feature: p.owner})
}

// add adds a row for each span of f, which takes the names that it does not have from the features beside it.
func (t *geneTable) add(kind string, f genbank.Feature, beside ...*product) {
	get := func(name string) string {
		value := f.Get(name)
		for _, b := range beside {
			value = cmp.Or(value, b.Get(name))
		}
		return value
	}
	for _, s := range f.Location.Spans {
		t.genes = append(t.genes, Gene{s.Start, s.End, s.Reverse, get("gene"), get("locus_tag"), kind, get("product")})
	}
}

func isPseudo(f genbank.Feature) bool { return f.Has("pseudo") || f.Has("pseudogene") }

// productsOf lists the products that belong to f.
func (t *geneTable) productsOf(f genbank.Feature) (all []*product) {
	seen := map[*product]bool{}
	take := func(p *product) {
		if !seen[p] {
			seen[p], all = true, append(all, p)
		}
	}
	start, end := bounds(f)
	for _, name := range []string{"locus_tag", "gene"} {
		for _, p := range t.byID[name+" "+f.Get(name)] {
			from, to := bounds(p.Feature)
			if same, known := sameGene(f, p.Feature); known && same && from < end && start < to {
				take(p)
			}
		}
	}
	for _, s := range f.Location.Spans {
		t.placed.backward(dna.Span{Start: s.Start, End: s.End}, func(p placed) {
			other := p.product.Feature
			if _, known := sameGene(f, other); !known && (within(f, other) || within(other, f)) {
				take(p.product)
			}
		})
	}
	return all
}

// sameGene reports whether two features name the same gene. known is false where they have no kind of name in common.
func sameGene(a, b genbank.Feature) (same, known bool) {
	for _, name := range []string{"locus_tag", "gene"} {
		if x, y := a.Get(name), b.Get(name); x != "" && y != "" {
			return x == y, true
		}
	}
	return false, false
}

// within reports whether each span of inner lies in a span of outer, on the same strand.
func within(inner, outer genbank.Feature) bool {
	for _, s := range inner.Location.Spans {
		if !slices.ContainsFunc(outer.Location.Spans, func(o genbank.Span) bool {
			return s.Reverse == o.Reverse && s.Start >= o.Start && s.End <= o.End
		}) {
			return false
		}
	}
	return true
}

// bounds is the first base of f and one past its last.
func bounds(f genbank.Feature) (start, end int) {
	for i, s := range f.Location.Spans {
		if i == 0 || s.Start < start {
			start = s.Start
		}
		end = max(end, s.End)
	}
	return start, end
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
