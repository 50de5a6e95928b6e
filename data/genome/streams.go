package genome

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/dna"
)

// StreamConfig configures Streams.
type StreamConfig struct {
	Tokens      int        // bases a window, 1 or more; the last window of a section may be shorter
	Section     int        // bases that a stream reads on end before it begins elsewhere, more than Tokens
	Streams     int        // sequences a batch; 0 means 1
	Regions     []dna.Span // one for each sequence: where to read; nil is the whole of every sequence
	BothStrands bool       // read every second section, chosen at random, from the other strand
	Seed        uint64     // of where sections begin, their order and their strands
}

// Streams is a data.Source for models with a memory. Each sequence of a batch is a stream: it reads a section of the
// genome window after window, and then, with an empty memory, another section. The target of a base is the next one
// on its strand, also where that is in the next window. N is no target. Sections are to Streams what windows are to
// Windows: every epoch they begin elsewhere, in a random order.
//
// The first section of each stream begins part of the way in, at another place for each stream, so that the streams
// do not all lose their memory at once.
type Streams struct {
	tokens   int
	settings string // what a saved position depends on, besides the bases
	bases    func() string
	section  func(epoch, number int) section
	count    int // sections of an epoch
	order    data.Permutation
	seed     uint64
	once     bool // in order, for one epoch

	epoch, index int // of the next section
	streams      []stream
}

// section is what a stream reads on end.
type section struct {
	sequence *dna.Sequence
	span     dna.Span
	strand   dna.Strand
	unscored int // bases at its beginning that have no target
}

// stream is a sequence of the batches.
type stream struct {
	section
	streamState
}

// streamState is the saved position of a stream.
type streamState struct {
	Epoch   int  `json:"epoch"`
	Number  int  `json:"number"`  // of the section
	At      int  `json:"at"`      // bases of it that were read
	Carried bool `json:"carried"` // the last batch had the window before
}

// left is how many bases of the section can still be read: its last base is a target only.
func (s *stream) left() int { return s.span.Len() - 1 - s.At }

// NewStreams returns streams over sequences, which must not be appended to afterwards. They never end.
func NewStreams(sequences []*dna.Sequence, c StreamConfig) (*Streams, error) {
	if c.Streams == 0 {
		c.Streams = 1
	}
	if c.Tokens < 1 || c.Streams < 1 || c.Section <= c.Tokens {
		return nil, fmt.Errorf("genome: found %d streams, sections of %d bases and windows of %d; "+
			"expected 1 or more of each, and sections longer than windows", c.Streams, c.Section, c.Tokens)
	}
	windows, err := NewWindows(sequences, WindowConfig{
		Tokens: c.Section, Regions: c.Regions, BothStrands: c.BothStrands, Move: true, Seed: c.Seed})
	if err != nil {
		return nil, err
	}
	bases := 0
	for _, p := range windows.pieces {
		bases += p.span.Len()
	}
	s := &Streams{tokens: c.Tokens, bases: digestOnce(sequences), seed: c.Seed, count: windows.Len(), streams: make([]stream, c.Streams)}
	s.settings = fmt.Sprintf("%d streams, windows of %d bases, sections of %d, both strands %v, seed %d, %d bases in %d sections",
		c.Streams, c.Tokens, c.Section, c.BothStrands, c.Seed, bases, s.count)
	s.section = func(epoch, number int) section {
		from, span, strand := windows.Place(epoch, number)
		return section{sequence: from, span: span, strand: strand}
	}
	s.order = data.NewPermutation(s.count, s.seed, 0)
	for i := range s.streams {
		s.begin(&s.streams[i])
		windows := (s.streams[i].left() + c.Tokens - 1) / c.Tokens
		s.streams[i].At = windows * i / c.Streams * c.Tokens
	}
	return s, nil
}

// NewInOrder returns one stream that reads regions, one of each sequence, from their first base to their last, one
// after the other, and ends: for evaluations. Every base of a region is a target exactly once, except N and the first
// base of a sequence. The bases before a region, as many as a window has, are read before it and have no targets: the
// first bases of a region too are predicted from what comes before them.
func NewInOrder(sequences []*dna.Sequence, regions []dna.Span, tokens int) (*Streams, error) {
	if tokens < 1 || len(sequences) == 0 || len(regions) != len(sequences) {
		return nil, fmt.Errorf("genome: found %d regions for %d sequences and windows of %d bases; "+
			"expected a region for each sequence, and windows of 1 base or more", len(regions), len(sequences), tokens)
	}
	sections := make([]section, len(regions))
	for i, r := range regions {
		if err := checkRegion(sequences[i], r); err != nil {
			return nil, err
		}
		if r.End <= max(1, r.Start) {
			return nil, fmt.Errorf("genome: the region %d … %d of %s holds no base to predict", r.Start, r.End, sequences[i].Name)
		}
		span := dna.Span{Start: max(0, r.Start-tokens), End: r.End}
		sections[i] = section{sequence: sequences[i], span: span, unscored: max(0, r.Start-span.Start-1)}
	}
	settings := fmt.Sprintf("in order, windows of %d bases, %d regions from %d … %d of the first sequence on",
		tokens, len(regions), regions[0].Start, regions[0].End)
	s := &Streams{tokens: tokens, settings: settings, bases: digestOnce(sequences), count: len(sections), once: true,
		streams: make([]stream, 1)}
	s.section = func(_, number int) section { return sections[number] }
	s.begin(&s.streams[0])
	return s, nil
}

// Vocab is the number of tokens.
func (s *Streams) Vocab() int { return dna.Vocab }

// begin gives a stream the next section. It returns false if there is none.
func (s *Streams) begin(to *stream) bool {
	if s.index == s.count {
		if s.once {
			return false
		}
		s.epoch, s.index = s.epoch+1, 0
		s.order = data.NewPermutation(s.count, s.seed, uint64(s.epoch))
	}
	number := s.index
	if !s.once {
		number = s.order.At(number)
	}
	s.index++
	*to = stream{s.section(s.epoch, number), streamState{Epoch: s.epoch, Number: number}}
	return true
}

// Next takes a window of each stream: sequence i of the batch is stream i.
func (s *Streams) Next(dst *data.Batch) error {
	dst.Reset()
	for i := range s.streams {
		from := &s.streams[i]
		if from.left() == 0 && !s.begin(from) {
			return io.EOF // the only stream has ended
		}
		follows := -1
		if from.Carried {
			follows = i
		}
		dst.Follows = append(dst.Follows, follows)
		from.window(dst, s.tokens)
	}
	return nil
}

// window adds the next bases, tokens of them or those that are left.
func (s *stream) window(dst *data.Batch, tokens int) {
	n := min(tokens, s.left())
	begin := len(dst.Tokens)
	dst.Tokens = append(dst.Tokens, make([]int32, n+1)...)
	bases := dst.Tokens[begin:] // and the one after them
	start := s.span.Start + s.At
	if s.strand == dna.Reverse {
		start = s.span.End - s.At - (n + 1)
	}
	s.sequence.Tokens(bases, start, s.strand)
	for i, next := range bases[1:] {
		if s.At+i < s.unscored || next == int32(dna.N) {
			next = data.Ignore
		}
		dst.Targets = append(dst.Targets, next)
	}
	dst.Tokens = dst.Tokens[:begin+n]
	dst.Lengths = append(dst.Lengths, n)
	s.At, s.Carried = s.At+n, true
}

// streamsState is the saved position of Streams.
type streamsState struct {
	Kind     string        `json:"kind"`
	Settings string        `json:"settings"`
	Bases    string        `json:"bases"` // their digest
	Epoch    int           `json:"epoch"`
	Index    int           `json:"index"`
	Streams  []streamState `json:"streams"`
}

const (
	streamsKind = "genome streams"
	lanesKind   = "genome lanes" // of positions saved before streams had a digest of the bases
)

// State is a line of JSON.
func (s *Streams) State() []byte {
	state := streamsState{Kind: streamsKind, Settings: s.settings, Bases: s.bases(), Epoch: s.epoch, Index: s.index}
	for _, each := range s.streams {
		state.Streams = append(state.Streams, each.streamState)
	}
	text, err := json.Marshal(state)
	if err != nil {
		panic("genome: " + err.Error()) // numbers and strings always have a form in JSON
	}
	return text
}

// Restore goes to a position saved by streams over the same bases with the same settings.
func (s *Streams) Restore(saved []byte) error {
	var state streamsState
	if err := json.Unmarshal(saved, &state); err != nil {
		return fmt.Errorf("genome: the saved position cannot be read: %w", err)
	}
	switch {
	case state.Kind == lanesKind:
		return fmt.Errorf("genome: the saved position is of an older version, which did not save what genome it read; " +
			"start a new run from the weights of this one (train.init)")
	case state.Kind == streamsKind && state.Bases != s.bases():
		return fmt.Errorf("genome: the run began with another genome: its bases have the digest %.12s, and these have %.12s; "+
			"resume with files of the same sequences in the same order, wherever they are", state.Bases, s.bases())
	case state.Kind != streamsKind || state.Settings != s.settings:
		return fmt.Errorf("genome: the saved position is of %q with %s; expected %q with %s", state.Kind, state.Settings, streamsKind, s.settings)
	}
	if state.Epoch < 0 || s.once && state.Epoch > 0 || state.Index < 0 || state.Index > s.count || len(state.Streams) != len(s.streams) {
		return fmt.Errorf("genome: the saved position is damaged: section %d of %d of epoch %d, and %d streams",
			state.Index, s.count, state.Epoch, len(state.Streams))
	}
	streams := make([]stream, len(s.streams))
	for i, at := range state.Streams {
		if at.Epoch < 0 || at.Epoch > state.Epoch || at.Number < 0 || at.Number >= s.count {
			return fmt.Errorf("genome: the saved position is damaged: stream %d at %+v", i, at)
		}
		streams[i] = stream{s.section(at.Epoch, at.Number), at}
		if at.At < 0 || streams[i].left() < 0 {
			return fmt.Errorf("genome: the saved position is damaged: stream %d at %+v of a section of %d bases", i, at, streams[i].span.Len())
		}
	}
	s.epoch, s.index, s.streams = state.Epoch, state.Index, streams
	s.order = data.NewPermutation(s.count, s.seed, uint64(s.epoch))
	return nil
}
