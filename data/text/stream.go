package text

import (
	"errors"
	"fmt"
	"io"

	"github.com/longspan/longspan/data"
)

// Config sets how documents are cut into batches.
type Config struct {
	Corpus *Corpus

	Tokens int // tokens per window; the last window of a document is shorter
	Batch  int // sequences per batch; 0 means 1

	// Cross lets a window continue into the next document, with End between them. Otherwise a window has tokens of one document, and is
	// shorter at its end.
	Cross bool

	// Stateful makes each sequence of a batch continue a sequence of the previous batch, until its document ends. Models with a memory need
	// this. It excludes Shuffle and Cross.
	Stateful bool

	// Shuffle is the number of windows in a buffer from which the next window is drawn at random. Each epoch then reads the files in another
	// order. 0 keeps the order. The buffer is part of the saved position, with two bytes per token.
	Shuffle int
	Seed    uint64

	HoldOut int  // one of HoldOut documents is kept from training, chosen by its place; 0: none
	HeldOut bool // read the documents that are kept from training, instead of the others

	Epochs int // passes over the files before io.EOF; 0: no end
}

// Stream is the data.Source over documents. The target of a token is the next token of its document, and after the last byte End. No token
// is a target twice in an epoch.
type Stream struct {
	config Config

	order  []int   // place in the corpus of each file, in this epoch's order
	cursor *Reader // over files in this epoch's order
	epoch  int
	found  int // documents used in this epoch
	ended  bool

	rows   []row // one, or with Stateful one per sequence
	random *data.Random
	buffer [][]uint16 // windows to draw from
}

// MaxBuffer is the largest number of tokens in the buffer that shuffles: 256 MiB in memory, and more as text in each saved position.
const MaxBuffer = 1 << 27

// NewStream returns a stream at the first document.
func NewStream(c Config) (*Stream, error) {
	if c.Batch == 0 {
		c.Batch = 1
	}
	switch {
	case c.Corpus == nil:
		return nil, errors.New("text: no corpus to read; make one with NewCorpus")
	case c.Tokens < 1 || c.Batch < 1:
		return nil, fmt.Errorf("text: batches of %d windows of %d tokens; both must be at least 1", c.Batch, c.Tokens)
	case c.Shuffle > max(1, MaxBuffer/c.Tokens):
		return nil, fmt.Errorf("text: a buffer of %d windows of %d tokens; it has room for %d",
			c.Shuffle, c.Tokens, max(1, MaxBuffer/c.Tokens))
	case c.Shuffle < 0 || c.Epochs < 0 || c.HoldOut < 0:
		return nil, fmt.Errorf("text: shuffle %d, epochs %d, hold out %d; none can be negative", c.Shuffle, c.Epochs, c.HoldOut)
	case c.HoldOut == 1:
		return nil, errors.New("text: holding out every document leaves none to train on; hold out every 2nd or fewer")
	case c.HeldOut && c.HoldOut == 0:
		return nil, errors.New("text: found HeldOut without documents that are held out; set HoldOut")
	case c.Stateful && (c.Shuffle > 0 || c.Cross):
		return nil, errors.New("text: stateful sequences follow their documents, so they can neither be shuffled nor cross into others")
	}
	s := &Stream{config: c, rows: make([]row, 1), random: data.NewRandom(c.Seed, 0)}
	if c.Stateful {
		s.rows = make([]row, c.Batch)
	}
	s.startEpoch(0)
	return s, nil
}

// Epoch is the number of complete passes over the files.
func (s *Stream) Epoch() int { return s.epoch }

// Close closes all files.
func (s *Stream) Close() error {
	for i := range s.rows {
		s.rows[i].close()
	}
	return s.cursor.Close()
}

func (s *Stream) startEpoch(epoch int) {
	if s.cursor != nil {
		s.cursor.Close()
	}
	names := s.config.Corpus.files.Names
	s.epoch, s.found, s.order = epoch, 0, make([]int, len(names))
	ordered := Files{FS: s.config.Corpus.files.FS, Names: make([]string, len(names))}
	places := data.NewPermutation(len(names), s.config.Seed, uint64(epoch))
	for i := range names {
		s.order[i] = i
		if s.config.Shuffle > 0 {
			s.order[i] = places.At(i)
		}
		ordered.Names[i] = names[s.order[i]]
	}
	s.cursor = NewReader(ordered, s.config.Corpus.fields...)
}

// Next reads the next batch.
func (s *Stream) Next(dst *data.Batch) error {
	dst.Reset()
	if s.config.Stateful {
		return s.nextStateful(dst)
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

// nextStateful takes a window of each row. Rows end when there are no more documents.
func (s *Stream) nextStateful(dst *data.Batch) error {
	for i := range s.rows {
		l, follows := &s.rows[i], -1
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

// draw returns the next window, or a random window of the buffer.
func (s *Stream) draw() ([]uint16, error) {
	if s.config.Shuffle == 0 {
		return s.readWindow()
	}
	for len(s.buffer) < s.config.Shuffle {
		window, err := s.readWindow()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, err
		}
		s.buffer = append(s.buffer, window)
	}
	if len(s.buffer) == 0 {
		return nil, io.EOF
	}
	i, last := s.random.IntN(len(s.buffer)), len(s.buffer)-1
	window := s.buffer[i]
	s.buffer[i], s.buffer[last] = s.buffer[last], nil
	s.buffer = s.buffer[:last]
	return window, nil
}

// readWindow cuts the next window of the only row.
func (s *Stream) readWindow() ([]uint16, error) {
	l := &s.rows[0]
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
			window = window[:len(window)-1] // the End after one document is the first token of the next
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

// nextDocument opens the next document of the part, in the next epoch if needed.
func (s *Stream) nextDocument() (*Document, error) {
	for !s.ended {
		d, err := s.cursor.Next()
		switch {
		case err == nil && s.isHeldOut(d.At) == s.config.HeldOut:
			s.found++
			return d, nil
		case err == nil:
			if err := d.Close(); err != nil {
				return nil, fmt.Errorf("text: %w", err)
			}
		case err != io.EOF:
			return nil, err
		case s.found == 0:
			return nil, fmt.Errorf("text: none of the documents in %d files is left to read: "+
				"hold out fewer or more than every %d-th, or name more files", len(s.config.Corpus.files.Names), s.config.HoldOut)
		case s.epoch+1 == s.config.Epochs:
			s.ended = true
		default:
			s.startEpoch(s.epoch + 1)
		}
	}
	return nil, io.EOF
}

// isHeldOut reports whether a document is held out. That does not depend on the order of the epoch.
func (s *Stream) isHeldOut(at Position) bool {
	at.File = s.order[at.File]
	return HeldOut(at, s.config.HoldOut)
}

// HeldOut reports whether a document is held out of training, as one of n. It depends on the place of its file in the list and on its line.
// With n = 0 it is false.
func HeldOut(at Position, n int) bool {
	return n > 0 && data.Mix(data.Mix(uint64(at.File))+uint64(at.Line))%uint64(n) == 0
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
