package genome

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// LaneConfig says how Lanes reads.
type LaneConfig struct {
	Tokens      int        // bases a window, 1 or more; the last window of a stretch may be shorter
	Stretch     int        // bases that a lane reads on end before it begins elsewhere, more than Tokens
	Lanes       int        // sequences a batch; 0 means 1
	Regions     []dna.Span // one for each sequence: where to read; nil is the whole of every sequence
	BothStrands bool       // read every second stretch, chosen at random, from the other strand
	Seed        uint64     // of where stretches begin, their order and their strands
}

// Lanes is a data.Source for models with a memory: each sequence of a batch is a lane, which reads a stretch of the genome window after
// window and then, with nothing remembered, another. The target of a base is the next one on its strand, also where that is in the next
// window; N is no target. Stretches are what windows of so many bases are to Windows: every epoch they begin elsewhere, in a random order.
//
// The first stretch of each lane begins part of the way in, another for each lane, so that the lanes do not all forget at once.
type Lanes struct {
	tokens   int
	settings string // what a saved position depends on
	stretch  func(epoch, number int) stretch
	count    int // stretches of an epoch
	order    data.Permutation
	seed     uint64
	once     bool // in order, for one epoch

	epoch, index int // of the next stretch
	lanes        []lane
}

// stretch is what a lane reads on end.
type stretch struct {
	sequence *dna.Sequence
	span     dna.Span
	reverse  bool
	unscored int // bases at its beginning that have no target
}

// lane is a sequence of the batches.
type lane struct {
	stretch
	laneState
}

// laneState is the saved position of a lane.
type laneState struct {
	Epoch   int  `json:"epoch"`
	Number  int  `json:"number"`  // of the stretch
	At      int  `json:"at"`      // bases of it that were fed
	Carried bool `json:"carried"` // the batch before had the window before
}

// left says how many bases of the stretch are still to be fed: its last is a target only.
func (l *lane) left() int { return l.span.Len() - 1 - l.At }

// NewLanes returns lanes over sequences, which must not be appended to afterwards. They never end.
func NewLanes(sequences []*dna.Sequence, c LaneConfig) (*Lanes, error) {
	if c.Lanes == 0 {
		c.Lanes = 1
	}
	if c.Tokens < 1 || c.Lanes < 1 || c.Stretch <= c.Tokens {
		return nil, fmt.Errorf("genome: %d lanes read stretches of %d bases in windows of %d; expected 1 or more of each, and stretches longer than windows",
			c.Lanes, c.Stretch, c.Tokens)
	}
	windows, err := NewWindows(sequences, WindowConfig{Tokens: c.Stretch, Regions: c.Regions, BothStrands: c.BothStrands, Move: true, Seed: c.Seed})
	if err != nil {
		return nil, err
	}
	bases := 0
	for _, p := range windows.pieces {
		bases += p.span.Len()
	}
	l := &Lanes{tokens: c.Tokens, seed: c.Seed, count: windows.Len(), lanes: make([]lane, c.Lanes)}
	l.settings = fmt.Sprintf("%d lanes, windows of %d bases, stretches of %d, both strands %v, seed %d, %d bases in %d stretches",
		c.Lanes, c.Tokens, c.Stretch, c.BothStrands, c.Seed, bases, l.count)
	l.stretch = func(epoch, number int) stretch {
		s, span, reverse := windows.Place(epoch, number)
		return stretch{sequence: s, span: span, reverse: reverse}
	}
	l.order = data.NewPermutation(l.count, l.seed, 0)
	for i := range l.lanes {
		l.begin(&l.lanes[i])
		windows := (l.lanes[i].left() + c.Tokens - 1) / c.Tokens
		l.lanes[i].At = windows * i / c.Lanes * c.Tokens
	}
	return l, nil
}

// NewInOrder returns a lane that reads regions, one of each sequence, from their first base to their last, one after the other, and ends:
// for evaluations. Every base of a region is a target exactly once, but N and the first base of a sequence. As many bases as a window
// has, as far as they are there, are read before a region and have no targets: its first bases too are predicted from what comes
// before them.
func NewInOrder(sequences []*dna.Sequence, regions []dna.Span, tokens int) (*Lanes, error) {
	if tokens < 1 || len(sequences) == 0 || len(regions) != len(sequences) {
		return nil, fmt.Errorf("genome: %d regions of %d sequences are read in windows of %d bases; expected a region for each sequence and 1 base or more",
			len(regions), len(sequences), tokens)
	}
	stretches := make([]stretch, len(regions))
	settings := fmt.Sprintf("in order, windows of %d bases,", tokens)
	for i, r := range regions {
		if err := checkRegion(sequences[i], r); err != nil {
			return nil, err
		}
		if r.End <= max(1, r.Start) {
			return nil, fmt.Errorf("genome: the region %d … %d of %s holds no base to predict", r.Start, r.End, sequences[i].Name)
		}
		span := dna.Span{Start: max(0, r.Start-tokens), End: r.End}
		stretches[i] = stretch{sequence: sequences[i], span: span, unscored: max(0, r.Start-span.Start-1)}
		settings += fmt.Sprintf(" %d … %d", r.Start, r.End)
	}
	l := &Lanes{tokens: tokens, settings: settings, count: len(stretches), once: true, lanes: make([]lane, 1)}
	l.stretch = func(_, number int) stretch { return stretches[number] }
	l.begin(&l.lanes[0])
	return l, nil
}

// Vocab is the number of tokens.
func (l *Lanes) Vocab() int { return dna.Vocab }

// begin gives a lane the next stretch. It returns false if there is none.
func (l *Lanes) begin(to *lane) bool {
	if l.index == l.count {
		if l.once {
			return false
		}
		l.epoch, l.index = l.epoch+1, 0
		l.order = data.NewPermutation(l.count, l.seed, uint64(l.epoch))
	}
	number := l.index
	if !l.once {
		number = l.order.At(number)
	}
	l.index++
	*to = lane{l.stretch(l.epoch, number), laneState{Epoch: l.epoch, Number: number}}
	return true
}

// Next takes a window of each lane: sequence i of the batch is lane i.
func (l *Lanes) Next(dst *data.Batch) error {
	dst.Reset()
	for i := range l.lanes {
		from := &l.lanes[i]
		if from.left() == 0 && !l.begin(from) {
			return io.EOF // the only lane has ended
		}
		follows := -1
		if from.Carried {
			follows = i
		}
		dst.Follows = append(dst.Follows, follows)
		from.window(dst, l.tokens)
	}
	return nil
}

// window adds the next tokens bases, or those that are left.
func (l *lane) window(dst *data.Batch, tokens int) {
	n := min(tokens, l.left())
	begin := len(dst.Tokens)
	dst.Tokens = append(dst.Tokens, make([]int32, n+1)...)
	bases := dst.Tokens[begin:] // and the one after them
	start := l.span.Start + l.At
	if l.reverse {
		start = l.span.End - l.At - (n + 1)
	}
	l.sequence.Tokens(bases, start, l.reverse)
	for i, next := range bases[1:] {
		if l.At+i < l.unscored || next == int32(dna.N) {
			next = data.Ignore
		}
		dst.Targets = append(dst.Targets, next)
	}
	dst.Tokens = dst.Tokens[:begin+n]
	dst.Lengths = append(dst.Lengths, n)
	l.At, l.Carried = l.At+n, true
}

// lanesState is the saved position of Lanes.
type lanesState struct {
	Kind     string      `json:"kind"`
	Settings string      `json:"settings"`
	Epoch    int         `json:"epoch"`
	Index    int         `json:"index"`
	Lanes    []laneState `json:"lanes"`
}

const lanesKind = "genome lanes"

// State is a line of JSON.
func (l *Lanes) State() []byte {
	state := lanesState{Kind: lanesKind, Settings: l.settings, Epoch: l.epoch, Index: l.index}
	for _, each := range l.lanes {
		state.Lanes = append(state.Lanes, each.laneState)
	}
	text, err := json.Marshal(state)
	if err != nil {
		panic("genome: " + err.Error()) // numbers and strings
	}
	return text
}

// Restore goes to a position saved by lanes over the same bases with the same settings.
func (l *Lanes) Restore(saved []byte) error {
	var state lanesState
	if err := json.Unmarshal(saved, &state); err != nil {
		return fmt.Errorf("genome: the saved position cannot be read: %w", err)
	}
	if state.Kind != lanesKind || state.Settings != l.settings {
		return fmt.Errorf("genome: the saved position is of %q with %s; these are %q with %s", state.Kind, state.Settings, lanesKind, l.settings)
	}
	if state.Epoch < 0 || l.once && state.Epoch > 0 || state.Index < 0 || state.Index > l.count || len(state.Lanes) != len(l.lanes) {
		return fmt.Errorf("genome: the saved position is damaged: stretch %d of %d of epoch %d, and %d lanes", state.Index, l.count, state.Epoch, len(state.Lanes))
	}
	lanes := make([]lane, len(l.lanes))
	for i, s := range state.Lanes {
		if s.Epoch < 0 || s.Epoch > state.Epoch || s.Number < 0 || s.Number >= l.count {
			return fmt.Errorf("genome: the saved position is damaged: lane %d at %+v", i, s)
		}
		lanes[i] = lane{l.stretch(s.Epoch, s.Number), s}
		if s.At < 0 || lanes[i].left() < 0 {
			return fmt.Errorf("genome: the saved position is damaged: lane %d at %+v of a stretch of %d bases", i, s, lanes[i].span.Len())
		}
	}
	l.epoch, l.index, l.lanes = state.Epoch, state.Index, lanes
	l.order = data.NewPermutation(l.count, l.seed, uint64(l.epoch))
	return nil
}
