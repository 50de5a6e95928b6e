// Package sample holds a photograph that demonstrations and tests read.
//
// It is "seeding" by Clemens Engelhardt (2018), in the public domain by CC0-1.0, from Debian's package lomiri-wallpapers-16.04: cut to 16:9
// in the middle, shrunk to 1280×720 with Lanczos, and written as JPEG of quality 90 by Pillow. The models in the program have not learned
// from it.
package sample

import (
	"bytes"
	_ "embed" // the photograph

	"github.com/longspan/longspan/picture/file"
)

//go:embed seeding.jpg
var seeding []byte

// Photo is the photograph, of 1280×720 pixels.
func Photo() (*file.Picture, error) {
	return file.Read(bytes.NewReader(seeding), "seeding.jpg", file.Limits{})
}
