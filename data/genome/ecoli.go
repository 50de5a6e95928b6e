// Package genome cuts genomes into windows for training and evaluation, and tags bases by their genes. It embeds one
// genome, that of Escherichia coli K-12.
package genome

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data/dna"
)

// Source of the embedded genome: Escherichia coli K-12, substrain MG1655, the complete and circular chromosome,
// RefSeq NC_000913.2 of 12 November 2004 (derived from GenBank U00096), after Blattner et al. 1997,
// doi:10.1126/science.277.5331.1453. NCBI places no restriction on the use of its molecular data
// (www.ncbi.nlm.nih.gov/home/about/policies). _make builds the two files from the GenBank record, which Debian's
// package cct-examples carries.
const (
	EColiAccession = "NC_000913.2"
	EColiName      = "Escherichia coli K-12 MG1655"
	EColiLen       = 4639675 // bases, none of them N
)

//go:generate go run ./_make NC_000913.gbk.gz .

//go:embed ecoli.2bit
var ecoliBases []byte // base i in bits 2·(i mod 4) of byte i/4

//go:embed ecoli_genes.tsv.gz
var ecoliGenes []byte

// EColi returns the embedded genome of Escherichia coli K-12 MG1655. It takes no memory beyond the binary's own.
func EColi() *dna.Sequence {
	s, err := dna.Unpack(EColiAccession, EColiName+", complete genome", ecoliBases, EColiLen)
	if err != nil {
		panic("genome: the embedded genome is damaged")
	}
	return s
}

// EColiGenes returns the 4,411 rows of the 4,410 genes of EColi, by their first base: prfB has two, for its reading
// frame shifts by one base.
func EColiGenes() []Gene {
	z, err := gzip.NewReader(bytes.NewReader(ecoliGenes))
	if err != nil {
		panic("genome: the embedded gene table is damaged")
	}
	genes, err := ReadGenes(z, "the embedded gene table", EColiLen)
	if err != nil {
		panic(err.Error())
	}
	return genes
}

// Gene is one row of a gene table: the bases Start … End−1 of one strand, counted from 0. A gene of several spans
// (exons, parts at both ends of a circle) has a row for each.
type Gene struct {
	Start, End int
	Reverse    bool   // read from the other strand
	Name       string // thrA
	Locus      string // b0002
	Kind       string // CDS (makes a protein), tRNA, rRNA, misc_RNA or another RNA, pseudo, or unknown
	Product    string // the name of its protein or RNA
}

// Span is where g lies.
func (g Gene) Span() dna.Span { return dna.Span{Start: g.Start, End: g.End} }

// Tagged reports whether the bases of g have a tag: whether it is known what g makes.
func (g Gene) Tagged() bool { return g.Kind != "pseudo" && g.Kind != "unknown" }

// ReadGenes reads a gene table: a line a gene, its seven columns (start from 0, end, + or -, name, locus, kind,
// product) separated by tabs, ordered by start. The genes must lie within the bases of their sequence. file names
// the table in errors.
func ReadGenes(r io.Reader, file string, bases int) ([]Gene, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("genome: %s: %w", file, err)
	}
	var genes []Gene
	number, from := 0, 0
	for line := range strings.Lines(string(text)) {
		number++
		g, err := parseGene(strings.TrimRight(line, "\r\n"))
		if err != nil {
			return nil, fmt.Errorf("genome: %s: line %d: %w", file, number, err)
		}
		if g.Start < from || g.End <= g.Start || g.End > bases {
			return nil, fmt.Errorf("genome: %s: line %d: %s lies at %d … %d; expected a start from %d on and an end of at most %d",
				file, number, g.Name, g.Start, g.End, from, bases)
		}
		from = g.Start
		genes = append(genes, g)
	}
	return genes, nil
}

func parseGene(line string) (g Gene, err error) {
	c := strings.Split(line, "\t")
	if len(c) != 7 {
		return g, fmt.Errorf("found %d columns; expected 7 (start, end, strand, name, locus, kind, product) separated by tabs", len(c))
	}
	if g.Start, err = strconv.Atoi(c[0]); err != nil {
		return g, fmt.Errorf("the start %q is not a number", c[0])
	}
	if g.End, err = strconv.Atoi(c[1]); err != nil {
		return g, fmt.Errorf("the end %q is not a number", c[1])
	}
	if c[2] != "+" && c[2] != "-" {
		return g, fmt.Errorf("the strand is %q; expected + or -", c[2])
	}
	g.Reverse = c[2] == "-"
	g.Name, g.Locus, g.Kind, g.Product = c[3], c[4], c[5], c[6]
	return g, nil
}
