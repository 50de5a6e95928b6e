package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/longspan/longspan/hub"
	"github.com/longspan/longspan/internal/filename"
	"github.com/longspan/longspan/model"
	"github.com/longspan/longspan/pretrained"
)

// mechanismFlags change the attention of a model at its opening.
type mechanismFlags struct {
	attention []string
	global    []int
	bodyOnly  bool // vectors are asked for: a head is of no use
}

func (f *mechanismFlags) add(c *cobra.Command) {
	c.Flags().StringArrayVar(&f.attention, "attention", nil,
		"mechanism in place of the model's, such as 'window(512) | global(0)'; given several times, the layers take them in turn")
	c.Flags().IntSliceVar(&f.global, "global", nil, "positions of global tokens, of models that have projections for them, such as Longformer")
}

// openModel opens the model that an argument names: a folder of this program or in Hugging Face's form, a GGUF file, or a repo of the hub's
// cache, or a model in the program. It tells on standard error what a changed mechanism does to the model.
func openModel(o *output, argument string, f modelFlags, g mechanismFlags) (m *model.Model, weights string, err error) {
	if _, err := os.Stat(argument); err != nil && pretrained.Has(argument) {
		return openPretrained(argument, f, g)
	}
	path, err := hub.Resolve(argument)
	if err != nil && !strings.ContainsAny(argument, `/\`) {
		err = fmt.Errorf("%w; models in the program: %s", err, strings.Join(pretrained.NamesOf(pretrained.Sequences), ", "))
	}
	if err != nil {
		return nil, "", usage(err)
	}
	options := model.OpenOptions{Precision: f.precision, Attention: g.attention, Global: g.global, BodyOnly: g.bodyOnly}
	if options.MaxMemory, err = allowance(f.memory); err != nil {
		return nil, "", usage(err)
	}
	if own, err := isOwn(path); err != nil {
		return nil, "", err
	} else if own {
		if options.Weights, err = findWeights(o, path, f.weights); err != nil {
			return nil, "", err
		}
		options.BodyOnly = false
	} else if f.weights != "" {
		return nil, "", usage(fmt.Errorf("found --weights for %s, expected it for a run of this program alone: other models have one file", path))
	}
	if m, err = model.OpenWith(path, options); err != nil {
		return nil, "", benchError(err)
	}
	if len(g.attention)+len(g.global) > 0 {
		for _, note := range m.Notes() {
			fmt.Fprintln(o.err, note)
		}
	}
	if options.Weights != "" {
		path = options.Weights
	}
	return m, path, nil
}

// openPretrained opens a model in the program.
func openPretrained(name string, f modelFlags, g mechanismFlags) (m *model.Model, weights string, err error) {
	if f.weights != "" {
		return nil, "", usage(fmt.Errorf("found --weights for %s, expected it for a run alone: the model in the program has its own", name))
	}
	m, err = pretrained.Open(name, model.OpenOptions{Precision: f.precision, Attention: g.attention, Global: g.global})
	if err != nil {
		return nil, "", benchError(err)
	}
	return m, name + " (in the program)", nil
}

// isOwn reports whether a path is no GGUF file and no folder in Hugging Face's form: a folder of this program, or what is refused as one.
func isOwn(path string) (bool, error) {
	info, err := os.Stat(path)
	if err != nil {
		return false, usage(err)
	}
	if !info.IsDir() {
		return false, nil
	}
	for _, name := range []string{filename.Model, filename.Config} {
		if _, err := os.Stat(filepath.Join(path, name)); !errors.Is(err, os.ErrNotExist) {
			return true, err
		}
	}
	for _, name := range []string{"config.json", "modules.json"} {
		if _, err := os.Stat(filepath.Join(path, name)); err == nil {
			return false, nil
		}
	}
	return true, nil
}
