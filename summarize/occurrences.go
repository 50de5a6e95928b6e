package summarize

// occurrence is a word of a sentence as the tokens first … last−1 of a reading.
type occurrence struct{ first, last int32 }

// occurrences are the words of every sentence, in the order of Text.sequence, as tokens. A word that no token of its own has, since a token
// crosses its border, has the token that it shares.
type occurrences struct {
	words []occurrence
	ends  []int // of the sentences, in words
}

// locate finds the tokens of the words of a text. Cost: linear in the text.
func (t *Text) locate(r *reading) *occurrences {
	o := &occurrences{}
	var buffer []byte
	at := 0
	for i, s := range t.Sentences {
		for at < len(r.tokens) && r.sentences[at] != int32(i) {
			at++
		}
		end := at
		for end < len(r.tokens) && r.sentences[end] == int32(i) {
			end++
		}
		next := at
		eachTermAt(s.Text, &buffer, func(_ []byte, from, to int) {
			for next < end-1 && int(r.places[next].To) <= from {
				next++
			}
			last := next
			for last < end && int(r.places[last].From) < to {
				last++
			}
			o.words = append(o.words, occurrence{int32(next), int32(max(last, next+1))})
		})
		o.ends = append(o.ends, len(o.words))
		at = end
	}
	return o
}

// sentence lists the words of a sentence.
func (o *occurrences) sentence(i int) []occurrence {
	from := 0
	if i > 0 {
		from = o.ends[i-1]
	}
	return o.words[from:o.ends[i]]
}

// tokenGroups are lists of tokens, end to end.
type tokenGroups struct {
	tokens  []int32
	lengths []int
}

// groups collects the tokens of terms and of pairs of neighbouring terms wherever they stand in the first sentences of a text: a group for
// each term, then one for each pair. A term or pair that does not stand there has an empty group.
func (t *Text) groups(o *occurrences, w wanted, sentences int) tokenGroups {
	ofTerm, ofPair := make(map[int32]int, len(w.terms)), make(map[gram]int, len(w.pairs))
	for g, term := range w.terms {
		ofTerm[term] = g
	}
	for g, pair := range w.pairs {
		ofPair[pair] = len(w.terms) + g
	}
	lists := make([][]int32, len(w.terms)+len(w.pairs))
	add := func(g int, w occurrence) {
		for k := w.first; k < w.last; k++ {
			lists[g] = append(lists[g], k)
		}
	}
	for i := range sentences {
		words, sequence := o.sentence(i), t.sequence(i)
		for k, term := range sequence {
			if g, ok := ofTerm[term]; ok {
				add(g, words[k])
			}
			if k == 0 {
				continue
			}
			if g, ok := ofPair[gram{sequence[k-1], term}]; ok {
				add(g, words[k-1])
				add(g, words[k])
			}
		}
	}
	var all tokenGroups
	for _, l := range lists {
		all.tokens, all.lengths = append(all.tokens, l...), append(all.lengths, len(l))
	}
	return all
}

// byToken lists the groups of each token: those of token i are of[starts[i]:starts[i+1]].
func (g tokenGroups) byToken(tokens int) (starts []int, of []int32) {
	starts, of = make([]int, tokens+1), make([]int32, len(g.tokens))
	for _, t := range g.tokens {
		starts[t+1]++
	}
	for i := range tokens {
		starts[i+1] += starts[i]
	}
	next, at := append([]int(nil), starts...), 0
	for group, n := range g.lengths {
		for _, t := range g.tokens[at : at+n] {
			of[next[t]] = int32(group)
			next[t]++
		}
		at += n
	}
	return starts, of
}

// addMeans adds to the vector of each group the mean of the rows of its tokens.
func (g tokenGroups) addMeans(vectors []float32, width int, row func(token int32) []float32) {
	at := 0
	for group, n := range g.lengths {
		for _, t := range g.tokens[at : at+n] {
			addRow(vectors[group*width:(group+1)*width], row(t), 1/float32(n))
		}
		at += n
	}
}
