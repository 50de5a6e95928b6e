package text

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"slices"
)

// streamState is the saved position of a stream. The first three fields identify the stream.
type streamState struct {
	Kind     string `json:"kind"`
	Corpus   string `json:"corpus"` // its digest
	Settings string `json:"settings"`

	Epoch  int        `json:"epoch"`
	Found  int        `json:"found"`
	Ended  bool       `json:"ended"`
	Cursor Position   `json:"cursor"`
	Rows   []rowState `json:"rows"`
	Random []byte     `json:"random"`
	Buffer []byte     `json:"buffer"` // each window as its length and its tokens, two bytes each, little-endian
}

// settings are the settings that determine the windows, beside the corpus.
func (c Config) settings() string {
	return fmt.Sprintf("fields %q, %d tokens, batch %d, cross %v, stateful %v, shuffle %d, seed %d, hold out %d %v, epochs %d",
		c.Corpus.fields, c.Tokens, c.Batch, c.Cross, c.Stateful, c.Shuffle, c.Seed, c.HoldOut, c.HeldOut, c.Epochs)
}

// State is JSON; with Shuffle it has the windows of the buffer.
func (s *Stream) State() []byte {
	state := streamState{
		Kind: "text", Corpus: s.config.Corpus.digest, Settings: s.config.settings(),
		Epoch: s.epoch, Found: s.found, Ended: s.ended, Cursor: s.cursor.Position(),
	}
	for i := range s.rows {
		state.Rows = append(state.Rows, s.rows[i].state())
	}
	var err error
	if state.Random, err = s.random.MarshalBinary(); err != nil {
		panic("text: " + err.Error()) // a PCG writes its two words into memory
	}
	for _, window := range s.buffer {
		state.Buffer = binary.LittleEndian.AppendUint32(state.Buffer, uint32(len(window)))
		for _, token := range window {
			state.Buffer = binary.LittleEndian.AppendUint16(state.Buffer, token)
		}
	}
	text, err := json.Marshal(state)
	if err != nil {
		panic("text: " + err.Error()) // numbers, strings and bytes
	}
	return text
}

// Restore moves to a position saved by a stream over documents of the same content, in the same order, with the same settings. The names
// of the files do not matter.
func (s *Stream) Restore(saved []byte) error {
	var state streamState
	if err := json.Unmarshal(saved, &state); err != nil {
		return fmt.Errorf("text: the saved position cannot be read: %w", err)
	}
	if state.Kind != "text" {
		return fmt.Errorf("text: the saved position is of a source of the kind %q, want \"text\"", state.Kind)
	}
	if want := s.config.settings(); state.Settings != want {
		return fmt.Errorf("text: the saved position belongs to a stream with %s; this one has %s", state.Settings, want)
	}
	if want := s.config.Corpus.digest; state.Corpus != want {
		return fmt.Errorf("text: the run began with documents of the digest %.12s; the digest of these is %.12s: "+
			"resume with the same files, in the same order", state.Corpus, want)
	}
	buffer, err := unpackWindows(state.Buffer, s.config)
	if err != nil {
		return err
	}
	if len(state.Rows) != len(s.rows) || state.Epoch < 0 || state.Found < 0 || !s.valid(state.Cursor) {
		return fmt.Errorf("text: the saved position is damaged: %d rows, epoch %d, cursor %+v", len(state.Rows), state.Epoch, state.Cursor)
	}
	for _, l := range state.Rows {
		if !s.valid(l.At) || l.Open && l.At.File == s.config.Corpus.size() || l.Read < 0 || l.Last < 0 || l.Last >= Vocab {
			return fmt.Errorf("text: the saved position is damaged: a row at %+v", l)
		}
	}
	return s.moveTo(state, buffer)
}

func (s *Stream) valid(p Position) bool {
	return p.File >= 0 && p.File <= s.config.Corpus.size() && p.Offset >= 0 && p.Line >= 0
}

// moveTo makes a stream at state, and replaces s by it if all its files can be opened.
func (s *Stream) moveTo(state streamState, buffer [][]uint16) error {
	moved, err := NewStream(s.config)
	if err != nil {
		return err
	}
	if err := moved.random.UnmarshalBinary(state.Random); err != nil {
		return fmt.Errorf("text: the random state of the saved position is damaged: %w", err)
	}
	moved.startEpoch(state.Epoch)
	for i, l := range state.Rows {
		// The document of a row may be of the epoch before: rows end at different times.
		from := moved
		if l.Open && l.Epoch != state.Epoch {
			from = &Stream{config: s.config}
			from.startEpoch(l.Epoch)
		}
		err := moved.rows[i].restore(l, from.cursor)
		from.cursor.Close()
		if err != nil {
			moved.Close()
			return err
		}
	}
	moved.cursor.Seek(state.Cursor)
	moved.found, moved.ended, moved.buffer = state.Found, state.Ended, buffer
	s.Close()
	*s = *moved
	return nil
}

func unpackWindows(packed []byte, c Config) ([][]uint16, error) {
	var buffer [][]uint16
	for len(packed) >= 4 {
		n := int(binary.LittleEndian.Uint32(packed))
		packed = packed[4:]
		if n < 2 || n > c.Tokens+1 || len(packed) < 2*n {
			return nil, fmt.Errorf("text: the saved position is damaged: found a window of %d tokens", n)
		}
		window := make([]uint16, n)
		for i := range window {
			window[i] = binary.LittleEndian.Uint16(packed[2*i:])
		}
		if slices.Max(window) >= Vocab {
			return nil, fmt.Errorf("text: the saved position is damaged: found the token %d", slices.Max(window))
		}
		buffer = append(buffer, window)
		packed = packed[2*n:]
	}
	if len(packed) > 0 || len(buffer) > c.Shuffle {
		return nil, fmt.Errorf("text: the saved position is damaged: found %d windows and %d more bytes", len(buffer), len(packed))
	}
	return buffer, nil
}
