// Package summarize quotes from a long document the sentences that say most of it, whole and in their order.
//
// A [Scorer] gives each sentence a score; sentences are chosen by it, each as unlike those before as can be, until the summary is as long
// as asked. The embedded scorer reads features alone: places, sections, lengths, words, and likeness to the rest. It learned from papers
// and proposals in English ([docs/summaries.md] says how well). Documents of any length are read whole, in time and memory that grow with
// the length.
//
// [docs/summaries.md]: https://github.com/longspan/longspan/blob/main/docs/summaries.md
package summarize

import (
	"context"
	"fmt"
	"math"

	"github.com/longspan/longspan/document"
	"github.com/longspan/longspan/document/sentences"
)

// Summarizer makes summaries. Any number of goroutines may share it.
type Summarizer struct {
	scorer      Scorer
	frequencies *Frequencies
}

// Open returns a Summarizer with the scorer of a file that [Features.Save] or [Hierarchical.Save] has written, or with the embedded one
// if path is empty. If path names a model, as a folder, a GGUF file or a repo of the hub's cache, its scorer is an [Encoder]; then Close
// closes the model.
func Open(path string) (*Summarizer, error) {
	if IsEncoder(path) {
		return openEncoder(path, EncoderOptions{})
	}
	if path != "" {
		return openAs(path, scorerOf)
	}
	m, err := Default()
	if err != nil {
		return nil, err
	}
	return &Summarizer{m, m.frequencies}, nil
}

// With returns a Summarizer with another scorer, and the frequencies of words of s.
func (s *Summarizer) With(scorer Scorer) *Summarizer { return &Summarizer{scorer, s.frequencies} }

// Options say what a summary is to be. The zero value asks for 150 words.
type Options struct {
	Budget
	// Query is what the reader wants to know. Sentences with its words come first; the scorer decides among them and fills the rest. An
	// encoder likes sentences that are like it, too.
	Query string
	// Threads is the number of threads; 0: all processors. Summaries do not depend on it.
	Threads int
	// Progress is told of the bytes that an encoder has read, of all. Nil: nobody is.
	Progress func(done, all int64)
}

// Summary is the result.
type Summary struct {
	Name      string   `json:"name"`
	Title     string   `json:"title,omitempty"`
	Sentences []Chosen `json:"sentences"` // in the order of the document
	Words     int      `json:"words"`
	Read      Read     `json:"read"`
	Notes     []string `json:"notes,omitempty"`

	text   *Text
	scores []float64
	chosen map[int]bool
}

// Chosen is a sentence of a summary.
type Chosen struct {
	Text    string  `json:"text"`
	From    int64   `json:"from"` // the bytes of the source
	To      int64   `json:"to"`
	Index   int     `json:"index"`             // of the sentence in the document, from 0
	Section string  `json:"section,omitempty"` // its title
	Score   float64 `json:"score"`             // in standard deviations above the mean of the document
}

// Read is what was read of the document: all of it.
type Read struct {
	Bytes     int64 `json:"bytes"`
	Sentences int   `json:"sentences"`
	Words     int   `json:"words"`
	Tokens    int   `json:"tokens"` // terms that the scorer weighed, or tokens that the encoder read, each once
}

// Summarize makes a summary of a document. It returns an error if the document has no sentences, or none that fits into the budget. Cost:
// linear in the document, and again for each sentence that is chosen.
func (s *Summarizer) Summarize(ctx context.Context, d *document.Document, o Options) (*Summary, error) {
	if o.Words < 0 || o.Budget.Sentences < 0 {
		return nil, fmt.Errorf("found %d words and %d sentences, expected positive numbers", o.Words, o.Budget.Sentences)
	}
	if o.Budget == (Budget{}) {
		o.Words = DefaultWords
	}
	t, err := newText(ctx, d, o.Query, s.frequencies)
	if err != nil {
		return nil, err
	}
	if len(t.Sentences) == 0 {
		return nil, fmt.Errorf("%s: found no sentences, %s", d.Name, blockCount(d))
	}
	r := &Summary{Name: d.Name, Title: d.Title, text: t, chosen: map[int]bool{}, Notes: append([]string(nil), d.Notes...)}
	r.Read = Read{Bytes: d.Size, Sentences: len(t.Sentences), Tokens: len(t.order)}
	for _, x := range t.Sentences {
		r.Read.Words += x.Words
	}
	r.notes(s.foreignNote())
	t.progress, t.threads = o.Progress, o.Threads
	scores, err := t.scores(ctx, s.scorer)
	if err != nil {
		return nil, err
	}
	r.tell()
	r.scores = t.standardise(scores)
	r.ask()
	chosen, err := t.summary(ctx, s.scorer, scores, r.scores, o.Budget)
	if err != nil {
		return nil, err
	}
	if t.tokens > 0 {
		r.Read.Tokens = t.tokens
	}
	return r, r.take(chosen, o.Budget)
}

// take takes the sentences of the summary.
func (r *Summary) take(chosen []int, b Budget) error {
	t := r.text
	for _, i := range chosen {
		x := t.Sentences[i]
		r.chosen[i] = true
		r.Words += x.Words
		r.Sentences = append(r.Sentences, Chosen{x.Text, x.From, x.To, i, t.Document.Sections[x.Section].Title, r.scores[i]})
	}
	if len(r.Sentences) > 0 {
		return nil
	}
	shortest := math.MaxInt
	for _, x := range t.Sentences {
		if x.Candidate {
			shortest = min(shortest, x.Words)
		}
	}
	return fmt.Errorf("%s: found no sentence of at most %d words, the shortest that can be quoted has %d; ask for at least so many",
		r.Name, b.Words, shortest)
}

// notes says what the reader should know of how the text was read, and opens all sentences where none has the usual length. foreign is the
// note for text that is not English prose.
func (r *Summary) notes(foreign string) {
	t := r.text
	candidates, pieces := 0, 0
	for _, s := range t.Sentences {
		if s.Candidate {
			candidates++
		}
		if s.Piece {
			pieces++
		}
	}
	if pieces > 0 {
		r.Notes = append(r.Notes, fmt.Sprintf("sentences of more than %d words are read in pieces: %d pieces", MostWords, pieces))
	}
	if candidates == 0 {
		for i := range t.Sentences {
			t.Sentences[i].Candidate = true
		}
		r.Notes = append(r.Notes, fmt.Sprintf("no sentence is as usual, with %d to %d words and an end: any may be quoted", FewestWords,
			MostWords))
	}
	if len(t.Sentences) == 1 {
		r.Notes = append(r.Notes, "the document has one sentence")
	}
	if t.foreign {
		r.Notes = append(r.Notes, foreign)
	}
}

// blockCount says what a document has.
func blockCount(d *document.Document) string {
	headings, others := 0, 0
	for _, b := range d.Blocks {
		if b.Kind == document.Heading {
			headings++
		} else {
			others++
		}
	}
	if headings+others == 0 {
		return "only characters that are no letters and no digits; expected sentences with words"
	}
	return fmt.Sprintf("only %d headings and %d blocks of code and rows of tables", headings, others)
}

// ScoredSentence is a sentence of the document with its score.
type ScoredSentence struct {
	Sentence
	Score  float64 // in standard deviations above the mean of the document
	Chosen bool
}

// All yields every sentence of the document in order, with its score.
func (r *Summary) All(yield func(int, ScoredSentence) bool) {
	for i, s := range r.text.Sentences {
		if !yield(i, ScoredSentence{s, r.scores[i], r.chosen[i]}) {
			return
		}
	}
}

// Words counts the words of a text, as budgets do.
func Words(text string) int { return sentences.Words(text) }
