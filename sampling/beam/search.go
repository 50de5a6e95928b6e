package beam

import (
	"errors"
	"fmt"
	"math"
	"slices"
)

// hidden is the score of a sequence that does not count: below those that do, and above −∞. Float32 sums with it lose the other summand.
const hidden = -1e9

// hypothesis is a sequence with its score: Σ log p while it runs, and with the length penalty when it has finished.
type hypothesis struct {
	tokens   []int32 // with those of the prompt
	score    float32
	finished bool
}

// Move says what a beam of the next step is: a beam of this step with one more token.
type Move struct {
	Parent int
	Token  int32
}

// Sequence is a result of a search.
type Sequence struct {
	Tokens []int32 // the new ones, with the one that ended the sequence
	Score  float64 // Σ log p / n^LengthPenalty, in nats, of the changed log-probabilities
	Ended  bool    // by one of the ends; otherwise it has the longest length
}

// Search is a search under way. It is used by one goroutine at a time.
type Search struct {
	c                Config
	vocab            int
	prompt, max, min int     // tokens
	firstAt          int     // length of the sequence before the first token that is free
	source           []int32 // of an encoder-decoder
	running          []hypothesis
	finished         []hypothesis // as many as beams, by falling score
	done             bool
	scores           [][]float32 // scratch [beams][vocab]
}

// New begins a search after a prompt: for an encoder-decoder the tokens that its target begins with, and its source. It returns an error
// for settings that Check refuses, and where the longest length leaves no room for a token.
func New(c Config, vocab int, prompt, source []int32) (*Search, error) {
	if err := c.Check(vocab); err != nil {
		return nil, err
	}
	if len(prompt) == 0 {
		return nil, errors.New("beam: found an empty prompt, expected at least one token")
	}
	for _, t := range prompt {
		if t < 0 || int(t) >= vocab {
			return nil, fmt.Errorf("beam: found the token %d in the prompt, expected 0 to %d", t, vocab-1)
		}
	}
	s := &Search{c: c, vocab: vocab, prompt: len(prompt), max: c.MaxLength, min: c.MinLength, firstAt: len(prompt), source: source}
	if c.MaxNew > 0 {
		s.max = len(prompt) + c.MaxNew
	}
	if c.MinNew > 0 {
		s.min = len(prompt) + c.MinNew
	}
	if len(prompt) == 1 && c.ForcedFirst != nil {
		s.firstAt++
	}
	if s.max <= len(prompt) {
		return nil, fmt.Errorf("beam: found the longest length %d for a prompt of %d tokens, expected more; raise max_length, or set "+
			"max_new_tokens", s.max, len(prompt))
	}
	for i := range c.Beams {
		// Beams begin alike. All but the first are hidden, so that they do not all take the same tokens.
		h := hypothesis{tokens: slices.Clone(prompt), score: hidden}
		if i == 0 {
			h.score = 0
		}
		s.running = append(s.running, h)
		s.finished = append(s.finished, hypothesis{score: hidden})
		s.scores = append(s.scores, make([]float32, vocab))
	}
	return s, nil
}

// Beams is the number of beams: of the logits of each step but the first, and of its moves.
func (s *Search) Beams() int { return s.c.Beams }

// Done reports whether the search has ended.
func (s *Search) Done() bool { return s.done }

// Longest is the largest number of new tokens.
func (s *Search) Longest() int { return s.max - s.prompt }

// length is the number of new tokens of the running beams.
func (s *Search) length() int { return len(s.running[0].tokens) - s.prompt }

// Next takes the logits of the token after each beam, [beams][vocab], which stay as they are; those after the prompt alone may come once
// for all beams. It returns the moves of all beams, unless the search is done with this step. It returns an error if a logit is NaN or +∞.
//
// The cost is some passes over the logits, with an exponential for each.
func (s *Search) Next(logits [][]float32) ([]Move, error) {
	if s.done {
		return nil, errors.New("beam: found a step of a search that is done, expected none; read Best")
	}
	once := len(logits) == 1 && s.length() == 0
	if len(logits) != s.c.Beams && !once {
		return nil, fmt.Errorf("beam: found logits of %d beams, expected %d", len(logits), s.c.Beams)
	}
	for i, row := range logits {
		if err := s.check(row); err != nil {
			return nil, err
		}
		copy(s.scores[i], row)
	}
	if s.c.Beams == 1 {
		return s.greedy(), nil
	}
	for i := range logits {
		logSoftmax(s.scores[i])
		s.process(s.running[i].tokens, s.scores[i])
	}
	scores := s.scores
	if once {
		scores = slices.Repeat(s.scores[:1], s.c.Beams)
	}
	return s.advance(s.best(scores)), nil
}

// check refuses logits that no distribution follows from.
func (s *Search) check(row []float32) error {
	if len(row) != s.vocab {
		return fmt.Errorf("beam: found %d logits, expected %d, one for each token", len(row), s.vocab)
	}
	for i, v := range row {
		if v != v || v > math.MaxFloat32 {
			return fmt.Errorf("beam: the logit of token %d is %g", i, v)
		}
	}
	return nil
}

// greedy takes the most probable token. The rules change logits here, and log-probabilities otherwise: so does transformers. The score is
// that of the unchanged log-probabilities.
func (s *Search) greedy() []Move {
	h, scores := &s.running[0], s.scores[0]
	plain := slices.Clone(scores)
	logSoftmax(plain)
	s.process(h.tokens, scores)
	token := int32(0)
	for i, v := range scores {
		if v > scores[token] {
			token = int32(i)
		}
	}
	h.tokens, h.score = append(h.tokens, token), h.score+plain[token]
	if !s.ends(token, len(h.tokens)) {
		return []Move{{0, token}}
	}
	s.done = true
	s.finished[0] = hypothesis{h.tokens, h.score / s.penalty(s.length()), true}
	return nil
}

// ends reports whether a sequence of that length is finished by its last token.
func (s *Search) ends(token int32, length int) bool {
	return length >= s.max || slices.Contains(s.c.Ends, token)
}

func (s *Search) penalty(length int) float32 {
	return float32(math.Pow(float64(length), s.c.LengthPenalty))
}

// candidate is a running beam with one more token.
type candidate struct {
	Move
	score float32 // Σ log p
	ends  bool
}

// best are the best candidates of all beams, by falling score. There are so many that as many as beams go on if all others end.
func (s *Search) best(scores [][]float32) []candidate {
	keep := max(2, 1+len(s.c.Ends)) * s.c.Beams
	top := topK{k: keep}
	for i, row := range scores {
		sum := s.running[i].score
		for token, v := range row {
			top.offer(sum+v, i*s.vocab+token)
		}
	}
	all := make([]candidate, 0, keep)
	length := len(s.running[0].tokens) + 1
	for i, at := range top.at {
		m := Move{at / s.vocab, int32(at % s.vocab)}
		all = append(all, candidate{m, top.scores[i], s.ends(m.Token, length)})
	}
	return all
}

// advance makes the beams of the next step and the finished sequences.
func (s *Search) advance(all []candidate) []Move {
	running := topK{k: s.c.Beams}
	stuck := true
	for i, c := range all {
		stuck = stuck && c.ends
		if c.ends {
			c.score += hidden
		}
		running.offer(c.score, i)
	}
	s.finish(all)
	next, moves := make([]hypothesis, 0, s.c.Beams), make([]Move, 0, s.c.Beams)
	for i, at := range running.at {
		next, moves = append(next, s.extend(all[at], running.scores[i])), append(moves, all[at].Move)
	}
	s.running = next
	full := !slices.ContainsFunc(s.finished, func(h hypothesis) bool { return !h.finished })
	s.done = stuck || !s.canImprove(full) || full && s.c.Early == EarlyOn
	if s.done {
		return nil
	}
	return moves
}

func (s *Search) extend(c candidate, score float32) hypothesis {
	parent := s.running[c.Parent].tokens
	return hypothesis{tokens: append(slices.Clone(parent), c.Token), score: score}
}

// finish puts the candidates that end among the finished sequences. Only the first ones, as many as beams, count: the others are there so
// that enough beams go on.
func (s *Search) finish(all []candidate) {
	merged, penalty := topK{k: s.c.Beams}, s.penalty(s.length()+1)
	for i, h := range s.finished {
		merged.offer(h.score, i)
	}
	for i, c := range all {
		score := c.score / penalty
		if !c.ends || i >= s.c.Beams {
			score += hidden
		}
		merged.offer(score, s.c.Beams+i)
	}
	finished := make([]hypothesis, 0, s.c.Beams)
	for i, at := range merged.at {
		if at < s.c.Beams {
			finished = append(finished, s.finished[at])
			continue
		}
		at -= s.c.Beams
		h := s.extend(all[at], merged.scores[i])
		h.finished = all[at].ends && at < s.c.Beams
		finished = append(finished, h)
	}
	s.finished = finished
}

// canImprove estimates whether the best running beam may become better than the worst finished sequence.
func (s *Search) canImprove(full bool) bool {
	length := s.length()
	if s.c.Early == EarlyNever && s.c.LengthPenalty > 0 {
		length = s.max - s.prompt
	}
	worst := float32(hidden)
	if full {
		worst = s.finished[len(s.finished)-1].score
	}
	return s.running[0].score/s.penalty(length) > worst
}

// Best returns the best finished sequences, by falling score: Config.Sequences of them, or fewer where the rules left fewer. Before Done it
// returns those that have finished so far.
func (s *Search) Best() []Sequence {
	var all []Sequence
	for _, h := range s.finished {
		if h.finished && len(all) < s.c.Sequences {
			all = append(all, s.sequence(h))
		}
	}
	return all
}

func (s *Search) sequence(h hypothesis) Sequence {
	tokens := h.tokens[s.prompt:]
	return Sequence{Tokens: tokens, Score: float64(h.score), Ended: slices.Contains(s.c.Ends, tokens[len(tokens)-1])}
}

// Running is the best beam that has not finished, for a caller that ends a search early. Its score has the length penalty.
func (s *Search) Running() Sequence {
	h := s.running[0]
	if n := s.length(); n > 0 {
		return Sequence{Tokens: h.tokens[s.prompt:], Score: float64(h.score / s.penalty(n))}
	}
	return Sequence{}
}
