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

// Find is the contig that a name means: the one of this name, or else the only one of the same Canonical name.
func (r *Reference) Find(name string) (Contig, error) {
	if i, ok := r.byName[name]; ok {
		return r.contigs[i], nil
	}
	i, ok := r.alias[Canonical(name)]
	switch {
	case ok && i >= 0:
		return r.contigs[i], nil
	case ok:
		return Contig{}, fmt.Errorf("fasta: %s: contig %q means several of the file; give the name of one; %s", r.path, name, r.listed())
	}
	return Contig{}, fmt.Errorf("fasta: %s: no contig %q; %s", r.path, name, r.listed())
}

// listed names the first contigs.
func (r *Reference) listed() string {
	var names []string
	for _, c := range r.contigs[:min(len(r.contigs), 5)] {
		names = append(names, c.Name)
	}
	more := ""
	if len(r.contigs) > len(names) {
		more = " …"
	}
	return fmt.Sprintf("the file has %d: %s%s", len(r.contigs), strings.Join(names, ", "), more)
}
