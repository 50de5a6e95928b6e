package summarize

import (
	"slices"
	"strings"
)

// queryWeight is what all words of the query add to a score, in standard deviations. queryGain is what they add to the expected F1 of a
// summary for a sentence: more than the best sentence adds. nearGain is what likeness to the query adds, as an encoder reads it, for each
// standard deviation above the first.
const (
	queryWeight = 8
	queryGain   = 1
	nearGain    = 0.25
)

// headingShare is what a word of the query counts that stands in the title of a sentence's section alone.
const headingShare = 0.5

// questionWords are words of questions that say nothing of what is asked, as terms, beside commonWords.
var questionWords = func() map[string]bool {
	set := map[string]bool{}
	for _, w := range strings.Fields(`what who whom whose where when why how do does did doing done should would could will shall may
		might must there their they them these those he she his her its you your i me my our us if then than so but about
		into over out up down at been being
		am were had having any some all no one happen`) {
		set[stemOf([]byte(w))] = true
	}
	return set
}()

// askedTerms are the terms of the query that say what is asked. If all are common words, they are none.
func (t *Text) askedTerms() []int32 {
	return slices.DeleteFunc(slices.Clone(t.query), func(term int32) bool {
		return commonWords[t.names[term]] || questionWords[t.names[term]]
	})
}

// asked is the share of the weight of what is asked that each sentence has, with the words of its section's title at headingShare.
func (t *Text) asked() []float64 {
	terms, total := t.askedTerms(), 0.0
	shares := make([]float64, len(t.Sentences))
	for _, term := range terms {
		total += t.weights[term]
	}
	if total == 0 {
		return shares
	}
	inTitle := map[int][]int32{} // by section
	for i, s := range t.Sentences {
		titles, ok := inTitle[s.Section]
		if !ok {
			titles = t.termsOf(t.Document.Sections[s.Section].Title, terms)
			inTitle[s.Section] = titles
		}
		own, _ := t.row(i)
		for _, term := range terms {
			switch {
			case slices.Contains(own, term):
				shares[i] += t.weights[term] / total
			case slices.Contains(titles, term):
				shares[i] += headingShare * t.weights[term] / total
			}
		}
	}
	return shares
}

// termsOf are those of some terms that a text has.
func (t *Text) termsOf(text string, terms []int32) (found []int32) {
	var buffer []byte
	eachTerm(text, &buffer, func(word []byte) {
		name := stemOf(word)
		for _, term := range terms {
			if t.names[term] == name {
				found = append(found, term)
			}
		}
	})
	return found
}

// bonus is what each sentence adds to the expected F1 for the query.
func (t *Text) bonus() []float64 {
	bonus := t.asked()
	for i := range bonus {
		bonus[i] *= queryGain
	}
	if t.encoded != nil && t.encoded.query != nil {
		for i, v := range t.standardise(t.encoded.query) {
			bonus[i] += nearGain * max(0, v-1)
		}
	}
	return bonus
}

// ask raises the scores of sentences with words of the query.
func (r *Summary) ask() {
	t := r.text
	if t.Query == "" {
		return
	}
	found := false
	for i, share := range t.asked() {
		r.scores[i] += queryWeight * share
		found = found || share > 0
	}
	if !found {
		r.Notes = append(r.Notes, r.unasked())
	}
}
