package splice

import (
	"fmt"

	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/model"
)

// The words of genome.Skip for what this package does not score.
const (
	NoGenes genome.Skip = "contig_without_genes" // the annotation has no gene on the contig
	NoGene  genome.Skip = "no_gene"              // the allele lies in no gene
)

// Options say how variants are scored.
type Options struct {
	Distance int  // changes are sought so many bases on each side of the allele's first base; 0: 50
	Mask     bool // leave out gains of sites that the annotation has, and losses of others
	Context  int  // bases that a base depends on, on each side; 0: what the layers reach, or half of what the model was made to read
	Batch    int  // bases that are computed together; 0: 16,384. Scores do not depend on it
}

const (
	defaultDistance = 50
	maxDistance     = 10_000
	defaultBatch    = 16_384
	maxInsertion    = 4096    // bases of ALT
	maxContext      = 1 << 20 // bases
	maxWindow       = 1 << 23 // bases
	block           = 64      // windows begin at multiples of it, so that REF is computed once for the alleles of a block
)

// For fills in what a model decides, and checks the rest.
func (o Options) For(m *model.Model) (Options, error) {
	if err := checkModel(m); err != nil {
		return o, err
	}
	if o.Distance == 0 {
		o.Distance = defaultDistance
	}
	if o.Distance < 1 || o.Distance > maxDistance {
		return o, fmt.Errorf("splice: found a distance of %d bases, expected 1 to %d", o.Distance, maxDistance)
	}
	if o.Batch == 0 {
		o.Batch = defaultBatch
	}
	if o.Batch < 1 {
		return o, fmt.Errorf("splice: found a batch of %d bases, expected at least 1, or 0 for the default", o.Batch)
	}
	if o.Context == 0 {
		reach, bounded := m.Reach()
		if o.Context = reach; !bounded {
			o.Context = max(0, m.Context()/2-2*o.Distance-block)
		}
		if o.Context == 0 {
			return o, fmt.Errorf("splice: the layers of the model reach all bases, and it does not say for how many it was made; " +
				"give a context, such as 2000")
		}
	}
	if o.Context < 1 || o.Context > maxContext {
		return o, fmt.Errorf("splice: found a context of %d bases, expected 1 to %d", o.Context, maxContext)
	}
	if limit := m.Spec().MaxTokens(); limit > 0 && o.longest() > limit {
		return o, fmt.Errorf("splice: found windows of up to %d bases, expected at most %d, the learned positions; give a shorter context",
			o.longest(), limit)
	}
	return o, nil
}

// longest is the most bases of a window.
func (o Options) longest() int { return 2*o.Context + 3*o.Distance + block + maxInsertion }

// usual is the bases of a window of most variants.
func (o Options) usual() int { return 2*o.Context + 2*o.Distance + block }

// Lengths are the tokens of the sequences of the largest batch, for a plan of the memory. o is of For.
func (o Options) Lengths() []int {
	lengths := []int{o.longest()}
	for n := o.longest() + o.usual(); n <= o.Batch; n += o.usual() {
		lengths = append(lengths, o.usual())
	}
	return lengths
}
