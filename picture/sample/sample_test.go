package sample_test

import (
	"testing"

	"github.com/longspan/longspan/picture/sample"
)

func TestPhoto(t *testing.T) {
	p, err := sample.Photo()
	if err != nil || p.Image.Width != 1280 || p.Image.Height != 720 || p.Image.Channels != 3 || len(p.Notes) != 0 {
		t.Errorf("found %+v, %v", p, err)
	}
}
