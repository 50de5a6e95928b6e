package beam

import (
	"math"
	"slices"
)

var negativeInfinity = float32(math.Inf(-1))

// logSoftmax replaces logits by their log-probabilities.
func logSoftmax(row []float32) {
	top := slices.Max(row)
	if top == negativeInfinity { // nothing may come: there is no distribution
		return
	}
	sum := 0.0
	for _, v := range row {
		sum += math.Exp(float64(v - top))
	}
	log := float32(math.Log(sum))
	for i, v := range row {
		row[i] = v - top - log
	}
}

// process changes the scores of the token after a sequence, in the order of transformers: a later rule sees what an earlier one wrote.
func (s *Search) process(sequence []int32, scores []float32) {
	c := &s.c
	if c.RepetitionPenalty != 1 {
		penalise(scores, sequence, float32(c.RepetitionPenalty))
	}
	ban := func(token int32) {
		if token >= 0 && int(token) < len(scores) { // a source may have tokens of another vocabulary
			scores[token] = negativeInfinity
		}
	}
	if n := c.NoRepeatNgram; n > 0 {
		followers(sequence, sequence, n, ban)
	}
	if n := c.SourceNoRepeatNgram; n > 0 {
		followers(s.source, sequence, n, ban)
	}
	for _, word := range c.BadWords {
		s.banWord(word, sequence, ban)
	}
	if len(sequence) < s.min {
		each(c.Ends, ban)
	}
	s.force(sequence, scores)
	s.decay(sequence, scores)
	each(c.Suppressed, ban)
	if len(sequence) == s.firstAt {
		each(c.SuppressedFirst, ban)
	}
	if c.Renormalise {
		logSoftmax(scores)
	}
}

func each(ids []int32, f func(int32)) {
	for _, id := range ids {
		f(id)
	}
}

// penalise makes the tokens of a text less probable by a factor above 1, each once.
func penalise(scores []float32, text []int32, factor float32) {
	changed := make(map[int32]bool, len(text))
	for _, t := range text {
		if changed[t] || t < 0 || int(t) >= len(scores) {
			continue
		}
		changed[t] = true
		if v := scores[t]; v < 0 {
			scores[t] = v * factor
		} else {
			scores[t] = v / factor
		}
	}
}

// followers calls f with each token that ends an n-gram of text whose first n−1 tokens are the last ones of the sequence. The cost is a
// pass over the text.
func followers(text, sequence []int32, n int, f func(int32)) {
	if len(sequence) < n-1 {
		return
	}
	tail := sequence[len(sequence)-(n-1):]
	for i := n - 1; i < len(text); i++ {
		if slices.Equal(text[i-(n-1):i], tail) {
			f(text[i])
		}
	}
}

// banWord bans the last token of a bad word where the sequence ends with the others. An end alone is no bad word, and the sequence must be
// as long as the word.
func (s *Search) banWord(word, sequence []int32, ban func(int32)) {
	last := len(word) - 1
	switch {
	case last == 0 && !slices.Contains(s.c.Ends, word[0]):
		ban(word[0])
	case last > 0 && len(word) <= len(sequence) && slices.Equal(sequence[len(sequence)-last:], word[:last]):
		ban(word[last])
	}
}

// force leaves the tokens alone that must come first or last.
func (s *Search) force(sequence []int32, scores []float32) {
	only := func(ids ...int32) {
		for i := range scores {
			scores[i] = negativeInfinity
		}
		each(ids, func(id int32) { scores[id] = 0 })
	}
	if s.c.ForcedFirst != nil && len(sequence) == 1 {
		only(*s.c.ForcedFirst)
	}
	if len(s.c.ForcedLast) > 0 && len(sequence) == s.max-1 {
		only(s.c.ForcedLast...)
	}
}

// decay makes ends more probable with every token.
func (s *Search) decay(sequence []int32, scores []float32) {
	d := s.c.Decay
	if d == nil || len(sequence) <= d.After+s.prompt {
		return
	}
	more := float32(math.Pow(d.Factor, float64(len(sequence)-d.After-s.prompt)) - 1)
	each(s.c.Ends, func(id int32) {
		if v := scores[id]; v != negativeInfinity {
			scores[id] = v + float32(math.Abs(float64(v)))*more
		}
	})
}
