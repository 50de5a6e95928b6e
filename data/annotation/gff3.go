package annotation

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"strings"
)

const gff3Format = "GFF3"

// gff3 reads GFF3. Rows of exons and of coding parts name their transcripts, or their genes, as parents, which may come later in the
// file.
type gff3 struct {
	builder
	byID   map[string]*node
	nodes  []*node // as they are first named
	groups map[string]int32
}

// node is a feature that has an ID: a gene, a transcript, or what is between.
type node struct {
	draft
	key      string // its ID
	kind     string // its type; "" before its own row
	symbol   string
	parents  []string
	named    int32 // the line at which a part first names it as its parent, or 0
	isParent bool  // of another node that has parts
	settled  bool  // its parts are transcripts
}

// gff3Ignored are types whose rows have no genes, and are many.
var gff3Ignored = map[string]bool{"match": true, "match_part": true, "cdna_match": true, "est_match": true, "protein_match": true,
	"nucleotide_match": true, "translated_nucleotide_match": true, "region": true, "biological_region": true, "chromosome": true,
	"scaffold": true, "contig": true, "supercontig": true, "start_codon": true, "stop_codon_redefined_as_selenocysteine": true, "intron": true,
	"polypeptide": true, "protein": true}

func newGFF3(l *lines) *gff3 {
	return &gff3{builder: newBuilder(l), byID: map[string]*node{}, groups: map[string]int32{}}
}

// gffAttributes are the attributes that are used, unescaped.
type gffAttributes struct {
	id, symbol, geneID, transcriptID string
	parents                          []string
	transSpliced                     bool
}

func (g *gff3) row(columns [][]byte) error {
	f, err := g.feature(columns, gff3Format)
	if err != nil {
		return err
	}
	kind, isPart := parts[f.kind]
	if gff3Ignored[f.kind] {
		g.types[f.kind]++
		return nil
	}
	if f.contig, err = g.name(unescape([]byte(f.contig)), "the column of the contig"); err != nil {
		return err
	}
	a, err := g.attributesOf(f)
	if err != nil {
		return err
	}
	row, err := g.part(f, kind)
	if err != nil {
		return err
	}
	if isPart {
		return g.addPart(f, a, row)
	}
	if a.id == "" {
		if len(a.parents) == 0 && !isGene(f.kind) {
			g.types[f.kind]++
			return nil
		}
		a.id = fmt.Sprintf("%s at line %d", f.kind, g.line)
	}
	return g.addNode(f, a, row)
}

func (g *gff3) addNode(f feature, a gffAttributes, row part) error {
	n, err := g.node(a.id)
	if err != nil {
		return err
	}
	n.kind = cmp.Or(n.kind, f.kind)
	n.symbol, n.geneID, n.id = cmp.Or(n.symbol, a.symbol), cmp.Or(n.geneID, a.geneID), cmp.Or(n.id, a.transcriptID)
	if len(n.parents) == 0 {
		n.parents = a.parents
	}
	n.transSpliced = n.transSpliced || a.transSpliced
	n.homes = append(n.homes, row)
	return nil
}

// addPart gives a part to its parents. A CDS without one, as in files of bacteria, is a gene of its own.
func (g *gff3) addPart(f feature, a gffAttributes, row part) error {
	if len(a.parents) == 0 {
		if f.kind != "cds" {
			g.leave(hasNoParent, cmp.Or(a.id, f.kind), row.line)
			return nil
		}
		a.id = cmp.Or(a.id, fmt.Sprintf("CDS at line %d", g.line))
		n, err := g.node("\tCDS " + a.id) // no ID has a tab
		if err != nil {
			return err
		}
		n.kind, n.symbol, n.geneID = "gene", cmp.Or(n.symbol, a.symbol, bare(a.id)), cmp.Or(n.geneID, a.geneID)
		n.transSpliced = n.transSpliced || a.transSpliced
		n.named, n.parts = row.line, append(n.parts, row)
		return nil
	}
	if row.kind == coding && a.id != "" {
		if g.groups[a.id] == 0 {
			g.groups[a.id] = int32(len(g.groups) + 1)
			if err := g.keep(64); err != nil {
				return err
			}
		}
		row.group = g.groups[a.id]
	}
	for _, id := range a.parents {
		n, err := g.node(id)
		if err != nil {
			return err
		}
		if err := g.keep(partBytes); err != nil {
			return err
		}
		n.named, n.parts = cmp.Or(n.named, row.line), append(n.parts, row)
		n.transSpliced = n.transSpliced || a.transSpliced
	}
	return nil
}

func (g *gff3) node(id string) (*node, error) {
	n := g.byID[id]
	if n == nil {
		n = &node{key: id}
		g.byID[id], g.nodes = n, append(g.nodes, n)
		return n, g.keep(draftBytes)
	}
	return n, nil
}

// maxParents bounds the parents of a feature. Real exons have those of all transcripts of a gene.
const maxParents = 1000

// gffSymbols are the attributes that name a gene, the best first: those of GENCODE, of RefSeq, of Ensembl.
var gffSymbols = [...]string{"gene_name", "gene", "Name", "locus_tag"}

func (g *gff3) attributesOf(f feature) (a gffAttributes, err error) {
	var named [len(gffSymbols)]string
	err = eachOfGFF3(f.attributes, func(key, value []byte) error {
		to := (*string)(nil)
		switch string(key) {
		case "ID":
			to = &a.id
		case "gene_id", "geneID":
			to = &a.geneID
		case "transcript_id":
			to = &a.transcriptID
		case "exception":
			a.transSpliced = a.transSpliced || bytes.Contains(value, []byte("trans-splicing")) || bytes.Contains(value, []byte("trans_splicing"))
		case "Parent":
			return g.parentsOf(&a, value)
		}
		for i := range gffSymbols {
			if string(key) == gffSymbols[i] {
				to = &named[i]
			}
		}
		if to == nil || *to != "" {
			return nil
		}
		var err error
		*to, err = g.name(unescape(value), "the attribute "+string(key))
		return err
	})
	a.symbol = cmp.Or(named[:]...)
	return a, err
}

func (g *gff3) parentsOf(a *gffAttributes, value []byte) error {
	if bytes.Count(value, []byte(",")) >= maxParents {
		return fmt.Errorf("found more than %d parents", maxParents)
	}
	for _, one := range bytes.Split(value, []byte(",")) {
		id, err := g.name(unescape(bytes.TrimSpace(one)), "the attribute Parent")
		if err != nil {
			return err
		}
		if id != "" { // some files end the list in a comma
			a.parents = append(a.parents, id)
		}
	}
	if len(a.parents) == 0 {
		return errors.New("found an empty Parent, expected the ID of a feature")
	}
	return nil
}

// bare is an ID without what Ensembl, NCBI and WormBase write before it.
func bare(id string) string {
	for _, before := range [...]string{"gene:", "gene-", "transcript:", "rna-", "cds-", "cds:"} {
		if len(id) > len(before) && strings.EqualFold(id[:len(before)], before) {
			return id[len(before):]
		}
	}
	return id
}
