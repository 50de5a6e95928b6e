// Package evaluate says how much of a score of variants is real, on a panel of people: bits a base and AUROC beside baselines, with
// bootstrap intervals over blocks of neighbours.
//
// What is fitted to variants is fitted in one region and tested in another, and the two do not overlap. Markov models count what lies
// outside of all regions that are held out. Draws have fixed seeds: equal input gives equal bits.
//
// A panel says which variants people have, and how many people. It says nothing about health, and neither does this package.
package evaluate

import (
	"context"
	"errors"
	"fmt"

	"github.com/longspan/longspan/data/annotation"
	"github.com/longspan/longspan/data/fasta"
	"github.com/longspan/longspan/data/genome/markov"
	"github.com/longspan/longspan/genome"
	"github.com/longspan/longspan/genome/evaluate/stats"
)

// Options say what is evaluated, and how.
type Options struct {
	Region  genome.Region   // tested
	Fit     genome.Region   // for what is fitted to variants; does not overlap Region
	HeldOut []genome.Region // of all training; Region and Fit are held out from Markov models anyway

	Genes  *annotation.Set // nil: none
	Places []Named
	Markov int // the highest order of the blend, up to markov.MaxOrder; 0: no Markov models

	Block     int    // bases of a block of the bootstrap; 0: 100,000
	Resamples int    // 0: 1,000
	Seed      uint64 // of draws and resamples

	Step func(what string, done, size int) // progress; may be nil
}

// DefaultBlock is the bases of a block: farther than most of what neighbours share.
const DefaultBlock = 100_000

// defaultResamples make the ends of an interval certain to a fiftieth of its length or so.
const defaultResamples = 1000

// Fewest is the least number of SNVs with known bases around them, in each of the two regions.
const Fewest = 100

// check fills in what is left to choose.
func (o Options) check() (Options, error) {
	if o.Block == 0 {
		o.Block = DefaultBlock
	}
	if o.Resamples == 0 {
		o.Resamples = defaultResamples
	}
	if o.Step == nil {
		o.Step = func(string, int, int) {}
	}
	a, b := o.Region, o.Fit
	length := a.End - a.Start
	switch {
	case a.Contig.Name != b.Contig.Name:
		return o, fmt.Errorf("evaluate: found the regions %v and %v, expected two of one contig", a, b)
	case a.Start < b.End && b.Start < a.End:
		return o, fmt.Errorf("evaluate: found the regions %v and %v, which overlap; what is fitted to variants is tested on others", a, b)
	case o.Markov < 0 || o.Markov > markov.MaxOrder:
		return o, fmt.Errorf("evaluate: found Markov models up to order %d, expected 1 to %d, or 0 for none", o.Markov, markov.MaxOrder)
	case o.Block < 1 || length/o.Block < stats.MinBlocks || (b.End-b.Start)/o.Block < folds:
		return o, fmt.Errorf("evaluate: found blocks of %d bases in regions of %d and %d, expected %d blocks at least: give longer regions, or "+
			"shorter blocks", o.Block, length, b.End-b.Start, stats.MinBlocks)
	}
	return o, nil
}

// Report is what was found.
type Report struct {
	Region    string   `json:"region"`
	FitRegion string   `json:"fit_region"`
	HeldOut   []string `json:"held_out"`
	Panel     *Panel   `json:"panel"`
	Tested    Counts   `json:"tested"`
	FittedTo  Counts   `json:"fitted_to"`
	Drawn     int      `json:"drawn"` // substitutions for each SNV
	Block     int      `json:"block"`
	Resamples int      `json:"resamples"`
	Seed      uint64   `json:"seed"`

	Bits        []Bits       `json:"bits,omitempty"`
	Scores      []AUROC      `json:"scores"`
	Differences []Difference `json:"differences,omitempty"`
	Heads       []Head       `json:"heads"`
	RatePrior   float64      `json:"rate_prior"` // places, chosen by cross-validation
	Places      []PlaceRow   `json:"places,omitempty"`
	Coding      []CodingRow  `json:"coding,omitempty"`
	Spectrum    []Class      `json:"spectrum"`
	Density     Density      `json:"density"`
	Splice      []SpliceRow  `json:"splice,omitempty"`
	Notes       []string     `json:"notes,omitempty"`
}

// Counts are the SNVs of a region.
type Counts struct {
	SNVs       int     `json:"snvs"`
	Dropped    int     `json:"dropped"` // beside these: they have a base within ten that is not known
	Singletons int     `json:"singletons"`
	Common     int     `json:"common"` // 5 % of the alleles or more
	TsTv       float64 `json:"ts_tv"`
}

func countsOf(t *part) Counts {
	c := Counts{SNVs: len(t.snvs), Dropped: t.dropped, TsTv: tsTv(t.snvs)}
	for _, s := range t.snvs {
		if s.Singleton() {
			c.Singletons++
		}
		if s.Common() {
			c.Common++
		}
	}
	return c
}

// Evaluation is a report with what it was made of.
type Evaluation struct {
	Report
	test, fit *scored
	options   Options
}

// Run evaluates a model on a panel, beside baselines. Without a model (nil) the baselines alone are there. When ctx is done it returns
// ctx's error. Cost: the model once over both regions on both strands; counting the contig twice for Markov models, about a minute and 10
// bytes a base for 60 million bases; 25 bytes for each base of the regions; a few seconds of resamples.
func Run(ctx context.Context, ref *fasta.Reference, p *Panel, m Reader, o Options) (*Evaluation, error) {
	o, err := o.check()
	if err != nil {
		return nil, err
	}
	e := &Evaluation{options: o}
	e.Report = Report{Region: o.Region.String(), FitRegion: o.Fit.String(), Panel: p, Drawn: perSNV, Block: o.Block, Resamples: o.Resamples,
		Seed: o.Seed, Notes: append([]string(nil), p.Notes...)}
	test, err := e.part(ref, o.Region)
	if err != nil {
		return nil, err
	}
	fit, err := e.part(ref, o.Fit)
	if err != nil {
		return nil, err
	}
	e.Tested, e.FittedTo = countsOf(test), countsOf(fit)
	if err := e.score(ctx, ref, m, test, fit); err != nil {
		return nil, err
	}
	if err := e.compareAll(); err != nil {
		return nil, err
	}
	if err := e.tables(ref); err != nil {
		return nil, err
	}
	return e, ctx.Err()
}

// part reads a region, and draws what its SNVs are compared with.
func (e *Evaluation) part(ref *fasta.Reference, r genome.Region) (*part, error) {
	c, err := newChart(ref, r)
	if err != nil {
		return nil, err
	}
	t, err := newPart(c, e.Panel, e.options.Seed)
	if err != nil {
		return nil, err
	}
	if len(t.snvs) < Fewest {
		return nil, fmt.Errorf("evaluate: found %d SNVs of the panel in %v, expected at least %d; give a longer region, or more people",
			len(t.snvs), r, Fewest)
	}
	return t, nil
}

// score computes what needs no labels of the region that is tested.
func (e *Evaluation) score(ctx context.Context, ref *fasta.Reference, m Reader, test, fit *part) error {
	o := e.options
	fold := func(pos int) int { return (pos - o.Fit.Start) / o.Block % folds }
	rates, without := fitRates(fit.tallies(fold, folds))
	e.RatePrior = rates.prior
	onTest := tools{rates: ratesAlways(rates), places: placesOf(o.Region, o.Genes, o.Places)}
	onFit := tools{rates: ratesByFold(without, fold), places: placesOf(o.Fit, o.Genes, o.Places)}
	if o.Markov > 0 {
		counted, err := e.markov(ref)
		if err != nil {
			return err
		}
		onTest.markov, onFit.markov = counted, counted
	}
	if m != nil {
		for _, of := range []struct {
			*part
			*tools
		}{{test, &onTest}, {fit, &onFit}} {
			size := of.region.End - of.region.Start
			var err error
			of.reading, err = read(ctx, m, of.region, of.items(), func(done int) { o.Step("bases of "+of.region.String(), done, size) })
			if err != nil {
				return err
			}
		}
		e.Bits = append(e.Bits, bitsOf(onTest.reading, onFit.reading))
	}
	e.test, e.fit = newScored(test, onTest), newScored(fit, onFit)
	e.density(rates, test)
	return ctx.Err()
}

// bitsOf is the bits of a language model.
func bitsOf(test, fit *reading) Bits {
	return Bits{Of: nameForward, Region: test.bits / float64(test.n), Fit: fit.bits / float64(fit.n),
		Both: (test.bits + fit.bits) / float64(test.n+fit.n)}
}

func ratesAlways(r *rates) func(int) *rates { return func(int) *rates { return r } }

// ratesByFold gives the rates that were fitted without the fold of a position.
func ratesByFold(without []*rates, fold func(int) int) func(int) *rates {
	return func(pos int) *rates { return without[fold(pos)] }
}

// markov counts what is not held out.
func (e *Evaluation) markov(ref *fasta.Reference) (counted, error) {
	o := e.options
	held := append([]genome.Region{o.Region, o.Fit}, o.HeldOut...)
	for _, h := range held {
		e.HeldOut = append(e.HeldOut, h.String())
	}
	o.Step("Markov models", 0, 3)
	s, err := contig(ref, o.Region.Contig)
	if err != nil {
		return nil, err
	}
	spans := outside(o.Region.Contig, held)
	bits, err := markovBits(s, spans, o.Markov, o.Region, o.Fit)
	if err != nil {
		return nil, err
	}
	e.Bits = append(e.Bits, bits...)
	o.Step("Markov models", 2, 3)
	return countSites(s, spans), nil
}

// compareAll measures all scores by all contrasts.
func (e *Evaluation) compareAll() error {
	contrasts, notes := e.test.contrasts(e.options.Block)
	ofFit, more := e.fit.contrasts(e.options.Block)
	e.Notes = append(append(e.Notes, notes...), more...)
	if len(contrasts) == 0 {
		return errors.New("evaluate: found too few SNVs to compare anything")
	}
	resamples, err := stats.NewResamples(contrasts[0].design.Blocks, e.options.Resamples, e.options.Seed)
	if err != nil {
		return err
	}
	for i, c := range contrasts {
		e.options.Step("contrasts", i, len(contrasts))
		var of *contrast
		for _, f := range ofFit {
			if f.name == c.name {
				of = f
			}
		}
		if err := e.compare(e.test, e.fit, c, of, resamples); err != nil {
			return err
		}
	}
	return nil
}

// tables fills what is counted by place and by class.
func (e *Evaluation) tables(ref *fasta.Reference) error {
	e.Spectrum = e.spectrum()
	e.Places = e.places()
	var err error
	e.Coding, err = e.coding(ref)
	return err
}
