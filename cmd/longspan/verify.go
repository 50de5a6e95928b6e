package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/cmd/longspan/internal/verify"
)

var errCheckFailed = errors.New("a check failed")

func newVerify(o *output) *cobra.Command {
	return family(&cobra.Command{
		Use:   "verify",
		Short: "Check the results of attention, and of ranks, on this machine",
	}, newVerifyAttention(o), newVerifyRanks(o))
}

func newVerifyAttention(o *output) *cobra.Command {
	var options verify.Options
	c := &cobra.Command{
		Use:   "attention",
		Short: "Check the equivalences of attention; exit status 1 if one fails",
		Long: `Checks the equivalences of attention at every kernel level of this machine, and prints the largest error of each with its
bound. A bound of 0 means the same bits. The exit status is 1 if a check fails.

The checks are:

` + verify.Groups(),
		Args: arguments(cobra.NoArgs),
		RunE: func(*cobra.Command, []string) error {
			p := o.progress("verify attention")
			options.Progress = p.step
			results, err := verify.Attention(options)
			p.finish()
			if err != nil {
				return usage(err)
			}
			summary := summarise(results)
			if err := o.print(results, func(w io.Writer) { writeSummary(w, summary, len(results)) }); err != nil {
				return err
			}
			for _, s := range summary {
				if len(s.failed) > 0 {
					return reported{errCheckFailed}
				}
			}
			return nil
		},
	}
	c.Flags().StringSliceVar(&options.Only, "only", nil, "checks to run, by name")
	c.Flags().BoolVar(&options.Quick, "quick", false, "check the level in use only, and fewer patterns")
	return c
}

// summaryRow joins the checks that differ in their case alone.
type summaryRow struct {
	verify.Result // the one nearest to its bound, or farthest past it
	checks        int
	failed        []verify.Result
}

// summarise keeps the order of the results. Checks whose bound is their own, as where an error must fall, stay single.
func summarise(results []verify.Result) []summaryRow {
	var rows []summaryRow
	place := map[string]int{}
	for _, r := range results {
		key := fmt.Sprint(r.Group, r.Level, r.DType, r.Bound)
		i, ok := place[key]
		if !ok {
			i = len(rows)
			place[key] = i
			rows = append(rows, summaryRow{Result: r})
		}
		row := &rows[i]
		row.checks++
		if r.Error > row.Error {
			row.Result = r
		}
		if !r.OK {
			row.failed = append(row.failed, r)
		}
	}
	return rows
}

func writeSummary(w io.Writer, rows []summaryRow, checks int) {
	const line = "%-10s %-11s %-5s %7s %12s %12s  %-6s  %s\n"
	fmt.Fprintf(w, line, "check", "level", "type", "cases", "worst error", "bound", "", "worst case")
	failed := 0
	for _, r := range rows {
		bound, verdict := fmt.Sprintf("%.3g", r.Bound), "ok"
		if r.Bound == 0 {
			bound = "same bits"
		}
		if len(r.failed) > 0 {
			verdict = "FAILED"
		}
		worst := r.Case
		if r.Error == 0 {
			worst = ""
		}
		fmt.Fprintf(w, line, r.Group, r.Level, r.DType, fmt.Sprint(r.checks), fmt.Sprintf("%.3g", r.Error), bound, verdict, worst)
		failed += len(r.failed)
	}
	fmt.Fprintf(w, "%d checks, %d failed\n", checks, failed)
	for _, r := range rows {
		for _, f := range r.failed {
			fmt.Fprintf(w, "failed: %s, %s, %s, %s, error %.3g, bound %.3g\n", f.Group, f.Case, f.Level, f.DType, f.Error, f.Bound)
		}
	}
}
