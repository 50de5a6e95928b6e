package recipe

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/longspan/longspan/data"
	"github.com/longspan/longspan/internal/strictyaml"
	"github.com/longspan/longspan/picture/file"
	"github.com/longspan/longspan/picture/patchflow"
	"github.com/longspan/longspan/tensor"
	"github.com/longspan/longspan/train"
)

// Job reads the photographs, fits the filters, and returns the run that trains the networks. It takes seconds for each photograph of 12
// million pixels. note is told what is being done, and of photographs that are left out.
func (r *Recipe) Job(ctx context.Context, x tensor.Exec, note func(string)) (train.Job, error) {
	text, err := r.YAML()
	if err != nil {
		return train.Job{}, err
	}
	learned, validation, err := r.photographs(ctx, x.Threads, note)
	if err != nil {
		return train.Job{}, err
	}
	base, err := patchflow.FitBase(ctx, learned, x.Threads, note)
	if err != nil {
		return train.Job{}, err
	}
	m, err := patchflow.New(r.Model, patchflow.Options{Pool: x.Pool, Seed: r.Train.Seed, Train: true})
	if err != nil {
		return train.Job{}, err
	}
	m.Keep(base)
	job := train.Job{Config: r.Train, Model: m, Exec: x, Meta: meta(text)}
	if job.Train, err = patchflow.NewSource(r.Model, r.Data.Crops, base, learned, r.Train.Seed, x.Threads); err != nil {
		return train.Job{}, err
	}
	if validation != nil {
		job.Valid = func() (data.Source, error) {
			// One seed for all evaluations, and another than that of the training.
			s, err := patchflow.NewSource(r.Model, r.Data.Crops, base, validation, data.Mix(r.Train.Seed+1), x.Threads)
			return &limited{s, r.Data.Batches * r.Data.Crops.Turns(r.Model)}, err
		}
	}
	return job, nil
}

// photographs reads those that are learned from, and those of the validation, which are nil where the recipe names none.
func (r *Recipe) photographs(ctx context.Context, threads int, note func(string)) (learned, validation *patchflow.Photos, err error) {
	var lists [3][]string
	for i, paths := range [][]string{r.Data.Photos, r.Data.HoldOut, r.Data.Validation} {
		if lists[i], err = file.List(paths...); err != nil {
			key := []string{"photos", "hold_out", "validation"}[i]
			return nil, nil, fmt.Errorf("data.%s: %w (make photos fetches those of examples/photos.yaml)", key, err)
		}
	}
	smallest := r.Data.Crops.Smallest(r.Model)
	use, err := without(lists[0], lists[1], lists[2])
	if err != nil {
		return nil, nil, err
	}
	if lists[2], err = without(lists[2], lists[1]); err != nil {
		return nil, nil, err
	}
	if len(use) == 0 {
		return nil, nil, fmt.Errorf("data.photos: all %d photographs are held out or for validation, expected some to learn from", len(lists[0]))
	}
	note(fmt.Sprintf("reading %d photographs to learn from, and %d to evaluate on", len(use), len(lists[2])))
	if learned, err = read(ctx, use, smallest, threads, note); err != nil {
		return nil, nil, err
	}
	if len(lists[2]) > 0 {
		validation, err = read(ctx, lists[2], smallest, threads, note)
	}
	return learned, validation, err
}

// limited ends a source after a number of batches.
type limited struct {
	*patchflow.Source
	left int
}

func (l *limited) Next(b *data.Batch) error {
	if l.left == 0 {
		return io.EOF
	}
	l.left--
	return l.Source.Next(b)
}

// meta describes a run for resuming: the networks and the crops may not change.
func meta(text []byte) train.Meta {
	m := train.Meta{Frozen: map[string]string{}, Settings: strictyaml.Flatten(text), Config: string(text)}
	for key, value := range m.Settings {
		if strings.HasPrefix(key, "model.") || strings.HasPrefix(key, "data.crops.") {
			m.Frozen[key] = value
		}
	}
	return m
}
