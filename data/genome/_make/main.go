// This program makes the files of E. coli that package genome embeds, from the record NC_000913 in GenBank's
// format. It is in Debian's package cct-examples (1.0.3), as
// usr/share/doc/cct/examples/sample_projects/sample_project_3/comparison_genomes/NC_000913.gbk.gz
//
//	go run ./data/genome/_make NC_000913.gbk.gz data/genome
package main

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"

	"github.com/longspan/longspan/data/genbank"
	"github.com/longspan/longspan/data/genome"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: _make RECORD.gbk.gz FOLDER")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(from, folder string) error {
	f, err := os.Open(from)
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := genbank.NewReader(f, from)
	if err != nil {
		return err
	}
	record, err := r.Next()
	if err != nil {
		return err
	}
	if n := record.Sequence.Unknown(0, record.Sequence.Len()); n > 0 {
		return fmt.Errorf("%s has %d bases that are not A, C, G or T", record.Version, n)
	}
	if err := os.WriteFile(filepath.Join(folder, "ecoli.2bit"), record.Sequence.Packed(), 0o644); err != nil {
		return err
	}
	genes, notes := genome.GenesOf(record)
	for _, note := range notes {
		fmt.Fprintln(os.Stderr, note)
	}
	return writeGenes(filepath.Join(folder, "ecoli_genes.tsv.gz"), genes)
}

func writeGenes(path string, genes []genome.Gene) error {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	z, err := gzip.NewWriterLevel(out, gzip.BestCompression)
	if err != nil {
		return err
	}
	if err := genome.WriteGenes(z, genes); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return out.Close()
}
