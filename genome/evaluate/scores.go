package evaluate

import (
	"github.com/longspan/longspan/data/dna"
)

// Kind says what a score needs.
type Kind string

// The kinds of scores.
const (
	Baseline Kind = "baseline" // no model, and no label of what is compared but in rates
	OfModel  Kind = "model"    // a language model as it is, fitted to no variant
	Fitted   Kind = "fitted"   // a regression fitted to the variants of the region to fit
)

// The names of scores.
const (
	nameRule         = "CpG and transitions, a rule"
	nameSite         = "Markov order 10, site"
	nameSequence     = "Markov order 10, sequence"
	nameModel        = "model, both strands"
	nameForward      = "model, forward strand"
	nameSurroundings = "surroundings"
	nameWithout      = "head without the model"
	nameHead         = "head with the model"
)

// column is a score of all items of a part.
type column struct {
	name   string
	kind   Kind
	values []float64
}

// ruleOf is 2 for a transition of CpG, 1 for any other, 0 for a transversion.
func ruleOf(t *chart, s Substitution) float64 {
	switch {
	case !transition(s.Ref, s.Alt):
		return 0
	case s.Ref == dna.C && t.at(s.Pos+1) == dna.G, s.Ref == dna.G && t.at(s.Pos-1) == dna.C:
		return 2
	}
	return 1
}

// rateNames are those of the k-mer rates.
var rateNames = map[int]string{3: "3-mer rates", 5: "5-mer rates", 7: "7-mer rates"}

// scored is a part with the scores of its items, and the features that heads are fitted to.
type scored struct {
	*part
	items    []Substitution
	columns  []column
	beside   [][]float64 // surroundings
	without  [][]float64 // … with rates and the Markov model
	with     [][]float64 // … and with the language model; nil without one
	opinions []opinion   // nil without a language model
}

// tools are what scores without labels are made with.
type tools struct {
	rates   func(pos int) *rates // to be used at a position
	markov  counted              // nil: none
	reading *reading             // nil: none
	places  []place
}

func newScored(t *part, u tools) *scored {
	s := &scored{part: t, items: t.items()}
	n := len(s.items)
	add := func(name string, kind Kind) []float64 {
		values := make([]float64, n)
		s.columns = append(s.columns, column{name, kind, values})
		return values
	}
	rule := add(nameRule, Baseline)
	var byRate [longest + 1][]float64
	for k := 3; k <= longest; k += 2 {
		byRate[k] = add(rateNames[k], Baseline)
	}
	surroundings := newSurroundings(t.chart, u.places)
	for i, item := range s.items {
		rule[i] = ruleOf(t.chart, item)
		r := u.rates(item.Pos)
		for k := 3; k <= longest; k += 2 {
			byRate[k][i] = r.of(t.chart, item, k)
		}
		s.beside = append(s.beside, surroundings.of(item.Pos))
		s.without = append(s.without, append([]float64{byRate[3][i], byRate[longest][i]}, s.beside[i]...))
	}
	if u.markov != nil {
		site, sequence := add(nameSite, Baseline), add(nameSequence, Baseline)
		for i, item := range s.items {
			site[i], sequence[i] = u.markov.scores(t.chart, item)
			s.without[i] = append(s.without[i], site[i], sequence[i])
		}
	}
	if u.reading != nil {
		s.addModel(u.reading, add(nameModel, OfModel), add(nameForward, OfModel))
	}
	return s
}

// addModel fills what a language model says.
func (s *scored) addModel(r *reading, both, forward []float64) {
	for i, item := range s.items {
		o := r.of[item]
		s.opinions = append(s.opinions, o)
		both[i], forward[i] = o.llr(), o.forward
		with := append([]float64{o.forward, o.reverse, o.entropy, o.surprise}, s.without[i]...)
		s.with = append(s.with, with)
	}
}
