package annotation

import (
	"cmp"
	"fmt"
	"strings"
)

// isGene reports whether a feature of a type is a gene, whose parts are no transcript of a name. A V_gene_segment is a transcript.
func isGene(kind string) bool {
	return kind == "gene" || strings.HasSuffix(kind, "_gene") || strings.HasSuffix(kind, "pseudogene")
}

// isTranscript reports whether a feature without parts should have had some.
func (n *node) isTranscript() bool {
	return n.kind == "transcript" || strings.HasSuffix(n.kind, "_transcript") || strings.HasSuffix(n.kind, "rna") ||
		strings.HasSuffix(n.kind, "_gene_segment")
}

func (g *gff3) finish() ([]Transcript, []string, error) {
	for _, n := range g.nodes {
		if len(n.parts) == 0 {
			continue
		}
		if err := g.familyOf(n); err != nil {
			return nil, nil, err
		}
		n.parts, n.settled = nil, true
	}
	for _, n := range g.nodes {
		switch {
		case n.settled || n.isParent:
		case isGene(n.kind):
			g.leave(isGeneAlone, n.geneName(), n.homes[0].line)
		case n.isTranscript():
			g.leave(hasNoParts, cmp.Or(n.id, bare(n.key)), n.homes[0].line)
		default:
			g.types[n.kind] += len(n.homes)
		}
	}
	return g.all, g.notes(), nil
}

func (n *node) geneName() string { return cmp.Or(n.symbol, n.geneID, bare(n.key)) }

// familyOf makes the transcripts of a feature that has parts: one for each of its genes.
func (g *gff3) familyOf(n *node) error {
	if n.kind == "" {
		return g.at(n.named, fmt.Errorf("the Parent %q has no row in the file; add it, or take its parts out", n.key))
	}
	if isGene(n.kind) {
		x := n.draft
		x.gene, x.geneID, x.id = n.geneName(), cmp.Or(n.geneID, bare(n.key)), ""
		return g.settle(&x)
	}
	genes, err := g.genesOf(n)
	if err != nil {
		return err
	}
	x := n.draft
	x.id = cmp.Or(n.id, bare(n.key))
	if len(genes) == 0 {
		x.gene = cmp.Or(n.symbol, n.geneID, x.id)
		return g.settle(&x)
	}
	for _, gene := range genes {
		x.gene, x.geneID = gene.geneName(), cmp.Or(gene.geneID, bare(gene.key))
		x.transSpliced = n.transSpliced || gene.transSpliced
		if err := g.settle(&x); err != nil {
			return err
		}
	}
	return nil
}

// maxAncestors bounds the features above one. Real transcripts have one or two.
const maxAncestors = 1000

// genesOf finds the genes above n, over any number of generations: a microRNA has a primary transcript between.
func (g *gff3) genesOf(n *node) (genes []*node, err error) {
	above := []*node{n}
	seen := map[*node]bool{n: true}
	for i := 0; i < len(above); i++ {
		child := above[i]
		for _, id := range child.parents {
			parent := g.byID[id]
			if parent == nil || parent.kind == "" {
				return nil, g.at(child.homes[0].line, fmt.Errorf("the Parent %q has no row in the file; add it, or take %q out", id, child.key))
			}
			parent.isParent = true
			switch {
			case seen[parent]:
				continue
			case isGene(parent.kind):
				genes = append(genes, parent)
			default:
				above = append(above, parent)
			}
			seen[parent] = true
			if len(seen) > maxAncestors {
				return nil, g.at(n.homes[0].line, fmt.Errorf("%q has more than %d features above it", n.key, maxAncestors))
			}
		}
	}
	return genes, nil
}
