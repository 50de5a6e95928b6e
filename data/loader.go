package data

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// LoaderConfig is the order in which a Loader takes the examples of a Dataset.
type LoaderConfig struct {
	Batch   int    // sequences per batch; 0 means 1
	Shuffle bool   // take each epoch in an order of its own, which Seed chooses
	Seed    uint64 // any number
	Epochs  int    // epochs until io.EOF; the last batch may be smaller; 0 never ends
	Of      string // checksum of the data; a position with another checksum is refused
}

// Loader is the Source over a Dataset. Its position is two numbers, so resuming costs nothing.
type Loader struct {
	set          Dataset
	config       LoaderConfig
	epoch, index int
	order        Permutation // of this epoch
}

// NewLoader returns a loader at the first example.
func NewLoader(set Dataset, c LoaderConfig) (*Loader, error) {
	if c.Batch == 0 {
		c.Batch = 1
	}
	if c.Batch < 0 || c.Epochs < 0 {
		return nil, fmt.Errorf("data: a loader of %d sequences a batch for %d epochs; neither can be negative", c.Batch, c.Epochs)
	}
	if set.Len() <= 0 {
		return nil, errors.New("data: the data set has no examples")
	}
	l := &Loader{set: set, config: c}
	l.order = NewPermutation(set.Len(), c.Seed, 0)
	return l, nil
}

// Next puts the next config.Batch examples into dst; a batch may reach over the end of an epoch.
func (l *Loader) Next(dst *Batch) error {
	dst.Reset()
	for range l.config.Batch {
		if l.index == l.set.Len() {
			l.epoch, l.index = l.epoch+1, 0
			l.order = NewPermutation(l.set.Len(), l.config.Seed, uint64(l.epoch))
		}
		if l.config.Epochs > 0 && l.epoch >= l.config.Epochs {
			break
		}
		i := l.index
		if l.config.Shuffle {
			i = l.order.At(i)
		}
		if err := l.set.Append(dst, l.epoch, i); err != nil {
			return err
		}
		l.index++
	}
	if dst.Sequences() == 0 {
		return io.EOF
	}
	return nil
}

// Epoch is the epoch of the next example, and the number of examples of it already taken.
func (l *Loader) Epoch() (epoch, taken int) { return l.epoch, l.index }

type loaderState struct {
	Kind    string `json:"kind"`
	Len     int    `json:"len"`
	Batch   int    `json:"batch"`
	Shuffle bool   `json:"shuffle"`
	Seed    uint64 `json:"seed"`
	Epoch   int    `json:"epoch"`
	Index   int    `json:"index"`
	Of      string `json:"of,omitempty"`
}

// State is a line of JSON.
func (l *Loader) State() []byte { return marshal(l.state()) }

func (l *Loader) state() loaderState {
	c := l.config
	return loaderState{"loader", l.set.Len(), c.Batch, c.Shuffle, c.Seed, l.epoch, l.index, c.Of}
}

// Restore goes to a position saved by a loader over the same examples, with the same batch, seed and shuffling.
func (l *Loader) Restore(state []byte) error {
	var s loaderState
	if err := json.Unmarshal(state, &s); err != nil {
		return fmt.Errorf("data: the saved position of the loader cannot be read: %w", err)
	}
	want := l.state()
	want.Epoch, want.Index = s.Epoch, s.Index
	if s.Of == "" {
		want.Of = "" // a position that was saved before this data had a checksum
	}
	if s.Of != want.Of {
		return fmt.Errorf("data: the saved position belongs to another loader: the run began with other data, whose content has the "+
			"checksum %.12q; this has %.12q; resume with files of the same content, wherever they are", s.Of, want.Of)
	}
	if s != want {
		return fmt.Errorf("data: the saved position belongs to another loader: found %s, want %s; "+
			"resume with the data, batch and seed that the run began with", marshal(s), marshal(want))
	}
	if s.Epoch < 0 || s.Index < 0 || s.Index > s.Len {
		return fmt.Errorf("data: the saved position is example %d of epoch %d, outside 0 … %d", s.Index, s.Epoch, s.Len)
	}
	l.epoch, l.index = s.Epoch, s.Index
	l.order = NewPermutation(l.set.Len(), l.config.Seed, uint64(l.epoch))
	return nil
}

// marshal writes structs of numbers, strings and bytes, which encoding/json cannot fail on.
func marshal(v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic("data: " + err.Error())
	}
	return text
}
