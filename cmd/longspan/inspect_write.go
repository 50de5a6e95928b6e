package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/model"
)

func (r inspectReport) write(w io.Writer) {
	line := func(name, format string, args ...any) {
		fmt.Fprintf(w, "%-12s %s\n", name, fmt.Sprintf(format, args...))
	}
	what := []string{r.Kind}
	for _, s := range []string{r.Origin.Family, r.Origin.Class, r.Origin.Form} {
		if s != "" {
			what = append(what, s)
		}
	}
	line("model", "%s", r.Model)
	line("kind", "%s", strings.Join(what, ", "))
	line("weights", "%.4g M; %s in the file, %s in memory; computes in %s", float64(r.Weights)/1e6, memory.Format(r.Stored),
		memory.Format(r.Memory), r.Precision)
	for _, p := range r.Parts {
		if p.Weights > 0 {
			line("", "%.4g M in the %s, %s", float64(p.Weights)/1e6, p.Name, memory.Format(p.Bytes))
		}
	}
	var stored []string
	for _, s := range r.Origin.Stored {
		stored = append(stored, fmt.Sprintf("%d %s", s.Tensors, s.Type))
	}
	line("stored", "%s", strings.Join(stored, ", "))
	line("width", "%d", r.Width)
	for _, l := range r.Source {
		line("source", "%s", l.text(r.Sources))
	}
	for _, l := range r.Layers {
		line("layers", "%s", l.text(r.Positions))
	}
	line("head", "%s", headText(r.Head))
	if len(r.Classes) > 0 {
		line("classes", "%s", strings.Join(r.Classes, ", "))
	}
	if r.Prompts != nil {
		line("prompts", "%q; the default is %q", r.Prompts, r.Prompt)
	}
	switch {
	case r.Sources > 0 && r.Positions > 0:
		line("context", "a source of %d tokens and a text of %d, the learned positions", r.Sources, r.Positions)
	case r.Positions > 0:
		line("context", "%d tokens, the learned positions", r.Positions)
	case r.Context > 0:
		line("context", "%d tokens in training; no limit", r.Context)
	default:
		line("context", "not known; no limit")
	}
	if t := r.Target; t != nil && t.Start != nil {
		line("target", "begins after token %d%s", *t.Start, forcedText(t))
	}
	r.Tokenizer.write(line)
	for _, n := range r.Notes {
		line("note", "%s", n)
	}
	r.Document.write(line)
}

// forcedText says which tokens a text has in any case.
func forcedText(t *data.Target) (text string) {
	if t.First != nil {
		text += fmt.Sprintf(", always with token %d", *t.First)
	}
	if len(t.Last) > 0 {
		last := strings.ReplaceAll(strings.Trim(fmt.Sprint(t.Last), "[]"), " ", " or ")
		text += "; one of the largest length ends with token " + last
	}
	return text
}

// text is String of layers below an embedding with so many learned positions.
func (l inspectLayers) text(positions int) string {
	if positions == 0 {
		return l.String()
	}
	return strings.Replace(l.String(), "position none", "position learned", 1) // they are of the embedding, not of the layers
}

// String describes equal layers.
func (l inspectLayers) String() string {
	a := l.Attention
	parts := []string{ranges(l.Layers), a.Mechanism}
	if a.Causal {
		parts[1] += ", causal"
	}
	parts = append(parts, fmt.Sprintf("%d heads of %d", a.Heads, a.HeadDim))
	if a.KVHeads != a.Heads {
		parts = append(parts, fmt.Sprintf("%d key/value heads", a.KVHeads))
	}
	position := "position " + a.Position
	if a.RotaryBase != 0 {
		position += fmt.Sprintf(", base %g", a.RotaryBase)
	}
	if a.RotaryScaling != nil {
		position += fmt.Sprintf(", scaled %s by %g", a.RotaryScaling.Kind, a.RotaryScaling.Factor)
	}
	if a.Position == "t5" {
		position += fmt.Sprintf(", %d buckets up to %d", a.T5().Buckets, a.T5().MaxDistance)
	}
	parts = append(parts, position)
	if a.QKNorm != 0 {
		parts = append(parts, "norm of queries and keys")
	}
	parts = append(parts, fmt.Sprintf("feed-forward %d %s", l.FeedForward.Hidden, l.FeedForward.Activation))
	return strings.Join(parts, "; ")
}

// ranges writes ascending numbers, such as 1–5, 7.
func ranges(numbers []int) string {
	var parts []string
	for i := 0; i < len(numbers); {
		j := i
		for j+1 < len(numbers) && numbers[j+1] == numbers[j]+1 {
			j++
		}
		part := fmt.Sprint(numbers[i])
		if j > i {
			part += fmt.Sprintf("–%d", numbers[j])
		}
		parts = append(parts, part)
		i = j + 1
	}
	return strings.Join(parts, ", ")
}

// headText describes a head.
func headText(h model.Head) string {
	parts := []string{h.Kind}
	if h.Classes > 0 {
		parts = append(parts, fmt.Sprintf("%d classes", h.Classes))
	}
	if h.Pooling != "" {
		parts = append(parts, "pooling "+h.Pooling)
	}
	for _, p := range h.Project {
		parts = append(parts, fmt.Sprintf("projection to %d", p.Out))
	}
	if h.Normalise {
		parts = append(parts, "vectors of length 1")
	}
	if h.Tied {
		parts = append(parts, "tied to the embedding")
	}
	return strings.Join(parts, ", ")
}

func (t *inspectTokens) write(line func(name, format string, args ...any)) {
	if t == nil {
		line("tokenizer", "none")
		return
	}
	line("tokenizer", "%d tokens; a document begins with %s and ends with %s; %s end a text", t.Vocab, list(t.Before), list(t.After),
		list(t.Ends))
	if len(t.ChatTemplates) > 0 {
		line("chat", "template %s", strings.Join(t.ChatTemplates, ", "))
	}
}

// list writes names with commas, or none.
func list(names []string) string {
	if len(names) == 0 {
		return "no token"
	}
	return strings.Join(names, " ")
}

func (d *inspectDocument) write(line func(name, format string, args ...any)) {
	how := "as a whole"
	if d.Chunks > 1 {
		how = fmt.Sprintf("in %d chunks of %d, neighbours sharing an eighth", d.Chunks, d.Chunk)
	}
	seconds := "seconds are not known: --tokens measures this machine"
	if d.Seconds > 0 {
		seconds = fmt.Sprintf("about %.3g s on this machine", d.Seconds)
	}
	line("document", "%d tokens %s: %s with the weights, %s", d.Tokens, how, memory.Format(d.Total), seconds)
	if d.State == nil {
		return
	}
	text := fmt.Sprintf("%s of the layers' state behind it", memory.Format(d.State.Bytes))
	if d.State.Needed > 0 {
		text += fmt.Sprintf(", %s of keys and values that are needed", memory.Format(d.State.Needed))
	}
	if d.State.TokensPerSecond > 0 {
		text += fmt.Sprintf("; then about %.3g tokens a second", d.State.TokensPerSecond)
	}
	line("decoding", "%s", text)
}
