package fasta

import (
	"fmt"
	"strconv"
	"strings"
)

// Canonical is the name that the names of one human chromosome have in common: 20 for chr20, 20 and NC_000020.11; MT for chrM, M, MT and
// NC_012920.1. RefSeq's accessions are those of GRCh37 and GRCh38 (NC_000001 to NC_000024) and of T2T-CHM13 (NC_060925 to NC_060948). Other
// names lose their "chr" only.
func Canonical(name string) string {
	short := name
	if len(name) > 3 && strings.EqualFold(name[:3], "chr") {
		short = name[3:]
	}
	if number, ok := accession(name); ok {
		short = strconv.Itoa(number)
		switch number {
		case 23:
			short = "X"
		case 24:
			short = "Y"
		}
	}
	if short == "M" || strings.HasPrefix(name, "NC_012920.") {
		return "MT"
	}
	return short
}

// accession is the number of the chromosome that a RefSeq accession names.
func accession(name string) (int, bool) {
	digits, ok := strings.CutPrefix(name, "NC_")
	digits, _, _ = strings.Cut(digits, ".")
	n, err := strconv.Atoi(digits)
	if !ok || len(digits) != 6 || err != nil {
		return 0, false
	}
	if n > 60924 {
		n -= 60924
	}
	return n, n >= 1 && n <= 24
}

// Names finds contigs by their names.
type Names struct {
	file    string // in errors
	contigs []Contig
	byName  map[string]int
	alias   map[string]int // by Canonical; −1 where several contigs have it
}

// NewNames returns the names of contigs, which must differ; there are at most 4,194,304. file is where they are, for errors.
func NewNames(file string, contigs []Contig) (*Names, error) {
	if len(contigs) > maxContigs {
		return nil, errManyContigs
	}
	n := &Names{file, contigs, make(map[string]int, len(contigs)), make(map[string]int, len(contigs))}
	for i, c := range contigs {
		if _, twice := n.byName[c.Name]; twice {
			return nil, fmt.Errorf("found contig %q twice; each record needs a name of its own", c.Name)
		}
		n.byName[c.Name] = i
		key := Canonical(c.Name)
		if _, twice := n.alias[key]; twice {
			n.alias[key] = -1
			continue
		}
		n.alias[key] = i
	}
	return n, nil
}

// Contigs are the records in the order of the file.
func (n *Names) Contigs() []Contig { return n.contigs }

// Find is the contig that a name means: the one of this name, or else the only one of the same Canonical name.
func (n *Names) Find(name string) (Contig, error) {
	if i, ok := n.byName[name]; ok {
		return n.contigs[i], nil
	}
	i, ok := n.alias[Canonical(name)]
	switch {
	case ok && i >= 0:
		return n.contigs[i], nil
	case ok:
		return Contig{}, fmt.Errorf("fasta: %s: contig %q means several of the file; give the name of one; %s", n.file, name, n.listed())
	}
	return Contig{}, n.unknown(name)
}

// exact is the contig of this name.
func (n *Names) exact(name string) (*Contig, error) {
	if i, ok := n.byName[name]; ok {
		return &n.contigs[i], nil
	}
	return nil, n.unknown(name)
}

func (n *Names) unknown(name string) error {
	return fmt.Errorf("fasta: %s: no contig %q; %s", n.file, name, n.listed())
}

// listed names the first contigs.
func (n *Names) listed() string {
	var names []string
	for _, c := range n.contigs[:min(len(n.contigs), 5)] {
		names = append(names, c.Name)
	}
	more := ""
	if len(n.contigs) > len(names) {
		more = " …"
	}
	count := fmt.Sprintf("%d contigs", len(n.contigs))
	if len(n.contigs) == 1 {
		count = "1 contig"
	}
	return fmt.Sprintf("the file has %s: %s%s", count, strings.Join(names, ", "), more)
}
