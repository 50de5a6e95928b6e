package tour

import (
	"bytes"
	_ "embed" // for the genome
	"fmt"

	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
)

// genome is the whole genome of the phage lambda, 48,502 bases, GenBank NC_001416.1 (Sanger et al. 1982,
// doi:10.1016/0022-2836(82)90546-0), as gzipped FASTA. It is a public reference sequence.
//
//go:embed NC_001416.fa.gz
var genome []byte

// Genome returns the first n bases of the phage lambda; n above its length means all.
func Genome(n int) ([]dna.Base, error) {
	r, err := fasta.NewReader(bytes.NewReader(genome), "NC_001416.fa.gz", fasta.Options{Exact: true})
	if err != nil {
		return nil, err
	}
	if _, err := r.Next(); err != nil {
		return nil, err
	}
	bases := make([]dna.Base, min(n, Length))
	for at := 0; at < len(bases); {
		got, err := r.Read(bases[at:])
		if err != nil {
			return nil, fmt.Errorf("after %d bases: %w", at, err)
		}
		at += got
	}
	return bases, nil
}

// Length is the number of bases of the genome.
const Length = 48502
