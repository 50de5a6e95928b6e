package recipe

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/dna"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/genome/splice"
	"github.com/longspan/longspan/internal/strict"
	"github.com/longspan/longspan/tokenizer"
)

// Splice is the sense strand of genes, with the class of each base that may be a splice site: neither, acceptor or donor.
type Splice struct {
	Reference string `yaml:"reference"` // FASTA file: plain, gzip or bgzip
	Genes     string `yaml:"genes"`     // gene models: GTF, GFF3, refFlat, genePred, or SpliceAI's table
	Tokens    int    `yaml:"tokens"`    // bases a window; 0 means 4096

	// Near: training windows lie where a site is at most this many bases away; 0: over whole genes. Validation and test are whole genes.
	Near int `yaml:"near"`

	HoldOut    []string `yaml:"hold_out,omitempty"` // regions of the test, such as 20:900001-4100000
	Margin     int      `yaml:"margin"`             // bases between a test gene and the ends of its region; 0 means 100000
	Validation int      `yaml:"validation"`         // one gene of this many is for validation; 0 means 20
}

func (s *Splice) tokens() int { return cmp.Or(s.Tokens, 4096) }

// Check returns an error about a key.
func (s *Splice) Check() error {
	switch {
	case s.Reference == "":
		return strict.Wrong("reference", "is missing; give a FASTA file")
	case s.Genes == "":
		return strict.Wrong("genes", "is missing; give a file of gene models, such as GTF")
	case s.Near < 0 || s.Near > maxTokens:
		return strict.Wrong("near", "is %d; it must lie between 0 and %d", s.Near, maxTokens)
	case s.Margin < 0 || s.Margin > maxTokens:
		return strict.Wrong("margin", "is %d; it must lie between 0 and %d", s.Margin, maxTokens)
	case s.Validation < 0 || s.Validation == 1:
		return strict.Wrong("validation", "is %d; one gene of 2 or more is for validation", s.Validation)
	case len(s.HoldOut) == 0:
		return strict.Wrong("hold_out", "is missing; give regions whose genes are the test, such as [\"20:900001-4100000\"]")
	}
	return checkTokens(s.tokens())
}

// Open reads the reference and the genes.
func (s *Splice) Open(o data.OpenOptions) (*data.Bundle, error) {
	split, sequences, notes, err := s.Split()
	if err != nil {
		return nil, err
	}
	names := splice.ClassNames()
	b := &data.Bundle{Bytes: bytesOf(sequences), Tokens: s.tokens(), Notes: notes, Tokenizer: tokenizer.DNA(),
		Answers: data.Answers{Classes: names}, Supervision: data.Supervision{Tags: len(names)}}
	var parts [3]*splice.Windows
	for i, genes := range [][]*splice.Gene{split.Train, split.Validation, split.Test} {
		c := splice.WindowConfig{Tokens: s.tokens()}
		if i == 0 {
			c.Near, c.Move, c.Seed = s.Near, true, o.Seed
		}
		if parts[i], err = splice.NewWindows(genes, c); err != nil {
			return nil, fmt.Errorf("%s: %w", []string{"training", "validation", "test"}[i], err)
		}
	}
	h := sha256.New()
	for _, g := range split.Train {
		g.Hash(h)
	}
	return b, b.Load(data.Parts{Train: parts[0], Validation: parts[1], Test: parts[2], Digest: hex.EncodeToString(h.Sum(nil))}, o)
}

// Split reads the reference and the genes of each part. Notes say what of the annotation is not used.
func (s *Splice) Split() (split splice.Split, sequences []*dna.Sequence, notes []string, err error) {
	if sequences, err = fasta.Load(s.Reference, fasta.Options{}); err != nil {
		return split, nil, nil, err
	}
	set, err := annotation.Load(s.Genes)
	if err != nil {
		return split, nil, nil, err
	}
	find := finder(sequences)
	genes, skipped, err := splice.Genes(set, find)
	if err != nil {
		return split, nil, nil, fmt.Errorf("%s: %w", s.Genes, err)
	}
	if len(genes) == 0 {
		return split, nil, nil, fmt.Errorf("%s has no gene on the %d contigs of %s, such as %q; expected the same assembly", s.Genes,
			len(sequences), s.Reference, sequences[0].Name)
	}
	c := splice.SplitConfig{HoldOut: map[*dna.Sequence][]dna.Span{}, Margin: cmp.Or(s.Margin, 100_000), Validation: cmp.Or(s.Validation, 20)}
	for _, text := range s.HoldOut {
		on, region, err := parseRegion(text, find)
		if err != nil {
			return split, nil, nil, err
		}
		c.HoldOut[on] = append(c.HoldOut[on], region)
	}
	if split, err = splice.SplitGenes(genes, c); err != nil {
		return split, nil, nil, err
	}
	notes = append(notes, fmt.Sprintf("%d genes train, %d validate, %d test; %d that overlap hold_out and %d that overlap a validation gene "+
		"are left out", len(split.Train), len(split.Validation), len(split.Test), split.NearTest, split.NearValidation))
	notes = append(notes, shortened(s.Genes, set.Notes)...)
	if len(skipped) > 0 {
		n := 0
		for _, count := range skipped {
			n += count
		}
		contigs := slices.Sorted(maps.Keys(skipped))
		notes = append(notes, fmt.Sprintf("%d transcripts of %s lie on %d contigs that %s does not have, such as %s; they are left out",
			n, s.Genes, len(skipped), s.Reference, contigs[0]))
	}
	return split, sequences, append(notes, namesTwice(sequences)...), nil
}

// finder finds the sequence that a name of a contig means: the one of this name, or else the only one of the same canonical name.
func finder(sequences []*dna.Sequence) func(contig string) *dna.Sequence {
	byName, byAlias := map[string]*dna.Sequence{}, map[string]*dna.Sequence{}
	for _, s := range sequences {
		byName[s.Name] = s
		alias := fasta.Canonical(s.Name)
		if _, twice := byAlias[alias]; twice {
			byAlias[alias] = nil
		} else {
			byAlias[alias] = s
		}
	}
	return func(contig string) *dna.Sequence {
		if s := byName[contig]; s != nil {
			return s
		}
		return byAlias[fasta.Canonical(contig)]
	}
}

// parseRegion reads a contig, or positions of it from 1, the last one included: 20 or 20:900001-4100000.
func parseRegion(text string, find func(string) *dna.Sequence) (*dna.Sequence, dna.Span, error) {
	if s := find(text); s != nil {
		return s, dna.Span{Start: 0, End: s.Len()}, nil
	}
	i := strings.LastIndexByte(text, ':')
	first, last, ok := strings.Cut(text[i+1:], "-")
	start, wrongStart := strconv.Atoi(first)
	end, wrongEnd := strconv.Atoi(last)
	if i < 0 || !ok || wrongStart != nil || wrongEnd != nil {
		return nil, dna.Span{}, strict.Wrong("hold_out", "has %q; expected a contig of the reference and positions, such as "+
			"20:900001-4100000", text)
	}
	s := find(text[:i])
	if s == nil {
		return nil, dna.Span{}, strict.Wrong("hold_out", "has %q, but the reference has no contig %q", text, text[:i])
	}
	if start < 1 || start > end || end > s.Len() {
		return nil, dna.Span{}, strict.Wrong("hold_out", "has %q; expected positions from 1 to %d, the first not above the last", text, s.Len())
	}
	return s, dna.Span{Start: start - 1, End: end}, nil
}
