package train

import (
	"errors"
	"fmt"
	"io"

	"github.com/longspan/longspan/data"
)

// probe reads one batch of the training and of the validation data. Errors are then reported before there is a folder, not hours later at
// the first evaluation. The position of the training data does not change.
func probe(job Job) error {
	begin := job.Train.State()
	if err := readable(job.Train); err != nil {
		return fmt.Errorf("reading the training data: %w", err)
	}
	if err := job.Train.Restore(begin); err != nil {
		return fmt.Errorf("returning to the first batch of the training data: %w", err)
	}
	if job.Valid == nil {
		return nil
	}
	valid, err := job.Valid()
	if err == nil {
		err = readable(valid)
		if c, ok := valid.(io.Closer); ok {
			err = errors.Join(err, c.Close())
		}
	}
	if err != nil {
		return fmt.Errorf("reading the validation data: %w", err)
	}
	return nil
}

func readable(s data.Source) error {
	var b data.Batch
	err := s.Next(&b)
	if errors.Is(err, io.EOF) {
		return errors.New("they are empty")
	}
	return err
}
