package strict_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/longspan/longspan/internal/strict"
)

func TestErrorsNameTheirKey(t *testing.T) {
	inner := errors.New("inner")
	wrong := strict.Wrong("lr", "is %d: %w", 3, inner)
	for _, c := range []struct {
		err       error
		key, text string
	}{
		{wrong, "lr", "lr is 3: inner"},
		{strict.Under("optimizer", wrong), "optimizer.lr", "optimizer: lr is 3: inner"},
		{fmt.Errorf("r.yaml: %w", strict.Under("train", strict.Under("optimizer", wrong))), "train.optimizer.lr",
			"r.yaml: train: optimizer: lr is 3: inner"},
		{strict.Under("data", inner), "data", "data: inner"},
		{inner, "", "inner"},
	} {
		if got := strict.Key(c.err); got != c.key || c.err.Error() != c.text || !errors.Is(c.err, inner) {
			t.Errorf("found %q about %q, expected %q about %q", c.err, got, c.text, c.key)
		}
	}
	if err := strict.Under("data", nil); err != nil {
		t.Errorf("found %v for no error", err)
	}
}
