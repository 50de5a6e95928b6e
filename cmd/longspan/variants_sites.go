package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/genome/splice"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/plan"
	"github.com/longspan/longspan/tensor"
)

// variantSitesReport is the output of `variants sites`.
type variantSitesReport struct {
	Weights string            `json:"weights"`
	On      string            `json:"on"`
	Genes   int               `json:"genes"`
	Bases   int               `json:"bases"`
	Rows    []variantSitesRow `json:"rows"`
	Seconds float64           `json:"seconds"`
}

// variantSitesRow is how well something finds the sites.
type variantSitesRow struct {
	By       string          `json:"by"`
	Context  int             `json:"context,omitempty"` // bases on each side; 0: position weights
	Donor    splice.Accuracy `json:"donor"`
	Acceptor splice.Accuracy `json:"acceptor"`
}

// variantSitesOptions are the flags of `variants sites`.
type variantSitesOptions struct {
	runFlags
	on       string
	contexts []int
}

func newVariantsSites(o *output) *cobra.Command {
	var v variantSitesOptions
	c := &cobra.Command{
		Use:   "sites RUN",
		Short: "Say how well a run on data.splice finds splice sites, beside position weight matrices",
		Long: `Predict the splice sites of the whole genes that a run was not trained on, and print two measures for donors and for acceptors:
top-k, the share of true sites among the k bases with the highest probabilities, where k is the number of true sites; and the area under the
curve of precision by recall. Beside them stand those of position weight matrices, fitted on the genes of the training.

  longspan variants sites runs/splice
  longspan variants sites runs/splice --context 40,200,361 --on validation

All bases of all genes are ranked together. Bases that can be no sites by their neighbours come last, and so do true sites among them.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := v.run(o, args[0])
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	v.add(c)
	f := c.Flags()
	f.StringVar(&v.on, "on", "test", "test or validation")
	f.IntSliceVar(&v.contexts, "context", []int{0}, "bases that each base has on each side at least, one row each: windows of "+
		"four times as many, of which the middle half counts; 0: all that the layers reach")
	return c
}

func (v *variantSitesOptions) run(o *output, dir string) (r variantSitesReport, err error) {
	if v.on != "test" && v.on != "validation" {
		return r, usage(fmt.Errorf("found --on %q, expected test or validation", v.on))
	}
	began := time.Now()
	options := make([]splice.PredictOptions, len(v.contexts))
	for i, n := range v.contexts {
		// Long windows would give only the bases at their ends so little context.
		options[i] = splice.PredictOptions{Context: n, Window: 4 * n}
	}
	t, err := v.open(o, dir, func(t *trained) (plan.Bytes, error) { return v.need(t, options) })
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, t.close()) }()
	split, _, _, err := t.recipe.Data.Splice.Split()
	if err != nil {
		return r, usage(err)
	}
	genes := map[string][]*splice.Gene{"test": split.Test, "validation": split.Validation}[v.on]
	r = variantSitesReport{Weights: t.weights, On: v.on}
	r.add("position weights", 0, splice.FitWeights(split.Train).Evaluate(genes))
	ctx, end := untilStopped()
	defer end()
	for _, option := range options {
		p, err := splice.NewPredictor(t.model.NewSession(t.exec), option)
		if err != nil {
			return r, usage(err)
		}
		result, err := splice.Evaluate(ctx, p, genes)
		if ctx.Err() != nil {
			return r, errInterrupted
		}
		if err != nil {
			return r, err
		}
		r.add("model", p.Options().Context, result)
	}
	r.Seconds = time.Since(began).Seconds()
	return r, nil
}

// need makes a model without memory, which says what windows it reads, and returns the memory of the largest batch.
func (v *variantSitesOptions) need(t *trained, options []splice.PredictOptions) (need plan.Bytes, err error) {
	if t.recipe.Data.Splice == nil {
		return need, usage(errors.New("found a run on other data, expected one on data.splice, such as of examples/splice.yaml"))
	}
	m, err := t.recipe.Build(t.sets, model.Options{Pool: tensor.NewDryPool()})
	if err != nil {
		return need, err
	}
	defer func() { err = errors.Join(err, m.Close()) }()
	for i, option := range options {
		if options[i], err = option.For(m); err != nil {
			return need, usage(err)
		}
		e, err := plan.Predictions(*m.Spec(), options[i].Lengths(), v.threads)
		if err != nil {
			return need, usage(err)
		}
		if e.Bytes.Total() > need.Total() {
			need = e.Bytes
		}
	}
	return need, nil
}

func (r *variantSitesReport) add(by string, context int, result splice.Result) {
	r.Genes, r.Bases = result.Genes, result.Bases
	r.Rows = append(r.Rows, variantSitesRow{by, context, result.Donor, result.Acceptor})
}

func (r variantSitesReport) write(w io.Writer) {
	fmt.Fprintf(w, "weights  %s\n", r.Weights)
	fmt.Fprintf(w, "data     %s: %d genes, %d bases, %.1f s\n", r.On, r.Genes, r.Bases, r.Seconds)
	fmt.Fprintf(w, "%-18s %8s %22s %22s\n%-18s %8s %10s %11s %10s %11s\n", "", "context", fmt.Sprintf("%d donors", r.Rows[0].Donor.Sites),
		fmt.Sprintf("%d acceptors", r.Rows[0].Acceptor.Sites), "", "", "top-k", "PR area", "top-k", "PR area")
	for _, row := range r.Rows {
		context := "-"
		if row.Context > 0 {
			context = fmt.Sprint(row.Context)
		}
		fmt.Fprintf(w, "%-18s %8s %10.3f %11.3f %10.3f %11.3f\n", row.By, context, row.Donor.TopK, row.Donor.PRAUC, row.Acceptor.TopK,
			row.Acceptor.PRAUC)
	}
}
