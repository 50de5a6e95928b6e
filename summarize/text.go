package summarize

import (
	"context"
	"fmt"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/longspan/longspan/document"
	"github.com/longspan/longspan/document/sentences"
)

// Text is a document that is ready to be scored: its sentences with their terms.
type Text struct {
	Document  *document.Document
	Sentences []Sentence
	Query     string // what is asked; empty: nothing

	vectors             // unit vectors of the sentences, by tf·idf
	order     []int32   // the terms of the sentences as they follow each other
	orderEnds []int     // of the sentences, in order
	names     []string  // of the terms
	weights   []float64 // idf of each term
	title     []int32   // terms of the title, each once
	headings  []int32   // terms of the titles of sections, each once
	query     []int32   // terms of the query, each once
	foreign   bool      // the text is not English prose

	measured  *measured // for features; nil: not yet
	encoded   *encoded  // by an encoder; nil: none has read the text
	threads   int       // to score with; 0: all processors
	tokens    int       // that a tokenizer made of the text; 0: none has
	progress  func(done, all int64)
	unitBytes int64 // of all that an encoder reads
}

// Sentence is a sentence of a text.
type Sentence struct {
	document.Sentence
	Words int
	// Candidate reports whether the sentence may be in a summary: it has 5 to 80 words and more letters than other characters, is no part
	// of a longer one, stands in no caption, footnote or list of references, and if it is of a paragraph, ends as a sentence does. Titles
	// and names of authors that lie in paragraphs do not.
	Candidate bool
}

// The words of a sentence that may be in a summary. Shorter ones are mostly headings and captions, longer ones lists or code.
const (
	FewestWords = 5
	MostWords   = 80
)

// vectors are sparse rows.
type vectors struct {
	terms  []int32
	values []float32
	ends   []int
	size   int // number of different terms
}

// row is the vector of sentence i.
func (v *vectors) row(i int) ([]int32, []float32) {
	from := 0
	if i > 0 {
		from = v.ends[i-1]
	}
	return v.terms[from:v.ends[i]], v.values[from:v.ends[i]]
}

// mostSentences bounds the memory, some 700 bytes a sentence, where every few bytes are a sentence. 200 MB of prose have as many.
const mostSentences = 1 << 21

// checkSentences refuses more sentences than that.
func checkSentences(name string, n int) error {
	if n <= mostSentences {
		return nil
	}
	return fmt.Errorf("%s: found %d sentences, expected at most %d; split the document", name, n, mostSentences)
}

// newText splits a document and weighs its terms. Cost: linear in the document.
func newText(ctx context.Context, d *document.Document, query string, idf *Frequencies) (*Text, error) {
	all := d.Sentences(sentences.Options{MostWords: MostWords})
	if err := checkSentences(d.Name, len(all)); err != nil {
		return nil, err
	}
	return textOf(ctx, d, all, query, idf)
}

// textOf weighs the terms of sentences of a document.
func textOf(ctx context.Context, d *document.Document, all []document.Sentence, query string, idf *Frequencies) (*Text, error) {
	t := &Text{Document: d, Query: query}
	vocabulary := newVocabulary()
	references := referenceSections(d)
	var counts []counted
	for i, s := range all {
		if i%4096 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		words := sentences.Words(s.Text)
		candidate := mayQuote(&s, words, d.Blocks[s.Block].Kind) && !references[s.Section]
		t.Sentences = append(t.Sentences, Sentence{s, words, candidate})
		vocabulary.each(s.Text, func(term int32) { t.order = append(t.order, term) })
		t.orderEnds = append(t.orderEnds, len(t.order))
		counts = vocabulary.count(counts[:0], t.sequence(i))
		for _, c := range counts {
			t.terms = append(t.terms, c.term)
			t.values = append(t.values, float32(c.n))
		}
		t.ends = append(t.ends, len(t.terms))
	}
	t.title = vocabulary.unique(d.Title)
	t.query = vocabulary.unique(query)
	t.headings = vocabulary.unique(headings(d))
	t.size, t.names = len(vocabulary.names), vocabulary.names
	t.weigh(vocabulary, idf)
	return t, nil
}

// mayQuote reports whether a sentence of a block of a kind may be in a summary, wherever it stands.
func mayQuote(s *document.Sentence, words int, kind document.Kind) bool {
	switch {
	case words < FewestWords, words > MostWords, s.Piece, kind == document.Paragraph && !ended(s.Text), kind == document.Caption,
		kind == document.Note:
		return false
	}
	letters, others := 0, 0
	for _, r := range s.Text {
		switch {
		case unicode.IsLetter(r):
			letters++
		case r != ' ':
			others++
		}
	}
	return letters > others
}

// ended reports text that ends as a sentence does, before quotes, brackets and the numbers of notes.
func ended(text string) bool {
	text = strings.TrimRight(text, "\"')]}”’»」』0123456789,[")
	last, _ := utf8.DecodeLastRuneInString(text)
	return last == '…' || unicode.Is(unicode.Sentence_Terminal, last)
}

// headings are the titles of the sections.
func headings(d *document.Document) string {
	var b strings.Builder
	for _, s := range d.Sections {
		b.WriteString(s.Title)
		b.WriteByte('\n')
	}
	return b.String()
}

// sequence is the terms of sentence i as they follow each other.
func (t *Text) sequence(i int) []int32 {
	from := 0
	if i > 0 {
		from = t.orderEnds[i-1]
	}
	return t.order[from:t.orderEnds[i]]
}

// weigh makes unit vectors of the counts: (1 + log tf)·idf.
func (t *Text) weigh(v *vocabulary, idf *Frequencies) {
	t.weights = make([]float64, t.size)
	for term, name := range v.names {
		t.weights[term] = idf.Of(name)
	}
	if t.foreign = t.isForeign(); t.foreign {
		t.weighByDocument()
	}
	for i := range t.Sentences {
		terms, values := t.row(i)
		sum := 0.0
		for k, term := range terms {
			w := (1 + math.Log(float64(values[k]))) * t.weights[term]
			values[k] = float32(w)
			sum += w * w
		}
		if sum > 0 {
			scale := float32(1 / math.Sqrt(sum))
			for k := range values {
				values[k] *= scale
			}
		}
	}
}

// lines are sentences with a line each, as ROUGE-Lsum reads them.
func (t *Text) lines(of []int) string {
	lines := make([]string, len(of))
	for k, i := range of {
		lines[k] = t.Sentences[i].Text
	}
	return strings.Join(lines, "\n")
}

// scatter adds a sentence's vector, times scale, to a dense vector.
func (v *vectors) scatter(dense []float64, i int, scale float64) {
	terms, values := v.row(i)
	for k, term := range terms {
		dense[term] += scale * float64(values[k])
	}
}

// unscatter clears what scatter has set in a vector of zeros.
func (v *vectors) unscatter(dense []float64, i int) {
	terms, _ := v.row(i)
	for _, term := range terms {
		dense[term] = 0
	}
}

// dot is the product of a sentence's vector and a dense one.
func (v *vectors) dot(dense []float64, i int) (sum float64) {
	terms, values := v.row(i)
	for k, term := range terms {
		sum += float64(values[k]) * dense[term]
	}
	return sum
}

// cosines returns the cosine of each sentence with the sum of some.
func (t *Text) cosines(of []int) []float64 {
	dense := make([]float64, t.size)
	for _, i := range of {
		t.scatter(dense, i, 1)
	}
	norm := 0.0
	for _, v := range dense {
		norm += v * v
	}
	out := make([]float64, len(t.Sentences))
	if norm == 0 {
		return out
	}
	norm = math.Sqrt(norm)
	for i := range out {
		out[i] = t.dot(dense, i) / norm
	}
	return out
}

// advance tells how much of the text has been read, done of all pieces.
func (t *Text) advance(done, all int) {
	if t.progress != nil {
		t.progress(t.Document.Size*int64(done)/int64(all), t.Document.Size)
	}
}
