package annotation

import (
	"cmp"
	"errors"
)

const gtfFormat = "GTF"

// gtf reads GTF. A transcript is the rows of one gene_id and one transcript_id: NCBI gives many genes the same "unknown_transcript_1".
type gtf struct {
	builder
	byID   map[gtfKey]*draft
	drafts []*draft // as their rows come
	genes  map[string]*gtfGene
	order  []string // of genes, as their rows come
}

type gtfKey struct{ gene, transcript string }

// gtfGene is what rows say of a gene, by its gene_id.
type gtfGene struct {
	symbol string
	line   int32 // of its own row, or 0
	used   bool  // by a transcript
}

// gtfIgnored are the types whose bases other rows have.
var gtfIgnored = map[string]bool{"start_codon": true, "selenocysteine": true}

func newGTF(l *lines) *gtf {
	return &gtf{builder: newBuilder(l), byID: map[gtfKey]*draft{}, genes: map[string]*gtfGene{}}
}

func (g *gtf) row(columns [][]byte) error {
	f, err := g.feature(columns, gtfFormat)
	if err != nil {
		return err
	}
	kind, isPart := parts[f.kind]
	isGene, isTranscript := f.kind == "gene", f.kind == "transcript" || f.kind == "mrna"
	if !isPart && !isGene && !isTranscript {
		if !gtfIgnored[f.kind] {
			g.types[f.kind]++
		}
		return nil
	}
	key, symbol, err := g.keyOf(f)
	if err != nil {
		return err
	}
	row, err := g.part(f, kind)
	if err != nil {
		return err
	}
	gene, err := g.geneOf(key.gene, symbol)
	if err != nil {
		return err
	}
	if isGene {
		gene.line = row.line
		return nil
	}
	if key.transcript == "" {
		return errors.New(`found no transcript_id, expected such as gene_id "G"; transcript_id "T";`)
	}
	gene.used = true
	x := g.byID[key]
	if x == nil {
		x = &draft{geneID: key.gene, id: key.transcript}
		g.byID[key], g.drafts = x, append(g.drafts, x)
		if err := g.keep(draftBytes); err != nil {
			return err
		}
	}
	if isTranscript {
		x.homes = append(x.homes, row)
	} else {
		x.parts = append(x.parts, row)
	}
	return nil
}

// symbols are the attributes that name a gene, the best first: those of GENCODE and Ensembl, of NCBI, of StringTie.
var symbols = [...]string{"gene_name", "gene", "gene_symbol", "ref_gene_name"}

func (g *gtf) keyOf(f feature) (key gtfKey, symbol string, err error) {
	var named [len(symbols)]string
	err = eachOfGTF(f.attributes, func(name, value []byte) error {
		to := (*string)(nil)
		switch string(name) {
		case "gene_id":
			to = &key.gene
		case "transcript_id":
			to = &key.transcript
		}
		for i := range symbols {
			if string(name) == symbols[i] {
				to = &named[i]
			}
		}
		if to == nil || *to != "" {
			return nil
		}
		var err error
		*to, err = g.name(value, string(name))
		return err
	})
	return key, cmp.Or(named[:]...), err
}

func (g *gtf) geneOf(id, symbol string) (*gtfGene, error) {
	gene := g.genes[id]
	if gene == nil {
		gene = &gtfGene{}
		g.genes[id], g.order = gene, append(g.order, id)
		if err := g.keep(draftBytes); err != nil {
			return nil, err
		}
	}
	gene.symbol = cmp.Or(gene.symbol, symbol)
	return gene, nil
}

func (g *gtf) finish() ([]Transcript, []string, error) {
	g.byID = nil
	for i, x := range g.drafts {
		g.drafts[i] = nil // its rows go as its transcript comes
		x.gene = cmp.Or(g.genes[x.geneID].symbol, x.geneID, x.id)
		if err := g.settle(x); err != nil {
			return nil, nil, err
		}
	}
	for _, id := range g.order {
		if gene := g.genes[id]; !gene.used && gene.line > 0 {
			g.leave(isGeneAlone, cmp.Or(gene.symbol, id), gene.line)
		}
	}
	return g.all, g.notes(), nil
}
