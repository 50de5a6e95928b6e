package summarize

import "fmt"

// foreignNote says how text is scored that is not English prose.
func (s *Summarizer) foreignNote() string {
	const begin = "this does not look like English prose: words are weighed by this document alone, and "
	if _, ok := s.scorer.(interface{ isEncoder() }); ok {
		return begin + "the vectors of the encoder score, without the features, which learned from English papers; the encoder's makers say " +
			"what languages it knows"
	}
	return begin + "the scorer, which learned from English papers, is untrained for it"
}

func (e *Encoder) isEncoder() {}

// mostUnknown is the share of tokens of foreign text that an encoder may not know without a note.
const mostUnknown = 0.05

// tell adds what an encoder has to say of its reading.
func (r *Summary) tell() {
	e := r.text.encoded
	if e == nil {
		return
	}
	r.Read.Tokens = e.tokens
	if float64(e.unknown) > mostUnknown*float64(e.tokens) {
		r.Notes = append(r.Notes, fmt.Sprintf("the encoder's tokenizer does not know %d of the %d tokens: it was not made for this language, "+
			"and its scores mean little", e.unknown, e.tokens))
	}
}

// unasked says that a query has no effect, or has it by its meaning alone.
func (r *Summary) unasked() string {
	if e := r.text.encoded; e != nil && e.query != nil {
		return fmt.Sprintf("no sentence has a word of the query %q: sentences are chosen by their likeness to it, as the encoder reads them; "+
			"they need not answer it", r.text.Query)
	}
	if len(r.text.askedTerms()) == 0 {
		return fmt.Sprintf("the query %q has only common words: it changes nothing; name what you want to know", r.text.Query)
	}
	return fmt.Sprintf("no sentence has a word of the query %q: it changes nothing", r.text.Query)
}
