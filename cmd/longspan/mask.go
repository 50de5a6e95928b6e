package main

import (
	"fmt"
	"io"
	"math"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/attention/pattern"
	"github.com/longspan/longspan/attention/pattern/draw"
	"github.com/longspan/longspan/internal/durable"
)

// maskOptions are the flags of `mask`.
type maskOptions struct {
	tokens, queries, memory, columns int
	png                              string
}

// maskReport is the output of `mask`.
type maskReport struct {
	Pattern       string  `json:"pattern"`
	Queries       int     `json:"queries"`
	Keys          int     `json:"keys"`
	Offset        int     `json:"offset"`
	Pairs         int64   `json:"pairs"`
	Share         float64 `json:"share"` // of queries · keys
	ForwardFlops  float64 `json:"forward_flops_per_head_dim"`
	BackwardFlops float64 `json:"backward_flops_per_head_dim"`
	Blocks        *blocks `json:"blocks,omitempty"`
	Picture       string  `json:"picture"`
	PNG           string  `json:"png,omitempty"`
}

// blocks counts the 64 × 64 blocks of the matrix whose pairs are all visible, partly, or not at all.
type blocks struct {
	Full    int `json:"full"`
	Partial int `json:"partial"`
	Empty   int `json:"empty"`
}

const maskHelp = `Draw a pattern (█ all pairs visible, ░ some, blank none), and count its pairs and flops.

Patterns are combined with & (and), | (or) and parentheses:

  longspan mask 'window(512) | global(0)' --tokens 4096
  longspan mask 'causal & window(256, 0)' --tokens 512 --mem-len 512

The names are:
`

func newMask(o *output) *cobra.Command {
	var m maskOptions
	c := &cobra.Command{
		Use:   "mask 'PATTERN' --tokens N",
		Short: "Draw a pattern, and count its pairs and flops",
		Long:  maskHelp + pattern.Reference(),
		Args:  arguments(cobra.ExactArgs(1)),
		RunE: func(c *cobra.Command, args []string) error {
			if !c.Flags().Changed("queries") {
				m.queries = m.tokens
			}
			r, err := m.report(args[0])
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	c.Flags().IntVar(&m.tokens, "tokens", 64, "tokens of the sequence")
	c.Flags().IntVar(&m.queries, "queries", 0, "queries (default: the number of tokens)")
	c.Flags().IntVar(&m.memory, "mem-len", 0, "tokens of Transformer-XL memory before the first query: keys without queries")
	renamed(c, "memory", "mem-len")
	c.Flags().IntVar(&m.columns, "columns", 32, "largest number of cells on a side of the text picture")
	c.Flags().StringVar(&m.png, "png", "", "also write a PNG picture to this file")
	return c
}

func (m maskOptions) report(text string) (maskReport, error) {
	p, err := parsePattern(text)
	if err != nil {
		return maskReport{}, err
	}
	if m.tokens < 1 || m.queries < 1 || m.memory < 0 {
		return maskReport{}, usage(fmt.Errorf("found --tokens %d, --queries %d and --mem-len %d, expected at least 1, 1 and 0",
			m.tokens, m.queries, m.memory))
	}
	s := pattern.Shape{Tq: m.queries, Tk: m.tokens + min(m.memory, math.MaxInt-m.tokens), Offset: m.memory}
	pairs, err := pattern.Pairs(p, s)
	if err != nil {
		return maskReport{}, usage(err)
	}
	picture, err := pattern.Text(p, s, m.columns)
	if err != nil {
		return maskReport{}, usage(err)
	}
	r := maskReport{
		Pattern: p.String(), Queries: s.Tq, Keys: s.Tk, Offset: s.Offset, Pairs: pairs,
		Share:        float64(pairs) / float64(s.Tq) / float64(s.Tk),
		ForwardFlops: 4 * float64(pairs), BackwardFlops: 10 * float64(pairs),
		Blocks: countBlocks(p, s), Picture: picture, PNG: m.png,
	}
	if m.png != "" {
		err = durable.Write(m.png, func(w io.Writer) error { return draw.WritePNG(w, p, s, pngPixels) })
	}
	return r, err
}

// pngPixels is the side of a picture; sequences of a multiple of it are cut evenly.
const pngPixels = 1024

// countBlocks counts the blocks, or returns nil where there are more than a grid holds.
func countBlocks(p pattern.Pattern, s pattern.Shape) *blocks {
	const side = 64
	rows, cols := (s.Tq+side-1)/side, (s.Tk+side-1)/side
	g, err := pattern.Count(p, s, rows, cols)
	if err != nil {
		return nil
	}
	var b blocks
	for r := range rows {
		for c := range cols {
			switch visible, all := g.Cell(r, c); visible {
			case 0:
				b.Empty++
			case all:
				b.Full++
			default:
				b.Partial++
			}
		}
	}
	return &b
}

func (r maskReport) write(w io.Writer) {
	fmt.Fprint(w, r.Picture)
	fmt.Fprintf(w, "pattern  %s\n", r.Pattern)
	fmt.Fprintf(w, "shape    %d queries × %d keys", r.Queries, r.Keys)
	if r.Offset > 0 {
		fmt.Fprintf(w, ", the first query at key %d", r.Offset)
	}
	fmt.Fprintf(w, "\npairs    %d visible, %.4g%% of full\n", r.Pairs, 100*r.Share)
	if r.Blocks != nil {
		fmt.Fprintf(w, "blocks   %d full, %d partial, %d empty (64 × 64)\n", r.Blocks.Full, r.Blocks.Partial, r.Blocks.Empty)
	}
	fmt.Fprintf(w, "flops    %.4g forward, %.4g backward, per head and unit of head dimension\n", r.ForwardFlops, r.BackwardFlops)
	if r.PNG != "" {
		fmt.Fprintf(w, "picture  %s\n", r.PNG)
	}
}
