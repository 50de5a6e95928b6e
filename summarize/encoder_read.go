package summarize

import (
	"context"
	"fmt"
	"math"
	"sort"

	"github.com/longspan/longspan/model"
)

// encoded is what an encoder found in a text.
type encoded struct {
	by       *Encoder
	centroid []float32 // cosine of each sentence with the mean of those that may be quoted
	title    []float32 // with the title; nil: there is none
	query    []float32 // with what is asked; nil: nothing
	tokens   int       // of the text that the encoder has read, each once
	unknown  int       // of them, that its tokenizer does not know; counted of foreign text alone
}

// read reads a text. Its memory is that of a stretch, and of a vector for each sentence.
func (e *Encoder) read(ctx context.Context, t *Text) (*encoded, error) {
	width, n := e.width(), len(t.Sentences)
	if int64(n)*int64(width) > mostVectorNumbers {
		return nil, fmt.Errorf("%s: found %d sentences, whose vectors of %d numbers take %d MiB, expected at most %d MiB; split the document, "+
			"or use the scorer in the program", t.Document.Name, n, width, int64(n)*int64(width)>>18, mostVectorNumbers>>18)
	}
	r := &encoderRun{e: e, t: t, s: e.session(t), vectors: make([]float32, n*width), width: width, found: &encoded{by: e}}
	for _, part := range t.stretches(stretchBytes, e.border()) {
		if err := r.stretch(ctx, part); err != nil {
			return nil, err
		}
	}
	return r.found, r.compare(ctx)
}

// mostVectorNumbers bounds the memory of vectors: 1 GiB, as 700,000 sentences of a small encoder.
const mostVectorNumbers = 1 << 28

// width is the length of a vector.
func (e *Encoder) width() int {
	s := e.model.Spec()
	if s.Head.Kind == model.Embed {
		return s.Outputs()
	}
	return s.Width
}

// encoderRun is the reading of a text.
type encoderRun struct {
	e       *Encoder
	t       *Text
	s       *model.Session
	vectors []float32 // a row a sentence, of length 1, or zeros where a sentence has no tokens
	width   int
	done    int64 // bytes of stretches
	found   *encoded
}

func (r *encoderRun) row(i int) []float32 { return r.vectors[i*r.width : (i+1)*r.width] }

// options are those of a pass. Vectors are of length 1.
func (r *encoderRun) options(prompt string, ends []int) model.EmbedOptions {
	one := true
	return model.EmbedOptions{ReadOptions: r.e.reading(), Pooling: "mean", Normalise: &one, Prompt: prompt,
		Passages: model.PassagesAt(func(string) []int { return ends })}
}

// stretch reads a part of the text and keeps the vectors of its sentences.
func (r *encoderRun) stretch(ctx context.Context, part stretch) error {
	w := r.t.write(part)
	o := r.options(r.e.document, w.ends)
	if r.t.progress != nil {
		o.Progress = func(done, all int64) {
			r.t.progress(r.done+int64(float64(part.bytes)*float64(done)/float64(all)), r.t.unitBytes)
		}
	}
	made, err := r.s.Embed(ctx, []string{w.text}, o)
	if err != nil {
		return fmt.Errorf("%s: %w", r.t.Document.Name, err)
	}
	r.done += part.bytes
	for _, v := range made[0].Vectors {
		// A vector is that of the passages within its bytes: several where the tokenizer leaves out some.
		first := sort.Search(len(w.passages), func(k int) bool { return w.passages[k].from >= v.From })
		for k := first; k < len(w.passages) && w.passages[k].to <= v.To; k++ {
			if p := w.passages[k]; p.kept && p.sentence >= 0 {
				copy(r.row(p.sentence), v.Vector)
			}
		}
		if first < len(w.passages) && w.passages[first].kept {
			r.found.tokens += v.Tokens
		}
	}
	return r.countUnknown(w)
}

// countUnknown counts the tokens of foreign text that stand for characters that the tokenizer does not know.
func (r *encoderRun) countUnknown(w written) error {
	t := r.e.model.Tokenizer()
	unknown := t.Specials().Unknown
	if !r.t.foreign || unknown < 0 {
		return nil
	}
	encoding, err := t.Encode(w.text[w.keptFrom:w.keptTo])
	if err != nil {
		return err
	}
	for _, id := range encoding.IDs {
		if id == unknown {
			r.found.unknown++
		}
	}
	return nil
}

// compare computes the cosines with the centroid, the title and the query.
func (r *encoderRun) compare(ctx context.Context) (err error) {
	centroid := make([]float32, r.width)
	sum := make([]float64, r.width)
	for i, s := range r.t.Sentences {
		if s.Candidate {
			for j, v := range r.row(i) {
				sum[j] += float64(v)
			}
		}
	}
	norm := 0.0
	for _, v := range sum {
		norm += v * v
	}
	for j, v := range sum {
		centroid[j] = float32(v / max(math.Sqrt(norm), math.SmallestNonzeroFloat32))
	}
	r.found.centroid = r.cosines(centroid)
	if r.found.title, err = r.cosinesWith(ctx, r.e.document, r.t.Document.Title); err != nil {
		return err
	}
	r.found.query, err = r.cosinesWith(ctx, r.e.query, r.t.Query)
	return err
}

// cosinesWith are the cosines of the sentences with another text; nil: it is empty, or the tokenizer leaves all of it out.
func (r *encoderRun) cosinesWith(ctx context.Context, prompt, text string) ([]float32, error) {
	tokens, err := r.e.model.Tokenizer().Encode(text)
	if err != nil || len(tokens.IDs) == 0 {
		return nil, err
	}
	made, err := r.s.Embed(ctx, []string{text}, r.options(prompt, []int{len(text)}))
	if err != nil {
		return nil, err
	}
	return r.cosines(made[0].Vectors[0].Vector), nil
}

// cosines are those of the sentences with a vector of length 1.
func (r *encoderRun) cosines(with []float32) []float32 {
	out := make([]float32, len(r.t.Sentences))
	for i := range out {
		sum := 0.0
		for j, v := range r.row(i) {
			sum += float64(v) * float64(with[j])
		}
		out[i] = float32(sum)
	}
	return out
}
