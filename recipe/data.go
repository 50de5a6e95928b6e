package recipe

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/data/contrastive"
	"github.com/longspan/longspan/data/labelled"
	"github.com/longspan/longspan/data/pairs"
	"github.com/longspan/longspan/internal/memory"
	"github.com/longspan/longspan/internal/strict"
)

// Data is the training data. Exactly one of the kinds is given.
type Data struct {
	Batch       int                 `yaml:"batch"` // sequences per batch
	Genome      *Genome             `yaml:"genome,omitempty"`
	Genes       *Genes              `yaml:"genes,omitempty"`
	Splice      *Splice             `yaml:"splice,omitempty"`
	Text        *Text               `yaml:"text,omitempty"`
	Labelled    *labelled.Config    `yaml:"labelled,omitempty"`
	Pairs       *pairs.Config       `yaml:"pairs,omitempty"`
	Contrastive *contrastive.Config `yaml:"contrastive,omitempty"`
	ListOps     *ListOps            `yaml:"listops,omitempty"`
	Recall      *Recall             `yaml:"recall,omitempty"`
	Needle      *Needle             `yaml:"needle,omitempty"`
	Pathfinder  *Pathfinder         `yaml:"pathfinder,omitempty"`
}

func defaultData() Data { return Data{Batch: 1} }

// kind is a kind of data.
type kind interface {
	Check() error
	Open(o data.OpenOptions) (*data.Bundle, error)
}

// kinds are the given kinds, by name.
func (d *Data) kinds() map[string]kind {
	given := map[string]kind{}
	v := reflect.ValueOf(d).Elem()
	for i := range v.NumField() {
		if k, ok := v.Field(i).Interface().(kind); ok && !v.Field(i).IsNil() {
			name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
			given[name] = k
		}
	}
	return given
}

// allKinds names the kinds for errors.
const allKinds = "genome, genes, splice, text, labelled, pairs, contrastive, listops, recall, needle and pathfinder"

// maxBatch and maxTokens are more sequences, and more tokens of one, than fit any memory. Their product with a few small factors fits an
// int.
const (
	maxBatch  = 1 << 20
	maxTokens = 1 << 29
)

// checkTokens refuses windows that are too short to predict a token from another, or too long.
func checkTokens(tokens int) error {
	if tokens < 2 || tokens > maxTokens {
		return strict.Wrong("tokens", "is %d; a window has 2 to %d tokens", tokens, maxTokens)
	}
	return nil
}

func (d *Data) check() error {
	given := d.kinds()
	names := slices.Sorted(maps.Keys(given))
	switch {
	case d.Batch <= 0 || d.Batch > maxBatch:
		return strict.Wrong("batch", "is %d; it must lie between 1 and %d", d.Batch, maxBatch)
	case len(names) == 0:
		return fmt.Errorf("no kind of data is given; add one of %s, such as `genome: {tokens: 8192}`", allKinds)
	case len(names) > 1:
		return strict.Wrong(names[1], "is given together with %s; one run trains on one kind of data", names[0])
	}
	return strict.Under(names[0], given[names[0]].Check())
}

// Open opens the data in an order that seed chooses. The readers may take the available memory. It writes the properties of the training
// data that a model depends on, such as the names of classes, into d.
func (d *Data) Open(seed uint64) (*data.Bundle, error) {
	return d.OpenWithin(seed, memory.Read().Available)
}

// OpenWithin is Open with a budget of bytes for the readers; 0 is no limit. It returns a *memory.Error, before the data is read, if they
// would take more.
func (d *Data) OpenWithin(seed uint64, budget int64) (*data.Bundle, error) {
	return d.openWith(data.OpenOptions{Batch: d.Batch, Seed: seed, Memory: budget})
}

// openWith is OpenWithin with all options.
func (d *Data) openWith(o data.OpenOptions) (*data.Bundle, error) {
	if err := d.check(); err != nil {
		return nil, fmt.Errorf("data: %w", err)
	}
	for name, k := range d.kinds() {
		b, err := k.Open(o)
		if err != nil {
			return nil, fmt.Errorf("data: %s: %w", name, err)
		}
		b.Batch = d.Batch
		return b, nil
	}
	return nil, errors.New("data: no kind of data is given") // check has refused this
}
