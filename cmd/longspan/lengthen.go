package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/pretrained"
	"github.com/longspan/longspan/tensor"
)

// lengthenReport is the output of `lengthen`.
type lengthenReport struct {
	Model  string `json:"model"`
	Folder string `json:"folder"`
	Bytes  int64  `json:"bytes"` // of the weights in the folder
	model.Lengthened
	Done  []string `json:"done"`
	ToDo  []string `json:"to_do"`
	Notes []string `json:"notes,omitempty"`
}

// lengthenOptions are the flags of `lengthen`.
type lengthenOptions struct {
	modelFlags
	model.LengthenOptions
	out string
}

func newLengthen(o *output) *cobra.Command {
	var l lengthenOptions
	c := &cobra.Command{
		Use:   "lengthen MODEL",
		Short: "Make a model of longer sequences from a model of short ones",
		Long: `Make a model of longer sequences, ready to train, by the recipe of Longformer: learned positions are copied again and again, rotary
angles are scaled, and the attention of each layer becomes the given pattern. Weights are those of MODEL, and nothing is trained. The output
says what was done, and what is left to do.

  longspan lengthen sentence-transformers/all-MiniLM-L6-v2 --tokens 4096 --pattern 'window(256) | global(0)' -o minilm-4096
  longspan lengthen FacebookAI/roberta-base --tokens 4096 --pattern 'window(256)' --global 0 -o roberta-4096
  longspan lengthen SmolLM2-135M-Instruct.Q4_1.gguf --tokens 32768 --pattern 'window(2048)' -o smollm-32k

docs/lengthen.md says what to train, and how.`,
		Args: arguments(cobra.ExactArgs(1)),
		RunE: func(_ *cobra.Command, args []string) error {
			r, err := l.run(o, args[0])
			if err != nil {
				return err
			}
			return o.print(r, r.write)
		},
	}
	f := c.Flags()
	f.IntVar(&l.Tokens, "tokens", 0, "tokens of the longest sequence; more than the model was made for")
	f.StringArrayVar(&l.Attention, "pattern", nil,
		"mechanism of the layers, such as 'window(256) | global(0)'; given several times, the layers take them in turn (default: the model's)")
	f.IntSliceVar(&l.Global, "global", nil,
		"positions that attend to all tokens, and all to them, with projections of their own: the model's, or copies of its first ones")
	f.StringVar(&l.Rotary, "rotary", "", "scaling of rotary angles: yarn, linear or none (default: yarn)")
	f.StringVarP(&l.out, "out", "o", "", "folder of the new model")
	l.modelFlags.add(c)
	return c
}

// check looks at the flags.
func (l *lengthenOptions) check() error {
	switch {
	case l.Tokens == 0:
		return errors.New("give --tokens, the length of the longest sequence, such as 4096")
	case l.out == "":
		return errors.New("give --out, the folder of the new model")
	}
	entries, err := os.ReadDir(l.out)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err == nil && len(entries) > 0 {
		return fmt.Errorf("found the folder %s with %s in it, expected none or an empty one; name another by --out", l.out, entries[0].Name())
	}
	return err
}

func (l *lengthenOptions) run(o *output, argument string) (r *lengthenReport, err error) {
	if err := l.check(); err != nil {
		return nil, usage(err)
	}
	global, err := l.trained(o, argument)
	if err != nil {
		return nil, err
	}
	short, path, err := openModel(o, argument, l.modelFlags, mechanismFlags{global: global})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, short.Close()) }()
	long, did, err := short.Lengthen(l.LengthenOptions)
	if err != nil {
		return nil, benchError(err)
	}
	defer func() { err = errors.Join(err, long.Close()) }()
	if err := long.Save(l.out, tableType(long)); err != nil {
		return nil, err
	}
	r = &lengthenReport{Model: path, Folder: l.out, Bytes: long.Bytes(), Lengthened: did, Notes: short.Notes()}
	r.describe(long)
	return r, nil
}

// trained are the global positions whose projections the files of the model have: those of a Longformer.
func (l *lengthenOptions) trained(o *output, argument string) ([]int, error) {
	if _, err := os.Stat(argument); len(l.Global) == 0 || err != nil && pretrained.Has(argument) {
		return nil, nil
	}
	m, _, err := (&inspectOptions{modelFlags: l.modelFlags}).openDry(o, argument)
	if err != nil {
		return nil, err
	}
	defer m.Close()
	if m.Origin().Family == "longformer" {
		return l.Global, nil
	}
	return nil, nil
}

// tableType is BF16 for a model all of whose matrices are stored so, and else F32: no weight is rounded.
func tableType(m *model.Model) tensor.Type {
	for _, p := range m.Params() {
		if p.Value.Rows > 1 && p.Value.Type != tensor.BF16 {
			return tensor.F32
		}
	}
	return tensor.BF16
}

// describe says what was done, and what is left to do.
func (r *lengthenReport) describe(m *model.Model) {
	scaled := false
	if p := r.Positions; p != nil {
		text := fmt.Sprintf("%d learned positions were copied, again and again, to %d", p.From, p.To)
		if p.Reserved > 0 {
			text += fmt.Sprintf("; the %d rows before them stay", p.Reserved)
		}
		r.Done = append(r.Done, text)
	}
	for _, g := range groupLengthened(r.Layers) {
		r.Done = append(r.Done, "layers "+ranges(g.layers)+": "+strings.Join(lengthenedText(g.LengthenedLayer), "; "))
		scaled = scaled || g.Scaled != nil
	}
	if r.Positions == nil && !scaled {
		r.Done = append(r.Done, "no position was changed: the layers show no new distance, or their positions have no end")
	}
	r.ToDo = lengthenedToDo(m, r)
}

// lengthenedLayers are layers that changed alike.
type lengthenedLayers struct {
	layers []int // from 1
	model.LengthenedLayer
}

// groupLengthened groups equal layers, in the order of their first.
func groupLengthened(layers []model.LengthenedLayer) (groups []lengthenedLayers) {
	same := func(a, b model.LengthenedLayer) bool {
		return fmt.Sprint(lengthenedText(a)) == fmt.Sprint(lengthenedText(b))
	}
	for i, l := range layers {
		k := slices.IndexFunc(groups, func(g lengthenedLayers) bool { return same(g.LengthenedLayer, l) })
		if k < 0 {
			k, groups = len(groups), append(groups, lengthenedLayers{nil, l})
		}
		groups[k].layers = append(groups[k].layers, i+1)
	}
	return groups
}

// lengthenedText says what changed in a layer.
func lengthenedText(l model.LengthenedLayer) []string {
	parts := []string{l.From + " became " + l.To}
	if l.From == l.To {
		parts[0] = l.To + ", as before"
	}
	switch s := l.Scaled; {
	case s != nil:
		parts = append(parts, fmt.Sprintf("rotary angles scaled by %s, factor %.4g", s.Kind, s.Factor))
	case l.Position == "rotary":
		parts = append(parts, "rotary angles as before")
	case l.Position != "none":
		parts = append(parts, "position "+l.Position+", which has no end")
	}
	if l.Global != "" {
		parts = append(parts, "projections of global tokens "+l.Global)
	}
	return parts
}

// lengthenedToDo says what a user must still do.
func lengthenedToDo(m *model.Model, r *lengthenReport) []string {
	head, s := "mlm", m.Spec()
	if s.Kind == model.Decoder {
		head = "lm"
	}
	init := "--set train.init=" + r.Folder
	todo := []string{
		fmt.Sprintf("nothing was trained: measure the folder on your texts before you use it, beside %s", r.Model),
		fmt.Sprintf("train the body on texts of up to %d tokens, with the head %s: longspan train RECIPE --out RUN %s", r.Tokens, head, init),
	}
	if s.Head.Kind == model.Embed {
		todo = append(todo, "then train its vectors on pairs of texts that belong together (data.contrastive), from that run")
	}
	if slices.ContainsFunc(r.Layers, func(l model.LengthenedLayer) bool { return l.To == "full" || l.To == "causal" }) {
		todo = append(todo, fmt.Sprintf("layers that show everything cost the square of the length; see longspan inspect %s --tokens %d",
			r.Folder, r.Tokens))
	}
	return todo
}

func (r *lengthenReport) write(w io.Writer) {
	line := func(name, text string) { fmt.Fprintf(w, "%-12s %s\n", name, text) }
	line("model", r.Model)
	from := "a number that it does not say"
	if r.From > 0 {
		from = fmt.Sprint(r.From)
	}
	line("tokens", fmt.Sprintf("%d; the model was made for %s", r.Tokens, from))
	for _, d := range r.Done {
		line("done", d)
	}
	line("saved", fmt.Sprintf("%s, %s", r.Folder, memory.Format(r.Bytes)))
	for _, t := range r.ToDo {
		line("to do", t)
	}
	for _, n := range r.Notes {
		line("note", n)
	}
}
