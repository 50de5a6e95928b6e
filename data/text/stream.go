package text

import (
	"errors"
	"fmt"
	"io"

	"github.com/longspan/longspan/data"
)

// Config says how documents become batches.
type Config struct {
	Files  Files
	Fields []string // of JSON lines, as NewReader has them

	Tokens int // tokens a window; the last window of a document is shorter
	Batch  int // sequences a batch; 0 means 1

	// Cross lets a window run on into the next document, with End between them. Otherwise a window holds
	// tokens of one document only, and is shorter where the document ends.
	Cross bool

	// Lanes makes each sequence of a batch carry on where that of the batch before ended, until its document
	// ends: Batch documents are read side by side, as models with a memory need them. It excludes Shuffle.
	Lanes bool

	// Shuffle is how many windows are held back to draw the next one from, at random; and the files are read
	// in another order each epoch. 0 keeps the order. The windows held back are part of the saved position, at
	// two bytes a token.
	Shuffle int
	Seed    uint64

	HoldOut int  // every HoldOut-th document, chosen by its place, is held out of training; 0 holds out none
	Held    bool // read the documents held out, instead of the others

	Epochs int // times to read the files until io.EOF; 0 never ends
}

// Stream is the data.Source over documents. A window's target at each token is the next token of its document,
// and at the last byte End; no token is a target twice in an epoch.
type Stream struct {
	config   Config
	identity []string

	order  []int   // the place of each file of this epoch's order in config.Files
	cursor *Reader // over files in this epoch's order
	epoch  int
	found  int // documents used in this epoch
	ended  bool

	lanes  []lane // one, or with Lanes one a sequence
	random *data.Random
	held   [][]uint16 // windows to draw from
}

// MaxHeld bounds the tokens held back to shuffle: 256 MiB in memory, and more as text in each saved position.
const MaxHeld = 1 << 27

// NewStream returns a stream at the first document.
func NewStream(c Config) (*Stream, error) {
	if c.Batch == 0 {
		c.Batch = 1
	}
	switch {
	case len(c.Files.Names) == 0:
		return nil, errors.New("text: no files to read; name some, or folders by List")
	case c.Tokens < 1 || c.Batch < 1:
		return nil, fmt.Errorf("text: batches of %d windows of %d tokens; both must be at least 1", c.Batch, c.Tokens)
	case c.Shuffle > max(1, MaxHeld/c.Tokens):
		return nil, fmt.Errorf("text: %d windows of %d tokens held back to shuffle; at most %d are", c.Shuffle, c.Tokens, max(1, MaxHeld/c.Tokens))
	case c.Shuffle < 0 || c.Epochs < 0 || c.HoldOut < 0:
		return nil, fmt.Errorf("text: shuffle %d, epochs %d, hold out %d; none can be negative", c.Shuffle, c.Epochs, c.HoldOut)
	case c.HoldOut == 1:
		return nil, errors.New("text: holding out every document leaves none to train on; hold out every 2nd or fewer")
	case c.Held && c.HoldOut == 0:
		return nil, errors.New("text: documents held out are asked for, but none are held out; say which by HoldOut")
	case c.Lanes && (c.Shuffle > 0 || c.Cross):
		return nil, errors.New("text: lanes follow their documents, so they can neither be shuffled nor cross into others")
	}
	identity, err := c.Files.identity()
	if err != nil {
		return nil, err
	}
	s := &Stream{config: c, identity: identity, lanes: make([]lane, 1), random: data.NewRandom(c.Seed, 0)}
	if c.Lanes {
		s.lanes = make([]lane, c.Batch)
	}
	s.startEpoch(0)
	return s, nil
}

// Vocab is the number of tokens.
func (s *Stream) Vocab() int { return Vocab }

// Epoch is how often all files have been read.
func (s *Stream) Epoch() int { return s.epoch }

// Close closes all files.
func (s *Stream) Close() error {
	for i := range s.lanes {
		s.lanes[i].close()
	}
	return s.cursor.Close()
}

func (s *Stream) startEpoch(epoch int) {
	if s.cursor != nil {
		s.cursor.Close()
	}
	names := s.config.Files.Names
	s.epoch, s.found, s.order = epoch, 0, make([]int, len(names))
	ordered := Files{FS: s.config.Files.FS, Names: make([]string, len(names))}
	places := data.NewPermutation(len(names), s.config.Seed, uint64(epoch))
	for i := range names {
		s.order[i] = i
		if s.config.Shuffle > 0 {
			s.order[i] = places.At(i)
		}
		ordered.Names[i] = names[s.order[i]]
	}
	s.cursor = NewReader(ordered, s.config.Fields...)
}

// Next reads the next batch.
func (s *Stream) Next(dst *data.Batch) error {
	dst.Reset()
	if s.config.Lanes {
		return s.nextOfLanes(dst)
	}
	for range s.config.Batch {
		window, err := s.draw()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		appendWindow(dst, window)
	}
	if dst.Sequences() == 0 {
		return io.EOF
	}
	return nil
}

// nextOfLanes takes a window of each lane. Once there are no more documents, lanes drop out.
func (s *Stream) nextOfLanes(dst *data.Batch) error {
	for i := range s.lanes {
		l, follows := &s.lanes[i], -1
		if l.document != nil {
			follows = l.place
		} else {
			d, err := s.nextDocument()
			if err == io.EOF {
				continue
			}
			if err != nil {
				return err
			}
			l.begin(d, s.epoch)
		}
		window, _, err := l.window(nil, s.config.Tokens)
		if err != nil {
			return err
		}
		l.place = dst.Sequences()
		appendWindow(dst, window)
		dst.Follows = append(dst.Follows, follows)
	}
	if dst.Sequences() == 0 {
		return io.EOF
	}
	return nil
}

// draw gives the next window, or a random one of those held back.
func (s *Stream) draw() ([]uint16, error) {
	if s.config.Shuffle == 0 {
		return s.readWindow()
	}
	for len(s.held) < s.config.Shuffle {
		window, err := s.readWindow()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		s.held = append(s.held, window)
	}
	if len(s.held) == 0 {
		return nil, io.EOF
	}
	i, last := s.random.IntN(len(s.held)), len(s.held)-1
	window := s.held[i]
	s.held[i], s.held[last] = s.held[last], nil
	s.held = s.held[:last]
	return window, nil
}

// readWindow cuts the next window of the only lane.
func (s *Stream) readWindow() ([]uint16, error) {
	l := &s.lanes[0]
	var window []uint16
	for {
		if l.document == nil {
			d, err := s.nextDocument()
			if err == io.EOF && len(window) > 1 {
				return window, nil
			}
			if err != nil {
				return nil, err
			}
			l.begin(d, s.epoch)
		}
		if len(window) > 0 {
			window = window[:len(window)-1] // the End that ended one document begins the next
		}
		var ended bool
		var err error
		window, ended, err = l.window(window, s.config.Tokens-len(window))
		if err != nil {
			return nil, err
		}
		if !s.config.Cross || !ended || len(window) > s.config.Tokens {
			return window, nil
		}
	}
}

// nextDocument opens the next document that is not held out, in the next epoch if need be.
func (s *Stream) nextDocument() (*Document, error) {
	for !s.ended {
		d, err := s.cursor.Next()
		switch {
		case err == nil && s.isHeld(d.At) == s.config.Held:
			s.found++
			return d, nil
		case err == nil:
			if err := d.Close(); err != nil {
				return nil, fmt.Errorf("text: %w", err)
			}
		case err != io.EOF:
			return nil, err
		case s.found == 0:
			return nil, fmt.Errorf("text: none of the documents in %d files is left to read: hold out fewer or more than every %d-th, or name more files",
				len(s.config.Files.Names), s.config.HoldOut)
		case s.epoch+1 == s.config.Epochs:
			s.ended = true
		default:
			s.startEpoch(s.epoch + 1)
		}
	}
	return nil, io.EOF
}

// isHeld says whether a document is held out: by its file's place in the list and its line, which no epoch changes.
func (s *Stream) isHeld(at Position) bool {
	if s.config.HoldOut == 0 {
		return false
	}
	return data.Mix(data.Mix(uint64(s.order[at.File]))+uint64(at.Line))%uint64(s.config.HoldOut) == 0
}

// appendWindow adds n+1 tokens as a sequence of n and their targets.
func appendWindow(dst *data.Batch, window []uint16) {
	n := len(window) - 1
	for i := range n {
		dst.Tokens = append(dst.Tokens, int32(window[i]))
		dst.Targets = append(dst.Targets, int32(window[i+1]))
	}
	dst.Lengths = append(dst.Lengths, n)
}
